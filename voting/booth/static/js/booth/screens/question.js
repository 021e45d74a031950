/**
 * Step 2: one question a page. The controls of all questions are kept until the end, so nothing chosen is ever lost.
 *
 * Must not import other screens.
 */

import { makeControl } from "../../controls/index.js";
import { SelectionError } from "../../core/errors.js";
import { h, words } from "../../dom.js";
import { language, plainText, t, textLanguage } from "../../text.js";

/** @param {import("../main.js").Booth} booth */
export function drawQuestion(booth) {
  const { index } = booth.step;
  const count = booth.questions.length;
  const { control, heading } = controlOf(booth, index);
  const summary = h("div", { id: "error-summary" });

  function next(event) {
    event.preventDefault();
    summary.replaceChildren();
    try {
      booth.selections[index] = control.read();
    } catch (error) {
      if (!(error instanceof SelectionError)) throw error;
      control.showError(error);
      showError(summary, error);
      return;
    }
    const open = booth.firstOpenQuestion();
    if (booth.changing && open < 0) {
      booth.changing = false;
      booth.go("review");
    } else if (index + 1 < count) booth.go("question", index + 1);
    else if (open >= 0) booth.go("question", open);
    else booth.go("review");
  }

  function back() {
    booth.keepChoices();
    if (index > 0) booth.go("question", index - 1);
    else booth.go("start");
  }

  const last = booth.changing || index + 1 === count;
  const place = t("Question {number} of {count}", { number: index + 1, count });
  return {
    title: booth.title(place),
    before: [h("p", { class: "step-count" }, place), summary],
    h1: heading,
    body: h(
      "form",
      { novalidate: true, onsubmit: next },
      control.element,
      h(
        "div",
        { class: "actions" },
        h("button", { class: "primary" }, last ? t("Continue to review") : t("Next question")),
        h("button", { type: "button", onclick: back }, t("Back")),
      ),
    ),
  };
}

function controlOf(booth, index) {
  const known = booth.controls.get(index);
  const shown = `${language()} ${textLanguage()}`;
  if (known && known.shown === shown) return known;
  const question = booth.questions[index];
  const heading = words("h1", plainText(question.title), { tabindex: "-1" });
  const control = makeControl(question, {
    language: textLanguage(),
    languages: booth.election.manifest.languages,
    selection: booth.drafts[index] ?? booth.selections[index] ?? null,
    id: `question-${index + 1}`,
    heading,
    onChange: () => {
      booth.touched = true;
    },
  });
  const made = { control, heading, shown };
  booth.controls.set(index, made);
  return made;
}

/** The error at the top of the page, with a link to its field; it gets the focus. */
function showError(place, error) {
  const toField = (event) => {
    event.preventDefault();
    document.getElementById(error.field)?.focus();
  };
  const words = error.field ? h("a", { href: `#${error.field}`, onclick: toField }, error.message) : error.message;
  const panel = h(
    "div",
    { class: "note bad", role: "alert", tabindex: "-1" },
    h("h2", {}, t("This answer cannot be used yet")),
    h("p", {}, words),
  );
  place.replaceChildren(panel);
  panel.focus();
}
