/**
 * Step 6, off the main path: the test of the device, and what to do if it fails. The tested ballot is thrown away; back
 * at the review the same choices are locked anew.
 *
 * Must not import other screens.
 */

import { h, words } from "../../dom.js";
import { toFragment } from "../../device_test/opening_text.js";
import { methodOf } from "../../methods/index.js";
import { plainText, t, textLanguage } from "../../text.js";
import { countedWords, startFailure } from "../failure.js";
import { failurePanel, saveFile } from "../frame.js";
import { qrElement } from "../qr_svg.js";

/** @param {import("../main.js").Booth} booth */
export function drawTest(booth) {
  const place = h("div", {}, h("p", { role: "status" }, t("The test is being prepared…")));
  return {
    title: booth.title(t("Test this device")),
    heading: t("Test this device"),
    body: [h("p", { class: "once-red" }, t("This test ballot will not be counted. You still have to vote.")), place],
    after: () => showTest(booth, place),
  };
}

async function showTest(booth, place) {
  try {
    booth.opening ??= openLocked(booth);
    const mine = booth.opening;
    const tested = await mine;
    if (booth.opening !== mine) return; // The test was left meanwhile, and this is forgotten.
    booth.tested = tested;
    const { opening, lockNumber, fragment } = booth.tested;
    const address = `${location.origin}${booth.base}/test#${fragment}`;
    const code = qrElement(address, t("QR code that opens the test on the other device"), "large");
    place.replaceChildren(testSteps(booth, { opening, lockNumber, address, code }));
  } catch (error) {
    place.replaceChildren(failurePanel(startFailure(error), countedWords("no", booth.votedBefore)));
  }
}

/** From this moment on the vote cannot be cast, whatever becomes of the test. */
async function openLocked(booth) {
  const { locked } = booth;
  booth.locked = null;
  const { lockNumber } = locked;
  const { opening } = await locked.open();
  return { opening, lockNumber, fragment: await toFragment(opening) };
}

function testSteps(booth, { opening, lockNumber, address, code }) {
  const number = () => h("code", { class: "lock-number" }, lockNumber);
  const save = () => saveFile(`opening-${lockNumber}.json`, opening);
  const text = h("textarea", { id: "test-text", class: "opening", readonly: true, rows: "4", value: address });
  return h(
    "div",
    {},
    h("p", {}, t("A second device, such as a phone, works out again what this one locked, and shows it to you.")),
    h(
      "ol",
      {},
      h("li", {}, t("The lock number of your vote was:"), " ", number()),
      h(
        "li",
        {},
        code ? t("Scan this code with the second device.") : t("Your ballot is too long for a QR code: use the file."),
        code,
        h(
          "details",
          {},
          h("summary", {}, t("Without a camera")),
          h(
            "p",
            {},
            t("Save the test file, or copy the text, and open it on the second device at this address:"),
            " ",
            h("code", { class: "hash" }, `${location.origin}${booth.base}/test`),
          ),
          h("div", { class: "actions" }, h("button", { type: "button", onclick: save }, t("Save the test file"))),
          h("div", { class: "field" }, h("label", { for: "test-text" }, t("Text to copy")), text),
          h(
            "p",
            { class: "small" },
            t("With other software:"),
            " ",
            h("code", {}, `urne-verify opening opening-${lockNumber}.json RECORD`),
          ),
        ),
        h(
          "p",
          { class: "small quiet" },
          t(
            "Whoever sees this code sees the choices of the test. You may test with other choices than your real ones.",
          ),
        ),
      ),
      h("li", {}, t("It must show the same lock number, and these choices:"), ownChoices(booth)),
    ),
    h(
      "h2",
      { id: "test-question" },
      t("Does the other device show what you chose, and lock number {number}?", { number: lockNumber }),
    ),
    h(
      "div",
      { class: "actions", role: "group", "aria-labelledby": "test-question" },
      h("button", { type: "button", onclick: () => booth.go("review") }, t("Yes: go on and vote")),
      h("button", { type: "button", class: "danger", onclick: () => booth.go("report") }, t("No")),
    ),
    h("p", { class: "small quiet" }, t("Your choices are kept. They are locked anew, with another lock number.")),
  );
}

function ownChoices(booth) {
  return h(
    "dl",
    { class: "choices" },
    booth.questions.map((question, index) => [
      words("dt", plainText(question.title)),
      methodOf(question)
        .describeSelection(question, booth.selections[index], textLanguage())
        .map((line) => h("dd", { dir: "auto" }, line)),
    ]),
  );
}

/** @param {import("../main.js").Booth} booth */
export function drawReport(booth) {
  const { opening, lockNumber } = booth.tested;
  const save = () => saveFile(`urne-evidence-${lockNumber}.json`, evidence(booth, opening, lockNumber));
  const contact = booth.election.contact;
  return {
    title: booth.title(t("The test failed")),
    heading: t("Do not vote on this device"),
    body: [
      h(
        "div",
        { class: "note bad", role: "alert" },
        h(
          "p",
          {},
          t("If the second device shows another lock number or other choices, one of the two is broken or not honest."),
        ),
        h("p", {}, h("strong", {}, countedWords("no", booth.votedBefore))),
      ),
      h("p", {}, t("Nobody but you can notice this, so please tell it:")),
      h(
        "ol",
        {},
        h("li", {}, t("Save the evidence. The file shows the choices that you made for the test.")),
        h("li", {}, contact ? t("Call or write: {contact}", { contact }) : t("Tell the organiser.")),
        h("li", {}, t("Tell an observer or a trustee too, somebody whom the organiser does not choose.")),
        h(
          "li",
          {},
          t("Quote the lock number {number}, and say what the second device showed.", { number: lockNumber }),
        ),
        h("li", {}, t("Vote on another device.")),
      ),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "primary", onclick: save }, t("Save the evidence")),
        h("button", { type: "button", onclick: () => booth.go("review") }, t("It was a mistake: the devices agree")),
      ),
      h("p", { class: "small" }, t("Code: {code}", { code: `TEST-${lockNumber}` })),
    ],
  };
}

function evidence(booth, opening, lockNumber) {
  const data = {
    kind: "urne-evidence-of-a-failed-test",
    manifest: booth.election.manifestHash,
    lock_number: lockNumber,
    opening: JSON.parse(opening),
    checkpoint: booth.election.checkpoint.note,
    browser: navigator.userAgent,
    time: new Date().toISOString(),
  };
  return JSON.stringify(data, null, 2);
}
