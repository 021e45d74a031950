/**
 * The opening of a tested ballot (docs/spec/ballots.md, B17) in the address of the device test, short enough for a QR
 * code: `A/test#opening=` and base64url of
 *
 *     form (1 byte) || election id (32) || credential (32) || seed (32) || choices
 *
 * where `choices` is canonical JSON as it stands (form 0) or by raw DEFLATE (RFC 1951, form 1). It is read back into
 * the one form that `urne-verify opening` takes, too (docs/spec/booth.md).
 *
 * Must not import anything but `core`. Openings are secrets: no error here holds a part of one.
 */

import { concat, fromBase64Url, fromHex, fromUtf8, toBase64Url, toHex } from "../core/bytes.js";
import { decodeCanonical, encodeCanonical } from "../core/canonical.js";
import { DecodeError } from "../core/errors.js";

const PLAIN = 0;
const DEFLATED = 1;
const HEAD = 1 + 3 * 32;
const MAX_CHOICES_BYTES = 1024 * 1024;
const MARK = "opening=";

/**
 * The fragment of the address, without `#`.
 *
 * @param {string} opening canonical JSON
 * @returns {Promise<string>}
 */
export async function toFragment(opening) {
  const { choices, credential, election, seed } = JSON.parse(opening);
  const plain = encodeCanonical(choices);
  const packed =
    typeof CompressionStream === "function" ? await pass(plain, new CompressionStream("deflate-raw")) : null;
  const short = packed !== null && packed.length < plain.length;
  const bytes = concat(
    Uint8Array.of(short ? DEFLATED : PLAIN),
    fromHex(election),
    fromBase64Url(credential, 32, "opening"),
    fromBase64Url(seed, 32, "opening"),
    short ? packed : plain,
  );
  return MARK + toBase64Url(bytes);
}

/**
 * An opening from whatever form a person has it in: the file's text, the address, or the address's fragment.
 *
 * @param {string} text
 * @returns {Promise<string>} canonical JSON; its content is unchecked
 * @throws {DecodeError} if it is none of them
 */
export async function toOpening(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) {
    decodeCanonical(trimmed, "opening", MAX_CHOICES_BYTES);
    return trimmed;
  }
  const place = trimmed.lastIndexOf(MARK);
  if (place < 0) throw new DecodeError("is not the opening of a tested ballot", { where: "opening" });
  const bytes = fromBase64Url(trimmed.slice(place + MARK.length).replace(/\s/g, ""), null, "opening");
  if (bytes.length < HEAD) throw new DecodeError("is too short", { where: "opening" });
  const part = (index) => bytes.subarray(1 + 32 * index, 33 + 32 * index);
  const choices = decodeCanonical(await unpacked(bytes[0], bytes.subarray(HEAD)), "opening", MAX_CHOICES_BYTES);
  const opening = { choices, credential: toBase64Url(part(1)), election: toHex(part(0)), seed: toBase64Url(part(2)) };
  return fromUtf8(encodeCanonical(opening), "opening");
}

async function unpacked(form, bytes) {
  if (form === PLAIN) return bytes;
  if (form !== DEFLATED) throw new DecodeError("has a form that is not known here", { where: "opening" });
  try {
    return await pass(bytes, new DecompressionStream("deflate-raw"));
  } catch {
    throw new DecodeError("is damaged", { where: "opening" });
  }
}

/** Bytes through a stream, with a limit on what comes out. */
async function pass(bytes, stream) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(...parts);
    length += value.length;
    if (length > MAX_CHOICES_BYTES) {
      await reader.cancel();
      throw new DecodeError("is too long", { where: "opening" });
    }
    parts.push(value);
  }
}
