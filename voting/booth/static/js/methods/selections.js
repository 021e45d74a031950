/**
 * What the voting methods share when they read a voter's choices: the form of the data, and numbers that must be
 * distinct. An error names the rule, never the choices.
 *
 * Must not import a method, nor anything of the pages.
 */

import { SelectionError } from "../core/errors.js";
import { t } from "../text.js";

/**
 * Read a selection from plain JSON data: an object with exactly these fields.
 *
 * @param {unknown} data
 * @param {string} form the expected form in words, for the error
 * @param {Record<string, {is: (value: unknown) => boolean, missing?: unknown}>} fields how to know each field's values;
 *   a field with `missing` may be left out and then has this value
 * @returns {Record<string, any>}
 * @throws {SelectionError} if the data has another form
 */
export function readForm(data, form, fields) {
  const wrong = () => new SelectionError(t("the choices have not the form {form}", { form }));
  if (typeof data !== "object" || data === null || Array.isArray(data)) throw wrong();
  if (Object.keys(data).some((name) => !Object.hasOwn(fields, name))) throw wrong();
  const selection = {};
  for (const [name, { is, missing }] of Object.entries(fields)) {
    const value = Object.hasOwn(data, name) ? data[name] : missing;
    if (value === undefined || !is(value)) throw wrong();
    selection[name] = value;
  }
  return selection;
}

/** @param {unknown} value */
export const isWholeNumber = (value) => Number.isInteger(value);

/** @param {unknown} value */
export const isTruth = (value) => typeof value === "boolean";

/** @param {unknown} value */
export const isNumberList = (value) => Array.isArray(value) && value.every(isWholeNumber);

/** @param {unknown} value */
export const isLevelList = (value) =>
  Array.isArray(value) && value.every((level) => level === null || isWholeNumber(level));

/**
 * Refuse numbers outside 0 to count - 1, and a number that occurs twice.
 *
 * @param {number[]} numbers
 * @param {number} count
 * @param {{outside: (last: number) => string, twice: () => string}} texts what to say
 * @throws {SelectionError}
 */
export function requireDistinct(numbers, count, { outside, twice }) {
  if (numbers.some((number) => !isWithin(number, 0, count - 1))) throw new SelectionError(outside(count - 1));
  if (new Set(numbers).size !== numbers.length) throw new SelectionError(twice());
}

/**
 * Whether a number is a whole one between two bounds, both included.
 *
 * @param {number} number
 * @param {number} lowest
 * @param {number} highest
 * @returns {boolean}
 */
export function isWithin(number, lowest, highest) {
  return Number.isInteger(number) && lowest <= number && number <= highest;
}

/**
 * A copy in rising order.
 *
 * @param {number[]} numbers
 * @returns {number[]}
 */
export function rising(numbers) {
  return [...numbers].sort((first, second) => first - second);
}
