/**
 * What a check can say: a broken rule, a finding, a status, a cause (docs/spec/verification.md, V2 and V6).
 *
 * The words of statuses, causes and verdicts are those of docs/urne-report-1.schema.json. Must not touch a document or
 * the network; imports core/errors.js.
 */

import { UrneError } from "../core/errors.js";

/** How a check ended. Only PASSED is passed. */
export const PASSED = "passed";
export const FAILED = "failed";
export const NOT_RUN = "not run";
export const NOT_APPLICABLE = "not applicable";

/** Why a check did not run: the election has not come so far; something that it needs failed; the program failed. */
export const NOT_YET = "not yet";
export const NEEDS = "needs";
export const ERROR = "error";

/**
 * @typedef {object} Finding one thing that is wrong, with the place where anybody can look for it
 * @property {number | null} entry its line in the record's files, from 0
 * @property {string} expected
 * @property {string} found
 * @property {string} reason
 * @property {string} subject
 * @property {string} tracker of the ballot, if it is about one
 */

/**
 * @typedef {object} CheckResult how a check ended
 * @property {string} status
 * @property {string} cause
 * @property {string} reason
 * @property {number} passed of `total` things that were looked at
 * @property {number} total
 * @property {Finding[]} findings
 * @property {Finding[]} warnings
 */

/** A rule does not hold. `check` is the number of the check that fails. */
export class RuleBroken extends UrneError {
  /**
   * @param {string} check "01" to "21"
   * @param {string} subject what is at fault
   * @param {string} reason what is wrong with it
   * @param {{expected?: string, found?: string}} [details]
   */
  constructor(check, subject, reason, { expected = "", found = "" } = {}) {
    super(reason, { where: subject, code: "verification" });
    this.check = check;
    this.subject = subject;
    this.reason = reason;
    this.expected = expected;
    this.found = found;
  }
}

/**
 * A finding with all its fields.
 * @param {Partial<Finding> & {reason: string, subject: string}} fields
 * @returns {Finding}
 */
export function finding({ entry = null, expected = "", found = "", reason, subject, tracker = "" }) {
  return { entry, expected, found, reason, subject, tracker };
}

/**
 * A finding from a broken rule.
 * @param {RuleBroken} broken
 * @param {number | null} [entry]
 * @returns {Finding}
 */
export function findingOf(broken, entry = null) {
  const { expected, found, reason, subject } = broken;
  return finding({ entry, expected, found, reason, subject });
}

/**
 * Whether an error was raised on purpose. Any other one is a fault of this program, and no verdict may rest on it.
 * @param {unknown} error
 * @returns {error is UrneError}
 */
export function isForeseen(error) {
  return error instanceof UrneError;
}

/**
 * What `read` gives. What is malformed inside fails this check.
 * @template T
 * @param {string} check
 * @param {string} subject
 * @param {() => T} read
 * @returns {T}
 */
export function under(check, subject, read) {
  try {
    return read();
  } catch (error) {
    if (!isForeseen(error) || error instanceof RuleBroken) throw error;
    throw new RuleBroken(check, subject, error.message);
  }
}
