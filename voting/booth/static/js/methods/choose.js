/**
 * Protocol M5: method "choose": between `min` and `max` of the options, perhaps a blank vote (docs/spec/methods.md).
 *
 * The same values, shapes and words as voting/protocol/methods/choose.py. Must not import another method.
 *
 * @typedef {{chosen: number[], blank: boolean}} ChooseSelection option numbers from 0, in the manifest's order
 */

import { SelectionError } from "../core/errors.js";
import { plainText, t } from "../text.js";
import { isNumberList, isTruth, readForm, requireDistinct, rising } from "./selections.js";
import { bits, constraint, range, sumOf, totalsOf } from "./shapes.js";

/** Protocol M5a: bits x_0.., with their sum in min..max; a blank vote is one more bit, worth n + 1 in the sum. */
export function shape({ options, min, max, blank }) {
  const n = options.length;
  const values = n + Number(blank);
  const terms = range(0, n).map((index) => [index, 1]);
  const counted = blank
    ? constraint([...terms, [n, n + 1]], [...range(min, max + 1), n + 1])
    : sumOf(range(0, n), min, max);
  return { values, constraints: [...bits(0, values), counted], totals: totalsOf(0, values) };
}

/** Protocol M5c: 1 for every chosen option, then the blank vote. */
export function encodeSelection({ options, min, max, blank }, selection) {
  requireDistinct(selection.chosen, options.length, {
    outside: (last) => t("options are numbered from 0 to {last}", { last }),
    twice: () => t("the same one of the options is named twice"),
  });
  if (selection.blank && !blank) throw new SelectionError(t("this question has no blank vote"));
  if (selection.blank && selection.chosen.length) {
    throw new SelectionError(t("a blank vote cannot choose an option as well"));
  }
  if (!selection.blank && !(min <= selection.chosen.length && selection.chosen.length <= max)) {
    throw new SelectionError(t("choose from {min} to {max} options", { min, max }));
  }
  const marks = options.map((_, number) => Number(selection.chosen.includes(number)));
  return blank ? [...marks, Number(selection.blank)] : marks;
}

/** Read {"chosen": [option numbers], "blank": true or false}; "blank" may be left out. */
export function parseSelection(question, data) {
  const selection = readForm(data, '{"chosen": [option numbers], "blank": true or false}', {
    chosen: { is: isNumberList },
    blank: { is: isTruth, missing: false },
  });
  encodeSelection(question, selection);
  return { chosen: rising(selection.chosen), blank: selection.blank };
}

/** One line per chosen option. */
export function describeSelection({ options }, selection, language) {
  if (selection.blank) return [t("Blank vote")];
  if (!selection.chosen.length) return [t("No option chosen")];
  return selection.chosen.map((number) => plainText(options[number], language).text);
}
