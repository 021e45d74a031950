"""The trustees' page in Chromium, with `urne-trustee` beside it, on one real board."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from msgspec.structs import replace

from tests.browser.page_trustee import PageTrustee
from tests.browser.trustee_site import TrusteeSite, serve
from tests.integration.test_trustee_ceremony import wrong_deal
from tests.integration.test_trustee_decryption import force_tally, honest_tally, single_ballot
from tests.simulators.record import ADA
from tests.simulators.trustees import PASSPHRASE, TIME, TrusteeOffice
from trustee_tools import ceremony as rounds
from trustee_tools.sources import open_view
from trustee_tools.status_text import fingerprint
from voting.crypto.signatures import SigningKey
from voting.election.ceremony import Ceremony
from voting.protocol.encoding import Hash, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.messages import ConstraintProof, TrusteeAnswered, TrusteeJoined

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Route

    from tests.browser.conftest import Watch


class Come(Protocol):
    """Gives the trustee of a number in a browser of their own, who has opened the page."""

    def __call__(self, index: int, *, by_itself: bool = False) -> PageTrustee:
        """`by_itself`: the page looks for news on its own."""


@pytest.fixture
def office(tmp_path: Path) -> TrusteeOffice:
    """Three trustees with key files of their own, two needed; nobody has joined."""
    return TrusteeOffice(tmp_path, trustees=3, threshold=2)


@pytest.fixture
def site(office: TrusteeOffice) -> Iterator[TrusteeSite]:
    with serve(office) as running:
        yield running


@pytest.fixture
def come(browser: Browser, watch: Watch, site: TrusteeSite, office: TrusteeOffice, tmp_path: Path) -> Come:
    """Gives the trustee of a number in a browser of their own, who has opened the page."""

    def _come(index: int, *, by_itself: bool = False) -> PageTrustee:
        context = watch(browser.new_context(locale="en", accept_downloads=True))
        trustee = PageTrustee(context.new_page(), site, index, tmp_path)
        trustee.use(office.key(index), PASSPHRASE)
        if not by_itself:
            trustee.only_when_asked()
        trustee.visit()
        return trustee

    return _come


def replayed(office: TrusteeOffice) -> Ceremony:
    with open_view(office.folder, allow_toy=True) as view:
        return view.record.require_ceremony()


def entries(office: TrusteeOffice) -> int:
    with open_view(office.folder, allow_toy=True) as view:
        return view.size


# -- the whole way -----------------------------------------------------------------------------------------------------


def test_a_ceremony_and_a_decryption_with_two_browsers_and_one_terminal(office: TrusteeOffice, come: Come) -> None:
    anna, bea = come(1), come(2)
    anna.make_key()
    anna.move("join")
    bea.open_key()
    bea.press("That is me")
    bea.move("join")
    office.join(3)
    for heading in ("commit", "send the shares", "confirm"):
        for trustee in (bea, anna):
            trustee.look()
            trustee.move(heading)
        office.step(3)
    assert replayed(office).complete
    office.vote()
    anna.look()
    assert "Waiting for the administrator to compute the encrypted tally" in anna.page.inner_text("main")
    office.tally()
    # Anna comes back on another day: nothing is kept in the browser but what everybody may know.
    anna.visit(invited=False)
    anna.open_key()
    anna.decrypt()
    office.decrypt(3)
    assert office.result() == (2, 1, 0)
    bea.look()
    assert "The result was published" in bea.page.inner_text("main")


def test_one_key_file_in_browser_and_terminal_by_turns(office: TrusteeOffice, come: Come, tmp_path: Path) -> None:
    bea = come(2)
    bea.make_key()
    bea.move("join")
    passphrase_file = tmp_path / "of-bea"
    passphrase_file.write_text(bea.passphrase + "\n")
    passphrase_file.chmod(0o600)
    office.join(1)
    office.join(3)
    key: list[str | Path] = ["--key", bea.file, "--yes", "--passphrase-file", passphrase_file, "--allow-toy-group"]
    assert "trustee.committed" in office.run("step", office.folder, *key).stdout
    for index in (1, 3):
        office.step(index)
    bea.look()
    bea.move("send the shares")
    for index in (1, 3):
        office.step(index)
    assert "trustee.confirmed" in office.run("step", office.folder, *key).stdout
    checked = office.run("check", bea.file, office.folder, "--passphrase-file", passphrase_file, "--allow-toy-group")
    assert "All 3 shares open and fit" in checked.stdout


def test_the_page_says_whose_move_it_is(office: TrusteeOffice, come: Come) -> None:
    office.join(1)
    anna = come(1)
    assert "Step 1 of 8." in anna.page.inner_text("main")
    rows = anna.page.locator("tbody tr").all_inner_texts()
    assert ["has joined" in row for row in rows] == [True, False, False]
    assert ["has to join" in row for row in rows] == [False, True, True]
    anna.open_key()
    text = anna.page.inner_text("main")
    assert "There is nothing for you to do now." in text
    assert "Waiting for Trustee 2, Trustee 3 to join (since " in text
    assert fingerprint(office.secrets(1).signing_key.verify_key.raw) in text
    office.join(2)
    office.join(3)
    anna.look()
    assert anna.page.get_by_role("heading", name="Your move: commit").is_visible()
    assert anna.page.title().startswith("Your move · ")


def test_the_open_page_finds_the_news_by_itself(office: TrusteeOffice, come: Come) -> None:
    office.join(1)
    anna = come(1, by_itself=True)
    anna.page.clock.install()
    anna.visit()
    anna.open_key()
    office.join(2)
    office.join(3)
    anna.page.clock.run_for(20_000)
    anna.page.get_by_role("heading", name="Your move: commit").wait_for()
    assert "It is your move." in anna.page.locator("#status").inner_text()


# -- key files ---------------------------------------------------------------------------------------------------------


def test_nothing_is_published_before_file_and_passphrase_were_shown_to_be_kept(
    office: TrusteeOffice, come: Come, tmp_path: Path
) -> None:
    bea = come(2)
    page = bea.page
    bea.press("Make my key")
    bea.press("Go on")
    passphrase = page.locator(".passphrase").inner_text()
    bea.press("I have written it down")
    assert passphrase not in page.inner_text("body")
    page.get_by_label("Type the passphrase from your paper").fill("lusab-babad-gutih-tugad-mabiv")
    bea.press("Go on")
    assert "That is not the same passphrase." in page.get_by_role("alert").inner_text()
    page.get_by_label("Type the passphrase from your paper").fill(passphrase.upper().replace("-", " "))
    bea.press("Go on")
    page.get_by_role("heading", name="Save your key file").wait_for()
    assert page.get_by_role("button", name="I have saved it").is_disabled()
    assert bea.save_key() == "club-trustee-2.key"
    bea.press("I have saved it")
    bea.passphrase = passphrase
    bea.fill_key_form("Open it", passphrase="lusab-babad-gutih-tugad-mabiv")
    page.locator(".note.bad", has_text="The passphrase does not open this key file.").wait_for()
    bea.fill_key_form("Open it", file=office.key(2), passphrase=PASSPHRASE)
    page.locator(".note.bad", has_text="This is another key file than the one just made.").wait_for()
    assert entries(office) == 1
    bea.unlock("Open it")
    assert page.get_by_role("heading", name="Your move: join").is_visible()
    assert entries(office) == 1
    text = page.inner_text("main")
    assert "You are about to join as trustee 2, Trustee 2." in text
    assert office.manifest.hash in text


def test_files_that_do_not_open_say_why(office: TrusteeOffice, come: Come, tmp_path: Path) -> None:
    office.join(1)
    anna = come(1)
    page = anna.page
    damaged, other = tmp_path / "damaged.key", tmp_path / "photo.jpg"
    damaged.write_bytes(office.key(1).read_bytes().replace(b"label: Trustee 1", b"label: Trustee 7"))
    other.write_bytes(b"\xff\xd8\xff" * 1000)
    board = office.folder / "keys" / "board.key"
    anna.press("Open my key file")
    for file, passphrase, text in (
        (office.key(1), "wrong", "The passphrase does not open this key file."),
        (damaged, PASSPHRASE, "This key file is damaged."),
        (other, PASSPHRASE, "This is not a key file of this voting system."),
        (board, PASSPHRASE, "This is a key file of another kind (board)"),
        (office.key(1), "", "The passphrase is empty."),
    ):
        anna.fill_key_form("Open", file=file, passphrase=passphrase)
        page.locator(".note.bad", has_text=text).wait_for()
    anna.unlock("Open")
    assert "Your key is open: trustee 1, Trustee 1." in page.inner_text("main")
    anna.press("Close my key")
    assert page.get_by_role("button", name="Open my key file").is_visible()


def test_a_key_file_that_took_no_part_is_told_so(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 3], rounds=1)
    dora = come(2)
    dora.open_key()
    # While places are free, who one is must be said: a place that is taken is not offered.
    assert dora.page.get_by_role("heading", name="Which trustee are you?").is_visible()
    assert dora.page.get_by_role("radio").count() == 1
    office.run("step", office.folder, "--key", office.keys / "2.copy", "--index", "2", "--yes", *office.unattended())
    dora.use(office.key(1), PASSPHRASE)
    dora.visit()
    dora.open_key()
    assert "trustee 1, Trustee 1" in dora.page.inner_text("main")
    (office.keys / "other.key").write_bytes(office.key(2).read_bytes())
    stranger = TrusteeOffice(office.keys / "elsewhere", trustees=5, threshold=3)
    dora.use(stranger.key(5), PASSPHRASE)
    dora.visit()
    dora.open_key()
    assert "No trustee of this election has joined with this key file." in dora.page.inner_text("main")


def test_possession_is_proved_without_a_network(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3])
    size = entries(office)
    anna = come(1)
    anna.page.context.set_offline(True)
    anna.press("Check my key file")
    anna.fill_key_form("Check", passphrase="wrong")
    anna.page.locator(".note.bad", has_text="The passphrase does not open").wait_for()
    anna.fill_key_form("Check")
    anna.page.get_by_role("heading", name="What was found").wait_for()
    found = anna.page.inner_text("main")
    assert "Its keys are those of trustee 1, Trustee 1, on the board." in found
    assert "All 3 shares open and fit, and together they give your part of the joint key." in found
    assert fingerprint(replayed(office).joint_key().encode()) in found
    assert entries(office) == size


# -- when somebody cheats ----------------------------------------------------------------------------------------------


def test_a_wrong_share_is_complained_about_and_the_answer_settles_it(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3], rounds=2)
    office.append(*wrong_deal(office, 2, [3]))
    for index in (1, 3):
        office.step(index)
    carlo, bea = come(3), come(2)
    carlo.press("Check my key file")
    carlo.fill_key_form("Check")
    carlo.page.get_by_text("A share does not open, or does not fit: that of Trustee 2.").wait_for()
    carlo.press("Back to the overview")
    carlo.open_key()
    assert "the share from Trustee 2 does not open or does not fit" in carlo.page.inner_text("main")
    carlo.move("complain")
    assert "has complained about Trustee 2" in carlo.page.inner_text("table")
    office.step(1)
    bea.open_key()
    bea.move("answer a complaint")
    bea.move("confirm")
    carlo.look()
    carlo.move("confirm")
    assert replayed(office).complete


def test_a_dealer_who_is_caught_ends_the_ceremony_and_is_named(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3], rounds=2)
    office.append(*wrong_deal(office, 2, [3]))
    for index in (1, 3, 3):
        office.step(index)
    secrets = office.secrets(2)
    answer = rounds.answer(secrets, replayed(office), 3, TIME)
    content = json.loads(answer.body)["content"]
    content["share"] = "A" * 43
    forged = TrusteeAnswered(**content)
    office.append(
        "trustee.answered",
        sign_content("trustee.answered", office.manifest.hash, forged, secrets.signing_key),
    )
    carlo, bea = come(3), come(2)
    carlo.open_key()
    bea.open_key()
    assert "The ceremony has failed: Trustee 2 dealt a wrong share." in carlo.page.inner_text("main")
    assert "has dealt a wrong share" in carlo.page.inner_text("table")
    office.restart([2])
    carlo.look()
    # The notes say who this key is, though nobody has joined the new ceremony yet.
    carlo.move("join")
    bea.look()
    assert "You were left out of this ceremony." in bea.page.inner_text("main")


def refuse(trustee: PageTrustee, *words: str) -> None:
    """The page must end with an alarm that says these words."""
    trustee.page.get_by_role("heading", name="Stop: something is wrong").wait_for()
    trustee.page.locator("summary").click()
    text = trustee.page.inner_text("main")
    for word in words:
        assert word in text


def test_a_tally_that_is_not_the_product_is_refused(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3])
    office.vote()
    tally = honest_tally(office)
    force_tally(office, type(tally)(tally.ballots, tally.election, tally.time, single_ballot(office), tally.weight))
    size = entries(office)
    anna = come(1)
    anna.open_key()
    anna.press("Check the ballots")
    refuse(anna, "tally.encrypted", "is not the product of the counted ballots")
    with anna.page.expect_download() as download:
        anna.press("Save what was found")
    evidence = json.loads(download.value.path().read_text())
    assert evidence["manifest"] == office.manifest.hash
    assert evidence["entries"] == size
    assert "check 17" in evidence["detail"]
    assert entries(office) == size


def test_a_ballot_that_does_not_hold_is_refused(office: TrusteeOffice, come: Come, site: TrusteeSite) -> None:
    office.ceremony([1, 2, 3])
    office.vote()
    office.tally()
    with open_view(office.folder, allow_toy=True) as view:
        place = view.record.ballots[1].seq
    anna = come(1)
    anna.open_key()

    def swap(path: str, data: bytes) -> bytes:
        """A board that shows other ballots when they are read for the second time."""
        lines = data.split(b"\n")
        if "/bodies" in path and f"start={place - 1}&" in path:
            lines[0], lines[1] = lines[1], lines[0]
        return b"\n".join(lines)

    site.spoil = swap
    anna.press("Check the ballots")
    refuse(anna, "has changed while it was being read")


def forge(body: bytes, manifest: Hash, voter: SigningKey) -> bytes:
    """A ballot with a response that does not hold, signed by its voter."""
    ballot = parse_body("ballot.cast", body, what="ballot").content
    first, *rest = ballot.proofs
    wrong = ConstraintProof(first.challenges, (first.responses[1], *first.responses[1:]))
    return sign_content("ballot.cast", manifest, replace(ballot, proofs=(wrong, *rest)), voter)


def test_a_ballot_whose_proof_does_not_hold_is_refused(
    office: TrusteeOffice, come: Come, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ceremony([1, 2, 3])
    honest = office.append

    def append(entry_type: str, body: bytes, *hints: bytes) -> int:
        """A dishonest board takes what its administrator wants; only the last voter's ballot is forged."""
        voter = SigningKey.from_seed(bytes([52]) * 32)
        if entry_type == "ballot.cast" and to_base64(voter.verify_key.raw).encode() in body:
            return honest(entry_type, forge(body, office.manifest.hash, voter), check=False)
        return honest(entry_type, body, *hints, check=False)

    monkeypatch.setattr(office, "append", append)
    office.vote()
    office.tally()
    anna = come(1)
    anna.open_key()
    anna.press("Check the ballots")
    refuse(anna, "check 14", "the proofs of the ballot do not hold")


