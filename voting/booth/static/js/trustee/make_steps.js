/**
 * Protocol T11 to T16, D5: the entries of a trustee's next move, as trustee_tools/rounds.py. Pure.
 *
 * Must not touch the document or the network.
 */

import { answer, commit, complain, confirm, deal, join, tallyShare } from "./rounds.js";

/**
 * One entry, or one for each complaint made or answered.
 *
 * @param {import("./secrets.js").TrusteeSecrets} secrets
 * @param {import("./record.js").ElectionRecord} record
 * @param {import("./moves.js").Move} move what `nextMove` gave for this record; for "decrypt" the caller has recomputed
 *   the tally from the ballots
 * @param {string} time moment of making, UTC
 * @param {(length: number) => Uint8Array} randomBytes
 * @returns {Promise<import("./rounds.js").Step[]>}
 */
export async function makeSteps(secrets, record, { act, others }, time, randomBytes) {
  const { ceremony } = record;
  switch (act) {
    case "join":
      return [await join(secrets, ceremony, time)];
    case "commit":
      return [await commit(secrets, ceremony, time, randomBytes)];
    case "deal":
      return [await deal(secrets, ceremony, time, randomBytes)];
    case "confirm":
      return [await confirm(secrets, ceremony, time)];
    case "complain":
      return Promise.all(others.map((dealer) => complain(secrets, ceremony, dealer, time)));
    case "answer":
      return Promise.all(others.map((recipient) => answer(secrets, ceremony, recipient, time)));
    case "decrypt": {
      const tally = { election: record.election, hash: record.tallyHash, alphas: record.alphas() };
      return [await tallyShare(secrets, ceremony, tally, time, randomBytes)];
    }
    default:
      throw new RangeError("there is no move to make");
  }
}
