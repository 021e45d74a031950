/**
 * Asking a worker: one question, one answer, by number. The worker answers `{number, result}` or `{number, error}`.
 *
 * Must not import screens.
 */

/** The worker failed, or the browser does not run it. `code` says what kind of error it was, never its text. */
export class WorkerFailed extends Error {
  constructor(code) {
    super(code);
    this.name = "WorkerFailed";
    this.code = code;
  }
}

/** A module worker that answers questions. */
export class WorkerClient {
  #worker;
  #waiting = new Map();
  #next = 1;
  #hasEnded = false;

  /** @param {string} address of the worker's module */
  constructor(address) {
    this.#worker = new Worker(address, { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#answer(data);
    this.#worker.onerror = () => this.#end();
    this.#worker.onmessageerror = () => this.#end();
  }

  /**
   * @param {string} kind of the question
   * @param {object} [message]
   * @returns {Promise<any>}
   * @throws {WorkerFailed}
   */
  ask(kind, message = {}) {
    if (this.#hasEnded) return Promise.reject(new WorkerFailed("ended"));
    const number = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, kind, ...message });
    });
  }

  /** End the worker and everything that it holds. */
  close() {
    this.#worker.terminate();
    this.#end();
  }

  #answer({ number, result, error }) {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error !== undefined) waiting?.reject(new WorkerFailed(error));
    else waiting?.resolve(result);
  }

  #end() {
    this.#hasEnded = true;
    for (const { reject } of this.#waiting.values()) reject(new WorkerFailed("ended"));
    this.#waiting.clear();
  }
}

/**
 * The worker's side: answer questions with these functions. Only the kind of an error is passed on: its text could hold
 * a secret.
 *
 * @param {Record<string, (message: any) => any>} steps
 */
export function answerWith(steps) {
  self.onmessage = async ({ data }) => {
    const { number, kind } = data;
    try {
      self.postMessage({ number, result: await steps[kind](data) });
    } catch (error) {
      self.postMessage({ number, error: String(error?.code ?? error?.name ?? "error") });
    }
  };
}
