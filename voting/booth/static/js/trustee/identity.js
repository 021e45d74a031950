/**
 * Which trustee a key file is, in one election (docs/spec/trustees.md), as trustee_tools/identity.py. A key file names
 * nobody: once one has joined, the board's keys tell; before that, the notes of this browser, or the trustee says it.
 *
 * Must not touch the document or the network.
 */

import { equal } from "../core/bytes.js";
import { readNotes } from "./notes.js";
import { deriveSecrets } from "./secrets.js";

/**
 * The keys of the trustee that a seed is known to be, or null.
 *
 * @param {Uint8Array} seed
 * @param {import("./record.js").ElectionRecord} record
 * @param {import("./notes.js").Store} store
 * @returns {Promise<import("./secrets.js").TrusteeSecrets|null>}
 */
export async function findTrustee(seed, record, store) {
  const { manifest, manifestHash, ceremony } = record;
  let noted = null;
  for (let index = 1; index <= manifest.trustees.length; index++) {
    const secrets = await deriveSecrets(seed, manifestHash, manifest, index);
    const published = ceremony.trustees.get(index)?.signingKey;
    if (published && equal(published, secrets.signingKey.publicKey)) return secrets;
    // The place may be taken by somebody else meanwhile: then this key is no trustee of the present ceremony.
    if (!published && readNotes(store, manifestHash, secrets.signingKey.publicKey)) noted ??= secrets;
  }
  return noted;
}

/**
 * The trustees who have not joined the present ceremony.
 *
 * @param {import("./record.js").ElectionRecord} record
 * @returns {number[]}
 */
export function freePlaces({ ceremony, phase }) {
  if (phase !== "setup" || ceremony.failed !== null) return [];
  return [...ceremony.trustees.values()].filter(({ signingKey }) => signingKey === null).map(({ index }) => index);
}
