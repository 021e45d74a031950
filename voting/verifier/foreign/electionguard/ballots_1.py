"""Verifications 4 to 7 of ElectionGuard 1.x: selections, vote limits, confirmation codes, aggregation.

Ballots are read in portions, and the proofs of a portion are checked together.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gmpy2 import mpz

from voting.verifier.foreign.electionguard.claims import Batch, Item, RandomBytes
from voting.verifier.foreign.electionguard.data_1 import (
    CAST,
    SPOILED,
    Ballot,
    Contest,
    ContestDescription,
    Device,
    EncryptedTally,
    Selection,
)
from voting.verifier.foreign.electionguard.hash_1 import (
    contest_description_hash,
    device_hash,
    selection_description_hash,
)
from voting.verifier.foreign.electionguard.setup_1 import Election1
from voting.verifier.foreign.findings import Ledger

PORTION = 200
"""Ballots whose proofs are checked together."""

_END = (1 << 128) - 1

Option = tuple[str, str]
"""The ids of a contest and of one of its options."""
Pair = tuple[mpz, mpz]
"""(A, B)."""


def code_text(ballot: Ballot) -> str:
    """The confirmation code as people see it."""
    return f"{ballot.code.value:064X}"


@dataclass
class BallotTotals:
    """What the pass over the ballots leaves for the checks after it."""

    cast: int = 0
    spoiled: dict[str, Ballot] = field(default_factory=dict)
    products: dict[Option, Pair] = field(default_factory=dict)
    """The componentwise products of the cast ballots."""
    ids: dict[str, int] = field(default_factory=dict)
    """Ballot id -> state."""
    codes: dict[int, str] = field(default_factory=dict)
    """Confirmation code -> ballot id."""
    seeds: dict[int, list[str]] = field(default_factory=dict)
    """Code seed -> the ballots that follow it."""
    shown: dict[str, str] = field(default_factory=dict)
    """Ballot id -> confirmation code, as text."""
    pads: dict[int, str] = field(default_factory=dict)
    """The end of each ciphertext's pad -> the ballot that it is on."""


