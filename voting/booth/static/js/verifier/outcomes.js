/**
 * Protocol M4: what follows from the totals (docs/spec/methods.md, the outcomes of M5 to M10, and M9).
 *
 * Totals are whole numbers below 2^53, weights to 10^12; what may grow beyond is computed with BigInt. An outcome is
 * refused if no valid ballots have these totals. Must not touch a document or the network; imports errors.js of core/,
 * duels.js and shapes.js.
 */

import { DecodeError } from "../core/errors.js";
import { condorcetOutcome, condorcetTiesOutcome } from "./duels.js";
import { range } from "./shapes.js";

const OUTCOMES = {
  choose,
  score,
  grades,
  lists,
  ranking,
  condorcet: condorcetOutcome,
  "condorcet-ties": condorcetTiesOutcome,
};

/**
 * The outcome of one question.
 * @param {any} question of a valid manifest
 * @param {number[]} totals as many as its shape has, each in range (M4b)
 * @param {number} cast the weight of the counted ballots
 * @returns {object} with the fields of the published outcome
 * @throws {DecodeError} if no valid ballots have these totals
 */
export function outcomeOf(question, totals, cast) {
  return OUTCOMES[question.method](question, totals, cast);
}

function demand(condition, problem) {
  if (!condition) throw new DecodeError(problem, { where: "totals" });
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Groups of option numbers, the highest count first (M4). */
function rankedBy(counts) {
  const levels = [...new Set(counts)].sort((left, right) => right - left);
  return levels.map((level) => range(0, counts.length).filter((i) => counts[i] === level));
}

/** Rows of so many totals. */
function rowsOf(totals, length) {
  return range(0, totals.length / length).map((row) => totals.slice(row * length, (row + 1) * length));
}

/** a * b <= c * d for whole numbers whose products may be beyond 2^53. */
function isAtMost(a, b, c, d) {
  return BigInt(a) * BigInt(b) <= BigInt(c) * BigInt(d);
}

/** M5b, and M4a for the seats. */
function choose(question, totals, cast) {
  const n = question.options.length;
  const counts = totals.slice(0, n);
  const blank = question.blank ? totals[n] : null;
  const choosing = cast - (blank ?? 0);
  demand(Math.max(...counts) <= choosing, "give an option more votes than there are voters who chose");
  const chosen = sum(counts);
  const fits = isAtMost(question.min, choosing, chosen, 1) && isAtMost(chosen, 1, question.max, choosing);
  demand(fits, "add up to too few or too many choices");
  const elected = [];
  let tied = [];
  let open = question.seats;
  for (const group of rankedBy(counts)) {
    if (open === 0 || counts[group[0]] === 0) break;
    if (group.length > open) {
      tied = group;
      break;
    }
    elected.push(...group);
    open -= group.length;
  }
  return { method: "choose", counts, blank, elected: rising(elected), tied, open_seats: open };
}

/** M6b. */
function score(question, totals, cast) {
  const points = totals.reduce((all, total) => all + BigInt(total), 0n);
  const fits = isAtMost(question.min, cast, points, 1) && isAtMost(points, 1, question.max, cast);
  demand(fits, "add up to too few or too many points");
  const ranking = rankedBy(totals);
  return { method: "score", sums: totals, ranking, winners: points ? ranking[0] : [] };
}

/** M7b and M7d. */
function grades(question, totals, cast) {
  const histograms = rowsOf(totals, question.grades.length);
  demand(
    histograms.every((row) => sum(row) === cast),
    "do not give each option one grade of every voter",
  );
  const [upper, lower] = [Math.floor(cast / 2) + 1, Math.ceil(cast / 2)];
  const medians = histograms.map((row) => (cast ? gradeAt(row, upper) : null));
  const beside = (part) => histograms.map((row, i) => (cast ? sum(part(row, medians[i])) : 0));
  const better = beside((row, median) => row.slice(0, median));
  const worse = beside((row, median) => row.slice(median + 1));
  const ranking = majorityRanking(histograms, upper, lower);
  const winners = cast ? ranking[0] : [];
  return { method: "grades", histograms, medians, better, worse, ranking, winners };
}

/** The grade at a place, from 1, of all grades sorted, the best first. */
function gradeAt(row, place) {
  let passed = 0;
  return row.findIndex((count) => (passed += count) >= place);
}

/**
 * Compares the grades at the places upper + t and lower - t, alternating, for t = 0, 1, .. They change only where the
 * last vote of some grade is passed, so it is enough to look at those t.
 */
function majorityRanking(histograms, upper, lower) {
  const steps = new Set([0]);
  for (const row of histograms) {
    let passed = 0;
    for (const count of row) {
      passed += count;
      steps.add(passed + 1 - upper);
      steps.add(lower - passed);
    }
  }
  const looked = [...steps].filter((t) => t >= 0 && t < lower).sort((left, right) => left - right);
  const keys = histograms.map((row) => looked.flatMap((t) => [gradeAt(row, upper + t), gradeAt(row, lower - t)]));
  const order = range(0, keys.length).sort((i, j) => compared(keys[i], keys[j]) || i - j);
  const groups = [];
  for (const i of order) {
    if (groups.length && !compared(keys[groups.at(-1)[0]], keys[i])) groups.at(-1).push(i);
    else groups.push([i]);
  }
  return groups;
}

function compared(left, right) {
  const place = left.findIndex((grade, index) => grade !== right[index]);
  return place < 0 ? 0 : left[place] - right[place];
}

/** M8b. */
function lists(question, totals, cast) {
  const count = question.lists.length;
  const votes = totals.slice(0, count);
  let start = count;
  const personal = question.lists.map(({ candidates }) => totals.slice(start, (start += candidates.length)));
  demand(sum(votes) === cast, "do not give each voter one list");
  const fair = personal.every((row, i) => row.every((one) => one <= votes[i]));
  demand(fair, "give a candidate more votes than the list");
  const { seats, tied, open } = highestAverages(votes, question.seats, question.rule);
  const order = personal.map(rankedBy);
  const filled = order.map((groups, i) => electedOf(groups, seats[i]));
  return {
    method: "lists",
    votes,
    personal_votes: personal,
    seats,
    tied,
    open_seats: open,
    candidate_order: order,
    elected: filled.map(({ elected }) => elected),
    tied_candidates: filled.map(({ tied: candidates }) => candidates),
  };
}

function electedOf(groups, seats) {
  const elected = [];
  for (const group of groups) {
    if (elected.length === seats) break;
    if (group.length > seats - elected.length) return { elected: rising(elected), tied: group };
    elected.push(...group);
  }
  return { elected: rising(elected), tied: [] };
}

/** Protocol M9a: seats by highest averages, compared as fractions. */
function highestAverages(votes, wanted, rule) {
  const seats = votes.map(() => 0);
  const step = rule === "d-hondt" ? 1 : 2;
  const isHigher = (i, j) => !isAtMost(votes[i], 1 + step * seats[j], votes[j], 1 + step * seats[i]);
  let open = wanted;
  while (open > 0 && votes.some((count) => count > 0)) {
    let best = [0];
    for (let i = 1; i < votes.length; i++) {
      if (isHigher(i, best[0])) best = [i];
      else if (!isHigher(best[0], i)) best.push(i);
    }
    if (best.length > open) return { seats, tied: best, open };
    for (const i of best) seats[i]++;
    open -= best.length;
  }
  return { seats, tied: [], open };
}

/** M10b. */
function ranking(question, totals, cast) {
  const counts = rowsOf(totals, question.options.length);
  demand(
    counts.every((row) => sum(row) === cast),
    "do not give each option one rank of every voter",
  );
  const columns = counts[0].map((_, k) => sum(counts.map((row) => row[k])));
  demand(
    columns.every((column) => column === cast),
    "do not give each rank once by every voter",
  );
  const scores = counts.map((row) => sum(row.map((count, k) => count * question.points[k])));
  const order = rankedBy(scores);
  return { method: "ranking", counts, scores, ranking: order, winners: cast ? order[0] : [] };
}

function rising(numbers) {
  return [...numbers].sort((left, right) => left - right);
}
