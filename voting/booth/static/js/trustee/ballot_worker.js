/**
 * A worker that checks ballots and multiplies the counted ones (docs/spec/ballots.md, B8; docs/spec/tally.md, D2). It
 * is one of several; `decrypt.js` hands out the ballots and joins the products.
 *
 * Must not touch the network.
 */

import { fromBase64Url, toBigInt, utf8 } from "../core/bytes.js";
import { makeContext, verifyBallot } from "../core/ballot.js";
import { decodeCanonical } from "../core/canonical.js";
import { UrneError } from "../core/errors.js";
import { sha256Hex } from "../core/hash.js";
import { Product } from "./product.js";

const FINGERPRINT_DIGITS = 32;

let context = null;
let product = null;

/** `{start}` names the election; `{ballot}` is one ballot; `{end}` asks for the product of the counted ones. */
self.onmessage = async ({ data }) => {
  try {
    if (data.start) {
      context = makeContext({ ...data.start, allowToy: true });
      product = new Product(context.group, context.shape.totals);
    } else if (data.ballot) {
      self.postMessage({ checked: await check(data.ballot) });
    } else {
      self.postMessage({ product: product.parts() });
    }
  } catch (error) {
    const isOurs = error instanceof UrneError;
    self.postMessage({
      failure: { ours: isOurs, check: error.check ?? "", where: error.where, problem: error.problem },
    });
  }
};

async function check({ body, subject, weight }) {
  await verifyBallot(context, body, subject);
  const { content } = decodeCanonical(body, subject);
  if (weight !== null) product.multiply(content.ciphertexts.map(read), BigInt(weight));
  // What tells a copied ciphertext: a hash of each alpha.
  const fingerprints = content.ciphertexts.map(({ alpha }) => sha256Hex(utf8(alpha)).slice(0, FINGERPRINT_DIGITS));
  return { subject, credential: content.credential, fingerprints };
}

/** `verifyBallot` has found both to be members of the group. */
function read({ alpha, beta }) {
  const number = (text) => toBigInt(fromBase64Url(text, context.group.elementBytes, "ciphertext"));
  return { alpha: number(alpha), beta: number(beta) };
}
