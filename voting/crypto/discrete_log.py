"""Protocol R: small discrete logarithms, to read a total from g^total (Shanks's baby steps and giant steps)."""

from __future__ import annotations

from math import isqrt

from gmpy2 import mpz

from voting.crypto.errors import ProofError
from voting.crypto.group import Element, Group

_KEY_BITS = 96
MAX_BABY_STEPS = 1 << 21
"""Largest table: about 300 MB at any group size. A larger range only takes more giant steps."""


class DiscreteLog:
    """Finds t in [0, bound] with g^t = x. The table is made once and serves any number of look-ups.

    The table keeps 96 bits of each power, so every find is confirmed by raising g to it.
    """

    def __init__(self, group: Group, bound: int, lookups: int = 1) -> None:
        """Args: `bound`, the highest answer; `lookups`, how many are expected (more of them justify a larger table)."""
        self.group = group
        self.bound = bound
        self._steps = max(1, min(MAX_BABY_STEPS, isqrt(bound * max(1, lookups)) + 1, bound + 1))
        mask = (1 << _KEY_BITS) - 1
        self._mask = mask
        self._table: dict[int, int] = {}
        power, g = mpz(1), group.generator.value
        for exponent in range(self._steps):
            self._table.setdefault(int(power & mask), exponent)
            power = power * g % group.p
        self._giant = (group.generator ** (group.q - self._steps)).value

    def find(self, element: Element) -> int:
        """Protocol R1: t with g^t = element.

        Raises:
            ProofError: if there is none in [0, bound].
        """
        value = element.value
        for giant in range(self.bound // self._steps + 1):
            baby = self._table.get(int(value & self._mask))
            if baby is not None:
                answer = giant * self._steps + baby
                if answer <= self.bound and self.group.generator**answer == element:
                    return answer
            value = value * self._giant % self.group.p
        raise ProofError(f"the decrypted value is no number from 0 to {self.bound}")
