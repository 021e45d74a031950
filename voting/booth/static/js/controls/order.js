/**
 * The control of the methods "ranking" (M10) and "condorcet" (M12): an order of all options.
 *
 * Every option starts as not yet ranked, so no printed order is cast by accident. Choosing an option puts it next in
 * the order; Up, Down and the list of places move it; dragging by the grip is an extra for mouse and finger
 * (`dragging.js`). Every move is said in the status line, and the focus stays with what was moved.
 */

import { h, replaceChildren } from "../dom.js";
import { t } from "../text.js";
import { makeDraggable } from "./dragging.js";

const TAKE_OUT = "out";

/**
 * @param {import("../methods/index.js").Question} question
 * @param {import("./frame.js").Frame} frame
 * @param {{order?: number[]}|null} selection all options, or the first ones of an order that is not finished
 * @returns {import("./frame.js").Control}
 */
export function orderControl(question, frame, selection) {
  const { options } = question;
  const { id } = frame;
  const count = options.length;
  const names = options.map(frame.name);
  const order = [...(selection?.order ?? [])];

  const pool = options.map((option, number) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "order-add", id: `${id}-option-${number}`, onclick: () => add(number) },
        h("span", { class: "order-sign", "aria-hidden": "true" }, "+"),
        h("span", { class: "order-name" }, frame.label(option)),
      ),
    ),
  );
  const items = options.map((option, number) => makeItem(option, number));
  const poolList = h("ul", { class: "order-pool" }, pool);
  const rankedList = h("ol", { class: "order-ranked" });
  const nothing = h("p", { class: "order-nothing quiet" }, t("Nothing is ranked yet."));
  const restart = h("button", { type: "button", class: "link", onclick: startAgain }, t("Start again"));
  const waiting = part("pool", t("Not ranked yet"), [poolList]);
  const ranked = part("ranked", t("Your order, best first"), [nothing, rankedList, restart]);
  const columns = h("div", { class: "order-columns" }, waiting, ranked);

  function part(name, title, content) {
    const titleId = `${id}-${name}`;
    const heading = h("p", { class: "order-title", id: titleId }, title);
    return h("div", { role: "group", "aria-labelledby": titleId }, heading, content);
  }

  function makeItem(option, number) {
    const move = (label, sign, by) =>
      h("button", { type: "button", class: "step", "aria-label": label, onclick: () => moveBy(number, by) }, sign);
    const place = h("select", {
      class: "order-place",
      "aria-label": t("Place of {name}", { name: names[number] }),
      autocomplete: "off",
      onchange: () => choosePlace(number),
    });
    const up = move(t("Move {name} up", { name: names[number] }), "↑", -1);
    const down = move(t("Move {name} down", { name: names[number] }), "↓", 1);
    const grip = h("span", { class: "order-grip", "aria-hidden": "true" }, "⠿");
    const name = h("span", { class: "order-name" }, frame.label(option));
    const tools = h("span", { class: "order-tools" }, place, up, down);
    const element = h("li", { class: "order-item" }, grip, name, tools);
    makeDraggable(grip, element, { moveTo: (to) => moveTo(number, to), finish: () => announce(number) });
    return { element, place, up, down };
  }

  /** Bring the page to what `order` says, without touching what stands right: the focused element keeps its focus. */
  function arrange() {
    for (const [number, element] of pool.entries()) element.hidden = order.includes(number);
    for (const [number, { element }] of items.entries()) if (!order.includes(number)) element.remove();
    for (const [place, number] of order.entries()) {
      const { element, place: field, up, down } = items[number];
      if (rankedList.children[place] !== element) rankedList.insertBefore(element, rankedList.children[place] ?? null);
      if (field.options.length !== order.length + 1) {
        replaceChildren(
          field,
          order.map((_, rank) => h("option", { value: String(rank) }, String(rank + 1))),
          h("option", { value: TAKE_OUT }, t("Take out")),
        );
      }
      field.value = String(place);
      up.setAttribute("aria-disabled", String(place === 0));
      down.setAttribute("aria-disabled", String(place === order.length - 1));
    }
    const isDone = order.length === count;
    rankedList.hidden = order.length === 0;
    nothing.hidden = !rankedList.hidden;
    restart.hidden = rankedList.hidden;
    waiting.hidden = isDone;
    columns.classList.toggle("is-done", isDone);
  }

  function add(number) {
    const left = options.map((_, other) => other).filter((other) => !order.includes(other));
    const next = left[left.indexOf(number) + 1] ?? left[left.indexOf(number) - 1];
    order.push(number);
    arrange();
    (next === undefined ? items[number].place : pool[next].firstChild).focus();
    announce(number);
  }

  function moveBy(number, by) {
    const to = order.indexOf(number) + by;
    if (to < 0 || to >= order.length) return;
    moveTo(number, to);
    items[number][by < 0 ? "up" : "down"].focus();
    announce(number);
  }

  function moveTo(number, to) {
    order.splice(order.indexOf(number), 1);
    order.splice(to, 0, number);
    arrange();
  }

  function choosePlace(number) {
    const { value } = items[number].place;
    if (value === TAKE_OUT) {
      order.splice(order.indexOf(number), 1);
      arrange();
      pool[number].firstChild.focus();
      frame.say([t("{name} is taken out.", { name: names[number] }), rest()]);
      frame.changed();
    } else {
      moveTo(number, Number(value));
      items[number].place.focus();
      announce(number);
    }
  }

  function startAgain() {
    order.length = 0;
    arrange();
    pool[0].firstChild.focus();
    frame.say(rest());
    frame.changed();
  }

  function announce(number) {
    const news = t("{name} is now number {number} of {count}.", {
      name: names[number],
      number: order.indexOf(number) + 1,
      count,
    });
    frame.say([news, rest()]);
    frame.changed();
  }

  function rest() {
    const left = count - order.length;
    if (left === 0) return t("All options are ranked.");
    return left === 1 ? t("1 option is not ranked yet.") : t("{count} options are not ranked yet.", { count: left });
  }

  const draft = () => ({ order: [...order] });

  function read() {
    const first = options.findIndex((_, number) => !order.includes(number));
    if (first >= 0) throw frame.fault(`${t("Rank all options.")} ${rest()}`, pool[first].firstChild.id);
    return draft();
  }

  frame.fill(
    [t("Rank all options: choose the best one first, then the next, until none is left. You can change the order.")],
    2 * count,
    columns,
  );
  arrange();
  frame.say(rest());
  return { read, draft, isBlank: () => order.length === 0 };
}
