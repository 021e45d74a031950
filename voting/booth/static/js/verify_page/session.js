/**
 * One verification, as the page sees it: starts the workers, passes on what the leader says, ends them.
 *
 * The workers run the page's own script, from memory: nothing is loaded, so it also works from a file with the network
 * off. Must not import what runs in workers.
 */

/** The page's script, as an address that a worker can be made from. */
let program = null;

function programAddress() {
  const text = document.getElementById("program").textContent;
  program ??= URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return program;
}

/**
 * @typedef {object} Listener who is told how a verification goes
 * @property {(progress: {stage: string, done: number, total: number}) => void} onProgress
 * @property {(answer: {report: any, checkpoint: string}) => void} onReport
 * @property {(failure: {problem: string, where: string, remedy: string}) => void} onFailure
 */

/** How many workers check ballots: the leader has little to do meanwhile. */
export function helperCount() {
  return Math.min(Math.max(navigator.hardwareConcurrency || 1, 1), 32);
}

/** A verification that has begun. */
export class Session {
  #workers = [];
  #listener;

  /**
   * @param {object} request `{files, address, announced, allowToy, language, texts}`; files or an address are given
   * @param {Listener} listener told nothing more after a report, a failure or `cancel`
   */
  constructor(request, listener) {
    this.#listener = listener;
    try {
      const leader = this.#start("leader", () => this.#fail());
      const ports = [];
      for (let index = 0; index < helperCount(); index++) {
        const { port1, port2 } = new MessageChannel();
        const helper = this.#start(`helper ${index + 1}`, () => leader.postMessage({ lost: index }));
        helper.postMessage({ role: "helper", port: port2 }, [port2]);
        ports.push(port1);
      }
      leader.onmessage = ({ data }) => this.#hear(data);
      leader.postMessage({ role: "leader", request, ports }, ports);
    } catch {
      this.#fail();
    }
  }

  /** End everything. */
  cancel() {
    this.#listener = null;
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }

  #start(name, onLost) {
    const worker = new Worker(programAddress(), { name });
    worker.onerror = (event) => {
      event.preventDefault();
      onLost();
    };
    worker.onmessageerror = onLost;
    this.#workers.push(worker);
    return worker;
  }

  #hear({ progress, failure, ...answer }) {
    const listener = this.#listener;
    if (progress) {
      listener?.onProgress(progress);
      return;
    }
    this.cancel();
    if (failure) listener?.onFailure(failure);
    else listener?.onReport(answer);
  }

  #fail() {
    const failure = {
      problem: "a worker of this page ended",
      where: "",
      remedy: "close other pages, and try again or in another browser",
    };
    this.#hear({ failure });
  }
}
