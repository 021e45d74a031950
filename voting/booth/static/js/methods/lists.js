/**
 * Protocol M8: method "lists": one list, and any of its candidates (docs/spec/methods.md).
 *
 * The same values, shapes and words as voting/protocol/methods/lists.py. Must not import another method.
 *
 * @typedef {{list: number, candidates: number[]}} ListsSelection candidates are numbered from 0 within their list
 */

import { SelectionError } from "../core/errors.js";
import { plainText, t } from "../text.js";
import { isNumberList, isWholeNumber, isWithin, readForm, requireDistinct, rising } from "./selections.js";
import { bits, constraint, range, sumOf, totalsOf } from "./shapes.js";

/** Protocol M8a: bits, all lists first; one list; for each list a constraint that only the chosen one satisfies with
 * chosen candidates. */
export function shape({ lists }) {
  const count = lists.length;
  const bound = [];
  let start = count;
  for (const [number, { candidates }] of lists.entries()) {
    const n = candidates.length;
    const terms = range(start, start + n).map((index) => [index, 1]);
    bound.push(constraint([[number, -(n + 1)], ...terms], range(0, n + 2), n + 1));
    start += n;
  }
  const constraints = [...bits(0, start), sumOf(range(0, count), 1, 1), ...bound];
  return { values: start, constraints, totals: totalsOf(0, start) };
}

/** Protocol M8c: 1 for the list, and for its chosen candidates. */
export function encodeSelection({ lists }, selection) {
  if (!isWithin(selection.list, 0, lists.length - 1)) {
    throw new SelectionError(t("lists are numbered from 0 to {last}", { last: lists.length - 1 }));
  }
  requireDistinct(selection.candidates, lists[selection.list].candidates.length, {
    outside: (last) => t("candidates of a list are numbered from 0 to {last}", { last }),
    twice: () => t("the same one of the candidates of a list is named twice"),
  });
  const marks = lists.map((_, number) => Number(number === selection.list));
  for (const [number, { candidates }] of lists.entries()) {
    const chosen = number === selection.list ? selection.candidates : [];
    marks.push(...candidates.map((_, place) => Number(chosen.includes(place))));
  }
  return marks;
}

/** Read {"list": number, "candidates": [numbers within the list]}; "candidates" may be left out. */
export function parseSelection(question, data) {
  const form = '{"list": number of the list, "candidates": [numbers within the list]}';
  const selection = readForm(data, form, {
    list: { is: isWholeNumber },
    candidates: { is: isNumberList, missing: [] },
  });
  encodeSelection(question, selection);
  return { list: selection.list, candidates: rising(selection.candidates) };
}

/** The list, then one line per chosen candidate. */
export function describeSelection({ lists }, selection, language) {
  const chosen = lists[selection.list];
  const lines = [t("List: {option}", { option: plainText(chosen.name, language).text })];
  for (const place of selection.candidates) {
    lines.push(t("Personal vote: {option}", { option: plainText(chosen.candidates[place], language).text }));
  }
  if (chosen.candidates.length && !selection.candidates.length) lines.push(t("No personal vote"));
  return lines;
}
