/**
 * Casting: sending a locked vote until its fate is known (docs/spec/log.md, L6, L10).
 *
 * The same bytes are sent again after a lost answer: the board keeps the first place of a body, so that does no harm.
 * Nothing counts as cast before the board's signed receipt was checked here: the header is that of our body, it is
 * included in a checkpoint that the board's key and the quorum of its witnesses have signed, and that checkpoint
 * continues the one seen at the start. Witnesses that have not signed yet are waited for.
 *
 * Must not import screens.
 */

import { fromBase64, fromUtf8, utf8 } from "../core/bytes.js";
import { ProofError, QuorumMissing, VerificationError } from "../core/errors.js";
import { sha256Hex } from "../core/hash.js";
import { verifyConsistency } from "../core/merkle.js";
import { checkReceipt, writeReceiptFile } from "../core/receipt.js";
import { NoAnswer, Refused, pause, request, requestJson } from "./network.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const BALLOT = "ballot.cast";
const NO_QUORUM = "quorum";

/**
 * @typedef {object} CastBallot
 * @property {string} receipt the receipt file, as `urne-verify receipt` takes it
 * @property {number} seq place on the board
 * @property {{size: number, root: Uint8Array}} checkpoint the newest that the board has signed and we have checked
 */

/**
 * Cast a ballot. Goes on until the board has promised to keep it, or has refused it for good.
 *
 * @param {import("./election.js").Election} election
 * @param {{body: string, hints: string}} ballot canonical texts
 * @param {object} options
 * @param {{size: number, root: Uint8Array}} options.checkpoint the last one seen of this board
 * @param {string} [options.token] of the second factor
 * @param {(state: "sending"|"checking"|"waiting"|"witnesses") => void} [options.onProgress]
 * @returns {Promise<CastBallot>}
 * @throws {Refused} the board does not take the ballot: it is not there
 * @throws {UrneError} the board's promise does not hold: nobody knows whether the ballot is there
 */
export async function castBallot(election, ballot, { checkpoint, token, onProgress = () => {} }) {
  const body = utf8(ballot.body);
  const sent = { mayHaveArrived: false, isWaiting: false };
  for (let wait = FIRST_PAUSE_MS; ; wait = longer(wait)) {
    const receipt = await deliver(election, ballot, sha256Hex(body), { token, onProgress, sent });
    try {
      return await untilAnswered(onProgress, () => {
        if (!sent.isWaiting) onProgress("checking");
        return checkPromise(election, body, receipt, checkpoint);
      });
    } catch (error) {
      error.evidence = receipt;
      if (!(error instanceof QuorumMissing)) throw error;
    }
    // The board has signed for the ballot, its witnesses have not. It is asked for a newer receipt of the same ballot.
    Object.assign(sent, { mayHaveArrived: true, isWaiting: true });
    onProgress("witnesses");
    await pause(wait);
  }
}

/**
 * Send until there is a receipt, or the board has refused and says that the ballot is not there. `sent` is what is
 * known of the ballot: whether it may have arrived, and whether the board has said that only its witnesses are missing.
 */
async function deliver(election, ballot, bodyHash, { token, onProgress, sent }) {
  for (let wait = FIRST_PAUSE_MS; ; wait = longer(wait)) {
    let refusal = null;
    try {
      if (!sent.isWaiting) onProgress("sending");
      return await send(election, ballot, token);
    } catch (error) {
      if (error instanceof Refused && sent.mayHaveArrived) {
        refusal = error;
      } else if (error instanceof NoAnswer) {
        Object.assign(sent, { mayHaveArrived: true, isWaiting: isMissing(election, error) });
      } else {
        throw error;
      }
    }
    onProgress(sent.isWaiting ? "witnesses" : "waiting");
    await pause(wait);
    const found = await findOut(election, bodyHash);
    if (found) return found;
    if (refusal && found === null) throw refusal;
  }
}

/** Whether the board says that it has the ballot, and that its witnesses have not signed. */
function isMissing({ witnesses }, { code }) {
  return witnesses.quorum > 0 && code === NO_QUORUM;
}

async function untilAnswered(onProgress, act) {
  for (let wait = FIRST_PAUSE_MS; ; wait = longer(wait)) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
    }
    onProgress("waiting");
    await pause(wait);
  }
}

function longer(wait) {
  return Math.min(wait * 2, LONGEST_PAUSE_MS);
}

async function send(election, ballot, token) {
  const json = `{"attachment":${ballot.hints},"body":${ballot.body},"type":"${BALLOT}"}`;
  const headers = token ? { "Urne-Token": token } : {};
  const { text } = await request(`${election.base}/log/entries`, { method: "POST", json, headers });
  return parseReceipt(text);
}

/** The receipt of our body; null if the board says that it is not there; undefined if nobody answers. */
async function findOut(election, bodyHash) {
  try {
    const { seq } = await requestJson(`${election.base}/log/find?body=${bodyHash}`);
    const { text } = await request(`${election.base}/log/entries/${Number(seq)}/receipt`);
    return parseReceipt(text);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    if (error instanceof NoAnswer || error instanceof Refused) return undefined;
    throw error;
  }
}

async function checkPromise(election, body, receipt, seen) {
  const { boardKey, witnesses } = election;
  const { header, checkpoint } = await checkReceipt(receipt, boardKey, body, "the receipt", witnesses);
  if (header.type !== BALLOT) throw new VerificationError("03", `entry ${header.seq}`, "is no ballot");
  await checkContinues(election, seen, checkpoint);
  return { receipt: fromUtf8(writeReceiptFile(receipt), "receipt"), seq: header.seq, checkpoint };
}

/** The two texts of a receipt, unchecked. What has another form is no answer of the board: it is asked again. */
function parseReceipt(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new NoAnswer("the answer is no receipt");
  }
  if (typeof data?.header !== "string" || typeof data?.proof !== "string")
    throw new NoAnswer("the answer is no receipt");
  return { header: data.header, proof: data.proof };
}

/**
 * Require that a checkpoint continues an earlier one: nothing that was on the board is gone.
 *
 * @param {import("./election.js").Election} election
 * @param {{size: number, root: Uint8Array}} old
 * @param {{size: number, root: Uint8Array}} now
 * @throws {UrneError} if it does not
 */
async function checkContinues(election, old, now) {
  if (now.size < old.size) throw new ProofError("the board has become shorter");
  let proof = [];
  if (now.size > old.size) {
    proof = await consistencyProof(election, old.size, now.size);
  }
  verifyConsistency(old.size, now.size, old.root, now.root, proof);
}

async function consistencyProof(election, old, now) {
  let hashes;
  try {
    hashes = await requestJson(`${election.base}/log/proof/consistency?old=${old}&new=${now}`);
  } catch (error) {
    if (error instanceof Refused) throw new ProofError("is refused", { where: "consistency proof" });
    throw error;
  }
  if (!Array.isArray(hashes)) throw new ProofError("is no list", { where: "consistency proof" });
  return hashes.map((hash) => fromBase64(String(hash), 32, "consistency proof"));
}
