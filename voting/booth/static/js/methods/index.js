/**
 * Protocol M (docs/spec/methods.md): all voting methods by the name that the manifest gives them, and the whole ballot.
 *
 * Selections, values, shapes and words are those of the Python package; tests/vectors/methods.json holds both together.
 * A new method is a new file here and a line in the table below.
 *
 * @typedef {import("./shapes.js").Shape} Shape
 * @typedef {{method: string, title: Record<string, string>} & Record<string, any>} Question a question of the manifest
 * @typedef {Record<string, any>} Selection what a voter chose in one question, in the method's own form. It is a
 *   secret: it never reaches a log, a request or an error text.
 *
 * @typedef {object} Method
 * @property {(question: Question) => Shape} shape
 * @property {(question: Question, selection: Selection) => number[]} encodeSelection the ballot's values; throws
 *   `SelectionError` if the choices break a rule
 * @property {(question: Question, data: unknown) => Selection} parseSelection reads plain JSON data; throws
 *   `SelectionError` if it has not the method's form or breaks a rule
 * @property {(question: Question, selection: Selection, language: string) => string[]} describeSelection the choices in
 *   words, in the language of the page; option texts in `language`
 */

import { SelectionError, UrneError } from "../core/errors.js";
import { t } from "../text.js";
import * as choose from "./choose.js";
import * as condorcet from "./condorcet.js";
import * as condorcetTies from "./condorcet_ties.js";
import * as grades from "./grades.js";
import * as lists from "./lists.js";
import * as ranking from "./ranking.js";
import * as score from "./score.js";
import { join } from "./shapes.js";

const METHODS = new Map([
  ["choose", choose],
  ["score", score],
  ["grades", grades],
  ["lists", lists],
  ["ranking", ranking],
  ["condorcet", condorcet],
  ["condorcet-ties", condorcetTies],
]);

/**
 * The method of a question.
 *
 * @param {Question} question
 * @returns {Method}
 * @throws {UrneError} for a method that this booth does not know
 */
export function methodOf(question) {
  const method = METHODS.get(question.method);
  if (!method) throw new UrneError(`there is no voting method "${question.method}"`, { code: "method" });
  return method;
}

/**
 * Protocol M2: the shape of the whole ballot.
 *
 * @param {{questions: Question[]}} manifest
 * @returns {Shape}
 */
export function joinShapes({ questions }) {
  return join(questions.map((question) => methodOf(question).shape(question)));
}

/**
 * The values of a whole ballot.
 *
 * @param {{questions: Question[]}} manifest
 * @param {Selection[]} selections one per question, in the manifest's order
 * @returns {number[]}
 * @throws {SelectionError} if choices break a rule
 */
export function encodeSelections({ questions }, selections) {
  requireOneEach(questions, selections);
  return questions.flatMap((question, place) =>
    at(place, () => methodOf(question).encodeSelection(question, selections[place])),
  );
}

/**
 * All selections from plain JSON data, as openings hold them.
 *
 * @param {{questions: Question[]}} manifest
 * @param {unknown} data a list with one selection per question
 * @returns {Selection[]}
 * @throws {SelectionError} if one has a wrong form or breaks a rule
 */
export function parseSelections({ questions }, data) {
  requireOneEach(questions, data);
  return questions.map((question, place) =>
    at(place, () => methodOf(question).parseSelection(question, data[place])),
  );
}

/** Run `read`; an error of it names the question. */
function at(place, read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SelectionError)) throw error;
    throw new SelectionError(error.problem, { where: `question ${place + 1}`, field: error.field });
  }
}

function requireOneEach(questions, selections) {
  const count = questions.length;
  if (!Array.isArray(selections) || selections.length !== count) {
    throw new SelectionError(t("give one answer to each of the {count} questions", { count }));
  }
}
