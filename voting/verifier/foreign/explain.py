"""Protocol V: what the checks on other systems' records demand, for `urne-verify explain` (docs/foreign-records.md).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from voting.protocol.errors import UsageError
from voting.translations import text as _
from voting.verifier.findings import CheckInfo
from voting.verifier.foreign.belenios import checks as belenios
from voting.verifier.foreign.electionguard import checks as electionguard
from voting.verifier.foreign.helios import checks as helios

SYSTEMS = ("belenios", "helios", "electionguard")
_TABLES: dict[str, tuple[tuple[str, tuple[CheckInfo, ...]], ...]] = {
    "belenios": (("Belenios", belenios.CHECKS),),
    "helios": (("Helios", helios.CHECKS),),
    "electionguard": (
        ("ElectionGuard 0.95 to 1.1", electionguard.CHECKS_1),
        ("ElectionGuard 2.0", electionguard.CHECKS_2),
    ),
}
_NOT_SHOWN = belenios.NOT_SHOWN | helios.NOT_SHOWN


def system_of(number: str) -> str | None:
    """The system that numbers its checks like this: B01 is of Belenios, H01 of Helios. None if it can be several."""
    return {"B": "belenios", "H": "helios"}.get(number[:1].upper()) if number[1:].isdecimal() else None


def list_lines(system: str) -> Iterator[str]:
    """All checks of a system, one a line."""
    for name, checks in _TABLES[system]:
        if len(_TABLES[system]) > 1:
            yield f"{name}:"
        for check in checks:
            yield f"{check.id} {check.title}"


def explain_lines(system: str, number: str) -> Iterator[str]:
    """What a check is called, what must hold, and what it stands on; for each version that has such a check.

    Raises:
        UsageError: if the system has no check of that number.
    """
    found = [
        (name, check) for name, checks in _TABLES[system] for check in checks if check.id.lower() == number.lower()
    ]
    if not found:
        raise UsageError("this system has no check of that number", remedy=f"urne-verify explain --format {system}")
    for name, check in found:
        yield f"{name}, {check.id}: {check.title}"
        yield from _details(check.id, check.rule, check.needs)


def _details(number: str, rule: str, needs: Sequence[str]) -> Iterator[str]:
    if rule:
        yield _("Rule: {rule}.").format(rule=rule)
    else:
        reason = _NOT_SHOWN.get(number)
        yield _("Cannot be checked: no record of this system shows it.")
        if reason:
            yield f"{reason[:1].upper()}{reason[1:]}."
    if needs:
        yield _("Stands on: {checks}.").format(checks=", ".join(needs))
