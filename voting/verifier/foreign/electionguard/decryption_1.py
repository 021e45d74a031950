"""Verifications 8 to 16 of ElectionGuard 1.x: decryption by a quorum, of the tally and of spoiled ballots.

Present guardians give a share with a proof. For each missing one, every present guardian gives a part with a proof, and
the parts are put together with Lagrange coefficients.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import gmpy2
from gmpy2 import mpz

from voting.verifier.foreign.electionguard.ballots_1 import BallotTotals, Option, Pair
from voting.verifier.foreign.electionguard.claims import Batch, Item, RandomBytes
from voting.verifier.foreign.electionguard.data_1 import (
    CAST,
    Ballot,
    CoefficientList,
    CoefficientMap,
    DecryptedSelection,
    DecryptedTally,
    DecryptionProof,
    Guardian,
    Share,
)
from voting.verifier.foreign.electionguard.setup_1 import Election1
from voting.verifier.foreign.findings import Ledger

Coefficients = CoefficientList | CoefficientMap | None


class Steps(NamedTuple):
    """The numbers of the verifications, for the tally or for spoiled ballots."""

    shares: str
    parts: str
    replacements: str
    values: str


TALLY = Steps("8", "9", "10", "11")
SPOILED = Steps("12", "13", "14", "15")


def lagrange(group_order: mpz, present: Sequence[int]) -> dict[int, mpz]:
    """The weight of each present guardian's part: w_l = prod over the others of j / (j - l) mod q."""
    weights = {}
    for number in present:
        over, under = mpz(1), mpz(1)
        for other in present:
            if other != number:
                over = over * other % group_order
                under = under * (other - number) % group_order
        weights[number] = over * gmpy2.invert(under, group_order) % group_order
    return weights


