// Checks a receipt of Urne with @sigstore/verify, which knows nothing of Urne.
//
//     node receipt.cjs NODE_MODULES RECEIPT HEADER VKEY
//
// It checks the log's signature on the checkpoint, and that the header is in the tree. It knows neither consistency
// proofs nor witnesses. Its parts for this are not among its exports, hence the paths.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const [modules, receiptPath, headerPath, vkey] = process.argv.slice(2);
const inside = path.join(path.resolve(modules), "@sigstore", "verify", "dist", "tlog");
const { verifyCheckpoint } = require(path.join(inside, "checkpoint.js"));
const { verifyMerkleInclusion } = require(path.join(inside, "merkle.js"));

const receipt = fs.readFileSync(receiptPath, "utf8");
const split = receipt.indexOf("\n\n");
const [first, index, ...hashes] = receipt.slice(0, split).split("\n");
const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(encoded, "base64").subarray(1)]);
const log = {
  baseURL: name,
  logID: Buffer.from(id, "hex"),
  publicKey: crypto.createPublicKey({ key: spki, format: "der", type: "spki" }),
};
const entry = {
  canonicalizedBody: fs.readFileSync(headerPath),
  inclusionProof: {
    checkpoint: { envelope: receipt.slice(split + 2) },
    hashes: hashes.map((line) => Buffer.from(line, "base64")),
    logIndex: /^index (\d+)$/.exec(index)[1],
  },
};

try {
  if (first !== "c2sp.org/tlog-proof@v1") throw new Error("not a receipt");
  const checkpoint = verifyCheckpoint(entry, [log]);
  if (checkpoint.origin !== name || checkpoint.rest.length > 0) throw new Error("a checkpoint of another log");
  verifyMerkleInclusion(entry, checkpoint);
  console.log(`OK entry ${entry.inclusionProof.logIndex} of ${checkpoint.logSize}`);
} catch (error) {
  console.error(`refused: ${error.message}`);
  process.exit(1);
}
