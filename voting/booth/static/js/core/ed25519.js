/**
 * Ed25519 signatures (docs/spec/signatures.md, A1 to A4; RFC 8032) with the browser's WebCrypto.
 *
 * The rules that browsers leave open are checked here: which public keys are good, and that a signature is in its one
 * form. Imports bytes.js and errors.js.
 */

import { concat, fromBase64Url, fromHex, toBigInt } from "./bytes.js";
import { DecodeError, SignatureInvalid, UnsupportedBrowser } from "./errors.js";

const FIELD_PRIME = 2n ** 255n - 19n;
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const ORDER_EIGHT_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
const SMALL_ORDER_Y = [0n, 1n, FIELD_PRIME - 1n, ORDER_EIGHT_Y, FIELD_PRIME - ORDER_EIGHT_Y];
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const Y_BITS = 2n ** 255n - 1n;
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420");
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/**
 * @typedef {object} SigningKey
 * @property {Uint8Array} publicKey
 * @property {(message: Uint8Array) => Promise<Uint8Array>} sign
 */

/**
 * Protocol A1: checks a public key. A good one is canonical, on the curve and not of small order.
 * @param {Uint8Array} raw
 * @param {string} [what] how an error names the key
 */
export function checkPublicKey(raw, what = "Ed25519 key") {
  const fail = (problem) => {
    throw new DecodeError(problem, { where: what });
  };
  if (raw.length !== KEY_BYTES) {
    fail(`is ${raw.length} bytes long, not ${KEY_BYTES}`);
  }
  const y = littleEndian(raw) & Y_BITS;
  if (y >= FIELD_PRIME) {
    fail("is not in canonical form: its y coordinate is not below 2^255 - 19");
  }
  if (SMALL_ORDER_Y.includes(y)) {
    fail("is a point of small order, which no honest key is");
  }
  if (!isOnCurve(y)) {
    fail("is not a point of the curve Ed25519");
  }
}

/**
 * Protocol A3: the signing key of a seed. The private half stays in the browser's key store and cannot be read back.
 * @param {Uint8Array} seed 32 secret bytes
 * @returns {Promise<SigningKey>}
 */
export async function signingKeyFromSeed(seed) {
  if (seed.length !== KEY_BYTES) {
    throw new DecodeError(`is ${seed.length} bytes long, not ${KEY_BYTES}`, { where: "Ed25519 seed" });
  }
  const encoded = concat(PKCS8_PREFIX, seed);
  const readable = await subtle("importKey", "pkcs8", encoded, "Ed25519", true, ["sign"]);
  const { x } = await subtle("exportKey", "jwk", readable);
  const key = await subtle("importKey", "pkcs8", encoded, "Ed25519", false, ["sign"]);
  encoded.fill(0);
  return {
    publicKey: fromBase64Url(x, KEY_BYTES, "public key"),
    sign: async (message) => new Uint8Array(await subtle("sign", "Ed25519", key, message)),
  };
}

/**
 * Protocol A2: checks a signature by the strict rule.
 * @param {Uint8Array} publicKey checked here by A1
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 * @param {string} [what] how an error names the signature
 */
export async function verifySignature(publicKey, message, signature, what = "signature") {
  checkPublicKey(publicKey);
  const fail = (problem) => {
    throw new SignatureInvalid(problem, { where: what });
  };
  if (signature.length !== SIGNATURE_BYTES) {
    fail(`is ${signature.length} bytes long, not ${SIGNATURE_BYTES}`);
  }
  if (littleEndian(signature.subarray(32)) >= GROUP_ORDER) {
    fail("has a second half that is not below the group order");
  }
  const y = littleEndian(signature.subarray(0, 32)) & Y_BITS;
  const isNegativeZero = (y === 1n || y === FIELD_PRIME - 1n) && signature[31] & 0x80;
  if (y >= FIELD_PRIME || isNegativeZero) {
    fail("has a first half that is not in canonical form");
  }
  const key = await subtle("importKey", "raw", publicKey, "Ed25519", false, ["verify"]);
  if (!(await subtle("verify", "Ed25519", key, signature, message))) {
    fail("does not fit its message and key");
  }
}

/**
 * Makes sure that the browser can sign. Throws UnsupportedBrowser where not.
 */
export async function requireEd25519() {
  await subtle("generateKey", "Ed25519", false, ["sign", "verify"]);
}

async function subtle(operation, ...args) {
  if (!globalThis.crypto?.subtle) {
    throw new UnsupportedBrowser("offers no WebCrypto here: the page must come over https", { where: "WebCrypto" });
  }
  try {
    return await globalThis.crypto.subtle[operation](...args);
  } catch {
    throw new UnsupportedBrowser("cannot make or check Ed25519 signatures", { where: "Ed25519" });
  }
}

function littleEndian(bytes) {
  return toBigInt(Uint8Array.from(bytes).reverse());
}

/** Whether x^2 = (y^2 - 1) / (d y^2 + 1) has a solution: whether u v is a square, by Euler's criterion. */
function isOnCurve(y) {
  const square = (y * y) % FIELD_PRIME;
  let power = ((square - 1n + FIELD_PRIME) * (D * square + 1n)) % FIELD_PRIME;
  const number = power;
  for (const bit of ((FIELD_PRIME - 1n) / 2n).toString(2).slice(1)) {
    power = (power * power) % FIELD_PRIME;
    if (bit === "1") {
      power = (power * number) % FIELD_PRIME;
    }
  }
  return power === 1n;
}
