/**
 * A QR code as a drawing. Its content stands beside it as text, so the drawing is an image with a short description.
 *
 * Must not import screens.
 */

import { encodeQr } from "./qr.js";

const SVG = "http://www.w3.org/2000/svg";
const QUIET = 4;

/**
 * @param {string} content
 * @param {string} label what it is, for readers who do not see it
 * @param {"large"|""} [size]
 * @returns {SVGElement|null} null if the content is too long for any QR code
 */
export function qrElement(content, label, size = "") {
  const modules = encodeQr(new TextEncoder().encode(content));
  if (modules === null) return null;
  const width = modules.length + 2 * QUIET;
  const svg = make("svg", {
    viewBox: `0 0 ${width} ${width}`,
    class: `qr ${size}`.trim(),
    role: "img",
    "aria-label": label,
  });
  const ground = make("rect", { width, height: width, class: "qr-ground" });
  svg.append(ground, make("path", { d: path(modules), class: "qr-dark" }));
  return svg;
}

function make(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** One horizontal bar for each run of dark modules. */
function path(modules) {
  const bars = [];
  modules.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      let end = x;
      while (end < row.length && row[end]) end += 1;
      bars.push(`M${x + QUIET} ${y + QUIET}h${end - x}v1h${x - end}z`);
      x = end;
    }
  });
  return bars.join("");
}
