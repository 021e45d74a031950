/**
 * Talking to the site: bounded time, bounded size, and one kind of error for "no answer". Nothing here retries.
 *
 * Must not import screens. Secrets never enter a URL: callers put only public values there.
 */

/** No usable answer came: the network is down, the server is gone or busy. Whether a request arrived is not known. */
export class NoAnswer extends Error {
  /**
   * @param {string} message
   * @param {{status?: number, code?: string, cause?: unknown}} [options] the HTTP status and the board's word for what
   *   is in the way, if there was an answer
   */
  constructor(message, { status = 0, code = "", cause } = {}) {
    super(message, { cause });
    this.name = "NoAnswer";
    this.status = status;
    this.code = code;
  }
}

/** The server answered with an error. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, message?: string, where?: string, remedy?: string, check?: string}} details
   */
  constructor(status, details) {
    super(details.message ?? `HTTP ${status}`);
    this.name = "Refused";
    this.status = status;
    this.code = details.code ?? "";
    this.check = details.check ?? "";
  }
}

const TIMEOUT_MS = 20_000;
/** The longest answer is a manifest with its proofs, or a list of a thousand credentials. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * The text that a GET or POST gives.
 *
 * @param {string} address
 * @param {{method?: string, json?: string, headers?: Record<string, string>, timeout?: number}} [options]
 * @returns {Promise<{status: number, text: string}>}
 * @throws {NoAnswer} no answer in time, or one that says "later"
 * @throws {Refused} any other answer than 2xx
 */
export async function request(address, { method = "GET", json, headers = {}, timeout = TIMEOUT_MS } = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeout);
  let answer;
  let text;
  try {
    answer = await fetch(address, {
      method,
      headers: json === undefined ? headers : { ...headers, "Content-Type": "application/json" },
      body: json,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: stop.signal,
    });
    text = await boundedText(answer);
  } catch {
    throw new NoAnswer("no answer");
  } finally {
    clearTimeout(timer);
  }
  if (answer.ok) return { status: answer.status, text };
  if (TEMPORARY.has(answer.status)) {
    const { code = "" } = errorDetails(text);
    throw new NoAnswer(`HTTP ${answer.status}`, { status: answer.status, code: String(code) });
  }
  throw new Refused(answer.status, errorDetails(text));
}

async function boundedText(answer) {
  const decoder = new TextDecoder();
  const reader = answer.body?.getReader();
  let text = "";
  let length = 0;
  for (let part = await reader?.read(); part && !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new RangeError("the answer is too long");
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * The JSON value that a GET or POST gives; errors as `request`.
 *
 * @param {string} address
 * @param {Parameters<typeof request>[1]} [options]
 * @returns {Promise<any>}
 */
export async function requestJson(address, options) {
  const { text } = await request(address, options);
  try {
    return JSON.parse(text);
  } catch {
    throw new NoAnswer("the answer is no JSON");
  }
}

function errorDetails(text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "object" && error !== null ? error : {};
  } catch {
    return {};
  }
}

/**
 * Wait; an event "online" of the browser ends the wait early.
 *
 * @param {number} milliseconds
 */
export function pause(milliseconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
  });
}
