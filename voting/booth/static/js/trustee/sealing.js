/**
 * Protocol W: messages that one trustee alone can open: HPKE base mode (RFC 9180), single shot, with DHKEM(X25519,
 * HKDF-SHA256), HKDF-SHA256 and AES-128-GCM (docs/spec/sealing.md). X25519 and AES are the browser's own.
 *
 * Must not touch the document or the network.
 */

import { concat, utf8 } from "../core/bytes.js";
import { DecodeError } from "../core/errors.js";
import { hkdfExpand, hkdfExtract } from "../core/kdf.js";

const FIELD_PRIME = 2n ** 255n - 19n;
/** The u coordinates below the prime whose points have low order (RFC 7748, section 6.1). */
const LOW_ORDER = new Set([
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  FIELD_PRIME - 1n,
]);
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));
const PKCS8_PREFIX = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0x00,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x6e,
  0x04,
  0x22,
  0x04,
  0x20,
);
const KEM_SUITE = Uint8Array.of(0x4b, 0x45, 0x4d, 0x00, 0x20); // "KEM", X25519
const HPKE_SUITE = Uint8Array.of(0x48, 0x50, 0x4b, 0x45, 0x00, 0x20, 0x00, 0x01, 0x00, 0x01); // "HPKE", the suite
const TAG_BYTES = 16;
const NOTHING = new Uint8Array(0);

/**
 * Protocol W1: the key of a seed: the seed is the X25519 private key.
 *
 * @param {Uint8Array} seed 32 secret bytes
 * @returns {Promise<{seed: Uint8Array, publicKey: Uint8Array}>}
 */
export async function sealingKey(seed) {
  return { seed, publicKey: await exchange(seed, BASE_POINT) };
}

/**
 * Protocol W2: open a message sealed to this key.
 *
 * @param {{seed: Uint8Array, publicKey: Uint8Array}} key
 * @param {{encapsulation: Uint8Array, ciphertext: Uint8Array}} sealed
 * @param {Uint8Array} info names the protocol step
 * @param {Uint8Array} associated what the message is bound to
 * @returns {Promise<Uint8Array>}
 * @throws {DecodeError} if it is malformed, was changed, or was sealed to another key, info or associated data
 */
export async function open(key, { encapsulation, ciphertext }, info, associated) {
  requirePublic(encapsulation, "encapsulation");
  if (ciphertext.length < TAG_BYTES) throw new DecodeError("is too short", { where: "ciphertext" });
  try {
    const secret = await exchange(key.seed, encapsulation);
    const { aead, parameters } = await schedule(secret, encapsulation, key.publicKey, info, associated);
    return new Uint8Array(await crypto.subtle.decrypt(parameters, aead, ciphertext));
  } catch {
    throw new DecodeError("does not open with this key", { where: "ciphertext" });
  }
}

/**
 * Protocol W3: seal a message to a public key.
 *
 * @param {Uint8Array} publicKey of the receiver
 * @param {Uint8Array} info
 * @param {Uint8Array} associated
 * @param {Uint8Array} plaintext
 * @param {(length: number) => Uint8Array} randomBytes for the one-time key
 * @returns {Promise<{encapsulation: Uint8Array, ciphertext: Uint8Array}>}
 * @throws {DecodeError} if the public key is malformed or of low order
 */
export async function seal(publicKey, info, associated, plaintext, randomBytes) {
  requirePublic(publicKey, "X25519 key");
  const once = randomBytes(32);
  const encapsulation = await exchange(once, BASE_POINT);
  const secret = await exchange(once, publicKey);
  once.fill(0);
  const { aead, parameters } = await schedule(secret, encapsulation, publicKey, info, associated);
  return { encapsulation, ciphertext: new Uint8Array(await crypto.subtle.encrypt(parameters, aead, plaintext)) };
}

/**
 * Protocol W4: check a public key: 32 bytes, below 2^255 - 19, not of low order.
 *
 * @param {Uint8Array} raw
 * @param {string} what how an error names it
 * @throws {DecodeError}
 */
export function requirePublic(raw, what) {
  if (raw.length !== 32) throw new DecodeError(`is ${raw.length} bytes long, not 32`, { where: what });
  let number = 0n;
  for (let i = 31; i >= 0; i--) number = (number << 8n) | BigInt(raw[i]);
  if (number >= FIELD_PRIME) throw new DecodeError("is not below 2^255 - 19", { where: what });
  if (LOW_ORDER.has(number)) throw new DecodeError("is a point of low order", { where: what });
}

/** X25519 (RFC 7748). The secret is clamped by the browser. */
async function exchange(secret, publicKey) {
  const encoded = concat(PKCS8_PREFIX, secret);
  const mine = await crypto.subtle.importKey("pkcs8", encoded, "X25519", false, ["deriveBits"]);
  encoded.fill(0);
  const theirs = await crypto.subtle.importKey("raw", publicKey, "X25519", true, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: theirs }, mine, 256));
}

/** Encapsulated secret and key schedule (RFC 9180, sections 4.1 and 5.1): the AES key, and its nonce for message 0. */
async function schedule(exchanged, encapsulation, receiver, info, associated) {
  const prk = extract(KEM_SUITE, NOTHING, "eae_prk", exchanged);
  const shared = expand(KEM_SUITE, prk, "shared_secret", concat(encapsulation, receiver), 32);
  const noIdentity = extract(HPKE_SUITE, NOTHING, "psk_id_hash", NOTHING);
  const infoHash = extract(HPKE_SUITE, NOTHING, "info_hash", info);
  const context = concat(Uint8Array.of(0), noIdentity, infoHash);
  const secret = extract(HPKE_SUITE, shared, "secret", NOTHING);
  const key = expand(HPKE_SUITE, secret, "key", context, 16);
  const nonce = expand(HPKE_SUITE, secret, "base_nonce", context, 12);
  const aead = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
  return { aead, parameters: { name: "AES-GCM", iv: nonce, additionalData: associated, tagLength: 128 } };
}

/** LabeledExtract (RFC 9180, section 4). */
function extract(suite, salt, label, material) {
  return hkdfExtract(salt, concat(utf8("HPKE-v1"), suite, utf8(label), material));
}

/** LabeledExpand (RFC 9180, section 4). */
function expand(suite, key, label, info, length) {
  return hkdfExpand(key, concat(Uint8Array.of(0, length), utf8("HPKE-v1"), suite, utf8(label), info), length);
}
