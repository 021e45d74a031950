/**
 * The trustees' page itself: whose move it is, one button for the next move, where everybody stands, what to compare
 * with the others, and how to prove that one still has the key.
 *
 * Must not hold state.
 */

import { h } from "../../dom.js";
import { t } from "../../text.js";
import { freePlaces } from "../identity.js";
import { fingerprint, moveWords, waitingLines } from "../words.js";
import { checkScreen } from "./check.js";
import { decryptScreen } from "./decrypt.js";
import { failurePanel, windowTitle } from "./messages.js";
import { makeKeyScreen } from "./make_key.js";
import { openKeyScreen } from "./open_key.js";
import { comparison, electionFacts, standing } from "./standing.js";

const OVER = ["published", "cancelled"];

/** @param {import("../main.js").TrusteePage} page */
export function overviewScreen(page) {
  return {
    title: windowTitle(page, t("Trustees")),
    heading: t("Trustees of this election"),
    body: [
      page.failure && failurePanel(page.failure),
      page.done.length > 0 &&
        h(
          "div",
          { class: "note good" },
          page.done.map((line) => h("p", { class: "state done" }, line)),
        ),
      movePanel(page),
      standing(page),
      comparison(page),
      possession(page),
      whichTool(),
    ],
  };
}

// -- the next move ----------------------------------------------------------------------------------------------------

function movePanel(page) {
  if (!page.key) return OVER.includes(page.now.stage) ? overPanel(page) : noKeyPanel(page);
  const { secrets } = page.key;
  if (!secrets) return whoPanel(page);
  const { record, now, move } = page;
  const who = h("p", {}, t("Your key is open: trustee {index}, {name}.", nameOf(record, secrets.index)));
  const forget = button(page, "forget", t("Close my key"), () => page.forgetKey(), "link");
  if (!record.ceremony.trustees.has(secrets.index)) {
    return quietPanel(
      t("Not your move"),
      [who, h("p", {}, t("You were left out of this ceremony. There is nothing for you to do."))],
      [forget],
    );
  }
  if (!move.act) {
    const lines = [t("There is nothing for you to do now."), ...waitingLines(record, now, secrets.index)];
    const look = button(page, "look", t("Look for news"), () => page.readNews());
    return quietPanel(
      t("Not your move"),
      [who, lines.map((line) => h("p", {}, line)), waitingHint(now), confirmedHint(page)],
      [!OVER.includes(now.stage) && look, forget],
    );
  }
  const { heading, explanation, button: label } = moveWords(record, move);
  const act = move.act === "decrypt" ? () => page.show(decryptScreen) : () => page.perform(move);
  return h(
    "section",
    { class: "move" },
    h("h2", {}, heading),
    who,
    move.act === "join" ? joinQuestion(page) : h("p", {}, explanation),
    h("div", { class: "actions" }, button(page, "move", label, act, "primary"), forget),
  );
}

function joinQuestion({ record, key }) {
  return [
    h("p", {}, t("You are about to join as trustee {index}, {name}.", nameOf(record, key.secrets.index))),
    electionFacts(record),
    h("p", {}, h("strong", {}, t("Is this the election you were told of, and are you this trustee?"))),
    h("p", {}, t("Compare the manifest hash with the one that you were told on another way than this page.")),
  ];
}

function waitingHint({ stage }) {
  if (OVER.includes(stage))
    return h("p", {}, t("You may delete your key file, its copy, and the paper with the passphrase."));
  return h(
    "p",
    { class: "quiet" },
    t(
      "While this page is open, it looks for news by itself. You may also close it, and come back later with your " +
        "key file and your passphrase.",
    ),
  );
}

/** After the joint key is confirmed: the fingerprint to read to the others. */
function confirmedHint({ record, key }) {
  const trustee = record.ceremony.trustees.get(key.secrets.index);
  if (!trustee?.signingKey || record.phase !== "setup") return null;
  return h(
    "p",
    {},
    t("Your fingerprint, to read aloud to the others, over the telephone for instance:"),
    h("span", { class: "tracker" }, fingerprint(key.secrets.signingKey.publicKey)),
  );
}

function overPanel({ record, now }) {
  return quietPanel(
    t("Nobody’s move"),
    waitingLines(record, now, null).map((line) => h("p", {}, line)),
    [],
  );
}

