/**
 * What runs in the workers of the verifier's page. One of them, the leader, reads the record and makes all checks; it
 * hands out ballots to the others, each over a channel of its own (docs/spec/verification.md, V4).
 *
 * Messages to the leader: `{role: "leader", request, ports}`, and `{lost: number}` when another worker died. From it:
 * `{progress: {stage, done, total}}`, and at the end `{report, checkpoint}` or `{failure: {problem, where, remedy}}`.
 * To the others: `{role: "helper", port}`; over the port `{number, setup?, chunk}`, back `{number, result}` or
 * `{number, error}`. The setup is sent once.
 *
 * Must not touch the document.
 */

import { fromUtf8 } from "../core/bytes.js";
import { UrneError } from "../core/errors.js";
import { provideTexts, setLanguage } from "../text.js";
import { checkBallots } from "../verifier/ballots.js";
import { verifyRecord } from "../verifier/verify.js";
import { fetchRecord } from "./fetch_record.js";
import { HelperPool } from "./helper_pool.js";
import { openFiles } from "./sources.js";

const PROGRAM = "urne verifier for browsers";
/** Progress is told this often at most. */
const TELL_EVERY_MS = 100;

/** Answer the page's messages. */
export function startWorker() {
  let pool = null;
  self.onmessage = ({ data }) => {
    if (data.role === "helper") help(data.port);
    else if (data.role === "leader") {
      pool = new HelperPool(data.ports);
      lead(data.request, pool);
    } else if (data.lost !== undefined) pool?.lose(data.lost);
  };
}

async function lead(request, pool) {
  try {
    provideTexts(request.language, request.texts); // in which the report says who won
    setLanguage(request.language);
    const source = await openSource(request);
    const report = await verifyRecord(source, {
      announced: request.announced,
      allowToy: request.allowToy,
      ballotWorkers: pool,
      onProgress: teller(),
      program: PROGRAM,
    });
    self.postMessage({ report, checkpoint: noteText(await source.checkpoint()) });
  } catch (error) {
    self.postMessage({ failure: failureOf(error) });
  }
}

/** The text of a checkpoint, or nothing if it is none. */
function noteText(note) {
  try {
    return fromUtf8(note, "the checkpoint");
  } catch {
    return "";
  }
}

function openSource({ files, address }) {
  const tell = teller();
  if (address) return fetchRecord(address, (done, total) => tell("fetching", done, total));
  return openFiles(files, (done, total) => tell("unpacking", done, total));
}

/** A function that passes progress on, but not every step of it. */
function teller() {
  let [lastStage, lastTime] = ["", 0];
  return (stage, done, total) => {
    const now = performance.now();
    if (stage === lastStage && now - lastTime < TELL_EVERY_MS && done !== total) return;
    [lastStage, lastTime] = [stage, now];
    self.postMessage({ progress: { stage, done, total } });
  };
}

/** What our errors say; of any other, its kind alone: it is a fault of this program. */
function failureOf(error) {
  if (error instanceof UrneError) return { problem: error.problem, where: error.where, remedy: error.remedy };
  const problem = `a fault in this program (${String(error?.name ?? "error")})`;
  return { problem, where: "", remedy: "tell its authors, and use another verifier" };
}

/** The side of the workers that check ballots. */
function help(port) {
  let setup = null;
  port.onmessage = async ({ data }) => {
    const { number, chunk } = data;
    try {
      setup = data.setup ?? setup;
      port.postMessage({ number, result: await checkBallots(setup, chunk) });
    } catch (error) {
      port.postMessage({ number, error: String(error?.name ?? "error") });
    }
  };
}
