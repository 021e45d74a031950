/**
 * Protocol F1: scrypt (RFC 7914), which turns the passphrase of a key file into a key (docs/spec/key-file.md).
 *
 * PBKDF2 is the browser's own. The mixing is here, with 32-bit words and no allocation in the loop: 2^17 steps with
 * r = 8 take a second or two. It blocks its thread, so pages call it through `stretch.js`.
 *
 * Must not import anything.
 */

/**
 * scrypt with p = 1, the only form that key files have.
 *
 * @param {Uint8Array} password
 * @param {Uint8Array} salt
 * @param {number} workFactor N: a power of two, at least 2
 * @param {number} blockSize r
 * @param {number} length bytes wanted
 * @returns {Promise<Uint8Array>}
 * @throws {RangeError} if the memory (128 * N * r bytes) is not to be had
 */
export async function scrypt(password, salt, workFactor, blockSize, length) {
  const blockBytes = 128 * blockSize;
  const words = wordsOf(await pbkdf2(password, salt, blockBytes));
  mix(words, workFactor, blockSize);
  const mixed = bytesOf(words);
  words.fill(0);
  const key = await pbkdf2(password, mixed, length);
  mixed.fill(0);
  return key;
}

async function pbkdf2(password, salt, length) {
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt, iterations: 1 };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 8 * length));
}

function wordsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Int32Array(bytes.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = view.getInt32(4 * i, true);
  return words;
}

function bytesOf(words) {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words.length; i++) view.setInt32(4 * i, words[i], true);
  return bytes;
}

/** scryptROMix (RFC 7914, section 5), in place. */
function mix(block, workFactor, blockSize) {
  const size = 32 * blockSize;
  const table = new Int32Array(size * workFactor);
  const other = new Int32Array(size);
  for (let i = 0; i < workFactor; i += 2) {
    table.set(block, i * size);
    mixBlock(block, other, blockSize);
    table.set(other, (i + 1) * size);
    mixBlock(other, block, blockSize);
  }
  const last = size - 16;
  const mask = workFactor - 1;
  for (let i = 0; i < workFactor; i += 2) {
    let start = (block[last] & mask) * size;
    for (let j = 0; j < size; j++) block[j] ^= table[start + j];
    mixBlock(block, other, blockSize);
    start = (other[last] & mask) * size;
    for (let j = 0; j < size; j++) other[j] ^= table[start + j];
    mixBlock(other, block, blockSize);
  }
  table.fill(0);
  other.fill(0);
}

const chunk = new Int32Array(16);

/** scryptBlockMix (RFC 7914, section 4), from one block into another. */
function mixBlock(input, output, blockSize) {
  const start = 32 * blockSize - 16;
  for (let i = 0; i < 16; i++) chunk[i] = input[start + i];
  for (let i = 0; i < 2 * blockSize; i++) {
    for (let j = 0; j < 16; j++) chunk[j] ^= input[16 * i + j];
    salsa(chunk);
    // Even chunks first, then the odd ones.
    output.set(chunk, 16 * ((i >> 1) + (i & 1) * blockSize));
  }
}

/** The Salsa20/8 core (RFC 7914, section 3), in place. */
function salsa(x) {
  let [x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15] = x;
  let u;
  for (let round = 0; round < 8; round += 2) {
    u = (x0 + x12) | 0; x4 ^= (u << 7) | (u >>> 25);
    u = (x4 + x0) | 0; x8 ^= (u << 9) | (u >>> 23);
    u = (x8 + x4) | 0; x12 ^= (u << 13) | (u >>> 19);
    u = (x12 + x8) | 0; x0 ^= (u << 18) | (u >>> 14);
    u = (x5 + x1) | 0; x9 ^= (u << 7) | (u >>> 25);
    u = (x9 + x5) | 0; x13 ^= (u << 9) | (u >>> 23);
    u = (x13 + x9) | 0; x1 ^= (u << 13) | (u >>> 19);
    u = (x1 + x13) | 0; x5 ^= (u << 18) | (u >>> 14);
    u = (x10 + x6) | 0; x14 ^= (u << 7) | (u >>> 25);
    u = (x14 + x10) | 0; x2 ^= (u << 9) | (u >>> 23);
    u = (x2 + x14) | 0; x6 ^= (u << 13) | (u >>> 19);
    u = (x6 + x2) | 0; x10 ^= (u << 18) | (u >>> 14);
    u = (x15 + x11) | 0; x3 ^= (u << 7) | (u >>> 25);
    u = (x3 + x15) | 0; x7 ^= (u << 9) | (u >>> 23);
    u = (x7 + x3) | 0; x11 ^= (u << 13) | (u >>> 19);
    u = (x11 + x7) | 0; x15 ^= (u << 18) | (u >>> 14);
    u = (x0 + x3) | 0; x1 ^= (u << 7) | (u >>> 25);
    u = (x1 + x0) | 0; x2 ^= (u << 9) | (u >>> 23);
    u = (x2 + x1) | 0; x3 ^= (u << 13) | (u >>> 19);
    u = (x3 + x2) | 0; x0 ^= (u << 18) | (u >>> 14);
    u = (x5 + x4) | 0; x6 ^= (u << 7) | (u >>> 25);
    u = (x6 + x5) | 0; x7 ^= (u << 9) | (u >>> 23);
    u = (x7 + x6) | 0; x4 ^= (u << 13) | (u >>> 19);
    u = (x4 + x7) | 0; x5 ^= (u << 18) | (u >>> 14);
    u = (x10 + x9) | 0; x11 ^= (u << 7) | (u >>> 25);
    u = (x11 + x10) | 0; x8 ^= (u << 9) | (u >>> 23);
    u = (x8 + x11) | 0; x9 ^= (u << 13) | (u >>> 19);
    u = (x9 + x8) | 0; x10 ^= (u << 18) | (u >>> 14);
    u = (x15 + x14) | 0; x12 ^= (u << 7) | (u >>> 25);
    u = (x12 + x15) | 0; x13 ^= (u << 9) | (u >>> 23);
    u = (x13 + x12) | 0; x14 ^= (u << 13) | (u >>> 19);
    u = (x14 + x13) | 0; x15 ^= (u << 18) | (u >>> 14);
  }
  x[0] = (x[0] + x0) | 0; x[1] = (x[1] + x1) | 0; x[2] = (x[2] + x2) | 0; x[3] = (x[3] + x3) | 0;
  x[4] = (x[4] + x4) | 0; x[5] = (x[5] + x5) | 0; x[6] = (x[6] + x6) | 0; x[7] = (x[7] + x7) | 0;
  x[8] = (x[8] + x8) | 0; x[9] = (x[9] + x9) | 0; x[10] = (x[10] + x10) | 0; x[11] = (x[11] + x11) | 0;
  x[12] = (x[12] + x12) | 0; x[13] = (x[13] + x13) | 0; x[14] = (x[14] + x14) | 0; x[15] = (x[15] + x15) | 0;
}
