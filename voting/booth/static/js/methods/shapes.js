/**
 * Protocol M1, M2 (docs/spec/methods.md): ballot shapes: how many encrypted values a ballot carries, which constraints
 * they satisfy, and which totals are decrypted. The order of values, constraints and allowed integers is binding.
 *
 * Must not import anything.
 *
 * @typedef {{terms: [number, number][], constant: number, allowed: number[]}} Constraint the sum of
 *   coefficient * value[index], plus the constant, is one of the allowed integers. `terms` holds [index, coefficient]
 *   with rising indices and no coefficient 0.
 * @typedef {{index: number, highest: number}} Total a value that is summed over all ballots and decrypted
 * @typedef {{values: number, constraints: Constraint[], totals: Total[]}} Shape
 */

/**
 * The whole numbers from `start` to `stop - 1`.
 *
 * @param {number} start
 * @param {number} stop
 * @param {number} [step]
 * @returns {number[]}
 */
export function range(start, stop, step = 1) {
  const numbers = [];
  for (let number = start; number < stop; number += step) numbers.push(number);
  return numbers;
}

/**
 * A constraint on a linear combination; terms with coefficient 0 drop out.
 *
 * @param {[number, number][]} terms [index, coefficient], each index once
 * @param {number[]} allowed in rising order
 * @param {number} [constant]
 * @returns {Constraint}
 */
export function constraint(terms, allowed, constant = 0) {
  const kept = terms.filter(([, coefficient]) => coefficient !== 0);
  kept.sort(([first], [second]) => first - second);
  return { terms: kept, constant, allowed };
}

/**
 * Protocol M1a: one constraint per value from `start` to `stop - 1`: it is 0 or 1.
 *
 * @param {number} start
 * @param {number} stop
 * @returns {Constraint[]}
 */
export function bits(start, stop) {
  return range(start, stop).map((index) => constraint([[index, 1]], [0, 1]));
}

/**
 * Protocol M1b: the sum of some values lies between `lowest` and `highest`, both included.
 *
 * @param {number[]} indices
 * @param {number} lowest
 * @param {number} highest
 * @returns {Constraint}
 */
export function sumOf(indices, lowest, highest) {
  return constraint(indices.map((index) => [index, 1]), range(lowest, highest + 1));
}

/**
 * Protocol M1c: values 0 to n*n-1, row by row, are bits, and each row and each column sums to 1.
 *
 * @param {number} n
 * @returns {Constraint[]}
 */
export function permutationMatrix(n) {
  const rows = range(0, n).map((i) => sumOf(range(i * n, (i + 1) * n), 1, 1));
  const columns = range(0, n).map((k) => sumOf(range(k, n * n, n), 1, 1));
  return [...bits(0, n * n), ...rows, ...columns];
}

/**
 * The totals of the values from `start` to `stop - 1`.
 *
 * @param {number} start
 * @param {number} stop
 * @param {number} [highest] the most that one ballot of weight 1 adds to each
 * @returns {Total[]}
 */
export function totalsOf(start, stop, highest = 1) {
  return range(start, stop).map((index) => ({ index, highest }));
}

/**
 * Protocol M2: the shape of a whole ballot: the questions' values one after the other, in the manifest's order.
 *
 * @param {Shape[]} shapes
 * @returns {Shape}
 */
export function join(shapes) {
  const whole = { values: 0, constraints: [], totals: [] };
  for (const { values, constraints, totals } of shapes) {
    const offset = whole.values;
    for (const { terms, constant, allowed } of constraints) {
      whole.constraints.push({ terms: terms.map(([index, factor]) => [index + offset, factor]), constant, allowed });
    }
    for (const { index, highest } of totals) whole.totals.push({ index: index + offset, highest });
    whole.values += values;
  }
  return whole;
}