def test_a_second_tally_is_refused(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3])
    office.vote()
    office.tally()
    anna = come(1)
    anna.open_key()
    anna.page.evaluate(
        """() => {
          for (const name of Object.keys(localStorage)) {
            const seen = JSON.parse(localStorage[name]);
            localStorage[name] = JSON.stringify({ ...seen, tally: "0".repeat(64) });
          }
        }"""
    )
    anna.press("Check the ballots")
    refuse(anna, "This is a second tally")


def test_a_single_ballot_is_warned_about(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3])
    office.vote((ADA,))
    office.tally()
    anna = come(1)
    anna.open_key()
    anna.press("Check the ballots")
    anna.page.get_by_text("Warning: one single ballot is counted.").wait_for()
    assert "This browser has no notes of earlier visits" in anna.page.inner_text("main")
    anna.press("Not now")
    assert anna.page.get_by_role("heading", name="Your move: decrypt the result").is_visible()


@pytest.mark.parametrize(
    ("part", "old", "new", "word"),
    [
        ("/bodies", b"Trustee 2", b"Trustee X", "its body is not the one that its header names"),
        ("/headers", b'"seq":1', b'"seq":2', "does not follow the entry before it"),
        ("/checkpoint", b"\n2\n", b"\n1\n", "checkpoint"),
        ("/checkpoint", b"board.example", b"other.example", "checkpoint"),
    ],
)
def test_a_site_that_lies_is_found(
    office: TrusteeOffice, come: Come, site: TrusteeSite, part: str, old: bytes, new: bytes, word: str
) -> None:
    office.join(1)
    site.spoil = lambda path, data: data.replace(old, new) if part in path else data
    refuse(come(1), word)


