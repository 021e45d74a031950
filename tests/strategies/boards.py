"""What the tests of the log and the board share: keys, entries and rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import encode
from voting.protocol.errors import UsageError
from voting.protocol.tlog.header import EntryHeader, parse_header

KEY = SigningKey.from_seed(bytes(range(32)))
OTHER_KEY = SigningKey.from_seed(bytes(32))
ORIGIN = "board.example/election-1"
ROOT = Path(__file__).resolve().parents[2]


def body_of(number: int, **more: Any) -> bytes:
    return encode({"number": number, **more})


class RefuseMarked:
    """Rules for the tests: refuses a body that says so, and remembers what it admitted."""

    def __init__(self) -> None:
        self.admitted: list[bytes] = []

    def admit(self, header: EntryHeader, header_bytes: bytes, body: bytes, attachment: bytes | None) -> None:
        assert header.seq == len(self.admitted)
        assert parse_header(header_bytes) == header
        if b"refuse" in body:
            raise UsageError("is refused by the rules of this test")
        self.admitted.append(body)
