/**
 * The fields of questions and outcomes of each voting method (docs/spec/methods.md, M5 to M13), as E2 reads them.
 *
 * Shapes are in shapes.js, outcomes in outcomes.js. Must not touch a document or the network; imports errors.js and
 * schema.js of core/.
 */

import { DecodeError } from "../core/errors.js";
import { integer, list, matching, object, record, text } from "../core/schema.js";

/** @typedef {import("../core/schema.js").Reader} Reader */

const int = integer();
const ints = list(int);
const rows = list(ints);
const intOrNull = orNull(int);

/** Protocol E11: a text in several languages. @type {Reader} */
export function texts(value, where) {
  object(value, where);
  for (const [language, one] of Object.entries(value)) text(one, `${where}.${language}`);
}

const options = list(texts);
const rule = matching(/^(?:schulze|ranked-pairs)$/, '"schulze" or "ranked-pairs"');
const ranked = { ranking: rows, winners: ints };
const duels = { matrix: rows, condorcet_winner: intOrNull, smith_set: ints, ...ranked };

const QUESTIONS = {
  choose: { options, min: int, max: int, blank: truth, seats: int },
  score: { options, highest: int, min: int, max: notZero },
  grades: { options, grades: options },
  lists: {
    lists: list(record({ name: texts, candidates: options })),
    seats: int,
    rule: matching(/^(?:d-hondt|sainte-lague)$/, '"d-hondt" or "sainte-lague"'),
  },
  ranking: { options, points: notEmpty(ints) },
  condorcet: { options, rule },
  "condorcet-ties": { options, rule },
};

const OUTCOMES = {
  choose: { counts: ints, blank: intOrNull, elected: ints, tied: ints, open_seats: int },
  score: { sums: ints, ...ranked },
  grades: { histograms: rows, medians: list(intOrNull), better: ints, worse: ints, ...ranked },
  lists: {
    votes: ints,
    personal_votes: rows,
    seats: ints,
    tied: ints,
    open_seats: int,
    candidate_order: list(rows),
    elected: rows,
    tied_candidates: rows,
  },
  ranking: { counts: rows, scores: ints, ...ranked },
  condorcet: duels,
  "condorcet-ties": duels,
};

/** Reads a question of any method. */
export const question = ofMethod(QUESTIONS, { title: texts, description: orNull(texts) });

/** Reads an outcome of any method. */
export const outcome = ofMethod(OUTCOMES, {});

/** @returns {Reader} */
function ofMethod(methods, common) {
  const readers = new Map(
    Object.entries(methods).map(([method, fields]) => [method, record({ method: text, ...common, ...fields })]),
  );
  return (value, where) => {
    object(value, where);
    const reader = Object.hasOwn(value, "method") ? readers.get(value.method) : undefined;
    if (!reader) throw new DecodeError("is of no known method", { where });
    reader(value, where);
  };
}

/**
 * Null, or what a reader reads.
 * @param {Reader} reader
 * @returns {Reader}
 */
export function orNull(reader) {
  return (value, where) => value === null || reader(value, where);
}

/**
 * A list that is not empty.
 * @param {Reader} reader of a list
 * @returns {Reader}
 */
export function notEmpty(reader) {
  return (value, where) => {
    reader(value, where);
    if (!value.length) throw new DecodeError("is empty", { where });
  };
}

/** A whole number that is not 0. @type {Reader} */
export function notZero(value, where) {
  int(value, where);
  if (value === 0) throw new DecodeError("is 0", { where });
}

/** @type {Reader} */
function truth(value, where) {
  if (typeof value !== "boolean") throw new DecodeError("is neither true nor false", { where });
}
