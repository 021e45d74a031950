/**
 * Framing and HKDF-SHA-256 with a purpose (docs/spec/hashing.md, H5 to H8; RFC 5869). As voting/crypto/kdf.py.
 *
 * Imports bytes.js and hash.js.
 */

import { concat, u32, utf8 } from "./bytes.js";
import { HASH_BYTES, Hmac, sha256 } from "./hash.js";

const MAX_LENGTH = 255 * HASH_BYTES;
const ZERO_BYTE = Uint8Array.of(0);

/**
 * Protocol H5: joins byte strings so that they can be told apart: before each, its length as 4 bytes.
 * @param {...Uint8Array} fields
 * @returns {Uint8Array}
 */
export function frame(...fields) {
  return concat(...fields.flatMap((field) => [u32(field.length), field]));
}

/**
 * HKDF-Extract.
 * @param {Uint8Array} salt
 * @param {Uint8Array} secret
 * @returns {Uint8Array}
 */
export function hkdfExtract(salt, secret) {
  return new Hmac(salt).digest(secret);
}

/**
 * HKDF-Expand.
 * @param {Uint8Array} key
 * @param {Uint8Array} info
 * @param {number} length 1 to 8160
 * @returns {Uint8Array}
 */
export function hkdfExpand(key, info, length) {
  return expand(new Hmac(key), info, length);
}

function expand(hmac, info, length) {
  if (!(length >= 1 && length <= MAX_LENGTH)) {
    throw new RangeError(`HKDF-SHA256 gives 1 to ${MAX_LENGTH} bytes, not ${length}`);
  }
  const blocks = [];
  let block = new Uint8Array(0);
  for (let counter = 1; blocks.length * HASH_BYTES < length; counter++) {
    block = hmac.digest(block, info, Uint8Array.of(counter));
    blocks.push(block);
  }
  return concat(...blocks).subarray(0, length);
}

/** Protocol H6: a secret bound to a purpose and a context; from it come any number of outputs. */
export class Derivation {
  #hmac;
  #label;

  /**
   * @param {Uint8Array} secret
   * @param {string} purpose
   * @param {...Uint8Array} context
   */
  constructor(secret, purpose, ...context) {
    const label = utf8(`urne-v1-${purpose}`);
    this.#hmac = new Hmac(hkdfExtract(sha256(frame(label, ...context)), secret));
    this.#label = concat(label, ZERO_BYTE);
  }

  /**
   * Protocol H7: an output.
   * @param {number} length
   * @param {Uint8Array} info sets outputs of the same derivation apart
   * @returns {Uint8Array}
   */
  bytes(length, info) {
    return expand(this.#hmac, concat(this.#label, info), length);
  }
}

/**
 * Protocol H8: a single output of a derivation.
 * @param {Uint8Array} secret
 * @param {string} purpose
 * @param {Uint8Array[]} context
 * @param {number} length
 * @param {Uint8Array} [info]
 * @returns {Uint8Array}
 */
export function derive(secret, purpose, context, length, info = new Uint8Array(0)) {
  return new Derivation(secret, purpose, ...context).bytes(length, info);
}
