/**
 * The one proof of all ballots: a ciphertext encrypts one of a few integers (docs/spec/ballots.md, B3; Cramer,
 * Damgård, Schoenmakers 1994). As voting/crypto/membership.py.
 *
 * Imports fixed_base.js.
 */

import { FixedBase, bestComb, productOfPowers } from "./fixed_base.js";

/**
 * @typedef {object} Commitment the prover's first move; secret, because it holds the nonces
 * @property {bigint[]} elements a_v, b_v for each allowed v, in order
 * @property {bigint[]} masks
 * @property {bigint[]} challenges 0 for the true branch
 * @property {number} trueBranch
 * @property {bigint} nonce
 */

/** @typedef {{challenges: bigint[], responses: bigint[]}} MembershipProof one of each for every allowed integer */

/**
 * Protocol B3a: a_v = g^t_v and b_v = K^t_v g^((v - m) c_v) for every allowed v, with c_m = 0.
 *
 * The factor g^0 of the true branch is left out. There is exactly one such branch, so the time does not tell which.
 * @param {import("./elgamal.js").PublicKey} key
 * @param {number[]} allowed in rising order; contains the message
 * @param {number} message
 * @param {bigint} nonce rho
 * @param {[bigint, bigint][]} draws for each branch t_v and c_v
 * @returns {Commitment}
 */
export function commit(key, allowed, message, nonce, draws) {
  const q = key.group.q;
  const trueBranch = allowed.indexOf(message);
  const masks = draws.map(([mask]) => mask);
  const challenges = draws.map(([, challenge], branch) => (branch === trueBranch ? 0n : challenge));
  const elements = allowed.flatMap((value, branch) => {
    const shift = positive(BigInt(value - message) * challenges[branch], q);
    const a = key.g.power(masks[branch]);
    const b =
      branch === trueBranch ? key.k.power(masks[branch]) : productOfPowers([key.k, masks[branch]], [key.g, shift]);
    return [a, b];
  });
  return { elements, masks, challenges, trueBranch, nonce };
}

/**
 * Protocol B3b: the missing challenge, and z_v = t_v + rho c_v.
 * @param {bigint} q
 * @param {Commitment} commitment
 * @param {bigint} challenge
 * @returns {MembershipProof}
 */
export function respond(q, commitment, challenge) {
  const missing = lastChallenge(q, challenge, commitment.challenges);
  const challenges = commitment.challenges.map((c, branch) => (branch === commitment.trueBranch ? missing : c));
  const responses = challenges.map((c, branch) => (commitment.masks[branch] + commitment.nonce * c) % q);
  return { challenges, responses };
}

/**
 * The challenge that is not published: what is left of the ballot's.
 * @param {bigint} q
 * @param {bigint} challenge
 * @param {bigint[]} others
 * @returns {bigint}
 */
export function lastChallenge(q, challenge, others) {
  return positive(
    others.reduce((rest, other) => rest - other, challenge),
    q,
  );
}

/**
 * Protocol B3c: the commitments that a proof stands for: a_v = g^z A^-c and b_v = K^z g^(v c) B^-c, in order.
 * @param {import("./elgamal.js").PublicKey} key
 * @param {import("./elgamal.js").Ciphertext} ciphertext
 * @param {number[]} allowed
 * @param {MembershipProof} proof
 * @returns {bigint[]}
 */
export function commitmentsOf(key, ciphertext, allowed, proof) {
  const { group } = key;
  const q = group.q;
  const comb = bestComb(allowed.length, 0);
  const alpha = new FixedBase(ciphertext.alpha, group, comb);
  const beta = new FixedBase(ciphertext.beta, group, comb);
  return allowed.flatMap((value, branch) => {
    const c = proof.challenges[branch];
    const z = proof.responses[branch];
    const minus = positive(-c, q);
    const shift = positive(BigInt(value) * c, q);
    const a = group.mul(key.g.power(z), alpha.power(minus));
    const b = group.mul(productOfPowers([key.k, z], [key.g, shift]), beta.power(minus));
    return [a, b];
  });
}

function positive(number, q) {
  const rest = number % q;
  return rest < 0n ? rest + q : rest;
}
