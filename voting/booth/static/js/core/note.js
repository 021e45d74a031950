/**
 * Signed notes, checkpoints and the signatures of witnesses (docs/spec/log.md, L4, L5 and L20; C2SP signed-note,
 * tlog-checkpoint and tlog-cosignature).
 *
 * As voting/protocol/tlog/note.py, checkpoint.py and witnesses.py, reading only. Imports bytes.js, ed25519.js,
 * errors.js, hash.js and merkle.js.
 */

import { concat, equal, fromBase64, fromDecimal, fromUtf8, toBigInt, toHex, utf8 } from "./bytes.js";
import { checkPublicKey, verifySignature } from "./ed25519.js";
import { DecodeError, QuorumMissing, SignatureInvalid } from "./errors.js";
import { HASH_BYTES, sha256 } from "./hash.js";
import { EMPTY_ROOT } from "./merkle.js";

/** Longest note that is read, in bytes. */
export const MAX_NOTE_BYTES = 1_000_000;

/** The type of a witness's key. */
export const TYPE_COSIGNATURE = 0x04;

/** More witnesses than this no manifest names. */
export const MAX_WITNESSES = 15;

const TYPE_NOTE = 0x01;
const MAX_SIGNATURES = 100;
const MAX_VKEY_LENGTH = 4096;
const MAX_ORIGIN_LENGTH = 255;
const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;
const PREFIX = "\u2014 ";
const NOT_IN_NAME = /[+\p{C}\p{Z}]/u;
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
const ORIGIN = /^[A-Za-z0-9._~-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~-]+)*$/;

/** @typedef {{name: string, type: number, key: Uint8Array, keyId: Uint8Array}} NoteKey who may sign notes */
/** @typedef {{keys: NoteKey[], quorum: number}} WitnessPolicy whose signatures count too, and how many are needed */
/** @typedef {{origin: string, size: number, root: Uint8Array}} Checkpoint the board's signed word on its log */

/**
 * Protocol L4c: reads a published key, `name+id+key`.
 * @param {string} vkey
 * @param {string} [what] how an error names it
 * @returns {NoteKey}
 */
export function parseVkey(vkey, what = "the vkey") {
  const [, name, id, encoded] = (vkey.length <= MAX_VKEY_LENGTH && /^([^+]*)\+([^+]*)\+([^]*)$/.exec(vkey)) || [];
  if (encoded === undefined) {
    throw new DecodeError("is not name+id+key", { where: what });
  }
  requireName(name, what);
  const data = fromBase64(encoded, null, what);
  const type = data[0];
  if (type !== TYPE_NOTE && type !== TYPE_COSIGNATURE) {
    throw new DecodeError("is a key of a type unknown here", { where: what });
  }
  const key = data.subarray(1);
  checkPublicKey(key, what);
  const keyId = sha256(utf8(`${name}\n`), data).subarray(0, KEY_ID_BYTES);
  if (id !== toHex(keyId)) {
    throw new DecodeError(`names another key id than its own, ${toHex(keyId)}`, { where: what });
  }
  return { name, type, key, keyId };
}

/**
 * Protocol L4d: takes a note apart, its signatures unchecked.
 * @param {Uint8Array | string} data
 * @param {string} [what] how an error names it
 * @returns {{text: Uint8Array, signatures: {name: string, keyId: Uint8Array, payload: Uint8Array}[]}}
 */
