/**
 * Bytes and their text forms (docs/spec/encoding.md, E6 and E7; docs/spec/log.md, L3).
 *
 * Readers are strict: each byte string has exactly one text form, and anything else is refused.
 * Imports only errors.js.
 */

import { DecodeError } from "./errors.js";

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STANDARD_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const MAX_SAFE_INTEGER = BigInt(Number.MAX_SAFE_INTEGER);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The UTF-8 bytes of a text.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function utf8(text) {
  return encoder.encode(text);
}

/**
 * The text that these UTF-8 bytes are.
 * @param {Uint8Array} bytes
 * @param {string} what how an error names them
 * @returns {string}
 */
export function fromUtf8(bytes, what) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new DecodeError("is not valid UTF-8", { where: what });
  }
}

/**
 * Byte strings one after another.
 * @param {...Uint8Array} parts
 * @returns {Uint8Array}
 */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let position = 0;
  for (const part of parts) {
    joined.set(part, position);
    position += part.length;
  }
  return joined;
}

/**
 * A number as 4 bytes, big-endian.
 * @param {number} number in [0, 2^32)
 * @returns {Uint8Array}
 */
export function u32(number) {
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/**
 * Whether two byte strings are the same. Not for secrets: the time depends on them.
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 * @returns {boolean}
 */
export function equal(left, right) {
  return left.length === right.length && left.every((byte, position) => byte === right[position]);
}

/**
 * Lower-case hexadecimal digits.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toHex(bytes) {
  let text = "";
  for (const byte of bytes) {
    text += HEX[byte];
  }
  return text;
}

/**
 * Reads lower-case hexadecimal digits.
 * @param {string} text
 * @param {string} [what] how an error names the value
 * @returns {Uint8Array}
 */
export function fromHex(text, what = "value") {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/.test(text)) {
    throw new DecodeError("is not pairs of lower-case hexadecimal digits", { where: what });
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let position = 0; position < bytes.length; position++) {
    bytes[position] = (hexValue(text, 2 * position) << 4) | hexValue(text, 2 * position + 1);
  }
  return bytes;
}

/**
 * A number as bytes, big-endian.
 * @param {bigint} number not negative and below 256^length
 * @param {number} length
 * @returns {Uint8Array}
 */
export function fromBigInt(number, length) {
  const digits = number.toString(16).padStart(2 * length, "0");
  const bytes = new Uint8Array(length);
  for (let position = 0; position < length; position++) {
    bytes[position] = (hexValue(digits, 2 * position) << 4) | hexValue(digits, 2 * position + 1);
  }
  return bytes;
}

/** The value of a digit: "0" to "9" are 48 to 57, "a" to "f" are 97 to 102. */
function hexValue(digits, position) {
  const code = digits.charCodeAt(position);
  return (code & 15) + (code > 64 ? 9 : 0);
}

/**
 * The number that these bytes are, big-endian.
 * @param {Uint8Array} bytes
 * @returns {bigint}
 */
export function toBigInt(bytes) {
  return bytes.length ? BigInt(`0x${toHex(bytes)}`) : 0n;
}

/**
 * Protocol E6: base64url without padding.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64Url(bytes) {
  return encode64(bytes, URL_ALPHABET);
}

/**
 * Protocol E7: reads base64url without padding, in its one canonical form.
 * @param {string} text
 * @param {number | null} length how many bytes must come out; null for any number
 * @param {string} what how an error names the value
 * @returns {Uint8Array}
 */
export function fromBase64Url(text, length, what) {
  return exactly(decode64(text, URL_ALPHABET, "base64url without padding", what), length, what);
}

/**
 * Protocol L3a: standard base64 with padding, as the log's files use it.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64(bytes) {
  return encode64(bytes, STANDARD_ALPHABET) + "=".repeat((3 - (bytes.length % 3)) % 3);
}

/**
 * Protocol L3b: reads standard base64 with padding, in its one canonical form.
 * @param {string} text
 * @param {number | null} length how many bytes must come out; null for any number
 * @param {string} what how an error names the value
 * @returns {Uint8Array}
 */
export function fromBase64(text, length, what) {
  const bytes = decode64(text.replace(/={1,2}$/, ""), STANDARD_ALPHABET, "base64", what);
  if (toBase64(bytes) !== text) {
    throw new DecodeError("is not canonical base64", { where: what });
  }
  return exactly(bytes, length, what);
}

/**
 * Protocol L3c: reads a decimal number of at most 2^53 - 1, without sign or leading zero.
 * @param {string} text
 * @param {string} what how an error names the value
 * @returns {number}
 */
export function fromDecimal(text, what) {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > MAX_SAFE_INTEGER) {
    throw new DecodeError("is not a decimal number without leading zeros, at most 2^53 - 1", { where: what });
  }
  return Number(text);
}

function encode64(bytes, alphabet) {
  let text = "";
  for (let position = 0; position < bytes.length; position += 3) {
    const left = bytes.length - position;
    const bits = (bytes[position] << 16) | ((bytes[position + 1] ?? 0) << 8) | (bytes[position + 2] ?? 0);
    text += alphabet[bits >> 18] + alphabet[(bits >> 12) & 63];
    if (left > 1) {
      text += alphabet[(bits >> 6) & 63];
    }
    if (left > 2) {
      text += alphabet[bits & 63];
    }
  }
  return text;
}

const VALUES = new Map(
  [URL_ALPHABET, STANDARD_ALPHABET].map((alphabet) => {
    const values = new Int8Array(128).fill(-1);
    [...alphabet].forEach((character, value) => (values[character.charCodeAt(0)] = value));
    return [alphabet, values];
  }),
);

function decode64(text, alphabet, form, what) {
  const wrong = () => new DecodeError(`is not ${form}`, { where: what });
  if (typeof text !== "string" || text.length % 4 === 1) {
    throw wrong();
  }
  const values = VALUES.get(alphabet);
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let waiting = 0;
  let position = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const value = code < 128 ? values[code] : -1;
    if (value < 0) {
      throw wrong();
    }
    bits = ((bits << 6) | value) & 0xffff;
    waiting += 6;
    if (waiting >= 8) {
      waiting -= 8;
      bytes[position++] = bits >> waiting;
    }
  }
  if (bits & ((1 << waiting) - 1)) {
    throw wrong();
  }
  return bytes;
}

function exactly(bytes, length, what) {
  if (length !== null && bytes.length !== length) {
    throw new DecodeError(`is ${bytes.length} bytes long, not ${length}`, { where: what });
  }
  return bytes;
}
