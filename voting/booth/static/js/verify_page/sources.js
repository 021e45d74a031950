/**
 * Records from files that a person chose: a .zip, or the files of a record themselves (docs/spec/record.md, V1).
 *
 * A source gives each file anew as often as it is asked, part by part, and never holds one as a whole.
 * Must not touch the document or the network.
 */

import { concat } from "../core/bytes.js";
import { DecodeError, UrneError } from "../core/errors.js";
import { BODIES, CHECKPOINT, HEADERS, HINTS, VKEY, cutLines } from "../verifier/lines.js";
import { chunksOf } from "./chunks.js";
import { RECORD_FILES, SMALL_LIMITS } from "./limits.js";
import { openZip } from "./zip.js";

/**
 * @typedef {object} RecordSource what is verified: lines without line feeds, and two small files as they stand
 * @property {boolean} hasHints
 * @property {() => AsyncIterable<Uint8Array>} headers
 * @property {() => AsyncIterable<Uint8Array>} bodies
 * @property {() => AsyncIterable<Uint8Array>} hints
 * @property {() => Promise<Uint8Array>} checkpoint
 * @property {() => Promise<Uint8Array>} vkey
 */

/** What was chosen is no record, or cannot be read. */
export class NoRecord extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "unavailable", ...details });
  }
}

/**
 * Protocol V1: the record in files that a person chose.
 *
 * @param {readonly File[]} files one .zip, or the files of a record
 * @param {(done: number, total: number) => void} [onProgress] bytes of a .zip that were looked at
 * @returns {Promise<RecordSource>}
 * @throws {UrneError} if they are no record
 */
export async function openFiles(files, onProgress = () => {}) {
  if (files.length === 1 && !RECORD_FILES.includes(files[0].name)) return openZipFile(files[0], onProgress);
  const named = new Map();
  for (const file of files) {
    if (!RECORD_FILES.includes(file.name)) {
      throw new DecodeError("is not one of the files of a record", { where: file.name.slice(0, 80) });
    }
    if (named.has(file.name)) throw new DecodeError("occurs twice", { where: file.name });
    named.set(file.name, file);
  }
  return sourceOf({ has: (name) => named.has(name), chunks: (name) => chunksOf(named.get(name)) });
}

/** A .zip is read once from end to end before it counts: a damaged one is no record, whatever its lines say. */
async function openZipFile(file, onProgress) {
  const zip = await openZip(file);
  let done = 0;
  for (const name of RECORD_FILES) {
    if (!zip.has(name)) continue;
    for await (const chunk of zip.chunks(name)) {
      done += chunk.length;
      onProgress(done, zip.size);
    }
  }
  return sourceOf(zip);
}

/**
 * A record in parts with names.
 *
 * @param {{has: (name: string) => boolean, chunks: (name: string) => AsyncIterable<Uint8Array>}} parts
 * @returns {RecordSource}
 * @throws {NoRecord} if a file is missing
 */
export function sourceOf(parts) {
  for (const name of RECORD_FILES) {
    if (!parts.has(name) && name !== HINTS) {
      throw new NoRecord(`holds no file ${name}`, { where: ".", remedy: "is this the folder of a record?" });
    }
  }
  const lines = (name) => cutLines(readable(parts.chunks(name), name), name);
  return {
    hasHints: parts.has(HINTS),
    headers: () => lines(HEADERS),
    bodies: () => lines(BODIES),
    hints: () => lines(HINTS),
    checkpoint: () => wholeFile(parts, CHECKPOINT),
    vkey: () => wholeFile(parts, VKEY),
  };
}

async function wholeFile(parts, name) {
  const limit = SMALL_LIMITS[name];
  const found = [];
  let length = 0;
  for await (const chunk of readable(parts.chunks(name), name)) {
    found.push(chunk);
    length += chunk.length;
    if (length > limit) throw new DecodeError(`is longer than ${limit} bytes`, { where: name });
  }
  return concat(...found);
}

/** A file that is gone or was changed since it was chosen is not readable any more. */
async function* readable(chunks, name) {
  try {
    yield* chunks;
  } catch (error) {
    if (error instanceof UrneError) throw error;
    throw new NoRecord("cannot be read", { where: name, remedy: "choose the files again" });
  }
}
