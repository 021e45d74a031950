/**
 * Protocol T11 to T16, D5: the entries that a trustee publishes, as trustee_tools/ceremony.py and
 * voting/election/decryption.py make them. Pure: time and randomness are parameters; nothing is sent.
 *
 * Must not touch the document or the network.
 */

import { fromHex, toBase64Url, u32 } from "../core/bytes.js";
import { signContent } from "../core/entries.js";
import { coefficientsHash, knowledgeContext, KNOWLEDGE } from "./ceremony.js";
import { proveEquality, proveKnowledge } from "./proofs.js";
import { seal } from "./sealing.js";
import { decryptionSecret, openShare, sealingContext } from "./secrets.js";
import { evaluate } from "./sharing.js";

/**
 * @typedef {import("./ceremony.js").Ceremony} Ceremony
 * @typedef {import("./secrets.js").TrusteeSecrets} TrusteeSecrets
 * @typedef {{type: string, body: Uint8Array}} Step an entry that a trustee is about to publish
 * @typedef {(length: number) => Uint8Array} RandomBytes
 */

/**
 * Protocol T11: round 1: keys, and the hash of what round 2 will publish.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {string} time
 * @returns {Promise<Step>}
 */
export function join(secrets, ceremony, time) {
  return step("trustee.joined", secrets, {
    ...common(secrets, ceremony, time),
    commitments: coefficientsHash(secrets.coefficients(ceremony.group, ceremony.attempt)),
    name: ceremony.trustees.get(secrets.index).name,
    sealing_key: toBase64Url(secrets.sealingKey.publicKey),
    signing_key: toBase64Url(secrets.signingKey.publicKey),
  });
}

/**
 * Protocol T12: round 2: the commitments, with a proof of knowledge of each coefficient.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {string} time
 * @param {RandomBytes} randomBytes
 * @returns {Promise<Step>}
 */
export function commit(secrets, ceremony, time, randomBytes) {
  const { group, attempt } = ceremony;
  const coefficients = secrets.coefficients(group, attempt);
  const proofs = secrets.polynomial(group, attempt).map((secret, position) => {
    const statement = group.fromText(coefficients.elements[position], "coefficient");
    const context = knowledgeContext(coefficients, position);
    return encodeProof(group, proveKnowledge(group, secret, statement, context, KNOWLEDGE, randomBytes));
  });
  return step("trustee.committed", secrets, { coefficients, proofs, time });
}

/**
 * Protocol T13: round 3: f(j), sealed to every trustee j of the ceremony.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {string} time
 * @param {RandomBytes} randomBytes
 * @returns {Promise<Step>}
 */
export async function deal(secrets, ceremony, time, randomBytes) {
  const { group, attempt } = ceremony;
  const polynomial = secrets.polynomial(group, attempt);
  const shares = [];
  for (const [recipient, { sealingKey }] of ceremony.trustees) {
    const share = group.encodeScalar(evaluate(group, polynomial, recipient));
    const [info, associated] = sealingContext(secrets.manifestHash, attempt, secrets.index, recipient);
    const { ciphertext, encapsulation } = await seal(sealingKey, info, associated, share, randomBytes);
    shares.push({ ciphertext: toBase64Url(ciphertext), encapsulation: toBase64Url(encapsulation) });
  }
  return step("trustee.dealt", secrets, { ...common(secrets, ceremony, time), shares });
}

/**
 * Protocol T14: round 4: all shares fit, and this is the joint key I see.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {string} time
 * @returns {Promise<Step>}
 * @throws {ProofError} if a share does not fit: complain instead
 */
export async function confirm(secrets, ceremony, time) {
  const { group } = ceremony;
  for (const dealer of ceremony.trustees.keys()) await openShare(secrets, ceremony, dealer);
  return step("trustee.confirmed", secrets, {
    ...common(secrets, ceremony, time),
    joint_key: group.toText(ceremony.jointKey()),
    verification_key: group.toText(ceremony.verificationKey(secrets.index)),
  });
}

/**
 * Protocol T15: round 4 instead: the share from `dealer` is wrong.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {number} dealer
 * @param {string} time
 * @returns {Promise<Step>}
 */
export function complain(secrets, ceremony, dealer, time) {
  return step("trustee.complained", secrets, { ...common(secrets, ceremony, time), dealer });
}

/**
 * Protocol T16: publish the share that `recipient` complained about.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {number} recipient
 * @param {string} time
 * @returns {Promise<Step>}
 */
export function answer(secrets, ceremony, recipient, time) {
  const { group, attempt } = ceremony;
  const share = group.encodeScalar(evaluate(group, secrets.polynomial(group, attempt), recipient));
  return step("trustee.answered", secrets, {
    ...common(secrets, ceremony, time),
    recipient,
    share: toBase64Url(share),
  });
}

/**
 * Protocol D4: what a decryption proof is bound to: election, encrypted tally and trustee.
 *
 * @param {string} election
 * @param {string} tally
 * @param {number} index
 * @returns {Uint8Array[]}
 */
export function shareContext(election, tally, index) {
  return [fromHex(election), fromHex(tally), u32(index)];
}

/**
 * Protocol D5: the trustee's share of the tally. The caller has recomputed the tally from the ballots, and noted it.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {{election: string, hash: string, alphas: bigint[]}} tally election id, hash of the body of `tally.encrypted`,
 *   and the alpha of every total
 * @param {string} time
 * @param {RandomBytes} randomBytes
 * @returns {Promise<Step>}
 */
export async function tallyShare(secrets, ceremony, { election, hash, alphas }, time, randomBytes) {
  const { group } = ceremony;
  const secret = await decryptionSecret(secrets, ceremony);
  const factors = alphas.map((alpha) => group.pow(alpha, secret));
  const publicKey = ceremony.verificationKey(secrets.index);
  const context = shareContext(election, hash, secrets.index);
  const proof = proveEquality(group, secret, publicKey, alphas, factors, context, randomBytes);
  return step("tally.share", secrets, {
    election,
    factors: factors.map((factor) => group.toText(factor)),
    index: secrets.index,
    proof: encodeProof(group, proof),
    tally: hash,
    time,
  });
}

function common(secrets, ceremony, time) {
  return { attempt: ceremony.attempt, index: secrets.index, manifest: secrets.manifestHash, time };
}

function encodeProof(group, { challenge, response }) {
  const text = (scalar) => toBase64Url(group.encodeScalar(scalar));
  return { challenge: text(challenge), response: text(response) };
}

async function step(type, secrets, content) {
  return { type, body: await signContent(type, secrets.manifestHash, content, secrets.signingKey) };
}
