"""Protocol B: no ciphertext occurs in ballots of two credentials, nor twice in one ballot.

A copied ciphertext would show what two voters have in common (Cortier, Smyth, "Attacking and fixing Helios", 2011).
"""

from __future__ import annotations

import hashlib

from voting.protocol.errors import VerificationError
from voting.protocol.messages import Ballot


class CiphertextRegister:
    """Remembers which credential used which alpha. 16 bytes of a hash stand for each."""

    def __init__(self) -> None:
        self._owners: dict[bytes, str] = {}

    def verify_new(self, ballot: Ballot, *, subject: str) -> None:
        """Protocol B14 (check 15): check a ballot against all that were added. Raises VerificationError (check 15)."""
        seen: set[bytes] = set()
        for position, value in enumerate(ballot.ciphertexts):
            key = _fingerprint(value.alpha)
            if key in seen:
                raise VerificationError("15", subject, f"ciphertexts[{position}] occurs twice in this ballot")
            seen.add(key)
            if self._owners.get(key, ballot.credential) != ballot.credential:
                raise VerificationError(
                    "15", subject, f"ciphertexts[{position}] was cast with another credential before"
                )

    def add(self, ballot: Ballot) -> None:
        """Remember the ciphertexts of a ballot that was admitted."""
        for value in ballot.ciphertexts:
            self._owners.setdefault(_fingerprint(value.alpha), ballot.credential)


def _fingerprint(alpha: str) -> bytes:
    return hashlib.sha256(alpha.encode("ascii", "replace")).digest()[:16]
