/**
 * Who signed a checkpoint: the board (L5d) and its witnesses (L20d), by the strict rule (docs/spec/log.md).
 *
 * Reading notes, keys and checkpoints is core/note.js; its signatures go through WebCrypto, and those here do not. Must
 * not touch a document or the network; imports bytes.js, errors.js and note.js of core/, and signatures.js.
 */

import { concat, equal, toBigInt, utf8 } from "../core/bytes.js";
import { DecodeError, SignatureInvalid } from "../core/errors.js";
import { parseCheckpoint, parseNote, parseVkey, parseWitnesses } from "../core/note.js";
import { verifySignature } from "./signatures.js";

const TYPE_NOTE = 0x01;
const TIME_BYTES = 8;

/** @typedef {import("../core/note.js").NoteKey} NoteKey */
/** @typedef {import("../core/note.js").Checkpoint} Checkpoint */

/**
 * Protocol L4c: the board's key as a manifest names it: of the type that signs notes.
 * @param {string} vkey
 * @returns {NoteKey}
 * @throws {DecodeError}
 */
export function readBoardKey(vkey) {
  const key = parseVkey(vkey, "board");
  if (key.type !== TYPE_NOTE) throw new DecodeError("is not of the type that signs checkpoints", { where: "board" });
  return key;
}

/**
 * Protocol L5d: reads a signed checkpoint and checks the board's signature.
 * @param {Uint8Array} data
 * @param {NoteKey} board
 * @param {string} what how an error names it
 * @returns {Checkpoint}
 * @throws {DecodeError | SignatureInvalid}
 */
export function openSigned(data, board, what) {
  const note = parseNote(data, what);
  const own = linesOf(note, board);
  if (!own.length) throw new SignatureInvalid(`carries no signature by ${board.name}`, { where: what });
  for (const { payload } of own) verifySignature(board.key, note.text, payload, `${what}, signature by ${board.name}`);
  const checkpoint = parseCheckpoint(note.text, what);
  if (checkpoint.origin !== board.name) {
    throw new SignatureInvalid(`is of the log ${checkpoint.origin}, not of ${board.name}`, { where: what });
  }
  return checkpoint;
}

/**
 * What a signed note says, its signatures unchecked: to know the size before the key is known.
 * @param {Uint8Array} data
 * @param {string} what
 * @returns {Checkpoint}
 * @throws {DecodeError}
 */
export function readUnverified(data, what) {
  return parseCheckpoint(parseNote(data, what).text, what);
}

/**
 * Protocol L20d: checks that the quorum of a manifest's witnesses has signed.
 * @param {Uint8Array} data a signed note
 * @param {{witnesses?: string[], quorum?: number}} manifest
 * @param {NoteKey} board
 * @param {string} what how an error names it
 * @throws {SignatureInvalid} if there are too few, or one fails
 */
export function verifyWitnesses(data, manifest, board, what) {
  const { keys, quorum } = parseWitnesses(manifest, board);
  const note = parseNote(data, what);
  let signed = 0;
  for (const witness of keys) {
    const own = linesOf(note, witness);
    for (const { payload } of own) {
      const time = toBigInt(payload.subarray(0, TIME_BYTES));
      const message = concat(utf8(`cosignature/v1\ntime ${time}\n`), note.text);
      verifySignature(witness.key, message, payload.subarray(TIME_BYTES), `${what}, signature by ${witness.name}`);
    }
    if (own.length) signed++;
  }
  if (signed < quorum) {
    throw new SignatureInvalid(`is signed by ${signed} of the ${quorum} witnesses that are needed`, { where: what });
  }
}

function linesOf(note, key) {
  return note.signatures.filter(({ name, keyId }) => name === key.name && equal(keyId, key.keyId));
}
