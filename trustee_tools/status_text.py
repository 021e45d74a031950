"""The trustee's status in words, as lines of plain text and as data for JSON (docs/guide-trustee.md).

Pure. Texts go through the catalogue of `voting.translations`; nothing here reads a key.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trustee_tools.sources import ElectionView, Place
from trustee_tools.status import STEP_OF, STEPS, Act, Move, Situation, Stage
from voting.election.record import require_tally
from voting.protocol.encoding import ZERO_HASH, sha256
from voting.protocol.moment import parse_moment
from voting.protocol.text import plain
from voting.protocol.tracker import tracker
from voting.translations import language
from voting.translations import text as _

_ROUNDS = ("trustee.joined", "trustee.committed", "trustee.dealt", "trustee.confirmed")


def fingerprint(key: bytes) -> str:
    """Protocol T31: what to read aloud of a public key: the first 80 bits of its SHA-256, written like a tracker."""
    return tracker(sha256(key))


def moment_text(time: str) -> str:
    """A UTC time as people say it, e.g. `Tue 24 Nov 08:05 UTC`."""
    from babel.dates import format_datetime  # slow to import, and not needed by every command

    return f"{format_datetime(parse_moment(time), 'EEE d MMM HH:mm', locale=language())} UTC"


def command(*words: str | Place) -> str:
    """A command as it can be typed in a shell."""
    return shlex.join(["urne-trustee", *map(str, words)])


def title_of(view: ElectionView) -> str:
    """The election's title in the user's language, or its first."""
    manifest = view.manifest
    return manifest.title.get(language()) or plain(manifest.title, manifest.language)


def election_lines(view: ElectionView) -> list[str]:
    """Which election this is, and what every trustee should see alike."""
    manifest = view.manifest
    total = len(manifest.trustees)
    lines = [
        _("Election: {title}", title=title_of(view)),
        _("Manifest hash: {hash}", hash=manifest.hash),
        _("Trustees: {total}, any {threshold} of them decrypt together", total=total, threshold=manifest.threshold),
    ]
    ceremony = view.record.require_ceremony()
    if ceremony.all_committed:
        lines.append(_("Joint key: {fingerprint}", fingerprint=fingerprint(ceremony.joint_key().encode())))
    if manifest.crypto_group().is_toy:
        lines.append(_("This election is a test: its group protects nothing."))
    return lines


def table_lines(view: ElectionView, now: Situation) -> list[str]:
    """One line per trustee: when they did what."""
    titles = [_("trustee"), _("joined"), _("committed"), _("dealt"), _("confirmed"), _("decrypted")]
    rows = [titles]
    ceremony = view.record.require_ceremony()
    for index, info in enumerate(view.manifest.trustees, start=1):
        trustee = ceremony.trustees.get(index)
        if trustee is None:
            rows.append([f"{index} {info.name}", _("left out of this ceremony")])
            continue
        cells = [moment_text(trustee.times[kind]) if kind in trustee.times else "-" for kind in _ROUNDS]
        if any(who == index and state == "open" for (_dealer, who), state in ceremony.complaints.items()):
            cells[-1] = _("complained {moment}", moment=moment_text(trustee.times["trustee.complained"]))
        share = view.record.shares.get(index)
        rows.append([f"{index} {info.name}", *cells, moment_text(share.time) if share else "-"])
    widths = [max(len(row[column]) for row in rows if len(row) == len(titles)) for column in range(len(titles))]
    widths[0] = max(len(row[0]) for row in rows)
    step = _("Step {step} of {steps}.", step=STEP_OF[now.stage], steps=STEPS)
    return [step, *("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)]


def fingerprint_lines(view: ElectionView) -> list[str]:
    """The key of every trustee who has joined, to be compared with what they read aloud."""
    joined = [t for t in view.record.require_ceremony().trustees.values() if t.signing_key is not None]
    width = max((len(f"{t.index} {t.name}") for t in joined), default=0)
    lines = [f"{f'{t.index} {t.name}'.ljust(width)}  {fingerprint(t.signing_key.raw)}" for t in joined if t.signing_key]
    return [_("Fingerprints to compare with what each trustee reads aloud:"), *lines] if lines else []


def waiting_lines(view: ElectionView, now: Situation, index: int | None = None) -> list[str]:
    """Whom everybody waits for, and since when; `index` is left out of the names: they know."""
    since = moment_text(now.since)
    lines = []
    for act in Act:
        indices = [who for who, duty in now.duties.items() if duty is act and who != index]
        if indices:
            lines.append(_waiting_for_trustees(act, _names(view, indices), since, now.missing))
    return lines if now.duties else [_waiting_for_others(view, now.stage, since)]


def move_line(board: Place, key: Path, act: Act) -> str:
    """The command for this trustee's next act."""
    verb = "decrypt" if act is Act.DECRYPT else "step"
    return _("Your move: run `{command}`", command=command(verb, board, "--key", key))


