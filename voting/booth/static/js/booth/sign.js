/**
 * Signing a locked vote with the voter's key, at the moment of casting (docs/spec/ballots.md, B4; entries.md, N1, N2).
 * A vote that is only tested is never signed.
 *
 * Must not import screens.
 */

import { signContent } from "../core/entries.js";

/**
 * @param {import("./election.js").Election} election
 * @param {import("./voter.js").Voter} voter
 * @param {{content: object, hints: Uint8Array, tracker: string}} locked
 * @returns {Promise<{ballot: {body: string, hints: string}, tracker: string}>}
 */
export async function signBallot(election, voter, { content, hints, tracker }) {
  const body = await signContent("ballot.cast", election.manifestHash, content, voter.credential);
  const text = new TextDecoder();
  return { ballot: { body: text.decode(body), hints: text.decode(hints) }, tracker };
}
