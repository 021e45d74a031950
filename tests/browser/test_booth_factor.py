"""The second factor in the booth: asked for before the questions; a token that has gone stale costs no choices."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bulletin_board.errors import TokenError
from bulletin_board.log import Submission
from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.browser.booth_site import BoothSite
from tests.browser.booth_walk import cast, enter_code, heading
from tests.browser.conftest import Watch
from voting.crypto.kdf import frame
from voting.crypto.signatures import VerifyKey
from voting.protocol.encoding import from_base64
from voting.protocol.errors import UrneError
from voting.protocol.moment import parse_moment
from voting.site.elections import HostedElection


class Refusal(UrneError):
    def __init__(self, code: str) -> None:
        super().__init__("no")
        self.code = code


class Post:
    """A second factor whose mails land in a list."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.tokens: set[str] = set()
        self.refusals: list[str] = []

    def request(self, election: HostedElection, credential: str, time: str, signature: str) -> str:
        if self.refusals:
            raise Refusal(self.refusals.pop())
        parse_moment(time)
        manifest = election.look(lambda record: record.require_manifest().hash)
        signed = frame(b"urne-v1-factor", bytes.fromhex(manifest), time.encode())
        key = VerifyKey.decode(from_base64(credential, 32, what="credential"))
        key.verify(signed, from_base64(signature, 64, what="signature"))
        self.sent.append(f"{secrets.randbelow(10**6):06}")
        return "a•••@example.org"

    def confirm(self, election: HostedElection, credential: str, code: str, signature: str) -> str:
        manifest = election.look(lambda record: record.require_manifest().hash)
        key = VerifyKey.decode(from_base64(credential, 32, what="credential"))
        signed = frame(b"urne-v1-factor-confirm", bytes.fromhex(manifest), code.encode())
        key.verify(signed, from_base64(signature, 64, what="signature"))
        if code != self.sent[-1]:
            raise Refusal("factor-wrong")
        self.tokens.add(token := secrets.token_urlsafe(32))
        return token

    def gate(self, submission: Submission, token: str | None) -> None:
        if submission.type == "ballot.cast" and token not in self.tokens:
            raise TokenError("needs a one-time code")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def site(tmp_path: Path, post: Post) -> Iterator[BoothSite]:
    with BoothSite(tmp_path, voters=1, factor=post) as served:
        served.hosted.gate = post.gate
        yield served


@pytest.fixture(autouse=True)
def _expected_console_errors(watch: Watch) -> None:
    watch.allowed.append("Failed to load resource")


def ask(page: Page, site: BoothSite) -> None:
    """Up to the page that asks for the six digits."""
    enter_code(page, site, site.codes[0])
    page.get_by_role("button", name="Start").click()
    heading(page, "One-time code by e-mail")


def give(page: Page, code: str) -> None:
    page.get_by_label("The six digits").fill(code)
    page.get_by_role("button", name="Continue").click()


def choose_and_review(page: Page) -> None:
    page.get_by_label("Blaise").check()
    page.get_by_role("button", name="Next question").click()
    page.get_by_label("Monday").check()
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()


def test_a_vote_with_a_one_time_code(page: Page, site: BoothSite, post: Post) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    ask(page, site)
    expect(page.get_by_role("status").filter(has_text="a•••@example.org")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    assert_targets(page)
    for typed, words in (("12", "The code has six digits."), (f"{(int(post.sent[0]) + 1) % 10**6:06}", "not the code")):
        give(page, typed)
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.locator("#factor-problem")).to_contain_text("Your vote was not counted.")
        expect(page.get_by_label("The six digits")).to_be_focused()
    page.get_by_role("button", name="Send another code").click()
    expect(page.locator("#factor-problem")).to_be_empty()
    while len(post.sent) < 2:
        page.wait_for_timeout(50)
    give(page, f"{post.sent[1][:3]} {post.sent[1][3:]}")
    heading(page, "Who shall chair?")
    choose_and_review(page)
    cast(page)
    assert site.ballots() == 1
    assert not any(code in asked for asked in site.requests for code in post.sent)


def test_a_stale_token_asks_again_and_keeps_the_choices(page: Page, site: BoothSite, post: Post) -> None:
    ask(page, site)
    expect(page.get_by_role("status").filter(has_text="@example.org")).to_be_visible()
    give(page, post.sent[-1])
    choose_and_review(page)
    post.tokens.clear()
    page.get_by_role("button", name="Cast my vote").click()
    expect(page.get_by_role("alert")).to_contain_text("Your confirmation by e-mail has expired")
    expect(page.get_by_role("alert")).to_contain_text("Your vote was not counted.")
    assert site.ballots() == 0
    page.get_by_role("button", name="Ask for a new one-time code").click()
    heading(page, "One-time code by e-mail")
    while len(post.sent) < 2:
        page.wait_for_timeout(50)
    give(page, post.sent[-1])
    heading(page, "Check your choices")
    expect(page.locator("main")).to_contain_text("Blaise")
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    cast(page)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ("factor-no-address", "No e-mail address is known for you."),
        ("factor-too-many", "Too many codes were asked for."),
        ("factor-signature", "The clock of this device seems to be wrong."),
    ],
)
def test_why_no_code_is_sent(page: Page, site: BoothSite, post: Post, refusal: str, words: str) -> None:
    post.refusals.append(refusal)
    ask(page, site)
    expect(page.get_by_role("alert")).to_contain_text(words)
    page.get_by_role("button", name="Send another code").click()
    expect(page.get_by_role("status").filter(has_text="a•••@example.org")).to_be_visible()
