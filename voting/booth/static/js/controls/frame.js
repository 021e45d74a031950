/**
 * What all form controls share: the fieldset around them, texts with their own language and direction, the status
 * line, and the place where an error is shown. One control is one file beside this one (docs/spec/methods.md, M5 to
 * M13).
 *
 * A status line (role=status) says what a change did; nothing is ever blocked or corrected in silence. Must not import a
 * control or know of ballots.
 *
 * @typedef {object} Control what a control's file returns to `index.js`
 * @property {unknown} content nodes, as children of `h`
 * @property {() => Record<string, any>} read the voter's selection in the method's form; throws `SelectionError` with a
 *   text for the voter and the id of the form field at fault in `field`
 * @property {() => Record<string, any>} draft what is entered so far, complete or not; `selection` of a new control
 * @property {() => boolean} isBlank whether nothing is entered
 *
 * @typedef {ReturnType<typeof makeFrame>} Frame
 */

import { SelectionError } from "../core/errors.js";
import { h, replaceChildren, words } from "../dom.js";
import { direction, language as pageLanguage, plainText, t } from "../text.js";

/** Above this number of options a control has a box to find them by, and its status line stays in view. */
export const MANY_OPTIONS = 20;
const STATUS_STAYS_ABOVE = 6;

/**
 * The frame of one control.
 *
 * @param {import("../methods/index.js").Question} question
 * @param {import("./index.js").Settings} settings
 */
export function makeFrame(question, { language, languages = [], id, onChange = () => {}, heading = null }) {
  const shown = languages.length === 0 || languages.includes(language) ? language : languages[0];
  const about = question.description && describe(plainText(question.description, shown), `${id}-about`);
  const help = h("p", { class: "control-help hint", id: `${id}-help` });
  const error = h("p", { class: "control-error error-text", id: `${id}-error`, hidden: true });
  const status = h("div", { class: "control-status", id: `${id}-status`, role: "status" });
  let faulty = null;

  /** An option's text as a node with its language and direction. */
  const label = (text) => words("span", plainText(text, shown));

  /** An option's text for a sentence of the page, kept apart where its direction is another one. */
  const name = (text) => {
    const { text: plain, dir } = plainText(text, shown);
    return dir === direction(pageLanguage()) ? plain : `\u2068${plain}\u2069`;
  };

  /** Say what is chosen, or what a change did. Several texts become several lines. */
  const say = (lines, { isFault = false } = {}) => {
    replaceChildren(status, [lines].flat().filter(Boolean).map((line) => h("p", {}, line)));
    status.classList.toggle("is-fault", isFault);
  };

  const clearError = () => {
    error.hidden = true;
    replaceChildren(error);
    faulty?.removeAttribute("aria-invalid");
    faulty = null;
  };

  const showError = ({ message, field }) => {
    clearError();
    replaceChildren(error, h("span", { class: "visually-hidden" }, t("Error:"), " "), message);
    error.hidden = status.textContent === message; // the status line says it already
    const found = element.ownerDocument.getElementById(field);
    // ARIA knows aria-invalid for boxes, lists and text fields, not for a single radio button or a push button.
    if (found?.matches("select, input:not([type=radio])")) {
      found.setAttribute("aria-invalid", "true");
      faulty = found;
    }
  };

  const element = h(
    "fieldset",
    { class: "control", id, "aria-describedby": `${about ? `${about.id} ` : ""}${id}-help ${id}-error` },
    h("legend", {}, heading ?? h("span", { class: "visually-hidden" }, label(question.title))),
    about,
    help,
    error,
  );

  return {
    id,
    shown,
    element,
    label,
    name,
    say,
    showError,
    clearError,
    /** To be called after every change by the voter. */
    changed() {
      clearError();
      onChange();
    },
    /** @returns {SelectionError} the error for the voter, to be thrown */
    fault: (message, field) => new SelectionError(message, { field }),
    /**
     * Fill the frame.
     *
     * @param {(string|false)[]} sentences how to answer
     * @param {number} rows how long the control is
     * @param {unknown} content as children of `h`
     */
    fill(sentences, rows, content) {
      replaceChildren(help, sentences.filter(Boolean).join(" "));
      status.classList.toggle("stays-in-view", rows > STATUS_STAYS_ABOVE);
      element.append(h("div", { class: "control-body" }, content), status);
    },
  };
}

/** A question's description, one paragraph a line. */
function describe({ text, lang, dir }, id) {
  const lines = text.split("\n").filter((line) => line.trim());
  return h("div", { class: "control-about", id }, lines.map((line) => words("p", { text: line, lang, dir })));
}
