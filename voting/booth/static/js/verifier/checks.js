/**
 * Protocol V7: the 21 checks, in the order of their numbers (docs/spec/verification.md).
 *
 * They look at the replay and at the pass over the ballots, which are made before them. Must not touch a document or
 * the network; imports bytes.js of core/, and the verifier's check_list.js, checkpoint.js, conclude.js, findings.js and
 * tally.js.
 */

import { equal, toBase64 } from "../core/bytes.js";
import { CHECK_LIST } from "./check_list.js";
import { openSigned, verifyWitnesses } from "./checkpoint.js";
import { conclude, notRun, refusalsFor, whyNotYet } from "./conclude.js";
import {
  ERROR,
  FAILED,
  NEEDS,
  NOT_APPLICABLE,
  NOT_RUN,
  NOT_YET,
  PASSED,
  RuleBroken,
  finding,
  findingOf,
  isForeseen,
} from "./findings.js";
import { readTotals, shareCommitment, verifyOutcomes, verifyShare, verifyTally, verifyTotals } from "./tally.js";

const AFTER_VOTING = ["closed", "tallied", "published"];

/** @typedef {import("./findings.js").CheckResult} CheckResult */

/**
 * @typedef {object} Context all that checks look at
 * @property {{manifest?: string, election?: string, since?: Uint8Array}} announced see verify.js
 * @property {Uint8Array} checkpoint
 * @property {string} vkey
 * @property {import("./replay.js").Replay} replay
 * @property {import("./ballot_pass.js").BallotPass} ballots
 */

const CHECKS = {
  "01": manifest,
  "02": chain,
  "03": checkpoint,
  "04": order,
  "05": signatures,
  "06": commitments,
  "07": ceremony,
  "08": jointKey,
  "09": credentials,
  10: opening,
  11: (context) => ofBallots(context, "11"),
  12: (context) => ofBallots(context, "12"),
  13: (context) => ofBallots(context, "13"),
  14: (context) => ofBallots(context, "14"),
  15: (context) => ofBallots(context, "15"),
  16: counted,
  17: encryptedTally,
  18: shares,
  19: totals,
  20: outcome,
  21: extension,
};

/**
 * Protocol V8: makes all checks. One on which this program fails is "not run", and so is one that stands on it.
 * @param {Context} context
 * @returns {Promise<CheckResult[]>} in the order of CHECK_LIST
 */
export async function runChecks(context) {
  const decryption = readDecryption(context);
  const results = new Map();
  for (const { id } of CHECK_LIST) {
    try {
      results.set(id, CHECKS[id](context, decryption));
    } catch (error) {
      results.set(id, notRun(ERROR, `this program failed (${error?.name}); please report it`));
    }
  }
  return CHECK_LIST.map((info) => withCause(context, info, results));
}

/** Tells "the election has not come so far" from "what should be here was refused". */
function withCause({ replay }, { id, needs }, results) {
  const result = results.get(id);
  if (result.cause !== NOT_YET) return result;
  const broken = new Set(needs.filter((need) => isBroken(results.get(need))));
  for (const { check, cause } of replay.refusals) if (cause === null) broken.add(check);
  if (replay.errors.length) broken.add("04");
  if (replay.brokenOff) broken.add("02");
  broken.delete(id);
  return broken.size ? { ...result, cause: NEEDS, reason: `needs ${[...broken].sort().join(", ")}` } : result;
}

function isBroken({ status, cause }) {
  return status === FAILED || (status === NOT_RUN && cause !== NOT_YET);
}

/** A finding of what `verify` throws; none if it throws nothing. */
function findingsOf(verify, entry) {
  try {
    verify();
  } catch (error) {
    if (!(error instanceof RuleBroken)) throw error;
    return [findingOf(error, entry)];
  }
  return [];
}

