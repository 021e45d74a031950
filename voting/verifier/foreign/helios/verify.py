"""Protocol V: verify a Helios record.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from gmpy2 import mpz

from voting.election.phases import Phase
from voting.protocol.encoding import Hash
from voting.protocol.errors import DecodeError, UrneError
from voting.translations import text as _
from voting.verifier.foreign.findings import Identity, Ledger, foreign_report
from voting.verifier.foreign.helios.checks import CHECKS, NOT_SHOWN, WEAK_CHALLENGES
from voting.verifier.foreign.helios.groups import HELIOS, base64_hash, booth_json, python_json
from voting.verifier.foreign.helios.record import Cast, PublicKey, Record, Trustee, read_record, read_vote
from voting.verifier.foreign.helios.votes import (
    Cell,
    add,
    bad_proofs,
    has_unreduced,
    is_decryption,
    is_key_known,
    read_cell,
)
from voting.verifier.replay import Progress, no_progress
from voting.verifier.report import Answer, Report

SYSTEM = "Helios v3"


def verify(path: Path, *, progress: Progress = no_progress, clock: Callable[[], float] = time.perf_counter) -> Report:
    """Make all checks on the record at `path`, a JSON file or a folder.

    Raises:
        UnavailableError: if it cannot be read.
    """
    started = clock()
    ledger = Ledger(CHECKS, clock)
    for check, reason in NOT_SHOWN.items():
        ledger.cannot_check(check, reason)
    identity = Identity(system=SYSTEM)
    try:
        record = read_record(path)
    except DecodeError as error:
        ledger.fail("H01", error.where or "record", error.problem)
    else:
        ledger.hold("H01")
        try:
            identity = _Verification(record, ledger, progress).run()
        except Exception as error:  # not a verdict: the report says that this program failed
            ledger.program_failed("H01", error)
    return foreign_report(identity, ledger.reports(), clock() - started)


class _Verification:
    """One run over one record. It stops at nothing that it can go on from; it notes in the ledger."""

    def __init__(self, record: Record, ledger: Ledger, progress: Progress) -> None:
        self._record = record
        self._ledger = ledger
        self._progress = progress
        self._hash = base64_hash(record.election_raw)
        self._keys: list[mpz] = []
        self._counted: dict[str, list[list[Cell]]] = {}
        self._unreduced = 0

    def run(self) -> Identity:
        """Make the checks, and say what the record is."""
        record, ledger = self._record, self._ledger
        key = self._check_election()
        answers: tuple[Answer, ...] = ()
        if key is not None:
            with ledger.timing("H03"):
                self._check_trustees(key)
            self._check_voters()
            self._check_votes(key)
            answers = self._check_tally()
        is_closed = any(trustee.decryption_factors is not None for trustee in record.trustees)
        last = Phase.CLOSED if is_closed else Phase.OPEN
        return Identity(
            system=SYSTEM,
            title={"en": record.election.name},
            facts=(
                ("election fingerprint", self._hash),
                ("voters", str(len(record.voters))),
                (
                    "ballots",
                    _("{count}, {counted} to be counted", count=len(record.ballots), counted=len(self._counted)),
                ),
            ),
            election=Hash(hashlib.sha256(record.election_raw).hexdigest()),
            group=HELIOS.name,
            phase=Phase.PUBLISHED if record.result is not None else last,
            credentials=len(record.voters),
            weight=len(record.voters),
            ballots=len(record.ballots),
            counted=len(self._counted),
            trustees=tuple(trustee.uuid for trustee in record.trustees),
            threshold=len(record.trustees),
            result=answers,
        )

    # -- election, trustees, voters --------------------------------------------------------------------------------

    def _check_election(self) -> mpz | None:
        ledger, election = self._ledger, self._record.election
        with ledger.timing("H02"):
            try:
                key = _read_key(election.public_key, what="election public key")
            except UrneError as error:
                ledger.fail("H02", error.where or "election", error.problem)
                return None
        ledger.hold("H02")
        ledger.warn("H02", "election", f"the parameters are not signed: compare the fingerprint {self._hash}")
        return key

    def _check_trustees(self, key: mpz) -> None:
        ledger = self._ledger
        for number, trustee in enumerate(self._record.trustees, 1):
            subject = f"trustee {number}"
            try:
                own = _read_key(trustee.public_key, what=f"public key of {subject}")
            except UrneError as error:
                ledger.fail("H03", error.where or subject, error.problem)
                continue
            expected = base64_hash(python_json(msgspec.to_builtins(trustee.public_key)))
            if trustee.public_key_hash != expected:
                found = trustee.public_key_hash[:80]
                ledger.fail("H03", subject, "the hash is not that of its key", expected=expected, found=found)
            elif trustee.pok is None or not is_key_known(own, trustee.pok):
                ledger.fail("H03", subject, "the proof that it knows its private key does not hold")
            else:
                ledger.hold("H03")
            self._keys.append(own)
        if not self._record.trustees:
            ledger.fail("H03", "trustees", "there are none")
        if ledger.has_failed("H03"):
            return
        ledger.warn("H03", "trustees", WEAK_CHALLENGES)
        if HELIOS.product(self._keys) == key:
            ledger.hold("H04")
        else:
            ledger.fail("H04", "election public key", "is not the product of the trustees' keys")

    def _check_voters(self) -> None:
        ledger, election = self._ledger, self._record.election
        seen: set[str] = set()
        for number, voter in enumerate(self._record.voters, 1):
            if voter.uuid in seen:
                ledger.fail("H05", f"voter {number}", "is listed twice")
            elif voter.election_uuid != election.uuid:
                ledger.fail("H05", f"voter {number}", "is listed for another election")
            else:
                ledger.hold("H05")
            seen.add(voter.uuid)
        reason = "the election has no hash of its voters: the list can have changed since it was frozen"
        if election.voters_hash is not None:
            reason = "that the list is the frozen one (voters_hash) cannot be checked here"
        ledger.warn("H05", "voters", reason)

    # -- votes -----------------------------------------------------------------------------------------------------

    def _check_votes(self, key: mpz) -> None:
        ledger, record = self._ledger, self._record
        voters = {voter.uuid for voter in record.voters}
        seen: dict[mpz, tuple[int, str]] = {}
        last_time = ""
        for number, cast in enumerate(record.ballots):
            self._progress("checking ballots", number, len(record.ballots))
            subject, tracker = f"vote {number}", cast.vote_hash[:80]
            if cast.voter_uuid not in voters:
                reason = "its voter is not on the list"
                ledger.fail("H06", subject, reason, found=cast.voter_uuid[:80], entry=number, tracker=tracker)
                continue
            if cast.cast_at < last_time:
                ledger.warn("H06", subject, "is dated before the one above it", entry=number, tracker=tracker)
            last_time = cast.cast_at
            cells = self._check_vote(number, cast, key, subject, tracker)
            if cells is None:
                continue
            self._counted[cast.voter_uuid] = cells
            copied = _copied(cells, seen, number, cast.voter_uuid)
            if copied is None:
                ledger.hold("H10")
            else:
                reason = f"has a ciphertext of vote {copied}: no rule of Helios forbids it, but it can show a vote"
                ledger.warn("H10", subject, reason, entry=number, tracker=tracker)
                ledger.hold("H10")
        if not record.ballots and record.result is not None:
            for check in ("H06", "H07", "H08", "H09", "H10"):
                ledger.not_applicable(check, "there is no ballot")
        if self._unreduced:
            reason = f"{self._unreduced} hold a response that is not below q: the same vote has other trackers, too"
            ledger.warn("H09", "votes", reason)
        if record.ballots and not ledger.has_failed("H09"):
            ledger.warn("H09", "votes", WEAK_CHALLENGES)

    def _check_vote(self, number: int, cast: Cast, key: mpz, subject: str, tracker: str) -> list[list[Cell]] | None:
        """H06 to H09 on one vote; its ciphertexts if they are in the group."""
        ledger, election = self._ledger, self._record.election
        check = "H06"
        try:
            with ledger.timing(check):
                vote = read_vote(cast, election.questions)
                if vote.election_uuid != election.uuid or vote.election_hash != self._hash:
                    raise DecodeError("is for another election", where="vote")
            ledger.hold(check)
            with ledger.timing("H07"):
                self._check_hash(number, cast, subject, tracker)
            check = "H08"
            with ledger.timing(check):
                cells = [
                    [read_cell(cipher, what=f"answer {place}") for cipher in answer.choices]
                    for place, answer in enumerate(vote.answers, 1)
                ]
            ledger.hold(check)
        except UrneError as error:
            ledger.fail(check, f"{subject}, {error.where}", error.problem, entry=number, tracker=tracker)
            return None
        with ledger.timing("H09"):
            bad = bad_proofs(vote, cells, election.questions, key)
        for place in bad:
            ledger.fail("H09", f"{subject}, {place}", "does not hold", entry=number, tracker=tracker)
        if not bad:
            ledger.hold("H09")
            self._unreduced += has_unreduced(vote)
        return cells

    def _check_hash(self, number: int, cast: Cast, subject: str, tracker: str) -> None:
        """The tracker is the hash of the vote as the server wrote it (2010), or as the browser sent it (today)."""
        forms = (python_json(cast.vote), booth_json(cast.vote), booth_json(_in_booth_order(cast.vote)))
        hashes = [base64_hash(form) for form in forms]
        if cast.vote_hash in hashes:
            self._ledger.hold("H07")
        else:
            reason = "the tracker is not the hash of the vote"
            self._ledger.fail("H07", subject, reason, expected=hashes[-1], found=tracker, entry=number)

    # -- tally -----------------------------------------------------------------------------------------------------

    def _check_tally(self) -> tuple[Answer, ...]:
        """H11 to H13."""
        ledger, record = self._ledger, self._record
        if ledger.has_failed("H06", "H08"):
            return ()
        tally = [
            [add([cells[place][choice] for cells in self._counted.values()]) for choice in range(len(q.answers))]
            for place, q in enumerate(record.election.questions)
        ]
        if record.tally is None:
            ledger.not_applicable("H11", "the record has no encrypted tally: it was computed here")
        else:
            with ledger.timing("H11"):
                self._compare_tally(tally)
        if record.result is None or ledger.has_failed("H03"):
            return ()
        factors = []
        with ledger.timing("H12"):
            for number, (trustee, key) in enumerate(zip(record.trustees, self._keys, strict=True), 1):
                factors.append(self._check_decryption(number, trustee, key, tally))
        if ledger.has_failed("H12"):
            return ()
        ledger.warn("H12", "decryption proofs", WEAK_CHALLENGES)
        with ledger.timing("H13"):
            return self._check_result(tally, [rows for rows in factors if rows is not None])

    def _compare_tally(self, tally: list[list[Cell]]) -> None:
        ledger, published = self._ledger, self._record.tally
        if published is None:
            return
        if published.num_tallied == len(self._counted):
            ledger.hold("H11")
        else:
            found, expected = str(published.num_tallied), str(len(self._counted))
            ledger.fail("H11", "num_tallied", "is another one", expected=expected, found=found)
        texts = [[(str(cell.alpha), str(cell.beta)) for cell in row] for row in tally]
        if texts == [[(cipher.alpha, cipher.beta) for cipher in row] for row in published.tally]:
            ledger.hold("H11")
        else:
            ledger.fail("H11", "encrypted tally", "is not the product of each voter's last vote")

    def _check_decryption(
        self, number: int, trustee: Trustee, key: mpz, tally: list[list[Cell]]
    ) -> list[list[mpz]] | None:
        ledger, subject = self._ledger, f"trustee {number}"
        shape = [len(row) for row in tally]
        factors, proofs = trustee.decryption_factors, trustee.decryption_proofs
        if factors is None or proofs is None or not [len(r) for r in factors] == [len(r) for r in proofs] == shape:
            ledger.fail("H12", subject, "its decryption factors or their proofs are missing")
            return None
        rows = []
        for question, cells in enumerate(tally):
            row = []
            for choice, cell in enumerate(cells):
                where = f"{subject}, question {question + 1}, factor {choice + 1}"
                try:
                    factor = HELIOS.element(factors[question][choice], what=where)
                except UrneError as error:
                    ledger.fail("H12", where, error.problem)
                    return None
                if is_decryption(key, cell, factor, proofs[question][choice]):
                    ledger.hold("H12")
                else:
                    ledger.fail("H12", where, "its proof does not hold")
                row.append(factor)
            rows.append(row)
        return rows

    def _check_result(self, tally: list[list[Cell]], factors: list[list[list[mpz]]]) -> tuple[Answer, ...]:
        """g^result = beta / prod of the factors, and no number is beyond the number of votes."""
        ledger, questions = self._ledger, self._record.election.questions
        rows = self._record.result
        if not _is_result(rows, [len(row) for row in tally]):
            ledger.fail("H13", "result", "is not a list of numbers, one for each answer")
            return ()
        answers = []
        for place, question in enumerate(questions):
            for choice, count in enumerate(rows[place]):
                product = HELIOS.product(row[place][choice] for row in factors)
                message = HELIOS.divide(tally[place][choice].beta, product)
                subject = f"question {place + 1}, answer {choice + 1}"
                if not 0 <= count <= len(self._counted):
                    most = f"0 to {len(self._counted)}"
                    ledger.fail("H13", subject, "cannot be: so many did not vote", expected=most, found=str(count)[:80])
                elif HELIOS.power(HELIOS.g, count) != message:
                    ledger.fail("H13", subject, "is not what the tally decrypts to", found=str(count))
                else:
                    ledger.hold("H13")
            named = zip(question.answers, rows[place], strict=True)
            sentence = ", ".join(f"{name}: {count}" for name, count in named)
            answers.append(Answer(question={"en": question.question}, sentence=sentence, totals=tuple(rows[place])))
        return tuple(answers) if not ledger.has_failed("H13") else ()


def _read_key(key: PublicKey, *, what: str) -> mpz:
    """A key in Helios's own group. Raises DecodeError."""
    if (key.p, key.q, key.g) != (str(HELIOS.p), str(HELIOS.q), str(HELIOS.g)):
        raise DecodeError("is in a group that is not Helios's own", where=what)
    return HELIOS.element(key.y, what=what)


