"""Published records for tests: any list of entries as a folder that `urne-verify` reads, honest or not.

    folder = sample_record(tmp_path / "record")                      # a whole small election, good
    simulator = sample_election(until="open")                        # the same, stopped earlier
    write_record(simulator.board.entries, tmp_path / "other")
    write_record(rechain(changed_parts), tmp_path / "forged")        # a dishonest board: sound chain, forged content

With `lenient=True` the server makes no costly check, so that bad ballots get in and are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from tests.simulators.election import BOARD_KEY, BoardSimulator, ElectionSimulator, StoredEntry, Voter, manifest_for
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import ZERO_HASH, Hash, sha256
from voting.protocol.manifest import Manifest
from voting.protocol.methods import AnyQuestion, Choose, ChooseSelection
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.header import encode_header, make_header
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import note_key

ORIGIN = "board.example/test"
"""The log's name in `manifest_for`."""

Stage = Literal["defined", "ceremony", "listed", "open", "voting", "closed", "tallied", "shared", "published"]
STAGES: tuple[Stage, ...] = (
    "defined", "ceremony", "listed", "open", "voting", "closed", "tallied", "shared", "published",
)  # fmt: skip
"""How far `sample_election` goes: "voting" is after the ballots, "shared" after k decryption shares."""

CHAIR = Choose(
    title={"en": "Chair?"}, options=({"en": "Ada"}, {"en": "Grace"}), minimum=0, maximum=1, blank=True, seats=1
)
ADA = ChooseSelection(chosen=(0,), blank=False)
GRACE = ChooseSelection(chosen=(1,), blank=False)
BLANK = ChooseSelection(chosen=(), blank=True)


class Part(NamedTuple):
    """An entry before it has a place: what a forger changes."""

    type: str
    body: bytes
    hints: bytes | None = None


def parts_of(entries: Iterable[StoredEntry]) -> list[Part]:
    """The entries without their headers."""
    return [Part(entry.header.type, entry.body, entry.hints) for entry in entries]


def rechain(parts: Iterable[Part]) -> list[StoredEntry]:
    """New headers for these bodies, in order: numbers, hashes and links are right whatever the bodies say."""
    entries: list[StoredEntry] = []
    previous: Hash = ZERO_HASH
    for seq, part in enumerate(parts):
        header = make_header(seq, previous, part.type, part.body)
        header_bytes = encode_header(header)
        entries.append(StoredEntry(header, header_bytes, part.body, part.hints))
        previous = sha256(header_bytes)
    return entries


def checkpoint_of(
    entries: Sequence[StoredEntry], board_key: SigningKey = BOARD_KEY, origin: str = ORIGIN, *, size: int | None = None
) -> bytes:
    """The signed checkpoint over the first `size` entries (all, if not given)."""
    frontier = Frontier()
    for entry in entries[:size]:
        frontier.append(entry.header_bytes)
    return sign_checkpoint(Checkpoint(origin, frontier.size, frontier.root()), board_key)


def write_record(
    entries: Sequence[StoredEntry],
    folder: Path,
    board_key: SigningKey = BOARD_KEY,
    origin: str = ORIGIN,
    *,
    checkpoint: bytes | None = None,
) -> Path:
    """Write a record of these entries, with a valid checkpoint over them unless another one is given."""
    folder.mkdir(parents=True)
    (folder / "headers.jsonl").write_bytes(b"".join(entry.header_bytes + b"\n" for entry in entries))
    (folder / "bodies.jsonl").write_bytes(b"".join(entry.body + b"\n" for entry in entries))
    (folder / "hints.jsonl").write_bytes(b"".join((entry.hints or b"") + b"\n" for entry in entries))
    (folder / "checkpoint").write_bytes(checkpoint or checkpoint_of(entries, board_key, origin))
    (folder / "vkey").write_text(note_key(origin, board_key.verify_key).vkey + "\n")
    return folder


class LenientBoard(BoardSimulator):
    """A board that checks phases and signatures only: no proofs, no tally, no shares, no totals."""

    def append(self, entry_type: str, body: bytes, hints: bytes | None = None) -> int:
        entry = self._entry(entry_type, body, hints)
        self.admission.replay(entry.header, body)
        self.entries.append(entry)
        return entry.header.seq


class SampleElection(ElectionSimulator):
    """An election simulator that remembers its voters; a lenient one lets bad ballots in and counts them."""

    def __init__(self, manifest: Manifest, *, seed: int = 0, lenient: bool = False) -> None:
        super().__init__(manifest, seed=seed)
        self.voters: list[Voter] = []
        if lenient:
            definition = self.board.entries[0]
            self.board = LenientBoard()
            self.board.append(definition.header.type, definition.body)

    def give_credentials(self, weights: Sequence[int]) -> list[Voter]:
        """Make codes and list the credentials; `voters` grows."""
        voters = super().give_credentials(weights)
        self.voters.extend(voters)
        return voters


def sample_election(
    questions: Sequence[AnyQuestion] = (CHAIR,),
    ballots: Sequence[tuple[int, Sequence[Any]]] = ((0, [ADA]), (1, [ADA]), (2, [ADA]), (2, [GRACE])),
    *,
    weights: Sequence[int] = (1, 2, 5),
    until: Stage = "published",
    trustees: int = 3,
    threshold: int = 2,
    group: str = "toy-512",
    lenient: bool = False,
    seed: int = 0,
) -> SampleElection:
    """A small election, carried on to a stage; without arguments a chair is elected with weights 3 to 5.

    Args:
        ballots: (voter's number, selections), in order; a voter may come twice.
        weights: one per voter.
        lenient: the server makes no costly checks.
    """
    languages = tuple(questions[0].title)
    manifest = manifest_for(questions, trustees=trustees, threshold=threshold, group=group, nonce=seed)
    manifest = msgspec.structs.replace(manifest, languages=languages, title=dict.fromkeys(languages, "A test election"))
    simulator = SampleElection(manifest, seed=seed, lenient=lenient)

    def vote() -> None:
        for number, selections in ballots:
            simulator.vote(simulator.voters[number], selections)

    def share() -> None:
        for index in sorted(simulator.ceremony.trustees)[:threshold]:
            simulator.decrypt(index)

    steps: dict[Stage, Callable[[], object]] = {
        "defined": lambda: None,
        "ceremony": simulator.run_ceremony,
        "listed": lambda: simulator.give_credentials(weights),
        "open": simulator.open,
        "voting": vote,
        "closed": simulator.close,
        "tallied": simulator.tally,
        "shared": share,
        "published": simulator.result,
    }
    for stage in STAGES[: STAGES.index(until) + 1]:
        steps[stage]()
    return simulator


def sample_record(folder: Path, **choices: Any) -> Path:
    """Write the record of `sample_election(**choices)` and give its folder."""
    return write_record(sample_election(**choices).board.entries, folder)
