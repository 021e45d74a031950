/**
 * What a ballot encrypts and what its proofs say (docs/spec/methods.md, M1, M2 and the shapes of M5 to M13).
 *
 * Written anew for the verifier, so that a fault in the booth's own shapes shows. Must not touch a document or the
 * network; imports nothing.
 */

/** @typedef {{terms: [number, number][], constant: number, allowed: number[]}} Constraint M1 */
/** @typedef {{index: number, highest: number}} Total */
/** @typedef {{values: number, constraints: Constraint[], totals: Total[]}} Shape */

const SHAPES = {
  choose,
  score,
  grades,
  lists,
  ranking,
  condorcet,
  "condorcet-ties": condorcetTies,
};

/**
 * The shape of one question.
 * @param {any} question of a valid manifest
 * @returns {Shape}
 */
export function shapeOf(question) {
  return SHAPES[question.method](question);
}

/**
 * Protocol M2: the shape of the whole ballot.
 * @param {any[]} questions
 * @returns {Shape}
 */
export function joinedShape(questions) {
  const whole = { values: 0, constraints: [], totals: [] };
  for (const question of questions) {
    const { values, constraints, totals } = shapeOf(question);
    const start = whole.values;
    for (const { terms, constant, allowed } of constraints) {
      whole.constraints.push({ terms: terms.map(([index, factor]) => [index + start, factor]), constant, allowed });
    }
    whole.totals.push(...totals.map(({ index, highest }) => ({ index: index + start, highest })));
    whole.values += values;
  }
  return whole;
}

/** Pairs i < j in the order (0,1), (0,2), .., (1,2), ... @param {number} n @returns {[number, number][]} */
export function pairsOf(n) {
  return range(0, n).flatMap((i) => range(i + 1, n).map((j) => [i, j]));
}

/** Ordered pairs of different numbers: (0,1), (0,2), .., (1,0), ... @param {number} n @returns {[number, number][]} */
export function orderedPairsOf(n) {
  return range(0, n).flatMap((i) =>
    range(0, n)
      .filter((j) => j !== i)
      .map((j) => [i, j]),
  );
}

/** The whole numbers from `start` up to, not including, `end`. @returns {number[]} */
export function range(start, end) {
  return Array.from({ length: Math.max(end - start, 0) }, (_, place) => start + place);
}

/** M5a. */
function choose({ options: { length: n }, min, max, blank }) {
  const values = blank ? n + 1 : n;
  const terms = ones(range(0, n));
  const whole = blank
    ? { terms: [...terms, [n, n + 1]], constant: 0, allowed: [...range(min, max + 1), n + 1] }
    : sum(range(0, n), min, max);
  return { values, constraints: [...bits(0, values), whole], totals: each(0, values) };
}

/** M6a. */
function score({ options: { length: n }, highest, min, max }) {
  const scores = range(0, n).map((i) => sum([i], 0, highest));
  return { values: n, constraints: [...scores, sum(range(0, n), min, max)], totals: each(0, n, highest) };
}

/** M7a. */
function grades({ options: { length: n }, grades: { length: levels } }) {
  const rows = range(0, n).map((i) => sum(range(i * levels, (i + 1) * levels), 1, 1));
  return { values: n * levels, constraints: [...bits(0, n * levels), ...rows], totals: each(0, n * levels) };
}

/** M8a. */
function lists({ lists: all }) {
  let values = all.length;
  const constraints = all.map(({ candidates: { length: n } }, i) => {
    const candidates = ones(range(values, values + n));
    values += n;
    return { terms: [[i, -(n + 1)], ...candidates], constant: n + 1, allowed: range(0, n + 2) };
  });
  const oneList = sum(range(0, all.length), 1, 1);
  return { values, constraints: [...bits(0, values), oneList, ...constraints], totals: each(0, values) };
}

/** M10a. */
function ranking({ options: { length: n } }) {
  return { values: n * n, constraints: permutationMatrix(n), totals: each(0, n * n) };
}

/** M12a. */
function condorcet({ options: { length: n } }) {
  const start = n * n;
  const pairs = pairsOf(n);
  const rows = range(0, n).map((i) => {
    const ranks = range(0, n - 1).map((k) => [i * n + k, -(n - 1 - k)]);
    const duels = pairs.flatMap(([first, second], place) =>
      first === i ? [[start + place, 1]] : second === i ? [[start + place, -1]] : [],
    );
    return { terms: [...ranks, ...duels], constant: i, allowed: [0] };
  });
  const values = start + pairs.length;
  const constraints = [...permutationMatrix(n), ...bits(start, values), ...rows];
  return { values, constraints, totals: each(start, values) };
}

/** M13a. */
function condorcetTies({ options: { length: n } }) {
  const levels = range(0, n).map((i) => sum([i], 0, n - 1));
  const order = orderedPairsOf(n).map(([i, j], place) => {
    const compared = [
      [i, -1],
      [j, 1],
    ].sort(([first], [second]) => first - second);
    return { terms: [...compared, [n + place, -n]], constant: 0, allowed: range(-(n - 1), 1) };
  });
  return { values: n * n, constraints: [...levels, ...bits(n, n * n), ...order], totals: each(n, n * n) };
}

/** M1a. */
function bits(start, end) {
  return range(start, end).map((index) => sum([index], 0, 1));
}

/** M1b. */
function sum(indices, low, high) {
  return { terms: ones(indices), constant: 0, allowed: range(low, high + 1) };
}

/** M1c. */
function permutationMatrix(n) {
  const rows = range(0, n).map((i) => sum(range(i * n, i * n + n), 1, 1));
  const column = (k) => range(0, n).map((i) => i * n + k);
  const columns = range(0, n).map((k) => sum(column(k), 1, 1));
  return [...bits(0, n * n), ...rows, ...columns];
}

function ones(indices) {
  return indices.map((index) => [index, 1]);
}

function each(start, end, highest = 1) {
  return range(start, end).map((index) => ({ index, highest }));
}
