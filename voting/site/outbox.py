"""The outbox: messages that wait, and the thread that sends them.

A row says who is to get which kind of message. Address, text and code come together when it is sent, and are forgotten
after. If the program stops between sending and noting it, a message is sent twice rather than never. It must not import
flask.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.protocol.errors import UrneError, UsageError
from voting.protocol.moment import format_moment
from voting.site.codes import Codes, open_codes
from voting.site.election_store import ElectionStore, TrusteeRow
from voting.site.elections import Elections
from voting.site.letters import (
    EXAMPLE_CODE,
    FOR_TRUSTEES,
    WITH_CODE,
    ElectionFacts,
    Kind,
    Letter,
    Recipient,
    write_letter,
)
from voting.site.mail import Envelope, MailConnectionLost, MailError, MailServerError, Send, Transport
from voting.site.outbox_store import MessageRow, OutboxStore
from voting.site.settings import Settings
from voting.site.store import SiteStore
from voting.site.voter_store import VoterRow, VoterStore

BATCH = 50
"""Messages sent over one connection."""
RETRY_AFTER = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360))
"""Waits between attempts; after the last, a message has failed."""
SERVER_PAUSE = (timedelta(seconds=15), timedelta(minutes=10))
"""Shortest and longest pause when no message can be sent at all; it doubles each time."""
LOOK_AGAIN_SECONDS = 2.0

WHILE = {
    Kind.INVITATION: frozenset({Phase.SETUP, Phase.OPEN}),
    Kind.OPENING: frozenset({Phase.OPEN}),
    Kind.REMINDER: frozenset({Phase.OPEN}),
    Kind.CLOSING: frozenset({Phase.CLOSED, Phase.TALLIED}),
    Kind.RESULT: frozenset({Phase.PUBLISHED}),
    Kind.CANCELLATION: frozenset({Phase.CANCELLED}),
    Kind.FACTOR: frozenset({Phase.OPEN}),
    Kind.TRUSTEE_INVITATION: frozenset({Phase.SETUP}),
    Kind.TRUSTEE_MOVE: frozenset({Phase.SETUP}),
    Kind.TRUSTEE_DECRYPTION: frozenset({Phase.TALLIED}),
}
"""Kind -> phases in which it may be sent."""

_BATCH = re.compile(r"[0-9a-f]{8,64}\Z")

logger = logging.getLogger(__name__)

FactorCode = Callable[[int], str | None]
"""A voter's present one-time code, if there is one that still holds."""


