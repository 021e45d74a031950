/**
 * The second screen of the verifier's page: what is being done, how much of it, how long it will take, and a way out.
 *
 * Must not import what runs in workers.
 */

import { h } from "../dom.js";
import { language, t } from "../text.js";

/** A rate is believed after so long. */
const SETTLED_MS = 2000;

/** The parts of the screen that change, and the clock. */
export class ProgressView {
  /**
   * @param {() => void} onCancel
   * @param {() => number} [clock] milliseconds
   */
  constructor(onCancel, clock = () => performance.now()) {
    this.onCancel = onCancel;
    this.clock = clock;
    this.begun = clock();
    this.last = { stage: "", done: 0, total: 0 };
    this.#make();
  }

  /** Draw anew, in another language. */
  #make() {
    this.stage = h("p", { role: "status" });
    this.bar = h("progress", { "aria-label": t("Progress"), max: 1 });
    this.numbers = h("p", { class: "numbers" });
    this.cancel = h("button", { type: "button", onclick: () => this.onCancel() }, t("Cancel"));
  }

  /** @returns {unknown[]} what stands below the heading */
  body() {
    this.#make();
    this.#show();
    return [this.stage, this.bar, this.numbers, h("div", { class: "actions" }, this.cancel)];
  }

  /** @param {{stage: string, done: number, total: number}} progress */
  update(progress) {
    if (progress.stage !== this.last.stage) this.begun = this.clock();
    this.last = progress;
    this.#show();
  }

  #show() {
    const { stage, done, total } = this.last;
    const words = stageWords(stage);
    if (this.stage.textContent !== words) this.stage.textContent = words;
    if (total > 0) this.bar.value = done / total;
    else this.bar.removeAttribute("value");
    this.numbers.textContent = [countWords(stage, done, total), this.#remaining(done, total)].filter(Boolean).join(" ");
  }

  #remaining(done, total) {
    const passed = this.clock() - this.begun;
    if (passed < SETTLED_MS || done <= 0 || done >= total) return "";
    const seconds = Math.ceil((passed * (total - done)) / done / 1000);
    if (seconds <= 90) return t("About {seconds} seconds left.", { seconds });
    return t("About {minutes} minutes left.", { minutes: Math.ceil(seconds / 60) });
  }
}

function stageWords(stage) {
  const words = {
    fetching: t("The record is being fetched."),
    unpacking: t("The file is being read."),
    entries: t("The entries are being checked, one after the other."),
    ballots: t("The ballots are being checked: signatures, proofs, copies."),
  };
  return words[stage] ?? t("The verification begins.");
}

function countWords(stage, done, total) {
  const number = (value) => value.toLocaleString(language());
  if (total <= 0) return done > 0 ? t("{done} so far.", { done: number(done) }) : "";
  if (stage === "unpacking") return t("{percent} %", { percent: Math.floor((100 * done) / total) });
  return t("{done} of {total}.", { done: number(done), total: number(total) });
}
