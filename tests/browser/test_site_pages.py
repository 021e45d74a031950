"""The pages of logins, voters and messages in a browser: accessible, on a phone; the warning before a login ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.axe import assert_accessible, assert_fits, assert_targets
from tests.browser.conftest import Watch
from tests.simulators.admin import AdminSite
from tests.simulators.hosted import HostedSimulator
from tests.simulators.site import QUESTION
from voting.site.letters import Kind

LONG = "W" * 150
PASSWORD = "a long pass phrase for tests"
LIST = f"""id,name,email,weight,language
ada,Ada Lovelace,ada@example.org,1,en
bob,<script>alert(1)</script>,bob@example.org,2,fr
{LONG},{LONG},{LONG}@example.org,1,
عمر,عمر الخيام,omar@example.org,1,
""" + "".join(f"member-{number},Member {number},member{number}@example.org,1,\n" for number in range(60))
VOTERS = "/admin/e/club/voters"
PAGES = {
    "login": "/admin/login?reason=ended",
    "account": "/admin/account",
    "people": "/admin/e/club/people",
    "voters": VOTERS,
    "import": f"{VOTERS}/import",
    "new voter": f"{VOTERS}/new",
    "voter": f"{VOTERS}/1",
    "credentials": f"{VOTERS}/credentials",
    "mail": "/admin/e/club/mail",
    "invitation": "/admin/e/club/mail/invitation",
    "reminder": "/admin/e/club/mail/reminder",
}


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        pass


class Served:
    """A live site with an election `club` of the account `editor`."""

    def __init__(self, folder: Path) -> None:
        self.site = AdminSite(folder)
        services = self.site.services
        HostedSimulator(folder, [QUESTION], name="club", elections=services.elections)
        editor = self.site.account("editor").id
        services.accounts.set_password(editor, PASSWORD)
        services.site.adopt("club", editor, self.site.clock.at())
        data = LIST.encode()
        plan = services.voters.plan("club", data, is_whole=True)
        services.voters.carry_out("club", data, plan.digest, is_whole=True)
        services.outbox.send_to_voters("club", Kind.INVITATION, "0" * 16)
        services.mail.work()
        self._server = make_server("127.0.0.1", 0, self.site.app, threaded=True, request_handler=_Silent)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.site.close()

    def log_in(self, page: Page, language: str = "en") -> None:
        page.goto(f"{self.address}/admin/login?lang={language}")
        page.locator("#name").fill("editor")
        page.locator("#password").fill(PASSWORD)
        page.locator("button.primary").click()
        page.wait_for_url("**/admin/")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.mark.parametrize(("width", "language"), [(320, "fr"), (1280, "en")])
def test_pages_are_accessible_and_fit(
    browser: Browser, watch: Watch, served: Served, width: int, language: str
) -> None:
    page = watch(browser.new_context(viewport={"width": width, "height": 800}, locale=language)).new_page()
    pictures = os.environ.get("URNE_PICTURES")
    for name, path in PAGES.items():
        if name == "account":
            served.log_in(page, language)
        page.goto(served.address + path)
        expect(page.locator("h1")).to_have_count(1)
        if pictures:
            page.screenshot(path=f"{pictures}/{name.replace(' ', '-')}-{width}.png", full_page=True)
        assert_fits(page)
        assert_accessible(page)
        assert_targets(page)
    # The looks that only forms lead to.
    page.goto(f"{served.address}{VOTERS}/import")
    page.locator("#pasted").fill(LIST + "new,,,1,\n")
    page.locator("main button.primary").click()
    expect(page.locator("main button.primary")).to_contain_text("65")
    if pictures:
        page.screenshot(path=f"{pictures}/look-{width}.png", full_page=True)
    assert_fits(page)
    assert_accessible(page)
    page.goto(f"{served.address}{VOTERS}/1")
    page.locator("button[value=page]").click()
    expect(page.locator("article.letter")).to_have_count(1)
    assert_fits(page)
    assert_accessible(page)


def test_a_dialog_warns_before_the_login_ends(browser: Browser, watch: Watch, served: Served) -> None:
    page = watch(browser.new_context(locale="en")).new_page()
    page.clock.install()
    served.log_in(page)
    page.goto(f"{served.address}/admin/e/club/voters/new")
    page.locator("#id").fill("typed already")
    warning = page.locator("#login-warning")
    expect(warning).to_be_hidden()
    page.clock.fast_forward("07:57:00")
    expect(warning).to_be_hidden()
    served.site.clock.move(hours=7, minutes=58)
    page.clock.fast_forward("01:30")
    expect(warning).to_be_visible()
    assert_accessible(page)
    warning.get_by_role("button").click()
    expect(warning).to_be_hidden()
    expect(page.locator("#id")).to_have_value("typed already")
    served.site.clock.move(hours=7, minutes=50)
    page.clock.fast_forward("07:57:00")
    expect(warning).to_be_hidden()
    page.clock.fast_forward("02:00")
    expect(warning).to_be_visible()
    page.goto(f"{served.address}{VOTERS}")
    expect(page.locator("h1")).to_have_text("Voters")
