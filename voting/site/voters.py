"""The list of voters of an election: imported whole or not at all, after a look at what would change.

Personal data: no name and no address stands in an error. It must not import flask.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from voting.election.phases import Phase
from voting.election.record import MAX_TOTAL_WEIGHT
from voting.protocol.encoding import Hash, sha256
from voting.protocol.errors import InputErrors, Problem, UsageError
from voting.protocol.moment import format_moment
from voting.site.elections import Elections
from voting.site.store import SiteStore
from voting.site.voter_store import VoterCounts, VoterRow, VoterStore
from voting.voter_list import Voter, read_voter_list

LIST = "the list"
MANY_PROBLEMS = 50
LIST_KEPT = timedelta(days=1)


class Change(NamedTuple):
    """A voter whose line differs from what is known."""

    old: VoterRow
    new: Voter

    def __repr__(self) -> str:
        return f"<Change of voter {self.old.id}>"


class ImportPlan(NamedTuple):
    """What an import would do. It was not done yet."""

    voters: int
    """Voters in the list."""
    weight: int
    first: tuple[Voter, ...]
    """The first few of the list, to look at."""
    added: tuple[Voter, ...]
    changed: tuple[Change, ...]
    removed: tuple[VoterRow, ...]
    unchanged: int
    digest: Hash
    """Stands for all of this: the confirmation names it, so that only what was shown is done."""

    def __repr__(self) -> str:
        return f"<ImportPlan +{len(self.added)} ~{len(self.changed)} -{len(self.removed)}>"


class VoterService:
    """The voters of all elections."""

    def __init__(self, store: SiteStore, elections: Elections, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self.rows = VoterStore(store)
        self._store = store
        self._elections = elections

    def counts(self, election: str) -> VoterCounts:
        """How many voters an election has."""
        return self.rows.counts(election)

    # -- import --------------------------------------------------------------------------------------------------------

    def plan(self, election: str, data: bytes, *, is_whole: bool) -> ImportPlan:
        """Read a list (K5), and say what importing it would do.

        Args:
            data: the CSV file.
            is_whole: whether voters who are not in the list are removed; else they stay.

        Raises:
            InputErrors: with every fault of the list.
        """
        listed = read_voter_list(data, name=LIST)
        known = {voter.identifier.casefold(): voter for voter in self.rows.each(election)}
        added: list[Voter] = []
        changed: list[Change] = []
        problems: list[Problem] = []
        can_add = self.can_add(election)
        for number, voter in enumerate(listed, start=1):
            old = known.pop(voter.identifier.casefold(), None)
            if old is None:
                added.append(voter)
                if not can_add:
                    problems.append(Problem(f"voter {number}", "is new, and voting was opened already", "remove it"))
            elif _voter(old) != _plain(voter):
                changed.append(Change(old, voter))
                problems.extend(_weight_problem(old, voter, f"voter {number}"))
        removed = tuple(known.values()) if is_whole else ()
        problems.extend(_removal_problems(removed))
        weight = sum(voter.weight for voter in listed) + (0 if is_whole else sum(v.weight for v in known.values()))
        if weight > MAX_TOTAL_WEIGHT:
            problems.append(Problem("", f"has weights that add up to more than {MAX_TOTAL_WEIGHT}", "lower them"))
        if problems:
            left_out = len(problems) - MANY_PROBLEMS
            more = [Problem("", f"and {left_out} more faults like these")] if left_out > 0 else []
            raise InputErrors(LIST, [*problems[:MANY_PROBLEMS], *more])
        unchanged = len(listed) - len(added) - len(changed)
        said = repr([tuple(v) for v in added] + [(c.old.id, tuple(c.new)) for c in changed] + [v.id for v in removed])
        digest = sha256(said.encode("utf-8", "surrogatepass"))
        first = tuple(listed[:5])
        return ImportPlan(len(listed), weight, first, tuple(added), tuple(changed), removed, unchanged, digest)

    def carry_out(self, election: str, data: bytes, digest: str, *, is_whole: bool) -> ImportPlan:
        """Import a list, whole or not at all, if it still does what was shown.

        Raises:
            UsageError: if the voters have changed since the plan of this digest was shown; then nothing was done.
            InputErrors: as `plan` does.
        """
        with self._store.transaction():
            plan = self.plan(election, data, is_whole=is_whole)
            if plan.digest != digest:
                raise UsageError(
                    "was changed meanwhile, so nothing was imported",
                    where="the list of voters",
                    remedy="look at the changes again",
                )
            self.rows.remove([voter.id for voter in plan.removed])
            # Identifiers may differ in case only; two changes never meet in one name, since names are unique.
            for change in plan.changed:
                self.rows.change(change.old.id, change.new)
            self.rows.add(election, plan.added)
        return plan

    def keep_list(self, election: str, data: bytes, *, is_whole: bool) -> None:
        """Keep a list that was looked at until it is confirmed, for a day at most."""
        self.rows.keep_list(election, data, is_whole=is_whole, time=format_moment(self._now()))

    def tidy(self) -> None:
        """Forget lists that nobody confirmed."""
        self.rows.drop_old_lists(format_moment(self._now() - LIST_KEPT))

    # -- one voter -----------------------------------------------------------------------------------------------------

    def add(self, election: str, voter: Voter) -> None:
        """Add one voter.

        Raises:
            InputErrors: if something about the voter is at fault.
            UsageError: if voting was opened.
        """
        checked = check_voter(voter)
        with self._store.transaction():
            if not self.can_add(election):
                raise UsageError("voting was opened: the list of voters is final")
            if self.rows.by_identifier(election, checked.identifier) is not None:
                raise InputErrors("voter", [Problem("id", "is taken by another voter", "choose another one")])
            if self.rows.counts(election).weight + checked.weight > MAX_TOTAL_WEIGHT:
                raise InputErrors("voter", [Problem("weight", "makes the sum of all weights too high", "lower it")])
            self.rows.add(election, [checked])

    def change(self, old: VoterRow, voter: Voter) -> None:
        """Change one voter. The weight stays once the credential is on the board.

        Raises:
            InputErrors: if something about the voter is at fault.
        """
        checked = check_voter(voter)
        with self._store.transaction():
            present = self.rows.get(old.election, old.id)
            if present is None:
                raise UsageError("was removed meanwhile", where="the voter")
            problems = list(_weight_problem(present, checked, "weight"))
            other = self.rows.by_identifier(old.election, checked.identifier)
            if other is not None and other.id != old.id:
                problems.append(Problem("id", "is taken by another voter", "choose another one"))
            if problems:
                raise InputErrors("voter", problems)
            self.rows.change(old.id, checked)

    def remove(self, voter: VoterRow) -> None:
        """Remove one voter. Raises UsageError if the credential is on the board: then it stays for good."""
        with self._store.transaction():
            present = self.rows.get(voter.election, voter.id)
            if present is not None and present.is_listed:
                raise UsageError("has a credential on the board, which cannot be taken back", where="the voter")
            self.rows.remove([voter.id])

    # -- more ----------------------------------------------------------------------------------------------------------

    def can_add(self, election: str) -> bool:
        """Whether voters may still be added: until voting is opened."""
        if election not in self._elections.names():
            return True
        phase: Phase = self._elections.get(election).look(lambda record: record.phase)
        return phase == Phase.SETUP

    def export(self, election: str) -> bytes:
        """The list as a CSV file that `plan` reads, with a byte order mark, which spreadsheets need."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(("id", "name", "email", "weight", "language"))
        for voter in self.rows.each(election):
            writer.writerow((voter.identifier, voter.name, voter.email, voter.weight, voter.language))
        return text.getvalue().encode("utf-8-sig")


