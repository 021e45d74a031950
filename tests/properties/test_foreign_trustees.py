"""Belenios's trustees: a small prover makes both layouts of a group with a threshold, and each fault is found.

There is no archive of the 3.0 layout in the test data, so this is the only place where it is read.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any, cast

import pytest
from gmpy2 import mpz

from voting.protocol.errors import DecodeError, UrneError, VerificationError
from voting.verifier.foreign.belenios.groups import IntegerGroup, challenge, group_by_name
from voting.verifier.foreign.belenios.trustees import check_trustees

GROUP = cast(IntegerGroup, group_by_name("BELENIOS-2048"))
RNG = random.Random(7)
THRESHOLD, SIZE = 2, 3


def secret() -> mpz:
    return mpz(RNG.randrange(1, int(GROUP.q)))


def public(private: mpz) -> mpz:
    return GROUP.power(GROUP.g, private)


def proof(prefix: str, private: mpz) -> dict[str, str]:
    nonce = secret()
    c = challenge(GROUP, prefix, (public(nonce),))
    return {"challenge": str(c), "response": str((nonce - private * c) % GROUP.q)}


def key(private: mpz) -> dict[str, Any]:
    text = str(public(private))
    return {"pok": proof(f"pok|{GROUP.name}|{text}|", private), "public_key": text}


def signed(content: dict[str, Any], private: mpz) -> dict[str, Any]:
    message = json.dumps(content, separators=(",", ":"))
    return {"message": message, "signature": proof(f"sigmsg|{message}|", private)}


def pedersen(*, has_context: bool) -> tuple[dict[str, Any], mpz]:
    """A group of trustees, and the public key that they share."""
    own = [secret() for _ in range(SIZE)]
    polynomials = [[secret() for _ in range(THRESHOLD)] for _ in range(SIZE)]
    certs = []
    for index, private in enumerate(own):
        content: dict[str, Any] = {"verification": str(public(private)), "encryption": str(public(secret()))}
        if has_context:
            context = {"group": GROUP.name, "size": SIZE, "threshold": THRESHOLD, "index": index + 1}
            content = {"context": context, **content}
        certs.append(signed(content, private))
    coefexps = [
        signed({"coefexps": [str(public(coefficient)) for coefficient in polynomial]}, private)
        for private, polynomial in zip(own, polynomials, strict=True)
    ]
    shares = [
        sum(c * point**power for polynomial in polynomials for power, c in enumerate(polynomial)) % GROUP.q
        for point in range(1, SIZE + 1)
    ]
    content = {"threshold": THRESHOLD, "certs": certs, "coefexps": coefexps}
    if has_context:
        content["signatures"] = [proof("x", private) for private in own]
    content["verification_keys"] = [key(share) for share in shares]
    return content, GROUP.product(public(polynomial[0]) for polynomial in polynomials)


def check(items: Any) -> Any:
    return check_trustees(json.dumps(items).encode(), GROUP)


@pytest.mark.parametrize("has_context", [False, True])
def test_both_layouts(has_context: bool) -> None:
    content, shared = pedersen(has_context=has_context)
    server = secret()
    trustees = check([["Single", key(server)], ["Pedersen", content]])
    assert [item.share for item in trustees.items] == [public(server), shared]
    assert trustees.needed == 1 + THRESHOLD
    assert trustees.items[1].first == 2
    assert len(trustees.keys) == 1 + SIZE
    assert bool(trustees.unchecked) == has_context


def other_context(content: dict[str, Any]) -> None:
    content["certs"][0], content["certs"][1] = content["certs"][1], content["certs"][0]
    content["coefexps"][0], content["coefexps"][1] = content["coefexps"][1], content["coefexps"][0]


def exchange(name: str) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        content[name][0] = content[name][1]

    return edit


def outside_group(content: dict[str, Any]) -> None:
    one = content["verification_keys"][0]
    one["public_key"] = str(GROUP.p - int(one["public_key"]))


CASES: dict[str, tuple[Callable[[dict[str, Any]], None], type[UrneError]]] = {
    "certificates of others": (other_context, VerificationError),
    "a polynomial of another": (exchange("coefexps"), VerificationError),
    "a certificate of another": (exchange("certs"), VerificationError),
    "a key of another": (exchange("verification_keys"), VerificationError),
    "a key too few": (lambda content: content["verification_keys"].pop(), DecodeError),
    "a signature too few": (lambda content: content["signatures"].pop(), DecodeError),
    "another threshold": (lambda content: content.update(threshold=3), VerificationError),
    "no threshold": (lambda content: content.update(threshold=0), DecodeError),
    "a key outside the group": (outside_group, UrneError),
    "a field that is unknown": (lambda content: content.update(more=1), DecodeError),
}


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_found(case: str) -> None:
    content, _shared = pedersen(has_context=True)
    edit, error = CASES[case]
    changed = copy.deepcopy(content)
    edit(changed)
    with pytest.raises(error):
        check([["Pedersen", changed]])


@pytest.mark.parametrize("items", [[], {}, [["Other", {}]], [["Single"]], [["Single", {}, 1]], "x"])
def test_what_are_no_trustees_is_refused(items: Any) -> None:
    with pytest.raises(DecodeError):
        check(items)


def test_a_polynomial_of_another_degree_is_refused() -> None:
    content, _shared = pedersen(has_context=False)
    content["threshold"] = 1
    with pytest.raises(UrneError):
        check([["Pedersen", content]])
