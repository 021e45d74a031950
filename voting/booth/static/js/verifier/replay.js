/**
 * Protocol V3: one pass over the entries: header, link, body, rules; what is refused is left out, and the pass goes on.
 *
 * What later fails only for want of a refused entry is noted as its follow-up (V3a). Must not touch a document or the
 * network; imports entries.js, errors.js, hash.js and merkle.js of core/, and the verifier's findings.js, lines.js,
 * rules.js and state.js.
 */

import { checkBody, parseHeader } from "../core/entries.js";
import { DecodeError } from "../core/errors.js";
import { sha256Hex } from "../core/hash.js";
import { EMPTY_ROOT, leafHash, nodeHash } from "../core/merkle.js";
import { finding, findingOf, isForeseen } from "./findings.js";
import { entriesOf } from "./lines.js";
import { applyEntry } from "./rules.js";
import { ALLOWED, ElectionState, LEADS_TO } from "./state.js";

const FIRST_PREVIOUS = "0".repeat(64);
const PROGRESS_EVERY = 200;

/** V3a: types of a refused entry, of a later one, and the checks that the later one may fail for want of the first. */
const FOLLOW_UPS = [
  { earlier: "trustee.joined", later: "trustee.", checks: ["05", "07"] },
  { earlier: "trustee.", later: "trustee.", checks: ["07"] },
  { earlier: "trustee.", later: "election.opened", checks: ["07"] },
  { earlier: "credentials.listed", later: "election.opened", checks: ["09", "10"] },
  { earlier: "ballot.cast", later: "election.closed", checks: ["04"] },
  { earlier: "ballot.cast", later: "tally.encrypted", checks: ["16"] },
  { earlier: "tally.share", later: "election.result", checks: ["18"] },
];

/**
 * @typedef {object} Refusal an entry that the rules refuse
 * @property {string} check
 * @property {string} type empty if its header cannot be read
 * @property {import("./findings.js").Finding} finding
 * @property {number | null} cause the earlier refused entry for want of which this one was refused
 */

/** What the entries say, and what is wrong with them. */
export class Replay {
  /** @param {boolean} allowToy */
  constructor(allowToy) {
    this.state = new ElectionState(allowToy);
    /** How many headers were read. */
    this.entries = 0;
    /** SHA-256 of the last header. */
    this.head = FIRST_PREVIOUS;
    /** Merkle root of all headers. */
    this.root = EMPTY_ROOT;
    /** Root of the first headers, as many as were asked for; null if there are fewer. */
    this.earlierRoot = null;
    /** Headers with a wrong number or link; their entries were looked at all the same. */
    this.linkFaults = [];
    /** @type {Refusal[]} */
    this.refusals = [];
    /** Where the files end before their time. */
    this.brokenOff = null;
    /** Entries on which this program failed: neither right nor wrong. */
    this.errors = [];
    /** Entry type -> how many were taken in. @type {Map<string, number>} */
    this.types = new Map();
  }

  /** How many entries of types that begin like this were taken in. */
  taken(beginning) {
    let count = 0;
    for (const [type, number] of this.types) count += type.startsWith(beginning) ? number : 0;
    return count;
  }
}

/**
 * Protocol V3: the whole pass.
 * @param {import("./lines.js").RecordSource} source
 * @param {{allowToy: boolean, rootAt: number | null, onProgress: (stage: string, done: number, total: number) => void}}
 *   options `rootAt`: also give the root of the first so many headers
 * @returns {Promise<Replay>}
 */
export async function replayRecord(source, { allowToy, rootAt, onProgress }) {
  const replay = new Replay(allowToy);
  const take = new Taker(replay);
  const tree = new Tree();
  if (rootAt === 0) replay.earlierRoot = tree.root();
  try {
    for await (const { header, body } of entriesOf(source)) {
      tree.append(header);
      take.entry(header, body);
      if (tree.size === rootAt) replay.earlierRoot = tree.root();
      if (tree.size % PROGRESS_EVERY === 0) onProgress("entries", tree.size, 0);
    }
  } catch (error) {
    // Whatever else a source throws, a network that fails for instance, is no fault of the record.
    if (!(error instanceof DecodeError)) throw error;
    replay.brokenOff = finding({ entry: tree.size, reason: error.problem, subject: error.where });
  }
  replay.entries = tree.size;
  replay.root = tree.root();
  replay.head = take.previous;
  onProgress("entries", tree.size, tree.size);
  return replay;
}

