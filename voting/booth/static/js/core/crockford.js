/**
 * Codes that people read, type and say: Crockford's base32 with a check character (docs/spec/encoding.md, E9).
 *
 * No error here contains what was typed: it may be a secret. Imports errors.js.
 */

import { DecodeError } from "./errors.js";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const IGNORED = /[ \-\u00a0\u2010\u2011]/g;

/** @param {string} symbols @returns {string} the check character (E9) of up to 30 symbols */
export function checkCharacter(symbols) {
  let total = 0;
  for (const symbol of [...symbols].reverse()) {
    total = (total ^ ALPHABET.indexOf(symbol)) << 1;
    if (total & 0b100000) {
      total ^= 0b100101;
    }
  }
  return ALPHABET[total];
}

/**
 * The first 5 * `symbols` bits of some bytes, most significant first.
 * @param {Uint8Array} bytes
 * @param {number} symbols
 * @returns {string}
 */
export function encodeBits(bytes, symbols) {
  let text = "";
  for (let start = 0; start < 5 * symbols; start += 5) {
    const place = start >> 3;
    const pair = (bytes[place] << 8) | (bytes[place + 1] ?? 0);
    text += ALPHABET[(pair >> (11 - (start & 7))) & 31];
  }
  return text;
}

/** @param {string} symbols @returns {string} the symbols followed by their check character */
export function addCheck(symbols) {
  return symbols + checkCharacter(symbols);
}

/**
 * Symbols in groups with dashes.
 * @param {string} symbols
 * @param {number} size
 * @returns {string}
 */
export function group(symbols, size) {
  return symbols.match(new RegExp(`.{1,${size}}`, "g")).join("-");
}

/**
 * What was typed, as capitals without spaces and dashes, look-alikes replaced; unchecked.
 * @param {string} typed
 * @returns {string}
 */
export function clean(typed) {
  return typed.trim().toUpperCase().replace(IGNORED, "").replace(/[IL]/g, "1").replace(/O/g, "0");
}

/**
 * The places (from 0) in a cleaned code of characters that no code has.
 * @param {string} cleaned
 * @returns {number[]}
 */
export function foreignPlaces(cleaned) {
  return [...cleaned].flatMap((symbol, place) => (ALPHABET.includes(symbol) ? [] : [place]));
}

/**
 * Reads a typed code of `symbols` symbols and one check character.
 * @param {string} typed
 * @param {number} symbols
 * @param {string} what how an error names the code
 * @returns {string} capitals without dashes
 */
export function read(typed, symbols, what) {
  const cleaned = clean(typed);
  if (foreignPlaces(cleaned).length) {
    throw new DecodeError("contains a character that no code has", {
      where: what,
      remedy: "codes use 0-9 and A-Z without I, L, O, U",
    });
  }
  if (cleaned.length !== symbols + 1) {
    throw new DecodeError(`has ${cleaned.length} characters, not ${symbols + 1}`, {
      where: what,
      remedy: "check for a missing or doubled one",
    });
  }
  if (checkCharacter(cleaned.slice(0, -1)) !== cleaned.at(-1)) {
    throw new DecodeError("contains a typing error", {
      where: what,
      remedy: "compare it with the original, character by character",
    });
  }
  return cleaned;
}
