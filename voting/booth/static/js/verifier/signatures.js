/**
 * Checking signatures by the one strict rule (docs/spec/signatures.md, A1 and A2), and the form of sealing keys (W4).
 *
 * Computed here and not by WebCrypto, for two reasons: browsers differ on signatures whose first half is a point of
 * small order, which A2 judges by the equation alone; and browsers offer WebCrypto to secure pages only. Must not touch
 * a document or the network; imports bytes.js, ed25519.js and errors.js of core/, and sha512.js.
 */

import { fromBase64Url, toBigInt } from "../core/bytes.js";
import { checkPublicKey } from "../core/ed25519.js";
import { DecodeError, SignatureInvalid } from "../core/errors.js";
import { sha512 } from "./sha512.js";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = modulo(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);
const BASE = point(modulo(4n * inverse(5n)), 0n);
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** @typedef {[bigint, bigint, bigint, bigint]} Point X, Y, Z, T with x = X/Z, y = Y/Z, x y = T/Z (RFC 8032, 5.1.4) */

/**
 * Protocol A1: reads a public key in base64url.
 * @param {string} text
 * @param {string} what how an error names it
 * @returns {Uint8Array}
 * @throws {DecodeError}
 */
export function readPublicKey(text, what) {
  const key = fromBase64Url(text, KEY_BYTES, what);
  checkPublicKey(key, what);
  return key;
}

/**
 * Protocol A2: checks a signature.
 * @param {Uint8Array} key passes A1, or the signature is refused
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 * @param {string} [what] how an error names it
 * @throws {SignatureInvalid | DecodeError}
 */
export function verifySignature(key, message, signature, what = "signature") {
  const fail = (problem) => {
    throw new SignatureInvalid(problem, { where: what });
  };
  checkPublicKey(key);
  if (signature.length !== SIGNATURE_BYTES) fail(`is ${signature.length} bytes long, not ${SIGNATURE_BYTES}`);
  const commitment = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  if (s >= L) fail("has a second half that is not below the group order");
  const k = littleEndian(sha512(commitment, key, message)) % L;
  const number = littleEndian(key);
  const [x, y, z, t] = point(number & (2n ** 255n - 1n), number >> 255n);
  const [left, right, scale] = sumOfMultiples(s, BASE, k, [P - x, y, z, P - t]);
  const down = inverse(scale);
  const found = modulo(right * down) | ((modulo(left * down) & 1n) << 255n);
  if (found !== littleEndian(commitment)) fail("does not fit its message and key");
}

/**
 * Protocol W4: checks a sealing key of X25519: canonical, and not of small order.
 * @param {string} text in base64url
 * @param {string} what how an error names it
 * @throws {DecodeError}
 */
export function verifySealingKey(text, what) {
  const u = littleEndian(fromBase64Url(text, KEY_BYTES, what));
  if (u >= P) throw new DecodeError("is not in canonical form", { where: what });
  // A point has small order if doubling it three times leads to infinity: Z = 0 (RFC 7748).
  let [x, z] = [u, 1n];
  for (let doubling = 0; doubling < 3; doubling++) {
    const [xx, zz, xz] = [modulo(x * x), modulo(z * z), modulo(x * z)];
    x = modulo((xx - zz) ** 2n);
    z = modulo(4n * xz * (xx + 486662n * xz + zz));
  }
  if (z === 0n) throw new DecodeError("is of small order", { where: what });
}

/** The point with this y and this sign of x, which must be on the curve (RFC 8032, 5.1.3). @returns {Point} */
function point(y, sign) {
  const square = modulo((y * y - 1n) * inverse(modulo(D * y * y + 1n)));
  let x = power(square, (P + 3n) / 8n);
  if (modulo(x * x) !== square) x = modulo(x * ROOT_OF_MINUS_ONE);
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, modulo(x * y)];
}

/** @param {Point} left @param {Point} right @returns {Point} */
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = modulo((y1 - x1) * (y2 - x2));
  const b = modulo((y1 + x1) * (y2 + x2));
  const c = modulo(modulo(2n * t1 * t2) * D);
  const d = modulo(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [modulo(e * f), modulo(g * h), modulo(f * g), modulo(e * h)];
}

/** m A + n B, bit by bit, with the doublings shared. @returns {Point} */
function sumOfMultiples(m, a, n, b) {
  const both = add(a, b);
  let sum = [0n, 1n, 1n, 0n];
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = add(sum, sum);
    const digits = (((m >> bit) & 1n) << 1n) | ((n >> bit) & 1n);
    if (digits) sum = add(sum, digits === 3n ? both : digits === 2n ? a : b);
  }
  return sum;
}

function modulo(number) {
  const rest = number % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % P;
    if (bit === "1") result = (result * base) % P;
  }
  return result;
}

function inverse(number) {
  return power(modulo(number), P - 2n);
}

function littleEndian(bytes) {
  return toBigInt(Uint8Array.from(bytes).reverse());
}
