"""The harness of all browser tests: Debian's Chromium, driven by Playwright.

    def test_something(page: Page, static_site: str) -> None:
        page.goto(static_site)
        answer = run_module(page, 'const m = await import("/booth/js/core/bytes.js"); return m.toHex(...arg);', [1, 2])

Fixtures:

- `browser`: one Chromium for the session. Without Chromium or Playwright the tests are skipped with a reason; with
  `URNE_REQUIRE_BROWSER=1` they fail. `URNE_BROWSER` names another program than `/usr/bin/chromium`.
- `context`: a fresh, empty profile, closed after the test. `page`: a page of it, watched: console errors, uncaught
  errors and requests to another host fail the test when it ends.
- `watch`: the same watching for contexts that a test makes itself (another size, language, colour scheme):
  `watch(browser.new_context(viewport=..))` returns the context and closes it after the test. Its attribute
  `watch.allowed` is a list of regular expressions: console errors that one of them finds are expected by the test.
- `static_site`: the address of a tiny server, with the strict Content-Security-Policy of the site. `/` is an empty
  page, `/booth/..` is `voting/booth/static/`, `/pages/..` is `tests/browser/pages/`.

Every test in this folder gets the marker `browser`: `pytest -m 'not browser'` leaves them out.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

HERE = Path(__file__).parent
BOOTH = HERE.parents[1] / "voting" / "booth" / "static"
PAGES = HERE / "pages"
LOCAL_HOSTS = ("127.0.0.1", "localhost")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
EMPTY_PAGE = b'<!doctype html><html lang="en"><head><title>Empty</title></head><body></body></html>'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def run_module(page: Page, body: str, arg: object = None) -> Any:
    """Run the body of an async function in the page; it may import modules: `await import("/booth/js/..")`.

    Args:
        page: a page of the same site as the modules.
        body: JavaScript; `arg` is the argument, `return` gives the answer. Both travel as JSON.
    """
    return page.evaluate(f"async (arg) => {{ {body} }}", arg)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("URNE_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the session."""
    program = os.environ.get("URNE_BROWSER", "/usr/bin/chromium")
    if not Path(program).exists():
        _missing(f"no browser at {program}: install Debian's package chromium, or set URNE_BROWSER")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("the Python package playwright is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_ARGUMENTS))
        yield chromium
        chromium.close()


class Watch:
    """Collects what must not happen in the contexts given to it, and closes them."""

    def __init__(self) -> None:
        self.allowed: list[str] = []
        """Regular expressions of console errors that the test provokes on purpose."""
        self.faults: list[str] = []
        self._contexts: list[BrowserContext] = []

    def __call__(self, context: BrowserContext) -> BrowserContext:
        self._contexts.append(context)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.faults.append(f"uncaught: {error.error}"))
        context.on("request", self._request)
        return context

    def _console(self, message: ConsoleMessage) -> None:
        text = f"console: {message.text} ({message.location.get('url', '')})"
        if message.type == "error" and not any(re.search(pattern, text) for pattern in self.allowed):
            self.faults.append(text)

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "file") and address.hostname not in LOCAL_HOSTS:
            self.faults.append(f"request to another host: {request.url}")

    def finish(self) -> None:
        """Close all contexts; fail the test if anything was found."""
        for context in self._contexts:
            context.close()
        if self.faults:
            pytest.fail("the browser reported:\n" + "\n".join(self.faults))


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Watches contexts that the test makes itself."""
    watching = Watch()
    yield watching
    watching.finish()


@pytest.fixture
def context(browser: Browser, watch: Watch) -> BrowserContext:
    """A fresh profile at desktop size, in English."""
    return watch(browser.new_context(viewport={"width": 1024, "height": 768}, locale="en"))


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page of a fresh profile."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


class _Handler(SimpleHTTPRequestHandler):
    """Serves the two folders and nothing else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/favicon.ico":
            return self._answer(204, b"", "image/x-icon")
        if path == "/":
            return self._answer(200, EMPTY_PAGE, MEDIA_TYPES[".html"])
        for prefix, folder in (("/booth/", BOOTH), ("/pages/", PAGES)):
            if path.startswith(prefix):
                file = (folder / path.removeprefix(prefix)).resolve()
                if file.is_file() and folder in file.parents:
                    media_type = MEDIA_TYPES.get(file.suffix, "application/octet-stream")
                    return self._answer(200, file.read_bytes(), media_type)
        return self._answer(404, b"not found", "text/plain")

    def _answer(self, status: int, data: bytes, media_type: str) -> None:
        self.send_response(status)
        if data:
            self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture(scope="session")
def static_site() -> Iterator[str]:
    """The address of the static files, ending with a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=os.devnull))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
