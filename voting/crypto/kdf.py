"""Protocol H: how secrets and challenges are derived: framing, and HKDF-SHA256 with a purpose (docs/spec/hashing.md).

One secret must never serve two purposes. So each derivation names its purpose and its context, both enter the salt, and
fields are framed by their lengths: no two lists of fields give the same bytes.

Uses the standard library only: its one-call HMAC is many times faster than a general HKDF at our sizes.
"""

from __future__ import annotations

import builtins
import hashlib
import hmac

HASH_BYTES = 32
MAX_LENGTH = 255 * HASH_BYTES
DOMAIN = b"urne-v1-"
"""Put before each purpose, so that keys of another version or another program cannot coincide with ours."""


def frame(*fields: bytes) -> bytes:
    """Protocol H5: join byte strings so that they can be told apart: before each, its length as 4 bytes, big-endian."""
    return b"".join([part for field in fields for part in (len(field).to_bytes(4, "big"), field)])


def hkdf_extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869, section 2.2). An empty salt counts as 32 zero bytes, as HMAC has it."""
    return hmac.digest(salt, secret, "sha256")


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869, section 2.3).

    Args:
        key: the extracted key, 32 bytes.
        info: what this output is for.
        length: bytes wanted, 1 to 8160.
    """
    if not 1 <= length <= MAX_LENGTH:
        raise ValueError(f"HKDF-SHA256 gives 1 to {MAX_LENGTH} bytes, not {length}")
    block = b""
    blocks = []
    for counter in range(1, -(-length // HASH_BYTES) + 1):
        block = hmac.digest(key, b"".join((block, info, counter.to_bytes(1, "big"))), "sha256")
        blocks.append(block)
    return b"".join(blocks)[:length]


class Derivation:
    """Protocol H6: a secret bound to a purpose and a context; from it come any number of outputs.

    Args:
        secret: the secret bytes to derive from.
        purpose: what the outputs are for, e.g. "credential"; `urne-v1-` is put before it.
        context: byte strings that set this use apart, e.g. the manifest's hash.
    """

    __slots__ = ("_key", "_label")

    def __init__(self, secret: bytes, purpose: str, *context: bytes) -> None:
        label = DOMAIN + purpose.encode()
        self._key = hkdf_extract(hashlib.sha256(frame(label, *context)).digest(), secret)
        self._label = label + b"\x00"

    def bytes(self, length: int, info: builtins.bytes = b"") -> builtins.bytes:
        """Protocol H7: an output: HKDF-Expand with the info `urne-v1-<purpose>`, a zero byte, then `info`.

        Args:
            length: bytes wanted, 1 to 8160.
            info: sets outputs of the same derivation apart, e.g. a position.
        """
        return hkdf_expand(self._key, self._label + info, length)

    def __repr__(self) -> str:
        return f"Derivation({self._label[len(DOMAIN) : -1].decode()!r})"


def derive(secret: bytes, purpose: str, *context: bytes, length: int, info: bytes = b"") -> bytes:
    """Protocol H8: a single output of `Derivation(secret, purpose, *context)`."""
    return Derivation(secret, purpose, *context).bytes(length, info)
