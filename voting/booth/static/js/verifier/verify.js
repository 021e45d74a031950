/**
 * Protocol V: verifies a record: replays its entries, passes over its ballots, makes all checks, reports.
 *
 * Written from docs/spec for the browser and for node alike: it shares no code with `urne-verify`, and with the booth
 * only arithmetic and encoding (core/). Must not touch a document or the network; imports the verifier's
 * ballot_pass.js, checkpoint.js, checks.js, lines.js, replay.js and report.js.
 */

import { NO_WORKERS, passOverBallots } from "./ballot_pass.js";
import { readUnverified } from "./checkpoint.js";
import { runChecks } from "./checks.js";
import { readSmallFiles } from "./lines.js";
import { replayRecord } from "./replay.js";
import { makeReport } from "./report.js";

/**
 * @typedef {object} VerifyOptions
 * @property {{manifest?: string, election?: string, since?: Uint8Array}} [announced] what the observer knows from
 *   elsewhere: hash of the manifest, election id, an earlier signed checkpoint
 * @property {boolean} [allowToy] accept a test group
 * @property {import("./ballot_pass.js").BallotWorkers} [ballotWorkers] who checks ballots; without, this thread
 * @property {(stage: "entries" | "ballots", done: number, total: number) => void} [onProgress] `total` is 0 if unknown
 * @property {string} [program] the name in the report
 */

/**
 * Protocol V7: makes all checks on a record. What is wrong with it is in the report and is not thrown.
 * @param {import("./lines.js").RecordSource} source read twice
 * @param {VerifyOptions} [options]
 * @returns {Promise<any>} a report of the form of docs/urne-report-1.schema.json
 * @throws {import("../core/errors.js").DecodeError} if it is no record at all, or the earlier checkpoint is none
 */
export async function verifyRecord(source, options = {}) {
  const { allowToy = false, announced = {}, ballotWorkers = NO_WORKERS, onProgress = () => {} } = options;
  const started = Date.now();
  const rootAt = announced.since ? readUnverified(announced.since, "the earlier checkpoint").size : null;
  const { checkpoint, vkey } = await readSmallFiles(source);
  const replay = await replayRecord(source, { allowToy, rootAt, onProgress });
  const ballots = await passOverBallots(source, replay.state, ballotWorkers, onProgress);
  const results = await runChecks({ announced, checkpoint, vkey, replay, ballots });
  return makeReport(replay, results, options.program ?? "urne browser verifier", (Date.now() - started) / 1000);
}
