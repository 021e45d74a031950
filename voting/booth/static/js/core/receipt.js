/**
 * Receipts: the board's signed promise to keep an entry (docs/spec/log.md, L6; C2SP tlog-proof).
 *
 * As voting/protocol/tlog/proof.py and voting/verifier/receipt.py. Imports bytes.js, canonical.js, entries.js,
 * errors.js, hash.js, merkle.js, note.js and schema.js.
 */

import { fromBase64, fromDecimal, utf8 } from "./bytes.js";
import { decodeCanonical, encodeCanonical } from "./canonical.js";
import { checkBody, parseHeader } from "./entries.js";
import { DecodeError } from "./errors.js";
import { HASH_BYTES } from "./hash.js";
import { MAX_PROOF_HASHES, leafHash, verifyInclusion } from "./merkle.js";
import { MAX_NOTE_BYTES, openCheckpoint, parseVkey, verifyQuorum } from "./note.js";
import { record, text } from "./schema.js";

const FIRST_LINE = "c2sp.org/tlog-proof@v1";
const MAX_PROOF_BYTES = MAX_NOTE_BYTES + 16_384;
const MAX_FILE_BYTES = 4_000_000;
const FILE = record({ header: text, proof: text });

/** @typedef {{header: string, proof: string}} ReceiptFile the text of an entry's header, and of its tlog-proof */

/**
 * Protocol V9a: reads a receipt file, unchecked.
 * @param {Uint8Array | string} data
 * @param {string} [what] how an error names it
 * @returns {ReceiptFile}
 */
export function readReceiptFile(data, what = "the receipt") {
  const file = decodeCanonical(data, what, MAX_FILE_BYTES);
  FILE(file, what);
  return file;
}

/**
 * Protocol V9: the bytes of a receipt file, as `urne-verify receipt` reads it.
 * @param {ReceiptFile} receipt
 * @returns {Uint8Array}
 */
export function writeReceiptFile({ header, proof }) {
  return encodeCanonical({ header, proof });
}

/**
 * Protocol L6b: takes a tlog-proof apart without checking it.
 * @param {string} proof
 * @param {string} [what] how an error names it
 * @returns {{index: number, hashes: Uint8Array[], checkpoint: string}}
 */
export function parseProof(proof, what = "the receipt") {
  if (utf8(proof).length > MAX_PROOF_BYTES) {
    throw new DecodeError(`is longer than ${MAX_PROOF_BYTES} bytes`, { where: what });
  }
  const end = proof.indexOf("\n\n");
  const head = proof.slice(0, Math.max(end, 0));
  if (/[^\x00-\x7f]/.test(head)) {
    throw new DecodeError("is not ASCII before its checkpoint", { where: what });
  }
  const lines = head.split("\n");
  if (lines.shift() !== FIRST_LINE) {
    throw new DecodeError(`does not begin with the line ${FIRST_LINE}`, { where: what });
  }
  if (lines[0]?.startsWith("extra ")) {
    fromBase64(lines.shift().slice("extra ".length), null, `${what}, extra`);
  }
  const place = lines.shift();
  if (!place?.startsWith("index ")) {
    throw new DecodeError("does not name an index", { where: what });
  }
  const index = fromDecimal(place.slice("index ".length), `${what}, index`);
  if (lines.length > MAX_PROOF_HASHES) {
    throw new DecodeError(`has more than ${MAX_PROOF_HASHES} hashes`, { where: what });
  }
  const hashes = lines.map((line, number) => fromBase64(line, HASH_BYTES, `${what}, hash ${number + 1}`));
  return { index, hashes, checkpoint: proof.slice(end + 2) };
}

/**
 * Protocol L6c: checks a tlog-proof for a header.
 * @param {string} proof
 * @param {string} header the header's text
 * @param {import("./note.js").NoteKey} key the board's
 * @param {string} [what] how an error names the proof
 * @returns {Promise<import("./note.js").Checkpoint>} the signed checkpoint that holds the entry
 */
export async function verifyProof(proof, header, key, what = "the receipt") {
  const { index, hashes, checkpoint: note } = parseProof(proof, what);
  const checkpoint = await openCheckpoint(note, key, `${what}, checkpoint`);
  verifyInclusion(leafHash(utf8(header)), index, checkpoint.size, hashes, checkpoint.root);
  return checkpoint;
}

/**
 * Protocol V9b: checks that the board has signed for an entry, and for this body if one is given.
 * @param {ReceiptFile} receipt
 * @param {string | import("./note.js").NoteKey} boardKey the board's vkey, from the manifest
 * @param {Uint8Array} [body] the entry's body, as it was sent
 * @param {string} [what] how an error names the receipt
 * @param {import("./note.js").WitnessPolicy | null} [witnesses] who must have signed, too
 * @returns {Promise<{header: import("./entries.js").EntryHeader, checkpoint: import("./note.js").Checkpoint}>}
 */
export async function checkReceipt(receipt, boardKey, body, what = "the receipt", witnesses = null) {
  const key = typeof boardKey === "string" ? parseVkey(boardKey) : boardKey;
  const header = parseHeader(receipt.header, `${what}, header`);
  const { index, checkpoint: note } = parseProof(receipt.proof, what);
  if (header.seq !== index) {
    throw new DecodeError(`is for entry ${index}, but its header is that of entry ${header.seq}`, { where: what });
  }
  if (body !== undefined) {
    checkBody(header, body);
  }
  const checkpoint = await verifyProof(receipt.proof, receipt.header, key, what);
  if (witnesses) {
    await verifyQuorum(note, witnesses, key, `${what}, checkpoint`);
  }
  return { header, checkpoint };
}
