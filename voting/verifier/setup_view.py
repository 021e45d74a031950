"""Protocol V14: an election as its board shows it over HTTP, without its ballots (docs/spec/http.md).

All headers are read and checked: their types say how far the election is. Of the bodies, those up to the opening and
those that announce something are read and replayed by the same rules as ever. So the election, its keys, its
credentials and its id are what the record holds, at a fraction of its size. Ballots, tally and result are not judged.

This module must not import the board's own code.
"""

from __future__ import annotations

from typing import NamedTuple

from voting.election.phases import LEADS_TO, Phase
from voting.election.record import ElectionRecord
from voting.election.rules import apply
from voting.protocol.errors import DecodeError, ProofError, SignatureInvalid, UsageError, VerificationError
from voting.protocol.tlog.checkpoint import Checkpoint
from voting.protocol.tlog.header import MAX_BODY_BYTES, EntryHeader, check_body
from voting.web_log import BODIES, LogPages, read_verified, verified_bodies

BALLOT = "ballot.cast"


class SetupView(NamedTuple):
    """An election without its ballots. `record` ends with the opening and what was announced since."""

    record: ElectionRecord
    phase: Phase
    """The phase that the election is in, by the types of all its entries."""
    ballots: int
    checkpoint: Checkpoint


def read_setup(pages: LogPages, *, allow_toy: bool = False) -> SetupView:
    """Protocol V14: read an election without its ballots.

    Raises:
        UnavailableError: if the server cannot be read.
        UsageError: if there is no election on the board yet.
        VerificationError: if what it shows breaks a rule: the chain (02), the checkpoint (03), or those of entries.
    """
    try:
        log = read_verified(pages)
    except (DecodeError, ProofError) as error:
        raise VerificationError("02", error.where, error.problem) from None
    except SignatureInvalid as error:
        raise VerificationError("03", error.where, error.problem) from None
    if not log.headers:
        raise UsageError("there is no election on this board yet", where=str(pages.address))
    record = ElectionRecord(allow_toy=allow_toy)
    opening = next((header.seq for header in log.headers if header.type == "election.opened"), log.checkpoint.size - 1)
    setup = log.headers[: opening + 1]
    try:
        for header, body in zip(setup, verified_bodies(pages.lines(BODIES, 0, opening + 1), setup), strict=True):
            apply(record, header, body)
        for header in log.headers[opening + 1 :]:
            if header.type in ("election.notice", "election.extended") and record.phase is Phase.OPEN:
                apply(record, header, _body(pages, header))
    except (DecodeError, ProofError) as error:
        raise VerificationError("02", error.where, error.problem) from None
    manifest = record.require_manifest()
    if manifest.board != log.key.vkey:
        reason = "comes from another board than the manifest's"
        raise VerificationError("03", "checkpoint", reason, expected=manifest.board, found=log.key.vkey)
    phase = Phase.EMPTY
    for header in log.headers:
        phase = LEADS_TO.get(header.type, phase)
    ballots = sum(header.type == BALLOT for header in log.headers)
    return SetupView(record, phase, ballots, log.checkpoint)


def _body(pages: LogPages, header: EntryHeader) -> bytes:
    body = pages.web.get(pages.url(f"entries/{header.seq}/body"), limit=MAX_BODY_BYTES)
    check_body(header, body)
    return body
