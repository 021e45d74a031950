/**
 * The second factor's two requests. Both are signed with the voter's key, so that nobody else can have
 * mails sent or use up the voter's tries.
 *
 * Must not import screens.
 */

import { fromHex, toBase64Url, utf8 } from "../core/bytes.js";
import { frame } from "../core/kdf.js";
import { requestJson } from "./network.js";

const PURPOSE = "urne-v1-factor";
const CONFIRM_PURPOSE = "urne-v1-factor-confirm";

/**
 * Have a one-time code sent.
 *
 * @returns {Promise<string>} a hint at the address, such as "a•••@example.org"
 */
export async function requestFactor(election, voter) {
  const time = new Date(Date.now() + election.clockOffset).toISOString();
  const signature = await signedText(election, voter, PURPOSE, time);
  const { hint } = await post(election, "request", { credential: voter.publicKey, time, signature });
  return String(hint);
}

/**
 * Give the code back.
 *
 * @returns {Promise<string>} the token that goes with the ballot
 */
export async function confirmFactor(election, voter, code) {
  const signature = await signedText(election, voter, CONFIRM_PURPOSE, code);
  const { token } = await post(election, "confirm", { credential: voter.publicKey, code, signature });
  return String(token);
}

async function signedText(election, voter, purpose, text) {
  const signed = frame(utf8(purpose), fromHex(election.manifestHash), utf8(text));
  return toBase64Url(await voter.credential.sign(signed));
}

function post(election, step, data) {
  return requestJson(`${election.base}/factor/${step}`, { method: "POST", json: JSON.stringify(data) });
}
