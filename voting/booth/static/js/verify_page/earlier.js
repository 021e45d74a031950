/**
 * What a reader kept from an earlier look: a visit (V12), a checkpoint, or a receipt (V9d), for check 21.
 *
 * Must not import what runs in workers.
 */

import { utf8 } from "../core/bytes.js";
import { decodeCanonical, encodeCanonical } from "../core/canonical.js";
import { DecodeError } from "../core/errors.js";
import { MAX_NOTE_BYTES } from "../core/note.js";
import { parseProof, readReceiptFile } from "../core/receipt.js";

const MAX_BYTES = 2 * MAX_NOTE_BYTES;
const WHERE = "the file";
const BRACE = 0x7b;
const FIELDS = ["checkpoint", "election", "manifest", "version"];

/**
 * Protocol V12a: the checkpoint in a file from earlier, and the hashes in it. None of it is believed.
 *
 * @param {Blob} file
 * @returns {Promise<{checkpoint: Uint8Array, manifest: string|null, election: string|null}>}
 * @throws {DecodeError}
 */
export async function readEarlier(file) {
  if (file.size > MAX_BYTES) throw new DecodeError(`is longer than ${MAX_BYTES} bytes`, { where: WHERE });
  const data = new Uint8Array(await file.arrayBuffer());
  if (data[0] !== BRACE) return { checkpoint: data, manifest: null, election: null };
  const fields = decodeCanonical(data, WHERE, MAX_BYTES);
  if (Object.hasOwn(fields, "proof")) {
    const { checkpoint } = parseProof(readReceiptFile(data, WHERE).proof, WHERE);
    return { checkpoint: utf8(checkpoint), manifest: null, election: null };
  }
  const { checkpoint, election, manifest, version } = fields;
  const isVisit = Object.keys(fields).join() === FIELDS.join() && version === 1 && typeof checkpoint === "string";
  if (!isVisit || !isHash(manifest) || !(election === null || isHash(election))) {
    throw new DecodeError("is none of the files that can be compared with", { where: WHERE });
  }
  return { checkpoint: utf8(checkpoint), manifest, election };
}

/**
 * Protocol V12: the bytes of a visit.
 *
 * @param {{checkpoint: string, election: string|null, manifest: string}} seen
 * @returns {Uint8Array}
 */
export function writeVisit({ checkpoint, election, manifest }) {
  return encodeCanonical({ checkpoint, election, manifest, version: 1 });
}

function isHash(value) {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}
