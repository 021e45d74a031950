"""Protocol M: a manifest as a person writes it, in TOML or JSON, read into a `Manifest` (docs/spec/manifest.md).

Every fault is reported at once, each at its place. Friendly forms: a text may be a plain string (in the election's
first language) or a table of languages; options, candidates and trustees are lists of strings or tables; most keys may
be left out. Texts are put in Unicode form NFC. Pure: it must not open files or draw random numbers.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from voting.crypto.group import DEFAULT_GROUP
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import to_base64
from voting.protocol.errors import InputErrors, Problem
from voting.protocol.manifest import VERSION, Manifest, Schedule, TrusteeInfo, manifest_problems
from voting.protocol.methods import METHODS, AnyQuestion
from voting.protocol.moment import format_moment
from voting.protocol.text import Text
from voting.protocol.tlog.note import note_key
from voting.protocol.tlog.witnesses import least_quorum

MAX_SOURCE_BYTES = 1024 * 1024
MAX_NUMBER = 10**9
"""No number in a manifest may be larger; most have closer limits of their own."""

Form = Literal["toml", "json"]

_KEYS = (
    "title", "description", "contact", "language", "languages", "group", "trustees", "threshold", "schedule",
    "questions", "witnesses", "quorum",
)  # fmt: skip
_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)\Z", re.DOTALL)
_LANGUAGE_KEY = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")


def read_manifest(
    text: str, *, name: str, form: Form, administrator: bytes, authority: bytes, board_vkey: str, nonce: str
) -> Manifest:
    """Protocol M16: the manifest that a person wrote.

    Args:
        text: the whole file.
        name: how errors name it.
        form: "toml" or "json".
        administrator, authority: raw Ed25519 keys, 32 bytes each.
        board_vkey: the board's key as a signed-note verifier key.
        nonce: 128 random bits as 32 hexadecimal digits.

    Raises:
        InputErrors: with every fault and its place, such as `questions[2].title`.
    """
    problems: list[Problem] = []
    data = _parse(text, name, form)
    source = _Source(data, problems)
    manifest = source.manifest(to_base64(administrator), to_base64(authority), board_vkey, nonce)
    if not problems:
        problems = list(manifest_problems(manifest))
    else:
        reported = [problem.where for problem in problems]
        problems += [problem for problem in source.other_problems(manifest) if not _is_below(problem.where, reported)]
    if problems:
        raise InputErrors(name, problems)
    return manifest


def check_source(text: str, *, name: str, form: Form) -> Manifest:
    """A dry run of M16: as `read_manifest`, with keys and nonce that nobody will use. Raises InputErrors."""
    key = SigningKey.from_seed(bytes(32)).verify_key
    vkey = note_key("urne/check", key).vkey
    return read_manifest(
        text, name=name, form=form, administrator=key.raw, authority=key.raw, board_vkey=vkey, nonce="0" * 32
    )


def witness_urls(text: str, *, name: str, form: Form) -> dict[str, str]:
    """A witness's vkey -> where it is asked, as far as a source (M16) says it. Raises InputErrors."""
    rows = _parse(text, name, form).get("witnesses")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    pairs = ((row.get("vkey"), row.get("url")) for row in found)
    return {vkey: url for vkey, url in pairs if isinstance(vkey, str) and isinstance(url, str) and url}


def _is_below(where: str, reported: Sequence[str]) -> bool:
    """Whether a place, or one that contains it, was reported already."""
    return any(where == place or where.startswith((f"{place}.", f"{place}[")) for place in reported)


# -- syntax ------------------------------------------------------------------------------------------------------------


