/**
 * Screens and panels that say what goes on or what went wrong: what happened, what to do, that nothing is lost
 * (experience.md, rule 22). Raw texts of errors are shown in `details` only, and only of errors about public data.
 *
 * Must not hold state.
 */

import { encodeCanonical } from "../../core/canonical.js";
import { fromUtf8 } from "../../core/bytes.js";
import { h } from "../../dom.js";
import { t } from "../../text.js";
import { UsageError } from "../errors.js";
import { saveFile } from "../frame.js";
import { asAlarm } from "../source.js";
import { titleOf } from "../words.js";

/** @typedef {import("../main.js").TrusteePage} TrusteePage */

/** The title of the window: the election's title where it is known. */
export function windowTitle(page, text) {
  return page.record.manifest ? `${text} · ${titleOf(page.record).text}` : text;
}

/** Shown until the board is read. */
export function loadingScreen(page) {
  return { title: windowTitle(page, t("Trustees")), heading: t("Trustees of this election"), body: [] };
}

/** Shown when the election could not be read at all. @param {TrusteePage} page */
export function failedScreen(page) {
  const again = h("button", { type: "button", class: "primary", onclick: () => page.load() }, t("Try again"));
  return {
    title: windowTitle(page, t("Trustees")),
    heading: t("Trustees of this election"),
    body: [failurePanel(page.failure), h("div", { class: "actions" }, again)],
  };
}

/** The board breaks a rule: nothing can be done here any more. @param {TrusteePage} page */
export function alarmScreen(page) {
  const { failure } = page;
  const save = () => saveFile("urne-trustee-evidence.json", evidence(page), "application/json");
  return {
    title: windowTitle(page, t("Stop")),
    heading: t("Stop: something is wrong"),
    body: [
      failurePanel(failure),
      h("p", {}, t("This page publishes nothing more. Your key stays with you.")),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "primary", onclick: save }, t("Save what was found")),
        h("button", { type: "button", onclick: () => location.reload() }, t("Load the page again")),
      ),
    ],
  };
}

/** What was found, for those who look into it. Public data only. */
function evidence({ failure, record, view, base }) {
  const found = {
    address: `${location.origin}${base}`,
    detail: failure.detail,
    entries: view.size,
    head: view.size ? view.headerHash(view.size - 1) : "",
    manifest: record.manifestHash ?? "",
    problem: failure.problem,
    time: new Date().toISOString(),
  };
  return fromUtf8(encodeCanonical(found), "evidence");
}

/**
 * What happened and what to do.
 *
 * @param {Error & {problem: string, remedy: string, where: string, detail?: string}} failure from `forPeople`
 * @returns {HTMLElement}
 */
export function failurePanel(failure) {
  const detail = [failure.where, failure.detail].filter(Boolean).join(", ");
  return h(
    "div",
    { class: "note bad", role: "alert" },
    h("p", {}, h("strong", {}, failure.problem)),
    failure.remedy && h("p", {}, failure.remedy),
    detail &&
      h(
        "details",
        {},
        h("summary", {}, t("Details for whoever helps you")),
        h("p", { class: "small", lang: "en" }, detail),
      ),
  );
}

/**
 * Any error as one that can be shown: a text in the reader's language, and nothing secret.
 *
 * @param {unknown} error
 * @returns {Error}
 */
export function forPeople(error) {
  const known = asAlarm(error);
  if (known?.isForPeople) return known;
  if (known?.code === "browser") {
    return new UsageError(t("This browser cannot do what a trustee’s key needs."), {
      remedy: t("Use a browser of 2025 or later, or the program urne-trustee."),
      where: known.where,
    });
  }
  return new UsageError(t("Something went wrong in this page."), {
    remedy: t("Load the page again. Nothing on the board is lost, and every step can be repeated."),
    where: known?.name ?? "",
  });
}
