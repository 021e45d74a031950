"""Testing the device: what a second device shows; and that a ballot is either cast or opened, never both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno.encoder
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.browser.booth_site import BoothSite
from tests.browser.booth_walk import cast, heading, lock_number, to_review
from tests.browser.conftest import Watch, run_module
from voting.election.ballots import build_ballot, encode_selections
from voting.protocol.encoding import decode, from_base64
from voting.protocol.manifest import parse_selections
from voting.protocol.messages import Opening
from voting.protocol.tracker import lock_number as lock_of


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoothSite]:
    with BoothSite(tmp_path_factory.mktemp("site"), voters=10) as served:
        yield served


@pytest.fixture
def code(site: BoothSite) -> str:
    return site.codes.pop()


def start_test(page: Page, site: BoothSite, code: str) -> tuple[str, str]:
    """Go to the test; gives the lock number shown before, and the address for the second device."""
    to_review(page, site, code)
    lock = lock_number(page)
    page.get_by_role("button", name="Test this device").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    assert lock_number(page) == lock
    return lock, page.locator("#test-text").input_value()


def test_a_second_device_shows_lock_number_and_choices(
    page: Page, browser: Browser, watch: Watch, site: BoothSite, code: str
) -> None:
    before = site.ballots()
    lock, address = start_test(page, site, code)
    expect(page.locator(".once-red")).to_have_text("This test ballot will not be counted. You still have to vote.")

    other = watch(browser.new_context(viewport={"width": 320, "height": 640}, locale="en")).new_page()
    site.requests.clear()
    other.goto(address)
    heading(other, "This is what the other device locked")
    assert other.url == f"{site.address}/e/club/test", "the opening must leave the address at once"
    assert lock_number(other) == lock
    for words in ("Who shall chair?", "Blaise", "Monday", "Friday", "nothing was counted"):
        expect(other.locator("main")).to_contain_text(words)
    assert not any("opening=" in asked for asked in site.requests)
    assert_accessible(other)
    assert_fits(other)
    assert_targets(other)

    page.get_by_role("button", name="Yes: go on and vote").click()
    heading(page, "Check your choices")
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    assert lock_number(page) != lock
    expect(page.locator("main")).to_contain_text("Blaise")
    assert site.ballots() == before
    tracker = cast(page)
    assert not tracker.replace("-", "").startswith(lock)
    assert site.ballots() == before + 1


def test_the_second_page_works_without_a_network(
    page: Page, browser: Browser, watch: Watch, site: BoothSite, code: str, tmp_path: Path
) -> None:
    other = watch(browser.new_context(locale="en")).new_page()
    other.goto(f"{site.address}/e/club/test")
    heading(other, "Test of another device")
    expect(other.locator("main")).to_contain_text("needs no network")
    assert_accessible(other)
    other.context.set_offline(True)

    lock, address = start_test(page, site, code)
    other.get_by_label("Or paste the text").fill(address)
    other.get_by_role("button", name="Show what was locked").click()
    heading(other, "This is what the other device locked")
    assert lock_number(other) == lock

    page.get_by_text("Without a camera").click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the test file").click()
    path = tmp_path / saving.value.suggested_filename
    assert path.name == f"opening-{lock}.json"
    saving.value.save_as(path)
    other.get_by_role("button", name="Another test").click()
    other.get_by_label("Open the test file").set_input_files(path)
    heading(other, "This is what the other device locked")
    assert lock_number(other) == lock

    opening = decode(path.read_bytes(), Opening, what="opening")
    context = site.hosted.look(lambda record: record.ballot_context())
    values = encode_selections(context.manifest, parse_selections(context.manifest, list(opening.choices)))
    seed, credential = (from_base64(text, 32, what="opening") for text in (opening.seed, opening.credential))
    assert lock_of(build_ballot(context, credential, values, seed).hash) == lock, "and so does the Python package"


def test_a_lying_device_is_seen(page: Page, browser: Browser, watch: Watch, site: BoothSite, code: str) -> None:
    """The booth locks another choice than the one shown: the second device tells."""
    worker = (Path(__file__).parents[2] / "voting/booth/static/js/booth/lock_worker.js").read_text()
    assert worker.count("  lock({ selections }) {") == 1
    worker = worker.replace(
        "  lock({ selections }) {",
        "  lock({ selections: [first, ...rest] }) { const selections = [{ ...first, chosen: [0] }, ...rest];",
    )
    page.route("**/lock_worker.js", lambda route: route.fulfill(body=worker, content_type="text/javascript"))
    _lock, address = start_test(page, site, code)
    expect(page.locator("main")).to_contain_text("Blaise")
    other = watch(browser.new_context(locale="en")).new_page()
    other.goto(address)
    heading(other, "This is what the other device locked")
    expect(other.locator("main")).to_contain_text("Ada")
    expect(other.locator("main")).not_to_contain_text("Blaise")


def test_no_leads_to_a_report_with_evidence(page: Page, site: BoothSite, code: str, tmp_path: Path) -> None:
    lock, _address = start_test(page, site, code)
    page.get_by_role("button", name="No", exact=True).click()
    heading(page, "Do not vote on this device")
    expect(page.locator("main")).to_contain_text("office@example.org")
    expect(page.locator("main")).to_contain_text("Your vote was not counted.")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the evidence").click()
    saving.value.save_as(tmp_path / "evidence.json")
    evidence = json.loads((tmp_path / "evidence.json").read_text())
    assert evidence["lock_number"] == lock
    assert evidence["manifest"] == site.manifest.hash
    assert set(evidence["opening"]) == {"choices", "credential", "election", "seed"}
    page.get_by_role("button", name="It was a mistake").click()
    heading(page, "Check your choices")


def test_a_vote_is_cast_or_opened_never_both(page: Page, site: BoothSite, code: str) -> None:
    to_review(page, site, code)
    outcome = run_module(
        page,
        """
        const { Locker } = await import("/booth/js/booth/lock.js");
        const { loadElection, ballotData } = await import("/booth/js/booth/election.js");
        const election = await loadElection("/e/club");
        const locker = new Locker({ ...ballotData(election), credential: arg.credential });
        const keys = async (act) => Object.keys(await act()).sort();
        const tried = (act) => keys(act).catch((error) => error.code);
        const cast = await locker.lock(arg.selections);
        const first = [await tried(() => cast.cast()), await tried(() => cast.open()), await tried(() => cast.cast())];
        const opened = await locker.lock(arg.selections);
        const second = [await tried(() => opened.open()), await tried(() => opened.cast())];
        const replaced = await locker.lock(arg.selections);
        await locker.lock(arg.selections);
        return [first, second, await tried(() => replaced.open())];
        """,
        {
            "credential": site.key(code),
            "selections": [{"blank": False, "chosen": [1]}, {"blank": False, "chosen": [0]}],
        },
    )
    assert outcome == [
        [["content", "hints", "tracker"], "used", "used"],
        [["opening"], "used"],
        "Error",
    ]


def test_every_test_has_its_own_seed(page: Page, site: BoothSite, code: str) -> None:
    first, _address = start_test(page, site, code)
    page.get_by_role("button", name="Yes: go on and vote").click()
    expect(page.get_by_role("button", name="Cast my vote")).to_be_enabled()
    second = lock_number(page)
    page.get_by_role("button", name="Test this device").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_role("button", name="Français").click()
    expect(page.locator(".lock-number").first).to_have_text(second)  # another language is no other test
    page.go_back()
    expect(page.locator("#cast")).to_be_enabled()
    assert len({first, second, lock_number(page)}) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "This is no test of a device"),
        ("#opening=", "This is no test of a device"),
        ("opening=AAAA", "This is no test of a device"),
        ("opening=!!!!", "This is no test of a device"),
        ("{}", "This is no test of a device"),
        ("opening=AQ" + "A" * 200, "This is no test of a device"),
        ("opening=Ag" + "A" * 200, "This is no test of a device"),
        ('{"choices":[],"credential":"","election":"' + "0" * 64 + '","seed":""}', "of another election"),
    ],
)
def test_what_is_no_opening_is_refused(page: Page, site: BoothSite, text: str, words: str) -> None:
    page.goto(f"{site.address}/e/club/test")
    page.get_by_label("Or paste the text").fill(text)
    page.get_by_role("button", name="Show what was locked").click()
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_label("Or paste the text")).to_have_value(text)


def test_the_short_form_gives_the_opening_back(page: Page, static_site: str) -> None:
    page.goto(static_site)
    openings = [
        {"choices": choices, "credential": "A" * 42 + "E", "election": "ab" * 32, "seed": "_-" * 21 + "8"}
        for choices in ([], [{"blank": True, "chosen": []}], [{"ranking": list(range(50))}] * 20, [{"a": "é Ω"}])
    ]
    texts = [json.dumps(opening, ensure_ascii=False, separators=(",", ":"), sort_keys=True) for opening in openings]
    body = """
    const { toFragment, toOpening } = await import("/booth/js/device_test/opening_text.js");
    const fragments = await Promise.all(arg.map(toFragment));
    return [fragments, await Promise.all(fragments.map(toOpening)), await Promise.all(arg.map(toOpening))];
    """
    fragments, back, same = run_module(page, body, texts)
    assert back == texts
    assert same == texts
    assert all(re.fullmatch(r"opening=[\w-]+", fragment) for fragment in fragments)
    assert len(fragments[2]) < len(texts[2]) / 4


# -- QR codes ----------------------------------------------------------------------------------------------------------


def test_qr_codes_are_those_of_another_encoder(page: Page, static_site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, in every version. Where there is room left, segno puts a zero byte before the standard's padding."""

    def padding_bits(buffer: bytearray, version: int, length: int) -> None:
        buffer.extend([0] * (-length % 8))

    monkeypatch.setattr(segno.encoder, "write_padding_bits", padding_bits)
    contents = [bytes((7 * place + length) % 256 for place in range(length)) for length in (1, 14, 17, 18, 90, 213)]
    contents += [bytes((place * place + length) % 256 for place in range(length)) for length in range(300, 2900, 130)]
    cases = []
    for content in contents:
        for level in "LM":
            if level == "M" and len(content) > 2331:
                continue
            code = segno.make(content, error=level, mode="byte", boost_error=False, micro=False)
            rows = ["".join(str(int(module > 0)) for module in row) for row in code.matrix]
            cases.append({"content": list(content), "level": level, "mask": code.mask, "rows": rows})
    body = """
    const { encodeQr } = await import("/booth/js/booth/qr.js");
    return arg.map(({content, level, mask}) =>
      encodeQr(Uint8Array.from(content), {level, mask}).map((row) => row.map(Number).join("")));
    """
    page.goto(static_site)
    made = run_module(page, body, [{name: case[name] for name in ("content", "level", "mask")} for case in cases])
    assert {len(rows) for rows in made} >= {21, 25}
    for case, rows in zip(cases, made, strict=True):
        assert rows == case["rows"], (case["level"], len(rows))


def test_a_content_that_is_too_long_has_no_qr_code(page: Page, static_site: str) -> None:
    page.goto(static_site)
    body = """
    const { encodeQr } = await import("/booth/js/booth/qr.js");
    return arg.map((length) => encodeQr(new Uint8Array(length))?.length ?? null);
    """
    assert run_module(page, body, [2953, 2954]) == [177, None]
