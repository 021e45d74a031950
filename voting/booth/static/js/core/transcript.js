/**
 * Challenges: hashing to scalars (docs/spec/hashing.md, H1, H2, H4; RFC 9380). As voting/crypto/transcript.py.
 *
 * Imports bytes.js, hash.js and kdf.js.
 */

import { concat, toBigInt, utf8 } from "./bytes.js";
import { sha256 } from "./hash.js";
import { frame } from "./kdf.js";

const CHALLENGE_BYTES = 48;
const ZEROS = new Uint8Array(64);

/**
 * Protocol H1: `expand_message_xmd` with SHA-256 (RFC 9380, section 5.3.1).
 * @param {Uint8Array} message
 * @param {Uint8Array} tag at most 255 bytes
 * @param {number} length at most 8160
 * @returns {Uint8Array}
 */
export function expandMessage(message, tag, length) {
  const tagPrime = concat(tag, Uint8Array.of(tag.length));
  const first = sha256(ZEROS, message, Uint8Array.of(length >> 8, length, 0), tagPrime);
  let block = sha256(first, Uint8Array.of(1), tagPrime);
  const blocks = [block];
  for (let position = 2; blocks.length * block.length < length; position++) {
    const mixed = first.map((byte, index) => byte ^ block[index]);
    block = sha256(mixed, Uint8Array.of(position), tagPrime);
    blocks.push(block);
  }
  return concat(...blocks).subarray(0, length);
}

/**
 * Protocol H2: a challenge in [0, q) over all fields, in order.
 * @param {import("./group.js").Group} group
 * @param {string} purpose
 * @param {...Uint8Array} fields
 * @returns {bigint}
 */
export function challenge(group, purpose, ...fields) {
  const tag = utf8(`urne-v1-${purpose}-${group.name}`);
  return scalarFrom(group, expandMessage(frame(...fields), tag, CHALLENGE_BYTES));
}

/**
 * Protocol H4: a scalar from at least 48 uniform bytes, reduced mod q.
 * @param {import("./group.js").Group} group
 * @param {Uint8Array} bytes
 * @returns {bigint}
 */
export function scalarFrom(group, bytes) {
  return toBigInt(bytes) % group.q;
}