class DecryptionPass:
    """Collects the proofs of all decryptions; `settle` decides on them together."""

    def __init__(self, ledger: Ledger, election: Election1, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        self._ledger = ledger
        self._election = election
        shared = (election.group.generator.value, *(g.election_public_key.value for g in election.guardians))
        self._batch = Batch(election.group, shared, random_bytes)
        self._waiting: list[Item] = []
        self._by_id = {guardian.guardian_id: guardian for guardian in election.guardians}
        self._recovery_keys: dict[tuple[int, int], mpz] = {}
        self.present: set[tuple[int, ...]] = set()
        """The sets of guardians who decrypted something while others were missing."""

    def settle(self) -> None:
        """Decide on all proofs that were collected."""
        with self._ledger.timing("8"):
            faults = self._batch.faults()
        for fault in faults:
            self._ledger.fail(fault.item.check, fault.item.subject, fault.reason)
        wrong = {fault.item for fault in faults}
        for item in self._waiting:
            if item not in wrong:
                self._ledger.hold(item.check)

    def add(self, steps: Steps, subject: str, selection: DecryptedSelection, pair: Pair) -> None:
        """One decrypted option whose ciphertext should be `pair`."""
        ledger, group = self._ledger, self._election.group
        if (selection.message.pad.value, selection.message.data.value) != pair:
            ledger.fail(steps.values, subject, "what was decrypted is not what should have been")
            return
        by_guardian = {share.guardian_id: share for share in selection.shares}
        if len(by_guardian) != len(selection.shares) or by_guardian.keys() != self._by_id.keys():
            ledger.fail(steps.shares, subject, "the shares are not one of each guardian")
            return
        product = selection.value.value
        for share in selection.shares:
            product = product * share.share.value % group.p
            self._add_share(steps, subject, share, pair, selection.object_id)
        if product != pair[1]:
            ledger.fail(steps.values, subject, f"{steps.values}.A: B is not M times the product of all shares")
        elif not 0 <= selection.tally <= _MOST_VOTES:
            ledger.fail(steps.values, subject, f"the number {selection.tally} cannot be one of votes")
        elif gmpy2.powmod(group.generator.value, selection.tally, group.p) != selection.value.value:
            reason = f"{steps.values}.B: the number of votes is not what was decrypted"
            ledger.fail(steps.values, subject, reason, found=str(selection.tally))
        else:
            ledger.hold(steps.values)

    def _add_share(self, steps: Steps, subject: str, share: Share, pair: Pair, option: str) -> None:
        guardian = self._by_id[share.guardian_id]
        name = f"{subject}, guardian {guardian.guardian_id}"
        if share.object_id != option:
            self._ledger.fail(steps.shares, name, "the share is for another option")
            return
        if share.proof is not None:
            if share.recovered_parts:
                self._ledger.fail(steps.shares, name, "the guardian is present and missing at once")
                return
            key = guardian.election_public_key.value
            self._add_proof(Item(steps.shares, name), pair, share.share.value, share.proof, key)
            return
        self._add_parts(steps, name, share, guardian, pair)

    def _add_parts(self, steps: Steps, name: str, share: Share, missing: Guardian, pair: Pair) -> None:
        """Verifications 9 and 10: the parts for a missing guardian, and how they are put together."""
        ledger, election = self._ledger, self._election
        parts = share.recovered_parts or {}
        present: dict[int, mpz] = {}
        for key, part in parts.items():
            helper = self._by_id.get(part.guardian_id)
            if key != part.guardian_id or helper is None or helper is missing:
                ledger.fail(steps.parts, name, f"there can be no part of guardian {key[:40]!r}")
                return
            if part.missing_guardian_id != missing.guardian_id:
                ledger.fail(steps.parts, name, f"the part of guardian {key} is for another missing guardian")
                return
            present[helper.sequence_order] = part.share.value
            item = Item(steps.parts, f"{name}, part of guardian {helper.guardian_id}")
            recovery_key = self._recovery_key(missing, helper.sequence_order)
            if part.recovery_key.value != recovery_key:
                ledger.fail(steps.parts, item.subject, "the recovery key does not follow from the commitments")
                return
            self._add_proof(item, pair, part.share.value, part.proof, recovery_key)
        if len(present) < election.context.quorum:
            ledger.fail(
                steps.parts,
                name,
                "the share has no proof, and too few parts to put it together",
                expected=str(election.context.quorum),
                found=str(len(present)),
            )
            return
        order = tuple(sorted(present))
        self.present.add(order)
        weights = lagrange(election.group.q, order)
        item = Item(steps.replacements, name)
        self._waiting.append(item)
        powers = tuple((present[number], -weights[number]) for number in order)
        self._batch.equations(item, (share.share.value,), (powers,), ((),))

    def _recovery_key(self, missing: Guardian, number: int) -> mpz:
        """g^P_i(l), from the commitments of guardian i."""
        key = (missing.sequence_order, number)
        if key not in self._recovery_keys:
            group = self._election.group
            result, exponent = mpz(1), mpz(1)
            for commitment in missing.election_commitments:
                result = result * gmpy2.powmod(commitment.value, exponent, group.p) % group.p
                exponent = exponent * number % group.q
            self._recovery_keys[key] = result
        return self._recovery_keys[key]

    def _add_proof(self, item: Item, pair: Pair, share: mpz, proof: DecryptionProof, key: mpz) -> None:
        """log_g key = log_A share: g^v = a key^c and A^v = b share^c."""
        election = self._election
        a, b, c, v = proof.pad.value, proof.data.value, proof.challenge.value, proof.response.value
        if c != election.h(election.extended_hash, pair[0], pair[1], a, b, share):
            self._ledger.fail(item.check, item.subject, f"{item.check}.C: the challenge is not the hash")
            return
        self._waiting.append(item)
        self._batch.members(item, (share,))
        self._batch.equations(
            item,
            (a, b),
            ((), ((share, c), (pair[0], -v))),
            (((election.group.generator.value, -v), (key, c)), ()),
        )


_MOST_VOTES = 1 << 40


def check_tally(
    ledger: Ledger, election: Election1, proofs: DecryptionPass, expected: Mapping[Option, Pair], tally: DecryptedTally
) -> dict[Option, int]:
    """Verifications 8 to 11; returns the published numbers of votes. `proofs.settle` is still to be called."""
    with ledger.timing("11"):
        found: dict[Option, DecryptedSelection] = {}
        for key, contest in tally.contests.items():
            for name, selection in contest.selections.items():
                if (key, name) != (contest.object_id, selection.object_id):
                    ledger.fail("11", f"{key}, {name}", "is filed under another name than its own")
                found[(key, name)] = selection
        for option in sorted(found.keys() - expected.keys()):
            ledger.fail("11", ", ".join(option), "11.D: is in the tally, but not in the manifest")
        for option, pair in expected.items():
            subject = ", ".join(option)
            if option in found:
                proofs.add(TALLY, f"tally, {subject}", found[option], pair)
            else:
                ledger.fail("11", subject, "11.C: is missing in the tally")
    return {option: selection.tally for option, selection in found.items()}


def check_spoiled(
    ledger: Ledger,
    election: Election1,
    proofs: DecryptionPass,
    totals: BallotTotals,
    decrypted: Sequence[DecryptedTally],
) -> None:
    """Verifications 12 to 16: every spoiled ballot is decrypted, and no other."""
    with ledger.timing("15"):
        seen: set[str] = set()
        for ballot in decrypted:
            subject = f"spoiled ballot {ballot.object_id}"
            encrypted = totals.spoiled.get(ballot.object_id)
            if encrypted is None:
                cast = totals.ids.get(ballot.object_id) == CAST
                reason = "a cast ballot was decrypted" if cast else "there is no such spoiled ballot"
                ledger.fail("15", subject, reason)
            elif ballot.object_id in seen:
                ledger.fail("15", subject, "is decrypted twice")
            else:
                _check_spoiled_ballot(ledger, election, proofs, encrypted, ballot)
            seen.add(ballot.object_id)
        for name in totals.spoiled.keys() - seen:
            ledger.fail("15", f"spoiled ballot {name}", "is not decrypted")


def _check_spoiled_ballot(
    ledger: Ledger, election: Election1, proofs: DecryptionPass, encrypted: Ballot, ballot: DecryptedTally
) -> None:
    subject = f"spoiled ballot {ballot.object_id}"
    pairs = {
        (contest.object_id, s.object_id): (s.ciphertext.pad.value, s.ciphertext.data.value)
        for contest in encrypted.contests
        for s in contest.ballot_selections
    }
    placeholders = {
        (contest.object_id, s.object_id)
        for contest in encrypted.contests
        for s in contest.ballot_selections
        if s.is_placeholder_selection
    }
    found = {
        (key, name): selection
        for key, contest in ballot.contests.items()
        for name, selection in contest.selections.items()
    }
    # Some programs leave out what was decrypted of placeholders.
    if found.keys() - pairs.keys() or pairs.keys() - found.keys() - placeholders:
        ledger.fail("15", subject, "its options are not those of the encrypted ballot")
        return
    votes: dict[str, int] = {}
    for option, selection in found.items():
        name = f"{subject}, {', '.join(option)}"
        if selection.object_id != option[1]:
            ledger.fail("15", name, "is filed under another name than its own")
            continue
        proofs.add(SPOILED, name, selection, pairs[option])
        if selection.tally not in (0, 1):
            ledger.fail("16", name, "16.A: an option has neither 0 nor 1 votes", found=str(selection.tally))
        votes[option[0]] = votes.get(option[0], 0) + selection.tally
    for contest in encrypted.contests:
        description = election.contests.get(contest.object_id)
        limit = description.number_elected if description else 0
        complete = all((contest.object_id, s.object_id) in found for s in contest.ballot_selections)
        count = votes.get(contest.object_id, 0)
        if count > limit or (complete and count != limit):
            reason = "16.B: the votes of a contest, with its placeholders, are not as many as allowed"
            ledger.fail("16", f"{subject}, {contest.object_id}", reason, expected=str(limit), found=str(count))
        else:
            ledger.hold("16")


def check_coefficients(ledger: Ledger, election: Election1, present: set[tuple[int, ...]], given: Coefficients) -> None:
    """Verification 10: the published Lagrange coefficients are those of the guardians who were present."""
    if not present:
        return
    if len(present) > 1:
        ledger.warn("10", "shares", "not all decryptions were made by the same guardians")
        return
    (order,) = present
    if given is None:
        ledger.warn("10", "coefficients.json", "is not published; the coefficients were computed here")
        return
    weights = lagrange(election.group.q, order)
    if isinstance(given, CoefficientMap):
        ids = {guardian.sequence_order: guardian.guardian_id for guardian in election.guardians}
        expected: object = {ids[number]: weight for number, weight in weights.items()}
        found: object = {name: coefficient.value for name, coefficient in given.coefficients.items()}
    else:
        expected = [weights[number] for number in order]
        found = [coefficient.value for coefficient in given.coefficients]
    if expected == found:
        ledger.hold("10")
    else:
        ledger.fail("10", "coefficients.json", "10.A: are not the Lagrange coefficients of the present guardians")
