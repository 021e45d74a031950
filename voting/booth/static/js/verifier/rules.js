/**
 * Protocol S3: whether an entry may follow those before it, and what it changes (docs/spec/record.md, entries.md).
 *
 * An entry is taken in whole or refused whole. What costs much for each ballot, share and total is not asked here. Must
 * not touch a document or the network; imports bytes.js and entries.js of core/, and the verifier's ceremony.js,
 * findings.js, forms.js, manifest.js, signatures.js, state.js and texts.js.
 */

import { fromBase64Url } from "../core/bytes.js";
import { contentHash, signingInput } from "../core/entries.js";
import { Ceremony } from "./ceremony.js";
import { RuleBroken, isForeseen, under } from "./findings.js";
import { isEntryType, isHash, readBody } from "./forms.js";
import { readManifest } from "./manifest.js";
import { readPublicKey, verifySignature } from "./signatures.js";
import { ALLOWED, LEADS_TO } from "./state.js";
import { isMoment, verifyText } from "./texts.js";

const MOST_WEIGHT = 10 ** 12;
const MOST_WEIGHT_IN_ALL = 9 * 10 ** 12;
const MOST_BOOTH_FILES = 1000;
const MOST_PATH_CHARACTERS = 200;
const BOOTH_PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/**
 * @typedef {object} Entry
 * @property {number} place in the record, from 0
 * @property {string} type
 * @property {string} bodyHash
 * @property {any} content
 * @property {string} contentHash N4
 * @property {string} signature base64url
 * @property {string} subject how findings name it
 */

/** @typedef {import("./state.js").ElectionState} ElectionState */

const RULES = {
  "election.defined": defined,
  "trustee.joined": ofTrustee((ceremony, content, subject) => ceremony.join(content, subject)),
  "trustee.committed": ofTrustee((ceremony, content, subject, place) => ceremony.commit(content, subject, place)),
  "trustee.dealt": ofTrustee((ceremony, content, subject) => ceremony.deal(content, subject)),
  "trustee.confirmed": ofTrustee((ceremony, content, subject) => ceremony.confirm(content, subject)),
  "trustee.complained": ofTrustee((ceremony, content, subject) => ceremony.complain(content, subject)),
  "trustee.answered": ofTrustee((ceremony, content, subject) => ceremony.answer(content, subject)),
  "trustee.restarted": restarted,
  "credentials.listed": listed,
  "election.opened": opened,
  "ballot.cast": ballotCast,
  "election.notice": notice,
  "election.extended": extended,
  "election.closed": closed,
  "election.cancelled": cancelled,
  "tally.encrypted": tallied,
  "tally.share": shared,
  "election.result": resulted,
};

/**
 * Protocol S3: checks that an entry may follow, and takes it in.
 * @param {ElectionState} state unchanged if this throws
 * @param {number} place in the record
 * @param {import("../core/entries.js").EntryHeader} header
 * @param {Uint8Array} body the one that the header names
 * @throws {RuleBroken}
 */
export function applyEntry(state, place, header, body) {
  const { type } = header;
  const subject = `entry ${place} (${type})`;
  if (!isEntryType(type)) throw new RuleBroken("04", subject, "has a type that no election has");
  if (!ALLOWED.get(type).includes(state.phase)) {
    throw new RuleBroken("04", subject, `may not come while the election is ${state.phase}`);
  }
  const { content, signature } = readOrRefuse(type, body, subject);
  const entry = { place, type, bodyHash: header.body, content, contentHash: contentHash(body), signature, subject };
  if (state.contents.has(entry.contentHash)) throw new RuleBroken("04", subject, "repeats an earlier entry");
  RULES[type](state, entry);
  state.contents.add(entry.contentHash);
  state.phase = LEADS_TO.get(type) ?? state.phase;
}

function readOrRefuse(type, body, subject) {
  try {
    return readBody(type, body, subject);
  } catch (error) {
    if (!isForeseen(error)) throw error;
    throw new RuleBroken("02", subject, error.problem);
  }
}

/**
 * Protocol N5: checks an author's signature.
 * @param {string} manifestHash
 * @param {{type: string, contentHash: string, signature: string, subject: string}} entry
 * @param {Uint8Array} key
 * @param {string} check that fails with it
 * @throws {RuleBroken}
 */
export function verifyEntry(manifestHash, { type, contentHash: hash, signature, subject }, key, check) {
  try {
    verifySignature(key, signingInput(type, manifestHash, hash), fromBase64Url(signature, 64, "signature"));
  } catch (error) {
    if (!isForeseen(error)) throw error;
    throw new RuleBroken(check, subject, `the signature does not hold: ${error.problem}`);
  }
}

// -- rules that several types share -----------------------------------------------------------------------------------

function requireManifest(state, hash, subject) {
  const own = state.definition.hash;
  if (hash !== own) throw new RuleBroken("04", subject, "names another manifest", { expected: own, found: hash });
}

function requireElection(state, election, subject) {
  if (election !== state.election) {
    const details = { expected: state.election ?? "", found: election };
    throw new RuleBroken("04", subject, "belongs to another election", details);
  }
}

