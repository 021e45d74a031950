/**
 * Protocol F8: passphrases that the browser draws: words of 16 bits (proquints), joined by hyphens
 * (docs/spec/key-file.md).
 *
 * Must not import anything.
 */

const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";

/**
 * The word of a 16-bit number: consonants and vowels in turn, for 4, 2, 4, 2 and 4 bits from the highest down.
 *
 * @param {number} number
 * @returns {string}
 */
export function proquint(number) {
  return (
    CONSONANTS[number >> 12] +
    VOWELS[(number >> 10) & 3] +
    CONSONANTS[(number >> 6) & 15] +
    VOWELS[(number >> 4) & 3] +
    CONSONANTS[number & 15]
  );
}

/**
 * A new passphrase.
 *
 * @param {(length: number) => Uint8Array} randomBytes
 * @param {number} [words] five words hold 80 bits
 * @returns {string}
 */
export function generatePassphrase(randomBytes, words = 5) {
  const data = randomBytes(2 * words);
  const list = [];
  for (let i = 0; i < data.length; i += 2) list.push(proquint((data[i] << 8) | data[i + 1]));
  return list.join("-");
}

/**
 * A passphrase as a person typed it, in the form in which the page drew it: spaces and capitals do not count there.
 * Any other passphrase, one that `urne-trustee` was given by its owner, is left as it is.
 *
 * @param {string} typed
 * @returns {string}
 */
export function tidyPassphrase(typed) {
  const words = typed
    .trim()
    .toLowerCase()
    .replace(/[\s\u2010\u2011-]+/g, "-");
  const word = `[${CONSONANTS}][${VOWELS}][${CONSONANTS}][${VOWELS}][${CONSONANTS}]`;
  return new RegExp(`^${word}(-${word})+$`).test(words) ? words : typed;
}
