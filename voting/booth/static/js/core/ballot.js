/**
 * Making and checking ballots (docs/spec/ballots.md, B2 to B13). As voting/election/ballots.py, byte for byte.
 *
 * Knows values and shapes, not questions: methods/ turns choices into values. Imports only modules of this folder.
 */

import { concat, fromBase64Url, fromHex, toBase64Url, u32, utf8 } from "./bytes.js";
import { encodeCanonical } from "./canonical.js";
import { PublicKey, combine, encrypt } from "./elgamal.js";
import { BALLOT, parseBody, signContent, verifyEntrySignature } from "./entries.js";
import { DecodeError, SignatureInvalid, VerificationError } from "./errors.js";
import { bestComb } from "./fixed_base.js";
import { groupByName } from "./group.js";
import { sha256Hex } from "./hash.js";
import { Derivation } from "./kdf.js";
import { commit, commitmentsOf, lastChallenge, respond } from "./membership.js";
import { challenge, scalarFrom } from "./transcript.js";

/** Length of the random seed of a ballot in bytes. */
export const SEED_BYTES = 32;

/**
 * @typedef {object} Constraint constant + sum of coefficient * value[index] is one of the allowed integers
 * @property {[number, number][]} terms pairs (index, coefficient)
 * @property {number} constant
 * @property {number[]} allowed in rising order
 */

/** @typedef {{values: number, constraints: Constraint[]}} Shape what the values of a ballot must satisfy (M1) */

/**
 * @typedef {object} BallotContext what making or checking a ballot needs to know of its election
 * @property {import("./group.js").Group} group
 * @property {string} manifestHash
 * @property {string} election the election id: the hash of the body of `election.opened`
 * @property {bigint} jointKey K, a member of the group
 * @property {Shape} shape
 */

/**
 * @typedef {object} UnsignedBallot
 * @property {object} content the ballot: the content of the entry
 * @property {Uint8Array} hints canonical bytes of the hints
 * @property {string} hash the ballot hash
 */

/** @typedef {{body: Uint8Array, hints: Uint8Array, hash: string}} CastBallot ready to be sent */

/** @type {WeakMap<BallotContext, PublicKey>} */
const publicKeys = new WeakMap();

/**
 * The context of an election, from what its entries say.
 * @param {object} election
 * @param {string} election.group the group's name
 * @param {string} election.manifestHash
 * @param {string} election.election
 * @param {string} election.jointKey in base64url
 * @param {Shape} election.shape
 * @param {boolean} [election.allowToy]
 * @returns {BallotContext}
 */
export function makeContext({ group: name, manifestHash, election, jointKey, shape, allowToy = false }) {
  const group = groupByName(name, { allowToy });
  return { group, manifestHash, election, jointKey: group.fromText(jointKey, "joint_key"), shape };
}

/**
 * Makes the tables for the keys of an election ahead of the first ballot. They are kept with the context object.
 * @param {BallotContext} context
 * @returns {PublicKey}
 */
export function prepareKey(context) {
  let key = publicKeys.get(context);
  if (!key) {
    const { values, constraints } = context.shape;
    const branches = constraints.reduce((sum, { allowed }) => sum + allowed.length, 0);
    const products = values + branches - constraints.length;
    const comb = bestComb(values + branches + constraints.length, products);
    key = new PublicKey(context.group, context.jointKey, comb);
    publicKeys.set(context, key);
  }
  return key;
}

/**
 * Protocol B4a: encrypts and proves, without signing. The result follows from the arguments alone.
 * @param {BallotContext} context
 * @param {Uint8Array} credential the voter's raw public key
 * @param {number[]} values one for each value of the shape
 * @param {Uint8Array} seed 32 fresh random bytes, for this ballot only
 * @returns {UnsignedBallot}
 */
export function buildBallot(context, credential, values, seed) {
  const { group, shape } = context;
  requireValues(shape, values);
  if (seed.length !== SEED_BYTES) {
    throw new RangeError("a ballot seed has 32 bytes");
  }
  const key = prepareKey(context);
  const election = fromHex(context.election, "election");
  const randomness = new Derivation(seed, "ballot", election, credential, concat(...values.map(u32)));
  const nonces = values.map((_, index) => scalarFrom(group, randomness.bytes(48, place("nonce", index))));
  const ciphertexts = values.map((value, index) => encrypt(key, value, nonces[index]));
  const commitments = shape.constraints.map(({ terms, constant, allowed }, position) => {
    const draws = allowed.map((_, branch) => {
      const drawn = randomness.bytes(96, place("proof", position, branch));
      return [scalarFrom(group, drawn.subarray(0, 48)), scalarFrom(group, drawn.subarray(48))];
    });
    const nonce = combination(terms, 0n, (index) => nonces[index]) % group.q;
    const message = Number(combination(terms, BigInt(constant), (index) => BigInt(values[index])));
    return commit(key, allowed, message, nonce < 0n ? nonce + group.q : nonce, draws);
  });
  const encoded = commitments.flatMap(({ elements }) => elements.map((element) => group.encodeUnsigned(element)));
  const parts = encodeParts(group, ciphertexts);
  const c = ballotChallenge(context, credential, parts, encoded);
  const scalarText = (scalar) => toBase64Url(group.encodeScalar(scalar));
  const texts = parts.map(toBase64Url);
  const content = {
    challenge: scalarText(c),
    ciphertexts: values.map((_, index) => ({ alpha: texts[2 * index], beta: texts[2 * index + 1] })),
    credential: toBase64Url(credential),
    election: context.election,
    proofs: commitments.map((commitment) => {
      const { challenges, responses } = respond(group.q, commitment, c);
      return { challenges: challenges.slice(0, -1).map(scalarText), responses: responses.map(scalarText) };
    }),
  };
  const hints = encodeCanonical({ commitments: encoded.map(toBase64Url) });
  return { content, hints, hash: sha256Hex(encodeCanonical(content)) };
}

