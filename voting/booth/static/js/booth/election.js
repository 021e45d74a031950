/**
 * The election as the booth knows it: read from `booth.json` and checked before anything is shown
 * (docs/spec/entries.md, log.md). The server is not believed: the manifest's hash, the administrator's signatures and
 * the board's signed checkpoint, which its witnesses have signed too if there are any, must fit together. What this
 * cannot know is whether it is the election that was announced; the voter's code decides that, because the manifest's
 * hash is part of every key (K3).
 *
 * Must not import screens.
 */

import { equal, fromBase64Url, utf8 } from "../core/bytes.js";
import { encodeCanonical } from "../core/canonical.js";
import { parseBody, verifyEntrySignature } from "../core/entries.js";
import { DecodeError, QuorumMissing, VerificationError } from "../core/errors.js";
import { sha256Hex } from "../core/hash.js";
import { openCheckpoint, parseVkey, parseWitnesses, verifyQuorum } from "../core/note.js";
import { checkReceipt } from "../core/receipt.js";
import { requestJson } from "./network.js";

const TOY = /^toy-/;
/** A credential is looked up among about this many at most (docs/spec/booth.md). */
const LOOKED_UP_AT_MOST = 1000;
const MAX_PREFIX = 4;

/**
 * @typedef {object} Election
 * @property {string} base path of the election's page, e.g. "/e/board-2026"
 * @property {string} phase setup, open, closed, tallied, published or cancelled
 * @property {any} manifest
 * @property {string} manifestHash hexadecimal
 * @property {string|null} id the election id, hexadecimal; null before the opening
 * @property {string|null} jointKey base64url; null before the opening
 * @property {any} boardKey the board's key, from the manifest
 * @property {import("../core/note.js").WitnessPolicy} witnesses who must have signed what the board promises
 * @property {{size: number, root: Uint8Array, note: string}} checkpoint signed by the board, seen at the start
 * @property {string|null} closes announced end, or null
 * @property {number} clockOffset milliseconds that the server's clock is ahead of this device's
 * @property {"none"|"mail"} factor second factor of voters
 * @property {number} prefix how many characters of a credential are shown to the server when it is looked up
 * @property {string} contact
 * @property {boolean} isToy
 */

/**
 * Fetch and check what the booth must know of the election.
 *
 * @param {string} base
 * @returns {Promise<Election>}
 * @throws {NoAnswer|Refused} if the server does not give it
 * @throws {Error} one of `core/errors.js` if it does not hold together
 */
export async function loadElection(base) {
  return checkElection(base, await requestJson(`${base}/booth.json`));
}

/**
 * Check a `booth.json`.
 *
 * @param {string} base
 * @param {any} data
 * @returns {Promise<Election>}
 */
async function checkElection(base, data) {
  requireForm(data);
  if (data.waiting && !(data.defined && (data.opened || data.phase !== "open")))
    throw new QuorumMissing("is not signed by the witnesses yet", { where: "booth.json" });
  const { manifest } = parseBody("election.defined", utf8(data.defined.body)).content;
  const manifestHash = sha256Hex(encodeCanonical(manifest));
  const boardKey = parseVkey(manifest.board);
  const checkpoint = await openCheckpoint(data.checkpoint, boardKey);
  const witnesses = parseWitnesses(manifest, boardKey);
  await verifyQuorum(data.checkpoint, witnesses, boardKey);
  const administrator = fromBase64Url(manifest.administrator, 32, "administrator");
  const known = { boardKey, checkpoint, manifestHash, administrator };
  await checkEntry(data.defined, "election.defined", known);
  let id = null;
  let jointKey = null;
  let voters = 0;
  if (data.opened) {
    const content = await checkEntry(data.opened, "election.opened", known);
    if (content.manifest !== manifestHash)
      throw new VerificationError("10", "election.opened", "names another manifest");
    id = sha256Hex(utf8(data.opened.body));
    jointKey = content.joint_key;
    voters = content.voters;
  }
  return Object.freeze({
    base,
    phase: data.phase,
    manifest,
    manifestHash,
    id,
    jointKey,
    boardKey,
    witnesses,
    checkpoint: { size: checkpoint.size, root: checkpoint.root, note: data.checkpoint },
    closes: data.closes ?? null,
    clockOffset: Number.isFinite(Date.parse(data.now)) ? Date.parse(data.now) - Date.now() : 0,
    factor: data.factor ?? "none",
    prefix: Number.isInteger(data.prefix) ? Math.min(Math.max(data.prefix, 0), longestPrefix(voters)) : 0,
    contact: manifest.contact || String(data.contact ?? ""),
    isToy: TOY.test(manifest.group),
  });
}

