/**
 * Protocol M13: method "condorcet-ties": rank options, with ties, perhaps not all; only who beats whom is decrypted
 * (docs/spec/methods.md). Options without a rank stand below all ranked ones and are tied among themselves.
 *
 * The same values, shapes and words as voting/protocol/methods/condorcet_ties.py. Must not import another method.
 *
 * @typedef {{levels: (number|null)[]}} TiesSelection the level of every option: lower is better, null is not ranked
 */

import { SelectionError } from "../core/errors.js";
import { plainText, t } from "../text.js";
import { isLevelList, isWithin, readForm, rising } from "./selections.js";
import { bits, constraint, range, totalsOf } from "./shapes.js";

/** The ordered pairs i, j of n options with i and j different, i first. */
function pairsOf(n) {
  return range(0, n).flatMap((i) => range(0, n).filter((j) => j !== i).map((j) => [i, j]));
}

/** The levels that occur, best first. */
function usedLevels(levels) {
  return rising(new Set(levels.filter((level) => level !== null)));
}

/** Levels without gaps, from 0; options without a rank share the last one. */
function normalLevels(levels) {
  const used = usedLevels(levels);
  return levels.map((level) => (level === null ? used.length : used.indexOf(level)));
}

/** Protocol M13a: a level for each option, then a bit for each ordered pair: i is preferred to j. */
export function shape({ options }) {
  const n = options.length;
  const pairs = pairsOf(n);
  const values = n + pairs.length;
  const levels = range(0, n).map((index) => constraint([[index, 1]], range(0, n)));
  const links = pairs.map(([i, j], position) =>
    constraint([[i, -1], [j, 1], [n + position, -n]], range(-(n - 1), 1)),
  );
  return { values, constraints: [...levels, ...bits(n, values), ...links], totals: totalsOf(n, values) };
}

/** Protocol M13c: levels without gaps, then 1 for each pair whose first option has the better level. */
export function encodeSelection({ options }, selection) {
  const count = options.length;
  if (selection.levels.length !== count) {
    throw new SelectionError(t("give a level, or null for no rank, to each of the {count} options", { count }));
  }
  if (selection.levels.some((level) => level !== null && !isWithin(level, 0, count - 1))) {
    throw new SelectionError(t("levels go from 0 (best) to {last}", { last: count - 1 }));
  }
  const levels = normalLevels(selection.levels);
  return [...levels, ...pairsOf(count).map(([i, j]) => Number(levels[i] < levels[j]))];
}

/** Read {"levels": [level of each option, or null]}. */
export function parseSelection(question, data) {
  const form = '{"levels": [level of each option, or null]}';
  const selection = readForm(data, form, { levels: { is: isLevelList } });
  encodeSelection(question, selection);
  return { levels: [...selection.levels] };
}

/** One line per rank with the options that share it, then those without a rank. */
export function describeSelection({ options }, { levels }, language) {
  const named = (level) => {
    const found = options.filter((_, number) => levels[number] === level);
    return found.map((option) => plainText(option, language).text).join(", ");
  };
  const lines = usedLevels(levels).map((level, rank) =>
    t("Rank {number}: {options}", { number: rank + 1, options: named(level) }),
  );
  if (levels.includes(null)) lines.push(t("Not ranked: {options}", { options: named(null) }));
  return lines;
}
