/**
 * The worker that locks votes: it draws the seed, encrypts and proves, and lets out either the ballot or the seed
 * (docs/spec/ballots.md, B2, B4a, B17). See `lock.js`. It has no network and no document.
 *
 * Must not import anything but `core`, `methods`, `prepare.js` and `worker_client.js`.
 */

import { SEED_BYTES, buildBallot, prepareKey } from "../core/ballot.js";
import { fromBase64Url, fromUtf8 } from "../core/bytes.js";
import { encodeOpening } from "../core/opening.js";
import { lockNumber, tracker } from "../core/tracker.js";
import { encodeSelections } from "../methods/index.js";
import { prepareContext } from "./prepare.js";
import { answerWith } from "./worker_client.js";

let context = null;
let manifest = null;
let credential = null;
let locked = null;
let count = 0;

const STEPS = {
  prepare({ context: data }) {
    context = prepareContext(data);
    manifest = data.manifest;
    credential = data.credential ? fromBase64Url(data.credential, 32, "credential") : new Uint8Array(32);
    prepareKey(context);
    return {};
  },

  lock({ selections }) {
    const seed = crypto.getRandomValues(new Uint8Array(SEED_BYTES));
    const ballot = buildBallot(context, credential, encodeSelections(manifest, selections), seed);
    count += 1;
    locked = { id: count, ballot, seed, selections };
    return { id: count, lockNumber: lockNumber(ballot.hash) };
  },

  cast({ id }) {
    const { ballot } = take(id);
    return { content: ballot.content, hints: ballot.hints, tracker: tracker(ballot.hash) };
  },

  open({ id }) {
    const { seed, selections } = take(id);
    const opening = { choices: selections, credential, election: context.election, seed };
    return { opening: fromUtf8(encodeOpening(opening), "opening") };
  },
};

/** The locked vote, once: it is forgotten here at the same moment. */
function take(id) {
  const vote = locked;
  if (vote === null || vote.id !== id) throw new Error("this vote was used or replaced");
  locked = null;
  return vote;
}

answerWith(STEPS);
