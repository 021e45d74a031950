"""Protocol P6: products of many powers, for public exponents (docs/spec/batch.md).

Two algorithms with one result. Straus keeps a small table per base and shares the squarings: best for few terms.
Pippenger sorts the bases into buckets by the digit of their exponent, window by window: best for many. Straus,
"Addition chains of vectors", 1964; Pippenger, "On the evaluation of powers and related problems", 1976; for the choice
of window see Bernstein, Doumen, Lange, Oosterwijk, "Faster batch forgery identification", 2012.

Works on plain residues, because a batch verifier needs it before it knows that they are in the group. Time depends on
the exponents: never for secrets. It must not import anything of Urne.
"""

from __future__ import annotations

from collections.abc import Sequence

import gmpy2
from gmpy2 import mpz

STRAUS_LIMIT = 48
"""Up to this many terms Straus is faster (measured: benchmarks, table `multi-exponentiation`)."""
_STRAUS_WINDOW = 4
_MAX_WINDOW = 16


def multi_power(modulus: mpz, bases: Sequence[mpz], exponents: Sequence[int]) -> mpz:
    """Protocol P6: prod bases[i] ** exponents[i] mod modulus.

    Args:
        modulus: p.
        bases: residues in [1, p).
        exponents: as many integers >= 0. Their lengths may differ: short ones cost less.
    """
    if len(bases) != len(exponents):
        raise ValueError(f"{len(bases)} bases for {len(exponents)} exponents")
    if len(bases) <= STRAUS_LIMIT:
        return _straus(modulus, bases, exponents)
    return _pippenger(modulus, bases, exponents)


def _straus(modulus: mpz, bases: Sequence[mpz], exponents: Sequence[int]) -> mpz:
    numbers = [int(exponent) for exponent in exponents]
    bits = max((number.bit_length() for number in numbers), default=0)
    size = 1 << _STRAUS_WINDOW
    tables = []
    for base in bases:
        table = [mpz(1), base]
        for _ in range(size - 2):
            table.append(table[-1] * base % modulus)
        tables.append(table)
    result = mpz(1)
    windows = -(-bits // _STRAUS_WINDOW)
    for window in range(windows - 1, -1, -1):
        shift = window * _STRAUS_WINDOW
        if result != 1:
            result = gmpy2.powmod(result, size, modulus)
        for table, number in zip(tables, numbers, strict=True):
            digit = number >> shift & (size - 1)
            if digit:
                result = result * table[digit] % modulus
    return result


def _pippenger(modulus: mpz, bases: Sequence[mpz], exponents: Sequence[int]) -> mpz:
    numbers = [int(exponent) for exponent in exponents]
    # Longest exponents first: the bases that take part in a high window are then a prefix.
    order = sorted(range(len(numbers)), key=lambda index: -numbers[index].bit_length())
    sorted_bases = [bases[index] for index in order]
    sorted_numbers = [numbers[index] for index in order]
    lengths = [number.bit_length() for number in sorted_numbers]
    window = best_window(lengths)
    mask = (1 << window) - 1
    windows = max(1, -(-lengths[0] // window))
    result = mpz(1)
    active = 0
    for position in range(windows - 1, -1, -1):
        shift = position * window
        while active < len(lengths) and lengths[active] > shift:
            active += 1
        if result != 1:
            result = gmpy2.powmod(result, mask + 1, modulus)
        buckets: list[mpz | None] = [None] * (mask + 1)
        for base, number in zip(sorted_bases[:active], sorted_numbers, strict=False):
            digit = number >> shift & mask
            if digit:
                held = buckets[digit]
                buckets[digit] = base if held is None else held * base % modulus
        result = result * _weigh_buckets(modulus, buckets) % modulus
    return result


def _weigh_buckets(modulus: mpz, buckets: list[mpz | None]) -> mpz:
    """prod buckets[d] ** d, with two multiplications per bucket."""
    running: mpz | None = None
    total = mpz(1)
    for bucket in reversed(buckets[1:]):
        if bucket is not None:
            running = bucket if running is None else running * bucket % modulus
        if running is not None:
            total = total * running % modulus
    return total


def best_window(lengths: Sequence[int]) -> int:
    """The window with the fewest multiplications for exponents of these lengths in bits.

    Cost of a window w: each exponent is added to a bucket once per digit, and each digit position empties 2^w buckets
    with two multiplications apiece.
    """
    longest = max(lengths, default=1)
    best, best_cost = 1, float("inf")
    for window in range(1, _MAX_WINDOW + 1):
        # Lengths come in two or three groups (128 and 256 bits), so counting them all is cheap enough.
        additions = sum(-(-length // window) for length in lengths)
        cost = additions + -(-longest // window) * 1.9 * (1 << window)
        if cost < best_cost:
            best, best_cost = window, cost
    return best