def test_a_board_that_has_lost_entries_is_found(office: TrusteeOffice, come: Come, site: TrusteeSite) -> None:
    office.join(1)
    older: dict[str, bytes] = {}
    site.spoil = lambda path, data: older.setdefault(path, data) if "/checkpoint" in path else data
    anna = come(1)
    site.spoil = None
    office.join(2)
    anna.visit()
    anna.open_key()
    site.spoil = lambda path, data: older.get(path, data)
    anna.press("Look for news")
    refuse(anna, "check 21", "is shorter than what this page has read before")
    # Nor on another day, in a page that has read nothing yet.
    anna.visit()
    anna.press("Open my key file")
    anna.fill_key_form("Open")
    refuse(anna, "check 21", "is not what this browser has seen with this key before")


def test_the_board_shows_other_keys_than_ones_own(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3], rounds=1)
    anna = come(1)
    anna.page.evaluate("() => localStorage.clear()")
    anna.open_key()
    office.restart([])
    # Somebody joins in Anna's place with her signing key, but another promise.
    secrets, ceremony = office.secrets(1), replayed(office)
    honest = rounds.join(secrets, ceremony, TIME)
    content = json.loads(honest.body)["content"]
    content["commitments"] = "0" * 64
    forged = TrusteeJoined(**content)
    office.append("trustee.joined", sign_content("trustee.joined", office.manifest.hash, forged, secrets.signing_key))
    anna.page.locator("#move").click()
    refuse(anna, "The board shows other keys for you than this key file gives.")


