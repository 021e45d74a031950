"""Protocol L22: ask the witnesses of a board for their signatures (docs/spec/log.md, "Witnesses").

In rounds: all witnesses are asked for one and the same checkpoint, so that their signatures come together on it; the
next round takes the newest one. A round ends when the quorum is there, or when nobody is left to wait for. A witness
that hangs holds up nobody but itself. What is collected survives a restart, and could be asked for again.

One thread leads; each question has a thread of its own, at most one for each witness. It must not write to the board.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from bulletin_board.cosignature_store import CosignatureRow, CosignatureStore, WitnessRow
from bulletin_board.reader import BoardReader, open_reader
from bulletin_board.witness import format_request
from bulletin_board.witness_settings import WitnessPlace, WitnessSettings, read_witness_settings
from voting.protocol.errors import DecodeError, SignatureInvalid, UnavailableError, UrneError
from voting.protocol.tlog.note import (
    Cosignature,
    Note,
    NoteSignature,
    format_signature_line,
    parse_note,
    parse_signature_line,
    verify_cosignatures,
)
from voting.protocol.tlog.text import decode_decimal
from voting.web_client import Answer, WebClient, clean

SECONDS_BETWEEN_ROUNDS = 0.25
SECONDS_PER_STEP = 5.0
"""How long a witness may let us wait for a connection, or for the next bytes."""
SECONDS_PER_ANSWER = 10.0
SECONDS_PER_ROUND = 15.0
SECONDS_BETWEEN_LOOKS = 1.0
"""The board is looked at so often, even if nobody says that it has grown."""
REFRESH_SECONDS = 3600
"""A quiet board has its checkpoint signed anew so often: old signatures do not show that it is still the newest."""
KEPT_SECONDS = 3600
"""Signatures on checkpoints that are no longer the newest are kept so long: somebody may be copying the board."""
LONGEST_REST = 30.0
MAX_ANSWER_BYTES = 64 * 1024
_ATTEMPTS = 3
_TEXT = "text/plain; charset=utf-8"

_log = logging.getLogger(__name__)

NewHttp = Callable[[], httpx.Client]


def new_witness_client() -> httpx.Client:
    """A connection to a witness: bounded waits, no redirection."""
    return httpx.Client(timeout=httpx.Timeout(SECONDS_PER_STEP), follow_redirects=False)


class _Asked:
    """What is known of one witness. Guarded by the cosigner's condition."""

    def __init__(self, place: WitnessPlace, row: WitnessRow | None, http: httpx.Client) -> None:
        self.place = place
        self.size = row.size if row else 0
        """The checkpoint it signed last, as far as we know; 0 for none."""
        self.signed = row.signed if row else 0
        """When, in POSIX seconds by its own clock."""
        self.renewed = row.asked if row and not row.problem else 0
        """When, by ours: its clock may be wrong."""
        self.http = http
        self.thread: threading.Thread | None = None
        self.failures = 0
        self.rests_until = 0.0
        """By the monotonic clock: not asked before."""


