/**
 * The second device of a test (docs/guide-voter.md): it reads the opening of a ballot that another device locked, makes
 * the ballot again, and shows its lock number and choices. After loading it needs no network. What it reads stays here.
 *
 * Must not be imported by other modules.
 */

import { ballotData, loadElection } from "../booth/election.js";
import { startFailure } from "../booth/failure.js";
import { drawFrame, drawScreen, failurePanel, toyBanner } from "../booth/frame.js";
import { chooseLanguage, rememberLanguage } from "../booth/languages.js";
import { WorkerClient, WorkerFailed } from "../booth/worker_client.js";
import { DecodeError } from "../core/errors.js";
import { append, h, words } from "../dom.js";
import { methodOf } from "../methods/index.js";
import { loadTexts, plainText, setLanguage, t, textLanguage } from "../text.js";
import { toOpening } from "./opening_text.js";

const WORKER = "/booth/js/device_test/worker.js";

/** The state of the page. */
class DeviceTest {
  constructor() {
    this.base = location.pathname.replace(/\/+$/, "").replace(/\/[^/]*$/, "");
    this.election = null;
    this.failure = null;
    this.worker = null;
    this.given = takeFragment();
    /** @type {{lockNumber: string, selections: any[]}|null} */
    this.found = null;
    this.problem = null;
    this.typed = "";
  }

  async start() {
    await chooseLanguage();
    addEventListener("hashchange", () => {
      const given = takeFragment();
      if (given) this.read(given);
    });
    await this.load();
  }

  async load() {
    this.failure = null;
    try {
      this.election = await loadElection(this.base);
      this.worker?.close();
      this.worker = new WorkerClient(WORKER);
      if (this.election.id) await this.worker.ask("prepare", { context: ballotData(this.election) });
    } catch (error) {
      this.failure = startFailure(error);
    }
    document.documentElement.setAttribute("data-ready", "");
    const { given } = this;
    this.given = null;
    if (given && this.election?.id && !this.failure) await this.read(given);
    else this.draw({ move: false });
  }

  /** Read an opening in any form, and show what it is. */
  async read(text) {
    this.found = null;
    this.problem = null;
    try {
      const opening = await toOpening(text);
      const { election } = JSON.parse(opening);
      if (typeof election === "string" && election !== this.election.id) {
        this.problem = t("This test is of another election. Open the test address of that one.");
      } else {
        this.found = await this.worker.ask("reopen", { opening });
        this.typed = "";
      }
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof WorkerFailed)) throw error;
      this.problem = t(
        "This is no test of a device, or a part of it is missing. Scan the code again, or use the file.",
      );
    }
    this.draw({ move: true });
  }

  draw({ move }) {
    const { election } = this;
    drawFrame({
      manifest: election?.manifest,
      home: this.base,
      contact: election?.contact,
      banners: [election?.isToy && toyBanner()],
      onLanguage: (code) => this.changeLanguage(code),
    });
    drawScreen(this.failure || !election?.id ? this.#unable() : this.found ? this.#result() : this.#form(), { move });
    document.title = t("Test of another device");
  }

  async changeLanguage(code) {
    setLanguage(await loadTexts(code));
    rememberLanguage();
    this.draw({ move: false });
    document.querySelector("#head button")?.focus();
  }

  #unable() {
    const again = h("button", { type: "button", onclick: () => this.load() }, t("Load again"));
    const panel = this.failure
      ? failurePanel(this.failure, t("Nothing was tested."), [again])
      : h("p", { class: "note warn" }, t("Voting is not open yet, so there is nothing to test."));
    return { heading: t("Test of another device"), body: [panel] };
  }

  #form() {
    const text = h("textarea", {
      id: "opening",
      class: "opening",
      rows: "4",
      spellcheck: "false",
      autocomplete: "off",
      value: this.typed,
      "aria-describedby": this.problem ? "opening-problem" : null,
      "aria-invalid": this.problem ? "true" : null,
      oninput: () => {
        this.typed = text.value;
      },
    });
    const file = h("input", {
      id: "opening-file",
      type: "file",
      accept: ".json,application/json",
      onchange: async () => {
        if (file.files.length === 1) await this.read(await file.files[0].text());
      },
    });
    const submit = (event) => {
      event.preventDefault();
      this.read(text.value);
    };
    return {
      heading: t("Test of another device"),
      body: [
        h("p", {}, t("Here you see what another device locked when you chose “Test this device” there.")),
        h("p", {}, t("From now on this page needs no network: you may switch it off.")),
        this.problem && h("p", { class: "error-text", role: "alert", id: "opening-problem" }, this.problem),
        h(
          "form",
          { novalidate: true, onsubmit: submit },
          h("div", { class: "field" }, h("label", { for: "opening-file" }, t("Open the test file")), file),
          h("div", { class: "field" }, h("label", { for: "opening" }, t("Or paste the text")), text),
          h("div", { class: "actions" }, h("button", { class: "primary" }, t("Show what was locked"))),
        ),
      ],
    };
  }

  #result() {
    const { lockNumber, selections } = this.found;
    const { questions } = this.election.manifest;
    const list = h("dl", { class: "choices" });
    questions.forEach((question, index) => {
      const lines = methodOf(question).describeSelection(question, selections[index], textLanguage());
      append(list, [words("dt", plainText(question.title)), lines.map((line) => h("dd", { dir: "auto" }, line))]);
    });
    const another = () => {
      this.found = null;
      this.draw({ move: true });
    };
    return {
      heading: t("This is what the other device locked"),
      body: [
        h("p", {}, t("Lock number:"), " ", h("strong", { class: "lock-number" }, lockNumber)),
        list,
        h("p", {}, t("Compare both with the other device. If everything is the same, answer Yes there.")),
        h(
          "p",
          { class: "note warn" },
          h("strong", {}, t("If anything differs: do not vote on that device, and answer No there.")),
          " ",
          t("Keep this page open until you have told the contact below."),
        ),
        h("p", {}, t("This was a test: nothing was counted. You still have to vote.")),
        h("div", { class: "actions" }, h("button", { type: "button", onclick: another }, t("Another test"))),
        h(
          "p",
          { class: "small quiet" },
          t("Manifest hash of this election:"),
          " ",
          h("code", { class: "hash" }, this.election.manifestHash),
        ),
      ],
    };
  }
}

/** The opening in the address, which is removed from there at once. */
function takeFragment() {
  const { hash } = location;
  if (hash) history.replaceState(null, "", location.pathname + location.search);
  return hash.startsWith("#opening=") ? hash.slice(1) : null;
}

new DeviceTest().start();
