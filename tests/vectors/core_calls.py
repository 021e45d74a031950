"""What the core vectors call, in Python: each call takes JSON data, gives JSON data, or raises an `UrneError`.

`tests/browser/pages/core_calls.js` has the same table in JavaScript. Bytes are hexadecimal here, but group elements and
scalars travel in base64url as on the board.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gmpy2 import mpz

from voting.crypto.elgamal import PublicKey
from voting.crypto.group import Element, FixedBase, fingerprint, group_by_name
from voting.crypto.kdf import derive, frame, hkdf_expand, hkdf_extract
from voting.crypto.signatures import SigningKey, VerifyKey
from voting.crypto.transcript import challenge, expand_message
from voting.election.ballots import BallotContext, EncryptedBallot, build_ballot, encrypt_values, verify_ballot
from voting.election.credentials import derive_credential, parse_code
from voting.protocol.crockford import add_check, encode_bits
from voting.protocol.encoding import Hash, decode, encode, from_base64, require_canonical, sha256, to_base64
from voting.protocol.entries import content_hash, parse_body, sign_content, signing_input, verify_entry_signature
from voting.protocol.errors import DecodeError
from voting.protocol.manifest import Manifest
from voting.protocol.messages import CONTENT_TYPES, Opening
from voting.protocol.shape import BallotShape
from voting.protocol.tlog.checkpoint import open_checkpoint
from voting.protocol.tlog.header import check_body, parse_header
from voting.protocol.tlog.merkle import Frontier, verify_consistency, verify_inclusion
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.text import decode_base64, decode_decimal
from voting.protocol.tlog.witnesses import parse_witnesses, verify_quorum, witness_problems
from voting.protocol.tracker import lock_number, parse_tracker, tracker
from voting.verifier.receipt import check_receipt, read_receipt_file

Json = Any


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


# -- groups ------------------------------------------------------------------------------------------------------------


def _element(group: str, text: str) -> Element:
    mathematics = group_by_name(group)
    return mathematics.decode(from_base64(text, mathematics.element_bytes, what="element"))


def _scalar(group: str, text: str) -> mpz:
    return group_by_name(group).decode_scalar(from_base64(text, 32, what="scalar"))


def group_fingerprint(group: str) -> Json:
    """SHA-256 of p, q and g."""
    return fingerprint(group_by_name(group))


def group_element(group: str, element: str) -> Json:
    """Read an element (G8); its unsigned form (G5) and its inverse."""
    x = _element(group, element)
    return {"inverse": to_base64(x.inverse().encode()), "unsigned": to_base64(x.encode_unsigned())}


def group_scalar(group: str, scalar: str) -> Json:
    """Read a scalar (G7)."""
    return int(_scalar(group, scalar)).to_bytes(32, "big").hex()


def group_power(group: str, base: str, exponent: str) -> Json:
    """A power; JavaScript makes it with and without tables."""
    x, e = _element(group, base), _scalar(group, exponent)
    assert FixedBase(x).power(e) == x**e
    return to_base64((x**e).encode())


# -- hashing -----------------------------------------------------------------------------------------------------------


def hash_frame(fields: list[str]) -> Json:
    """Framing (H5)."""
    return frame(*map(raw, fields)).hex()


def hash_expand(message: str, tag: str, length: int) -> Json:
    """`expand_message` (H1)."""
    return expand_message(raw(message), raw(tag), length).hex()


def hash_challenge(group: str, purpose: str, fields: list[str]) -> Json:
    """A challenge (H2)."""
    mathematics = group_by_name(group)
    return to_base64(mathematics.encode_scalar(challenge(mathematics, purpose, *map(raw, fields))))


def kdf_hkdf(secret: str, salt: str, info: str, length: int) -> Json:
    """HKDF (RFC 5869)."""
    return hkdf_expand(hkdf_extract(raw(salt), raw(secret)), raw(info), length).hex()


def kdf_derive(secret: str, purpose: str, context: list[str], info: str, length: int) -> Json:
    """A derivation (H8)."""
    return derive(raw(secret), purpose, *map(raw, context), length=length, info=raw(info)).hex()


# -- signatures --------------------------------------------------------------------------------------------------------


def ed25519_sign(seed: str, message: str) -> Json:
    """A3 and A4."""
    key = SigningKey.from_seed(raw(seed))
    return {"key": key.verify_key.raw.hex(), "signature": key.sign(raw(message)).hex()}


def ed25519_verify(key: str, message: str, signature: str) -> Json:
    """A1 and A2."""
    VerifyKey.decode(raw(key)).verify(raw(message), raw(signature))


# -- encoding and codes ------------------------------------------------------------------------------------------------


def canonical_read(data: str) -> Json:
    """Canonical JSON of an object (E3); its hash."""
    require_canonical(raw(data), what="data")
    return sha256(raw(data))


def base64url_read(text: str, length: int | None) -> Json:
    """E7."""
    return from_base64(text, length, what="text").hex()


def base64_read(text: str, length: int | None) -> Json:
    """L3b."""
    return decode_base64(text, length, what="text").hex()


def decimal_read(text: str) -> Json:
    """L3c."""
    return decode_decimal(text, what="text")


def crockford_encode(data: str, symbols: int) -> Json:
    """E9: bits as symbols, with the check character."""
    return add_check(encode_bits(raw(data), symbols))


def credential_parse(text: str) -> Json:
    """K2."""
    return parse_code(text)


def credential_derive(code: str, manifest: str, message: str) -> Json:
    """K3, and a signature."""
    key = derive_credential(code, Hash(manifest))
    return {"key": key.verify_key.raw.hex(), "signature": key.sign(raw(message)).hex()}


def tracker_of(hash: str) -> Json:  # noqa: A002
    """B6 and B7."""
    return {"tracker": tracker(Hash(hash)), "lock": lock_number(Hash(hash))}


def tracker_parse(text: str) -> Json:
    """A typed tracker."""
    return parse_tracker(text)


# -- entries and the log -----------------------------------------------------------------------------------------------


def header_read(header: str, body: str | None = None) -> Json:
    """L1c, and L1f if there is a body."""
    parsed = parse_header(header.encode())
    if body is not None:
        check_body(parsed, body.encode())
    return {"seq": parsed.seq, "type": parsed.type}


def entry_sign(type: str, manifest: str, content: Json, seed: str) -> Json:  # noqa: A002
    """N1 and N2: what is signed, and the body."""
    signed = decode(encode(content), CONTENT_TYPES[type], what="content")
    body = sign_content(type, Hash(manifest), signed, SigningKey.from_seed(raw(seed)))
    return {"body": body.decode(), "input": signing_input(type, Hash(manifest), sha256(encode(content))).hex()}


def entry_verify(type: str, manifest: str, body: str, key: str) -> Json:  # noqa: A002
    """N3 to N5; the content hash."""
    signed = parse_body(type, body.encode(), what="entry")
    verify_entry_signature(type, Hash(manifest), body.encode(), signed.signature, VerifyKey.decode(raw(key)))
    return content_hash(body.encode())


def note_vkey(vkey: str) -> Json:
    """L4c."""
    key = parse_vkey(vkey)
    return {"name": key.name, "type": key.type, "key": key.key.raw.hex(), "id": key.key_id.hex()}


def checkpoint_open(note: str, vkey: str) -> Json:
    """L5d."""
    checkpoint = open_checkpoint(note.encode(), parse_vkey(vkey))
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}


def checkpoint_witnessed(note: str, vkey: str, witnesses: list[str], quorum: int) -> Json:
    """L20: who has signed, in the order of the list, and when."""
    board = parse_vkey(vkey)
    if list(witness_problems(witnesses, quorum, board)):
        raise DecodeError("are no witnesses", where="witnesses")
    found = verify_quorum(note.encode(), parse_witnesses(witnesses, quorum), board=board)
    return [{"name": each.key.name, "time": str(each.time)} for each in found]


def merkle_root(leaves: list[str]) -> Json:
    """L2d over leaves, not yet hashed."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(raw(leaf))
    return frontier.root().hex()


