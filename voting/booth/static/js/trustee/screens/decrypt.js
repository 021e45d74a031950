/**
 * Decrypting: check every ballot, recompute the tally, show what it is, ask once, publish (docs/spec/trustees.md, T28).
 *
 * Must not publish anything before the trustee has said so.
 */

import { h, replaceChildren } from "../../dom.js";
import { t } from "../../text.js";
import { tracker } from "../../core/tracker.js";
import { verifyTallyFromBallots } from "../decrypt.js";
import { windowTitle } from "./messages.js";
import { overviewScreen } from "./overview.js";
import { electionFacts } from "./standing.js";

/** From so many ballots on, the time that is left can be told. */
const SAMPLE = 20;
const LONG_MINUTES = 15;

/** @param {import("../main.js").TrusteePage} page */
export function decryptScreen(page) {
  const stop = new AbortController();
  const total = page.record.ballots.length;
  const bar = h("progress", { max: Math.max(total, 1), value: 0, "aria-labelledby": "counted" });
  const counted = h("p", { id: "counted" }, t("{done} of {total} ballots checked", { done: 0, total }));
  const many = h(
    "p",
    { class: "note", hidden: true },
    t("With so many ballots the program urne-trustee is much faster."),
  );
  const screen = {
    title: windowTitle(page, t("Checking the ballots")),
    heading: t("Checking the ballots"),
    body: [
      h("p", {}, t("This page checks every ballot and computes the encrypted tally itself. This may take minutes.")),
      bar,
      counted,
      many,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => stop.abort() }, t("Stop; nothing was published")),
      ),
    ],
  };
  const began = performance.now();
  const progress = (done) => {
    bar.value = done;
    const left = (((performance.now() - began) / done) * (total - done)) / 60_000;
    const soFar = t("{done} of {total} ballots checked", { done, total });
    const estimate = done >= SAMPLE && left >= 1 ? t("about {minutes} min left", { minutes: Math.round(left) }) : "";
    replaceChildren(counted, [soFar, estimate].filter(Boolean).join(", "));
    many.hidden = done < SAMPLE || left < LONG_MINUTES;
  };
  // Whatever draws again, e.g. another language, must not begin again.
  page.screen = () => screen;
  Promise.resolve().then(() => check(page, stop.signal, progress));
  return screen;
}

async function check(page, signal, progress) {
  try {
    page.requireTally(false);
    page.isHalfDone = true;
    page.say(t("Checking the ballots …"));
    await verifyTallyFromBallots(page.view, { progress, signal });
    page.verifiedTally = page.record.tallyHash;
    page.say("");
    page.show(askScreen);
  } catch (error) {
    page.isHalfDone = false;
    if (!signal.aborted) page.fail(error, overviewScreen);
    else {
      page.say(t("Stopped. Nothing was published."), { isNews: true });
      page.show(overviewScreen);
    }
  }
}

function askScreen(page) {
  const { record, key, move } = page;
  const { tally, tallyHash } = record;
  const leave = () => {
    page.isHalfDone = false;
    page.say("");
    page.show(overviewScreen);
  };
  return {
    title: windowTitle(page, t("Decrypt this tally?")),
    heading: t("Decrypt this tally?"),
    body: [
      electionFacts(record),
      h(
        "dl",
        { class: "facts" },
        h("dt", {}, t("Ballots")),
        h("dd", {}, t("{count} counted, of {cast} cast", { count: tally.ballots, cast: record.ballots.length })),
        tally.weight !== tally.ballots && [h("dt", {}, t("Weight")), h("dd", {}, tally.weight)],
        h("dt", {}, t("Tally fingerprint")),
        h("dd", { class: "tracker" }, tracker(tallyHash)),
      ),
      h(
        "p",
        { class: "note good" },
        h(
          "span",
          { class: "state done" },
          t("The tally is the product of these ballots, as this page has computed it itself."),
        ),
      ),
      tally.ballots === 1 &&
        h(
          "p",
          { class: "note warn" },
          t("Warning: one single ballot is counted. Decrypting shows how this voter voted."),
        ),
      !key.hadNotes &&
        h(
          "p",
          { class: "note" },
          t("This browser has no notes of earlier visits with this key: what came before is the board’s word."),
        ),
      h(
        "p",
        {},
        t(
          "Compare the tally fingerprint with the other trustees. Your part is published once, and cannot be " +
            "taken back.",
        ),
      ),
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          { type: "button", id: "move", class: "primary", disabled: page.busy, onclick: () => page.perform(move) },
          t("Decrypt this tally"),
        ),
        h("button", { type: "button", class: "link", disabled: page.busy, onclick: leave }, t("Not now")),
      ),
    ],
  };
}
