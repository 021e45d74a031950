/**
 * Protocol T: the trustees' ceremony as the board shows it (docs/spec/trustees.md), as voting/election/ceremony.py.
 *
 * `Ceremony` is replayed from the entries. Every method checks one entry against the state and then takes it in; if it
 * throws, nothing has changed. The trustee's secrets are in `secrets.js`. Must not touch the document or the network.
 */

import { equal, fromBase64Url, fromHex, u32 } from "../core/bytes.js";
import { encodeCanonical } from "../core/canonical.js";
import { checkPublicKey } from "../core/ed25519.js";
import { DecodeError, VerificationError } from "../core/errors.js";
import { sha256Hex } from "../core/hash.js";
import { verifyKnowledge } from "./proofs.js";
import { require, within } from "./rules.js";
import { requirePublic } from "./sealing.js";
import { isShareOf, jointKey, verificationKey } from "./sharing.js";

/** Purpose of the proofs of knowledge of the coefficients. */
export const KNOWLEDGE = "trustee-knowledge";

/**
 * @typedef {object} TrusteeState what the board shows of one trustee in the current ceremony
 * @property {number} index
 * @property {string} name
 * @property {Uint8Array|null} signingKey null until this trustee has joined
 * @property {Uint8Array|null} sealingKey
 * @property {string|null} commitmentsHash
 * @property {bigint[]} commitments none until this trustee has committed
 * @property {Map<number, {ciphertext: string, encapsulation: string}>} sealedShares recipient -> the share sealed to
 *   them
 * @property {boolean} isConfirmed
 * @property {Map<string, string>} times entry type -> when this trustee made it
 */

/**
 * Protocol T9: what a proof of knowledge is bound to: manifest, ceremony, trustee and coefficient.
 *
 * @param {{manifest: string, attempt: number, index: number}} coefficients
 * @param {number} position
 * @returns {Uint8Array[]}
 */
export function knowledgeContext({ manifest, attempt, index }, position) {
  return [fromHex(manifest), u32(attempt), u32(index), u32(position)];
}

/**
 * Protocol T10: what a trustee publishes in round 1: SHA-256 of the canonical coefficients of round 2.
 *
 * @param {object} coefficients
 * @returns {string}
 */
export function coefficientsHash(coefficients) {
  return sha256Hex(encodeCanonical(coefficients));
}

/**
 * The scalars of a proof in an entry.
 *
 * @param {import("../core/group.js").Group} group
 * @param {{challenge: string, response: string}} proof
 * @param {string} what
 * @returns {{challenge: bigint, response: bigint}}
 */
export function decodeProof(group, proof, what) {
  const scalar = (name) => group.decodeScalar(fromBase64Url(proof[name], 32, `${what}.${name}`), `${what}.${name}`);
  return { challenge: scalar("challenge"), response: scalar("response") };
}

/** The state of the current ceremony; `failed` is the index of a dealer who was caught, or null. */
export class Ceremony {
  /**
   * @param {object} manifest
   * @param {import("../core/group.js").Group} group
   */
  constructor(manifest, group) {
    this.manifest = manifest;
    this.group = group;
    this.attempt = 1;
    this.excluded = [];
    this.#start();
  }

