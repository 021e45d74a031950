"""The answers to single questions in words: where a ballot is, whether a booth is the one that was named, whether a
board has lied.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Iterator

from voting.protocol.encoding import Hash
from voting.protocol.tlog.evidence import Contradiction
from voting.protocol.tlog.note import NoteKey
from voting.translations import text as _
from voting.verifier.booth import BoothReport
from voting.verifier.lookup import BallotFate, BallotState
from voting.verifier.receipt import SignedQuorum
from voting.verifier.report_text import clean


def fate_lines(fate: BallotFate) -> Iterator[str]:
    """What became of a ballot."""
    match fate.state:
        case BallotState.COUNTED:
            yield _("{tracker}: found, entry {entry}. It is the ballot that counts.", **fate._asdict())
        case BallotState.REPLACED:
            yield _(
                "{tracker}: found, entry {entry}. It does not count: the same voter code cast another ballot later,"
                " entry {replaced_by}.",
                **fate._asdict(),
            )
        case BallotState.NOT_FOUND:
            yield _(
                "{tracker}: not found. It was typed without error. The likely reasons, in this order:", **fate._asdict()
            )
            yield _("1. The record is older than the ballot: get a new one.")
            yield _("2. The record is of another election.")
            yield _("3. The ballot was tested or prepared, but never cast.")
            yield _("4. The board has dropped it: check your receipt with `urne-verify receipt`.")
            return
    yield _("Whether the record is right, `urne-verify RECORD` tells.")


def booth_lines(report: BoothReport) -> Iterator[str]:
    """What came of comparing the booth's files."""
    for found in report.differences:
        yield _("{url}: {reason}", url=found.url, reason=_(found.reason))
        yield f"  {_('expected')} {found.expected}"
        yield f"  {_('found')}    {found.found or '-'}"
    if report.differences:
        yield _(
            "{wrong} of {count} addresses do not give what the opening names. Do not vote with this booth.",
            wrong=len(report.differences),
            count=report.checked,
        )
        return
    yield _("All {count} addresses of the booth give what the election's opening names.", count=report.checked)
    yield _("A site can serve other files to others: ask from different places, and while people vote.")


def quorum_lines(found: SignedQuorum) -> Iterator[str]:
    """Whether the board's witnesses signed what a receipt promises; nothing if it has none."""
    if not found.named:
        return
    names = ", ".join(map(clean, found.signed)) or _("nobody")
    if found.is_reached:
        yield _(
            "The quorum of witnesses has signed it, too: {names} ({quorum} of {count} are needed).",
            names=names, quorum=found.quorum, count=found.named,
        )  # fmt: skip
    else:
        yield _(
            "The quorum of witnesses is missing: signed by {names}, and {quorum} of {count} are needed. The booth does"
            " not call a vote cast before they have signed.",
            names=names, quorum=found.quorum, count=found.named,
        )  # fmt: skip


def evidence_lines(found: Contradiction, key: NoteKey, manifest: Hash | None) -> Iterator[str]:
    """What evidence shows about the board with this key, which the manifest with this hash names."""
    yield _("The board {board} has lied: it signed two things that cannot both be true.", board=key.name)
    if found.place is not None:
        yield _("Both are about entry {entry}, which it signed with two different contents.", entry=found.place)
    elif found.first.size == found.second.size:
        yield _("It signed two different lists of {count} entries.", count=found.first.size)
    else:
        yield _(
            "It signed {first} entries, and {second} entries that do not begin with the same ones.",
            first=found.first.size,
            second=found.second.size,
        )
    if manifest is not None:
        yield _("Its key is the one in the manifest with the hash {hash}.", hash=manifest)
