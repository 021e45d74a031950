/**
 * Reading a record's .zip file (docs/spec/record.md, V1), in parts: no member is ever in memory as a whole.
 *
 * Stored and deflated members, also of more than 4 GiB (zip64). Anything that no record needs is refused: other
 * members, one twice, links, encryption, parts that overlap, more than the limits allow.
 *
 * Must not touch the document or the network.
 */

import { DecodeError } from "../core/errors.js";
import { HINTS } from "../verifier/lines.js";
import { chunksOf, streamed } from "./chunks.js";
import { crc32 } from "./crc32.js";
import { MAX_RATIO, MAX_RECORD_BYTES, RATIO_FREE_BYTES, RECORD_FILES } from "./limits.js";

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const END64_SIGNATURE = 0x06064b50;
const END64_BYTES = 56;
const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const MEMBER_SIGNATURE = 0x02014b50;
const MEMBER_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP64_FIELD = 1;
const MAX_COMMENT = 65_535;
const IN_ZIP64 = 0xffffffff;
const ENCRYPTED = 0x0001 | 0x0040 | 0x2000;
const STORED = 0;
const DEFLATED = 8;
const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
/** Five members with long extra fields are far shorter. */
const MAX_DIRECTORY = 1024 * 1024;

/**
 * @typedef {object} Member of a .zip
 * @property {string} name
 * @property {number} flags
 * @property {number} method
 * @property {number} checksum
 * @property {number} packed bytes in the .zip
 * @property {number} size bytes when unpacked
 * @property {number} kind of file, as Unix counts them; 0 if not said
 * @property {number} header where its own header is
 */

/** A record's .zip. Its directory was checked; the members are checked as they are read. */
export class RecordZip {
  #blob;
  #members;

  /**
   * @param {Blob} blob
   * @param {Map<string, {member: Member, start: number}>} members
   */
  constructor(blob, members) {
    this.#blob = blob;
    this.#members = members;
  }

  /** @param {string} name */
  has(name) {
    return this.#members.has(name);
  }

