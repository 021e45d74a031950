"""What happens by itself at announced times: voting opens and closes, and personal data is deleted.

The thread looks again every few seconds and decides from the clock and the board alone, so that after a restart it
catches up. What it cannot do it tells the administrator, in a remark on the election's page. It must not import flask.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from voting.crypto.signatures import SigningKey
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.election.steps import NewEntry, close_election, open_election
from voting.protocol.errors import Problem, UrneError
from voting.protocol.messages import BoothFile
from voting.protocol.moment import format_moment
from voting.site.election_store import ElectionRow, ElectionStore, Remark, State
from voting.site.elections import Elections, HostedElection
from voting.site.privacy import erase_personal_data
from voting.site.settings import Settings
from voting.site.store import SiteStore

LOOK_AGAIN_SECONDS = 2.0
TIDY_EVERY_LOOKS = 300
OPENING, CLOSING, DELETION = "opening", "closing", "deletion"

Blockers = Callable[[str], Sequence[Problem]]
"""An election's name -> what stands between it and its opening."""

logger = logging.getLogger(__name__)


class _Standing(NamedTuple):
    """What the schedule must know of an election."""

    phase: Phase
    opens: str | None
    closes: str | None


class Schedule:
    """The thread that acts at the announced times.

    Args:
        booth: the site's booth files, named at the opening.
        blockers: more reasons not to open than the board knows.
        complete: publishes what is still missing on an election's board before the opening makes it final.
        tidy: called now and then, to drop what is over.
    """

    def __init__(
        self,
        store: SiteStore,
        elections: Elections,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        booth: Callable[[], Sequence[BoothFile]] = lambda: (),
        blockers: Blockers = lambda _name: (),
        complete: Callable[[HostedElection], None] = lambda _election: None,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._rows = ElectionStore(store)
        self._elections = elections
        self._settings = settings
        self._now = now
        self._booth = booth
        self._blockers = blockers
        self._complete = complete
        self._tidy = tidy
        self._finished: set[str] = set()
        """Elections on whose boards nothing is left to do by itself."""
        self._signal = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to act."""
        self._thread = threading.Thread(target=self._serve, name="schedule", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present look."""
        self._stopping = True
        self._signal.set()
        if self._thread is not None:
            self._thread.join(timeout=60)

    def look(self) -> None:
        """Do what is due now, for every election."""
        for row in self._rows.all():
            if row.state != State.DRAFT and not self._stopping:
                try:
                    self._one(row)
                except UrneError as error:
                    logger.warning("election %s: the schedule met: %s", row.name, error.problem)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        looks = 0
        while not self._stopping:
            try:
                self.look()
                if looks % TIDY_EVERY_LOOKS == 0:
                    self._tidy()
            except Exception as error:
                logger.error("the schedule met %s; it goes on", type(error).__name__)  # noqa: TRY400  # its text may say who
            looks += 1
            self._signal.wait(LOOK_AGAIN_SECONDS)
            self._signal.clear()

    def _one(self, row: ElectionRow) -> None:
        time = format_moment(self._now())
        may_erase = row.erased is None and row.settings.erase_after is not None and row.settings.erase_after <= time
        if row.name in self._finished and not may_erase:
            return
        hosted = self._elections.get(row.name)
        standing = hosted.look(_standing)
        if row.settings.automatic:
            if standing.phase == Phase.SETUP and standing.opens is not None and standing.opens <= time:
                if standing.closes is not None and standing.closes <= time:
                    self._remark(row, OPENING, "did not open: its time is over", "announce a new election")
                else:
                    self._open(row, hosted)
            elif standing.phase == Phase.OPEN and standing.closes is not None and standing.closes <= time:
                self._close(row, hosted)
        if standing.phase in {Phase.PUBLISHED, Phase.CANCELLED}:
            self._finished.add(row.name)
        if may_erase:
            self._erase(row, hosted)

    def _open(self, row: ElectionRow, hosted: HostedElection) -> None:
        blockers = list(self._blockers(row.name))
        if blockers:
            self._remark(row, OPENING, blockers[0].problem, blockers[0].remedy)
            return

        def open_(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | Sequence[NewEntry]:
            if record.phase != Phase.SETUP:
                return ()  # the administrator was quicker
            return open_election(record, key, time, tuple(self._booth()))

        try:
            self._complete(hosted)
            hosted.act(open_)
        except UrneError as error:
            self._remark(row, OPENING, error.problem, error.remedy)
            return
        self._rows.drop_remark(row.name, OPENING)
        logger.info("election %s: voting was opened at the announced time", row.name)

    def _close(self, row: ElectionRow, hosted: HostedElection) -> None:
        # The end may have been moved since it was read: the thread that writes decides.
        def close(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | Sequence[NewEntry]:
            if record.phase != Phase.OPEN or record.closes is None or record.closes > format_moment(self._now()):
                return ()
            return close_election(record, key, time)

        try:
            hosted.act(close)
        except UrneError as error:
            self._remark(row, CLOSING, error.problem, error.remedy)
            return
        self._rows.drop_remark(row.name, CLOSING)
        logger.info("election %s: voting was closed at the announced time", row.name)

    def _erase(self, row: ElectionRow, hosted: HostedElection) -> None:
        try:
            erase_personal_data(hosted, self._store, self._settings, self._now())
        except UrneError as error:
            self._remark(row, DELETION, error.problem, error.remedy)
            return
        self._rows.drop_remark(row.name, DELETION)
        logger.info("election %s: the personal data was deleted", row.name)

    def _remark(self, row: ElectionRow, topic: str, problem: str, remedy: str) -> None:
        known = {remark.topic: remark for remark in self._rows.remarks(row.name)}.get(topic)
        if known is None or (known.problem, known.remedy) != (problem, remedy):
            self._rows.remark(Remark(row.name, topic, problem, remedy, format_moment(self._now())))


def _standing(record: ElectionRecord) -> _Standing:
    schedule = record.require_manifest().schedule
    return _Standing(record.phase, schedule.opens if schedule else None, record.closes)
