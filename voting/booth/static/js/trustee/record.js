/**
 * Protocol S: the record of an election, replayed entry by entry (docs/spec/record.md, S1 to S3), as
 * voting/election/record.py. What costs much per ballot is left to `decrypt.js`.
 *
 * `apply` takes an entry in whole or throws `VerificationError` and changes nothing. Of the manifest's rules (M15)
 * those are checked on which a trustee's safety rests; the rest is the board's and the observers' business. Must not
 * touch the document or the network.
 */

import { fromBase64Url } from "../core/bytes.js";
import { checkPublicKey } from "../core/ed25519.js";
import { contentHash, verifyEntrySignature } from "../core/entries.js";
import { DecodeError, ProofError, SignatureInvalid, VerificationError } from "../core/errors.js";
import { Ceremony, decodeProof } from "./ceremony.js";
import { checkManifest } from "./manifest.js";
import { parseContent } from "./messages.js";
import { ALLOWED, LEADS_TO } from "./phases.js";
import { verifyEquality } from "./proofs.js";
import { shareContext } from "./rounds.js";
import { require, within } from "./rules.js";
import { isMoment, isText } from "./texts.js";

const MAX_BOOTH_FILES = 1000;
const MAX_PATH_CHARACTERS = 200;
const BOOTH_PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const MAX_WEIGHT = 1e12;
const MAX_TOTAL_WEIGHT = 9e12;

/**
 * @typedef {import("../core/group.js").Group} Group
 * @typedef {{seq: number, type: string, body: string}} Header `body`: hash of the body
 */

/** Everything that the entries so far say, but for the ballots' contents. */
export class ElectionRecord {
  constructor() {
    this.phase = "empty";
    this.size = 0;
    this.manifest = null;
    /** Hash of the manifest. */
    this.manifestHash = null;
    /** @type {Group|null} */
    this.group = null;
    this.shape = null;
    /** @type {Ceremony|null} */
    this.ceremony = null;
    /** Key of a credential -> weight. @type {Map<string, number>} */
    this.credentials = new Map();
    this.totalWeight = 0;
    this.credentialLists = [];
    /** Election id. */
    this.election = null;
    /** Place and hash of every ballot's body, and of the last one of each credential. */
    this.ballots = [];
    this.lastBallot = new Map();
    this.closes = null;
    this.tally = null;
    /** Hash of the body of `tally.encrypted`. */
    this.tallyHash = null;
    /** Trustee -> share. */
    this.shares = new Map();
    this.result = null;
    this.cancelled = null;
    /** Entry type -> time in its newest entry. */
    this.latest = {};
    this.lastTime = "";
    this.contents = new Set();
    this.validity = new Map();
  }

  /**
   * Protocol S3: check that an entry may follow, and take it in.
   *
   * @param {Header} header the caller has checked its chain and the body's hash
   * @param {Uint8Array} body
   * @throws {VerificationError}
   */
  async apply(header, body) {
    const subject = `entry ${header.seq} (${header.type})`;
    const allowed = Object.hasOwn(ALLOWED, header.type) ? ALLOWED[header.type] : null;
    require(allowed, "04", subject, "has a type that no election has");
    require(allowed.includes(this.phase), "04", subject, `may not come while the election is ${this.phase}`);
    const parsed = within("02", subject, () => parseContent(header.type, body, subject));
    const hash = contentHash(body);
    require(!this.contents.has(hash), "04", subject, "repeats an earlier entry");
    const { content } = parsed;
    const entry = { header, body, content, signature: parsed.signature, subject };
    await RULES[header.type](this, entry);
    this.contents.add(hash);
    this.size += 1;
    this.phase = LEADS_TO[header.type] ?? this.phase;
    if (content.time !== undefined) this.latest[header.type] = content.time;
  }

  /**
   * How many decryption shares hold (D6). Each is checked once.
   *
   * @returns {number}
   */
  validShares() {
    for (const [index, share] of this.shares) {
      if (!this.validity.has(index)) this.validity.set(index, this.#isValid(share));
    }
    return [...this.validity.values()].filter(Boolean).length;
  }

  #isValid(share) {
    try {
      const bases = this.alphas();
      const factors = share.factors.map((text, position) => this.group.fromText(text, `factors[${position}]`));
      const proof = decodeProof(this.group, share.proof, "proof");
      const publicKey = this.ceremony.verificationKey(share.index);
      verifyEquality(
        this.group,
        proof,
        publicKey,
        bases,
        factors,
        shareContext(share.election, share.tally, share.index),
      );
      return true;
    } catch (error) {
      if (error instanceof DecodeError || error instanceof ProofError) return false;
      throw error;
    }
  }

  /**
   * The alpha of every encrypted total, members of the group.
   *
   * @returns {bigint[]}
   */
  alphas() {
    return this.tally.totals.map(({ alpha }, position) => this.group.fromText(alpha, `totals[${position}].alpha`));
  }
}

