"""Protocol V18: one visit of a monitor to a board, made to be repeated while people vote (docs/spec/verification.md).

A visit asks for the newest checkpoint. If it is the one of the last visit, the record is not looked at again. Else the
board must prove that it extends what it had signed, and new entries and ballots are checked like those of any record.
The booth's files are compared at every visit, and so are other addresses of the same board. What is wrong stays wrong:
the state goes on only from what is right.

This module fetches (through `voting.web_log`). It must not import the board's own code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import msgspec

from voting.address import Address
from voting.election.ballots import BALLOT
from voting.election.phases import Phase
from voting.files import PUBLIC, read_file, replace_file
from voting.protocol.entries import content_hash
from voting.protocol.errors import (
    DecodeError,
    ProofError,
    SignatureInvalid,
    UnavailableError,
    UrneError,
    UsageError,
    VerificationError,
)
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint
from voting.protocol.tlog.evidence import check_evidence, history_evidence, read_evidence, tree_of, write_evidence
from voting.protocol.tlog.header import parse_header
from voting.protocol.tlog.merkle import Frontier
from voting.protocol.tlog.note import MAX_NOTE_BYTES, NoteKey
from voting.protocol.tracker import tracker
from voting.verifier.alarms import (
    Alarm,
    Kind,
    Outcome,
    booth_alarm,
    check_alarms,
    more_vanished,
    silence,
    two_histories,
    unsigned,
    vanished,
)
from voting.verifier.booth import compare_booth
from voting.verifier.checks import CHECKS
from voting.verifier.context import Announced, Context
from voting.verifier.fetch import CONTRADICTION, RemoteRecord, copy_folder
from voting.verifier.load import CHECKPOINT, RecordSource
from voting.verifier.receipt import checkpoint_size
from voting.verifier.report_text import MOST_FINDINGS
from voting.verifier.verify import read_context, run_checks
from voting.verifier.visit import Visit
from voting.verifier.watch import Watch
from voting.web_client import Refused, WebClient
from voting.web_log import HEADERS, LogPages, verified_headers, verify_extends

_NEWEST = "the checkpoint of the server"
_BOOTH_IS_USED = frozenset({Phase.OPEN, Phase.CLOSED, Phase.TALLIED})


@dataclass(frozen=True)
class Monitor:
    """Whom to watch, and how."""

    web: WebClient
    address: Address
    cache: Path | None = None
    """Where a copy is kept between visits. Without it the record is fetched whole whenever it has grown."""
    announced: Announced = field(default_factory=Announced)
    mirrors: tuple[Address, ...] = ()
    """Other addresses that show the same board."""
    with_booth: bool = True
    patience: int = 3
    """So many visits in a row may come to nothing before it is told."""
    jobs: int = 1
    allow_toy: bool = False


@dataclass
class _Findings:
    """What comes together during a visit."""

    watch: Watch
    alarms: list[Alarm] = field(default_factory=list)
    evidence: bytes | None = None
    new_entries: int = 0
    silent: list[str] = field(default_factory=list)


def visit_board(monitor: Monitor, watch: Watch) -> tuple[Outcome, Watch, bytes | None]:
    """Protocol V18: one visit.

    Args:
        watch: what the last one left.

    Returns:
        What came of it, what the next visit goes on from, and the evidence file (L23) if the board convicted itself.

    Raises:
        UrneError: at a first visit only, if it comes to nothing.
    """
    found = _Findings(watch)
    reason = ""
    try:
        _look(monitor, found)
        found.watch = msgspec.structs.replace(found.watch, unanswered=0)
    except (UnavailableError, DecodeError, Refused) as error:
        if watch.visit is None:
            raise
        reason = str(error)
        found.watch = msgspec.structs.replace(found.watch, unanswered=watch.unanswered + 1)
    exit_code = 1 if found.alarms else 3 if reason else 0
    count = found.watch.unanswered
    if reason and count >= monitor.patience:
        found.alarms.append(silence(str(monitor.address), count, reason))
    outcome = Outcome(
        address=str(monitor.address),
        exit_code=exit_code,
        size=checkpoint_size(found.watch.note) if found.watch.visit is not None else 0,
        phase=found.watch.phase,
        new_entries=found.new_entries,
        unanswered=count,
        reason=reason,
        silent_mirrors=tuple(found.silent),
        alarms=tuple(found.alarms),
    )
    return outcome, found.watch, found.evidence


def _look(monitor: Monitor, found: _Findings) -> None:
    pages = LogPages(monitor.web, monitor.address)
    if _has_grown(monitor, found, pages, _newest(pages, found.watch)):
        _read_record(monitor, found, pages)
    watch = found.watch
    if watch.visit is None:
        return
    for mirror in monitor.mirrors:
        _compare_mirror(monitor, found, pages, mirror)
    if monitor.with_booth and watch.booth and watch.phase in _BOOTH_IS_USED:
        report = compare_booth(monitor.web, monitor.address, watch.booth)
        found.alarms += [booth_alarm(str(monitor.address), difference) for difference in report.differences]


def _newest(pages: LogPages, watch: Watch) -> bytes:
    try:
        return pages.checkpoint()
    except UsageError as error:
        if watch.visit is None:
            raise
        # The address was right before: that it now leads elsewhere is the server's doing.
        raise UnavailableError(error.problem, where=error.where, remedy=error.remedy) from None


def _has_grown(monitor: Monitor, found: _Findings, pages: LogPages, note: bytes) -> bool:
    """Whether the newest checkpoint is new, and goes on from the last visit's. What is wrong is noted."""
    watch = found.watch
    if watch.visit is None:
        return True
    try:
        shown = open_checkpoint(note, watch.key, what=_NEWEST)
    except SignatureInvalid:
        found.alarms.append(unsigned(str(monitor.address)))
        return False
    known = open_checkpoint(watch.note, watch.key)
    if (known.size, known.root) == (shown.size, shown.root):
        return False
    return not _contradicts(monitor, found, pages, watch.note, note)


