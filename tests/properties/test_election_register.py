"""The compact register of voters and ballots says what plain dictionaries and lists say, in memory and in files."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voting.election.duplicates import CiphertextRegister
from voting.election.record import ElectionRecord
from voting.election.register import BallotRef, ElectionRegister
from voting.election.storage import KeyTable, MemoryStorage, NewStorage, Storage
from voting.protocol.encoding import Hash, sha256, to_base64
from voting.protocol.errors import UnavailableError, VerificationError
from voting.protocol.messages import Ballot, EncryptedValue
from voting.verifier.spill import SpillingStorage

STORAGES: tuple[NewStorage, ...] = (
    MemoryStorage,
    lambda: SpillingStorage(0),
    lambda: SpillingStorage(300),
    SpillingStorage,
)
storages = st.sampled_from(STORAGES)


def as_record(register: ElectionRegister) -> ElectionRecord:
    return ElectionRecord(register=register)


def key_of(number: int) -> bytes:
    return hashlib.sha256(b"key %d" % number).digest()


def credential(number: int) -> str:
    return to_base64(key_of(number))


# -- storage -----------------------------------------------------------------------------------------------------------


@given(storages, st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=200)), max_size=20))
def test_storage_is_like_an_array_of_bytes(new: Callable[[], Storage], writes: list[tuple[int, bytes]]) -> None:
    storage, plain = new(), bytearray()
    for position, data in writes:
        if position > len(plain):
            storage.grow(position)
            plain.extend(bytes(position - len(plain)))
        storage.write(position, data)
        plain[position : position + len(data)] = data
        assert storage.size == len(plain)
        assert storage.read(position, 50) == plain[position : position + 50]
    assert storage.read(0, 10_000) == plain


def test_only_what_is_large_goes_to_a_file() -> None:
    small, large = SpillingStorage(10), SpillingStorage(10)
    small.write(0, bytes(10))
    assert not small.is_spilled
    large.write(0, bytes(10))
    large.write(10, b"x")
    assert large.is_spilled
    assert large.read(0, 20) == bytes(10) + b"x"


def test_without_a_folder_for_temporary_files_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("voting.verifier.spill.tempfile.TemporaryFile", full)
    storage = SpillingStorage(3)
    storage.write(0, b"abc")
    with pytest.raises(UnavailableError, match=r"No space left on device.*TMPDIR"):
        storage.write(3, b"d")


def test_a_full_disk_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = SpillingStorage(0)
    storage.write(0, b"abc")

    def full(*_arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("voting.verifier.spill.os.pwrite", full)
    with pytest.raises(UnavailableError, match="No space left on device"):
        storage.write(3, b"d")


# -- the table of keys -------------------------------------------------------------------------------------------------


@given(storages, st.lists(st.integers(0, 300), max_size=300))
@settings(max_examples=60)
def test_a_table_is_like_a_dictionary(new: NewStorage, numbers: list[int]) -> None:
    table, plain = KeyTable(new, 32, 4), dict[bytes, int]()
    for number in numbers:
        key = key_of(number)
        assert table.find(key) == plain.get(key)
        if key not in plain:
            plain[key] = len(plain)
            assert table.add(key, number.to_bytes(4, "big")) == plain[key]
        table.set_value(plain[key], (number + 1).to_bytes(4, "big"))
    assert len(table) == len(plain)
    assert [key for key, _ in table.rows()] == list(plain)
    assert all(table.value(place) == table_value for place, (_, table_value) in enumerate(table.rows()))
    assert table.find(key_of(1000)) is None


def test_keys_with_equal_hashes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.election.storage.hash", lambda _key: -(2**60), raising=False)
    table = KeyTable(MemoryStorage, 32)
    for number in range(200):
        assert table.find(key_of(number)) is None
        table.add(key_of(number))
    assert [table.find(key_of(number)) for number in range(200)] == list(range(200))
    assert table.find(key_of(200)) is None


# -- the register ------------------------------------------------------------------------------------------------------


@given(storages, st.lists(st.integers(1, 9), min_size=1, max_size=30), st.data())
@settings(max_examples=60)
def test_a_register_is_like_dictionaries_and_lists(new: NewStorage, weights: list[int], data: st.DataObject) -> None:
    register = ElectionRegister(new)
    credentials = {credential(number): weight for number, weight in enumerate(weights)}
    half = len(credentials) // 2
    register.list_credentials(dict(list(credentials.items())[:half]))
    register.list_credentials(dict(list(credentials.items())[half:]))
    ballots: list[BallotRef] = []
    last: dict[str, BallotRef] = {}
    voters = data.draw(st.lists(st.integers(0, len(weights) - 1), max_size=60))
    record = as_record(register)
    for seq, voter in enumerate(voters):
        ballot = BallotRef(3 * seq, credential(voter), sha256(b"%d" % seq))
        assert not register.has_content(ballot.hash)
        register.cast(ballot)
        register.add_content(ballot.hash)
        ballots.append(ballot)
        last[ballot.credential] = ballot
    assert all(register.has_content(ballot.hash) for ballot in ballots)
    assert dict(record.credentials) == credentials
    assert list(record.credentials) == list(credentials)
    assert list(record.ballots) == ballots
    assert [record.ballots[place] for place in range(-len(ballots), len(ballots))] == ballots * 2
    assert list(record.ballots[1:5]) == ballots[1:5]
    for ballot in (*ballots, BallotRef(0, "", sha256(b"none"))):
        for length in (0, 1, 2, 3, 9, 64):
            found = next((each for each in ballots[1:] if each.hash.startswith(ballot.hash[:length])), None)
            assert record.ballots[1:].with_hash(ballot.hash[:length]) == found
    assert dict(record.last_ballot) == last
    assert len(record.last_ballot) == len(last) == register.counted
    assert record.weight == sum(weights)
    assert register.counted_weight == sum(credentials[key] for key in last)
    assert [(each.number, each.seq, each.hash, each.weight) for each in register.cast_ballots()] == [
        (place, ballot.seq, ballot.hash, credentials[ballot.credential] if last[ballot.credential] == ballot else 0)
        for place, ballot in enumerate(ballots)
    ]
    assert [register.credential(register.owner(place)) for place in range(len(ballots))] == [
        ballot.credential for ballot in ballots
    ]


@pytest.mark.parametrize("text", ["", "?", "A" * 43 + "=", "A" * 42, "A" * 42 + "B", "é" * 43, credential(2)])
def test_what_is_no_listed_credential_is_not_found(text: str) -> None:
    register = ElectionRegister()
    register.list_credentials({credential(1): 1})
    record = as_record(register)
    assert text not in record.credentials
    assert text not in record.last_ballot
    with pytest.raises(KeyError):
        register.cast(BallotRef(1, text, Hash("0" * 64)))
    assert not record.ballots


def test_a_slice_of_the_ballots_does_not_change() -> None:
    register = ElectionRegister()
    register.list_credentials({credential(1): 1})
    register.cast(BallotRef(1, credential(1), sha256(b"1")))
    before = as_record(register).ballots[:]
    register.cast(BallotRef(2, credential(1), sha256(b"2")))
    assert [ballot.seq for ballot in before] == [1]
    assert [ballot.seq for ballot in as_record(register).ballots] == [1, 2]


def test_memory_does_not_grow_with_the_ballots_once_they_are_in_files() -> None:
    tracemalloc.start()
    try:
        register = ElectionRegister(lambda: SpillingStorage(64 * 1024))
        register.list_credentials({credential(number): 1 for number in range(1000)})
        sizes = []
        for seq in range(12_000):
            register.cast(BallotRef(seq, credential(seq % 1000), sha256(b"%d" % seq)))
            register.add_content(sha256(b"%d" % seq))
            if seq in (6_000, 11_999):
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] - sizes[0] < 50_000, "6,000 ballots more are 500 kB in files"


# -- ciphertexts -------------------------------------------------------------------------------------------------------


def ballot_with(owner: int, alphas: list[int]) -> Ballot:
    values = tuple(EncryptedValue(f"alpha {alpha}", "beta") for alpha in alphas)
    return Ballot("c", values, f"credential {owner}", Hash("0" * 64), ())


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 40), max_size=4)), max_size=25))
def test_copied_ciphertexts_are_those_that_a_plain_search_finds(ballots: list[tuple[int, list[int]]]) -> None:
    register = CiphertextRegister()
    owners: dict[int, int] = {}
    for owner, alphas in ballots:
        is_copy = len(set(alphas)) != len(alphas) or any(owners.get(alpha, owner) != owner for alpha in alphas)
        ballot = ballot_with(owner, alphas)
        if is_copy:
            with pytest.raises(VerificationError) as caught:
                register.verify_new(ballot, subject="entry 1")
            assert caught.value.check == "15"
            continue
        register.verify_new(ballot, subject="entry 1")
        register.add(ballot)
        owners.update((alpha, owners.get(alpha, owner)) for alpha in alphas)
