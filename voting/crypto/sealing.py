"""Protocol W: messages that one trustee alone can open: HPKE base mode (RFC 9180), as `Crypto.Protocol.HPKE` gives it.

The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. Each message has its own encapsulated key, so there
is no sequence number. HPKE in base mode does not say who sent a message: the entry that carries it is signed.

Imports nothing of Urne but `voting.crypto.errors`.
"""

from __future__ import annotations

from typing import NamedTuple

from Crypto.Protocol import HPKE
from Crypto.Protocol.DH import import_x25519_private_key, import_x25519_public_key
from Crypto.PublicKey.ECC import EccKey

from voting.crypto.errors import DecodeError

SEED_BYTES = 32
PUBLIC_BYTES = 32
TAG_BYTES = 16
FIELD_PRIME = 2**255 - 19


class Sealed(NamedTuple):
    """A sealed message."""

    encapsulation: bytes
    """The sender's one-time X25519 public key, 32 bytes."""
    ciphertext: bytes
    """As long as the plaintext, and 16 bytes more."""


class SealingKey:
    """An X25519 private key that opens sealed messages. Its text form shows the public half only."""

    __slots__ = ("_key", "public")

    public: bytes
    """The public half, 32 bytes (RFC 7748)."""

    def __init__(self, key: EccKey) -> None:
        self._key = key
        self.public = key.public_key().export_key(format="raw")

    @classmethod
    def from_seed(cls, seed: bytes) -> SealingKey:
        """Protocol W1: the key of a seed: the seed itself is the X25519 scalar, clamped as RFC 7748 (section 5) says.

        Args:
            seed: 32 secret bytes.

        Raises:
            DecodeError: if there are not 32.
        """
        if len(seed) != SEED_BYTES:
            raise DecodeError(f"is {len(seed)} bytes long, not {SEED_BYTES}", where="X25519 seed")
        return cls(import_x25519_private_key(bytes(seed)))

    def open(self, sealed: Sealed, info: bytes, aad: bytes) -> bytes:
        """Protocol W2: open a message sealed to this key (RFC 9180, section 6.1).

        Args:
            sealed: the message.
            info: names the protocol step, the same bytes as when it was sealed.
            aad: what the message is bound to, the same bytes as when it was sealed.

        Returns:
            The plaintext.

        Raises:
            DecodeError: if it is malformed, was changed, or was sealed to another key, info or aad.
        """
        require_public(sealed.encapsulation, what="encapsulation")
        if len(sealed.ciphertext) < TAG_BYTES:
            raise DecodeError(f"is {len(sealed.ciphertext)} bytes long, fewer than {TAG_BYTES}", where="ciphertext")
        try:
            context = HPKE.new(
                receiver_key=self._key, aead_id=HPKE.AEAD.AES128_GCM, enc=bytes(sealed.encapsulation), info=info
            )
            return context.unseal(bytes(sealed.ciphertext), aad)
        except ValueError:
            raise DecodeError(
                "does not open with this key",
                where="ciphertext",
                remedy="it was changed, or it was sealed to another key or for another purpose",
            ) from None

    def __repr__(self) -> str:
        return f"SealingKey(public={self.public.hex()})"


def seal(public: bytes, info: bytes, aad: bytes, plaintext: bytes) -> Sealed:
    """Protocol W3: seal a message to a public key (RFC 9180, section 6.1). The one-time key is the system's randomness.

    Args:
        public: X25519 public key of the receiver, 32 bytes.
        info: names the protocol step.
        aad: what the message is bound to; it is authenticated, not carried.
        plaintext: the message.

    Raises:
        DecodeError: if the public key is malformed or of low order.
    """
    context = HPKE.new(receiver_key=_import(public, "X25519 key"), aead_id=HPKE.AEAD.AES128_GCM, info=info)
    ciphertext = context.seal(plaintext, aad)
    return Sealed(context.enc, ciphertext)


def require_public(public: bytes, *, what: str = "X25519 key") -> None:
    """Protocol W4: check a public key: 32 bytes, below 2^255 - 19, and not of low order (RFC 7748, section 6.1).

    Raises:
        DecodeError: if it is not one. With a key of low order the shared secret would be known to everyone.
    """
    _import(public, what)


def _import(public: bytes, what: str) -> EccKey:
    if len(public) != PUBLIC_BYTES:
        raise DecodeError(f"is {len(public)} bytes long, not {PUBLIC_BYTES}", where=what)
    if int.from_bytes(public, "little") >= FIELD_PRIME:
        raise DecodeError("is not in canonical form: it is not below 2^255 - 19", where=what)
    try:
        return import_x25519_public_key(bytes(public))
    except ValueError:
        raise DecodeError("is a point of low order, which no honest key is", where=what) from None
