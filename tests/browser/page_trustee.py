"""A trustee who uses the page in a browser, step by step, as a person would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from playwright.sync_api import Page

SOME_SECONDS = 20_000
"""Making or opening a key file takes seconds, by design."""


class TrusteeLink(Protocol):
    """Where a trustee's page is."""

    @property
    def page(self) -> str:
        """The address without its end."""

    @property
    def more(self) -> str:
        """What an invitation adds to the number of the trustee."""


class PageTrustee:
    """One trustee in one browser, with their own downloads."""

    def __init__(self, page: Page, site: TrusteeLink, index: int, folder: Path) -> None:
        self.page = page
        self.site = site
        self.index = index
        self.folder = folder
        self.file = folder / "none"
        self.passphrase = ""
        page.set_default_timeout(SOME_SECONDS)

    def only_when_asked(self) -> None:
        """From the next visit on, the page looks for news only when it is asked to: so tests do not depend on time."""
        self.page.add_init_script("window.setInterval = () => 0;")

    def visit(self, *, invited: bool = True) -> None:
        """Come (back) to the page."""
        self.page.goto("about:blank")
        self.page.goto(self.site.page + (f"#trustee={self.index}{self.site.more}" if invited else ""))
        self.page.wait_for_selector("html[data-ready]")

    def use(self, file: Path, passphrase: str) -> None:
        """Take a key file that was made elsewhere."""
        self.file, self.passphrase = file, passphrase

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def make_key(self) -> None:
        """From the invitation to the question whether to join."""
        page = self.page
        self.press("Make my key")
        page.get_by_role("heading", name="Who are you?").wait_for()
        self.press("Go on")
        self.passphrase = page.locator(".passphrase").inner_text()
        self.press("I have written it down")
        page.get_by_label("Type the passphrase from your paper").fill(self.passphrase)
        self.press("Go on")
        page.get_by_role("heading", name="Save your key file").wait_for()
        self.save_key()
        self.press("I have saved it")
        self.unlock("Open it")

    def save_key(self) -> str:
        """Take the new key file from the browser; gives the name that it suggests."""
        with self.page.expect_download() as download:
            self.press("Save the key file")
        self.file = self.folder / f"made-by-{self.index}.key"
        download.value.save_as(self.file)
        return download.value.suggested_filename

    def open_key(self) -> None:
        """With the key file, on a later visit."""
        self.press("Open my key file")
        self.unlock("Open")

    def unlock(self, button: str) -> None:
        """Fill in a form for a key file, and wait until it is gone."""
        self.fill_key_form(button)
        self.page.locator("#key-file").wait_for(state="detached")

    def fill_key_form(self, button: str, *, file: Path | None = None, passphrase: str | None = None) -> None:
        self.page.locator("#key-file").set_input_files(file or self.file)
        self.page.get_by_label("Its passphrase").fill(self.passphrase if passphrase is None else passphrase)
        self.press(button)

    def look(self) -> None:
        """Read what is new on the board."""
        self.press("Look for news")
        self.page.locator("#status", has_text="newest state").wait_for()

    def move(self, heading: str, *, entries: int = 1) -> None:
        """Do the next move, which must have this heading, and wait until the page says that it is done."""
        page = self.page
        page.get_by_role("heading", name=f"Your move: {heading}").wait_for()
        page.locator("#move").click()
        page.locator(".note.good", has_text="was read back").wait_for()
        assert page.locator(".note.good p").count() == entries

    def decrypt(self) -> None:
        """Check the ballots, say yes, and wait until it is done."""
        page = self.page
        page.get_by_role("heading", name="Your move: decrypt the result").wait_for()
        self.press("Check the ballots")
        page.get_by_role("heading", name="Decrypt this tally?").wait_for()
        self.press("Decrypt this tally")
        page.locator(".note.good", has_text="(tally.share) is on the board, and was read back").wait_for()
