/**
 * Protocol D2: the product of counted ballots, one ciphertext per total, each ballot raised to its weight
 * (docs/spec/tally.md).
 *
 * Must not touch the document or the network.
 */

/** A product that grows. Products of parts of the ballots are joined with `join`. */
export class Product {
  #group;
  #totals;
  #parts;

  /**
   * @param {import("../core/group.js").Group} group
   * @param {readonly {index: number}[]} totals of the shape
   */
  constructor(group, totals) {
    this.#group = group;
    this.#totals = totals;
    this.#parts = totals.map(() => ({ alpha: 1n, beta: 1n }));
  }

  /**
   * @param {readonly {alpha: bigint, beta: bigint}[]} ciphertexts all values of one ballot, members of the group
   * @param {bigint} weight
   */
  multiply(ciphertexts, weight) {
    this.#totals.forEach(({ index }, position) => {
      const { alpha, beta } = ciphertexts[index];
      const raised = weight === 1n ? { alpha, beta } : this.#power(alpha, beta, weight);
      this.#times(position, raised);
    });
  }

  /** @param {readonly {alpha: bigint, beta: bigint}[]} parts of another product */
  join(parts) {
    parts.forEach((part, position) => this.#times(position, part));
  }

  /** @returns {{alpha: bigint, beta: bigint}[]} */
  parts() {
    return this.#parts;
  }

  #power(alpha, beta, weight) {
    return { alpha: this.#group.pow(alpha, weight), beta: this.#group.pow(beta, weight) };
  }

  #times(position, { alpha, beta }) {
    const part = this.#parts[position];
    this.#parts[position] = { alpha: this.#group.mul(part.alpha, alpha), beta: this.#group.mul(part.beta, beta) };
  }
}
