"""Make a big, valid, published election record for measurements: `python -m benchmarks.make_record --ballots N`.

One question, choose 0 or 1 of so many options; one voter in twenty votes twice. All keys come from fixed seeds: the
election is worthless, and the same arguments give the same ballots. Ballots are made on all cores, in parts that are
kept, so that a run that was broken off goes on. Their proofs are not checked here: whoever made them knows that they
hold, and that is what the record is for. Records are kept outside the repository, and made once.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple

from gmpy2 import mpz

from tests.simulators.election import ADMINISTRATOR, AUTHORITY, BOARD_KEY, ElectionSimulator, manifest_for
from trustee_tools.ceremony import decryption_secret
from voting.crypto.elgamal import PublicKey
from voting.crypto.group import Element, FixedBase
from voting.crypto.signatures import SigningKey
from voting.election.ballots import BALLOT, BallotContext, decode_element, encrypt_ballot
from voting.election.decryption import decode_totals, make_share
from voting.election.record import require_tally
from voting.election.rules import apply
from voting.election.steps import close_election, list_credentials, publish_result
from voting.protocol.encoding import ZERO_HASH, Hash, decode, encode, from_base64, sha256, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.manifest import Manifest
from voting.protocol.messages import EncryptedValue, TallyEncrypted
from voting.protocol.methods import Choose, ChooseSelection
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.header import encode_header, make_header
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import note_key, parse_vkey

DEFAULT_CACHE = Path.home() / ".cache" / "urne-benchmarks"
PART = 250
"""Ballots made by one process at a time."""

_WINDOW_BITS = 12
"""Larger tables than usual, for a process that encrypts thousands of ballots."""


class Plan(NamedTuple):
    """What a process that makes ballots needs to know."""

    manifest: bytes
    election: Hash
    joint_key: str
    ballots: int
    voters: int
    folder: str
    part: int
    """Ballots that a process makes at a time."""


def make_record(
    ballots: int,
    *,
    group: str = "integer-3072",
    choices: int = 10,
    cache: Path = DEFAULT_CACHE,
    jobs: int | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Path:
    """The folder of a published record with so many ballots; it is made if it is not in the cache yet."""
    folder = cache / f"record-{group}-{choices}-choices-{ballots}-ballots"
    if folder.exists():
        return folder
    parts = folder.with_name(f"{folder.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    maker = _Maker(ballots, group, choices)
    maker.set_up()
    _make_parts(maker.plan(parts), jobs or len(os.sched_getaffinity(0)), tell)
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    maker.write(unfinished, parts, tell)
    unfinished.rename(folder)
    shutil.rmtree(parts)
    return folder


def voter_key(number: int) -> SigningKey:
    """A voter's credential, known to everybody."""
    return SigningKey.from_seed(hashlib.sha256(b"benchmark voter %d" % number).digest())


# -- ballots -----------------------------------------------------------------------------------------------------------


def _make_parts(plan: Plan, jobs: int, tell: Callable[[str], None]) -> None:
    missing = [start for start in range(0, plan.ballots, PART) if not _part(Path(plan.folder), start).exists()]
    started = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(jobs, _start_maker, (plan,)) as pool:
        for done, _ in enumerate(pool.imap_unordered(_make_part, missing), 1):
            rate = done * PART / (time.monotonic() - started)
            if done % 20 == 0:
                tell(f"{done * PART} of {len(missing) * PART} ballots, {rate:.0f} a second")


def _part(folder: Path, start: int) -> Path:
    return folder / f"{start:09d}"


_maker: list[tuple[Plan, BallotContext]] = []
"""What this process makes ballots of, if it is one of the pool's."""


def _start_maker(plan: Plan) -> None:
    manifest = decode(plan.manifest, Manifest, what="manifest")
    group = manifest.crypto_group()
    key = PublicKey(decode_element(group, plan.joint_key, what="joint key"))
    key.k = FixedBase(key.element, _WINDOW_BITS)
    group._generator_table = FixedBase(group.generator, _WINDOW_BITS)
    _maker[:] = [(plan, BallotContext(manifest, plan.election, key))]


def _make_part(start: int) -> int:
    """Some ballots: a line for each body and its hints, and last the product of those that will be counted."""
    plan, context = _maker[0]
    p = context.group.p
    product: list[mpz] = [mpz(1)] * (2 * context.shape.values)
    target = _part(Path(plan.folder), start)
    unfinished = target.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        for number in range(start, min(start + plan.part, plan.ballots)):
            choice = number % (context.shape.values + 1)
            chosen = (choice,) if choice < context.shape.values else ()
            seed = hashlib.sha256(b"benchmark ballot %d" % number).digest()
            key = voter_key(number % plan.voters)
            ballot = encrypt_ballot(context, key, [ChooseSelection(chosen=chosen)], seed)
            file.write(ballot.body + b"\n" + ballot.hints + b"\n")
            if number >= plan.ballots - plan.voters:  # the last of its credential
                content = parse_body(BALLOT, ballot.body, what="ballot").content
                texts = [text for value in content.ciphertexts for text in (value.alpha, value.beta)]
                for position, text in enumerate(texts):
                    factor = mpz(int.from_bytes(from_base64(text, None, what="value"), "big"))
                    product[position] = product[position] * factor % p
        file.write(b" ".join(b"%x" % int(value) for value in product) + b"\n")
    unfinished.rename(target)
    return start


# -- the election around them ------------------------------------------------------------------------------------------


