/**
 * Adds the reader's own time to the times on public pages, where it differs from the zone that the server wrote.
 * The pages say everything without it. The words come from the page: `data-your-time` of `main`.
 *
 * Must not import anything.
 */

const words = document.querySelector("main")?.dataset.yourTime ?? "{time}";
const language = document.documentElement.lang || "en";
const locale = language === "en" ? "en-GB" : language; // the server writes the day before the month
const format = new Intl.DateTimeFormat(locale, {
  weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
});
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });

for (const element of document.querySelectorAll("time[data-local]")) {
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime()) || element.textContent.includes(clock.format(moment))) continue;
  const note = document.createElement("span");
  note.className = "quiet";
  note.textContent = ` (${words.replace("{time}", format.format(moment))})`;
  element.after(note);
}
