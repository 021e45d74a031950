/**
 * The tally, its decryption, the outcome (docs/spec/tally.md, D3, D6, D8 and D10; docs/spec/ballots.md, P5).
 *
 * Must not touch a document or the network; imports bytes.js, canonical.js and transcript.js of core/, and the
 * verifier's findings.js, outcomes.js, powers.js and shapes.js.
 */

import { equal, fromHex, u32 } from "../core/bytes.js";
import { encodeCanonical } from "../core/canonical.js";
import { challenge } from "../core/transcript.js";
import { RuleBroken, under } from "./findings.js";
import { outcomeOf } from "./outcomes.js";
import { modulo, readMember, readScalar, weightsOver } from "./powers.js";
import { shapeOf } from "./shapes.js";

/** @typedef {import("../core/group.js").Group} Group */
/** @typedef {import("./powers.js").Member} Member */
/** @typedef {{alpha: Member, beta: Member}} EncryptedTotal */

/**
 * The published encrypted totals.
 * @param {import("./manifest.js").Definition} definition
 * @param {any} tally content of `tally.encrypted`
 * @returns {EncryptedTotal[]}
 * @throws {RuleBroken} if they cannot be read, or are not as many as the shape has
 */
export function readTotals({ group, shape }, tally) {
  const subject = "tally.encrypted";
  if (tally.totals.length !== shape.totals.length) {
    const details = { expected: String(shape.totals.length), found: String(tally.totals.length) };
    throw new RuleBroken("17", subject, "wrong number of totals", details);
  }
  return under("17", subject, () =>
    tally.totals.map(({ alpha, beta }, t) => ({
      alpha: readMember(group, alpha, `totals[${t}].alpha`),
      beta: readMember(group, beta, `totals[${t}].beta`),
    })),
  );
}

/**
 * Protocol D3: the published totals are the product of the counted ballots, in every character.
 * @param {Group} group
 * @param {any} tally content of `tally.encrypted`
 * @param {{alpha: bigint, beta: bigint}[]} product
 * @throws {RuleBroken}
 */
export function verifyTally(group, tally, product) {
  const subject = "tally.encrypted";
  if (tally.totals.length !== product.length) {
    const details = { expected: String(product.length), found: String(tally.totals.length) };
    throw new RuleBroken("17", subject, "wrong number of totals", details);
  }
  product.forEach(({ alpha, beta }, t) => {
    const published = tally.totals[t];
    if (published.alpha !== group.toText(alpha) || published.beta !== group.toText(beta)) {
      throw new RuleBroken("17", subject, `totals[${t}] is not the product of the counted ballots`);
    }
  });
}

/**
 * Protocol D6: a decryption share.
 * @param {Group} group
 * @param {any} share content of `tally.share`
 * @param {bigint} key V_j
 * @param {EncryptedTotal[]} totals
 * @returns {bigint[]} its factors
 * @throws {RuleBroken}
 */
export function verifyShare(group, share, key, totals) {
  const subject = `share of trustee ${share.index}`;
  if (share.factors.length !== totals.length) {
    const details = { expected: String(totals.length), found: String(share.factors.length) };
    throw new RuleBroken("18", subject, "wrong number of factors", details);
  }
  const { p, q } = group;
  const read = () => share.factors.map((text, t) => readMember(group, text, `factors[${t}]`));
  const factors = under("18", subject, read);
  const { c, z } = under("18", subject, () => readProof(group, share.proof));
  const product = (members, weights) => members.reduce((all, one, t) => (all * one.power(weights[t])) % p, 1n);
  const bases = totals.map(({ alpha }) => alpha);
  const elements = [key, ...[...bases, ...factors].map(({ element }) => element)];
  const context = [fromHex(share.election), fromHex(share.tally), u32(share.index)]; // D4
  const statement = [...context, ...elements.map((element) => group.encode(element))];
  const weights = weightsOver(group, "decryption-weights", totals.length, ...statement);
  const base = product(bases, weights);
  const image = product(factors, weights);
  const minus = modulo(-c, q);
  const first = (group.pow(group.g, z) * group.pow(key, minus)) % p;
  const second = (group.pow(base, z) * group.pow(image, minus)) % p;
  const encoded = [group.encode(base), group.encode(image), group.encodeUnsigned(first), group.encodeUnsigned(second)];
  if (challenge(group, "decryption", ...statement, ...encoded) !== c) {
    throw new RuleBroken("18", subject, "the proof does not hold");
  }
  return factors.map(({ element }) => element);
}

