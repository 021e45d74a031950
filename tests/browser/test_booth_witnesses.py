"""The booth where witnesses must sign: it waits for them, says so, asks again by itself, and believes nothing less."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from bulletin_board import cosigning
from bulletin_board.cosigning import Cosigner
from bulletin_board.witness_settings import read_witness_settings
from tests.browser.axe import assert_accessible
from tests.browser.booth_site import CLUB, NAME, BoothSite
from tests.browser.booth_walk import SUCCESS, to_review, tracker
from tests.browser.conftest import Watch
from tests.simulators.witnesses import SimulatedWitness, lying_witness, new_http, write_settings
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.proof import parse_receipt
from voting.protocol.tlog.receipt_file import read_receipt_file
from voting.protocol.tlog.witnesses import verify_quorum
from voting.site import elections

NAMES = ("w1.example", "w2.example", "w3.example")
WAITS = "Its witnesses have not signed yet"
NOT_YET = "The witnesses of this election have not signed yet"


class WitnessedSite(BoothSite):
    """The club election with three witnesses, of whom two must sign. `are_here` switches them on and off."""

    def __init__(self, folder: Path) -> None:
        self.witnesses: list[SimulatedWitness] = [lying_witness(name) for name in NAMES]
        vkeys = ", ".join(f'"{witness.key.vkey}"' for witness in self.witnesses)
        super().__init__(folder, f"witnesses = [{vkeys}]\nquorum = 2\n{CLUB}", voters=6)
        self.policy = self.manifest.witness_policy()

    def set_here(self, are_here: bool) -> None:
        def refuse() -> None:
            raise ConnectionError("no answer")

        for witness in self.witnesses:
            witness.before = (lambda: None) if are_here else refuse


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessedSite]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        served: list[WitnessedSite] = []

        def start(board: Path) -> Cosigner:
            all_of_them = [lying_witness(name) for name in NAMES] if not served else served[0].witnesses
            write_settings(board, all_of_them, 2)
            cosigner = Cosigner(board, read_witness_settings(board), new_http=new_http(all_of_them))
            cosigner.start()
            return cosigner

        patch.setattr(elections, "start_cosigner", start)
        patch.setattr(elections, "QUORUM_SECONDS", 0.5)
        patch.setattr(cosigning, "SECONDS_BETWEEN_ROUNDS", 0.02)
        patch.setattr(cosigning, "SECONDS_BETWEEN_LOOKS", 0.1)
        patch.setattr(cosigning, "LONGEST_REST", 0.2)
        made = WitnessedSite(folder)
        # The cosigner of the opening knows other witnesses of these names; from here on those of the site are asked.
        made.elections.close()
        served.append(made)
        made.hosted = made.elections.get(NAME)
        assert made.hosted.settle(10)
        with made:
            yield made


@pytest.fixture(autouse=True)
def _here(site: WitnessedSite) -> Iterator[None]:
    site.set_here(True)
    yield
    site.set_here(True)


@pytest.fixture
def code(site: WitnessedSite) -> str:
    return site.codes.pop()


@pytest.fixture(autouse=True)
def _expected_console_errors(watch: Watch) -> None:
    watch.allowed.append("Failed to load resource")


def status(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def test_the_quorum_comes_late(page: Page, site: WitnessedSite, code: str) -> None:
    before = site.ballots()
    to_review(page, site, code)
    site.set_here(False)
    posts: list[str] = []
    page.on("request", lambda asked: posts.append(asked.post_data or "") if asked.method == "POST" else None)
    page.get_by_role("button", name="Cast my vote").click()
    status(page, WAITS)
    assert_accessible(page)
    page.wait_for_timeout(1500)
    status(page, WAITS)
    assert SUCCESS not in page.inner_text("body")
    assert "It is not known" not in page.inner_text("body")
    assert site.ballots() == before + 1, "it is on the disk"
    site.set_here(True)
    tracker(page)
    assert site.ballots() == before + 1
    assert len(set(posts)) == 1, "the very same bytes each time"
    with page.expect_download() as saved:
        page.get_by_role("button", name=re.compile("receipt", re.I)).first.click()
    receipt = read_receipt_file(Path(saved.value.path()).read_bytes())
    note = parse_receipt(receipt.proof.encode()).checkpoint
    assert len(verify_quorum(note, site.policy, board=parse_vkey(site.manifest.board))) >= 2


def test_a_receipt_without_the_quorum_is_no_success(page: Page, site: WitnessedSite, code: str) -> None:
    """A board that signs alone: its receipt is good but for the witnesses. The booth waits, and asks again."""
    left = [2]

    def alone(route: Route) -> None:
        answer = route.fetch()
        if left[0] <= 0 or answer.status >= 300:
            route.fulfill(response=answer)
            return
        left[0] -= 1
        file = json.loads(answer.text())
        lines = file["proof"].splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(tuple(f"\u2014 {name} " for name in NAMES))]
        route.fulfill(status=201, json={"header": file["header"], "proof": "".join(kept)})

    page.route("**/log/entries", alone)
    to_review(page, site, code)
    page.get_by_role("button", name="Cast my vote").click()
    status(page, WAITS)
    tracker(page)
    assert left[0] == 0


def test_a_wrong_signature_of_a_witness_is_a_failure(page: Page, site: WitnessedSite, code: str) -> None:
    def spoil(route: Route) -> None:
        answer = route.fetch()
        file = json.loads(answer.text())
        lines = file["proof"].splitlines(keepends=True)
        at = next(place for place, line in enumerate(lines) if line.startswith("\u2014 w"))
        head, _, encoded = lines[at].rpartition(" ")
        middle = len(encoded) // 2
        other = "A" if encoded[middle] != "A" else "B"
        lines[at] = f"{head} {encoded[:middle]}{other}{encoded[middle + 1 :]}"
        route.fulfill(status=201, json={"header": file["header"], "proof": "".join(lines)})

    page.route("**/log/entries", spoil)
    to_review(page, site, code)
    page.get_by_role("button", name="Cast my vote").click()
    expect(page.get_by_role("heading", name="The answer of the ballot box does not hold")).to_be_visible()


def test_the_trustee_page_waits_too(page: Page, site: WitnessedSite) -> None:
    read = """async () => {
        const { ElectionView } = await import("/booth/js/trustee/source.js");
        const view = new ElectionView(location.origin + "/e/club");
        const errors = [];
        for (let times = 0; times < 2; times += 1) await view.refresh().catch((error) => errors.push(error.code));
        return { size: view.size, errors };
    }"""
    left = [1]

    def alone(route: Route) -> None:
        lines = route.fetch().text().splitlines(keepends=True)
        left[0] -= 1
        route.fulfill(body="".join(line for line in lines if left[0] < 0 or not line.startswith("\u2014 w")))

    page.route("**/log/checkpoint", alone)
    page.goto(site.vote)
    found = page.evaluate(read)
    assert found["errors"] == ["unavailable"], "a quorum that is missing is no alarm, and the page can go on"
    assert found["size"] > 0


def test_an_election_that_is_not_signed_yet_opens_by_itself(page: Page, site: WitnessedSite) -> None:
    kinds = [{"opened": None, "waiting": True}, {"opened": None, "defined": None, "waiting": True}, "unsigned"]

    def early(route: Route) -> None:
        data = json.loads(route.fetch().text())
        if not kinds:
            route.fulfill(json=data)
            return
        kind = kinds.pop()
        if kind == "unsigned":
            lines = data["checkpoint"].splitlines(keepends=True)
            data["checkpoint"] = "".join(line for line in lines if not line.startswith("\u2014 w"))
        else:
            data.update(kind)
        route.fulfill(json=data)

    page.route("**/booth.json", early)
    page.goto(site.vote)
    expect(page.get_by_role("heading", name=NOT_YET)).to_be_visible()
    expect(page.get_by_label("Your voter code")).to_be_visible(timeout=20_000)
    assert not kinds
