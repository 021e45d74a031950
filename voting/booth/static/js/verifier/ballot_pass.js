/**
 * Protocol V4: one pass over all ballots, in chunks, by several workers: checks 11 to 14, then copies (15) and the
 * product (for 17).
 *
 * Whatever goes wrong on the way is kept: checks that did not see every ballot are "not run", never "passed". Must not
 * touch a document or the network; imports errors.js and tracker.js of core/, and the verifier's ballots.js and
 * findings.js.
 */

import { DecodeError } from "../core/errors.js";
import { tracker } from "../core/tracker.js";
import { checkBallots, emptyProduct } from "./ballots.js";
import { finding } from "./findings.js";

const BALLOT = "ballot.cast";
const MOST_IN_A_CHUNK = 20;
const MOST_BYTES_IN_A_CHUNK = 4 * 1024 * 1024;
const CHUNKS_FOR_EACH = 4;
const CHUNKS_UNDER_WAY = 2;

/**
 * @typedef {object} BallotWorkers who checks chunks
 * @property {number} count how many chunks can be checked at once
 * @property {(setup: import("./ballots.js").BallotSetup, chunk: import("./ballots.js").BallotToCheck[]) =>
 *   Promise<import("./ballots.js").ChunkResult>} check `setup` is the same object every time
 */

/** Checks chunks in the thread that asks. @type {BallotWorkers} */
export const NO_WORKERS = { count: 1, check: async (setup, chunk) => checkBallots(setup, chunk) };

/** What the pass found. */
export class BallotPass {
  constructor() {
    this.ballots = 0;
    /** Check -> findings. @type {Map<string, import("./findings.js").Finding[]>} */
    this.findings = new Map();
    /** Check -> ballots on which it could not be made. @type {Map<string, number>} */
    this.unchecked = new Map();
    /** The product of all counted ballots; null before the opening. */
    this.product = null;
    /** Counted ballots that are not in the product. */
    this.missing = 0;
    /** Why the pass did not see every ballot; empty if it did. */
    this.error = "";
  }

  add(check, found) {
    if (!this.findings.has(check)) this.findings.set(check, []);
    this.findings.get(check).push(found);
  }
}

/**
 * Protocol V4: the whole pass. Never throws for what is wrong with ballots, nor for a worker that dies.
 * @param {import("./lines.js").RecordSource} source
 * @param {import("./state.js").ElectionState} state after the replay
 * @param {BallotWorkers} workers
 * @param {(stage: string, done: number, total: number) => void} onProgress
 * @returns {Promise<BallotPass>}
 */
export async function passOverBallots(source, state, workers, onProgress) {
  const pass = new BallotPass();
  if (state.election === null) return pass;
  const { definition } = state;
  const { group, shape } = definition;
  pass.product = emptyProduct(shape);
  const setup = {
    group: group.name,
    questions: definition.manifest.questions,
    manifest: definition.hash,
    election: state.election,
    jointKey: group.toText(state.ceremony.jointKey()),
    ballots: Math.ceil(state.ballots.length / workers.count),
  };
  const copies = new Copies(state.ballots);
  const take = (chunk, result) => {
    if (result.fingerprints.length !== chunk.length) throw new DecodeError("did not answer for every ballot");
    result.fingerprints.forEach((prints, i) => copies.add(chunk[i].number, prints));
    const hashes = new Map(chunk.map(({ place, hash }) => [place, hash]));
    for (const { place, check, reason, expected, found } of result.faults) {
      pass.add(check, ballotFinding(place, hashes.get(place), { reason, expected, found }));
    }
    for (const [check, count] of Object.entries(result.unchecked)) {
      pass.unchecked.set(check, (pass.unchecked.get(check) ?? 0) + count);
    }
    pass.product = joined(group, pass.product, result.product);
    pass.missing += result.missing;
    pass.ballots += chunk.length;
    onProgress("ballots", pass.ballots, state.ballots.length);
  };
  try {
    await inOrder(chunksOf(source, state, workers.count), workers, setup, take);
    if (pass.ballots !== state.ballots.length) throw new DecodeError("have become fewer", { where: "the ballots" });
  } catch (error) {
    const detail = error instanceof DecodeError ? `: ${error.message}` : "";
    pass.error = `the pass over the ballots broke off (${error?.name}${detail})`;
  }
  for (const { earlier, own } of copies.repetitions()) {
    const reason =
      earlier === own
        ? "a ciphertext occurs twice in this ballot"
        : `repeats a ciphertext of entry ${earlier.place}, which another credential cast`;
    pass.add("15", ballotFinding(own.place, own.hash, { reason }));
  }
  for (const found of pass.findings.values()) found.sort((left, right) => left.entry - right.entry);
  return pass;
}

