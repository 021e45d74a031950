"""`urne vote`: casting or testing a ballot in the terminal, without a browser (docs/guide-voter.md).

The code is read without showing it and checked on this machine before anything is asked. A choice leaves this machine
only inside an encrypted ballot, or, on *test*, in the opening file of a ballot that is thrown away. Success is claimed
only after the board was read again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from bulletin_board.delivery import UndeliveredError, dispute_of
from bulletin_board.errors import refusal_of
from bulletin_board.log import Submission
from voting.address import Address, parse_address
from voting.commands.ask import ask_all, ask_question
from voting.commands.polling import LocalPlace, PollingPlace, RemotePlace
from voting.crypto.signatures import SigningKey
from voting.election.ballots import BALLOT, SEED_BYTES, BallotContext, EncryptedBallot, encrypt_ballot
from voting.election.credentials import derive_credential
from voting.election.record import ElectionRecord
from voting.files import PRIVATE, PUBLIC, read_text, replace_file, require_new, write_new_file
from voting.protocol.encoding import encode, to_base64
from voting.protocol.errors import DecodeError, UrneError, UsageError, VerificationError
from voting.protocol.manifest import Manifest, parse_selections
from voting.protocol.messages import Opening
from voting.protocol.text import plain
from voting.protocol.tlog.dispute import MAX_WAYS, write_dispute
from voting.protocol.tracker import lock_number, tracker
from voting.terminal import PLACE, say, tell, toy_option
from voting.translations import language
from voting.translations import text as _
from voting.web_client import Refused, open_web

NOT_CAST = 4
ATTEMPTS = 3
MAX_CODE_FILE_BYTES = 4096
MAX_CHOICES_BYTES = 1024 * 1024


@click.command()
@click.argument("place", metavar="DIR", type=PLACE)
@click.option("--code-file", type=click.Path(path_type=Path), help="Read the voter code from this file.")
@click.option("--choices", type=click.Path(path_type=Path), help="Read the choices from this JSON file.")
@click.option("--receipt", type=click.Path(path_type=Path), help="Write the receipt to this new file.")
@click.option("--relay", "relays", multiple=True, metavar="ADDRESS", help="A mirror to send through if need be.")
@click.option(
    "--dispute", type=click.Path(path_type=Path), help="Write what was answered to this new file if nothing helps."
)
@click.option("--yes", is_flag=True, help="Cast without asking; needs --choices.")
@toy_option
@click.pass_context
def vote(
    ctx: click.Context,
    place: Path | Address,
    code_file: Path | None,
    choices: Path | None,
    receipt: Path | None,
    relays: tuple[str, ...],
    dispute: Path | None,
    yes: bool,
    allow_toy: bool,
) -> None:
    """Vote in the election at DIR, a folder or a web address, or test whether this device encrypts what you choose.

    You can vote again until the voting closes; only the last vote counts.
    """
    if yes and choices is None:
        raise UsageError("--yes needs --choices", remedy="leave --yes out to be asked")
    for new_file in (receipt, dispute):
        if new_file is not None:
            require_new(new_file)
    if isinstance(place, Path) and (relays or dispute is not None):
        raise UsageError(
            "--relay and --dispute are for web addresses", remedy="leave them out: the board is on this machine"
        )
    polling = _polling_place(ctx, place, relays, allow_toy=allow_toy)
    poll = polling.look()
    poll.require_open()
    record = poll.record
    manifest, context = record.require_manifest(), record.ballot_context()
    say(plain(manifest.title, language()))
    say(_("Manifest hash: {hash}", hash=manifest.hash))
    key = _read_credential(record, manifest, code_file)
    if polling.has_voted(poll, to_base64(key.verify_key.raw)):
        say(_("You have voted before. If you vote again, only the new vote counts."))
    selections = _read_choices(manifest, choices) if choices is not None else ask_all(manifest, language())
    ballot = _prepare(context, key, selections, choices, yes=yes)
    if ballot is None:
        say(_("You have NOT voted. Nothing was sent."))
        ctx.exit(NOT_CAST)
    try:
        _cast(polling, manifest, ballot, key, receipt)
    except UndeliveredError as error:
        if relays or dispute is not None or any(refusal_of(attempt.error) for attempt in error.attempts):
            _write_dispute(ballot, error, dispute, receipt)
        if isinstance(error.cause, (VerificationError, Refused)):
            polling.look().require_open()
        raise error.cause from None


def _polling_place(
    ctx: click.Context, place: Path | Address, relays: Sequence[str], *, allow_toy: bool
) -> PollingPlace:
    if isinstance(place, Path):
        return LocalPlace(place, allow_toy=allow_toy)
    if len(relays) >= MAX_WAYS:
        raise UsageError(f"more than {MAX_WAYS - 1} relays are given", remedy="name those that you trust most")
    ways = [parse_address(text) for text in relays]
    return RemotePlace(place, ctx.with_resource(open_web()), allow_toy=allow_toy, relays=ways)


# -- who and what ------------------------------------------------------------------------------------------------------


def _read_credential(record: ElectionRecord, manifest: Manifest, file: Path | None) -> SigningKey:
    """The voter's key; typing errors are asked again, up to three times."""
    if file is not None:
        try:
            return _listed(record, derive_credential(read_text(file, limit=MAX_CODE_FILE_BYTES), manifest.hash))
        except DecodeError as error:
            raise error.at(str(file)) from None
    for _attempt in range(ATTEMPTS - 1):
        try:
            return _listed(record, derive_credential(_ask_code(), manifest.hash))
        except (DecodeError, UsageError) as error:
            tell(str(error))
    return _listed(record, derive_credential(_ask_code(), manifest.hash))


