"""The numbered checks, one file each, in the order of docs/spec/verification.md.

A check's docstring is what `urne-verify explain` prints.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from voting.protocol.errors import UnavailableError
from voting.verifier.checks import (
    c01_manifest,
    c02_chain,
    c03_checkpoint,
    c04_phases,
    c05_signatures,
    c06_commitments,
    c07_ceremony,
    c08_joint_key,
    c09_credentials,
    c10_opening,
    c11_ballot_signatures,
    c12_ciphertexts,
    c13_ballot_shape,
    c14_ballot_proofs,
    c15_copies,
    c16_counted,
    c17_tally,
    c18_shares,
    c19_totals,
    c20_outcome,
    c21_extension,
)
from voting.verifier.context import Context
from voting.verifier.findings import CheckInfo, CheckResult


class Check(NamedTuple):
    """One numbered check."""

    info: CheckInfo
    run: Callable[[Context], CheckResult]
    module: ModuleType

    @property
    def explanation(self) -> str:
        """What the check claims, its rule, and what it stops.

        Raises:
            UnavailableError: if Python was told to leave docstrings out (-OO).
        """
        if not self.module.__doc__:
            raise UnavailableError("Python runs without docstrings", remedy="run it without -OO")
        return inspect.cleandoc(self.module.__doc__)

    @property
    def rule(self) -> str:
        """The rule alone, on one line; empty if Python was told to leave docstrings out (-OO)."""
        _before, _word, after = (self.module.__doc__ or "").partition("\nRule: ")
        return " ".join(after.partition("\nStops: ")[0].split())


def _check(module: ModuleType) -> Check:
    return Check(module.CHECK, module.run, module)


CHECKS: tuple[Check, ...] = tuple(
    map(
        _check,
        (
            c01_manifest,
            c02_chain,
            c03_checkpoint,
            c04_phases,
            c05_signatures,
            c06_commitments,
            c07_ceremony,
            c08_joint_key,
            c09_credentials,
            c10_opening,
            c11_ballot_signatures,
            c12_ciphertexts,
            c13_ballot_shape,
            c14_ballot_proofs,
            c15_copies,
            c16_counted,
            c17_tally,
            c18_shares,
            c19_totals,
            c20_outcome,
            c21_extension,
        ),
    )
)
"""All checks, in order."""
