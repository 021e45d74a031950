/**
 * Exponential ElGamal (docs/spec/ballots.md, C1 and C2): the ciphertext of a small integer m is (g^r, K^r g^m).
 *
 * Imports fixed_base.js.
 */

import { FixedBase, productOfPowers } from "./fixed_base.js";

/** @typedef {{alpha: bigint, beta: bigint}} Ciphertext members of the group */

/** The joint key K and the generator g, with their tables. */
export class PublicKey {
  /**
   * @param {import("./group.js").Group} group
   * @param {bigint} element K, a member of the group
   * @param {import("./fixed_base.js").Comb} comb the size of the tables
   */
  constructor(group, element, comb) {
    this.group = group;
    this.element = element;
    this.g = new FixedBase(group.g, group, comb);
    this.k = new FixedBase(element, group, comb);
  }
}

/**
 * Protocol C1: encrypts a small integer.
 * @param {PublicKey} key
 * @param {number} message not negative
 * @param {bigint} nonce in [0, q), used once
 * @returns {Ciphertext}
 */
export function encrypt(key, message, nonce) {
  return { alpha: key.g.power(nonce), beta: productOfPowers([key.k, nonce], [key.g, BigInt(message)]) };
}

/**
 * Protocol C2: the ciphertext of constant + sum of coefficient * m[index].
 * @param {import("./group.js").Group} group
 * @param {Ciphertext[]} ciphertexts
 * @param {[number, number][]} terms pairs (index, coefficient)
 * @param {number} constant
 * @returns {Ciphertext}
 */
export function combine(group, ciphertexts, terms, constant) {
  const product = (part, start) =>
    terms.reduce((result, [index, coefficient]) => {
      const power = smallPower(group, ciphertexts[index][part], coefficient);
      return result === null ? power : group.mul(result, power);
    }, start) ?? 1n;
  return {
    alpha: product("alpha", null),
    beta: product("beta", constant ? smallPower(group, group.g, constant) : null),
  };
}

function smallPower(group, element, exponent) {
  if (exponent === 1) {
    return element;
  }
  return group.pow(exponent < 0 ? group.inverse(element) : element, BigInt(Math.abs(exponent)));
}
