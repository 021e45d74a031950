/**
 * Protocol E8, E10: the form of texts and moments in entries (docs/spec/encoding.md), as voting/protocol/text.py and
 * moment.py.
 *
 * Must not import anything.
 */

const MAX_TEXT_CHARACTERS = 2000;
const HIDDEN = /[\u061C\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/**
 * Whether a text is not empty, not too long, in normal form and without hidden characters.
 *
 * @param {string} text
 * @param {{limit?: number, multiline?: boolean}} [options]
 * @returns {boolean}
 */
export function isText(text, { limit = MAX_TEXT_CHARACTERS, multiline = false } = {}) {
  const visible = multiline ? text.replaceAll("\n", "") : text;
  const isShort = [...text].length <= limit;
  return text !== "" && text === text.trim() && isShort && text.normalize("NFC") === text && !HIDDEN.test(visible);
}

/**
 * Whether a text is a moment: UTC with milliseconds, of an existing day and time.
 *
 * @param {string} text
 * @returns {boolean}
 */
export function isMoment(text) {
  if (!MOMENT.test(text) || text.startsWith("0000")) return false;
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && date.toISOString() === text;
}
