/**
 * Protocol F1: the key of a key file from its passphrase, computed in a worker so that the page stays alive.
 *
 * The worker is loaded with the page, so that a key file opens without a network later. Must not touch the document.
 */

import { KeyFileError, t } from "./errors.js";

const BLOCK_SIZE = 8;
const KEY_BYTES = 32;

let worker = null;
let last = Promise.resolve();

/** Load the worker ahead of its first use. */
export function prepareStretch() {
  worker ??= new Worker(new URL("./stretch_worker.js", import.meta.url), { type: "module" });
  return worker;
}

/**
 * scrypt with r = 8 and p = 1, one after another.
 *
 * @param {string} passphrase its NFC form in UTF-8 is what counts
 * @param {Uint8Array} salt
 * @param {number} workFactor N
 * @returns {Promise<Uint8Array>} 32 bytes
 * @throws {KeyFileError} if the memory is not to be had
 */
export function stretch(passphrase, salt, workFactor) {
  const answer = last.then(() => ask(passphrase, salt, workFactor));
  last = answer.catch(() => {});
  return answer;
}

function ask(passphrase, salt, workFactor) {
  const asked = prepareStretch();
  return new Promise((resolve, reject) => {
    asked.onmessage = ({ data }) => (data.key ? resolve(data.key) : reject(failure(data.failure, workFactor)));
    asked.onerror = (event) => {
      event.preventDefault();
      asked.terminate();
      worker = null;
      reject(failure("other", workFactor));
    };
    const secret = new TextEncoder().encode(passphrase.normalize("NFC"));
    asked.postMessage({ secret, salt, workFactor, blockSize: BLOCK_SIZE, length: KEY_BYTES }, [secret.buffer]);
  });
}

function failure(reason, workFactor) {
  const size = (128 * BLOCK_SIZE * workFactor) / 2 ** 20;
  return reason === "memory"
    ? new KeyFileError(t("Opening this key file takes {size} MiB of memory, which are not free.", { size }), {
        remedy: t("Close other programs and pages, and try again."),
      })
    : new KeyFileError(t("The browser could not compute the key of this file."), {
        remedy: t("Load this page again. If it happens again, use another browser."),
      });
}
