/**
 * Protocol P2 to P5: the proofs that trustees make: knowledge of a logarithm, and one proof that many decryption
 * factors use one secret (docs/spec/ballots.md). Statements and nonces are hashed exactly as voting/crypto does it.
 *
 * Must not touch the document or the network. Randomness is a parameter.
 */

import { concat, toBigInt, u32, utf8 } from "../core/bytes.js";
import { ProofError } from "../core/errors.js";
import { sha256 } from "../core/hash.js";
import { derive, frame } from "../core/kdf.js";
import { challenge, expandMessage, scalarFrom } from "../core/transcript.js";
import { powerOfG } from "./sharing.js";

const DECRYPTION = "decryption";
const NONCE_BYTES = 48;
const WEIGHT_BYTES = 16;

/**
 * @typedef {import("../core/group.js").Group} Group
 * @typedef {{challenge: bigint, response: bigint}} Proof
 * @typedef {(length: number) => Uint8Array} RandomBytes
 */

/**
 * Protocol P2: prove knowledge of x with statement y = g^x. The nonce depends on the secret and on fresh randomness.
 *
 * @param {Group} group
 * @param {bigint} secret
 * @param {bigint} statement
 * @param {Uint8Array[]} context
 * @param {string} purpose
 * @param {RandomBytes} randomBytes
 * @returns {Proof}
 */
export function proveKnowledge(group, secret, statement, context, purpose, randomBytes) {
  const bound = [...context, group.encode(statement)];
  const nonce = proverNonce(group, secret, `${purpose}-nonce`, bound, randomBytes);
  const commitment = group.encodeUnsigned(powerOfG(group, nonce));
  const c = challenge(group, purpose, ...bound, commitment);
  return { challenge: c, response: (nonce + c * secret) % group.q };
}

/**
 * Protocol P3: check c = H(context, y, g^z y^-c).
 *
 * @param {Group} group
 * @param {Proof} proof
 * @param {bigint} statement
 * @param {Uint8Array[]} context
 * @param {string} purpose
 * @throws {ProofError}
 */
export function verifyKnowledge(group, proof, statement, context, purpose) {
  const minusC = group.q - proof.challenge;
  const commitment = group.mul(powerOfG(group, proof.response), group.pow(statement, minusC));
  const expected = challenge(group, purpose, ...context, group.encode(statement), group.encodeUnsigned(commitment));
  if (expected !== proof.challenge) throw new ProofError("the proof of knowledge does not hold");
}

/**
 * Protocol P4: prove V = g^s and M_t = A_t^s for every t.
 *
 * @param {Group} group
 * @param {bigint} secret s
 * @param {bigint} publicKey V
 * @param {readonly bigint[]} bases A_t, at least one
 * @param {readonly bigint[]} powers M_t
 * @param {Uint8Array[]} context
 * @param {RandomBytes} randomBytes
 * @returns {Proof}
 */
export function proveEquality(group, secret, publicKey, bases, powers, context, randomBytes) {
  const { a, m, statement } = composites(group, publicKey, bases, powers, context);
  const nonce = proverNonce(group, secret, `${DECRYPTION}-nonce`, statement, randomBytes);
  const commitments = [powerOfG(group, nonce), group.pow(a, nonce)];
  const c = equalityChallenge(group, statement, a, m, commitments);
  return { challenge: c, response: (nonce + c * secret) % group.q };
}

/**
 * Protocol P5: check c = H(context, V, all A_t, all M_t, A, M, g^z V^-c, A^z M^-c).
 *
 * @param {Group} group
 * @param {Proof} proof
 * @param {bigint} publicKey
 * @param {readonly bigint[]} bases members of the group
 * @param {readonly bigint[]} powers members of the group
 * @param {Uint8Array[]} context
 * @throws {ProofError}
 */
export function verifyEquality(group, proof, publicKey, bases, powers, context) {
  if (bases.length !== powers.length || bases.length === 0) {
    throw new ProofError(`there are ${powers.length} factors for ${bases.length} ciphertexts`);
  }
  const { a, m, statement } = composites(group, publicKey, bases, powers, context);
  const minusC = group.q - proof.challenge;
  const commitments = [
    group.mul(powerOfG(group, proof.response), group.pow(publicKey, minusC)),
    group.mul(group.pow(a, proof.response), group.pow(m, minusC)),
  ];
  if (equalityChallenge(group, statement, a, m, commitments) !== proof.challenge) {
    throw new ProofError("the proof of correct decryption does not hold");
  }
}

function equalityChallenge(group, statement, a, m, commitments) {
  const hashed = commitments.map((commitment) => group.encodeUnsigned(commitment));
  return challenge(group, DECRYPTION, ...statement, group.encode(a), group.encode(m), ...hashed);
}

function composites(group, publicKey, bases, powers, context) {
  const statement = [...context, ...[publicKey, ...bases, ...powers].map((element) => group.encode(element))];
  const weights = batchWeights(group, `${DECRYPTION}-weights`, bases.length, statement);
  return { a: weighted(group, bases, weights), m: weighted(group, powers, weights), statement };
}

function weighted(group, elements, weights) {
  return elements.reduce((product, element, t) => group.mul(product, group.pow(element, weights[t])), 1n);
}

/**
 * Protocol H3: weights of 128 bits that nobody can choose, all from one hash over the fields.
 *
 * @param {Group} group
 * @param {string} purpose
 * @param {number} count
 * @param {Uint8Array[]} fields
 * @returns {bigint[]}
 */
export function batchWeights(group, purpose, count, fields) {
  const tag = utf8(`urne-v1-${purpose}-${group.name}`);
  const seed = sha256(frame(tag, ...fields));
  return Array.from({ length: count }, (_, index) =>
    toBigInt(expandMessage(frame(seed, u32(index)), tag, WEIGHT_BYTES)),
  );
}

function proverNonce(group, secret, purpose, statement, randomBytes) {
  const material = concat(group.encodeScalar(secret), randomBytes(32));
  return scalarFrom(group, derive(material, purpose, statement, NONCE_BYTES));
}