def _copied(cells: list[list[Cell]], seen: dict[mpz, tuple[int, str]], number: int, voter: str) -> int | None:
    """The earlier vote, of another voter, that has one of these ciphertexts."""
    copied = None
    for row in cells:
        for cell in row:
            earlier, owner = seen.setdefault(cell.alpha, (number, voter))
            if earlier != number and owner != voter:
                copied = earlier
    return copied


def _in_booth_order(vote: dict[str, Any]) -> dict[str, Any]:
    """The vote with its fields in the order in which the booth writes them."""

    def proof(value: Any) -> dict[str, Any]:
        commitment = {"A": value["commitment"]["A"], "B": value["commitment"]["B"]}
        return {"challenge": value["challenge"], "commitment": commitment, "response": value["response"]}

    answers = [
        {
            "choices": [{"alpha": c["alpha"], "beta": c["beta"]} for c in answer["choices"]],
            "individual_proofs": [[proof(each) for each in proofs] for proofs in answer["individual_proofs"]],
            "overall_proof": None if answer["overall_proof"] is None else [proof(p) for p in answer["overall_proof"]],
        }
        for answer in vote["answers"]
    ]
    return {"answers": answers, "election_hash": vote["election_hash"], "election_uuid": vote["election_uuid"]}


def _is_result(rows: Any, shape: list[int]) -> bool:
    return (
        isinstance(rows, list)
        and all(isinstance(row, list) and all(type(number) is int for number in row) for row in rows)
        and [len(row) for row in rows] == shape
    )
