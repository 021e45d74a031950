/**
 * Locking a vote, in a worker of its own, so that the page stays usable meanwhile (docs/spec/ballots.md, B2 to B7,
 * B17).
 *
 * A locked vote can take one of two ways, never both: `cast` gives what is sent and forgets the seed; `open` gives the
 * seed and forgets the ballot. So the opening of a ballot that was cast does not exist. Only the worker holds both, and
 * it gives out one of them, once.
 *
 * Must not import screens.
 */

import { WorkerClient, WorkerFailed } from "./worker_client.js";

/** Makes locked votes for one voter of one election. */
export class Locker {
  #worker = new WorkerClient("/booth/js/booth/lock_worker.js");

  /** @param {object} context from `ballotData`, with `credential`: the voter's public key, base64url */
  constructor(context) {
    this.#worker.ask("prepare", { context }).catch(() => {}); // A failure shows again in `lock`.
  }

  /**
   * Lock choices with a fresh seed. The last locked vote, if it was neither cast nor opened, is thrown away.
   *
   * @param {unknown[]} selections one for each question
   * @returns {Promise<LockedVote>}
   */
  async lock(selections) {
    const { id, lockNumber } = await this.#worker.ask("lock", { selections });
    return new LockedVote((kind) => this.#worker.ask(kind, { id }), lockNumber);
  }

  /** End the worker. */
  close() {
    this.#worker.close();
  }
}

/** A vote that is locked and nowhere but in the worker. */
class LockedVote {
  #take;
  #isUsed = false;

  constructor(take, lockNumber) {
    this.#take = take;
    this.lockNumber = lockNumber;
  }

  /**
   * The ballot, to be signed and sent. Afterwards it cannot be opened.
   *
   * @returns {Promise<{content: object, hints: Uint8Array, tracker: string}>} the ballot (B4a), its hints
   */
  cast() {
    return this.#once("cast");
  }

  /**
   * The opening (B17), to test the device. Afterwards this vote cannot be cast.
   *
   * @returns {Promise<{opening: string}>} as `urne-verify opening` takes it
   */
  open() {
    return this.#once("open");
  }

  #once(kind) {
    if (this.#isUsed) return Promise.reject(new WorkerFailed("used"));
    this.#isUsed = true;
    return this.#take(kind);
  }
}
