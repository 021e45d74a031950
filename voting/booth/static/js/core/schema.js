/**
 * The form of messages: each reader takes a parsed JSON value and the place where it stands, and refuses another form.
 *
 * Together with canonical.js this is E2 of docs/spec/encoding.md. Imports only errors.js.
 */

import { DecodeError } from "./errors.js";

/** @typedef {(value: unknown, where: string) => void} Reader */

function refuse(where, wanted) {
  throw new DecodeError(`is not ${wanted}`, { where });
}

/** Any text. @type {Reader} */
export function text(value, where) {
  if (typeof value !== "string") {
    refuse(where, "a text");
  }
}

/** Protocol E5: a SHA-256 hash in hexadecimal digits. @type {Reader} */
export function hash(value, where) {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) {
    refuse(where, "a SHA-256 hash of 64 lower-case hexadecimal digits");
  }
}

/** Any value: for fields that other code reads. @type {Reader} */
export function anything() {}

/** An object with any fields. @type {Reader} */
export function object(value, where) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(where, "an object");
  }
}

/**
 * A whole number within bounds.
 * @param {number} [lowest]
 * @param {number} [highest]
 * @returns {Reader}
 */
export function integer(lowest = Number.MIN_SAFE_INTEGER, highest = Number.MAX_SAFE_INTEGER) {
  return (value, where) => {
    if (!Number.isSafeInteger(value) || value < lowest || value > highest) {
      refuse(where, `a whole number from ${lowest} to ${highest}`);
    }
  };
}

/**
 * A text of a certain pattern.
 * @param {RegExp} pattern
 * @param {string} wanted how an error names the form
 * @returns {Reader}
 */
export function matching(pattern, wanted) {
  return (value, where) => {
    if (typeof value !== "string" || !pattern.test(value)) {
      refuse(where, wanted);
    }
  };
}

/**
 * A list of values of one form.
 * @param {Reader} item
 * @returns {Reader}
 */
export function list(item) {
  return (value, where) => {
    if (!Array.isArray(value)) {
      refuse(where, "a list");
    }
    value.forEach((element, index) => item(element, `${where}[${index}]`));
  };
}

/**
 * An object with exactly these fields.
 * @param {Record<string, Reader>} fields
 * @returns {Reader}
 */
export function record(fields) {
  const names = Object.keys(fields);
  return (value, where) => {
    object(value, where);
    const found = Object.keys(value);
    if (found.length !== names.length || !names.every((name) => Object.hasOwn(value, name))) {
      refuse(where, `an object with exactly the fields ${names.join(", ")}`);
    }
    for (const name of names) {
      fields[name](value[name], `${where}.${name}`);
    }
  };
}
