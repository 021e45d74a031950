"""The draft of an election: everything its administrator typed, whether it is right yet or not.

A draft keeps texts as they were typed, so that nothing is lost while it is incomplete. `source_of` gives the manifest
source (docs/spec/manifest.md, M16) that it stands for, and `draft_problems` what is wrong with it; the place of each
fault is the name of the form field it belongs to. Pure; it must not import flask, the store or any page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from bulletin_board.witness_settings import WitnessPlace, WitnessSettings
from voting.crypto.group import DEFAULT_GROUP
from voting.crypto.signatures import VerifyKey
from voting.protocol.encoding import Hash, from_base64, sha256
from voting.protocol.errors import DecodeError, InputErrors, Problem, UrneError, UsageError
from voting.protocol.manifest import Manifest
from voting.protocol.manifest_source import check_source
from voting.protocol.methods import METHODS
from voting.protocol.moment import format_moment
from voting.protocol.text import Text
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.witnesses import least_quorum
from voting.site.election_settings import ElectionSettings
from voting.site.witness_places import parse_witness_address

MAX_DRAFT_CHARACTERS = 400_000
"""A draft with all its texts, as JSON."""
SOURCE_NAME = "draft"

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)

NUMBERS: dict[str, tuple[str, ...]] = {
    "choose": ("min", "max", "seats"),
    "score": ("highest", "min", "max"),
    "grades": (),
    "lists": ("seats",),
    "ranking": (),
    "condorcet": (),
    "condorcet-ties": (),
}
"""Method -> its whole numbers."""
RULES: dict[str, tuple[str, ...]] = {
    "lists": ("d-hondt", "sainte-lague"),
    "condorcet": ("schulze", "ranked-pairs"),
    "condorcet-ties": ("schulze", "ranked-pairs"),
}
"""Method -> its counting rules, the usual one first."""
USUAL_NUMBERS = {"min": "1", "max": "1", "seats": "1", "highest": "5"}
USUAL_GRADES: tuple[Text, ...] = (
    {"en": "Excellent", "fr": "Excellent"},
    {"en": "Very good", "fr": "Très bien"},
    {"en": "Good", "fr": "Bien"},
    {"en": "Fair", "fr": "Passable"},
    {"en": "Poor", "fr": "Insuffisant"},
    {"en": "Reject", "fr": "À rejeter"},
)


class DraftPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a draft."""


class DraftList(DraftPart, frozen=True, kw_only=True):
    """A list of candidates, as typed."""

    name: Text = {}
    candidates: tuple[Text, ...] = ()


class DraftQuestion(DraftPart, frozen=True, kw_only=True):
    """A question, as typed. Fields that its method does not have are kept for when the method is changed back."""

    method: str = "choose"
    title: Text = {}
    description: Text = {}
    options: tuple[Text, ...] = ({}, {})
    grades: tuple[Text, ...] = ()
    lists: tuple[DraftList, ...] = (DraftList(), DraftList())
    numbers: dict[str, str] = {}
    """Name of a whole number -> what was typed."""
    points: str = ""
    """Points per rank: whole numbers between commas; empty for the usual ones."""
    blank: bool = False
    rule: str = ""

    def number(self, name: str) -> str:
        """What was typed for a whole number, or what is usual."""
        return self.numbers.get(name, "" if self.method == "score" and name == "max" else self._usual(name))

    def _usual(self, name: str) -> str:
        return "0" if self.method == "score" and name == "min" else USUAL_NUMBERS[name]


class DraftTrustee(DraftPart, frozen=True, kw_only=True):
    """A trustee: the name is public, the address is not."""

    name: str = ""
    email: str = ""

    def __repr__(self) -> str:
        return f"DraftTrustee({self.name!r}, ...)"


class DraftWitness(DraftPart, frozen=True, kw_only=True):
    """A witness of the board: the key that it publishes, and where it is asked."""

    vkey: str = ""
    url: str = ""


class Draft(DraftPart, frozen=True, kw_only=True):
    """Everything that can be typed about an election before it is frozen."""

    languages: tuple[str, ...] = ("en",)
    title: Text = {}
    description: Text = {}
    contact: str = ""
    group: str = DEFAULT_GROUP
    trustees: tuple[DraftTrustee, ...] = (DraftTrustee(), DraftTrustee(), DraftTrustee())
    threshold: str = "2"
    opens: str = ""
    """Local time in `zone`, e.g. "2026-03-02T09:00"; empty if nothing is announced."""
    closes: str = ""
    zone: str = "UTC"
    automatic: bool = True
    """Whether voting opens and closes by itself at the announced times."""
    factor: Literal["none", "mail"] = "none"
    authority: Literal["server", "outside"] = "server"
    """Who makes the voters' codes."""
    authority_key: str = ""
    """The outside authority's public key, base64url."""
    deletion: str = ""
    """Day on which personal data is deleted, e.g. "2026-06-30"."""
    questions: tuple[DraftQuestion, ...] = ()
    witnesses: tuple[DraftWitness, ...] = ()
    quorum: str = ""
    """How many of the witnesses must sign; empty for a majority."""


