/**
 * The trustees' page: whose move it is, and the trustee's own moves, in the browser (docs/guide-trustee.md). This
 * module holds the state; `screens/` draw it. The key lives in this object only, until the page is left or the key
 * forgotten.
 *
 * Must not be imported by other modules.
 */

import { requireEd25519 } from "../core/ed25519.js";
import { h, replaceChildren } from "../dom.js";
import { bestLanguage, language, loadTexts, setLanguage, t } from "../text.js";
import { AlarmError, UnavailableError, UsageError } from "./errors.js";
import { requireTallyFor } from "./decrypt.js";
import { drawFrame, drawScreen } from "./frame.js";
import { findTrustee } from "./identity.js";
import { nextMove, situation } from "./moves.js";
import { makeSteps } from "./make_steps.js";
import { readNotes, requireFirstTally, verifySeen, writeNotes } from "./notes.js";
import { alarmScreen, failedScreen, forPeople, loadingScreen } from "./screens/messages.js";
import { overviewScreen } from "./screens/overview.js";
import { deriveSecrets, verifyOwnPart } from "./secrets.js";
import { ElectionView } from "./source.js";
import { prepareStretch } from "./stretch.js";
import { doneLine } from "./words.js";

const NEWS_MS = 15_000;
const NEWS_SHOWN_MS = 10_000;
const LANGUAGE_COOKIE = /(?:^|;\s*)urne_language=([a-z]{2})/;
const NO_MOVE = { act: null, others: [] };

/** Everything that the screens show, and what they can ask for. */
export class TrusteePage {
  constructor() {
    this.base = location.pathname.replace(/\/[^/]*$/, "");
    const invitation = new URLSearchParams(location.hash.slice(1));
    this.view = new ElectionView(this.base);
    this.view.invitation = invitation.get("invitation");
    this.store = storage();
    /** Which trustee the invitation is for. @type {number|null} */
    this.invited = Number(invitation.get("trustee")) || null;
    /** The open key. `secrets` is null until it is known which trustee it is. */
    this.key = null;
    this.now = null;
    this.move = NO_MOVE;
    this.screen = loadingScreen;
    /** What was done last, and what went wrong last; shown once. */
    this.done = [];
    this.failure = null;
    /** Something goes on: nothing else may begin. */
    this.busy = false;
    /** A key is being made, or a move is not finished: the browser asks before the page is left. */
    this.isHalfDone = false;
    /** Entries that were made and may have been sent: they are sent again as they are. */
    this.pending = null;
    /** Hash of the tally that this page has recomputed from the ballots. @type {string|null} */
    this.verifiedTally = null;
  }

  get record() {
    return this.view.record;
  }

