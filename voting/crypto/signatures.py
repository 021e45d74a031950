"""Protocol A: Ed25519 signatures (RFC 8032), with one strict rule of verification (docs/spec/signatures.md).

Libraries disagree on odd signatures: some multiply the equation by the cofactor 8, some accept encodings that are not
canonical. Two observers who differ on one signature would differ on an election, so the rule is spelt out here.
A key is canonical, on the curve and not of small order. S is below the group order. The 32 bytes of R are exactly the
encoding of S*B - k*A. See Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020).

Imports nothing of Urne but `voting.crypto.errors`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from Crypto.Math.Numbers import Integer
from Crypto.PublicKey.ECC import EccKey, EccPoint  # type: ignore[attr-defined]  # documented, not in __all__
from Crypto.Signature import eddsa

from voting.crypto.errors import DecodeError, SignatureInvalid

SEED_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = 64

FIELD_PRIME = 2**255 - 19
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

_ORDER_EIGHT_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022

SMALL_ORDER_Y = frozenset({0, 1, FIELD_PRIME - 1, _ORDER_EIGHT_Y, FIELD_PRIME - _ORDER_EIGHT_Y})
"""The y coordinates of the eight points whose order divides 8; a signature under such a key proves nothing."""

_Y_BITS = 2**255 - 1
_BASE_POINT = EccPoint(
    0x216936D3CD6E53FEC0A4E231FDD6DC5C692CC7609525A7B2C9562D608F25D51A,
    0x6666666666666666666666666666666666666666666666666666666666666658,
    "Ed25519",
)


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """An Ed25519 public key. Only `decode` makes one, so to hold one is to know that it passed the checks."""

    raw: bytes
    _negated: EccPoint = field(repr=False, compare=False)

    @classmethod
    def decode(cls, raw: bytes, *, what: str = "Ed25519 key") -> VerifyKey:
        """Protocol A1: read a public key.

        Args:
            raw: 32 bytes: y in little-endian order, the sign of x in the highest bit (RFC 8032, section 5.1.2).
            what: how an error names the key.

        Raises:
            DecodeError: wrong length, y not below 2^255 - 19, no point of the curve, or a point of small order.
        """
        if len(raw) != KEY_BYTES:
            raise DecodeError(f"is {len(raw)} bytes long, not {KEY_BYTES}", where=what)
        y = int.from_bytes(raw, "little") & _Y_BITS
        if y >= FIELD_PRIME:
            raise DecodeError("is not in canonical form: its y coordinate is not below 2^255 - 19", where=what)
        if y in SMALL_ORDER_Y:
            raise DecodeError("is a point of small order, which no honest key is", where=what)
        try:
            point = eddsa.import_public_key(bytes(raw)).pointQ
        except ValueError:
            raise DecodeError("is not a point of the curve Ed25519", where=what) from None
        return cls(bytes(raw), -point)

    def verify(self, message: bytes, signature: bytes, *, what: str = "signature") -> None:
        """Protocol A2: check a signature, without the cofactor: R = encode(S*B - k*A), k = SHA-512(R, A, message).

        Args:
            message: the bytes that were signed.
            signature: 64 bytes, R then S (little-endian).
            what: how an error names the signature.

        Raises:
            SignatureInvalid: if it is not a signature of this message under this key, by the strict rule.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureInvalid(f"is {len(signature)} bytes long, not {SIGNATURE_BYTES}", where=what)
        commitment = signature[:32]
        response = int.from_bytes(signature[32:], "little")
        if response >= GROUP_ORDER:
            raise SignatureInvalid("has a second half that is not below the group order", where=what)
        digest = hashlib.sha512(commitment + self.raw + message).digest()
        challenge = int.from_bytes(digest, "little") % GROUP_ORDER
        if _encode(_multiply(_BASE_POINT, response) + _multiply(self._negated, challenge)) != commitment:
            raise SignatureInvalid("does not fit its message and key", where=what)

    def __reduce__(self) -> tuple[Callable[[bytes], VerifyKey], tuple[bytes]]:
        """Travel between processes as 32 bytes; the other side checks them again."""
        return VerifyKey.decode, (self.raw,)


class SigningKey:
    """An Ed25519 private key. Its text form shows the public half only."""

    __slots__ = ("_scheme", "verify_key")

    verify_key: VerifyKey
    """The public half."""

    def __init__(self, key: EccKey) -> None:
        self._scheme = eddsa.new(key, "rfc8032")
        self.verify_key = VerifyKey.decode(key.public_key().export_key(format="raw"))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """Protocol A3: the signing key of a seed (RFC 8032, section 5.1.5).

        Args:
            seed: 32 secret bytes.

        Raises:
            DecodeError: if there are not 32.
        """
        if len(seed) != SEED_BYTES:
            raise DecodeError(f"is {len(seed)} bytes long, not {SEED_BYTES}", where="Ed25519 seed")
        return cls(eddsa.import_private_key(bytes(seed)))

    def sign(self, message: bytes) -> bytes:
        """Protocol A4: the signature of a message: 64 bytes, always the same for the same key and message."""
        return self._scheme.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.verify_key.raw.hex()})"


def _multiply(point: EccPoint, scalar: int) -> EccPoint:
    """A multiple by a public scalar: the library then leaves out blinding, which is needed for secrets only."""
    return point * Integer(scalar, public=True)  # type: ignore[operator]  # its annotation forgets its own Integer


def _encode(point: EccPoint) -> bytes:
    x, y = point.xy
    return (int(y) | (int(x) & 1) << 255).to_bytes(KEY_BYTES, "little")
