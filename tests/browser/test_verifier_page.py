"""The verifier in the browser: by file and by address, from the disk with the network off, in every state it can show.

What it finds is compared with what `urne-verify` finds on the same record.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import jsonschema
import pytest

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.integration.test_report_files import forged
from tests.simulators.posted import PublicSiteSimulator
from tests.simulators.record import SampleElection, sample_election, sample_record, write_record
from voting.booth.verifier_file import FILE_NAME, verifier_file
from voting.translations import set_language
from voting.verifier.load import open_record
from voting.verifier.verify import verify_record
from voting.verifier.visit import parse_visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Watch

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "urne-report-1.schema.json"
PATIENCE = 60_000
"""Verifying takes seconds; a machine may be busy."""


class Places(NamedTuple):
    """Where the page and the records are."""

    file: str
    """The page on the disk."""
    site: str
    """Address of a site with the elections `done` and `open`."""
    done: Path
    open: Path
    broken: Path
    election: SampleElection


def zipped(folder: Path) -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return target


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("verifier")
    (folder / FILE_NAME).write_bytes(verifier_file().data)
    election = sample_election()
    done = write_record(election.board.entries, folder / "done")
    with PublicSiteSimulator(folder / "site") as site:
        site.host("done", election)
        site.host("open", sample_election(until="voting", seed=2))
        yield Places(
            file=(folder / FILE_NAME).as_uri(),
            site=site.serve(),
            done=done,
            open=sample_record(folder / "open", until="voting"),
            broken=forged(folder / "broken"),
            election=election,
        )


def start(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.locator("summary").click()
    page.locator("#toy").check()


def verify(page: Page) -> None:
    page.locator("button.primary").click()
    page.locator("#verdict, .note.bad").first.wait_for(timeout=PATIENCE)


def choose(page: Page, *files: Path) -> None:
    page.locator("#files").set_input_files(list(files))


def saved(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def summary(report: dict[str, Any]) -> dict[str, Any]:
    """What two verifiers must agree on."""
    same = ("verdict", "exit_code", "title", "manifest", "election", "group", "head", "phase", "credentials", "weight",
            "ballots", "counted", "trustees", "threshold", "result")  # fmt: skip
    return {name: report[name] for name in same} | {
        "checks": [(check["id"], check["title"], check["status"], check["cause"]) for check in report["checks"]]
    }


def reference(record: Path) -> dict[str, Any]:
    """The report of `urne-verify` on the same record."""
    import msgspec

    with open_record(record) as source:
        report: dict[str, Any] = json.loads(msgspec.json.encode(verify_record(source, allow_toy=True)))
    return report


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


@pytest.mark.parametrize("kind", ["done", "open", "broken"])
def test_a_record_is_judged_as_urne_verify_judges_it(kind: str, page: Page, places: Places, tmp_path: Path) -> None:
    record: Path = getattr(places, kind)
    start(page, places.file)
    choose(page, zipped(record))
    verify(page)
    assert heading(page) == {"done": "Verified", "open": "Valid so far", "broken": "Not verified"}[kind]
    assert page.locator("tbody tr").count() == 21
    report = json.loads(saved(page, "Save the report (JSON)"))
    jsonschema.validate(report, json.loads(SCHEMA.read_text("utf-8")))
    expected = reference(record)
    assert summary(report) == summary(expected)
    for check, other in zip(report["checks"], expected["checks"], strict=True):
        found = [(each["entry"], each["tracker"]) for each in check["findings"]]
        assert found == [(each["entry"], each["tracker"]) for each in other["findings"]], check["id"]


def test_what_is_wrong_is_shown_with_its_place(page: Page, places: Places) -> None:
    start(page, places.file)
    choose(page, *places.broken.iterdir())
    verify(page)
    wrong = [check for check in reference(places.broken)["checks"] if check["findings"]]
    assert wrong
    assert "Do not rely on the result." in page.locator("#verdict").inner_text()
    for check in wrong:
        assert "FAIL" in page.locator(f"#check-{check['id']}").inner_text()
        finding = check["findings"][0]
        page.locator(f"#check-{check['id']} a").first.click()
        block = page.locator(f"div:has(> #f{check['id']})")
        assert check["title"] in block.inner_text()
        shown = block.locator(".finding").first.inner_text()
        assert str(finding["entry"]) in shown
        assert finding["tracker"] in shown
    assert page.get_by_role("button", name="Save what was seen").count() == 0, "only when nothing is wrong"


def test_from_the_disk_with_the_network_off(browser: Browser, watch: Watch, places: Places) -> None:
    context = watch(browser.new_context(offline=True, locale="en"))
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    start(page, places.file)
    choose(page, zipped(places.done))
    verify(page)
    assert heading(page) == "Verified"
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []


def test_from_a_site_and_then_with_the_network_off(browser: Browser, watch: Watch, places: Places) -> None:
    context = watch(browser.new_context(locale="en"))
    page = context.new_page()
    start(page, f"{places.site}/verify")
    context.set_offline(True)
    choose(page, zipped(places.done))
    verify(page)
    assert heading(page) == "Verified"


def test_by_address_from_the_page_of_the_election(page: Page, places: Places) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{places.site}/e/done/verify")
    link = page.get_by_role("link", name="Verify in this browser")
    target = link.get_attribute("href")
    assert target is not None
    assert target.startswith("/verify#address=")
    assert "lang=en" in target
    assert page.get_by_text(verifier_file().sha256).count() == 1
    start(page, f"{places.site}/verify#address={quote(places.site, safe='')}/e/done&lang=en")
    assert page.locator("#address").input_value() == f"{places.site}/e/done"
    verify(page)
    assert heading(page) == "Verified"
    assert all(address.startswith((places.site, "data:", "blob:")) for address in asked)
    assert f"{places.site}/e/done/log/checkpoint" in asked
    report = json.loads(saved(page, "Save the report (JSON)"))
    assert summary(report) == summary(reference(places.done))


def test_a_page_from_the_disk_may_ask_a_board(page: Page, places: Places) -> None:
    start(page, places.file)
    page.locator("#address").fill(f"{places.site}/e/open/vote")
    verify(page)
    assert heading(page) == "Valid so far"
    assert page.locator("#check-17").inner_text().count("NOT RUN") == 1


def test_the_site_gives_the_page_out_as_a_file(page: Page, places: Places) -> None:
    page.goto(f"{places.site}/verify")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save this page").click()
    assert download.value.suggested_filename == FILE_NAME
    assert Path(download.value.path()).read_bytes() == verifier_file().data


def test_a_wrong_address_is_told(page: Page, places: Places, watch: Watch) -> None:
    watch.allowed += ["404", "ERR_"]
    start(page, places.file)
    page.locator("#address").fill(f"{places.site}/e/nothing")
    verify(page)
    assert heading(page) == "Nothing was verified"
    assert page.get_by_role("alert").count() == 1
    page.get_by_role("button", name="Verify another record").click()
    page.locator("#address").fill("http://127.0.0.1:1/e/club")
    verify(page)
    assert "cannot be reached" in page.get_by_role("alert").inner_text()


def test_no_record_is_told(page: Page, places: Places, tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_bytes(b"PK" * 500)
    start(page, places.file)
    choose(page, tmp_path / "notes.zip")
    verify(page)
    assert "is not a sound .zip file" in page.get_by_role("alert").inner_text()


def test_what_is_typed_wrongly_is_told_at_its_field(page: Page, places: Places) -> None:
    page.goto(places.file)
    page.locator("button.primary").click()
    alert = page.get_by_role("alert")
    assert "Choose a record" in alert.inner_text()
    assert page.evaluate("document.activeElement.id") == "problems"
    page.locator("#address").fill("https://vote.example/e/club/vote#code=SECRET")
    page.locator("summary").click()
    page.locator("#manifest").fill("abc")
    page.locator("button.primary").click()
    assert alert.locator("li").count() == 2
    assert "SECRET" not in alert.inner_text()
    assert page.locator("#manifest").get_attribute("aria-invalid") == "true"
    alert.get_by_role("link").last.click()
    assert page.evaluate("document.activeElement.id") in {"manifest", "address"}
    assert_accessible(page)


def test_announced_hashes_are_compared(page: Page, places: Places) -> None:
    good = reference(places.done)
    start(page, places.file)
    choose(page, *places.done.iterdir())
    page.locator("#manifest").fill(good["manifest"].upper())
    page.locator("#election").fill("0" * 64)
    verify(page)
    assert "FAIL" in page.locator("#check-10").inner_text()
    assert "PASS" in page.locator("#check-01").inner_text()


def test_test_elections_are_accepted_only_if_asked_for(page: Page, places: Places) -> None:
    page.goto(places.file)
    choose(page, *places.done.iterdir())
    verify(page)
    assert "FAIL" in page.locator("#check-01").inner_text()


def test_what_was_seen_is_saved_and_compared_at_the_next_visit(page: Page, places: Places, tmp_path: Path) -> None:
    start(page, places.file)
    choose(page, *places.done.iterdir())
    verify(page)
    state = tmp_path / "club.state"
    state.write_bytes(saved(page, "Save what was seen"))
    visit = parse_visit(state.read_bytes(), what="test")
    assert visit.checkpoint == (places.done / "checkpoint").read_text("utf-8")
    assert visit.manifest == reference(places.done)["manifest"]

    page.get_by_role("button", name="Verify another record").click()
    page.locator("#earlier").set_input_files(state)
    verify(page)
    assert "PASS" in page.locator("#check-21").inner_text()
    page.get_by_role("button", name="Verify another record").click()
    choose(page, *places.open.iterdir())  # an election whose record the state is not of
    page.locator("#earlier").set_input_files(state)
    verify(page)
    assert "FAIL" in page.locator("#check-21").inner_text()


def test_it_can_be_cancelled(page: Page, places: Places) -> None:
    # The record never ends: the page waits for a file's answer that does not come.
    page.route("**/log/**", lambda _route: None)
    start(page, f"{places.site}/verify")
    page.locator("#address").fill(f"{places.site}/e/done")
    page.locator("button.primary").click()
    assert heading(page) == "Verifying"
    assert page.get_by_role("progressbar").count() == 1
    assert_accessible(page)
    page.get_by_role("button", name="Cancel").click()
    assert heading(page) == "Verify an election"
    assert page.locator("#address").input_value() == f"{places.site}/e/done"
    assert page.evaluate("document.activeElement.tagName") == "H1"


def test_files_can_be_dropped(page: Page, places: Places) -> None:
    start(page, places.file)
    contents = {path.name: path.read_text("utf-8") for path in places.done.iterdir()}
    page.evaluate(
        """(contents) => {
          const data = new DataTransfer();
          for (const [name, text] of Object.entries(contents)) data.items.add(new File([text], name));
          const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
          document.querySelector(".drop").dispatchEvent(drop);
        }""",
        contents,
    )
    names = page.locator("#files").evaluate("(input) => [...input.files].map(({name}) => name)")
    assert sorted(names) == sorted(contents)
    page.get_by_role("button", name="Français").click()
    assert page.locator("#files").evaluate("(input) => input.files.length") == len(names), "kept in the other language"
    page.get_by_role("button", name="English").click()
    verify(page)
    assert heading(page) == "Verified"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_screen_on_a_small_phone(browser: Browser, watch: Watch, places: Places, language: str) -> None:
    page = watch(browser.new_context(viewport={"width": 320, "height": 640}, locale=language)).new_page()

    def look() -> None:
        assert page.locator("html").get_attribute("lang") == language
        assert_fits(page)
        assert_accessible(page)
        assert_targets(page)

    start(page, places.file)
    look()
    for record in (places.done, places.broken):
        choose(page, *record.iterdir())
        look()
        verify(page)
        look()
        page.locator(".actions button").last.click()
    page.set_viewport_size({"width": 1200, "height": 800})
    look()


def test_in_french_nothing_stays_english(browser: Browser, watch: Watch, places: Places) -> None:
    page = watch(browser.new_context(locale="fr")).new_page()
    start(page, places.file)
    assert heading(page) == "Vérifier une élection"
    choose(page, *places.done.iterdir())
    verify(page)
    assert heading(page) == "Vérifié"
    set_language("fr")
    try:
        with open_record(places.done) as source:
            expected = verify_record(source, allow_toy=True, language="fr")
    finally:
        set_language("en")
    assert expected.result[0].sentence in page.locator("#verdict").inner_text()
    text = page.locator("main").inner_text()
    for english in ("PASS", "Chain of entries", "Compare these", "Save", "Verify", "Totals"):
        assert english not in text
    page.get_by_role("button", name="English").click()
    assert heading(page) == "Verified"
    assert page.evaluate("document.activeElement.textContent") == "Français"


def test_by_keyboard_alone(page: Page, places: Places) -> None:
    page.goto(f"{places.site}/verify#address={places.site}/e/done")
    page.wait_for_selector("html[data-ready]")

    def tab_to(selector: str) -> None:
        for _ in range(25):
            page.keyboard.press("Tab")
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"the keyboard does not lead to {selector}")

    tab_to("summary")
    page.keyboard.press("Enter")
    tab_to("#toy")
    page.keyboard.press("Space")
    tab_to("button.primary")
    page.keyboard.press("Enter")
    page.locator("#verdict").wait_for(timeout=PATIENCE)
    assert page.evaluate("document.activeElement.tagName") == "H1"
    tab_to(".actions button")
    with page.expect_download():
        page.keyboard.press("Enter")


def test_a_worker_that_fails_leaves_its_checks_undone(page: Page, places: Places) -> None:
    """A fault while ballots are checked: those checks are not run, and the record is not verified."""
    page.add_init_script(
        """
        const Real = MessageChannel;
        window.MessageChannel = class {
          constructor() {
            const { port1, port2 } = new Real();
            port2.onmessage = ({ data }) => port2.postMessage({ number: data.number, error: "RangeError" });
            return { port1, port2: new Real().port2 };
          }
        };
        """
    )
    start(page, places.file)
    choose(page, *places.done.iterdir())
    verify(page)
    assert heading(page) == "Not verified"
    assert "Not everything could be checked." in page.locator("#verdict").inner_text()
    for number in ("11", "12", "13", "14", "15"):
        assert "NOT RUN" in page.locator(f"#check-{number}").inner_text()
