/**
 * Powers of a fixed base from a table (docs/spec/groups.md, G6): the comb of Lim and Lee (CRYPTO 1994).
 *
 * The exponent's 256 bits are written into rows, one below the other. One column of bits picks one stored product of
 * powers, so a power takes one multiplication a column; the columns are dealt to several tables, which share squarings.
 * Every stored product has an extra factor, the base, and the exponent is lowered accordingly: so no multiplication is
 * by 1, and each power is the same number of multiplications whatever the exponent. (Arithmetic of BigInt as such does
 * not take constant time: see docs/threat-model.md.) Imports nothing.
 */

const EXPONENT_BITS = 256;
const MOST_ROWS = 9;
const MOST_TABLES = 8;

/** @typedef {{rows: number, tables: number, columns: number, width: number}} Comb */

/**
 * The comb that needs the fewest multiplications in all: for the tables of two bases, and for this much work with them.
 * @param {number} powers single powers
 * @param {number} products products of a power of each base
 * @returns {Comb}
 */
export function bestComb(powers, products) {
  let best;
  let lowest = Infinity;
  for (let rows = 2; rows <= MOST_ROWS; rows++) {
    for (let tables = 1; tables <= MOST_TABLES; tables++) {
      const columns = Math.ceil(EXPONENT_BITS / rows / tables);
      const width = columns * tables;
      const making = 2 * (EXPONENT_BITS + tables * 2 ** rows);
      const cost = making + powers * (width + columns) + products * (2 * width + columns);
      if (cost < lowest) {
        lowest = cost;
        best = { rows, tables, columns, width };
      }
    }
  }
  return best;
}

/** A base with its tables. */
export class FixedBase {
  /**
   * @param {bigint} base a member of the group
   * @param {{p: bigint, q: bigint}} group
   * @param {Comb} comb
   */
  constructor(base, { p, q }, comb) {
    this.base = base;
    this.modulus = p;
    this.order = q;
    this.comb = comb;
    this.entries = makeTables(base, p, comb);
    // Each column adds `tables` factors of the base, at the weight of the column.
    this.surplus = BigInt(comb.tables) * (2n ** BigInt(comb.columns) - 1n);
  }

  /**
   * base^exponent.
   * @param {bigint} exponent in [0, q)
   * @returns {bigint}
   */
  power(exponent) {
    return productOfPowers([this, exponent]);
  }

  /** For each column of the comb, the number of its stored product. */
  columnDigits(exponent) {
    const { rows, width } = this.comb;
    const lowered = exponent - this.surplus;
    const bits = (lowered < 0n ? lowered + this.order : lowered).toString(2).padStart(rows * width, "0");
    const digits = new Uint16Array(width);
    for (let row = 0; row < rows; row++) {
      const end = bits.length - 1 - row * width;
      for (let place = 0; place < width; place++) {
        digits[place] |= (bits.charCodeAt(end - place) & 1) << row;
      }
    }
    return digits;
  }
}

/**
 * The product of base^exponent over the pairs given, with the squarings shared.
 * @param {...[FixedBase, bigint]} pairs at least one; all with the same comb
 * @returns {bigint}
 */
export function productOfPowers(...pairs) {
  const { modulus, comb } = pairs[0][0];
  const { rows, tables, columns } = comb;
  const digits = pairs.map(([base, exponent]) => base.columnDigits(exponent));
  let product = null;
  for (let column = columns - 1; column >= 0; column--) {
    if (product !== null) {
      product = (product * product) % modulus;
    }
    for (let table = 0; table < tables; table++) {
      for (let index = 0; index < pairs.length; index++) {
        const digit = digits[index][table * columns + column];
        const entry = pairs[index][0].entries[(table << rows) + digit];
        product = product === null ? entry : (product * entry) % modulus;
      }
    }
  }
  return product;
}

function makeTables(base, modulus, { rows, tables, columns, width }) {
  // weights[row][table] = base^(2^(row * width + table * columns)): what a bit there adds, in the table's first column.
  const weights = Array.from({ length: rows }, () => []);
  let power = base;
  for (let bit = 0; bit <= rows * width - columns; bit++) {
    if (bit) {
      power = (power * power) % modulus;
    }
    if (bit % columns === 0) {
      weights[Math.floor(bit / width)].push(power);
    }
  }
  const entries = new Array(tables << rows);
  for (let table = 0; table < tables; table++) {
    const start = table << rows;
    entries[start] = base;
    for (let digit = 1; digit < 1 << rows; digit++) {
      const row = 31 - Math.clz32(digit);
      entries[start + digit] = (entries[start + (digit ^ (1 << row))] * weights[row][table]) % modulus;
    }
  }
  return entries;
}
