/**
 * Protocol M10: method "ranking": rank all options; each rank is worth points (docs/spec/methods.md).
 *
 * The same values, shapes and words as voting/protocol/methods/ranking.py. Must not import another method.
 */

import { permutationMatrix, totalsOf } from "./shapes.js";

export {
  describeOrder as describeSelection,
  encodeOrder as encodeSelection,
  parseOrder as parseSelection,
} from "./orders.js";

/** Protocol M10a: a permutation matrix: option i at rank k. */
export function shape({ options }) {
  const cells = options.length ** 2;
  return { values: cells, constraints: permutationMatrix(options.length), totals: totalsOf(0, cells) };
}
