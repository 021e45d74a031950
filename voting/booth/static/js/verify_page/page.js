/**
 * The verifier's page: asks for a record, has it verified by workers, shows the report. It sends nothing anywhere, and
 * loads nothing but the record at an address that was given.
 *
 * An address may be filled in by a link: `#address=https://vote.example/e/club&lang=fr`. Nothing begins by itself.
 * Must not import what runs in workers.
 */

import { focusOn, h, replaceChildren, words } from "../dom.js";
import { LANGUAGES, bestLanguage, language, plainText, provideTexts, setLanguage, t } from "../text.js";
import { writeVisit } from "./earlier.js";
import { formBody, noChoices, readChoices } from "./form_view.js";
import { provideProblems } from "./phrases.js";
import { ProgressView } from "./progress_view.js";
import { failurePanel, reportBody } from "./report_view.js";
import { Session } from "./session.js";
import { verdictHeading } from "./verdicts.js";

const LANGUAGE_NAMES = { en: "English", fr: "Français" };
const FILE_NAME = "urne-verifier.html";
/** Where sites show this page. */
const SITE_PATH = "/verify";
const NOTHING_WRONG = new Set(["verified", "valid so far"]);

/** Begin. */
export function startPage() {
  if (!isModern()) {
    document.getElementById("too-old").hidden = false;
    return;
  }
  const given = JSON.parse(document.getElementById("texts").textContent);
  for (const [code, { texts, problems }] of Object.entries(given)) {
    provideTexts(code, texts);
    provideProblems(code, problems);
  }
  new VerifierPage((code) => given[code]?.texts ?? {}).start();
}

/** Browsers of 2023 and newer have all that is needed; the packing of .zip files came last. */
function isModern() {
  try {
    new DecompressionStream("deflate-raw");
    return true;
  } catch {
    return false;
  }
}

/** The state of the page. */
class VerifierPage {
  /** @param {(language: string) => Record<string, string>} textsOf what the leader needs to say who won */
  constructor(textsOf) {
    this.textsOf = textsOf;
    this.choices = noChoices();
    /** @type {"form"|"running"|"report"|"failure"} */
    this.screen = "form";
    this.session = null;
    this.progress = null;
    this.report = null;
    this.checkpoint = "";
    this.failure = null;
    this.from = "";
  }

  start() {
    const given = this.#takeLink();
    setLanguage(LANGUAGES.includes(given) ? given : bestLanguage(navigator.languages ?? []));
    addEventListener("hashchange", () => {
      if (this.screen === "form" && location.hash.startsWith("#address=")) {
        this.#takeLink();
        this.draw({ move: false });
      }
    });
    // A file that misses the box must not replace the page.
    for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
    this.draw({ move: false });
    document.documentElement.setAttribute("data-ready", "");
  }

  /** Fill in what the link to this page says. @returns {string|null} the language that it asks for */
  #takeLink() {
    const link = new URLSearchParams(location.hash.slice(1));
    if (link.has("address")) this.choices = { ...this.choices, address: link.get("address"), files: [] };
    return link.get("lang");
  }

  async verify() {
    const { choices } = this;
    const { request, problems } = await readChoices(choices);
    choices.problems = problems;
    if (!request) {
      if (["manifest", "election", "earlier"].some((name) => Object.hasOwn(problems, name))) choices.isOpen = true;
      this.draw({ move: false });
      document.getElementById("problems").focus();
      return;
    }
    this.from = request.address || request.files.map((file) => file.name).join(", ");
    this.screen = "running";
    this.progress = new ProgressView(() => this.#back());
    const words = { language: language(), texts: this.textsOf(language()) };
    this.session = new Session({ ...request, ...words }, {
      onProgress: (progress) => this.progress.update(progress),
      onReport: ({ report, checkpoint }) => {
        Object.assign(this, { report, checkpoint });
        this.#show("report");
      },
      onFailure: (failure) => {
        this.failure = failure;
        this.#show("failure");
      },
    });
    this.draw({ move: true });
  }

  #show(screen) {
    this.screen = screen;
    this.session = null;
    this.draw({ move: true });
  }

  #back() {
    this.session?.cancel();
    this.#show("form");
  }

  draw({ move }) {
    replaceChildren(document.getElementById("head"), h("p", { class: "head-title" }, "Urne"), this.#languages());
    const right = t("Anybody may verify an election, and needs nobody's permission.");
    replaceChildren(document.getElementById("foot"), h("p", {}, right));
    const screens = {
      form: () => this.#form(),
      running: () => ({ heading: t("Verifying"), body: this.progress.body() }),
      failure: () => ({ heading: t("Nothing was verified"), body: [failurePanel(this.failure), this.#actions([])] }),
      report: () => this.#report(),
    };
    const { heading, before, body } = screens[this.screen]();
    const top = h("h1", { tabindex: "-1" }, heading);
    replaceChildren(document.getElementById("main"), before, top, body);
    document.title = this.screen === "form" ? heading : `${heading} · Urne`;
    if (move) focusOn(top);
  }

  #languages() {
    const choose = (code) => {
      setLanguage(code);
      this.draw({ move: false });
      document.querySelector("#head button")?.focus();
    };
    const others = LANGUAGES.filter((code) => code !== language());
    const buttons = others.map((code) =>
      h("button", { type: "button", class: "link", lang: code, onclick: () => choose(code) }, LANGUAGE_NAMES[code]),
    );
    return h("nav", { "aria-label": t("Language") }, h("ul", {}, buttons.map((button) => h("li", {}, button))));
  }

  #form() {
    const options = {
      onVerify: () => this.verify(),
      redraw: () => {
        this.choices.problems = {};
        this.draw({ move: false });
        document.getElementById("files").focus();
      },
      copy: location.pathname === SITE_PATH ? `${SITE_PATH}/${FILE_NAME}` : "",
    };
    return { heading: t("Verify an election"), body: formBody(this.choices, options) };
  }

  #report() {
    const { report } = this;
    const title = report.title ? plainText(report.title) : { text: t("An election"), lang: language(), dir: "ltr" };
    const saves = [
      h("button", { type: "button", onclick: () => this.#saveReport() }, t("Save the report (JSON)")),
      this.#canKeep() && h("button", { type: "button", onclick: () => this.#saveVisit() }, t("Save what was seen")),
      h("button", { type: "button", onclick: () => print() }, t("Print")),
    ];
    return {
      heading: verdictHeading(report.verdict),
      before: words("p", title, { class: "over-line" }),
      body: [reportBody(report, this.from), this.#actions(saves)],
    };
  }

  #actions(buttons) {
    const again = h("button", { type: "button", onclick: () => this.#back() }, t("Verify another record"));
    return h("div", { class: "actions" }, buttons, again);
  }

  #canKeep() {
    return NOTHING_WRONG.has(this.report.verdict) && Boolean(this.report.manifest && this.checkpoint);
  }

  #saveReport() {
    save("urne-report.json", `${JSON.stringify(this.report, null, 2)}\n`, "application/json");
  }

  #saveVisit() {
    const { election, manifest } = this.report;
    save("urne.state", writeVisit({ checkpoint: this.checkpoint, election, manifest }), "application/octet-stream");
  }
}

function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
