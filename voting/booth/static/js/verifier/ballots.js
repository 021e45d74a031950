/**
 * Protocol V4a: checks 11 to 14 of ballots, a chunk at a time (docs/spec/ballots.md, B8 to B13).
 *
 * `checkBallots` is a pure function of plain data, so that chunks can be spread over workers. Each ballot is checked by
 * itself: no hints, no batch. Must not touch a document or the network; imports bytes.js, entries.js, errors.js,
 * fixed_base.js, group.js, hash.js and transcript.js of core/, and the verifier's findings.js, forms.js, powers.js,
 * rules.js and shapes.js.
 */

import { fromBase64Url, fromHex, toBase64, utf8 } from "../core/bytes.js";
import { contentHash } from "../core/entries.js";
import { DecodeError } from "../core/errors.js";
import { FixedBase, bestComb } from "../core/fixed_base.js";
import { groupByName } from "../core/group.js";
import { sha256 } from "../core/hash.js";
import { challenge } from "../core/transcript.js";
import { RuleBroken, under } from "./findings.js";
import { readBody } from "./forms.js";
import { Member, modulo, readMember, readScalar, smallPower } from "./powers.js";
import { verifyEntry } from "./rules.js";
import { joinedShape } from "./shapes.js";

const BALLOT = "ballot.cast";
const FINGERPRINT_BYTES = 16;

/**
 * @typedef {object} BallotSetup all that is the same for every ballot; plain data
 * @property {string} group name
 * @property {any[]} questions of the manifest
 * @property {string} manifest hash
 * @property {string} election id
 * @property {string} jointKey base64url
 * @property {number} ballots about how many will be checked with it: how large the tables should be
 */

/**
 * @typedef {object} BallotToCheck
 * @property {number} place its entry
 * @property {string} hash ballot hash, as the replay saw it
 * @property {Uint8Array} body
 * @property {number} weight in the tally; 0 if a later ballot replaces it
 */

/**
 * @typedef {object} ChunkResult plain data
 * @property {{place: number, check: string, reason: string, expected: string, found: string}[]} faults
 * @property {Record<string, number>} unchecked check -> ballots on which it could not be made
 * @property {string[][]} fingerprints of each ballot: one of each alpha
 * @property {{alpha: bigint, beta: bigint}[]} product of the counted ballots, for each total (D2)
 * @property {number} missing counted ballots that are not in the product
 */

/** What `prepare` made for the last setup: tables take time, and a worker sees one election only. */
let prepared = { setup: null, context: null };

/**
 * Protocol V4a: checks a chunk of ballots.
 * @param {BallotSetup} setup
 * @param {BallotToCheck[]} chunk
 * @returns {ChunkResult}
 * @throws {DecodeError} if a ballot is no longer what the replay saw
 */
export function checkBallots(setup, chunk) {
  const context = contextOf(setup);
  const { group, shape } = context;
  const result = { faults: [], unchecked: {}, fingerprints: [], product: emptyProduct(shape), missing: 0 };
  for (const { place, hash, body, weight } of chunk) {
    const subject = `entry ${place}`;
    const { content, signature } = readBody(BALLOT, body, subject);
    if (contentHash(body) !== hash)
      throw new DecodeError("has changed while it was being verified", { where: subject });
    const entry = { type: BALLOT, contentHash: hash, signature, subject };
    const values = checkBallot(context, entry, content, (fault) => {
      const { check, reason, expected, found } = fault;
      result.faults.push({ place, check, reason, expected, found });
    });
    if (!values) result.unchecked["14"] = (result.unchecked["14"] ?? 0) + 1;
    if (weight && !values) result.missing++;
    if (weight && values) multiply(group, shape, result.product, values, BigInt(weight));
    result.fingerprints.push(content.ciphertexts.map(({ alpha }) => fingerprint(alpha)));
  }
  return result;
}

/** The product of no ballots. @param {import("./shapes.js").Shape} shape */
export function emptyProduct(shape) {
  return shape.totals.map(() => ({ alpha: 1n, beta: 1n }));
}

function contextOf(setup) {
  const isSame = Object.keys(setup).every((name) => name === "questions" || setup[name] === prepared.setup?.[name]);
  // The manifest's hash stands for its questions.
  if (!isSame) prepared = { setup, context: prepare(setup) };
  return prepared.context;
}

function prepare({ group: name, questions, manifest, election, jointKey, ballots }) {
  const group = groupByName(name, { allowToy: true });
  const shape = joinedShape(questions);
  const branches = shape.constraints.reduce((sum, { allowed }) => sum + allowed.length, 0);
  const comb = bestComb(3 * branches * Math.max(ballots, 1), 0);
  const key = readMember(group, jointKey, "joint key").element;
  const tables = { g: new FixedBase(group.g, group, comb), k: new FixedBase(key, group, comb) };
  return { group, shape, manifest, electionBytes: fromHex(election), ...tables };
}

/**
 * Checks one ballot. One that fails a check is still put to the others, as far as they can be made.
 * @returns {Member[][] | null} alpha and beta of every value; null if shape, scalars or membership fail
 */
