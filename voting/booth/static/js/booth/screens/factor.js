/**
 * Between steps 1 and 2, where the election asks for it: a one-time code by e-mail. Asked for before the questions, so
 * that nobody learns at the end that they cannot vote (experience.md, rule 2).
 *
 * Must not import other screens.
 */

import { h } from "../../dom.js";
import { t } from "../../text.js";
import { countedWords, startFailure } from "../failure.js";
import { confirmFactor, requestFactor } from "../factor_client.js";
import { failurePanel } from "../frame.js";
import { Refused } from "../network.js";

/** @param {import("../main.js").Booth} booth */
export function drawFactor(booth) {
  const status = h("p", { role: "status" });
  const problem = h("div", { id: "factor-problem" });
  const input = h("input", {
    id: "one-time-code",
    class: "short",
    type: "text",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    maxlength: "12",
    "aria-describedby": "factor-problem",
  });
  let working = false;

  async function work(act) {
    if (working) return;
    working = true;
    problem.replaceChildren();
    input.removeAttribute("aria-invalid");
    try {
      await act();
    } catch (error) {
      status.textContent = "";
      showProblem(error);
    } finally {
      working = false;
    }
  }

  function showProblem(error) {
    const message = error instanceof Refused ? refusedWords(error) : null;
    if (message === null) {
      problem.append(failurePanel(startFailure(error), countedWords("no", booth.votedBefore)));
      return;
    }
    input.setAttribute("aria-invalid", "true");
    problem.append(
      h("p", { class: "error-text", role: "alert" }, message),
      h("p", { class: "hint" }, countedWords("no", booth.votedBefore)),
    );
    input.focus();
  }

  const ask = () =>
    work(async () => {
      status.textContent = t("A one-time code is being sent…");
      booth.factorHint = await requestFactor(booth.election, booth.voter);
      showSent();
    });
  const showSent = () => {
    status.textContent = t("A one-time code was sent to {address}. It holds for 10 minutes.", {
      address: booth.factorHint,
    });
  };
  const confirm = (event) => {
    event.preventDefault();
    const code = input.value.replace(/\D/g, "");
    work(async () => {
      if (code.length !== 6) throw new Refused(400, { code: "factor-form" });
      booth.token = await confirmFactor(booth.election, booth.voter, code);
      booth.factorHint = null;
      const open = booth.firstOpenQuestion();
      await (open >= 0 ? booth.go("question", open) : booth.go("review"));
    });
  };

  return {
    title: booth.title(t("One-time code")),
    heading: t("One-time code by e-mail"),
    body: [
      h(
        "p",
        {},
        t("This election asks for a second proof that it is you: a code of six digits, sent to your e-mail address."),
      ),
      status,
      h(
        "form",
        { novalidate: true, onsubmit: confirm },
        h(
          "div",
          { class: "field" },
          h("label", { for: "one-time-code" }, t("The six digits from the e-mail")),
          input,
          problem,
        ),
        h(
          "div",
          { class: "actions" },
          h("button", { class: "primary" }, t("Continue")),
          h("button", { type: "button", class: "link", onclick: ask }, t("Send another code")),
        ),
      ),
    ],
    after: () => (booth.factorHint ? showSent() : ask()),
  };
}

function refusedWords(error) {
  switch (error.code) {
    case "factor-form":
      return t("The code has six digits.");
    case "factor-wrong":
      return t("This is not the code that was sent last. Look for the newest e-mail.");
    case "factor-expired":
      return t("This code does not hold any more. Ask for another one.");
    case "factor-no-address":
      return t("No e-mail address is known for you. Ask the contact below.");
    case "factor-too-many":
      return t("Too many codes were asked for. Wait a while, then ask for another one.");
    case "factor-signature":
      return t("The clock of this device seems to be wrong. Set it, then have another code sent.");
    case "factor-unknown":
      return t("No e-mail address is known for you. Ask the contact below.");
    default:
      return null;
  }
}