class Outbox:
    """Queues messages, and makes them when they are sent."""

    def __init__(
        self, store: SiteStore, elections: Elections, settings: Settings, *, now: Callable[[], datetime]
    ) -> None:
        self.rows = OutboxStore(store)
        self._store = store
        self._voters = VoterStore(store)
        self._elections = elections
        self._site = ElectionStore(store)
        self._settings = settings
        self._now = now
        self.factor_code: FactorCode = lambda _voter: None
        """Set by the second factor's service."""
        self.invitation: Callable[[str, int], str] = lambda _election, _place: ""
        """Set by the service that invites trustees: election and place -> the code that lets them join."""
        self.wake: Callable[[], None] = lambda: None
        """Set by the thread that sends."""

    # -- queueing ------------------------------------------------------------------------------------------------------

    def send_to_voters(self, election: str, kind: Kind, batch: str) -> int:
        """Queue a message to all voters with a mail address; a reminder only to those who have not voted.

        Args:
            batch: the same for the same click: sent twice, it queues nothing twice.

        Returns:
            How many voters it is for.

        Raises:
            UsageError: if this kind of message makes no sense now.
        """
        require_batch(batch)
        self.require_sendable(election, kind)
        voters = self.recipients(election, kind)
        self.rows.queue_for_voters(election, kind, voters, batch, self._time())
        self.wake()
        return len(voters)

    def recipients(self, election: str, kind: Kind) -> list[int]:
        """The voters whom a message of this kind would go to."""
        voted: frozenset[str] = frozenset()
        if kind == Kind.REMINDER:
            voted = self._elections.get(election).look(lambda record: frozenset(record.last_ballot))
        return [
            voter.id
            for voter in self._voters.each(election)
            if voter.email and (kind != Kind.REMINDER or (voter.key is not None and voter.key not in voted))
        ]

    def send_to_voter(self, election: str, kind: Kind, voter: VoterRow, batch: str) -> None:
        """Queue a message to one voter, again if it was sent before. Raises UsageError as `send_to_voters`."""
        require_batch(batch)
        self.require_sendable(election, kind)
        if not voter.email:
            raise UsageError("has no mail address", where="the voter", remedy="print the letter instead")
        self.rows.queue_for_voters(election, kind, [voter.id], batch, self._time())
        self.wake()

    def send_to_trustees(self, election: str, kind: Kind, places: list[int], batch: str) -> int:
        """Queue a message to trustees; those without an address are left out. Gives how many it is for."""
        require_batch(batch)
        self.require_sendable(election, kind)
        reachable = {trustee.place for trustee in self._site.trustees(election) if trustee.email}
        wanted = [place for place in places if place in reachable]
        self.rows.queue_for_trustees(election, kind, wanted, batch, self._time())
        self.wake()
        return len(wanted)

    def resend_failed(self, election: str, kind: Kind) -> int:
        """Queue again what failed; gives how many messages. Raises UsageError as `send_to_voters`."""
        self.require_sendable(election, kind)
        count = self.rows.resend_failed(election, kind, self._time())
        self.wake()
        return count

    def cancel(self, election: str, kind: Kind) -> int:
        """Take back what is still queued; gives how many messages."""
        return self.rows.cancel(election, kind, self._time())

    def queue_factor(self, election: str, voter: int, batch: str) -> None:
        """Queue a one-time code to a voter."""
        self.rows.queue_for_voters(election, Kind.FACTOR, [voter], batch, self._time())

    def require_sendable(self, election: str, kind: Kind) -> None:
        """Raises UsageError, with the reason, if this kind of message makes no sense now."""
        if election not in self._elections.names():
            raise UsageError("can be sent once the election is frozen", where="messages")
        hosted = self._elections.get(election)
        if hosted.look(lambda record: record.phase) not in WHILE[kind]:
            raise UsageError("does not fit the present state of the election", where="this message")
        if kind in WITH_CODE:
            open_codes(hosted)

    # -- making messages -----------------------------------------------------------------------------------------------

    def facts(self, election: str) -> ElectionFacts:
        """What messages say of an election. Raises UsageError if there is no such election."""
        settings = self._site.settings(election)
        address = self._settings.link(f"/e/{election}")
        zone = settings.time_zone or self._settings.time_zone

        def read(record: ElectionRecord) -> ElectionFacts:
            manifest = record.require_manifest()
            return ElectionFacts(
                title=manifest.title,
                language=manifest.language,
                contact=manifest.contact or self._settings.contact,
                address=address,
                manifest=manifest.hash,
                opens=manifest.schedule.opens if manifest.schedule else None,
                closes=record.closes,
                zone=zone,
                erase_after=settings.erase_after,
                reason=record.cancelled.reason if record.cancelled else "",
                asks_for_mail=settings.factor == "mail",
            )

        return self._elections.get(election).look(read)

    def sample(self, election: str, kind: Kind, name: str, language: str) -> Letter:
        """A message as it would be, with a code that is none."""
        code = "000000" if kind == Kind.FACTOR else EXAMPLE_CODE
        trustee = 1 if kind in FOR_TRUSTEES else 0
        return write_letter(kind, self.facts(election), Recipient(name, language, 1, code, trustee))

    def letter_with_code(self, election: str, voter: VoterRow) -> Letter:
        """The invitation of one voter, to be printed."""
        codes = open_codes(self._elections.get(election))
        recipient = Recipient(voter.name or voter.identifier, voter.language, voter.weight, codes.code(voter))
        return write_letter(Kind.INVITATION, self.facts(election), recipient)

    def envelope(self, row: MessageRow, prepared: Prepared) -> Envelope | None:
        """The message that a row stands for; None if it has become pointless.

        Raises:
            MailError: if it cannot be made.
        """
        kind = Kind(row.kind)
        if prepared.phase not in WHILE[kind]:
            return None
        label = f"{kind}-{row.voter or f't{row.trustee}'}"
        if row.trustee is not None:
            trustee = next((t for t in self._site.trustees(row.election) if t.place == row.trustee), None)
            return self._to_trustee(kind, trustee, row, prepared, label)
        voter = self._voters.get(row.election, row.voter or 0)
        if voter is None or (kind == Kind.REMINDER and voter.key in prepared.voted):
            return None
        if not voter.email:
            raise MailError("has no address", is_final=True, remedy="add one to the voter")
        code = ""
        if kind in WITH_CODE:
            if prepared.codes is None:
                raise MailError("needs a code that this site cannot make", is_final=True)
            code = prepared.codes.code(voter)
        elif kind == Kind.FACTOR:
            found = self.factor_code(voter.id)
            if found is None:
                return None
            code = found
        recipient = Recipient(voter.name, voter.language, voter.weight, code)
        letter = write_letter(kind, prepared.facts, recipient)
        return _envelope(row, label, voter, letter, prepared)

    def prepare(self, election: str) -> Prepared:
        """What all messages of one election share."""
        hosted = self._elections.get(election)
        try:
            codes = open_codes(hosted)
        except UrneError:
            codes = None
        phase, voted = hosted.look(lambda record: (record.phase, frozenset(record.last_ballot)))
        return Prepared(self.facts(election), phase, voted, codes)

    def _to_trustee(
        self, kind: Kind, trustee: TrusteeRow | None, row: MessageRow, prepared: Prepared, label: str
    ) -> Envelope | None:
        if trustee is None:
            return None
        if not trustee.email:
            raise MailError("has no address", is_final=True, remedy="add one to the trustee")
        invitation = self.invitation(row.election, trustee.place)
        recipient = Recipient(trustee.name, trustee.language, code=invitation, trustee=trustee.place)
        letter = write_letter(kind, prepared.facts, recipient)
        return _envelope(row, label, trustee, letter, prepared)

    def _time(self) -> str:
        return format_moment(self._now())


