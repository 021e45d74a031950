"""The gallery: dishonest boards: the checkpoint, the witnesses (03), and what was seen before (21)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.gallery.board import NOTICE
from tests.gallery.making import Output, broken, record
from tests.gallery.servers import WITNESSES, cosigned, witnessed
from tests.simulators.election import BOARD_KEY, StoredEntry
from tests.simulators.record import (
    ADA,
    ORIGIN,
    checkpoint_of,
    rechain,
    sample_election,
)
from tests.tamper.test_verifier_tamper import STRANGER, place_of, published, with_notice
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.merkle import Frontier, inclusion_proof
from voting.protocol.tlog.note import sign_note
from voting.protocol.tlog.proof import Receipt, format_receipt
from voting.protocol.tlog.receipt_file import write_receipt_file

# -- the checkpoint ----------------------------------------------------------------------------------------------------


def with_checkpoint(make: Callable[[Sequence[StoredEntry]], bytes]) -> Callable[[], Output]:
    def output() -> Output:
        entries = published()[0].board.entries
        return record(entries, checkpoint=make(entries))

    return output


def _of_origin(entries: Sequence[StoredEntry]) -> bytes:
    return checkpoint_of(entries, origin="board.example/other")


for _what, _sentence, _attacks, _make in (
    ("checkpoint-of-another-log", "The checkpoint has another origin, signed with the same key.", (34,), _of_origin),
    (
        "newer-checkpoint",
        "The checkpoint covers an entry more: one is held back.",
        (33,),
        lambda e: sign_checkpoint(Checkpoint(ORIGIN, len(e) + 1, bytes(32)), BOARD_KEY),
    ),
    (
        "checkpoint-size-with-a-zero",
        "The size of the checkpoint is written with a leading 0, and signed so.",
        (37,),
        lambda e: _resigned(e, b"\n24\n", b"\n024\n"),
    ),
    (
        "changed-checkpoint",
        "The text of the checkpoint is changed after signing.",
        (34,),
        lambda e: checkpoint_of(e, size=20).replace(b"\n20\n", b"\n24\n"),
    ),
    (
        "unsigned-checkpoint",
        "The checkpoint bears no signature.",
        (34,),
        lambda e: checkpoint_of(e).partition(b"\n\n")[0] + b"\n",
    ),
):
    broken(f"03-{_what}", _sentence, *_attacks, by="board")(with_checkpoint(_make))


def _resigned(entries: Sequence[StoredEntry], old: bytes, new: bytes) -> bytes:
    """The checkpoint with another text, which the board signs as it stands."""
    text = (checkpoint_of(entries).partition(b"\n\n")[0] + b"\n").replace(old, new)
    return sign_note(text, ORIGIN, BOARD_KEY)


def with_witnesses(quorum: int, note: Callable[[bytes], bytes]) -> Output:
    """A whole election whose manifest names three witnesses."""
    entries = witnessed(quorum).board.entries
    return record(entries, checkpoint=note(checkpoint_of(entries)))


@broken("03-too-few-witnesses", "One of the two witnesses who are demanded has signed.", 34, by="board")
def too_few_witnesses() -> Output:
    return with_witnesses(2, lambda note: cosigned(note, WITNESSES[:1]))


@broken(
    "03-false-witness",
    "Two witnesses signed, and a third signature under a witness's name is somebody else's.",
    34,
    by="board",
)
def false_witness() -> Output:
    return with_witnesses(2, lambda note: cosigned(cosigned(note, WITNESSES[:2]), WITNESSES[2:], text=b"other\n"))


@broken("03-one-witness-twice", "One witness signed twice; two are demanded.", 34, by="board")
def one_witness_twice() -> Output:
    return with_witnesses(2, lambda note: cosigned(note, [WITNESSES[0]] * 2))


def receipt_for(entries: Sequence[StoredEntry], seq: int) -> bytes:
    """The receipt that the board gave for an entry, under its checkpoint over all of these."""
    frontier, nodes = Frontier(), {}
    for entry in entries:
        for node in frontier.append(entry.header_bytes):
            nodes[node.level, node.position] = node.hash
    proof = inclusion_proof(seq, len(entries), lambda level, position: nodes[level, position])
    return write_receipt_file(entries[seq].header_bytes, format_receipt(Receipt(seq, proof, checkpoint_of(entries))))


# -- what was seen before (21) -----------------------------------------------------------------------------------------


@broken(
    "21-rewritten-history",
    "A notice that was there at an earlier look is gone; the chain and the checkpoint are new.",
    33,
    by="board",
)
def rewritten_history() -> Output:
    election, parts = with_notice()
    place = place_of(parts, NOTICE)
    since = checkpoint_of(election.board.entries, size=place + 1)
    return record(rechain([*parts[:place], *parts[place + 1 :]]), since=since)


@broken(
    "21-dropped-ballot", "A ballot that was there at an earlier look is gone; all that follows is new.", 33, by="board"
)
def dropped_ballot() -> Output:
    """The election without the ballot is sound in itself."""
    seen = sample_election(until="voting")
    later = sample_election(ballots=((0, [ADA]), (1, [ADA])))
    return record(later.board.entries, since=checkpoint_of(seen.board.entries))


@broken(
    "21-swapped-ballots",
    "Two ballots that an earlier checkpoint covers change places, in a new chain.",
    33,
    by="board",
    not_run={"17"} - {"17"},
)
def swapped_history() -> Output:
    election, parts = published()
    first, second = (place_of(parts, "ballot.cast", which) for which in (0, 1))
    parts[first], parts[second] = parts[second], parts[first]
    return record(rechain(parts), since=checkpoint_of(election.board.entries, size=second + 1))


@broken(
    "21-shorter-record",
    "The record has fewer entries than the board had signed before.",
    33,
    35,
    by="board",
    not_run={"19", "20"},
)
def shorter_record() -> Output:
    entries = published()[0].board.entries
    return record(entries[:-1], since=checkpoint_of(entries))


@broken("21-two-boards", "Two readers are shown different elections that the board has signed alike.", 34, by="board")
def two_boards() -> Output:
    entries = published()[0].board.entries
    return record(entries, since=checkpoint_of(sample_election(seed=1).board.entries, size=9))


@broken("21-checkpoint-of-another-board", "The earlier checkpoint is signed by somebody else.", 34, by="board")
def checkpoint_of_another_board() -> Output:
    entries = published()[0].board.entries
    return record(entries, since=checkpoint_of(entries, STRANGER, size=9))


@broken("21-receipt-without-an-entry", "A voter has a receipt for a ballot that is not there.", 33, 35, by="board")
def receipt_without_an_entry() -> Output:
    """The receipt's signed checkpoint covers the ballot; the record was chained anew without it."""
    seen = sample_election(until="voting")
    later = sample_election(ballots=((0, [ADA]), (1, [ADA])))
    return record(later.board.entries, since=receipt_for(seen.board.entries, len(seen.board.entries) - 1))
