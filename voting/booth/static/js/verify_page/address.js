/**
 * Protocol Q5: the web address of a board or an election, as a person typed it (docs/spec/http.md, "Addresses").
 *
 * Must not touch the network.
 */

import { UrneError } from "../core/errors.js";

const MAX_LENGTH = 2000;
const PRINTABLE = /^[\x21-\x7e]+$/;
const PAGES = [
  "/vote",
  "/test",
  "/trustee",
  "/board",
  "/check",
  "/keys",
  "/results",
  "/results.csv",
  "/verify",
  "/log",
];
const WHERE = "the address";
const REMEDY = "give the address of the election's page, like https://vote.example/e/club";

/** A text is not the address of anything that has a record. */
export class AddressError extends UrneError {
  constructor(problem, remedy = REMEDY) {
    super(problem, { where: WHERE, remedy, code: "usage" });
  }
}

/**
 * Reads an address. That of one of an election's pages stands for the election. What goes on after `#` or `?` is
 * refused and not repeated: a voter code may stand there.
 *
 * @param {string} text
 * @returns {string} scheme, host and path, without a slash at its end
 * @throws {AddressError}
 */
export function parseAddress(text) {
  if (text.length > MAX_LENGTH || !PRINTABLE.test(text)) throw new AddressError("is no web address");
  if (text.includes("#") || text.includes("?")) {
    throw new AddressError(
      "goes on after # or ?, where a voter code may stand",
      "leave out everything from that sign on",
    );
  }
  let parts;
  try {
    parts = new URL(text);
  } catch {
    throw new AddressError("is no web address");
  }
  const isWeb = /^https?:\/\//i.test(text) && (parts.protocol === "http:" || parts.protocol === "https:");
  if (!isWeb || parts.port === "0") throw new AddressError("is no web address");
  if (parts.username || parts.password || text.includes("\\") || /^[^/]*\/\/[^/]*@/.test(text)) {
    throw new AddressError("names a user or holds a backslash");
  }
  return `${parts.protocol}//${parts.host}${boardPath(parts.pathname.replace(/\/+$/, ""))}`;
}

function boardPath(path) {
  const isBelowElection = path.startsWith("/e/") && path.split("/").length === 4;
  const page = isBelowElection && PAGES.find((name) => path.endsWith(name));
  const shorter = page ? path.slice(0, -page.length) : path;
  return shorter === "/log" ? "" : shorter;
}
