/**
 * Fields that the trustees' forms share: a key file, a passphrase, and a text that says what is wrong.
 *
 * Must not hold state. What is typed stays in the fields until the screen is gone.
 */

import { h, replaceChildren } from "../../dom.js";
import { t } from "../../text.js";
import { openKeyFile, TRUSTEE } from "../key_file.js";
import { KeyFileError } from "../errors.js";
import { tidyPassphrase } from "../passphrase.js";
import { stretch } from "../stretch.js";

const MAX_CHOSEN_BYTES = 1024 * 1024;

/**
 * A field for a passphrase, with a box to show what is typed. Pasting and password managers are welcome.
 *
 * @param {string} label
 * @param {string} [hint]
 * @returns {{element: HTMLElement, input: HTMLInputElement}}
 */
export function passphraseField(label, hint = "") {
  const input = h("input", {
    type: "password",
    id: "passphrase",
    required: true,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": hint ? "passphrase-hint" : null,
  });
  const show = h("input", { type: "checkbox", onchange: () => (input.type = show.checked ? "text" : "password") });
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: "passphrase" }, label),
    hint && h("span", { class: "hint", id: "passphrase-hint" }, hint),
    input,
    h("label", { class: "choice" }, show, t("Show what I type")),
  );
  return { element, input };
}

/**
 * A field for a key file.
 *
 * @param {string} label
 * @returns {{element: HTMLElement, input: HTMLInputElement}}
 */
export function fileField(label) {
  const input = h("input", { type: "file", id: "key-file", required: true });
  return { element: h("div", { class: "field" }, h("label", { for: "key-file" }, label), input), input };
}

/** A place for what is wrong; screen readers say it at once. */
export function complaintBox() {
  const element = h("div", { role: "alert" });
  return {
    element,
    /** @param {{problem: string, remedy: string}|null} failure */
    show(failure) {
      replaceChildren(
        element,
        failure &&
          h("div", { class: "note bad" }, h("p", {}, h("strong", {}, failure.problem)), h("p", {}, failure.remedy)),
      );
    },
  };
}

/**
 * Protocol F4: open the chosen file with the typed passphrase. A passphrase that looks drawn may be typed with spaces
 * and capitals; if that does not open the file, it is tried exactly as typed.
 *
 * @param {File} file
 * @param {string} typed
 * @returns {Promise<Uint8Array>} the seed
 * @throws {KeyFileError}
 */
export async function openChosen(file, typed) {
  if (file.size > MAX_CHOSEN_BYTES) throw noKeyFile();
  let data;
  try {
    data = new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new KeyFileError(t("The browser cannot read this file."), { remedy: t("Choose it again.") });
  }
  const tidy = tidyPassphrase(typed);
  try {
    return await openKeyFile(data, { passphrase: tidy, kind: TRUSTEE, stretch });
  } catch (error) {
    if (tidy === typed || !(error instanceof KeyFileError)) throw error;
    return openKeyFile(data, { passphrase: typed, kind: TRUSTEE, stretch });
  }
}

function noKeyFile() {
  return new KeyFileError(t("This is not a key file of this voting system."), {
    remedy: t("Choose the key file that you made as a trustee."),
  });
}
