"""A whole election by clicking, from the administrator's first login to the observer's verified result.

Three trustees, two of them in browsers and one at the command line. Five voters: Ada votes twice, Bob tests the device
first, Cleo has a 320 px screen, Dan reads French, and Eve's network is cut at the worst moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Page, expect

from tests.browser.axe import assert_accessible, assert_fits
from tests.browser.live_site import LiveSite
from tests.browser.page_trustee import PageTrustee
from trustee_tools.cli import main as trustee_program
from voting.translations import catalogue
from voting.verifier.cli import main as verifier

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

    from tests.browser.conftest import Watch

NAME = "board-2026"
VOTERS = """id,name,email,language
ada,Ada,ada@example.org,en
bob,Bob,bob@example.org,en
cleo,Cleo,cleo@example.org,en
dan,Dan,dan@example.org,fr
eve,Eve,eve@example.org,en
"""
CHAIR = ("Ines", "Jonas", "Kofi")
PROPOSALS = ("A hut", "Maps", "A feast")
PASSPHRASE = "a passphrase for tests only"

Say = Callable[[str], str]
"""A text of the booth in the voter's language."""

pytestmark = pytest.mark.slow


class Clicking:
    """The people of this election, each with a browser of their own."""

    def __init__(self, site: LiveSite, browser: Browser, watch: Watch, folder: Path) -> None:
        self.site = site
        self.browser = browser
        self.watch = watch
        self.folder = folder
        self.public = f"{site.address}/e/{NAME}"
        self.admin = f"{site.address}/admin/e/{NAME}"

    def someone(self, *, width: int = 1024, height: int = 800, locale: str = "en-GB", **options: Any) -> Page:
        context = self.watch(
            self.browser.new_context(viewport={"width": width, "height": height}, locale=locale, **options)
        )
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    # -- the administrator ---------------------------------------------------------------------------------------------

    def log_in(self) -> Page:
        page = self.someone()
        page.goto(f"{self.site.address}/admin")
        page.get_by_label("Name").fill(self.site.account)
        page.get_by_label("Password", exact=True).fill(self.site.password)
        press(page, "Log in")
        expect(page.get_by_role("heading", level=1)).to_have_text("My elections")
        return page

    def write_draft(self, page: Page) -> None:
        page.get_by_role("link", name="New election").click()
        page.get_by_label("Title").fill("Board election")
        page.get_by_label("Short name").fill(NAME)
        press(page, "Make the draft")
        page.get_by_role("link", name="Title and contact").click()
        page.get_by_label("Languages of the election").fill("en, fr")
        press(page, "Save")
        in_both(page, "Title", "Board election", "Élection du bureau")
        press(page, "Save")
        page.goto(f"{self.admin}/questions")
        press(page, "Add a question")
        page.get_by_label("Offer a blank vote").check()
        press(page, "Add an option")
        in_both(page, "The question", "Who shall chair?", "Qui préside ?")
        for number, name in enumerate(CHAIR, start=1):
            in_both(page, f"Option {number}", name, name)
        press(page, "Save")
        press(page, "Add a question")
        page.get_by_label("How people vote").select_option("condorcet-ties")
        press(page, "Use this method")
        press(page, "Add an option")
        in_both(page, "The question", "What first?", "Quoi d’abord ?")
        for number, name in enumerate(PROPOSALS, start=1):
            in_both(page, f"Option {number}", name, f"{name} (fr)")
        press(page, "Save")
        page.goto(f"{self.admin}/trustees")
        for number, name in enumerate(("Anna", "Bea", "Carlo"), start=1):
            group = page.get_by_role("group", name=f"Trustee {number}")
            group.get_by_label("Name (public)").fill(name)
            group.get_by_label("Mail address").fill(f"{name.lower()}@example.org")
        page.get_by_text("For experts").click()
        page.get_by_label("Group", exact=True).select_option("toy-512")
        press(page, "Save")
        page.goto(f"{self.admin}/times")
        page.get_by_label("Names and addresses of voters are deleted on").fill("2099-01-31")
        press(page, "Save")
        page.goto(f"{self.admin}/voters/import")
        page.get_by_label("Or paste the lines here").fill(VOTERS)
        press(page, "Look at the list")
        press(page, "Import these 5 voters")
        expect(page.get_by_role("status").first).to_contain_text("5 voters")

    def rehearse_and_freeze(self, page: Page) -> None:
        page.goto(f"{self.admin}/rehearsal")
        press(page, "Start the rehearsal")
        expect(page.get_by_role("heading", name="VERIFIED")).to_be_visible(timeout=60_000)
        page.goto(f"{self.admin}/freeze")
        page.get_by_label("Type the short name").fill(NAME)
        press(page, "Freeze for ever")
        expect(page.get_by_role("status").first).to_contain_text("frozen")

    # -- the voters ----------------------------------------------------------------------------------------------------

    def voting_link(self, voter: str) -> str:
        return self.site.link(f"{voter}@example.org", f"/e/{NAME}/vote#code=")

    def fill_in(self, page: Page, voter: str, chair: str, first: str, say: Say = str) -> None:
        """From the link in the mail to the review."""
        page.goto("about:blank")
        page.goto(self.voting_link(voter))
        page.get_by_role("button", name=re.compile(f"^({say('Start')}|{say('Vote again')})$")).click()
        page.get_by_label(chair).check()
        press(page, say("Next question"))
        page.get_by_label(first).select_option(index=1)
        press(page, say("Continue to review"))
        expect(page.get_by_role("button", name=say("Cast my vote"))).to_be_enabled()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def in_both(page: Page, group: str, english: str, french: str) -> None:
    """Fill in a text in both languages of the election."""
    fields = page.get_by_role("group", name=group, exact=True)
    fields.get_by_label("English").fill(english)
    fields.get_by_label("French").fill(french)


