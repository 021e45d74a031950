"""Protocol K: voters' codes made by the site, which then is the credential authority (docs/spec/credentials.md).

A code is derived from the authority's seed, so that no code is ever stored and each can be sent again. After the seed
is deleted, nobody can make the codes again. An outside authority makes codes elsewhere, and only its signed lists of
public keys come here. Codes never stand in an error or a log. It must not import flask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bulletin_board.keys import OTHERS
from bulletin_board.log import Submission
from bulletin_board.reader import Appended
from voting.crypto.kdf import derive
from voting.crypto.keyfile import open_key_file
from voting.crypto.signatures import SigningKey
from voting.election.credentials import derive_credential, generate_code
from voting.election.phases import Phase
from voting.election.record import MAX_TOTAL_WEIGHT, ElectionRecord
from voting.election.steps import CREDENTIALS_PER_ENTRY, list_credentials
from voting.election_folder import KEYS
from voting.files import read_file
from voting.message_file import MAX_MESSAGE_FILE_BYTES, read_message_file
from voting.protocol.encoding import Hash, from_base64, to_base64
from voting.protocol.errors import DecodeError, UnavailableError, UrneError, UsageError
from voting.protocol.manifest import Manifest
from voting.site.elections import HostedElection
from voting.site.store import SiteStore
from voting.site.voter_store import VoterRow, VoterStore

AUTHORITY_KEY = "authority.key"
LISTED = "credentials.listed"


class Codes:
    """Makes the codes of one election. Hold it no longer than needed: it holds the seed of all of them."""

    __slots__ = ("_seed", "manifest")

    def __init__(self, seed: bytes, manifest: Hash) -> None:
        self._seed = seed
        self.manifest = manifest

    def code(self, voter: VoterRow) -> str:
        """The code of a voter, as it is printed."""
        return derive_code(self._seed, voter.id, voter.generation)

    def key(self, voter: VoterRow) -> bytes:
        """The voter's credential: the raw public key that the code gives."""
        return derive_credential(self.code(voter), self.manifest).verify_key.raw

    def __repr__(self) -> str:
        return "<Codes>"


class ListingOutcome(NamedTuple):
    """What came of listing credentials."""

    added: int
    """Credentials that are on the board now and were not before."""
    weight: int


def derive_code(seed: bytes, voter: int, generation: int) -> str:
    """Protocol K6: the code of a voter: K1 with 15 bytes derived from the authority's seed in place of random ones.

    Args:
        seed: 32 secret bytes of the credential authority.
        voter: the site's number of the voter, never given twice in an election.
        generation: how often the voter's code was replaced.
    """
    numbers = str(voter).encode("ascii"), str(generation).encode("ascii")
    return generate_code(lambda length: derive(seed, "voter-code", *numbers, length=length))


def has_authority(hosted: HostedElection) -> bool:
    """Whether this site is the credential authority of an election, and still has the key."""
    try:
        open_codes(hosted)
    except UrneError:
        return False
    return True


def open_codes(hosted: HostedElection) -> Codes:
    """What makes the codes of an election.

    Raises:
        UsageError: if another authority makes them, or if they were deleted.
        UnavailableError: if the key cannot be read, or others may read it.
    """
    manifest: Manifest = hosted.look(lambda record: record.require_manifest())
    path = hosted.folder / KEYS / AUTHORITY_KEY
    if not path.exists():
        raise UsageError("were deleted with the personal data", where="the voters' codes")
    if path.stat().st_mode & OTHERS:
        raise UnavailableError("may be read by other users", where=str(path), remedy=f"run: chmod 600 {path}")
    try:
        seed = open_key_file(read_file(path), passphrase=None, kind="authority")
    except UrneError as error:
        raise error.at(str(path)) from None
    if to_base64(SigningKey.from_seed(seed).verify_key.raw) != manifest.authority:
        raise UsageError("are made by an outside authority", where="the voters' codes", remedy="ask it")
    return Codes(seed, manifest.hash)


