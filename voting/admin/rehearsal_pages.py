"""The rehearsal of a draft: start it, watch it without scripts, see its made-up result and the verifier's report."""

from __future__ import annotations

import subprocess
import threading
from functools import partial
from pathlib import Path

import msgspec
from flask import make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from voting.admin.checklist import Rehearsed
from voting.admin.desk import desk, own_draft, pages, rehearsal_key, rehearsed
from voting.admin.drafts import draft_hash, draft_problems, source_text
from voting.admin.preparation import change_preparation, read_preparation
from voting.protocol.encoding import Hash
from voting.protocol.errors import UnavailableError, UsageError
from voting.rehearsal import (
    MAX_REHEARSAL_VOTERS,
    STEPS,
    USUAL_VOTERS,
    Request,
    rehearsal_state,
    start_rehearsal,
)
from voting.result_text import result_lines
from voting.site.election_store import ElectionStore
from voting.site.web import site_settings
from voting.translations import language
from voting.translations import text as _

REFRESH_SECONDS = 2
LONGEST_SECONDS = 3600
"""A rehearsal that takes longer is given up."""
RESULT_WIDTH = 60
_turns = threading.BoundedSemaphore(2)
"""So many rehearsals run at once; others wait, so that voters are served."""


def step_words(step: str) -> str:
    """A step of the rehearsal in words."""
    return {
        "define": _("The election is defined on a scratch board"),
        "key": _("Made-up trustees make the key"),
        "codes": _("Made-up voters get codes, and voting opens"),
        "vote": _("They vote at random"),
        "tally": _("Voting is closed, and the ballots are tallied"),
        "decrypt": _("The trustees decrypt the totals"),
        "verify": _("The record is verified, as any observer can"),
    }[step]


@pages.get("/e/<name>/rehearsal")
def show_rehearsal(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    state = rehearsal_state(_folder(name))
    known = rehearsed(name, draft, read_preparation(row.preparation))
    outcome = state.outcome
    lines = []
    if outcome is not None and outcome.manifest is not None and outcome.result is not None:
        lines = result_lines(outcome.manifest, outcome.result, language(), RESULT_WIDTH)
    is_running = known is Rehearsed.RUNNING
    response = make_response(
        render_template(
            "admin_rehearsal.html",
            election=row,
            known=known,
            is_running=is_running,
            failure=desk().jobs.failure(rehearsal_key(name)),
            progress=state.progress,
            steps=[(step, step_words(step)) for step in STEPS],
            place=STEPS.index(state.progress.step) if state.progress and state.progress.step in STEPS else -1,
            outcome=outcome,
            is_same=outcome is not None and outcome.draft == draft_hash(draft),
            lines=lines,
            problems=len(draft_problems(draft)),
            usual=USUAL_VOTERS,
            most=MAX_REHEARSAL_VOTERS,
        )
    )
    if is_running:
        response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


def _folder(name: str) -> Path:
    return site_settings().rehearsals / name


@pages.post("/e/<name>/rehearsal")
def begin_rehearsal(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    if draft_problems(draft):
        raise UsageError("the draft has faults", remedy="put them right first")
    typed = request.form.get("voters", "")
    voters = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 5 else USUAL_VOTERS
    settings = site_settings()
    wanted = Request(
        draft=draft_hash(draft),
        source=source_text(draft),
        voters=min(max(voters, 1), MAX_REHEARSAL_VOTERS),
        allow_toy=settings.allow_toy,
        language=language(),
    )
    settings.rehearsals.mkdir(mode=0o700, exist_ok=True)
    desk().jobs.start(rehearsal_key(name), partial(_rehearse, _folder(name), wanted, desk().store, row.name))
    return redirect(url_for("admin.show_rehearsal", name=name))


def _rehearse(folder: Path, wanted: Request, store: ElectionStore, name: str) -> None:
    """Run the rehearsal in a process of its own, and note that it succeeded."""
    with _turns:
        command = start_rehearsal(folder, wanted)
        try:
            subprocess.run(command, check=False, timeout=LONGEST_SECONDS, stdin=subprocess.DEVNULL)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise UnavailableError("the rehearsal took too long and was ended") from None
    outcome = rehearsal_state(folder).outcome
    if outcome is None:
        raise UnavailableError("the rehearsal ended without an outcome", remedy="start it again")
    done: Hash | None = outcome.draft if outcome.is_verified else None
    change_preparation(store, name, lambda p: msgspec.structs.replace(p, rehearsed=done))


@pages.get("/e/<name>/rehearsal/record.zip")
def rehearsal_record(name: str) -> ResponseReturnValue:
    own_draft(name)
    path = _folder(name) / "record.zip"
    if not path.is_file():
        raise UsageError("there is no record of a rehearsal yet")
    return send_file(
        path.absolute(), mimetype="application/zip", as_attachment=True, download_name=f"rehearsal-{name}.zip"
    )
