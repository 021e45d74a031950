/**
 * Protocol T1 to T6: Feldman-Pedersen sharing of the decryption key (docs/spec/trustees.md). Elements and scalars are
 * BigInt; trustees have the indices 1, 2, ..
 *
 * Must not touch the document or the network.
 */

import { FixedBase, bestComb } from "../core/fixed_base.js";

/** @typedef {import("../core/group.js").Group} Group */

/** How many powers of g a trustee computes in a visit, about: it decides on the size of the table. */
const EXPECTED_POWERS = 50;

/** @type {WeakMap<Group, FixedBase>} */
const tables = new WeakMap();

/**
 * Protocol G6: g^exponent, from a table.
 *
 * @param {Group} group
 * @param {bigint} exponent in [0, q)
 * @returns {bigint}
 */
export function powerOfG(group, exponent) {
  let table = tables.get(group);
  if (!table) {
    table = new FixedBase(group.g, group, bestComb(EXPECTED_POWERS, 0));
    tables.set(group, table);
  }
  return table.power(exponent);
}

/**
 * Protocol T1: f(j) = sum a_m j^m mod q.
 *
 * @param {Group} group
 * @param {readonly bigint[]} coefficients
 * @param {number} index
 * @returns {bigint}
 */
export function evaluate(group, coefficients, index) {
  return coefficients.reduceRight((sum, coefficient) => (sum * BigInt(index) + coefficient) % group.q, 0n);
}

/**
 * Protocol T3: g^f(j) = prod A_m^(j^m), from the public commitments alone.
 *
 * @param {Group} group
 * @param {readonly bigint[]} commitments
 * @param {number} index
 * @returns {bigint}
 */
export function committedShare(group, commitments, index) {
  return commitments.reduceRight((product, commitment) => group.mul(group.pow(product, BigInt(index)), commitment), 1n);
}

/**
 * Protocol T4: whether a share is the one that the dealer committed to.
 *
 * @param {Group} group
 * @param {readonly bigint[]} commitments
 * @param {number} index of the recipient
 * @param {bigint} share
 * @returns {boolean}
 */
export function isShareOf(group, commitments, index, share) {
  return powerOfG(group, share) === committedShare(group, commitments, index);
}

/**
 * Protocol T5: K = prod A_(i,0) over the dealers.
 *
 * @param {Group} group
 * @param {readonly (readonly bigint[])[]} allCommitments
 * @returns {bigint}
 */
export function jointKey(group, allCommitments) {
  return allCommitments.reduce((product, commitments) => group.mul(product, commitments[0]), 1n);
}

/**
 * Protocol T6: V_j, whose secret is the sum of all shares of trustee j.
 *
 * @param {Group} group
 * @param {readonly (readonly bigint[])[]} allCommitments
 * @param {number} index
 * @returns {bigint}
 */
export function verificationKey(group, allCommitments, index) {
  return allCommitments.reduce(
    (product, commitments) => group.mul(product, committedShare(group, commitments, index)),
    1n,
  );
}
