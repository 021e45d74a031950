"""A node process that answers one line of JSON by one line of JSON. It must not import the code under test."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent


class Node:
    """Asks a running program of this folder."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer to one question."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def node_program() -> str:
    """Where node is; without it the test is skipped."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("the program node is not here")
    return program


@contextmanager
def running(name: str, *arguments: str) -> Iterator[Node]:
    """A program of this folder as long as the `with` block runs."""
    command = [node_program(), str(FOLDER / name), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Node(process)
