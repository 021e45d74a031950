/**
 * The last screen of the verifier's page: the report (V6), as `urne-verify --html` lays it out.
 *
 * Must not import what runs in workers.
 */

import { h, words } from "../dom.js";
import { language, plainText, t } from "../text.js";
import { said, sentence } from "./phrases.js";
import {
  VERDICT_CLASSES, clean, countWords, identityRows, reasonWords, statusWords, titleWords, verdictMeaning,
  verdictSentence,
} from "./verdicts.js";

/** So many are shown for each check; the file of the report has all. */
const MOST_FINDINGS = 200;

/**
 * @param {any} report
 * @param {string} from what was verified, as the reader named it
 * @returns {unknown[]} what stands below the heading
 */
export function reportBody(report, from) {
  const failed = report.checks.filter((check) => check.findings.length > 0);
  const warned = report.checks.filter((check) => check.warnings.length > 0);
  return [
    h(
      "div",
      { class: `note ${VERDICT_CLASSES[report.verdict] ?? "bad"}`, id: "verdict" },
      h("p", {}, h("strong", {}, verdictSentence(report))),
      h("p", {}, verdictMeaning(report.verdict)),
    ),
    h("h2", {}, t("To be compared")),
    h("p", {}, t("Compare these with what was announced, and the head with other observers.")),
    pairs(identityRows(report), "facts compare"),
    report.result.length > 0 && [h("h2", {}, t("Result")), report.result.map(answer)],
    h("h2", {}, t("Checks")),
    checksTable(report.checks),
    failed.length > 0 && [h("h2", {}, t("What is wrong")), failed.map((each) => details(each, each.findings, "f"))],
    warned.length > 0 && [h("h2", {}, t("Warnings")), warned.map((each) => details(each, each.warnings, "w"))],
    h("p", { class: "small quiet" }, madeWords(report, from)),
  ];
}

function answer({ question, sentence: outcome, totals }) {
  const numbers = totals.map(String).join(", ");
  return h(
    "div",
    { class: "answer" },
    words("h3", plainText(question)),
    h("p", {}, h("bdi", {}, clean(said(outcome)))),
    h("p", { class: "small quiet" }, t("Totals, in the order of the ballot: {totals}.", { totals: numbers })),
  );
}

function checksTable(checks) {
  const titles = [
    [t("No."), ""],
    [t("Subject"), ""],
    [t("Verdict"), ""],
    [t("Passed"), "number"],
  ];
  const caption = t("Each check, how it ended, and how many of the items that it looked at passed");
  return h(
    "div",
    { class: "table-box", role: "region", "aria-label": t("Checks"), tabindex: "0" },
    h(
      "table",
      { class: "checks-table" },
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, titles.map(([title, style]) => h("th", { scope: "col", class: style }, title)))),
      h("tbody", {}, checks.map(checkRow)),
    ),
  );
}

function checkRow(check) {
  const { words: outcome, style } = statusWords(check.status);
  const isMade = check.status === "passed" || check.status === "failed";
  const link = (many, one, found, prefix) =>
    found.length > 0 &&
    h("small", {}, h("a", { href: `#${prefix}${check.id}` }, found.length > 1 ? many(found.length) : one));
  return h(
    "tr",
    { id: `check-${check.id}` },
    h("td", {}, check.id),
    h(
      "th",
      { scope: "row" },
      titleWords(check.title),
      check.reason && !isMade && h("small", {}, foreign(reasonWords(check), check.reason)),
      link((count) => t("{count} findings", { count }), t("1 finding"), check.findings, "f"),
      link((count) => t("{count} warnings", { count }), t("1 warning"), check.warnings, "w"),
    ),
    h("td", {}, h("span", { class: `state ${style}` }, outcome)),
    h("td", { class: "number" }, countWords(check)),
  );
}

function details(check, findings, prefix) {
  const rest = findings.length - MOST_FINDINGS;
  return h(
    "div",
    {},
    h("h3", { id: `${prefix}${check.id}` }, `${check.id} ${titleWords(check.title)}`),
    check.rule && h("p", {}, h("b", {}, t("Rule:")), " ", foreign(titleWords(check.rule), check.rule)),
    findings.slice(0, MOST_FINDINGS).map(finding),
    rest > 0 && h("p", {}, t("... and {count} more: the JSON report lists all.", { count: rest })),
  );
}

function finding({ entry, tracker, subject, reason, expected, found }) {
  const rows = [];
  if (entry !== null) rows.push([t("Entry"), String(entry)]);
  if (tracker) rows.push([t("Tracker"), tracker]);
  if (expected || found) {
    rows.push([t("Expected"), expected || t("nothing")], [t("Found"), found || t("nothing")]);
  }
  return h(
    "div",
    { class: "finding" },
    h("p", {}, h("bdi", {}, clean(subject)), ": ", foreign(clean(said(reason)), reason)),
    rows.length > 0 && pairs(rows.map(([name, value]) => [name, clean(value)]), "facts"),
  );
}

/** A sentence that has a translation or not; without one it is marked as English. */
function foreign(shown, english) {
  return h("span", shown === english && language() !== "en" ? { lang: "en" } : {}, shown);
}

function pairs(rows, style) {
  return h("dl", { class: style }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, h("bdi", {}, value))]));
}

function madeWords({ program, seconds }, from) {
  return t("Made by {program} from {record} in {seconds} seconds. Anybody can repeat it, and should.", {
    program,
    record: clean(from),
    seconds: seconds.toFixed(1),
  });
}

/**
 * What stopped a verification before there was a report.
 *
 * @param {{problem: string, where: string, remedy: string}} failure
 * @returns {HTMLElement}
 */
export function failurePanel({ problem, where, remedy }) {
  const what = where ? [h("bdi", {}, clean(said(where))), ": ", clean(said(problem))] : clean(sentence(problem));
  return h(
    "div",
    { class: "note bad", role: "alert" },
    h("p", {}, h("strong", {}, t("This could not be read, so nothing was verified."))),
    h("p", {}, what),
    remedy && h("p", {}, clean(sentence(remedy))),
  );
}
