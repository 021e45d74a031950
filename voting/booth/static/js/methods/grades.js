/**
 * Protocol M7: method "grades": majority judgment: one grade for each option (docs/spec/methods.md).
 *
 * The same values, shapes and words as voting/protocol/methods/grades.py. Must not import another method.
 *
 * @typedef {{grades: number[]}} GradesSelection the number of every option's grade; 0 is the best
 */

import { SelectionError } from "../core/errors.js";
import { plainText, t } from "../text.js";
import { isNumberList, isWithin, readForm } from "./selections.js";
import { bits, range, sumOf, totalsOf } from "./shapes.js";

/** Protocol M7a: bits, option by option; the bits of each option sum to 1. */
export function shape({ options, grades }) {
  const [n, g] = [options.length, grades.length];
  const oneEach = range(0, n).map((i) => sumOf(range(i * g, (i + 1) * g), 1, 1));
  return { values: n * g, constraints: [...bits(0, n * g), ...oneEach], totals: totalsOf(0, n * g) };
}

/** Protocol M7c: 1 where the option has the grade. */
export function encodeSelection(question, { grades }) {
  const [count, g] = [question.options.length, question.grades.length];
  if (grades.length !== count) {
    throw new SelectionError(t("give a grade to each of the {count} options", { count }));
  }
  if (grades.some((grade) => !isWithin(grade, 0, g - 1))) {
    throw new SelectionError(t("grades are numbered from 0 (best) to {last}", { last: g - 1 }));
  }
  return grades.flatMap((grade) => range(0, g).map((number) => Number(number === grade)));
}

/** Read {"grades": [number of each option's grade, 0 is the best]}. */
export function parseSelection(question, data) {
  const form = '{"grades": [number of each option\'s grade]}';
  const selection = readForm(data, form, { grades: { is: isNumberList } });
  encodeSelection(question, selection);
  return { grades: [...selection.grades] };
}

/** One line per option: its grade. */
export function describeSelection(question, { grades }, language) {
  return question.options.map((option, number) =>
    t("{option}: {value}", {
      option: plainText(option, language).text,
      value: plainText(question.grades[grades[number]], language).text,
    }),
  );
}
