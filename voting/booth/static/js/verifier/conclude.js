/**
 * How a check concludes from what was found and from the entries that the replay refused for it (V2, V3a).
 *
 * Must not touch a document or the network; imports findings.js.
 */

import { FAILED, NEEDS, NOT_RUN, NOT_YET, PASSED } from "./findings.js";

/** @typedef {import("./findings.js").CheckResult} CheckResult */
/** @typedef {import("./findings.js").Finding} Finding */

/**
 * A check that did not run, or not on everything.
 * @param {string} cause
 * @param {string} reason
 * @param {{passed?: number, total?: number, warnings?: Finding[]}} [counts]
 * @returns {CheckResult}
 */
export function notRun(cause, reason, { passed = 0, total = 0, warnings = [] } = {}) {
  return { status: NOT_RUN, cause, reason, passed, total, findings: [], warnings };
}

/**
 * Entries that were refused for a check, on their own account.
 * @param {import("./replay.js").Replay} replay
 * @param {string} id of the check
 * @returns {import("./replay.js").Refusal[]}
 */
export function refusalsFor(replay, id) {
  return replay.refusals.filter(({ check, cause }) => check === id && cause === null);
}

/**
 * The result of a check.
 * @param {import("./replay.js").Replay} replay
 * @param {string} id of the check
 * @param {object} seen
 * @param {number} seen.total how many things were looked at, the faulty ones included
 * @param {Finding[]} [seen.findings]
 * @param {Finding[]} [seen.warnings]
 * @param {boolean} [seen.begun] whether there is anything to check yet
 * @returns {CheckResult}
 */
export function conclude(replay, id, { total, findings = [], warnings = [], begun = true }) {
  const faults = [...refusalsFor(replay, id).map((refusal) => refusal.finding), ...findings];
  if (faults.length) {
    faults.sort((left, right) => (left.entry ?? -1) - (right.entry ?? -1));
    const wrong = new Set(faults.map(({ entry, subject }) => `${entry} ${subject}`)).size;
    const counts = { passed: Math.max(total - wrong, 0), total: Math.max(total, wrong) };
    return { status: FAILED, cause: "", reason: "", ...counts, findings: faults, warnings };
  }
  const followers = replay.refusals.filter(({ check, cause }) => check === id && cause !== null);
  if (followers.length) {
    const [{ cause, finding }] = followers;
    const count = followers.length === 1 ? "1 later entry" : `${followers.length} later entries`;
    const first = `the first being ${finding.subject}: ${finding.reason}`;
    const reason = `entry ${cause} was refused, and ${count} cannot stand without it, ${first}`;
    return notRun(NEEDS, reason, { passed: Math.max(total - followers.length, 0), total, warnings });
  }
  if (!begun) return notRun(NOT_YET, whyNotYet(replay), { warnings });
  return { status: PASSED, cause: "", reason: "", passed: total, total, findings: [], warnings };
}

/**
 * Why there is nothing to check.
 * @param {import("./replay.js").Replay} replay
 * @param {string} [otherwise]
 * @returns {string}
 */
export function whyNotYet(replay, otherwise = "nothing to check yet") {
  return replay.state.phase === "cancelled" ? "the election was cancelled" : otherwise;
}
