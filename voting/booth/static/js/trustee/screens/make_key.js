/**
 * Making a key, in four steps: who one is, the passphrase, the file, and the proof that both were kept. Only then can
 * anything be published with it.
 *
 * The walk's state is in a closure that ends with it. Must not store anything.
 */

import { equal } from "../../core/bytes.js";
import { h } from "../../dom.js";
import { t } from "../../text.js";
import { KeyFileError } from "../errors.js";
import { saveFile } from "../frame.js";
import { freePlaces } from "../identity.js";
import { TRUSTEE, writeKeyFile } from "../key_file.js";
import { generatePassphrase, tidyPassphrase } from "../passphrase.js";
import { stretch } from "../stretch.js";
import { complaintBox, passphraseField } from "./forms.js";
import { forPeople, windowTitle } from "./messages.js";
import { keyForm } from "./open_key.js";
import { overviewScreen, whoFields } from "./overview.js";
import { electionFacts } from "./standing.js";

const STEPS = 4;
const SEED_BYTES = 32;

/** @param {import("../main.js").TrusteePage} page */
export function makeKeyScreen(page) {
  const walk = { chosen: { index: null }, passphrase: "", seed: null, file: null, name: "", isSaved: false };
  if (freePlaces(page.record).includes(page.invited)) walk.chosen.index = page.invited;
  page.screen = () => whoStep(page, walk);
  return whoStep(page, walk);
}

function step(page, number, heading, body) {
  return {
    title: windowTitle(page, heading),
    before: h("p", { class: "steps-line" }, t("Make your key: step {step} of {steps}", { step: number, steps: STEPS })),
    heading,
    body,
  };
}

function giveUp(page, walk) {
  walk.seed?.fill(0);
  page.isHalfDone = false;
  page.show(overviewScreen);
}

function actions(page, walk, ...buttons) {
  const leave = h(
    "button",
    { type: "button", class: "link", onclick: () => giveUp(page, walk) },
    t("Give up; nothing is kept"),
  );
  return h("div", { class: "actions" }, buttons, leave);
}

// -- 1: who -----------------------------------------------------------------------------------------------------------

function whoStep(page, walk) {
  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        if (walk.chosen.index === null) return;
        walk.passphrase ||= generatePassphrase(randomBytes);
        page.isHalfDone = true;
        page.show(() => passphraseStep(page, walk));
      },
    },
    whoFields(page.record, freePlaces(page.record), walk.chosen),
    actions(page, walk, h("button", { type: "submit", class: "primary" }, t("Go on"))),
  );
  return step(page, 1, t("Who are you?"), [
    electionFacts(page.record),
    h("p", {}, t("Compare the manifest hash with the one that you were told on another way than this page.")),
    form,
  ]);
}

// -- 2: the passphrase ------------------------------------------------------------------------------------------------

function passphraseStep(page, walk) {
  return step(page, 2, t("Your passphrase"), [
    h(
      "p",
      {},
      t("Your key will be kept in a file, locked with this passphrase. After this step it is not shown again."),
    ),
    h(
      "p",
      { class: "passphrase", lang: "zxx" },
      walk.passphrase.split("-").flatMap((word, i) => (i ? ["-", h("wbr"), word] : [word])),
    ),
    h("p", {}, h("strong", {}, t("Write it on paper now, and keep the paper apart from the file."))),
    h("p", {}, t("Without it the file is of no use, to you as to anybody else. Nobody can give it to you again.")),
    actions(
      page,
      walk,
      h(
        "button",
        { type: "button", class: "primary", onclick: () => page.show(() => typeBackStep(page, walk)) },
        t("I have written it down"),
      ),
    ),
  ]);
}

