"""The pass over the events of a Belenios archive: what each brings is checked against what came before.

Belenios's own verifier takes events in any order. Here the order is a rule (`order`), because a board whose events come
in another order can count other ballots than it shows. An archive may end after any event.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voting.election.phases import Phase
from voting.protocol.encoding import Hash
from voting.protocol.errors import DecodeError, VerificationError
from voting.translations import text as _
from voting.verifier.foreign.belenios.archive import Archive, RawRecord, Step
from voting.verifier.foreign.belenios.ballot_pass import BallotResult, check_ballots
from voting.verifier.foreign.belenios.election import Election, Kind
from voting.verifier.foreign.belenios.groups import Element
from voting.verifier.foreign.belenios.order import DATA_RECORDS, START, may_follow, phase_after
from voting.verifier.foreign.belenios.setup import Setup, read_setup
from voting.verifier.foreign.belenios.shuffle import check_shuffle
from voting.verifier.foreign.belenios.tally import (
    Counted,
    Owned,
    Sized,
    Tally,
    check_result,
    combine_factors,
    json_number,
    make_tally,
    missing_trustees,
    read_decryption,
    tally_bytes,
)
from voting.verifier.foreign.findings import Identity, Ledger
from voting.verifier.foreign.json_text import read_canonical
from voting.verifier.report import Answer, Head

SYSTEM = "Belenios, crypto version 1"
_TALLY_NEEDS = ("B07", "B08", "B09", "B11")


class EventPass:
    """What the events so far have established. It stops at nothing; it notes in the ledger."""

    def __init__(self, archive: Archive, ledger: Ledger, jobs: int = 1) -> None:
        self._archive = archive
        self._jobs = jobs
        self._pending: Iterator[BallotResult] | None = None
        self._ledger = ledger
        self._last = START
        self._setup: Setup | None = None
        self._ballots: dict[str, int] = {}
        self._counted: dict[str, Counted] = {}
        self._tally: Tally | None = None
        self._factors: dict[int, list[list[Element]]] = {}
        self._owners: set[int] = set()
        self._answers: tuple[Answer, ...] = ()

    def take(self, step: Step) -> None:
        """Check one event."""
        kind = step.event.type
        if kind is None or kind not in DATA_RECORDS:
            return  # B02 has said it
        if not self._is_in_order(step, kind):
            return
        match kind:
            case "Setup":
                self._setup = read_setup(self._archive, step, self._ledger)
            case "Ballot":
                self._take_ballot(step)
            case "EncryptedTally":
                with self._ledger.timing("B13"):
                    self._take_tally(step)
            case "Shuffle":
                with self._ledger.timing("B14"):
                    self._take_shuffle(step)
            case "PartialDecryption":
                with self._ledger.timing("B15"):
                    self._take_decryption(step)
            case "Result":
                with self._ledger.timing("B16"):
                    self._take_result(step)

    def finish(self) -> None:
        """After the last event: what an election without ballots has nothing of."""
        if not self._ballots and phase_after(self._last) not in (Phase.EMPTY, Phase.OPEN):
            for check in ("B08", "B09", "B10", "B11", "B12", "B17"):
                self._ledger.not_applicable(check, "there is no ballot")

    def identity(self) -> Identity:
        """What the report says of the archive."""
        steps, setup = self._archive.steps, self._setup
        head = Head(size=len(steps), root="", hash=Hash(steps[-1].hash if steps else ""))
        newest = f"{head.size - 1}, {head.hash}" if steps else ""
        if setup is None:
            return Identity(system=SYSTEM, head=head, phase=phase_after(self._last), facts=(("last event", newest),))
        election, trustees = setup.election, setup.trustees
        ballots = _("{count}, {counted} to be counted", count=len(self._ballots), counted=len(self._counted))
        return Identity(
            system=SYSTEM,
            title={"en": election.name},
            facts=(*setup.facts, ("group", election.group.name), ("ballots", ballots), ("last event", newest)),
            group=election.group.name,
            head=head,
            phase=phase_after(self._last),
            credentials=len(setup.credentials),
            weight=sum(credential.weight for credential in setup.credentials.values()),
            ballots=len(self._ballots),
            counted=len(self._counted),
            trustees=trustees.names if trustees else (),
            threshold=trustees.needed if trustees else 0,
            result=self._answers,
        )

    # -- order -----------------------------------------------------------------------------------------------------

    def _is_in_order(self, step: Step, kind: str) -> bool:
        """B03. An event out of order is noted, and still checked unless it is a second Setup or brings other data."""
        is_mixed = self._setup is not None and bool(self._setup.mixed)
        allowed = may_follow(self._last, is_mixed=is_mixed)
        subject = f"event {step.number}"
        is_good = kind in allowed
        if not is_good:
            expected = " or ".join(allowed) or "no further event"
            self._ledger.fail("B03", subject, "is out of order", expected=expected, found=kind, entry=step.number)
        brought = len(step.data)
        has_data = brought in DATA_RECORDS[kind]
        if not has_data:
            expected = " or ".join(str(count) for count in DATA_RECORDS[kind])
            reason = f"{kind} brings another number of data records"
            self._ledger.fail("B03", subject, reason, expected=expected, found=str(brought), entry=step.number)
        if is_good and has_data:
            self._ledger.hold("B03")
        if kind == "Setup" and self._last != START:
            return False
        if self._last == START and kind != "Setup":
            return False
        self._last = kind
        return has_data

    # -- ballots ---------------------------------------------------------------------------------------------------

    def _take_ballot(self, step: Step) -> None:
        setup, ledger, entry = self._setup, self._ledger, step.number
        if setup is None:
            return
        result = next(self._results(setup, step))
        subject, tracker = f"event {entry}", result.tracker
        if tracker in self._ballots:
            reason = f"is the very ballot of event {self._ballots[tracker]}: only a board replays one"
            ledger.fail("B17", subject, reason, entry=entry, tracker=tracker)
        else:
            ledger.hold("B17")
        self._ballots.setdefault(tracker, entry)
        credential = setup.credentials.get(result.credential)
        if result.cells is not None:
            if credential is None:
                reason = "its credential is not on the list"
                ledger.fail("B09", subject, reason, found=result.credential[:40], entry=entry, tracker=tracker)
            else:
                ledger.hold("B09")
                self._counted[result.credential] = Counted(result.cells, credential.weight)
        # Signature and proofs of a ballot that nobody listed may have cast say nothing.
        ignored = ("B10", "B12") if credential is None else ()
        for check in result.held:
            if check not in ignored:
                ledger.hold(check)
        for fault in result.faults:
            if fault.check not in ignored:
                ledger.fail(fault.check, f"{subject}, {fault.subject}", fault.reason,
                            expected=fault.expected, found=fault.found, entry=entry, tracker=tracker)  # fmt: skip
        for check, seconds in result.seconds.items():
            ledger.spend(check, seconds)

    def _results(self, setup: Setup, first: Step) -> Iterator[BallotResult]:
        """The checks on the ballots from `first` on, started when the first one comes."""
        if self._pending is None:
            steps = self._archive.steps[first.number :]
            records = [step.data[0] for step in steps if step.event.type == "Ballot" and len(step.data) == 1]
            self._pending = check_ballots(self._archive, setup.election, setup.election_bytes, records, self._jobs)
        return self._pending

    # -- tally -----------------------------------------------------------------------------------------------------

    def _own_tally(self, setup: Setup) -> Tally | None:
        """The tally that the ballots before this event give; None if they were not all good."""
        if self._tally is None and not self._ledger.has_failed(*_TALLY_NEEDS):
            self._tally = make_tally(setup.election, self._counted.values())
        return self._tally

    def _take_tally(self, step: Step) -> None:
        setup, ledger, entry = self._setup, self._ledger, step.number
        if setup is None:
            return
        self._tally = None
        tally = self._own_tally(setup)
        if tally is None:
            return
        record, sized_record = step.data
        try:
            sized = read_canonical(self._archive.body(sized_record), Sized, what="sized encrypted tally")
        except DecodeError as error:
            ledger.fail("B13", error.where, error.problem, entry=entry)
            return
        weight = json_number(sum(ballot.weight for ballot in self._counted.values()))
        for name, expected, found in (
            ("encrypted_tally", record.name[:64], sized.encrypted_tally),
            ("num_tallied", len(self._counted), sized.num_tallied),
            ("total_weight", weight, sized.total_weight),
        ):
            if expected == found and type(expected) is type(found):
                ledger.hold("B13")
            else:
                ledger.fail("B13", name, "is another one", expected=str(expected), found=str(found)[:80], entry=entry)
        if tally_bytes(tally, setup.election.group) == self._archive.body(record):
            ledger.hold("B13")
        else:
            reason = "is not the product of the last ballots of each credential"
            ledger.fail("B13", "encrypted tally", reason, entry=entry)
        if setup.mixed and any(ballot.weight != 1 for ballot in self._counted.values()):
            ledger.warn("B13", "encrypted tally", "non-homomorphic answers are counted once, whatever their weight")
        if not setup.mixed:
            ledger.not_applicable("B14", "no question is non-homomorphic")

    def _take_shuffle(self, step: Step) -> None:
        setup, ledger = self._setup, self._ledger
        tally = self._own_tally(setup) if setup is not None else None
        if setup is None or tally is None:
            return
        payload = self._owned(step, "B14", setup)
        if payload is None:
            return
        owner, record = payload
        subject = f"shuffle of trustee {owner}"
        try:
            after = check_shuffle(
                self._archive.body(record), setup.election, [tally.cells[place] for place in setup.mixed], subject
            )
        except VerificationError as error:
            ledger.fail("B14", error.subject, error.reason, entry=step.number)
            return
        cells = list(tally.cells)
        for place, shuffled in zip(setup.mixed, after, strict=True):
            cells[place] = shuffled
        self._tally = Tally(tuple(cells), tally.shape)
        ledger.hold("B14")

    def _take_decryption(self, step: Step) -> None:
        setup, ledger = self._setup, self._ledger
        tally = self._own_tally(setup) if setup is not None else None
        if setup is None or tally is None or setup.trustees is None or ledger.has_failed("B14"):
            return
        payload = self._owned(step, "B15", setup)
        if payload is None:
            return
        owner, record = payload
        subject = f"partial decryption of trustee {owner}"
        if owner in self._owners:
            ledger.fail("B15", subject, "is there twice", entry=step.number)
            return
        self._owners.add(owner)
        key = setup.trustees.keys[owner - 1]
        try:
            self._factors[owner] = read_decryption(
                self._archive.body(record), setup.election, tally, key, subject=subject
            )
            ledger.hold("B15")
        except VerificationError as error:
            ledger.fail("B15", error.subject, error.reason, entry=step.number)

    def _owned(self, step: Step, check: str, setup: Setup) -> tuple[int, RawRecord] | None:
        """The owner and the payload of a shuffle or a partial decryption."""
        record, owned_record = step.data
        subject = f"event {step.number}"
        try:
            owned = read_canonical(self._archive.body(owned_record), Owned, what=subject)
            count = len(setup.trustees.names) if setup.trustees else 0
            if not 1 <= owned.owner <= count:
                raise DecodeError(f"its owner is none of the {count} trustees", where=subject)
            if owned.payload != record.name[:64]:
                raise DecodeError("its payload is not the data record before it", where=subject)
        except DecodeError as error:
            self._ledger.fail(check, error.where or subject, error.problem, entry=step.number)
            return None
        return owned.owner, record

    def _take_result(self, step: Step) -> None:
        setup, ledger, entry = self._setup, self._ledger, step.number
        tally = self._own_tally(setup) if setup is not None else None
        if setup is None or tally is None or setup.trustees is None or ledger.has_failed("B14"):
            return
        missing = missing_trustees(setup.trustees, self._factors)
        if missing:
            ledger.fail("B15", "result", f"good partial decryptions are missing: {', '.join(missing)}", entry=entry)
            return
        combined = combine_factors(setup.election.group, setup.trustees, self._factors, tally)
        weight = sum(ballot.weight for ballot in self._counted.values())
        try:
            rows = check_result(self._archive.body(step.data[0]), setup.election, tally, combined, weight)
        except VerificationError as error:
            ledger.fail("B16", error.subject, error.reason, expected=error.expected, found=error.found, entry=entry)
            return
        ledger.hold("B16", sum(len(row) for row in rows))
        self._answers = _answers(setup.election, rows)


def _answers(election: Election, rows: list[list[Any]]) -> tuple[Answer, ...]:
    answers = []
    for question, row in zip(election.questions, rows, strict=True):
        if question.kind is Kind.NON_HOMOMORPHIC:
            sentence = _("{count} answers were decrypted; how they are counted is not part of the archive.",
                         count=len(row))  # fmt: skip
            answers.append(Answer(question={"en": question.title}, sentence=sentence, totals=()))
            continue
        totals = tuple(int(number) for number in row)
        named = zip(question.answers, totals, strict=True)
        sentence = ", ".join(f"{name}: {number}" for name, number in named)
        answers.append(Answer(question={"en": question.title}, sentence=sentence, totals=totals))
    return tuple(answers)
