/**
 * Protocol M15: whether a manifest is valid (docs/spec/manifest.md; docs/spec/methods.md for its questions).
 *
 * Its fields have been read before (forms.js). Must not touch a document or the network; imports canonical.js,
 * errors.js, group.js, hash.js and note.js of core/, checkpoint.js, shapes.js, signatures.js and texts.js.
 */

import { encodeCanonical } from "../core/canonical.js";
import { DecodeError } from "../core/errors.js";
import { groupByName } from "../core/group.js";
import { sha256Hex } from "../core/hash.js";
import { parseWitnesses } from "../core/note.js";
import { readBoardKey } from "./checkpoint.js";
import { joinedShape } from "./shapes.js";
import { readPublicKey } from "./signatures.js";
import { asRead, caseFolded, isMoment, joinSpaces, verifyText, verifyTexts } from "./texts.js";

const LANGUAGE = /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/;
const NONCE = /^[0-9a-f]{32}$/;
const ORIGIN = /^[A-Za-z0-9._~-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~-]+)*$/;
const MOST_ORIGIN_CHARACTERS = 255;
const MOST_NAME_CHARACTERS = 100;
const MOST_CONTACT_CHARACTERS = 200;
const MOST_TRUSTEES = 50;
const MOST_QUESTIONS = 50;
const MOST_VALUES = 1000;
const MOST_BRANCHES = 3000;

/** Lowest and highest number of options of each method (M3, M5 to M13). */
const OPTIONS = {
  choose: [2, 200],
  score: [1, 200],
  grades: [1, 200],
  ranking: [2, 30],
  condorcet: [2, 20],
  "condorcet-ties": [2, 8],
};

/**
 * @typedef {object} Definition what the manifest of an election says, checked
 * @property {any} manifest
 * @property {string} hash M14
 * @property {import("../core/group.js").Group} group
 * @property {import("./shapes.js").Shape} shape of the whole ballot
 * @property {Uint8Array} administrator key
 * @property {Uint8Array} authority key of the credential authority
 * @property {import("../core/note.js").NoteKey} board
 */

/**
 * Protocol M15: checks a manifest.
 * @param {any} manifest
 * @returns {Definition}
 * @throws {DecodeError} its first fault
 */
export function readManifest(manifest) {
  const { languages, threshold, trustees } = manifest;
  demand(manifest.version === 1, "version", "is not 1");
  demand(languages.length > 0 && areDistinct(languages), "languages", "are missing, or one is named twice");
  languages.forEach((code) => demand(LANGUAGE.test(code), "languages", "hold something that is no language code"));
  verifyTexts(manifest.title, languages, "title");
  if (manifest.description !== null) verifyTexts(manifest.description, languages, "description", { lines: true });
  if (manifest.contact) verifyText(manifest.contact, "contact", { most: MOST_CONTACT_CHARACTERS });
  demand(NONCE.test(manifest.nonce), "nonce", "is not 32 lower-case hexadecimal digits");
  const administrator = readPublicKey(manifest.administrator, "administrator");
  const authority = readPublicKey(manifest.authority, "authority");
  const board = readBoardKey(manifest.board);
  const isOrigin = ORIGIN.test(board.name) && board.name.length <= MOST_ORIGIN_CHARACTERS;
  demand(isOrigin, "board", "is named by something that is no web address without its scheme");
  // Whether a toy group is allowed is asked where the election is defined.
  const group = groupByName(manifest.group, { allowToy: true });
  if (manifest.schedule) {
    const { opens, closes } = manifest.schedule;
    demand(isMoment(opens) && isMoment(closes), "schedule", "holds something that is no time");
    demand(opens < closes, "schedule", "ends before it begins");
  }
  demand(isWithin(trustees.length, 1, MOST_TRUSTEES), "trustees", `are not 1 to ${MOST_TRUSTEES}`);
  trustees.forEach(({ name }, i) => verifyText(name, `trustees[${i + 1}]`, { most: MOST_NAME_CHARACTERS }));
  const names = trustees.map(({ name }) => joinSpaces(caseFolded(name)));
  demand(areDistinct(names), "trustees", "have the same name twice");
  demand(isWithin(threshold, 1, trustees.length), "threshold", `is not within 1 to ${trustees.length}`);
  parseWitnesses(manifest, board);
  const shape = verifyQuestions(manifest.questions, languages);
  const hash = sha256Hex(encodeCanonical(manifest));
  return { manifest, hash, group, shape, administrator, authority, board };
}

