"""A peer: Belenios's own `belenios-tool` makes elections of random form, and verifies archives beside our verifier.

    python -m tests.simulators.belenios --count 50 --seed 1    fresh archives: the verdicts of both
    python -m tests.simulators.belenios --tampered FOLDER      a table of the verdicts of both on tampered archives

The tool is Debian's package `belenios-tool`. Everything it makes is thrown away: keys and credentials are worthless.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from voting.verifier.foreign.belenios import verify
from voting.verifier.report import Report, Verdict

TOOL = "belenios-tool"
NOTHING_WRONG = (Verdict.VERIFIED, Verdict.VALID_SO_FAR)
_SECONDS = 300


class Config(NamedTuple):
    """What kind of election is made."""

    group: str
    singles: int
    threshold: int
    """Of the group of trustees who share a key; 0: there is no such group."""
    members: int
    questions: tuple[dict[str, Any], ...]
    weights: tuple[int, ...]
    """One for each voter; all 1: no weights."""
    votes: tuple[int, ...]
    """How many times each voter votes."""
    shuffles: int

    @property
    def is_mixed(self) -> bool:
        return any("type" in question for question in self.questions)

    def __str__(self) -> str:
        group = f", {self.threshold} of {self.members}" if self.threshold else ""
        kinds = " / ".join(_question_text(question) for question in self.questions)
        return (
            f"{self.group}, trustees {self.singles}{group}, questions {kinds}, "
            f"weights {'yes' if set(self.weights) != {1} else 'no'}, votes {'+'.join(map(str, self.votes))}"
        )


def _question_text(question: dict[str, Any]) -> str:
    if "type" in question:
        return "ranked"
    return f"{len(question['answers'])}{' blank' if 'blank' in question else ''} {question['min']}..{question['max']}"


def has_tool() -> bool:
    """Whether the peer is installed."""
    return shutil.which(TOOL) is not None


@cache
def is_version_2_0() -> bool:
    """Whether the peer is Debian 12's: other names of options, no group Ed25519, certificates without a context."""
    done = subprocess.run([TOOL, "--version"], capture_output=True, text=True, timeout=_SECONDS)
    return done.stdout.startswith("2.0")


def knows_ed25519() -> bool:
    """Whether the peer is installed, and makes elections in the group Ed25519 (from version 2.1 on)."""
    return has_tool() and not is_version_2_0()


def random_config(rng: random.Random, group: str = "") -> Config:
    """A small election of random form, in a group that can hold it or in the one named (BELENIOS-2048: no ranks)."""
    is_mixed = rng.random() < 0.25
    questions = [_random_question(rng) for _ in range(rng.randint(1, 2))]
    if is_mixed:
        answers = [f"Person {number}" for number in range(rng.randint(2, 4))]
        questions.append({"type": "NonHomomorphic", "value": {"answers": answers, "question": "Rank them"}})
        questions = questions[-2:]
    members = rng.choice((0, 0, 2, 3))
    voters = rng.randint(1, 3 if is_mixed else 4)
    has_weights = not is_mixed and rng.random() < 0.5
    chosen = "RFC-3526-2048" if is_mixed else rng.choice(("BELENIOS-2048", "BELENIOS-2048", "RFC-3526-2048"))
    most = members if is_version_2_0() else members - 1  # later versions refuse that all must decrypt
    return Config(
        group=group or chosen,
        singles=rng.randint(0 if members else 1, 2),
        threshold=rng.randint(1, most) if members else 0,
        members=members,
        questions=tuple(questions),
        weights=tuple(rng.choice((1, 2, 7, 1000)) if has_weights else 1 for _ in range(voters)),
        votes=tuple(rng.choice((0, 1, 1, 2)) for _ in range(voters)),
        shuffles=rng.randint(1, 2) if is_mixed else 0,
    )


def _random_question(rng: random.Random) -> dict[str, Any]:
    count = rng.randint(1, 4)
    highest = rng.randint(1, count)
    question = {
        "answers": [f"Answer {number}" for number in range(count)],
        "min": rng.randint(0, highest),
        "max": highest,
        "question": "Which ones?",
    }
    return {**question, "blank": True} if rng.random() < 0.4 else question


