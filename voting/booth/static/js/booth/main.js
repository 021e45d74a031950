/**
 * The booth: from the voter's code to a checked receipt (experience.md, 1.4). This module holds the state of the walk
 * and leads from step to step; `screens/` draws the steps. Everything stays in memory: nothing is stored in the
 * browser, and the history holds the names of steps only.
 *
 * Must not be imported by other modules.
 */

import { language, loadTexts, plainText, setLanguage, t, textLanguage } from "../text.js";
import { castFailure, phaseFailure, startFailure } from "./failure.js";
import { drawFrame, drawScreen, toyBanner } from "./frame.js";
import { chooseLanguage, rememberLanguage } from "./languages.js";
import { Locker } from "./lock.js";
import { NoAnswer, requestJson } from "./network.js";
import { drawFailure, drawStart } from "./screens/start.js";

const REAL = /^\/e\/[^/]+\/vote$/;
const SOON_MS = 10 * 60_000;
const CLOCK_MS = 20_000;
const WITNESSES_MS = 3000;
const LOADERS = {
  factor: () => import("./screens/factor.js").then((module) => module.drawFactor),
  question: () => import("./screens/question.js").then((module) => module.drawQuestion),
  review: () => import("./screens/review.js").then((module) => module.drawReview),
  test: () => import("./screens/test.js").then((module) => module.drawTest),
  report: () => import("./screens/test.js").then((module) => module.drawReport),
  receipt: () => import("./screens/receipt.js").then((module) => module.drawReceipt),
  practiced: () => import("./screens/receipt.js").then((module) => module.drawPracticed),
};

/** The state of one walk through the booth, and the moves between its steps. */
export class Booth {
  constructor() {
    const path = location.pathname.replace(/\/+$/, "");
    this.base = path.replace(/\/[^/]*$/, "");
    /** A walk in which nothing is sent: asked for with `?practice`, or a preview of a draft at another address. */
    this.practice = !REAL.test(path) || new URLSearchParams(location.search).has("practice");
    this.step = { name: "start", index: 0 };
    /** @type {import("./election.js").Election|null} */
    this.election = null;
    /** The code from the voter's link, until it was used. */
    this.linkCode = takeCodeFromAddress();
    /** @type {import("./voter.js").Voter|null} */
    this.voter = null;
    this.token = null;
    this.locker = null;
    this.locked = null;
    this.signed = null;
    /** Why nobody knows yet whether the signed ballot is on the board. */
    this.unresolved = null;
    /** The voter came from the review to change one answer. */
    this.changing = false;
    /** Complete answers, by question; undefined where there is none yet. */
    this.selections = [];
    /** What is entered on each question's page, complete or not. */
    this.drafts = [];
    this.controls = new Map();
    /** Casting goes on: the page must not be left, and no other step shown. */
    this.busy = false;
    this.touched = false;
    this.result = null;
    this.checkpoint = null;
    this.failure = null;
    this.asking = 0;
    /** The opening of the ballot under test; forgotten with the test. */
    this.tested = null;
    /** The promise of it. */
    this.opening = null;
  }