export function parseNote(data, what = "the note") {
  const bytes = typeof data === "string" ? utf8(data) : data;
  if (bytes.length > MAX_NOTE_BYTES) {
    throw new DecodeError(`is longer than ${MAX_NOTE_BYTES} bytes`, { where: what });
  }
  const whole = fromUtf8(bytes, what);
  if (CONTROL.test(whole)) {
    throw new DecodeError("holds a control character other than line feed", { where: what });
  }
  const end = whole.lastIndexOf("\n\n");
  const lines = whole.slice(end + 2);
  if (end < 0 || !lines.endsWith("\n")) {
    throw new DecodeError("is not a text, an empty line and lines of signatures", { where: what });
  }
  const rows = lines.slice(0, -1).split("\n");
  if (rows.length > MAX_SIGNATURES) {
    throw new DecodeError(`has more than ${MAX_SIGNATURES} signatures`, { where: what });
  }
  const signatures = rows.map((row, index) => parseSignature(row, `${what}, signature ${index + 1}`));
  return { text: utf8(whole.slice(0, end + 1)), signatures };
}

/**
 * Protocol L4j: checks that a note carries a signature by `key`, and that every signature naming that key is right.
 * @param {ReturnType<typeof parseNote>} note
 * @param {NoteKey} key
 * @param {string} [what] how an error names the note
 */
export async function verifyNote(note, key, what = "the note") {
  const mine = note.signatures.filter((each) => isBy(each, key));
  if (!mine.length) {
    throw new SignatureInvalid(`carries no signature by ${key.name} (key id ${toHex(key.keyId)})`, { where: what });
  }
  for (const { payload } of mine) {
    const [message, signature] = key.type === TYPE_NOTE ? [note.text, payload] : cosigned(note.text, payload);
    await verifySignature(key.key, message, signature, `${what}, signature by ${key.name}`);
  }
}

/**
 * Protocol L20b, L20c: the witnesses that a manifest names, and how many of them must sign.
 * @param {{witnesses?: string[], quorum?: number}} manifest
 * @param {NoteKey} board the board's key, which is no witness's
 * @returns {WitnessPolicy}
 */
export function parseWitnesses({ witnesses = [], quorum = 0 }, board) {
  const fail = (problem, where) => {
    throw new DecodeError(problem, { where });
  };
  if (!Array.isArray(witnesses) || witnesses.length > MAX_WITNESSES) {
    fail(`are not a list of at most ${MAX_WITNESSES}`, "witnesses");
  }
  const keys = witnesses.map((vkey, index) => parseVkey(String(vkey), `witnesses[${index + 1}]`));
  keys.forEach((key, index) => {
    const isEarlier = keys.slice(0, index).some((other) => other.name === key.name || equal(other.key, key.key));
    if (key.type !== TYPE_COSIGNATURE || isEarlier || equal(key.key, board.key)) {
      fail("is no key of one more witness", `witnesses[${index + 1}]`);
    }
  });
  const isSafe = Number.isInteger(quorum) && quorum <= keys.length && (2 * quorum > keys.length || !keys.length);
  if (!isSafe || quorum < 0) {
    fail(`is no safe number for ${keys.length} witnesses`, "quorum");
  }
  return { keys, quorum };
}

/**
 * Protocol L4k: who of these witnesses has signed a note, each once, with the newest time.
 * @param {ReturnType<typeof parseNote>} note
 * @param {NoteKey[]} witnesses keys of type 0x04; the board's own key never counts
 * @param {NoteKey} board
 * @param {string} [what] how an error names the note
 * @returns {Promise<{key: NoteKey, time: bigint}[]>} times in POSIX seconds
 * @throws {SignatureInvalid} if a line names a witness's key and fails
 */
export async function verifyCosignatures(note, witnesses, board, what = "the note") {
  const found = [];
  for (const key of witnesses) {
    if (key.type !== TYPE_COSIGNATURE || equal(key.key, board.key)) continue;
    let newest = null;
    for (const { payload } of note.signatures.filter((each) => isBy(each, key))) {
      const [message, signature, time] = cosigned(note.text, payload);
      await verifySignature(key.key, message, signature, `${what}, signature by ${key.name}`);
      newest = newest === null || newest < time ? time : newest;
    }
    if (newest !== null && !found.some((other) => equal(other.key.key, key.key))) found.push({ key, time: newest });
  }
  return found;
}

