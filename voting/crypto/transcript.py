"""Protocol H: challenges (docs/spec/hashing.md). Everything that is hashed here carries a purpose."""

from __future__ import annotations

import hashlib

from gmpy2 import mpz

from voting.crypto.group import Group
from voting.crypto.kdf import frame

CHALLENGE_BYTES = 48
"""L of RFC 9380: 128 bits more than q, so that the reduction mod q shows no bias."""


def expand_message(message: bytes, tag: bytes, length: int) -> bytes:
    """Protocol H1: `expand_message_xmd` with SHA-256 (RFC 9380, section 5.3.1).

    Args:
        message: any bytes.
        tag: domain separation tag of at most 255 bytes.
        length: bytes wanted, at most 8160.
    """
    blocks = -(-length // 32)
    tag_prime = tag + bytes([len(tag)])
    first = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\x00" + tag_prime).digest()
    block = hashlib.sha256(first + b"\x01" + tag_prime).digest()
    output = [block]
    for position in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha256(mixed + bytes([position]) + tag_prime).digest()
        output.append(block)
    return b"".join(output)[:length]


def challenge(group: Group, purpose: str, *fields: bytes) -> mpz:
    """Protocol H2: a challenge in [0, q) over all fields, in order (RFC 9380 `hash_to_field`, L = 48).

    The message is the fields, each preceded by its length as 4 bytes big-endian; the tag is
    `urne-v1-<purpose>-<group name>`. Callers pass the election id, the whole statement and every commitment (strong
    Fiat-Shamir: Bernhard, Pereira, Warinschi 2012).
    """
    tag = f"urne-v1-{purpose}-{group.name}".encode("ascii")
    return mpz(int.from_bytes(expand_message(frame(*fields), tag, CHALLENGE_BYTES), "big") % group.q)


def batch_weights(group: Group, purpose: str, count: int, *fields: bytes) -> list[mpz]:
    """Protocol H3: `count` weights of 128 bits that nobody can choose, all from one hash over the fields.

    Weight i is the first 16 bytes of `expand_message` over the hash of the fields and i (compare RFC 9497, 2.2.1).
    """
    tag = f"urne-v1-{purpose}-{group.name}".encode("ascii")
    seed = hashlib.sha256(frame(tag, *fields)).digest()
    return [
        mpz(int.from_bytes(expand_message(frame(seed, index.to_bytes(4, "big")), tag, 16), "big"))
        for index in range(count)
    ]


def scalar_from(group: Group, data: bytes) -> mpz:
    """Protocol H4: a scalar from at least 48 uniform bytes, reduced mod q (bias below 2^-128)."""
    return mpz(int.from_bytes(data, "big") % group.q)
