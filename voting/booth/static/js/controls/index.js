/**
 * Form controls for the questions of a ballot, one file a voting method. Native elements only, built without markup
 * strings; the look is in `/booth/controls.css`, which the page must link.
 *
 *     const control = makeControl(question, { language: "fr", languages: manifest.languages, id: "q1", heading });
 *     form.append(control.element);
 *     try { selection = control.read(); } catch (error) { control.showError(error); ... }
 *
 * Must not import anything of the booth's flow.
 *
 * @typedef {import("../methods/index.js").Question} Question
 * @typedef {import("../methods/index.js").Selection} Selection
 *
 * @typedef {object} Settings
 * @property {string} language the voter's language, for the election's texts
 * @property {string[]} [languages] the election's languages, the main one first: used if it has not the voter's
 * @property {string} id the control's id; the ids of its fields begin with it. Unique on the page
 * @property {Selection|null} [selection] what the voter chose before: a selection, or a draft
 * @property {() => void} [onChange] called after every change by the voter
 * @property {Node|null} [heading] becomes the legend, e.g. the `h1` of the question. Without it the legend is the
 *   question's title, for screen readers only
 *
 * @typedef {object} MadeControl
 * @property {HTMLFieldSetElement} element
 * @property {() => Selection} read the selection, as the method's `encodeSelection` takes it. Throws `SelectionError`:
 *   `message` is for the voter, `field` is the id of the field at fault
 * @property {() => Selection} draft what is entered so far, complete or not; a later control takes it as `selection`
 * @property {() => boolean} isBlank whether nothing is entered (a blank vote is something)
 * @property {(error: {message: string, field: string}) => void} showError show it in the control and mark the field;
 *   the next change takes it away
 * @property {() => void} clearError
 */

import { UrneError } from "../core/errors.js";
import { chooseControl } from "./choose.js";
import { makeFrame } from "./frame.js";
import { gradesControl } from "./grades.js";
import { levelsControl } from "./levels.js";
import { listsControl } from "./lists.js";
import { orderControl } from "./order.js";
import { scoreControl } from "./score.js";

const CONTROLS = new Map([
  ["choose", chooseControl],
  ["score", scoreControl],
  ["grades", gradesControl],
  ["lists", listsControl],
  ["ranking", orderControl],
  ["condorcet", orderControl],
  ["condorcet-ties", levelsControl],
]);

/**
 * Make the form control of a question.
 *
 * @param {Question} question
 * @param {Settings} settings
 * @returns {MadeControl}
 */
export function makeControl(question, settings) {
  const make = CONTROLS.get(question.method);
  if (!make) throw new UrneError(`there is no voting method "${question.method}"`, { code: "method" });
  const frame = makeFrame(question, settings);
  const { read, draft, isBlank } = make(question, frame, settings.selection ?? null);
  const { element, showError, clearError } = frame;
  return { element, read, draft, isBlank, showError, clearError };
}
