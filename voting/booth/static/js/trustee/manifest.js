/**
 * Protocol M14, M15: what a trustee checks of a manifest (docs/spec/manifest.md): everything but the texts of the
 * questions and options, of which only the shape of the ballot is made. Those are the board's and the observers'
 * business: no trustee's secret depends on them.
 *
 * Must not touch the document or the network.
 */

import { fromBase64Url, toHex } from "../core/bytes.js";
import { encodeCanonical } from "../core/canonical.js";
import { checkPublicKey } from "../core/ed25519.js";
import { DecodeError } from "../core/errors.js";
import { groupByName } from "../core/group.js";
import { sha256Hex } from "../core/hash.js";
import { MAX_WITNESSES, TYPE_COSIGNATURE, parseVkey } from "../core/note.js";
import { joinShapes } from "../methods/index.js";
import { isMoment, isText } from "./texts.js";

const VERSION = 1;
const MAX_TRUSTEES = 50;
const MAX_QUESTIONS = 50;
const MAX_VALUES = 1000;
const MAX_BRANCHES = 3000;
const MAX_NAME_CHARACTERS = 100;
const MAX_CONTACT_CHARACTERS = 200;
const LANGUAGE = /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/;

/**
 * Check a manifest.
 *
 * @param {object} manifest of the form that `messages.js` reads
 * @returns {{hash: string, group: import("../core/group.js").Group, shape: object, administrator: Uint8Array}}
 * @throws {DecodeError} naming the first fault
 */
export function checkManifest(manifest) {
  refuseUnless(manifest.version === VERSION, "version", "is not 1");
  // Whoever opens this page for an election of the toy group is told in red that it protects nothing.
  const group = groupByName(manifest.group, { allowToy: true });
  checkTexts(manifest);
  refuseUnless(/^[0-9a-f]{32}$/.test(manifest.nonce), "nonce", "is not 32 lower-case hexadecimal digits");
  checkTrustees(manifest);
  checkSchedule(manifest);
  const [administrator] = ["administrator", "authority"].map((name) => {
    const key = fromBase64Url(manifest[name], 32, name);
    checkPublicKey(key, name);
    return key;
  });
  checkWitnesses(manifest, parseVkey(manifest.board, "board"));
  return { hash: sha256Hex(encodeCanonical(manifest)), group, shape: shapeOf(manifest), administrator };
}

function checkTexts({ languages, title, description, contact }) {
  const areCodes = languages.length > 0 && languages.every((language) => LANGUAGE.test(language));
  refuseUnless(
    areCodes && new Set(languages).size === languages.length,
    "languages",
    "are not language codes, each once",
  );
  const isLocalized = (text, options) =>
    Object.keys(text).length === languages.length &&
    languages.every((language) => Object.hasOwn(text, language) && isText(text[language], options));
  refuseUnless(isLocalized(title), "title", "is not a text in each language");
  const isDescribed = description === null || isLocalized(description, { multiline: true });
  refuseUnless(isDescribed, "description", "is not a text in each language");
  const isContact = contact === "" || isText(contact, { limit: MAX_CONTACT_CHARACTERS });
  refuseUnless(isContact, "contact", "is not well formed");
}

function checkSchedule({ schedule }) {
  if (schedule === null) return;
  const { opens, closes } = schedule;
  refuseUnless(isMoment(opens) && isMoment(closes) && opens < closes, "schedule", "is not an opening and a later end");
}

/** L20b: witnesses with keys of their own, and a quorum that two halves cannot both reach. */
function checkWitnesses({ quorum = 0, witnesses = [] }, board) {
  const keys = witnesses.map((vkey, position) => parseVkey(vkey, `witnesses[${position + 1}]`));
  const areWitnesses = keys.every(({ type, key }) => type === TYPE_COSIGNATURE && toHex(key) !== toHex(board.key));
  const names = new Set(keys.map(({ name }) => name));
  const areDistinct = names.size === keys.length && new Set(keys.map(({ key }) => toHex(key))).size === keys.length;
  refuseUnless(areWitnesses && areDistinct && keys.length <= MAX_WITNESSES, "witnesses", "are not keys of witnesses");
  const isSafe = Number.isInteger(quorum) && quorum <= keys.length && (quorum * 2 > keys.length || keys.length === 0);
  refuseUnless(isSafe && quorum >= 0, "quorum", "does not fit the number of witnesses");
}

function checkTrustees({ trustees, threshold }) {
  const count = trustees.length;
  refuseUnless(count >= 1 && count <= MAX_TRUSTEES, "trustees", "are none or too many");
  refuseUnless(threshold >= 1 && threshold <= count, "threshold", "does not fit the number of trustees");
  const seen = new Set();
  trustees.forEach(({ name }, position) => {
    const where = `trustees[${position + 1}].name`;
    refuseUnless(isText(name, { limit: MAX_NAME_CHARACTERS }), where, "is not well formed");
    const folded = name.toLowerCase().split(/\s+/u).join(" ");
    refuseUnless(!seen.has(folded), where, "is the name of an earlier trustee, too");
    seen.add(folded);
  });
}

function shapeOf(manifest) {
  const count = manifest.questions.length;
  refuseUnless(count >= 1 && count <= MAX_QUESTIONS, "questions", "are none or too many");
  let shape;
  try {
    shape = joinShapes(manifest);
  } catch {
    throw new DecodeError("do not make a ballot", { where: "questions" });
  }
  const branches = shape.constraints.reduce((sum, { allowed }) => sum + allowed.length, 0);
  refuseUnless(shape.values <= MAX_VALUES && branches <= MAX_BRANCHES, "questions", "make too large a ballot");
  return shape;
}

function refuseUnless(holds, where, problem) {
  if (!holds) throw new DecodeError(problem, { where });
}
