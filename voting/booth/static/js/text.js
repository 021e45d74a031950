/**
 * Texts for people, in the language of the page. English texts are their own keys; the server derives the file of each
 * other language from the project's one catalogue (`voting/translations/*.po`).
 *
 * Must not import anything: forms, the booth, the device test and the trustee page all use it.
 */

/** Languages of the user interface. The first one needs no file. */
export const LANGUAGES = ["en", "fr"];

let current = "en";
let preferredTexts = null;
const catalogues = new Map([["en", {}]]);

/** The language of the user interface, e.g. "fr". */
export function language() {
  return current;
}

/**
 * Make sure that the texts of a language are here. A language without texts falls back to English.
 *
 * @param {string} wanted
 * @returns {Promise<string>} the language that can be shown
 */
export async function loadTexts(wanted) {
  const name = LANGUAGES.includes(wanted) ? wanted : "en";
  if (!catalogues.has(name)) {
    try {
      const answer = await fetch(`/booth/texts/${name}.json`);
      if (!answer.ok) return "en";
      catalogues.set(name, await answer.json());
    } catch {
      return "en";
    }
  }
  return name;
}

/**
 * Texts of a language that are here already, so that none must be loaded.
 *
 * @param {string} name of the language
 * @param {Record<string, string>} texts English -> translated
 */
export function provideTexts(name, texts) {
  catalogues.set(name, texts);
}

/**
 * Show texts in this language from now on; its texts must have been loaded. Sets `lang` of the page.
 *
 * @param {string} wanted
 */
export function setLanguage(wanted) {
  current = catalogues.has(wanted) ? wanted : "en";
  if (typeof document !== "undefined") document.documentElement.lang = current;
}

/**
 * The language for a reader: the one chosen earlier or asked for by the browser, if there are texts in it.
 *
 * @param {readonly string[]} preferred language tags, best first
 * @returns {string}
 */
export function bestLanguage(preferred) {
  for (const tag of preferred) {
    const base = String(tag).toLowerCase().split("-")[0];
    if (LANGUAGES.includes(base)) return base;
  }
  return "en";
}

/**
 * A text for people. `{name}` is replaced by the value of that name.
 *
 * @param {string} english a literal English text, as in the catalogue
 * @param {Record<string, string|number|bigint>} [values]
 * @returns {string}
 */
export function t(english, values = {}) {
  const catalogue = catalogues.get(current) ?? {};
  const words = Object.hasOwn(catalogue, english) ? catalogue[english] : english;
  return words.replace(/\{([a-z_]+)\}/gi, (whole, name) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}

/**
 * In which language the election's texts are wanted: that of the page, unless the reader chose another one.
 *
 * @returns {string}
 */
export function textLanguage() {
  return preferredTexts ?? current;
}

/**
 * Choose the language of the election's texts, where the election has others than the page; null for the page's.
 *
 * @param {string|null} wanted
 */
export function preferTexts(wanted) {
  preferredTexts = wanted;
}

/**
 * A text of the election, which people wrote in one or more languages: in the wanted one, else in the first there is.
 *
 * @param {Record<string, string>} localized
 * @param {string} [wanted] `textLanguage()` if left out
 * @returns {{text: string, lang: string, dir: "ltr"|"rtl"}}
 */
export function plainText(localized, wanted = textLanguage()) {
  const lang = Object.hasOwn(localized, wanted) ? wanted : (Object.keys(localized)[0] ?? wanted);
  return { text: localized[lang] ?? "", lang, dir: direction(lang) };
}

const RIGHT_TO_LEFT = new Set(["ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"]);

/**
 * Whether a language is written from right to left.
 *
 * @param {string} lang
 * @returns {"ltr"|"rtl"}
 */
export function direction(lang) {
  return RIGHT_TO_LEFT.has(lang.toLowerCase().split("-")[0]) ? "rtl" : "ltr";
}

/** Languages of dates and times: days before months, 24 hours. */
const FORMATS = { en: "en-GB", fr: "fr" };
const DAY = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };

/**
 * A moment (2026-11-24T08:00:00.000Z) in the reader's own zone and in UTC, with the date spelled out.
 *
 * @param {string} moment
 * @returns {string}
 */
export function momentText(moment) {
  const point = new Date(moment);
  const format = (parts, zone) => {
    const options = zone ? { ...parts, timeZone: zone } : parts;
    return new Intl.DateTimeFormat(FORMATS[current] ?? current, options).format(point);
  };
  const [date, utcDate] = [format(DAY), format(DAY, "UTC")];
  const utc = format(CLOCK, "UTC");
  if (point.getTimezoneOffset() === 0) return t("{date} at {clock} UTC", { date, clock: utc });
  const clock = format(CLOCK);
  const other = date === utcDate ? utc : t("{date} at {clock}", { date: utcDate, clock: utc });
  return t("{date} at {clock} your time ({utc} UTC)", { date, clock, utc: other });
}
