"""Belenios archives in the group Ed25519: good ones by `belenios-tool` 3.0 (tests/fixtures), tampered and fresh ones.

Versions before 2.1 of the tool do not know the group; the tests that run it are skipped then.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gmpy2 import mpz

from tests.properties.test_foreign_decoders import rebuilt
from tests.simulators.belenios import (
    BeleniosElection,
    Config,
    failed_checks,
    knows_ed25519,
    random_config,
    tool_accepts,
)
from voting.protocol.errors import DecodeError, NotInGroup, VerificationError
from voting.verifier.foreign.belenios import verify
from voting.verifier.foreign.belenios.archive import Archive
from voting.verifier.foreign.belenios.ballots import Cell
from voting.verifier.foreign.belenios.ed25519 import COFACTOR, FIELD_PRIME, ORDER, Ed25519Group
from voting.verifier.foreign.belenios.election import Election, Kind, Question
from voting.verifier.foreign.belenios.groups import group_by_name
from voting.verifier.foreign.belenios.tally import Tally, check_result
from voting.verifier.report import Verdict

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "belenios-ed25519"
GROUP = Ed25519Group()
BASE_POINT = "66" * 31 + "58"
IDENTITY = "0" * 63 + "1"
LOW_ORDER = (
    f"{FIELD_PRIME - 1:064x}",
    f"{0:064x}",
    f"{1 << 255:064x}",
    "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
    "fa03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
    "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
    "85fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
)
"""All points of order 2, 4 and 8."""


def test_the_base_point_and_its_order_are_those_of_rfc_8032() -> None:
    assert GROUP.text(GROUP.g) == BASE_POINT
    assert GROUP.text(GROUP.element(BASE_POINT, what="g")) == BASE_POINT
    assert GROUP.text(GROUP.power(GROUP.g, ORDER - 1)) == f"{int(BASE_POINT, 16) | 1 << 255:064x}"
    assert GROUP.element(IDENTITY, what="one") == GROUP.identity
    assert GROUP.text(GROUP.identity) == IDENTITY
    assert group_by_name("Ed25519").name == "Ed25519"


@pytest.mark.parametrize("text", LOW_ORDER)
def test_points_of_low_order_and_those_mixed_with_them_are_no_members(text: str) -> None:
    point = GROUP.parse(text, what="point")
    assert (point * COFACTOR).is_point_at_infinity()
    assert GROUP.text(point) == text
    for outside in (text, GROUP.text(GROUP.product((GROUP.g, point)))):
        with pytest.raises(NotInGroup):
            GROUP.element(outside, what="point")


@pytest.mark.parametrize(
    "text",
    [
        BASE_POINT.upper().replace("66", "6A", 1),
        BASE_POINT[1:],
        f"0{BASE_POINT}",
        f"{int(BASE_POINT, 16)}",
        f"{FIELD_PRIME + 1:064x}",  # the identity, not reduced
        f"{FIELD_PRIME:064x}",
        f"{(1 << 255) | 1:064x}",  # the identity, as minus zero
        f"{(1 << 255) | (FIELD_PRIME - 1):064x}",
        f"{2:064x}",  # no point has this ordinate
        "",
        "é" * 64,
    ],
)
def test_writings_that_are_not_the_one_of_a_point_are_refused(text: str) -> None:
    with pytest.raises(DecodeError) as refusal:
        GROUP.element(text, what="point")
    assert not isinstance(refusal.value, NotInGroup)


def test_scalars_are_below_the_order() -> None:
    assert GROUP.scalar(str(ORDER - 1), what="c") == ORDER - 1
    for text in (str(ORDER), "-1", "01", "a"):
        with pytest.raises(DecodeError):
            GROUP.scalar(text, what="c")


def test_arithmetic_follows_the_laws_of_exponents() -> None:
    rng = random.Random(8032)
    x, y = (mpz(rng.randrange(ORDER)) for _ in range(2))
    g, table = GROUP.g, GROUP.fixed(GROUP.g)
    first, second = GROUP.power(g, x), GROUP.power(g, y)
    assert GROUP.product((first, second)) == GROUP.power(g, x + y) == table.power((x + y) % ORDER)
    assert GROUP.divide(first, second) == GROUP.power(g, x - y)
    assert GROUP.power(first, -y) == GROUP.power(g, -x * y)
    assert table.power(mpz(0)) == GROUP.product(()) == GROUP.identity
    assert GROUP.fixed(first).power(y) == GROUP.power(second, x)
    assert GROUP.text(g) == BASE_POINT, "the generator is never changed in place"


def test_generators_of_shuffles_are_members_and_all_different() -> None:
    texts = [GROUP.text(GROUP.independent_generator(index)) for index in range(-1, 20)]
    assert len({*texts, IDENTITY, BASE_POINT}) == len(texts) + 2
    for text in texts:
        GROUP.element(text, what="generator")


def test_an_answer_is_read_as_belenios_reads_it_whatever_the_voter_encrypted() -> None:
    question = Question(Kind.NON_HOMOMORPHIC, "q", (3,), ("a", "b", "c"))
    for group in (GROUP, group_by_name("RFC-3526-2048")):
        election = Election("n", "u", "f", group, group.g, (question,), ())
        message = group.power(group.g, mpz(2) ** 200 + 12345)
        number = group.number(message) >> (group.padding_bits or 0)
        digits = [number >> 16 & 255, number >> 8 & 255, number & 255]
        tally = Tally(([Cell(group.g, message)],), (1,))
        for published in ([digits], [[*digits[:2], digits[2] ^ 1]]):
            data = json.dumps({"result": [published]}).encode()
            if published == [digits]:
                check_result(data, election, tally, [[group.identity]], 1)
                continue
            with pytest.raises(VerificationError):
                check_result(data, election, tally, [[group.identity]], 1)


@pytest.mark.parametrize(
    ("name", "totals"),
    [("threshold-blank-weights", [(2, 1, 3), (7, 3, 2, 0)]), ("shuffles", [()]), ("no-votes", [(0, 0, 0)])],
)
def test_good_archives_verify(name: str, totals: list[tuple[int, ...]]) -> None:
    report = verify(FIXTURES / f"{name}.bel")
    assert report.verdict is Verdict.VERIFIED, failed_checks(report)
    assert report.group == "Ed25519"
    assert [answer.totals for answer in report.result] == totals


def _set(*path: Any, to: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Change one place in the JSON."""

    def change(value: Any) -> Any:
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to(inner[path[-1]])
        return value

    return change