function manifest({ announced, replay }) {
  const { definition } = replay.state;
  const findings = [];
  if (definition && announced.manifest && announced.manifest !== definition.hash) {
    const [expected, found] = [announced.manifest, definition.hash];
    const reason = "is not the manifest that was announced";
    findings.push(finding({ entry: 0, subject: "manifest", reason, expected, found }));
  }
  return conclude(replay, "01", { total: 1, findings, begun: definition !== null });
}

function chain({ replay }) {
  const findings = [...replay.linkFaults];
  if (replay.brokenOff) findings.push(replay.brokenOff);
  const total = replay.entries + (replay.brokenOff ? 1 : 0);
  return conclude(replay, "02", { total, findings, begun: total > 0 });
}

function checkpoint({ checkpoint: signed, replay, vkey }) {
  const { definition } = replay.state;
  if (!definition) return conclude(replay, "03", { total: 1, begun: false });
  const total = definition.manifest.quorum ? 2 : 1;
  const findings = checkpointFindings(signed, definition.board, replay);
  if (vkey !== definition.manifest.board) {
    const [expected, found] = [definition.manifest.board, vkey];
    const reason = "is not the board's key that the manifest names";
    findings.push(finding({ subject: "vkey", reason, expected, found }));
  }
  if (!findings.length) {
    try {
      verifyWitnesses(signed, definition.manifest, definition.board, "the checkpoint");
    } catch (error) {
      if (!isForeseen(error)) throw error;
      findings.push(finding({ subject: "checkpoint", reason: error.problem }));
    }
  }
  return conclude(replay, "03", { total, findings });
}

function checkpointFindings(signed, board, { entries, root }) {
  const fault = (reason, expected = "", found = "") => [finding({ subject: "checkpoint", reason, expected, found })];
  let opened;
  try {
    opened = openSigned(signed, board, "the checkpoint");
  } catch (error) {
    if (!isForeseen(error)) throw error;
    return fault(error.message);
  }
  if (opened.size !== entries) {
    return fault("signs another number of entries than the record has", String(entries), String(opened.size));
  }
  if (!equal(opened.root, root)) {
    return fault("its root is not that of the record's headers", toBase64(root), toBase64(opened.root));
  }
  return [];
}

function order({ replay }) {
  // An entry that is not readable, or not the one that its header names, never came to the rules.
  const total = replay.entries - refusalsFor(replay, "02").length;
  const result = conclude(replay, "04", { total, begun: total > 0 });
  if (!replay.errors.length || result.status === FAILED) return result;
  const [{ subject, reason }] = replay.errors;
  return notRun(ERROR, `${subject}: ${reason}`, { passed: replay.state.contents.size, total });
}

function signatures({ replay }) {
  const elsewhere = replay.taken("ballot.cast") + replay.taken("tally.share");
  const total = replay.taken("") - elsewhere + refusalsFor(replay, "05").length;
  return conclude(replay, "05", { total, begun: total > 0 });
}

function commitments({ replay }, decryption) {
  const total = replay.taken("trustee.committed") + refusalsFor(replay, "06").length;
  return conclude(replay, "06", { total, warnings: repeatedNonces(replay, decryption), begun: total > 0 });
}

/** Two proofs of one trustee with one commitment: the nonce was used twice, which gives the secret away. */
function repeatedNonces({ state }, { shareCommitments }) {
  const seen = new Map();
  const warnings = [];
  for (const { index, what, entry, commitment } of [...(state.ceremony?.proofCommitments ?? []), ...shareCommitments]) {
    const { p } = state.definition.group;
    const unsigned = commitment < p - commitment ? commitment : p - commitment;
    const key = `${index} ${unsigned}`;
    if (seen.has(key)) {
      const reason = `${what} has the same commitment as ${seen.get(key)}: a nonce used twice gives the secret away`;
      warnings.push(finding({ entry, subject: `trustee ${index}`, reason }));
    } else {
      seen.set(key, what);
    }
  }
  return warnings;
}

