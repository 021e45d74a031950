/**
 * Protocol T28: before a share is made, every ballot is checked and the tally is recomputed (docs/spec/trustees.md), as
 * trustee_tools/decrypt.py. A trustee's key can open any ciphertext: it is used once, on the product of the counted
 * ballots.
 *
 * The ballots are checked in a pool of workers. Must not touch the document.
 */

import { VerificationError } from "../core/errors.js";
import { UnavailableError, UsageError, t } from "./errors.js";
import { Product } from "./product.js";
import { asAlarm } from "./source.js";

const MAX_WORKERS = 8;
/** Ballots that wait at one worker: enough that it never idles, few enough for little memory. */
const AHEAD = 3;

/**
 * Protocol T29: throws `UsageError` unless there is a tally to decrypt now.
 *
 * @param {import("./record.js").ElectionRecord} record
 * @param {number} index the trustee's
 */
export function requireTallyFor(record, index) {
  const nothing = { remedy: t("There is nothing left for you to do.") };
  if (record.shares.has(index)) throw new UsageError(t("Your share is on the board already."), nothing);
  if (record.result) throw new UsageError(t("The result is published already."), nothing);
  if (record.cancelled) throw new UsageError(t("The election was cancelled."), nothing);
  if (!record.tally) throw new UsageError(t("There is no tally to decrypt yet."), { remedy: t("Come back later.") });
}

/**
 * Protocol T28 (checks 11 to 15, and 17): the published tally is the product of the counted, valid ballots.
 *
 * @param {import("./source.js").ElectionView} view of an election that has been tallied
 * @param {object} [options]
 * @param {(done: number, total: number) => void} [options.progress]
 * @param {number} [options.workers]
 * @param {AbortSignal} [options.signal] ends the check; it then throws what the signal says
 * @throws {AlarmError} for a ballot that is not valid, or if the tally is not the product
 */
export async function verifyTallyFromBallots(view, { progress = () => {}, workers, signal } = {}) {
  const { record } = view;
  const pool = new Pool(electionOf(record), workers ?? Math.min(navigator.hardwareConcurrency || 2, MAX_WORKERS));
  const register = new Register();
  const total = record.ballots.length;
  let done = 0;
  try {
    const counted = new Set([...record.lastBallot.values()].map(({ seq }) => seq));
    let position = 0;
    for await (const body of view.bodies(record.ballots)) {
      signal?.throwIfAborted();
      const { seq, credential } = record.ballots[position++];
      const weight = counted.has(seq) ? record.credentials.get(credential) : null;
      await pool.check({ body, subject: `entry ${seq} (ballot.cast)`, weight }, (checked) => {
        register.add(checked);
        progress(++done, total);
      });
    }
    await pool.idle();
    signal?.throwIfAborted();
    const product = new Product(record.group, record.shape.totals);
    for (const parts of await pool.products()) product.join(parts);
    requireSameTotals(record, product.parts());
  } catch (error) {
    throw asAlarm(error);
  } finally {
    pool.close();
  }
}

function electionOf({ group, manifestHash, election, ceremony, shape }) {
  return { group: group.name, manifestHash, election, jointKey: group.toText(ceremony.jointKey()), shape };
}

/** Protocol D3 (check 17). Numbers and weights were compared when the entry was read (check 16). */
function requireSameTotals({ tally, group }, parts) {
  const wrong = (reason) => new VerificationError("17", "tally.encrypted", reason);
  if (tally.totals.length !== parts.length) throw wrong("wrong number of totals");
  parts.forEach(({ alpha, beta }, position) => {
    const published = tally.totals[position];
    if (published.alpha !== group.toText(alpha) || published.beta !== group.toText(beta)) {
      throw wrong(`totals[${position}] is not the product of the counted ballots`);
    }
  });
}

/** Protocol B14 (check 15): no ciphertext occurs in ballots of two credentials, nor twice in one ballot. */
class Register {
  #owners = new Map();

  add({ subject, credential, fingerprints }) {
    if (new Set(fingerprints).size !== fingerprints.length) {
      throw new VerificationError("15", subject, "a ciphertext occurs twice in this ballot");
    }
    for (const fingerprint of fingerprints) {
      const owner = this.#owners.get(fingerprint) ?? credential;
      if (owner !== credential) {
        throw new VerificationError("15", subject, "a ciphertext was cast with another credential, too");
      }
      this.#owners.set(fingerprint, credential);
    }
  }
}

/** Workers that check ballots, each in its own order. The first failure stops everything. */
class Pool {
  #members;
  #failure = null;
  #wake = () => {};

  constructor(election, count) {
    this.#members = Array.from({ length: count }, () => this.#start(election));
  }

  #start(election) {
    const worker = new Worker(new URL("./ballot_worker.js", import.meta.url), { type: "module" });
    const member = { worker, waiting: [] };
    worker.onmessage = ({ data }) => {
      if (data.failure) this.#fail(failureOf(data.failure));
      else this.#answered(member, data);
      this.#wake();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(brokenWorker());
      this.#wake();
    };
    worker.postMessage({ start: election });
    return member;
  }

  #answered(member, data) {
    try {
      member.waiting.shift()(data.checked ?? data.product);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    this.#failure ??= error;
  }

  /** Hand a ballot to the worker with the least to do, once there is one with room. */
  async check(ballot, whenChecked) {
    await this.#until(() => this.#members.some(({ waiting }) => waiting.length < AHEAD));
    const member = this.#members.reduce((best, other) => (other.waiting.length < best.waiting.length ? other : best));
    member.waiting.push(whenChecked);
    member.worker.postMessage({ ballot });
  }

  /** Wait until every ballot is checked. */
  idle() {
    return this.#until(() => this.#members.every(({ waiting }) => waiting.length === 0));
  }

  /** The products of all workers. */
  async products() {
    const products = [];
    for (const member of this.#members) {
      member.waiting.push((product) => products.push(product));
      member.worker.postMessage({ end: true });
    }
    await this.idle();
    return products;
  }

  async #until(holds) {
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (holds()) return;
      await new Promise((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close() {
    for (const { worker } of this.#members) worker.terminate();
  }
}

function failureOf({ ours, check, where, problem }) {
  return ours ? new VerificationError(check || "12", where || "ballot", problem) : brokenWorker();
}

function brokenWorker() {
  return new UnavailableError(t("The browser could not finish the check of the ballots."), {
    remedy: t("Load this page again and repeat the step. Nothing is lost."),
  });
}
