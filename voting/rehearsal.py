"""A rehearsal: a whole election for one draft, on a scratch board, with made-up people, verified at the end.

    python -m voting.rehearsal FOLDER

`start_rehearsal` prepares FOLDER; the command above, a process of its own so that a site stays quick, does the work and
writes down how far it is. `rehearsal_state` reads that. The board, the rules and the checks are those of a real
election; the trustees, voters and ballots are not, and there are no witnesses. It must not import any command or page.

    FOLDER/request.json     what is to be rehearsed
    FOLDER/progress.json    how far it is
    FOLDER/outcome.json     how it ended
    FOLDER/record.zip       the record that was verified
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom
from typing import NamedTuple, TypeVar

import msgspec

from bulletin_board.export import export_record
from voting.demo_voters import VoterTask, encrypt_ballots
from voting.election.ballots import BALLOT, SEED_BYTES
from voting.election.steps import NewEntry, close_election, compute_tally, open_election, publish_result
from voting.election_folder import OpenElection, create_election_folder, read_signing_key, writing
from voting.files import make_new_folder, read_file, replace_file, write_new_file
from voting.played_parts import give_codes, make_joint_key, publish_shares
from voting.protocol.encoding import Hash
from voting.protocol.errors import UnavailableError, UrneError
from voting.protocol.manifest import Manifest
from voting.protocol.manifest_source import read_manifest
from voting.protocol.messages import ElectionResult
from voting.random_choices import random_choices
from voting.translations import set_language
from voting.verifier.load import open_record
from voting.verifier.report import Verdict
from voting.verifier.report_text import report_lines
from voting.verifier.verify import verify_record

T = TypeVar("T")

MAX_REHEARSAL_VOTERS = 50
USUAL_VOTERS = 12
STEPS = ("define", "key", "codes", "vote", "tally", "decrypt", "verify")
"""What a rehearsal goes through, in order."""

_REQUEST, _PROGRESS, _OUTCOME, _RECORD = "request.json", "progress.json", "outcome.json", "record.zip"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be rehearsed."""

    draft: Hash
    """Tells whether a later draft is the very same."""
    source: str
    """The manifest source, JSON."""
    voters: int
    allow_toy: bool
    language: str
    """Of the verifier's report."""


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far a rehearsal is."""

    step: str
    """One of STEPS."""
    done: int = 0
    of: int = 0


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a rehearsal ended. The choices in it were drawn at random."""

    draft: Hash
    is_verified: bool
    problem: str = ""
    """Why it did not come to an end; empty if it did."""
    report: tuple[str, ...] = ()
    """The lines of `urne-verify`."""
    manifest: Manifest | None = None
    result: ElectionResult | None = None
    voters: int = 0
    seconds: float = 0.0


class RehearsalState(NamedTuple):
    """What is known of the rehearsal in a folder."""

    request: Request | None
    progress: Progress | None
    outcome: Outcome | None


def start_rehearsal(folder: Path, request: Request) -> list[str]:
    """Prepare a folder, in place of an earlier rehearsal, and give the command that does the work.

    Raises:
        UnavailableError: if it cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    make_new_folder(folder)
    write_new_file(folder / _REQUEST, msgspec.json.encode(request))
    return [sys.executable, "-P", "-m", "voting.rehearsal", str(folder.absolute())]


def rehearsal_state(folder: Path) -> RehearsalState:
    """How far the rehearsal in a folder is. Unreadable files count as missing."""
    return RehearsalState(
        _read(folder / _REQUEST, Request), _read(folder / _PROGRESS, Progress), _read(folder / _OUTCOME, Outcome)
    )


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(read_file(path), type=kind)
    except (UnavailableError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def rehearse(folder: Path, *, clock: Callable[[], float], random_bytes: Callable[[int], bytes]) -> Outcome:
    """Do the whole work. Raises UrneError if it cannot be done."""
    request = msgspec.json.decode(read_file(folder / _REQUEST), type=Request)
    set_language(request.language)
    started = clock()

    def tell(step: str, done: int = 0, of: int = 0) -> None:
        replace_file(folder / _PROGRESS, msgspec.json.encode(Progress(step=step, done=done, of=of)))

    def make(administrator: bytes, authority: bytes, vkey: str, nonce: str) -> Manifest:
        manifest = read_manifest(
            request.source,
            name="draft",
            form="json",
            administrator=administrator,
            authority=authority,
            board_vkey=vkey,
            nonce=nonce,
        )
        # No witness watches a scratch board.
        return msgspec.structs.replace(manifest, witnesses=(), quorum=0)

    tell("define")
    manifest = create_election_folder(folder / "election", make, random_bytes=random_bytes)
    with writing(folder / "election", allow_toy=request.allow_toy) as election:
        _play(election, request.voters, tell, random_bytes)
        export_record(election.board, folder / _RECORD)
        result = election.record.result
    tell("verify")
    with open_record(folder / _RECORD) as source:
        report = verify_record(source, allow_toy=request.allow_toy, language=request.language)
    return Outcome(
        draft=request.draft,
        is_verified=report.verdict is Verdict.VERIFIED,
        report=tuple(report_lines(report, request.language)),
        manifest=manifest,
        result=result,
        voters=request.voters,
        seconds=round(clock() - started, 1),
    )


def _play(
    election: OpenElection,
    voters: int,
    tell: Callable[..., None],
    random_bytes: Callable[[int], bytes],
) -> None:
    """From the ceremony to the result."""

    def append(entry: NewEntry) -> None:
        election.append(entry)

    manifest = election.record.require_manifest()
    administrator, authority = (read_signing_key(election.folder, kind) for kind in ("administrator", "authority"))
    tell("key")
    trustees = make_joint_key(election, append, random_bytes)
    tell("codes")
    codes = give_codes(election, voters, authority, append, random_bytes)
    append(open_election(election.record, administrator, election.now()))
    drawn = SystemRandom()
    tasks = [VoterTask(code, random_choices(manifest, drawn), random_bytes(SEED_BYTES)) for code in codes]
    tasks.append(VoterTask(codes[0], random_choices(manifest, drawn), random_bytes(SEED_BYTES)))  # one votes twice
    tell("vote", 0, len(tasks))
    for done, ballot in enumerate(encrypt_ballots(election.record.ballot_context(), tasks, 1), start=1):
        election.append(NewEntry(BALLOT, ballot.body), ballot.hints)
        tell("vote", done, len(tasks))
    tell("tally")
    append(close_election(election.record, administrator, election.now()))
    append(compute_tally(election.record, election.board.body, administrator, election.now()))
    tell("decrypt")
    publish_shares(election, trustees[: manifest.threshold], append, random_bytes)
    append(publish_result(election.record, administrator, election.now()))


def main(folder: Path) -> None:
    """Rehearse, and write the outcome down, whatever it is."""
    os.nice(10)  # the site and its voters come first
    try:
        outcome = rehearse(folder, clock=time.monotonic, random_bytes=secrets.token_bytes)
    except Exception as error:
        # The administrator must be told that it failed, even by a fault of this program.
        known = str(error) if isinstance(error, UrneError) else f"the program failed ({type(error).__name__})"
        request = rehearsal_state(folder).request
        outcome = Outcome(draft=request.draft if request else Hash(""), is_verified=False, problem=known)
    shutil.rmtree(folder / "election", ignore_errors=True)
    replace_file(folder / _OUTCOME, msgspec.json.encode(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
