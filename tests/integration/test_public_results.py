"""The result of every method as a page, as CSV and as JSON: three forms of the same numbers."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.posted import PublicSiteSimulator
from tests.simulators.record import SampleElection, sample_election
from tests.strategies.methods import SMALL_QUESTIONS, all_selections
from voting.booth.charts import bar, profile, shade
from voting.booth.result_pages import CSV_COLUMNS, harmless
from voting.booth.result_tables import Status, cell_text, result_tables
from voting.protocol.methods import (
    Choose,
    ChooseOutcome,
    ChooseSelection,
    Condorcet,
    Grades,
    GradesSelection,
    Lists,
    ListsSelection,
    Ranking,
    RankingSelection,
)
from voting.translations import set_language


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


def election_on(question: Any, chosen: list[Any], weights: tuple[int, ...] = ()) -> SampleElection:
    """A finished election in which each voter casts one of these."""
    ballots = [(number, [selection]) for number, selection in enumerate(chosen)]
    return sample_election((question,), ballots, weights=weights or (1,) * len(chosen), lenient=True)


class Pages:
    """The three forms of one election's result."""

    def __init__(self, folder: Path, simulator: SampleElection) -> None:
        with PublicSiteSimulator(folder) as site:
            site.host("club", simulator)
            client = site.app.test_client()
            self.page = client.get("/e/club/results").text
            self.csv = client.get("/e/club/results.csv")
            self.json = json.loads(client.get("/e/club/results.json").data)
        text = self.csv.data.decode("utf-8-sig")
        self.rows = list(csv.DictReader(io.StringIO(text)))
        self.text = " ".join(
            html.unescape(re.sub(r"<[^>]+>", " ", self.page)).replace("\u2068", "").replace("\u2069", "").split()
        )

    def value(self, item: str, measure: str) -> str:
        """The one value of the CSV in this place."""
        (row,) = [row for row in self.rows if (row["item"], row["measure"]) == (item, measure)]
        return row["value"]

    def status(self, item: str) -> str:
        return next(row["status"] for row in self.rows if row["item"] == item)


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_page_csv_and_json_say_the_same(name: str, tmp_path: Path) -> None:
    question = SMALL_QUESTIONS[name]
    every = all_selections(question)
    simulator = election_on(question, [every[number * 7 % len(every)] for number in range(5)], (1, 2, 1, 1, 3))
    pages = Pages(tmp_path, simulator)
    result = simulator.record.result
    assert result is not None
    assert pages.json["questions"][0]["totals"] == list(result.totals)
    assert tuple(pages.rows[0]) == CSV_COLUMNS
    in_json = [
        (table["table"], measure, str(value))
        for table in pages.json["questions"][0]["tables"]
        for row in table["rows"]
        for measure, value in row["values"].items()
        if isinstance(value, int)
    ]
    in_csv = [(row["table"], row["measure"], row["value"]) for row in pages.rows if row["value"].isdecimal()]
    assert in_csv == in_json
    numbers = [text for text in re.findall(r'<td class="number">(?:<strong>)?([^<]*)', pages.page) if text.isdecimal()]
    assert numbers == [value for _table, _measure, value in in_csv]
    assert "All numbers below are weights" in pages.text
    assert "<svg" in pages.page
    assert "style=" not in pages.page


def test_choosing(tmp_path: Path) -> None:
    question = Choose(title={"en": "Who?"}, options=({"en": "Ada"}, {"en": "Bob"}, {"en": "Cleo"}), blank=True)
    chosen = [ChooseSelection((1,)), ChooseSelection((1,)), ChooseSelection((0,)), ChooseSelection((), True)]
    pages = Pages(tmp_path, election_on(question, chosen))
    assert [(row["item"], row["value"]) for row in pages.rows] == [
        ("Bob", "2"), ("Ada", "1"), ("Cleo", "0"), ("Blank votes", "1"),
    ]  # fmt: skip
    assert pages.status("Bob") == "won"
    assert "Elected: Bob." in pages.text
    assert "50.0%" in pages.text
    assert "25.0%" in pages.text


def test_a_tie(tmp_path: Path) -> None:
    question = Choose(title={"en": "Who?"}, options=({"en": "Ada"}, {"en": "Bob"}, {"en": "Cleo"}))
    pages = Pages(tmp_path, election_on(question, [ChooseSelection((0,)), ChooseSelection((1,))]))
    assert (pages.status("Ada"), pages.status("Bob"), pages.status("Cleo")) == ("tied", "tied", "")
    assert pages.text.count("Tied") == 2
    assert "Elected" not in pages.text


def test_majority_judgment(tmp_path: Path) -> None:
    question = Grades(
        title={"en": "Where?"},
        options=({"en": "Hall"}, {"en": "Mill"}),
        grades=({"en": "Good"}, {"en": "Fair"}, {"en": "Bad"}),
    )
    pages = Pages(
        tmp_path, election_on(question, [GradesSelection((0, 2)), GradesSelection((0, 0)), GradesSelection((1, 2))])
    )
    assert pages.value("Hall", "majority-grade") == "Good"
    assert pages.value("Mill", "majority-grade") == "Bad"
    assert [pages.value("Hall", f"grade-{grade}") for grade in (1, 2, 3)] == ["2", "1", "0"]
    assert "Winner: Hall." in pages.text
    assert pages.page.count('class="bar profile"') == 4, "each bar twice: beside the numbers, and below the name"