def check_voter(voter: Voter) -> Voter:
    """One voter, checked by the rules of lists. Raises InputErrors with everything that is wrong."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("id", "name", "email", "weight", "language"))
    writer.writerow((voter.identifier, voter.name or "", voter.email or "", voter.weight, voter.language or ""))
    try:
        (checked,) = read_voter_list(text.getvalue().encode("utf-8", "replace"), name="voter")
    except InputErrors as error:
        raise InputErrors("voter", [Problem("", p.problem, p.remedy) for p in error.problems]) from None
    except ValueError:
        raise InputErrors("voter", [Problem("", "has a line break", "write one line per field")]) from None
    return checked


def _plain(voter: Voter) -> tuple[str, str, str, int, str]:
    return voter.identifier, voter.name or "", voter.email or "", voter.weight, voter.language or ""


def _voter(row: VoterRow) -> tuple[str, str, str, int, str]:
    return row.identifier, row.name, row.email, row.weight, row.language


def _weight_problem(old: VoterRow, new: Voter, where: str) -> Sequence[Problem]:
    if old.is_listed and old.weight != new.weight:
        return [Problem(where, "has another weight than its credential on the board", f"leave it at {old.weight}")]
    return []


def _removal_problems(removed: Sequence[VoterRow]) -> Sequence[Problem]:
    count = sum(voter.is_listed for voter in removed)
    if not count:
        return []
    return [Problem("", f"leaves out {count} voters whose credentials are on the board", "keep them in the list")]
