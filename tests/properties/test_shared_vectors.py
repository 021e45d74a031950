"""The vectors of the core, which the booth's JavaScript runs too (tests/browser/test_core_vectors.py), in Python."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.vectors import load
from tests.vectors.core_calls import CALLS
from tests.vectors.make_core_vectors import FILES, FOLDER
from voting.protocol.errors import UrneError


@pytest.mark.parametrize("name", FILES)
def test_files_are_what_the_script_makes(name: str) -> None:
    made = FILES[name]().text()
    assert (FOLDER / name).read_text("utf-8") == made, "run: python -m tests.vectors.make_core_vectors"


@pytest.mark.parametrize("name", FILES)
def test_every_case_of_the_files(name: str) -> None:
    for case in load(name):
        verdict: tuple[str, str, Any]
        try:
            verdict = "ok", "", CALLS[case["call"]](**case["input"])
        except UrneError as error:
            verdict = error.code, getattr(error, "check", ""), None
        assert verdict == (case["expect"], case.get("check", ""), case.get("output")), case["name"]


def test_every_call_is_used_and_most_refuse_something() -> None:
    verdicts = Counter((case["call"], case["expect"] == "ok") for name in FILES for case in load(name))
    not_here = {"ed25519.sign", "ed25519.verify"}  # their cases are in ed25519.json
    assert {call for call, _ in verdicts} == set(CALLS) - not_here
    never_refuse = {"group.power", "hash.frame", "hash.expand", "hash.challenge", "kdf.hkdf", "kdf.derive"}
    never_refuse |= {"crockford.encode", "tracker.of", "merkle.root", "entry.sign", "ballot.cast"}
    for call in set(CALLS) - not_here - never_refuse:
        assert verdicts[call, False] >= 2, call
