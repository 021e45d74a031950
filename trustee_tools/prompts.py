"""What `urne-trustee` asks its user: passphrases, who they are, and a plain yes.

Passphrases come from the terminal, or from a file that its owner named; never from an argument or the environment.
Everything asked or explained here goes to stderr. No passphrase is ever echoed back, but for the one that the program
has drawn itself and shows once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from trustee_tools.keystore import is_open_to_others, open_trustee_key, read_header, read_passphrase_file
from voting.crypto.passphrase import generate_passphrase
from voting.protocol.errors import KeyFileError, UsageError
from voting.terminal import tell
from voting.translations import text as _

ATTEMPTS = 3
MIN_OWN_PASSPHRASE = 12


def new_passphrase(*, own: bool, file: Path | None, random_bytes: Callable[[int], bytes]) -> str:
    """A passphrase for a new key file: drawn and typed back once, the user's own typed twice, or from a file.

    Raises:
        UsageError: if it is not typed the same again, or too short.
    """
    if file is not None:
        return read_passphrase_file(file)
    if own:
        passphrase = _ask_hidden(_("Your passphrase"))
        if len(passphrase) < MIN_OWN_PASSPHRASE:
            raise UsageError(
                f"the passphrase is shorter than {MIN_OWN_PASSPHRASE} characters",
                remedy="choose a longer one, or let the program draw one",
            )
    else:
        passphrase = generate_passphrase(random_bytes)
        tell(_("The passphrase of your key file, shown once. Write it down, and keep it apart from the file:"))
        tell(f"\n    {passphrase}\n")
    for _attempt in range(ATTEMPTS):
        if _ask_hidden(_("Type the passphrase again")) == passphrase:
            return passphrase
        tell(_("That is not the same passphrase."))
    raise UsageError("the passphrase was not typed the same again: no file was written", remedy="start again")


def unlock(path: Path, passphrase_file: Path | None) -> bytes:
    """The seed in a key file; asks for the passphrase, up to three times.

    Raises:
        KeyFileError, UnavailableError: if it does not open.
    """
    header = read_header(path)
    if is_open_to_others(path):
        tell(_("Warning: other users of this machine may read {file}. Run: chmod 600 {file}", file=path))
    if passphrase_file is not None:
        return open_trustee_key(path, read_passphrase_file(passphrase_file))
    question = _("Passphrase of {file} ({label})", file=path, label=header.label)
    for _attempt in range(ATTEMPTS - 1):
        try:
            return open_trustee_key(path, _ask_hidden(question))
        except KeyFileError as error:
            tell(str(error))
    return open_trustee_key(path, _ask_hidden(question))


def confirm(question: str, *, assume_yes: bool) -> None:
    """Ask for the word yes. Raises UsageError for anything else."""
    if assume_yes:
        return
    answer = _ask(_("{question} Type yes to go on", question=question))
    if answer.strip().lower() not in {"yes", _("yes")}:
        raise UsageError("you did not say yes: nothing was done")


def require_typed(expected: str, question: str) -> None:
    """Ask the user to type a text. Raises UsageError for any other."""
    if _ask(question).strip() != expected:
        raise UsageError("that is not what was asked for: nothing was done")


def _ask(question: str, *, hidden: bool = False) -> str:
    return str(click.prompt(question, hide_input=hidden, err=True, default="", show_default=False))


def _ask_hidden(question: str) -> str:
    return _ask(question, hidden=True)