# -- when the network or the trustee stumbles --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, 503])
def test_a_lost_answer_is_found_by_itself(office: TrusteeOffice, come: Come, watch: Watch, status: int | None) -> None:
    watch.allowed.append("ERR_FAILED|503")
    anna = come(1)

    def lose(route: Route) -> None:
        route.fetch()
        if status is None:
            route.abort()
        else:
            route.fulfill(status=status)

    anna.page.route("**/log/entries", lose, times=1)
    anna.open_key()
    anna.press("That is me")
    anna.move("join")
    assert entries(office) == 2


def test_a_checkpoint_of_a_moment_ago_is_no_alarm(office: TrusteeOffice, come: Come, site: TrusteeSite) -> None:
    anna = come(1)
    anna.open_key()
    anna.press("That is me")
    older: list[bytes] = []

    def lag(path: str, data: bytes) -> bytes:
        """A cache that keeps a checkpoint for a while: the first two answers are the same."""
        if "/checkpoint" not in path:
            return data
        older.append(data)
        return older[0] if len(older) <= 2 else data

    site.spoil = lag
    anna.move("join")
    assert len(older) == 3


def test_without_a_network_nothing_is_lost_and_the_same_entry_is_sent_again(
    office: TrusteeOffice, come: Come, watch: Watch
) -> None:
    watch.allowed.append("ERR_FAILED|ERR_INTERNET_DISCONNECTED")
    office.ceremony([1, 2, 3], rounds=1)
    anna = come(1)
    anna.open_key()
    sent: list[str | None] = []

    def cut(route: Route) -> None:
        sent.append(route.request.post_data)
        route.abort()

    anna.page.route("**/log/entries", cut, times=1)
    anna.page.locator("#move").click()
    anna.page.locator(".note.bad", has_text="The site does not answer.").wait_for()
    assert "Nothing is lost." in anna.page.locator(".note.bad").inner_text()
    assert entries(office) == 4
    with anna.page.expect_request("**/log/entries") as request:
        anna.move("commit")
    assert request.value.post_data == sent[0]
    assert entries(office) == 5