/** The bodies of the ballots that were taken in, in chunks, each ballot with its number and weight. */
async function* chunksOf(source, state, workers) {
  const { ballots, counted, credentials } = state;
  const size = Math.max(1, Math.min(MOST_IN_A_CHUNK, Math.ceil(ballots.length / workers / CHUNKS_FOR_EACH)));
  let chunk = [];
  let bytes = 0;
  let number = 0;
  let place = -1;
  if (!ballots.length) return;
  for await (const body of source.bodies()) {
    place++;
    const ballot = ballots[number];
    if (place !== ballot.place) continue;
    const weight = counted.get(ballot.credential) === ballot ? credentials.get(ballot.credential) : 0;
    chunk.push({ number, place, hash: ballot.hash, body, weight });
    number++;
    bytes += body.length;
    if (chunk.length === size || bytes >= MOST_BYTES_IN_A_CHUNK || number === ballots.length) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    if (number === ballots.length) return;
  }
}

/** Has chunks checked, some at a time, and takes the results in the order of the chunks. */
async function inOrder(chunks, workers, setup, take) {
  const underWay = [];
  const takeFirst = async () => {
    const { chunk, answer } = underWay.shift();
    const { result, error } = await answer;
    if (error) throw error;
    take(chunk, result);
  };
  for await (const chunk of chunks) {
    const plain = chunk.map(({ place, hash, body, weight }) => ({ place, hash, body, weight }));
    // Failures are values until their turn comes, so that none goes unhandled.
    const answer = workers.check(setup, plain).then(
      (result) => ({ result }),
      (error) => ({ error: error ?? new Error("a worker failed") }),
    );
    underWay.push({ chunk, answer });
    if (underWay.length >= workers.count * CHUNKS_UNDER_WAY) await takeFirst();
  }
  while (underWay.length) await takeFirst();
}

/** Protocol B14: ballots that repeat a ciphertext within themselves, or one that another credential cast first. */
class Copies {
  #ballots;
  /** Fingerprint -> number of the first ballot that has it. */
  #first = new Map();
  /** Number of a ballot -> number of the first ballot that it repeats. */
  #found = new Map();

  constructor(ballots) {
    this.#ballots = ballots;
  }

  add(number, prints) {
    if (new Set(prints).size !== prints.length) this.#found.set(number, number);
    for (const print of prints) {
      const first = this.#first.get(print) ?? number;
      this.#first.set(print, first);
      const isOthers = this.#ballots[first].credential !== this.#ballots[number].credential;
      if (isOthers && first < (this.#found.get(number) ?? Infinity)) this.#found.set(number, first);
    }
  }

  *repetitions() {
    for (const [own, earlier] of this.#found) {
      yield { earlier: this.#ballots[earlier], own: this.#ballots[own] };
    }
  }
}

function joined({ p }, left, right) {
  return left.map(({ alpha, beta }, t) => ({
    alpha: (alpha * right[t].alpha) % p,
    beta: (beta * right[t].beta) % p,
  }));
}

function ballotFinding(entry, hash, { reason, expected, found }) {
  return finding({ entry, expected, found, reason, subject: `entry ${entry} (${BALLOT})`, tracker: tracker(hash) });
}
