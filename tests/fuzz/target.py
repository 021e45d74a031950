"""What is fuzzed: a target has good inputs, and a function that takes the bytes of a bad one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from tests.fuzz.changes import change

Make = Callable[[Random], bytes]


class Target(NamedTuple):
    """One decoder, or one program that takes files of a format."""

    name: str
    take: Callable[[bytes], object]
    """Reads an input. `UrneError` is an answer; every other exception is a fault."""
    samples: Sequence[bytes]
    make: Make | None = None
    """Makes a bad input; if it is not given, a sample is changed."""
    seconds: float = 2.0
    """No input may take longer, in seconds of the processor."""
    share: int = 4
    """How many inputs it gets in each round: fewer where each is slow."""

    def input(self, seed: int, number: int) -> bytes:
        """The input of that number. The same seed makes it again."""
        chance = Random(f"{seed} {self.name} {number}")
        if self.make is not None:
            return self.make(chance)
        return change(chance.choice(self.samples), chance, self.samples)
