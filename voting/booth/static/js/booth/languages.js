/**
 * Which language a static page begins in: the one that the reader chose anywhere on this site, else the browser's. The
 * site keeps the choice in a cookie that scripts cannot read, so the site is told and asked.
 *
 * Must not import screens.
 */

import { LANGUAGES, bestLanguage, language, loadTexts, setLanguage } from "../text.js";

const CHOSEN = "/booth/language";

/** Load and set the language of the page. Never fails: without an answer it is the browser's language. */
export async function chooseLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const chosen = LANGUAGES.includes(asked) ? asked : await chosenBefore();
  setLanguage(await loadTexts(chosen ?? bestLanguage(navigator.languages ?? [])));
}

async function chosenBefore() {
  try {
    const answer = await fetch(CHOSEN, { cache: "no-store" });
    const { language: code } = answer.ok ? await answer.json() : {};
    return LANGUAGES.includes(code) ? code : null;
  } catch {
    return null;
  }
}

/** Let the other pages of the site begin in this language, too. */
export function rememberLanguage() {
  fetch(`${CHOSEN}?lang=${language()}`, { cache: "no-store" }).catch(() => {});
}