def merkle_inclusion(leaf: str, index: int, size: int, proof: list[str], root: str) -> Json:
    """L2g."""
    verify_inclusion(raw(leaf), index, size, [*map(raw, proof)], raw(root))


def merkle_consistency(old: int, new: int, old_root: str, new_root: str, proof: list[str]) -> Json:
    """L2h."""
    verify_consistency(old, new, raw(old_root), raw(new_root), [*map(raw, proof)])


def receipt_check(file: str, vkey: str, body: str | None = None) -> Json:
    """V9a and V9b, and L1f if there is a body."""
    header, checkpoint = check_receipt(read_receipt_file(file.encode()), parse_vkey(vkey))
    if body is not None:
        check_body(header, body.encode())
    return {"seq": header.seq, "size": checkpoint.size}


# -- ballots -----------------------------------------------------------------------------------------------------------


def ballot_context(context: Json) -> BallotContext:
    """The context that a vector describes. The shape is the manifest's own; JavaScript takes it from the vector."""
    manifest = decode(encode(context["manifest"]), Manifest, what="manifest")
    assert manifest.hash == context["manifest_hash"]
    assert brief_shape(manifest.shape) == context["shape"]
    return BallotContext(manifest, Hash(context["election"]), _public_key(manifest.group, context["joint_key"]))