def cast(page: Page, say: Say = str) -> str:
    """Press the last button; gives the tracker, which is shown only after the receipt was checked."""
    press(page, say("Cast my vote"))
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Your vote is in the ballot box."), timeout=30_000)
    return page.locator("strong.tracker").inner_text()


def french(text: str) -> str:
    return catalogue("fr")[text]


def run(program: Any, *words: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(program, ["--language", "en", *map(str, words)])
    assert result.exit_code == code, (words, result.exit_code, result.output)
    return result


class TrusteePage(NamedTuple):
    """The address that a trustee's invitation leads to, and what stands at its end besides the number."""

    page: str
    more: str = ""


class CommandLineTrustee:
    """Carlo, who trusts no page: `urne-trustee` and the election's address."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.key = folder / "carlo.key"
        self.words = folder / "carlo.passphrase"
        self.words.write_text(PASSPHRASE + "\n")
        self.words.chmod(0o600)
        copy = folder / "carlo.copy"
        run(trustee_program, "init", self.key, copy, "--label", "Carlo", "--passphrase-file", self.words)

    def do(self, command: str, *words: str, code: int = 0) -> Result:
        options: list[str | Path] = ["--key", self.key, "--yes", "--passphrase-file", self.words, "--allow-toy-group"]
        return run(trustee_program, command, self.address, *options, *words, code=code)


def save_record(page: Page, address: str, folder: Path) -> Path:
    """The record as a visitor downloads it."""
    path = folder / "record.zip"
    path.write_bytes(page.request.get(f"{address}/record.zip").body())
    return path


def watch_closed_booth(people: Clicking, voter: str) -> None:
    """A voter who comes after the end is told so, and that the vote cast before counts."""
    page = people.someone()
    page.goto(people.voting_link(voter))
    expect(page.get_by_role("alert")).to_contain_text("Voting has closed")
    expect(page.get_by_role("alert")).to_contain_text("A vote that you cast before still counts.")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[LiveSite]:
    with LiveSite(tmp_path) as running:
        yield running


def test_a_whole_election_by_clicking(site: LiveSite, browser: Browser, watch: Watch, tmp_path: Path) -> None:
    people = Clicking(site, browser, watch, tmp_path)

    # 1. The administrator: first login, draft, rehearsal, freeze.
    office = people.log_in()
    people.write_draft(office)
    office.goto(people.admin)
    assert_accessible(office)
    people.rehearse_and_freeze(office)

    # 2. The trustees: Anna and Bea by the link in their mails, Carlo at the command line.
    office.goto(f"{people.admin}/ceremony")
    press(office, "Invite those who have not joined (3)")
    expect(office.get_by_role("status").first).to_be_visible()
    site.wait_for_mail("bea@example.org")
    page = f"{people.public}/trustee"
    more = {}
    for index, name in ((1, "anna"), (2, "bea"), (3, "carlo")):
        start, _and, code = site.link(f"{name}@example.org", "/trustee#").partition("&invitation=")
        assert start == f"{page}#trustee={index}"
        more[index] = code
    anna, bea = (
        PageTrustee(
            people.someone(accept_downloads=True), TrusteePage(page, f"&invitation={more[index]}"), index, tmp_path
        )
        for index in (1, 2)
    )
    for trustee in (anna, bea):
        trustee.visit()
        trustee.make_key()
        trustee.move("join")
    carlo = CommandLineTrustee(people.public, tmp_path)
    refused = carlo.do("step", "--name", "Carlo", code=3)
    assert "needs the invitation of this trustee" in refused.output
    carlo.do("step", "--name", "Carlo", "--invitation", more[3])
    for heading in ("commit", "send the shares", "confirm"):
        for trustee in (anna, bea):
            trustee.move(heading)  # the page has found the news by itself
        carlo.do("step")
    assert (
        "All 3 shares open and fit"
        in run(
            trustee_program, "check", carlo.key, people.public, "--passphrase-file", carlo.words, "--allow-toy-group"
        ).stdout
    )

    # 3. Credentials, opening, invitations.
    office.goto(f"{people.admin}/voters/credentials")
    press(office, "Publish 5 credentials")
    office.goto(f"{people.admin}/voting")
    office.get_by_label("to open the voting now").fill(NAME)
    press(office, "Open the voting now")
    expect(office.get_by_role("status").first).to_contain_text("Voting is open.")
    office.goto(f"{people.admin}/mail/invitation")
    assert_accessible(office)
    press(office, "Send to all 5 voters with a mail address")
    site.wait_for_mail("eve@example.org")

    # 4. The voters.
    ada = people.someone()
    people.fill_in(ada, "ada", "Jonas", "Maps")
    replaced = cast(ada)

    bob = people.someone(width=390, height=800)
    people.fill_in(bob, "bob", "Ines", "A hut")
    lock = bob.locator(".lock-number").first.inner_text()
    bob.get_by_role("button", name="Test this device").click()
    second = people.someone(width=390, height=800)
    second.goto(bob.locator("#test-text").input_value())
    expect(second.get_by_role("heading", level=1)).to_have_text("This is what the other device locked")
    assert second.locator(".lock-number").first.inner_text() == lock
    for words in ("Ines", "A hut"):
        expect(second.locator("main")).to_contain_text(words)
    press(bob, "Yes: go on and vote")
    expect(bob.get_by_role("button", name="Cast my vote")).to_be_enabled()
    assert bob.locator(".lock-number").first.inner_text() != lock
    cast(bob)

    cleo = people.someone(width=320, height=640)
    people.fill_in(cleo, "cleo", "Ines", "A hut")
    assert_fits(cleo)
    cast(cleo)
    assert_fits(cleo)

    dan = people.someone(locale="fr-FR")
    people.fill_in(dan, "dan", "Kofi", "A feast (fr)", french)
    cast(dan, french)
    assert dan.locator("html").get_attribute("lang") == "fr"

    eve = people.someone()
    people.fill_in(eve, "eve", "Jonas", "Maps")
    watch.allowed.append("ERR_INTERNET_DISCONNECTED|Failed to load")
    sent: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if not sent:
            sent.append(route.request.url)
            route.fetch()  # the ballot arrives at the board
            eve.context.set_offline(True)
            route.abort("internetdisconnected")
        else:
            route.continue_()

    eve.route("**/log/entries", lose_the_answer)
    press(eve, "Cast my vote")
    expect(eve.get_by_role("status").filter(has_text="whether")).to_be_visible()
    assert "Your vote is in the ballot box." not in eve.inner_text("body")
    eve.context.set_offline(False)
    expect(eve.get_by_role("heading", level=1)).to_have_text("Your vote is in the ballot box.", timeout=60_000)

    people.fill_in(ada, "ada", "Ines", "A hut")
    with ada.expect_download() as saving:
        counted = cast(ada)
        press(ada, "Save the receipt")
    receipt = tmp_path / "receipt.json"
    saving.value.save_as(receipt)

    # 5. While voting is open, an observer without scripts looks at the board, and a voter looks up her tracker.
    observer = people.someone(java_script_enabled=False)
    observer.goto(people.public)
    expect(observer.locator("main")).to_contain_text("5 of 5")
    observer.goto(f"{people.public}/board")
    expect(observer.locator("main")).to_contain_text(counted)
    observer.goto(f"{people.public}/check?tracker={replaced}")
    expect(observer.locator("main")).to_contain_text("later vote")
    observer.goto(f"{people.public}/check?tracker={counted}")
    expect(observer.locator("main")).to_contain_text("ballot box")

    # 6. Closing, tally, decryption by one browser and the command line, publication.
    office.goto(f"{people.admin}/voting")
    office.get_by_label("to close the voting now").fill(NAME)
    press(office, "Close the voting now")
    expect(office.get_by_role("status").first).to_contain_text("closed")
    office.goto(f"{people.admin}/result")
    press(office, "Make the tally")
    expect(office.get_by_role("heading", name="Who has decrypted")).to_be_visible(timeout=30_000)
    bea.visit(invited=False)
    bea.open_key()
    bea.decrypt()
    carlo.do("decrypt")
    office.goto(f"{people.admin}/result")
    press(office, "Publish the result")
    expect(office.locator("main")).to_contain_text("VERIFIED", timeout=60_000)

    # 7. The observer: results, and the whole record rechecked from the address alone.
    observer.goto(f"{people.public}/results")
    expect(observer.locator("main")).to_contain_text("Ines")
    report = json.loads(run(verifier, "--json", people.public, "--allow-toy-group").stdout)
    assert report["verdict"] == "verified"
    results = observer.request.get(f"{people.public}/results.json").json()
    chair, proposal = results["questions"]
    assert (chair["totals"], chair["outcome"]["elected"]) == ([3, 1, 1, 0], [0])
    assert proposal["outcome"]["winners"] == [0]
    assert (results["turnout"]["counted"], results["turnout"]["ballots"]) == (5, 6)
    run(verifier, "receipt", receipt, "--record", people.public, "--allow-toy-group")
    run(verifier, "booth", people.public, "--allow-toy-group")
    assert "VERIFIED" in run(verifier, save_record(observer, people.public, tmp_path), "--allow-toy-group").stdout
    watch_closed_booth(people, "eve")
