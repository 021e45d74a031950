"""The site's database: made, opened again, of another version, under several threads."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from tests.simulators.site import Clock
from voting.protocol.errors import UnavailableError, UsageError
from voting.site.election_settings import ElectionSettings
from voting.site.election_store import ElectionStore, Remark, State, TrusteeRow
from voting.site.store import VERSION, SiteStore
from voting.site.voter_store import VoterStore
from voting.voter_list import Voter

TIME = "2026-03-02T08:00:00.000Z"


def test_opens_again_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "site.db"
    store = SiteStore.open(path)
    ElectionStore(store).add("club", None, TIME)
    store.close()
    assert path.stat().st_mode & 0o077 == 0
    again = SiteStore.open(path)
    found = ElectionStore(again).get("club")
    again.close()
    assert found is not None
    assert found.state is State.DRAFT
    assert found.settings == ElectionSettings()


@pytest.mark.parametrize("pragma", ["user_version = 99", "application_id = 7"])
def test_other_programs_and_newer_versions_are_refused(tmp_path: Path, pragma: str) -> None:
    path = tmp_path / "site.db"
    SiteStore.open(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA {pragma}")
    with pytest.raises(UnavailableError):
        SiteStore.open(path)


def test_older_layouts_are_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "site.db"
    SiteStore.open(path).close()
    from voting.site import store as module

    later = (*module._LAYOUTS, ("CREATE TABLE novelty(x INTEGER) STRICT",))
    monkeypatch.setattr(module, "_LAYOUTS", later)
    monkeypatch.setattr(module, "VERSION", VERSION + 1)
    store = SiteStore.open(path)
    assert store.rows("SELECT count(*) FROM novelty") == [(0,)]
    assert store.rows("PRAGMA user_version") == [(VERSION + 1,)]
    store.close()


def test_a_damaged_file_is_an_error_without_traceback(tmp_path: Path) -> None:
    path = tmp_path / "site.db"
    path.write_bytes(b"this is no database, " * 400)
    with pytest.raises(UnavailableError):
        SiteStore.open(path)


def test_a_failed_transaction_changes_nothing(tmp_path: Path) -> None:
    store = SiteStore.open(tmp_path / "site.db")
    elections, voters = ElectionStore(store), VoterStore(store)
    elections.add("club", None, TIME)
    with pytest.raises(UnavailableError) as caught, store.transaction():
        voters.add("club", [Voter("secret-ada"), Voter("SECRET-ADA")])
    assert "secret" not in str(caught.value).lower()
    assert voters.counts("club").voters == 0
    store.close()


def test_numbers_of_removed_voters_are_not_given_again(tmp_path: Path) -> None:
    store = SiteStore.open(tmp_path / "site.db")
    ElectionStore(store).add("club", None, TIME)
    voters = VoterStore(store)
    voters.add("club", [Voter("ada")])
    first = next(iter(voters.each("club")))
    voters.remove([first.id])
    voters.add("club", [Voter("ada")])
    assert next(iter(voters.each("club"))).id > first.id
    store.close()


def test_stale_drafts_change_nothing(tmp_path: Path) -> None:
    store = SiteStore.open(tmp_path / "site.db")
    elections = ElectionStore(store)
    elections.add("club", None, TIME)
    assert elections.save_draft("club", "mine", 1)
    assert not elections.save_draft("club", "theirs", 1)
    row = elections.get("club")
    assert row is not None
    assert (row.draft, row.version) == ("mine", 2)
    with pytest.raises(UsageError):
        elections.add("club", None, TIME)
    elections.set_state("club", State.FROZEN)
    assert not elections.save_draft("club", "late", 3)
    with pytest.raises(UsageError):
        elections.delete_draft("club")
    store.close()


def test_rows_do_not_show_people(tmp_path: Path) -> None:
    store = SiteStore.open(tmp_path / "site.db")
    elections, voters = ElectionStore(store), VoterStore(store)
    elections.add("club", None, TIME)
    elections.set_trustees("club", [TrusteeRow("club", 1, "Bea", "bea@example.org", "")])
    elections.remark(Remark("club", "opening", "a", "b", TIME))
    elections.remark(Remark("club", "opening", "c", "d", TIME))
    voters.add("club", [Voter("ada", "Ada", "ada@example.org")])
    shown = repr([*elections.trustees("club"), *voters.each("club"), elections.get("club")])
    assert "example.org" not in shown
    assert "Ada" not in shown
    assert [remark.problem for remark in elections.remarks("club")] == ["c"]
    store.close()


def test_search_takes_its_words_literally(tmp_path: Path) -> None:
    store = SiteStore.open(tmp_path / "site.db")
    ElectionStore(store).add("club", None, TIME)
    voters = VoterStore(store)
    voters.add("club", [Voter("a%b"), Voter("a_b"), Voter("axb"), Voter("a\\b")])
    assert [[v.identifier for v in voters.page("club", w, 0, 9)[0]] for w in ("%", "_", "\\", "x")] == [
        ["a%b"],
        ["a_b"],
        ["a\\b"],
        ["axb"],
    ]
    assert voters.page("club", "", 1, 2)[1] == 4
    store.close()


def test_threads_have_connections_of_their_own(tmp_path: Path) -> None:
    store = SiteStore.open(tmp_path / "site.db")
    elections = ElectionStore(store)
    failures: list[BaseException] = []

    def add(number: int) -> None:
        try:
            for part in range(10):
                with store.transaction():
                    elections.add(f"e{number}-{part}", None, Clock().at())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(elections.all()) == 60
    last = threading.Thread(target=elections.all)
    last.start()
    last.join()
    assert len(store._connections) <= 2  # those of threads that have ended are closed
    store.close()
