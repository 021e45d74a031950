"""Other verifiers to measure beside ours: belenios-tool, and electionguard-python in an environment of its own.

Each is asked for the processor time that it needs for one choice: a ciphertext, its 0/1 proof and its part of the proof
of the sum, on ballots of ten choices. Everything that they need is made once and kept outside the repository.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple, Protocol

from benchmarks import belenios
from tests.simulators.belenios import has_tool

CHOICES = 10
_BELENIOS_GROUP = "BELENIOS-2048"
_ELECTIONGUARD = "electionguard==1.4.0"
_SCRIPT = Path(__file__).with_name("electionguard_ballots.py")


class Peer(Protocol):
    """Another verifier."""

    name: str

    def per_choice(self) -> float:
        """Processor milliseconds for a choice, measured now."""


class BeleniosTool:
    """`belenios-tool election verify`, less what it needs for the setup alone."""

    name = f"belenios-tool, {_BELENIOS_GROUP}"

    def __init__(self, cache: Path, ballots: int) -> None:
        self._ballots = ballots
        folder = cache / f"belenios-{_BELENIOS_GROUP}-{ballots}"
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache) as place:
                made = belenios.make_archive(Path(place), ballots, _BELENIOS_GROUP)
                unfinished = folder.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                (unfinished / "whole").mkdir(parents=True)
                (unfinished / "setup").mkdir()
                for archive in made.glob("*.bel"):
                    shutil.copy(archive, unfinished / "whole")
                belenios.first_event(unfinished / "whole", unfinished / "setup")
            unfinished.rename(folder)
        self._whole, self._setup = folder / "whole", folder / "setup"

    def per_choice(self) -> float:
        """As `Peer.per_choice`."""
        return (belenios.theirs(self._whole) - belenios.theirs(self._setup)) / (self._ballots * CHOICES)


class ElectionGuardPython:
    """electionguard-python's own check of whole ballots, 4096 bits, a placeholder counted as a choice."""

    name = _ELECTIONGUARD.replace("==", " ") + ", 4096 bits"

    def __init__(self, cache: Path, ballots: int) -> None:
        self._ballots = ballots
        folder = cache / _ELECTIONGUARD.replace("==", "-")
        self._python = folder / "bin" / "python"
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([str(self._python), "-m", "pip", "install", "--quiet", _ELECTIONGUARD], check=True)
            (folder / "complete").touch()

    def per_choice(self) -> float:
        """As `Peer.per_choice`."""
        command = [str(self._python), str(_SCRIPT), str(CHOICES), str(self._ballots)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        answer = json.loads(done.stdout.splitlines()[-1])
        if not answer["valid"]:
            raise SystemExit("electionguard-python refused its own ballots")
        return float(answer["seconds"]) / int(answer["selections"]) * 1e3


class Pair(NamedTuple):
    """A peer, and the group in which we are compared with it."""

    peer: Peer
    group: str


def find_peers(cache: Path, *, quick: bool) -> tuple[list[Pair], list[str]]:
    """The peers that can be measured here, and why others cannot."""
    cache.mkdir(parents=True, exist_ok=True)
    found, missing = [], []
    if has_tool():
        found.append(Pair(BeleniosTool(cache, 20 if quick else 50), "integer-3072"))
    else:
        missing.append("belenios-tool is not installed; on Debian: sudo apt-get install belenios-tool")
    try:
        found.append(Pair(ElectionGuardPython(cache, 5 if quick else 20), "integer-4096"))
    except subprocess.CalledProcessError as error:
        missing.append(f"{_ELECTIONGUARD} could not be installed ({error})")
    return found, missing
