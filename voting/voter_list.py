"""Protocol K5: the administrator's list of voters, a CSV file, read whole and with every fault at its line.

Pure: bytes in, voters out. The list is personal data: no name and no mail address of it ever stands in an error text.
It must not open files or import any command.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from voting.election.record import MAX_TOTAL_WEIGHT, MAX_WEIGHT
from voting.protocol.errors import InputErrors, Problem

MAX_LIST_BYTES = 64 * 1024 * 1024
MAX_VOTERS = 1_000_000
MAX_CELL_CHARACTERS = 200
MAX_REPORTED = 100
"""No more faults than this are listed; the count of the others is."""

_DELIMITERS = (";", "\t", ",", "|")
_COLUMNS = {
    "id": {
        "id", "identifier", "identifiant", "voter", "voter id", "electeur", "matricule", "login", "member", "membre",
    },
    "email": {
        "email", "e-mail", "mail", "email address", "e-mail address", "courriel", "adresse e-mail", "adresse email",
        "adresse mail", "adresse electronique", "adresse de courriel",
    },
    "name": {"name", "full name", "nom", "nom complet", "nom et prenom", "prenom et nom"},
    "weight": {"weight", "poids", "votes", "voix", "nombre de voix", "shares", "parts"},
    "language": {"language", "lang", "langue", "sprache"},
}  # fmt: skip
_KNOWN = {word: column for column, words in _COLUMNS.items() for word in words}
_WEIGHT = re.compile(r"[1-9][0-9]{0,12}\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*\Z")
_ATOM = r"[^@\s.,:;<>()\[\]\\\"]+"
_MAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_ATOM}(\.{_ATOM})*\Z")
"""An address without quotation, comment or empty part: what every mail program takes."""
_FORMULA = ("=", "+", "-", "@")
"""A spreadsheet runs a cell that begins with one of these."""


class Voter(NamedTuple):
    """One line of the list."""

    identifier: str
    """What the organiser calls this voter by; unique in the list without regard to case."""
    name: str | None = None
    email: str | None = None
    weight: int = 1
    language: str | None = None
    """Of messages to this voter, as a code such as "fr"; None if unknown."""


def read_voter_list(data: bytes, *, name: str) -> list[Voter]:
    """Protocol K5: the voters of a CSV file, in its order.

    The first row names the columns (id, email, name, weight, language, in English or French, in any order); a file with
    one column may leave it out. Comma, semicolon, tab or bar; UTF-8, or UTF-16 with a byte order mark. Blank lines are
    skipped. A voter without an id is identified by mail address, else by name. A weight left empty is 1.

    Args:
        data: the whole file.
        name: how errors name it.

    Raises:
        InputErrors: with the line and the reason of every fault.
    """
    lines = _lines(data, name)
    if not lines:
        raise InputErrors(name, [Problem("", "holds no voter", "write one voter per line")])
    problems: list[Problem] = []
    delimiter = _delimiter([line for _, line in lines[:50]])
    rows = list(_rows(lines, delimiter, problems))
    columns, has_header = _header(rows, delimiter, problems)
    voters: list[Voter] = []
    if columns:
        voters = list(_voters(rows[has_header:], columns, problems))
        if not problems and not voters:
            problems.append(Problem("", "holds a header row and no voter", "write one voter per line"))
        if sum(voter.weight for voter in voters) > MAX_TOTAL_WEIGHT:
            problems.append(Problem("", f"has weights that add up to more than {MAX_TOTAL_WEIGHT}", "lower them"))
    if problems:
        left_out = len(problems) - MAX_REPORTED
        if left_out > 0:
            problems = [*problems[:MAX_REPORTED], Problem("", f"and {left_out} more faults like these")]
        raise InputErrors(name, problems)
    return voters


def _lines(data: bytes, name: str) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    if len(data) > MAX_LIST_BYTES:
        raise InputErrors(name, [Problem("", f"is longer than {MAX_LIST_BYTES} bytes", "give a list of voters only")])
    text = _decode(data, name)
    if "\0" in text:
        raise InputErrors(name, [Problem("", "is no text file", "save the list as CSV (UTF-8)")])
    raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = [(number, line) for number, line in enumerate(raw, start=1) if line.strip()]
    if len(lines) > MAX_VOTERS + 1:
        raise InputErrors(name, [Problem("", f"has more than {MAX_VOTERS} lines", "split the election")])
    return lines


def _decode(data: bytes, name: str) -> str:
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if is_wide else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(f"line {line}", f"is not {encoding.removesuffix('-sig').upper()} text", "save it as UTF-8")
        raise InputErrors(name, [problem]) from None


def _delimiter(sample: list[str]) -> str:
    """The character that cuts the most lines of a sample into as many cells as it cuts the first; "" for one column."""
    best, best_score = "", (0, 0)
    for candidate in _DELIMITERS:
        counts = [_count_cells(line, candidate) for line in sample]
        agreeing = sum(count == counts[0] for count in counts) if counts[0] > 1 else 0
        if (agreeing, counts[0]) > best_score:
            best, best_score = candidate, (agreeing, counts[0])
    return best


def _count_cells(line: str, delimiter: str) -> int:
    try:
        return len(_cut(line, delimiter))
    except csv.Error:
        return 0


def _cut(line: str, delimiter: str) -> list[str]:
    """The cells of one line. Raises csv.Error for odd quotation marks."""
    rows = list(csv.reader([line], delimiter=delimiter or "\x1f", strict=True, skipinitialspace=True))
    return [cell.strip() for cell in rows[0]] if rows else []


def _rows(
    lines: list[tuple[int, str]], delimiter: str, problems: list[Problem]
) -> Iterator[tuple[int, list[str] | None]]:
    """Each line for itself, so that one odd quotation mark does not swallow the lines after it. None: it was reported.

    Cells are put in Unicode form NFC.
    """
    for number, line in lines:
        try:
            cells = [unicodedata.normalize("NFC", cell) for cell in _cut(line, delimiter)]
        except csv.Error:
            problems.append(
                Problem(f"line {number}", "has an odd quotation mark", 'close every quoted cell; write " inside as ""')
            )
            yield number, None
            continue
        if any(cells):
            yield number, cells


def _header(
    rows: list[tuple[int, list[str] | None]], delimiter: str, problems: list[Problem]
) -> tuple[list[str], bool]:
    """The columns, and whether the first row names them; no columns if they are not clear (which is reported)."""
    if not rows:
        problems.append(Problem("", "holds no voter", "write one voter per line"))
        return [], False
    number, cells = rows[0]
    if cells is None:
        return [], False
    names = [_plain(cell) for cell in cells]
    if any("@" in cell for cell in cells) or not any(name in _KNOWN for name in names):
        if len(cells) == 1:
            return ["id"], False
        problems.append(
            Problem(f"line {number}", "does not name the columns", "begin with a row such as: id,name,email,weight")
        )
        return [], False
    columns: list[str] = []
    for position, name in enumerate(names, start=1):
        column = _KNOWN.get(name)
        if column is None:
            close = difflib.get_close_matches(name, _KNOWN, 1)
            remedy = (
                f"did you mean {_KNOWN[close[0]]}?"
                if close
                else "name it id, email, name, weight or language, or remove it"
            )
            problems.append(Problem(f"line {number}, column {position}", "has a name that is not known", remedy))
        elif column in columns:
            problems.append(Problem(f"line {number}, column {position}", f"is a second column of {column}"))
        columns.append(column or "")
    if not {"id", "email", "name"} & set(columns):
        problems.append(Problem(f"line {number}", "names no column that tells voters apart", "add a column id"))
    return columns, True


def _voters(rows: list[tuple[int, list[str] | None]], columns: list[str], problems: list[Problem]) -> Iterator[Voter]:
    seen: dict[tuple[str, str], int] = {}
    for number, cells in rows:
        if cells is None:
            continue
        where = f"line {number}"
        if len(cells) != len(columns):
            problems.append(Problem(where, f"has {_cells(len(cells))}, not {len(columns)}", "write one per column"))
            continue
        fields = dict(zip(columns, cells, strict=True))
        faults = list(_faults(fields, where))
        identifier = fields.get("id") or fields.get("email") or fields.get("name") or ""
        email = fields.get("email") or (
            identifier if "id" in columns and len(columns) == 1 and "@" in identifier else ""
        )
        for kind, key in (("id", identifier), ("email", email)):
            if key:
                first = seen.setdefault((kind, key.casefold()), number)
                if first != number:
                    faults.append(Problem(where, f"is the same voter as line {first}", "remove one of the two lines"))
                    break
        problems.extend(faults)
        if not faults:
            weight, language = int(fields.get("weight") or "1"), (fields.get("language") or "").lower() or None
            yield Voter(identifier, fields.get("name") or None, email or None, weight, language)


def _faults(fields: dict[str, str], where: str) -> Iterator[Problem]:
    """What is wrong with one line, taken for itself."""
    if not (fields.get("id") or fields.get("email") or fields.get("name")):
        yield Problem(where, "does not say who the voter is", "fill in the id")
    for column, cell in fields.items():
        if len(cell) > MAX_CELL_CHARACTERS:
            yield Problem(where, f"has more than {MAX_CELL_CHARACTERS} characters as {column}", "shorten it")
        if any(unicodedata.category(character)[0] == "C" for character in cell):
            yield Problem(where, f"has a control or hidden character in its {column}", "type it again")
        if column not in {"weight", "language"} and cell.startswith(_FORMULA):
            yield Problem(
                where, f"has a {column} that spreadsheets would take for a formula", "remove = + - @ in front"
            )
    weight = fields.get("weight")
    if weight and not (_WEIGHT.match(weight) and int(weight) <= MAX_WEIGHT):
        yield Problem(where, f"has a weight that is not a whole number from 1 to {MAX_WEIGHT}", "write 1 for one vote")
    if fields.get("email") and not is_mail_address(fields["email"]):
        yield Problem(where, "has something that is no mail address as email", "write it like name@example.org")
    if fields.get("language") and not _LANGUAGE.match(fields["language"].lower()):
        yield Problem(where, "has something that is no language code as language", 'write a code such as "en" or "fr"')


def is_mail_address(text: str) -> bool:
    """Whether messages can be sent to this address, as far as its form tells."""
    return bool(_MAIL.match(text))


def _plain(cell: str) -> str:
    """A column's name without case, accents and doubled spaces."""
    letters = unicodedata.normalize("NFD", cell.casefold().replace("_", " "))
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