  async start() {
    const asked = LANGUAGE_COOKIE.exec(document.cookie)?.[1];
    setLanguage(await loadTexts(asked ?? bestLanguage(navigator.languages ?? [])));
    addEventListener("beforeunload", (event) => {
      if (this.isHalfDone) event.preventDefault();
    });
    await this.load();
    setInterval(() => this.#lookForNews(), NEWS_MS);
  }

  /** Read the election from its beginning, and show where it stands. */
  async load() {
    this.show(loadingScreen);
    try {
      await requireAbilities();
      prepareStretch();
      await this.view.refresh((read, total) => {
        this.say(t("Reading the board: {read} of {total} entries.", { read, total }));
      });
      await this.#look();
      this.show(overviewScreen);
    } catch (error) {
      this.fail(error, failedScreen);
    }
    this.say("");
    document.documentElement.setAttribute("data-ready", "");
  }

  // -- drawing --------------------------------------------------------------------------------------------------------

  /** Show a screen, with the focus on its heading. */
  show(screen) {
    this.screen = screen;
    this.draw({ move: true });
  }

  /** Draw the present screen again. */
  draw({ move = false } = {}) {
    drawFrame(this.record, this.base || "/", (code) => this.changeLanguage(code));
    const screen = this.screen(this);
    const isMine = this.move.act !== null && this.screen === overviewScreen;
    drawScreen({ ...screen, title: isMine ? `${t("Your move")} · ${screen.title}` : screen.title }, { move });
  }

  async changeLanguage(code) {
    if (this.busy) return;
    setLanguage(await loadTexts(code));
    document.cookie = `urne_language=${language()}; path=/; max-age=31536000; samesite=lax`;
    this.draw();
    document.querySelector("#head button")?.focus();
  }

  /**
   * One line about what goes on, for eyes and screen readers; an empty text removes it. `isNews`: it goes by
   * itself.
   */
  say(text, { isNews = false } = {}) {
    clearTimeout(this.fading);
    const line = document.getElementById("status");
    if (line.textContent !== text) replaceChildren(line, text && h("p", {}, text));
    if (isNews) this.fading = setTimeout(() => this.say(""), NEWS_SHOWN_MS);
  }

  /** Show what went wrong: an alarm takes the page over, anything else stands on top of `screen`. */
  fail(error, screen = this.screen) {
    this.failure = forPeople(error);
    this.busy = false;
    this.say("");
    const isAlarm = this.failure instanceof AlarmError;
    if (isAlarm) this.isHalfDone = false;
    this.show(isAlarm ? alarmScreen : screen);
  }

  // -- the board ------------------------------------------------------------------------------------------------------

  /** Read what is new on the board, and show it. */
  async readNews() {
    if (this.busy) return;
    try {
      this.busy = true;
      this.say(t("Reading the board …"));
      await this.view.refresh();
      await this.#look();
      Object.assign(this, { failure: null, done: [], busy: false });
      this.show(overviewScreen);
      this.say(t("This is the newest state of the board."), { isNews: true });
    } catch (error) {
      this.fail(error);
    }
  }

  async #lookForNews() {
    if (this.busy || document.hidden || this.screen !== overviewScreen) return;
    try {
      const before = this.move.act;
      if ((await this.view.refresh()) === 0 || this.busy || this.screen !== overviewScreen) return;
      await this.#look();
      this.done = [];
      this.draw();
      const isMyMove = this.move.act !== null && this.move.act !== before;
      this.say(isMyMove ? t("It is your move.") : t("There is news from the board."), { isNews: true });
    } catch (error) {
      // Without a network nothing is wrong: the next look may succeed.
      if (!(error instanceof UnavailableError)) this.fail(error);
    }
  }

  /** Work out whose move it is, and check that the board still shows this trustee's own part. */
  async #look() {
    const { record } = this;
    this.now = situation(record);
    this.move = NO_MOVE;
    if (!this.key) return;
    this.key.secrets ??= await findTrustee(this.key.seed, record, this.store);
    const { secrets } = this.key;
    if (!secrets) return;
    const seen = readNotes(this.store, record.manifestHash, secrets.signingKey.publicKey);
    verifySeen(seen, this.view);
    this.key.hadNotes ??= seen !== null;
    verifyOwnPart(secrets, record.ceremony);
    if (this.#hasPublished()) writeNotes(this.store, this.view, secrets);
    if (record.ceremony.trustees.has(secrets.index) && this.now.stage !== "decrypted") {
      this.move = await nextMove(record, secrets);
    }
  }

