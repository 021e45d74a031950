/**
 * Sentences of programs in the reader's language: what is wrong, where, and what to do, in the way of
 * `voting.translations.problems`. "is 3, outside 1 to 2" is an instance of "is {a}, outside {b} to {c}".
 *
 * Must not import anything that runs in workers.
 */

import { language } from "../text.js";

const FIELD = /\{([a-z_]+)\}/g;
const catalogues = new Map();

/**
 * The sentences of a language.
 *
 * @param {string} code
 * @param {Record<string, string>} problems English -> translated
 */
export function provideProblems(code, problems) {
  const patterns = Object.entries(problems)
    .filter(([english]) => english.search(FIELD) >= 0)
    .map(([english, translated]) => patternOf(english, translated))
    .sort((left, right) => right.fixed - left.fixed);
  catalogues.set(code, { problems, patterns });
}

function patternOf(english, translated) {
  const names = [...english.matchAll(FIELD)].map((match) => match[1]);
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const parts = english.split(FIELD).filter((_part, index) => index % 2 === 0);
  const pattern = new RegExp(`^${parts.map(literal).join("([^]+?)")}$`, "u");
  return { pattern, names, translated, fixed: english.replace(FIELD, "").length };
}

/**
 * A sentence in the reader's language, or as it is.
 *
 * @param {string} message
 * @returns {string}
 */
export function said(message) {
  const catalogue = catalogues.get(language());
  if (!catalogue) return message;
  if (Object.hasOwn(catalogue.problems, message)) return catalogue.problems[message];
  for (const { pattern, names, translated } of catalogue.patterns) {
    const match = pattern.exec(message);
    if (!match) continue;
    const values = new Map(names.map((name, index) => [name, match[index + 1]]));
    return translated.replace(FIELD, (_whole, name) => values.get(name) ?? "");
  }
  return message;
}

/**
 * A sentence of its own: with a capital letter and a full stop; nothing stays nothing.
 *
 * @param {string} message
 * @returns {string}
 */
export function sentence(message) {
  const words = said(message).trim();
  return words && `${words[0].toUpperCase()}${words.slice(1).replace(/\.+$/, "")}.`;
}