  /** Load the election and show the first step. */
  async start() {
    addEventListener("popstate", (event) => this.#popped(event.state));
    addEventListener("hashchange", () => this.#newLink());
    addEventListener("beforeunload", (event) => {
      if (this.busy || (this.touched && !this.result && !this.practice)) event.preventDefault();
    });
    // A browser may keep a page that was left, for its Back button: not one that has voted, with the voter's key.
    addEventListener("pageshow", (event) => {
      if (event.persisted && this.result) location.reload();
    });
    history.replaceState({ name: "start", index: 0 }, "");
    await Promise.all([this.#read(), chooseLanguage()]);
    await this.#begin();
    setInterval(() => this.drawFrame(), CLOCK_MS);
  }

  /** Read the election anew, and show the start. */
  async load() {
    await this.#read();
    await this.#begin();
  }

  /** Read the election again by itself as long as its witnesses are missing. What is shown changes only then. */
  askAgainLater() {
    clearTimeout(this.asking);
    this.asking = setTimeout(async () => {
      if (this.failure?.code !== "WITNESSES") return;
      await this.#read();
      if (this.failure?.code === "WITNESSES") this.askAgainLater();
      else await this.#begin();
    }, WITNESSES_MS);
  }

  async #read() {
    try {
      this.election = this.practice ? await this.#loadPractice() : await this.#loadReal();
      this.checkpoint = this.election.checkpoint;
      this.failure = this.practice ? null : phaseFailure(this.election.phase);
    } catch (error) {
      this.failure = startFailure(error);
    }
  }

  async #begin() {
    document.documentElement.setAttribute("data-ready", "");
    this.step = { name: "start", index: 0 };
    await this.draw({ move: false });
  }

  async #loadReal() {
    const { loadElection } = await import("./election.js");
    return loadElection(this.base);
  }

  async #loadPractice() {
    const [{ manifest }, { practiceElection }] = await Promise.all([
      requestJson(`${this.base}/practice.json`),
      import("./election.js"),
    ]);
    return practiceElection(this.base, manifest);
  }

  get questions() {
    return this.election.manifest.questions;
  }

  get home() {
    return this.base || "/";
  }

  /** Whether this voter has a vote on the board already. */
  get votedBefore() {
    return Boolean(this.voter?.voted);
  }

  /**
   * Make ready for all that follows: the worker's tables are done by the time the voter has chosen, and no later step
   * needs to load anything, so a network that fails in the middle cannot hide what became of a vote.
   */
  async prepare(context) {
    this.locker?.close();
    this.locker = new Locker(context);
    try {
      await Promise.all(Object.values(LOADERS).map((load) => load()));
    } catch (error) {
      throw new NoAnswer("a part of this page did not arrive", { cause: error });
    }
  }

  /**
   * Go to a step and remember it in the browser's history.
   *
   * @param {string} name
   * @param {number} [index] of the question
   */
  async go(name, index = 0) {
    history.pushState({ name, index }, "");
    await this.#show({ name, index });
  }

