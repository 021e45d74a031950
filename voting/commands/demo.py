"""`urne demo`: a whole election on this machine, with everybody's part played by this program, and verified at the end.

It uses the same board, rules and keys as a real election; only the people are missing.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from bulletin_board.export import export_record
from bulletin_board.reader import open_reader
from trustee_tools.ceremony import TrusteeSecrets
from voting.commands.demo_site import serve_demo_site
from voting.crypto.group import DEFAULT_GROUP, GROUP_NAMES
from voting.crypto.signatures import SigningKey
from voting.demo_ballots import SampleElection, demo_manifest_maker, preflib_election, sample_election
from voting.demo_voters import VoterTask, encrypt_ballots
from voting.election.ballots import BALLOT, SEED_BYTES, EncryptedBallot
from voting.election.preflib import read_preflib
from voting.election.steps import (
    NewEntry,
    close_election,
    compute_tally,
    open_election,
    publish_result,
)
from voting.election_folder import OpenElection, board_folder, create_election_folder, read_signing_key, writing
from voting.files import make_new_folder, read_text
from voting.played_parts import give_codes, make_joint_key, publish_shares
from voting.protocol.errors import UsageError
from voting.protocol.manifest import MAX_TRUSTEES, Manifest
from voting.protocol.text import plain
from voting.protocol.tracker import tracker
from voting.result_text import result_lines
from voting.terminal import counted, say, table, tell
from voting.translations import language
from voting.translations import text as _

MAX_VOTERS = 100_000
ELECTION = "election"
RECORD = "record.zip"


@click.command()
@click.option("--ballots", type=click.Path(path_type=Path), help="Take real ballots from this PrefLib file.")
@click.option(
    "--voters", type=click.IntRange(1, MAX_VOTERS), help="How many voters (default: 300, or all ballots of the file)."
)
@click.option("--group", type=click.Choice(GROUP_NAMES), default=DEFAULT_GROUP, show_default=True, help="The group.")
@click.option(
    "--trustees", type=click.IntRange(1, MAX_TRUSTEES), default=5, show_default=True, help="How many trustees."
)
@click.option(
    "--threshold", type=click.IntRange(1, MAX_TRUSTEES), help="How many of them decrypt (default: more than half)."
)
@click.option("--headless", is_flag=True, help="End in the terminal: serve no site afterwards.")
@click.option("--listen", metavar="HOST:PORT", help="Where the site waits for browsers (default: 127.0.0.1:8080).")
@click.option("--out", type=click.Path(path_type=Path), help="Keep everything in this new folder.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many processor cores to use (default: all).")
@click.pass_context
def demo(
    ctx: click.Context,
    ballots: Path | None,
    voters: int | None,
    group: str,
    trustees: int,
    threshold: int | None,
    headless: bool,
    listen: str | None,
    out: Path | None,
    jobs: int | None,
) -> None:
    """Run a whole election on this machine, with sample ballots, and verify it.

    Then serve a site with another election whose voting is open, until Ctrl-C: vote, decrypt and verify yourself. With
    --ballots or --headless there is no site.
    """
    needed = threshold or trustees // 2 + 1
    if needed > trustees:
        raise UsageError(f"{needed} of {trustees} trustees cannot decrypt", remedy="lower --threshold")
    sample = _sample(ballots, voters)
    manifest_of = demo_manifest_maker(sample, group, trustees, needed)
    if out is None:
        folder = Path(tempfile.mkdtemp(prefix="urne-demo-"))
    else:
        make_new_folder(out)
        folder = out
    try:
        code = _Demo(folder, sample, jobs or os.cpu_count() or 1).run(manifest_of)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if code == 0 and not headless and ballots is None:
        serve_demo_site(folder, group, listen)
    ctx.exit(code)


def _sample(file: Path | None, voters: int | None) -> SampleElection:
    if file is None:
        return sample_election(voters or 300)
    sample = preflib_election(read_preflib(read_text(file), file.name), voters)
    if not sample.ballots:
        raise UsageError("holds no ballot", where=str(file))
    return sample


class _Timing(NamedTuple):
    step: str
    seconds: float
    published: int
    """Bytes that came onto the board."""


class _Demo:
    """One run. What all the people know is in here: a real election keeps it apart."""

    def __init__(self, folder: Path, sample: SampleElection, jobs: int) -> None:
        self.folder = folder
        self.sample = sample
        self.jobs = jobs
        self.timings: list[_Timing] = []
        self._published = 0

    def run(self, make_manifest: Callable[[bytes, bytes, str, str], Manifest]) -> int:
        """The whole election; gives the exit code of the verifier."""
        place = self.folder / ELECTION
        if self.sample.is_sample:
            say(_("The people and ballots of this demonstration are made up. Everything else is the real thing."))
        else:
            say(_("The ballots of this demonstration come from a file; its voters and trustees are made up."))
        with self._timed(_("Define the election")):
            manifest = create_election_folder(place, make_manifest, random_bytes=secrets.token_bytes)
            with open_reader(board_folder(place)) as board:
                self._published += len(board.header(0)) + len(board.body(0))
        allow_toy = manifest.crypto_group().is_toy
        if allow_toy:
            tell(_("Warning: the group {group} is for tests only and protects nothing.", group=manifest.group))
        self._tell_definition(manifest)
        administrator, authority = (read_signing_key(place, kind) for kind in ("administrator", "authority"))
        with writing(place, allow_toy=allow_toy) as election:
            with self._timed(_("Trustees make the key")):
                trustees = self._ceremony(election, manifest)
            with self._timed(_("Voters get their codes")):
                codes = self._credentials(election, authority)
            self._append(election, open_election(election.record, administrator, election.now()))
            say(_("Voting is open. Election id: {hash}", hash=election.record.election))
            with self._timed(_("Voters encrypt their ballots")):
                ballots = self._encrypt(election, codes)
            with self._timed(_("The board checks and keeps them")):
                self._cast(election, ballots)
            with self._timed(_("Close and tally")):
                self._tally(election, administrator)
            with self._timed(_("Trustees decrypt the totals")):
                self._decrypt(election, manifest, trustees)
            with self._timed(_("Combine and publish")):
                self._append(election, publish_result(election.record, administrator, election.now()))
                count = export_record(election.board, self.folder / RECORD)
            result = election.record.result
        if result is not None:
            say(_("The result:"))
            say()
            say("\n".join(result_lines(manifest, result, language(), min(shutil.get_terminal_size().columns, 100))))
            say()
        record = self.folder / RECORD
        size = record.stat().st_size
        say(_("The record of all {count} entries is in {file} ({size}).", count=count, file=record, size=_bytes(size)))
        say(_("Now urne-verify rechecks it, as any observer can, from that file alone:"))
        say()
        with self._timed(_("Verify the record")):
            code = self._verify(record, allow_toy=allow_toy)
        say()
        say("\n".join(self._table()))
        say()
        say(_("A ballot can be found by its tracker:"))
        say(f"  urne-verify tracker {tracker(ballots[-1].hash)} {record}")
        return code

    # -- stations --------------------------------------------------------------------------------------------------

    def _tell_definition(self, manifest: Manifest) -> None:
        say(f"{plain(manifest.title, language())}")
        for question in manifest.questions:
            say(f"  - {plain(question.title, language())}")
        say(
            _(
                "Group {group}; {values} encrypted values and {branches} proof branches on each ballot.",
                group=manifest.group,
                values=manifest.shape.values,
                branches=manifest.shape.branches,
            )
        )

    def _ceremony(self, election: OpenElection, manifest: Manifest) -> list[TrusteeSecrets]:
        everyone = make_joint_key(election, partial(self._append, election), secrets.token_bytes)
        names = ", ".join(info.name for info in manifest.trustees)
        say(
            _(
                "{names} have made a key together. Any {threshold} of them can decrypt, fewer cannot.",
                names=names,
                threshold=manifest.threshold,
            )
        )
        return everyone

    def _credentials(self, election: OpenElection, authority: SigningKey) -> list[str]:
        append = partial(self._append, election)
        codes = give_codes(election, self.sample.voters, authority, append, secrets.token_bytes)
        say(_("{count} voters have got a secret code; the board shows only the keys.", count=len(codes)))
        return codes

    def _encrypt(self, election: OpenElection, codes: list[str]) -> list[EncryptedBallot]:
        tasks = [
            VoterTask(codes[voter], selections, secrets.token_bytes(SEED_BYTES))
            for voter, selections in self.sample.ballots
        ]
        finished = encrypt_ballots(election.record.ballot_context(), tasks, min(self.jobs, len(tasks)))
        ballots = list(counted(_("Encrypting"), finished, len(tasks)))
        say(_("{count} ballots are encrypted, each with a proof that it is valid.", count=len(ballots)))
        return ballots

    def _cast(self, election: OpenElection, ballots: list[EncryptedBallot]) -> None:
        for ballot in counted(_("Casting"), ballots, len(ballots)):
            self._append(election, NewEntry(BALLOT, ballot.body), ballot.hints)
        say(
            _(
                "The board has checked every proof and signature. {voters} of {listed} voters have voted, {again} of"
                " them twice.",
                voters=len(election.record.last_ballot),
                listed=len(election.record.credentials),
                again=len(ballots) - len(election.record.last_ballot),
            )
        )

    def _tally(self, election: OpenElection, administrator: SigningKey) -> None:
        self._append(election, close_election(election.record, administrator, election.now()))
        self._append(election, compute_tally(election.record, election.board.body, administrator, election.now()))
        say(_("Voting is closed. The last ballots of all voters are multiplied, unopened, into encrypted totals."))

    def _decrypt(self, election: OpenElection, manifest: Manifest, trustees: list[TrusteeSecrets]) -> None:
        active = trustees[-manifest.threshold :]
        publish_shares(election, active, partial(self._append, election), secrets.token_bytes)
        names = ", ".join(manifest.trustees[who.index - 1].name for who in active)
        say(_("{names} have decrypted the totals, and no single ballot.", names=names))

    def _verify(self, record: Path, *, allow_toy: bool) -> int:
        command = [sys.executable, "-c", "from voting.verifier.cli import main; main()", "--language", language()]
        command += [str(record), "--jobs", str(self.jobs), *(["--allow-toy-group"] if allow_toy else [])]
        finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False)  # noqa: S603
        say(finished.stdout.rstrip())
        return finished.returncode

    # -- bookkeeping -------------------------------------------------------------------------------------------------

    def _append(self, election: OpenElection, entry: NewEntry, hints: bytes | None = None) -> None:
        appended = election.append(entry, hints)
        self._published += len(appended.header_bytes) + len(entry.body) + len(hints or b"")

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        before, start = self._published, time.monotonic()
        yield
        self.timings.append(_Timing(step, time.monotonic() - start, self._published - before))

    def _table(self) -> list[str]:
        """Seconds and bytes of each step, and of all."""
        seconds, published = sum(t.seconds for t in self.timings), sum(t.published for t in self.timings)
        rows = [(t.step, f"{t.seconds:.1f} s", _bytes(t.published)) for t in self.timings]
        head = (_("Step"), _("Time"), _("Published"))
        return table([head, *rows, (_("Together"), f"{seconds:.1f} s", _bytes(published))], right=frozenset({1, 2}))


def _bytes(count: int) -> str:
    """A number of bytes for people."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
