/**
 * What can go wrong, in words: what happened, whether the vote counts, what to do, a short code (experience.md, rule
 * 22). Raw texts of errors are never shown.
 *
 * Must not import screens.
 */

import { QuorumMissing, UnsupportedBrowser, UrneError } from "../core/errors.js";
import { t } from "../text.js";
import { NoAnswer, Refused } from "./network.js";
import { WorkerFailed } from "./worker_client.js";

/** Whether the vote counts: it does not; nobody knows yet. */
const NOT_COUNTED = "no";
export const UNKNOWN = "unknown";

/** Something that the voter must be told. */
export class Failure extends Error {
  /**
   * @param {keyof typeof WORDS} code
   * @param {{counted?: "no"|"unknown", detail?: string, cause?: unknown}} [options] `detail` joins the code: a check's
   *   number or an HTTP status, nothing else
   */
  constructor(code, { counted = NOT_COUNTED, detail = "", cause } = {}) {
    super(code, { cause });
    this.name = "Failure";
    this.code = code;
    this.detail = detail;
    this.counted = counted;
  }

  /** The short code that the voter can quote. */
  get reference() {
    return this.detail ? `${this.code}-${this.detail}` : this.code;
  }

  /** @returns {{title: string, remedy: string}} in the language of the page */
  get words() {
    return WORDS[this.code]();
  }
}

const WORDS = {
  NET: () => ({
    title: t("The server does not answer"),
    remedy: t("Check your connection, then try again."),
  }),
  BUSY: () => ({
    title: t("Too many requests at the moment"),
    remedy: t("Wait a minute, then try again."),
  }),
  SERVER: () => ({
    title: t("The server refused the request"),
    remedy: t("Load the page again. If it happens again, call the contact below and quote the code."),
  }),
  ELECTION: () => ({
    title: t("The data of this election do not fit together"),
    remedy: t("Do not vote here. Call the contact below and quote the code."),
  }),
  BROWSER: () => ({
    title: t("This browser cannot lock votes"),
    remedy: t("Use a newer browser (for example Firefox, Chrome, Edge or Safari of 2025 or later) or another device."),
  }),
  LOCK: () => ({
    title: t("Your vote could not be locked on this device"),
    remedy: t("Load the page again. If it happens again, use another browser or device."),
  }),
  CLOSED: () => ({
    title: t("Voting has closed"),
    remedy: t("No vote can be cast any more."),
  }),
  CANCELLED: () => ({
    title: t("This election was cancelled"),
    remedy: t("Nobody can vote in it. The reason is on the election page."),
  }),
  EARLY: () => ({
    title: t("Voting is not open yet"),
    remedy: t("Come back when it has opened."),
  }),
  WITNESSES: () => ({
    title: t("The witnesses of this election have not signed yet"),
    remedy: t("You cannot vote before they have. This page asks again by itself."),
  }),
  REFUSED: () => ({
    title: t("The ballot box did not accept your vote"),
    remedy: t("Try once more. If it happens again, call the contact below and quote the code."),
  }),
  TOKEN: () => ({
    title: t("Your confirmation by e-mail has expired"),
    remedy: t("Ask for a new one-time code; your choices are kept."),
  }),
  PROMISE: () => ({
    title: t("The answer of the ballot box does not hold"),
    remedy: t(
      "It could not prove that it keeps your vote. Save the evidence, call the contact below and quote the code.",
    ),
  }),
  BUG: () => ({
    title: t("Something went wrong in this page"),
    remedy: t("Load the page again. If it happens again, use another browser or device."),
  }),
};

/**
 * The failure that an error at the start means, before anything could be sent.
 *
 * @param {unknown} error
 * @returns {Failure}
 */
export function startFailure(error) {
  if (error instanceof Failure) return error;
  if (error instanceof NoAnswer) return temporary(error, NOT_COUNTED);
  if (error instanceof Refused) return new Failure("SERVER", { detail: String(error.status), cause: error });
  if (error instanceof UnsupportedBrowser) return new Failure("BROWSER", { cause: error });
  if (error instanceof WorkerFailed) return new Failure("LOCK", { cause: error });
  if (error instanceof QuorumMissing) return new Failure("WITNESSES", { cause: error });
  if (error instanceof UrneError) return new Failure("ELECTION", { detail: error.check ?? error.code, cause: error });
  return new Failure("BUG", { cause: error });
}

/**
 * The failure that an error of casting means.
 *
 * @param {unknown} error
 * @param {string} phase of the election now, as far as it is known
 * @returns {Failure}
 */
export function castFailure(error, phase) {
  if (error instanceof Failure) return error;
  if (error instanceof NoAnswer) return temporary(error, UNKNOWN);
  if (error instanceof WorkerFailed) return new Failure("LOCK", { cause: error });
  if (error instanceof Refused) {
    const closed = phaseFailure(phase);
    if (closed) return closed;
    if (error.status === 403) return new Failure("TOKEN", { cause: error });
    return new Failure("REFUSED", { detail: error.check || String(error.status), cause: error });
  }
  if (error instanceof UrneError) {
    return new Failure("PROMISE", { counted: UNKNOWN, detail: error.check ?? error.code, cause: error });
  }
  return new Failure("BUG", { counted: UNKNOWN, cause: error });
}

/**
 * Why nobody can vote in this phase; null while the election is open.
 *
 * @param {string} phase
 */
export function phaseFailure(phase) {
  if (phase === "open") return null;
  if (phase === "setup") return new Failure("EARLY");
  return new Failure(phase === "cancelled" ? "CANCELLED" : "CLOSED");
}

function temporary(error, counted) {
  if (error.status === 429) return new Failure("BUSY", { counted, cause: error });
  return new Failure("NET", { counted, detail: error.status ? String(error.status) : "", cause: error });
}

/** The sentence that says whether the vote counts. `votedBefore`: an earlier vote is on the board. */
export function countedWords(counted, votedBefore) {
  if (counted === UNKNOWN) return t("It is not known yet whether your vote was counted.");
  if (votedBefore) return t("This new vote was not counted. Your earlier vote still counts.");
  return t("Your vote was not counted.");
}
