"""Key files: they open with their passphrase only, and no changed byte goes unseen."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voting.crypto.errors import KeyFileError
from voting.crypto.keyfile import (
    KeyFileHeader,
    open_key_file,
    read_key_file_header,
    write_key_file,
    write_plain_key_file,
)

SEED = bytes(range(32))
PASSPHRASE = "lusab-babad-gutih-tugad-mabiv"
SALT, NONCE = b"\xaa" * 16, b"\xbb" * 12


def fixed_random(count: int) -> bytes:
    return {16: SALT, 12: NONCE}[count]


def protected(seed: bytes = SEED, *, label: str = "Änne", passphrase: str = PASSPHRASE, work_factor: int = 2) -> bytes:
    return write_key_file(
        seed,
        kind="trustee",
        label=label,
        passphrase=passphrase,
        random_bytes=fixed_random,
        work_factor=work_factor,
    )


PROTECTED = protected()
PLAIN = write_plain_key_file(SEED, kind="board", label="the server")


def with_checksum(text: str) -> bytes:
    """A file whose checksum a forger has set right."""
    body = text[: text.index("sha256: ")]
    return f"{body}sha256: {hashlib.sha256(body.encode()).hexdigest()}\n".encode()


def forge(data: bytes, old: str, new: str) -> bytes:
    text = data.decode()
    assert text.count(old) == 1, old
    return with_checksum(text.replace(old, new))


def open_protected(data: bytes) -> bytes:
    return open_key_file(data, passphrase=PASSPHRASE, kind="trustee")


def open_plain(data: bytes) -> bytes:
    return open_key_file(data, passphrase=None, kind="board")


def test_protected_file_by_hand() -> None:
    lines = PROTECTED.decode().split("\n")
    assert lines[:6] == [
        "urne key file v1",
        "kind: trustee",
        "label: Änne",
        "protection: scrypt n=2 r=8 p=1",
        "salt: qqqqqqqqqqqqqqqqqqqqqg",
        "nonce: u7u7u7u7u7u7u7u7",
    ]
    assert re.fullmatch(r"sealed: [A-Za-z0-9_-]{64}", lines[6])
    assert lines[7] == "sha256: " + hashlib.sha256("\n".join(lines[:7]).encode() + b"\n").hexdigest()
    assert lines[8:] == [""]


def test_plain_file_by_hand() -> None:
    body = (
        "urne key file v1\nkind: board\nlabel: the server\nprotection: none\n"
        "seed: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
    )
    assert PLAIN.decode() == f"{body}sha256: {hashlib.sha256(body.encode()).hexdigest()}\n"


labels = st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable() and text == text.strip())


@given(st.binary(min_size=32, max_size=32), st.text(min_size=1, max_size=20), st.sampled_from(["Anna", "山田", "É"]))
def test_write_and_open(seed: bytes, passphrase: str, label: str) -> None:
    data = protected(seed, label=label, passphrase=passphrase)
    assert open_key_file(data, passphrase=passphrase, kind="trustee") == seed
    assert read_key_file_header(data) == KeyFileHeader("trustee", label, True)


@given(st.binary(min_size=32, max_size=32))
def test_write_and_open_plain(seed: bytes) -> None:
    data = write_plain_key_file(seed, kind="board", label="x")
    assert open_plain(data) == seed
    assert read_key_file_header(data) == KeyFileHeader("board", "x", False)


def test_default_work_factor_and_randomness() -> None:
    first = write_key_file(SEED, kind="trustee", label="x", passphrase=PASSPHRASE)
    second = write_key_file(SEED, kind="trustee", label="x", passphrase=PASSPHRASE)
    assert b"scrypt n=131072 r=8 p=1\n" in first
    assert first.split(b"\n")[4:7] != second.split(b"\n")[4:7]
    assert open_protected(first) == SEED


@pytest.mark.parametrize(("data", "opener"), [(PROTECTED, open_protected), (PLAIN, open_plain)], ids=["scrypt", "none"])
def test_every_changed_byte_is_refused(data: bytes, opener: Callable[[bytes], bytes]) -> None:
    assert opener(data) == SEED
    for position in range(len(data)):
        for value in {data[position] ^ 1 << bit for bit in range(8)} | {0x0A, 0x20, 0x41, 0x5F} - {data[position]}:
            changed = data[:position] + bytes([value]) + data[position + 1 :]
            with pytest.raises(KeyFileError):
                opener(changed)
            with pytest.raises(KeyFileError):
                read_key_file_header(changed)


@pytest.mark.parametrize(("data", "opener"), [(PROTECTED, open_protected), (PLAIN, open_plain)], ids=["scrypt", "none"])
def test_cut_and_lengthened_files_are_refused(data: bytes, opener: Callable[[bytes], bytes]) -> None:
    for changed in [*(data[:length] for length in range(len(data))), data + b"\n", data + b" ", b"\n" + data]:
        with pytest.raises(KeyFileError):
            opener(changed)
    with pytest.raises(KeyFileError):
        opener(data.replace(b"\n", b"\r\n"))


@given(st.binary(max_size=300))
@example(b"\xff")
@example(b"urne key file v1\n")
@example(b"urne key file v2\n")
@example(b"x" * 5000)
def test_no_other_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(KeyFileError):
        read_key_file_header(data)
    with pytest.raises(KeyFileError):
        read_key_file_header(b"urne key file v1\n" + data)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("kind: trustee", "kind: board", "of kind 'board'"),
        ("label: Änne", "label: Eve", "does not open"),
        ("n=2 ", "n=4 ", "does not open"),
        ("salt: qqqq", "salt: qqqr", "does not open"),
        ("nonce: u7u7", "nonce: u7u8", "does not open"),
        ("sealed: ", "sealed: A", "lines"),
        ("n=2 ", "n=3 ", "power of two"),
        ("n=2 ", "n=1 ", "power of two"),
        ("n=2 ", "n=8388608 ", "power of two"),
        ("n=2 ", "n=02 ", "lines"),
        ("n=2 ", "n=99999999999999999999 ", "lines"),
        ("r=8", "r=9", "lines"),
        ("p=1", "p=2", "lines"),
        ("kind: trustee", "kind: Trustee", "kind"),
        ("kind: trustee", "kind: ", "kind"),
        ("label: Änne", "label: A\u0308nne", "NFC"),
        ("label: Änne", "label:  Änne", "label"),
        ("label: Änne", "label: ", "label"),
        ("label: Änne", "label: " + "x" * 201, "label"),
        ("label: Änne", "label: \u202eevil", "label"),
        ("qqqqqg\n", "qqqqqh\n", "one form"),
    ],
)
def test_forgeries_with_a_right_checksum_are_refused(old: str, new: str, reason: str) -> None:
    with pytest.raises(KeyFileError, match=reason):
        open_protected(forge(PROTECTED, old, new))


def test_sealed_seed_is_authenticated() -> None:
    text = PROTECTED.decode()
    start = text.index("sealed: ") + len("sealed: ")
    for position in range(start, start + 64):
        changed = text[:position] + ("B" if text[position] == "A" else "A") + text[position + 1 :]
        with pytest.raises(KeyFileError, match="does not open"):
            open_protected(with_checksum(changed))


@pytest.mark.parametrize("wrong", ["", "x", PASSPHRASE + " ", PASSPHRASE.upper(), "\ud800"])
def test_wrong_passphrase(wrong: str) -> None:
    with pytest.raises(KeyFileError) as caught:
        open_key_file(PROTECTED, passphrase=wrong, kind="trustee")
    assert caught.value.remedy
    assert len(wrong) < 2 or wrong not in str(caught.value)


def test_passphrases_that_look_the_same_are_the_same() -> None:
    data = protected(passphrase="caf\u00e9")
    assert open_key_file(data, passphrase="cafe\u0301", kind="trustee") == SEED


def test_label_is_written_in_nfc() -> None:
    assert protected(label="A\u0308nne") == PROTECTED


def test_protection_must_be_as_expected() -> None:
    with pytest.raises(KeyFileError, match="none was given"):
        open_key_file(PROTECTED, passphrase=None, kind="trustee")
    with pytest.raises(KeyFileError, match="has no passphrase"):
        open_key_file(PLAIN, passphrase=PASSPHRASE, kind="board")


def test_kind_must_be_as_expected() -> None:
    with pytest.raises(KeyFileError, match="of kind 'board', not 'trustee'"):
        open_key_file(PLAIN, passphrase=None, kind="trustee")


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_seed_of_wrong_length(seed: bytes) -> None:
    with pytest.raises(KeyFileError, match="seed"):
        protected(seed)
    with pytest.raises(KeyFileError, match="seed"):
        write_plain_key_file(seed, kind="board", label="x")


@pytest.mark.parametrize("work_factor", [-2, 0, 1, 3, 2**23])
def test_work_factor_out_of_range(work_factor: int) -> None:
    with pytest.raises(KeyFileError, match="power of two"):
        protected(work_factor=work_factor)


@pytest.mark.parametrize("label", ["", " x", "x ", "a\nb", "a\x00", "\ud800", "x" * 201])
def test_label_out_of_range(label: str) -> None:
    with pytest.raises(KeyFileError, match="label"):
        protected(label=label)


@given(labels)
def test_any_printable_label_survives(label: str) -> None:
    try:
        data = write_plain_key_file(SEED, kind="board", label=label)
    except KeyFileError:
        # Normalization made it longer than the limit.
        assert len(label) > 60
        return
    assert open_plain(data) == SEED


def test_secrets_are_in_no_error() -> None:
    for data in (PLAIN[:-1], PLAIN.replace(b"seed: A", b"seed: B")):
        with pytest.raises(KeyFileError) as caught:
            open_plain(data)
        assert "AAECAwQF" not in str(caught.value) + repr(caught.value)
