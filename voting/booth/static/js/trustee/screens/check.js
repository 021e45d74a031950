/**
 * Prove that one still has one's key: the file opens, and it is the key that took part. Works without a network, on
 * what the page has read of the board.
 *
 * Must not hold state, nor publish anything.
 */

import { h, replaceChildren } from "../../dom.js";
import { t } from "../../text.js";
import { findTrustee } from "../identity.js";
import { readNotes, verifySeen } from "../notes.js";
import { decryptionSecret, faultyDealers, verifyOwnPart } from "../secrets.js";
import { fingerprint, namesOf } from "../words.js";
import { windowTitle } from "./messages.js";
import { keyForm } from "./open_key.js";
import { overviewScreen } from "./overview.js";

/** @param {import("../main.js").TrusteePage} page */
export function checkScreen(page) {
  const results = h("div", { role: "status" });
  const form = keyForm(page, {
    submit: t("Check"),
    back: () => page.show(overviewScreen),
    opened: async (seed) => {
      try {
        const lines = await findings(page, seed);
        replaceChildren(
          results,
          h("h2", {}, t("What was found")),
          h(
            "ul",
            { class: "cards" },
            lines.map(({ text, shape }) => h("li", { class: "card" }, h("span", { class: `state ${shape}` }, text))),
          ),
          h(
            "div",
            { class: "actions" },
            h(
              "button",
              { type: "button", class: "primary", onclick: () => page.show(overviewScreen) },
              t("Back to the overview"),
            ),
          ),
        );
        form.hidden = true;
        results.querySelector("h2").setAttribute("tabindex", "-1");
        results.querySelector("h2").focus();
      } finally {
        seed.fill(0);
      }
    },
  });
  return {
    title: windowTitle(page, t("Check your key file")),
    heading: t("Check your key file"),
    body: [
      h("p", {}, t("This needs no network and publishes nothing. The file and the passphrase stay on this device.")),
      form,
      results,
    ],
  };
}

/** Everything that the page knows of the board, compared with the key. */
async function findings({ record, view, store }, seed) {
  const lines = [{ text: t("The file opens with its passphrase."), shape: "done" }];
  const add = (text, shape = "done") => lines.push({ text, shape });
  const secrets = await findTrustee(seed, record, store);
  const { ceremony, manifest } = record;
  const trustee = secrets && ceremony.trustees.get(secrets.index);
  if (!trustee?.signingKey) {
    add(t("No trustee of this election has joined with this key file."), record.phase === "setup" ? "wait" : "bad");
    return lines;
  }
  verifySeen(readNotes(store, record.manifestHash, secrets.signingKey.publicKey), view);
  verifyOwnPart(secrets, ceremony);
  const { name } = manifest.trustees[secrets.index - 1];
  add(t("Its keys are those of trustee {index}, {name}, on the board.", { index: secrets.index, name }));
  const code = fingerprint(secrets.signingKey.publicKey);
  add(t("Your fingerprint, to read aloud to the others: {code}", { code }));
  if (!ceremony.allDealt) {
    add(t("Not all trustees have dealt their shares yet: check again later."), "wait");
    return lines;
  }
  const faulty = await faultyDealers(secrets, ceremony);
  if (faulty.length) {
    const names = namesOf(record, faulty);
    add(
      t("A share does not open, or does not fit: that of {names}. Open your key on this page to complain.", { names }),
      "bad",
    );
    return lines;
  }
  await decryptionSecret(secrets, ceremony);
  const count = ceremony.trustees.size;
  add(t("All {count} shares open and fit, and together they give your part of the joint key.", { count }));
  add(t("Joint key: {fingerprint}", { fingerprint: fingerprint(record.group.encode(ceremony.jointKey())) }));
  return lines;
}
