/**
 * The form of a question, improved: cost and faults are shown while one types (the page works without this).
 *
 * Imports nothing: the server decides, and answers with sentences in the reader's language.
 */

const WAIT_MILLISECONDS = 600;

const form = document.getElementById("question-form");
const question = document.getElementById("cost-question");
const whole = document.getElementById("cost-whole");
let timer = 0;
let asked = 0;

/** Ask the server what the form as it stands would cost. A later answer wins over an earlier one. */
async function check() {
  asked += 1;
  const number = asked;
  try {
    const response = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) });
    if (!response.ok || number !== asked) return;
    const answer = await response.json();
    if (answer.cost && question.textContent !== answer.cost) question.textContent = answer.cost;
    if (answer.whole && whole.textContent !== answer.whole) whole.textContent = answer.whole;
  } catch {
    // Without an answer the page shows what was saved last.
  }
}

if (form && question && whole) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, WAIT_MILLISECONDS);
  });
}
