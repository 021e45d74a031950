/**
 * Warns two minutes before a login ends for want of use, and lets its owner stay (WCAG 2.2.1). Without this script the
 * page says at its foot when the login ends.
 *
 * Must not import anything.
 */

const warning = document.getElementById("login-warning");
if (warning) watch(warning);

/** @param {HTMLElement} box */
function watch(box) {
  const form = box.querySelector("form");
  // The clocks of browser and server may differ: count from the moment at which the page was made.
  let timer = arm(Date.parse(box.dataset.ends) - Date.parse(box.dataset.now));

  function arm(left) {
    const wait = Math.max(0, left - Number(box.dataset.warn) * 1000);
    return setTimeout(() => {
      box.hidden = false;
    }, wait);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    }).catch(() => null);
    if (!answer?.ok || answer.redirected) {
      form.submit();
      return;
    }
    const { ends, now } = await answer.json();
    box.hidden = true;
    clearTimeout(timer);
    timer = arm(Date.parse(ends) - Date.parse(now));
  });
}
