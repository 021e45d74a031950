/**
 * Protocol N10 to N27: the form of every entry's content (docs/spec/entries.md), for who replays a whole election.
 *
 * Questions and outcomes are read by the voting methods; here they may be any value. Must not touch document or
 * network.
 */

import { decodeCanonical } from "../core/canonical.js";
import { DecodeError } from "../core/errors.js";
import { anything, integer, list, record, text } from "../core/schema.js";

const int = integer();
const proof = record({ challenge: text, response: text });
const encrypted = record({ alpha: text, beta: text });
const orNull = (reader) => (value, where) => (value === null ? undefined : reader(value, where));

/** A text in several languages. */
function localized(value, where) {
  record(Object.fromEntries(Object.keys(value ?? {}).map((language) => [language, text])))(value, where);
}

const MANIFEST = {
  administrator: text,
  authority: text,
  board: text,
  contact: text,
  description: orNull(localized),
  group: text,
  languages: list(text),
  nonce: text,
  questions: list(anything),
  schedule: orNull(record({ closes: text, opens: text })),
  threshold: int,
  title: localized,
  trustees: list(record({ name: text })),
  version: int,
};

/** `quorum` and `witnesses` stand in a manifest only if there are witnesses. */
function manifest(value, where) {
  const isWitnessed = Object.hasOwn(value ?? {}, "witnesses");
  record(isWitnessed ? { ...MANIFEST, quorum: int, witnesses: list(text) } : MANIFEST)(value, where);
}

const OF_TRUSTEE = { attempt: int, index: int, manifest: text, time: text };

const SIGNATURE_CHARACTERS = 86;

/** Entry type -> reader of its content. @type {Record<string, import("../core/schema.js").Reader>} */
const CONTENTS = {
  "election.defined": record({ manifest, time: text }),
  "trustee.joined": record({ ...OF_TRUSTEE, commitments: text, name: text, sealing_key: text, signing_key: text }),
  "trustee.committed": record({
    coefficients: record({ attempt: int, elements: list(text), index: int, manifest: text }),
    proofs: list(proof),
    time: text,
  }),
  "trustee.dealt": record({ ...OF_TRUSTEE, shares: list(record({ ciphertext: text, encapsulation: text })) }),
  "trustee.confirmed": record({ ...OF_TRUSTEE, joint_key: text, verification_key: text }),
  "trustee.complained": record({ ...OF_TRUSTEE, dealer: int }),
  "trustee.answered": record({ ...OF_TRUSTEE, recipient: int, share: text }),
  "trustee.restarted": record({ attempt: int, excluded: list(int), manifest: text, time: text }),
  "credentials.listed": record({ credentials: list(record({ key: text, weight: int })), manifest: text, time: text }),
  "election.opened": record({
    booth: list(record({ path: text, sha256: text })),
    credentials: list(text),
    joint_key: text,
    manifest: text,
    time: text,
    voters: int,
    weight: int,
  }),
  "ballot.cast": record({
    challenge: text,
    ciphertexts: list(encrypted),
    credential: text,
    election: text,
    proofs: list(record({ challenges: list(text), responses: list(text) })),
  }),
  "election.notice": record({ manifest: text, text, time: text }),
  "election.extended": record({ closes: text, election: text, time: text }),
  "election.closed": record({ ballots: int, election: text, time: text }),
  "election.cancelled": record({ manifest: text, reason: text, time: text }),
  "tally.encrypted": record({ ballots: int, election: text, time: text, totals: list(encrypted), weight: int }),
  "tally.share": record({
    election: text,
    factors: list(text),
    index: int,
    proof,
    tally: text,
    time: text,
  }),
  "election.result": record({
    election: text,
    outcomes: list(anything),
    shares: list(int),
    tally: text,
    time: text,
    totals: list(int),
  }),
};

/**
 * Protocol N3: a body as what its entry type says.
 *
 * @param {string} type
 * @param {Uint8Array} body
 * @param {string} what how an error names it
 * @returns {{content: any, signature: string}}
 * @throws {DecodeError} for another type, another form, or bytes that are not canonical
 */
export function parseContent(type, body, what) {
  if (!Object.hasOwn(CONTENTS, type)) throw new DecodeError("is of an unknown type", { where: what });
  const signed = decodeCanonical(body, what);
  record({ content: CONTENTS[type], signature: text })(signed, what);
  if (signed.signature.length !== SIGNATURE_CHARACTERS) {
    throw new DecodeError("has a signature that is not 64 bytes long", { where: what });
  }
  return signed;
}