@cache
def _public_key(group: str, text: str) -> PublicKey:
    return PublicKey(_element(group, text))


def brief_shape(shape: BallotShape) -> Json:
    """A shape as JSON: constraints as [terms, constant, allowed]."""
    constraints = [
        [[list(term) for term in c.combination.terms], c.combination.constant, list(c.allowed)]
        for c in shape.constraints
    ]
    return {"values": shape.values, "constraints": constraints}


def make_ballot(ballot: Json) -> tuple[BallotContext, SigningKey, EncryptedBallot]:
    """The ballot that a vector describes by its context, voter code, values and seed."""
    context = ballot_context(ballot["context"])
    key = derive_credential(ballot["code"], context.manifest.hash)
    return context, key, encrypt_values(context, key, ballot["values"], raw(ballot["seed"]))


def ballot_cast(ballot: Json) -> Json:
    """B4: hashes of the body and of the hints, the ballot hash. The ballot must pass B8."""
    context, _, cast = make_ballot(ballot)
    verify_ballot(context, parse_body("ballot.cast", cast.body, what="ballot"), cast.body, subject="ballot")
    return {"body": sha256(cast.body), "hints": sha256(cast.hints), "hash": cast.hash, "size": len(cast.body)}


def changed(data: Json, changes: list[list[Json]]) -> Json:
    """The data with other values at some places. A place is a path of keys and positions; null deletes."""
    for path, value in changes:
        *way, last = path
        target = data
        for step in way:
            target = target[step]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return data


def ballot_verify(ballot: Json, changes: list[list[Json]], resign: bool = True) -> Json:
    """B8 for a ballot whose content, or with `resign` false whose whole body, was changed."""
    context, key, cast = make_ballot(ballot)
    body = decode(cast.body, dict[str, Any], what="ballot")
    if resign:
        content = changed(body["content"], changes)
        message = signing_input("ballot.cast", context.manifest.hash, sha256(encode(content)))
        body = {"content": content, "signature": to_base64(key.sign(message))}
    else:
        body = changed(body, changes)
    data = encode(body)
    verify_ballot(context, parse_body("ballot.cast", data, what="ballot"), data, subject="ballot")


def ballot_open(context: Json, values: list[int], opening: str) -> Json:
    """B17, from values that methods make of the choices."""
    election = ballot_context(context)
    opened = decode(opening.encode(), Opening, what="opening")
    if opened.election != election.election:
        raise DecodeError("is of another election", where="opening")
    credential = VerifyKey.decode(from_base64(opened.credential, 32, what="credential")).raw
    ballot = build_ballot(election, credential, values, from_base64(opened.seed, 32, what="seed"))
    return {"hash": ballot.hash, "tracker": tracker(ballot.hash), "lock": lock_number(ballot.hash)}


CALLS: dict[str, Callable[..., Json]] = {
    "group.fingerprint": group_fingerprint,
    "group.element": group_element,
    "group.scalar": group_scalar,
    "group.power": group_power,
    "hash.frame": hash_frame,
    "hash.expand": hash_expand,
    "hash.challenge": hash_challenge,
    "kdf.hkdf": kdf_hkdf,
    "kdf.derive": kdf_derive,
    "ed25519.sign": ed25519_sign,
    "ed25519.verify": ed25519_verify,
    "canonical.read": canonical_read,
    "base64url.read": base64url_read,
    "base64.read": base64_read,
    "decimal.read": decimal_read,
    "crockford.encode": crockford_encode,
    "credential.parse": credential_parse,
    "credential.derive": credential_derive,
    "tracker.of": tracker_of,
    "tracker.parse": tracker_parse,
    "header.read": header_read,
    "entry.sign": entry_sign,
    "entry.verify": entry_verify,
    "note.vkey": note_vkey,
    "checkpoint.open": checkpoint_open,
    "checkpoint.witnessed": checkpoint_witnessed,
    "merkle.root": merkle_root,
    "merkle.inclusion": merkle_inclusion,
    "merkle.consistency": merkle_consistency,
    "receipt.check": receipt_check,
    "ballot.cast": ballot_cast,
    "ballot.verify": ballot_verify,
    "ballot.open": ballot_open,
}
