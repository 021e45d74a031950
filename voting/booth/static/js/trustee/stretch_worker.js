/**
 * A worker that computes scrypt and answers with the key (docs/spec/key-file.md, F1), one request after another.
 *
 * Must not import anything but `scrypt.js`.
 */

import { scrypt } from "./scrypt.js";

self.onmessage = async ({ data }) => {
  try {
    const key = await scrypt(data.secret, data.salt, data.workFactor, data.blockSize, data.length);
    self.postMessage({ key }, [key.buffer]);
  } catch (error) {
    self.postMessage({ failure: error instanceof RangeError ? "memory" : "other" });
  } finally {
    data.secret.fill(0);
  }
};