class BallotPass:
    """Verifications 4, 5 and 6 on each ballot, and the products for 7."""

    def __init__(self, ledger: Ledger, election: Election1, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        self._ledger = ledger
        self._election = election
        self._random_bytes = random_bytes
        self._batch = self._new_batch()
        self._waiting: list[Item] = []
        self.totals = BallotTotals()
        self._descriptions = {
            contest.object_id: contest_description_hash(election.h, contest) for contest in election.manifest.contests
        }

    def _new_batch(self) -> Batch:
        election = self._election
        return Batch(election.group, (election.group.generator.value, election.key), self._random_bytes)

    def add(self, ballots: Iterable[Ballot]) -> None:
        """Check a portion of ballots."""
        with self._ledger.timing("6"):
            held = [ballot for ballot in ballots if self._check_codes(ballot)]
        with self._ledger.timing("4"):
            for ballot in held:
                self._check_ballot(ballot)
            self.settle()
        with self._ledger.timing("7"):
            for ballot in held:
                self._count(ballot)

    def settle(self) -> None:
        """Decide on all proofs that were collected."""
        faults = self._batch.faults()
        for fault in faults:
            self._ledger.fail(fault.item.check, fault.item.subject, fault.reason, tracker=fault.item.tracker)
        wrong = {fault.item for fault in faults}
        for item in self._waiting:
            if item not in wrong:
                self._ledger.hold(item.check)
        self._batch = self._new_batch()
        self._waiting = []

    # -- confirmation codes --------------------------------------------------------------------------------------------

    def _check_codes(self, ballot: Ballot) -> bool:
        """Verification 6, and whether the ballot can be looked at further (its id is new)."""
        ledger, totals, h = self._ledger, self.totals, self._election.h
        subject, tracker = f"ballot {ballot.object_id}", code_text(ballot)
        if ballot.object_id in totals.ids:
            ledger.fail("6", subject, "its id is used by another ballot", tracker=tracker)
            return False
        totals.ids[ballot.object_id] = ballot.state
        totals.shown[ballot.object_id] = tracker
        totals.seeds.setdefault(int(ballot.code_seed.value), []).append(ballot.object_id)
        twin = totals.codes.setdefault(int(ballot.code.value), ballot.object_id)
        faults = [] if twin == ballot.object_id else [f"6.B: ballot {twin} has the same confirmation code"]
        faults += self._hash_faults(ballot)
        if ballot.code.value != h(ballot.code_seed, ballot.timestamp, ballot.crypto_hash):
            faults.append("6.A: the confirmation code is not the hash of seed, time and ballot")
        if ballot.state not in (CAST, SPOILED):
            faults.append(f"its state {ballot.state} is neither cast (1) nor spoiled (2)")
        for fault in faults:
            ledger.fail("6", subject, fault, tracker=tracker)
        if not faults:
            ledger.hold("6")
        if _shows_nonce(ballot):
            reason = "the record shows its nonces, and with them its votes"
            ledger.warn("4", subject, reason, tracker=tracker)
        return True

    def _hash_faults(self, ballot: Ballot) -> list[str]:
        h, faults = self._election.h, []
        for contest in ballot.contests:
            for selection in contest.ballot_selections:
                pair = h(selection.ciphertext.pad, selection.ciphertext.data)
                if selection.crypto_hash.value != h(selection.object_id, selection.description_hash, pair):
                    faults.append(f"the hash of {selection.object_id} does not fit")
            hashes = [s.crypto_hash for s in sorted(contest.ballot_selections, key=lambda s: s.sequence_order)]
            if contest.crypto_hash.value != h(contest.object_id, contest.description_hash, *hashes):
                faults.append(f"the hash of {contest.object_id} does not fit")
        hashes = [contest.crypto_hash for contest in sorted(ballot.contests, key=lambda c: c.sequence_order)]
        if ballot.crypto_hash.value != h(ballot.object_id, ballot.manifest_hash, *hashes):
            faults.append("the hash of the ballot does not fit")
        if ballot.manifest_hash.value != self._election.context.manifest_hash.value:
            faults.append("it was made for another manifest")
        return faults

    # -- proofs --------------------------------------------------------------------------------------------------------

    def _check_ballot(self, ballot: Ballot) -> None:
        subject, tracker = f"ballot {ballot.object_id}", code_text(ballot)
        expected = self._election.styles.get(ballot.style_id)
        found = [contest.object_id for contest in ballot.contests]
        if expected is None:
            self._ledger.fail("5", subject, f"there is no ballot style {ballot.style_id[:60]!r}", tracker=tracker)
        elif len(set(found)) != len(found) or set(found) != expected:
            self._ledger.fail("5", subject, "its contests are not those of its style, each once", tracker=tracker)
        for contest in ballot.contests:
            name = f"{subject}, {contest.object_id}"
            description = self._election.contests.get(contest.object_id)
            reason = self._form_fault(contest, description)
            if reason:
                self._ledger.fail("5", name, reason, tracker=tracker)
            for selection in contest.ballot_selections:
                self.check_selection(selection, Item("4", f"{name}, {selection.object_id}", tracker))
            self._check_limit(contest, Item("5", name, tracker))

    def _form_fault(self, contest: Contest, description: ContestDescription | None) -> str:
        """What is wrong with the options and placeholders of a contest; empty if nothing is."""
        h = self._election.h
        if description is None:
            return "the manifest has no such contest"
        if contest.description_hash.value != self._descriptions[contest.object_id]:
            return "its description hash is not that of the manifest's contest"
        if contest.sequence_order != description.sequence_order:
            return "its sequence order is not that of the manifest's contest"
        options = {option.object_id: option for option in description.ballot_selections}
        real = [s for s in contest.ballot_selections if not s.is_placeholder_selection]
        placeholders = [s for s in contest.ballot_selections if s.is_placeholder_selection]
        if sorted(s.object_id for s in real) != sorted(options):
            return "its options are not those of the manifest, each once"
        for selection in real:
            option = options[selection.object_id]
            if selection.description_hash.value != selection_description_hash(h, option):
                return f"the description hash of {selection.object_id} is not that of the manifest's option"
            if selection.sequence_order != option.sequence_order:
                return f"the sequence order of {selection.object_id} is not that of the manifest's option"
        if len(placeholders) != description.number_elected:
            return f"5.A: it has {len(placeholders)} placeholders, but {description.number_elected} are elected"
        names = {s.object_id for s in placeholders}
        if len(names) != len(placeholders) or names & options.keys():
            return "a placeholder has the name of another selection"
        if len({s.sequence_order for s in contest.ballot_selections}) != len(contest.ballot_selections):
            return "two selections have the same sequence order"
        if contest.proof.constant != description.number_elected:
            return f"5.A: its limit is {contest.proof.constant}, but {description.number_elected} are elected"
        return ""

    def check_selection(self, selection: Selection, item: Item) -> None:
        """Verification 4: the disjunctive proof, with its equations left to the batch."""
        election, proof = self._election, selection.proof
        alpha, beta = selection.ciphertext.pad.value, selection.ciphertext.data.value
        a0, b0 = proof.proof_zero_pad.value, proof.proof_zero_data.value
        a1, b1 = proof.proof_one_pad.value, proof.proof_one_data.value
        c0, c1 = proof.proof_zero_challenge.value, proof.proof_one_challenge.value
        v0, v1 = proof.proof_zero_response.value, proof.proof_one_response.value
        challenge = election.h(election.extended_hash, alpha, beta, a0, b0, a1, b1)
        self._batch.members(item, (alpha, beta))
        if proof.challenge.value != challenge or (c0 + c1) % election.group.q != challenge:
            reason = "4.B: the challenges do not add up to the hash"
            self._ledger.fail("4", item.subject, reason, tracker=item.tracker)
            return
        g, key = election.group.generator.value, election.key
        self._waiting.append(item)
        self._batch.equations(
            item,
            (a0, b0, a1, b1),
            (((alpha, c0),), ((beta, c0),), ((alpha, c1),), ((beta, c1),)),
            (((g, -v0),), ((key, -v0),), ((g, -v1),), ((g, -c1), (key, -v1))),
        )

    def _check_limit(self, contest: Contest, item: Item) -> None:
        """Verification 5: the proof that the selections add up to the limit."""
        election, proof = self._election, contest.proof
        p = election.group.p
        total_a, total_b = mpz(1), mpz(1)
        for selection in contest.ballot_selections:
            total_a = total_a * selection.ciphertext.pad.value % p
            total_b = total_b * selection.ciphertext.data.value % p
        stated = contest.ciphertext_accumulation
        if stated is not None and (stated.pad.value, stated.data.value) != (total_a, total_b):
            reason = "5.B: the accumulation is not the product of the selections"
            self._ledger.fail("5", item.subject, reason, tracker=item.tracker)
            return
        a, b, c, v = proof.pad.value, proof.data.value, proof.challenge.value, proof.response.value
        if c != election.h(election.extended_hash, total_a, total_b, a, b):
            self._ledger.fail("5", item.subject, "5.D: the challenge is not the hash", tracker=item.tracker)
            return
        g, key = election.group.generator.value, election.key
        self._waiting.append(item)
        # The product of members is a member: verification 4 has asked for that.
        self._batch.equations(
            item,
            (a, b),
            (((total_a, c),), ((total_b, c),)),
            (((g, -v),), ((g, -proof.constant * c), (key, -v))),
        )

    def _count(self, ballot: Ballot) -> None:
        if ballot.state == SPOILED:
            self.totals.spoiled[ballot.object_id] = ballot
        if ballot.state != CAST:
            return
        self.totals.cast += 1
        copied = {name for contest in ballot.contests for name in self._copied_from(contest, ballot.object_id)}
        if copied:
            reason = f"it has a ciphertext of ballot {min(copied)}: somebody's choice may have been copied"
            self._ledger.warn("4", f"ballot {ballot.object_id}", reason, tracker=code_text(ballot))
        p, products = self._election.group.p, self.totals.products
        for contest in ballot.contests:
            for selection in contest.ballot_selections:
                if not selection.is_placeholder_selection:
                    option = (contest.object_id, selection.object_id)
                    a, b = products.get(option, (mpz(1), mpz(1)))
                    pair = selection.ciphertext
                    products[option] = (a * pair.pad.value % p, b * pair.data.value % p)

    def _copied_from(self, contest: Contest, ballot_id: str) -> set[str]:
        pads = self.totals.pads
        ends = [int(selection.ciphertext.pad.value) & _END for selection in contest.ballot_selections]
        return {pads.setdefault(end, ballot_id) for end in ends} - {ballot_id}


def _shows_nonce(ballot: Ballot) -> bool:
    return ballot.nonce is not None or any(
        contest.nonce is not None or any(s.nonce is not None for s in contest.ballot_selections)
        for contest in ballot.contests
    )


def check_chains(ledger: Ledger, election: Election1, totals: BallotTotals, devices: Sequence[Device]) -> None:
    """Verification 6: every ballot follows a device's start or exactly one other ballot, and none is followed twice."""
    with ledger.timing("6"):
        starts = {int(device_hash(election.h, device)) for device in devices}
        known = starts | totals.codes.keys()
        for seed, ballots in totals.seeds.items():
            if seed not in known and devices:
                for ballot in ballots:
                    reason = (
                        "6.A: its seed is neither a device's nor another ballot's code: a ballot before it is missing"
                    )
                    ledger.fail("6", f"ballot {ballot}", reason, tracker=totals.shown[ballot])
            if len(ballots) > 1:
                names = ", ".join(ballots[:5])
                ledger.fail("6", f"ballots {names}", "6.A: they follow the same ballot: the chain has two branches")
        if not devices and totals.ids:
            ledger.warn("6", "encryption_devices", "no device is published: where a chain begins is not known")


def check_aggregation(
    ledger: Ledger, election: Election1, totals: BallotTotals, tally: EncryptedTally
) -> Mapping[Option, Pair]:
    """Verification 7; returns the products that this program computed, for every option of the manifest."""
    ones = (mpz(1), mpz(1))
    expected = {
        (contest.object_id, option.object_id): totals.products.get((contest.object_id, option.object_id), ones)
        for contest in election.manifest.contests
        for option in contest.ballot_selections
    }
    with ledger.timing("7"):
        found: dict[Option, Pair] = {}
        for key, contest in tally.contests.items():
            for name, selection in contest.selections.items():
                if (key, name) != (contest.object_id, selection.object_id):
                    ledger.fail("7", f"{key}, {name}", "is filed under another name than its own")
                pair = selection.ciphertext
                found[(key, name)] = (pair.pad.value, pair.data.value)
        for option in sorted(found.keys() - expected.keys()):
            ledger.fail("7", ", ".join(option), "is in the encrypted tally, but not in the manifest")
        for option, product in expected.items():
            subject = ", ".join(option)
            if option not in found:
                ledger.fail("7", subject, "is missing in the encrypted tally")
            elif found[option] != product:
                ledger.fail("7", subject, "the encrypted tally is not the product of the cast ballots")
            else:
                ledger.hold("7")
    return expected
