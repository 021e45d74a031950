/**
 * The trustee's situation in words (docs/guide-trustee.md). The sentences are those of `urne-trustee status` wherever
 * both say the same.
 *
 * Pure. Must not touch the document or the network.
 */

import { sha256Hex } from "../core/hash.js";
import { tracker } from "../core/tracker.js";
import { language, momentText, plainText, t } from "../text.js";

/**
 * @typedef {import("./record.js").ElectionRecord} ElectionRecord
 * @typedef {import("./moves.js").Situation} Situation
 * @typedef {import("./moves.js").Move} Move
 */

/**
 * Protocol T31: what to read aloud of a public key: the first 80 bits of its SHA-256, written like a tracker.
 *
 * @param {Uint8Array} key
 * @returns {string}
 */
export function fingerprint(key) {
  return tracker(sha256Hex(key));
}

/** The election's title in the language of the page, or its first. @param {ElectionRecord} record */
export function titleOf({ manifest }) {
  return plainText(manifest.title, language() in manifest.title ? language() : manifest.languages[0]);
}

/** Names of trustees, joined by commas. */
export function namesOf({ manifest }, indices) {
  return indices.map((index) => manifest.trustees[index - 1].name).join(", ");
}

function since(now) {
  return now.since ? momentText(now.since) : "?";
}

/**
 * Whom everybody waits for, and since when.
 *
 * @param {ElectionRecord} record
 * @param {Situation} now
 * @param {number|null} me left out of the names: they know
 * @returns {string[]}
 */
export function waitingLines(record, now, me) {
  const acts = [...new Set(now.duties.values())];
  const lines = acts.map((act) => {
    const others = [...now.duties].filter(([index, duty]) => duty === act && index !== me).map(([index]) => index);
    return others.length ? waitingFor(act, namesOf(record, others), since(now), now.missing) : "";
  });
  return now.duties.size ? lines.filter(Boolean) : [waitingForOthers(record, now)];
}

function waitingFor(act, names, since, missing) {
  switch (act) {
    case "join":
      return t("Waiting for {names} to join (since {since}).", { names, since });
    case "commit":
      return t("Waiting for {names} to commit (since {since}).", { names, since });
    case "deal":
      return t("Waiting for {names} to deal their shares (since {since}).", { names, since });
    case "answer":
      return t("Waiting for {names} to answer a complaint (since {since}).", { names, since });
    case "decrypt":
      return t("Waiting for decryption (since {since}): {missing} more needed, from {names}.", {
        names,
        since,
        missing,
      });
    default:
      return t("Waiting for {names} to check their shares and confirm (since {since}).", { names, since });
  }
}

function waitingForOthers(record, now) {
  const values = { since: since(now) };
  switch (now.stage) {
    case "failed":
      return t(
        "The ceremony has failed: {name} dealt a wrong share. Waiting for the administrator to restart it without " +
          "{name} (since {since}).",
        { ...values, name: namesOf(record, [record.ceremony.failed]) },
      );
    case "ready":
      return t("The key is ready. Waiting for the administrator to open the election (since {since}).", values);
    case "voting":
      return t("Voting is open (since {since}). Waiting for the administrator to close it.", values);
    case "closed":
      return t("Waiting for the administrator to compute the encrypted tally (since {since}).", values);
    case "decrypted":
      return t("Enough shares are there. Waiting for the administrator to publish the result (since {since}).", values);
    case "published":
      return t("The result was published on {since}. Nobody has to do anything.", values);
    default:
      return t("The election was cancelled on {since}. Nobody has to do anything.", values);
  }
}

const ROUNDS = ["trustee.confirmed", "trustee.dealt", "trustee.committed", "trustee.joined"];

/**
 * Where one trustee stands: a word, a shape ("done", "wait", "bad" or none), and since when.
 *
 * @param {ElectionRecord} record
 * @param {Situation} now
 * @param {number} index
 * @returns {{text: string, shape: ""|"done"|"wait"|"bad", time: string}}
 */
export function trusteeState(record, now, index) {
  const trustee = record.ceremony.trustees.get(index);
  if (!trustee) return { text: t("left out of this ceremony"), shape: "", time: "" };
  const share = record.shares.get(index);
  if (share) return { text: t("has decrypted"), shape: "done", time: share.time };
  if (record.ceremony.failed === index) return { text: t("has dealt a wrong share"), shape: "bad", time: "" };
  const complaints = record.ceremony.openComplaints().filter(({ by }) => by === index);
  if (complaints.length && !now.duties.has(index)) {
    const names = namesOf(
      record,
      complaints.map(({ dealer }) => dealer),
    );
    return {
      text: t("has complained about {names}", { names }),
      shape: "bad",
      time: trustee.times.get("trustee.complained"),
    };
  }
  const duty = now.duties.get(index);
  if (duty) return { text: dutyWords(duty), shape: duty === "answer" ? "bad" : "wait", time: "" };
  const round = ROUNDS.find((kind) => trustee.times.has(kind));
  return { text: doneWords(round), shape: "done", time: trustee.times.get(round) ?? "" };
}

function dutyWords(act) {
  const words = {
    join: () => t("has to join"),
    commit: () => t("has to commit"),
    deal: () => t("has to send the shares"),
    confirm: () => t("has to check the shares and confirm"),
    answer: () => t("has to answer a complaint"),
    decrypt: () => t("has not decrypted yet"),
  };
  return words[act]();
}

function doneWords(round) {
  const words = {
    "trustee.joined": () => t("has joined"),
    "trustee.committed": () => t("has committed"),
    "trustee.dealt": () => t("has sent the shares"),
    "trustee.confirmed": () => t("has confirmed the joint key"),
  };
  return round ? words[round]() : t("has joined");
}

/**
 * What this trustee's next move is: a heading, what it does, and the words on its button.
 *
 * @param {ElectionRecord} record
 * @param {Move} move with an act
 * @returns {{heading: string, explanation: string, button: string}}
 */
export function moveWords(record, { act, others }) {
  const names = namesOf(record, others);
  switch (act) {
    case "join":
      return {
        heading: t("Your move: join"),
        explanation: t("Step 1: joining, with your keys and a promise of what you will commit to."),
        button: t("Yes, join"),
      };
    case "commit":
      return {
        heading: t("Your move: commit"),
        explanation: t("Step 2: all have joined. Publishing what your part of the key is committed to."),
        button: t("Publish my commitment"),
      };
    case "deal":
      return {
        heading: t("Your move: send the shares"),
        explanation: t("Step 3: all have committed. Sealing one share to every trustee."),
        button: t("Send the sealed shares"),
      };
    case "complain":
      return {
        heading: t("Your move: complain"),
        explanation: t("Step 4: the share from {names} does not open or does not fit. Complaining.", { names }),
        button: t("Complain in public"),
      };
    case "answer":
      return {
        heading: t("Your move: answer a complaint"),
        explanation: t("Step 4: {names} complained about your share. Publishing that share.", { names }),
        button: t("Publish that share"),
      };
    case "decrypt":
      return {
        heading: t("Your move: decrypt the result"),
        explanation: t(
          "Voting is over. First this page checks every ballot and computes the encrypted tally itself. Then it " +
            "asks you.",
        ),
        button: t("Check the ballots"),
      };
    default:
      return {
        heading: t("Your move: confirm"),
        explanation: t("Step 4: every share you were dealt opens and fits. Confirming the joint key."),
        button: t("Confirm the joint key"),
      };
  }
}

/** What a move did, in words that end its heading. */
export function doneLine(seq, type) {
  return t("Done: entry {seq} ({type}) is on the board, and was read back.", { seq, type });
}