def act_line(view: ElectionView, move: Move) -> str:
    """What the trustee's program is about to do, in a sentence."""
    names = _names(view, move.others)
    match move.act:
        case Act.JOIN:
            return _("Step 1: joining, with your keys and a promise of what you will commit to.")
        case Act.COMMIT:
            return _("Step 2: all have joined. Publishing what your part of the key is committed to.")
        case Act.DEAL:
            return _("Step 3: all have committed. Sealing one share to every trustee.")
        case Act.COMPLAIN:
            return _("Step 4: the share from {names} does not open or does not fit. Complaining.", names=names)
        case Act.ANSWER:
            return _("Step 4: {names} complained about your share. Publishing that share.", names=names)
        case _:
            return _("Step 4: every share you were dealt opens and fits. Confirming the joint key.")


def tally_lines(view: ElectionView, *, quick: bool) -> list[str]:
    """What is about to be decrypted."""
    record = view.record
    tally = require_tally(record)
    lines = [
        _("Election: {title}", title=title_of(view)),
        _("Ballots: {count} counted, of {cast} cast", count=tally.ballots, cast=len(record.ballots)),
        _("Tally fingerprint: {code}", code=tracker(record.tally_hash or ZERO_HASH)),
        _("The tally is the product of these ballots, as this program has computed it itself."),
    ]
    if tally.weight != tally.ballots:
        lines.insert(2, _("Weight: {weight}", weight=tally.weight))
    if quick:
        lines.append(_("Signatures and proofs of the ballots were not checked (--quick)."))
    if tally.ballots == 1:
        lines.append(_("Warning: one single ballot is counted. Decrypting shows how this voter voted."))
    return lines


def status_data(view: ElectionView, now: Situation, index: int | None) -> dict[str, Any]:
    """The status for machines. Times are UTC; a round that a trustee has not done is null."""
    ceremony = view.record.require_ceremony()
    trustees = []
    for position, info in enumerate(view.manifest.trustees, start=1):
        state = ceremony.trustees.get(position)
        share = view.record.shares.get(position)
        trustees.append(
            {
                "complaints": [
                    {"dealer": dealer, "state": state_}
                    for (dealer, who), state_ in sorted(ceremony.complaints.items())
                    if who == position
                ],
                "decrypted": share.time if share else None,
                "fingerprint": fingerprint(state.signing_key.raw) if state and state.signing_key else None,
                "index": position,
                "is_excluded": state is None,
                "name": info.name,
                "next": now.duties.get(position),
                **{kind.removeprefix("trustee."): state.times.get(kind) if state else None for kind in _ROUNDS},
            }
        )
    return {
        "ceremony": ceremony.attempt,
        "entries": view.size,
        "failed": ceremony.failed,
        "manifest": view.manifest.hash,
        "missing_shares": now.missing,
        "phase": view.record.phase,
        "since": now.since,
        "stage": now.stage,
        "step": STEP_OF[now.stage],
        "steps": STEPS,
        "threshold": view.manifest.threshold,
        "title": dict(view.manifest.title),
        "trustees": trustees,
        "you": index,
        "your_move": now.duties.get(index) if index is not None else None,
    }


def _names(view: ElectionView, indices: Sequence[int]) -> str:
    return ", ".join(view.manifest.trustees[index - 1].name for index in indices)


def _waiting_for_trustees(act: Act, names: str, since: str, missing: int) -> str:
    match act:
        case Act.JOIN:
            return _("Waiting for {names} to join (since {since}).", names=names, since=since)
        case Act.COMMIT:
            return _("Waiting for {names} to commit (since {since}).", names=names, since=since)
        case Act.DEAL:
            return _("Waiting for {names} to deal their shares (since {since}).", names=names, since=since)
        case Act.ANSWER:
            return _("Waiting for {names} to answer a complaint (since {since}).", names=names, since=since)
        case Act.DECRYPT:
            return _(
                "Waiting for decryption (since {since}): {missing} more needed, from {names}.",
                names=names,
                since=since,
                missing=missing,
            )
        case _:
            return _("Waiting for {names} to check their shares and confirm (since {since}).", names=names, since=since)


def _waiting_for_others(view: ElectionView, stage: Stage, since: str) -> str:
    match stage:
        case Stage.FAILED:
            dealer = view.record.require_ceremony().failed or 0
            return _(
                "The ceremony has failed: {name} dealt a wrong share. "
                "Waiting for the administrator to restart it without {name} (since {since}).",
                name=_names(view, [dealer]),
                since=since,
            )
        case Stage.READY:
            return _(
                "The key is ready. Waiting for the administrator to open the election (since {since}).", since=since
            )
        case Stage.VOTING:
            return _("Voting is open (since {since}). Waiting for the administrator to close it.", since=since)
        case Stage.CLOSED:
            return _("Waiting for the administrator to compute the encrypted tally (since {since}).", since=since)
        case Stage.DECRYPTED:
            return _(
                "Enough shares are there. Waiting for the administrator to publish the result (since {since}).",
                since=since,
            )
        case Stage.PUBLISHED:
            return _("The result was published on {since}. Nobody has to do anything.", since=since)
        case _:
            return _("The election was cancelled on {since}. Nobody has to do anything.", since=since)
