"""What the makers of the gallery share: the register of cases, determinism, and the ways to write a record down.

    @broken("14-over-vote", "A voter gives ...", 13, by="voter")
    def over_vote() -> Forgery: ...

Every maker starts from nothing, with the same randomness each time: `make_case` gives the same bytes whenever it is
called. The expected checks are written here by hand, from docs/spec; no verifier is asked when a case is made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple
from unittest import mock

from Crypto.PublicKey import ECC

from tests.gallery.case import BROKEN, GOOD, SINCE, Case, Made
from tests.simulators.election import BOARD_KEY, StoredEntry
from tests.simulators.record import ORIGIN, SampleElection, checkpoint_of
from tests.tamper.test_verifier_tamper import AFTER_CLOSING, AFTER_OPENING, AFTER_TALLY, Forgery
from voting.protocol.tlog.note import note_key

MAKERS = (
    "known",
    "administrator",
    "phases",
    "authority",
    "board",
    "checkpoints",
    "trustee",
    "tally",
    "shares",
    "voter",
    "voter_proofs",
    "organiser",
    "sound",
    "troubles",
    "details",
    "manifest_details",
)
NO_MANIFEST = {f"{number:02}" for number in range(3, 21)} | {"01"}
"""What needs a manifest: all but the chain."""

__all__ = ["AFTER_CLOSING", "AFTER_OPENING", "AFTER_TALLY", "NO_MANIFEST", "Forgery", "Record", "broken", "sound"]


class Record(NamedTuple):
    """The files of a record, and what its verifier is told."""

    files: Mapping[str, bytes]
    allow_toy_group: bool = True
    manifest: str | None = None
    election: str | None = None


Output = Record | Forgery | SampleElection


class Plan(NamedTuple):
    """How a case is made, and what it must come to."""

    name: str
    make: Callable[[], Output]
    case: Case

    @property
    def place(self) -> str:
        """The folder below tests/fixtures."""
        return f"{(GOOD if self.case.by == 'nobody' else BROKEN).name}/{self.name}"


_PLANS: dict[str, Plan] = {}


def plans() -> dict[str, Plan]:
    """All cases, by their place."""
    for module in MAKERS:
        import_module(f"tests.gallery.{module}")
    return dict(sorted(_PLANS.items()))


def _register(plan: Plan) -> None:
    if plan.place in _PLANS:
        raise ValueError(f"there are two cases {plan.place}")
    _PLANS[plan.place] = plan


Maker = Callable[[], Output]


def broken(
    name: str,
    sentence: str,
    *attacks: int,
    by: str,
    also: Iterable[str] = (),
    not_run: Iterable[str] = (),
    warned: Iterable[str] = (),
    verdict: str = "not verified",
) -> Callable[[Maker], Maker]:
    """Put a falsified record into the gallery. The check that its name begins with fails, and those of `also`."""
    failed = {name[:2], *also} if verdict == "not verified" else set(also)

    def add(make: Maker) -> Maker:
        case = Case(
            by=by,
            attacks=attacks,
            sentence=sentence,
            verdict=verdict,
            failed=tuple(sorted(failed)),
            not_run=tuple(sorted(set(not_run) - failed)),
            warned=tuple(sorted(warned)),
        )
        _register(Plan(name, make, case))
        return make

    return add


def sound(
    name: str,
    sentence: str,
    *attacks: int,
    verdict: str = "verified",
    not_run: Iterable[str] = (),
    warned: Iterable[str] = (),
) -> Callable[[Maker], Maker]:
    """Put a good record into the gallery."""

    def add(make: Maker) -> Maker:
        case = Case(
            by="nobody",
            attacks=attacks,
            sentence=sentence,
            verdict=verdict,
            not_run=tuple(sorted(not_run)),
            warned=tuple(sorted(warned)),
        )
        _register(Plan(name, make, case))
        return make

    return add


def make_case(plan: Plan) -> Made:
    """Make one case, the same bytes each time."""
    with repeatable():
        record = _record_of(plan.make())
    told = {"allow_toy_group": record.allow_toy_group, "manifest": record.manifest, "election": record.election}
    return Made(
        Case(**{**{name: getattr(plan.case, name) for name in plan.case.__struct_fields__}, **told}), record.files
    )


@contextmanager
def repeatable() -> Iterator[None]:
    """The one-time keys of sealed shares are the only randomness that nobody passes in: the library draws it."""
    source = random.Random(0)
    generate = ECC.generate

    def repeated(**options: Any) -> ECC.EccKey:
        return generate(**{**options, "randfunc": source.randbytes})

    with mock.patch.object(ECC, "generate", repeated):
        yield


def _record_of(output: Output) -> Record:
    if isinstance(output, Record):
        return output
    if isinstance(output, SampleElection):
        return record(output.board.entries)
    files = dict(record(output.entries, checkpoint=output.checkpoint).files)
    if output.vkey:
        files["vkey"] = output.vkey.encode() + b"\n"
    if output.drop_last_body:
        files["bodies.jsonl"] = b"".join(files["bodies.jsonl"].splitlines(keepends=True)[:-1])
    return Record(files)


def record(
    entries: Sequence[StoredEntry],
    *,
    checkpoint: bytes | None = None,
    hints: bool = False,
    since: bytes | None = None,
    manifest: str | None = None,
    election: str | None = None,
    allow_toy_group: bool = True,
) -> Record:
    """The files of these entries, with a good checkpoint over them unless another one is given."""
    files = {
        "headers.jsonl": b"".join(entry.header_bytes + b"\n" for entry in entries),
        "bodies.jsonl": b"".join(entry.body + b"\n" for entry in entries),
        "checkpoint": checkpoint or checkpoint_of(entries),
        "vkey": note_key(ORIGIN, BOARD_KEY.verify_key).vkey.encode() + b"\n",
    }
    if hints:
        files["hints.jsonl"] = b"".join((entry.hints or b"") + b"\n" for entry in entries)
    if since is not None:
        files[SINCE] = since
    return Record(files, allow_toy_group, manifest, election)
