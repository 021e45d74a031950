"""The whole life of an election on the administrator's pages, with a browser that has no scripts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.admin import AdminSite, Trustees, vote, wait_for
from voting.protocol.methods import ChooseSelection, GradesSelection
from voting.verifier.load import open_record
from voting.verifier.report import Verdict
from voting.verifier.verify import verify_record

VOTERS = b"id,email\nada,ada@example.org\nbob,bob@example.org\ncyd,cyd@example.org\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[AdminSite]:
    made = AdminSite(tmp_path)
    yield made
    made.close()


def test_from_the_first_click_to_the_archive(site: AdminSite, tmp_path: Path) -> None:
    browser = site.browser()

    page = browser.get("/admin/").follow("New election").form().fill(title="Board election", short="board").press()
    assert page.path == "/admin/e/board/"
    assert "Next step Question" in page.text or "Next step Title" in page.text or "Next step" in page.text
    assert "Freeze the election" not in page.text  # too early for that

    # Title and contact.
    page = browser.get("/admin/e/board/general").form().fill(contact="office@example.org").press("Save")
    assert page.path == "/admin/e/board/"

    # Two questions: the second by another method.
    page = browser.get("/admin/e/board/questions").form().press("Add a question")
    page = page.form("Add an option").type({"questions[1].title.en": "Who shall chair?"}).press("Add an option")
    form = page.form("Add an option").type(
        {
            "questions[1].options[1].en": "Ada",
            "questions[1].options[2].en": "Blaise",
            "questions[1].options[3].en": "Curie",
        }
    )
    page = form.press("Save")
    assert page.path == "/admin/e/board/questions"
    assert "complete" in page.text
    page = page.form("Add a question").press("Add a question")
    page = page.form("Use this method").fill(method="grades").press("Use this method")
    form = page.form("Save").type(
        {"questions[2].title.en": "How good?", "questions[2].options[1].en": "X", "questions[2].options[2].en": "Y"}
    )
    page = form.press("Save")
    assert page.path == "/admin/e/board/questions", page.text

    # Trustees.
    form = browser.get("/admin/e/board/trustees").form("Add a trustee")
    people = {f"trustees[{i}].name": name for i, name in enumerate(("Anna", "Bea", "Carlo"), start=1)}
    mails = {f"trustees[{i}].email": f"t{i}@example.org" for i in (1, 2, 3)}
    page = form.type({**people, **mails, "group": "toy-512"}).press("Save")
    assert page.path == "/admin/e/board/", page.text

    # Times.
    times = {"schedule.opens": "2098-03-02T09:00", "schedule.closes": "2098-03-09T18:00", "deletion": "2098-06-30"}
    page = browser.get("/admin/e/board/times").form().type({**times, "zone": "Europe/Paris"}).press("Save")
    assert page.path == "/admin/e/board/", page.text
    assert "Sunday 2 March 2098 at 09:00 Paris time (08:00 UTC)" in page.text

    # Voters.
    plan = site.services.voters.plan("board", VOTERS, is_whole=True)
    site.services.voters.carry_out("board", VOTERS, plan.digest, is_whole=True)

    # The rehearsal must come before the freeze.
    page = browser.get("/admin/e/board/freeze")
    assert "Rehearse" in page.text
    assert not any("Freeze for ever" in button[2] for form in page.forms for button in form.buttons)
    page = browser.get("/admin/e/board/rehearsal").form("Start").fill(voters="4").press("Start")
    page = wait_for(site, "rehearse board", page)
    assert "VERIFIED" in page.text
    assert "NOT VERIFIED" not in page.text
    assert "The made-up result" in page.text

    # Freeze.
    page = browser.get("/admin/e/board/").follow("Go there")
    assert page.path == "/admin/e/board/freeze"
    page = page.form("Freeze").fill(confirm="wrong").press("Freeze")
    assert page.status == 400
    page = page.form("Freeze").fill(confirm="board").press("Freeze")
    assert page.path == "/admin/e/board/", page.text
    hosted = site.services.elections.get("board")
    manifest = hosted.look(lambda record: record.require_manifest())
    assert manifest.hash in page.text
    assert [trustee.name for trustee in manifest.trustees] == ["Anna", "Bea", "Carlo"]
    assert manifest.schedule is not None
    assert manifest.schedule.opens == "2098-03-02T08:00:00.000Z"

    # The ceremony: invitations, whose move it is.
    page = browser.get("/admin/e/board/ceremony")
    page = page.form("Invite").press("Invite those who have not joined (3)")
    assert "3 messages are queued" in page.text
    trustees = Trustees(hosted)
    trustees.round(0, [1])
    page = browser.get("/admin/e/board/")
    assert "Bea must join the ceremony" in page.text
    trustees.round(0, [2, 3])
    for number in (1, 2, 3):
        trustees.round(number)
    page = browser.get("/admin/e/board/ceremony")
    assert "The key is made" in page.text

    # Codes, then open.
    assert "codes" in browser.get("/admin/e/board/").text
    site.services.codes.list_credentials(hosted)
    page = browser.get("/admin/e/board/voting").form("Open the voting now").fill(confirm="board").press("Open")
    assert page.path == "/admin/e/board/"
    assert "Voting is open" in page.text
    opened = hosted.look(lambda record: record.opened)
    assert opened is not None
    assert "booth/vote.html" in [file.path for file in opened.booth]

    # Votes, an announcement, a later end.
    vote(site, "board", "ada", [ChooseSelection((0,)), GradesSelection((0, 1))])
    vote(site, "board", "bob", [ChooseSelection((0,)), GradesSelection((0, 1))])
    page = browser.get("/admin/e/board/voting").form("Publish").fill(text="The hall is open.").press("Publish")
    assert "The hall is open." in page.text
    page = page.form("Move the end").fill(closes="2098-03-10T18:00").press("Move")
    assert "Monday 10 March 2098 at 18:00 Paris time" in page.text
    site.clock.move(minutes=1)
    assert "2 of 3 have voted (66.7 %)" in browser.get("/admin/e/board/").text

    # Close, tally, decrypt, publish.
    page = browser.get("/admin/e/board/voting").form("Close the voting now").fill(confirm="board").press("Close")
    assert "Voting is closed" in page.text
    page = browser.get("/admin/e/board/").follow("Go there").form("Make the tally").press("Make the tally")
    page = wait_for(site, "result board", page)
    assert "2 more trustees must decrypt" in page.text
    page = page.form("Remind").press("Remind those who have not decrypted")
    assert "3 messages are queued" in page.text
    trustees.decrypt(1)
    trustees.decrypt(3)
    page = browser.get("/admin/e/board/result").form("Publish the result").press("Publish the result")
    page = wait_for(site, "result board", page)
    assert "VERIFIED: " in page.text, page.text
    assert "Elected: Ada." in page.text

    # Archive: it verifies without the site.
    page = browser.get("/admin/e/board/").follow("Go there").form("Make the archive").press("Make the archive")
    page = wait_for(site, "result board", page)
    data = page.follow("Save the archive").data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sorted(archive.namelist()) == [
            "board/index.html",
            "board/record.zip",
            "board/report.txt",
            "board/style.css",
        ]
        (tmp_path / "record.zip").write_bytes(archive.read("board/record.zip"))
        assert "Elected: Ada." in archive.read("board/index.html").decode()
    with open_record(tmp_path / "record.zip") as source:
        assert verify_record(source, allow_toy=True).verdict is Verdict.VERIFIED
    assert "Archived" in browser.get("/admin/e/board/").text

    # The log of acts shows them all, and no ballot.
    acts = browser.get("/admin/e/board/acts").text
    for words in (
        "defined",
        "A trustee joined Anna",
        "opened",
        "Announcement The hall is open.",
        "moved",
        "published",
    ):
        assert words in acts
    assert "ballot.cast" not in acts
