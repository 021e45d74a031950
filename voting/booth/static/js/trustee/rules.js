/**
 * How a rule of the record is stated: what breaks it fails a numbered check (docs/spec/verification.md).
 *
 * Must not import anything but the core's errors.
 */

import { DecodeError, ProofError, VerificationError } from "../core/errors.js";

/**
 * A rule of the record: unless it holds, a check fails.
 * @param {boolean} holds
 * @param {string} check its number
 * @param {string} subject what is wrong
 * @param {string} reason
 * @throws {VerificationError}
 */
export function require(holds, check, subject, reason) {
  if (!holds) throw new VerificationError(check, subject, reason);
}

/**
 * Run `read`; what it finds wrong is a failure of this check.
 * @template T
 * @param {string} check its number
 * @param {string} subject what is read
 * @param {() => T} read
 * @returns {T}
 * @throws {VerificationError}
 */
export function within(check, subject, read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof ProofError)) throw error;
    throw new VerificationError(check, subject, error.message);
  }
}
