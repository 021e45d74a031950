/**
 * What the browser's verifier says when not the record is at fault, but a worker, a source or the verifier itself.
 *
 *     URNE_RECORD=FOLDER node --test troubles.test.mjs
 *
 * FOLDER is a good record of the toy group with several ballots.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { DecodeError, UrneError } from "../../voting/booth/static/js/core/errors.js";
import { checkBallots } from "../../voting/booth/static/js/verifier/ballots.js";
import { verdictOf } from "../../voting/booth/static/js/verifier/report.js";
import { verifyRecord } from "../../voting/booth/static/js/verifier/verify.js";

const BALLOT_CHECKS = ["11", "12", "13", "14", "15"];

function linesOf(name) {
  const data = readFileSync(path.join(process.env.URNE_RECORD, name));
  return data
    .toString("latin1")
    .split("\n")
    .slice(0, -1)
    .map((line) => Uint8Array.from(Buffer.from(line, "latin1")));
}

/** A good record; what is given stands in for its own parts. */
function source(parts = {}) {
  async function* all(name) {
    yield* linesOf(name);
  }
  const small = async (name) => Uint8Array.from(readFileSync(path.join(process.env.URNE_RECORD, name)));
  return {
    hasHints: false,
    headers: () => all("headers.jsonl"),
    bodies: () => all("bodies.jsonl"),
    checkpoint: () => small("checkpoint"),
    vkey: () => small("vkey"),
    ...parts,
  };
}

const verify = (parts, options = {}) => verifyRecord(source(parts), { allowToy: true, ...options });

function statuses(report, ids) {
  return report.checks.filter(({ id }) => ids.includes(id)).map(({ status, cause }) => `${status} ${cause}`.trim());
}

test("a good record", async () => {
  const stages = [];
  const report = await verify({}, { onProgress: (...progress) => stages.push(progress) });
  assert.equal(report.verdict, "verified");
  const { size } = report.head;
  assert.deepEqual(
    stages.find(([stage]) => stage === "entries"),
    ["entries", size, size],
  );
  assert.deepEqual(stages.at(-1), ["ballots", report.ballots, report.ballots]);
});

for (const [name, check] of [
  ["dies", () => Promise.reject(new Error("gone"))],
  ["dies without a word", () => Promise.reject(undefined)],
  ["forgets a ballot", async (setup, chunk) => checkBallots(setup, chunk.slice(1))],
  ["answers nonsense", async () => ({})],
]) {
  test(`a worker that ${name}`, async () => {
    const report = await verify({}, { ballotWorkers: { count: 2, check } });
    assert.equal(report.verdict, "not checked");
    assert.equal(report.exit_code, 3);
    for (const status of statuses(report, [...BALLOT_CHECKS, "17"])) assert.equal(status, "not run error");
  });
}

test("a worker that hides a fault finds that the tally does not fit", async () => {
  const check = async (setup, chunk) => {
    const result = checkBallots(setup, chunk);
    return { ...result, product: result.product.map(() => ({ alpha: 1n, beta: 1n })) };
  };
  const report = await verify({}, { ballotWorkers: { count: 1, check } });
  assert.deepEqual(statuses(report, ["17"]), ["failed"]);
});

test("ballots that change between the two passes", async () => {
  const all = linesOf("bodies.jsonl");
  const swapped = [...all.slice(0, -1).reverse(), all.at(-1)];
  for (const second of [all.slice(0, 2), swapped]) {
    let pass = 0;
    async function* bodies() {
      yield* pass++ ? second : all;
    }
    const report = await verify({ bodies });
    for (const status of statuses(report, BALLOT_CHECKS)) assert.equal(status, "not run error");
  }
});

test("a source that cannot be read is no fault of the record", async () => {
  for (const error of [new UrneError("no answer"), new TypeError("network")]) {
    async function* headers() {
      yield linesOf("headers.jsonl")[0];
      throw error;
    }
    await assert.rejects(verify({ headers }), error);
  }
});

test("a source whose lines are not good is", async () => {
  async function* headers() {
    yield* linesOf("headers.jsonl").slice(0, 3);
    throw new DecodeError("is cut short", { where: "headers.jsonl, line 4" });
  }
  const report = await verify({ headers });
  const { findings } = report.checks.find(({ id }) => id === "02");
  assert.deepEqual(
    findings.map(({ entry, subject }) => [entry, subject]),
    [[3, "headers.jsonl, line 4"]],
  );
});

test("an earlier checkpoint that is none", async () => {
  await assert.rejects(verify({}, { announced: { since: new Uint8Array(3) } }), DecodeError);
});

test("a verdict needs every check", () => {
  const passed = { status: "passed", cause: "", findings: [], warnings: [] };
  const all = new Array(21).fill(passed);
  assert.equal(verdictOf(all, "published"), "verified");
  assert.equal(verdictOf(all.slice(1), "published"), "not checked");
  assert.equal(verdictOf(all, "open"), "valid so far");
  const with_ = (status, cause = "") => [...all.slice(1), { ...passed, status, cause }];
  assert.equal(verdictOf(with_("not applicable"), "published"), "verified");
  assert.equal(verdictOf(with_("not run", "not yet"), "published"), "valid so far");
  assert.equal(verdictOf(with_("not run", "needs"), "open"), "not checked");
  assert.equal(verdictOf(with_("failed"), "published"), "not verified");
  assert.equal(verdictOf(with_("anything"), "published"), "not checked");
});
