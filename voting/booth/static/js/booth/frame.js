/**
 * What surrounds every step of the booth: title, languages, banners, and help in the same place throughout (WCAG
 * 3.2.6).
 *
 * Must not import screens.
 */

import { focusOn, h, replaceChildren, words } from "../dom.js";
import { LANGUAGES, language, plainText, t } from "../text.js";

const NAMES = { en: "English", fr: "Français" };

/**
 * @typedef {object} Screen what a step shows
 * @property {string} title of the window
 * @property {unknown} heading for h1: a text or nodes
 * @property {unknown[]} body
 * @property {HTMLElement} [h1] the heading itself, where it stands within the body
 * @property {unknown} [before] shown before the heading
 */

/**
 * Show a step.
 *
 * @param {Screen} screen
 * @param {{move: boolean}} options `move`: put the focus on the heading
 */
export function drawScreen({ title, heading, h1, body, before }, { move }) {
  const top = h1 ?? h("h1", { tabindex: "-1" }, heading);
  replaceChildren(document.getElementById("main"), before, h1 ? null : top, body);
  document.title = title;
  if (move) focusOn(top);
}

/**
 * Draw the head and foot of the page.
 *
 * @param {object} page
 * @param {any} [page.manifest]
 * @param {string} [page.home] address of the election page
 * @param {string} [page.homeWords] what the link to it says
 * @param {string} [page.contact]
 * @param {({text: string, bad?: boolean}|false)[]} [page.banners]
 * @param {(language: string) => void} page.onLanguage
 */
export function drawFrame({ manifest, home, homeWords, contact, banners = [], onLanguage }) {
  const name = manifest
    ? words("p", plainText(manifest.title), { class: "head-title" })
    : h("p", { class: "head-title" });
  replaceChildren(document.getElementById("head"), name, languageSwitch(onLanguage));
  replaceChildren(
    document.getElementById("banners"),
    banners.filter(Boolean).map(({ text, bad }) => h("p", { class: bad ? "banner bad" : "banner" }, text)),
  );
  replaceChildren(
    document.getElementById("foot"),
    contact && h("p", {}, t("Help:"), " ", h("bdi", {}, contact)),
    home && h("p", {}, h("a", { href: home }, homeWords ?? t("Election page"))),
  );
}

function languageSwitch(onLanguage) {
  const buttons = LANGUAGES.filter((code) => code !== language()).map((code) =>
    h(
      "li",
      {},
      h("button", { type: "button", class: "link", lang: code, onclick: () => onLanguage(code) }, NAMES[code]),
    ),
  );
  return h("nav", { "aria-label": t("Language") }, h("ul", {}, buttons));
}

/**
 * What happened, whether the vote counts, what to do, the code.
 *
 * @param {import("./failure.js").Failure} failure
 * @param {string} counted from `countedWords`
 * @param {unknown[]} [actions] buttons
 * @returns {HTMLElement}
 */
export function failurePanel(failure, counted, actions = []) {
  const { title, remedy } = failure.words;
  return h(
    "div",
    { class: "note bad", role: "alert", tabindex: "-1" },
    h("h2", {}, title),
    h("p", {}, h("strong", {}, counted)),
    h("p", {}, remedy),
    h("p", { class: "small" }, t("Code: {code}", { code: failure.reference })),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

/**
 * Give the reader a file.
 *
 * @param {string} name
 * @param {string} content
 * @param {string} [type]
 */
export function saveFile(name, content, type = "application/json") {
  const address = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The banner of elections in a group that protects nothing. */
export function toyBanner() {
  return { text: t("Test election: its keys are too small to protect anything."), bad: true };
}

/** "How this works": the only place with technical words. */
export function howItWorks(election) {
  return h(
    "details",
    {},
    h("summary", {}, t("How this works")),
    h(
      "p",
      {},
      t("Your device encrypts your choices with a key of which several trustees hold one part each."),
      " ",
      t("It proves that the encrypted ballot follows the rules. Only then does anything leave your device."),
    ),
    h(
      "p",
      {},
      t("The ballot is signed with a key made from your voter code, and goes on a public board."),
      " ",
      t("Its hash gives the lock number and the tracker."),
      " ",
      t("Ballots are added up while they are encrypted; no single one is ever decrypted."),
    ),
    election &&
      h(
        "p",
        { class: "small" },
        t("Manifest hash of this election:"),
        " ",
        h("code", { class: "hash" }, election.manifestHash),
      ),
  );
}