/**
 * The commitment g^z V^-c of a share's proof, whether it holds or not.
 * @param {Group} group
 * @param {any} share
 * @param {bigint} key V_j
 * @returns {bigint}
 * @throws {import("../core/errors.js").DecodeError}
 */
export function shareCommitment(group, share, key) {
  const { c, z } = readProof(group, share.proof);
  return (group.pow(group.g, z) * group.pow(key, modulo(-c, group.q))) % group.p;
}

/**
 * Protocol D8: the published totals are what the shares decrypt.
 * @param {import("./manifest.js").Definition} definition
 * @param {any} result content of `election.result`
 * @param {number} weight of the counted ballots
 * @param {EncryptedTotal[]} totals
 * @param {Map<number, bigint[]>} factors of the trustees that the result names
 * @throws {RuleBroken} for the first total that is wrong
 */
export function verifyTotals({ group, shape }, result, weight, totals, factors) {
  const subject = "election.result";
  const { p } = group;
  if (result.totals.length !== totals.length) {
    const details = { expected: String(totals.length), found: String(result.totals.length) };
    throw new RuleBroken("19", subject, "wrong number of totals", details);
  }
  const lagrange = lagrangeCoefficients(group, result.shares);
  result.totals.forEach((total, t) => {
    const bound = shape.totals[t].highest * weight;
    if (!(total >= 0 && total <= bound)) {
      const details = { expected: `0 to ${bound}`, found: String(total) };
      throw new RuleBroken("19", subject, `totals[${t}] is out of range`, details);
    }
    const opened = result.shares.reduce(
      (product, index, place) => (product * group.pow(factors.get(index)[t], lagrange[place])) % p,
      group.pow(group.g, BigInt(total)),
    );
    if (opened !== totals[t].beta.element) {
      throw new RuleBroken("19", subject, `totals[${t}] does not satisfy the decryption equation`);
    }
  });
}

/**
 * Protocol D10: the outcomes follow from the totals.
 * @param {import("./manifest.js").Definition} definition
 * @param {any} result content of `election.result`
 * @param {number} cast weight of the counted ballots
 * @throws {RuleBroken}
 */
export function verifyOutcomes({ manifest, shape }, result, cast) {
  const subject = "election.result";
  const same = (expected, found, what) => {
    if (expected === found) return;
    throw new RuleBroken("20", subject, what, { expected: String(expected), found: String(found) });
  };
  const { totals, outcomes } = result;
  same(shape.totals.length, totals.length, "wrong number of totals");
  totals.forEach((total, t) => {
    const bound = shape.totals[t].highest * cast;
    if (!(total >= 0 && total <= bound)) {
      const details = { expected: `0 to ${bound}`, found: String(total) };
      throw new RuleBroken("20", subject, `totals[${t}] is out of range`, details);
    }
  });
  let start = 0;
  const own = manifest.questions.map((question) => {
    const part = totals.slice(start, (start += shapeOf(question).totals.length));
    return under("20", subject, () => outcomeOf(question, part, cast));
  });
  same(own.length, outcomes.length, "wrong number of outcomes");
  own.forEach((outcome, number) => {
    if (!equal(encodeCanonical(outcome), encodeCanonical(outcomes[number]))) {
      throw new RuleBroken("20", subject, `the outcome of question ${number + 1} does not follow from the totals`);
    }
  });
}

/** Protocol T7. @returns {bigint[]} lambda of each index, in order */
function lagrangeCoefficients({ q }, indices) {
  return indices.map((j) => {
    const others = indices.filter((l) => l !== j).map(BigInt);
    const above = others.reduce((product, l) => product * l, 1n);
    const below = others.reduce((product, l) => product * (l - BigInt(j)), 1n);
    return (above * inverse(modulo(below, q), q)) % q;
  });
}

/** The inverse modulo a prime, by Fermat. */
function inverse(number, q) {
  let result = 1n;
  for (const bit of (q - 2n).toString(2)) {
    result = (result * result) % q;
    if (bit === "1") result = (result * number) % q;
  }
  return result;
}

function readProof(group, { challenge: c, response: z }) {
  return { c: readScalar(group, c, "proof.challenge"), z: readScalar(group, z, "proof.response") };
}
