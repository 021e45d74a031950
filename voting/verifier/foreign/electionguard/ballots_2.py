"""Verifications 5 to 8 of ElectionGuard 2.0: selections, vote limits, confirmation codes, aggregation.

These records hold no commitments: each is computed from its challenge and response, one proof after the other.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import gmpy2
from gmpy2 import mpz

from voting.verifier.foreign.electionguard.claims import Batch, Item, RandomBytes
from voting.verifier.foreign.electionguard.data_2 import (
    CAST,
    CHALLENGED,
    Ballot,
    Contest,
    ContestDescription,
    EncryptedTally,
    Proof,
)
from voting.verifier.foreign.electionguard.setup_2 import Election2, b4, b512, hash_2
from voting.verifier.foreign.findings import Ledger

PORTION = 50
"""Ballots whose numbers are tested for membership together."""

_END = (1 << 128) - 1

Option = tuple[str, str]
Pair = tuple[mpz, mpz]


def code_text(ballot: Ballot) -> str:
    """The confirmation code as people see it."""
    return ballot.confirmation_code.raw.hex().upper()


@dataclass
class BallotTotals:
    """What the pass over the ballots leaves for the checks after it."""

    cast: int = 0
    challenged: dict[str, Ballot] = field(default_factory=dict)
    products: dict[Option, Pair] = field(default_factory=dict)
    """The componentwise products of the cast ballots."""
    states: dict[str, str] = field(default_factory=dict)
    codes: dict[bytes, str] = field(default_factory=dict)
    """Confirmation code -> ballot id."""
    chains: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Device -> ballot id -> what it put in before hashing (B_aux)."""
    shown: dict[str, str] = field(default_factory=dict)
    preencrypted: int = 0
    pads: dict[int, str] = field(default_factory=dict)
    """The end of each ciphertext's pad -> the ballot that it is on."""


def range_proof_holds(election: Election2, pair: Pair, proofs: Sequence[Proof], separator: int = 0x21) -> bool:
    """Whether the challenges add up to the hash of the commitments that they stand for.

    a_j = g^v_j A^c_j and b_j = K^(v_j - j c_j) B^c_j, for j = 0, ..., R.
    """
    group, key = election.group, election.key
    alpha, beta = pair
    commitments: list[mpz] = []
    total = mpz(0)
    for j, proof in enumerate(proofs):
        c, v = proof.challenge.value, proof.response.value
        commitments.append(group.g.power(v).value * gmpy2.powmod(alpha, c, group.p) % group.p)
        commitments.append(key.power((v - j * c) % group.q).value * gmpy2.powmod(beta, c, group.p) % group.p)
        total += c
    return election.challenge(separator, alpha, beta, *commitments) == total % group.q


