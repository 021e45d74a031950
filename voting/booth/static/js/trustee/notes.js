/**
 * Protocol T22, T23, T29: what this browser remembers of an election between two visits: how far the board went, the
 * hash of its last header, which trustee the key is, and the tally for which a share was made. No secrets.
 *
 * The notes lie in the browser's local storage, apart for every election and key. Whoever opens the key file in another
 * browser starts without them. Must not touch the document or the network.
 */

import { decodeCanonical, encodeCanonical } from "../core/canonical.js";
import { fromUtf8, toHex } from "../core/bytes.js";
import { VerificationError } from "../core/errors.js";
import { hash, integer, record } from "../core/schema.js";
import { asAlarm } from "./source.js";
import { AlarmError, t } from "./errors.js";

const SEEN = record({
  head: hash,
  index: integer(1),
  size: integer(1),
  tally: (value, where) => (value === null ? undefined : hash(value, where)),
});

/**
 * @typedef {{head: string, index: number, size: number, tally: string|null}} Seen
 * @typedef {Pick<Storage, "getItem"|"setItem">} Store
 */

/**
 * The notes of one key in one election.
 *
 * @param {Store} store
 * @param {string} manifestHash
 * @param {Uint8Array} signingKey public key of the trustee
 * @returns {Seen|null}
 */
export function readNotes(store, manifestHash, signingKey) {
  const text = store.getItem(place(manifestHash, signingKey));
  if (text === null) return null;
  try {
    const seen = decodeCanonical(text, "notes");
    SEEN(seen, "notes");
    return seen;
  } catch {
    return null;
  }
}

/**
 * Write down what a view shows. `tally`: a share of this tally is about to be made.
 *
 * @param {Store} store
 * @param {import("./source.js").ElectionView} view
 * @param {{index: number, signingKey: {publicKey: Uint8Array}}} secrets
 * @param {string|null} [tally]
 */
export function writeNotes(store, view, { index, signingKey }, tally = null) {
  const { manifestHash } = view.record;
  const before = readNotes(store, manifestHash, signingKey.publicKey);
  const seen = {
    head: view.headerHash(view.size - 1),
    index,
    size: view.size,
    tally: tally ?? before?.tally ?? null,
  };
  store.setItem(place(manifestHash, signingKey.publicKey), fromUtf8(encodeCanonical(seen), "notes"));
}

/**
 * Protocol T23: what is shown now begins with what was seen before.
 *
 * @param {Seen|null} seen
 * @param {import("./source.js").ElectionView} view
 * @throws {AlarmError}
 */
export function verifySeen(seen, view) {
  if (!seen) return;
  if (view.size < seen.size || view.headerHash(seen.size - 1) !== seen.head) {
    throw asAlarm(new VerificationError("21", "record", "is not what this browser has seen with this key before"));
  }
}

/**
 * Protocol T29: a share is made of one tally per election.
 *
 * @param {Seen|null} seen
 * @param {string} tally hash of the body of `tally.encrypted`
 * @throws {AlarmError}
 */
export function requireFirstTally(seen, tally) {
  if (!seen?.tally || seen.tally === tally) return;
  throw new AlarmError(t("This is a second tally: this key has made a share of another one."), {
    remedy: t("Stop. Save what is on this page and tell the other trustees and the observers."),
    detail: "check 16",
  });
}

function place(manifestHash, signingKey) {
  return `urne-trustee/${manifestHash}/${toHex(signingKey)}`;
}