def _ask_code() -> str:
    return str(click.prompt(_("Your voter code (it is not shown)"), hide_input=True, default="", show_default=False))


def _listed(record: ElectionRecord, key: SigningKey) -> SigningKey:
    if to_base64(key.verify_key.raw) not in record.credentials:
        raise UsageError(
            "this voter code is well formed and belongs to no voter of this election",
            remedy="it may be for another election; ask your organiser",
        )
    return key


def _read_choices(manifest: Manifest, path: Path) -> Sequence[Any]:
    """The choices in a file: a JSON list with one selection per question. Raises UsageError, SelectionError."""
    text = read_text(path, limit=MAX_CHOICES_BYTES)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"is no JSON (line {error.lineno}, column {error.colno})", where=str(path)) from None
    except (ValueError, RecursionError):
        raise UsageError("is no JSON that can be read", where=str(path)) from None
    try:
        return parse_selections(manifest, data)
    except UrneError as error:
        raise error.at(str(path)) from None


# -- review, cast or test ----------------------------------------------------------------------------------------------


def _prepare(
    context: BallotContext, key: SigningKey, selections: Sequence[Any], source: Path | None, *, yes: bool
) -> EncryptedBallot | None:
    """Encrypt, and let the voter cast, test or change, until it is to be cast; None if the voter quits.

    Every ballot has a seed of its own: that of a tested one is public, that of a cast one is never seen by anyone.
    """
    chosen = list(selections)
    while True:
        if not yes:
            _review(context.manifest, chosen)
        seed = secrets.token_bytes(SEED_BYTES)
        ballot = encrypt_ballot(context, key, chosen, seed)
        lock = lock_number(ballot.hash)
        say(_("Your vote is encrypted. Lock number: {lock}", lock=lock))
        action = "cast" if yes else _ask_action()
        if action == "cast":
            return ballot
        if action == "quit":
            return None
        if action == "test":
            _open_ballot(context, key, chosen, seed, lock)
        else:
            _change(context.manifest, chosen)


