/**
 * The control of method "lists" (M8): one list, and any of its candidates.
 *
 * Choosing another list clears the candidates of the first; ticking a candidate chooses their list. Both are said in
 * the status line. Long questions keep the candidates folded below their list.
 */

import { h } from "../dom.js";
import { t } from "../text.js";
import { makeFilter } from "./filter.js";
import { MANY_OPTIONS } from "./frame.js";

/**
 * @param {import("../methods/index.js").Question} question
 * @param {import("./frame.js").Frame} frame
 * @param {{list?: number|null, candidates?: number[]}|null} selection
 * @returns {import("./frame.js").Control}
 */
export function listsControl(question, frame, selection) {
  const { lists } = question;
  const { id } = frame;
  const total = lists.reduce((sum, { candidates }) => sum + candidates.length + 1, 0);

  const radios = lists.map((_, number) =>
    h("input", {
      type: "radio",
      id: `${id}-list-${number}`,
      name: id,
      checked: selection?.list === number,
      onchange: () => change(number),
    }),
  );
  const boxes = lists.map(({ candidates }, number) =>
    candidates.map((_, place) =>
      h("input", {
        type: "checkbox",
        id: `${id}-list-${number}-candidate-${place}`,
        checked: selection?.list === number && (selection.candidates ?? []).includes(place),
        onchange: () => change(number),
      }),
    ),
  );
  const chosenList = () => {
    const number = radios.findIndex((radio) => radio.checked);
    return number < 0 ? null : number;
  };
  const ticked = (number) => boxes[number].flatMap((box, place) => (box.checked ? [place] : []));

  /** The voter touched a list or one of its candidates: it is the chosen list now. */
  function change(number) {
    radios[number].checked = true;
    const cleared = lists.flatMap((_, other) => (other !== number && ticked(other).length ? [other] : []));
    for (const box of cleared.flatMap((other) => boxes[other])) box.checked = false;
    if (folds[number]) folds[number].open = true;
    say(cleared.map((other) => t("Personal votes for {list} were cleared.", { list: frame.name(lists[other].name) })));
    frame.changed();
  }

  function say(news) {
    const number = chosenList();
    if (number === null) return frame.say(t("No list chosen yet."));
    const list = frame.name(lists[number].name);
    const count = ticked(number).length;
    if (!boxes[number].length) return frame.say([...news, t("Chosen: {list}.", { list })]);
    if (count === 0) return frame.say([...news, t("Chosen: {list}, without personal votes.", { list })]);
    if (count === 1) return frame.say([...news, t("Chosen: {list}, with 1 personal vote.", { list })]);
    return frame.say([...news, t("Chosen: {list}, with {count} personal votes.", { list, count })]);
  }

  const draft = () => {
    const list = chosenList();
    return { list, candidates: list === null ? [] : ticked(list) };
  };

  function read() {
    if (chosenList() === null) throw frame.fault(t("Choose one list."), radios[0].id);
    return draft();
  }

  const folds = [];
  const row = (box, text) =>
    h("label", { class: "choice", for: box.id }, box, h("span", { class: "choice-text" }, text));
  const cards = lists.map(({ name, candidates }, number) => {
    const legend = t("Candidates of {list}", { list: frame.name(name) });
    const people = candidates.map((candidate, place) => row(boxes[number][place], frame.label(candidate)));
    const group = people.length > 0 && h("fieldset", { class: "list-candidates" }, h("legend", {}, legend), people);
    // Candidates fold away where there are many, unless the voter has chosen their list.
    const fold = group && total > MANY_OPTIONS && h("details", { open: radios[number].checked });
    if (fold) {
      group.querySelector("legend").className = "visually-hidden";
      fold.append(h("summary", {}, legend, ` (${people.length})`), group);
    }
    folds.push(fold || null);
    return h("div", { class: "list-card" }, row(radios[number], frame.label(name)), fold || group);
  });
  const items = cards.map((element, number) => ({
    element,
    text: [lists[number].name, ...lists[number].candidates].map(frame.name).join(" "),
    isKept: () => radios[number].checked,
  }));
  const hasCandidates = total > lists.length;
  frame.fill(
    [t("Choose one list."), hasCandidates && t("You may also give personal votes to any of its candidates.")],
    total,
    [makeFilter(`${id}-filter`, items), h("div", { class: "list-cards" }, cards)],
  );
  say([]);
  return { read, draft, isBlank: () => chosenList() === null };
}