  /** How many bytes the members have when they are unpacked. */
  get size() {
    return [...this.#members.values()].reduce((sum, { member }) => sum + member.size, 0);
  }

  /**
   * The parts of a member, unpacked.
   *
   * @param {string} name
   * @returns {AsyncGenerator<Uint8Array>}
   * @throws {DecodeError} if it is damaged, or longer or shorter than the .zip says
   */
  async *chunks(name) {
    const { member, start } = this.#members.get(name);
    const packed = this.#blob.slice(start, start + member.packed);
    let [length, checksum] = [0, 0];
    for await (const chunk of unpacked(packed, member.method)) {
      length += chunk.length;
      if (length > member.size) throw unsound(`${name} is longer than it says`);
      checksum = crc32(checksum, chunk);
      yield chunk;
    }
    if (length !== member.size) throw unsound(`${name} is shorter than it says`);
    if (checksum !== member.checksum) throw unsound(`the checksum of ${name} is wrong`);
  }
}

async function* unpacked(packed, method) {
  if (method === STORED) {
    yield* chunksOf(packed);
    return;
  }
  try {
    yield* streamed(packed.stream().pipeThrough(new DecompressionStream("deflate-raw")));
  } catch (error) {
    if (error instanceof DecodeError) throw error;
    throw unsound("a member cannot be unpacked");
  }
}

/**
 * Protocol V1: opens a .zip: reads its directory and refuses what no record has.
 *
 * @param {Blob} blob
 * @returns {Promise<RecordZip>}
 * @throws {DecodeError}
 */
export async function openZip(blob) {
  const { start, size, count } = await findDirectory(blob);
  if (size > MAX_DIRECTORY) throw unsound("its directory is too long");
  const members = parseDirectory(await view(blob, start, size), count);
  checkMembers(members, blob.size);
  const placed = new Map();
  const places = [];
  for (const member of members) {
    const begin = await dataStart(blob, member, start);
    places.push([member.header, begin + member.packed]);
    placed.set(member.name, { member, start: begin });
  }
  places.sort((left, right) => left[0] - right[0]);
  places.forEach(([, end], index) => {
    if (end > (places[index + 1]?.[0] ?? start)) throw unsound("its members overlap");
  });
  return new RecordZip(blob, placed);
}

/** Where the directory is: the last thing in the file that says so, and nothing may come after its comment. */
async function findDirectory(blob) {
  const from = Math.max(0, blob.size - END_BYTES - MAX_COMMENT);
  const tail = await view(blob, from, blob.size - from);
  let at = tail.byteLength - END_BYTES;
  const isEnd = (place) =>
    tail.getUint32(place, true) === END_SIGNATURE &&
    place + END_BYTES + tail.getUint16(place + 20, true) === tail.byteLength;
  while (at >= 0 && !isEnd(at)) at -= 1;
  if (at < 0) throw unsound("it has no directory");
  const end = from + at;
  const found = {
    disks: tail.getUint16(at + 4, true) + tail.getUint16(at + 6, true),
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    start: tail.getUint32(at + 16, true),
    end,
  };
  const long = await findDirectory64(blob, end);
  const { disks, count, size, start, end: after } = long ?? found;
  if (disks !== 0) throw unsound("it is a part of several");
  if (start + size !== after) throw unsound("its directory is not where it says");
  return { start, size, count };
}

async function findDirectory64(blob, end) {
  if (end < LOCATOR_BYTES + END64_BYTES) return null;
  const locator = await view(blob, end - LOCATOR_BYTES, LOCATOR_BYTES);
  if (locator.getUint32(0, true) !== LOCATOR_SIGNATURE) return null;
  const at = number64(locator, 8);
  if (at + END64_BYTES !== end - LOCATOR_BYTES) throw unsound("its directory is not where it says");
  const record = await view(blob, at, END64_BYTES);
  if (record.getUint32(0, true) !== END64_SIGNATURE) throw unsound("its directory is not where it says");
  return {
    disks: record.getUint32(16, true) + record.getUint32(20, true),
    count: number64(record, 32),
    size: number64(record, 40),
    start: number64(record, 48),
    end: at,
  };
}

function parseDirectory(directory, count) {
  const members = [];
  let at = 0;
  while (at < directory.byteLength) {
    if (at + MEMBER_BYTES > directory.byteLength || directory.getUint32(at, true) !== MEMBER_SIGNATURE) {
      throw unsound("its directory is damaged");
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => directory.getUint16(at + place, true));
    const next = at + MEMBER_BYTES + nameBytes + extraBytes + commentBytes;
    if (next > directory.byteLength) throw unsound("its directory is damaged");
    const member = {
      name: byteText(directory, at + MEMBER_BYTES, nameBytes),
      flags: directory.getUint16(at + 8, true),
      method: directory.getUint16(at + 10, true),
      checksum: directory.getUint32(at + 16, true),
      packed: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      kind: (directory.getUint32(at + 38, true) >>> 16) & FILE_TYPE,
      header: directory.getUint32(at + 42, true),
    };
    readZip64(member, directory, at + MEMBER_BYTES + nameBytes, extraBytes);
    members.push(member);
    at = next;
  }
  if (members.length !== count) throw unsound("its directory is damaged");
  return members;
}

/** The numbers that have no room in the directory's own fields stand in an extra field, in this order. */
function readZip64(member, directory, start, length) {
  const missing = ["size", "packed", "header"].filter((name) => member[name] === IN_ZIP64);
  for (let at = start; at + 4 <= start + length; ) {
    const bytes = directory.getUint16(at + 2, true);
    if (at + 4 + bytes > start + length) throw unsound("its directory is damaged");
    if (directory.getUint16(at, true) === ZIP64_FIELD) {
      missing.splice(0).forEach((name, index) => {
        if (8 * (index + 1) > bytes) throw unsound("its directory is damaged");
        member[name] = number64(directory, at + 4 + 8 * index);
      });
    }
    at += 4 + bytes;
  }
  if (missing.length > 0) throw unsound("its directory is damaged");
}

function checkMembers(members, packedBytes) {
  const seen = new Set();
  for (const member of members) {
    const fail = (problem) => {
      throw new DecodeError(problem, { where: `.zip, ${JSON.stringify(member.name.slice(0, 80))}` });
    };
    if (!RECORD_FILES.includes(member.name)) fail("is not one of the files of a record");
    if (seen.has(member.name)) fail("occurs twice");
    seen.add(member.name);
    if (member.kind !== 0 && member.kind !== REGULAR) fail("is a link or a special file");
    if (member.flags & ENCRYPTED) fail("is encrypted");
    if (member.method !== STORED && member.method !== DEFLATED) fail("is packed in a way other than deflate");
  }
  const total = members.reduce((sum, member) => sum + member.size, 0);
  const fail = (problem) => {
    throw new DecodeError(problem, { where: ".zip" });
  };
  if (total > MAX_RECORD_BYTES) fail(`unpacks to ${total} bytes, more than the ${MAX_RECORD_BYTES} allowed`);
  if (total > RATIO_FREE_BYTES && total > MAX_RATIO * packedBytes) {
    fail(`grows more than ${MAX_RATIO} times when unpacked, which no record does`);
  }
  for (const name of RECORD_FILES) {
    if (!seen.has(name) && name !== HINTS) fail(`holds no file ${name}`);
  }
}

/** Where a member's data begin: behind its own header, which must say the same as the directory. */
async function dataStart(blob, member, directoryStart) {
  if (member.header + LOCAL_BYTES > directoryStart) throw unsound(`${member.name} is not where it says`);
  const header = await view(blob, member.header, LOCAL_BYTES);
  const [nameBytes, extraBytes] = [header.getUint16(26, true), header.getUint16(28, true)];
  const start = member.header + LOCAL_BYTES + nameBytes + extraBytes;
  const name = await view(blob, member.header + LOCAL_BYTES, nameBytes);
  const isSame =
    header.getUint32(0, true) === LOCAL_SIGNATURE &&
    header.getUint16(6, true) === member.flags &&
    header.getUint16(8, true) === member.method &&
    byteText(name, 0, nameBytes) === member.name;
  if (!isSame) throw unsound(`${member.name} is not where it says`);
  return start;
}

async function view(blob, start, length) {
  const data = await blob.slice(start, start + length).arrayBuffer();
  if (data.byteLength !== length) throw unsound("it ends too early");
  return new DataView(data);
}

/** Bytes as characters; names of a record are ASCII, so others need not be read right. */
function byteText(data, start, length) {
  return String.fromCharCode(...new Uint8Array(data.buffer, data.byteOffset + start, length).subarray(0, 300));
}

function number64(data, at) {
  const number = data.getBigUint64(at, true);
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) throw unsound("a number in it is too large");
  return Number(number);
}

function unsound(why) {
  return new DecodeError(`is not a sound .zip file (${why})`, { where: ".zip" });
}
