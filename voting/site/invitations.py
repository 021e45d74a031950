"""Protocol T32: who may take a trustee's place: whoever has the invitation to it (docs/spec/booth.md, "Trustees").

The board's rules let anybody join under a trustee's name, since nothing about a trustee is known before. So a stranger
could be quicker than the trustees. A site that invites them knows better. An invitation follows from the site's secret
key and is stored nowhere; it is good for one place in one election. It must not import flask.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from bulletin_board.errors import TokenError
from bulletin_board.log import Submission
from bulletin_board.reader import Appended, BoardReader
from voting.crypto.kdf import derive
from voting.protocol.encoding import to_base64
from voting.protocol.entries import parse_body
from voting.protocol.errors import UrneError
from voting.site.election_store import ElectionStore
from voting.site.elections import HostedElection

JOINED = "trustee.joined"
_BYTES = 15


class Invitations:
    """The invitations of all trustees of a site.

    Args:
        secret: the site's secret key.
    """

    def __init__(self, site: ElectionStore, secret: bytes) -> None:
        self._site = site
        self._key = derive(secret, "trustee-invitation", length=32)

    def code(self, election: str, place: int) -> str:
        """The invitation to a trustee's place."""
        said = election.encode("ascii"), str(place).encode("ascii")
        return to_base64(derive(self._key, "invitation", *said, length=_BYTES))

    def are_needed(self, election: str) -> bool:
        """Whether this site invites the trustees: not where the election was made by command and has no owner here."""
        row = self._site.get(election)
        return row is not None and row.owner is not None

    def require(self, election: str, submission: Submission, token: str | None) -> None:
        """Raises TokenError if a trustee joins without the invitation to this place."""
        if submission.type != JOINED or not self.are_needed(election):
            return
        try:
            place = parse_body(JOINED, submission.body, what="the entry").content.index
        except UrneError:
            return  # the board's rules say what is wrong with it
        if not hmac.compare_digest((token or "").encode(), self.code(election, place).encode()):
            raise TokenError(
                "needs the invitation of this trustee",
                where="the entry",
                remedy="use the link in the invitation, or its code with --invitation",
            )


class InvitedElection:
    """An election as the web interface of its board sees it: with invitations."""

    def __init__(self, hosted: HostedElection, invitations: Invitations) -> None:
        self._hosted = hosted
        self._invitations = invitations

    @contextmanager
    def reader(self) -> Iterator[BoardReader]:
        """As `HostedElection.reader`."""
        with self._hosted.reader() as board:
            yield board

    def submit(self, submission: Submission, token: str | None = None) -> Appended:
        """As `HostedElection.submit`; raises TokenError for a trustee who was not invited."""
        self._invitations.require(self._hosted.name, submission, token)
        return self._hosted.submit(submission, token)

    def sign_refusal(self, submission: Submission, error: UrneError) -> bytes | None:
        """As `HostedElection.sign_refusal`."""
        return self._hosted.sign_refusal(submission, error)