def encode_draft(draft: Draft) -> str:
    """A draft as the store keeps it.

    Raises:
        UsageError: if it is longer than a draft may be.
    """
    text = msgspec.json.encode(draft).decode("utf-8")
    if len(text) > MAX_DRAFT_CHARACTERS:
        raise UsageError(
            f"would have {len(text)} characters, more than {MAX_DRAFT_CHARACTERS}",
            where="the draft",
            remedy="shorten its texts; nothing was saved",
        )
    return text


def parse_draft(text: str) -> Draft:
    """A draft from the store. Raises DecodeError if it is none."""
    try:
        return msgspec.json.decode(text, type=Draft)
    except (msgspec.DecodeError, ValueError) as error:
        raise DecodeError(f"cannot be read ({error})", where="the stored draft") from None


# -- the manifest source -----------------------------------------------------------------------------------------------


def source_of(draft: Draft) -> dict[str, Any]:
    """The draft as a manifest source (M16), with its texts in the election's languages only.

    What cannot be expressed in it (a number that is none) has a harmless stand-in; `draft_problems` reports it.
    """
    source: dict[str, Any] = {
        "title": _text(draft.title, draft.languages),
        "contact": draft.contact,
        "languages": list(draft.languages),
        "group": draft.group,
        "trustees": [trustee.name for trustee in draft.trustees],
        "threshold": _whole(draft.threshold, default=1),
        "questions": [_question(question, draft.languages) for question in draft.questions],
    }
    if has_words(draft.description, draft.languages):
        source["description"] = _text(draft.description, draft.languages)
    opens, closes = (_instant(time, draft.zone) for time in (draft.opens, draft.closes))
    if isinstance(opens, str) and isinstance(closes, str):
        source["schedule"] = {"opens": opens, "closes": closes}
    if draft.witnesses:
        source["witnesses"] = [{"vkey": each.vkey, "url": each.url} for each in draft.witnesses]
        source["quorum"] = quorum_of(draft)
    return source


def source_text(draft: Draft) -> str:
    """The source as JSON, for people."""
    return json.dumps(source_of(draft), ensure_ascii=False, indent=2) + "\n"


def draft_hash(draft: Draft) -> Hash:
    """What tells one draft from another: SHA-256 of everything that would be frozen."""
    also = {"source": source_of(draft), "authority": draft.authority, "authority_key": draft.authority_key}
    return sha256(json.dumps(also, sort_keys=True).encode("ascii"))


def draft_manifest(draft: Draft) -> Manifest:
    """The manifest that the draft stands for, with keys that nobody will use. Raises InputErrors."""
    return check_source(source_text(draft), name=SOURCE_NAME, form="json")


def draft_problems(draft: Draft) -> list[Problem]:
    """Everything that is wrong with a draft, at most one fault for each form field, at the field's name."""
    found = {problem.where: problem for problem in _own_problems(draft)}
    own = tuple(found)
    try:
        draft_manifest(draft)
    except InputErrors as error:
        for problem in error.problems:
            if not problem.where.startswith(tuple(f"{place}[" for place in own)):
                found.setdefault(problem.where, problem)
    return list(found.values())


def has_words(text: Text, languages: Sequence[str]) -> bool:
    """Whether a text says anything in one of these languages."""
    return any(text.get(language, "").strip() for language in languages)


def _text(text: Text, languages: Sequence[str]) -> Text:
    return {language: text.get(language, "") for language in languages}


def _whole(text: str, *, default: int) -> int:
    """A typed whole number; `default` if it is none."""
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 10 else default


def _is_whole(text: str) -> bool:
    return _whole(text, default=-1) >= 0


def _question(question: DraftQuestion, languages: Sequence[str]) -> dict[str, Any]:
    source: dict[str, Any] = {"method": question.method, "title": _text(question.title, languages)}
    if has_words(question.description, languages):
        source["description"] = _text(question.description, languages)
    if question.method == "lists":
        source["lists"] = [
            {
                "name": _text(each.name, languages),
                "candidates": [_text(candidate, languages) for candidate in each.candidates],
            }
            for each in question.lists
        ]
    else:
        source["options"] = [_text(option, languages) for option in question.options]
    if question.method == "grades":
        source["grades"] = [_text(grade, languages) for grade in question.grades]
    if question.method == "choose":
        source["blank"] = question.blank
    for name in NUMBERS.get(question.method, ()):
        typed = question.number(name)
        if typed.strip():
            source[name] = _whole(typed, default=1)
    if question.method in RULES:
        source["rule"] = question.rule or RULES[question.method][0]
    if question.method == "ranking" and question.points.strip():
        source["points"] = [_whole(part, default=0) for part in _parts(question.points)]
    return source


def _parts(text: str) -> list[str]:
    return text.replace(";", ",").replace(" ", ",").strip(",").replace(",,", ",").split(",")


