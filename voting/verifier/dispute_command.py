"""`urne-verify dispute`: checks a dispute file, and judges it by a record (docs/guide-observer.md).

Exit codes: 0 the file holds, and the record shows nothing against the board; 1 the file does not hold, or the board
refused what its rules allow; 3 the record decides nothing.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from voting.address import Address
from voting.files import read_file
from voting.protocol.encoding import Hash, decode
from voting.protocol.errors import UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.tlog.dispute import MAX_DISPUTE_BYTES, Dispute, Refused, check_dispute, read_dispute
from voting.protocol.tlog.note import NoteKey, parse_vkey
from voting.terminal import PLACE, json_option, print_json, say, toy_option
from voting.translations import text as _
from voting.verifier.dispute import Judgement, Ruled, Ruling, judge_dispute
from voting.verifier.fetch import open_place
from voting.verifier.report_text import clean

_path = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=_path)
@click.option("--record", type=PLACE, help="Also judge the refusals by this record.")
@click.option("--vkey", metavar="VKEY", help="The board's key, if there is no record at hand.")
@click.option("--manifest", type=_path, metavar="FILE2", help="The manifest that names the board's key.")
@json_option
@toy_option
def dispute(
    file: Path,
    record: Path | Address | None,
    vkey: str | None,
    manifest: Path | None,
    as_json: bool,
    allow_toy: bool,
) -> None:
    """Check the dispute in FILE: what the board signed about an entry that it refused, and whether it was right."""
    if sum(given is not None for given in (record, vkey, manifest)) != 1:
        raise UsageError("needs one of --record, --vkey and --manifest", remedy="the record shows most")
    found = read_dispute(read_file(file, limit=MAX_DISPUTE_BYTES), what=str(file))
    if record is not None:
        with open_place(record) as source:
            judgement = judge_dispute(found, source, allow_toy=allow_toy)
        refusals = tuple(ruled.refused for ruled in judgement.rulings)
        key = judgement.board
        named: Hash | None = judgement.manifest
    else:
        judgement = None
        read = decode(read_file(manifest), Manifest, what=str(manifest)) if manifest is not None else None
        key = parse_vkey(read.board if read is not None else vkey or "", what="the board's key")
        named = read.hash if read is not None else None
        refusals = check_dispute(found, key, what=str(file))
    if as_json:
        print_json(_told(found, refusals, judgement, key, named))
    else:
        for line in _lines(found, refusals, judgement, key):
            say(line)
        if named is not None:
            say(_("The board's key is the one in the manifest with the hash {hash}.", hash=named))
    if judgement is not None:
        click.get_current_context().exit(judgement.exit_code)


def _lines(found: Dispute, refusals: tuple[Refused, ...], judgement: Judgement | None, key: NoteKey) -> Iterator[str]:
    yield _("The dispute is about an entry of type {type} whose body has the SHA-256 {hash}.", type=found.type,
            hash=found.body_hash)  # fmt: skip
    for via, refusal in refusals:
        yield _(
            "The board {board} has signed that it refused this entry after {size} entries: {rule}. It came from {via}.",
            board=key.name,
            size=refusal.size,
            rule=_rule(refusal.check, refusal.reason),
            via=clean(via),
        )
    if not refusals:
        yield _("The board {board} has signed nothing about this entry.", board=key.name)
    for other in found.others:
        yield _(
            "{via} gave neither a receipt nor a signed refusal: {said}. This is the sender's word, and proves nothing.",
            via=clean(other.via),
            said=clean(other.said),
        )
    if judgement is None:
        yield _("Whether the board was right, and whether the entry is there after all, a record tells: use --record.")
        return
    if judgement.place is not None:
        yield _("The entry is on the board: it is entry {entry} of the record.", entry=judgement.place)
    else:
        yield _(
            "None of the {count} entries of the record is this one. A newer record may have it.",
            count=judgement.entries,
        )
    for ruled in judgement.rulings:
        yield _ruling_line(ruled, judgement)
    if not judgement.rulings and judgement.place is None:
        yield _("Nothing here proves that the board ever got this entry: nobody can prove a silence.")


def _ruling_line(ruled: Ruled, judgement: Judgement) -> str:
    size, named = ruled.refused.refusal.size, ruled.refused.refusal.check
    match ruled.ruling:
        case Ruling.WRONG:
            return _(
                "THE REFUSAL IS WRONG: after {size} entries the rules allow this entry. The board {board} refused what"
                " its rules allow; it has signed both the refusal and the record.",
                size=size,
                board=judgement.board.name,
            )
        case Ruling.NEEDLESS:
            return _("After {size} entries the entry was on the board already: nothing was lost.", size=size)
        case Ruling.UNKNOWN:
            return _(
                "The record has {count} entries, but the board refused the entry after {size}: take a newer record. If"
                " there is none, entries are gone.",
                count=judgement.entries,
                size=size,
            )
        case Ruling.RIGHT:
            rule = _rule(ruled.check, ruled.reason)
            if ruled.check == named:
                words = _("The refusal is right: after {size} entries the rules forbid this entry: {rule}.")
            else:
                words = _("The entry was rightly refused, but for another reason: after {size} entries: {rule}.")
            return words.format(size=size, rule=rule)


def _rule(check: str, reason: str) -> str:
    words = clean(reason)
    return _("check {check}: {reason}", check=check, reason=words) if check else words


def _told(
    found: Dispute, refusals: tuple[Refused, ...], judgement: Judgement | None, key: NoteKey, manifest: str | None
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "board": key.vkey,
        "body": found.body_hash,
        "manifest": manifest,
        "type": found.type,
        "unsigned": [{"said": other.said, "via": other.via} for other in found.others],
        "refusals": [
            {"check": r.check, "code": r.code, "reason": r.reason, "size": r.size, "via": via} for via, r in refusals
        ],
    }
    if judgement is not None:
        told |= {"entries": judgement.entries, "entry": judgement.place}
        for line, ruled in zip(told["refusals"], judgement.rulings, strict=True):
            line["ruling"] = ruled.ruling.value
            line["rule"] = {"check": ruled.check, "reason": ruled.reason} if ruled.check else None
    return told