function requireTime(time, subject) {
  if (!isMoment(time)) throw new RuleBroken("04", subject, "its time is not one in the form 2026-11-24T08:00:00.000Z");
}

function requireText(text, subject) {
  under("04", subject, () => verifyText(text, "its text", { lines: true }));
}

function requireAdministrator(state, entry) {
  const { subject, content } = entry;
  verifyEntry(state.definition.hash, entry, state.definition.administrator, "05");
  requireTime(content.time, subject);
  if (content.time < state.lastTime) {
    const details = { expected: `${state.lastTime} or later`, found: content.time };
    throw new RuleBroken("04", subject, "is dated before the administrator's last entry", details);
  }
}

function requireSame(check, subject, reason, expected, found) {
  if (expected !== found) {
    throw new RuleBroken(check, subject, reason, { expected: String(expected), found: String(found) });
  }
}

// -- the rules of each type: checks, then the change ------------------------------------------------------------------

/** Protocol N10. */
function defined(state, entry) {
  const { content, subject } = entry;
  let definition;
  try {
    definition = readManifest(content.manifest);
  } catch (error) {
    if (!isForeseen(error)) throw error;
    throw new RuleBroken("01", subject, `the manifest is not valid: ${error.message}`);
  }
  if (definition.group.isToy && !state.allowToy) {
    throw new RuleBroken("01", subject, `the group ${definition.group.name} is for tests only and protects nothing`);
  }
  verifyEntry(definition.hash, entry, definition.administrator, "05");
  requireTime(content.time, subject);
  const closes = content.manifest.schedule?.closes ?? null;
  Object.assign(state, { definition, ceremony: new Ceremony(definition), closes, lastTime: content.time });
}

/** N11 to N16: who wrote it, then the step itself. */
function ofTrustee(step) {
  return (state, entry) => {
    const { content, place, subject, type } = entry;
    const { index, manifest } = content.coefficients ?? content;
    requireManifest(state, manifest, subject);
    const signer = type === "trustee.joined" ? content.signing_key : state.ceremony.signer(index, subject);
    const key = under("05", subject, () => readPublicKey(signer, "signing_key"));
    verifyEntry(state.definition.hash, entry, key, "05");
    requireTime(content.time, subject);
    step(state.ceremony, content, subject, place);
  };
}

/** Protocol N17. */
function restarted(state, entry) {
  const { content, subject } = entry;
  requireManifest(state, content.manifest, subject);
  requireAdministrator(state, entry);
  state.ceremony.restart(content, subject);
  state.lastTime = content.time;
}

/** Protocol N18. */
function listed(state, entry) {
  const { bodyHash, content, subject } = entry;
  requireManifest(state, content.manifest, subject);
  verifyEntry(state.definition.hash, entry, state.definition.authority, "05");
  requireTime(content.time, subject);
  if (!content.credentials.length) throw new RuleBroken("09", subject, "lists no credential");
  let previous = "";
  let { weight: weightInAll } = state;
  content.credentials.forEach(({ key, weight }, place) => {
    const where = `credentials[${place}]`;
    if (!isBefore(previous, key)) {
      throw new RuleBroken("09", subject, `${where} is not in rising order, or occurs twice`);
    }
    if (state.credentials.has(key)) throw new RuleBroken("09", subject, `${where} was listed before`);
    if (!(weight >= 1 && weight <= MOST_WEIGHT)) {
      const details = { expected: `1 to ${MOST_WEIGHT}`, found: String(weight) };
      throw new RuleBroken("09", subject, `${where} has a weight out of range`, details);
    }
    under("09", subject, () => readPublicKey(key, where));
    previous = key;
    weightInAll += weight;
    if (weightInAll > MOST_WEIGHT_IN_ALL) {
      const details = { expected: `${MOST_WEIGHT_IN_ALL} at most`, found: `more, with ${where}` };
      throw new RuleBroken("09", subject, "the weights add up to too much", details);
    }
  });
  for (const { key, weight } of content.credentials) state.credentials.set(key, weight);
  state.weight = weightInAll;
  state.lists.push(bodyHash);
}

/** Keys are base64url: whatever else stands there is refused right after, so that the order of UTF-16 does. */
function isBefore(left, right) {
  return left < right;
}

/** Protocol N19. */
function opened(state, entry) {
  const { bodyHash, content, subject } = entry;
  const { ceremony, definition } = state;
  requireAdministrator(state, entry);
  if (!ceremony.isComplete) throw new RuleBroken("07", subject, "not all trustees have confirmed");
  if (!state.credentials.size) throw new RuleBroken("09", subject, "no credential is listed");
  requireSame("10", subject, "names another manifest", definition.hash, content.manifest);
  if (content.joint_key !== definition.group.toText(ceremony.jointKey())) {
    throw new RuleBroken("08", subject, "the joint key is not the product of the trustees' commitments");
  }
  if (
    content.credentials.length !== state.lists.length ||
    content.credentials.some((one, i) => one !== state.lists[i])
  ) {
    throw new RuleBroken("10", subject, "names other credential lists than those on the board");
  }
  const [found, expected] = [content, { voters: state.credentials.size, weight: state.weight }].map(
    ({ voters, weight }) => `${voters} of weight ${weight}`,
  );
  requireSame("09", subject, "number or weight of the credentials is not as announced", expected, found);
  requireBoothFiles(content.booth, subject);
  Object.assign(state, { election: bodyHash, lastTime: content.time });
}

