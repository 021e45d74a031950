/**
 * Protocol M6: method "score": 0 to `highest` points for each option, their sum between `min` and `max`
 * (docs/spec/methods.md). Score voting, and cumulative voting when `max` is a budget.
 *
 * The same values, shapes and words as voting/protocol/methods/score.py. Must not import another method.
 *
 * @typedef {{scores: number[]}} ScoreSelection the points of every option
 */

import { SelectionError } from "../core/errors.js";
import { plainText, t } from "../text.js";
import { isNumberList, isWithin, readForm } from "./selections.js";
import { constraint, range, sumOf, totalsOf } from "./shapes.js";

/** Protocol M6a: each value in 0..highest, their sum in min..max. */
export function shape({ options, highest, min, max }) {
  const n = options.length;
  const points = range(0, highest + 1);
  const single = range(0, n).map((index) => constraint([[index, 1]], points));
  return { values: n, constraints: [...single, sumOf(range(0, n), min, max)], totals: totalsOf(0, n, highest) };
}

/** Protocol M6c: the points of each option. */
export function encodeSelection({ options, highest, min, max }, { scores }) {
  const count = options.length;
  if (scores.length !== count) {
    throw new SelectionError(t("give points to each of the {count} options (0 is allowed)", { count }));
  }
  if (scores.some((points) => !isWithin(points, 0, highest))) {
    throw new SelectionError(t("points for one option go from 0 to {highest}", { highest }));
  }
  const sum = scores.reduce((total, points) => total + points, 0);
  if (sum < min || sum > max) {
    throw new SelectionError(t("the points must sum to a number from {min} to {max}", { min, max }));
  }
  return [...scores];
}

/** Read {"scores": [points of each option]}. */
export function parseSelection(question, data) {
  const selection = readForm(data, '{"scores": [points of each option]}', { scores: { is: isNumberList } });
  return { scores: encodeSelection(question, selection) };
}

/** One line per option: its points. */
export function describeSelection({ options }, { scores }, language) {
  return options.map((option, number) =>
    t("{option}: {value}", { option: plainText(option, language).text, value: scores[number] }),
  );
}