def _envelope(
    row: MessageRow, label: str, person: VoterRow | TrusteeRow, letter: Letter, prepared: Prepared
) -> Envelope:
    contact = prepared.facts.contact
    return Envelope(row.election, f"{label}-{row.batch[:8]}", person.email, person.name, letter, contact)


def require_batch(batch: str) -> None:
    """Raises UsageError if this is no number that a form was given: it becomes part of file names."""
    if not _BATCH.match(batch):
        raise UsageError("was not made by this site", where="the form", remedy="reload the page")


class Prepared(NamedTuple):
    """What the messages of one election share."""

    facts: ElectionFacts
    phase: Phase
    voted: frozenset[str]
    codes: Codes | None


class MailWorker:
    """The thread that sends what is queued."""

    def __init__(self, outbox: Outbox, transport: Transport, *, now: Callable[[], datetime]) -> None:
        self.transport = transport
        self.trouble: str = ""
        """Why no message can be sent at all; empty if all is well."""
        self._outbox = outbox
        self._now = now
        self._pause = SERVER_PAUSE[0]
        self._not_before: datetime | None = None
        self._signal = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._working = threading.Lock()
        outbox.wake = self.wake

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._serve, name="mail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the message that is being sent."""
        self._stopping = True
        self._signal.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def wake(self) -> None:
        """Look at the outbox at once."""
        self._signal.set()

    def work(self) -> int:
        """Send what is due now; gives how many messages were dealt with."""
        with self._working:
            now = self._now()
            if self._not_before is not None and now < self._not_before:
                return 0
            rows = self._outbox.rows.due(format_moment(now), BATCH)
            if not rows:
                return 0
            done = 0
            try:
                with self.transport.session() as send:
                    prepared: dict[str, Prepared | None] = {}
                    for row in rows:
                        if self._stopping:
                            break
                        if row.election not in prepared:
                            prepared[row.election] = self._prepare(row.election)
                        self._one(row, prepared[row.election], send)
                        done += 1
            except MailServerError as error:
                self._hold_back(error)
            else:
                self.trouble, self._pause, self._not_before = "", SERVER_PAUSE[0], None
            return done

    # -- inside --------------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._stopping:
            try:
                done = self.work()
            except Exception as error:
                logger.error("the mail thread met %s; it goes on", type(error).__name__)  # noqa: TRY400  # its text may say who
                done = 0
            if not done:
                self._signal.wait(LOOK_AGAIN_SECONDS)
                self._signal.clear()

    def _prepare(self, election: str) -> Prepared | None:
        try:
            return self._outbox.prepare(election)
        except UrneError:
            return None

    def _one(self, row: MessageRow, prepared: Prepared | None, send: Send) -> None:
        rows, time = self._outbox.rows, format_moment(self._now())
        try:
            if prepared is None:
                raise MailError("needs the election's board, which cannot be read now")
            envelope = self._outbox.envelope(row, prepared)
            if envelope is None:
                rows.mark(row, "cancelled", time)
                return
            send(envelope)
        except MailConnectionLost as error:
            self._failed(row, MailError(f"was not taken over by the mail server: it {error.problem}"))
            raise
        except MailError as error:
            self._failed(row, error)
            return
        if row.kind == Kind.FACTOR:
            rows.delete(row.id)  # it would say for ever who voted when
        else:
            rows.mark(row, "sent", time)

    def _failed(self, row: MessageRow, error: MailError) -> None:
        now = self._now()
        if error.is_final or row.attempts >= len(RETRY_AFTER):
            self._outbox.rows.mark(row, "failed", format_moment(now), error=error.problem)
            return
        due = format_moment(now + RETRY_AFTER[row.attempts])
        self._outbox.rows.mark(row, "queued", format_moment(now), due=due, error=error.problem)

    def _hold_back(self, error: MailServerError) -> None:
        self.trouble = error.problem
        self._not_before = self._now() + self._pause
        self._pause = min(self._pause * 2, SERVER_PAUSE[1])
        logger.warning("no mail can be sent now: the mail server %s", error.problem)
