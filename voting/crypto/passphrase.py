"""Protocol F: passphrases that a machine draws and a person can say, type and remember in any language.

Words are proquints (D. S. Wilkerson, "A Proposal for Proquints", 2009): 16 bits each, consonant and vowel in turn.
Imports nothing of Urne.
"""

from __future__ import annotations

from collections.abc import Callable

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
BITS_PER_WORD = 16


def proquint(number: int) -> str:
    """The word of a 16-bit number: five letters that stand for 4, 2, 4, 2 and 4 bits, from the highest down."""
    if not 0 <= number < 2**BITS_PER_WORD:
        raise ValueError("a proquint stands for 16 bits")
    return (
        CONSONANTS[number >> 12]
        + VOWELS[number >> 10 & 3]
        + CONSONANTS[number >> 6 & 15]
        + VOWELS[number >> 4 & 3]
        + CONSONANTS[number & 15]
    )


def generate_passphrase(random_bytes: Callable[[int], bytes], words: int = 5) -> str:
    """Protocol F8: draw a passphrase: words of 16 bits joined by hyphens; five words hold 80 bits.

    Args:
        random_bytes: gives that many random bytes, e.g. `secrets.token_bytes`.
        words: how many words, at least 1.
    """
    if words < 1:
        raise ValueError("a passphrase has at least one word")
    data = random_bytes(2 * words)
    return "-".join(proquint(int.from_bytes(data[at : at + 2], "big")) for at in range(0, 2 * words, 2))
