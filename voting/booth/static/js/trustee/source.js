/**
 * Protocol T24, T30: where a trustee reads the election, and what is checked before any of it is believed
 * (docs/spec/trustees.md), as trustee_tools/sources.py and publish.py do it.
 *
 * Checked are: every header and its place in the chain, every body's length and hash, the Merkle root and the signature
 * of the newest checkpoint under the key that the manifest names, and the rules of `record.js` for every entry. A view
 * only grows: what was read once must stay the beginning of what is read later.
 *
 * Must not touch the document. `fetch` is a parameter.
 */

import { equal, fromUtf8, toHex } from "../core/bytes.js";
import { checkBody, parseHeader } from "../core/entries.js";
import {
  DecodeError,
  ProofError,
  QuorumMissing,
  SignatureInvalid,
  UrneError,
  VerificationError,
} from "../core/errors.js";
import { sha256, sha256Hex } from "../core/hash.js";
import { EMPTY_ROOT, leafHash, nodeHash } from "../core/merkle.js";
import { openCheckpoint, parseCheckpoint, parseNote, parseVkey, parseWitnesses, verifyQuorum } from "../core/note.js";
import { checkReceipt, readReceiptFile } from "../core/receipt.js";
import { AlarmError, UnavailableError, UsageError, t } from "./errors.js";
import { ElectionRecord } from "./record.js";

const ZERO_HASH = "0".repeat(64);
const ANSWER_SECONDS = 60;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const LINE_FEED = 10;
const JOINED = "trustee.joined";
/** A cache between the site and the reader may show a checkpoint of a moment ago: that alone is no alarm. */
const STALE_TRIES = 4;
const STALE_MS = 1500;

/** An election as its site shows it, replayed and checked. Call `refresh` first, and again to read what is new. */
export class ElectionView {
  #fetch;
  #frontier = new Frontier();
  /** Hash of every header, in order. @type {Uint8Array[]} */
  #heads = [];
  /** Hash of a body -> its place. @type {Map<string, number>} */
  #places = new Map();
  #fault = null;
  #busy = null;
  /** What lets this trustee join, from the link in the invitation (T32). @type {string|null} */
  invitation = null;

  /**
   * @param {string} address of the election, without a slash at the end
   * @param {typeof fetch} [fetch_]
   */
  constructor(address, fetch_ = (...args) => fetch(...args)) {
    this.address = address;
    this.record = new ElectionRecord();
    this.#fetch = fetch_;
  }

  /** How many entries were read and checked. */
  get size() {
    return this.#heads.length;
  }

