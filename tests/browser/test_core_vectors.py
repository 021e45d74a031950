"""The booth's core in Chromium: the shared vectors, and ballots in both directions between JavaScript and Python."""

from __future__ import annotations

import json
import random
import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import run_module
from tests.strategies.methods import SMALL_QUESTIONS, all_selections
from tests.vectors import load
from tests.vectors.core_ballot_vectors import ballot_input
from tests.vectors.core_calls import CALLS, ballot_context, make_ballot
from tests.vectors.make_core_vectors import FILES
from voting.election.ballot_batch import HintedBallot, check_ballots_together
from voting.election.ballots import verify_ballot
from voting.protocol.entries import parse_body
from voting.protocol.errors import DecodeError, UrneError, VerificationError

RUN_CASES = 'const { runCases } = await import("/pages/core_calls.js"); return runCases(arg);'


@pytest.fixture
def core(page: Page, static_site: str) -> Page:
    page.goto(static_site)
    return page


def _require(cases: list[dict[str, Any]], found: list[dict[str, Any]]) -> None:
    for case, result in zip(cases, found, strict=True):
        if case["expect"] == "ok":
            assert result == {"output": case.get("output")}, case["name"]
        else:
            assert result == {"error": case["expect"], "check": case.get("check", "")}, case["name"]


@pytest.mark.parametrize("name", FILES)
def test_shared_vectors(core: Page, name: str) -> None:
    cases = load(name)
    _require(cases, run_module(core, RUN_CASES, cases))


def _signature_cases() -> list[dict[str, Any]]:
    cases = []
    for case in load("ed25519.json"):
        checked = {name: case[name] for name in ("key", "message", "signature")}
        cases.append({**case, "call": "ed25519.verify", "input": checked})
        if "seed" in case:
            made = {"key": case["key"], "signature": case["signature"]}
            signed = {"seed": case["seed"], "message": case["message"]}
            cases.append(
                {"name": case["name"], "call": "ed25519.sign", "input": signed, "expect": "ok", "output": made}
            )
    return cases


