/**
 * Step 5: the tracker, and ways to keep it. Shown only after the receipt was checked. Also the end of a practice walk.
 *
 * Must not import other screens.
 */

import { h } from "../../dom.js";
import { momentText, t } from "../../text.js";
import { saveFile } from "../frame.js";
import { qrElement } from "../qr_svg.js";

/** @param {import("../main.js").Booth} booth */
export function drawReceipt(booth) {
  const { result, voter, election } = booth;
  const { tracker } = result;
  const address = `${location.origin}${booth.base}/check?tracker=${tracker}`;
  return {
    title: booth.title(t("Your vote is in the ballot box")),
    heading: t("Your vote is in the ballot box."),
    body: [
      h(
        "p",
        { class: "note good" },
        h("span", { class: "state done" }, t("The receipt was checked on this device.")),
        " ",
        t("You have voted; nothing is left to do."),
      ),
      h(
        "section",
        { class: "receipt", "aria-labelledby": "tracker-title" },
        h(
          "div",
          {},
          h("h2", { id: "tracker-title" }, t("Your tracker")),
          h("p", {}, h("strong", { class: "tracker" }, tracker)),
          h("p", {}, t("Your pseudonym on the board:"), " ", h("code", {}, voter.pseudonym)),
          h("p", {}, t("It shows that your vote is in the box. It does not show what you voted.")),
        ),
        qrElement(address, t("QR code of the page that finds your tracker on the board")),
      ),
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          { type: "button", onclick: () => saveFile(`receipt-${tracker}.json`, result.receipt) },
          t("Save the receipt"),
        ),
        h("button", { type: "button", onclick: () => print() }, t("Print")),
        h("a", { class: "button", href: mailAddress(tracker, address) }, t("Send by e-mail")),
        h("a", { class: "button", href: address }, t("Check my vote")),
      ),
      h("p", { class: "small quiet print-only" }, address),
      h("p", {}, votedAgain(election)),
      h(
        "div",
        { class: "actions no-print" },
        h("button", { type: "button", class: "link", onclick: () => booth.voteAgain() }, t("Vote again")),
      ),
    ],
  };
}

function votedAgain(election) {
  if (!election.closes) return t("You can vote again until voting closes; only your last vote counts.");
  return t("You can vote again until {time}; only your last vote counts.", { time: momentText(election.closes) });
}

function mailAddress(tracker, address) {
  const subject = t("My tracker: {tracker}", { tracker });
  const body = t("My vote can be found here: {address}", { address });
  return `mailto:?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body)}`;
}

/** @param {import("../main.js").Booth} booth */
export function drawPracticed(booth) {
  return {
    title: booth.title(t("End of the practice")),
    heading: t("End of the practice"),
    body: [
      h(
        "p",
        { class: "note warn" },
        h("strong", {}, t("This was practice. Nothing was sent, and you have not voted.")),
      ),
      h("p", {}, t("In the real booth you now see your tracker, with which you find your vote on the public board.")),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => booth.voteAgain() }, t("Practise again")),
        h("a", { class: "button", href: booth.home }, t("Leave the practice")),
      ),
    ],
  };
}
