"""Hostile and clumsy input on the administrator's pages: nothing lost, nothing done by mistake, a sentence each."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.admin import AdminSite, Trustees, sound_draft
from tests.simulators.browser_without_scripts import PlainBrowser
from voting.admin.drafts import DraftQuestion, draft_hash, parse_draft
from voting.admin.freeze_pages import manifest_maker
from voting.admin.preparation import Preparation, change_preparation, read_preparation
from voting.election.phases import Phase
from voting.site.election_store import State
from voting.site.privacy import erase_personal_data

SCRIPT = "<script>alert(1)</script>"
BIDI = "evil\u202egpj"
LONG = "x" * 5000
HOSTILE = [SCRIPT, BIDI, LONG, '"><img src=x onerror=alert(1)>', "{{ 7919 * 7907 }}", "{name}", "a\x00b"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[AdminSite]:
    made = AdminSite(tmp_path)
    made.add_draft("club", sound_draft())
    yield made
    made.close()


def freeze(site: AdminSite, name: str = "club") -> None:
    """Freeze without the pages."""
    row = site.services.site.get(name)
    assert row is not None
    with site.app.test_request_context():
        maker = manifest_maker(parse_draft(row.draft))
        site.services.elections.create(name, maker, random_bytes=secrets.token_bytes)
    site.services.site.set_state(name, State.FROZEN)


def all_pages(site: AdminSite) -> list[str]:
    """All addresses below /admin/e/club that can be looked at."""
    values = {"name": "club", "number": "1", "kind": "invitation"}
    adapter = site.app.url_map.bind("localhost")
    found = []
    for rule in site.app.url_map.iter_rules():
        if rule.rule.startswith("/admin/e/") and "GET" in (rule.methods or ()):
            wanted = {argument: values[argument] for argument in rule.arguments}
            found.append(adapter.build(rule.endpoint, wanted))
    return sorted(found)


# -- who may -----------------------------------------------------------------------------------------------------------


def test_without_a_login_every_page_leads_to_the_login(site: AdminSite) -> None:
    client = site.app.test_client()
    for address in all_pages(site):
        response = client.get(address)
        assert response.status_code == 302, address
        assert "/admin/login" in response.headers["Location"]


def test_for_others_an_election_does_not_exist(site: AdminSite) -> None:
    browser = site.browser("other")
    assert "club" not in browser.get("/admin/").text
    for address in all_pages(site):
        page = browser.get(address)
        assert page.status == 404, address
        assert "Board election" not in page.text
    unknown = browser.get("/admin/e/no-such-election/")
    known = browser.get("/admin/e/club/")
    assert unknown.text == known.text


def test_posts_of_others_change_nothing(site: AdminSite) -> None:
    own = site.browser("other").get("/admin/new").form("Make the draft")
    token = own.fields["csrf_token"]
    before = site.services.site.get("club")
    for rule in site.app.url_map.iter_rules():
        if rule.rule.startswith("/admin/e/") and "POST" in (rule.methods or ()):
            address = rule.rule.replace("<name>", "club").replace("<int:number>", "1").replace("<kind>", "invitation")
            data = {"csrf_token": token, "version": "1", "do": "save", "confirm": "club"}
            assert own._page.browser.send("post", address, data).status == 404, address
    assert site.services.site.get("club") == before


def test_a_form_without_its_token_changes_nothing(site: AdminSite) -> None:
    browser = site.browser()
    before = site.services.site.get("club")
    for path in ("general", "questions/1", "trustees", "times", "freeze", "rehearsal", "delete", "preview"):
        page = browser.send("post", f"/admin/e/club/{path}", {"version": "1", "confirm": "club", "title.en": "Mine"})
        assert page.status == 400
        assert "Nothing was changed" in page.text
    assert site.services.site.get("club") == before


def test_pages_cannot_be_framed_but_for_the_preview_of_a_question_by_the_site_itself(site: AdminSite) -> None:
    browser = site.browser()
    for address in all_pages(site):
        page = browser.get(address)
        framed = address.endswith("/questions/1/practice")
        assert page.headers["X-Frame-Options"] == ("SAMEORIGIN" if framed else "DENY"), address
        policy = page.headers["Content-Security-Policy"]
        assert ("frame-ancestors 'self'" if framed else "frame-ancestors 'none'") in policy
        assert "unsafe" not in policy


# -- hostile texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_kept_and_shown_harmlessly(site: AdminSite, text: str) -> None:
    browser = site.browser()
    form = browser.get("/admin/e/club/general").form("Save")
    form.type({"title.en": text, "description.en": text, "contact": text}).press("Save")
    form = browser.get("/admin/e/club/questions/1").form("Add an option")
    form.type({"questions[1].title.en": text, "questions[1].options[1].en": text}).press("Add an option")
    browser.get("/admin/e/club/trustees").form("Save").type({"trustees[1].name": text}).press("Save")
    row = site.services.site.get("club")
    assert row is not None
    draft = parse_draft(row.draft)
    assert draft.title["en"] == text
    assert draft.questions[0].options[0]["en"] == text
    for address in all_pages(site):
        page = browser.get(address)
        assert page.status in {200, 400, 404}, address
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html
        assert "62615533" not in page.html  # what the template in one of the texts would come to
    # What may not stand on a ballot is said at its field, and stops the freeze.
    if text in {BIDI, LONG, "a\x00b"}:
        page = browser.get("/admin/e/club/general?checked=1")
        assert "title-en-fault" in page.ids
        assert not any(b[2] == "Freeze for ever" for f in browser.get("/admin/e/club/freeze").forms for b in f.buttons)


def test_very_long_posts_are_refused_with_a_sentence(site: AdminSite) -> None:
    browser = site.browser()
    form = browser.get("/admin/e/club/general").form("Save")
    page = form.type({"description.en": "x" * 100_000}).press("Save")
    assert page.status == 200
    assert "more than 2000" in page.text
    form = browser.get("/admin/e/club/general").form("Save")
    page = form.type({"description.en": "x" * 500_000}).press("Save")
    assert page.status == 400
    assert "nothing was saved" in page.text
    page = browser.get("/admin/e/club/general")
    assert page.form("Save").fields["description.en"] == "x" * 100_000


@pytest.mark.parametrize(
    ("short", "words"),
    [
        ("", "cannot be the short name"),
        ("club", "another election"),
        ("../../etc", "cannot be the short name"),
        ("a" * 41, "cannot be the short name"),
        ("Ünicode", "cannot be the short name"),
        (SCRIPT, "cannot be the short name"),
        ("-a", "cannot be the short name"),
    ],
)
def test_short_names(site: AdminSite, short: str, words: str) -> None:
    page = site.browser().get("/admin/new").form("Make the draft").fill(short=short, title="My title").press()
    assert page.status == 400
    assert words in page.text
    assert page.form("Make").fields["title"] == "My title"
    assert "<script>alert" not in page.html
    assert len(site.services.site.all()) == 1


# -- two windows, two clicks -------------------------------------------------------------------------------------------


def test_a_stale_form_overwrites_nothing_and_loses_nothing(site: AdminSite) -> None:
    browser = site.browser()
    first, second = (browser.get("/admin/e/club/general").form("Save") for _window in range(2))
    second.type({"title.en": "The newer title"}).press("Save")
    page = first.type({"title.en": "The older title", "contact": "me"}).press("Save")
    assert page.status == 409
    assert "Changed in another window" in page.text
    assert page.form("Save").fields["title.en"] == "The older title"
    row = site.services.site.get("club")
    assert row is not None
    assert parse_draft(row.draft).title["en"] == "The newer title"
    # Saving once more is a decision.
    page = page.form("Save").press("Save")
    row = site.services.site.get("club")
    assert row is not None
    assert parse_draft(row.draft).title["en"] == "The older title"
    assert parse_draft(row.draft).contact == "me"


@pytest.mark.parametrize("path", ["questions/1", "trustees", "times", "codes"])
def test_every_form_of_the_draft_notices_a_newer_draft(site: AdminSite, path: str) -> None:
    browser = site.browser()
    old = browser.get(f"/admin/e/club/{path}").form("Save")
    browser.get("/admin/e/club/general").form("Save").type({"contact": "somebody else"}).press("Save")
    before = site.services.site.get("club")
    page = old.press("Save")
    assert page.status == 409
    assert site.services.site.get("club") == before


def test_a_question_that_moved_meanwhile_is_not_overwritten(site: AdminSite) -> None:
    browser = site.browser()
    form = browser.get("/admin/e/club/questions/1").form("Save")
    browser.get("/admin/e/club/questions/1/remove").form("Remove").press("Remove the question")
    page = form.press("Save")
    assert page.status == 404
    assert browser.get("/admin/e/club/questions/1").status == 404


def test_two_clicks_freeze_once(site: AdminSite) -> None:
    row = site.services.site.get("club")
    assert row is not None
    done = Preparation(rehearsed=draft_hash(parse_draft(row.draft)))
    change_preparation(site.services.site, "club", lambda _before: done)
    browser = site.browser()
    form = browser.get("/admin/e/club/freeze").form("Freeze").fill(confirm="club")
    pages = []
    threads = [threading.Thread(target=lambda: pages.append(form.press("Freeze"))) for _click in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [page.path for page in pages] == ["/admin/e/club/"] * 2
    assert site.services.elections.get("club").look(lambda record: record.entries) == 1


def test_freezing_needs_the_rehearsal_of_this_very_draft(site: AdminSite) -> None:
    browser = site.browser()
    row = site.services.site.get("club")
    assert row is not None
    done = Preparation(rehearsed=draft_hash(parse_draft(row.draft)))
    change_preparation(site.services.site, "club", lambda _before: done)
    form = browser.get("/admin/e/club/freeze").form("Freeze").fill(confirm="club")
    browser.get("/admin/e/club/general").form("Save").type({"contact": "another"}).press("Save")
    page = form.press("Freeze")
    assert page.status == 400
    assert "Nothing was frozen" in page.text
    page = browser.get("/admin/e/club/freeze")
    assert "changed since the rehearsal" in page.text
    assert "club" not in site.services.elections.names()


def test_a_stop_between_board_and_note_heals_itself(site: AdminSite) -> None:
    freeze(site)
    site.services.site.set_state("club", State.DRAFT)
    browser = site.browser()
    assert "Frozen" in browser.get("/admin/e/club/").text
    row = site.services.site.get("club")
    assert row is not None
    assert row.state is State.FROZEN


# -- the wrong moment --------------------------------------------------------------------------------------------------


def test_pages_of_another_stage_say_so(site: AdminSite) -> None:
    browser = site.browser()
    for path in ("ceremony", "voting", "result", "archive", "acts"):
        page = browser.get(f"/admin/e/club/{path}")
        assert page.path == "/admin/e/club/"
        assert "The election is still a draft." in page.text
    freeze(site)
    for path in ("general", "questions", "questions/1", "trustees", "times", "codes", "freeze", "rehearsal", "preview"):
        page = browser.get(f"/admin/e/club/{path}")
        assert page.path == "/admin/e/club/"
        assert "The election is frozen, so its definition cannot change any more." in page.text


def test_acts_at_the_wrong_moment_are_refused_in_words(site: AdminSite) -> None:
    freeze(site)
    browser = site.browser()
    token = browser.get("/admin/e/club/voting").form("Publish").fields["csrf_token"]

    def act(path: str, **values: str) -> tuple[int, str]:
        data = {"csrf_token": token, "confirm": "club", **values}
        page = browser.send("post", f"/admin/e/club/{path}", data)
        return page.status, page.text

    assert act("voting/open")[0] == 400
    assert "not finished" in act("voting/open")[1]
    assert "not open" in act("voting/close")[1]
    assert "only while it is open" in act("voting/extend", closes="2098-01-01T00:00")[1]
    assert "past" in act("voting/extend", closes="2020-01-01T00:00")[1]
    assert "no date" in act("voting/extend", closes="tomorrow")[1]
    assert "is empty" in act("voting/notice", text=" ")[1]
    assert "hidden character" in act("voting/notice", text=BIDI)[1]
    assert "not over yet" in act("archive", do="make")[1]
    assert "short name" in act("voting/cancel", reason="x", confirm="no")[1]
    hosted = site.services.elections.get("club")
    assert hosted.look(lambda record: (record.phase, record.entries)) == (Phase.SETUP, 1)


def test_a_result_before_its_time_fails_in_words(site: AdminSite) -> None:
    freeze(site)
    browser = site.browser()
    token = browser.get("/admin/e/club/voting").form("Publish").fields["csrf_token"]
    for step, words in (("tally", "before voting is closed"), ("publish", "before the encrypted tally")):
        browser.send("post", "/admin/e/club/result", {"csrf_token": token, "do": step})
        site.desk.jobs.wait("result club", 20)
        assert words in browser.get("/admin/e/club/result").text
    page = browser.send("post", "/admin/e/club/result", {"csrf_token": token, "do": "invent"})
    assert page.status == 400


def test_the_ceremony_begins_anew_without_somebody(site: AdminSite) -> None:
    freeze(site)
    hosted = site.services.elections.get("club")
    Trustees(hosted).round(0, [1, 2])
    browser = site.browser()
    form = browser.get("/admin/e/club/ceremony").form("Begin anew")
    page = form.fill(exclude=["3"], confirm="wrong").press("Begin anew")
    assert "Nothing was done" in page.text
    page = form.fill(exclude=["3"], confirm="club").press("Begin anew")
    assert "A new ceremony begins" in page.text
    assert "left out" in page.text
    assert hosted.look(lambda record: record.require_ceremony().excluded) == (3,)
    # The same form once more is refused: it was for the first ceremony.
    assert "begun anew already" in form.press("Begin anew").text
    # Fewer than are needed cannot be left.
    form = browser.get("/admin/e/club/ceremony").form("Begin anew")
    page = form.fill(exclude=["1", "2"], confirm="club").press("Begin anew")
    assert page.status == 409
    assert hosted.look(lambda record: record.require_ceremony().attempt) == 2


def test_an_announcement_sent_twice_is_published_once(site: AdminSite) -> None:
    freeze(site)
    form = site.browser().get("/admin/e/club/voting").form("Publish").fill(text="Hello\r\nall")
    form.press("Publish")
    form.press("Publish")
    notices = site.services.elections.get("club").look(lambda record: [notice.text for notice in record.notices])
    assert notices == ["Hello\nall"]


def test_cancelling_is_final_and_says_why(site: AdminSite) -> None:
    freeze(site)
    browser = site.browser()
    page = browser.get("/admin/e/club/voting").form("Cancel").fill(reason=SCRIPT, confirm="club").press("Cancel")
    assert "Cancelled" in page.text
    assert SCRIPT in page.text
    assert "<script>alert" not in page.html
    assert site.services.elections.get("club").look(lambda record: record.phase) is Phase.CANCELLED
    assert not any("Cancel" in b[2] for form in browser.get("/admin/e/club/voting").forms for b in form.buttons)
    page = browser.get("/admin/e/club/archive").form("Make the archive").press()
    site.desk.jobs.wait("result club", 60)
    page = browser.get("/admin/e/club/archive")
    assert "Save the archive" in page.text, page.text


def test_after_the_deletion_of_personal_data_all_pages_still_work(site: AdminSite) -> None:
    freeze(site)
    browser = site.browser()
    browser.get("/admin/e/club/voting").form("Cancel").fill(reason="Enough", confirm="club").press("Cancel")
    hosted = site.services.elections.get("club")
    erase_personal_data(hosted, site.services.store, site.settings, site.clock())
    for address in all_pages(site):
        page = browser.get(address)
        assert page.status in {200, 400, 404}, address
        assert "anna@example.org" not in page.html
    assert "were deleted on" in browser.get("/admin/e/club/voting").text
    # Addresses cannot come back by a form that was opened before.
    token = browser.get("/admin/e/club/voting").form("Publish").fields["csrf_token"]
    data = {"csrf_token": token, "email-1": "anna@example.org"}
    assert browser.send("post", "/admin/e/club/ceremony/addresses", data).status == 400
    assert site.services.site.trustees("club") == []


# -- preview by link ---------------------------------------------------------------------------------------------------


def test_a_preview_needs_its_link_and_nothing_else(site: AdminSite) -> None:
    browser = site.browser()
    browser.get("/admin/e/club/preview").form("Make a link").press("Make a link")
    row = site.services.site.get("club")
    assert row is not None
    token = read_preparation(row.preparation).preview
    assert len(token) == 22
    stranger = PlainBrowser(site.app.test_client())
    assert stranger.get(f"/preview/{token}/").status == 200
    data = stranger.client.get(f"/preview/{token}/practice.json").get_json()
    assert data["manifest"]["title"] == {"en": "Board election"}
    assert stranger.get(f"/preview/{token}/practice").data == site.app.config["URNE_VOTE_PAGE"]
    for wrong in ("", "x", "A" * 22, token[:-1], token + "A", token.swapcase()):
        assert stranger.get(f"/preview/{wrong}/").status == 404
    # It says nothing that is not public anyway.
    assert "anna@example.org" not in stranger.get(f"/preview/{token}/").html
    # Frozen: it leads to the public page. Ended: it leads nowhere.
    site.services.site.set_state("club", State.FROZEN)
    assert stranger.client.get(f"/preview/{token}/").headers["Location"] == "/e/club"
    site.services.site.set_state("club", State.DRAFT)
    browser.get("/admin/e/club/preview").form("End the link").press("End the link")
    assert stranger.get(f"/preview/{token}/").status == 404


def test_opinions_are_kept_with_the_draft_they_were_about(site: AdminSite) -> None:
    browser = site.browser()
    browser.get("/admin/e/club/preview").form("Make a link").press("Make a link")
    row = site.services.site.get("club")
    assert row is not None
    token = read_preparation(row.preparation).preview
    stranger = PlainBrowser(site.app.test_client())
    form = stranger.get(f"/preview/{token}/").form("Send")
    assert "Write your name" in form.press("Send").text
    assert "whether everything" in form.fill(name="Ada").press("Send").text
    assert "Say what is wrong" in form.fill(agrees="no").press("Send").text
    assert "at most" in form.fill(remark=BIDI).press("Send").text
    page = form.fill(remark=SCRIPT).press("Send")
    assert "Thank you" in page.text
    page = browser.get("/admin/e/club/preview")
    assert "something is wrong" in page.text
    assert SCRIPT in page.text
    assert "<script>alert" not in page.html
    assert "found something wrong" in browser.get("/admin/e/club/").text
    # After a change, an opinion on what was seen before is not taken.
    old = stranger.get(f"/preview/{token}/").form("Send").fill(name="Bob", agrees="yes")
    browser.get("/admin/e/club/general").form("Save").type({"contact": "another"}).press("Save")
    assert "changed while you were looking" in old.press("Send").text
    # Removing the remark settles it.
    browser.get("/admin/e/club/preview").form("Remove").press("Remove")
    assert "found something wrong" not in browser.get("/admin/e/club/").text


# -- the draft as a file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{", "is no JSON"),
        ("title = ", "is no TOML"),
        ("", "title is missing"),
        ('{"title": "<script>alert(1)</script>", "trustees": ["A"]}', "questions is missing"),
        ("[" * 100_000, "TOML"),
        ("{" + '"a":{' * 50_000, "JSON"),
        (SCRIPT, "TOML"),
    ],
)
def test_files_with_faults_change_nothing(site: AdminSite, source: str, words: str) -> None:
    browser = site.browser()
    before = site.services.site.get("club")
    page = browser.get("/admin/e/club/source").form("Replace the draft").fill(source=source).press("Replace")
    assert words in page.text, page.text
    assert "Nothing was changed" in page.text
    assert page.form("Replace the draft").fields["source"] == source
    assert site.services.site.get("club") == before


def test_a_file_replaces_the_draft(site: AdminSite) -> None:
    browser = site.browser()
    exported = browser.get("/admin/e/club/draft.json").data.decode()
    source = """
