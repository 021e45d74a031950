/**
 * Cases of the gallery before the browser's verifier, read as its page reads files that somebody chose: a .zip, or the
 * files of a record (voting/booth/static/js/verify_page, voting/booth/static/js/verifier). Node 20 or newer.
 *
 * Each line of the standard input is one case: {"files": [path], "since": path or null, "manifest", "election",
 * "allowToy"}. It is answered by one line: {"report"}, {"unreadable": why} or {"failed": why} if the program failed.
 */

import { File } from "node:buffer";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";

import { UrneError } from "../../voting/booth/static/js/core/errors.js";
import { verifyRecord } from "../../voting/booth/static/js/verifier/verify.js";
import { readEarlier } from "../../voting/booth/static/js/verify_page/earlier.js";
import { openFiles } from "../../voting/booth/static/js/verify_page/sources.js";

const chosen = async (place) => new File([await readFile(place)], path.basename(place));

async function answer({ files, since, manifest, election, allowToy }) {
  const announced = {
    manifest: manifest ?? undefined,
    election: election ?? undefined,
    since: since ? (await readEarlier(await chosen(since))).checkpoint : undefined,
  };
  try {
    const source = await openFiles(await Promise.all(files.map(chosen)));
    return { report: await verifyRecord(source, { announced, allowToy }) };
  } catch (error) {
    return error instanceof UrneError ? { unreadable: error.message } : { failed: String(error?.stack ?? error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