  #start() {
    /** @type {Map<number, TrusteeState>} by rising index */
    this.trustees = new Map();
    this.manifest.trustees.forEach(({ name }, position) => {
      const index = position + 1;
      if (!this.excluded.includes(index)) this.trustees.set(index, newTrustee(index, name));
    });
    /** @type {{dealer: number, by: number, isSettled: boolean, share: bigint|null}[]} */
    this.complaints = [];
    this.failed = null;
  }

  get allJoined() {
    return this.#all((trustee) => trustee.signingKey !== null);
  }

  get allCommitted() {
    return this.#all((trustee) => trustee.commitments.length > 0);
  }

  get allDealt() {
    return this.#all((trustee) => trustee.sealedShares.size > 0);
  }

  /** All have confirmed, and the ceremony has not failed: the joint key may be used. */
  get isComplete() {
    return this.failed === null && this.#all((trustee) => trustee.isConfirmed);
  }

  #all(holds) {
    return [...this.trustees.values()].every(holds);
  }

  /** K; all must have committed. @returns {bigint} */
  jointKey() {
    return jointKey(this.group, this.#commitments());
  }

  /** V_j; all must have committed. @returns {bigint} */
  verificationKey(index) {
    return verificationKey(this.group, this.#commitments(), index);
  }

  #commitments() {
    return [...this.trustees.values()].map((trustee) => trustee.commitments);
  }

  /** Complaints that wait for an answer. */
  openComplaints() {
    return this.complaints.filter((complaint) => !complaint.isSettled);
  }

  /** The signing key of a trustee who has joined; check 05 fails for anybody else. */
  signer(index, subject) {
    const key = this.trustees.get(index)?.signingKey;
    if (!key) throw new VerificationError("05", subject, `trustee ${index} is not part of this ceremony`);
    return key;
  }

  /** Protocol T11: round 1. A trustee joins once, under the name of the manifest, with keys that nobody else has. */
  join(entry, subject) {
    this.#requireAttempt(entry.attempt, subject);
    const trustee = this.trustees.get(entry.index);
    require(trustee, "07", subject, `there is no trustee ${entry.index} in this ceremony`);
    require(trustee.signingKey === null, "07", subject, `trustee ${entry.index} has joined already`);
    require(entry.name === trustee.name, "07", subject, `the name of trustee ${entry.index} is not the manifest's`);
    const [signing, sealing] = within("07", subject, () => {
      const keys = ["signing_key", "sealing_key"].map((name) => fromBase64Url(entry[name], 32, name));
      checkPublicKey(keys[0], "signing_key");
      requirePublic(keys[1], "sealing_key");
      return keys;
    });
    for (const { signingKey, sealingKey } of this.trustees.values()) {
      const isSame = signingKey !== null && (equal(signingKey, signing) || equal(sealingKey, sealing));
      require(!isSame, "07", subject, "another trustee has the same key");
    }
    Object.assign(trustee, { signingKey: signing, sealingKey: sealing, commitmentsHash: entry.commitments });
    trustee.times.set("trustee.joined", entry.time);
  }

  /** Protocol T12: round 2, when all have joined: coefficients fit their hash, proofs of knowledge hold. */
  commit(entry, subject) {
    const { coefficients, proofs } = entry;
    this.#requireAttempt(coefficients.attempt, subject);
    const trustee = this.trustees.get(coefficients.index);
    require(this.allJoined, "07", subject, "not all trustees have joined yet");
    require(trustee.commitments.length === 0, "07", subject, `trustee ${trustee.index} has committed already`);
    const isPromised = coefficientsHash(coefficients) === trustee.commitmentsHash;
    require(isPromised, "06", subject, "the coefficients do not fit the hash of round 1");
    const { threshold } = this.manifest;
    const isComplete = coefficients.elements.length === threshold && proofs.length === threshold;
    require(isComplete, "06", subject, "wrong number of coefficients or proofs");
    trustee.commitments = within("06", subject, () =>
      coefficients.elements.map((text, position) => {
        const element = this.group.fromText(text, `elements[${position}]`);
        if (element === 1n) throw new DecodeError("is 1", { where: `elements[${position}]` });
        const proof = decodeProof(this.group, proofs[position], `proofs[${position}]`);
        verifyKnowledge(this.group, proof, element, knowledgeContext(coefficients, position), KNOWLEDGE);
        return element;
      }),
    );
    trustee.times.set("trustee.committed", entry.time);
  }

  /** Protocol T13: round 3, when all have committed: one sealed share for every trustee. */
  deal(entry, subject) {
    this.#requireAttempt(entry.attempt, subject);
    const trustee = this.trustees.get(entry.index);
    require(this.allCommitted, "07", subject, "not all trustees have committed yet");
    require(trustee.sealedShares.size === 0, "07", subject, `trustee ${entry.index} has dealt already`);
    require(entry.shares.length === this.trustees.size, "07", subject, "wrong number of shares");
    [...this.trustees.keys()].forEach((index, place) => trustee.sealedShares.set(index, entry.shares[place]));
    trustee.times.set("trustee.dealt", entry.time);
  }

  /** Protocol T14: round 4, when all have dealt and this trustee's complaints are settled. */
  confirm(entry, subject) {
    this.#requireAttempt(entry.attempt, subject);
    const trustee = this.trustees.get(entry.index);
    require(this.allDealt, "07", subject, "not all trustees have dealt their shares yet");
    require(!trustee.isConfirmed, "07", subject, `trustee ${entry.index} has confirmed already`);
    const isOpen = this.openComplaints().some(({ by }) => by === entry.index);
    require(!isOpen, "07", subject, `a complaint of trustee ${entry.index} is still open`);
    const joint = this.jointKey();
    require(joint !== 1n, "08", subject, "the joint key is 1");
    const isJoint = entry.joint_key === this.group.toText(joint);
    require(isJoint, "08", subject, "the joint key does not follow from the commitments");
    const isOwn = entry.verification_key === this.group.toText(this.verificationKey(entry.index));
    require(isOwn, "08", subject, "the verification key does not follow from the commitments");
    trustee.isConfirmed = true;
    trustee.times.set("trustee.confirmed", entry.time);
  }

  /** Protocol T15: round 4 instead of confirming: the share from `dealer` does not open or does not fit. */
  complain(entry, subject) {
    this.#requireAttempt(entry.attempt, subject);
    require(this.allDealt, "07", subject, "not all trustees have dealt their shares yet");
    const isAnother = this.trustees.has(entry.dealer) && entry.dealer !== entry.index;
    require(isAnother, "07", subject, "the complaint names no other trustee of this ceremony");
    const trustee = this.trustees.get(entry.index);
    require(!trustee.isConfirmed, "07", subject, `trustee ${entry.index} has confirmed already`);
    const isRepeated = this.complaints.some(({ dealer, by }) => dealer === entry.dealer && by === entry.index);
    require(!isRepeated, "07", subject, "this complaint was made before");
    this.complaints.push({ dealer: entry.dealer, by: entry.index, isSettled: false, share: null });
    trustee.times.set("trustee.complained", entry.time);
  }

  /**
   * Protocol T16: the dealer publishes the share. If it fits, the complaint is settled; if not, the ceremony
   * failed.
   */
  answer(entry, subject) {
    this.#requireAttempt(entry.attempt, subject);
    const isMeant = ({ dealer, by }) => dealer === entry.index && by === entry.recipient;
    const complaint = this.openComplaints().find(isMeant);
    require(complaint, "07", subject, "there is no open complaint that this could answer");
    const share = within("07", subject, () =>
      this.group.decodeScalar(fromBase64Url(entry.share, 32, "share"), "share"),
    );
    const dealer = this.trustees.get(entry.index);
    if (!isShareOf(this.group, dealer.commitments, entry.recipient, share)) {
      this.failed = entry.index;
      return;
    }
    Object.assign(complaint, { isSettled: true, share });
    dealer.times.set("trustee.answered", entry.time);
  }

  /** Protocol T17: the administrator begins a new ceremony without the trustees named. */
  restart(entry, subject) {
    const total = this.manifest.trustees.length;
    const { excluded } = entry;
    require(entry.attempt === this.attempt + 1, "07", subject, "wrong number of the ceremony");
    const isRising = excluded.every((index, place) => place === 0 || excluded[place - 1] < index);
    const isKnown = excluded.every((index) => index >= 1 && index <= total);
    require(isRising && isKnown, "07", subject, "the excluded trustees are not distinct, known and in rising order");
    const keepsEarlier = this.excluded.every((index) => excluded.includes(index));
    require(keepsEarlier, "07", subject, "a trustee who was excluded before comes back");
    const areEnough = total - excluded.length >= this.manifest.threshold;
    require(areEnough, "07", subject, "fewer trustees would be left than are needed to decrypt");
    this.attempt = entry.attempt;
    this.excluded = excluded;
    this.#start();
  }

  #requireAttempt(attempt, subject) {
    require(attempt === this.attempt, "07", subject, "belongs to another ceremony");
    require(this.failed === null, "07", subject, "the ceremony has failed; it must be restarted");
  }
}

function newTrustee(index, name) {
  return {
    index,
    name,
    signingKey: null,
    sealingKey: null,
    commitmentsHash: null,
    commitments: [],
    sealedShares: new Map(),
    isConfirmed: false,
    times: new Map(),
  };
}
