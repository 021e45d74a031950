/**
 * Steps 3 and 4: the choices once more, locking meanwhile, and the last button of the booth: *Cast my vote*.
 *
 * Must not import other screens.
 */

import { append, h, words } from "../../dom.js";
import { methodOf } from "../../methods/index.js";
import { plainText, t, textLanguage } from "../../text.js";
import { castBallot } from "../cast.js";
import { UNKNOWN, countedWords, startFailure } from "../failure.js";
import { failurePanel, howItWorks, saveFile } from "../frame.js";
import { signBallot } from "../sign.js";

/** @param {import("../main.js").Booth} booth */
export function drawReview(booth) {
  const lockWords = booth.unresolved ? null : t("Your vote is being locked…");
  const lockLine = h("p", { role: "status", id: "lock-line" }, lockWords);
  const progress = h("p", { role: "status", class: "note", id: "cast-line", hidden: true });
  const problems = h("div", { id: "cast-problem" });
  const cast = h("button", { type: "button", class: "primary", id: "cast", disabled: true }, t("Cast my vote"));
  const test = booth.practice
    ? null
    : h(
        "button",
        { type: "button", class: "link", id: "test", disabled: true },
        t("Test this device first (optional)"),
      );
  const actions = h("div", { class: "actions" }, cast, test);
  const notYet = h("p", { class: "note warn" }, h("strong", {}, t("You have not voted yet.")));
  const view = { booth, lockLine, notYet, progress, problems, cast, test, actions };
  cast.addEventListener("click", () => (booth.practice ? booth.finishPractice() : castVote(view)));
  test?.addEventListener("click", () => booth.go("test"));
  return {
    title: booth.title(t("Check your choices")),
    heading: t("Check your choices"),
    body: [
      booth.questions.map((_question, index) => reviewOf(booth, index)),
      lockLine,
      notYet,
      problems,
      progress,
      actions,
      howItWorks(booth.election),
    ],
    after: () => (booth.unresolved ? showFailure(view, booth.unresolved) : lock(view)),
  };
}

function reviewOf(booth, index) {
  const question = booth.questions[index];
  const title = plainText(question.title);
  const lines = methodOf(question).describeSelection(question, booth.selections[index], textLanguage());
  const change = () => {
    booth.changing = true;
    booth.go("question", index);
  };
  return h(
    "section",
    { class: "card review", "aria-labelledby": `review-${index + 1}` },
    words("h2", title, { id: `review-${index + 1}` }),
    h(
      "ul",
      {},
      lines.map((line) => h("li", { dir: "auto" }, line)),
    ),
    h(
      "button",
      { type: "button", class: "change", "aria-describedby": `review-${index + 1}`, onclick: change },
      t("Change"),
    ),
  );
}

async function lock({ booth, lockLine, cast, test, problems }) {
  Object.assign(booth, { changing: false, locked: null, signed: null });
  try {
    const locked = await booth.locker.lock(booth.selections);
    booth.locked = locked;
    lockLine.replaceChildren();
    append(lockLine, [
      h("span", { class: "state done" }, t("Your vote is locked.")),
      booth.practice ? "" : [" ", t("Lock number:"), " ", h("code", { class: "lock-number" }, locked.lockNumber)],
    ]);
    cast.disabled = false;
    if (test) test.disabled = false;
  } catch (error) {
    lockLine.replaceChildren();
    problems.replaceChildren(failurePanel(startFailure(error), countedWords("no", booth.votedBefore)));
  }
}

// -- casting
// -----------------------------------------------------------------------------------------------------------

const PROGRESS = {
  sending: () => t("Your vote is being sent…"),
  checking: () => t("The answer of the ballot box is being checked…"),
  waiting: () =>
    t("No answer yet. It is not known whether your vote arrived. This page keeps trying; please leave it open."),
  witnesses: () =>
    t(
      "The ballot box says that it has your vote. Its witnesses have not signed yet, so this is not certain. This page waits for them and asks again by itself; please leave it open.",
    ),
};

