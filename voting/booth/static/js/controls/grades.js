/**
 * The control of method "grades" (M7): a table of radio buttons, options by grades. Where it has no room, the
 * stylesheet folds it to one card per option. Every option needs a grade; none is filled in for the voter.
 */

import { h } from "../dom.js";
import { t } from "../text.js";
import { makeFilter } from "./filter.js";

/** About as many letters have room in the headings of the table; longer scales are always shown as cards. */
const MOST_LETTERS = 53;
const NARROWEST_COLUMN = 5;

/**
 * @param {import("../methods/index.js").Question} question
 * @param {import("./frame.js").Frame} frame
 * @param {{grades?: (number|null)[]}|null} selection
 * @returns {import("./frame.js").Control}
 */
export function gradesControl(question, frame, selection) {
  const { options, grades } = question;
  const { id } = frame;

  const buttons = options.map((_, number) =>
    grades.map((_, grade) =>
      h("input", {
        type: "radio",
        id: `${id}-option-${number}-grade-${grade}`,
        name: `${id}-option-${number}`,
        "aria-labelledby": `${id}-option-${number}-name ${id}-option-${number}-grade-${grade}-name`,
        checked: selection?.grades?.[number] === grade,
        onchange: () => {
          say();
          frame.changed();
        },
      }),
    ),
  );
  const gradeOf = (number) => {
    const grade = buttons[number].findIndex((button) => button.checked);
    return grade < 0 ? null : grade;
  };
  const draft = () => ({ grades: options.map((_, number) => gradeOf(number)) });
  const missing = () => draft().grades.flatMap((grade, number) => (grade === null ? [number] : []));

  function say() {
    const total = options.length;
    const count = total - missing().length;
    if (count < total) frame.say(t("{count} of {total} options have a grade.", { count, total }));
    else frame.say(t("All options have a grade."));
  }

  function read() {
    const [first, ...others] = missing();
    if (first !== undefined) {
      const name = frame.name(options[first]);
      const text = others.length
        ? t("Give each option a grade. Still without: {name} and {count} more.", { name, count: others.length })
        : t("Give each option a grade. Still without: {name}.", { name });
      throw frame.fault(text, buttons[first][0].id);
    }
    return draft();
  }

  // The roles stand here because a table that the stylesheet turns into blocks may lose them.
  const head = h(
    "tr",
    { role: "row" },
    h("th", { role: "columnheader", scope: "col" }, t("Option")),
    grades.map((grade) => h("th", { role: "columnheader", scope: "col", class: "grade-head" }, frame.label(grade))),
  );
  const rows = options.map((option, number) =>
    h(
      "tr",
      { role: "row" },
      h("th", { role: "rowheader", scope: "row", id: `${id}-option-${number}-name` }, frame.label(option)),
      grades.map((grade, place) => {
        const button = buttons[number][place];
        const name = h("span", { class: "grade-name", id: `${button.id}-name` }, frame.label(grade));
        return h("td", { role: "cell" }, h("label", { class: "grade-cell", for: button.id }, button, name));
      }),
    ),
  );
  const items = rows.map((element, number) => ({
    element,
    text: frame.name(options[number]),
    isKept: () => false,
  }));
  frame.fill([t("Give each option one grade. You may give the same grade to several options.")], rows.length, [
    makeFilter(`${id}-filter`, items),
    h(
      "table",
      { role: "table", class: hasRoom(grades, frame) ? "grades grades-as-table" : "grades" },
      h("thead", { role: "rowgroup" }, head),
      h("tbody", { role: "rowgroup" }, rows),
    ),
  ]);
  say();
  return { read, draft, isBlank: () => missing().length === options.length };
}

/** Whether the grades can stand side by side without breaking a word. */
function hasRoom(grades, frame) {
  const longest = (grade) => Math.max(NARROWEST_COLUMN, ...frame.name(grade).split(/\s+/).map((word) => word.length));
  return grades.reduce((letters, grade) => letters + longest(grade) + 1, 0) <= MOST_LETTERS;
}