def _parse(text: str, name: str, form: Form) -> dict[str, Any]:
    if len(text) > MAX_SOURCE_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        raise InputErrors(name, [Problem("", f"is longer than {MAX_SOURCE_BYTES} bytes", "shorten its texts")])
    text = text.removeprefix("\ufeff")
    try:
        data = tomllib.loads(text) if form == "toml" else _parse_json(text)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_PLACE.match(str(error))
        where = "end of the file" if match is None or match[2] is None else f"line {match[2]}, column {match[3]}"
        reason = match[1] if match else str(error)
        raise InputErrors(name, [Problem(where, f"is no TOML: {reason}", "correct it here or just before")]) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        problem = Problem(where, f"is no JSON: {error.msg}", "correct it here or just before")
        raise InputErrors(name, [problem]) from None
    except RecursionError:
        raise InputErrors(name, [Problem("", "is nested too deeply", "write it flatter")]) from None
    except ValueError as error:
        # Python refuses numbers of thousands of digits, and dates that do not exist, in this way.
        reason = "a number with too many digits" if "digits" in str(error) else str(error)
        raise InputErrors(name, [Problem("", f"holds a value that cannot be read: {reason}")]) from None
    if not isinstance(data, dict):
        raise InputErrors(name, [Problem("", "is not an object with keys", 'begin with { "title": ...')])
    return data


def _parse_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            raise ValueError(f"the key {twice[:50]!r} stands twice in one object")
        return table

    def constant(word: str) -> Any:
        raise ValueError(f"{word} is no number")

    return json.loads(text, object_pairs_hook=unique, parse_constant=constant)


# -- meaning -----------------------------------------------------------------------------------------------------------