/**
 * An election to practise with: its texts are real, its key is not, and nothing can be sent.
 *
 * @param {string} base
 * @param {any} manifest
 * @returns {Election}
 */
export function practiceElection(base, manifest) {
  return Object.freeze({
    base,
    phase: "practice",
    manifest,
    manifestHash: sha256Hex(encodeCanonical(manifest)),
    id: "0".repeat(64),
    jointKey: null,
    boardKey: null,
    witnesses: { keys: [], quorum: 0 },
    checkpoint: null,
    closes: null,
    clockOffset: 0,
    factor: "none",
    prefix: 0,
    contact: manifest.contact,
    isToy: TOY.test(manifest.group),
  });
}

/** How much of a credential may be shown at most among so many voters: a site that asks for more is curious. */
function longestPrefix(voters) {
  let length = 0;
  while (length < MAX_PREFIX && voters > LOOKED_UP_AT_MOST * 64 ** length) length += 1;
  return length;
}

function requireForm(data) {
  const isEntry = (entry) => ["header", "body", "proof"].every((part) => typeof entry?.[part] === "string");
  const isFine =
    typeof data?.checkpoint === "string" &&
    (isEntry(data.defined) || (data.defined === null && data.waiting === true)) &&
    (isEntry(data.opened) || (data.opened === null && (data.phase !== "open" || data.waiting === true)));
  if (!isFine) throw new DecodeError("has not the form that is needed", { where: "booth.json" });
}

/** Check that the board has signed for an entry, and the administrator too; gives its content. */
async function checkEntry(entry, type, { boardKey, checkpoint, manifestHash, administrator }) {
  const body = utf8(entry.body);
  const { header, checkpoint: proved } = await checkReceipt(
    { header: entry.header, proof: entry.proof },
    boardKey,
    body,
  );
  if (header.type !== type) throw new VerificationError("04", `entry ${header.seq}`, `is no ${type}`);
  if (proved.size !== checkpoint.size || !equal(proved.root, checkpoint.root))
    throw new VerificationError("03", `entry ${header.seq}`, "has another checkpoint");
  const { content, signature } = parseBody(type, body);
  await verifyEntrySignature(type, manifestHash, body, signature, administrator);
  return content;
}

/** For the worker: what ballots are made with, as plain data. */
export function ballotData(election) {
  return {
    manifest: election.manifest,
    manifestHash: election.manifestHash,
    election: election.id,
    jointKey: election.jointKey,
    allowToy: election.isToy,
    credential: null,
  };
}

/**
 * Whether a credential is on the list of the election, without telling the server which one it is: it sees only the
 * first `prefix` characters.
 *
 * @param {Election} election
 * @param {string} publicKey base64url
 * @returns {Promise<{weight: number, voted: boolean}|"replaced"|null>} null: it belongs to nobody
 */
export async function findCredential(election, publicKey) {
  const prefix = publicKey.slice(0, election.prefix);
  const { credentials, replaced } = await requestJson(`${election.base}/credentials/${prefix}`);
  if (replaced?.includes(publicKey)) return "replaced";
  return credentials.find(({ key }) => key === publicKey) ?? null;
}