  async #show(step) {
    this.step = step;
    if (step.name !== "test" && step.name !== "report") Object.assign(this, { tested: null, opening: null });
    await this.draw({ move: true });
  }

  /** Draw the present step again, e.g. in another language. */
  async draw({ move }) {
    const { name } = this.step;
    try {
      const draw =
        this.failure && name === "start" ? drawFailure : name === "start" ? drawStart : await LOADERS[name]();
      if (this.step.name !== name) return;
      this.drawFrame();
      const screen = draw(this);
      drawScreen(screen, { move });
      screen.after?.();
    } catch (error) {
      this.failure = startFailure(error);
      this.drawFrame();
      drawScreen(drawFailure(this), { move: true });
    }
  }

  drawFrame() {
    const { manifest, contact } = this.election ?? {};
    const banners = [
      this.practice && { text: t("Practice: nothing you do here counts, and nothing is sent.") },
      this.election?.isToy && toyBanner(),
      this.#closing(),
    ];
    const state = JSON.stringify([language(), textLanguage(), banners, Boolean(manifest)]);
    if (state === this.frameState) return;
    this.frameState = state;
    const homeWords = this.practice ? t("Leave the practice") : t("Election page");
    const onLanguage = (code) => this.changeLanguage(code);
    drawFrame({ manifest, home: this.home, homeWords, contact, banners, onLanguage });
  }

  #closing() {
    if (!this.election?.closes || this.practice || this.failure || this.result) return false;
    const left = Date.parse(this.election.closes) - Date.now() - this.election.clockOffset;
    if (left > SOON_MS) return false;
    if (left <= 0) return { text: t("The announced end of voting has passed. Your vote may be refused.") };
    return { text: t("Voting closes in {minutes} min.", { minutes: Math.max(1, Math.floor(left / 60_000)) }) };
  }

  /** The window's title for a step. */
  title(text) {
    const name = this.election ? plainText(this.election.manifest.title).text : t("Vote");
    return this.practice ? `${t("PRACTICE")} · ${text} · ${name}` : `${text} · ${name}`;
  }

  async changeLanguage(code) {
    if (this.busy) return;
    this.keepChoices();
    setLanguage(await loadTexts(code));
    rememberLanguage();
    await this.draw({ move: false });
    document.querySelector("#head button")?.focus();
  }

  /** Keep what is entered on the present page, complete or not. */
  keepChoices() {
    if (this.step.name !== "question") return;
    const { index } = this.step;
    const kept = this.controls.get(index);
    if (!kept) return;
    this.drafts[index] = kept.control.draft();
    try {
      this.selections[index] = kept.control.read();
      kept.control.clearError();
    } catch {
      // Not complete: the draft keeps what there is, and the review waits for the rest.
      this.selections[index] = undefined;
      kept.control.clearError();
    }
  }

  /** The first question without a complete answer, or -1. */
  firstOpenQuestion() {
    return this.questions.findIndex((_question, index) => this.selections[index] === undefined);
  }

  /**
   * The vote is on the board, and its receipt was checked.
   *
   * @param {{tracker: string} & import("./cast.js").CastBallot} result
   */
  async finish(result) {
    const none = { locked: null, signed: null, unresolved: null, busy: false };
    Object.assign(this, { result, checkpoint: result.checkpoint, ...none });
    this.voter.voted = true;
    await this.go("receipt");
  }

  async finishPractice() {
    this.result = {};
    await this.go("practiced");
  }

  /** Begin a new walk with the same code. */
  async voteAgain() {
    const empty = {
      selections: [],
      drafts: [],
      controls: new Map(),
      locked: null,
      signed: null,
      result: null,
      touched: false,
    };
    Object.assign(this, empty);
    await this.go("start");
  }

  /** The failure that an error of casting means; looks whether the election has closed meanwhile. */
  async castFailure(error) {
    let phase = "open";
    try {
      phase = (await requestJson(`${this.base}/booth.json`, { timeout: 5000 })).phase;
    } catch {
      // The phase only makes the sentence more precise.
    }
    return castFailure(error, phase);
  }

  #popped(state) {
    if (this.busy) {
      history.pushState(this.step, "");
      return;
    }
    this.keepChoices();
    const wanted = state && (state.name === "start" || LOADERS[state.name]) ? state : { name: "start", index: 0 };
    this.#show(this.#allowed(wanted));
  }

  /** A step that the history names may be out of reach by now: then the nearest one that is not. */
  #allowed(step) {
    if (this.result) return { name: this.practice ? "practiced" : "receipt", index: 0 };
    if (this.unresolved) return { name: "review", index: 0 };
    if (step.name === "start" || this.failure) return { name: "start", index: 0 };
    if (!this.practice && !this.voter) return { name: "start", index: 0 };
    if (!this.practice && this.election.factor !== "none" && !this.token) return { name: "factor", index: 0 };
    if (step.name === "question" && step.index < this.questions.length) return step;
    const open = this.firstOpenQuestion();
    if (open >= 0) return { name: "question", index: open };
    if ((step.name === "test" || step.name === "report") && this.tested) return step;
    return { name: "review", index: 0 };
  }

  /** Another code follows: perhaps of another person, who must not see what was chosen. */
  forgetVoter() {
    const empty = { voter: null, token: null, selections: [], drafts: [], controls: new Map(), result: null };
    Object.assign(this, { ...empty, locked: null, touched: false, changing: false });
  }

  #newLink() {
    const code = takeCodeFromAddress();
    if (!code || this.busy || this.unresolved) return;
    this.forgetVoter();
    this.linkCode = code;
    this.#show({ name: "start", index: 0 });
  }
}

/** The code in the address of the page. It is removed from there at once; neither server nor history ever hold it. */
function takeCodeFromAddress() {
  const found = /^#code=([^&]*)$/.exec(location.hash);
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  if (!found) return null;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return found[1];
  }
}

new Booth().start();
