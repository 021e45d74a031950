"""The one place where the board's commands turn errors into words and exit codes (docs/spec/log.md, "Commands").

Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 could not be done or checked. No user ever sees a traceback.
"""

from __future__ import annotations

import errno
import traceback
from typing import Any

import click

from voting.protocol.errors import UrneError

EXIT_CANNOT = 3


def describe(error: Exception) -> str:
    """What to tell the user about an error. An unforeseen one is named by type and place: its text may be secret."""
    if isinstance(error, UrneError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or type(error).__name__}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
    return f"a fault in this program ({type(error).__name__} in {place}); please report it"


class FriendlyGroup(click.Group):
    """A click group whose commands end with one clear sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and report its error, if there is one."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            click.echo(f"error: {describe(error)}", err=True)
            ctx.exit(error.exit_code if isinstance(error, UrneError) else EXIT_CANNOT)
