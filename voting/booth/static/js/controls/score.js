/**
 * The control of method "score" (M6): a number field with a minus and a plus button for each option, and a line that
 * says how many points are given and left. Too many points are explained, never prevented.
 */

import { h } from "../dom.js";
import { t } from "../text.js";
import { makeFilter } from "./filter.js";

/**
 * @param {import("../methods/index.js").Question} question
 * @param {import("./frame.js").Frame} frame
 * @param {{scores?: (number|null)[]}|null} selection
 * @returns {import("./frame.js").Control}
 */
export function scoreControl(question, frame, selection) {
  const { options, highest, min, max } = question;
  const { id } = frame;
  const names = options.map(frame.name);

  const fields = options.map((_, number) =>
    h("input", {
      type: "number",
      id: `${id}-option-${number}`,
      class: "score-points",
      inputmode: "numeric",
      autocomplete: "off",
      min: 0,
      max: highest,
      step: 1,
      value: selection?.scores?.[number] ?? 0,
      oninput: () => change(),
      onchange: () => restoreZero(number),
      onfocus: (event) => event.target.select(),
      // A wheel over a focused number field would change the points while the voter only wants to scroll.
      onwheel: (event) => event.target.blur(),
      onkeydown: (event) => event.key === "Enter" && event.preventDefault(),
    }),
  );

  /** The points in a field; null if it holds no whole number from 0 to `highest`. */
  const pointsOf = (field) => {
    if (field.value === "" && !field.validity.badInput) return 0;
    const points = Number(field.value);
    return field.validity.badInput || !Number.isInteger(points) || points < 0 || points > highest ? null : points;
  };
  const given = () => fields.reduce((sum, field) => sum + (pointsOf(field) ?? 0), 0);

  function restoreZero(number) {
    if (fields[number].value === "" && !fields[number].validity.badInput) fields[number].value = 0;
  }

  function step(number, by) {
    const points = Math.min(Math.max((pointsOf(fields[number]) ?? 0) + by, 0), highest);
    fields[number].value = points;
    change(t("{option}: {value}", { option: names[number], value: points }));
  }

  function change(news = "") {
    say(news);
    frame.changed();
  }

  const isBudgeted = min > 0 || max < options.length * highest;

  function say(news) {
    const bad = fields.findIndex((field) => pointsOf(field) === null);
    if (bad >= 0) return frame.say(outside(bad), { isFault: true });
    const sum = given();
    return frame.say([news, isBudgeted && budget(sum, question)], { isFault: sum > max });
  }

  const outside = (number) =>
    t("{option}: type a whole number from 0 to {highest}.", { option: names[number], highest });

  function read() {
    const bad = fields.findIndex((field) => pointsOf(field) === null);
    if (bad >= 0) throw frame.fault(outside(bad), fields[bad].id);
    const sum = given();
    if (sum > max) {
      const largest = fields.reduce((first, field) => (pointsOf(field) > pointsOf(first) ? field : first));
      throw frame.fault(budget(sum, question), largest.id);
    }
    if (sum < min) throw frame.fault(budget(sum, question), fields[0].id);
    return draft();
  }

  const draft = () => ({ scores: fields.map((field) => pointsOf(field) ?? 0) });

  const button = (number, by, symbol, label) =>
    h("button", { type: "button", class: "step", "aria-label": label, onclick: () => step(number, by) }, symbol);
  const rows = options.map((option, number) =>
    h(
      "li",
      { class: "control-row" },
      h("label", { for: fields[number].id, class: "row-name" }, frame.label(option)),
      h(
        "span",
        { class: "stepper" },
        button(number, -1, "−", t("Fewer points for {name}", { name: names[number] })),
        fields[number],
        button(number, 1, "+", t("More points for {name}", { name: names[number] })),
      ),
    ),
  );
  const items = rows.map((element, number) => ({
    element,
    text: names[number],
    isKept: () => pointsOf(fields[number]) !== 0,
  }));
  frame.fill([t("Give each option from 0 to {highest} points.", { highest }), budgetRule(question)], rows.length, [
    makeFilter(`${id}-filter`, items),
    h("ul", { class: "control-rows" }, rows),
  ]);
  say("");
  return { read, draft, isBlank: () => given() === 0 && fields.every((field) => pointsOf(field) !== null) };
}

function budgetRule({ options, highest, min, max }) {
  const isOpen = max >= options.length * highest;
  if (min === max) return t("Give exactly {max} points in all.", { max });
  if (isOpen) return min > 0 && t("Give at least {min} points in all.", { min });
  if (min === 0) return t("Give at most {max} points in all.", { max });
  return t("Give from {min} to {max} points in all.", { min, max });
}

function budget(sum, { options, highest, min, max }) {
  if (sum > max) {
    return t("Points given: {sum}, but only {max} are allowed. Take {excess} away.", { sum, max, excess: sum - max });
  }
  if (sum < min) return t("Points given: {sum}. Give at least {more} more.", { sum, more: min - sum });
  if (max >= options.length * highest) return t("Points given: {sum}.", { sum });
  return t("Points given: {sum} of {max}. Left: {left}.", { sum, max, left: max - sum });
}
