"""Protocol B: no ciphertext occurs in ballots of two credentials, nor twice in one ballot.

A copied ciphertext would show what two voters have in common (Cortier, Smyth, "Attacking and fixing Helios", 2011).
"""

from __future__ import annotations

import hashlib

from voting.election.storage import KeyTable, MemoryStorage
from voting.protocol.errors import VerificationError
from voting.protocol.messages import Ballot

_FINGERPRINT_BYTES = 16
_CREDENTIAL_BYTES = 32
_NUMBER_BYTES = 8


class CiphertextRegister:
    """Remembers which credential used which alpha: 24 bytes and some slots of a table for each.

    16 bytes of a hash stand for an alpha, the hash of its text for a credential.
    """

    def __init__(self) -> None:
        self._credentials = KeyTable(MemoryStorage, _CREDENTIAL_BYTES)
        self._owners = KeyTable(MemoryStorage, _FINGERPRINT_BYTES, _NUMBER_BYTES)

    def verify_new(self, ballot: Ballot, *, subject: str) -> None:
        """Protocol B14 (check 15): check a ballot against all that were added. Raises VerificationError (check 15)."""
        owner = self._credentials.find(_credential_key(ballot))
        seen: set[bytes] = set()
        for position, value in enumerate(ballot.ciphertexts):
            key = _fingerprint(value.alpha)
            if key in seen:
                raise VerificationError("15", subject, f"ciphertexts[{position}] occurs twice in this ballot")
            seen.add(key)
            place = self._owners.find(key)
            if place is not None and int.from_bytes(self._owners.value(place), "big") != owner:
                raise VerificationError(
                    "15", subject, f"ciphertexts[{position}] was cast with another credential before"
                )

    def add(self, ballot: Ballot) -> None:
        """Remember the ciphertexts of a ballot that was admitted."""
        credential = _credential_key(ballot)
        owner = self._credentials.find(credential)
        if owner is None:
            owner = self._credentials.add(credential)
        for value in ballot.ciphertexts:
            key = _fingerprint(value.alpha)
            if self._owners.find(key) is None:
                self._owners.add(key, owner.to_bytes(_NUMBER_BYTES, "big"))


def _credential_key(ballot: Ballot) -> bytes:
    return hashlib.sha256(ballot.credential.encode("utf-8", "surrogatepass")).digest()


def _fingerprint(alpha: str) -> bytes:
    return hashlib.sha256(alpha.encode("ascii", "replace")).digest()[:_FINGERPRINT_BYTES]
