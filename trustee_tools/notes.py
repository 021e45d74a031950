"""Protocol T22: what a trustee remembers of an election between two runs (docs/spec/trustees.md, "Notes").

A board could show a trustee one history today and another tomorrow, and so get shares of two tallies out of them. The
notes hold how far the board went when it was last read, the hash of its last header (which fixes everything before it),
and which tally the trustee has decrypted. They hold no secret. They lie beside the key file.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from trustee_tools.sources import ElectionView
from voting.files import replace_file
from voting.protocol.encoding import Hash, decode, encode
from voting.protocol.errors import UnavailableError, VerificationError

SUFFIX = ".seen"
MAX_NOTES_BYTES = 1024 * 1024


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was seen of one election."""

    head: Hash
    """SHA-256 of the last header seen."""
    index: int
    """Which trustee this key file is."""
    size: int
    """How many entries there were."""
    tally: Hash | None
    """The tally that a share was made for: hash of the body of `tally.encrypted`."""


class Notes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All elections of one key file, by manifest hash."""

    elections: dict[Hash, Seen]


def notes_path(key_file: Path) -> Path:
    """Where the notes of a key file lie."""
    return key_file.with_name(key_file.name + SUFFIX)


def read_notes(path: Path) -> Notes:
    """The notes in a file; empty ones if there is none.

    Raises:
        UnavailableError: if it cannot be read.
        DecodeError: if it is damaged.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_NOTES_BYTES + 1)
    except FileNotFoundError:
        return Notes({})
    except OSError as error:
        raise UnavailableError(f"cannot be read ({error.strerror})", where=str(path)) from None
    return decode(data, Notes, what=str(path), limit=MAX_NOTES_BYTES)


def write_notes(path: Path, notes: Notes) -> None:
    """Replace the file of notes, whole or not at all. Raises UnavailableError."""
    try:
        replace_file(path, encode(notes))
    except UnavailableError as error:
        raise UnavailableError(
            f"the notes {error.problem}", where=str(path), remedy="name another place with --notes"
        ) from None


def verify_seen(seen: Seen | None, view: ElectionView) -> None:
    """Protocol T23: what is shown now begins with what was seen before.

    Raises:
        VerificationError: (check 21) if entries are missing or were replaced.
    """
    if seen is None:
        return
    if view.size < seen.size:
        raise VerificationError(
            "21",
            "record",
            "is an old copy, or entries were removed: this key file has seen more of it",
            expected=f"at least {seen.size} entries",
            found=str(view.size),
        )
    head = view.header_hash(seen.size - 1)
    if head != seen.head:
        raise VerificationError(
            "21",
            f"entry {seen.size - 1}",
            "is not the entry that this key file has seen there: tell the other trustees and the observers",
            expected=seen.head,
            found=head,
        )


def with_seen(notes: Notes, view: ElectionView, index: int, tally: Hash | None = None) -> Notes:
    """The notes, brought up to what `view` shows. `tally`: a share of this tally is about to be made."""
    manifest = view.manifest.hash
    before = notes.elections.get(manifest)
    seen = Seen(
        head=view.header_hash(view.size - 1),
        index=index,
        size=view.size,
        tally=tally or (before.tally if before else None),
    )
    return Notes({**notes.elections, manifest: seen})
