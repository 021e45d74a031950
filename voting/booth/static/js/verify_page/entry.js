/**
 * The one script of the verifier for browsers, in the page and in its workers alike.
 *
 * Must not be imported by other modules.
 */

import { startPage } from "./page.js";
import { startWorker } from "./worker.js";

if (typeof document === "undefined") startWorker();
else startPage();
