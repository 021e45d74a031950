/**
 * Step 1: what the voter needs, and the code. Also what is shown when nobody can vote now.
 *
 * Must not import other screens.
 */

import { h, words } from "../../dom.js";
import { language, momentText, plainText, preferTexts, t, textLanguage } from "../../text.js";
import { requireBrowser } from "../browser_check.js";
import { ballotData } from "../election.js";
import { countedWords, startFailure } from "../failure.js";
import { failurePanel, howItWorks } from "../frame.js";
import { CodeProblem, findVoter, inGroups, requireWellTyped } from "../voter.js";

/** @param {import("../main.js").Booth} booth */
export function drawStart(booth) {
  const { election } = booth;
  const { manifest } = election;
  const form = booth.practice ? practiceForm(booth) : booth.voter ? knownVoter(booth) : codeForm(booth);
  return {
    title: booth.title(t("Vote")),
    heading: words("span", plainText(manifest.title)),
    body: [
      manifest.description && description(manifest.description),
      textsChoice(booth),
      h("ul", { class: "plain-list" }, needs(booth)),
      form.element,
      howItWorks(election),
    ],
    after: form.after,
  };
}

/** What is wrong, instead of the start. @param {import("../main.js").Booth} booth */
export function drawFailure(booth) {
  const { failure, election } = booth;
  const again = h("button", { type: "button", onclick: () => booth.load() }, t("Load again"));
  const opens = election?.manifest.schedule?.opens;
  return {
    title: booth.title(failure.words.title),
    heading: t("Vote"),
    body: [
      failurePanel(failure, failureWords(booth), [again]),
      failure.code === "EARLY" && opens && h("p", {}, t("Announced opening: {time}", { time: momentText(opens) })),
      failure.code === "CLOSED" && h("p", {}, h("a", { href: `${booth.base}/check` }, t("Check my vote"))),
    ],
    after: () => failure.code === "WITNESSES" && booth.askAgainLater(),
  };
}

function failureWords({ failure, result, votedBefore }) {
  if (result) return t("Your vote is in the ballot box.");
  if (failure.code !== "CLOSED") return countedWords("no", votedBefore);
  return t("From this page nothing was counted. A vote that you cast before still counts.");
}

function description(text) {
  const { text: all, ...rest } = plainText(text);
  const lines = all.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => words("p", { text: line, ...rest }));
}

/** Where the election's texts are in several languages and not in the page's: the reader chooses one of them. */
function textsChoice(booth) {
  const { languages } = booth.election.manifest;
  if (languages.length < 2 || languages.includes(language())) {
    preferTexts(null);
    return null;
  }
  const select = h(
    "select",
    {
      id: "texts",
      onchange: async () => {
        preferTexts(select.value);
        await booth.draw({ move: false });
        document.getElementById("texts")?.focus();
      },
    },
    languages.map((code) => h("option", { value: code, selected: code === textLanguage() }, nameOf(code))),
  );
  return h("div", { class: "field" }, h("label", { for: "texts" }, t("Language of this election’s texts")), select);
}

