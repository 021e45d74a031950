/**
 * The worker of the device test: it makes the ballot of an opening again (docs/spec/ballots.md, B17). It has no network
 * and no document.
 *
 * Must not import anything but `core`, `methods`, and `prepare.js` and `worker_client.js` of the booth.
 */

import { openBallot, parseOpening } from "../core/opening.js";
import { prepareContext } from "../booth/prepare.js";
import { answerWith } from "../booth/worker_client.js";
import { encodeSelections, parseSelections } from "../methods/index.js";

let context = null;
let manifest = null;

answerWith({
  prepare({ context: data }) {
    context = prepareContext(data);
    manifest = data.manifest;
    return {};
  },

  reopen({ opening }) {
    const parsed = parseOpening(opening);
    const selections = parseSelections(manifest, parsed.choices);
    const { lockNumber } = openBallot(context, parsed, encodeSelections(manifest, selections));
    return { lockNumber, selections };
  },
});
