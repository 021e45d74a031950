/**
 * Protocol T18 to T21, T25: a trustee's secrets in one election, all from one seed, and what they open
 * (docs/spec/trustees.md), as trustee_tools/ceremony.py. Received shares are read from the board whenever needed.
 *
 * Must not touch the document, the network or any storage: secrets live in memory only.
 */

import { equal, fromBase64Url, fromHex, u32, utf8 } from "../core/bytes.js";
import { signingKeyFromSeed } from "../core/ed25519.js";
import { DecodeError, ProofError } from "../core/errors.js";
import { derive, frame } from "../core/kdf.js";
import { scalarFrom } from "../core/transcript.js";
import { coefficientsHash } from "./ceremony.js";
import { AlarmError, UsageError, t } from "./errors.js";
import { open, sealingKey } from "./sealing.js";
import { isShareOf, powerOfG } from "./sharing.js";

/** @typedef {import("./ceremony.js").Ceremony} Ceremony */

/** All keys of one trustee in one election. Make it with `deriveSecrets`. */
export class TrusteeSecrets {
  #polynomialSeed;

  constructor(manifestHash, threshold, index, signingKey, sealing, polynomialSeed) {
    this.manifestHash = manifestHash;
    this.threshold = threshold;
    this.index = index;
    this.signingKey = signingKey;
    this.sealingKey = sealing;
    this.#polynomialSeed = polynomialSeed;
  }

  /**
   * a_0 .. a_(k-1) of this trustee in one ceremony; another ceremony has another polynomial.
   *
   * @param {import("../core/group.js").Group} group
   * @param {number} attempt
   * @returns {bigint[]}
   */
  polynomial(group, attempt) {
    return Array.from({ length: this.threshold }, (_, position) =>
      scalarFrom(group, derive(this.#polynomialSeed, "coefficient", [u32(attempt), u32(position)], 48)),
    );
  }

  /**
   * The public commitments A_m = g^a_m, as round 2 publishes them.
   *
   * @param {import("../core/group.js").Group} group
   * @param {number} attempt
   */
  coefficients(group, attempt) {
    const elements = this.polynomial(group, attempt).map((scalar) => group.toText(powerOfG(group, scalar)));
    return { attempt, elements, index: this.index, manifest: this.manifestHash };
  }
}

/**
 * Protocol T18: the keys of a seed in one election.
 *
 * @param {Uint8Array} seed 32 secret bytes
 * @param {string} manifestHash
 * @param {{threshold: number}} manifest
 * @param {number} index which trustee
 * @returns {Promise<TrusteeSecrets>}
 */
export async function deriveSecrets(seed, manifestHash, manifest, index) {
  const context = [fromHex(manifestHash), u32(index)];
  const part = (purpose) => derive(seed, purpose, context, 32);
  const signingKey = await signingKeyFromSeed(part("trustee-signing"));
  const sealing = await sealingKey(part("trustee-sealing"));
  const polynomialSeed = part("trustee-polynomial");
  return new TrusteeSecrets(manifestHash, manifest.threshold, index, signingKey, sealing, polynomialSeed);
}

/**
 * Protocol T19: `info` and associated data of a sealed share: election and ceremony, dealer and recipient.
 *
 * @param {string} manifestHash
 * @param {number} attempt
 * @param {number} dealer
 * @param {number} recipient
 * @returns {[Uint8Array, Uint8Array]}
 */
export function sealingContext(manifestHash, attempt, dealer, recipient) {
  const info = frame(utf8("urne-v1-share"), fromHex(manifestHash), u32(attempt));
  return [info, frame(u32(dealer), u32(recipient))];
}

/**
 * Protocol T20: the share f_i(j) from dealer i, opened and checked against its commitments. A share that was published
 * to settle a complaint replaces the sealed one.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @param {number} dealer
 * @returns {Promise<bigint>}
 * @throws {ProofError} if it does not open, is no scalar, or does not fit
 */
export async function openShare(secrets, ceremony, dealer) {
  const { group } = ceremony;
  const answered = ceremony.complaints.find(
    (complaint) => complaint.isSettled && complaint.dealer === dealer && complaint.by === secrets.index,
  );
  if (answered) return answered.share;
  const { sealedShares, commitments } = ceremony.trustees.get(dealer);
  const sealed = sealedShares.get(secrets.index);
  const [info, associated] = sealingContext(secrets.manifestHash, ceremony.attempt, dealer, secrets.index);
  let share;
  try {
    const parts = {
      encapsulation: fromBase64Url(sealed.encapsulation, null, "encapsulation"),
      ciphertext: fromBase64Url(sealed.ciphertext, null, "ciphertext"),
    };
    share = group.decodeScalar(await open(secrets.sealingKey, parts, info, associated), "share");
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new ProofError(`the share from trustee ${dealer} does not open`);
  }
  if (!isShareOf(group, commitments, secrets.index, share)) {
    throw new ProofError("the share does not fit the dealer's commitments");
  }
  return share;
}

/**
 * Dealers whose share for this trustee does not open or does not fit, in rising order.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @returns {Promise<number[]>}
 */
export async function faultyDealers(secrets, ceremony) {
  const faulty = [];
  for (const dealer of ceremony.trustees.keys()) {
    try {
      await openShare(secrets, ceremony, dealer);
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      faulty.push(dealer);
    }
  }
  return faulty;
}

/**
 * Protocol T25: what the board shows of this trustee is what the key file gives. Nothing is checked before they joined.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @throws {AlarmError}
 */
export function verifyOwnPart(secrets, ceremony) {
  const trustee = ceremony.trustees.get(secrets.index);
  if (!trustee || trustee.signingKey === null) return;
  const own = secrets.coefficients(ceremony.group, ceremony.attempt);
  const shown = trustee.commitments.map((element) => ceremony.group.toText(element));
  const isOwn =
    equal(trustee.signingKey, secrets.signingKey.publicKey) &&
    equal(trustee.sealingKey, secrets.sealingKey.publicKey) &&
    trustee.commitmentsHash === coefficientsHash(own) &&
    (shown.length === 0 || shown.join() === own.elements.join());
  if (!isOwn) {
    throw new AlarmError(t("The board shows other keys for you than this key file gives."), {
      remedy: t("Use the key file you joined with. If this is it, stop and tell the other trustees."),
      detail: "T25",
    });
  }
}

/**
 * Protocol T21: s_j = sum over the dealers of f_i(j), from the board and this trustee's keys.
 *
 * @param {TrusteeSecrets} secrets
 * @param {Ceremony} ceremony
 * @returns {Promise<bigint>}
 * @throws {ProofError|UsageError}
 */
export async function decryptionSecret(secrets, ceremony) {
  const { group } = ceremony;
  let secret = 0n;
  for (const dealer of ceremony.trustees.keys()) {
    secret = (secret + (await openShare(secrets, ceremony, dealer))) % group.q;
  }
  if (powerOfG(group, secret) !== ceremony.verificationKey(secrets.index)) {
    throw new UsageError(t("This key file is not the one that took part in the ceremony."), {
      remedy: t("Use the key file you joined with."),
    });
  }
  return secret;
}
