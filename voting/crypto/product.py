"""Protocol P1: a group element written as a product of powers and not yet computed.

Proof verification is expressed in these: the plain verifier computes each product; a batch verifier can collect many of
them and check them together. Neither changes what is being claimed.
"""

from __future__ import annotations

from typing import NamedTuple

from gmpy2 import mpz

from voting.crypto.group import Element, FixedBase


class Product(NamedTuple):
    """fixed-base powers times powers of other elements; all exponents are public and in [0, q)."""

    fixed: tuple[tuple[FixedBase, mpz], ...]
    powers: tuple[tuple[Element, mpz], ...]

    def compute(self) -> Element:
        """The element that the product stands for."""
        factors = [base.power(exponent) for base, exponent in self.fixed]
        factors += [element**exponent for element, exponent in self.powers]
        result = factors[0]
        for factor in factors[1:]:
            result = result * factor
        return result
