/**
 * Making document nodes. Texts only ever become text nodes, so nothing that a person wrote can become markup.
 *
 * Must not import anything.
 */

/**
 * Make an element: `h("p", {class: "note"}, "Text ", h("b", {}, name))`.
 *
 * Attributes: a function is an event listener (`onclick: () => …`); `true` sets an empty attribute; `false`, `null` and
 * `undefined` leave it out; anything else is written as text. `value`, `checked`, `disabled`, `hidden` and `selected`
 * are set as properties, so that they hold for controls in use. Children: nodes, texts, numbers, lists of them; `null`,
 * `undefined` and `false` are left out.
 *
 * @param {string} tag
 * @param {Record<string, unknown>|null} [attributes]
 * @param {...unknown} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(element, name, value);
  append(element, children);
  return element;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "indeterminate"]);
const FORBIDDEN = new Set(["style", "srcdoc", "innerHTML", "outerHTML"]);

function setAttribute(element, name, value) {
  if (typeof value === "function" && name.startsWith("on")) {
    element.addEventListener(name.slice(2).toLowerCase(), value);
  } else if (FORBIDDEN.has(name) || name.startsWith("on")) {
    throw new TypeError(`h() does not set ${name}`);
  } else if (PROPERTIES.has(name) && name in element) {
    element[name] = value ?? (name === "value" ? "" : false);
  } else if (value === true) {
    element.setAttribute(name, "");
  } else if (value !== false && value !== null && value !== undefined) {
    element.setAttribute(name, String(value));
  }
}

/**
 * Append children as `h` takes them.
 *
 * @param {Element|DocumentFragment} parent
 * @param {unknown} children
 */
export function append(parent, children) {
  if (Array.isArray(children)) {
    for (const child of children) append(parent, child);
  } else if (children instanceof Node) {
    parent.appendChild(children);
  } else if (children !== null && children !== undefined && children !== false && children !== true) {
    parent.appendChild(document.createTextNode(String(children)));
  }
}

/**
 * Put new children in the place of the old ones.
 *
 * @param {Element} parent
 * @param {...unknown} children as for `h`
 */
export function replaceChildren(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/**
 * Put the keyboard focus and the reading place on an element that is no control, e.g. the heading of a new step.
 *
 * @param {HTMLElement} element
 */
export function focusOn(element) {
  if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/**
 * A text of the election with its own language and direction, where they differ from the page's.
 *
 * @param {string} tag
 * @param {{text: string, lang: string, dir: string}} words from `plainText`
 * @param {Record<string, unknown>} [attributes]
 * @returns {HTMLElement}
 */
export function words(tag, { text, lang, dir }, attributes = {}) {
  const foreign = lang !== document.documentElement.lang;
  return h(tag, { ...attributes, ...(foreign ? { lang, dir } : {}) }, text);
}