function ceremony({ replay }) {
  const { ceremony: present, election } = replay.state;
  const total = replay.taken("trustee.") + refusalsFor(replay, "07").length;
  const warnings = [];
  if (present && present.failed !== null) {
    const reason = "dealt a wrong share: the ceremony must be begun anew without them";
    warnings.push(finding({ subject: `trustee ${present.failed}`, reason }));
  }
  const result = conclude(replay, "07", { total, warnings, begun: total > 0 });
  if (result.status === PASSED && election === null && present && !present.isComplete) {
    return notRun(NOT_YET, whyNotYet(replay, "the ceremony is not finished"), { passed: total, total, warnings });
  }
  return result;
}

function jointKey({ replay }) {
  const named = replay.taken("trustee.confirmed") + replay.taken("election.opened");
  const total = named + refusalsFor(replay, "08").length;
  return conclude(replay, "08", { total, begun: total > 0 });
}

function credentials({ replay }) {
  const total = replay.state.credentials.size + refusalsFor(replay, "09").length;
  return conclude(replay, "09", { total, begun: total > 0 });
}

function opening({ announced, replay }) {
  const { election } = replay.state;
  const findings = [];
  if (election !== null && announced.election && announced.election !== election) {
    const [expected, found] = [announced.election, election];
    const reason = "is not the election that was announced";
    findings.push(finding({ subject: "election id", reason, expected, found }));
  }
  return conclude(replay, "10", { total: 1, findings, begun: election !== null });
}

/** A check that the pass over the ballots made on every ballot. */
function ofBallots({ ballots: pass, replay }, id) {
  const { ballots, phase } = replay.state;
  const count = ballots.length;
  const result = conclude(replay, id, {
    total: count + refusalsFor(replay, id).length,
    findings: pass.findings.get(id),
    begun: count > 0 || AFTER_VOTING.includes(phase),
  });
  if (result.status !== PASSED) return result;
  if (pass.error) return notRun(ERROR, pass.error, { passed: pass.ballots, total: count });
  const unchecked = pass.unchecked.get(id) ?? 0;
  if (!unchecked) return result;
  const reason = `${unchecked} of ${count} ballots could not be checked, because they fail 12 or 13`;
  return notRun(NEEDS, reason, { passed: count - unchecked, total: count });
}

function counted({ replay }) {
  const { counted: last, tally } = replay.state;
  return conclude(replay, "16", { total: last.size, begun: tally !== null });
}

function encryptedTally({ ballots: pass, replay }) {
  const { definition, tally } = replay.state;
  if (tally === null || pass.product === null) return conclude(replay, "17", { total: 0, begun: false });
  const total = pass.product.length;
  if (pass.error) return notRun(ERROR, pass.error, { total });
  if (pass.missing) {
    const reason = `${pass.missing} counted ballots cannot be multiplied, because they fail 12 or 13`;
    return notRun(NEEDS, reason, { total });
  }
  const findings = findingsOf(() => verifyTally(definition.group, tally, pass.product), tally.place);
  return conclude(replay, "17", { total, findings });
}

/**
 * The published totals (null if they cannot be read), and of each trustee the factors of their share or what is wrong
 * with it.
 */
function readDecryption({ replay }) {
  const { ceremony: present, definition, shares: published, tally } = replay.state;
  const read = { totals: null, factors: new Map(), faults: new Map(), shareCommitments: [], error: null };
  if (tally === null) return read;
  try {
    const { group } = definition;
    read.totals = orNull(() => readTotals(definition, tally));
    for (const [index, share] of [...published].sort(([left], [right]) => left - right)) {
      const key = present.verificationKey(index);
      const commitment = orNull(() => shareCommitment(group, share, key));
      const what = "the proof of the decryption share";
      if (commitment !== null) read.shareCommitments.push({ index, what, entry: share.place, commitment });
      if (!read.totals) continue;
      try {
        read.factors.set(index, verifyShare(group, share, key, read.totals));
      } catch (error) {
        if (!(error instanceof RuleBroken)) throw error;
        read.faults.set(index, findingOf(error, share.place));
      }
    }
  } catch (error) {
    read.error = error;
  }
  return read;
}

