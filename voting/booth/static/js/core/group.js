/**
 * The groups of Urne (docs/spec/groups.md, G1 to G8): the members of order q of the integers modulo p.
 *
 * An element is a bigint in [1, p). Whatever comes from outside passes `decode`, which checks that it is a member.
 * Imports bytes.js, errors.js and group_parameters.js.
 */

import { fromBase64Url, fromBigInt, toBase64Url, toBigInt } from "./bytes.js";
import { DecodeError, NotInGroup } from "./errors.js";
import { PARAMETERS, Q } from "./group_parameters.js";

const SCALAR_BYTES = 32;
const WINDOW_BITS = 5;

/** A group by its name. There is one object per name: `groupByName`. */
export class Group {
  /** @param {string} name a name of PARAMETERS */
  constructor(name) {
    const { bits, p, g } = PARAMETERS[name];
    this.name = name;
    this.q = Q;
    this.p = BigInt(`0x${p}`);
    this.g = BigInt(`0x${g}`);
    this.elementBytes = bits / 8;
    this.isToy = name.startsWith("toy-");
  }

  /**
   * @param {bigint} left
   * @param {bigint} right
   * @returns {bigint}
   */
  mul(left, right) {
    return (left * right) % this.p;
  }

  /**
   * base^exponent for a public exponent in [0, q); the time depends on it.
   * @param {bigint} base
   * @param {bigint} exponent
   * @returns {bigint}
   */
  pow(base, exponent) {
    const powers = [1n, base];
    while (powers.length < 1 << WINDOW_BITS) {
      powers.push((powers.at(-1) * base) % this.p);
    }
    const digits = exponent.toString(1 << WINDOW_BITS);
    let result = powers[Number.parseInt(digits[0], 1 << WINDOW_BITS)];
    for (const digit of digits.slice(1)) {
      for (let bit = 0; bit < WINDOW_BITS; bit++) {
        result = (result * result) % this.p;
      }
      if (digit !== "0") {
        result = (result * powers[Number.parseInt(digit, 1 << WINDOW_BITS)]) % this.p;
      }
    }
    return result;
  }

  /**
   * The inverse of a member: x^(q-1), because x^q = 1.
   * @param {bigint} element
   * @returns {bigint}
   */
  inverse(element) {
    return this.pow(element, this.q - 1n);
  }

  /**
   * Whether x^q = 1 mod p.
   * @param {bigint} residue in [1, p)
   * @returns {boolean}
   */
  isMember(residue) {
    return this.pow(residue, this.q) === 1n;
  }

  /**
   * Protocol G3: big-endian bytes, always as many.
   * @param {bigint} element
   * @returns {Uint8Array}
   */
  encode(element) {
    return fromBigInt(element, this.elementBytes);
  }

  /**
   * Protocol G5: the smaller of x and p - x: a commitment enters a hash without its sign.
   * @param {bigint} element
   * @returns {Uint8Array}
   */
  encodeUnsigned(element) {
    const negative = this.p - element;
    return this.encode(element < negative ? element : negative);
  }

  /**
   * Protocol G4: reads an element and checks that it is a member.
   * @param {Uint8Array} bytes
   * @param {string} [what] how an error names it
   * @returns {bigint}
   */
  decode(bytes, what = "group element") {
    if (bytes.length !== this.elementBytes) {
      throw new DecodeError(`is ${bytes.length} bytes long, not ${this.elementBytes}`, { where: what });
    }
    const residue = toBigInt(bytes);
    if (residue < 1n || residue >= this.p) {
      throw new DecodeError("is outside [1, p)", { where: what });
    }
    if (!this.isMember(residue)) {
      throw new NotInGroup("is not in the group", { where: what });
    }
    return residue;
  }

  /**
   * An element in JSON.
   * @param {bigint} element
   * @returns {string}
   */
  toText(element) {
    return toBase64Url(this.encode(element));
  }

  /**
   * Protocol G8: reads an element from JSON.
   * @param {string} text
   * @param {string} [what] how an error names it
   * @returns {bigint}
   */
  fromText(text, what = "group element") {
    return this.decode(fromBase64Url(text, this.elementBytes, what), what);
  }

  /**
   * A scalar as 32 bytes, big-endian.
   * @param {bigint} scalar
   * @returns {Uint8Array}
   */
  encodeScalar(scalar) {
    return fromBigInt(scalar, SCALAR_BYTES);
  }

  /**
   * Protocol G7: reads a scalar in [0, q).
   * @param {Uint8Array} bytes
   * @param {string} [what] how an error names it
   * @returns {bigint}
   */
  decodeScalar(bytes, what = "scalar") {
    if (bytes.length !== SCALAR_BYTES) {
      throw new DecodeError(`is ${bytes.length} bytes long, not ${SCALAR_BYTES}`, { where: what });
    }
    const scalar = toBigInt(bytes);
    if (scalar >= this.q) {
      throw new DecodeError("is not below q", { where: what });
    }
    return scalar;
  }
}

const groups = new Map();

/**
 * Protocol G1: the group of this name. A record never brings its own parameters.
 * @param {string} name
 * @param {{allowToy?: boolean}} [options] toy groups protect nothing: only tests and trials allow them
 * @returns {Group}
 */
export function groupByName(name, { allowToy = false } = {}) {
  if (!Object.hasOwn(PARAMETERS, name)) {
    throw new DecodeError(`unknown group; known are ${Object.keys(PARAMETERS).join(", ")}`, { where: "group" });
  }
  if (!groups.has(name)) {
    groups.set(name, new Group(name));
  }
  const group = groups.get(name);
  if (group.isToy && !allowToy) {
    throw new DecodeError("is a toy group, which protects nothing", { where: "group" });
  }
  return group;
}
