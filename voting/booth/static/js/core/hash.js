/**
 * SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104; docs/spec/encoding.md, E4).
 *
 * Why not WebCrypto: its digest answers through the event loop each time, and a ballot hashes about a thousand blocks
 * in small pieces. Imports only bytes.js.
 */

import { toHex } from "./bytes.js";

/** Length of a SHA-256 hash in bytes. */
export const HASH_BYTES = 32;

const BLOCK_BYTES = 64;

/** The first 32 bits of the fractions of the square roots (start) and cube roots (rounds) of the first primes. */
const [START, ROUNDS] = constants();

function constants() {
  const primes = [];
  for (let number = 2; primes.length < 64; number++) {
    if (primes.every((prime) => number % prime)) {
      primes.push(number);
    }
  }
  const start = Int32Array.from(primes.slice(0, 8), (prime) => rootFraction(BigInt(prime), 2n));
  const rounds = Int32Array.from(primes, (prime) => rootFraction(BigInt(prime), 3n));
  return [start, rounds];
}

/** The first 32 bits of the fraction of the `degree`-th root, by bisection in whole numbers. */
function rootFraction(number, degree) {
  const target = number << (32n * degree);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= target) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return Number(BigInt.asIntN(32, low));
}

const schedule = new Int32Array(64);

function compress(state, bytes, offset) {
  const w = schedule;
  for (let i = 0, at = offset; i < 16; i++, at += 4) {
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

const block = new Uint8Array(BLOCK_BYTES);

/** The hash of `parts` one after another, when `state` has already taken in `before` bytes (whole blocks). */
function finish(state, before, parts) {
  let filled = 0;
  let total = before;
  for (const part of parts) {
    const { length } = part;
    let offset = 0;
    total += length;
    while (offset < length) {
      if (filled === 0 && offset + BLOCK_BYTES <= length) {
        compress(state, part, offset);
        offset += BLOCK_BYTES;
        continue;
      }
      block[filled++] = part[offset++];
      if (filled === BLOCK_BYTES) {
        compress(state, block, 0);
        filled = 0;
      }
    }
  }
  block[filled++] = 0x80;
  block.fill(0, filled);
  if (filled > BLOCK_BYTES - 8) {
    compress(state, block, 0);
    block.fill(0);
  }
  writeWord(block, BLOCK_BYTES - 8, Math.floor(total / 0x20000000));
  writeWord(block, BLOCK_BYTES - 4, total << 3);
  compress(state, block, 0);
  block.fill(0);
  const hash = new Uint8Array(HASH_BYTES);
  for (let index = 0; index < 8; index++) {
    writeWord(hash, 4 * index, state[index]);
  }
  return hash;
}

function writeWord(bytes, position, word) {
  bytes[position] = word >>> 24;
  bytes[position + 1] = word >>> 16;
  bytes[position + 2] = word >>> 8;
  bytes[position + 3] = word;
}

/**
 * SHA-256 of byte strings one after another. Answers at once; `await` does no harm.
 * @param {...Uint8Array} parts
 * @returns {Uint8Array}
 */
export function sha256(...parts) {
  return finish(START.slice(), 0, parts);
}

/**
 * Protocol E4: SHA-256 as 64 lower-case hexadecimal digits.
 * @param {...Uint8Array} parts
 * @returns {string}
 */
export function sha256Hex(...parts) {
  return toHex(sha256(...parts));
}

/** HMAC-SHA-256 under one key, which is taken in once. */
export class Hmac {
  #inner = START.slice();
  #outer = START.slice();

  /** @param {Uint8Array} key */
  constructor(key) {
    const padded = new Uint8Array(BLOCK_BYTES);
    padded.set(key.length > BLOCK_BYTES ? sha256(key) : key);
    const mixedWith = (number) => padded.map((byte) => byte ^ number);
    compress(this.#inner, mixedWith(0x36), 0);
    compress(this.#outer, mixedWith(0x5c), 0);
  }

  /**
   * The code of byte strings one after another.
   * @param {...Uint8Array} parts
   * @returns {Uint8Array}
   */
  digest(...parts) {
    return finish(this.#outer.slice(), BLOCK_BYTES, [finish(this.#inner.slice(), BLOCK_BYTES, parts)]);
  }
}
