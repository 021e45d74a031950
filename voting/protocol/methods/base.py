"""Protocol M: what every voting method provides. One method is one file beside this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from voting.protocol.errors import Problem
from voting.protocol.shape import BallotShape
from voting.protocol.text import Text

MAX_OPTIONS = 200
"""No question has more options; the cost limits of voting.protocol.manifest are usually stricter."""


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="method"):
    """A question of the manifest. Subclasses are tagged with the method's name and add their own rules.

    A *selection* is what one voter chose, as a small frozen struct of the method. It is a secret: it never reaches a
    log or an error text. *Totals* are the decrypted sums, in the order of `shape().totals`.
    """

    title: Text
    description: Text | None = None

    def problems(self, where: str, languages: tuple[str, ...]) -> Iterator[Problem]:
        """Everything that is wrong with the question, each fault at its place below `where`. A question without
        problems compiles to a shape."""
        raise NotImplementedError

    def shape(self) -> BallotShape:
        """The shape (M1) of this method: values, constraints and totals."""
        raise NotImplementedError

    def encode_selection(self, selection: Any) -> tuple[int, ...]:
        """The values of a ballot with these choices, one per value of the shape.

        Raises:
            SelectionError: if the choices break the question's rules.
        """
        raise NotImplementedError

    def parse_selection(self, data: Any) -> Any:
        """A selection from plain JSON data (numbers, lists, dicts), as `urne vote --choices FILE` and openings hold it.

        Raises:
            SelectionError: if the data has not the form of this method's selection.
        """
        raise NotImplementedError

    def describe_selection(self, selection: Any, language: str) -> list[str]:
        """The choices in words, one line each, for the voter's own eyes."""
        raise NotImplementedError

    def outcome(self, totals: Sequence[int], *, cast: int) -> Any:
        """Protocol M4: what follows from the totals: counts, winners, ranking, seats; ties are reported as ties.

        Args:
            totals: in the order of `shape().totals`.
            cast: total weight of the counted ballots.

        Raises:
            VerificationError: (check 20) if no set of valid ballots can have these totals.
        """
        raise NotImplementedError
