"""Texts that strangers wrote, on the public pages: hostile ones do nothing, and every language has its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.election import ADMINISTRATOR
from tests.simulators.posted import PublicSiteSimulator, shown, simulated
from tests.simulators.record import ADA, CHAIR, GRACE
from tests.strategies.methods import SMALL_QUESTIONS
from voting.booth.wording import how_it_is_decided, how_to_answer
from voting.election.steps import give_notice
from voting.protocol.manifest import TrusteeInfo
from voting.protocol.methods import Choose
from voting.translations import set_language

PAGES = ("", "/check", "/results", "/board", "/board/0", "/keys", "/verify")
HOSTILE = "<script>alert('x')</script>" + "“" * 3 + "&amp;<b>" + "W" * 1900
ARABIC = "انتخابات النادي"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


def test_hostile_texts_are_shown_and_do_nothing(tmp_path: Path) -> None:
    question = Choose(
        title={"en": HOSTILE}, description={"en": HOSTILE}, options=({"en": HOSTILE}, {"en": "=1+1"}), minimum=0
    )
    simulator = simulated(
        title={"en": HOSTILE},
        description={"en": f"First\n\n{HOSTILE}"},
        questions=(question,),
        contact="<img src=x onerror=alert(1)>",
        trustees=(TrusteeInfo("<i>Eve</i>"), TrusteeInfo("Anna"), TrusteeInfo("Bea")),
    )
    simulator.run_ceremony()
    voters = simulator.give_credentials([1])
    simulator.open()
    simulator.vote(voters[0], [ADA])
    notice = give_notice(simulator.record, ADMINISTRATOR, HOSTILE, simulator.now())
    simulator.board.append(*notice)
    simulator.finish()
    with PublicSiteSimulator(tmp_path) as site:
        site.host("evil", simulator)
        client = site.app.test_client()
        for path in ("/", *(f"/e/evil{page}" for page in PAGES), "/e/evil/board/1", "/e/evil/board/16"):
            page = client.get(path).text
            for raw in ("<script>alert", "<img src=x", "<i>Eve", "&amp;<b>"):
                assert raw not in page, path
        assert "alert('x')" in shown(client, "/e/evil")
        assert "<i>Eve</i>" in shown(client, "/e/evil/keys")


def test_texts_in_another_language_and_direction(tmp_path: Path) -> None:
    question = Choose(
        title={"ar": ARABIC, "de": "Wer?"},
        options=({"ar": "نعم 5", "de": "Ja"}, {"ar": "لا", "de": "Nein"}),
        minimum=0,
        maximum=1,
        blank=True,
    )
    simulator = simulated(languages=("ar", "de"), title={"ar": ARABIC, "de": "Vereinswahl"}, questions=(question,))
    simulator.run_ceremony()
    voters = simulator.give_credentials([1])
    simulator.open()
    simulator.vote(voters[0], [GRACE])
    simulator.finish()
    with PublicSiteSimulator(tmp_path) as site:
        site.host("club", simulator)
        client = site.app.test_client()
        page = client.get("/e/club").text
        assert f'<bdi lang="ar">{ARABIC}</bdi>' in page
        assert '<a href="?texts=de" lang="de" hreflang="de"><bdi>Deutsch</bdi></a>' in page
        german = client.get("/e/club?texts=de").text
        assert '<bdi lang="de">Vereinswahl</bdi>' in german
        assert 'href="/e/club/results?texts=de"' in german
        assert '<bdi lang="de">Nein</bdi>' in client.get("/e/club/results?texts=de").text
        assert client.get("/e/club?texts=xx").text.count(ARABIC) == page.count(ARABIC)
        preferring = client.get("/e/club", headers={"Accept-Language": "de"}).text
        assert '<bdi lang="de">Vereinswahl</bdi>' in preferring
        rows = client.get("/e/club/results.csv?texts=de").data.decode("utf-8-sig")
        assert "Nein" in rows
        assert "\u2068" not in rows
        data = json.loads(client.get("/e/club/results.json").data)
        assert data["title"] == {"ar": ARABIC, "de": "Vereinswahl"}


def test_every_method_says_how_to_answer() -> None:
    for question in SMALL_QUESTIONS.values():
        assert how_to_answer(question).endswith(".")
        assert how_it_is_decided(question).endswith(".")
    assert how_to_answer(CHAIR) == "Choose at most 1 of the options. A blank vote is possible."
