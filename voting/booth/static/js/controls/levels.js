/**
 * The control of method "condorcet-ties" (M13): a rank for each option; options may share one, or have none. The
 * status line reads the whole ranking back, since that is what counts: gaps between the ranks are closed.
 */

import { h } from "../dom.js";
import { describeSelection } from "../methods/condorcet_ties.js";
import { t } from "../text.js";

/**
 * @param {import("../methods/index.js").Question} question
 * @param {import("./frame.js").Frame} frame
 * @param {{levels?: (number|null)[]}|null} selection
 * @returns {import("./frame.js").Control}
 */
export function levelsControl(question, frame, selection) {
  const { options } = question;
  const { id } = frame;

  const fields = options.map((_, number) => {
    const level = selection?.levels?.[number] ?? null;
    return h(
      "select",
      {
        id: `${id}-option-${number}`,
        autocomplete: "off",
        onchange: () => {
          say();
          frame.changed();
        },
      },
      h("option", { value: "", selected: level === null }, t("Not ranked")),
      options.map((_, place) =>
        h("option", { value: String(place), selected: level === place }, t("Rank {number}", { number: place + 1 })),
      ),
    );
  });

  const draft = () => ({ levels: fields.map(({ value }) => (value === "" ? null : Number(value))) });
  const isBlank = () => fields.every(({ value }) => value === "");

  function say() {
    if (isBlank()) frame.say(t("Nothing is ranked. You may leave it so: your vote then prefers no option to another."));
    else frame.say([t("Your ranking so far:"), ...describeSelection(question, draft(), frame.shown)]);
  }

  const rows = options.map((option, number) =>
    h(
      "li",
      { class: "control-row" },
      h("label", { for: fields[number].id, class: "row-name" }, frame.label(option)),
      fields[number],
    ),
  );
  frame.fill(
    [
      t("Give each option a rank; rank 1 is the best. Several options may share a rank."),
      t("Options that you do not rank come last, together."),
    ],
    0,
    h("ul", { class: "control-rows" }, rows),
  );
  say();
  return { read: draft, draft, isBlank };
}
