/**
 * Voters' codes and the keys that they give (docs/spec/credentials.md, K2 and K3). As voting/election/credentials.py.
 *
 * A code is a secret: no error contains it. Imports bytes.js, crockford.js, ed25519.js and kdf.js.
 */

import { fromHex, utf8 } from "./bytes.js";
import { clean, foreignPlaces, group, read } from "./crockford.js";
import { signingKeyFromSeed } from "./ed25519.js";
import { hkdfExpand, hkdfExtract } from "./kdf.js";

/** Characters of a code without its check character; with it, five groups of five are printed. */
export const CODE_SYMBOLS = 24;
export const GROUP_SIZE = 5;
const GROUPS = 5;

const INFO = utf8("urne-v1-credential");

/**
 * Protocol K2: a typed code in its one printed form. Throws DecodeError for a typing error.
 * @param {string} typed
 * @returns {string}
 */
export function parseCode(typed) {
  return group(read(typed, CODE_SYMBOLS, "voter code"), GROUP_SIZE);
}

/**
 * Which groups of five (from 1) look wrong in a typed code, as far as that can be told: a group with a character that
 * no code has, or, if the code was typed with separators, a group of another length than five. An error in a character
 * that codes do have shows only in the check character of the whole code: then the list is empty.
 * @param {string} typed
 * @returns {number[]}
 */
export function doubtfulGroups(typed) {
  const groups = typed
    .split(/[\s\-\u2010\u2011]+/)
    .map(clean)
    .filter(Boolean);
  const cleaned = groups.join("");
  if (groups.length === GROUPS) {
    return groups.flatMap((part, index) =>
      part.length !== GROUP_SIZE || foreignPlaces(part).length ? [index + 1] : [],
    );
  }
  return [...new Set(foreignPlaces(cleaned).map((place) => Math.floor(place / GROUP_SIZE) + 1))];
}

/**
 * Protocol K3: the voter's key for one election.
 * @param {string} code as printed or typed
 * @param {string} manifestHash 64 hexadecimal digits
 * @returns {Promise<import("./ed25519.js").SigningKey>}
 */
export async function deriveCredential(code, manifestHash) {
  const symbols = read(code, CODE_SYMBOLS, "voter code");
  const seed = hkdfExpand(hkdfExtract(fromHex(manifestHash), utf8(symbols)), INFO, 32);
  const key = await signingKeyFromSeed(seed);
  seed.fill(0);
  return key;
}