function noKeyPanel(page) {
  const { record, now } = page;
  const free = freePlaces(record);
  const open = (style) => button(page, "open", t("Open my key file"), () => page.show(openKeyScreen), style);
  if (free.length === 0) {
    return h(
      "section",
      { class: "move" },
      h("h2", {}, t("Are you a trustee?")),
      waitingLines(record, now, null).map((line) => h("p", {}, line)),
      h("p", {}, t("Open your key file, and this page says what you have to do.")),
      h("div", { class: "actions" }, open("primary")),
    );
  }
  const invited = free.includes(page.invited) ? page.invited : null;
  return h(
    "section",
    { class: "move" },
    h(
      "h2",
      {},
      invited ? t("You are invited as trustee {index}, {name}", nameOf(record, invited)) : t("Are you a trustee?"),
    ),
    h(
      "p",
      {},
      t(
        "Votes are encrypted with a key that nobody has. Each trustee holds one part of it, and {threshold} of " +
          "{total} are needed to decrypt. Only the total is ever decrypted.",
        { threshold: record.manifest.threshold, total: record.manifest.trustees.length },
      ),
    ),
    h(
      "p",
      {},
      t(
        "It takes a few minutes now, and a few more after voting. You cannot break anything by typing the wrong thing.",
      ),
    ),
    h(
      "div",
      { class: "actions" },
      button(page, "make", t("Make my key"), () => page.show(makeKeyScreen), "primary"),
      open(""),
    ),
  );
}

/** The key is new to this ceremony: who is it? */
function whoPanel(page) {
  const free = freePlaces(page.record);
  const forget = button(page, "forget", t("Close my key"), () => page.forgetKey(), "link");
  if (free.length === 0) {
    const failure = t("No trustee of this election has joined with this key file.");
    return quietPanel(
      t("Another key file"),
      [h("p", {}, failure), h("p", {}, t("Use the key file you joined with."))],
      [forget],
    );
  }
  const chosen = { index: free.includes(page.invited) ? page.invited : null };
  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        if (chosen.index !== null) page.become(chosen.index);
      },
    },
    whoFields(page.record, free, chosen),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "submit", class: "primary", id: "who" }, t("That is me")),
      forget,
    ),
  );
  const told = h("p", {}, t("This key file has not joined this election."));
  return h("section", { class: "move" }, h("h2", {}, t("Which trustee are you?")), told, form);
}

/**
 * One radio button for each trustee who has not joined.
 *
 * @param {import("../record.js").ElectionRecord} record
 * @param {number[]} free
 * @param {{index: number|null}} chosen
 * @returns {HTMLElement}
 */
export function whoFields(record, free, chosen) {
  return h(
    "fieldset",
    {},
    h("legend", {}, t("Your name, as the election has it")),
    free.map((index) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: "radio",
          name: "trustee",
          value: index,
          required: true,
          checked: chosen.index === index,
          onchange: () => (chosen.index = index),
        }),
        h("span", {}, `${index} · `, h("bdi", {}, record.manifest.trustees[index - 1].name)),
      ),
    ),
  );
}

function quietPanel(heading, body, actions) {
  const kept = actions.filter(Boolean);
  return h(
    "section",
    { class: "move quiet-move" },
    h("h2", {}, heading),
    body,
    kept.length > 0 && h("div", { class: "actions" }, kept),
  );
}

function button(page, id, label, onclick, style = "") {
  return h("button", { type: "button", id, class: style || null, disabled: page.busy, onclick }, label);
}

function nameOf(record, index) {
  return { index, name: record.manifest.trustees[index - 1].name };
}

// -- the rest ---------------------------------------------------------------------------------------------------------

function possession(page) {
  return h(
    "section",
    { "aria-labelledby": "possession" },
    h("h2", { id: "possession" }, t("Prove that you still have your key")),
    h("p", {}, t("Do this with the file and with its copy, and certainly before voting opens. It publishes nothing.")),
    h(
      "div",
      { class: "actions" },
      button(page, "check", t("Check my key file"), () => page.show(checkScreen)),
    ),
  );
}

function whichTool() {
  return h(
    "details",
    {},
    h("summary", {}, t("This page, or the program urne-trustee?")),
    h(
      "p",
      {},
      t(
        "Both do the same and can be mixed: a key file made here works there, and the other way round. Your key " +
          "and your passphrase never leave this device.",
      ),
    ),
    h(
      "p",
      {},
      t(
        "But the program of this page comes from the organiser’s server, each time you open it. A dishonest " +
          "server could send another one, which gives your key away. The program urne-trustee is installed once, " +
          "can be checked, and works on a computer without network. If the election is important, let at least some " +
          "of the trustees use it: as many that the others are too few to decrypt.",
      ),
    ),
  );
}