class _Maker:
    """One election, from its definition to its result."""

    def __init__(self, ballots: int, group: str, choices: int) -> None:
        options = tuple({"en": f"Option {number + 1}"} for number in range(choices))
        question = Choose(title={"en": "Question"}, options=options, minimum=0, maximum=1)
        self.ballots = ballots
        self.voters = max(1, ballots - ballots // 20)
        self.election = ElectionSimulator(manifest_for([question], group=group))
        self.group = self.election.manifest.crypto_group()

    def set_up(self) -> None:
        """Ceremony, credentials, opening."""
        election = self.election
        election.run_ceremony()
        listed = [(voter_key(number).verify_key.raw, 1) for number in range(self.voters)]
        for entry in list_credentials(election.manifest, listed, AUTHORITY, election.now()):
            election.board.append(*entry)
        election.open()

    def plan(self, folder: Path) -> Plan:
        context = self.election.record.ballot_context()
        return Plan(
            encode(context.manifest),
            context.election,
            to_base64(context.key.element.encode()),
            self.ballots,
            self.voters,
            str(folder),
            PART,
        )

    def write(self, folder: Path, parts: Path, tell: Callable[[str], None]) -> None:
        """The five files, from the entries so far, the ballots, and the entries that end the election."""
        product: list[mpz] = [mpz(1)] * (2 * self.election.record.require_manifest().shape.values)
        with _Writer(folder) as writer:
            for entry in self.election.board.entries:
                writer.append(entry.header.type, entry.body, b"")
            for start in range(0, self.ballots, PART):
                for body, hints in self._ballots(_part(parts, start), product):
                    self._take(writer, BALLOT, body, hints)
                if start % (20 * PART) == 0:
                    tell(f"{start} of {self.ballots} ballots written")
            self._finish(writer, product)
            writer.sign()

    def _ballots(self, part: Path, product: list[mpz]) -> Iterator[tuple[bytes, bytes]]:
        with part.open("rb") as file:
            for line in file:
                if line.startswith(b"{"):
                    yield line[:-1], next(file)[:-1]
                    continue
                for position, text in enumerate(line.split()):
                    product[position] = product[position] * mpz(int(text, 16)) % self.group.p

    def _take(self, writer: _Writer, type_: str, body: bytes, hints: bytes = b"") -> None:
        """Append an entry, by the rules."""
        header = make_header(writer.size, writer.previous, type_, body)
        apply(self.election.record, header, body)
        writer.append(type_, body, hints)

    def _finish(self, writer: _Writer, product: list[mpz]) -> None:
        election, record = self.election, self.election.record
        self._take(writer, *close_election(record, ADMINISTRATOR, election.now()))
        texts = [to_base64(Element(self.group, value).encode()) for value in product]
        content = TallyEncrypted(
            ballots=len(record.last_ballot),
            election=record.ballot_context().election,
            time=election.now(),
            totals=tuple(EncryptedValue(a, b) for a, b in zip(texts[::2], texts[1::2], strict=True)),
            weight=len(record.last_ballot),
        )
        manifest = election.manifest
        self._take(writer, "tally.encrypted", sign_content("tally.encrypted", manifest.hash, content, ADMINISTRATOR))
        tally = require_tally(record)
        totals = decode_totals(self.group, tally, subject="tally")
        ceremony = record.require_ceremony()
        for index in sorted(ceremony.trustees)[: manifest.threshold]:
            secrets = election.trustees[index]
            share = make_share(
                decryption_secret(secrets, ceremony),
                ceremony.verification_key(index),
                totals,
                election=tally.election,
                tally=Hash(str(record.tally_hash)),
                index=index,
                time=election.now(),
                random_bytes=election.random_bytes,
            )
            self._take(writer, "tally.share", sign_content("tally.share", manifest.hash, share, secrets.signing_key))
        self._take(writer, *publish_result(record, ADMINISTRATOR, election.now()))


class _Writer:
    """Writes a record's files, entry by entry."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = ExitStack()
        self._frontier = Frontier()
        self.previous: Hash = ZERO_HASH
        self._headers = self._open("headers.jsonl")
        self._bodies = self._open("bodies.jsonl")
        self._hints = self._open("hints.jsonl")

    def _open(self, name: str) -> IO[bytes]:
        return self._files.enter_context((self._folder / name).open("wb", buffering=1 << 20))

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_error: object) -> None:
        self._files.close()

    @property
    def size(self) -> int:
        return self._frontier.size

    def append(self, type_: str, body: bytes, hints: bytes) -> None:
        header = encode_header(make_header(self.size, self.previous, type_, body))
        self._frontier.append(header)
        self.previous = sha256(header)
        for file, line in ((self._headers, header), (self._bodies, body), (self._hints, hints)):
            file.write(line + b"\n")

    def sign(self) -> None:
        """The checkpoint over all entries, and the board's key."""
        key = note_key("board.example/test", BOARD_KEY.verify_key)
        checkpoint = Checkpoint(parse_vkey(key.vkey).name, self.size, self._frontier.root())
        (self._folder / "checkpoint").write_bytes(sign_checkpoint(checkpoint, BOARD_KEY))
        (self._folder / "vkey").write_text(f"{key.vkey}\n")


def main() -> None:
    """Make a record and print where it is."""
    parser = argparse.ArgumentParser(prog="benchmarks.make_record", description=__doc__)
    parser.add_argument("--ballots", type=int, required=True, metavar="N", help="how many")
    parser.add_argument("--group", default="integer-3072", help="the group (default: integer-3072)")
    parser.add_argument("--choices", type=int, default=10, metavar="N", help="options of the question (default: 10)")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, metavar="DIR", help="where records are kept")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: one a core)")
    options = parser.parse_args()
    folder = make_record(
        options.ballots,
        group=options.group,
        choices=options.choices,
        cache=options.cache,
        jobs=options.jobs,
        tell=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(folder)


if __name__ == "__main__":
    main()
