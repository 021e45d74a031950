/**
 * What the core vectors call, in JavaScript: the table of tests/vectors/core_calls.py again.
 *
 * `runCases(cases)` gives for each case its output, or the code of the error and the number of the check.
 */

import * as ballots from "/booth/js/core/ballot.js";
import * as bytes from "/booth/js/core/bytes.js";
import { decodeCanonical, encodeCanonical } from "/booth/js/core/canonical.js";
import * as credentials from "/booth/js/core/credential.js";
import * as crockford from "/booth/js/core/crockford.js";
import * as ed25519 from "/booth/js/core/ed25519.js";
import * as entries from "/booth/js/core/entries.js";
import { UrneError } from "/booth/js/core/errors.js";
import { FixedBase, bestComb, productOfPowers } from "/booth/js/core/fixed_base.js";
import { groupByName } from "/booth/js/core/group.js";
import { sha256Hex } from "/booth/js/core/hash.js";
import * as kdf from "/booth/js/core/kdf.js";
import * as merkle from "/booth/js/core/merkle.js";
import * as notes from "/booth/js/core/note.js";
import { openBallot, parseOpening } from "/booth/js/core/opening.js";
import { checkReceipt, readReceiptFile, writeReceiptFile } from "/booth/js/core/receipt.js";
import * as trackers from "/booth/js/core/tracker.js";
import * as transcript from "/booth/js/core/transcript.js";

const { fromHex, toHex, utf8 } = bytes;

const group = (name) => groupByName(name, { allowToy: true });
const scalar = (of, text) => of.decodeScalar(bytes.fromBase64Url(text, 32, "scalar"));

function assert(condition, what) {
  if (!condition) {
    throw new Error(`assertion failed: ${what}`);
  }
}

/** A power by the window, by tables of several sizes, and as part of a product. */
function power(of, base, exponent) {
  const expected = of.pow(base, exponent);
  for (const powers of [0, 10, 500]) {
    const comb = bestComb(powers, powers);
    const table = new FixedBase(base, of, comb);
    const other = new FixedBase(of.g, of, comb);
    assert(table.power(exponent) === expected, "power by tables");
    const pair = productOfPowers([table, exponent], [other, 3n]);
    assert(pair === of.mul(expected, of.pow(of.g, 3n)), "product of powers");
  }
  return expected;
}

/** @type {Map<string, import("/booth/js/core/ballot.js").BallotContext>} */
const contexts = new Map();

/** The context that a vector describes. */
export function contextOf(description) {
  const { manifest, manifest_hash: manifestHash, election, joint_key: jointKey, shape } = description;
  assert(sha256Hex(encodeCanonical(manifest)) === manifestHash, "hash of the manifest");
  const key = `${manifestHash} ${election} ${jointKey}`;
  if (!contexts.has(key)) {
    const constraints = shape.constraints.map(([terms, constant, allowed]) => ({ terms, constant, allowed }));
    const described = { group: manifest.group, manifestHash, election, jointKey, allowToy: true };
    contexts.set(key, ballots.makeContext({ ...described, shape: { values: shape.values, constraints } }));
  }
  return contexts.get(key);
}

async function makeBallot({ context: description, code, values, seed }) {
  const context = contextOf(description);
  const key = await credentials.deriveCredential(code, context.manifestHash);
  return { context, key, cast: await ballots.castBallot(context, key, values, fromHex(seed)) };
}

/** The data with other values at some places; null deletes. */
function changed(data, changes) {
  for (const [path, value] of changes) {
    const target = path.slice(0, -1).reduce((inner, step) => inner[step], data);
    const last = path.at(-1);
    if (value !== null) {
      target[last] = value;
    } else if (Array.isArray(target)) {
      target.splice(last, 1);
    } else {
      delete target[last];
    }
  }
  return data;
}