def _instant(local: str, zone: str) -> str | Problem:
    """A typed local time as a moment, or what is wrong with it (without a place)."""
    try:
        typed = datetime.fromisoformat(local.strip())
        if typed.tzinfo is not None:
            return format_moment(typed)
        place = ZoneInfo(zone)
        moment = typed.replace(tzinfo=place)
        if moment.utcoffset() != typed.replace(tzinfo=place, fold=1).utcoffset():
            return Problem("", "falls into the change of the clocks in this time zone", "choose another time")
        return format_moment(moment)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        return Problem("", "is no date with a time", "write it like 2026-03-02T09:00")


def opening_moment(draft: Draft) -> str | None:
    """When voting is announced to open, UTC; None if it is not, or not yet right."""
    found = _instant(draft.opens, draft.zone) if draft.opens.strip() else None
    return found if isinstance(found, str) else None


def closing_moment(draft: Draft) -> str | None:
    """When voting is announced to close, UTC; None if it is not, or not yet right."""
    found = _instant(draft.closes, draft.zone) if draft.closes.strip() else None
    return found if isinstance(found, str) else None


def deletion_moment(draft: Draft) -> str | None:
    """When personal data is deleted, UTC: the beginning of the chosen day; None if none is chosen, or it is no day."""
    day = draft.deletion.strip()
    found = _instant(f"{day}T00:00", draft.zone) if _DAY.match(day) else None
    return found if isinstance(found, str) else None


def settings_of(draft: Draft) -> ElectionSettings:
    """What the site obeys, as far as it was chosen in the draft."""
    return ElectionSettings(
        factor=draft.factor,
        authority=draft.authority,
        automatic=draft.automatic,
        time_zone=draft.zone,
        erase_after=deletion_moment(draft),
    )


def authority_key(draft: Draft) -> bytes | None:
    """The outside authority's raw public key; None if there is none, or it is no key."""
    try:
        return VerifyKey.decode(from_base64(draft.authority_key.strip(), 32, what="key"), what="key").raw
    except DecodeError:
        return None


def quorum_of(draft: Draft) -> int:
    """How many witnesses must sign: what was typed, or a majority."""
    return _whole(draft.quorum, default=least_quorum(len(draft.witnesses)))


def witness_settings_of(draft: Draft) -> WitnessSettings:
    """Whom the board asks to sign (L22a). Raises UrneError if a witness of the draft is at fault."""
    places = [WitnessPlace(parse_vkey(each.vkey), parse_witness_address(each.url)) for each in draft.witnesses]
    return WitnessSettings(tuple(places), quorum_of(draft) if places else 0)


def _witness_problems(draft: Draft) -> Iterator[Problem]:
    if draft.witnesses and draft.quorum.strip() and not _is_whole(draft.quorum):
        yield Problem("quorum", "is not a whole number", "write digits only")
    for position, witness in enumerate(draft.witnesses, start=1):
        try:
            parse_witness_address(witness.url)
        except UrneError as error:
            yield Problem(f"witnesses[{position}].url", error.problem, error.remedy)


def _own_problems(draft: Draft) -> Iterator[Problem]:
    """What the manifest source could not say."""
    yield from _witness_problems(draft)
    if draft.threshold.strip() and not _is_whole(draft.threshold):
        yield Problem("threshold", "is not a whole number", "write digits only")
    for name, typed in (("opens", draft.opens), ("closes", draft.closes)):
        other = draft.closes if name == "opens" else draft.opens
        if not typed.strip():
            if other.strip():
                yield Problem(f"schedule.{name}", "is missing", "give both times, or none")
            continue
        found = _instant(typed, draft.zone)
        if isinstance(found, Problem):
            yield Problem(f"schedule.{name}", found.problem, found.remedy)
    if draft.authority == "outside" and draft.authority_key.strip() and authority_key(draft) is None:
        yield Problem("authority_key", "is no Ed25519 public key", "ask the outside authority for its 43 characters")
    if draft.authority == "outside" and draft.factor == "mail":
        yield Problem(
            "factor", "needs voters whose codes this site makes", "choose no second factor, or codes by this site"
        )
    if draft.deletion.strip():
        moment, closes = deletion_moment(draft), closing_moment(draft)
        if moment is None:
            yield Problem("deletion", "is no date", "write it like 2026-06-30")
        elif closes is not None and moment <= closes:
            yield Problem("deletion", "is not after the end of voting", "choose a later day")
    for position, trustee in enumerate(draft.trustees, start=1):
        if trustee.email and ("@" not in trustee.email.strip("@") or any(c.isspace() for c in trustee.email)):
            yield Problem(f"trustees[{position}].email", "is no mail address", "write it like name@example.org")
    for position, question in enumerate(draft.questions, start=1):
        where = f"questions[{position}]"
        for name in NUMBERS.get(question.method, ()):
            typed = question.number(name)
            if typed.strip() and not _is_whole(typed):
                yield Problem(f"{where}.{name}", "is not a whole number", "write digits only")
        if (
            question.method == "ranking"
            and question.points.strip()
            and not all(_is_whole(part) for part in _parts(question.points))
        ):
            yield Problem(f"{where}.points", "are not whole numbers", "write them with commas between, e.g. 3, 2, 1, 0")


assert set(NUMBERS) == set(METHODS)  # noqa: S101 (a new method needs its line here)
