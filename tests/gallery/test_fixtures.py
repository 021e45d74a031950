"""The fixtures of the gallery are what their makers make, and cover all checks and all attacks that a record shows."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gallery.case import BROKEN, FIXTURES, GOOD, description, read_cases
from tests.gallery.catalogue import ATTACKS, table_in_document, table_of
from tests.gallery.making import make_case, plans
from tests.gallery.running import ask_reference, remembered_powers
from tests.strategies.methods import SMALL_QUESTIONS
from voting.verifier import reference

CASES = read_cases()
CHECKS = {f"{number:02}" for number in range(1, 22)}


@pytest.mark.parametrize("place", plans())
def test_the_bytes_are_those_that_are_made_today(place: str) -> None:
    """If not: `python -m tests.gallery make`, and look at what changed."""
    made = make_case(plans()[place])
    files = {**made.files, "case.json": description(made.case)}
    folder = FIXTURES / place
    assert {path.name for path in folder.iterdir()} == set(files)
    assert [name for name, data in files.items() if (folder / name).read_bytes() != data] == []


def test_there_are_no_other_fixtures() -> None:
    assert {f"{half.name}/{path.name}" for half in (BROKEN, GOOD) for path in half.iterdir()} == set(plans())


def test_there_are_enough() -> None:
    broken = [found for found in CASES if found.name.startswith("broken/")]
    assert len(broken) >= 80
    assert {check for found in broken for check in found.case.failed} == CHECKS
    for found in broken:
        check = found.folder.name[:2]
        assert check in found.case.failed or (check, found.case.verdict) == ("V1", "unreadable"), found.name
        assert found.case.attacks, found.name
        assert set(found.case.failed) | set(found.case.not_run) <= CHECKS


def test_each_check_fails_alone_somewhere() -> None:
    """So a verifier that lacks one check would be found out."""
    assert {found.case.failed[0] for found in CASES if len(found.case.failed) == 1} == CHECKS


def test_every_method_has_a_good_record() -> None:
    names = {found.name for found in CASES}
    assert {f"good/method-{name.replace(',', '').replace(' ', '-')}" for name in SMALL_QUESTIONS} <= names


def test_good_records_have_no_failed_check() -> None:
    for found in CASES:
        if found.name.startswith("good/"):
            assert found.case.by == "nobody"
            assert found.case.failed == ()
            assert found.case.verdict in ("verified", "valid so far")


def test_the_fixtures_are_small() -> None:
    sizes = {path: path.stat().st_size for half in (BROKEN, GOOD) for path in half.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 12 * 1024**2
    assert max(sizes.values()) < 128 * 1024


# -- attacks -----------------------------------------------------------------------------------------------------------


def test_every_attack_has_a_case_or_a_reason() -> None:
    shown = {number for found in CASES for number in found.case.attacks}
    assert shown <= {attack.number for attack in ATTACKS}
    assert [attack.number for attack in ATTACKS if attack.number not in shown and not attack.elsewhere] == []


def test_the_numbers_are_in_order() -> None:
    numbers = [attack.number for attack in ATTACKS]
    assert len(set(numbers)) == len(numbers)


def test_the_table_in_the_documentation_is_true() -> None:
    """If not: `python -m tests.gallery table`."""
    assert table_in_document() == table_of(CASES)


# -- rules -------------------------------------------------------------------------------------------------------------

UNREACHED = {
    "the message is longer than {limit} bytes",  # the line is, before: V1
    "a note is longer than 1,000,000 bytes",  # such a checkpoint makes the record unreadable, before
}


@pytest.mark.slow
def test_every_rule_of_the_reference_verifier_is_broken_by_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `require` and `demand` refuses at least one record of the gallery."""
    refused: set[int] = set()

    def noting(rule: Callable[..., None]) -> Callable[..., None]:
        def check(condition: bool, *rest: Any) -> None:
            if not condition:
                refused.add(sys._getframe(1).f_lineno)
            rule(condition, *rest)

        return check

    for name in ("require", "demand"):
        monkeypatch.setattr(reference, name, noting(getattr(reference, name)))
    with remembered_powers():
        for found in CASES:
            if found.name.startswith("broken/"):
                ask_reference(found)
    source = Path(reference.__file__).read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    rules = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id in ("require", "demand")]
    assert len(rules) > 150
    unbroken = [rule for rule in rules if refused.isdisjoint(range(rule.lineno, (rule.end_lineno or 0) + 1))]
    texts = {ast.unparse(rule.args[-1]).strip("f'\"") for rule in unbroken}
    assert texts == UNREACHED
