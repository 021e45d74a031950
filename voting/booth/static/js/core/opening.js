/**
 * The opening of a ballot that was tested and thrown away (docs/spec/ballots.md, B17).
 *
 * It holds secrets, and must never exist for a ballot that is cast: it would be a receipt for a vote buyer. Imports
 * ballot.js, bytes.js, canonical.js, ed25519.js, errors.js, schema.js and tracker.js.
 */

import { SEED_BYTES, buildBallot } from "./ballot.js";
import { fromBase64Url, toBase64Url } from "./bytes.js";
import { decodeCanonical, encodeCanonical } from "./canonical.js";
import { checkPublicKey } from "./ed25519.js";
import { DecodeError } from "./errors.js";
import { anything, hash, list, record, text } from "./schema.js";
import { lockNumber, tracker } from "./tracker.js";

const OPENING = record({ choices: list(anything), credential: text, election: hash, seed: text });

/**
 * @typedef {object} Opening
 * @property {unknown[]} choices one selection for each question, as JSON data
 * @property {Uint8Array} credential
 * @property {string} election
 * @property {Uint8Array} seed
 */

/**
 * The bytes of an opening, as `urne-verify test` reads them.
 * @param {Opening} opening
 * @returns {Uint8Array}
 */
export function encodeOpening({ choices, credential, election, seed }) {
  return encodeCanonical({ choices, credential: toBase64Url(credential), election, seed: toBase64Url(seed) });
}

/**
 * Reads an opening. No error names a choice or the seed.
 * @param {Uint8Array | string} data
 * @returns {Opening}
 */
export function parseOpening(data) {
  const opening = decodeCanonical(data, "opening");
  OPENING(opening, "opening");
  const credential = fromBase64Url(opening.credential, 32, "opening.credential");
  checkPublicKey(credential, "opening.credential");
  return { ...opening, credential, seed: fromBase64Url(opening.seed, SEED_BYTES, "opening.seed") };
}

/**
 * Protocol B17: makes the ballot of an opening again.
 * @param {import("./ballot.js").BallotContext} context
 * @param {Opening} opening
 * @param {number[]} values what its choices encode to (B1): methods/ tells
 * @returns {{hash: string, lockNumber: string, tracker: string}}
 */
export function openBallot(context, { credential, election, seed }, values) {
  if (election !== context.election) {
    throw new DecodeError("is of another election", { where: "opening" });
  }
  const { hash: ballotHash } = buildBallot(context, credential, values, seed);
  return { hash: ballotHash, lockNumber: lockNumber(ballotHash), tracker: tracker(ballotHash) };
}
