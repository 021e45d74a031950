"""The look of the HTML report (V6d): light and dark, from 320 px to a desktop, and on paper.

Colour only repeats what signs and words say. This module must not import anything.
"""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #1b1f27; --quiet: #4d5565; --line: #868e9c; --hair: #d6dae1; --link: #1f4f99;
  --good: #17653a; --good-ground: #e8f4ec; --warn: #7a4a00; --warn-ground: #fdf3df; --bad: #a11d2b;
  --bad-ground: #fcebec;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --ink: #eceff4; --quiet: #b3bac6; --hair: #363c47; --link: #8fb8ff;
    --good: #8ad6a6; --good-ground: #16281d; --warn: #f0c675; --warn-ground: #2c2413; --bad: #ff9aa4;
    --bad-ground: #331a1d;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { font-size: 106.25%; text-size-adjust: 100%; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font-family: system-ui, "DejaVu Sans", sans-serif; line-height: 1.5; overflow-wrap: anywhere;
}
main { max-width: 52rem; margin-inline: auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid var(--hair); padding-bottom: 0.25rem; }
h3 { font-size: 1.05rem; margin: 1.25rem 0 0.25rem; }
p { margin: 0.25rem 0 0.75rem; }
a { color: var(--link); display: inline-block; padding-block: 0.25rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.over { margin: 0; color: var(--quiet); }
.verdict { border: 1px solid; border-inline-start-width: 0.5rem; padding: 0.75rem 1rem; }
.verdict p { margin: 0; color: var(--ink); }
.verdict p + p { margin-top: 0.5rem; }
.verdict.good { border-color: var(--good); background: var(--good-ground); }
.verdict.warn { border-color: var(--warn); background: var(--warn-ground); }
.verdict.bad { border-color: var(--bad); background: var(--bad-ground); }
dl { margin: 0.5rem 0; }
dl div { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; gap: 0 1rem; padding: 0.15rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; color: var(--quiet); padding-bottom: 0.5rem; }
th, td {
  text-align: start; vertical-align: top; padding: 0.35rem 0.5rem; border-bottom: 1px solid var(--hair);
  font-variant-numeric: tabular-nums; overflow-wrap: normal;
}
tbody th { font-weight: normal; overflow-wrap: anywhere; }
th small { display: block; color: var(--quiet); font-size: 0.9rem; }
.number { text-align: end; white-space: nowrap; }
.status { font-weight: 600; }
.good.status { color: var(--good); }
.bad.status { color: var(--bad); }
.warn.status { color: var(--warn); }
.quiet { color: var(--quiet); }
.rule { border-inline-start: 3px solid var(--line); padding-inline-start: 0.75rem; }
.details ol { padding-inline-start: 1.75rem; }
.details li { margin-bottom: 0.75rem; }
.details li p { margin: 0; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--hair); padding-top: 0.75rem; color: var(--quiet); }
@media (max-width: 34rem) {
  .seconds { display: none; }
  th, td { padding-inline: 0.3rem; font-size: 0.92rem; hyphens: auto; }
  dl div { grid-template-columns: 1fr; padding: 0.3rem 0; }
}
@media print {
  @page { margin: 18mm 15mm; }
  html { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  tr, li, .verdict, .answer { break-inside: avoid; }
  thead { display: table-header-group; }
  a { color: inherit; text-decoration: none; padding: 0; }
}
"""
