/**
 * Verifies a record in a folder with the browser's verifier (voting/booth/static/js/verifier/), for tests.
 *
 *     node verify_record.mjs FOLDER [--allow-toy-group] [--since FILE] [--manifest HASH] [--election ID] [--workers N]
 *
 * Prints the report as JSON; the exit code is that of the verdict: 0 verified, 1 not verified, 2 wrong usage, 3 no
 * record or a check that could not run, 4 valid so far. With --batch instead of FOLDER each line of the standard input
 * is one record, {"folder", and perhaps "since", "manifest", "election"}, and is answered by one line {"code", and
 * "report" or "error"}.
 */

import { createReadStream, existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort } from "node:worker_threads";

import { UrneError } from "../../voting/booth/static/js/core/errors.js";
import { checkBallots } from "../../voting/booth/static/js/verifier/ballots.js";
import { BODIES, CHECKPOINT, HEADERS, HINTS, VKEY, cutLines } from "../../voting/booth/static/js/verifier/lines.js";
import { verifyRecord } from "../../voting/booth/static/js/verifier/verify.js";

const UNREADABLE = 3;
const USAGE = 2;

/** A record in a folder, as the verifier wants it. */
function folderSource(folder) {
  const file = (name) => path.join(folder, name);
  for (const name of [HEADERS, BODIES, CHECKPOINT, VKEY]) {
    if (!existsSync(file(name)) || !statSync(file(name)).isFile()) {
      throw new UrneError(`holds no file ${name}`, { where: folder });
    }
  }
  const lines = (name) => cutLines(createReadStream(file(name)), name);
  return {
    hasHints: existsSync(file(HINTS)),
    headers: () => lines(HEADERS),
    bodies: () => lines(BODIES),
    hints: () => lines(HINTS),
    checkpoint: () => readFile(file(CHECKPOINT)),
    vkey: () => readFile(file(VKEY)),
  };
}

/** Threads that check ballots, each one chunk at a time. */
function ballotWorkers(count) {
  const threads = Array.from({ length: count }, () => new Worker(new URL(import.meta.url)));
  const idle = [...threads];
  const waiting = [];
  const jobs = new Map();
  const next = () => {
    while (idle.length && waiting.length) {
      const [thread, job] = [idle.shift(), waiting.shift()];
      jobs.set(thread, job);
      thread.postMessage(job.question);
    }
  };
  const settle = (thread, { result, error }) => {
    const { resolve, reject } = jobs.get(thread);
    idle.push(thread);
    if (error) reject(new Error(error));
    else resolve(result);
    next();
  };
  for (const thread of threads) {
    thread.on("message", (answer) => settle(thread, answer));
    thread.on("error", (error) => jobs.get(thread)?.reject(error));
  }
  return {
    count,
    check: (setup, chunk) =>
      new Promise((resolve, reject) => {
        waiting.push({ question: { setup, chunk }, resolve, reject });
        next();
      }),
    close: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

async function verifyFolder({ folder, since, manifest, election }, options) {
  try {
    const announced = { manifest, election, since: since ? await readFile(since) : undefined };
    const report = await verifyRecord(folderSource(folder), { ...options, announced });
    return { code: report.exit_code, report };
  } catch (error) {
    const text = error instanceof UrneError ? error.message : String(error?.stack ?? error);
    return { code: UNREADABLE, error: text };
  }
}

async function main() {
  const text = { type: "string" };
  const flags = { "allow-toy-group": { type: "boolean" }, batch: { type: "boolean" } };
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: { ...flags, since: text, manifest: text, election: text, workers: text },
    });
  } catch (error) {
    console.error(error.message);
    return USAGE;
  }
  const { positionals, values } = parsed;
  if (positionals.length !== (values.batch ? 0 : 1)) {
    console.error("usage: verify_record.mjs FOLDER [options]");
    return USAGE;
  }
  const workers = values.workers ? ballotWorkers(Number(values.workers)) : undefined;
  const options = { allowToy: values["allow-toy-group"], ballotWorkers: workers };
  let code = 0;
  if (values.batch) {
    for await (const line of createInterface({ input: process.stdin })) {
      console.log(JSON.stringify(await verifyFolder(JSON.parse(line), options)));
    }
  } else {
    const answer = await verifyFolder({ ...values, folder: positionals[0] }, options);
    if (answer.report) console.log(JSON.stringify(answer.report, null, 2));
    else console.error(answer.error);
    ({ code } = answer);
  }
  await workers?.close();
  return code;
}

if (isMainThread) {
  process.exitCode = await main();
} else {
  parentPort.on("message", ({ setup, chunk }) => {
    try {
      parentPort.postMessage({ result: checkBallots(setup, chunk) });
    } catch (error) {
      parentPort.postMessage({ error: String(error?.message ?? error) });
    }
  });
}
