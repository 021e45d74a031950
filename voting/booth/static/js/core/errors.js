/**
 * The errors of the booth's core: the names and codes of docs/spec and of the Python package.
 *
 * No error ever carries a secret: no voter code, seed, nonce, choice or key. Texts are English, for logs and for
 * developers; the pages say it in the voter's language, by `code` and `where`. Imports nothing.
 */

/** Base of all errors that the booth raises on purpose. `code` is short and stable. */
export class UrneError extends Error {
  /**
   * @param {string} problem what is wrong, in one clause
   * @param {{where?: string, remedy?: string, code?: string}} [details] where it is, and what to do
   */
  constructor(problem, { where = "", remedy = "", code = "error" } = {}) {
    super(where ? `${where}: ${problem}` : problem);
    this.name = this.constructor.name;
    this.problem = problem;
    this.where = where;
    this.remedy = remedy;
    this.code = code;
  }
}

/** Bytes or text are not a well-formed encoding of what was expected. */
export class DecodeError extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "malformed", ...details });
  }
}

/** A number is well formed and in range, and still not a member of the group. */
export class NotInGroup extends DecodeError {
  constructor(problem, details = {}) {
    super(problem, { code: "not-in-group", ...details });
  }
}

/** A proof does not hold: of a ballot, of inclusion in the log, of consistency. */
export class ProofError extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "proof", ...details });
  }
}

/** A signature does not fit its message and key. */
export class SignatureInvalid extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "signature", ...details });
  }
}

/** Too few witnesses have signed a checkpoint so far. Nothing is wrong with it: more may sign it any moment. */
export class QuorumMissing extends SignatureInvalid {}

/** A record breaks a rule. `check` is the two-digit number of the check in docs/spec/verification.md. */
export class VerificationError extends UrneError {
  /**
   * @param {string} check "01" to "21"
   * @param {string} subject what is at fault
   * @param {string} reason what is wrong with it
   */
  constructor(check, subject, reason) {
    super(reason, { where: subject, code: "verification" });
    this.check = check;
    this.message = `check ${check}: ${this.message}`;
  }
}

/** A voter's choices break the rules of the question. The text names the rule, never the choices. */
export class SelectionError extends UrneError {
  /**
   * @param {string} problem the rule that is broken; for people, so already translated
   * @param {{where?: string, field?: string}} [details] the question; the id of the form field at fault
   */
  constructor(problem, { field = "", ...details } = {}) {
    super(problem, { code: "selection", ...details });
    this.message = problem;
    this.field = field;
  }
}

/** The browser cannot do what voting needs. `where` names the ability that is missing. */
export class UnsupportedBrowser extends UrneError {
  constructor(problem, details = {}) {
    super(problem, { code: "browser", ...details });
  }
}
