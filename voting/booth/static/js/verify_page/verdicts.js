/**
 * What a report says in words: its verdict in one sentence, whose record it is, how each check ended. The same words as
 * the reports of `urne-verify` (V6b, V6c).
 *
 * Must not import what runs in workers.
 */

import { t } from "../text.js";
import { said } from "./phrases.js";

const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * A text of the record with every character that cannot be seen written as a code.
 *
 * @param {unknown} text
 * @returns {string}
 */
export function clean(text) {
  return String(text).replace(UNSEEN, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** The classes of a verdict's box: a colour that only repeats what the words say. */
export const VERDICT_CLASSES = {
  verified: "good",
  "not verified": "bad",
  "not checked": "bad",
  "valid so far": "warn",
};

/**
 * The verdict in two words, for the heading.
 *
 * @param {string} verdict
 */
export function verdictHeading(verdict) {
  const words = {
    verified: t("Verified"),
    "not verified": t("Not verified"),
    "not checked": t("Not verified"),
    "valid so far": t("Valid so far"),
  };
  return words[verdict] ?? t("Not verified");
}

/**
 * Protocol V6c: the verdict in one sentence.
 *
 * @param {any} report
 */
export function verdictSentence(report) {
  const count = (status) => report.checks.filter((check) => check.status === status).length;
  const summary = t("{passed} checks passed, {failed} failed, {not_run} not run.", {
    passed: count("passed"),
    failed: count("failed"),
    not_run: count("not run"),
  });
  if (report.verdict === "verified") {
    const answers = report.result.map((answer) => clean(said(answer.sentence))).join(" ");
    return t("VERIFIED: {summary} Result: {answers}", { summary, answers });
  }
  if (report.verdict === "not checked") {
    return t("NOT VERIFIED: {summary} Not everything could be checked.", { summary });
  }
  if (report.verdict === "valid so far") {
    return t("VALID SO FAR: {summary} {state}", { summary, state: stateOf(report.phase) });
  }
  const failed = report.checks.filter((check) => check.status === "failed").map((check) => check.id);
  return t("NOT VERIFIED: {summary} Failed: {failed}.", { summary, failed: failed.join(", ") });
}

function stateOf(phase) {
  const states = {
    empty: t("There is no election yet."),
    setup: t("The election is not finished: it is being set up."),
    open: t("The election is not finished: voting is open."),
    closed: t("The election is not finished: voting is closed, the tally is to come."),
    tallied: t("The election is not finished: the result is to come."),
    cancelled: t("The election was cancelled."),
  };
  return states[phase] ?? t("The election is not finished.");
}

/**
 * What a verdict means.
 *
 * @param {string} verdict
 */
export function verdictMeaning(verdict) {
  const words = {
    verified: t(
      "Every check that applies was made and holds: the result follows from the ballots on the board, and" +
        " nobody need be trusted for that.",
    ),
    "not checked": t("A check could not be made, so this record is not verified. The reason is given below."),
    "valid so far": t("Nothing is wrong with what there is. Verify again when the election is finished."),
  };
  return words[verdict] ?? t("Something in this record breaks a rule. It is listed below. Do not rely on the result.");
}

/**
 * What identifies the record, to be compared with what was announced.
 *
 * @param {any} report
 * @returns {[string, string][]} names and values
 */
export function identityRows(report) {
  const { manifest, election, head, credentials, weight, ballots, counted, trustees, threshold } = report;
  const rows = [
    [t("manifest hash"), manifest ?? t("none yet")],
    [t("election id"), election ?? t("none yet")],
    [t("head"), t("{size} entries, root {root}", { size: head.size, root: head.root })],
    [t("credentials"), t("{count}, of weight {weight} in all", { count: credentials, weight })],
    [t("ballots"), t("{count}, {counted} to be counted", { count: ballots, counted })],
  ];
  if (trustees.length > 0) {
    const names = trustees.join(", ");
    rows.push([t("trustees"), t("{names}; any {number} decrypt", { names, number: threshold })]);
  }
  return rows.map(([name, value]) => [name, clean(value)]);
}

/**
 * How a check ended.
 *
 * @param {string} status
 * @returns {{words: string, style: string}} `style` is a class of `state`
 */
export function statusWords(status) {
  const words = {
    passed: { words: t("PASS"), style: "done" },
    failed: { words: t("FAIL"), style: "bad" },
    "not run": { words: t("NOT RUN"), style: "warn" },
    "not applicable": { words: t("N/A"), style: "quiet" },
  };
  return words[status] ?? { words: t("CANNOT BE CHECKED"), style: "warn" };
}

/**
 * Why a check did not run.
 *
 * @param {any} check
 */
export function reasonWords({ cause, reason }) {
  const needed = /^needs ([0-9, ]+)$/.exec(reason);
  if (cause === "needs" && needed) return t("needs {checks}", { checks: needed[1] });
  return cause === "not yet" ? t("not yet: {reason}", { reason: titleWords(reason) }) : titleWords(reason);
}

/**
 * A text of the verifier itself (a check's title, rule or reason) in the reader's language.
 *
 * @param {string} text
 */
export function titleWords(text) {
  const words = t(text); // not a literal: the page brings the texts of all checks
  return words === text ? said(text) : words;
}

/**
 * How many of how many items held; empty for a check that looked at nothing.
 *
 * @param {any} check
 */
export function countWords({ status, passed, total }) {
  return status === "passed" || status === "failed" || total > 0 ? `${passed}/${total}` : "";
}
