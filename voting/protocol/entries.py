"""Protocol N: reading, signing and writing the bodies of entries (docs/spec/entries.md)."""

from __future__ import annotations

from typing import Any

from voting.crypto.kdf import frame
from voting.crypto.signatures import SigningKey, VerifyKey
from voting.protocol.encoding import Hash, decode, encode, from_base64, sha256, to_base64
from voting.protocol.errors import DecodeError, SignatureInvalid
from voting.protocol.messages import BODY_TYPES, Message, Signed

SIGNING_PURPOSE = b"urne-v1-entry"
_PREFIX = b'{"content":'
_MIDDLE = b',"signature":"'
_SIGNATURE_CHARACTERS = 86


def signing_input(entry_type: str, manifest: Hash, content_hash: Hash) -> bytes:
    """Protocol N1: what the author of an entry signs: purpose, entry type, manifest hash and content hash, framed."""
    return frame(SIGNING_PURPOSE, entry_type.encode("ascii"), bytes.fromhex(manifest), bytes.fromhex(content_hash))


def sign_content(entry_type: str, manifest: Hash, content: Message, key: SigningKey) -> bytes:
    """Protocol N2: the body of an entry: the canonical bytes of `Signed(content, signature)`."""
    signature = key.sign(signing_input(entry_type, manifest, sha256(encode(content))))
    return encode(Signed(content, to_base64(signature)))


def parse_body(entry_type: str, body: bytes, *, what: str) -> Signed[Any]:
    """Protocol N3: read a body as what its entry type says.

    Raises:
        DecodeError: unknown type, or not the canonical bytes of that type.
    """
    kind = BODY_TYPES.get(entry_type)
    if kind is None:
        raise DecodeError(f"is of the unknown type {entry_type!r}", where=what)
    signed: Signed[Any] = decode(body, kind, what=what)
    if len(signed.signature) != _SIGNATURE_CHARACTERS:
        raise DecodeError("has a signature that is not 64 bytes long", where=what)
    return signed


def content_hash(body: bytes) -> Hash:
    """Protocol N4: SHA-256 of the content's bytes as they were published. For a ballot this is the *ballot hash*.

    Args:
        body: a body that `parse_body` accepted; the content then ends where the signature's field begins.
    """
    end = len(body) - len(_MIDDLE) - _SIGNATURE_CHARACTERS - len(b'"}')
    return sha256(body[len(_PREFIX) : end])


def verify_entry_signature(entry_type: str, manifest: Hash, body: bytes, signature: str, key: VerifyKey) -> None:
    """Protocol N5: check the author's signature over the published bytes.

    Raises:
        SignatureInvalid: if it does not fit.
    """
    try:
        raw = from_base64(signature, 64, what="signature")
    except DecodeError as error:
        raise SignatureInvalid(error.problem, where="signature") from None
    key.verify(signing_input(entry_type, manifest, content_hash(body)), raw)