// -- shared rules -----------------------------------------------------------------------------------------------------

async function requireSignature(record, entry, key, check) {
  try {
    await verifyEntrySignature(entry.header.type, record.manifestHash, entry.body, entry.signature, key);
  } catch (error) {
    if (!(error instanceof SignatureInvalid || error instanceof DecodeError)) throw error;
    throw new VerificationError(check, entry.subject, "the signature does not hold");
  }
}

function requireTime(time, subject) {
  require(isMoment(time), "04", subject, "its time is not a moment in UTC");
}

/** Signature and time of an administrator's entry: times never go backwards. */
async function requireAdministrator(record, entry) {
  await requireSignature(record, entry, fromBase64Url(record.manifest.administrator, 32, "administrator"), "05");
  requireTime(entry.content.time, entry.subject);
  require(entry.content.time >= record.lastTime, "04", entry.subject, "is dated before the administrator's last entry");
}

function requireManifest(record, { content, subject }) {
  require(content.manifest === record.manifestHash, "04", subject, "names another manifest");
}

function requireElection(record, { content, subject }) {
  require(content.election === record.election, "04", subject, "belongs to another election");
}

// -- the rules of each entry type: checks, then the change ------------------------------------------------------------

async function defined(record, entry) {
  const { content, subject } = entry;
  const checked = within("01", subject, () => checkManifest(content.manifest));
  const { manifest } = content;
  await requireSignature({ ...record, manifestHash: checked.hash }, entry, checked.administrator, "05");
  requireTime(content.time, subject);
  Object.assign(record, { manifest, manifestHash: checked.hash, group: checked.group, shape: checked.shape });
  record.ceremony = new Ceremony(manifest, checked.group);
  record.closes = manifest.schedule?.closes ?? null;
  record.lastTime = content.time;
}

const STEPS = {
  "trustee.joined": "join",
  "trustee.committed": "commit",
  "trustee.dealt": "deal",
  "trustee.confirmed": "confirm",
  "trustee.complained": "complain",
  "trustee.answered": "answer",
};

async function trustee(record, entry) {
  const { header, content, subject } = entry;
  const inner = header.type === "trustee.committed" ? content.coefficients : content;
  requireManifest(record, { content: inner, subject });
  let key;
  if (header.type === "trustee.joined") {
    key = within("05", subject, () => fromBase64Url(content.signing_key, 32, "signing_key"));
    within("05", subject, () => checkPublicKey(key, "signing_key"));
  } else {
    key = record.ceremony.signer(inner.index, subject);
  }
  await requireSignature(record, entry, key, "05");
  requireTime(content.time, subject);
  record.ceremony[STEPS[header.type]](content, subject);
}

async function restarted(record, entry) {
  requireManifest(record, entry);
  await requireAdministrator(record, entry);
  record.ceremony.restart(entry.content, entry.subject);
  record.lastTime = entry.content.time;
}

async function listed(record, entry) {
  const { content, subject, header } = entry;
  requireManifest(record, entry);
  await requireSignature(record, entry, fromBase64Url(record.manifest.authority, 32, "authority"), "05");
  requireTime(content.time, subject);
  require(content.credentials.length > 0, "09", subject, "lists no credential");
  let previous = "";
  let weight = record.totalWeight;
  content.credentials.forEach((credential, position) => {
    const place = `credentials[${position}]`;
    require(credential.key > previous, "09", subject, `${place} is not in rising order, or occurs twice`);
    require(!record.credentials.has(credential.key), "09", subject, `${place} was listed before`);
    const isInRange = credential.weight >= 1 && credential.weight <= MAX_WEIGHT;
    require(isInRange, "09", subject, `${place} has a weight out of range`);
    within("09", subject, () => checkPublicKey(fromBase64Url(credential.key, 32, place), place));
    previous = credential.key;
    weight += credential.weight;
  });
  require(weight <= MAX_TOTAL_WEIGHT, "09", subject, "the weights add up to too much");
  for (const credential of content.credentials) record.credentials.set(credential.key, credential.weight);
  record.totalWeight = weight;
  record.credentialLists.push(header.body);
}

async function opened(record, entry) {
  const { content, subject, header } = entry;
  await requireAdministrator(record, entry);
  require(record.ceremony.isComplete, "07", subject, "not all trustees have confirmed");
  require(record.credentials.size > 0, "09", subject, "no credential is listed");
  require(content.manifest === record.manifestHash, "10", subject, "names another manifest");
  const isJoint = content.joint_key === record.group.toText(record.ceremony.jointKey());
  require(isJoint, "08", subject, "the joint key is not the product of the trustees' commitments");
  const areLists = content.credentials.join() === record.credentialLists.join();
  require(areLists, "10", subject, "names other credential lists than those on the board");
  const isCount = content.voters === record.credentials.size && content.weight === record.totalWeight;
  require(isCount, "09", subject, "number or weight of the credentials is not as announced");
  requireBoothFiles(content.booth, subject);
  record.election = header.body;
  record.lastTime = content.time;
}

