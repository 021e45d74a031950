/**
 * Texts and times as people wrote them (docs/spec/encoding.md, E8, E10, E11; docs/spec/methods.md, M3).
 *
 * Must not touch a document or the network; imports core/errors.js.
 */

import { DecodeError } from "../core/errors.js";

const MOST_CHARACTERS = 2000;
const REFUSED = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/u;
const SPACES = /\s+/gu;
const MOMENT = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.[0-9]{3}Z$/;

/**
 * Protocol E8: checks a text that people wrote.
 * @param {string} text
 * @param {string} what how an error names it
 * @param {{most?: number, lines?: boolean}} [limits] most characters; whether it may have line feeds
 * @throws {DecodeError}
 */
export function verifyText(text, what, { most = MOST_CHARACTERS, lines = false } = {}) {
  const fail = (problem) => {
    throw new DecodeError(problem, { where: what });
  };
  const refused = REFUSED.exec(lines ? text.replaceAll("\n", "") : text);
  if (!text.trim()) fail("is empty");
  if (refused) fail(`contains the character U+${hex(refused[0])}, which is invisible or has no fixed meaning`);
  if (text.trim() !== text) fail("begins or ends with white space");
  if (text.normalize("NFC") !== text) fail("is not in Unicode form NFC");
  if (text.length > most && [...text].length > most) fail(`is longer than ${most} characters`);
}

/**
 * Protocol E11: checks a text in several languages.
 * @param {Record<string, string>} texts
 * @param {string[]} languages those of the manifest
 * @param {string} what how an error names it
 * @param {{lines?: boolean}} [limits]
 * @throws {DecodeError}
 */
export function verifyTexts(texts, languages, what, limits = {}) {
  const found = Object.keys(texts);
  if (found.length !== languages.length || !languages.every((language) => Object.hasOwn(texts, language))) {
    throw new DecodeError("is not there in exactly the languages of the manifest", { where: what });
  }
  for (const language of languages) {
    verifyText(texts[language], `${what}[${language}]`, limits);
  }
}

/**
 * Protocol E10: whether a text is a moment.
 * @param {string} text
 * @returns {boolean}
 */
export function isMoment(text) {
  const numbers = MOMENT.exec(text)?.slice(1).map(Number);
  if (!numbers) return false;
  const [year, month, day, hour, minute, second] = numbers;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  // The first year that a calendar has is 1.
  return year >= 1 && day >= 1 && day <= days && hour <= 23 && minute <= 59 && second <= 59;
}

/**
 * Unicode's full case folding, which JavaScript does not offer: small letters of capital letters, but for two letters
 * whose capitals are shared or missing.
 * @param {string} text
 * @returns {string}
 */
export function caseFolded(text) {
  let folded = "";
  for (const character of text) {
    if (character === "\u0131") folded += character;
    else if (character === "\u1e9e") folded += "ss";
    else folded += character.toUpperCase().toLowerCase();
  }
  return folded;
}

/**
 * A text as M3 compares options.
 * @param {string} text
 * @returns {string}
 */
export function asRead(text) {
  return joinSpaces(caseFolded(text.normalize("NFKC")).normalize("NFKC"));
}

/**
 * A text with runs of white space as one space, and none at the ends.
 * @param {string} text
 * @returns {string}
 */
export function joinSpaces(text) {
  return text.replace(SPACES, " ").trim();
}

function hex(character) {
  return character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}
