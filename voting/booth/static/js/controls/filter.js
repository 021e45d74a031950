/**
 * A box to find options by, for long questions. It hides what does not match. A control says what it keeps in sight all
 * the same: what the voter has chosen.
 *
 * Must not import a control.
 */

import { h, replaceChildren } from "../dom.js";
import { t } from "../text.js";
import { MANY_OPTIONS } from "./frame.js";

/**
 * A filter for these items, or null if there are too few to need one.
 *
 * @param {string} id of the box
 * @param {{element: HTMLElement, text: string, isKept: () => boolean}[]} items
 * @returns {HTMLElement|null}
 */
export function makeFilter(id, items) {
  if (items.length <= MANY_OPTIONS) return null;
  const found = h("p", { class: "hint", role: "status" });
  const entries = items.map((item) => ({ ...item, text: folded(item.text) }));
  const apply = () => {
    const wanted = folded(box.value).split(/\s+/).filter(Boolean);
    let visible = 0;
    for (const { element, text, isKept } of entries) {
      element.hidden = !isKept() && !wanted.every((word) => text.includes(word));
      visible += Number(!element.hidden);
    }
    const counts = { count: visible, total: entries.length };
    replaceChildren(found, wanted.length ? t("{count} of {total} options are shown.", counts) : null);
  };
  const box = h("input", {
    type: "search",
    id,
    autocomplete: "off",
    spellcheck: "false",
    oninput: apply,
    // Enter would send the form and leave the question.
    onkeydown: (event) => event.key === "Enter" && event.preventDefault(),
  });
  const label = h("label", { for: id }, t("Find among {count} options", { count: items.length }));
  return h("div", { class: "field control-filter" }, label, box, found);
}

/** Text as a reader compares it: without case and accents. */
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
