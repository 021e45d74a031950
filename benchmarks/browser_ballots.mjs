/**
 * Measure what checking a ballot costs the browser's verifier (voting/booth/static/js/verifier/), in node:
 *
 *     node benchmarks/browser_ballots.mjs RECORD [BALLOTS]
 *
 * RECORD is a folder, from `python -m benchmarks.make_record` for instance. Each of the first ballots (20) is checked by
 * itself, after the tables have been made. Printed is processor time, in milliseconds: of the tables, and the median of
 * the ballots. Only the ballots' own checks are made (11 to 14, and the product for 17).
 */

import { createReadStream } from "node:fs";
import path from "node:path";

import { encodeCanonical } from "../voting/booth/static/js/core/canonical.js";
import { contentHash } from "../voting/booth/static/js/core/entries.js";
import { sha256Hex } from "../voting/booth/static/js/core/hash.js";
import { checkBallots } from "../voting/booth/static/js/verifier/ballots.js";
import { BODIES, HEADERS, cutLines } from "../voting/booth/static/js/verifier/lines.js";

const [folder, most = "20"] = process.argv.slice(2);
const BALLOTS_OF_A_RUN = 1000;

/** The setup and the first ballots of a record, whose entries are taken to be good. */
async function read(count) {
  const lines = (name) => cutLines(createReadStream(path.join(folder, name)), name);
  const bodies = lines(BODIES);
  const ballots = [];
  let manifest;
  let setup;
  let place = 0;
  for await (const line of lines(HEADERS)) {
    const { type, body: hash } = JSON.parse(Buffer.from(line).toString());
    const { value: body } = await bodies.next();
    const content = () => JSON.parse(Buffer.from(body).toString()).content;
    if (type === "election.defined") ({ manifest } = content());
    if (type === "election.opened") {
      setup = {
        group: manifest.group,
        questions: manifest.questions,
        manifest: sha256Hex(encodeCanonical(manifest)),
        election: hash,
        jointKey: content().joint_key,
        ballots: BALLOTS_OF_A_RUN,
      };
    }
    if (type === "ballot.cast") ballots.push({ place, hash: contentHash(body), body, weight: 1 });
    if (ballots.length === count) break;
    place++;
  }
  return { setup, ballots };
}

function processorTime(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function check(setup, ballots) {
  const { faults } = checkBallots(setup, ballots);
  if (faults.length) throw new Error(`entry ${faults[0].place} fails check ${faults[0].check}`);
}

const { setup, ballots } = await read(Number(most));
const tables = processorTime(() => check(setup, []));
check(setup, ballots.slice(0, 3)); // so that the compiler has seen it
const times = ballots.map((ballot) => processorTime(() => check(setup, [ballot])));
times.sort((left, right) => left - right);
console.log(`${setup.group}: tables ${tables.toFixed(0)}, a ballot ${times[times.length >> 1].toFixed(0)} ms`);
