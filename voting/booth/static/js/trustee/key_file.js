/**
 * Protocol F: key files: one 32-byte seed as text, under a passphrase (docs/spec/key-file.md). Files made here open
 * with `urne-trustee`, and the other way round. Files without protection are for servers: they are recognised and
 * refused.
 *
 * Must not touch the document or the network. The costly step, scrypt, is passed in.
 */

import { equal, fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../core/bytes.js";
import { sha256Hex } from "../core/hash.js";
import { KeyFileError, t } from "./errors.js";

export const TRUSTEE = "trustee";
/** scrypt's N in new files. */
export const WORK_FACTOR = 2 ** 17;
const MAX_WORK_FACTOR = 2 ** 22;
const MAX_FILE_BYTES = 4096;
const MAX_LABEL_LENGTH = 200;
const SEED_BYTES = 32;
const MAGIC = "urne key file v1";
const LAYOUT = new RegExp(
  "^urne key file v1\\nkind: ([^\\n]*)\\nlabel: ([^\\n]*)\\nprotection: (?:scrypt n=([1-9][0-9]{0,9}) r=8 p=1\\n" +
    "salt: ([A-Za-z0-9_-]{22})\\nnonce: ([A-Za-z0-9_-]{16})\\nsealed: ([A-Za-z0-9_-]{64})" +
    "|none\\nseed: ([A-Za-z0-9_-]{43}))\\nsha256: ([0-9a-f]{64})\\n$",
);

/**
 * @typedef {object} KeyFileHeader what a key file tells without its passphrase
 * @property {string} kind what the key is for
 * @property {string} label whose key it is, in words
 * @property {boolean} isProtected
 *
 * @typedef {(passphrase: string, salt: Uint8Array, workFactor: number) => Promise<Uint8Array>} Stretch
 */

/**
 * Protocol F1: the bytes of a key file under a passphrase.
 *
 * @param {Uint8Array} seed 32 secret bytes
 * @param {object} options
 * @param {string} options.kind
 * @param {string} options.label whoever has the file can read it
 * @param {string} options.passphrase
 * @param {Stretch} options.stretch
 * @param {(length: number) => Uint8Array} options.randomBytes for salt and nonce
 * @param {number} [options.workFactor] scrypt's N; lower it in tests only
 * @returns {Promise<Uint8Array>}
 */
export async function writeKeyFile(seed, { kind, label, passphrase, stretch, randomBytes, workFactor = WORK_FACTOR }) {
  const parsed = {
    header: { kind, label: label.normalize("NFC"), isProtected: true },
    workFactor,
    salt: randomBytes(16),
    nonce: randomBytes(12),
  };
  requireHeader(parsed.header);
  requireWorkFactor(workFactor);
  if (seed.length !== SEED_BYTES) throw new RangeError("a seed has 32 bytes");
  const { key, parameters } = await cipher(passphrase, parsed, stretch, "encrypt");
  parsed.payload = new Uint8Array(await crypto.subtle.encrypt(parameters, key, seed));
  return render(parsed);
}

/**
 * Protocol F3: what a key file is for and whose it is. A forger could have changed it until the file is opened.
 *
 * @param {Uint8Array} data the bytes of the file
 * @returns {KeyFileHeader}
 * @throws {KeyFileError} if it is no key file in its one form
 */
export function readKeyFileHeader(data) {
  return parse(data).header;
}

/**
 * Protocol F4: the seed in a key file.
 *
 * @param {Uint8Array} data the bytes of the file
 * @param {object} options
 * @param {string} options.passphrase
 * @param {string} options.kind what the key must be for
 * @param {Stretch} options.stretch
 * @returns {Promise<Uint8Array>} 32 secret bytes
 * @throws {KeyFileError} if the file is damaged or of another kind, or the passphrase is wrong
 */
export async function openKeyFile(data, { passphrase, kind, stretch }) {
  const parsed = parse(data);
  if (parsed.header.kind !== kind) {
    throw new KeyFileError(
      t("This is a key file of another kind ({found}), not a trustee’s.", { found: parsed.header.kind }),
      { remedy: t("Choose the key file that you made as a trustee.") },
    );
  }
  if (!parsed.header.isProtected) {
    throw new KeyFileError(t("This key file has no passphrase, so it is not one that a trustee has made."), {
      remedy: t("Choose the key file that you made as a trustee."),
    });
  }
  const { key, parameters } = await cipher(passphrase, parsed, stretch, "decrypt");
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key, parsed.payload));
  } catch {
    throw new KeyFileError(t("The passphrase does not open this key file."), {
      remedy: t("Type it again. There is no limit and no lock."),
    });
  }
}