title = {en = "New", fr = "Nouveau"}
trustees = ["Bea", "Dora"]
[[questions]]
method = "ranking"
title = {en = "Order", fr = "Ordre"}
options = [{en = "a", fr = "a"}, {en = "b", fr = "b"}]
"""
    page = browser.get("/admin/e/club/source").form("Replace the draft").fill(source=source).press("Replace")
    assert page.path == "/admin/e/club/"
    row = site.services.site.get("club")
    assert row is not None
    draft = parse_draft(row.draft)
    assert draft.languages == ("en", "fr")
    assert [(t.name, t.email) for t in draft.trustees] == [("Bea", "bea@example.org"), ("Dora", "")]
    assert draft.questions[0].method == "ranking"
    page = browser.get("/admin/e/club/source").form("Replace the draft").fill(source=exported).press("Replace")
    row = site.services.site.get("club")
    assert row is not None
    assert draft_hash(parse_draft(row.draft)) == draft_hash(sound_draft())


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_deleting_a_draft_needs_its_name(site: AdminSite) -> None:
    browser = site.browser()
    form = browser.get("/admin/e/club/delete").form("Delete the draft")
    assert form.press("Delete").status == 400
    assert site.services.site.get("club") is not None
    assert "is deleted" in form.fill(confirm="club").press("Delete").text
    assert site.services.site.get("club") is None
    site.add_draft("club", sound_draft())
    freeze(site)
    assert "frozen" in browser.get("/admin/e/club/delete").text


def test_a_copy_takes_texts_and_leaves_times(site: AdminSite) -> None:
    site.add_draft("other", sound_draft(opens="2098-01-01T00:00", closes="2098-01-02T00:00"))
    browser = site.browser()
    form = browser.get("/admin/e/other/copy").form("Make the copy")
    assert form.fill(short="club").press().status == 400
    assert form.fill(short="next").press().path == "/admin/e/next/"
    row = site.services.site.get("next")
    assert row is not None
    draft = parse_draft(row.draft)
    assert (draft.opens, draft.questions) == ("", sound_draft().questions)


def test_the_live_check_saves_nothing(site: AdminSite) -> None:
    browser = site.browser()
    before = site.services.site.get("club")
    form = browser.get("/admin/e/club/questions/1").form("Save")
    data = {**form.fields.to_dict(), "questions[1].options[2].en": "Ada"}
    answer = browser.client.post("/admin/e/club/questions/1/check", data=data).get_json()
    assert answer["cost"] == ""
    assert answer["problems"] == 1
    data["questions[1].options[2].en"] = "Blaise"
    answer = browser.client.post("/admin/e/club/questions/1/check", data=data).get_json()
    assert answer["cost"].startswith("3 locked numbers")
    assert site.services.site.get("club") == before


def test_a_draft_at_its_limits_is_shown_quickly(site: AdminSite) -> None:
    options = tuple({"en": f"Option {i}"} for i in range(200))
    questions = tuple(DraftQuestion(title={"en": f"Q{i}"}, options=options) for i in range(10))
    site.add_draft("big", sound_draft(questions=questions))
    browser = site.browser()
    page = browser.get("/admin/e/big/")
    assert page.status == 200
    assert "limits are" in browser.get("/admin/e/big/questions?checked=1").text
    form = browser.get("/admin/e/big/questions/1").form("Add an option")
    form.press("Add an option")
    row = site.services.site.get("big")
    assert row is not None
    assert len(parse_draft(row.draft).questions[0].options) == 200
