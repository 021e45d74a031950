"""Check 1 of ElectionGuard records, the part that all versions share: the group, and the numbers of guardians.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from voting.crypto.group import Group
from voting.verifier.foreign.electionguard.groups import Parameters, parameters_of
from voting.verifier.foreign.findings import Ledger

MAX_GUARDIANS = 10_000


def check_group(ledger: Ledger, group: Group, group_name: str, parameters: Parameters) -> None:
    """A record's four numbers are those of the published group."""
    for name, expected, found in zip(Parameters._fields, parameters_of(group), parameters, strict=True):
        if expected == found:
            ledger.hold("1")
        else:
            reason = f"is not that of the published parameters ({group_name}): other groups are refused"
            ledger.fail("1", name, reason, expected=f"{expected:X}"[:16], found=f"{found:X}"[:16])


def check_quorum(ledger: Ledger, file: str, guardians: int, quorum: int) -> None:
    """There can be so many guardians, and such a quorum of them. `file` names them."""
    if 1 <= quorum <= guardians <= MAX_GUARDIANS:
        ledger.hold("1")
    else:
        ledger.fail("1", file, f"cannot have {guardians} guardians and a quorum of {quorum}")
