"""Each field of each message, changed: by somebody without the author's key, and by the author.

The first must always be noticed. The second must be noticed wherever what is on the board already fixes the field.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.election import ADMINISTRATOR, AUTHORITY, ElectionSimulator, StoredEntry
from tests.simulators.record import sample_election
from voting.crypto.signatures import SigningKey
from voting.election.admission import ElectionAdmission
from voting.protocol.encoding import encode, sha256, to_base64
from voting.protocol.entries import signing_input
from voting.protocol.errors import VerificationError
from voting.protocol.tlog.header import make_header

Path = tuple[str | int, ...]


@cache
def election() -> ElectionSimulator:
    return sample_election()


def entries() -> list[StoredEntry]:
    return election().board.entries


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all strings, numbers and nulls in a message."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


def changed(body: bytes, path: Path, rng: random.Random) -> Any:
    """The message with the value at `path` changed into another one of the same kind, or the nearest thing to it."""
    message = json.loads(body)
    holder = message
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    if isinstance(old, bool):
        new: Any = not old
    elif isinstance(old, int):
        new = old + rng.choice([1, -1, 2**40])
    elif isinstance(old, str) and old:
        position = rng.randrange(len(old))
        letters = [c for c in "0123456789abcdefABCDEF" if c != old[position]]
        new = old[:position] + rng.choice(letters) + old[position + 1 :]
    else:
        new = "x"
    holder[path[-1]] = new
    return message


def refusal(place: int, body: bytes) -> str:
    """The check that a server names when it is offered this body in the place of the honest one; "" if it takes it."""
    honest = entries()
    admission = ElectionAdmission(lambda seq: honest[seq].body, allow_toy=True)
    for entry in honest[:place]:
        admission.replay(entry.header, entry.body)
    header = honest[place].header
    forged = make_header(place, header.prev, header.type, body)
    try:
        admission.admit(forged, encode(forged), body, honest[place].hints)
    except VerificationError as error:
        return error.check
    return ""


@settings(max_examples=400)
@given(st.integers(0, 2**32), st.data())
def test_a_change_without_the_authors_key_is_always_noticed(seed: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(entries()) - 1))
    body = entries()[place].body
    path = data.draw(st.sampled_from(list(leaves(json.loads(body)))))
    assert refusal(place, encode(changed(body, path, random.Random(seed)))) != ""


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.data())
def test_a_field_left_out_or_added_is_always_noticed(seed: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(entries()) - 1))
    message = json.loads(entries()[place].body)
    holder = message["content"]
    key = data.draw(st.sampled_from(sorted(holder)))
    if seed % 2:
        del holder[key]
    else:
        holder["z"] = holder[key]
    assert refusal(place, encode(message)) in {"02", "01", "13"}


FREE: dict[str, set[str]] = {
    "trustee.joined": {"commitments", "sealing_key"},
    "trustee.dealt": {"shares"},
}
"""What an author may choose, beside the time: a promise, a key, what is sealed to others."""

FIXED = {
    "trustee.joined", "trustee.committed", "trustee.dealt", "trustee.confirmed", "election.opened", "election.closed",
    "tally.encrypted", "tally.share", "election.result",
}  # fmt: skip


def author_of(entry: StoredEntry) -> SigningKey:
    kind = entry.header.type
    if kind.startswith("trustee.") or kind == "tally.share":
        content = json.loads(entry.body)["content"]
        return election().trustees[content.get("coefficients", content)["index"]].signing_key
    return AUTHORITY if kind == "credentials.listed" else ADMINISTRATOR


def signed(entry: StoredEntry, content: Any) -> bytes:
    digest = sha256(encode(content))
    signature = author_of(entry).sign(signing_input(entry.header.type, election().manifest.hash, digest))
    return encode({"content": content, "signature": to_base64(signature)})


@settings(max_examples=400)
@given(st.integers(0, 2**32), st.data())
def test_a_dishonest_author_is_noticed_where_the_board_fixes_the_field(seed: int, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([i for i, entry in enumerate(entries()) if entry.header.type in FIXED]))
    entry = entries()[place]
    free = FREE.get(entry.header.type, set()) | {"time"}
    paths = [path for path in leaves(json.loads(entry.body)["content"], ()) if path[0] not in free]
    path = data.draw(st.sampled_from(paths))
    message = changed(entry.body, ("content", *path), random.Random(seed))
    assert refusal(place, signed(entry, message["content"])) != "", (entry.header.type, path)


@pytest.mark.parametrize("place", range(24))
def test_the_honest_entry_is_taken(place: int) -> None:
    """The counterpart of the tests above: what they refuse is refused for the change alone."""
    assert len(entries()) == 24
    assert refusal(place, entries()[place].body) == ""
