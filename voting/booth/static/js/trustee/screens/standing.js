/**
 * Where everybody stands in the ceremony, and what trustees compare with each other. Parts of other screens.
 *
 * Must not hold state.
 */

import { h, words } from "../../dom.js";
import { momentText, t } from "../../text.js";
import { STEP_OF, STEPS } from "../moves.js";
import { fingerprint, titleOf, trusteeState } from "../words.js";

/**
 * One row for each trustee: a word, a shape, since when.
 *
 * @param {import("../main.js").TrusteePage} page
 */
export function standing({ record, now, key }) {
  const me = key?.secrets?.index ?? null;
  const rows = record.manifest.trustees.map(({ name }, position) => {
    const index = position + 1;
    const { text, shape, time } = trusteeState(record, now, index);
    return h(
      "tr",
      { class: index === me ? "me" : null },
      h("td", { class: "number" }, index),
      h("th", { scope: "row" }, h("bdi", {}, name), index === me && ` (${t("you")})`),
      h(
        "td",
        {},
        shape ? h("span", { class: `state ${shape}` }, text) : text,
        time && h("span", { class: "when quiet small" }, momentText(time)),
      ),
    );
  });
  return h(
    "section",
    { "aria-labelledby": "standing" },
    h("h2", { id: "standing" }, t("Where everybody stands")),
    h("p", { class: "steps-line" }, t("Step {step} of {steps}.", { step: STEP_OF[now.stage], steps: STEPS })),
    h(
      "div",
      { class: "table-box" },
      h(
        "table",
        { class: "trustee-table" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, t("No.")),
            h("th", { scope: "col" }, t("Trustee")),
            h("th", { scope: "col" }, t("State")),
          ),
        ),
        h("tbody", {}, rows),
      ),
    ),
  );
}

/**
 * Fingerprints to read to each other.
 *
 * @param {import("../main.js").TrusteePage} page
 */
export function comparison({ record, move }) {
  const { ceremony, group } = record;
  const joined = [...ceremony.trustees.values()].filter(({ signingKey }) => signingKey !== null);
  const isAsked = move.act === "join";
  if (isAsked && joined.length === 0) return null;
  return h(
    "section",
    { "aria-labelledby": "compare" },
    h("h2", { id: "compare" }, t("Compare with the other trustees")),
    h(
      "p",
      {},
      t(
        "Read these to each other, over the telephone for instance. If anything differs, somebody stands in " +
          "between: stop.",
      ),
    ),
    !isAsked && electionFacts(record),
    joined.length > 0 && h("p", {}, t("Fingerprints to compare with what each trustee reads aloud:")),
    h(
      "dl",
      { class: "read-aloud" },
      joined.map(({ index, name, signingKey }) => [
        h("dt", {}, `${index} · `, h("bdi", {}, name)),
        h("dd", { class: "tracker" }, fingerprint(signingKey)),
      ]),
      ceremony.allCommitted && [
        h("dt", {}, t("Joint key")),
        h("dd", { class: "tracker" }, fingerprint(group.encode(ceremony.jointKey()))),
      ],
    ),
  );
}

/** Which election this is, and what every trustee should see alike. */
export function electionFacts(record) {
  const { manifest, manifestHash } = record;
  return h(
    "dl",
    { class: "facts" },
    h("dt", {}, t("Election")),
    words("dd", titleOf(record)),
    h("dt", {}, t("Manifest hash")),
    h("dd", { class: "mono hash" }, manifestHash),
    h("dt", {}, t("Trustees")),
    h(
      "dd",
      {},
      t("{total}, any {threshold} of them decrypt together", {
        total: manifest.trustees.length,
        threshold: manifest.threshold,
      }),
    ),
  );
}
