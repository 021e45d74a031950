/**
 * The leader's side of the workers that check ballots: gives each chunk to a worker that is free.
 *
 * Must not touch the document.
 */

import { UrneError } from "../core/errors.js";

/** A worker died or failed. The checks that it served could not run. */
export class HelperFailed extends UrneError {
  constructor(problem) {
    super(problem, { code: "unavailable" });
  }
}

/** Workers that check ballots, as `verifyRecord` wants them. */
export class HelperPool {
  #helpers;
  #queue = [];
  #next = 1;

  /** @param {readonly MessagePort[]} ports one for each worker */
  constructor(ports) {
    this.#helpers = ports.map((port) => ({ port, setup: null, task: null, isLost: false }));
    for (const helper of this.#helpers) helper.port.onmessage = ({ data }) => this.#answer(helper, data);
  }

  /** How many chunks can be worked on at a time. */
  get count() {
    return this.#helpers.length;
  }

  /**
   * Check some ballots. More chunks than there are workers wait for their turn.
   *
   * @param {object} setup the same object for all chunks; each worker gets it once
   * @param {object} chunk
   * @returns {Promise<any>} the result
   * @throws {HelperFailed}
   */
  check(setup, chunk) {
    return new Promise((resolve, reject) => {
      this.#queue.push({ number: this.#next++, setup, chunk, resolve, reject });
      this.#assign();
    });
  }

  /** @param {number} index of a worker that died */
  lose(index) {
    const helper = this.#helpers[index];
    helper.isLost = true;
    helper.task?.reject(new HelperFailed("a worker that checked ballots ended"));
    helper.task = null;
    this.#assign();
  }

  #assign() {
    for (const helper of this.#helpers) {
      if (this.#queue.length === 0) return;
      if (helper.task || helper.isLost) continue;
      const task = this.#queue.shift();
      helper.task = task;
      const { number, setup, chunk } = task;
      helper.port.postMessage(helper.setup === setup ? { number, chunk } : { number, chunk, setup });
      helper.setup = setup;
    }
    if (this.#helpers.every((helper) => helper.isLost)) {
      for (const task of this.#queue.splice(0)) task.reject(new HelperFailed("all workers that checked ballots ended"));
    }
  }

  #answer(helper, { number, result, error }) {
    const { task } = helper;
    if (task?.number !== number) return;
    helper.task = null;
    if (error === undefined) task.resolve(result);
    else task.reject(new HelperFailed(`a worker that checked ballots failed (${error})`));
    this.#assign();
  }
}
