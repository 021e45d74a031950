"""Reading the files of a record one by one: what cannot be read is a finding of check 0.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from voting.protocol.errors import DecodeError
from voting.verifier.foreign.electionguard.files import RecordFiles, convert
from voting.verifier.foreign.electionguard.groups import Parameters
from voting.verifier.foreign.electionguard.numbers import Hook
from voting.verifier.foreign.findings import Ledger

T = TypeVar("T")

_MAX_DIGITS = 4096


class Constants(msgspec.Struct):
    """The numbers of constants.json: decimal integers (0.95), or hexadecimal digits in strings."""

    large_prime: int | str
    small_prime: int | str
    cofactor: int | str
    generator: int | str


def parse_parameters(given: Constants) -> Parameters:
    """The four numbers of constants.json. Raises DecodeError if they are none."""
    numbers = []
    for value in (given.large_prime, given.small_prime, given.cofactor, given.generator):
        if not isinstance(value, str):
            numbers.append(value)
            continue
        if len(value) > _MAX_DIGITS:
            raise DecodeError("a number has too many digits", where="constants.json")
        try:
            numbers.append(int.from_bytes(bytes.fromhex("0" * (len(value) % 2) + value), "big"))
        except ValueError:
            raise DecodeError("a number is not in hexadecimal digits", where="constants.json") from None
    return Parameters(*numbers)


class Reader:
    """Gives files with their types, and tells the ledger what cannot be read."""

    def __init__(self, files: RecordFiles, ledger: Ledger, hook: Hook) -> None:
        self.files = files
        self.hook = hook
        self._ledger = ledger

    def refuse(self, name: str, error: DecodeError) -> None:
        """This file cannot be read."""
        self._ledger.fail("0", error.where or name, error.problem)

    def load(self, name: str, kind: type[T]) -> T | None:
        """A file, or nothing."""
        try:
            with self._ledger.timing("0"):
                value = self.files.load(name, kind, self.hook)
        except DecodeError as error:
            self.refuse(name, error)
            return None
        self._ledger.hold("0")
        return value

    def load_all(self, folder: str, kind: type[T], *, depth: int = 1, start: str = "") -> Iterator[T]:
        """All files of a folder that can be read.

        Args:
            depth: 2 to look in the folder's own folders too.
            start: how the files' names begin.
        """
        for name in self.files.names(folder, depth=depth):
            if name.rpartition("/")[2].startswith(start):
                value = self.load(name, kind)
                if value is not None:
                    yield value

    def convert(self, name: str, value: object, kind: type[T]) -> T | None:
        """What was read before, with its type, or nothing."""
        try:
            return convert(value, kind, self.hook, what=name)
        except DecodeError as error:
            self.refuse(name, error)
            return None