/** Protocol L2c, L2d: the tree, leaf by leaf, by the roots of its complete subtrees. */
class Tree {
  size = 0;
  #subtrees = [];

  append(header) {
    let hash = leafHash(header);
    for (let rest = this.size; rest % 2; rest = (rest - 1) / 2) hash = nodeHash(this.#subtrees.pop(), hash);
    this.#subtrees.push(hash);
    this.size++;
  }

  root() {
    return this.size ? this.#subtrees.reduceRight((right, left) => nodeHash(left, right)) : EMPTY_ROOT;
  }
}

/** Feeds entries to the state, one at a time. */
class Taker {
  previous = FIRST_PREVIOUS;
  #replay;
  #place = 0;
  /** What the next header must say of its place. After a gap it goes on from there: one gap is one fault. */
  #number = 0;
  /** The phase if no entry had been refused that leads to another. */
  #expectedPhase = "empty";
  /** Whether a header could not be read: then nobody knows what its entry led to. */
  #isBlind = false;

  constructor(replay) {
    this.#replay = replay;
  }

  entry(headerBytes, body) {
    const place = this.#place++;
    const header = this.#header(headerBytes, place);
    if (!header) return;
    const { type } = header;
    const subject = `entry ${place} (${type})`;
    try {
      checkBody(header, body);
    } catch (error) {
      if (!isForeseen(error)) throw error;
      this.#refuse("02", type, finding({ entry: place, reason: error.problem, subject }));
      this.#expect(type);
      return;
    }
    this.#apply(place, header, body, subject);
  }

  #header(bytes, place) {
    const [previous, number] = [this.previous, this.#number++];
    this.previous = sha256Hex(bytes);
    let header;
    try {
      header = parseHeader(bytes, `entry ${place}`);
    } catch (error) {
      if (!isForeseen(error)) throw error;
      const reason = `its header ${error.problem}`;
      this.#refuse("02", "", finding({ entry: place, reason, subject: `entry ${place}` }));
      this.#isBlind = true;
      return null;
    }
    if (header.seq !== number || header.prev !== previous) {
      this.#replay.linkFaults.push(
        finding({
          entry: place,
          expected: `number ${number} after ${previous}`,
          found: `number ${header.seq} after ${header.prev}`,
          reason: header.seq !== number ? "has another number than its place" : "does not follow the entry before it",
          subject: `entry ${place} (${header.type})`,
        }),
      );
      this.#number = header.seq + 1;
    }
    return header;
  }

  #apply(place, header, body, subject) {
    const { state, types, errors } = this.#replay;
    const { type } = header;
    const phases = ALLOWED.get(type) ?? [];
    const isExpected = this.#expect(type) || (this.#isBlind && phases.length > 0);
    const lacksPhase = isExpected && !phases.includes(state.phase);
    try {
      applyEntry(state, place, header, body);
    } catch (error) {
      if (isForeseen(error)) {
        this.#refuse(error.check, type, findingOf(error, place), this.#cause(type, error.check, lacksPhase));
      } else {
        const reason = `this program failed on it (${error?.name}); please report it`;
        errors.push(finding({ entry: place, reason, subject }));
      }
      return;
    }
    types.set(type, (types.get(type) ?? 0) + 1);
  }

  /** Whether the expected phase allows this type; moves it on, if so. */
  #expect(type) {
    if (!ALLOWED.get(type)?.includes(this.#expectedPhase)) return false;
    this.#expectedPhase = LEADS_TO.get(type) ?? this.#expectedPhase;
    return true;
  }

  #refuse(check, type, found, cause = null) {
    this.#replay.refusals.push({ check, type, finding: found, cause });
  }

  /** Protocol V3a: the first refused entry for want of which this one was refused; null if it fails by itself. */
  #cause(type, check, lacksPhase) {
    const isCause = (refusal) =>
      (lacksPhase && (refusal.type === "" || LEADS_TO.has(refusal.type))) ||
      FOLLOW_UPS.some(
        ({ earlier, later, checks }) =>
          refusal.type.startsWith(earlier) && type.startsWith(later) && checks.includes(check),
      );
    const refusal = this.#replay.refusals.find(isCause);
    return refusal ? (refusal.cause ?? refusal.finding.entry) : null;
  }
}