def _review(manifest: Manifest, selections: Sequence[Any]) -> None:
    say()
    say(_("Your choices:"))
    for number, (question, selection) in enumerate(zip(manifest.questions, selections, strict=True), start=1):
        say(f"{number}. {plain(question.title, language())}")
        for line in question.describe_selection(selection, language()):
            say(f"     {line}")
    say()


def _ask_action() -> str:
    """What the voter wants: "cast", "test", "change" or "quit"."""
    say(_("cast: vote. test: see whether this device encrypts honestly; the tested ballot is thrown away."))
    say(_("change: change your choices. quit: leave without voting."))
    words = {_("cast"): "cast", _("test"): "test", _("change"): "change", _("quit"): "quit"}
    known = {**words, **{action: action for action in words.values()}}
    while True:
        question = _("What now ({words})", words=", ".join(words))
        answer = str(click.prompt(question, default="", show_default=False)).strip().lower()
        if answer in known:
            return known[answer]
        tell(_("Please type one of these words."))


def _change(manifest: Manifest, selections: list[Any]) -> None:
    count = len(selections)
    number = 1
    if count > 1:
        number = click.prompt(_("Which question, 1 to {count}", count=count), type=click.IntRange(1, count))
    selections[number - 1] = ask_question(manifest.questions[number - 1], language())


def _open_ballot(context: BallotContext, key: SigningKey, selections: Sequence[Any], seed: bytes, lock: str) -> None:
    """write the opening of a tested ballot, which is thrown away."""
    path = Path(f"opening-{lock}.json")
    opening = Opening(
        choices=tuple(msgspec.to_builtins(selection) for selection in selections),
        credential=to_base64(key.verify_key.raw),
        election=context.election,
        seed=to_base64(seed),
    )
    write_new_file(path, encode(opening), mode=PRIVATE)
    say(_("The opening of this ballot is in {file}. It was NOT cast.", file=path))
    say(_("Check it on another device, with a record of this election: urne-verify opening {file} RECORD", file=path))
    say(_("It must show the lock number {lock} and your choices. You still have to vote.", lock=lock))


# -- casting -----------------------------------------------------------------------------------------------------------


def _cast(place: PollingPlace, manifest: Manifest, ballot: EncryptedBallot, key: SigningKey, path: Path | None) -> None:
    """Append the ballot, read it back, and only then say so."""
    try:
        proof = place.cast(manifest, ballot, key, _ask_one_time_code)
    except UrneError:
        tell(_("Your vote could not be cast, or nobody could make sure of it. Please try again."))
        raise
    code = tracker(ballot.hash)
    say(_("Your vote is on the board. Your tracker: {tracker}", tracker=code))
    say(_("You can vote again until the voting closes; only your last vote counts."))
    path = path or Path(f"receipt-{code}.json")
    write_new_file(path, proof, mode=PUBLIC)
    say(_("Your receipt is in {file}. It proves that your ballot is there, and not what you chose.", file=path))


def _ask_one_time_code(hint: str, problem: str) -> str:
    if problem:
        tell(problem)
    return str(click.prompt(_("The code that was mailed to {address}", address=hint)))


def _write_dispute(ballot: EncryptedBallot, error: UndeliveredError, path: Path | None, receipt: Path | None) -> None:
    """Keep what was sent and what was answered. Whoever holds the file could cast the ballot: it is private."""
    if path is None:
        folder = receipt.parent if receipt is not None else Path()
        path = folder / f"dispute-{tracker(ballot.hash)}.json"
    content = dispute_of(Submission(BALLOT, ballot.body, ballot.hints), error.attempts)
    replace_file(path, write_dispute(content), mode=PRIVATE)
    tell(_("Your ballot and what was answered are in {file}. To check it: urne-verify dispute {file}", file=path))
    tell(
        _(
            "Your choices cannot be read from it. But whoever has it can cast this ballot while the voting is open, and"
            " may learn that it is yours: give it to nobody whom you do not trust."
        )
    )