# -- the record --------------------------------------------------------------------------------------------------------


def _read_record(monitor: Monitor, found: _Findings, pages: LogPages) -> None:
    """Fetch what is new, check it, and go on from it if nothing is wrong."""
    watch, is_kept = found.watch, monitor.cache is not None
    with copy_folder(monitor.cache) as folder:
        try:
            source = RemoteRecord(monitor.address, folder, web=monitor.web, is_kept=is_kept).update()
        except VerificationError:
            if watch.visit is None:
                raise
            _judge_copy(monitor, found, pages, folder)
            return
        context = read_context(
            source, announced=_announced(monitor, watch), allow_toy=monitor.allow_toy, jobs=monitor.jobs, only_new=True
        )
        alarms = list(check_alarms(str(monitor.address), run_checks(context, CHECKS, lambda: 0.0)))
        if alarms:
            found.alarms += alarms
            _forget_new(folder, watch)
            return
        before = checkpoint_size(watch.note) if watch.visit is not None else 0
        found.new_entries = context.replay.entries - before
        found.watch = _watch_of(context, watch)


def _judge_copy(monitor: Monitor, found: _Findings, pages: LogPages, folder: Path) -> None:
    """The copy goes further than the state, because a visit was cut off, and the board does not go on from the copy."""
    copied, shown = RecordSource(folder).checkpoint, read_file(folder / CONTRADICTION, limit=MAX_NOTE_BYTES)
    try:
        is_wrong = _contradicts(monitor, found, pages, copied, shown)
    except SignatureInvalid:
        found.alarms.append(unsigned(str(monitor.address)))
        is_wrong = False
    if not is_wrong:
        _forget_new(folder, found.watch)


def _announced(monitor: Monitor, watch: Watch) -> Announced:
    if watch.visit is None:
        return monitor.announced
    return replace(
        monitor.announced,
        manifest=monitor.announced.manifest or watch.visit.manifest,
        election=monitor.announced.election or watch.visit.election,
        since=watch.note,
    )


def _watch_of(context: Context, before: Watch) -> Watch:
    """What the next visit goes on from. Before there is an election, nothing."""
    record = context.record
    if record.manifest is None:
        return before
    return Watch(
        board=record.manifest.board,
        booth=tuple(record.opened.booth or ()) if record.opened is not None else (),
        phase=record.phase,
        unanswered=0,
        visit=Visit(
            checkpoint=context.checkpoint.decode("utf-8"), election=record.election, manifest=record.manifest.hash
        ),
    )


def _forget_new(folder: Path, watch: Watch) -> None:
    """Let the copy end where the state does, so that what was wrong is fetched and checked anew at the next visit."""
    if watch.visit is None:
        (folder / CHECKPOINT).unlink(missing_ok=True)
    else:
        replace_file(folder / CHECKPOINT, watch.note, mode=PUBLIC)


# -- two histories -----------------------------------------------------------------------------------------------------


