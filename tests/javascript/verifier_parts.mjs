/**
 * Calls parts of the browser's verifier (voting/booth/static/js/verifier/), for tests.
 *
 *     node verifier_parts.mjs
 *
 * Each line of the standard input is {"call", "arguments"}, and is answered by one line {"value"} or, for what is
 * refused, {"refused"}. Bytes are hexadecimal digits; big numbers are texts.
 */

import { createInterface } from "node:readline";

import { fromHex, toHex, utf8 } from "../../voting/booth/static/js/core/bytes.js";
import { UrneError } from "../../voting/booth/static/js/core/errors.js";
import { groupByName } from "../../voting/booth/static/js/core/group.js";
import { cutLines } from "../../voting/booth/static/js/verifier/lines.js";
import { outcomeOf } from "../../voting/booth/static/js/verifier/outcomes.js";
import { Member, readMember, weightsOver } from "../../voting/booth/static/js/verifier/powers.js";
import { sha512 } from "../../voting/booth/static/js/verifier/sha512.js";
import { shapeOf } from "../../voting/booth/static/js/verifier/shapes.js";
import { verifySealingKey, verifySignature } from "../../voting/booth/static/js/verifier/signatures.js";
import { asRead, caseFolded, isMoment, verifyText } from "../../voting/booth/static/js/verifier/texts.js";

const CALLS = {
  asRead: (texts) => texts.map(asRead),
  caseFolded: (texts) => texts.map(caseFolded),
  isMoment,
  outcome: outcomeOf,
  shape: shapeOf,
  sha512: (message) => toHex(sha512(fromHex(message))),
  text: (text, limits) => verifyText(text, "text", limits),
  sealingKey: (text) => verifySealingKey(text, "key"),
  signature: (key, message, signature) => verifySignature(fromHex(key), fromHex(message), fromHex(signature)),
  member: (group, text) => readMember(groupByName(group, { allowToy: true }), text, "element").element.toString(),
  power: (group, base, exponent) =>
    new Member(BigInt(base), groupByName(group, { allowToy: true }).p).power(BigInt(exponent)).toString(),
  weights: (group, purpose, count, field) =>
    weightsOver(groupByName(group, { allowToy: true }), purpose, count, utf8(field)).map((one) => one.toString(16)),
  lines: async (name, pieces) => {
    const found = [];
    for await (const line of cutLines(pieces.map(fromHex), name)) found.push(toHex(line));
    return found;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, arguments: given } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await CALLS[call](...given)) ?? null };
  } catch (error) {
    answer = error instanceof UrneError ? { refused: error.message } : { broken: String(error?.stack ?? error) };
  }
  console.log(JSON.stringify(answer));
}
