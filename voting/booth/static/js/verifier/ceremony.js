/**
 * The trustees' ceremony as the record shows it (docs/spec/trustees.md, T3 to T6 and T9 to T17).
 *
 * Each step either throws and changes nothing, or is taken in. Signatures and times are for rules.js to check. Must not
 * touch a document or the network; imports bytes.js, canonical.js, hash.js and transcript.js of core/,
 * findings.js, powers.js and signatures.js.
 */

import { fromHex, u32 } from "../core/bytes.js";
import { encodeCanonical } from "../core/canonical.js";
import { sha256Hex } from "../core/hash.js";
import { challenge } from "../core/transcript.js";
import { RuleBroken, under } from "./findings.js";
import { modulo, readMember, readScalar, smallPower } from "./powers.js";
import { verifySealingKey } from "./signatures.js";

const KNOWLEDGE = "trustee-knowledge";

/**
 * @typedef {object} Trustee what a trustee of the present ceremony has done in it
 * @property {number} index
 * @property {string} name
 * @property {string} signingKey base64url; empty before joining
 * @property {string} sealingKey
 * @property {string} promised the hash of round 1
 * @property {bigint[]} elements A_(i,0), A_(i,1), ..; none before round 2
 * @property {boolean} hasDealt
 * @property {boolean} hasConfirmed
 */

/** The state of the present ceremony. */
export class Ceremony {
  #joint = null;

  /** @param {import("./manifest.js").Definition} definition */
  constructor(definition) {
    this.definition = definition;
    this.attempt = 1;
    this.excluded = [];
    /** The commitment of each proof so far, in all ceremonies: {index of the trustee, what, entry, commitment}. */
    this.proofCommitments = [];
    this.#begin();
  }

