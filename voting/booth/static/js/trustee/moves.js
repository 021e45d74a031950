/**
 * Protocol T26, T27: whose move it is, from the record alone (docs/spec/trustees.md), as trustee_tools/status.py.
 *
 * Pure; how it is told is in `words.js`. Must not touch the document or the network.
 */

import { faultyDealers } from "./secrets.js";

export const STEPS = 8;

/** Stage of an election, as trustees see it -> its number among `STEPS`. */
export const STEP_OF = {
  joining: 1,
  committing: 2,
  dealing: 3,
  confirming: 4,
  failed: 4,
  ready: 5,
  voting: 6,
  closed: 7,
  decrypting: 7,
  decrypted: 8,
  published: 8,
  cancelled: 8,
};

const BEGAN_BY = {
  committing: "trustee.joined",
  dealing: "trustee.committed",
  confirming: "trustee.dealt",
  failed: "trustee.answered",
  ready: "trustee.confirmed",
  voting: "election.opened",
  closed: "election.closed",
  decrypting: "tally.encrypted",
  decrypted: "tally.share",
  published: "election.result",
  cancelled: "election.cancelled",
};

/**
 * @typedef {"join"|"commit"|"deal"|"answer"|"complain"|"confirm"|"decrypt"} Act
 * @typedef {object} Situation
 * @property {keyof typeof STEP_OF} stage
 * @property {Map<number, Act>} duties trustee -> what they have to do now
 * @property {number} missing while decrypting: how many more valid shares are needed
 * @property {string} since when this stage began, UTC; perhaps empty
 * @typedef {{act: Act|null, others: number[]}} Move `others`: the dealers complained about, or the trustees answered
 */

/**
 * Protocol T26: where the election stands and who has to act.
 *
 * @param {import("./record.js").ElectionRecord} record
 * @returns {Situation}
 */
export function situation(record) {
  const { ceremony, phase, latest } = record;
  let duties = new Map();
  let missing = 0;
  let stage;
  if (phase === "setup") {
    ({ stage, duties } = ceremonySituation(ceremony));
  } else if (phase === "open") {
    stage = "voting";
  } else if (phase === "tallied") {
    missing = Math.max(0, record.manifest.threshold - record.validShares());
    stage = missing ? "decrypting" : "decrypted";
    const waiting = [...ceremony.trustees.keys()].filter((index) => missing && !record.shares.has(index));
    duties = new Map(waiting.map((index) => [index, "decrypt"]));
  } else {
    stage = phase;
  }
  const began =
    stage === "joining" ? (latest["trustee.restarted"] ?? latest["election.defined"]) : latest[BEGAN_BY[stage]];
  return { stage, duties, missing, since: began ?? "" };
}

/**
 * Protocol T27: what the trustee with these keys does next. Opens the shares dealt to them, once all have dealt.
 *
 * @param {import("./record.js").ElectionRecord} record
 * @param {import("./secrets.js").TrusteeSecrets} secrets
 * @returns {Promise<Move>}
 */
export async function nextMove(record, secrets) {
  const { ceremony } = record;
  const { index } = secrets;
  if (record.phase === "tallied") {
    const isMissing = ceremony.trustees.has(index) && !record.shares.has(index);
    return { act: isMissing ? "decrypt" : null, others: [] };
  }
  if (record.phase !== "setup") return { act: null, others: [] };
  const act = ceremonySituation(ceremony).duties.get(index) ?? null;
  if (act === "answer") {
    const complaining = ceremony.openComplaints().filter(({ dealer }) => dealer === index);
    return { act, others: complaining.map(({ by }) => by).sort((a, b) => a - b) };
  }
  if (act === "confirm") {
    const dealers = (await faultyDealers(secrets, ceremony)).filter((dealer) => dealer !== index);
    if (dealers.length) return { act: "complain", others: dealers };
  }
  return { act, others: [] };
}

function ceremonySituation(ceremony) {
  const trustees = [...ceremony.trustees.values()];
  const those = (act, isMissing) => new Map(trustees.filter(isMissing).map(({ index }) => [index, act]));
  if (ceremony.failed !== null) return { stage: "failed", duties: new Map() };
  if (!ceremony.allJoined) return { stage: "joining", duties: those("join", (trustee) => trustee.signingKey === null) };
  if (!ceremony.allCommitted) {
    return { stage: "committing", duties: those("commit", ({ commitments }) => commitments.length === 0) };
  }
  if (!ceremony.allDealt)
    return { stage: "dealing", duties: those("deal", ({ sealedShares }) => sealedShares.size === 0) };
  if (ceremony.isComplete) return { stage: "ready", duties: new Map() };
  const complaints = ceremony.openComplaints();
  const complaining = new Set(complaints.map(({ by }) => by));
  const duties = those("confirm", ({ index, isConfirmed }) => !isConfirmed && !complaining.has(index));
  for (const { dealer } of complaints) duties.set(dealer, "answer");
  return { stage: "confirming", duties: new Map([...duties].sort(([a], [b]) => a - b)) };
}
