"""Tally, decryption and result: long computations run beside the pages, which show how far they are by themselves."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from bulletin_board.errors import QuorumError
from bulletin_board.export import export_record
from voting.admin.board_view import view_board
from voting.admin.desk import desk, own_board, pages
from voting.crypto.signatures import SigningKey
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.election.steps import NewEntry, compute_tally, publish_result
from voting.files import read_text, replace_file
from voting.protocol.errors import UnavailableError, UsageError
from voting.result_text import result_lines
from voting.site.elections import HostedElection
from voting.site.letters import Kind
from voting.site.web import site_settings
from voting.translations import language
from voting.translations import text as _

REFRESH_SECONDS = 2
RESULT_WIDTH = 60
ARCHIVE_FOLDER = "archive"
"""In the election's folder: what was made from the board and can be made again."""
RECORD_FILE, REPORT_FILE = "record.zip", "report.txt"
LONGEST_SECONDS = 24 * 3600
QUORUM_SECONDS = 60.0
"""So long the witnesses are waited for before a record is made."""


def work_key(name: str) -> str:
    """Names the long work on one election's result: one at a time."""
    return f"result {name}"


def working_page(response_text: str, *, is_working: bool) -> ResponseReturnValue:
    """A page that looks again by itself while work goes on."""
    response = make_response(response_text)
    if is_working:
        response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


@pages.get("/e/<name>/result")
def show_result(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    view = view_board(hosted)
    is_working = desk().jobs.is_running(work_key(name))
    lines = []
    if view.result is not None:
        lines = result_lines(view.manifest, view.result, language(), RESULT_WIDTH)
    sent = {m.trustee: m for m in desk().outbox.rows.of_trustees(name) if m.kind == Kind.TRUSTEE_DECRYPTION}
    html = render_template(
        "admin_result.html",
        election=row,
        view=view,
        phase=view.phase.value,
        is_working=is_working,
        failure=desk().jobs.failure(work_key(name)),
        missing=max(view.manifest.threshold - len(view.shares), 0),
        sent=sent,
        lines=lines,
        report=_report(hosted.folder),
        address=site_settings().link(f"/e/{name}"),
        batch=secrets.token_hex(8),
    )
    return working_page(html, is_working=is_working)


def _report(folder: Path) -> list[str]:
    path = folder / ARCHIVE_FOLDER / REPORT_FILE
    return read_text(path).splitlines() if path.is_file() else []


@pages.post("/e/<name>/result")
def advance_result(name: str) -> ResponseReturnValue:
    """Make the tally, publish the result, verify it, or remind the trustees."""
    row, hosted = own_board(name)
    step = request.form.get("do", "")
    back = redirect(url_for("admin.show_result", name=row.name))
    if step == "remind":
        view = view_board(hosted)
        places = [line.number for line in view.trustees if not line.has_decrypted and not line.is_excluded]
        batch = request.form.get("batch", "")[:64] or secrets.token_hex(8)
        count = desk().outbox.send_to_trustees(name, Kind.TRUSTEE_DECRYPTION, places, batch)
        flash(_("1 message is queued.") if count == 1 else _("{count} messages are queued.", count=count), "good")
        return back
    allow_toy = site_settings().allow_toy
    works: dict[str, Callable[[], None]] = {
        "tally": partial(make_tally, hosted),
        "publish": partial(publish, hosted, allow_toy=allow_toy),
        "verify": partial(verify_published, hosted, language=language(), allow_toy=allow_toy),
    }
    if step not in works:
        raise UsageError("there is no such step")
    if not desk().jobs.start(work_key(name), works[step]):
        flash(_("This is being done already."), "")
    return back


def make_tally(hosted: HostedElection) -> None:
    """Put the encrypted tally on the board, unless it is there."""

    def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | list[NewEntry]:
        if record.phase in {Phase.TALLIED, Phase.PUBLISHED}:
            return []
        if record.phase is not Phase.CLOSED:
            raise UsageError("the tally cannot be made before voting is closed")
        with hosted.reader(unpublished=True) as board:
            return compute_tally(record, board.body, key, time)

    hosted.act(make)


def publish(hosted: HostedElection, *, allow_toy: bool) -> None:
    """Put the result on the board, unless it is there, and verify the record as an observer does."""

    def make(record: ElectionRecord, key: SigningKey, time: str) -> NewEntry | list[NewEntry]:
        if record.phase is Phase.PUBLISHED:
            return []
        if record.phase is not Phase.TALLIED:
            raise UsageError("the result cannot be published before the encrypted tally is made")
        return publish_result(record, key, time)

    hosted.act(make)
    verify_published(hosted, language=hosted.look(lambda r: r.require_manifest().language), allow_toy=allow_toy)


def verify_published(hosted: HostedElection, *, language: str, allow_toy: bool) -> None:
    """Run `urne-verify` on the record and keep its report beside it.

    Raises:
        QuorumError: if the board's witnesses have not signed all of it: the record would be of an earlier state.
        UnavailableError: if it cannot be verified now.
    """
    if not hosted.settle(QUORUM_SECONDS):
        raise QuorumError(
            "the witnesses have not signed the newest entries yet, so there is no record of them",
            remedy="look at the witnesses, then verify again",
        )
    folder = hosted.folder / ARCHIVE_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    record = folder / RECORD_FILE
    with hosted.reader() as board:
        export_record(board, record, force=True)
    command = [sys.executable, "-P", "-c", "from voting.verifier.cli import main; main()"]
    command += ["--language", language if language in {"en", "fr"} else "en", str(record), "--jobs", "1"]
    command += ["--allow-toy-group"] if allow_toy else []
    try:
        done = subprocess.run(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError("the verification took too long and was ended") from None
    if not done.stdout:
        raise UnavailableError("the verification ended without a report", remedy="start it again")
    replace_file(folder / REPORT_FILE, done.stdout)