/** Protocol S3a. */
function requireBoothFiles(files, subject) {
  if (files.length > MOST_BOOTH_FILES) {
    throw new RuleBroken("10", subject, `names more than ${MOST_BOOTH_FILES} booth files`);
  }
  files.forEach(({ path, sha256 }, place) => {
    const where = `booth[${place}]`;
    if (path.length > MOST_PATH_CHARACTERS || !BOOTH_PATH.test(path)) {
      throw new RuleBroken("10", subject, `${where} has a path that no booth file has`);
    }
    if (place && path <= files[place - 1].path) {
      throw new RuleBroken("10", subject, `${where} is not in rising order, or occurs twice`);
    }
    if (!isHash(sha256)) throw new RuleBroken("10", subject, `${where} has a hash that is none`);
  });
}

/** Protocol N20. */
function ballotCast(state, { content, contentHash: hash, place, subject }) {
  const { credential } = content;
  if (!state.credentials.has(credential)) throw new RuleBroken("11", subject, "the credential is not listed");
  requireElection(state, content.election, subject);
  const reference = { place, credential, hash };
  state.ballots.push(reference);
  state.counted.set(credential, reference);
}

/** Protocol N21. */
function notice(state, entry) {
  requireManifest(state, entry.content.manifest, entry.subject);
  requireAdministrator(state, entry);
  requireText(entry.content.text, entry.subject);
  state.lastTime = entry.content.time;
}

/** Protocol N22. */
function extended(state, entry) {
  const { content, subject } = entry;
  requireElection(state, content.election, subject);
  requireAdministrator(state, entry);
  requireTime(content.closes, subject);
  if (state.closes !== null && content.closes <= state.closes) {
    const details = { expected: `after ${state.closes}`, found: content.closes };
    throw new RuleBroken("04", subject, "does not move the end of voting later", details);
  }
  Object.assign(state, { closes: content.closes, lastTime: content.time });
}

/** Protocol N23. */
function closed(state, entry) {
  const { content, subject } = entry;
  requireElection(state, content.election, subject);
  requireAdministrator(state, entry);
  requireSame("04", subject, "wrong number of ballots cast", state.ballots.length, content.ballots);
  state.lastTime = content.time;
}

/** Protocol N24. */
function cancelled(state, entry) {
  requireManifest(state, entry.content.manifest, entry.subject);
  requireAdministrator(state, entry);
  requireText(entry.content.reason, entry.subject);
  state.lastTime = entry.content.time;
}

/** Protocol N25. */
function tallied(state, entry) {
  const { bodyHash, content, place, subject } = entry;
  requireElection(state, content.election, subject);
  requireAdministrator(state, entry);
  requireSame("16", subject, "wrong number of counted ballots", state.counted.size, content.ballots);
  requireSame("16", subject, "wrong weight of the counted ballots", state.countedWeight, content.weight);
  Object.assign(state, { tally: { ...content, place, bodyHash }, lastTime: content.time });
}

/** Protocol N26. */
function shared(state, entry) {
  const { content, place, subject } = entry;
  const { index } = content;
  requireElection(state, content.election, subject);
  const trustee = state.ceremony.trustees.get(index);
  if (!trustee?.signingKey) throw new RuleBroken("18", subject, `there is no trustee ${index}`);
  verifyEntry(state.definition.hash, entry, readPublicKey(trustee.signingKey, "signing_key"), "18");
  requireTime(content.time, subject);
  requireSame("18", subject, "decrypts another tally", state.tally.bodyHash, content.tally);
  if (state.shares.has(index)) throw new RuleBroken("18", subject, `trustee ${index} has published a share already`);
  state.shares.set(index, { ...content, place });
}

/** Protocol N27. */
function resulted(state, entry) {
  const { content, place, subject } = entry;
  const { threshold } = state.definition.manifest;
  requireElection(state, content.election, subject);
  requireAdministrator(state, entry);
  requireSame("19", subject, "is the result of another tally", state.tally.bodyHash, content.tally);
  const isRising = content.shares.every((index, at) => at === 0 || index > content.shares[at - 1]);
  if (!isRising || content.shares.length !== threshold) {
    throw new RuleBroken("18", subject, `does not name ${threshold} distinct trustees in rising order`);
  }
  const missing = content.shares.find((index) => !state.shares.has(index));
  if (missing !== undefined) throw new RuleBroken("18", subject, `trustee ${missing} has published no share`);
  Object.assign(state, { result: { ...content, place }, lastTime: content.time });
}