  #hasPublished() {
    const trustee = this.record.ceremony.trustees.get(this.key.secrets.index);
    return Boolean(trustee?.signingKey);
  }

  // -- the key --------------------------------------------------------------------------------------------------------

  /**
   * Use a key that was opened.
   *
   * @param {Uint8Array} seed
   * @param {number|null} [index] which trustee it is to become, if it was made for one
   */
  async useKey(seed, index = null) {
    this.key = { seed, secrets: null };
    let failure = null;
    try {
      this.say(t("Reading the board …"));
      await this.view.refresh().catch((error) => {
        // Without a network, what was read before still tells who this is.
        if (!(error instanceof UnavailableError)) throw error;
        failure = forPeople(error);
      });
      this.say("");
      await this.#look();
      if (!this.key.secrets && index !== null) await this.#become(index);
      this.failure = failure;
      this.show(overviewScreen);
    } catch (error) {
      this.fail(error, overviewScreen);
    }
  }

  /** Say which trustee the open key is to become. */
  async become(index) {
    try {
      await this.#become(index);
      this.show(overviewScreen);
    } catch (error) {
      this.fail(error, overviewScreen);
    }
  }

  async #become(index) {
    const { manifestHash, manifest } = this.record;
    this.key.secrets = await deriveSecrets(this.key.seed, manifestHash, manifest, index);
    await this.#look();
  }

  /** Forget the open key. */
  forgetKey() {
    this.key?.seed.fill(0);
    Object.assign(this, { key: null, move: NO_MOVE, pending: null, isHalfDone: false, failure: null, done: [] });
    this.show(overviewScreen);
  }

  // -- moves ----------------------------------------------------------------------------------------------------------

  /**
   * Do the move that the page has shown: read the board once more, publish, and read it back.
   *
   * @param {import("./moves.js").Move} shown what the trustee has agreed to
   */
  async perform(shown) {
    if (this.busy) return;
    Object.assign(this, { busy: true, isHalfDone: true, failure: null, done: [] });
    this.draw();
    try {
      this.say(t("Reading the board …"));
      await this.view.refresh();
      await this.#look();
      const purpose = JSON.stringify([shown, this.record.ceremony.attempt, this.record.tallyHash]);
      if (JSON.stringify(this.move) !== JSON.stringify(shown)) {
        throw new UsageError(t("Something has changed on the board meanwhile."), {
          remedy: t("Nothing was done. Look at what is your move now."),
        });
      }
      if (shown.act === "decrypt") this.requireTally();
      if (this.pending?.purpose !== purpose) {
        const steps = await makeSteps(this.key.secrets, this.record, shown, new Date().toISOString(), randomBytes);
        this.pending = { purpose, steps };
      }
      const tally = shown.act === "decrypt" ? this.record.tallyHash : null;
      writeNotes(this.store, this.view, this.key.secrets, tally);
      this.say(t("Publishing, and reading it back …"));
      for (const step of this.pending.steps) this.done.push(doneLine(await this.view.publish(step), step.type));
      Object.assign(this, { pending: null, isHalfDone: false });
      this.key.hadNotes = true;
      await this.#look();
      this.busy = false;
      this.say("");
      this.show(overviewScreen);
    } catch (error) {
      if (!(error instanceof UnavailableError)) Object.assign(this, { pending: null, isHalfDone: false });
      await this.#look().catch(() => {});
      this.fail(error, overviewScreen);
    }
  }

  /**
   * Protocol T28, T29: refuse to decrypt anything but the one tally that this page has recomputed itself.
   *
   * @param {boolean} [isVerified] false: ask only whether there is a tally that this key may decrypt
   */
  requireTally(isVerified = true) {
    const { record, key } = this;
    requireTallyFor(record, key.secrets.index);
    requireFirstTally(readNotes(this.store, record.manifestHash, key.secrets.signingKey.publicKey), record.tallyHash);
    if (isVerified && this.verifiedTally !== record.tallyHash) {
      throw new UsageError(t("This page has not checked this tally yet."), { remedy: t("Check the ballots first.") });
    }
  }
}

function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

async function requireAbilities() {
  await requireEd25519();
  try {
    await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  } catch {
    throw new UsageError(t("This browser cannot do what a trustee’s key needs."), {
      remedy: t("Use a browser of 2025 or later, or the program urne-trustee."),
      where: "X25519",
    });
  }
}

/** The browser's storage for notes; in memory where the browser allows none. */
function storage() {
  try {
    localStorage.setItem("urne-trustee", "");
    localStorage.removeItem("urne-trustee");
    return localStorage;
  } catch {
    const values = new Map();
    return { getItem: (name) => values.get(name) ?? null, setItem: (name, value) => void values.set(name, value) };
  }
}

new TrusteePage().start();