function typeBackStep(page, walk) {
  const field = passphraseField(t("Type the passphrase from your paper"));
  const wrong = complaintBox();
  const button = h("button", { type: "submit", class: "primary" }, t("Go on"));
  const again = h(
    "button",
    { type: "button", onclick: () => page.show(() => passphraseStep(page, walk)) },
    t("Show it once more"),
  );
  const submit = async (event) => {
    event.preventDefault();
    wrong.show(null);
    if (tidyPassphrase(field.input.value) !== walk.passphrase) {
      wrong.show({
        problem: t("That is not the same passphrase."),
        remedy: t("Type it again, or have it shown once more and correct your paper."),
      });
      field.input.focus();
      field.input.select();
      return;
    }
    button.disabled = true;
    page.say(t("Making your key. This takes a few seconds …"));
    try {
      await makeFile(page, walk);
      page.say("");
      page.show(() => saveStep(page, walk));
    } catch (error) {
      page.say("");
      wrong.show(forPeople(error));
      button.disabled = false;
    }
  };
  const form = h(
    "form",
    { novalidate: true, onsubmit: submit },
    wrong.element,
    field.element,
    actions(page, walk, button, again),
  );
  return step(page, 2, t("Type the passphrase back"), [
    h("p", {}, t("This shows that your paper is right, before anything depends on it.")),
    form,
  ]);
}

/** The key and its file. Both exist in this page only, so far. */
async function makeFile(page, walk) {
  const { index } = walk.chosen;
  const election = page.base.split("/").pop() || "election";
  walk.seed ??= randomBytes(SEED_BYTES);
  walk.file = await writeKeyFile(walk.seed, {
    kind: TRUSTEE,
    label: labelFor(page.record.manifest.trustees[index - 1].name, index),
    passphrase: walk.passphrase,
    stretch,
    randomBytes,
  });
  walk.name = `${election}-trustee-${index}.key`;
}

/** A name as the label of a key file: printable, and with plain spaces only. */
function labelFor(name, index) {
  const label = name
    .normalize("NFC")
    .replace(/\p{Z}+/gu, " ")
    .replace(/\p{C}/gu, "")
    .trim();
  return label || `trustee ${index}`;
}

// -- 3: the file ------------------------------------------------------------------------------------------------------

function saveStep(page, walk) {
  const go = h(
    "button",
    { type: "button", id: "go", disabled: !walk.isSaved, onclick: () => page.show(() => reopenStep(page, walk)) },
    t("I have saved it"),
  );
  const save = () => {
    saveFile(walk.name, walk.file, "text/plain");
    walk.isSaved = true;
    go.disabled = false;
    page.say(t("The browser saves the file {name}, usually among your downloads.", { name: walk.name }), {
      isNews: true,
    });
  };
  return step(page, 3, t("Save your key file"), [
    h("p", {}, t("The file is {name}. Save it where you will find it again.", { name: walk.name })),
    h(
      "p",
      {},
      t(
        "Then copy it to a second place, such as a USB stick, and keep that in another room or house. Not in a " +
          "cloud folder.",
      ),
    ),
    h("p", {}, h("strong", {}, t("If you lose the file and its copy, your part is lost for good."))),
    actions(
      page,
      walk,
      h("button", { type: "button", id: "save", class: "primary", onclick: save }, t("Save the key file")),
      go,
    ),
  ]);
}

// -- 4: both were kept ------------------------------------------------------------------------------------------------

function reopenStep(page, walk) {
  const form = keyForm(page, {
    submit: t("Open it"),
    back: () => page.show(() => saveStep(page, walk)),
    opened: async (seed) => {
      if (!equal(seed, walk.seed)) {
        throw new KeyFileError(t("This is another key file than the one just made."), {
          remedy: t("Choose the file {name}.", { name: walk.name }),
        });
      }
      walk.seed.fill(0);
      walk.passphrase = "";
      await page.useKey(seed, walk.chosen.index);
    },
  });
  return step(page, 4, t("Open the file you saved"), [
    h(
      "p",
      {},
      t(
        "Choose the file where you saved it, and type the passphrase once more. So it is certain that you have " +
          "both, before anything is published.",
      ),
    ),
    form,
  ]);
}

function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}
