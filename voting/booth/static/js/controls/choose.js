/**
 * The control of method "choose" (M5): radio buttons where one option can be chosen, else checkboxes with their number.
 *
 * Too many ticks are explained, never prevented. A blank vote is a choice of its own: it clears the others, and another
 * choice clears it, and the status line says so.
 */

import { h } from "../dom.js";
import { t } from "../text.js";
import { makeFilter } from "./filter.js";

/**
 * @param {import("../methods/index.js").Question} question
 * @param {import("./frame.js").Frame} frame
 * @param {{chosen?: number[], blank?: boolean}|null} selection
 * @returns {import("./frame.js").Control}
 */
export function chooseControl(question, frame, selection) {
  const { options, min, max } = question;
  const { id } = frame;
  const isSingle = max === 1;
  const type = isSingle ? "radio" : "checkbox";
  const input = (suffix, checked) =>
    h("input", { type, id: `${id}-${suffix}`, name: isSingle ? id : `${id}-${suffix}`, checked, onchange: change });
  const row = (box, text) =>
    h("label", { class: "choice", for: box.id }, box, h("span", { class: "choice-text" }, text));

  const boxes = options.map((_, number) => input(`option-${number}`, selection?.chosen?.includes(number)));
  const blank = question.blank ? input("blank", selection?.blank) : null;
  // Radio buttons cannot be cleared, so choosing nothing needs a button of its own.
  const none = isSingle && min === 0 ? input("none", false) : null;
  const rows = boxes.map((box, number) => row(box, frame.label(options[number])));

  const ticked = () => boxes.filter((box) => box.checked);
  const chosen = () => boxes.flatMap((box, number) => (box.checked ? [number] : []));

  function change({ target }) {
    let cleared = "";
    if (!isSingle && target === blank && blank.checked) {
      const count = ticked().length;
      for (const box of boxes) box.checked = false;
      if (count === 1) cleared = t("Your other choice was cleared.");
      if (count > 1) cleared = t("Your {count} other choices were cleared.", { count });
    } else if (!isSingle && blank?.checked && target.checked) {
      blank.checked = false;
      cleared = t("The blank vote was cleared.");
    }
    say(cleared);
    frame.changed();
  }

  function say(cleared) {
    if (isSingle) return;
    const count = ticked().length;
    if (blank?.checked) frame.say([t("Blank vote chosen."), cleared]);
    else if (count > max) frame.say(tooMany(count), { isFault: true });
    else frame.say([cleared, counted(count, question)]);
  }

  const tooMany = (count) =>
    t("{count} options chosen, but at most {max} are allowed. Untick {excess}.", { count, max, excess: count - max });

  function read() {
    const count = ticked().length;
    if (!blank?.checked && count > max) throw frame.fault(tooMany(count), ticked()[0].id);
    if (!blank?.checked && count < min) throw frame.fault(tooFew(question), boxes[0].id);
    return draft();
  }

  const draft = () => ({ chosen: chosen(), blank: blank?.checked ?? false });

  const items = rows.map((element, number) => ({
    element,
    text: frame.name(options[number]),
    isKept: () => boxes[number].checked,
  }));
  const apart = [
    none && row(none, t("No option")),
    blank && row(blank, t("Blank vote")),
  ];
  frame.fill([howMany(question), question.blank && t("You can also cast a blank vote.")], rows.length, [
    makeFilter(`${id}-filter`, items),
    h("div", { class: "control-options" }, rows),
    apart.some(Boolean) && h("div", { class: "control-options control-apart" }, apart),
  ]);
  say("");
  return { read, draft, isBlank: () => !ticked().length && !blank?.checked };
}

function howMany({ options, min, max }) {
  const all = options.length;
  if (max === 1) return min === 0 ? t("Choose one option, or none.") : t("Choose one option.");
  if (min === max) return t("Choose exactly {count} options.", { count: min });
  if (max === all && min === 0) return t("Choose as many options as you like, or none.");
  if (max === all) return min === 1 ? t("Choose one or more options.") : t("Choose {min} or more options.", { min });
  if (min === 0) return t("Choose up to {max} options, or none.", { max });
  return t("Choose from {min} to {max} options.", { min, max });
}

function counted(count, { min, max }) {
  if (count === 0 && min === 0) {
    return t("No option chosen. You may leave it so: your vote then counts for none of them.");
  }
  if (min === max) return t("{count} of {max} chosen.", { count, max });
  if (count < min) return t("{count} of at most {max} chosen; choose at least {min}.", { count, max, min });
  return t("{count} of at most {max} chosen.", { count, max });
}

function tooFew({ min, max, blank }) {
  if (max === 1) return blank ? t("Choose one option, or the blank vote.") : t("Choose one option.");
  if (min === 1) return blank ? t("Choose at least one option, or the blank vote.") : t("Choose at least one option.");
  return blank
    ? t("Choose at least {min} options, or the blank vote.", { min })
    : t("Choose at least {min} options.", { min });
}