async function cipher(passphrase, parsed, stretch, use) {
  if (!passphrase) throw new KeyFileError(t("The passphrase is empty."), { remedy: t("Type the passphrase.") });
  if (!passphrase.isWellFormed()) {
    throw new KeyFileError(t("The passphrase is no text that a keyboard can give."), { remedy: t("Type it again.") });
  }
  const raw = await stretch(passphrase, parsed.salt, parsed.workFactor);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, [use]);
  raw.fill(0);
  const additionalData = utf8(headerText(parsed));
  return { key, parameters: { name: "AES-GCM", iv: parsed.nonce, additionalData, tagLength: 128 } };
}

function parse(data) {
  if (data.length > MAX_FILE_BYTES) throw notAKeyFile();
  let text;
  try {
    text = fromUtf8(data, "key file");
  } catch {
    throw notAKeyFile();
  }
  if (!text.startsWith(`${MAGIC}\n`)) throw notAKeyFile();
  const match = LAYOUT.exec(text);
  if (!match) throw damaged();
  const [, kind, label, work, salt, nonce, sealed, , checksum] = match;
  const covered = text.slice(0, -"sha256: \n".length - checksum.length);
  if (sha256Hex(utf8(covered)) !== checksum) throw damaged();
  const header = { kind, label, isProtected: sealed !== undefined };
  requireHeader(header);
  const parsed = header.isProtected
    ? { header, workFactor: Number(work), salt: decode(salt), nonce: decode(nonce), payload: decode(sealed) }
    : { header, payload: decode(match[7]) };
  if (header.isProtected) requireWorkFactor(parsed.workFactor);
  if (!equal(render(parsed), data)) throw damaged();
  return parsed;
}

function decode(text) {
  try {
    return fromBase64Url(text, null, "key file");
  } catch {
    throw damaged();
  }
}

function render(parsed) {
  const name = parsed.header.isProtected ? "sealed" : "seed";
  const covered = `${headerText(parsed)}${name}: ${toBase64Url(parsed.payload)}\n`;
  return utf8(`${covered}sha256: ${sha256Hex(utf8(covered))}\n`);
}

function headerText({ header, workFactor, salt, nonce }) {
  const common = `${MAGIC}\nkind: ${header.kind}\nlabel: ${header.label}\nprotection: `;
  if (!header.isProtected) return `${common}none\n`;
  return `${common}scrypt n=${workFactor} r=8 p=1\nsalt: ${toBase64Url(salt)}\nnonce: ${toBase64Url(nonce)}\n`;
}

function requireHeader({ kind, label }) {
  const isPrintable = /^(?:[^\p{C}\p{Z}]| )+$/u.test(label);
  const isTrimmed = !label.startsWith(" ") && !label.endsWith(" ");
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(kind) || !isPrintable || !isTrimmed) throw damaged();
  if ([...label].length > MAX_LABEL_LENGTH || label.normalize("NFC") !== label) throw damaged();
}

function requireWorkFactor(workFactor) {
  if (workFactor < 2 || workFactor > MAX_WORK_FACTOR || (workFactor & (workFactor - 1)) !== 0) throw damaged();
}

function notAKeyFile() {
  return new KeyFileError(t("This is not a key file of this voting system."), {
    remedy: t("Choose the key file that you made as a trustee."),
  });
}

function damaged() {
  return new KeyFileError(t("This key file is damaged."), {
    remedy: t("Use the copy of it that you keep in another place, and make a new copy of that one."),
  });
}