class _Source:
    """Reads the parsed data; faults go to `problems`, and something harmless stands in for what is at fault."""

    def __init__(self, data: dict[str, Any], problems: list[Problem]) -> None:
        self.data = data
        self.problems = problems
        self.languages = self._languages()
        self.questions: list[AnyQuestion | None] = []

    def manifest(self, administrator: str, authority: str, board: str, nonce: str) -> Manifest:
        """The manifest; it is only sound if no problem was reported."""
        data = self.data
        self._require_known(data, _KEYS, "")
        trustees = self._trustees()
        majority = len(trustees) // 2 + 1
        witnesses = self._witnesses()
        safe = least_quorum(len(witnesses))
        self.questions = [
            self._question(item, f"questions[{position}]")
            for position, item in enumerate(self._list(data, "questions", "questions"), start=1)
        ]
        return Manifest(
            administrator=administrator,
            authority=authority,
            board=board,
            contact=self._string(data.get("contact", ""), "contact"),
            description=self._text(data["description"], "description") if "description" in data else None,
            group=self._string(data.get("group", DEFAULT_GROUP), "group"),
            languages=self.languages,
            nonce=nonce,
            questions=tuple(question for question in self.questions if question is not None),
            schedule=self._schedule(),
            threshold=self._number(data.get("threshold", majority), "threshold", default=majority),
            title=self._text(self._required(data, "title", "title"), "title"),
            trustees=trustees,
            version=VERSION,
            quorum=self._number(data.get("quorum", safe), "quorum", default=safe),
            witnesses=witnesses,
        )

    def other_problems(self, manifest: Manifest) -> Iterator[Problem]:
        """What is wrong besides, with the parts that could be read."""
        without = msgspec.structs.replace(manifest, questions=())
        yield from (problem for problem in manifest_problems(without) if not problem.where.startswith("questions"))
        for position, question in enumerate(self.questions, start=1):
            if question is not None:
                yield from question.problems(f"questions[{position}]", self.languages)

    # -- parts of a manifest -------------------------------------------------------------------------------------------

    def _languages(self) -> tuple[str, ...]:
        data = self.data
        if "languages" in data and "language" in data:
            self._report("language", "stands beside languages", "keep one of the two")
        if "languages" in data:
            found = [
                self._string(item, f"languages[{position}]").lower()
                for position, item in enumerate(self._list(data, "languages", "languages"), start=1)
            ]
            return tuple(found)
        if "language" in data:
            return (self._string(data["language"], "language").lower(),)
        title = data.get("title")
        if isinstance(title, dict) and title:
            return tuple(str(key).lower() for key in title)
        return ("en",)

    def _trustees(self) -> tuple[TrusteeInfo, ...]:
        names = []
        for position, item in enumerate(self._list(self.data, "trustees", "trustees"), start=1):
            where = f"trustees[{position}]"
            if isinstance(item, dict):
                self._require_known(item, ("name",), where)
                item, where = self._required(item, "name", f"{where}.name"), f"{where}.name"
            names.append(TrusteeInfo(self._string(item, where)))
        return tuple(names)

    def _witnesses(self) -> tuple[str, ...]:
        """Their keys. Where they are asked may stand beside a key (`witness_urls`); it is not part of the manifest."""
        vkeys = []
        rows = self._list(self.data, "witnesses", "witnesses") if "witnesses" in self.data else []
        for position, item in enumerate(rows, start=1):
            where = f"witnesses[{position}]"
            if isinstance(item, dict):
                self._require_known(item, ("vkey", "url"), where)
                self._string(item.get("url", ""), f"{where}.url")
                item, where = self._required(item, "vkey", f"{where}.vkey"), f"{where}.vkey"
            vkeys.append(self._string(item, where))
        return tuple(vkeys)

    def _schedule(self) -> Schedule | None:
        schedule = self.data.get("schedule")
        if schedule is None:
            return None
        if not isinstance(schedule, dict):
            self._report("schedule", f"is {_kind(schedule)}, not a table", "write opens and closes in it")
            return None
        self._require_known(schedule, ("opens", "closes"), "schedule")
        moments = [
            self._moment(self._required(schedule, key, f"schedule.{key}"), f"schedule.{key}")
            for key in ("opens", "closes")
        ]
        return None if "" in moments else Schedule(opens=moments[0], closes=moments[1])

    def _moment(self, value: Any, where: str) -> str:
        """A point in time in UTC; "" if it was reported."""
        example = "write it like 2026-11-24T08:00:00+01:00"
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                self._report(where, "is no time", example)
                return ""
        if not isinstance(value, datetime):
            if value is not _ABSENT:
                reason = "is a day without an hour" if isinstance(value, date) else f"is {_kind(value)}, not a time"
                self._report(where, reason, example)
            return ""
        if value.tzinfo is None:
            self._report(where, "does not say its time zone", "add the zone: +01:00 at the end, or Z for UTC")
            return ""
        try:
            return format_moment(value)
        except (ValueError, OverflowError):
            self._report(where, "is a time that does not exist in UTC", example)
            return ""

    def _question(self, item: Any, where: str) -> AnyQuestion | None:
        if not isinstance(item, dict):
            self._report(where, f"is {_kind(item)}, not a table", "write title, method and options in it")
            return None
        method = self._required(item, "method", f"{where}.method", f"choose one of {', '.join(METHODS)}")
        kind = METHODS.get(method) if isinstance(method, str) else None
        if kind is None:
            if method is not _ABSENT:
                self._report(f"{where}.method", "is no known method", _advice(method, tuple(METHODS)))
            return None
        question: AnyQuestion | None = self._struct(kind, item, where, also=("method",))
        return question

    def _struct(self, kind: Any, item: dict[str, Any], where: str, *, also: tuple[str, ...] = ()) -> Any:
        """A struct of the manifest from a table with its fields, or None if something was reported."""
        before = len(self.problems)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        self._require_known(item, (*also, *fields), where)
        types = get_type_hints(kind)
        values = {}
        for key, field in fields.items():
            if key in item:
                values[field.name] = self._value(item[key], types[field.name], f"{where}.{key}")
            elif field.required:
                self._report(f"{where}.{key}", "is missing", "add it")
        return kind(**values) if len(self.problems) == before else None

    def _value(self, value: Any, kind: Any, where: str) -> Any:
        """A value of the type that a struct's field has."""
        if kind == Text or kind == Text | None:
            return self._text(value, where)
        if kind is bool:
            if not isinstance(value, bool):
                self._report(where, f"is {_kind(value)}, not true or false", "write true or false, without quotes")
            return value
        if kind is int:
            return self._number(value, where)
        if get_origin(kind) is Literal:
            if value not in get_args(kind):
                self._report(where, "is not a known choice", _advice(value, get_args(kind)))
            return value
        inner = get_args(kind)[0]
        if not isinstance(value, list):
            self._report(where, f"is {_kind(value)}, not a list", "write it in [ ]")
            return ()
        return tuple(self._item(item, inner, f"{where}[{position}]") for position, item in enumerate(value, start=1))

    def _item(self, item: Any, kind: Any, where: str) -> Any:
        """An item of a list; a string or a text stands for a table with a name."""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if isinstance(item, dict) and "name" in item:
                return self._struct(kind, item, where)
            return kind(name=self._text(item, where))
        return self._value(item, kind, where)

    # -- values --------------------------------------------------------------------------------------------------------

    def _text(self, value: Any, where: str) -> Text:
        first = self.languages[0] if self.languages else "en"
        if isinstance(value, dict):
            text: Text = {}
            for key, words in value.items():
                if not _LANGUAGE_KEY.match(key):
                    self._report(f"{where}.{key}", "is not a language code", 'use codes such as "en" or "fr"')
                text[key.lower()] = self._string(words, f"{where}.{key}")
            if not text:
                self._report(where, "is empty", "write a text")
            return text
        return {
            first: self._string(value, where, 'write a text in quotes, or a table such as {en = "...", fr = "..."}')
        }

    def _string(self, value: Any, where: str, remedy: str = "write a text in quotes") -> str:
        if isinstance(value, str):
            return unicodedata.normalize("NFC", value).strip()
        if value is not _ABSENT:
            self._report(where, f"is {_kind(value)}, not a text", remedy)
        return ""

    def _number(self, value: Any, where: str, *, default: int = 0) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            if abs(value) <= MAX_NUMBER:
                return value
            self._report(where, "is too large a number", f"write a number up to {MAX_NUMBER}")
        else:
            self._report(where, f"is {_kind(value)}, not a whole number", "write a whole number, without quotes")
        return default

    def _list(self, table: dict[str, Any], key: str, where: str) -> list[Any]:
        value = self._required(table, key, where)
        if isinstance(value, list):
            return value
        if value is not _ABSENT:
            self._report(where, f"is {_kind(value)}, not a list", "write it in [ ], or as [[tables]] in TOML")
        return []

    def _required(self, table: dict[str, Any], key: str, where: str, remedy: str = "add it") -> Any:
        if key not in table:
            self._report(where, "is missing", remedy)
        return table.get(key, _ABSENT)

    def _require_known(self, table: dict[str, Any], known: Sequence[str], where: str) -> None:
        for key in table:
            if key not in known:
                self._report(f"{where}.{key}" if where else key, "is no known key", _advice(key, known))

    def _report(self, where: str, problem: str, remedy: str = "") -> None:
        self.problems.append(Problem(_one_line(where), problem, remedy))


class _Absent:
    """Stands for a value that is missing, which was reported."""


_ABSENT = _Absent()


def _advice(written: object, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(written)[:100], known, 1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}"


def _kind(value: Any) -> str:
    """What a value is, in words."""
    for kinds, words in (
        (bool, "true or false"), (str, "a text"), (int, "a number"), (float, "a number with a point"),
        (list, "a list"), (dict, "a table"), (date, "a date"), (type(None), "null"),
    ):  # fmt: skip
        if isinstance(value, kinds):
            return words
    return "a time of day"


def _one_line(where: str) -> str:
    """A place without line breaks and of bounded length: keys in it were written by hand."""
    return "".join(character if character.isprintable() else "?" for character in where)[:200]
