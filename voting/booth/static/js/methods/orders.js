/**
 * What the methods "ranking" and "condorcet" share (protocol M10, M12): an order of all options, best first.
 *
 * Must not import a method.
 *
 * @typedef {{order: number[]}} OrderSelection all option numbers, best first
 */

import { SelectionError } from "../core/errors.js";
import { plainText, t } from "../text.js";
import { isNumberList, readForm, rising } from "./selections.js";
import { range } from "./shapes.js";

/** Protocol M10c: the permutation matrix of an order, option by option: 1 where the option has the rank. */
export function encodeOrder({ options }, { order }) {
  const count = options.length;
  const sorted = rising(order);
  if (sorted.length !== count || sorted.some((option, place) => option !== place)) {
    const text = t("rank each of the {count} options once (they are numbered from 0 to {last})", {
      count,
      last: count - 1,
    });
    throw new SelectionError(text);
  }
  return range(0, count).flatMap((option) => order.map((ranked) => Number(ranked === option)));
}

/** Read {"order": [all option numbers, best first]}. */
export function parseOrder(question, data) {
  const form = '{"order": [all option numbers, best first]}';
  const selection = readForm(data, form, { order: { is: isNumberList } });
  encodeOrder(question, selection);
  return { order: [...selection.order] };
}

/** One line per rank, best first. */
export function describeOrder({ options }, { order }, language) {
  return order.map((option, rank) =>
    t("Rank {number}: {options}", { number: rank + 1, options: plainText(options[option], language).text }),
  );
}