/**
 * Protocol L20d: checks that enough witnesses have signed a note. The board's own signature is not looked at.
 * @param {Uint8Array | string} note
 * @param {WitnessPolicy} policy
 * @param {NoteKey} board
 * @param {string} [what] how an error names the note
 * @returns {Promise<{key: NoteKey, time: bigint}[]>} who has signed
 * @throws {QuorumMissing} if they are fewer than the quorum
 */
export async function verifyQuorum(note, policy, board, what = "the checkpoint") {
  const found = await verifyCosignatures(parseNote(note, what), policy.keys, board, what);
  if (found.length < policy.quorum) {
    const names = found.map(({ key }) => key.name).join(", ") || "nobody";
    throw new QuorumMissing(
      `is signed by ${found.length} of the ${policy.quorum} witnesses that are needed (${names})`,
      { where: what },
    );
  }
  return found;
}

/**
 * Protocol L5b: reads a checkpoint's text: origin, size, root.
 * @param {Uint8Array} text
 * @param {string} [what] how an error names it
 * @returns {Checkpoint}
 */
export function parseCheckpoint(text, what = "the checkpoint") {
  const lines = fromUtf8(text, what).split("\n");
  if (lines.length !== 4 || lines[3]) {
    throw new DecodeError("is not three lines: origin, size, root", { where: what });
  }
  const [origin] = lines;
  if (origin.length > MAX_ORIGIN_LENGTH || !ORIGIN.test(origin)) {
    throw new DecodeError("has an origin that is not a web address without its scheme", { where: what });
  }
  const size = fromDecimal(lines[1], `${what}, size`);
  const root = fromBase64(lines[2], HASH_BYTES, `${what}, root`);
  if (size === 0 && !equal(root, EMPTY_ROOT)) {
    throw new DecodeError("names size 0, but a root that is not the empty one", { where: what });
  }
  return { origin, size, root };
}

/**
 * Protocol L5d: reads a signed checkpoint and checks the board's signature.
 * @param {Uint8Array | string} note
 * @param {NoteKey} key the board's; its name is the origin
 * @param {string} [what] how an error names it
 * @returns {Promise<Checkpoint>}
 */
export async function openCheckpoint(note, key, what = "the checkpoint") {
  const parsed = parseNote(note, what);
  await verifyNote(parsed, key, what);
  const checkpoint = parseCheckpoint(parsed.text, what);
  if (checkpoint.origin !== key.name) {
    throw new SignatureInvalid(`is of the log ${checkpoint.origin}, not of ${key.name}`, { where: what });
  }
  return checkpoint;
}

function parseSignature(line, what) {
  const space = line.indexOf(" ", PREFIX.length);
  if (!line.startsWith(PREFIX) || space < 0) {
    throw new DecodeError("is not an em dash, a name and base64", { where: what });
  }
  const name = line.slice(PREFIX.length, space);
  requireName(name, what);
  const data = fromBase64(line.slice(space + 1), null, what);
  if (data.length <= KEY_ID_BYTES) {
    throw new DecodeError("is too short to hold a key id and a signature", { where: what });
  }
  return { name, keyId: data.subarray(0, KEY_ID_BYTES), payload: data.subarray(KEY_ID_BYTES) };
}

function isBy({ name, keyId }, key) {
  return name === key.name && equal(keyId, key.keyId);
}

/** Protocol L4i: what a witness signs, the time and the note; its signature; the time. */
function cosigned(text, payload) {
  const time = toBigInt(payload.subarray(0, TIME_BYTES));
  return [concat(utf8(`cosignature/v1\ntime ${time}\n`), text), payload.subarray(TIME_BYTES), time];
}

function requireName(name, what) {
  if (!name || NOT_IN_NAME.test(name)) {
    throw new DecodeError("is not a name: it is empty or holds a space, a plus sign or a control character", {
      where: what,
    });
  }
}
