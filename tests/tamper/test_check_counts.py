"""What each check says of each forged record, whole: its state, and how many of how many items it found right.

`check_counts.txt` has a line for each record: 21 columns, one a check. `3/4!` failed, `0/0-` did not run because what
it needs failed, `0/0.` did not run because the election has not come so far, nothing behind the number is passed, and
`n/a` is not applicable. `python -m tests.tamper.test_check_counts` prints the table; each change must be understood.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest

from tests.gallery.making import Record
from tests.gallery.voter import negated_alpha_with_proofs
from tests.simulators.election import ADMINISTRATOR, StoredEntry
from tests.simulators.record import STAGES, Part, Stage, checkpoint_of, parts_of, sample_election
from tests.tamper.test_verifier_tamper import (
    CASES,
    STRANGER,
    Forgery,
    checked,
    false_share_proof,
    forged,
    place_of,
    published,
    tally_with_a_replaced_ballot,
    with_notice,
)
from voting.crypto import chaum_pedersen, schnorr
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.messages import ElectionCancelled, TrusteeAnswered, TrusteeComplained
from voting.verifier.checks import CHECKS
from voting.verifier.context import Announced
from voting.verifier.findings import Cause, Status
from voting.verifier.load import open_record
from voting.verifier.report import CheckReport, Report
from voting.verifier.verify import verify_record

TABLE = Path(__file__).with_name("check_counts.txt")
_MARKS = {Cause.NEEDS: "-", Cause.NOT_YET: ".", Cause.ERROR: "?", Cause.NONE: ""}

NEEDS = {
    "01": ("Manifest", ""),
    "02": ("Chain of entries", ""),
    "03": ("Signed checkpoint", "01"),
    "04": ("Order of events", "01 02 05 07 08 09 10"),
    "05": ("Signatures of officials", "01"),
    "06": ("Trustees' commitments", "04 05"),
    "07": ("Trustees' ceremony", "04 05 06 08"),
    "08": ("Joint key", "04 05 06 07"),
    "09": ("Credentials", "04 05"),
    "10": ("Opening", "04 05 07 08 09"),
    "11": ("Ballot signatures", "04 09 10"),
    "12": ("Ciphertexts", "04 10"),
    "13": ("Ballot shape", "04 10"),
    "14": ("Ballot proofs", "12 13"),
    "15": ("Copied ciphertexts", "04 10"),
    "16": ("Counted ballots", "04 05"),
    "17": ("Encrypted tally", "04 05 16"),
    "18": ("Decryption shares", "04 05 16 17"),
    "19": ("Decrypted totals", "04 05 17 18"),
    "20": ("Outcome", "04 05 18 19"),
    "21": ("Extends what was seen", "01"),
}
"""Titles, and the checks whose subject each stands on."""


def good(until: Stage) -> Forgery:
    return Forgery(published(until=until)[0].board.entries)


@cache
def entries() -> list[StoredEntry]:
    return published()[0].board.entries


def since(earlier: bytes, *, first: int = 0, last: int | None = None) -> Report:
    """An earlier checkpoint, and a record of some of the entries."""
    return _report(Forgery(entries()[first:last]), since=earlier)


def _report(forgery: Forgery, **announced: object) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        return checked(forgery, Path(folder) / "record", **announced)


def _rewritten() -> Report:
    election, parts = with_notice()
    place = place_of(parts, "election.notice")
    earlier = checkpoint_of(election.board.entries, size=20)
    return _report(forged([*parts[:place], *parts[place + 1 :]]), since=earlier)


def _up_to(kind: str) -> Report:
    parts = published(until="ceremony")[1]
    return _report(forged(parts[: place_of(parts, f"trustee.{kind}") + 1]))


RECORDS: dict[str, Callable[[], Report]] = {
    **{f"until {stage}": partial(lambda stage: _report(good(stage)), stage) for stage in STAGES},
    **{case.forge.__name__: partial(lambda case: _report(case.forge()), case) for case in CASES},
    "since: extended": lambda: since(checkpoint_of(entries(), size=9)),
    "since: the same": lambda: since(checkpoint_of(entries())),
    "since: another board": lambda: since(checkpoint_of(entries(), STRANGER, size=9)),
    "since: rewritten": _rewritten,
    "since: shorter": lambda: since(checkpoint_of(entries()), last=-1),
    "since: no manifest": lambda: since(checkpoint_of(entries(), size=9), first=1),
    **{f"up to the first {kind}": partial(_up_to, kind) for kind in ("joined", "committed", "confirmed")},
    "one voter": lambda: _report(Forgery(published(until="listed", weights=(1,), ballots=())[0].board.entries)),
    "announced: another manifest": lambda: _report(Forgery(entries()), manifest="0" * 64),
    "announced: another election": lambda: _report(Forgery(entries()), election="0" * 64),
}


def row(report: Report) -> str:
    return " ".join(map(_column, report.checks))


def _column(check: CheckReport) -> str:
    if check.status is Status.NOT_APPLICABLE:
        return "n/a"
    mark = "!" if check.status is Status.FAILED else "" if check.status is Status.PASSED else _MARKS[check.cause]
    return f"{check.passed}/{check.total}{mark}"


def table() -> dict[str, str]:
    """The table as it stands in the file."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return {name.strip(): columns for name, _, columns in (line.partition("|") for line in lines)}


