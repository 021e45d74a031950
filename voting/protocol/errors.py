"""All of Urne's error types, grouped by who can mend them.

Base and mathematics: `UrneError`, `DecodeError`, `NotInGroup`, `ProofError`, `SignatureInvalid`, `KeyFileError`.
The person at the keyboard: `UsageError`, `InputErrors`. The record: `VerificationError`.
The machine: `UnavailableError`.
"""

from __future__ import annotations

from collections.abc import Sequence

from voting.crypto.errors import (
    DecodeError,
    KeyFileError,
    NotInGroup,
    ProofError,
    SignatureInvalid,
    UrneError,
)

__all__ = [
    "DecodeError",
    "InputErrors",
    "KeyFileError",
    "NotInGroup",
    "Problem",
    "ProofError",
    "SelectionError",
    "SignatureInvalid",
    "UnavailableError",
    "UrneError",
    "UsageError",
    "VerificationError",
]


class UsageError(UrneError):
    """The command, or its arguments, cannot be meant: nothing was done."""

    code = "usage"
    exit_code = 2


class UnavailableError(UrneError):
    """A file, a disk or a service is missing, locked, full or broken."""

    code = "unavailable"


class SelectionError(UrneError):
    """A voter's choices break the rules of the question. The text names the rule, never the choices."""

    code = "selection"
    exit_code = 2


_LONGEST = 500
"""Characters of a place or a problem: both may quote what is at fault."""


def _printable(text: str) -> str:
    """Cut short, and with half characters (which JSON can hold, and no file or terminal takes) written out."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return short.encode("utf-8", "backslashreplace").decode("utf-8")


class Problem:
    """One fault in something that a person wrote: its place, what is wrong, what to do."""

    __slots__ = ("problem", "remedy", "where")

    def __init__(self, where: str, problem: str, remedy: str = "") -> None:
        self.where = _printable(where)
        self.problem = _printable(problem)
        self.remedy = _printable(remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text} ({self.remedy})" if self.remedy else text

    def __repr__(self) -> str:
        return f"Problem({str(self)!r})"


class InputErrors(UsageError):
    """Something a person wrote has faults: they are listed at once, each at its place, as far as anybody would read."""

    code = "input"
    MOST = 200
    """Faults that are listed. The rest are counted."""

    def __init__(self, what: str, problems: Sequence[Problem]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{what}: {count}")
        left_out = len(problems) - self.MOST
        rest = (Problem("", f"and {left_out} more faults"),) if left_out > 0 else ()
        self.problems = (*problems[: self.MOST], *rest)

    def __str__(self) -> str:
        return "\n".join([self.problem, *(f"  {problem}" for problem in self.problems)])


class VerificationError(UrneError):
    """The record breaks a rule. `check` is the two-digit number of the check in docs/spec/verification.md.

    Args:
        check: "01" to "21".
        subject: what is at fault, e.g. "entry 17" or "trustee 2".
        reason: what is wrong with it, in one clause.
        expected, found: the two values that differ, where there are two.
    """

    code = "verification"
    exit_code = 1

    def __init__(self, check: str, subject: str, reason: str, *, expected: str = "", found: str = "") -> None:
        super().__init__(reason, where=subject)
        self.check = check
        self.subject = subject
        self.reason = reason
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        text = f"check {self.check}: {self.subject}: {self.reason}"
        if self.expected or self.found:
            text += f" (expected {self.expected or 'nothing'}, found {self.found or 'nothing'})"
        return text