class BeleniosElection:
    """An election in a folder, run by the peer's commands from the setup to the result."""

    def __init__(self, folder: Path, config: Config, rng: random.Random) -> None:
        self.folder = folder
        self._config = config
        self._rng = rng
        self._private: list[Path] = []
        self._members: list[str] = []

    def run(self) -> Path:
        """The finished archive."""
        self.set_up()
        self.vote()
        self.tally()
        return self.folder

    def set_up(self) -> None:
        """Credentials, trustees, parameters, and an archive with a Setup event."""
        config = self._config
        uuid = self._call("setup", "generate-token").strip()
        group = ("--group", config.group)
        has_weights = set(config.weights) != {1}
        voters = [
            f"voter{number}@example.org,voter{number}" + (f",{weight}" if has_weights else "")
            for number, weight in enumerate(config.weights)
        ]
        self._write("voters.txt", "".join(f"{line}\n" for line in voters))
        self._call("setup", "generate-credentials", "--uuid", uuid, *group, "--file", "voters.txt")
        next(self.folder.glob("*.privcreds")).rename(self.folder / "private_creds.txt")
        next(self.folder.glob("*.pubcreds")).rename(self.folder / "public_creds.json")
        self._make_trustees(group)
        questions = list(config.questions)
        template = {"description": "d", "name": "Trial", "administrator": "a", "credential_authority": "c"}
        self._write("template.json", json.dumps({**template, "questions": questions}))
        self._call("setup", "make-trustees")
        self._call("setup", "make-election", "--uuid", uuid, *group, "--template", "template.json")
        self._call("archive", "init")

    def _make_trustees(self, group: Sequence[str]) -> None:
        config = self._config
        keys = ""
        for _ in range(config.singles):
            self._call("setup", "generate-trustee-key", *group)
            new = next(path for path in self.folder.glob("*.privkey") if path not in self._private)
            self._private.append(new)
            keys += new.with_suffix(".pubkey").read_text()
        self._write("public_keys.jsons", keys)
        if not config.threshold:
            return
        command = ("setup", "generate-trustee-key-threshold", *group)
        for index in range(1, config.members + 1):
            context = f"{index}/{config.threshold}/{config.members}"
            self._call(*command, "--step", "1", *(() if is_version_2_0() else ("--threshold-context", context)))
            new_members = (path.stem for path in self.folder.glob("*.cert") if path.stem not in self._members)
            self._members.append(next(new_members))
        self._write("certs.jsons", "".join((self.folder / f"{name}.cert").read_text() for name in self._members))
        certs: tuple[str, ...] = ("--certs", "certs.jsons")
        if is_version_2_0():
            certs = (*certs, "--threshold", str(config.threshold))
        polynomials = [self._call(*command, *certs, "--key", f"{name}.key", "--step", "3") for name in self._members]
        self._write("polynomials.jsons", "".join(polynomials))
        both = (*certs, "--polynomials", "polynomials.jsons")
        self._call(*command, *both, "--step", "4")
        outputs = [
            self._call(*command, *certs, "--key", f"{name}.key", "--step", "5", given=self._read(f"{name}.vinput"))
            for name in self._members
        ]
        self._write("threshold.json", self._call(*command, *both, "--step", "6", given="".join(outputs)))

    def vote(self) -> None:
        """Every voter votes so many times; then voting ends."""
        text = self._read("private_creds.txt")
        if is_version_2_0():
            private = [line.split()[-1] for line in text.splitlines()]
        else:
            private = list(json.loads(text).values())
        ballots = [line for line, count in zip(private, self._config.votes, strict=True) for _ in range(count)]
        self._rng.shuffle(ballots)
        for credential in ballots:
            self._write("credential.txt", credential)
            self._write("choices.json", json.dumps([self._choice(question) for question in self._config.questions]))
            made = ("--privcred", "credential.txt", "--ballot" if is_version_2_0() else "--choice", "choices.json")
            self._add("Ballot", self._call("election", "generate-ballot", *made))
        self._add("EndBallots", "")

    def _choice(self, question: dict[str, Any]) -> list[int]:
        rng = self._rng
        if "type" in question:
            return [rng.randint(0, 9) for _ in question["value"]["answers"]]
        count = len(question["answers"])
        is_blank = "blank" in question and rng.random() < 0.4
        marked = set() if is_blank else set(rng.sample(range(count), rng.randint(question["min"], question["max"])))
        choice = [int(number in marked) for number in range(count)]
        return [int(is_blank), *choice] if "blank" in question else choice

    def tally(self) -> None:
        """Encrypted tally, shuffles, partial decryptions by as many trustees as are needed, result."""
        config = self._config
        self._add("EncryptedTally", self._call("election", "compute-encrypted-tally"))
        trustees = config.singles + config.members
        if config.is_mixed:
            for number in range(config.shuffles):
                trustee = str(number % trustees + 1)
                self._add("Shuffle", self._call("election", "shuffle", "--trustee-id", trustee))
            self._add("EndShuffles", "")
        for number, path in enumerate(self._private, 1):
            share = self._call("election", "decrypt", "--privkey", path.name, "--trustee-id", str(number))
            self._add("PartialDecryption", share)
        chosen = self._rng.sample(range(len(self._members)), config.threshold)
        for index in chosen:
            name, number = self._members[index], config.singles + index + 1
            keys = ("--key", f"{name}.key", "--decryption-key", f"{name}.dkey")
            share = self._call("election", "decrypt-threshold", *keys, "--trustee-id", str(number))
            self._add("PartialDecryption", share)
        self._add("Result", self._call("election", "compute-result"))

    def _add(self, kind: str, data: str) -> None:
        self._call("archive", "add-event", "--type", kind, given=data)

    def _call(self, *arguments: str, given: str = "") -> str:
        if arguments[0] == "election":
            arguments = (*arguments, "--dir", ".")
        done = subprocess.run(
            [TOOL, *arguments], cwd=self.folder, input=given, capture_output=True, text=True, timeout=_SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"{TOOL} {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text()


def tool_accepts(folder: Path) -> bool:
    """Whether the peer verifies the one archive in a folder. It wants the file to be named after the election."""
    archive = next(folder.glob("*.bel"))
    with tempfile.TemporaryDirectory() as place:
        shutil.copy(archive, Path(place) / f"{_uuid(archive)}.bel")
        done = subprocess.run(
            [TOOL, "election", "verify", "--dir", place], capture_output=True, text=True, timeout=_SECONDS
        )
    return done.returncode == 0


def _uuid(archive: Path) -> str:
    start = archive.read_bytes()[:65536]
    place = start.index(b'"uuid":"') + len(b'"uuid":"')
    return start[place : start.index(b'"', place)].decode()


def failed_checks(report: Report) -> str:
    """The numbers of the checks that failed."""
    return " ".join(check.id for check in report.checks if check.findings)


def verify_tampered(tampered: Path) -> dict[str, Report]:
    """Our reports on the archives that `cases.json` lists."""
    cases = json.loads((tampered / "cases.json").read_text())
    return {case["name"]: verify(tampered / case["name"]) for case in cases}


def table_rows(tampered: Path, reports: dict[str, Report]) -> list[str]:
    """A row for each tampered archive: what a verifier must say, and what both say."""
    rows = []
    for case in json.loads((tampered / "cases.json").read_text()):
        report = reports[case["name"]]
        must = "accept" if case["expected"].startswith("accept") else "reject"
        ours = "accepts" if report.verdict in NOTHING_WRONG else f"rejects: {failed_checks(report)}"
        peer = f"{case['belenios_tool_2_0']}s"
        rows.append(f"| {case['name']} | {must} | {ours} | {peer} |")
    return rows


def main() -> None:
    """Make archives and print the verdicts; exit code 1 if a good one was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="how many elections")
    parser.add_argument("--seed", type=int, default=0, help="of their forms (keys are random anyway)")
    parser.add_argument("--tampered", type=Path, help="print the table of tampered archives instead")
    options = parser.parse_args()
    if options.tampered:
        print("| archive | a verifier must | ours | belenios-tool 2.0 |\n|---|---|---|---|")
        print("\n".join(table_rows(options.tampered, verify_tampered(options.tampered))))
        return
    refused = 0
    for number in range(options.count):
        rng = random.Random(options.seed * 1000 + number)
        config = random_config(rng)
        with tempfile.TemporaryDirectory() as place:
            folder = BeleniosElection(Path(place), config, rng).run()
            report, peer = verify(folder), tool_accepts(folder)
        refused += report.verdict is not Verdict.VERIFIED or not peer
        print(f"{number:3} ours: {report.verdict}, peer: {'accepts' if peer else 'rejects'}  {config}", flush=True)
        for check in report.checks:
            for finding in check.findings:
                print(f"    {check.id} {finding}")
    print(f"{options.count - refused} of {options.count} accepted by both")
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    main()
