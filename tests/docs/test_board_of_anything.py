"""The worked example of docs/board-of-anything.md, run as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "board-of-anything.md"
PROGRAM = [sys.executable, "-m", "bulletin_board.cli"]

_BLOCK = re.compile(r"^```(console|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"[Tt]he file `([\w.]+)`[^`]*\Z")


def steps() -> Iterator[tuple[str, str]]:
    """In order: a file's name and what is in it, or "" and a command."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        if block[1] == "json":
            name = _FILE.search(text, 0, block.start())
            assert name is not None, "the page does not name the file"
            yield name[1], block[2].removesuffix("\n")
        else:
            yield from (("", line.removeprefix("$ ")) for line in block[2].splitlines())


class Example:
    """Runs the steps in a folder. `serve` goes on in the background, on a port of its own choice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[str]] = []
        self.addresses: dict[str, str] = {}
        self.outputs: dict[str, str] = {}

    def run(self, command: str) -> None:
        words = shlex.split(self.with_addresses(command).replace('"$(cat vkey)"', self.vkey()))
        assert words[0] == "urne-board"
        if words[1] == "serve":
            self.serve(words[1:])
            return
        done = subprocess.run([*PROGRAM, *words[1:]], cwd=self.folder, check=False, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
        self.outputs[command] = done.stdout

    def with_addresses(self, command: str) -> str:
        for shown, real in self.addresses.items():
            command = command.replace(shown, real)
        return command

    def vkey(self) -> str:
        return next((text.strip() for command, text in self.outputs.items() if " init " in command), "")

    def serve(self, words: list[str]) -> None:
        place = words.index("--listen") + 1
        shown, words[place] = words[place], "127.0.0.1:0"
        server = subprocess.Popen(
            [*PROGRAM, *words], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.servers.append(server)
        assert server.stdout is not None
        line = server.stdout.readline().strip()
        assert line.startswith("http://")
        self.addresses[f"http://{shown}"] = line

    def close(self) -> None:
        for server in self.servers:
            server.terminate()
            assert server.wait(30) == 0
            if server.stdout is not None:
                server.stdout.close()


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    made = Example(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_the_example_runs_as_it_stands(example: Example) -> None:
    for name, content in steps():
        if name:
            (example.folder / name).write_text(content, encoding="ascii")
        else:
            example.run(content)
    verified = next(text for command, text in example.outputs.items() if " verify " in command)
    assert "university.example/diplomas has signed that entry 0, diploma.issued" in verified
    assert "diploma.json is that entry, byte for byte." in verified
    logs = [text for command, text in example.outputs.items() if " log " in command]
    assert len(logs) == 2
    assert logs[0] == logs[1]
    assert "diploma.corrected" in logs[0]
    # And what it promises about other entries and keys.
    receipt, vkey = example.folder / "receipt.json", example.vkey()
    altered = vkey[:-3] + ("AAA" if vkey[-3:] != "AAA" else "BBB")
    for words in (["--body", "correction.json", "--vkey", vkey], ["--vkey", altered]):
        done = subprocess.run(
            [*PROGRAM, "verify", receipt, *words], cwd=example.folder, check=False, capture_output=True, text=True
        )
        assert done.returncode != 0
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
