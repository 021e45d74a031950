/**
 * Opening a key file: by a trustee who comes back, or to prove that a new one was kept.
 *
 * Must not hold state.
 */

import { h } from "../../dom.js";
import { t } from "../../text.js";
import { complaintBox, fileField, openChosen, passphraseField } from "./forms.js";
import { forPeople, windowTitle } from "./messages.js";
import { overviewScreen } from "./overview.js";

/** @param {import("../main.js").TrusteePage} page */
export function openKeyScreen(page) {
  return {
    title: windowTitle(page, t("Open your key file")),
    heading: t("Open your key file"),
    body: [
      h("p", {}, t("The file and the passphrase stay on this device. Nothing is sent.")),
      keyForm(page, {
        submit: t("Open"),
        back: () => page.show(overviewScreen),
        opened: (seed) => page.useKey(seed),
      }),
    ],
  };
}

/**
 * A form that opens a key file.
 *
 * @param {import("../main.js").TrusteePage} page
 * @param {object} options
 * @param {string} options.submit words on the button
 * @param {() => void} options.back
 * @param {(seed: Uint8Array) => unknown} options.opened may throw an error for people
 * @returns {HTMLElement}
 */
export function keyForm(page, { submit, back, opened }) {
  const file = fileField(t("Your key file"));
  const passphrase = passphraseField(t("Its passphrase"));
  const wrong = complaintBox();
  const button = h("button", { type: "submit", class: "primary" }, submit);
  const form = h("form", { novalidate: true }, wrong.element, file.element, passphrase.element);
  form.append(
    h("div", { class: "actions" }, button, h("button", { type: "button", class: "link", onclick: back }, t("Back"))),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.show(null);
    const chosen = file.input.files[0];
    if (!chosen) {
      wrong.show({ problem: t("No file is chosen."), remedy: t("Choose your key file.") });
      file.input.focus();
      return;
    }
    button.disabled = true;
    page.say(t("Opening the key file. This takes a few seconds …"));
    try {
      const seed = await openChosen(chosen, passphrase.input.value);
      page.say("");
      if (form.isConnected) await opened(seed);
    } catch (error) {
      page.say("");
      wrong.show(forPeople(error));
      button.disabled = false;
      passphrase.input.focus();
      passphrase.input.select();
    }
  });
  return form;
}