def _contradicts(monitor: Monitor, found: _Findings, pages: LogPages, known_note: bytes, shown_note: bytes) -> bool:
    """Protocol V18a: note it if the board does not go on from what it had signed, with the evidence if it convicts.

    Raises:
        SignatureInvalid: if the board did not sign both.
    """
    place, key = str(pages.address), found.watch.key
    known, shown = open_checkpoint(known_note, key), open_checkpoint(shown_note, key, what=_NEWEST)
    copy = _copied_headers(monitor, known)
    if shown.size >= known.size:
        try:
            verify_extends(pages, known, shown)
        except ProofError:
            proof = _evidence(known_note, shown_note, pages, key)
            kind = Kind.SPLIT_VIEW if known.size == shown.size else Kind.REWRITTEN if proof else Kind.UNPROVEN
        else:
            return False
    else:
        proof = _convict(shown_note, known_note, copy, key)
        kind = Kind.REWRITTEN if proof else Kind.SHRUNK
    found.evidence = found.evidence or proof
    found.alarms.append(two_histories(kind, place, known, shown))
    if copy and monitor.cache is not None and kind is not Kind.UNPROVEN:
        found.alarms += _vanished(monitor.cache, pages, copy, shown)
    return True


def _compare_mirror(monitor: Monitor, found: _Findings, pages: LogPages, mirror: Address) -> None:
    """Protocol V18b: what another address shows must be the same list, or the beginning of it, or go on from it."""
    key, mine_note, others = found.watch.key, found.watch.note, LogPages(monitor.web, mirror)
    mine = open_checkpoint(mine_note, key)
    try:
        theirs_note = others.checkpoint()
        theirs = open_checkpoint(theirs_note, key, what=_NEWEST)
        if theirs.size >= mine.size:
            older_note, newer_note, older, newer, source = mine_note, theirs_note, mine, theirs, others
        else:
            older_note, newer_note, older, newer, source = theirs_note, mine_note, theirs, mine, pages
        verify_extends(source, older, newer)
    except SignatureInvalid:
        found.alarms.append(unsigned(str(mirror)))
    except ProofError:
        proof = _evidence(older_note, newer_note, source, key)
        found.evidence = found.evidence or proof
        kind = Kind.SPLIT_VIEW if proof else Kind.UNPROVEN
        found.alarms.append(two_histories(kind, str(mirror), mine, theirs))
    except (UnavailableError, DecodeError, Refused, UsageError):
        found.silent.append(str(mirror))


def _evidence(older: bytes, newer: bytes, pages: LogPages, key: NoteKey) -> bytes | None:
    """The evidence file, made with the headers that the server shows for the newer note; None if there is none."""
    size = checkpoint_size(newer)
    try:
        headers = list(pages.lines(HEADERS, 0, size)) if size > checkpoint_size(older) else []
    except UrneError:
        return None
    return _convict(older, newer, headers, key)


def _convict(older: bytes, newer: bytes, headers: Sequence[bytes], key: NoteKey) -> bytes | None:
    try:
        proof = history_evidence(older, newer, tree_of(headers), key)
        if proof is None:
            return None
        data = write_evidence(proof)
        check_evidence(read_evidence(data), key)
    except UrneError:
        return None
    return data


def _copied_headers(monitor: Monitor, known: Checkpoint) -> list[bytes]:
    """The headers of a checkpoint from the copy; none if there is no copy, or it is of something else."""
    if monitor.cache is None:
        return []
    try:
        headers = list(islice(RecordSource(monitor.cache).headers(), known.size))
    except UrneError:
        return []
    frontier = Frontier()
    for header in headers:
        frontier.append(header)
    return headers if (frontier.size, frontier.root()) == (known.size, known.root) else []


def _vanished(cache: Path, pages: LogPages, copy: Sequence[bytes], shown: Checkpoint) -> Iterator[Alarm]:
    """Protocol V18c: the entries of the copy that are nowhere in what the board shows now."""
    try:
        headers = verified_headers(pages.lines(HEADERS, 0, shown.size), shown)
    except UrneError:
        return
    left = Counter((header.type, header.body) for header in headers)
    place, count = str(pages.address), 0
    for line, body in zip(copy, RecordSource(cache).bodies(), strict=False):
        header = parse_header(line)
        if left[header.type, header.body]:
            left[header.type, header.body] -= 1
            continue
        count += 1
        if count <= MOST_FINDINGS:
            code = tracker(content_hash(body)) if header.type == BALLOT else ""
            yield vanished(place, header.seq, header.type, code)
    if count > MOST_FINDINGS:
        yield more_vanished(place, count - MOST_FINDINGS)
