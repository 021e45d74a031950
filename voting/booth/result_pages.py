"""The result of an election: a page of tables with bars, and the same tables as CSV and JSON.

Before the result is published the page says when it may be expected, and there are no files.
"""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from voting.booth.charts import shade
from voting.booth.overview import Overview, PublicSite
from voting.booth.result_tables import (
    Cell,
    Column,
    QuestionResult,
    Row,
    Shown,
    Table,
    cell_text,
    result_tables,
)
from voting.booth.texts import choose_texts, texts_language
from voting.booth.wording import Name
from voting.protocol.encoding import sha256
from voting.protocol.errors import UsageError
from voting.protocol.text import plain

FORMAT = "urne-results-v1"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
CSV_COLUMNS = ("question", "title", "method", "table", "about", "item", "status", "measure", "label", "value")


def add_result_pages(pages: Blueprint, site: PublicSite) -> None:
    """Put the pages into the blueprint."""

    @pages.get("/e/<name>/results")
    def results(name: str) -> ResponseReturnValue:
        election = site.overview(name)
        choose_texts(election.manifest)
        questions = _questions(election) if election.result is not None else []
        return render_template("results.html", election=election, questions=questions, shade=shade)

    @pages.get("/e/<name>/results.csv")
    def results_csv(name: str) -> ResponseReturnValue:
        election = _published(site, name)
        text = result_csv(_questions(election), texts_language())
        return _file(text.encode("utf-8-sig"), "text/csv; charset=utf-8", f"{name}-results.csv")

    @pages.get("/e/<name>/results.json")
    def results_json(name: str) -> ResponseReturnValue:
        election = _published(site, name)
        data = msgspec.json.encode(result_data(election, _questions(election)))
        return _file(msgspec.json.format(data, indent=2) + b"\n", "application/json", f"{name}-results.json")


def _published(site: PublicSite, name: str) -> Overview:
    election = site.overview(name)
    if election.result is None:
        raise UsageError("there is no result yet", remedy="look at the page of the election for when it is expected")
    choose_texts(election.manifest)
    return election


def _questions(election: Overview) -> list[QuestionResult]:
    if election.result is None:
        return []
    return result_tables(election.manifest, election.result, election.weight_voted, texts_language())


def _file(data: bytes, content_type: str, name: str) -> Response:
    """A file to be saved. Its hash tells whether a copy is still the same; languages differ, so caches must ask."""
    response = Response(data, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-cache"
    response.vary.update(("Accept-Language", "Cookie"))
    response.set_etag(sha256(data)[:32])
    response.make_conditional(request)
    return response


# -- CSV ---------------------------------------------------------------------------------------------------------------


def result_csv(questions: list[QuestionResult], language: str) -> str:
    """All tables as one list of values, one a line; `measure` and `table` are the same in every language.

    Texts that a spreadsheet would take for a formula get an apostrophe in front.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for result in questions:
        title = plain(result.question.title, language)
        method = result.question.__struct_config__.tag
        for table in result.tables:
            about = _plain(table.about, language)
            for row in table.rows:
                item = _plain(row.name, language)
                for column, cell in _values(table, row):
                    label = _plain(column.title, language)
                    value = cell_text(cell, language)
                    cells = (title, method, table.key, about, item, row.status.value, column.key, label, value)
                    writer.writerow([result.number, *(harmless(str(text)) for text in cells)])
    return out.getvalue()


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _values(table: Table, row: Row) -> list[tuple[Column, Cell]]:
    """The cells that say something of their own."""
    return [
        (column, cell)
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell is not None and not isinstance(cell, Shown)
    ]


def _plain(name: Name, language: str) -> str:
    return name if isinstance(name, str) else plain(name, language)


# -- JSON --------------------------------------------------------------------------------------------------------------


def result_data(election: Overview, questions: list[QuestionResult]) -> dict[str, Any]:
    """The same as plain data, with every language of the texts, the totals, and the outcomes as published."""
    manifest = election.manifest
    return {
        "format": FORMAT,
        "title": manifest.title,
        "manifest": manifest.hash,
        "election": election.election,
        "published": election.result.time if election.result else None,
        "turnout": {
            "listed": election.credentials,
            "listed_weight": election.weight,
            "counted": election.voters,
            "counted_weight": election.weight_voted,
            "ballots": election.ballots,
        },
        "questions": [_question_data(result) for result in questions],
    }


def _question_data(result: QuestionResult) -> dict[str, Any]:
    return {
        "number": result.number,
        "title": result.question.title,
        "method": result.question.__struct_config__.tag,
        "totals": result.totals,
        "outcome": msgspec.to_builtins(result.outcome),
        "tables": [
            {
                "table": table.key,
                "about": table.about or None,
                "rows": [
                    {
                        "item": row.name,
                        "status": row.status.value or None,
                        "values": {column.key: cell for column, cell in _values(table, row)},
                    }
                    for row in table.rows
                ],
            }
            for table in result.tables
        ],
    }
