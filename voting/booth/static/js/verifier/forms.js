/**
 * Reading bodies (docs/spec/entries.md, N3 and N10 to N27): the fields and types of every entry's content.
 *
 * Must not touch a document or the network; imports canonical.js, errors.js and schema.js of core/, and methods.js.
 */

import { decodeCanonical } from "../core/canonical.js";
import { DecodeError } from "../core/errors.js";
import { hash, integer, list, record, text } from "../core/schema.js";
import { notEmpty, notZero, orNull, outcome, question, texts } from "./methods.js";

const int = integer();
const proof = record({ challenge: text, response: text });
const ciphertexts = list(record({ alpha: text, beta: text }));
const ofTrustee = { attempt: int, index: int, manifest: text, time: text };
const ofElection = { election: text, time: text };
const ofManifest = { manifest: text, time: text };

const MANIFEST = {
  administrator: text,
  authority: text,
  board: text,
  contact: text,
  description: orNull(texts),
  group: text,
  languages: list(text),
  nonce: text,
  questions: list(question),
  schedule: orNull(record({ closes: text, opens: text })),
  threshold: int,
  title: texts,
  trustees: list(record({ name: text })),
  version: int,
};
const WITNESSES = { quorum: notZero, witnesses: notEmpty(list(text)) };

/** Entry type -> reader of its content. */
const CONTENTS = {
  "election.defined": record({ manifest, time: text }),
  "trustee.joined": record({ ...ofTrustee, commitments: text, name: text, sealing_key: text, signing_key: text }),
  "trustee.committed": record({
    coefficients: record({ attempt: int, elements: list(text), index: int, manifest: text }),
    proofs: list(proof),
    time: text,
  }),
  "trustee.dealt": record({ ...ofTrustee, shares: list(record({ ciphertext: text, encapsulation: text })) }),
  "trustee.confirmed": record({ ...ofTrustee, joint_key: text, verification_key: text }),
  "trustee.complained": record({ ...ofTrustee, dealer: int }),
  "trustee.answered": record({ ...ofTrustee, recipient: int, share: text }),
  "trustee.restarted": record({ ...ofManifest, attempt: int, excluded: list(int) }),
  "credentials.listed": record({ ...ofManifest, credentials: list(record({ key: text, weight: int })) }),
  "election.opened": record({
    ...ofManifest,
    booth: list(record({ path: text, sha256: text })),
    credentials: list(text),
    joint_key: text,
    voters: int,
    weight: int,
  }),
  "ballot.cast": record({
    challenge: text,
    ciphertexts,
    credential: text,
    election: text,
    proofs: list(record({ challenges: list(text), responses: list(text) })),
  }),
  "election.notice": record({ ...ofManifest, text }),
  "election.extended": record({ ...ofElection, closes: text }),
  "election.closed": record({ ...ofElection, ballots: int }),
  "election.cancelled": record({ ...ofManifest, reason: text }),
  "tally.encrypted": record({ ...ofElection, ballots: int, totals: ciphertexts, weight: int }),
  "tally.share": record({ ...ofElection, factors: list(text), index: int, proof, tally: text }),
  "election.result": record({
    ...ofElection,
    outcomes: list(outcome),
    shares: list(int),
    tally: text,
    totals: list(int),
  }),
};

const BODIES = new Map(
  Object.entries(CONTENTS).map(([type, content]) => [type, record({ content, signature: signatureText })]),
);

/**
 * Protocol N3: reads a body.
 * @param {string} type of an entry
 * @param {Uint8Array} body
 * @param {string} what how an error names it
 * @returns {{content: any, signature: string}}
 * @throws {DecodeError}
 */
export function readBody(type, body, what) {
  const signed = decodeCanonical(body, what);
  BODIES.get(type)(signed, what);
  return signed;
}

/** Whether any election has entries of this type. */
export function isEntryType(type) {
  return BODIES.has(type);
}

/**
 * Whether a text is a hash (E5).
 * @param {string} value
 * @returns {boolean}
 */
export function isHash(value) {
  try {
    hash(value, "");
  } catch {
    return false;
  }
  return true;
}

/** The manifest: quorum and witnesses are absent where there are none. */
function manifest(value, where) {
  const named = Object.entries(WITNESSES).filter(([name]) => value !== null && Object.hasOwn(Object(value), name));
  record({ ...MANIFEST, ...Object.fromEntries(named) })(value, where);
}

function signatureText(value, where) {
  text(value, where);
  if ([...value].length !== 86) throw new DecodeError("is not the text of 64 bytes", { where });
}
