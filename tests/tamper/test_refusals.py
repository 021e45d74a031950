"""Signed refusals: every field is checked, and none can pass for anything else that a board or a witness signs."""

from __future__ import annotations

import dataclasses

import pytest

from tests.strategies.boards import KEY, ORIGIN, OTHER_KEY, body_of
from voting.protocol.encoding import sha256
from voting.protocol.errors import DecodeError, SignatureInvalid, UrneError, UsageError, VerificationError
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from voting.protocol.tlog.merkle import EMPTY_ROOT
from voting.protocol.tlog.note import Note, format_note, note_key, parse_note, sign_note
from voting.protocol.tlog.note import cosign as cosign_note
from voting.protocol.tlog.refusal import (
    MAX_REASON_LENGTH,
    Refusal,
    open_refusal,
    parse_refusal,
    refusal_for,
    sign_refusal,
    verify_refusal_of,
)

BOARD = note_key(ORIGIN, KEY.verify_key)
BODY = sha256(body_of(1))
REFUSAL = Refusal(ORIGIN, 7, "note.text", BODY, "04", "verification", "comes too late")


def changed(**values: object) -> bytes:
    return sign_refusal(dataclasses.replace(REFUSAL, **values), KEY)  # type: ignore[arg-type]


def test_a_refusal_reads_as_it_was_written() -> None:
    note = sign_refusal(REFUSAL, KEY)
    assert note.startswith(
        f"urne-refusal-v1\n{ORIGIN}\n7\nnote.text\n{BODY}\n04\nverification\ncomes too late\n".encode()
    )
    assert open_refusal(note, BOARD) == REFUSAL
    plain = dataclasses.replace(REFUSAL, check="", code="usage")
    assert b"\n-\nusage\n" in plain.text
    assert open_refusal(sign_refusal(plain, KEY), BOARD) == plain


def test_what_a_board_says_of_an_error() -> None:
    error = VerificationError("15", "entry 3", "copies entry 2", expected="x", found="y")
    made = refusal_for(error, origin=ORIGIN, size=3, type_="ballot.cast", body=BODY)
    assert (made.check, made.code, made.reason) == ("15", "verification", "copies entry 2")
    for text in ("a\nb\x1b]0;\u2028c", "", "x" * 5000, "\ud800", "é — « ÿ »"):
        made = refusal_for(UsageError(text), origin=ORIGIN, size=0, type_="note.text", body=BODY)
        assert 0 < len(made.reason) <= MAX_REASON_LENGTH
        assert open_refusal(sign_refusal(made, KEY), BOARD) == made
    # No place of a machine or of a sender is in it.
    made = refusal_for(
        UsageError("no", where="/secret", remedy="secret"), origin=ORIGIN, size=0, type_="a.b", body=BODY
    )
    assert b"secret" not in made.text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"origin": "board.example/other"}, "carries no signature"),
        ({"size": -1}, "refusal, size"),
        ({"size": 2**60}, "refusal, size"),
        ({"type": "Note"}, "two lower-case words"),
        ({"type": "a.b\nc"}, "is not 8 lines"),
        ({"body": "0" * 63}, "refusal, body"),
        ({"body": BODY.upper()}, "refusal, body"),
        ({"check": "4"}, "refusal, check"),
        ({"check": "٠٤"}, "refusal, check"),
        ({"code": ""}, "refusal, code"),
        ({"code": "Ver"}, "refusal, code"),
        ({"reason": "x" * 301}, "refusal, reason"),
        ({"reason": "a\u202eb"}, "refusal, reason"),
        ({"reason": "a\nb"}, "is not 8 lines"),
    ],
)
def test_a_field_in_another_form_is_refused_although_signed(values: dict[str, object], words: str) -> None:
    with pytest.raises(UrneError, match=words):
        open_refusal(changed(**values), BOARD)


def test_every_changed_byte_of_the_text_breaks_the_signature() -> None:
    note = sign_refusal(REFUSAL, KEY)
    for place in range(len(REFUSAL.text)):
        forged = bytearray(note)
        forged[place] ^= 1
        with pytest.raises((SignatureInvalid, DecodeError)):
            open_refusal(bytes(forged), BOARD)


def test_other_signers_are_refused() -> None:
    for note in (
        sign_refusal(REFUSAL, OTHER_KEY),
        sign_note(dataclasses.replace(REFUSAL, origin="board.example/other").text, ORIGIN, KEY),
    ):
        with pytest.raises(SignatureInvalid):
            open_refusal(note, BOARD)
    other = parse_note(sign_refusal(REFUSAL, OTHER_KEY)).signatures
    both = Note(REFUSAL.text, (*parse_note(sign_refusal(REFUSAL, KEY)).signatures, *other))
    with pytest.raises(SignatureInvalid, match="more than the board's one"):
        open_refusal(format_note(both), BOARD)


def test_a_refusal_is_for_one_entry() -> None:
    verify_refusal_of(REFUSAL, type_="note.text", body=BODY)
    with pytest.raises(SignatureInvalid, match="another body"):
        verify_refusal_of(REFUSAL, type_="note.text", body=sha256(body_of(2)))
    with pytest.raises(SignatureInvalid, match=r"of type note\.text, not note\.other"):
        verify_refusal_of(REFUSAL, type_="note.other", body=BODY)


def test_a_refusal_is_no_checkpoint_and_nothing_that_a_witness_signs() -> None:
    """Also where names are chosen to look alike: the numbers of lines and the first line tell them apart."""
    for origin in (ORIGIN, "5", "urne-refusal-v1", "cosignature/v1"):
        key = note_key(origin, KEY.verify_key)
        for size in (0, 7):
            note = sign_refusal(dataclasses.replace(REFUSAL, origin=origin, size=size), KEY)
            with pytest.raises(DecodeError, match="three lines"):
                open_checkpoint(note, key)
        for checkpoint in (Checkpoint(origin, 0, EMPTY_ROOT), Checkpoint(origin, 7, bytes(32))):
            with pytest.raises(DecodeError, match="is not 8 lines"):
                open_refusal(sign_checkpoint(checkpoint, KEY), key)
            # What a witness signs of a checkpoint has five lines, and cannot be read as a refusal of this key either.
            cosigned = b"cosignature/v1\ntime 1700000000\n" + checkpoint.text
            with pytest.raises(DecodeError, match="is not 8 lines"):
                parse_refusal(cosigned)
    with pytest.raises(DecodeError):
        parse_checkpoint(REFUSAL.text)
    signature = cosign_note(REFUSAL.text, ORIGIN, KEY, 1_700_000_000)
    with pytest.raises(SignatureInvalid):
        open_refusal(format_note(Note(REFUSAL.text, (signature,))), BOARD)


@pytest.mark.parametrize("note", [b"", b"\n\n", b"x" * 5000, b"\xff\n\n", REFUSAL.text, REFUSAL.text + b"\n"])
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(UrneError):
        open_refusal(note, BOARD)
