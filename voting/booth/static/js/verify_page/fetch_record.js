/**
 * Protocol V13: fetching the record of a board from its web address, in bounded pieces (docs/spec/http.md, "Asking",
 * "Fetching"). Nothing is believed: what comes is put aside as it is, and judged like a file.
 *
 * Must not touch the document.
 */

import { DecodeError, UrneError } from "../core/errors.js";
import { MAX_NOTE_BYTES, parseCheckpoint, parseNote } from "../core/note.js";
import { BODIES, CHECKPOINT, HEADERS, HINTS, LINE_LIMITS, VKEY } from "../verifier/lines.js";
import { chunksOf, streamed } from "./chunks.js";
import { MAX_RECORD_BYTES, SMALL_LIMITS } from "./limits.js";
import { NoRecord, sourceOf } from "./sources.js";

const KINDS = [
  [HEADERS, "headers"],
  [BODIES, "bodies"],
  [HINTS, "hints"],
];
const LINES_PER_PIECE = 10_000;
/** A server ends an answer after 4 MiB or after one line. */
const MAX_PIECE = 2 * 4 * 1024 * 1024 + 2;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_TOLD = 300;
const ATTEMPTS = 4;
const WAITS_MS = [500, 1500, 4000];
const TIMEOUT_MS = 120_000;
const TRY_AGAIN = new Set([429, 502, 503, 504]);
const LINE_FEED = 10;
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Fetches the record at an address.
 *
 * @param {string} address from `parseAddress`
 * @param {(done: number, total: number) => void} [onProgress] lines that have come
 * @returns {Promise<import("./sources.js").RecordSource>} the same however often it is read
 * @throws {UrneError}
 */
export async function fetchRecord(address, onProgress = () => {}) {
  const log = `${address}/log/`;
  const note = await ask(`${log}checkpoint`, MAX_NOTE_BYTES, { isFresh: true });
  const what = "the checkpoint of the server";
  const { size } = parseCheckpoint(parseNote(note, what).text, what);
  const files = new Map([[CHECKPOINT, new Blob([note])]]);
  files.set(VKEY, new Blob([asLine(await ask(`${log}vkey`, SMALL_LIMITS[VKEY]))]));
  let bytes = 0;
  for (const [index, [name, kind]] of KINDS.entries()) {
    const pieces = [];
    for (let start = 0; start < size; ) {
      const stop = Math.min(size, start + LINES_PER_PIECE);
      const data = await ask(`${log}${kind}?start=${start}&stop=${stop}`, MAX_PIECE);
      start += countLines(data, name, `${kind} from ${start} on`, stop - start);
      bytes += data.length;
      if (bytes > MAX_RECORD_BYTES) {
        const problem = `is longer than the ${MAX_RECORD_BYTES} bytes allowed`;
        throw new DecodeError(problem, { where: "the record of the server" });
      }
      pieces.push(new Blob([data])); // the browser may put it on the disk
      onProgress(index * size + start, KINDS.length * size);
    }
    files.set(name, new Blob(pieces));
  }
  return sourceOf({ has: (name) => files.has(name), chunks: (name) => chunksOf(files.get(name)) });
}

/** The board's interface gives the key with or without a line feed; in a record it is one line. */
function asLine(data) {
  return data.at(-1) === LINE_FEED ? data : Uint8Array.from([...data, LINE_FEED]);
}

/** Protocol Q7a: how many lines came: at least one, at most as many as were asked for, none empty or too long. */
function countLines(data, name, where, most) {
  if (data.at(-1) !== LINE_FEED) {
    throw new DecodeError("do not end with a line feed: the answer was cut short", { where });
  }
  let count = 0;
  for (let start = 0; start < data.length; count++) {
    const end = data.indexOf(LINE_FEED, start);
    if (end - start > LINE_LIMITS[name] || (end === start && name !== HINTS)) {
      throw new DecodeError("hold a line that is empty or too long", { where });
    }
    start = end + 1;
  }
  if (count > most) throw new DecodeError(`are ${count} lines, more than were asked for`, { where });
  return count;
}

/** Protocol Q6: the bytes of a good answer; asked again a few times while the network fails. */
async function ask(url, limit, { isFresh = false } = {}) {
  const where = new URL(url).host;
  for (let attempt = 1; ; attempt++) {
    const answer = await once(url, limit, isFresh);
    if (answer.status >= 200 && answer.status < 300) return answer.data;
    const isWorthAsking = answer.status === 0 || TRY_AGAIN.has(answer.status);
    if (!isWorthAsking || attempt === ATTEMPTS) throw refusal(answer, where);
    const wait = WAITS_MS[Math.min(attempt, WAITS_MS.length) - 1];
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** One question. Status 0: no answer came, or the browser does not let this page read it. */
async function once(url, limit, isFresh) {
  const where = `the answer of ${new URL(url).host}`;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  try {
    const answer = await fetch(url, {
      cache: isFresh ? "no-cache" : "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: stop.signal,
    });
    const data = await bounded(answer, answer.ok ? limit : MAX_ERROR_BYTES, where);
    return { status: answer.status, data };
  } catch (error) {
    if (error instanceof UrneError) throw error;
    return { status: 0, data: new Uint8Array(0) };
  } finally {
    clearTimeout(timer);
  }
}

async function bounded(answer, limit, where) {
  const parts = [];
  let length = 0;
  for await (const part of answer.body ? streamed(answer.body) : []) {
    parts.push(part);
    length += part.length;
    if (length > limit) throw new DecodeError(`is longer than the ${limit} bytes allowed`, { where });
  }
  const data = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return data;
}

/** Protocol Q6c: what a refusal means. The server's own words are cut short and cleaned. */
function refusal({ status, data }, host) {
  if (status === 0) {
    return new NoRecord("cannot be reached, or does not let this page read its answers", {
      where: host,
      remedy: "check the address and the network, or download the record and choose the file",
    });
  }
  const told = toldBy(data);
  if (status === 404 && !told.code) {
    return new NoRecord("has no board at this address, or shows it as files only", {
      where: host,
      remedy: "give the address of the election's page, or download the record and choose the file",
    });
  }
  const problem = told.message || `answers with status ${status}`;
  return new NoRecord(problem, { where: told.where || host, remedy: told.remedy || "try again later" });
}

function toldBy(data) {
  const texts = { code: "", message: "", remedy: "", where: "" };
  try {
    const { error } = JSON.parse(new TextDecoder().decode(data));
    for (const name of Object.keys(texts)) {
      if (typeof error?.[name] === "string") texts[name] = error[name].replace(UNSEEN, " ").slice(0, MAX_TOLD);
    }
  } catch {
    return texts;
  }
  return texts;
}
