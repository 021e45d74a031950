"""The core vectors of ballots: of every voting method, altered ones with the check that refuses them, openings."""

from __future__ import annotations

import json
from typing import Any

from tests.strategies.methods import SMALL_QUESTIONS, all_selections, texts
from tests.vectors.core_calls import Json, brief_shape, make_ballot
from tests.vectors.core_cases import BOARD, VKEY, Cases, drawn
from voting.crypto.group import group_by_name
from voting.crypto.signatures import SigningKey
from voting.election.ballots import encode_selections
from voting.election.credentials import generate_code
from voting.protocol.encoding import decode, encode, from_base64, sha256, to_base64
from voting.protocol.manifest import Manifest, TrusteeInfo
from voting.protocol.messages import Opening
from voting.protocol.methods import Choose, ChooseSelection, Question


def manifest_of(questions: tuple[Question, ...], group: str) -> Manifest:
    key = to_base64(SigningKey.from_seed(b"a" * 32).verify_key.raw)
    return Manifest(
        administrator=key,
        authority=key,
        board=VKEY,
        contact="help@example.org",
        description=None,
        group=group,
        languages=("en", "fr"),
        nonce="0" * 32,
        questions=questions,  # type: ignore[arg-type]  # the questions of the strategies are all of the union's classes
        schedule=None,
        threshold=1,
        title={"en": "Vectors", "fr": "Vecteurs"},
        trustees=(TrusteeInfo("Trustee"),),
        version=1,
    )


def ballot_input(name: str, questions: tuple[Question, ...], selections: list[Any], group: str) -> Json:
    """A ballot as data: its context, the choices and the values that they give, the voter's code, the seed."""
    manifest = manifest_of(questions, group)
    mathematics = group_by_name(group)
    joint_key = mathematics.generator ** int.from_bytes(drawn("joint key"), "big")
    context = {
        "manifest": json.loads(encode(manifest)),
        "manifest_hash": manifest.hash,
        "election": sha256(b"election"),
        "joint_key": to_base64(joint_key.encode()),
        "shape": brief_shape(manifest.shape),
    }
    return {
        "context": context,
        "code": generate_code(lambda length: drawn(f"code of {name}", length)),
        "choices": json.loads(encode(selections)),
        "values": list(encode_selections(manifest, selections)),
        "seed": drawn(f"seed of {name}").hex(),
    }


