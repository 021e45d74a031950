"""`urne-verify explain` for the checks on other systems' records: each by its number, in that system's words."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from voting.verifier.cli import main
from voting.verifier.findings import CheckInfo
from voting.verifier.foreign.belenios.checks import CHECKS as BELENIOS
from voting.verifier.foreign.electionguard.checks import CHECKS_1, CHECKS_2
from voting.verifier.foreign.explain import SYSTEMS
from voting.verifier.foreign.helios.checks import CHECKS as HELIOS


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


@pytest.mark.parametrize("check", [*BELENIOS, *HELIOS], ids=lambda check: check.id)
def test_the_number_says_which_system(check: CheckInfo) -> None:
    result = explain(check.id.lower())
    assert result.exit_code == 0
    assert f"{check.id}: {check.title}" in result.output
    assert (f"Rule: {check.rule}." if check.rule else "Cannot be checked") in result.output
    assert (f"Stands on: {', '.join(check.needs)}." in result.output) == bool(check.needs)


@pytest.mark.parametrize("check", CHECKS_2, ids=lambda check: check.id)
def test_electionguard_has_two_numberings(check: CheckInfo) -> None:
    output = explain("--format", "electionguard", check.id).output
    assert f"ElectionGuard 2.0, {check.id}: {check.title}" in output
    older = [each.title for each in CHECKS_1 if each.id == check.id]
    assert [line.partition(": ")[2] for line in output.splitlines() if "0.95 to 1.1" in line] == older


def test_lists_and_refusals() -> None:
    counts = {system: len(explain("--format", system).output.splitlines()) for system in SYSTEMS}
    assert counts == {
        "belenios": len(BELENIOS),
        "helios": len(HELIOS),
        "electionguard": len(CHECKS_1) + len(CHECKS_2) + 2,
    }
    assert explain("B99").exit_code == 2
    assert explain("--format", "helios", "B01").exit_code == 2
    assert explain("14").output.startswith("Check 14")
