/**
 * Whether this browser can do what voting needs: big integers, Ed25519 in WebCrypto, module workers. Asked before the
 * voter chooses anything.
 *
 * Must not import screens.
 */

import { UnsupportedBrowser } from "../core/errors.js";

const WORKER = "/booth/js/booth/lock_worker.js";

/**
 * @throws {UnsupportedBrowser} names the ability that is missing
 */
export async function requireBrowser() {
  if (typeof BigInt !== "function") throw new UnsupportedBrowser("has no big integers", { where: "BigInt" });
  if (!globalThis.isSecureContext || !crypto.subtle) {
    throw new UnsupportedBrowser("gives no cryptography to this page", { where: "WebCrypto" });
  }
  try {
    await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
  } catch {
    throw new UnsupportedBrowser("has no Ed25519 signatures", { where: "Ed25519" });
  }
  requireModuleWorker();
}

/** A browser that knows module workers reads the option `type`; others ignore it. */
function requireModuleWorker() {
  let isRead = false;
  const options = {
    get type() {
      isRead = true;
      return "module";
    },
  };
  new Worker(WORKER, options).terminate();
  if (!isRead) throw new UnsupportedBrowser("runs no module workers", { where: "Worker" });
}
