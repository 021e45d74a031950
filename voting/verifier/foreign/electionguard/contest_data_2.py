"""Contest data of ElectionGuard 2.0: texts (over-votes, write-ins) that a challenged ballot's decryption opens.

beta opens C0; from it follow the keys with which C1 is decrypted and C2, its authentication code, is made. The bytes
begin with the numbers of over-votes and write-ins and a status with its length; nothing but zeros comes after it.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import hashlib
import hmac

from gmpy2 import mpz

from voting.verifier.foreign.electionguard.data_2 import ContestData, ContestText
from voting.verifier.foreign.electionguard.setup_2 import Election2, b4, b512, hash_2

_LABEL = b"share_enc_keys\0contest_data"
_BLOCK = 32


def open_contest_data(election: Election2, contest_id: str, data: ContestData, beta: mpz) -> bytes | None:
    """The plain bytes, or nothing if the authentication code does not fit."""
    c0, c1 = b512(data.c0.value), data.c1.raw
    secret = hash_2(election.extended_hash, 0x22, b512(election.key.base.value), c0, b512(beta))
    bits = b4(8 * data.size)

    def key(number: int) -> bytes:
        return hmac.new(secret, b4(number) + _LABEL + contest_id.encode() + bits, hashlib.sha256).digest()

    if hmac.new(key(0), c0 + c1, hashlib.sha256).digest() != data.c2.raw:
        return None
    stream = b"".join(key(1 + block) for block in range(-(-len(c1) // _BLOCK)))
    return bytes(one ^ other for one, other in zip(c1, stream, strict=False))


def says(plain: bytes, text: ContestText) -> bool | None:
    """Whether the plain bytes are this text; `None` if it has over-votes or write-ins: their form is not known here."""
    if plain[:2] != bytes((min(len(text.over_votes), 255), min(len(text.write_ins), 255))):
        return False
    if text.over_votes or text.write_ins:
        return None
    status = text.status.encode()
    begin = b"\0\0" + bytes((len(status),)) + status if len(status) < 256 else b""
    return bool(begin) and plain.startswith(begin) and not any(plain[len(begin) :])
