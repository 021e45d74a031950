/**
 * A page for the tests of the form controls: `show(question, settings)` puts one control on it, `answer()` reads it as
 * the booth would. Not part of the booth.
 */

import { makeControl } from "/booth/js/controls/index.js";
import { h, replaceChildren } from "/booth/js/dom.js";
import { methodOf } from "/booth/js/methods/index.js";
import { language, loadTexts, plainText, setLanguage } from "/booth/js/text.js";

let shown = null;

window.trial = {
  /** Show a question's control in a form with a heading and a button. */
  async show(question, settings = {}) {
    setLanguage(await loadTexts(settings.language ?? "en"));
    document.documentElement.dir = settings.dir ?? "ltr";
    const heading = h("h1", {}, plainText(question.title, language()).text);
    const made = { changes: 0 };
    const onChange = () => {
      made.changes += 1;
    };
    const control = makeControl(question, { language: language(), id: "answer", heading, onChange, ...settings });
    const next = h("button", { type: "submit", class: "primary" }, "Next");
    const form = h("form", { novalidate: true }, control.element, h("div", { class: "actions" }, next));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      made.sent = true;
    });
    replaceChildren(document.querySelector("main"), form);
    shown = { question, control, made };
  },
  /** What the booth gets: the selection and the values of the ballot, or the error. */
  answer() {
    const { question, control, made } = shown;
    const common = { draft: control.draft(), isBlank: control.isBlank(), changes: made.changes, sent: Boolean(made.sent) };
    try {
      const selection = control.read();
      return { ...common, selection, values: methodOf(question).encodeSelection(question, selection) };
    } catch (error) {
      if (error.code !== "selection") throw error;
      control.showError(error);
      return { ...common, error: error.message, field: error.field };
    }
  },
};
document.documentElement.dataset.ready = "yes";