def test_when_the_election_cannot_be_read_one_tries_again(come: Come, watch: Watch) -> None:
    watch.allowed.append("ERR_FAILED|503")
    anna = come(1)
    anna.page.goto("about:blank")
    anna.page.route("**/log/checkpoint", lambda route: route.fulfill(status=503), times=1)
    anna.visit()
    assert "The site cannot do this at the moment." in anna.page.get_by_role("alert").inner_text()
    anna.press("Try again")
    anna.page.get_by_role("button", name="Make my key").wait_for()


def test_reloading_in_the_middle_loses_nothing_but_asks_first(office: TrusteeOffice, come: Come) -> None:
    bea = come(2)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    bea.page.on("dialog", answer)
    bea.press("Make my key")
    bea.press("Go on")
    bea.page.get_by_role("heading", name="Your passphrase").wait_for()
    bea.page.reload()
    bea.page.wait_for_selector("html[data-ready]")
    assert asked == ["beforeunload"]
    bea.open_key()
    # The invitation says who; the trustee only agrees.
    assert bea.page.get_by_role("radio", checked=True).count() == 1
    bea.press("That is me")
    bea.move("join")
    bea.page.reload()
    bea.page.wait_for_selector("html[data-ready]")
    assert asked == ["beforeunload"]
    bea.open_key()
    assert "Your key is open: trustee 2, Trustee 2." in bea.page.inner_text("main")
    assert entries(office) == 2


def test_a_move_that_somebody_else_has_made_meanwhile_is_not_made_twice(office: TrusteeOffice, come: Come) -> None:
    office.ceremony([1, 2, 3], rounds=1)
    anna = come(1)
    anna.open_key()
    office.step(1)
    anna.page.locator("#move").click()
    anna.page.locator(".note.bad", has_text="Something has changed on the board meanwhile.").wait_for()
    assert "There is nothing for you to do now." in anna.page.inner_text("main")


def test_nothing_secret_reaches_network_address_or_storage(office: TrusteeOffice, come: Come) -> None:
    office.join(1)
    office.join(3)
    bea = come(2)
    requests: list[str] = []
    bea.page.on("request", lambda request: requests.append(f"{request.url} {request.post_data}"))
    bea.make_key()
    bea.move("join")
    stored = bea.page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    sealed = bea.file.read_text().split("sealed: ")[1].split("\n")[0]
    everything = "\n".join([*requests, stored, bea.page.url, bea.page.content()])
    assert bea.passphrase not in everything
    assert sealed not in everything
    assert [line for line in requests if "POST" in line or "entries" in line]
