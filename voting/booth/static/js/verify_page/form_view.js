/**
 * The first screen of the verifier's page: which record, and what was announced.
 *
 * Must not import what runs in workers.
 */

import { h } from "../dom.js";
import { t } from "../text.js";
import { parseAddress } from "./address.js";
import { readEarlier } from "./earlier.js";
import { sentence } from "./phrases.js";

/**
 * @typedef {object} Choices what the reader has typed and chosen so far; kept when the language changes
 * @property {File[]} files
 * @property {string} address
 * @property {string} manifest
 * @property {string} election
 * @property {File[]} earlier
 * @property {boolean} allowToy
 * @property {boolean} isOpen whether the part about announcements is open
 * @property {Record<string, string>} problems by name of the field
 */

/** @returns {Choices} nothing chosen */
export function noChoices() {
  const texts = { address: "", manifest: "", election: "" };
  return { ...texts, files: [], earlier: [], allowToy: false, isOpen: false, problems: {} };
}

const HASH = /^[0-9a-f]{64}$/;

/**
 * What is to be verified.
 *
 * @param {Choices} choices
 * @returns {Promise<{request: object|null, problems: Record<string, string>}>} the request, unless there are problems
 */
export async function readChoices(choices) {
  const problems = {};
  const announced = { manifest: null, election: null, since: null };
  let address = "";
  if (choices.address.trim()) {
    address = orProblem(problems, "address", () => parseAddress(choices.address.trim()));
  } else if (choices.files.length === 0) {
    problems.files = t("Choose a record, or give the address of an election.");
  }
  if (choices.earlier.length > 0) {
    try {
      const { checkpoint, manifest, election } = await readEarlier(choices.earlier[0]);
      Object.assign(announced, { since: checkpoint, manifest, election });
    } catch (error) {
      problems.earlier = sentence(error.problem ?? "cannot be read");
    }
  }
  for (const name of ["manifest", "election"]) {
    const typed = choices[name].replace(/\s+/g, "").toLowerCase();
    if (typed && !HASH.test(typed)) problems[name] = t("A hash has 64 characters: digits and the letters a to f.");
    else if (typed) announced[name] = typed;
  }
  const isGood = Object.keys(problems).length === 0;
  const files = address ? [] : choices.files;
  return { request: isGood ? { files, address, announced, allowToy: choices.allowToy } : null, problems };
}

function orProblem(problems, name, read) {
  try {
    return read();
  } catch (error) {
    problems[name] = [sentence(error.problem), sentence(error.remedy)].join(" ");
    return "";
  }
}

/**
 * @param {Choices} choices changed as the reader types
 * @param {{onVerify: () => void, redraw: () => void, copy: string}} options `copy`: address of this page as a file, or
 *   nothing
 * @returns {unknown[]} what stands below the heading
 */
export function formBody(choices, { onVerify, redraw, copy }) {
  const submit = (event) => {
    event.preventDefault();
    onVerify();
  };
  return [
    h(
      "p",
      {},
      t("This page reads the public record of an election and recomputes everything, on your own device."),
      " ",
      t("You need not believe the site that runs the election, and nothing that you choose here is sent anywhere."),
    ),
    copy && keepPart(copy),
    problemSummary(choices.problems),
    h(
      "form",
      { novalidate: true, onsubmit: submit },
      recordPart(choices, redraw),
      announcedPart(choices),
      h("div", { class: "actions" }, h("button", { class: "primary" }, t("Verify"))),
    ),
  ];
}

function keepPart(copy) {
  return h(
    "p",
    {},
    t("Better still: keep this page as a file. It works from your disk, with the network off."),
    " ",
    h("a", { href: copy, download: true }, t("Save this page")),
  );
}

function problemSummary(problems) {
  const fields = Object.entries(problems);
  if (fields.length === 0) return null;
  const items = fields.map(([name, text]) => h("li", {}, h("a", { href: `#${name}` }, text)));
  return h(
    "div",
    { class: "note bad", role: "alert", id: "problems", tabindex: "-1" },
    h("h2", {}, t("This cannot be verified yet")),
    h("ul", {}, items),
  );
}

function recordPart(choices, redraw) {
  const choose = (files) => {
    choices.files = [...files];
    if (choices.files.length > 0) choices.address = "";
    redraw();
  };
  const address = typed(choices, "address", { inputmode: "url", autocomplete: "url", placeholder: "https://" });
  const box = h(
    "div",
    {
      class: "drop",
      ondragover: (event) => {
        event.preventDefault();
        box.classList.add("over");
      },
      ondragleave: () => box.classList.remove("over"),
      ondrop: (event) => {
        event.preventDefault();
        choose(event.dataTransfer.files);
      },
    },
    field(
      choices,
      "files",
      t("The record: a .zip file, or all its files"),
      fileInput(choices, "files", choose, true),
      t("You can also drop it here."),
    ),
  );
  return [
    box,
    h("p", { class: "or" }, t("or")),
    field(
      choices,
      "address",
      t("The address of the election"),
      address,
      t("Its record is fetched from there. This is the only time that this page asks for anything."),
    ),
  ];
}

function announcedPart(choices) {
  const keep = (files) => {
    choices.earlier = [...files];
  };
  const toy = h("input", {
    type: "checkbox",
    id: "toy",
    checked: choices.allowToy,
    onchange: () => {
      choices.allowToy = toy.checked;
    },
  });
  const hash = { autocomplete: "off", spellcheck: "false", class: "mono" };
  const details = h(
    "details",
    {
      open: choices.isOpen,
      ontoggle: () => {
        choices.isOpen = details.open;
      },
    },
    h("summary", {}, t("What was announced, or seen before")),
    h("p", {}, t("Without these, this page shows whose record it is, and you compare by eye.")),
    field(choices, "manifest", t("Manifest hash"), typed(choices, "manifest", hash)),
    field(choices, "election", t("Election id"), typed(choices, "election", hash)),
    field(
      choices,
      "earlier",
      t("What you saw before"),
      fileInput(choices, "earlier", keep, false),
      t("A state that this page or urne-verify saved, a checkpoint, or a receipt."),
    ),
    h("label", { class: "check-option", for: "toy" }, toy, t("Accept test elections, whose keys protect nothing")),
  );
  return details;
}

function typed(choices, name, attributes) {
  const input = h("input", {
    id: name,
    type: "text",
    value: choices[name],
    ...attributes,
    ...described(choices, name),
    oninput: () => {
      choices[name] = input.value;
    },
  });
  return input;
}

function fileInput(choices, name, onChosen, isMultiple) {
  const input = h("input", {
    id: name,
    type: "file",
    multiple: isMultiple,
    ...described(choices, name),
    onchange: () => onChosen(input.files),
  });
  if (choices[name].length > 0) input.files = listOf(choices[name]);
  return input;
}

/** Files as a control holds them: a control that is drawn anew is empty. */
function listOf(files) {
  const data = new DataTransfer();
  for (const file of files) data.items.add(file);
  return data.files;
}

function described({ problems }, name) {
  const ids = [Object.hasOwn(problems, name) && `${name}-problem`, `${name}-hint`].filter(Boolean);
  return { "aria-describedby": ids.join(" "), "aria-invalid": Object.hasOwn(problems, name) ? "true" : null };
}

function field({ problems }, name, label, control, hint = "") {
  return h(
    "div",
    { class: "field" },
    h("label", { for: name }, label),
    h("span", { class: "hint", id: `${name}-hint` }, hint),
    Object.hasOwn(problems, name) && h("span", { class: "error-text", id: `${name}-problem` }, problems[name]),
    control,
  );
}