def test_pairs(tmp_path: Path) -> None:
    question = Condorcet(title={"en": "Which?"}, options=({"en": "A"}, {"en": "B"}, {"en": "C"}))
    circle = [RankingSelection(order) for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1))]
    pages = Pages(tmp_path / "circle", election_on(question, circle))
    assert "No option beats each other one. The rule Schulze method decides among: A, B, C." in pages.text
    assert "Tie between A, B, C." in pages.text
    assert pages.value("A", "over-2") == "2"
    assert pages.value("B", "over-1") == "1"
    clear = [RankingSelection((0, 1, 2)), RankingSelection((0, 2, 1))]
    pages = Pages(tmp_path / "clear", election_on(question, clear))
    assert "A beats each other option one to one (Condorcet winner)." in pages.text
    assert pages.value("A", "beaten") == "2"
    assert re.search(r"<strong>2</strong>", pages.page)


def test_lists_and_candidates(tmp_path: Path) -> None:
    from voting.protocol.methods import CandidateList

    lists = (CandidateList({"en": "Red"}, ({"en": "Ada"}, {"en": "Bob"})), CandidateList({"en": "Blue"}, ()))
    question = Lists(title={"en": "Council"}, lists=lists, seats=3)
    chosen = [ListsSelection(0, (1,)), ListsSelection(0, (1,)), ListsSelection(1)]
    pages = Pages(tmp_path, election_on(question, chosen))
    assert pages.value("Red", "seats") == "2"
    assert pages.value("Blue", "seats") == "1"
    assert pages.value("Bob", "personal-votes") == "2"
    assert "Seats: Red 2, Blue 1." in pages.text
    assert "Personal votes of the candidates – Red" in pages.text


def test_ranks(tmp_path: Path) -> None:
    question = Ranking(title={"en": "Order"}, options=({"en": "A"}, {"en": "B"}, {"en": "C"}))
    pages = Pages(tmp_path, election_on(question, [RankingSelection((2, 0, 1)), RankingSelection((2, 1, 0))]))
    assert pages.value("C", "points") == "4"
    assert pages.value("C", "rank-1") == "2"
    assert "Winner: C." in pages.text
    assert "2.00" in pages.text


def test_nobody_voted(tmp_path: Path) -> None:
    names = ("choose with blank", "score", "grades", "lists", "borda", "condorcet")
    questions: list[Any] = [SMALL_QUESTIONS[name] for name in names]
    pages = Pages(tmp_path, sample_election(questions, (), weights=(1,), lenient=True))
    assert "0 of 1 on the list (0.0%)" in pages.text
    assert {row["value"] for row in pages.rows if row["measure"] not in ("rank",)} == {"0"}
    assert not any(row["status"] for row in pages.rows)


def test_files_are_offered_to_be_saved_and_checked_again(tmp_path: Path) -> None:
    with PublicSiteSimulator(tmp_path) as site:
        site.host("club", sample_election(lenient=True))
        client = site.app.test_client()
        for name, kind in (("results.csv", "text/csv"), ("results.json", "application/json")):
            answer = client.get(f"/e/club/{name}")
            assert answer.mimetype == kind
            assert f'filename="club-{name}"' in answer.headers["Content-Disposition"]
            again = client.get(f"/e/club/{name}", headers={"If-None-Match": answer.headers["ETag"]})
            assert (again.status_code, again.data) == (304, b"")
        french = client.get("/e/club/results.csv?lang=fr").data.decode("utf-8-sig")
        assert french.splitlines()[0] == ",".join(CSV_COLUMNS), "columns have one name in every language"


# -- spreadsheets ------------------------------------------------------------------------------------------------------


def test_no_text_becomes_a_formula(tmp_path: Path) -> None:
    options = ({"en": "=cmd|' /C calc'!A0"}, {"en": "+1"}, {"en": "-2"}, {"en": "@SUM(A1)"}, {"en": 'a,"b"'})
    question = Choose(title={"en": "=HYPERLINK(1)"}, options=options)
    pages = Pages(tmp_path, election_on(question, [ChooseSelection((0,))]))
    assert {row["item"] for row in pages.rows} == {"'=cmd|' /C calc'!A0", "'+1", "'-2", "'@SUM(A1)", 'a,"b"'}
    assert {row["title"] for row in pages.rows} == {"'=HYPERLINK(1)"}
    assert {row["value"] for row in pages.rows} == {"0", "1"}


@given(st.text())
def test_harmless_texts_never_begin_like_a_formula(text: str) -> None:
    assert harmless(text)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    assert harmless(text).removeprefix("'") == text.removeprefix("'")


# -- bars --------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=20))
def test_a_profile_fills_the_bar_in_the_order_of_the_scale(counts: list[int]) -> None:
    segments = profile(counts)
    assert len(segments) == sum(count > 0 for count in counts)
    if segments:
        assert segments[0].start == 0
        assert abs(segments[-1].start + segments[-1].length - 100) < 0.02
        for one, next_one in pairwise(segments):
            assert abs(one.start + one.length - next_one.start) < 0.02


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_bars_are_within_the_width_and_never_vanish(value: int, more: int) -> None:
    segments = bar(value, value + more)
    assert bool(segments) == (value > 0)
    for segment in segments:
        assert 0.5 <= segment.length <= 100


def test_shades_span_the_scale() -> None:
    for scale in range(2, 21):
        shades = [shade(place, scale) for place in range(scale)]
        assert shades[0] == "shade-0"
        assert shades[-1] == "shade-9"
        assert shades == sorted(shades)


def test_tables_show_texts_in_the_language_asked_for() -> None:
    question = SMALL_QUESTIONS["single choice"]
    simulator = election_on(question, [ChooseSelection((1,))])
    result = simulator.record.result
    assert result is not None
    (french,) = result_tables(simulator.manifest, result, 1, "fr")
    assert french.sentences == ("Elected: \u2068Option nº 1\u2069.",)
    row = french.tables[0].rows[0]
    assert row.status is Status.WON
    assert cell_text(row.cells[0], "fr") == "1"
    assert isinstance(french.outcome, ChooseOutcome)
