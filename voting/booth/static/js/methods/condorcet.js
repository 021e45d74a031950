/**
 * Protocol M12: method "condorcet": rank all options; only who beats whom is decrypted (docs/spec/methods.md).
 *
 * The same values, shapes and words as voting/protocol/methods/condorcet.py. Must not import the method with ties.
 */

import { encodeOrder } from "./orders.js";
import { bits, constraint, permutationMatrix, range, totalsOf } from "./shapes.js";

export { describeOrder as describeSelection, parseOrder as parseSelection } from "./orders.js";

/** The pairs i < j of n options: (0,1), (0,2), .., (1,2), .. */
function pairsOf(n) {
  return range(0, n).flatMap((i) => range(i + 1, n).map((j) => [i, j]));
}

/** Protocol M12a: a permutation matrix, then a bit for each pair i < j: i is preferred to j. One constraint per option
 * links the two. */
export function shape({ options }) {
  const n = options.length;
  const pairs = pairsOf(n);
  const values = n * n + pairs.length;
  const links = range(0, n).map((i) => {
    const terms = range(0, n).map((k) => [i * n + k, -(n - 1 - k)]);
    for (const [position, [first, second]] of pairs.entries()) {
      if (first === i) terms.push([n * n + position, 1]);
      if (second === i) terms.push([n * n + position, -1]);
    }
    return constraint(terms, [0], i);
  });
  const constraints = [...permutationMatrix(n), ...bits(n * n, values), ...links];
  return { values, constraints, totals: totalsOf(n * n, values) };
}

/** Protocol M12c: the permutation matrix, then 1 for each pair whose first option comes first. */
export function encodeSelection(question, selection) {
  const matrix = encodeOrder(question, selection);
  const rank = new Map(selection.order.map((option, position) => [option, position]));
  const preferred = pairsOf(question.options.length).map(([i, j]) => Number(rank.get(i) < rank.get(j)));
  return [...matrix, ...preferred];
}
