"""Protocol D: which ballots count, and the encrypted tally (docs/spec/tally.md)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.batch import find_non_members
from voting.crypto.elgamal import Ciphertext
from voting.crypto.group import Element, Group
from voting.election.ballots import decode_ciphertext
from voting.election.record import ElectionRecord
from voting.parallel import MapInOrder, in_parts, map_in_order
from voting.protocol.encoding import from_base64, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.messages import Ballot, EncryptedValue, TallyEncrypted
from voting.protocol.shape import BallotShape

MEMBERSHIP_CHUNK = 200
"""How many ballots are tested for membership at once."""


class EncryptedTally(NamedTuple):
    """The product of the counted ballots, one ciphertext per total."""

    ciphertexts: tuple[Ciphertext, ...]
    ballots: int
    weight: int


class Accumulator:
    """Protocol D2: multiplies counted ballots into the encrypted totals, one at a time, each raised to its weight.

    Sums that were accumulated apart (by several processes) are joined with `merge`.
    """

    def __init__(self, group: Group, shape: BallotShape) -> None:
        self._group = group
        self._totals = shape.totals
        self._alphas = [mpz(1)] * len(shape.totals)
        self._betas = [mpz(1)] * len(shape.totals)
        self.ballots = 0
        self.weight = 0

    def add(self, ciphertexts: tuple[Ciphertext, ...], weight: int) -> None:
        """Count one ballot. `ciphertexts` are all values of the ballot, members of the group."""
        p = self._group.p
        for position, total in enumerate(self._totals):
            alpha, beta = ciphertexts[total.index]
            if weight != 1:
                alpha, beta = alpha**weight, beta**weight
            self._alphas[position] = self._alphas[position] * alpha.value % p
            self._betas[position] = self._betas[position] * beta.value % p
        self.ballots += 1
        self.weight += weight

    def merge(self, other: EncryptedTally) -> None:
        """Add a tally of other ballots of the same election."""
        p = self._group.p
        for position, (alpha, beta) in enumerate(other.ciphertexts):
            self._alphas[position] = self._alphas[position] * alpha.value % p
            self._betas[position] = self._betas[position] * beta.value % p
        self.ballots += other.ballots
        self.weight += other.weight

    def tally(self) -> EncryptedTally:
        """The tally of all ballots added so far; for none, every total is (1, 1), an encryption of 0."""
        group = self._group
        pairs = zip(self._alphas, self._betas, strict=True)
        ciphertexts = tuple(Ciphertext(Element(group, a), Element(group, b)) for a, b in pairs)
        return EncryptedTally(ciphertexts, self.ballots, self.weight)


def tally_ballots(
    group: Group, shape: BallotShape, counted: Iterable[tuple[Ballot, int]], *, run: MapInOrder = map_in_order
) -> EncryptedTally:
    """Protocol D1: the encrypted tally of (ballot, weight) pairs: the last ballot of each credential.

    Args:
        run: who multiplies: this process, several, or a cluster. The product does not depend on it.

    Raises:
        VerificationError: (check 12) if a value is not in the group.
    """
    accumulator = Accumulator(group, shape)
    for part in run(partial(_tally_part, group, shape), in_parts(counted, MEMBERSHIP_CHUNK)):
        accumulator.merge(part)
    return accumulator.tally()


def _tally_part(group: Group, shape: BallotShape, counted: Sequence[tuple[Ballot, int]]) -> EncryptedTally:
    accumulator = Accumulator(group, shape)
    for (_, weight), ciphertexts in zip(counted, _members(group, [ballot for ballot, _ in counted]), strict=True):
        accumulator.add(ciphertexts, weight)
    return accumulator.tally()


def _members(group: Group, ballots: Sequence[Ballot]) -> list[tuple[Ciphertext, ...]]:
    """The values of ballots, once the batch test (P9) has found them in the group; the plain test names an exception.

    Raises:
        VerificationError: (check 12) for the first ballot with a value that is not in the group.
    """
    residues = []
    for ballot in ballots:
        try:
            residues.append(
                [_residue(group, text) for value in ballot.ciphertexts for text in (value.alpha, value.beta)]
            )
        except DecodeError as error:
            raise VerificationError("12", f"ballot of credential {ballot.credential}", str(error)) from None
    for index in find_non_members(group, residues, secrets.token_bytes):
        for position, value in enumerate(ballots[index].ciphertexts):
            try:
                decode_ciphertext(group, value, what=f"ciphertexts[{position}]")
            except DecodeError as error:
                subject = f"ballot of credential {ballots[index].credential}"
                raise VerificationError("12", subject, str(error)) from None
    elements = [[Element(group, residue) for residue in row] for row in residues]
    return [tuple(Ciphertext(a, b) for a, b in zip(row[::2], row[1::2], strict=True)) for row in elements]


def _residue(group: Group, text: str) -> mpz:
    return group.decode_residue(from_base64(text, group.element_bytes, what="ciphertext"), what="ciphertext")


def recompute_tally(
    record: ElectionRecord, read_body: Callable[[int], bytes], *, run: MapInOrder = map_in_order
) -> EncryptedTally:
    """Protocol D11: D1 on a record: read the counted ballots back and multiply them.

    Args:
        record: replayed up to the closing at least.
        read_body: gives the body of the entry with a number.
        run: who multiplies, as in `tally_ballots`.
    """
    counted = (
        (
            parse_body("ballot.cast", read_body(ballot.seq), what=f"entry {ballot.seq}").content,
            ballot.weight,
        )
        for ballot in record.register.cast_ballots()
        if ballot.weight
    )
    return tally_ballots(record.group, record.require_manifest().shape, counted, run=run)


def encode_totals(tally: EncryptedTally) -> tuple[EncryptedValue, ...]:
    """The ciphertexts of a tally, as `tally.encrypted` carries them."""
    return tuple(EncryptedValue(to_base64(a.encode()), to_base64(b.encode())) for a, b in tally.ciphertexts)


def verify_tally(entry: TallyEncrypted, recomputed: EncryptedTally, *, subject: str) -> None:
    """Protocol D3 (check 17): the published tally is the one that the counted ballots give.

    Raises:
        VerificationError: naming the first difference.
    """
    if entry.ballots != recomputed.ballots:
        raise VerificationError(
            "17", subject, "wrong number of counted ballots", expected=str(recomputed.ballots), found=str(entry.ballots)
        )
    if entry.weight != recomputed.weight:
        raise VerificationError(
            "17", subject, "wrong weight of counted ballots", expected=str(recomputed.weight), found=str(entry.weight)
        )
    expected = encode_totals(recomputed)
    if len(entry.totals) != len(expected):
        raise VerificationError(
            "17", subject, "wrong number of totals", expected=str(len(expected)), found=str(len(entry.totals))
        )
    for position, (published, own) in enumerate(zip(entry.totals, expected, strict=True)):
        if published != own:
            raise VerificationError("17", subject, f"totals[{position}] is not the product of the counted ballots")