def _derivation_cases() -> list[dict[str, Any]]:
    fields = {"kdf.hkdf": ("secret", "salt", "info"), "kdf.derive": ("secret", "purpose", "context", "info")}
    return [
        {**case, "call": call, "input": {**{f: case[f] for f in fields[call]}, "length": len(case["output"]) // 2}}
        for call, file in (("kdf.hkdf", "hkdf.json"), ("kdf.derive", "derive.json"))
        for case in load(file)
    ]


@pytest.mark.parametrize("make", [_signature_cases, _derivation_cases], ids=["Ed25519", "derivations"])
def test_vectors_of_standards(core: Page, make: Callable[[], list[dict[str, Any]]]) -> None:
    cases = make()
    assert len(cases) > 5
    _require(cases, run_module(core, RUN_CASES, cases))


MAKE_BALLOT = """
const { castBallot } = await import("/booth/js/core/ballot.js");
const { fromUtf8 } = await import("/booth/js/core/bytes.js");
const { deriveCredential } = await import("/booth/js/core/credential.js");
const { encodeSelections, joinShapes, parseSelections } = await import("/booth/js/methods/index.js");
const { contextOf } = await import("/pages/core_calls.js");
const { context: described, code, choices } = arg;
const { manifest } = described;
const context = { ...contextOf(described), shape: joinShapes(manifest) };
const key = await deriveCredential(code, described.manifest_hash);
const values = encodeSelections(manifest, parseSelections(manifest, choices));
const seed = crypto.getRandomValues(new Uint8Array(32));
const { body, hints, hash } = await castBallot(context, key, values, seed);
return { body: fromUtf8(body, "body"), hints: fromUtf8(hints, "hints"), hash };
"""


def _check_in_python(ballot: dict[str, Any], made: dict[str, str]) -> None:
    """What admission to the board checks: the ballot alone, and with its hints."""
    context = ballot_context(ballot["context"])
    body = made["body"].encode()
    entry = parse_body("ballot.cast", body, what="ballot")
    verify_ballot(context, entry, body, subject="ballot")
    hinted = HintedBallot(entry.content, made["hints"].encode(), "ballot")
    asked: list[int] = []

    def random_bytes(length: int) -> bytes:
        asked.append(length)
        return secrets.token_bytes(length)

    result = check_ballots_together(context, [hinted], random_bytes=random_bytes)
    assert not result.failures
    assert asked, "the hints were no help: the batch was not used"


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_ballots_by_javascript_pass_in_python(core: Page, name: str) -> None:
    question = SMALL_QUESTIONS[name]
    for selection in all_selections(question)[:: max(1, len(all_selections(question)) // 3)]:
        ballot = ballot_input(name, (question,), [selection], "toy-512")
        _check_in_python(ballot, run_module(core, MAKE_BALLOT, ballot))


@pytest.mark.parametrize("group", ["integer-3072", "integer-4096"])
def test_ballots_of_the_real_groups_by_javascript_pass_in_python(core: Page, group: str) -> None:
    question = SMALL_QUESTIONS["approval"]
    ballot = ballot_input("real", (question,), all_selections(question)[:1], group)
    _check_in_python(ballot, run_module(core, MAKE_BALLOT, ballot))


VERIFY = """
const { verifyBallot } = await import("/booth/js/core/ballot.js");
const { utf8 } = await import("/booth/js/core/bytes.js");
const { UrneError } = await import("/booth/js/core/errors.js");
const { contextOf } = await import("/pages/core_calls.js");
const verdicts = [];
for (const body of arg.bodies) {
  try {
    await verifyBallot(contextOf(arg.context), utf8(body));
    verdicts.push("good");
  } catch (error) {
    verdicts.push(error instanceof UrneError ? (error.check ?? error.code) : String(error.stack));
  }
}
return verdicts;
"""


def _verdict(context: Any, body: bytes) -> str:
    try:
        verify_ballot(context, parse_body("ballot.cast", body, what="ballot"), body, subject="ballot")
    except VerificationError as error:
        return error.check
    except DecodeError:
        return "malformed"
    return "good"


def test_a_changed_character_is_refused_alike_by_both(core: Page) -> None:
    """Each body has one other character of the base64url alphabet somewhere: the verdict is the same check, or form."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    question = SMALL_QUESTIONS["single choice"]
    ballot = ballot_input("altered", (question,), all_selections(question)[:1], "toy-512")
    context, _, cast = make_ballot(ballot)
    good = cast.body.decode()
    bodies = [good]
    chance = random.Random(2026)
    for _ in range(150):
        place = chance.randrange(len(good))
        other = chance.choice(alphabet)
        if good[place] in alphabet and good[place] != other:
            bodies.append(good[:place] + other + good[place + 1 :])
    expected = [_verdict(context, body.encode()) for body in bodies]
    assert expected[0] == "good"
    assert "good" not in expected[1:]
    assert run_module(core, VERIFY, {"context": ballot["context"], "bodies": bodies}) == expected


def _spoilt(chance: random.Random, text: str) -> str:
    """The text with a character changed, removed, added or doubled somewhere."""
    place = chance.randrange(len(text) + 1)
    new = chance.choice(
        'Aa0Zz9+/-_=,:.{}[]"\\ \n\r\t\0eE\u00a0\u00e9\u2014\u2028\ufeff\U0001f5f3' + text[place : place + 1]
    )
    return text[:place] + chance.choice([new, ""]) + text[place + chance.choice([0, 1]) :]


def test_spoilt_input_is_judged_alike_by_both(core: Page) -> None:
    """Good inputs of the vectors with a small fault: both implementations give the same answer or the same code."""
    texts = {
        "canonical.read": "data",
        "base64url.read": "text",
        "base64.read": "text",
        "decimal.read": "text",
        "credential.parse": "text",
        "tracker.parse": "text",
        "header.read": "header",
        "entry.verify": "body",
        "note.vkey": "vkey",
        "checkpoint.open": "note",
        "receipt.check": "file",
        "ballot.open": "opening",
    }
    chance = random.Random(2026)
    cases: list[dict[str, Any]] = []
    for case in (case for name in FILES for case in load(name) if case["expect"] == "ok" and case["call"] in texts):
        field = texts[case["call"]]
        for number in range(8 if case["call"] == "ballot.open" else 40):
            text = case["input"][field]
            spoilt = _spoilt(chance, bytes.fromhex(text).decode() if field == "data" else text)
            if re.search(r'[^\x00-\x7f][^"]*":', spoilt):
                continue  # keys are ASCII (E1): JavaScript insists, Python leaves it to the type of the message
            if case["call"].endswith(".parse") and "\ufeff" in spoilt:
                continue  # typed text: JavaScript takes this mark for white space, Python does not
            given = {**case["input"], field: spoilt.encode().hex() if field == "data" else spoilt}
            result: dict[str, Any]
            try:
                result = {"expect": "ok", "output": CALLS[case["call"]](**given)}
            except UrneError as error:
                result = {"expect": error.code}
            cases.append(
                {"name": f"{case['name']} {number}: {spoilt!r}", "call": case["call"], "input": given, **result}
            )
    assert sum(case["expect"] != "ok" for case in cases) > 500
    found = run_module(core, RUN_CASES, cases)
    # Of an entry's content the booth reads only what it uses; what it does not read, the signature covers.
    for case, result in zip(cases, found, strict=True):
        if case["call"] == "entry.verify" and {case["expect"], result.get("error")} == {"malformed", "signature"}:
            result["error"] = case["expect"]
    _require(cases, found)


def test_typed_codes_tell_the_group_that_looks_wrong(core: Page) -> None:
    typed = {
        "000G4-0R40M-30E20-9185G-R38EV": [],
        "000G4-0R40M-30E2-9185G-R38EV": [3],
        "000G4-0R40M-30E20-9185G-R38U": [5],
        "000G4 0R4?M 30E20 9185G": [2],
        "000G40R40M30E209185GR38E!": [5],
        "000G4-0R40M-30E20-9185G-R38EW": [],
        "000G4-0R!0M-30E200-9185G-R38EV": [2, 3],
        "": [],
    }
    body = """
        const { doubtfulGroups } = await import("/booth/js/core/credential.js");
        return arg.map(doubtfulGroups);
    """
    found = run_module(core, body, list(typed))
    assert dict(zip(typed, found, strict=True)) == typed


def test_errors_of_secrets_do_not_show_them(core: Page) -> None:
    code, seed = "000G4-0R40M-30E20-9185G-R38EW", "5EED" * 8
    body = """
        const { parseCode } = await import("/booth/js/core/credential.js");
        const { parseOpening } = await import("/booth/js/core/opening.js");
        const { decodeCanonical } = await import("/booth/js/core/canonical.js");
        const texts = [];
        const attempts = [
          () => parseCode(arg.code),
          () => parseOpening(arg.opening),
          () => parseOpening(arg.opening + "x"),
          () => decodeCanonical('{"seed":"' + arg.seed, "opening"),
        ];
        for (const attempt of attempts) {
          try { attempt(); } catch (error) { texts.push(`${error.stack} ${JSON.stringify(error)}`); }
        }
        return texts;
    """
    opening = json.dumps({"choices": [[1]], "credential": "AA", "election": "0" * 64, "seed": seed})
    texts = run_module(core, body, {"code": code, "seed": seed, "opening": opening.replace(" ", "")})
    assert len(texts) == 4
    assert not any(code[:5] in text or "R38EW" in text or "5EED" in text for text in texts)


def test_a_toy_group_must_be_allowed(core: Page) -> None:
    body = """
        const { groupByName } = await import("/booth/js/core/group.js");
        try { groupByName("toy-512"); } catch (error) { return error.code; }
    """
    assert run_module(core, body) == "malformed"
