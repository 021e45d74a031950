/**
 * The Merkle tree over entry headers (docs/spec/log.md, L2; RFC 6962, RFC 9162). As voting/protocol/tlog/merkle.py.
 *
 * Imports bytes.js, errors.js and hash.js.
 */

import { equal } from "./bytes.js";
import { ProofError } from "./errors.js";
import { HASH_BYTES, sha256 } from "./hash.js";

/** No proof in a tree of fewer than 2^63 leaves is longer. */
export const MAX_PROOF_HASHES = 63;

/** The root of no leaves. */
export const EMPTY_ROOT = sha256();

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const INCLUSION = "the inclusion proof";
const CONSISTENCY = "the consistency proof";

/**
 * Protocol L2a: the hash of a leaf: of an entry header's bytes.
 * @param {Uint8Array} header
 * @returns {Uint8Array}
 */
export function leafHash(header) {
  return sha256(LEAF, header);
}

/**
 * Protocol L2b: the hash of a node.
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 * @returns {Uint8Array}
 */
export function nodeHash(left, right) {
  return sha256(NODE, left, right);
}

/**
 * Protocol L2d: the root of these leaf hashes.
 * @param {Uint8Array[]} leaves
 * @returns {Uint8Array}
 */
export function treeRoot(leaves) {
  if (leaves.length < 2) {
    return leaves[0] ?? EMPTY_ROOT;
  }
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return nodeHash(treeRoot(leaves.slice(0, split)), treeRoot(leaves.slice(split)));
}

/**
 * Protocol L2g: checks that `leaf` is number `index` of the tree of `size` leaves with this root.
 * @param {Uint8Array} leaf a leaf hash
 * @param {number} index
 * @param {number} size
 * @param {Uint8Array[]} proof the leaf's sibling first
 * @param {Uint8Array} root
 */
export function verifyInclusion(leaf, index, size, proof, root) {
  requireSafe(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size, INCLUSION);
  requireHashes([leaf, root, ...proof]);
  let walk = { position: index, last: size - 1 };
  let hash = leaf;
  for (const sibling of proof) {
    const { isRight, next } = step(walk, INCLUSION);
    hash = isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    walk = next;
  }
  requireEnd(walk, INCLUSION);
  requireRoot(hash, root, "does not lead to the root of the checkpoint", INCLUSION);
}

/**
 * Protocol L2h: checks that the tree of `oldSize` leaves is a beginning of the tree of `newSize` leaves.
 * @param {number} oldSize at least 1
 * @param {number} newSize at least oldSize
 * @param {Uint8Array} oldRoot
 * @param {Uint8Array} newRoot
 * @param {Uint8Array[]} proof
 */
export function verifyConsistency(oldSize, newSize, oldRoot, newRoot, proof) {
  const inRange = Number.isSafeInteger(oldSize) && Number.isSafeInteger(newSize) && oldSize > 0 && oldSize <= newSize;
  requireSafe(inRange, CONSISTENCY);
  requireHashes([oldRoot, newRoot, ...proof]);
  if (oldSize === newSize) {
    if (proof.length) {
      throw new ProofError("must be empty between trees of one size", { where: CONSISTENCY });
    }
    requireRoot(oldRoot, newRoot, "cannot exist: two trees of one size have different roots", CONSISTENCY);
    return;
  }
  let walk = { position: oldSize - 1, last: newSize - 1 };
  while (walk.position % 2) {
    walk = halve(walk);
  }
  // The old tree is one complete subtree of the new one exactly if nothing of its size is left.
  const [first, ...siblings] = walk.position === 0 ? [oldRoot, ...proof] : proof;
  if (!first) {
    throw new ProofError("has too few hashes", { where: CONSISTENCY });
  }
  let ofOld = first;
  let ofNew = first;
  for (const sibling of siblings) {
    const { isRight, next } = step(walk, CONSISTENCY);
    if (isRight) {
      ofOld = nodeHash(sibling, ofOld);
      ofNew = nodeHash(sibling, ofNew);
    } else {
      ofNew = nodeHash(ofNew, sibling);
    }
    walk = next;
  }
  requireEnd(walk, CONSISTENCY);
  requireRoot(ofOld, oldRoot, "does not lead to the root of the older tree", CONSISTENCY);
  requireRoot(ofNew, newRoot, "does not lead to the root of the newer tree", CONSISTENCY);
}

/** One step up the tree: whether the next sibling stands to the left, and where the walk is afterwards. */
function step(walk, where) {
  if (walk.last === 0) {
    throw new ProofError("has too many hashes", { where });
  }
  const isRight = walk.position % 2 === 1 || walk.position === walk.last;
  let next = walk;
  if (isRight) {
    while (next.position % 2 === 0 && next.position) {
      next = halve(next);
    }
  }
  return { isRight, next: halve(next) };
}

/** Numbers go up to 2^53, so no shifts of 32 bits. */
function halve({ position, last }) {
  return { position: Math.floor(position / 2), last: Math.floor(last / 2) };
}

function requireEnd({ last }, where) {
  if (last !== 0) {
    throw new ProofError("has too few hashes", { where });
  }
}

function requireRoot(found, root, problem, where) {
  if (!equal(found, root)) {
    throw new ProofError(problem, { where });
  }
}

function requireSafe(inRange, where) {
  if (!inRange) {
    throw new ProofError("is not defined for these sizes", { where });
  }
}

function requireHashes(hashes) {
  if (hashes.length > MAX_PROOF_HASHES + 2) {
    throw new ProofError("has too many hashes", { where: "the proof" });
  }
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new ProofError(`has a hash that is not ${HASH_BYTES} bytes long`, { where: "the proof" });
  }
}
