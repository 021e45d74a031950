/**
 * Protocol V1: the lines of a record's files (docs/spec/record.md): where a file has no good line, the record ends.
 *
 * A source gives lines as bytes; `cutLines` makes them from pieces of any size. Must not touch a document or the
 * network; imports core/errors.js.
 */

import { DecodeError } from "../core/errors.js";

export const HEADERS = "headers.jsonl";
export const BODIES = "bodies.jsonl";
export const HINTS = "hints.jsonl";
export const CHECKPOINT = "checkpoint";
export const VKEY = "vkey";

/** Longest line of each file, without its line feed. */
export const LINE_LIMITS = { [HEADERS]: 65_535, [BODIES]: 4_194_304, [HINTS]: 4_194_304 };

const LINE_FEED = 0x0a;
const MAX_CHECKPOINT_BYTES = 1_000_000;
const MAX_VKEY_BYTES = 4096;

/**
 * @typedef {object} RecordSource a record, opened; nothing of it is believed. Lines that are not good are a DecodeError;
 *   what keeps a source from reading at all is any other error, and ends the verification without a report
 * @property {boolean} hasHints
 * @property {() => AsyncIterable<Uint8Array>} headers lines without line feeds, each time from the first
 * @property {() => AsyncIterable<Uint8Array>} bodies
 * @property {() => AsyncIterable<Uint8Array>} hints only if `hasHints`
 * @property {() => Promise<Uint8Array>} checkpoint the file's bytes
 * @property {() => Promise<Uint8Array>} vkey
 */

/**
 * The lines of one file.
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} pieces of the file's bytes, of any size
 * @param {string} name of the file
 * @returns {AsyncGenerator<Uint8Array>} lines without line feeds
 * @throws {DecodeError} where a line is too long, empty (but for hints) or cut short
 */
export async function* cutLines(pieces, name) {
  const limit = LINE_LIMITS[name];
  let number = 0;
  let waiting = [];
  let waitingBytes = 0;
  const fail = (problem) => new DecodeError(problem, { where: `${name}, line ${number}` });
  for await (const piece of pieces) {
    let start = 0;
    while (start < piece.length) {
      const found = piece.indexOf(LINE_FEED, start);
      const end = found < 0 ? piece.length : found;
      if (waitingBytes + end - start > limit) {
        number++;
        throw fail(`is longer than ${limit} bytes`);
      }
      // Copied, so that a short line does not keep a long piece in memory.
      waiting.push(piece.slice(start, end));
      waitingBytes += end - start;
      start = end + 1;
      if (found < 0) continue;
      number++;
      if (!waitingBytes && name !== HINTS) throw fail("is empty");
      yield joined(waiting, waitingBytes);
      waiting = [];
      waitingBytes = 0;
    }
  }
  if (waiting.length) {
    number++;
    throw fail("is cut short: it has no line feed");
  }
}

/**
 * Header and body of each entry, in order. Hints are counted and not looked at: they carry no authority.
 * @param {RecordSource} source
 * @returns {AsyncGenerator<{header: Uint8Array, body: Uint8Array}>}
 * @throws {DecodeError} where one file ends before another, or has no good line
 */
export async function* entriesOf(source) {
  const open = (lines) => lines[Symbol.asyncIterator]();
  const bodies = open(source.bodies());
  const hints = source.hasHints ? open(source.hints()) : null;
  let count = 0;
  const shorter = (short, long) => new DecodeError(`ends after ${count} lines, but ${long} goes on`, { where: short });
  try {
    for await (const header of source.headers()) {
      const body = await bodies.next();
      const hint = hints && (await hints.next());
      if (body.done) throw shorter(BODIES, HEADERS);
      if (hint?.done) throw shorter(HINTS, HEADERS);
      yield { header, body: body.value };
      count++;
    }
    if (!(await bodies.next()).done) throw shorter(HEADERS, BODIES);
    if (hints && !(await hints.next()).done) throw shorter(HEADERS, HINTS);
  } finally {
    await bodies.return?.();
    await hints?.return?.();
  }
}

/**
 * The two small files.
 * @param {RecordSource} source
 * @returns {Promise<{checkpoint: Uint8Array, vkey: string}>}
 * @throws {DecodeError} if this is no record
 */
export async function readSmallFiles(source) {
  const [checkpoint, line] = [await source.checkpoint(), await source.vkey()];
  if (checkpoint.length > MAX_CHECKPOINT_BYTES) {
    throw new DecodeError(`is longer than ${MAX_CHECKPOINT_BYTES} bytes`, { where: CHECKPOINT });
  }
  if (line.length > MAX_VKEY_BYTES) {
    throw new DecodeError(`is longer than ${MAX_VKEY_BYTES} bytes`, { where: VKEY });
  }
  const text = line.subarray(0, -1);
  if (!text.length || line.at(-1) !== LINE_FEED || text.some((byte) => byte > 0x7f || byte === LINE_FEED)) {
    throw new DecodeError("is not exactly one line of ASCII", { where: VKEY });
  }
  return { checkpoint, vkey: String.fromCharCode(...text) };
}

function joined(parts, length) {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