/** A language's name; its code, where the browser knows none or takes it for no code. */
function nameOf(code) {
  try {
    return new Intl.DisplayNames(language(), { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

function needs({ election, practice }) {
  const count = election.manifest.questions.length;
  const minutes = Math.max(2, Math.ceil(count * 0.75) + 1);
  const questions = count === 1 ? t("1 question") : t("{count} questions", { count });
  if (practice)
    return [h("li", {}, t("{questions}, about {minutes} minutes. No code is needed.", { questions, minutes }))];
  return [
    h("li", {}, t("You need your voter code and about {minutes} minutes ({questions}).", { questions, minutes })),
    election.closes && h("li", {}, t("Voting closes: {time}", { time: momentText(election.closes) })),
    h("li", {}, again(election)),
  ];
}

/** The sentence on voting again, which stands on the start and on the receipt. */
export function again(election) {
  if (!election.closes) return t("You can vote again until voting closes; only your last vote counts.");
  return t("You can vote again until {time}; only your last vote counts.", { time: momentText(election.closes) });
}

// -- the code
// ----------------------------------------------------------------------------------------------------------

function codeForm(booth) {
  const problem = h("div", { id: "code-problem" });
  const status = h("p", { role: "status" });
  const input = h("input", {
    id: "code",
    name: "code",
    type: "text",
    class: "code-input",
    "aria-describedby": "code-hint code-problem",
    autocapitalize: "characters",
    spellcheck: "false",
    autocomplete: "off",
    value: booth.linkCode ?? booth.typedCode ?? "",
    onchange: () => {
      input.value = inGroups(input.value);
    },
    oninput: () => {
      booth.typedCode = input.value;
    },
  });
  const button = h("button", { class: "primary" }, t("Continue"));
  let checking = false;

  async function check(event) {
    event?.preventDefault();
    if (checking) return;
    checking = true;
    problem.replaceChildren();
    input.removeAttribute("aria-invalid");
    try {
      requireWellTyped(input.value);
      status.textContent = t("Your code is being checked…");
      await acceptCode(booth, input.value);
    } catch (error) {
      status.textContent = "";
      if (error instanceof CodeProblem) showProblem(error.message);
      else problem.append(failurePanel(startFailure(error), countedWords("no", false)));
      input.focus();
    } finally {
      checking = false;
    }
  }

  function showProblem(message) {
    input.setAttribute("aria-invalid", "true");
    problem.append(
      h("p", { class: "error-text", role: "alert" }, message),
      h(
        "p",
        { class: "hint" },
        t("Nothing was sent, and you have not voted. If you lost your code, ask: {contact}", {
          contact: booth.election.contact || t("the organiser"),
        }),
      ),
    );
  }

  const element = h(
    "form",
    { novalidate: true, onsubmit: check },
    h(
      "div",
      { class: "field" },
      h("label", { for: "code" }, t("Your voter code")),
      h(
        "span",
        { class: "hint", id: "code-hint" },
        t("25 characters in five groups. Small letters and spaces do not matter."),
      ),
      input,
      problem,
    ),
    status,
    h("div", { class: "actions" }, button),
  );
  const fromLink = booth.linkCode !== null;
  booth.linkCode = null;
  return { element, after: fromLink ? () => check() : undefined };
}

async function acceptCode(booth, typed) {
  await requireBrowser();
  const voter = await findVoter(booth.election, typed);
  await booth.prepare({ ...ballotData(booth.election), credential: voter.publicKey });
  booth.voter = voter;
  booth.typedCode = "";
  await booth.draw({ move: true });
}

function knownVoter(booth) {
  const { voter, election } = booth;
  const next = election.factor !== "none" && !booth.token ? "factor" : "question";
  return {
    element: h(
      "div",
      {},
      h(
        "p",
        { class: "note good", role: "status" },
        t("Your code is right."),
        " ",
        t("Your pseudonym on the board:"),
        " ",
        h("code", {}, voter.pseudonym),
      ),
      voter.weight > 1 && h("p", {}, t("Your vote has the weight {weight}.", { weight: voter.weight })),
      voter.voted &&
        h("p", { class: "note warn" }, t("You have voted already. If you vote again, only the new vote counts.")),
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          { type: "button", class: "primary", onclick: () => booth.go(next) },
          voter.voted ? t("Vote again") : t("Start"),
        ),
        h(
          "button",
          {
            type: "button",
            class: "link",
            onclick: () => {
              booth.forgetVoter();
              booth.draw({ move: true });
            },
          },
          t("Use another code"),
        ),
      ),
    ),
  };
}

function practiceForm(booth) {
  const start = async () => {
    try {
      await requireBrowser();
      await booth.prepare(ballotData(booth.election));
      await booth.go("question");
    } catch (error) {
      booth.failure = startFailure(error);
      await booth.draw({ move: true });
    }
  };
  return {
    element: h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "primary", onclick: start }, t("Start practice")),
    ),
  };
}
