/**
 * Protocol V6: what came of the checks, as data of the form of docs/urne-report-1.schema.json, and the verdict.
 *
 * Must not touch a document or the network; imports bytes.js of core/, and the verifier's check_list.js, findings.js,
 * sentences.js and shapes.js.
 */

import { toBase64 } from "../core/bytes.js";
import { CHECK_LIST } from "./check_list.js";
import { FAILED, NOT_APPLICABLE, NOT_RUN, NOT_YET, PASSED } from "./findings.js";
import { outcomeSentence } from "./sentences.js";
import { shapeOf } from "./shapes.js";

const SCHEMA = "urne-report-1";

export const VERIFIED = "verified";
export const NOT_VERIFIED = "not verified";
export const NOT_CHECKED = "not checked";
export const VALID_SO_FAR = "valid so far";

/** Verdict -> exit code of a command (V8). 2 is for wrong usage. */
export const EXIT_CODES = { [VERIFIED]: 0, [NOT_VERIFIED]: 1, [NOT_CHECKED]: 3, [VALID_SO_FAR]: 4 };

/** @typedef {import("./findings.js").CheckResult} CheckResult */

/**
 * Protocol V6c: one failed check: not verified. Else, one that could not run: not checked. Else, an election that is
 * not finished: valid so far. Only if all of them passed, or do not apply, on a finished election: verified.
 * @param {CheckResult[]} results
 * @param {string} phase
 * @returns {string}
 */
export function verdictOf(results, phase) {
  if (results.some(({ status }) => status === FAILED)) return NOT_VERIFIED;
  const causes = new Set(results.filter(({ status }) => status === NOT_RUN).map(({ cause }) => cause));
  const hasGaps = causes.delete(NOT_YET);
  if (causes.size) return NOT_CHECKED;
  if (hasGaps || phase !== "published") return VALID_SO_FAR;
  const isGood =
    results.length === CHECK_LIST.length && results.every(({ status }) => [PASSED, NOT_APPLICABLE].includes(status));
  return isGood ? VERIFIED : NOT_CHECKED;
}

/**
 * Protocol V6a: the report.
 * @param {import("./replay.js").Replay} replay
 * @param {CheckResult[]} results in the order of CHECK_LIST
 * @param {string} program that made it
 * @param {number} seconds how long all of it took
 * @returns {object}
 */
export function makeReport(replay, results, program, seconds) {
  const { state } = replay;
  const { ceremony, definition } = state;
  const verdict = verdictOf(results, state.phase);
  return {
    schema: SCHEMA,
    program,
    verdict,
    exit_code: EXIT_CODES[verdict],
    title: definition?.manifest.title ?? null,
    manifest: definition?.hash ?? null,
    election: state.election,
    group: definition?.group.name ?? null,
    head: { size: replay.entries, root: toBase64(replay.root), hash: replay.head },
    phase: state.phase,
    credentials: state.credentials.size,
    weight: state.weight,
    ballots: state.ballots.length,
    counted: state.counted.size,
    trustees: ceremony ? [...ceremony.trustees.values()].map(({ name }) => name) : [],
    threshold: definition?.manifest.threshold ?? 0,
    checks: CHECK_LIST.map((info, place) => checkReport(info, results[place])),
    result: answersOf(state),
    seconds: Math.round(seconds * 1000) / 1000,
    system: "urne",
    facts: [],
  };
}

/** Times are of the whole only: checks are made together. */
function checkReport({ id, rule, title }, { cause, findings, passed, reason, status, total, warnings }) {
  return { id, title, status, cause, reason, passed, total, seconds: 0, findings, warnings, rule };
}

/** The published result, if it has the form of one: check 20 says whether it follows from the totals. */
function answersOf({ definition, result }) {
  if (!definition || !result) return [];
  let start = 0;
  return definition.manifest.questions.slice(0, result.outcomes.length).map((question, number) => {
    const totals = result.totals.slice(start, (start += shapeOf(question).totals.length));
    return { question: question.title, sentence: outcomeSentence(question, result.outcomes[number]), totals };
  });
}
