"""Deleting what a site knows about the people of an election, when it was announced. The board knows no names.

Deleted are voters, their credentials' owners, messages, mail files, trustees' addresses, the draft, and the seed from
which voters' codes come. The database is written anew, so that nothing is left in free pages or in the write-ahead
file. The board stays.
Copies that others made (backups, mail servers, the voters' mailboxes) are out of reach. It must not import flask.
"""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

from voting.election.phases import Phase
from voting.election_folder import KEYS
from voting.files import sync_folder
from voting.protocol.errors import UnavailableError, UsageError
from voting.protocol.moment import format_moment
from voting.site.codes import AUTHORITY_KEY
from voting.site.election_store import ElectionStore
from voting.site.elections import HostedElection
from voting.site.outbox_store import OutboxStore
from voting.site.settings import Settings
from voting.site.store import SiteStore
from voting.site.voter_store import VoterStore

NEEDED_IN = frozenset({Phase.EMPTY, Phase.SETUP, Phase.OPEN})
"""Phases in which the election cannot do without its voters."""


def erase_personal_data(hosted: HostedElection, store: SiteStore, settings: Settings, now: datetime) -> None:
    """Delete the personal data of an election. Repeating it does no harm.

    Raises:
        UsageError: while the election still needs it.
        UnavailableError: if a file cannot be deleted, or the database is in use for too long. Repeat it then.
    """
    if hosted.look(lambda record: record.phase) in NEEDED_IN:
        raise UsageError(
            "cannot be deleted while the election needs it",
            where="the personal data",
            remedy="close or cancel the election, or announce another date",
        )
    forget_file(hosted.folder / KEYS / AUTHORITY_KEY)
    _forget_mail(settings.mail_folder / hosted.name)
    elections = ElectionStore(store)
    with store.transaction():
        OutboxStore(store).remove_all(hosted.name)
        VoterStore(store).remove_all(hosted.name)
        elections.forget_people(hosted.name)
    store.scrub()
    elections.mark_erased(hosted.name, format_moment(now))


def forget_file(path: Path) -> None:
    """Overwrite and delete a small file, if it is there. Some disks keep old blocks all the same."""
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.absolute().parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UnavailableError(f"cannot be deleted ({error.strerror})", where=str(path)) from None


def _forget_mail(folder: Path) -> None:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_file():
            forget_file(path)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise UnavailableError("cannot be deleted", where=str(folder))