class CodeService:
    """Credentials of the voters of all elections."""

    def __init__(self, store: SiteStore) -> None:
        self._store = store
        self._voters = VoterStore(store)

    def list_credentials(self, hosted: HostedElection) -> ListingOutcome:
        """Publish the credentials of all voters who have none on the board yet. Repeating it does no harm.

        Raises:
            UsageError: if there is no such voter, if voting was opened, or if the weights add up to too much.
        """
        codes = open_codes(hosted)
        waiting = [voter for voter in self._voters.each(hosted.name) if not voter.is_listed]
        if not waiting:
            raise UsageError("have their credentials on the board already", where="all voters")
        # In the order of the board's lists: a list must not say who stands near whom in the list of voters.
        pairs = sorted(((to_base64(codes.key(voter)), voter) for voter in waiting), key=lambda pair: pair[0])
        before = hosted.look(_totals)
        for start in range(0, len(pairs), CREDENTIALS_PER_ENTRY):
            self._list_some(hosted, pairs[start : start + CREDENTIALS_PER_ENTRY])
        after = hosted.look(_totals)
        return ListingOutcome(after.added - before.added, after.weight - before.weight)

    def _list_some(self, hosted: HostedElection, pairs: Sequence[tuple[str, VoterRow]]) -> None:
        """Publish credentials, and note whose they are. Meanwhile nobody can change a voter."""
        with self._store.transaction():
            same = [(key, voter) for key, voter in pairs if self._voters.get(hosted.name, voter.id) == voter]
            # After a crash between board and site, some are on the board though the site did not note it.
            known = hosted.look(lambda record: {key for key, _voter in same if key in record.credentials})
            raws = [(from_base64(key, 32, what="key"), voter.weight) for key, voter in same if key not in known]
            if raws:
                hosted.act(
                    lambda record, key, time: list_credentials(_require_setup(record, raws), raws, key, time),
                    key="authority",
                )
            self._voters.set_keys([(key, voter.id) for key, voter in same])

    def replace_code(self, hosted: HostedElection, voter: VoterRow) -> None:
        """Make a voter's code worthless, and give the voter another one.

        Raises:
            UsageError: if the credential is on the board: then it stays for good.
        """
        old = to_base64(open_codes(hosted).key(voter))
        if not self._voters.replace_code(voter.id, old, hosted.name):
            raise UsageError("has a credential on the board, which cannot be taken back", where="the voter")

    def replaced_keys(self, election: str, prefix: str = "") -> list[str]:
        """Credentials of codes that were replaced, so that the booth can say so to whoever types an old one."""
        return self._voters.replaced_keys(election, prefix)

    def accept_lists(self, hosted: HostedElection, files: Iterable[tuple[str, bytes]]) -> ListingOutcome:
        """Publish what an outside authority has signed: message files of `credentials.listed` entries.

        Args:
            files: names and contents of the files.

        Raises:
            DecodeError: if a file is no such file; then nothing was published.
            UrneError: if the board refuses an entry; those before it are on the board.
        """
        submissions = []
        for name, data in files:
            if len(data) > MAX_MESSAGE_FILE_BYTES:
                raise DecodeError("is too long for a list of credentials", where=name)
            entry_type, body = read_message_file(data, what=name)
            if entry_type != LISTED:
                raise DecodeError("is no list of credentials", where=name, remedy="choose the authority's file")
            submissions.append((name, Submission(entry_type, body)))
        before = hosted.look(_totals)
        for name, submission in submissions:
            _submit(hosted, name, submission)
        after = hosted.look(_totals)
        return ListingOutcome(after.added - before.added, after.weight - before.weight)


def _submit(hosted: HostedElection, name: str, submission: Submission) -> Appended:
    try:
        return hosted.submit(submission)
    except UrneError as error:
        raise error.at(name) from None


def _totals(record: ElectionRecord) -> ListingOutcome:
    return ListingOutcome(len(record.credentials), record.weight)


def _require_setup(record: ElectionRecord, added: list[tuple[bytes, int]]) -> Manifest:
    if record.phase != Phase.SETUP:
        raise UsageError(
            "codes can only be made before the voting opens", remedy="the list of voters is final from then on"
        )
    if _totals(record).weight + sum(weight for _raw, weight in added) > MAX_TOTAL_WEIGHT:
        raise UsageError(f"the weights of all voters add up to more than {MAX_TOTAL_WEIGHT}", remedy="lower them")
    return record.require_manifest()