def _plus_one(number: str) -> str:
    return str((int(number) + 1) % ORDER)


def _plus_order(number: str) -> str:
    return str(int(number) + ORDER)


def _negated(text: str) -> str:
    return f"{int(text, 16) ^ 1 << 255:064x}"


def _not_a_member(text: str) -> str:
    """The point plus the one of order 2, which alone no equation modulo the cofactor would notice."""
    return GROUP.text(GROUP.product((GROUP.parse(text, what=""), GROUP.parse(LOW_ORDER[0], what=""))))


Case = tuple[str, str, int, Callable[[Any], Any], str]
PLAIN, MIXED = "threshold-blank-weights", "shuffles"
TAMPERED: dict[str, Case] = {
    "a single trustee's proof": (PLAIN, "Setup", 1, _set(0, 1, "pok", "response", to=_plus_one), "B05"),
    "a trustee's key outside the group": (PLAIN, "Setup", 1, _set(0, 1, "public_key", to=_not_a_member), "B05"),
    "a proof of a group's key": (
        PLAIN, "Setup", 1, _set(1, 1, "verification_keys", 2, "pok", "challenge", to=_plus_one), "B05",
    ),
    "a certificate's signature": (
        PLAIN, "Setup", 1, _set(1, 1, "certs", 0, "signature", "response", to=_plus_one), "B05",
    ),
    "a polynomial's signature": (
        PLAIN, "Setup", 1, _set(1, 1, "coefexps", 1, "signature", "response", to=_plus_one), "B05",
    ),
    "a credential outside the group": (
        PLAIN, "Setup", 2, _set(0, to=lambda line: _not_a_member(line[:64]) + line[64:]), "B07",
    ),
    "a credential in capitals": (PLAIN, "Setup", 2, _set(0, to=lambda line: line[:64].upper() + line[64:]), "B07"),
    "a ballot's signature": (PLAIN, "Ballot", 0, _set("signature", "proof", "response", to=_plus_one), "B10"),
    "a signature's response not below l": (
        PLAIN, "Ballot", 0, _set("signature", "proof", "response", to=_plus_order), "B10",
    ),
    "a choice's proof": (
        PLAIN, "Ballot", 0, _set("answers", 0, "individual_proofs", 0, 1, "response", to=_plus_one), "B12",
    ),
    "a blank vote's proof": (PLAIN, "Ballot", 0, _set("answers", 1, "blank_proof", 0, "response", to=_plus_one), "B12"),
    "a choice exchanged for its inverse": (
        PLAIN, "Ballot", 0, _set("answers", 0, "choices", 0, "beta", to=_negated), "B12",
    ),
    "a choice outside the group": (
        PLAIN, "Ballot", 0, _set("answers", 0, "choices", 0, "alpha", to=_not_a_member), "B11",
    ),
    "a choice of low order": (
        PLAIN, "Ballot", 0, _set("answers", 0, "choices", 0, "alpha", to=lambda _: LOW_ORDER[3]), "B11",
    ),
    "a choice in another writing": (
        PLAIN, "Ballot", 0, _set("answers", 0, "choices", 0, "alpha", to=lambda _: f"{FIELD_PRIME + 1:064x}"), "B11",
    ),
    "the tally": (PLAIN, "EncryptedTally", 0, _set(0, 0, "beta", to=_negated), "B13"),
    "the order of the ranked answers": (MIXED, "EncryptedTally", 0, lambda value: [value[0][::-1]], "B13"),
    "a decryption factor": (PLAIN, "PartialDecryption", 0, _set("decryption_factors", 0, 0, to=_negated), "B15"),
    "a decryption factor outside the group": (
        PLAIN, "PartialDecryption", 0, _set("decryption_factors", 0, 0, to=_not_a_member), "B15",
    ),
    "a decryption proof": (
        PLAIN, "PartialDecryption", 0, _set("decryption_proofs", 0, 0, "response", to=_plus_one), "B15",
    ),
    "a shuffled ciphertext": (MIXED, "Shuffle", 0, _set("ciphertexts", 0, 0, "alpha", to=_negated), "B14"),
    "a shuffle that drops an answer for another": (
        MIXED, "Shuffle", 0, _set("ciphertexts", 0, to=lambda cells: [cells[0], *cells[:-1]]), "B14",
    ),
    **{
        f"commitment t{place + 1} of a shuffle": (
            MIXED, "Shuffle", 0, _set("proofs", 0, 0, place, to=_negated), "B14",
        )
        for place in range(3)
    },
    "a shuffle's response": (MIXED, "Shuffle", 0, _set("proofs", 0, 1, 3, to=_plus_one), "B14"),
    "a shuffle's permutation": (MIXED, "Shuffle", 0, _set("proofs", 0, 2, 0, to=_negated), "B14"),
    "the result": (PLAIN, "Result", 0, _set("result", 0, 0, to=lambda number: number + 1), "B16"),
    "a ranked answer": (MIXED, "Result", 0, _set("result", 0, 0, 0, to=lambda number: number ^ 1), "B16"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED.values(), ids=TAMPERED)
def test_each_tampered_archive_fails_the_check_that_is_meant_for_it(tmp_path: Path, case: Case) -> None:
    name, kind, place, change, check = case
    archive = Archive((FIXTURES / f"{name}.bel").read_bytes())
    step = next(step for step in archive.steps if step.event.type == kind)
    if kind == "Setup":
        place = _setup_part(archive, place)
    body = json.dumps(change(json.loads(archive.body(step.data[place]))), separators=(",", ":")).encode()
    path = tmp_path / "tampered.bel"
    path.write_bytes(rebuilt(archive, step.number, place, body))
    report = verify(path)
    assert report.exit_code == 1
    assert check in failed_checks(report).split(), failed_checks(report)


def _setup_part(archive: Archive, part: int) -> int:
    """Where the Setup event has the parameters (0), the trustees (1), the credentials (2)."""
    *records, last = archive.steps[0].data
    named = json.loads(archive.body(last))
    digest = named[("election", "trustees", "credentials")[part]]
    return [record.name[:64] for record in records].index(digest)


def test_what_is_rebuilt_without_a_change_verifies(tmp_path: Path) -> None:
    archive = Archive((FIXTURES / f"{PLAIN}.bel").read_bytes())
    path = tmp_path / "same.bel"
    path.write_bytes(rebuilt(archive, 0, 0, archive.body(archive.steps[0].data[0])))
    assert verify(path).verdict is Verdict.VERIFIED


NEEDS_THE_TOOL = pytest.mark.skipif(not knows_ed25519(), reason="needs belenios-tool 2.1 or later: 2.0 has no Ed25519")


@NEEDS_THE_TOOL
@pytest.mark.parametrize("seed", range(6))
def test_fresh_archives_are_accepted_by_both(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder = BeleniosElection(tmp_path, random_config(rng, "Ed25519"), rng).run()
    report = verify(folder)
    assert report.verdict is Verdict.VERIFIED, failed_checks(report)
    assert tool_accepts(folder)


@NEEDS_THE_TOOL
def test_the_tool_sorts_ranked_answers_as_we_do(tmp_path: Path) -> None:
    ranked = {"type": "NonHomomorphic", "value": {"answers": ["x", "y"], "question": "In which order?"}}
    config = Config("Ed25519", 1, 0, 0, (ranked,), (1,) * 6, (1,) * 6, 1)
    assert verify(BeleniosElection(tmp_path, config, random.Random(1)).run()).verdict is Verdict.VERIFIED
