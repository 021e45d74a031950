/**
 * What surrounds every screen of the trustees' page: the election's title, languages, the banner of test elections, and
 * help in the same place throughout.
 *
 * Must not import screens.
 */

import { focusOn, h, replaceChildren, words } from "../dom.js";
import { LANGUAGES, language, t } from "../text.js";
import { titleOf } from "./words.js";

const NAMES = { en: "English", fr: "Français" };
const KEPT_MS = 60_000;

/**
 * @typedef {object} Screen
 * @property {string} title of the window
 * @property {string} heading
 * @property {unknown} body
 * @property {unknown} [before] shown before the heading
 */

/**
 * Draw head, banner and foot.
 *
 * @param {import("./record.js").ElectionRecord} record
 * @param {string} home address of the election page
 * @param {(language: string) => void} onLanguage
 */
export function drawFrame(record, home, onLanguage) {
  const title = record.manifest
    ? words("p", titleOf(record), { class: "head-title" })
    : h("p", { class: "head-title" });
  const others = LANGUAGES.filter((code) => code !== language());
  const buttons = others.map((code) =>
    h(
      "li",
      {},
      h("button", { type: "button", class: "link", lang: code, onclick: () => onLanguage(code) }, NAMES[code]),
    ),
  );
  replaceChildren(
    document.getElementById("head"),
    title,
    h("nav", { "aria-label": t("Language") }, h("ul", {}, buttons)),
  );
  replaceChildren(
    document.getElementById("banners"),
    record.group?.isToy && h("p", { class: "banner" }, t("Test election: its keys are too small to protect anything.")),
  );
  replaceChildren(
    document.getElementById("foot"),
    record.manifest?.contact && h("p", {}, t("Help: {contact}", { contact: record.manifest.contact })),
    h("p", {}, h("a", { href: home }, t("Election page"))),
  );
}

/**
 * Show a screen.
 *
 * @param {Screen} screen
 * @param {{move: boolean}} options `move`: put the focus on the heading; else it stays on the control that has it
 */
export function drawScreen({ title, heading, body, before }, { move }) {
  const focused = document.activeElement?.id;
  const scroll = window.scrollY;
  const h1 = h("h1", {}, heading);
  replaceChildren(document.getElementById("main"), before, h1, body);
  document.title = title;
  if (move) {
    focusOn(h1);
    return;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  window.scrollTo(0, scroll);
}

/**
 * Give the reader a file.
 *
 * @param {string} name
 * @param {string|Uint8Array} content
 * @param {string} type
 */
export function saveFile(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