  /** SHA-256 of the header of an entry; it fixes all entries up to this one. @returns {string} */
  headerHash(seq) {
    return toHex(this.#heads[seq]);
  }

  /** The place of an entry by the hash of its body; undefined if it is not there. @returns {number|undefined} */
  placeOf(bodyHash) {
    return this.#places.get(bodyHash);
  }

  /**
   * Read what is new, and check it. Calls made while one is under way wait for it and then look again.
   *
   * @param {(done: number, total: number) => void} [progress]
   * @param {number} [least] how many entries there must be by now, as far as is known
   * @returns {Promise<number>} how many entries are new
   * @throws {UnavailableError} if the site does not answer; the view can be refreshed again
   * @throws {AlarmError} if it shows what it must not show; the view is of no use any more
   */
  async refresh(progress = () => {}, least = 0) {
    while (this.#busy) await this.#busy.catch(() => {});
    if (this.#fault) throw this.#fault;
    this.#busy = this.#refresh(progress, least);
    try {
      return await this.#busy;
    } catch (error) {
      if (error instanceof UnavailableError || error instanceof UsageError) throw error;
      this.#fault = asAlarm(error);
      throw this.#fault;
    } finally {
      this.#busy = null;
    }
  }

  async #refresh(progress, least) {
    const before = this.size;
    const { note, size } = await this.#newest(Math.max(before, least));
    if (size < before) throw new VerificationError("21", "record", "is shorter than what this page has read before");
    while (this.size < size) {
      const headers = await this.#lines("headers", this.size, size);
      let taken = 0;
      while (taken < headers.length) {
        const bodies = await this.#lines("bodies", this.size, this.size + headers.length - taken);
        for (const body of bodies) await this.#take(headers[taken++], body);
        progress(this.size, size);
      }
    }
    const { manifest } = this.record;
    if (!manifest) {
      throw new UsageError(t("There is no election here yet."), { remedy: t("Ask the administrator.") });
    }
    const key = parseVkey(manifest.board);
    const signed = await within("03", "checkpoint", () => openCheckpoint(note, key));
    await within("03", "checkpoint", () => requireWitnesses(note, manifest, key));
    if (signed.size !== this.size || !equal(signed.root, this.#frontier.root())) {
      throw new VerificationError("03", "checkpoint", "is not of these entries");
    }
    return this.size - before;
  }

  async #newest(least) {
    for (let tries = 1; ; tries++) {
      const note = await this.#get("log/checkpoint");
      const { size } = parseCheckpoint(parseNote(note).text);
      if (size >= least || tries === STALE_TRIES) return { note, size };
      await new Promise((resolve) => setTimeout(resolve, STALE_MS));
    }
  }

  async #take(headerBytes, body) {
    const seq = this.size;
    const where = `entry ${seq}`;
    const header = await within("02", where, () => {
      const parsed = parseHeader(headerBytes, where);
      checkBody(parsed, body);
      return parsed;
    });
    const previous = seq ? this.headerHash(seq - 1) : ZERO_HASH;
    if (header.seq !== seq || header.prev !== previous) {
      throw new VerificationError("02", where, "does not follow the entry before it");
    }
    await this.record.apply(header, body);
    this.#heads.push(sha256(headerBytes));
    this.#frontier.append(leafHash(headerBytes));
    this.#places.set(header.body, seq);
  }

  /**
   * The bodies of some entries, read again and compared with what was checked.
   *
   * @param {{seq: number, bodyHash: string}[]} entries in rising order
   * @returns {AsyncGenerator<Uint8Array>}
   */
  async *bodies(entries) {
    let position = 0;
    while (position < entries.length) {
      const first = entries[position].seq;
      const lines = await this.#lines("bodies", first, entries.at(-1).seq + 1);
      for (; position < entries.length && entries[position].seq < first + lines.length; position++) {
        const { seq, bodyHash } = entries[position];
        const body = lines[seq - first];
        if (sha256Hex(body) !== bodyHash) {
          throw asAlarm(new VerificationError("02", `entry ${seq}`, "has changed while it was being read"));
        }
        yield body;
      }
    }
  }

  /**
   * Protocol T30: append an entry, then read the board again, and find the entry there. Sending the same bytes again is
   * harmless: an entry keeps its first place.
   *
   * @param {import("./rounds.js").Step} step
   * @returns {Promise<number>} the place of the entry
   * @throws {UnavailableError} if it is not known whether the entry has arrived, or it has not
   * @throws {UsageError} if the board refuses it
   * @throws {AlarmError}
   */
  async publish(step) {
    const bodyHash = sha256Hex(step.body);
    let promised = null;
    let failure = null;
    try {
      const answer = await this.#post(step);
      const receipt = readReceiptFile(answer);
      promised = (await checkReceipt(receipt, this.record.manifest.board, step.body)).header.seq;
    } catch (error) {
      failure = error;
    }
    // Whatever the answer said, or if it was lost: what the board shows decides.
    await this.refresh(undefined, promised === null ? 0 : promised + 1);
    const seq = this.placeOf(bodyHash);
    if (seq !== undefined && (promised === null || promised === seq)) return seq;
    if (promised !== null) {
      throw new AlarmError(t("The board has signed for your entry, and does not show it."), {
        remedy: t("Stop. Save what is on this page and tell the other trustees and the observers."),
        detail: `entry ${promised}`,
      });
    }
    if (failure instanceof UnavailableError || failure instanceof UsageError) throw failure;
    throw new UnavailableError(t("The board gave an answer that cannot be read."), {
      remedy: t("Nothing is lost. Try again in a minute."),
    });
  }

  async #lines(kind, start, stop) {
    const data = await this.#get(`log/${kind}?start=${start}&stop=${stop}`);
    const lines = [];
    let from = 0;
    for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED, from)) {
      lines.push(data.subarray(from, end));
      from = end + 1;
    }
    if (from !== data.length || lines.length === 0 || lines.length > stop - start) {
      throw new VerificationError("02", `log/${kind}`, "does not give the lines that were asked for");
    }
    return lines;
  }

  #get(path) {
    return this.#request(path, { cache: "no-store" });
  }

  #post({ type, body }) {
    const text = `{"attachment":null,"body":${fromUtf8(body, "body")},"type":${JSON.stringify(type)}}`;
    return this.#request("log/entries", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(type === JOINED && this.#token()) },
      body: text,
    });
  }

  #token() {
    return this.invitation ? { "Urne-Token": this.invitation } : {};
  }

  async #request(path, options) {
    let response;
    let data;
    try {
      response = await this.#fetch(`${this.address}/${path}`, {
        ...options,
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
      });
      data = await readBounded(response);
    } catch {
      throw new UnavailableError(t("The site does not answer."), {
        remedy: t("Check your network and try again. Nothing is lost."),
      });
    }
    if (response.ok) return data;
    if (response.status === 429 || response.status >= 500) {
      throw new UnavailableError(t("The site cannot do this at the moment."), {
        remedy: t("Try again in a minute. Nothing is lost."),
      });
    }
    throw new UsageError(t("The board did not accept this."), {
      remedy: t("Read the news from the board. If it is still your move then, tell the administrator."),
      where: reasonOf(data),
    });
  }
}

