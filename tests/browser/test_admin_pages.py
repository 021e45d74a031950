"""The administrator's pages in a real browser: accessible, narrow screens, light and dark, and what scripts add."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.sync_api import expect
from waitress.server import create_server

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.simulators.admin import AdminSite, Trustees, sound_draft
from tests.simulators.witnesses import lying_witness
from voting.admin.drafts import USUAL_GRADES, DraftList, DraftQuestion, DraftWitness, draft_hash
from voting.admin.preparation import Opinion, Preparation, change_preparation

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.browser.conftest import Watch

NOW = "2026-11-24T08:00:00.000Z"


def both(english: str, french: str) -> dict[str, str]:
    return {"en": english, "fr": french}


QUESTIONS = (
    DraftQuestion(
        title=both("Who shall chair the club?", "Qui présidera le club ?"),
        options=(both("Ines", "Inès"), both("Jonas", "Jonas"), both("Kofi", "Kofi")),
        blank=True,
    ),
    DraftQuestion(
        method="grades",
        title=both("How good?", "Quelle qualité ?"),
        options=(both("A", "A"), both("B", "B")),
        grades=USUAL_GRADES,
    ),
    DraftQuestion(
        method="lists",
        title=both("Council", ""),
        lists=(
            DraftList(name=both("Blue", "Bleue"), candidates=(both("Ann", "Ann"), both("Ben", "Ben"))),
            DraftList(name=both("Green", "Verte")),
        ),
    ),
)
DRAFT = sound_draft(
    languages=("en", "fr"),
    title=both("Board election of the walking club", "Élection du bureau du club de marche"),
    opens="2098-12-01T09:00",
    closes="2098-12-08T18:00",
    questions=QUESTIONS,
)


class Served(AdminSite):
    """A site on a real socket."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = create_server(self.app, host="127.0.0.1", port=0, threads=6)
        self.address = f"http://127.0.0.1:{self.server.effective_port}"
        threading.Thread(target=self.server.run, daemon=True).start()

    def close(self) -> None:
        self.server.close()
        super().close()

    def login(self, context: BrowserContext) -> None:
        """Give a browser the login of the editor."""
        token = self.services.sessions.begin(self.account("editor"))
        context.add_cookies([{"name": "urne-login", "value": token, "url": self.address}])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    site = Served(tmp_path_factory.mktemp("site"))
    site.add_draft("club", DRAFT)
    site.add_draft("ready", sound_draft())
    site.add_draft("watched", sound_draft(witnesses=(*WITNESSES, DraftWitness(vkey="w3", url="w3")), quorum="1"))
    opinion = Opinion(name="Ada", agrees=False, remark="My name is wrong.", draft=draft_hash(sound_draft()), time=NOW)
    change_preparation(
        site.services.site,
        "ready",
        lambda p: msgspec.structs.replace(p, preview="A" * 22, opinions=(opinion, opinion), rehearsed=None),
    )
    _frozen(site, "frozen")
    _frozen(site, "witnessed", witnesses=WITNESSES)
    yield site
    site.close()


WITNESSES = tuple(
    DraftWitness(vkey=lying_witness(name).key.vkey, url="http://127.0.0.1:1") for name in ("w1.example", "w2.example")
)


def _frozen(site: Served, name: str, **changes: Any) -> None:
    """An election after the freeze, in which one trustee has joined."""
    draft = sound_draft(opens="2098-12-01T09:00", closes="2098-12-08T18:00", **changes)
    site.add_draft(name, draft)
    done = Preparation(rehearsed=draft_hash(draft))
    change_preparation(site.services.site, name, lambda _before: done)
    page = site.browser().get(f"/admin/e/{name}/freeze").form("Freeze").fill(confirm=name).press("Freeze")
    assert page.path == f"/admin/e/{name}/"
    Trustees(site.services.elections.get(name)).round(0, [1])


PAGES = (
    "/admin/",
    "/admin/new",
    "/admin/e/club/",
    "/admin/e/club/general?checked=1",
    "/admin/e/club/questions",
    "/admin/e/club/questions/2",
    "/admin/e/club/questions/3?checked=1",
    "/admin/e/club/questions/1/remove",
    "/admin/e/club/trustees",
    "/admin/e/club/times",
    "/admin/e/club/codes",
    "/admin/e/club/witnesses",
    "/admin/e/watched/witnesses?checked=1",
    "/admin/e/witnessed/",
    "/admin/e/witnessed/witnesses",
    "/admin/e/club/source",
    "/admin/e/club/freeze",
    "/admin/e/club/delete",
    "/admin/e/ready/preview",
    "/admin/e/ready/rehearsal",
    "/admin/e/frozen/",
    "/admin/e/frozen/ceremony",
    "/admin/e/frozen/voting",
    "/admin/e/frozen/result",
    "/admin/e/frozen/archive",
    "/admin/e/frozen/acts",
    "/preview/AAAAAAAAAAAAAAAAAAAAAA/",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_accessible_and_fits_a_small_screen(
    browser: Browser, watch: Watch, served: Served, path: str
) -> None:
    context = watch(browser.new_context(viewport={"width": 320, "height": 640}, locale="fr"))
    served.login(context)
    page = context.new_page()
    page.goto(served.address + path)
    assert_fits(page)
    assert_targets(page)
    assert_accessible(page)


def test_the_whole_draft_of_a_question_without_scripts(browser: Browser, watch: Watch, served: Served) -> None:
    """A question is added, given options and moved around with scripts switched off."""
    served.add_draft("plain", sound_draft())
    context = watch(browser.new_context(java_script_enabled=False, locale="en"))
    served.login(context)
    page = context.new_page()
    page.goto(f"{served.address}/admin/e/plain/questions")
    page.get_by_role("button", name="Add a question").click()
    page.get_by_label("The question").fill("Which walk?")
    page.get_by_label("Option 1").fill("Coast")
    page.get_by_label("Option 2").fill("Pass")
    page.get_by_role("button", name="Add an option").click()
    page.get_by_label("Option 3").fill("Lake")
    page.get_by_role("button", name="Up option 3").click()
    page.keyboard.press("Tab")
    assert page.get_by_label("Option 2").input_value() == "Lake"
    # Enter in a field saves, and does not press the first button by chance.
    page.get_by_label("Option 1").press("Enter")
    assert urlsplit(page.url).path == "/admin/e/plain/questions"
    assert page.get_by_text("complete").count() == 2


def test_the_cost_follows_what_is_typed(page: Page, served: Served) -> None:
    served.login(page.context)
    page.goto(f"{served.address}/admin/e/club/questions/1")
    cost = page.locator("#cost-question")
    expect(cost).to_have_text("4 locked numbers, about 0.1 s on a phone (1 % of what is allowed).")
    page.get_by_label("Offer a blank vote").uncheck()
    expect(cost).to_contain_text("3 locked numbers")
    # Nothing was saved by that.
    page.reload()
    expect(cost).to_contain_text("4 locked numbers")


def test_the_question_is_shown_in_the_booth(page: Page, served: Served) -> None:
    served.login(page.context)
    page.goto(f"{served.address}/admin/e/club/questions/1")
    booth = page.frame_locator("iframe.preview")
    booth.get_by_role("button", name="Start practice").click()
    booth.get_by_role("heading", level=1, name="Who shall chair the club?").wait_for()
    booth.get_by_label("Jonas").check()


def test_the_preview_by_link_leads_to_the_booth(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/preview/{'A' * 22}/")
    page.get_by_role("link", name="Try the booth").click()
    page.get_by_role("button", name="Start practice").click()
    page.get_by_role("heading", level=1, name="Who shall chair?").wait_for()