def ballots() -> Cases:
    cases = Cases("Made by Urne. Every ballot is also checked by B8.")
    for name, question in SMALL_QUESTIONS.items():
        choices = all_selections(question)
        chosen = choices[len(choices) * 2 // 3]
        cases.add(name, "ballot.cast", ballot=ballot_input(name, (question,), [chosen], "toy-512"))
    questions = (SMALL_QUESTIONS["choose with blank"], SMALL_QUESTIONS["cumulative"])
    choices = [all_selections(question)[-1] for question in questions]
    two = ballot_input("two questions", questions, choices, "toy-512")
    cases.add("two questions", "ballot.cast", ballot=two)
    for group in ("integer-3072", "integer-4096"):
        small = Choose(title={"en": "Who?", "fr": "Qui ?"}, options=texts(2), minimum=0, maximum=1)
        ballot = ballot_input(group, (small,), [ChooseSelection((1,))], group)
        cases.add(group, "ballot.cast", ballot=ballot)
    _altered(cases, two)
    _openings(cases, two)
    return cases


def _altered(cases: Cases, ballot: Json) -> None:
    context, _, cast = make_ballot(ballot)
    content: Json = decode(cast.body, dict[str, Any], what="ballot")["content"]
    group = context.group
    scalar = to_base64(bytes(31) + b"\x05")
    q = to_base64(int(group.q).to_bytes(32, "big"))
    element = to_base64((group.generator**5).encode())
    alpha = content["ciphertexts"][0]["alpha"]
    first = ["proofs", 0]

    def negated(text: str) -> str:
        value = group.decode_residue(from_base64(text, None, what="alpha"))
        return to_base64(int(group.p - value).to_bytes(group.element_bytes, "big"))

    def add(name: str, changes: list[list[Json]], check: str = "", expect: str = "verification", **more: Json) -> None:
        cases.add(f"ballot {name}", "ballot.verify", expect, check, ballot=ballot, changes=changes, **more)

    add("that nobody changed", [], expect="ok")
    add("with another challenge", [[["challenge"], scalar]], "14")
    add("with challenge q", [[["challenge"], q]], "13")
    add("with a short challenge", [[["challenge"], scalar[:-1]]], "13")
    add("with another alpha", [[["ciphertexts", 0, "alpha"], element]], "14")
    add("with another beta", [[["ciphertexts", 1, "beta"], element]], "14")
    add("with a negated alpha", [[["ciphertexts", 0, "alpha"], negated(alpha)]], "12")
    add("with alpha zero", [[["ciphertexts", 0, "alpha"], to_base64(bytes(group.element_bytes))]], "12")
    add("with a short beta", [[["ciphertexts", 0, "beta"], element[:-2]]], "12")
    add("with a stray bit in an alpha", [[["ciphertexts", 0, "alpha"], _stray(alpha)]], "12")
    swap = [[["ciphertexts", 0], content["ciphertexts"][1]], [["ciphertexts", 1], content["ciphertexts"][0]]]
    add("with two ciphertexts swapped", swap, "14")
    add("with a ciphertext less", [[["ciphertexts", 0], None]], "13")
    add("with another response", [[[*first, "responses", 0], scalar]], "14")
    add("with response q", [[[*first, "responses", 0], q]], "13")
    add("with another challenge of a branch", [[[*first, "challenges", 0], scalar]], "14")
    add("with a branch less", [[[*first, "responses", 0], None], [[*first, "challenges", 0], None]], "13")
    add("with a response less", [[[*first, "responses", 0], None]], "13")
    add("with a challenge of a branch less", [[[*first, "challenges", 0], None]], "13")
    add("with a challenge of a branch more", [[[*first, "challenges"], [scalar, scalar]]], "13")
    add("with a proof less", [[["proofs", 0], None]], "13")
    add("with wrong shape and wrong ciphertext", [[["proofs", 0], None], [["ciphertexts", 0, "alpha"], "AA"]], "13")
    add("with the credential of another", [[["credential"], to_base64(BOARD.verify_key.raw)]], "11")
    add("with a credential of small order", [[["credential"], to_base64(b"\x01" + bytes(31))]], "11")
    add("with a credential that is no key", [[["credential"], "AA"]], "11")
    add("whose election another check (04) judges", [[["election"], sha256(b"another")]], expect="ok")
    add("with a field more", [[["weight"], 5]], "", "malformed")
    add("with a field less", [[["challenge"], None]], "", "malformed")
    add("with a number for a text", [[["challenge"], 5]], "", "malformed")
    add("changed and not signed again", [[["content", "challenge"], scalar]], "11", resign=False)
    add("with another signature", [[["signature"], to_base64(bytes(64))]], "11", resign=False)
    add("with a short signature", [[["signature"], "AA"]], "", "malformed", resign=False)
    other = {**ballot, "context": {**ballot["context"], "joint_key": element}}
    cases.add("ballot under another joint key", "ballot.cast", ballot=other)


def _stray(text: str) -> str:
    """The same bytes in base64url with an unused bit set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def _openings(cases: Cases, ballot: Json) -> None:
    context, key, _ = make_ballot(ballot)
    opening = Opening(
        choices=tuple(ballot["choices"]),
        credential=to_base64(key.verify_key.raw),
        election=context.election,
        seed=to_base64(bytes.fromhex(ballot["seed"])),
    )
    fields: Json = json.loads(encode(opening))

    def add(name: str, expect: str = "ok", **changes: Json) -> None:
        text = encode({**fields, **changes}).decode()
        given = {"context": ballot["context"], "values": ballot["values"], "opening": text}
        cases.add(f"opening {name}", "ballot.open", expect, **given)

    add("of the ballot with two questions")
    add("with another seed", seed=to_base64(bytes(32)))
    add("of another election", "malformed", election=sha256(b"another"))
    add("with a short seed", "malformed", seed="AA")
    add("with a credential that is no key", "malformed", credential=to_base64(b"\x01" + bytes(31)))
    add("with a field more", "malformed", extra=1)
    add("with choices that are no list", "malformed", choices={})
