"""The argument BOARD of `urne-trustee`: a path on this machine, or the web address of an election."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trustee_tools.sources import RemoteBoard
from voting.terminal import PlaceType


class BoardType(PlaceType):
    """A path, or a board behind a web address that is closed with the command."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make an address a board that can be fetched."""
        place = super().convert(value, param, ctx)
        if isinstance(place, Path):
            return place
        remote = RemoteBoard(place)
        if ctx is not None:
            ctx.call_on_close(remote.close)
        return remote


BOARD = BoardType()
