"""Measure what locking a ballot costs in a browser: `python -m benchmarks browser`.

A ballot has ten options, of which one to ten may be chosen: ten values, thirty proof branches. Each row is the first
ballot of a fresh page, so neither tables nor compiled code are there yet: the tables for g and K, then encryption and
all proofs. Chromium runs on this machine, at full speed and with its processor slowed down (DevTools' CPU throttling,
which holds for the page's main thread). `processor` is the time that the page's thread really ran, whatever else the
machine does; all other times are by the clock.

Needs Debian's Chromium (or URNE_BROWSER) and the Python package playwright.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STATIC = Path(__file__).resolve().parents[1] / "voting" / "booth" / "static"
OPTIONS = 10

_MEASURE = """
async ([name, options]) => {
  const { buildBallot, prepareKey } = await import("/js/core/ballot.js");
  const { groupByName } = await import("/js/core/group.js");
  const group = groupByName(name);
  const bits = Array.from({ length: options }, (_, i) => ({ terms: [[i, 1]], constant: 0, allowed: [0, 1] }));
  const terms = bits.map(({ terms: [term] }) => term);
  const sum = { terms, constant: 0, allowed: bits.map((_, i) => i + 1) };
  const shape = { values: options, constraints: [...bits, sum] };
  const manifestHash = "ab".repeat(32);
  const context = { group, manifestHash, election: manifestHash, jointKey: group.mul(group.g, group.g), shape };
  const values = terms.map((_, i) => i % 2);
  const credential = crypto.getRandomValues(new Uint8Array(32));
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const start = performance.now();
  prepareKey(context);
  const prepared = performance.now();
  buildBallot(context, credential, values, seed);
  return [prepared - start, performance.now() - prepared];
}
"""


class Row(NamedTuple):
    """One line of the table, in milliseconds: medians over all pages; the fastest and the slowest page's total."""

    group: str
    slowed: int
    pages: int
    tables: float
    ballot: float
    total: float
    processor: float
    fastest: float
    slowest: float


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@contextmanager
def _served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/js/"
    finally:
        server.shutdown()
        server.server_close()


def measure(groups: list[str], slowed: list[int], pages: int) -> tuple[str, list[Row]]:
    """The browser's version, and a row for each group and speed."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("URNE_BROWSER", "/usr/bin/chromium")
    rows = []
    with _served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for group in groups:
            for rate in slowed:
                times = [_fresh_page(browser, address, group, rate) for _ in range(pages)]
                tables, ballot, total, processor = zip(*times, strict=True)
                row = Row(
                    group=group,
                    slowed=rate,
                    pages=pages,
                    tables=statistics.median(tables),
                    ballot=statistics.median(ballot),
                    total=statistics.median(total),
                    processor=statistics.median(processor),
                    fastest=min(total),
                    slowest=max(total),
                )
                rows.append(row)
        version = browser.version
        browser.close()
    return version, rows


def _fresh_page(browser: Browser, address: str, group: str, rate: int) -> tuple[float, float, float, float]:
    """Milliseconds of a page's first ballot: tables, ballot, both, and processor time of both."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.evaluate("() => import('/js/core/ballot.js')")
    page.wait_for_timeout(300)
    control = context.new_cdp_session(page)
    control.send("Performance.enable", {"timeDomain": "threadTicks"})
    control.send("Emulation.setCPUThrottlingRate", {"rate": rate})

    def processor_seconds() -> float:
        metrics = control.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    before = processor_seconds()
    tables, ballot = page.evaluate(_MEASURE, [group, OPTIONS])
    after = processor_seconds()
    context.close()
    return tables, ballot, tables + ballot, (after - before) * 1e3


def main(arguments: list[str]) -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks browser", description=__doc__)
    parser.add_argument("--groups", nargs="+", default=["integer-3072", "integer-4096"], help="groups to measure")
    parser.add_argument("--slowed", nargs="+", type=int, default=[1, 5], help="how many times slower the processor is")
    parser.add_argument("--pages", type=int, default=9, help="fresh pages for each row")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    version, rows = measure(options.groups, options.slowed, options.pages)
    if options.json:
        json.dump({"browser": version, "rows": [row._asdict() for row in rows]}, sys.stdout, indent=2)
        return
    print(f"Chromium {version}, first ballot of {OPTIONS} choices in a fresh page, milliseconds (medians)")
    names = ("slowed", "pages", "tables", "ballot", "total", "processor", "fastest", "slowest")
    print(f"{'group':14} " + " ".join(f"{name:>9}" for name in names))
    for row in rows:
        times = " ".join(f"{time:9.1f}" for time in row[3:])
        print(f"{row.group:14} {row.slowed:9} {row.pages:9} {times}")