const CALLS = {
  "group.fingerprint": ({ group: name }) => {
    const of = group(name);
    return sha256Hex(of.encode(of.p), of.encode(of.q), of.encode(of.g));
  },
  "group.element": ({ group: name, element }) => {
    const of = group(name);
    const x = of.fromText(element);
    return { inverse: of.toText(of.inverse(x)), unsigned: bytes.toBase64Url(of.encodeUnsigned(x)) };
  },
  "group.scalar": ({ group: name, scalar: text }) => toHex(group(name).encodeScalar(scalar(group(name), text))),
  "group.power": ({ group: name, base, exponent }) => {
    const of = group(name);
    return of.toText(power(of, of.fromText(base), scalar(of, exponent)));
  },
  "hash.frame": ({ fields }) => toHex(kdf.frame(...fields.map((field) => fromHex(field)))),
  "hash.expand": ({ message, tag, length }) => toHex(transcript.expandMessage(fromHex(message), fromHex(tag), length)),
  "hash.challenge": ({ group: name, purpose, fields }) => {
    const of = group(name);
    const c = transcript.challenge(of, purpose, ...fields.map((field) => fromHex(field)));
    return bytes.toBase64Url(of.encodeScalar(c));
  },
  "kdf.hkdf": ({ secret, salt, info, length }) =>
    toHex(kdf.hkdfExpand(kdf.hkdfExtract(fromHex(salt), fromHex(secret)), fromHex(info), length)),
  "kdf.derive": ({ secret, purpose, context, info, length }) =>
    toHex(
      kdf.derive(
        fromHex(secret),
        purpose,
        context.map((field) => fromHex(field)),
        length,
        fromHex(info),
      ),
    ),
  "ed25519.sign": async ({ seed, message }) => {
    const key = await ed25519.signingKeyFromSeed(fromHex(seed));
    return { key: toHex(key.publicKey), signature: toHex(await key.sign(fromHex(message))) };
  },
  "ed25519.verify": ({ key, message, signature }) =>
    ed25519.verifySignature(fromHex(key), fromHex(message), fromHex(signature)),
  "canonical.read": ({ data }) => {
    const value = decodeCanonical(fromHex(data), "data");
    return sha256Hex(encodeCanonical(value));
  },
  "base64url.read": ({ text, length }) => {
    const read = bytes.fromBase64Url(text, length, "text");
    assert(bytes.toBase64Url(read) === text, "base64url");
    return toHex(read);
  },
  "base64.read": ({ text, length }) => {
    const read = bytes.fromBase64(text, length, "text");
    assert(bytes.toBase64(read) === text, "base64");
    return toHex(read);
  },
  "decimal.read": ({ text }) => bytes.fromDecimal(text, "text"),
  "crockford.encode": ({ data, symbols }) => crockford.addCheck(crockford.encodeBits(fromHex(data), symbols)),
  "credential.parse": ({ text }) => credentials.parseCode(text),
  "credential.derive": async ({ code, manifest, message }) => {
    const key = await credentials.deriveCredential(code, manifest);
    return { key: toHex(key.publicKey), signature: toHex(await key.sign(fromHex(message))) };
  },
  "tracker.of": ({ hash }) => ({ tracker: trackers.tracker(hash), lock: trackers.lockNumber(hash) }),
  "tracker.parse": ({ text }) => trackers.parseTracker(text),
  "header.read": ({ header, body }) => {
    const parsed = entries.parseHeader(header);
    if (body !== undefined) {
      entries.checkBody(parsed, utf8(body));
    }
    return { seq: parsed.seq, type: parsed.type };
  },
  "entry.sign": async ({ type, manifest, content, seed }) => {
    const key = await ed25519.signingKeyFromSeed(fromHex(seed));
    const body = await entries.signContent(type, manifest, content, key);
    const input = entries.signingInput(type, manifest, entries.contentHash(body));
    return { body: bytes.fromUtf8(body, "body"), input: toHex(input) };
  },
  "entry.verify": async ({ type, manifest, body, key }) => {
    const { signature } = entries.parseBody(type, utf8(body));
    await entries.verifyEntrySignature(type, manifest, utf8(body), signature, fromHex(key));
    return entries.contentHash(utf8(body));
  },
  "note.vkey": ({ vkey }) => {
    const { name, type, key, keyId } = notes.parseVkey(vkey);
    return { name, type, key: toHex(key), id: toHex(keyId) };
  },
  "checkpoint.open": async ({ note, vkey }) => {
    const { origin, size, root } = await notes.openCheckpoint(note, notes.parseVkey(vkey));
    return { origin, size, root: toHex(root) };
  },
  "checkpoint.witnessed": async ({ note, vkey, ...manifest }) => {
    const board = notes.parseVkey(vkey);
    const found = await notes.verifyQuorum(note, notes.parseWitnesses(manifest, board), board);
    return found.map(({ key, time }) => ({ name: key.name, time: String(time) }));
  },
  "merkle.root": ({ leaves }) => toHex(merkle.treeRoot(leaves.map((leaf) => merkle.leafHash(fromHex(leaf))))),
  "merkle.inclusion": ({ leaf, index, size, proof, root }) =>
    merkle.verifyInclusion(
      fromHex(leaf),
      index,
      size,
      proof.map((hash) => fromHex(hash)),
      fromHex(root),
    ),
  "merkle.consistency": ({ old, new: size, old_root: oldRoot, new_root: newRoot, proof }) =>
    merkle.verifyConsistency(
      old,
      size,
      fromHex(oldRoot),
      fromHex(newRoot),
      proof.map((hash) => fromHex(hash)),
    ),
  "receipt.check": async ({ file, vkey, body }) => {
    const receipt = readReceiptFile(file);
    assert(bytes.equal(writeReceiptFile(receipt), utf8(file)), "receipt file");
    const { header, checkpoint } = await checkReceipt(receipt, vkey, body && utf8(body));
    return { seq: header.seq, size: checkpoint.size };
  },
  "ballot.cast": async ({ ballot }) => {
    const { context, cast } = await makeBallot(ballot);
    await ballots.verifyBallot(context, cast.body);
    return { body: sha256Hex(cast.body), hints: sha256Hex(cast.hints), hash: cast.hash, size: cast.body.length };
  },
  "ballot.verify": async ({ ballot, changes, resign = true }) => {
    const { context, key, cast } = await makeBallot(ballot);
    const whole = decodeCanonical(cast.body, "ballot");
    const body = resign
      ? await entries.signContent("ballot.cast", context.manifestHash, changed(whole.content, changes), key)
      : encodeCanonical(changed(whole, changes));
    await ballots.verifyBallot(context, body);
  },
  "ballot.open": ({ context: description, values, opening }) => {
    const { hash, lockNumber, tracker } = openBallot(contextOf(description), parseOpening(opening), values);
    return { hash, lock: lockNumber, tracker };
  },
};

/** What each case gives: {output}, or {error, check}. Anything but an error of Urne is a fault of the code. */
export async function runCases(cases) {
  const results = [];
  for (const { name, call, input } of cases) {
    try {
      results.push({ output: (await CALLS[call](input)) ?? null });
    } catch (error) {
      if (!(error instanceof UrneError)) {
        throw new Error(`${name}: ${error.stack}`);
      }
      results.push({ error: error.code, check: error.check ?? "" });
    }
  }
  return results;
}
