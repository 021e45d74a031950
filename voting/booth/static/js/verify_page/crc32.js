/**
 * The checksum of .zip files (CRC-32), over parts as they come. It finds damage, not forgery.
 *
 * Must not import anything.
 */

const POLYNOMIAL = 0xedb88320;
const STEPS = 8;
const TABLES = makeTables();

function makeTables() {
  const tables = Array.from({ length: STEPS }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0);
    tables[0][byte] = value;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let step = 1; step < STEPS; step++) {
      const before = tables[step - 1][byte];
      tables[step][byte] = (before >>> 8) ^ tables[0][before & 255];
    }
  }
  return tables;
}

/**
 * The checksum after one more part.
 *
 * @param {number} before 0 at the beginning
 * @param {Uint8Array} bytes
 * @returns {number} 0 to 2^32 - 1
 */
export function crc32(before, bytes) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let value = ~before;
  let at = 0;
  for (const end = bytes.length - (bytes.length % STEPS); at < end; at += STEPS) {
    value ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    value =
      t7[value & 255] ^
      t6[(value >>> 8) & 255] ^
      t5[(value >>> 16) & 255] ^
      t4[value >>> 24] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) value = (value >>> 8) ^ t0[(value ^ bytes[at]) & 255];
  return ~value >>> 0;
}
