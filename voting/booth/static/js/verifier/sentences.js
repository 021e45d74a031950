/**
 * Who won a question, in one sentence (docs/spec/methods.md, M17). A service for readers: no check looks at it.
 *
 * Must not touch a document or the network; imports ../text.js.
 */

import { plainText, t } from "../text.js";

/**
 * Who won one question. Empty if the outcome is that of another question.
 * @param {any} question
 * @param {any} outcome as published
 * @returns {string} in the language of the texts
 */
export function outcomeSentence(question, outcome) {
  try {
    return question.method === outcome.method ? sentenceOf(question, outcome) : "";
  } catch {
    return "";
  }
}

function sentenceOf(question, outcome) {
  if (question.method === "lists") {
    const names = namesOf(question.lists.map(({ name }) => name));
    const given = outcome.seats.flatMap((seats, i) => (seats ? [`${nameAt(names, i)} ${seats}`] : []));
    const sentence = t("Seats: {seats}.", { seats: given.join(", ") || t("none") });
    return outcome.tied.length ? `${sentence} ${tieSentence(names, outcome)}` : sentence;
  }
  const names = namesOf(question.options);
  if (question.method === "choose") return electedSentence(names, outcome);
  const { winners } = outcome;
  if (!winners.length) return t("Nobody has won: no vote counts for an option.");
  if (winners.length === 1) return t("Winner: {name}.", { name: nameAt(names, winners[0]) });
  return t("Tie between {names}.", { names: joined(names, winners) });
}

function electedSentence(names, { elected, open_seats: open, tied }) {
  const parts = [];
  if (elected.length) parts.push(t("Elected: {names}.", { names: joined(names, elected) }));
  if (tied.length) parts.push(tieSentence(names, { tied, open_seats: open }));
  else if (open) parts.push(t("Seats left empty: {count}.", { count: open }));
  return parts.join(" ");
}

function tieSentence(names, { open_seats: open, tied }) {
  return t("Tie for {count} seat(s) between {names}.", { count: open, names: joined(names, tied) });
}

function joined(names, numbers) {
  return numbers.map((i) => nameAt(names, i)).join(", ");
}

function nameAt(names, i) {
  if (!(i in names)) throw new RangeError("there is no such option");
  return names[i];
}

function namesOf(texts) {
  return texts.map((text) => plainText(text).text);
}