function checkBallot(context, entry, ballot, report) {
  const { group, manifest, shape } = context;
  const { subject } = entry;
  const attempt = (check) => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof RuleBroken)) throw error;
      report(error);
      return null;
    }
  };
  attempt(() => {
    const key = under("11", subject, () => fromBase64Url(ballot.credential, 32, "credential"));
    verifyEntry(manifest, entry, key, "11");
  });
  const numbers = attempt(() => readNumbers(group, shape, ballot, subject));
  const values = attempt(() => under("12", subject, () => readValues(group, ballot.ciphertexts)));
  if (!numbers || !values) return null;
  attempt(() => verifyProofs(context, ballot, numbers, values, subject));
  return values;
}

/** Protocol B11, B10a: the shape, and all scalars; the last challenge of each proof follows from the others. */
function readNumbers(group, shape, ballot, subject) {
  const same = (expected, found, what) => {
    if (expected !== found) {
      const details = { expected: String(expected), found: String(found) };
      throw new RuleBroken("13", subject, `wrong number of ${what}`, details);
    }
  };
  same(shape.values, ballot.ciphertexts.length, "ciphertexts");
  same(shape.constraints.length, ballot.proofs.length, "proofs");
  ballot.proofs.forEach(({ challenges, responses }, j) => {
    const branches = shape.constraints[j].allowed.length;
    same(branches, responses.length, `responses in proof ${j}`);
    same(branches - 1, challenges.length, `challenges in proof ${j}`);
  });
  return under("13", subject, () => {
    const whole = readScalar(group, ballot.challenge, "challenge");
    const proofs = ballot.proofs.map((proof, j) => {
      const responses = proof.responses.map((text) => readScalar(group, text, `proofs[${j}].responses`));
      const challenges = proof.challenges.map((text) => readScalar(group, text, `proofs[${j}].challenges`));
      challenges.push(
        modulo(
          challenges.reduce((rest, one) => rest - one, whole),
          group.q,
        ),
      );
      return { challenges, responses };
    });
    return { whole, proofs };
  });
}

/** Protocol C4 for every value. */
function readValues(group, ciphertexts) {
  return ciphertexts.map(({ alpha, beta }, i) => [
    readMember(group, alpha, `ciphertexts[${i}].alpha`),
    readMember(group, beta, `ciphertexts[${i}].beta`),
  ]);
}

/** Protocol B13: the challenge over the commitments that the proofs stand for is the ballot's. */
function verifyProofs(context, ballot, { whole, proofs }, values, subject) {
  const { electionBytes, group, shape } = context;
  const fields = [electionBytes, fromBase64Url(ballot.credential, 32, "credential")];
  for (const pair of values) fields.push(...pair.map(({ element }) => group.encode(element)));
  shape.constraints.forEach((constraint, j) => {
    for (const commitment of commitmentsOf(context, constraint, proofs[j], values)) {
      fields.push(group.encodeUnsigned(commitment));
    }
  });
  if (challenge(group, "ballot", ...fields) !== whole) throw new RuleBroken("14", subject, "the proofs do not hold");
}

/** Protocol B12, B3c: a = g^z A^-c and b = K^z g^(v c) B^-c for each allowed v. */
function commitmentsOf({ g, group, k }, constraint, { challenges, responses }, values) {
  const { p, q } = group;
  const [a, b] = combined(group, constraint, values);
  return constraint.allowed.flatMap((v, branch) => {
    const z = responses[branch];
    const minus = modulo(-challenges[branch], q);
    const shift = modulo(BigInt(v) * challenges[branch], q);
    const first = (g.power(z) * a.power(minus)) % p;
    const second = (k.power(z) * b.power(minus)) % p;
    return [first, v === 0 ? second : (second * g.power(shift)) % p];
  });
}

/** Protocol C2: the ciphertext of constant + sum of coefficient * value. */
function combined(group, { terms, constant }, values) {
  if (constant === 0 && terms.length === 1 && terms[0][1] === 1) return values[terms[0][0]];
  const { p } = group;
  return [0, 1].map((part) => {
    let above = part === 1 && constant > 0 ? smallPower(group.g, BigInt(constant), p) : 1n;
    let below = part === 1 && constant < 0 ? smallPower(group.g, BigInt(-constant), p) : 1n;
    for (const [index, coefficient] of terms) {
      const power = smallPower(values[index][part].element, BigInt(Math.abs(coefficient)), p);
      if (coefficient > 0) above = (above * power) % p;
      else below = (below * power) % p;
    }
    return new Member(below === 1n ? above : (above * group.inverse(below)) % p, p);
  });
}

/** Protocol D2 for one ballot. */
function multiply({ p }, { totals }, product, values, weight) {
  totals.forEach(({ index }, t) => {
    const [alpha, beta] = values[index].map(({ element }) => smallPower(element, weight, p));
    product[t] = { alpha: (product[t].alpha * alpha) % p, beta: (product[t].beta * beta) % p };
  });
}

/** What stands for an alpha when copies are looked for (V5). */
function fingerprint(alpha) {
  return toBase64(sha256(utf8(alpha)).subarray(0, FINGERPRINT_BYTES));
}