class BallotPass:
    """Verifications 5, 6 and 7 on each ballot, and the products for 8."""

    def __init__(self, ledger: Ledger, election: Election2, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        self._ledger = ledger
        self._election = election
        self._random_bytes = random_bytes
        self.totals = BallotTotals()

    def add(self, ballots: Iterable[Ballot]) -> None:
        """Check a portion of ballots."""
        with self._ledger.timing("7"):
            held = [ballot for ballot in ballots if self._check_codes(ballot)]
        group = self._election.group
        batch = Batch(group, (group.generator.value,), self._random_bytes)
        with self._ledger.timing("5"):
            for ballot in held:
                self._check_ballot(ballot, batch)
            for fault in batch.faults():
                self._ledger.fail(fault.item.check, fault.item.subject, fault.reason, tracker=fault.item.tracker)
        with self._ledger.timing("8"):
            for ballot in held:
                self._count(ballot)

    # -- confirmation codes --------------------------------------------------------------------------------------------

    def _check_codes(self, ballot: Ballot) -> bool:
        """Verification 7 on one ballot, and whether it can be looked at further (its id is new)."""
        ledger, totals = self._ledger, self.totals
        subject, tracker = f"ballot {ballot.ballot_id}", code_text(ballot)
        if ballot.ballot_id in totals.states:
            ledger.fail("7", subject, "its id is used by another ballot", tracker=tracker)
            return False
        totals.states[ballot.ballot_id] = ballot.state
        totals.shown[ballot.ballot_id] = tracker
        twin = totals.codes.setdefault(ballot.confirmation_code.raw, ballot.ballot_id)
        faults = [] if twin == ballot.ballot_id else [f"7.D: ballot {twin} has the same confirmation code"]
        faults += self._code_faults(ballot)
        for fault in faults:
            ledger.fail("7", subject, fault, tracker=tracker)
        if not faults:
            ledger.hold("7")
        return True

    def _code_faults(self, ballot: Ballot) -> list[str]:
        election, faults = self._election, []
        hashes = []
        contests = sorted(ballot.contests, key=lambda contest: contest.sequence_order)
        for contest in contests:
            pairs: list[bytes] = []
            for selection in sorted(contest.selections, key=lambda selection: selection.sequence_order):
                pairs += (b512(selection.encrypted_vote.pad.value), b512(selection.encrypted_vote.data.value))
            computed = hash_2(
                election.extended_hash, 0x23, b4(contest.sequence_order), b512(election.key.base.value), *pairs
            )
            if computed != contest.contest_hash.raw:
                faults.append(f"7.A: the hash of {contest.contest_id} does not fit")
            hashes.append(computed)
        try:
            baux = bytes.fromhex(ballot.code_baux)
        except ValueError:
            return [*faults, "its auxiliary bytes are not hexadecimal digits"]
        self.totals.chains.setdefault(ballot.encrypting_device, {})[ballot.ballot_id] = baux
        # The specification puts the length before the auxiliary bytes; the programs that wrote records do not.
        plain = hash_2(election.extended_hash, 0x24, *hashes, baux)
        with_length = hash_2(election.extended_hash, 0x24, *hashes, b4(len(baux)), baux)
        if ballot.confirmation_code.raw not in (plain, with_length):
            faults.append("7.B: the confirmation code is not the hash of the ballot")
        if ballot.election_id.raw != election.extended_hash:
            faults.append("it was made for another election")
        if ballot.state not in (CAST, CHALLENGED):
            faults.append(f"its state {ballot.state[:40]!r} is neither CAST nor CHALLENGED")
        return faults

    # -- proofs --------------------------------------------------------------------------------------------------------

    def _check_ballot(self, ballot: Ballot, batch: Batch) -> None:
        ledger, election = self._ledger, self._election
        subject, tracker = f"ballot {ballot.ballot_id}", code_text(ballot)
        expected = election.styles.get(ballot.ballot_style_id)
        found = [contest.contest_id for contest in ballot.contests]
        if expected is None:
            ledger.fail("6", subject, f"there is no ballot style {ballot.ballot_style_id[:60]!r}", tracker=tracker)
        elif len(set(found)) != len(found) or set(found) != expected:
            ledger.fail("6", subject, "its contests are not those of its style, each once", tracker=tracker)
        for contest in ballot.contests:
            description = election.contests.get(contest.contest_id)
            name = f"{subject}, {contest.contest_id}"
            reason = form_fault(contest, description)
            if reason or description is None:
                ledger.fail("6", name, reason, tracker=tracker)
                continue
            self._check_contest(name, tracker, contest, description, batch)

    def _check_contest(
        self, name: str, tracker: str, contest: Contest, description: ContestDescription, batch: Batch
    ) -> None:
        ledger, election = self._ledger, self._election
        p = election.group.p
        total_a, total_b = mpz(1), mpz(1)
        for selection in contest.selections:
            pair = (selection.encrypted_vote.pad.value, selection.encrypted_vote.data.value)
            subject = f"{name}, {selection.selection_id}"
            batch.members(Item("5", subject, tracker), pair)
            total_a, total_b = total_a * pair[0] % p, total_b * pair[1] % p
            if range_proof_holds(election, pair, selection.proof.proofs):
                ledger.hold("5")
            else:
                reason = "5.C: the challenges of the range proof do not add up to the hash"
                ledger.fail("5", subject, reason, tracker=tracker)
        if range_proof_holds(election, (total_a, total_b), contest.proof.proofs):
            ledger.hold("6")
        else:
            reason = "6.C: the challenges of the range proof do not add up to the hash"
            ledger.fail("6", name, reason, tracker=tracker)

    def _count(self, ballot: Ballot) -> None:
        if ballot.is_preencrypt:
            self.totals.preencrypted += 1
        if ballot.state == CHALLENGED:
            self.totals.challenged[ballot.ballot_id] = ballot
        if ballot.state != CAST:
            return
        self.totals.cast += 1
        copied = {name for contest in ballot.contests for name in self._copied_from(contest, ballot.ballot_id)}
        if copied:
            reason = f"it has a ciphertext of ballot {min(copied)}: somebody's choice may have been copied"
            self._ledger.warn("5", f"ballot {ballot.ballot_id}", reason, tracker=code_text(ballot))
        p, products = self._election.group.p, self.totals.products
        for contest in ballot.contests:
            for selection in contest.selections:
                option = (contest.contest_id, selection.selection_id)
                a, b = products.get(option, (mpz(1), mpz(1)))
                pair = selection.encrypted_vote
                products[option] = (a * pair.pad.value % p, b * pair.data.value % p)

    def _copied_from(self, contest: Contest, ballot_id: str) -> set[str]:
        pads = self.totals.pads
        ends = [int(selection.encrypted_vote.pad.value) & _END for selection in contest.selections]
        return {pads.setdefault(end, ballot_id) for end in ends} - {ballot_id}


def form_fault(contest: Contest, description: ContestDescription | None) -> str:
    """What is wrong with the options and limits of a contest; empty if nothing is."""
    if description is None:
        return "the manifest has no such contest"
    if contest.sequence_order != description.sequence_order:
        return "its sequence order is not that of the manifest's contest"
    options = {option.object_id: option.sequence_order for option in description.ballot_selections}
    found = {selection.selection_id: selection.sequence_order for selection in contest.selections}
    if len(found) != len(contest.selections) or found != options:
        return "its options are not those of the manifest, each once, with their sequence order"
    limit = 1 if description.option_selection_limit is None else description.option_selection_limit
    if any(len(selection.proof.proofs) != limit + 1 for selection in contest.selections):
        return f"the range proof of an option is not for 0 to {limit}"
    if len(contest.proof.proofs) != description.votes_allowed + 1:
        return f"6.A: its range proof is not for 0 to {description.votes_allowed}"
    return ""


def check_chains(ledger: Ledger, election: Election2, totals: BallotTotals) -> None:
    """Verification 7: what each ballot put in beside its contests: one text for all, or the code of the one before.

    With chaining the first ballot's B_aux is H_0 and the device's text (some programs: H_0 alone), and each later one's
    is the code of the ballot before it and that text; H_0 is the hash of that text.
    """
    with ledger.timing("7"):
        baux0 = election.baux0
        if not election.config.chain_confirmation_codes:
            for ballots in totals.chains.values():
                for name, baux in ballots.items():
                    if baux != baux0:
                        reason = "7.E: its auxiliary bytes are not those of the configuration"
                        ledger.fail("7", f"ballot {name}", reason, tracker=totals.shown[name])
            return
        start = hash_2(election.extended_hash, 0x24, baux0)
        with_length = hash_2(election.extended_hash, 0x24, b4(len(baux0)), baux0)
        starts = {start, start + baux0, with_length, with_length + baux0}
        for device, ballots in totals.chains.items():
            followed: dict[bytes, str] = {}
            known = starts | {code + baux0 for code, name in totals.codes.items() if name in ballots}
            for name, baux in ballots.items():
                place = b"" if baux in starts else baux
                if baux not in known:
                    reason = "7.G: it follows no ballot of its device: a ballot before it is missing"
                    ledger.fail("7", f"ballot {name}", reason, tracker=totals.shown[name])
                elif place in followed:
                    reason = f"7.G: ballot {followed[place]} of device {device} has the same place in the chain"
                    ledger.fail("7", f"ballot {name}", reason, tracker=totals.shown[name])
                followed[place] = name


def check_aggregation(
    ledger: Ledger, election: Election2, totals: BallotTotals, tally: EncryptedTally
) -> Mapping[Option, Pair]:
    """Verification 8; returns the products that this program computed, for every option of the manifest."""
    ones = (mpz(1), mpz(1))
    expected = {
        (contest.object_id, option.object_id): totals.products.get((contest.object_id, option.object_id), ones)
        for contest in election.manifest.contests
        for option in contest.ballot_selections
    }
    with ledger.timing("8"):
        found: dict[Option, Pair] = {}
        for contest in tally.contests:
            for selection in contest.selections:
                option = (contest.contest_id, selection.selection_id)
                if option in found:
                    ledger.fail("8", ", ".join(option), "is twice in the encrypted tally")
                found[option] = (selection.encrypted_vote.pad.value, selection.encrypted_vote.data.value)
        for option in sorted(found.keys() - expected.keys()):
            ledger.fail("8", ", ".join(option), "is in the encrypted tally, but not in the manifest")
        for option, product in expected.items():
            subject = ", ".join(option)
            if option not in found and product != ones:
                ledger.fail("8", subject, "is missing in the encrypted tally")
            elif found.get(option, ones) != product:
                ledger.fail("8", subject, "the encrypted tally is not the product of the cast ballots")
            else:
                ledger.hold("8")
        cast = {name for name, state in totals.states.items() if state == CAST}
        if tally.cast_ballot_ids is not None and (
            len(tally.cast_ballot_ids) != len(cast) or set(tally.cast_ballot_ids) != cast
        ):
            ledger.fail("8", "encrypted_tally.json", "its list of cast ballots is not that of the ballots")
        if tally.election_id is not None and tally.election_id.raw != election.extended_hash:
            ledger.fail("8", "encrypted_tally.json", "it was made for another election")
    return expected
