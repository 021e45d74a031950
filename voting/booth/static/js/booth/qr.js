/**
 * QR codes (ISO/IEC 18004), byte mode, versions 1 to 40, levels L and M. Made in the browser, because the content of a
 * device test is a secret that no server may see. Compared bit for bit with another encoder in the tests.
 *
 * Must not import anything.
 */

/** Error correction: code words for each block, and number of blocks, by version from 1. */
const LEVELS = {
  L: {
    format: 1,
    correction: [
      7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26, 28, 30, 30, 30,
      30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
    ],
    blocks: [
      1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19,
      19, 20, 21, 22, 24, 25,
    ],
  },
  M: {
    format: 0,
    correction: [
      10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28,
      28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    ],
    blocks: [
      1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33,
      35, 37, 38, 40, 43, 45, 47, 49,
    ],
  },
};
const MAX_VERSION = 40;

/**
 * The modules of a QR code, dark ones true, without the quiet zone; in the smallest version that holds the content.
 *
 * @param {Uint8Array} content
 * @param {{level?: "L"|"M", mask?: number}} [options] `mask` for tests; without it, the one with the lowest penalty
 * @returns {boolean[][]|null} null if the content is too long
 */
export function encodeQr(content, { level = "L", mask } = {}) {
  const rules = LEVELS[level];
  for (let version = 1; version <= MAX_VERSION; version += 1) {
    const plan = planOf(version, rules);
    const bits = 4 + (version < 10 ? 8 : 16) + 8 * content.length;
    if (bits > 8 * plan.data) continue;
    const codewords = interleave(dataCodewords(content, version, plan.data), plan);
    return bestMasked(version, codewords, rules.format, mask);
  }
  return null;
}

/** How the code words of a version are divided: `total` in all, `data` of them for the content. */
function planOf(version, { correction, blocks }) {
  const total = Math.floor(rawModules(version) / 8);
  const check = correction[version - 1];
  const count = blocks[version - 1];
  return { total, check, count, data: total - check * count };
}

function rawModules(version) {
  const size = 4 * version + 17;
  let modules = size * size - 3 * 64 - 2 * 15 - 1 - 2 * (size - 16);
  if (version > 1) {
    const places = alignmentPlaces(version).length;
    modules -= 25 * (places * places - 3) - 2 * 5 * (places - 2);
  }
  return version >= 7 ? modules - 36 : modules;
}

function alignmentPlaces(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const last = 4 * version + 10;
  const step = version === 32 ? 26 : Math.ceil((last - 6) / (count - 1) / 2) * 2;
  const places = [6];
  for (let index = count - 2; index >= 0; index -= 1) places.push(last - index * step);
  return places;
}

// -- content
// -----------------------------------------------------------------------------------------------------------

