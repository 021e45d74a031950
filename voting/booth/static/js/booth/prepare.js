/**
 * From an election's public data to what ballots are made with: for the worker that locks, and for the device test,
 * which does the same again. Has no network and no document.
 *
 * Must not import anything but `core` and `methods`.
 */

import { makeContext } from "../core/ballot.js";
import { toBase64Url } from "../core/bytes.js";
import { groupByName } from "../core/group.js";
import { joinShapes } from "../methods/index.js";

/**
 * What ballots of an election are made with. Refuses a joint key that is not in the group.
 *
 * @param {{manifest: any, manifestHash: string, election: string, jointKey: string|null, allowToy: boolean}} data plain
 *   data, from `ballotData`
 * @returns {import("../core/ballot.js").BallotContext}
 */
export function prepareContext({ manifest, manifestHash, election, jointKey, allowToy }) {
  const shape = joinShapes(manifest);
  const key = jointKey ?? practiceKey(manifest.group, allowToy);
  return makeContext({ group: manifest.group, manifestHash, election, jointKey: key, shape, allowToy });
}

/** Practice has no trustees, so no key; nothing that is locked with this one leaves the page. */
function practiceKey(name, allowToy) {
  const group = groupByName(name, { allowToy });
  return toBase64Url(group.encode(group.g));
}
