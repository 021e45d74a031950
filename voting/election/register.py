"""Protocol S: who may vote and which ballots were cast, in little memory (docs/spec/record.md).

48 bytes and some slots of a table for each voter, 56 bytes for each ballot, 32 bytes and some slots for each entry.
`ElectionRecord` shows it as mappings and sequences. This module must not import anything that reads or writes files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, overload

from voting.election.storage import KeyTable, MemoryStorage, NewStorage
from voting.protocol.encoding import Hash, from_base64, to_base64
from voting.protocol.errors import DecodeError

_KEY_BYTES = 32
_CREDENTIAL = struct.Struct("<QQ")
"""Weight; number of the last ballot, counted from 1, or 0."""
_BALLOT = struct.Struct("<QQQ32s")
"""Entry; number of the credential; number of the ballot that replaced this one, counted from 1, or 0; hash."""
_BALLOTS_AT_ONCE = 1024


class BallotRef(NamedTuple):
    """Where a ballot is, and whose."""

    seq: int
    credential: str
    hash: Hash


class CastBallot(NamedTuple):
    """A ballot, and what it weighs in the tally: 0 if a later one has replaced it."""

    number: int
    """In the order of casting, from 0."""
    seq: int
    hash: Hash
    weight: int


class ElectionRegister:
    """Credentials, ballots, and the hashes of all contents. Changed by the rules alone."""

    def __init__(self, new_storage: NewStorage = MemoryStorage) -> None:
        self._credentials = KeyTable(new_storage, _KEY_BYTES, _CREDENTIAL.size)
        self._contents = KeyTable(new_storage, _KEY_BYTES)
        self._ballots = new_storage()
        self.weight = 0
        """Sum of the weights of all credentials."""
        self.counted = 0
        """Credentials that have cast a ballot."""
        self.counted_weight = 0
        """Sum of their weights."""

    # -- contents ------------------------------------------------------------------------------------------------------

    def has_content(self, content: Hash) -> bool:
        """Whether an entry with this content was taken in."""
        return self._contents.find(bytes.fromhex(content)) is not None

    def add_content(self, content: Hash) -> None:
        """Remember an entry's content."""
        self._contents.add(bytes.fromhex(content))

    # -- credentials ---------------------------------------------------------------------------------------------------

    @property
    def credential_count(self) -> int:
        return len(self._credentials)

    def list_credentials(self, added: Mapping[str, int]) -> None:
        """Add credentials that are not listed yet: key (base64url of 32 bytes) -> weight."""
        for key, weight in added.items():
            self._credentials.add(from_base64(key, _KEY_BYTES, what="credential"), _CREDENTIAL.pack(weight, 0))
            self.weight += weight

    def find_credential(self, key: str) -> int | None:
        """The number of a listed credential."""
        try:
            return self._credentials.find(from_base64(key, _KEY_BYTES, what="credential"))
        except DecodeError:
            return None

    def listed(self) -> Iterator[tuple[str, int, bool]]:
        """Key, weight, and whether it has cast a ballot: of every credential, in the order of listing."""
        for key, value in self._credentials.rows():
            weight, last = _CREDENTIAL.unpack(value)
            yield to_base64(key), weight, last > 0

    def credential(self, number: int) -> str:
        """The credential with a number."""
        return to_base64(self._credentials.key(number))

    def weight_and_last(self, number: int) -> tuple[int, int | None]:
        """Weight of a credential, and the number of its last ballot."""
        weight, last = _CREDENTIAL.unpack(self._credentials.value(number))
        return weight, last - 1 if last else None

    # -- ballots -------------------------------------------------------------------------------------------------------

    @property
    def ballot_count(self) -> int:
        return self._ballots.size // _BALLOT.size

    def cast(self, ballot: BallotRef) -> None:
        """Add a ballot of a listed credential; it replaces an earlier one."""
        credential = self.find_credential(ballot.credential)
        if credential is None:
            raise KeyError(ballot.credential)
        number = self.ballot_count
        weight, last = self.weight_and_last(credential)
        self._ballots.write(self._ballots.size, _BALLOT.pack(ballot.seq, credential, 0, bytes.fromhex(ballot.hash)))
        self._credentials.set_value(credential, _CREDENTIAL.pack(weight, number + 1))
        if last is None:
            self.counted += 1
            self.counted_weight += weight
            return
        seq, _, _, hash_ = self._row(last)
        self._ballots.write(last * _BALLOT.size, _BALLOT.pack(seq, credential, number + 1, hash_))

    def ballot(self, number: int) -> BallotRef:
        """The ballot with a number."""
        seq, credential, _, hash_ = self._row(number)
        return BallotRef(seq, self.credential(credential), Hash(hash_.hex()))

    def owner(self, number: int) -> int:
        """The number of the credential that cast the ballot with a number."""
        return self._row(number)[1]

    def cast_ballots(self, first: int = 0) -> Iterator[CastBallot]:
        """The ballots from a number on, in the order of casting, with what they weigh now."""
        number = first
        while number < self.ballot_count:
            rows = self._ballots.read(number * _BALLOT.size, _BALLOTS_AT_ONCE * _BALLOT.size)
            for seq, credential, replaced, hash_ in _BALLOT.iter_unpack(rows):
                weight = 0 if replaced else self.weight_and_last(credential)[0]
                yield CastBallot(number, seq, Hash(hash_.hex()), weight)
                number += 1

    def references(self, first: int, stop: int) -> Iterator[BallotRef]:
        """The ballots from a number on, up to another."""
        for number in range(first, stop, _BALLOTS_AT_ONCE):
            count = min(_BALLOTS_AT_ONCE, stop - number)
            rows = self._ballots.read(number * _BALLOT.size, count * _BALLOT.size)
            for seq, credential, _, hash_ in _BALLOT.iter_unpack(rows):
                yield BallotRef(seq, self.credential(credential), Hash(hash_.hex()))

    def find_hash(self, prefix: str, first: int, stop: int) -> int | None:
        """The first ballot, of those from a number on up to another, whose hash (hexadecimal) begins so."""
        whole = bytes.fromhex(prefix[: len(prefix) // 2 * 2])
        for start in range(first, stop, _BALLOTS_AT_ONCE):
            count = min(_BALLOTS_AT_ONCE, stop - start)
            rows = self._ballots.read(start * _BALLOT.size, count * _BALLOT.size)
            for number, (_, _, _, hash_) in enumerate(_BALLOT.iter_unpack(rows), start):
                if hash_.startswith(whole) and hash_.hex().startswith(prefix):
                    return number
        return None

    def _row(self, number: int) -> tuple[int, int, int, bytes]:
        row: tuple[int, int, int, bytes] = _BALLOT.unpack(self._ballots.read(number * _BALLOT.size, _BALLOT.size))
        return row


# -- as mappings and sequences -----------------------------------------------------------------------------------------


class Credentials(Mapping[str, int]):
    """Key (base64url) -> weight, in the order of listing."""

    def __init__(self, register: ElectionRegister) -> None:
        self._register = register

    def __getitem__(self, key: str) -> int:
        number = self._register.find_credential(key)
        if number is None:
            raise KeyError(key)
        return self._register.weight_and_last(number)[0]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _, _ in self._register.listed())

    def __len__(self) -> int:
        return self._register.credential_count


class Ballots(Sequence[BallotRef]):
    """All ballots, in the order of casting. A slice is a view: it costs nothing, and later ballots do not change it."""

    def __init__(self, register: ElectionRegister, bounds: tuple[int, int] | None = None) -> None:
        self._register = register
        self._bounds = bounds

    @overload
    def __getitem__(self, index: int) -> BallotRef: ...

    @overload
    def __getitem__(self, index: slice) -> Ballots: ...

    def __getitem__(self, index: int | slice) -> BallotRef | Ballots:
        places = range(*self._range())[index]
        if isinstance(places, int):
            return self._register.ballot(places)
        if places.step != 1:
            raise ValueError("ballots are looked at in the order of casting")
        return Ballots(self._register, (places.start, places.stop))

    def __iter__(self) -> Iterator[BallotRef]:
        return self._register.references(*self._range())

    def __len__(self) -> int:
        first, stop = self._range()
        return max(stop - first, 0)

    def with_hash(self, prefix: str) -> BallotRef | None:
        """The first of them whose hash begins so. Quicker than to look at each."""
        number = self._register.find_hash(prefix, *self._range())
        return None if number is None else self._register.ballot(number)

    def _range(self) -> tuple[int, int]:
        return self._bounds or (0, self._register.ballot_count)


class LastBallots(Mapping[str, BallotRef]):
    """Key -> the last ballot of this credential: the one that counts. In the order of listing."""

    def __init__(self, register: ElectionRegister) -> None:
        self._register = register

    def __getitem__(self, key: str) -> BallotRef:
        number = self._register.find_credential(key)
        last = None if number is None else self._register.weight_and_last(number)[1]
        if last is None:
            raise KeyError(key)
        return self._register.ballot(last)

    def __iter__(self) -> Iterator[str]:
        return (key for key, _, has_voted in self._register.listed() if has_voted)

    def __len__(self) -> int:
        return self._register.counted
