/**
 * Canonical JSON (docs/spec/encoding.md, E1 to E3): what is hashed or signed has exactly one form.
 *
 * Imports bytes.js and errors.js.
 */

import { fromUtf8, utf8 } from "./bytes.js";
import { DecodeError } from "./errors.js";

/** No canonical text that Urne reads may be longer, in bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

const LONE_SURROGATE = /\p{Surrogate}/u;
const ASCII = /^[\x00-\x7f]*$/;

/**
 * Protocol E1: the canonical bytes of a value: objects, lists, strings, whole numbers, booleans, null.
 * @param {unknown} value
 * @returns {Uint8Array}
 */
export function encodeCanonical(value) {
  return utf8(write(value));
}

/**
 * Protocol E2, E3: reads canonical JSON; refuses anything that `encodeCanonical` would not have written.
 * @param {Uint8Array | string} data
 * @param {string} what how an error names the data
 * @param {number} [limit] longest text accepted, in bytes
 * @returns {any}
 */
export function decodeCanonical(data, what, limit = MAX_MESSAGE_BYTES) {
  const length = typeof data === "string" ? utf8(data).length : data.length;
  if (length > limit) {
    throw new DecodeError(`is ${length} bytes long, more than the ${limit} allowed`, { where: what });
  }
  const text = typeof data === "string" ? data : fromUtf8(data, what);
  let value;
  let again;
  try {
    value = JSON.parse(text);
    again = write(value);
  } catch (error) {
    // JSON.parse quotes the data in its message; a stack that is too small throws RangeError.
    const reason = error instanceof DecodeError ? error.problem : "is not JSON, or is nested too deeply";
    throw new DecodeError(reason, { where: what });
  }
  if (again !== text) {
    throw new DecodeError("is not canonical JSON", { where: what });
  }
  return value;
}

function write(value) {
  switch (typeof value) {
    case "string":
      if (LONE_SURROGATE.test(value)) {
        throw new DecodeError("contains half of a surrogate pair");
      }
      return JSON.stringify(value);
    case "number":
      if (!Number.isSafeInteger(value)) {
        throw new DecodeError("contains a number that is not an integer within 2^53 - 1");
      }
      return String(value);
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : writeCollection(value);
    default:
      throw new DecodeError(`contains a value of type ${typeof value}, which JSON does not have`);
  }
}

function writeCollection(value) {
  if (Array.isArray(value)) {
    return `[${value.map(write).join(",")}]`;
  }
  const fields = Object.keys(value)
    .sort()
    .map((key) => {
      if (!ASCII.test(key)) {
        throw new DecodeError("has a key that is not ASCII");
      }
      return `${JSON.stringify(key)}:${write(value[key])}`;
    });
  return `{${fields.join(",")}}`;
}
