/**
 * What voters see of a ballot's hash (docs/spec/ballots.md, B6 and B7). As voting/protocol/tracker.py.
 *
 * Imports bytes.js and crockford.js.
 */

import { fromHex } from "./bytes.js";
import { addCheck, encodeBits, group, read } from "./crockford.js";

const TRACKER_SYMBOLS = 16;
const LOCK_SYMBOLS = 6;

/**
 * Protocol B6: the tracker of a ballot, in groups of four.
 * @param {string} ballotHash 64 hexadecimal digits
 * @returns {string}
 */
export function tracker(ballotHash) {
  return group(addCheck(encodeBits(fromHex(ballotHash), TRACKER_SYMBOLS)), 4);
}

/**
 * Protocol B7: the lock number: the first 6 characters of the tracker.
 * @param {string} ballotHash 64 hexadecimal digits
 * @returns {string}
 */
export function lockNumber(ballotHash) {
  return encodeBits(fromHex(ballotHash), LOCK_SYMBOLS);
}

/**
 * A typed tracker in its one printed form.
 * @param {string} typed
 * @returns {string}
 */
export function parseTracker(typed) {
  return group(read(typed, TRACKER_SYMBOLS, "tracker"), 4);
}