class Cosigner:
    """Protocol L22c: keeps the newest checkpoint of a board signed by its witnesses, from `start` to `close`."""

    def __init__(
        self,
        folder: Path,
        settings: WitnessSettings,
        *,
        new_http: NewHttp = new_witness_client,
        clock: Callable[[], float] = time.time,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        """Args: `folder` is the board's, `settings` its witnesses; `clock` gives POSIX seconds, UTC."""
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._refresh = refresh_seconds
        self._store = CosignatureStore.ensure(folder)
        self._changed = threading.Condition()
        """Guards all that follows, and tells of every change of it."""
        self._asked = [
            _Asked(place, self._store.witness(place.key.key.raw), new_http()) for place in settings.witnesses
        ]
        self._signers = _signers(folder, self._store)
        """Size -> keys of the witnesses that signed it."""
        self._is_stopping = False
        self._has_news = True
        self._leader: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to ask."""
        self._leader = threading.Thread(target=self._lead, name=f"cosigner {self._folder.name}", daemon=True)
        self._leader.start()

    def close(self) -> None:
        """Stop asking; whoever waits is told that there is nothing to wait for."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
            running = [asked.thread for asked in self._asked if asked.thread is not None]
        for asked in self._asked:
            asked.http.close()
        for thread in [self._leader, *running]:
            if thread is not None:
                thread.join(timeout=SECONDS_PER_STEP)
        self._store.close()

    def notify(self) -> None:
        """The board has grown."""
        with self._changed:
            self._has_news = True
            self._changed.notify_all()

    def wait(self, size: int, timeout: float) -> bool:
        """Wait until a checkpoint of at least this size has its quorum, or too many witnesses have failed.

        Returns:
            Whether it has; also True where no quorum is demanded.
        """
        quorum = self._settings.quorum
        if not quorum:
            return True

        def is_over() -> bool:
            hopeful = sum(not asked.failures for asked in self._asked)
            return self._is_stopping or hopeful < quorum or self._published() >= size

        with self._changed:
            self._changed.wait_for(is_over, timeout)
            return self._published() >= size

    def settle(self, timeout: float) -> bool:
        """Wait until every witness has signed the newest checkpoint, or has failed to where the quorum is there.

        Returns:
            Whether the quorum is there, at the latest after `timeout` seconds.
        """
        with open_reader(self._folder, unpublished=True) as board:
            size = len(board)

        def is_settled() -> bool:
            signers = self._signers.get(size, set())
            return all(asked.place.key.key.raw in signers or (is_there() and asked.failures) for asked in self._asked)

        def is_there() -> bool:
            return len(self._signers.get(size, ())) >= self._settings.quorum

        with self._changed:
            self._changed.wait_for(is_settled, timeout)
            return is_there()

    # -- the leading thread --------------------------------------------------------------------------------------------

    def _lead(self) -> None:
        while True:
            started = time.monotonic()
            try:
                self._round()
            except UrneError as error:
                _log.warning("no cosignatures can be collected now: %s", error)
            with self._changed:
                self._changed.wait_for(
                    lambda: self._is_stopping, max(started + SECONDS_BETWEEN_ROUNDS - time.monotonic(), 0)
                )
                self._changed.wait_for(lambda: self._is_stopping or self._has_news, SECONDS_BETWEEN_LOOKS)
                self._has_news = False
                if self._is_stopping:
                    return

    def _round(self) -> None:
        """Protocol L22d: have one checkpoint signed by whoever has not signed it."""
        with open_reader(self._folder, unpublished=True) as board:
            target = len(board)
        deadline = time.monotonic() + SECONDS_PER_ROUND
        with self._changed:
            while not self._is_stopping:
                for asked in self._asked:
                    if asked.thread is None and self._wants(asked, target):
                        self._launch(asked, target)
                is_waiting = any(asked.thread is not None for asked in self._asked)
                if self._is_enough(target) or not is_waiting or time.monotonic() >= deadline:
                    return
                self._changed.wait(max(deadline - time.monotonic(), 0.01))

    def _wants(self, asked: _Asked, target: int) -> bool:
        """Whether a witness is to be asked for this checkpoint now."""
        if time.monotonic() < asked.rests_until:
            return False
        has_signed = asked.place.key.key.raw in self._signers.get(target, ())
        return not has_signed or abs(self._clock() - asked.renewed) > self._refresh

    def _is_enough(self, size: int) -> bool:
        return len(self._signers.get(size, ())) >= max(self._settings.quorum, 1)

    def _published(self) -> int:
        return max((size for size, keys in self._signers.items() if len(keys) >= self._settings.quorum), default=-1)

    def _launch(self, asked: _Asked, target: int) -> None:
        asked.thread = threading.Thread(target=self._ask, args=(asked, target), name="cosigner question", daemon=True)
        asked.thread.start()

    # -- a question ----------------------------------------------------------------------------------------------------

    def _ask(self, asked: _Asked, target: int) -> None:
        problem = ""
        try:
            with open_reader(self._folder, unpublished=True) as board:
                self._ask_until_signed(asked, board, target)
        except UrneError as error:
            problem = str(error)
        except Exception as error:  # whatever a witness provokes must end here: it is one of several
            problem = f"a fault in this program ({type(error).__name__})"
        with self._changed:
            asked.thread = None
            asked.failures = asked.failures + 1 if problem else 0
            if problem:
                asked.rests_until = time.monotonic() + min(2.0 ** (asked.failures - 1), LONGEST_REST)
                if not self._is_stopping:
                    self._note(asked, problem)
            self._changed.notify_all()

    def _note(self, asked: _Asked, problem: str) -> None:
        """Write down how it went, for `urne-board witnesses`."""
        key = asked.place.key
        if asked.failures == 1:
            _log.warning("the witness %s has not signed: %s", key.name, problem)
        try:
            self._store.put_witness(WitnessRow(key.key.raw, asked.size, asked.signed, int(self._clock()), problem))
        except UrneError as error:
            _log.warning("the state of a witness cannot be written: %s", error)

    def _ask_until_signed(self, asked: _Asked, board: BoardReader, target: int) -> None:
        """Protocol L22e: ask for one checkpoint; a witness that stands elsewhere (409) is met where it stands.

        Raises:
            UrneError: if it does not sign.
        """
        web = WebClient(asked.http, seconds_per_answer=SECONDS_PER_ANSWER, attempts=1)
        note = board.store.checkpoint(target)
        if note is None:
            raise UnavailableError(f"the board signed no checkpoint of size {target}")
        old = asked.size if asked.size <= target else 0
        for _attempt in range(_ATTEMPTS):
            proof = board.consistency_proof(old, target) if 0 < old < target else ()
            url = asked.place.url / "add-checkpoint"
            answer = web.tell(url, format_request(old, proof, note.note), limit=MAX_ANSWER_BYTES, content_type=_TEXT)
            if answer.status == 409:
                old = _standing(answer, len(board))
                if old > target:
                    # The next round is for a later checkpoint.
                    with self._changed:
                        asked.size = old
                        asked.rests_until = time.monotonic() + SECONDS_BETWEEN_ROUNDS
                    return
                continue
            if answer.status != 200:
                raise _not_signed(answer)
            line, signed = _cosignature(answer, parse_note(note.note), asked.place, board)
            row = CosignatureRow(target, note.root, signed.key.key.raw, signed.time, format_signature_line(line))
            self._keep(asked, row)
            return
        raise UnavailableError("its size changes all the time: does it know another board of this name?")

    def _keep(self, asked: _Asked, row: CosignatureRow) -> None:
        with self._changed:
            if self._is_stopping:
                return
            now = int(self._clock())
            self._store.add(row, now)
            asked.size, asked.signed, asked.renewed = row.size, row.time, now
            self._store.put_witness(WitnessRow(row.key, asked.size, asked.signed, asked.renewed, ""))
            self._signers.setdefault(row.size, set()).add(row.key)
            if self._is_enough(row.size):
                self._store.prune(row.size, now - KEPT_SECONDS)
                for size in [size for size in self._signers if size < row.size]:
                    del self._signers[size]
            self._changed.notify_all()


def start_cosigner(folder: Path) -> Cosigner | None:
    """Begin to ask the witnesses of a board; None if it has none. Raises as `read_witness_settings` does."""
    settings = read_witness_settings(folder)
    if not settings.witnesses:
        return None
    cosigner = Cosigner(folder, settings)
    cosigner.start()
    return cosigner


def _signers(folder: Path, store: CosignatureStore) -> dict[int, set[bytes]]:
    """Who signed which checkpoint of this very board: a restored one may have others of the same sizes."""
    with open_reader(folder, unpublished=True) as board:
        found: dict[int, set[bytes]] = {}
        for size, rows in store.by_size():
            checkpoint = board.store.checkpoint(size)
            if checkpoint is not None:
                found[size] = {row.key for row in rows if row.root == checkpoint.root}
        return found


def _cosignature(
    answer: Answer, checkpoint: Note, place: WitnessPlace, board: BoardReader
) -> tuple[NoteSignature, Cosignature]:
    """The witness's own signature in its answer, checked."""
    what = "the answer of the witness"
    try:
        text = answer.data.decode("utf-8")
    except UnicodeDecodeError:
        raise DecodeError("is not UTF-8", where=what) from None
    if not text.endswith("\n"):
        raise DecodeError("is not lines of signatures", where=what)
    for line in text[:-1].split("\n"):
        signature = parse_signature_line(line, what=what)
        found = verify_cosignatures(Note(checkpoint.text, (signature,)), [place.key], board=board.key, what=what)
        if found:
            return signature, found[0]
    raise SignatureInvalid("does not hold its signature, by the key that it is known for", where=what)


def _standing(answer: Answer, size: int) -> int:
    """The size that a witness has signed, by its own word."""
    try:
        standing = decode_decimal(answer.data.decode("ascii").removesuffix("\n"), what="its size")
    except UnicodeDecodeError:
        raise DecodeError("is not a number", where="its size") from None
    if standing > size:
        raise UnavailableError(
            f"has signed {standing} entries of this board, which has {size}",
            remedy="if the board was restored from an old copy, stop it: entries that it acknowledged are missing",
        )
    return standing


def _not_signed(answer: Answer) -> UrneError:
    words = clean(answer.data.decode("utf-8", "replace").strip())
    if answer.status == 422:
        return SignatureInvalid(
            f"refuses: this board is not what it signed before ({words})",
            remedy="if the board was restored from an old copy, stop it; otherwise ask the witness for its evidence",
        )
    reasons = {403: "does not know this board's key", 404: "does not watch this board"}
    return UnavailableError(f"{reasons.get(answer.status, f'answers with status {answer.status}')} ({words})")


def cosign_once(
    folder: Path, settings: WitnessSettings, *, timeout: float, new_http: NewHttp = new_witness_client
) -> bool:
    """Protocol L22f: ask all witnesses for the newest checkpoint, once; whether the quorum was reached in time."""
    with Cosigner(folder, settings, new_http=new_http) as cosigner:
        return cosigner.settle(timeout)
