"""The archive of a finished election: one file with the result as a page, the record, and the verifier's report.

It needs no site: the page opens in any browser, and the record in it verifies offline.
"""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import Path

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from jinja2 import Environment, PackageLoader, select_autoescape

from voting.admin.board_view import BoardView, view_board
from voting.admin.desk import desk, own_board, pages
from voting.admin.result_pages import ARCHIVE_FOLDER, RECORD_FILE, REPORT_FILE, verify_published, work_key, working_page
from voting.election.phases import Phase
from voting.files import PUBLIC, read_file, replace_file
from voting.protocol.errors import UsageError
from voting.result_text import result_lines
from voting.site.election_store import ElectionStore, State
from voting.site.elections import HostedElection
from voting.site.times import in_words
from voting.site.web import site_settings
from voting.translations import language, set_language
from voting.translations import text as _

ARCHIVE_FILE = "archive.zip"
STYLE = Path(__file__).parent / "static" / "archive.css"
_DATE = (1980, 1, 1, 0, 0, 0)
_WIDTH = 90


@pages.get("/e/<name>/archive")
def show_archive(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    view = view_board(hosted)
    is_working = desk().jobs.is_running(work_key(name))
    path = hosted.folder / ARCHIVE_FOLDER / ARCHIVE_FILE
    html = render_template(
        "admin_archive.html",
        election=row,
        view=view,
        is_over=view.phase in {Phase.PUBLISHED, Phase.CANCELLED},
        is_working=is_working,
        failure=desk().jobs.failure(work_key(name)),
        size=path.stat().st_size if path.is_file() else 0,
        zone=row.settings.time_zone or site_settings().time_zone,
    )
    return working_page(html, is_working=is_working)


@pages.post("/e/<name>/archive")
def make_archive(name: str) -> ResponseReturnValue:
    row, hosted = own_board(name)
    if view_board(hosted).phase not in {Phase.PUBLISHED, Phase.CANCELLED}:
        raise UsageError("the election is not over yet")
    settings = site_settings()
    work = partial(
        build_archive,
        hosted,
        desk().store,
        language=language(),
        zone=row.settings.time_zone or settings.time_zone,
        address=settings.link(f"/e/{name}"),
        allow_toy=settings.allow_toy,
    )
    if request.form.get("do") == "make" and not desk().jobs.start(work_key(name), work):
        flash(_("This is being done already."), "")
    return redirect(url_for("admin.show_archive", name=name))


@pages.get("/e/<name>/archive/archive.zip")
def download_archive(name: str) -> ResponseReturnValue:
    _row, hosted = own_board(name)
    path = hosted.folder / ARCHIVE_FOLDER / ARCHIVE_FILE
    if not path.is_file():
        raise UsageError("there is no archive yet", remedy="make it first")
    return send_file(path.absolute(), mimetype="application/zip", as_attachment=True, download_name=f"{name}.zip")


def build_archive(
    hosted: HostedElection, store: ElectionStore, *, language: str, zone: str, address: str, allow_toy: bool
) -> None:
    """Verify the record once more, and put everything into one file."""
    set_language(language)
    view = view_board(hosted)
    verify_published(hosted, language=language, allow_toy=allow_toy)
    folder = hosted.folder / ARCHIVE_FOLDER
    page = archive_page(view, _report(folder), zone, address)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data, kind in (
            ("index.html", page.encode("utf-8"), zipfile.ZIP_DEFLATED),
            ("style.css", STYLE.read_bytes(), zipfile.ZIP_DEFLATED),
            ("report.txt", read_file(folder / REPORT_FILE), zipfile.ZIP_DEFLATED),
            ("record.zip", (folder / RECORD_FILE).read_bytes(), zipfile.ZIP_STORED),
        ):
            info = zipfile.ZipInfo(f"{hosted.name}/{path}", _DATE)
            info.compress_type = kind
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
    replace_file(folder / ARCHIVE_FILE, packed.getvalue(), mode=PUBLIC)
    store.set_state(hosted.name, State.ARCHIVED)


def _report(folder: Path) -> list[str]:
    return read_file(folder / REPORT_FILE).decode("utf-8", "replace").splitlines()


def archive_page(view: BoardView, report: list[str], zone: str, address: str) -> str:
    """The page in the archive: it names no other file but those beside it."""
    environment = Environment(
        loader=PackageLoader("voting.admin"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    lines = result_lines(view.manifest, view.result, language(), _WIDTH) if view.result else []
    return environment.get_template("archive_page.html").render(
        _=_,
        language=language(),
        view=view,
        lines=lines,
        report=report,
        address=address,
        moment=lambda point: in_words(point, zone, language()),
    )