/** Protocol S3a: plain, relative paths in strictly rising order, and hashes that are hashes. */
function requireBoothFiles(files, subject) {
  require(files.length <= MAX_BOOTH_FILES, "10", subject, "names too many files of the booth");
  files.forEach(({ path, sha256 }, position) => {
    const isRising = position === 0 || files[position - 1].path < path;
    const isPlain = path.length <= MAX_PATH_CHARACTERS && BOOTH_PATH.test(path);
    require(isPlain && isRising, "10", subject, `booth[${position}] is no plain path, or not in rising order`);
    require(/^[0-9a-f]{64}$/.test(sha256), "10", subject, `booth[${position}].sha256 is no hash`);
  });
}

function ballot(record, entry) {
  const { content, subject, header } = entry;
  require(record.credentials.has(content.credential), "11", subject, "the credential is not listed");
  requireElection(record, entry);
  const reference = { seq: header.seq, bodyHash: header.body, credential: content.credential };
  record.ballots.push(reference);
  record.lastBallot.set(content.credential, reference);
}

async function notice(record, entry) {
  requireManifest(record, entry);
  await requireAdministrator(record, entry);
  require(isText(entry.content.text, { multiline: true }), "04", entry.subject, "its text is not well formed");
  record.lastTime = entry.content.time;
}

async function extended(record, entry) {
  requireElection(record, entry);
  await requireAdministrator(record, entry);
  requireTime(entry.content.closes, entry.subject);
  const isLater = record.closes === null || entry.content.closes > record.closes;
  require(isLater, "04", entry.subject, "does not move the end of voting later");
  record.closes = entry.content.closes;
  record.lastTime = entry.content.time;
}

async function closed(record, entry) {
  requireElection(record, entry);
  await requireAdministrator(record, entry);
  require(entry.content.ballots === record.ballots.length, "04", entry.subject, "wrong number of ballots cast");
  record.lastTime = entry.content.time;
}

async function cancelled(record, entry) {
  requireManifest(record, entry);
  await requireAdministrator(record, entry);
  require(isText(entry.content.reason, { multiline: true }), "04", entry.subject, "its reason is not well formed");
  record.cancelled = entry.content;
  record.lastTime = entry.content.time;
}

async function tally(record, entry) {
  const { content, subject, header } = entry;
  requireElection(record, entry);
  await requireAdministrator(record, entry);
  require(content.ballots === record.lastBallot.size, "16", subject, "wrong number of counted ballots");
  const weight = [...record.lastBallot.keys()].reduce((sum, key) => sum + record.credentials.get(key), 0);
  require(content.weight === weight, "16", subject, "wrong weight of the counted ballots");
  record.tally = content;
  record.tallyHash = header.body;
  record.lastTime = content.time;
}

async function share(record, entry) {
  const { content, subject } = entry;
  requireElection(record, entry);
  const key = record.ceremony.trustees.get(content.index)?.signingKey;
  require(key, "18", subject, `there is no trustee ${content.index}`);
  await requireSignature(record, entry, key, "18");
  requireTime(content.time, subject);
  require(content.tally === record.tallyHash, "18", subject, "decrypts another tally");
  const isFirst = !record.shares.has(content.index);
  require(isFirst, "18", subject, `trustee ${content.index} has published a share already`);
  record.shares.set(content.index, content);
}

async function result(record, entry) {
  const { content, subject } = entry;
  requireElection(record, entry);
  await requireAdministrator(record, entry);
  require(content.tally === record.tallyHash, "19", subject, "is the result of another tally");
  const isRising = content.shares.every((index, place) => place === 0 || content.shares[place - 1] < index);
  const isEnough = content.shares.length === record.manifest.threshold;
  require(isRising && isEnough, "18", subject, "does not name the right number of distinct trustees in rising order");
  const areThere = content.shares.every((index) => record.shares.has(index));
  require(areThere, "18", subject, "names a trustee who has published no share");
  record.result = content;
  record.lastTime = content.time;
}

const RULES = {
  "election.defined": defined,
  "trustee.joined": trustee,
  "trustee.committed": trustee,
  "trustee.dealt": trustee,
  "trustee.confirmed": trustee,
  "trustee.complained": trustee,
  "trustee.answered": trustee,
  "trustee.restarted": restarted,
  "credentials.listed": listed,
  "election.opened": opened,
  "ballot.cast": ballot,
  "election.notice": notice,
  "election.extended": extended,
  "election.closed": closed,
  "election.cancelled": cancelled,
  "tally.encrypted": tally,
  "tally.share": share,
  "election.result": result,
};
