/**
 * SHA-512 (FIPS 180-4), for signatures (docs/spec/signatures.md).
 *
 * Why not WebCrypto: browsers offer it to secure pages only, and this verifier must also work from a plain local
 * address. Messages are short and few, so 64-bit words are BigInts. Must not touch a document or the network; imports
 * nothing.
 */

const BLOCK_BYTES = 128;
const LENGTH_BYTES = 16;

const primes = [];
for (let number = 2n; primes.length < 80; number++) {
  if (primes.every((prime) => number % prime)) primes.push(number);
}
const START = primes.slice(0, 8).map((prime) => rootFraction(prime, 2n));
const ROUNDS = primes.map((prime) => rootFraction(prime, 3n));

/**
 * SHA-512 of byte strings one after another.
 * @param {...Uint8Array} parts
 * @returns {Uint8Array}
 */
export function sha512(...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const message = new Uint8Array(Math.ceil((length + 1 + LENGTH_BYTES) / BLOCK_BYTES) * BLOCK_BYTES);
  let at = 0;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  message[length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(message.length - 8, BigInt(length) * 8n);
  let state = START;
  for (let offset = 0; offset < message.length; offset += BLOCK_BYTES) {
    state = compressed(state, view, offset);
  }
  const hash = new DataView(new ArrayBuffer(64));
  state.forEach((word, index) => hash.setBigUint64(8 * index, word));
  return new Uint8Array(hash.buffer);
}

function compressed(state, view, offset) {
  const w = [];
  for (let i = 0; i < 80; i++) {
    w.push(
      i < 16
        ? view.getBigUint64(offset + 8 * i)
        : sum(
            w[i - 16],
            w[i - 7],
            mixed(w[i - 15], 1n, 8n, w[i - 15] >> 7n),
            mixed(w[i - 2], 19n, 61n, w[i - 2] >> 6n),
          ),
    );
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 80; i++) {
    const choice = (e & f) ^ (BigInt.asUintN(64, ~e) & g);
    const first = sum(h, mixed(e, 14n, 18n, rotated(e, 41n)), choice, ROUNDS[i], w[i]);
    const second = sum(mixed(a, 28n, 34n, rotated(a, 39n)), (a & b) ^ (a & c) ^ (b & c));
    [a, b, c, d, e, f, g, h] = [sum(first, second), a, b, c, sum(d, first), e, f, g];
  }
  return [a, b, c, d, e, f, g, h].map((word, index) => sum(word, state[index]));
}

function sum(...words) {
  return BigInt.asUintN(
    64,
    words.reduce((total, word) => total + word),
  );
}

function rotated(word, bits) {
  return BigInt.asUintN(64, (word >> bits) | (word << (64n - bits)));
}

function mixed(word, first, second, third) {
  return rotated(word, first) ^ rotated(word, second) ^ third;
}

/** The first 64 bits of the fraction of a root, by bisection in whole numbers. */
function rootFraction(number, degree) {
  const target = number << (64n * degree);
  let [low, high] = [0n, 1n << 72n];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return BigInt.asUintN(64, low);
}
