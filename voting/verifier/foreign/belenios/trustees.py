"""The trustees of a Belenios election: single ones, and groups that share a key among each other (Pedersen).

A group's layout is that of Belenios 2.0, or that of 3.0 with a context in each certificate.
This module must not import anything of Urne but its errors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from voting.protocol.errors import DecodeError, VerificationError
from voting.verifier.foreign.belenios.groups import Element, Group, challenge
from voting.verifier.foreign.json_text import convert, read_json

MAX_TRUSTEES = 1000
CHECK = "B05"


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Challenge and response: the one form of all proofs but those of shuffles."""

    challenge: str
    response: str


class Item(NamedTuple):
    """A single trustee (`threshold` is 0) or a group of whom `threshold` must decrypt."""

    threshold: int
    keys: tuple[Element, ...]
    share: Element
    """What the item adds to the election's public key."""
    first: int
    """Number of its first member; trustees are numbered from 1 through all items."""


class Trustees(NamedTuple):
    """All of them, and what could not be checked."""

    items: tuple[Item, ...]
    names: tuple[str, ...]
    unchecked: tuple[str, ...]

    @property
    def keys(self) -> tuple[Element, ...]:
        return tuple(key for item in self.items for key in item.keys)

    @property
    def needed(self) -> int:
        """How many partial decryptions there must be at least."""
        return sum(item.threshold or 1 for item in self.items)


class _Key(msgspec.Struct, frozen=True):
    pok: Proof
    public_key: str
    name: str | None = None
    signature: Any = None


class _Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    message: str
    signature: Proof


class _Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    group: str
    size: int
    threshold: int
    index: int


class _Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    verification: str
    encryption: str
    context: _Context | None = None


class _Polynomial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    coefexps: list[str]


class _Pedersen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    threshold: int
    certs: list[_Signed]
    coefexps: list[_Signed]
    verification_keys: list[_Key]
    signatures: list[Any] | None = None


def is_schnorr(group: Group, prefix: str, key: Element, proof: Proof, *, what: str) -> bool:
    """Whether c = Hc(prefix, g^r key^c). Raises DecodeError for numbers that are none."""
    c = group.scalar(proof.challenge, what=what)
    r = group.scalar(proof.response, what=what)
    commitment = group.product((group.power(group.g, r), group.power(key, c)))
    return challenge(group, prefix, (commitment,)) == c


def check_trustees(data: bytes, group: Group) -> Trustees:
    """Check every proof, certificate and key of the trustees.

    Raises:
        DecodeError: malformed.
        VerificationError: a proof or an equation does not hold.
    """
    what = "trustees"
    items: list[Item] = []
    names: list[str] = []
    unchecked: list[str] = []
    for value in convert(read_json(data, what=what), list[tuple[str, Any]], what=what):
        kind, content = value
        first = len(names) + 1
        if kind == "Single":
            key = convert(content, _Key, what=f"trustee {first}")
            items.append(_single(group, key, first))
            names.append(key.name or f"trustee {first}")
            if key.signature is not None:
                unchecked.append(f"trustee {first}: a signature of the key")
        elif kind == "Pedersen":
            pedersen = convert(content, _Pedersen, what=what)
            items.append(_pedersen(group, pedersen, first))
            names += [key.name or f"trustee {first + n}" for n, key in enumerate(pedersen.verification_keys)]
            if pedersen.signatures is not None or any(key.signature for key in pedersen.verification_keys):
                unchecked.append(f"trustees from {first} on: signatures of each other's certificates")
        else:
            raise DecodeError(f"have an item of an unknown kind ({kind[:40]})", where=what)
        if len(names) > MAX_TRUSTEES:
            raise DecodeError(f"are more than {MAX_TRUSTEES}", where=what)
    if not items:
        raise DecodeError("are none", where=what)
    return Trustees(tuple(items), tuple(names), tuple(unchecked))


def _single(group: Group, content: _Key, number: int) -> Item:
    key = _proven_key(group, content, number)
    return Item(0, (key,), key, number)


def _proven_key(group: Group, content: _Key, number: int) -> Element:
    what = f"trustee {number}"
    key = group.element(content.public_key, what=f"public key of {what}")
    if not is_schnorr(group, f"pok|{group.name}|{content.public_key}|", key, content.pok, what=what):
        raise VerificationError(CHECK, what, "the proof that it knows its private key does not hold")
    return key


def _pedersen(group: Group, content: _Pedersen, first: int) -> Item:
    size, threshold = len(content.certs), content.threshold
    what = f"trustees from {first} on"
    if not 0 < threshold <= size or len(content.coefexps) != size or len(content.verification_keys) != size:
        raise DecodeError("do not fit together in number", where=what)
    if content.signatures is not None and len(content.signatures) != size:
        raise DecodeError("have too few or too many signatures of certificates", where=what)
    polynomials = []
    for index in range(size):
        subject = f"trustee {first + index}"
        certificate = _certificate(group, content, index, subject)
        polynomials.append(_polynomial(group, content.coefexps[index], certificate, threshold, subject))
    keys = []
    for index, verification_key in enumerate(content.verification_keys):
        key = _proven_key(group, verification_key, first + index)
        if key != _evaluate(group, polynomials, index + 1):
            subject = f"trustee {first + index}"
            raise VerificationError(CHECK, subject, "its verification key is not the one that all polynomials give")
        keys.append(key)
    share = group.product(coefficients[0] for coefficients in polynomials)
    return Item(threshold, tuple(keys), share, first)


def _certificate(group: Group, content: _Pedersen, index: int, subject: str) -> Element:
    """The member's verification key, from its certificate, which that key has signed."""
    signed = content.certs[index]
    what = f"certificate of {subject}"
    message = convert(read_json(signed.message.encode("utf-8", "replace"), what=what), _Certificate, what=what)
    key = group.element(message.verification, what=what)
    group.element(message.encryption, what=what)
    if message.context is not None:
        expected = _Context(group.name, len(content.certs), content.threshold, index + 1)
        if message.context != expected:
            raise VerificationError(CHECK, subject, "its certificate is for another group of trustees")
    _require_signature(group, signed, key, what)
    return key


def _polynomial(group: Group, signed: _Signed, key: Element, threshold: int, subject: str) -> list[Element]:
    what = f"polynomial of {subject}"
    _require_signature(group, signed, key, what)
    message = convert(read_json(signed.message.encode("utf-8", "replace"), what=what), _Polynomial, what=what)
    if len(message.coefexps) != threshold:
        raise DecodeError(f"has {len(message.coefexps)} coefficients, not {threshold}", where=what)
    return [group.element(text, what=what) for text in message.coefexps]


def _require_signature(group: Group, signed: _Signed, key: Element, what: str) -> None:
    if not is_schnorr(group, f"sigmsg|{signed.message}|", key, signed.signature, what=what):
        raise VerificationError(CHECK, what, "its signature does not hold")


def _evaluate(group: Group, polynomials: list[list[Element]], point: int) -> Element:
    """prod over all polynomials of prod_k A_k^(point^k)."""
    return group.product(
        group.power(coefficient, pow(point, power))
        for coefficients in polynomials
        for power, coefficient in enumerate(coefficients)
    )
