/**
 * What the entries so far have led to, and the phases of an election (docs/spec/record.md, S1 and S2).
 *
 * Only rules.js changes a state. Must not touch a document or the network; imports nothing.
 */

const SETUP = ["setup"];
const OPEN = ["open"];
const TALLIED = ["tallied"];

/** Protocol S1: entry type -> the phases in which it may come. */
export const ALLOWED = new Map([
  ["election.defined", ["empty"]],
  ["trustee.joined", SETUP],
  ["trustee.committed", SETUP],
  ["trustee.dealt", SETUP],
  ["trustee.confirmed", SETUP],
  ["trustee.complained", SETUP],
  ["trustee.answered", SETUP],
  ["trustee.restarted", SETUP],
  ["credentials.listed", SETUP],
  ["election.opened", SETUP],
  ["ballot.cast", OPEN],
  ["election.extended", OPEN],
  ["election.closed", OPEN],
  ["tally.encrypted", ["closed"]],
  ["tally.share", TALLIED],
  ["election.result", TALLIED],
  ["election.notice", ["setup", "open", "closed", "tallied", "published", "cancelled"]],
  ["election.cancelled", ["setup", "open", "closed", "tallied"]],
]);

/** Protocol S2: entry type -> the phase that follows. */
export const LEADS_TO = new Map([
  ["election.defined", "setup"],
  ["election.opened", "open"],
  ["election.closed", "closed"],
  ["tally.encrypted", "tallied"],
  ["election.result", "published"],
  ["election.cancelled", "cancelled"],
]);

/** @typedef {{place: number, credential: string, hash: string}} BallotReference `hash` is the ballot hash (B4) */

/** What the entries so far have led to. */
export class ElectionState {
  /** @param {boolean} allowToy whether a test group is accepted */
  constructor(allowToy) {
    this.allowToy = allowToy;
    this.phase = "empty";
    /** The content hashes of all entries taken in. */
    this.contents = new Set();
    /** @type {import("./manifest.js").Definition | null} */
    this.definition = null;
    /** @type {import("./ceremony.js").Ceremony | null} */
    this.ceremony = null;
    /** Time of the administrator's last entry. */
    this.lastTime = "";
    /** Announced end of voting, if any. */
    this.closes = null;
    /** Credential -> weight. @type {Map<string, number>} */
    this.credentials = new Map();
    /** Sum of all weights. */
    this.weight = 0;
    /** Body hashes of the lists. */
    this.lists = [];
    /** Election id. @type {string | null} */
    this.election = null;
    /** @type {BallotReference[]} */
    this.ballots = [];
    /** Credential -> its last ballot: the one that counts. @type {Map<string, BallotReference>} */
    this.counted = new Map();
    /** The content of `tally.encrypted` with its place and body hash. */
    this.tally = null;
    /** Trustee -> content of their share with its place, in the order of the entries. @type {Map<number, any>} */
    this.shares = new Map();
    /** The content of `election.result` with its place. */
    this.result = null;
  }

  /** Weight of the ballots that count. */
  get countedWeight() {
    let weight = 0;
    for (const credential of this.counted.keys()) weight += this.credentials.get(credential);
    return weight;
  }
}