function orNull(read) {
  try {
    return read();
  } catch (error) {
    if (!isForeseen(error)) throw error;
    return null;
  }
}

function shares({ replay }, { error, factors, faults, totals: encrypted }) {
  const { definition, result, shares: published, tally } = replay.state;
  const total = published.size + refusalsFor(replay, "18").length;
  if (tally === null) return conclude(replay, "18", { total, begun: false });
  if (error) throw error;
  if (!encrypted && !refusalsFor(replay, "18").length) {
    return notRun(NEEDS, "needs 17: the encrypted totals cannot be read", { total });
  }
  const { threshold } = definition.manifest;
  const findings = [];
  const warnings = [];
  for (const [index, fault] of faults) (result?.shares.includes(index) ? findings : warnings).push(fault);
  if (result && encrypted && factors.size < threshold) {
    const reason = "there are fewer right shares than are needed to decrypt";
    const [expected, found] = [String(threshold), String(factors.size)];
    findings.push(finding({ subject: "shares", reason, expected, found }));
  }
  const concluded = conclude(replay, "18", { total, findings, warnings });
  if (concluded.status !== PASSED) return concluded;
  if (!result && factors.size < threshold) {
    const reason = whyNotYet(replay, `${factors.size} of the ${threshold} shares needed are there`);
    return notRun(NOT_YET, reason, { passed: factors.size, total, warnings });
  }
  return { ...concluded, passed: factors.size };
}

function totals({ replay }, { error, factors, faults, totals: encrypted }) {
  const { definition, result, tally } = replay.state;
  if (!result || !tally) return conclude(replay, "19", { total: refusalsFor(replay, "19").length, begun: false });
  if (error) throw error;
  const total = definition.shape.totals.length;
  if (!encrypted) return notRun(NEEDS, "needs 17: the encrypted totals cannot be read", { total });
  const wrong = result.shares.find((index) => faults.has(index));
  if (wrong !== undefined) return notRun(NEEDS, `needs 18: the share of trustee ${wrong} is wrong`, { total });
  const verify = () => verifyTotals(definition, result, tally.weight, encrypted, factors);
  return conclude(replay, "19", { total, findings: findingsOf(verify, result.place) });
}

function outcome({ replay }) {
  const { definition, result, tally } = replay.state;
  if (!result || !tally) return conclude(replay, "20", { total: 0, begun: false });
  const findings = findingsOf(() => verifyOutcomes(definition, result, tally.weight), result.place);
  return conclude(replay, "20", { total: definition.manifest.questions.length, findings });
}

function extension({ announced, replay }) {
  const { definition } = replay.state;
  if (!announced.since) {
    const counts = { passed: 0, total: 0, findings: [], warnings: [] };
    return { status: NOT_APPLICABLE, cause: "", reason: "no earlier checkpoint was given (--since)", ...counts };
  }
  if (!definition) return conclude(replay, "21", { total: 1, begun: false });
  return conclude(replay, "21", { total: 1, findings: extensionFindings(announced.since, definition.board, replay) });
}

function extensionFindings(since, board, { earlierRoot, entries }) {
  let earlier;
  try {
    earlier = openSigned(since, board, "the earlier checkpoint");
  } catch (error) {
    if (!isForeseen(error)) throw error;
    return [finding({ subject: "earlier checkpoint", reason: error.message })];
  }
  if (earlier.size > entries || earlierRoot === null) {
    const reason = "has fewer entries than the board had signed before";
    return [finding({ subject: "record", reason, expected: `at least ${earlier.size}`, found: String(entries) })];
  }
  if (!equal(earlierRoot, earlier.root)) {
    const reason = `its first ${earlier.size} entries are not those that the board had signed before`;
    const [expected, found] = [toBase64(earlier.root), toBase64(earlierRoot)];
    return [finding({ subject: "record", reason, expected, found })];
  }
  return [];
}
