"""What all of Urne's commands share at the terminal: one printer of errors, exit codes, progress, plain output.

Answers go to standard output, everything else (progress, hints, errors) to standard error. Exit codes: 0 fine, 1 a
check failed, 2 wrong usage, 3 could not be done or checked, 4 valid so far but unfinished; 130 stopped by the keyboard.
No user sees a traceback, unless with --debug. It must not import any command, board or web code.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from voting.address import Address, parse_place
from voting.protocol.errors import InputErrors, UrneError
from voting.translations import LANGUAGES, set_language
from voting.translations import text as _

EXIT_CANNOT = 3
EXIT_STOPPED = 130
EXIT_BROKEN_PIPE = 141

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Program(click.Group):
    """The outermost group of a command: it ends every run with a clear sentence and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and report its error, if there is one."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except click.exceptions.Exit:
            raise
        except (click.Abort, KeyboardInterrupt, EOFError):
            click.echo(_("Stopped."), err=True)
            ctx.exit(EXIT_STOPPED)
        except click.ClickException as error:
            ctx.exit(print_click_error(error))
        except BrokenPipeError:
            # Python flushes standard output once more at exit, which must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(EXIT_BROKEN_PIPE)
        except Exception as error:
            ctx.exit(print_error(error, debug=bool(ctx.params.get("debug"))))
        return result


def print_error(error: Exception, *, debug: bool = False) -> int:
    """Tell the user what went wrong, on standard error, and give the exit code."""
    if isinstance(error, InputErrors):
        click.echo(f"error: {error.problem}", err=True)
        for problem in error.problems:
            click.echo(f"  {problem.where}: {problem.problem}" if problem.where else f"  {problem.problem}", err=True)
            if problem.remedy:
                click.echo(f"      {problem.remedy}", err=True)
    elif isinstance(error, UrneError):
        remedy, error.remedy = error.remedy, ""
        click.echo(f"error: {error}", err=True)
        error.remedy = remedy
        if remedy:
            click.echo(f"hint: {remedy}", err=True)
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {place}{error.strerror or type(error).__name__}", err=True)
    else:
        # The text of an unforeseen error may hold anything, even a secret: only its type and place are shown.
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
        click.echo(f"error: a fault in this program ({type(error).__name__} in {place}). Sorry.", err=True)
        click.echo("hint: please report it with the command you ran; --debug before the command shows more", err=True)
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    return error.exit_code if isinstance(error, UrneError) else EXIT_CANNOT


def print_click_error(error: click.ClickException) -> int:
    """Tell the user what is wrong with the command line, and give the exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    message = error.format_message().strip()
    click.echo(f"error: {message[:1].lower()}{message[1:].rstrip('.')}", err=True)
    if isinstance(error, click.UsageError):
        if error.ctx is not None:
            click.echo(f"hint: see {error.ctx.command_path} --help", err=True)
        return error.exit_code
    return EXIT_CANNOT


def program_options(function: F) -> F:
    """The options every program has before its command: --language and --debug."""
    with_debug = click.option("--debug", is_flag=True, help="Show a traceback with an error (for a report).")(function)
    return click.option(
        "--language",
        type=click.Choice(LANGUAGES),
        expose_value=False,
        is_eager=True,
        callback=lambda _ctx, _parameter, value: set_language(value),
        help="Language of prompts and explanations; without it, that of the environment.",
    )(with_debug)


toy_option = click.option(
    "--allow-toy-group", "allow_toy", is_flag=True, help="Accept a group that is for tests only and protects nothing."
)
"""For every command that reads a record."""


if TYPE_CHECKING:
    _PathOrAddress = click.ParamType[Path | Address]
else:
    _PathOrAddress = click.ParamType  # not generic before click 8.2


class PlaceType(_PathOrAddress):
    """An argument that is a path on this machine, or a web address."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | Address:
        """Tell the two apart. Raises UsageError for a malformed address."""
        return value if isinstance(value, (Path, Address)) else parse_place(str(value))


PLACE = PlaceType()

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def say(line: str = "") -> None:
    """A line of the answer, on standard output."""
    click.echo(line)


def tell(line: str = "") -> None:
    """A line about the work, on standard error."""
    click.echo(line, err=True)


def print_json(value: Any) -> None:
    """An answer for a machine."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error, for the `with` block; call what it gives once per step. Silent in a pipe."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # slow to import, and not needed by most commands
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


def counted(label: str, items: Iterable[T], total: int) -> Iterator[T]:
    """The same items, with a progress bar that moves as they are taken."""
    with progress(label, total) as advance:
        for item in items:
            yield item
            advance()


def table(rows: Iterable[tuple[str, ...]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Lines of a plain table; the columns in `right` are aligned to the right."""
    cells = [tuple(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))] if cells else []
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