  #begin() {
    this.#joint = null;
    /** @type {Map<number, Trustee>} */
    this.trustees = new Map();
    this.definition.manifest.trustees.forEach(({ name }, place) => {
      const index = place + 1;
      if (this.excluded.includes(index)) return;
      const nothing = { signingKey: "", sealingKey: "", promised: "", elements: [] };
      this.trustees.set(index, { index, name, ...nothing, hasDealt: false, hasConfirmed: false });
    });
    /** "author dealer" -> whether the complaint is settled. */
    this.complaints = new Map();
    /** Who dealt a wrong share: only a new ceremony can follow. */
    this.failed = null;
  }

  /** Whether all have confirmed and nobody was caught. */
  get isComplete() {
    return this.failed === null && this.#all(({ hasConfirmed }) => hasConfirmed);
  }

  /** Protocol T5: K; all must have committed. @returns {bigint} */
  jointKey() {
    const { p } = this.definition.group;
    this.#joint ??= [...this.trustees.values()].reduce((product, { elements }) => (product * elements[0]) % p, 1n);
    return this.#joint;
  }

  /** Protocol T6: V_j; all must have committed. @returns {bigint} */
  verificationKey(index) {
    const { p } = this.definition.group;
    const joined = this.definition.manifest.threshold;
    const products = Array.from({ length: joined }, (_, m) =>
      [...this.trustees.values()].reduce((product, { elements }) => (product * elements[m]) % p, 1n),
    );
    return this.#evaluated(products, index);
  }

  /** The key of a trustee who has joined. */
  signer(index, subject) {
    const trustee = this.trustees.get(index);
    if (!trustee?.signingKey) {
      throw new RuleBroken("05", subject, `trustee ${index} is not part of this ceremony or has not joined`);
    }
    return trustee.signingKey;
  }

  /** Protocol T11. */
  join({ attempt, commitments, index, name, sealing_key: sealingKey, signing_key: signingKey }, subject) {
    this.#requireAttempt(attempt, subject);
    const trustee = this.trustees.get(index);
    if (!trustee) throw new RuleBroken("07", subject, `there is no trustee ${index} in this ceremony`);
    if (trustee.signingKey) throw new RuleBroken("07", subject, `trustee ${index} has joined already`);
    if (name !== trustee.name)
      throw new RuleBroken("07", subject, `the name of trustee ${index} is not the manifest's`);
    under("07", subject, () => verifySealingKey(sealingKey, "sealing_key"));
    for (const other of this.trustees.values()) {
      if (other.signingKey === signingKey || other.sealingKey === sealingKey) {
        throw new RuleBroken("07", subject, "another trustee has the same key");
      }
    }
    Object.assign(trustee, { signingKey, sealingKey, promised: commitments });
  }

  /** Protocol T12. */
  commit({ coefficients, proofs }, subject, entry) {
    const { attempt, elements, index } = coefficients;
    const { threshold } = this.definition.manifest;
    this.#requireAttempt(attempt, subject);
    const trustee = this.trustees.get(index);
    if (!this.#all(({ signingKey }) => signingKey)) {
      throw new RuleBroken("07", subject, "not all trustees have joined yet");
    }
    if (trustee.elements.length) throw new RuleBroken("07", subject, `trustee ${index} has committed already`);
    if (sha256Hex(encodeCanonical(coefficients)) !== trustee.promised) {
      throw new RuleBroken("06", subject, "the coefficients do not fit the hash of round 1");
    }
    if (elements.length !== threshold || proofs.length !== threshold) {
      throw new RuleBroken("06", subject, "wrong number of coefficients or proofs", {
        expected: String(threshold),
        found: `${elements.length} and ${proofs.length}`,
      });
    }
    const checked = under("06", subject, () =>
      elements.map((text, m) => this.#known(text, proofs[m], index, m, subject)),
    );
    trustee.elements = checked.map(({ element }) => element);
    this.#joint = null;
    checked.forEach(({ commitment }, m) => {
      this.proofCommitments.push({ index, what: `proof ${m} of entry ${entry}`, entry, commitment });
    });
  }

  /** Protocol T13. */
  deal({ attempt, index, shares }, subject) {
    this.#requireAttempt(attempt, subject);
    const trustee = this.trustees.get(index);
    if (!this.#all(({ elements }) => elements.length)) {
      throw new RuleBroken("07", subject, "not all trustees have committed yet");
    }
    if (trustee.hasDealt) throw new RuleBroken("07", subject, `trustee ${index} has dealt already`);
    if (shares.length !== this.trustees.size) {
      throw new RuleBroken("07", subject, "wrong number of shares", {
        expected: String(this.trustees.size),
        found: String(shares.length),
      });
    }
    trustee.hasDealt = true;
  }

  /** Protocol T14. */
  confirm({ attempt, index, joint_key: jointKey, verification_key: verificationKey }, subject) {
    const { group } = this.definition;
    this.#requireAttempt(attempt, subject);
    this.#requireDealt(subject);
    const trustee = this.trustees.get(index);
    if (trustee.hasConfirmed) throw new RuleBroken("07", subject, `trustee ${index} has confirmed already`);
    for (const [complaint, isSettled] of this.complaints) {
      if (!isSettled && complaint.startsWith(`${index} `)) {
        throw new RuleBroken("07", subject, `a complaint of trustee ${index} is still open`);
      }
    }
    if (this.jointKey() === 1n) throw new RuleBroken("08", subject, "the joint key is 1");
    if (jointKey !== group.toText(this.jointKey())) {
      throw new RuleBroken("08", subject, "the joint key does not follow from the commitments");
    }
    if (verificationKey !== group.toText(this.verificationKey(index))) {
      throw new RuleBroken("08", subject, "the verification key does not follow from the commitments");
    }
    trustee.hasConfirmed = true;
  }

  /** Protocol T15. */
  complain({ attempt, dealer, index }, subject) {
    this.#requireAttempt(attempt, subject);
    this.#requireDealt(subject);
    if (!this.trustees.has(dealer) || dealer === index) {
      throw new RuleBroken("07", subject, "the complaint names no other trustee of this ceremony");
    }
    if (this.trustees.get(index).hasConfirmed) {
      throw new RuleBroken("07", subject, `trustee ${index} has confirmed already`);
    }
    if (this.complaints.has(`${index} ${dealer}`)) {
      throw new RuleBroken("07", subject, "this complaint was made before");
    }
    this.complaints.set(`${index} ${dealer}`, false);
  }

  /** Protocol T16. */
  answer({ attempt, index, recipient, share }, subject) {
    const { group } = this.definition;
    this.#requireAttempt(attempt, subject);
    if (this.complaints.get(`${recipient} ${index}`) !== false) {
      throw new RuleBroken("07", subject, "there is no open complaint that this could answer");
    }
    const scalar = under("07", subject, () => readScalar(group, share, "share"));
    // T4: whether g^s is what the dealer's commitments say (T3).
    if (group.pow(group.g, scalar) === this.#evaluated(this.trustees.get(index).elements, recipient)) {
      this.complaints.set(`${recipient} ${index}`, true);
    } else {
      this.failed = index;
    }
  }

  /** Protocol T17. */
  restart({ attempt, excluded }, subject) {
    const { trustees, threshold } = this.definition.manifest;
    if (attempt !== this.attempt + 1) {
      throw new RuleBroken("07", subject, "wrong number of the ceremony", {
        expected: String(this.attempt + 1),
        found: String(attempt),
      });
    }
    const isRising = excluded.every((index, place) => index > (excluded[place - 1] ?? 0) && index <= trustees.length);
    if (!isRising) {
      throw new RuleBroken("07", subject, "the excluded trustees are not distinct, known and in rising order");
    }
    if (!this.excluded.every((index) => excluded.includes(index))) {
      throw new RuleBroken("07", subject, "a trustee who was excluded before comes back");
    }
    if (trustees.length - excluded.length < threshold) {
      throw new RuleBroken("07", subject, "fewer trustees would be left than are needed to decrypt");
    }
    this.attempt = attempt;
    this.excluded = excluded;
    this.#begin();
  }

  /** Protocol P3, T9: an element with a proof of knowledge of its logarithm, and the proof's commitment. */
  #known(text, proof, index, m, subject) {
    const { group, hash } = this.definition;
    const where = `elements[${m}]`;
    const y = readMember(group, text, where);
    if (y.element === 1n) throw new RuleBroken("06", subject, `${where} is 1`);
    const c = readScalar(group, proof.challenge, `proofs[${m}]`);
    const z = readScalar(group, proof.response, `proofs[${m}]`);
    const commitment = (group.pow(group.g, z) * y.power(modulo(-c, group.q))) % group.p;
    const context = [fromHex(hash), u32(this.attempt), u32(index), u32(m)];
    const statement = [...context, group.encode(y.element), group.encodeUnsigned(commitment)];
    if (challenge(group, KNOWLEDGE, ...statement) !== c) {
      throw new RuleBroken("06", subject, `the proof for coefficient ${m} does not hold`);
    }
    return { element: y.element, commitment };
  }

  /** Protocol T3: the product of A_m^(x^m), by Horner's rule. */
  #evaluated(elements, x) {
    const { p } = this.definition.group;
    const rising = [...elements].reverse();
    return rising.reduce((product, element) => (smallPower(product, BigInt(x), p) * element) % p, 1n);
  }

  #all(holds) {
    return [...this.trustees.values()].every(holds);
  }

  #requireAttempt(attempt, subject) {
    if (attempt !== this.attempt) {
      throw new RuleBroken("07", subject, "belongs to another ceremony", {
        expected: String(this.attempt),
        found: String(attempt),
      });
    }
    if (this.failed !== null) {
      const reason = `the ceremony has failed: trustee ${this.failed} dealt a wrong share; it must be restarted`;
      throw new RuleBroken("07", subject, reason);
    }
  }

  #requireDealt(subject) {
    if (!this.#all(({ hasDealt }) => hasDealt)) {
      throw new RuleBroken("07", subject, "not all trustees have dealt their shares yet");
    }
  }
}