/** That the witnesses of the manifest have signed. If they have not yet, that is no alarm: they may in a moment. */
async function requireWitnesses(note, manifest, key) {
  try {
    await verifyQuorum(note, parseWitnesses(manifest, key), key);
  } catch (error) {
    if (!(error instanceof QuorumMissing)) throw error;
    throw new UnavailableError(t("The witnesses of this election have not signed the board yet."), {
      remedy: t("Try again in a minute. Nothing is lost."),
    });
  }
}

/** Protocol L2c: the right edge of a growing tree: one hash for each bit set in its size, largest subtree first. */
class Frontier {
  #size = 0;
  #peaks = [];

  append(leaf) {
    let hash = leaf;
    for (let index = this.#size; index % 2 === 1; index = (index - 1) / 2) hash = nodeHash(this.#peaks.pop(), hash);
    this.#peaks.push(hash);
    this.#size += 1;
  }

  root() {
    return this.#peaks.length ? this.#peaks.reduceRight((right, left) => nodeHash(left, right)) : EMPTY_ROOT;
  }
}

async function readBounded(response) {
  const chunks = [];
  let length = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new UrneError("the answer is too long");
    }
    chunks.push(value);
  }
  const data = new Uint8Array(length);
  chunks.reduce((offset, chunk) => (data.set(chunk, offset), offset + chunk.length), 0);
  return data;
}

/** The board's own words for a refusal; they hold no secret, and are for whoever helps. */
function reasonOf(data) {
  try {
    const { message } = JSON.parse(new TextDecoder().decode(data)).error;
    return typeof message === "string" ? message.slice(0, 300) : "";
  } catch {
    return "";
  }
}

async function within(check, subject, read) {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof ProofError || error instanceof SignatureInvalid))
      throw error;
    throw new VerificationError(check, subject, error.problem);
  }
}

/**
 * What is wrong with the board, for the person in front of it.
 *
 * @param {Error} error
 * @returns {Error} an `AlarmError`, or the error itself if it is no fault of the board
 */
export function asAlarm(error) {
  if (!(error instanceof UrneError) || error.isForPeople || error.code === "browser") return error;
  return new AlarmError(t("The board shows something that breaks the rules of this election."), {
    remedy: t("Stop. Save what is on this page and tell the other trustees and the observers."),
    detail: error.message,
  });
}
