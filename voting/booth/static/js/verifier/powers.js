/**
 * Reading elements and scalars, and powers of elements (docs/spec/groups.md, G4 to G8; docs/spec/hashing.md, H3).
 *
 * Whether x is a member of the group is asked by raising it to q. That takes 256 squarings, and with what comes by on
 * the way further powers of x cost a quarter. Everything here is public, so time may depend on it. Must not touch a
 * document or the network; imports bytes.js, errors.js, hash.js, kdf.js and transcript.js of core/.
 */

import { fromBase64Url, toBigInt, u32, utf8 } from "../core/bytes.js";
import { DecodeError, NotInGroup } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { frame } from "../core/kdf.js";
import { expandMessage } from "../core/transcript.js";

const DIGIT_BITS = 4;
const DIGITS = 64;
const SCALAR_BYTES = 32;
const WEIGHT_BYTES = 16;
/** q is 2^256 less this number (G1). */
const BELOW_2_256 = 189n;

/** @typedef {import("../core/group.js").Group} Group */

/** An element with its powers 16^0, 16^1, .. 16^63. */
export class Member {
  /**
   * @param {bigint} element in [1, p)
   * @param {bigint} p
   */
  constructor(element, p) {
    this.element = element;
    this.p = p;
    this.squared = [element];
    let square = element;
    for (let digit = 1; digit <= DIGITS; digit++) {
      for (let bit = 0; bit < DIGIT_BITS; bit++) square = (square * square) % p;
      this.squared.push(square);
    }
  }

  /** Whether x^q = 1: whether x^(2^256) = x^189. */
  isInGroup() {
    return this.squared[DIGITS] === smallPower(this.element, BELOW_2_256, this.p);
  }

  /**
   * x^exponent (Yao 1976): powers with the same digit are multiplied first.
   * @param {bigint} exponent in [0, 2^256)
   * @returns {bigint}
   */
  power(exponent) {
    const { p } = this;
    const digits = exponent.toString(16);
    const products = new Array(16).fill(null);
    for (let place = 0; place < digits.length; place++) {
      const digit = Number.parseInt(digits[digits.length - 1 - place], 16);
      const factor = this.squared[place];
      products[digit] = products[digit] === null ? factor : (products[digit] * factor) % p;
    }
    let running = null;
    let result = null;
    for (let digit = 15; digit > 0; digit--) {
      if (products[digit] !== null) running = running === null ? products[digit] : (running * products[digit]) % p;
      if (running !== null) result = result === null ? running : (result * running) % p;
    }
    return result ?? 1n;
  }
}

/**
 * base^exponent for a small exponent.
 * @param {bigint} base
 * @param {bigint} exponent not negative
 * @param {bigint} p
 * @returns {bigint}
 */
export function smallPower(base, exponent, p) {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    if (result !== 1n) result = (result * result) % p;
    if (bit === "1") result = result === 1n ? base : (result * base) % p;
  }
  return result;
}

/**
 * Protocol G8: reads an element.
 * @param {Group} group
 * @param {string} text
 * @param {string} what how an error names it
 * @returns {Member}
 * @throws {DecodeError}
 */
export function readMember(group, text, what) {
  const residue = toBigInt(fromBase64Url(text, group.elementBytes, what));
  if (residue < 1n || residue >= group.p) throw new DecodeError("is outside [1, p)", { where: what });
  const member = new Member(residue, group.p);
  if (!member.isInGroup()) throw new NotInGroup("is not in the group", { where: what });
  return member;
}

/**
 * Protocol G7: reads a scalar.
 * @param {Group} group
 * @param {string} text
 * @param {string} what how an error names it
 * @returns {bigint}
 * @throws {DecodeError}
 */
export function readScalar(group, text, what) {
  return group.decodeScalar(fromBase64Url(text, SCALAR_BYTES, what), what);
}

/**
 * A number modulo q, not negative.
 * @param {bigint} number
 * @param {bigint} q
 * @returns {bigint}
 */
export function modulo(number, q) {
  const rest = number % q;
  return rest < 0n ? rest + q : rest;
}

/**
 * Protocol H3: weights of 128 bits over fields.
 * @param {Group} group
 * @param {string} purpose
 * @param {number} count
 * @param {...Uint8Array} fields
 * @returns {bigint[]}
 */
export function weightsOver(group, purpose, count, ...fields) {
  const tag = utf8(`urne-v1-${purpose}-${group.name}`);
  const seed = sha256(frame(tag, ...fields));
  return Array.from({ length: count }, (_, i) => toBigInt(expandMessage(frame(seed, u32(i)), tag, WEIGHT_BYTES)));
}
