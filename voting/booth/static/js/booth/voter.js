/**
 * The voter's code and what it gives (docs/spec/credentials.md): typing errors are found before anything is sent, and
 * the server never sees the code.
 *
 * Must not import screens.
 */

import { toBase64Url } from "../core/bytes.js";
import { deriveCredential, parseCode } from "../core/credential.js";
import { DecodeError } from "../core/errors.js";
import { t } from "../text.js";
import { findCredential } from "./election.js";

const SYMBOLS = 25;
const GROUP = 5;
const SKIPPED = /[\s\u00a0\u2010\u2011-]/g;
const FOREIGN = /[^0-9A-HJKMNP-TV-Z]/;
const PSEUDONYM_CHARACTERS = 10;

/** Something is wrong with the code, in words for the voter. */
export class CodeProblem extends Error {}

/**
 * @typedef {object} Voter
 * @property {string} publicKey base64url
 * @property {any} credential with `sign`
 * @property {string} pseudonym short form of the public key, as the board's pages show it
 * @property {boolean} voted whether a ballot of this voter is on the board
 */

/**
 * From a typed code to the voter.
 *
 * @param {import("./election.js").Election} election
 * @param {string} typed
 * @returns {Promise<Voter>}
 * @throws {CodeProblem} if the code is mistyped, or belongs to nobody here
 * @throws {NoAnswer|Refused} if the list of credentials cannot be had
 */
export async function findVoter(election, typed) {
  requireWellTyped(typed);
  const credential = await deriveCredential(typed, election.manifestHash);
  const publicKey = toBase64Url(credential.publicKey);
  const listed = await findCredential(election, publicKey);
  if (listed === "replaced") {
    throw new CodeProblem(t("This code was replaced by a newer one. Use the code that was sent to you last."));
  }
  if (listed === null) {
    const nobody = t("This code is typed correctly, but it belongs to no voter of this election.");
    throw new CodeProblem(`${nobody} ${t("It may be the code of another election: look at the title above.")}`);
  }
  return { publicKey, credential, pseudonym: pseudonym(publicKey), voted: listed.voted, weight: listed.weight };
}

/**
 * Require a code without typing errors. Nothing is sent.
 *
 * @param {string} typed
 * @throws {CodeProblem}
 */
export function requireWellTyped(typed) {
  const symbols = clean(typed);
  if (symbols === "") throw new CodeProblem(t("Enter your voter code."));
  const groups = symbols.match(/.{1,5}/g);
  const foreign = groups.findIndex((group) => FOREIGN.test(group));
  if (foreign >= 0) {
    throw new CodeProblem(
      t("Group {number} contains a character that no code has. Codes use 0 to 9 and A to Z without I, L, O and U.", {
        number: foreign + 1,
      }),
    );
  }
  if (symbols.length !== SYMBOLS) {
    throw new CodeProblem(lengthProblem(typed, symbols));
  }
  try {
    parseCode(typed);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new CodeProblem(t("There is a typing error in the code. Compare it with the original, group by group."));
  }
}

function lengthProblem(typed, symbols) {
  const parts = typed
    .trim()
    .toUpperCase()
    .split(/[\s\u00a0\u2010\u2011-]+/)
    .filter(Boolean);
  const odd = parts.length === SYMBOLS / GROUP ? parts.findIndex((part) => part.length !== GROUP) : -1;
  if (odd >= 0) {
    return t("Group {number} has {count} characters instead of 5.", { number: odd + 1, count: parts[odd].length });
  }
  return t("The code has {count} characters instead of 25.", { count: symbols.length });
}

/** A code of the right length in groups of five; any other as it was typed, so that errors name the groups typed. */
export function inGroups(typed) {
  const symbols = clean(typed);
  return symbols.length === SYMBOLS ? symbols.match(/.{5}/g).join("-") : typed;
}

function clean(typed) {
  return typed.toUpperCase().replace(SKIPPED, "").replace(/[IL]/g, "1").replaceAll("O", "0");
}

/** The short form of a public key. */
export function pseudonym(publicKey) {
  return publicKey.slice(0, PSEUDONYM_CHARACTERS);
}