def test_the_table_is_of_these_records() -> None:
    assert list(table()) == list(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_each_check_says_what_the_table_says(name: str) -> None:
    assert row(RECORDS[name]()) == table()[name].strip()


def test_titles_and_needs() -> None:
    assert {check.info.id: (check.info.title, " ".join(check.info.needs)) for check in CHECKS} == NEEDS


def test_a_wrong_tally_and_a_wrong_share_are_named_by_their_entries() -> None:
    """24 entries, of which the last four are the tally, two shares and the result."""
    tally, share = _report(tally_with_a_replaced_ballot()), _report(false_share_proof())
    assert [finding.entry for finding in tally.checks[16].findings] == [20]
    assert {finding.entry for finding in share.checks[17].findings} <= {None, 21, 22}
    assert 22 in {finding.entry for finding in share.checks[17].findings}


def test_a_ceremony_that_failed_or_was_cancelled_says_so() -> None:
    """A wrong answer to a complaint is a warning that names the dealer; what is unfinished is said to be so."""
    election = sample_election(until="ceremony")
    parts = parts_of(election.board.entries)
    parts = parts[: place_of(parts, "trustee.confirmed")]
    manifest, time = election.manifest.hash, parse_body(parts[-1].type, parts[-1].body, what="part").content.time
    complaint = TrusteeComplained(attempt=1, dealer=1, index=2, manifest=manifest, time=time)
    answer = TrusteeAnswered(attempt=1, index=1, manifest=manifest, recipient=2, share="A" * 43, time=time)
    parts += [
        Part(kind, sign_content(kind, manifest, content, election.trustees[index].signing_key))
        for kind, content, index in (("trustee.complained", complaint, 2), ("trustee.answered", answer, 1))
    ]
    check = _report(forged(parts)).checks[6]
    assert [warning.subject for warning in check.warnings] == ["trustee 1"]
    assert (check.passed, check.total, check.reason) == (11, 11, "the ceremony is not finished")
    cancelled = ElectionCancelled(manifest, "Fire", time)
    end = Part("election.cancelled", sign_content("election.cancelled", manifest, cancelled, ADMINISTRATOR))
    assert _report(forged([*parts[:4], end])).checks[6].reason == "the election was cancelled"
    assert not _report(forged([*parts[:4], end])).checks[6].warnings


def test_a_nonce_used_twice_is_named_in_the_order_of_the_trustees(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have the worst of random generators, and the second trustee is the first to decrypt."""
    for module in (schnorr, chaum_pedersen):
        monkeypatch.setattr(module, "derive", lambda *_arguments, length: bytes([5]) * length)
    election = sample_election(until="tallied")
    for index in (2, 1):
        election.decrypt(index)
    check = _report(Forgery(election.board.entries)).checks[5]
    shares = "the proof of the decryption share"
    expected = [
        (4, 1, "proof 1 of entry 4", 4),
        (5, 2, "proof 1 of entry 5", 5),
        (6, 3, "proof 1 of entry 6", 6),
        (None, 1, shares, 4),
        (None, 2, shares, 5),
    ]
    assert [(warning.entry, warning.subject, warning.reason) for warning in check.warnings] == [
        (
            entry,
            f"trustee {trustee}",
            f"{place} has the same commitment as proof 0 of entry {first}: a nonce used twice gives the secret away",
        )
        for entry, trustee, place, first in expected
    ]
    assert check.status is Status.PASSED


def test_a_tally_with_a_ballot_that_cannot_be_multiplied_is_not_compared(tmp_path: Path) -> None:
    """Nothing is said of the server's sum, since there is no other one to compare it with."""
    made = negated_alpha_with_proofs()
    assert isinstance(made, Record)
    for name, data in made.files.items():
        (tmp_path / name).write_bytes(data)
    with open_record(tmp_path) as source:
        check = verify_record(source, allow_toy=True, announced=Announced()).checks[16]
    assert (check.status, check.cause, check.passed, check.total) == (Status.NOT_RUN, Cause.NEEDS, 0, 3)
    assert check.reason == "1 counted ballots cannot be multiplied, because they fail 12 or 13"


if __name__ == "__main__":
    for each, make in RECORDS.items():
        print(f"{each:42} | {row(make())}")
