/**
 * The files of a record, and how much of them is read (docs/spec/record.md, "The record").
 *
 * Must not touch the document or the network.
 */

import { BODIES, CHECKPOINT, HEADERS, HINTS, VKEY } from "../verifier/lines.js";

/** All files of a record; only the hints may be missing. */
export const RECORD_FILES = [HEADERS, BODIES, HINTS, CHECKPOINT, VKEY];

/** How long these files may be as a whole. */
export const SMALL_LIMITS = { [CHECKPOINT]: 1_000_000, [VKEY]: 4096 };

/** No record is read beyond this. */
export const MAX_RECORD_BYTES = 64 * 1024 ** 3;

/** Beyond `RATIO_FREE_BYTES`, a .zip that grows more than `MAX_RATIO` times is refused as a trap. */
export const MAX_RATIO = 200;
export const RATIO_FREE_BYTES = 64 * 1024 ** 2;
