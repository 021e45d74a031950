/**
 * Entries of the board: headers, bodies, signatures (docs/spec/log.md, L1; docs/spec/entries.md, N1 to N5).
 *
 * As voting/protocol/entries.py and tlog/header.py. A body is read as far as the booth uses it: of types that it does
 * not name here, only the outer form is checked. Imports bytes.js, canonical.js, ed25519.js, errors.js, hash.js, kdf.js
 * and schema.js.
 */

import { fromBase64Url, fromHex, toBase64Url, utf8 } from "./bytes.js";
import { decodeCanonical, encodeCanonical } from "./canonical.js";
import { verifySignature } from "./ed25519.js";
import { DecodeError, ProofError, SignatureInvalid } from "./errors.js";
import { sha256Hex } from "./hash.js";
import { frame } from "./kdf.js";
import { anything, hash, integer, list, matching, object, record, text } from "./schema.js";

/** The entry type of a ballot. */
export const BALLOT = "ballot.cast";

const MAX_HEADER_BYTES = 65_535;
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const PURPOSE = utf8("urne-v1-entry");
const PREFIX = '{"content":';
const MIDDLE = ',"signature":"';
const SIGNATURE_CHARACTERS = 86;

const HEADER = record({
  body: hash,
  prev: hash,
  seq: integer(0),
  size: integer(1, MAX_BODY_BYTES),
  type: matching(/^(?=.{1,64}$)[a-z]+\.[a-z]+$/, "two lower-case words joined by a dot"),
});

const ENCRYPTED_VALUE = record({ alpha: text, beta: text });

/** Entry type -> form of its content, for the types that the booth reads. */
const CONTENTS = {
  "election.defined": record({ manifest: anything, time: text }),
  "election.opened": record({
    booth: list(record({ path: text, sha256: hash })),
    credentials: list(hash),
    joint_key: text,
    manifest: hash,
    time: text,
    voters: integer(),
    weight: integer(),
  }),
  [BALLOT]: record({
    challenge: text,
    ciphertexts: list(ENCRYPTED_VALUE),
    credential: text,
    election: text, // compared with the election's own id by whoever judges the ballot's place
    proofs: list(record({ challenges: list(text), responses: list(text) })),
  }),
};

/** @typedef {{body: string, prev: string, seq: number, size: number, type: string}} EntryHeader */

/**
 * Protocol L1c: reads a header.
 * @param {Uint8Array | string} data
 * @param {string} [what] how an error names it
 * @returns {EntryHeader}
 */
export function parseHeader(data, what = "the entry header") {
  const header = decodeCanonical(data, what, MAX_HEADER_BYTES);
  HEADER(header, what);
  return header;
}

/**
 * Protocol L1f: checks that a header names exactly this body.
 * @param {EntryHeader} header
 * @param {Uint8Array} body
 */
export function checkBody(header, body) {
  const where = `entry ${header.seq}`;
  if (body.length !== header.size) {
    throw new ProofError(`its body is ${body.length} bytes long, its header says ${header.size}`, { where });
  }
  if (sha256Hex(body) !== header.body) {
    throw new ProofError("its body is not the one that its header names", { where });
  }
}

/**
 * Protocol N1: what the author of an entry signs.
 * @param {string} type
 * @param {string} manifestHash
 * @param {string} hashOfContent
 * @returns {Uint8Array}
 */
export function signingInput(type, manifestHash, hashOfContent) {
  return frame(PURPOSE, utf8(type), fromHex(manifestHash), fromHex(hashOfContent));
}

/**
 * Protocol N2: signs a content; gives the body of the entry.
 * @param {string} type
 * @param {string} manifestHash
 * @param {object} content
 * @param {import("./ed25519.js").SigningKey} key
 * @returns {Promise<Uint8Array>}
 */
export async function signContent(type, manifestHash, content, key) {
  const hashOfContent = sha256Hex(encodeCanonical(content));
  const signature = await key.sign(signingInput(type, manifestHash, hashOfContent));
  return encodeCanonical({ content, signature: toBase64Url(signature) });
}

/**
 * Protocol N3: reads a body.
 * @param {string} type
 * @param {Uint8Array} body
 * @param {string} [what] how an error names it
 * @returns {{content: any, signature: string}}
 */
export function parseBody(type, body, what = "the entry") {
  const signed = decodeCanonical(body, what);
  record({ content: CONTENTS[type] ?? object, signature: text })(signed, what);
  if (signed.signature.length !== SIGNATURE_CHARACTERS) {
    throw new DecodeError("has a signature that is not 64 bytes long", { where: what });
  }
  return signed;
}

/**
 * Protocol N4: SHA-256 of the content's bytes as they stand in a body that `parseBody` accepted.
 * @param {Uint8Array} body
 * @returns {string}
 */
export function contentHash(body) {
  return sha256Hex(body.subarray(PREFIX.length, body.length - MIDDLE.length - SIGNATURE_CHARACTERS - 2));
}

/**
 * Protocol N5: checks the author's signature over the published bytes.
 * @param {string} type
 * @param {string} manifestHash
 * @param {Uint8Array} body a body that `parseBody` accepted
 * @param {string} signature its signature, in base64url
 * @param {Uint8Array} publicKey the author's
 */
export async function verifyEntrySignature(type, manifestHash, body, signature, publicKey) {
  let raw;
  try {
    raw = fromBase64Url(signature, 64, "signature");
  } catch (error) {
    throw new SignatureInvalid(error.problem, { where: "signature" });
  }
  await verifySignature(publicKey, signingInput(type, manifestHash, contentHash(body)), raw);
}
