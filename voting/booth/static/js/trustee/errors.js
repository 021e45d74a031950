/**
 * The errors of the trustee page. Their texts are for people and therefore already translated: what is wrong, and in
 * `remedy` what to do. None carries a secret. `t` is passed on, so that what throws need import one module only.
 *
 * Must not import anything but `text.js` and the core's errors.
 */

import { t } from "../text.js";
import { UrneError } from "../core/errors.js";

export { t };

/** A key file is damaged, of another kind, or the passphrase does not open it. */
export class KeyFileError extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "key-file", ...details });
    this.isForPeople = true;
  }
}

/** What the trustee wants cannot be meant now: nothing was done. */
export class UsageError extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "usage", ...details });
    this.isForPeople = true;
  }
}

/** The site or the network does not answer, or not as it should. Trying again is harmless. */
export class UnavailableError extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "unavailable", ...details });
    this.isForPeople = true;
  }
}

/** The board shows what it must not show. `detail` is the rule in technical words. */
export class AlarmError extends UrneError {
  constructor(problem, { detail = "", ...details } = {}) {
    super(problem, { code: "alarm", ...details });
    this.isForPeople = true;
    this.detail = detail;
  }
}
