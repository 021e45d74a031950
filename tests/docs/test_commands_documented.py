"""Every command and option has a help text and is in the documentation; what the documentation shows exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def programs() -> dict[str, str]:
    """The commands that installing Urne gives: name -> module:function."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    scripts: dict[str, str] = project["project"]["scripts"]
    return scripts


def group_of(program: str) -> click.Group:
    """The click group of a program: its entry point, or the one group that the entry point's module defines."""
    module_name, _, function = programs()[program].partition(":")
    module = import_module(module_name)
    entry = getattr(module, function)
    if isinstance(entry, click.Group):
        return entry
    groups = [value for value in vars(module).values() if isinstance(value, click.Group)]
    inner = {id(command) for group in groups for command in group.commands.values()}
    outermost = [group for group in groups if id(group) not in inner]
    assert len(outermost) == 1, f"{module_name} has {len(outermost)} outermost groups"
    return outermost[0]


class Named(NamedTuple):
    name: str
    """As it is typed, e.g. "urne election new"."""
    command: click.Command


def commands_of(program: str) -> list[Named]:
    def walk(name: str, command: click.Command) -> Iterator[Named]:
        yield Named(name, command)
        if isinstance(command, click.Group):
            for child, inner in command.commands.items():
                if not inner.hidden:
                    yield from walk(f"{name} {child}", inner)

    return list(walk(program, group_of(program)))


def console_lines(text: str) -> list[str]:
    """The commands that fenced `console` blocks show, without their prompt."""
    lines = [line for block in _CONSOLE.findall(text) for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def shown_commands() -> list[tuple[str, str]]:
    found = []
    for document in DOCUMENTS:
        for line in console_lines(document.read_text(encoding="utf-8")):
            if line.split()[0] in programs():
                found.append((str(document.relative_to(ROOT)), line))
    return found


def parse(line: str) -> None:
    """Parse a command line as click does, without running it. Raises click.UsageError."""
    program, *arguments = shlex.split(line)
    command: click.Command = group_of(program)
    context = command.make_context(program, arguments)
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command = found
        context = command.make_context(name, arguments, parent=context)


@pytest.mark.parametrize("program", programs())
def test_every_command_and_option_has_a_help_text(program: str) -> None:
    silent = []
    for name, command in commands_of(program):
        if not (command.help or "").strip():
            silent.append(name)
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden and not (parameter.help or "").strip():
                silent.append(f"{name} {parameter.opts[0]}")
    assert silent == []


@pytest.mark.parametrize("program", programs())
def test_every_command_is_in_the_documentation(program: str) -> None:
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    absent = [name for name, _ in commands_of(program) if not re.search(rf"\b{re.escape(name)}\b", text)]
    assert absent == []


def test_the_documentation_shows_commands() -> None:
    assert len(shown_commands()) > 20


@pytest.mark.parametrize(("document", "line"), shown_commands())
def test_every_command_shown_exists(document: str, line: str) -> None:
    try:
        parse(line)
    except click.UsageError as error:
        pytest.fail(f"{document}: {line}: {error.format_message()}")


def test_make_targets_that_are_shown_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line for document in DOCUMENTS for line in console_lines(document.read_text(encoding="utf-8"))]
    shown = {line.split()[1] for line in lines if line.startswith("make ")}
    assert shown >= {"demo", "test"}
    assert shown <= targets


def test_every_program_that_is_shown_is_known() -> None:
    lines = [line for document in DOCUMENTS for line in console_lines(document.read_text(encoding="utf-8"))]
    assert {line.split()[0] for line in lines} <= {*programs(), "make"}


@pytest.mark.parametrize("line", ["export", "nonsense x", "log x --nonsense", ""])
def test_a_wrong_command_is_noticed(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(f"urne-board {line}")
