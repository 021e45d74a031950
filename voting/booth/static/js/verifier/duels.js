/**
 * Who beats whom (docs/spec/methods.md, M11 to M13): Condorcet winner, Smith set, Schulze, ranked pairs.
 *
 * Counts are whole numbers below 2^53, and so are sums of three. Must not touch a document or the network; imports
 * errors.js of core/ and shapes.js.
 */

import { DecodeError } from "../core/errors.js";
import { orderedPairsOf, pairsOf, range } from "./shapes.js";

/** M12b. */
export function condorcetOutcome(question, totals, cast) {
  const n = question.options.length;
  const beats = square(n, 0);
  pairsOf(n).forEach(([i, j], place) => {
    beats[i][j] = totals[place];
    beats[j][i] = cast - totals[place];
  });
  demand(triples(n).every(([i, j, k]) => beats[i][j] + beats[j][k] + beats[k][i] <= 2 * cast));
  return duelOutcome(question, beats, cast);
}

/** M13b. */
export function condorcetTiesOutcome(question, totals, cast) {
  const n = question.options.length;
  const beats = square(n, 0);
  orderedPairsOf(n).forEach(([i, j], place) => (beats[i][j] = totals[place]));
  demand(pairsOf(n).every(([i, j]) => beats[i][j] + beats[j][i] <= cast));
  demand(triples(n).every(([i, j, k]) => beats[i][k] <= beats[i][j] + beats[j][k]));
  return duelOutcome(question, beats, cast);
}

function duelOutcome({ method, rule }, beats, cast) {
  const n = beats.length;
  const others = (i) => range(0, n).filter((j) => j !== i);
  const winner = range(0, n).find((i) => others(i).every((j) => beats[i][j] > beats[j][i]));
  const arrows = reachable(where(n, (i, j) => beats[i][j] >= beats[j][i]));
  const smith = range(0, n).filter((i) => others(i).every((j) => arrows[i][j]));
  const ranking = rankedFrom(rule === "schulze" ? schulze(beats) : rankedPairs(beats));
  return {
    method,
    matrix: beats,
    condorcet_winner: winner ?? null,
    smith_set: cast ? smith : [],
    ranking,
    winners: cast ? ranking[0] : [],
  };
}

/** Protocol M11d: i is above j if its strongest path to j is stronger than the one back. */
function schulze(beats) {
  const n = beats.length;
  const path = beats.map((row, i) => row.map((count, j) => (count > beats[j][i] ? count : 0)));
  for (const middle of range(0, n)) {
    for (const [i, j] of orderedPairsOf(n)) {
      path[i][j] = Math.max(path[i][j], Math.min(path[i][middle], path[middle][j]));
    }
  }
  return where(n, (i, j) => path[i][j] > path[j][i]);
}

/** Protocol M11e: ranked pairs by winning votes; victories of one class are judged together. */
function rankedPairs(beats) {
  const n = beats.length;
  const victories = orderedPairsOf(n).filter(([i, j]) => beats[i][j] > beats[j][i]);
  const classes = new Map();
  for (const [i, j] of victories) {
    const key = `${beats[i][j]},${beats[j][i]}`;
    if (!classes.has(key)) classes.set(key, { won: beats[i][j], lost: beats[j][i], pairs: [] });
    classes.get(key).pairs.push([i, j]);
  }
  const locked = square(n, false);
  const possible = square(n, false);
  const inOrder = [...classes.values()].sort((left, right) => right.won - left.won || left.lost - right.lost);
  for (const { pairs } of inOrder) {
    const before = reachable(locked);
    const rest = pairs.filter(([i, j]) => !before[j][i]);
    for (const [i, j] of rest) possible[i][j] = true;
    const reached = reachable(possible);
    for (const [i, j] of rest) locked[i][j] = !reached[j][i];
  }
  return reachable(locked);
}

/** Protocol M11c: groups, the first of which nothing is above. */
function rankedFrom(above) {
  let left = range(0, above.length);
  const ranking = [];
  while (left.length) {
    const first = left.filter((i) => !left.some((j) => above[j][i]));
    ranking.push(first);
    left = left.filter((i) => !first.includes(i));
  }
  return ranking;
}

/** Whether j can be reached from i along arrows, for all i and j. */
function reachable(arrows) {
  const found = arrows.map((row) => [...row]);
  for (const middle of range(0, arrows.length)) {
    for (const row of found) {
      if (!row[middle]) continue;
      found[middle].forEach((isThere, j) => (row[j] ||= isThere));
    }
  }
  return found;
}

function where(n, holds) {
  return range(0, n).map((i) => range(0, n).map((j) => i !== j && holds(i, j)));
}

function square(n, value) {
  return range(0, n).map(() => new Array(n).fill(value));
}

function triples(n) {
  return orderedPairsOf(n).flatMap(([i, j]) =>
    range(0, n)
      .filter((k) => k !== i && k !== j)
      .map((k) => [i, j, k]),
  );
}

function demand(condition) {
  if (!condition) throw new DecodeError("are those of no rankings", { where: "totals" });
}