function dataCodewords(content, version, length) {
  const bits = [];
  const put = (value, count) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  put(0b0100, 4);
  put(content.length, version < 10 ? 8 : 16);
  for (const byte of content) put(byte, 8);
  put(0, Math.min(4, 8 * length - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const words = [];
  for (let at = 0; at < bits.length; at += 8)
    words.push(bits.slice(at, at + 8).reduce((word, bit) => 2 * word + bit, 0));
  for (let pad = 0xec; words.length < length; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

function interleave(data, { total, check, count }) {
  const short = Math.floor(total / count) - check;
  const longOnes = total % count;
  const divisor = generator(check);
  const blocks = [];
  for (let index = 0, at = 0; index < count; index += 1) {
    const length = short + (index < count - longOnes ? 0 : 1);
    const words = data.slice(at, at + length);
    blocks.push({ words, correction: remainder(words, divisor) });
    at += length;
  }
  const result = [];
  for (let place = 0; place <= short; place += 1) {
    for (const { words } of blocks) if (place < words.length) result.push(words[place]);
  }
  for (let place = 0; place < check; place += 1) for (const { correction } of blocks) result.push(correction[place]);
  return result;
}

// -- Reed-Solomon over GF(256) with x^8 + x^4 + x^3 + x^2 + 1
// ------------------------------------------------------------

function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

function generator(degree) {
  const result = new Array(degree).fill(0);
  result[degree - 1] = 1;
  let root = 1;
  for (let step = 0; step < degree; step += 1) {
    for (let place = 0; place < degree; place += 1) {
      result[place] = times(result[place], root) ^ (result[place + 1] ?? 0);
    }
    root = times(root, 2);
  }
  return result;
}

function remainder(words, divisor) {
  const result = divisor.map(() => 0);
  for (const word of words) {
    const factor = word ^ result.shift();
    result.push(0);
    divisor.forEach((coefficient, place) => {
      result[place] ^= times(coefficient, factor);
    });
  }
  return result;
}

// -- drawing
// -----------------------------------------------------------------------------------------------------------

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (_x, y) => y % 2 === 0,
  (x, _y) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

function bestMasked(version, codewords, format, wanted) {
  const candidates = wanted === undefined ? MASKS.keys() : [wanted];
  let best = null;
  for (const mask of candidates) {
    const modules = draw(version, codewords, format, mask);
    const cost = wanted === undefined ? penalty(modules) : 0;
    if (best === null || cost < best.cost) best = { modules, cost };
  }
  return best.modules;
}

function draw(version, codewords, format, mask) {
  const size = 4 * version + 17;
  const modules = Array.from({ length: size }, () => new Array(size).fill(false));
  const fixed = Array.from({ length: size }, () => new Array(size).fill(false));
  const set = (x, y, dark) => {
    modules[y][x] = dark;
    fixed[y][x] = true;
  };
  drawPatterns(set, fixed, version, size);
  drawFormat(set, size, format, mask);
  if (version >= 7) drawVersion(set, size, version);
  place(modules, fixed, size, codewords, MASKS[mask]);
  return modules;
}

function drawPatterns(set, fixed, version, size) {
  for (let index = 0; index < size; index += 1) {
    set(6, index, index % 2 === 0);
    set(index, 6, index % 2 === 0);
  }
  for (const [cx, cy] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ]) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const [x, y, distance] = [cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy))];
        if (x >= 0 && x < size && y >= 0 && y < size) set(x, y, distance !== 2 && distance !== 4);
      }
    }
  }
  const places = alignmentPlaces(version);
  const last = places.at(-1);
  for (const cy of places) {
    for (const cx of places) {
      if ((cx === 6 && cy === 6) || (cx === 6 && cy === last) || (cx === last && cy === 6)) continue;
      for (let dy = -2; dy <= 2; dy += 1) {
        for (let dx = -2; dx <= 2; dx += 1) set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
      }
    }
  }
}

function drawFormat(set, size, format, mask) {
  const data = (format << 3) | mask;
  let rest = data;
  for (let step = 0; step < 10; step += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  const bit = (index) => ((bits >> index) & 1) === 1;
  for (let index = 0; index <= 5; index += 1) set(8, index, bit(index));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let index = 9; index < 15; index += 1) set(14 - index, 8, bit(index));
  for (let index = 0; index < 8; index += 1) set(size - 1 - index, 8, bit(index));
  for (let index = 8; index < 15; index += 1) set(8, size - 15 + index, bit(index));
  set(8, size - 8, true);
}

function drawVersion(set, size, version) {
  let rest = version;
  for (let step = 0; step < 12; step += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
  const bits = (version << 12) | rest;
  for (let index = 0; index < 18; index += 1) {
    const dark = ((bits >> index) & 1) === 1;
    const [a, b] = [size - 11 + (index % 3), Math.floor(index / 3)];
    set(a, b, dark);
    set(b, a, dark);
  }
}

/** Put the code words in their zigzag of two columns, from the lower right, and mask them. */
function place(modules, fixed, size, codewords, isMasked) {
  let at = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const upwards = ((right + 1) & 2) === 0;
      const y = upwards ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (fixed[y][x]) continue;
        const dark = at < 8 * codewords.length && ((codewords[at >> 3] >> (7 - (at & 7))) & 1) === 1;
        modules[y][x] = dark !== isMasked(x, y);
        at += 1;
      }
    }
  }
}

// -- penalty: runs, blocks, patterns like the finders, balance
// -----------------------------------------------------------

const FINDER_LIKE = /(?=10111010000|00001011101)/g;

function penalty(modules) {
  const size = modules.length;
  const rows = modules.map((row) => row.map(Number).join(""));
  const columns = rows.map((_row, x) => rows.map((row) => row[x]).join(""));
  let cost = 0;
  for (const line of [...rows, ...columns]) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) cost += run.length - 2;
    cost += 40 * [...line.matchAll(FINDER_LIKE)].length;
  }
  for (let y = 0; y + 1 < size; y += 1) {
    for (let x = 0; x + 1 < size; x += 1) {
      const dark = modules[y][x];
      if (dark === modules[y][x + 1] && dark === modules[y + 1][x] && dark === modules[y + 1][x + 1]) cost += 3;
    }
  }
  const darkOnes = rows.join("").replaceAll("0", "").length;
  return cost + 10 * Math.floor(Math.abs((darkOnes * 100) / (size * size) - 50) / 5);
}