async function castVote(view) {
  const { booth, progress, problems } = view;
  if (booth.busy || !(booth.locked || booth.signed)) return;
  booth.busy = true;
  showSending(view);
  let mayBeSent = booth.signed !== null;
  try {
    // The seed is forgotten with this step, whatever follows: a ballot that may be on its way is never opened.
    booth.signed ??= await signBallot(booth.election, booth.voter, await booth.locked.cast());
    mayBeSent = true;
    const { ballot, tracker } = booth.signed;
    const done = await castBallot(booth.election, ballot, {
      checkpoint: booth.checkpoint,
      token: booth.token,
      onProgress: (state) => {
        progress.textContent = PROGRESS[state]();
        progress.classList.toggle("warn", state === "waiting" || state === "witnesses");
      },
    });
    booth.finish({ tracker, ...done });
  } catch (error) {
    const failure = mayBeSent ? await booth.castFailure(error) : startFailure(error);
    booth.busy = false;
    booth.unresolved = failure.counted === UNKNOWN ? failure : null;
    if (!booth.unresolved) booth.signed = null;
    showFailure(view, failure);
    problems.firstChild.focus();
  }
}

function showSending({ notYet, progress, problems, actions }) {
  const hadFocus = actions.contains(document.activeElement) || problems.contains(document.activeElement);
  actions.hidden = true;
  notYet.hidden = true;
  problems.replaceChildren();
  progress.hidden = false;
  progress.classList.remove("warn");
  progress.textContent = PROGRESS.sending();
  progress.setAttribute("tabindex", "-1");
  if (hadFocus) progress.focus();
  setChangeable(false);
}

/** What went wrong. As long as nobody knows what became of the ballot, nothing else can be done than to ask again. */
function showFailure(view, failure) {
  const { booth, notYet, progress, problems, actions } = view;
  const counted = countedWords(failure.counted, booth.votedBefore);
  problems.replaceChildren(failurePanel(failure, counted, remedies(view, failure)));
  progress.hidden = true;
  notYet.hidden = true;
  actions.hidden = true;
  setChangeable(failure.counted !== UNKNOWN);
}

/** What the voter can press after a failure. */
function remedies(view, failure) {
  const { booth } = view;
  const retry = (words, act) => h("button", { type: "button", class: "primary", onclick: act }, words);
  if (failure.code === "TOKEN") {
    booth.token = null;
    return [retry(t("Ask for a new one-time code"), () => booth.go("factor"))];
  }
  if (failure.code === "CLOSED" || failure.code === "CANCELLED") {
    return [h("a", { class: "button", href: booth.home }, t("Election page"))];
  }
  const buttons = [];
  if (failure.counted === UNKNOWN) {
    buttons.push(retry(t("Ask the ballot box again"), () => castVote(view)));
  } else {
    buttons.push(retry(t("Lock again and try once more"), () => booth.draw({ move: true })));
  }
  if (failure.code === "PROMISE") {
    const evidence = () => saveFile("urne-evidence.json", evidenceText(booth, failure));
    buttons.push(h("button", { type: "button", onclick: evidence }, t("Save the evidence")));
  }
  return buttons;
}

/** What the board answered, for somebody who can judge it. It holds no choice and no secret. */
function evidenceText(booth, failure) {
  return JSON.stringify(
    {
      kind: "urne-evidence-of-a-broken-promise",
      code: failure.reference,
      manifest: booth.election.manifestHash,
      tracker: booth.signed?.tracker ?? null,
      answer: failure.cause?.evidence ?? null,
      checkpoint: booth.checkpoint.note ?? null,
      time: new Date().toISOString(),
    },
    null,
    2,
  );
}

function setChangeable(possible) {
  for (const button of document.querySelectorAll("button.change")) button.disabled = !possible;
}