function verifyQuestions(questions, languages) {
  demand(isWithin(questions.length, 1, MOST_QUESTIONS), "questions", `are not 1 to ${MOST_QUESTIONS}`);
  questions.forEach((question, i) => verifyQuestion(question, languages, `questions[${i + 1}]`));
  const shape = joinedShape(questions);
  demand(shape.values <= MOST_VALUES, "questions", `make a ballot of more than ${MOST_VALUES} values`);
  const branches = shape.constraints.reduce((sum, { allowed }) => sum + allowed.length, 0);
  demand(branches <= MOST_BRANCHES, "questions", `make a ballot of more than ${MOST_BRANCHES} branches`);
  return shape;
}

function verifyQuestion(question, languages, where) {
  verifyTexts(question.title, languages, `${where}.title`);
  if (question.description !== null) {
    verifyTexts(question.description, languages, `${where}.description`, { lines: true });
  }
  if (question.method === "lists") {
    const names = question.lists.map(({ name }) => name);
    verifyOptions(names, languages, 2, 200, `${where}.lists`);
    question.lists.forEach(({ candidates }, i) =>
      verifyOptions(candidates, languages, 0, 200, `${where}.lists[${i + 1}].candidates`),
    );
    demand(isWithin(question.seats, 1, 1000), `${where}.seats`, "is not within 1 to 1000");
    return;
  }
  const [lowest, highest] = OPTIONS[question.method];
  verifyOptions(question.options, languages, lowest, highest, `${where}.options`);
  const n = question.options.length;
  if (question.method === "choose") {
    verifyBounds(question, n, where);
    demand(isWithin(question.seats, 1, n), `${where}.seats`, `is not within 1 to ${n}`);
  } else if (question.method === "score") {
    demand(isWithin(question.highest, 1, 100), `${where}.highest`, "is not within 1 to 100");
    verifyBounds(question, n * question.highest, where);
  } else if (question.method === "grades") {
    verifyOptions(question.grades, languages, 2, 20, `${where}.grades`);
  } else if (question.method === "ranking") {
    verifyPoints(question.points, n, `${where}.points`);
  }
}

function verifyBounds({ min, max }, most, where) {
  demand(isWithin(min, 0, most), `${where}.min`, `is not within 0 to ${most}`);
  demand(isWithin(max, Math.max(min, 1), most), `${where}.max`, `is not within ${Math.max(min, 1)} to ${most}`);
}

function verifyPoints(points, n, where) {
  demand(points.length === n, where, `are not ${n}`);
  demand(
    points.every((one) => isWithin(one, 0, 1000)),
    where,
    "are not within 0 to 1000",
  );
  const fall = points.every((one, place) => place === 0 || one <= points[place - 1]);
  demand(fall && points[0] > points.at(-1), where, "do not fall");
}

/** M3: so many options, each a text, and no two that read the same. */
function verifyOptions(options, languages, lowest, highest, where) {
  demand(isWithin(options.length, lowest, highest), where, `are not ${lowest} to ${highest}`);
  options.forEach((option, i) => verifyTexts(option, languages, `${where}[${i + 1}]`));
  for (const language of languages) {
    demand(areDistinct(options.map((option) => asRead(option[language]))), where, "have two that read the same");
  }
}

function demand(condition, where, problem) {
  if (!condition) throw new DecodeError(problem, { where });
}

function areDistinct(values) {
  return new Set(values).size === values.length;
}

function isWithin(number, lowest, highest) {
  return number >= lowest && number <= highest;
}