/**
 * Protocol B4: signs a ballot with the voter's key, ready to be sent.
 * @param {BallotContext} context
 * @param {UnsignedBallot} ballot
 * @param {import("./ed25519.js").SigningKey} key
 * @returns {Promise<CastBallot>}
 */
export async function signBallot({ manifestHash }, { content, hints, hash }, key) {
  return { body: await signContent(BALLOT, manifestHash, content, key), hints, hash };
}

/**
 * Protocol B4: encrypts, proves and signs.
 * @param {BallotContext} context
 * @param {import("./ed25519.js").SigningKey} key the voter's
 * @param {number[]} values
 * @param {Uint8Array} seed 32 fresh random bytes, for this ballot only
 * @returns {Promise<CastBallot>}
 */
export async function castBallot(context, key, values, seed) {
  return signBallot(context, buildBallot(context, key.publicKey, values, seed), key);
}

/**
 * Protocol B8: everything about one ballot but its place in the election: checks 11 (signature), 13, 12 and 14.
 * @param {BallotContext} context
 * @param {Uint8Array} body the entry's published bytes
 * @param {string} [subject] how errors name it
 */
export async function verifyBallot(context, body, subject = "ballot") {
  const { content, signature } = parseBody(BALLOT, body, subject);
  const credential = await inCheck("11", subject, async () => {
    const key = fromBase64Url(content.credential, 32, "credential");
    await verifyEntrySignature(BALLOT, context.manifestHash, body, signature, key);
    return key;
  });
  const { c, proofs } = await inCheck("13", subject, () => readProofs(context, content, subject));
  const { group, shape } = context;
  const ciphertexts = await inCheck("12", subject, () =>
    content.ciphertexts.map(({ alpha, beta }, index) => ({
      alpha: group.fromText(alpha, `ciphertexts[${index}].alpha`),
      beta: group.fromText(beta, `ciphertexts[${index}].beta`),
    })),
  );
  const key = prepareKey(context);
  const commitments = shape.constraints.flatMap(({ terms, constant, allowed }, position) =>
    commitmentsOf(key, combine(group, ciphertexts, terms, constant), allowed, proofs[position]),
  );
  const encoded = commitments.map((element) => group.encodeUnsigned(element));
  if (ballotChallenge(context, credential, encodeParts(group, ciphertexts), encoded) !== c) {
    throw new VerificationError("14", subject, "the proofs of the ballot do not hold");
  }
}

/** Protocol B10a, B11 (check 13): the numbers of everything are the shape's; challenge and proofs are scalars. */
function readProofs({ group, shape }, content, subject) {
  const requireCount = (found, expected, of) => {
    if (found !== expected) {
      throw new VerificationError("13", subject, `wrong number of ${of} (expected ${expected}, found ${found})`);
    }
  };
  requireCount(content.ciphertexts.length, shape.values, "ciphertexts");
  requireCount(content.proofs.length, shape.constraints.length, "proofs");
  const scalars = (texts, what) => texts.map((text) => group.decodeScalar(fromBase64Url(text, 32, what), what));
  shape.constraints.forEach(({ allowed }, position) => {
    const { challenges, responses } = content.proofs[position];
    requireCount(responses.length, allowed.length, `responses in proofs[${position}]`);
    requireCount(challenges.length, allowed.length - 1, `challenges in proofs[${position}]`);
  });
  const [c] = scalars([content.challenge], "challenge");
  const proofs = content.proofs.map(({ challenges, responses }, position) => {
    const published = scalars(challenges, `proofs[${position}].challenges`);
    const last = lastChallenge(group.q, c, published);
    return { challenges: [...published, last], responses: scalars(responses, `proofs[${position}].responses`) };
  });
  return { c, proofs };
}

/** Does something that belongs to one check; what cannot be read or does not fit is that check's failure. */
async function inCheck(check, subject, work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DecodeError || error instanceof SignatureInvalid) {
      throw new VerificationError(check, subject, error.message);
    }
    throw error;
  }
}

/** Protocol B5: the challenge over everything, in order. */
function ballotChallenge({ group, election }, credential, parts, commitments) {
  return challenge(group, "ballot", fromHex(election), credential, ...parts, ...commitments);
}

function encodeParts(group, ciphertexts) {
  return ciphertexts.flatMap(({ alpha, beta }) => [group.encode(alpha), group.encode(beta)]);
}

function place(kind, ...indices) {
  return concat(utf8(kind), ...indices.map(u32));
}

function combination(terms, constant, valueAt) {
  return terms.reduce((sum, [index, coefficient]) => sum + BigInt(coefficient) * valueAt(index), constant);
}

/** Never names a value: they are the voter's choices. */
function requireValues({ values: count, constraints }, values) {
  const isWhole = (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32;
  const isKept = ({ terms, constant, allowed }) =>
    allowed.includes(terms.reduce((sum, [index, coefficient]) => sum + coefficient * values[index], constant));
  if (values.length !== count || !values.every(isWhole) || !constraints.every(isKept)) {
    throw new RangeError("the values do not have the shape of the ballot");
  }
}
