"""What was typed in the forms of a draft, read back into the draft; every button of these forms works without scripts.

A field's name is the place that `draft_problems` uses, e.g. `questions[1].options[2].en`. Questions, options and people
are counted from 1. Pure: a form is a mapping of names to texts. It must not import flask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from voting.admin.drafts import (
    NUMBERS,
    RULES,
    USUAL_GRADES,
    Draft,
    DraftList,
    DraftQuestion,
    DraftTrustee,
    DraftWitness,
)
from voting.protocol.errors import Problem
from voting.protocol.manifest import MAX_QUESTIONS, MAX_TRUSTEES
from voting.protocol.methods import METHODS
from voting.protocol.methods.base import MAX_OPTIONS
from voting.protocol.text import Text
from voting.protocol.tlog.witnesses import MAX_WITNESSES

Form = Mapping[str, str]
T = TypeVar("T")

MAX_LANGUAGES = 10
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*\Z")
_STEP = re.compile(r"([a-z-]{1,20}):([0-9.]{1,20})\Z")


def field_text(form: Form, name: str) -> str:
    """One field as it was typed, with line ends as the draft keeps them."""
    return form.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip()


def localized(form: Form, name: str, languages: Sequence[str], before: Text) -> Text:
    """A text in all languages; what was typed earlier in another language stays."""
    typed = {language: field_text(form, f"{name}.{language}") for language in languages}
    return {**before, **typed}


def _rows(
    form: Form, name: str, languages: Sequence[str], before: Sequence[Text], limit: int, suffix: str = ""
) -> tuple[Text, ...]:
    """All rows of a list of texts, as many as the form shows."""
    rows = []
    for position in range(1, limit + 1):
        place = f"{name}[{position}]{suffix}"
        if not any(f"{place}.{language}" in form for language in languages):
            break
        old = before[position - 1] if position <= len(before) else {}
        rows.append(localized(form, place, languages, old))
    return tuple(rows)


def is_blank(text: Text) -> bool:
    """Whether nothing was typed, in any language."""
    return not any(words.strip() for words in text.values())


# -- general, trustees, times ------------------------------------------------------------------------------------------


def read_general(draft: Draft, form: Form) -> Draft:
    """Languages, title, description, contact."""
    languages = read_languages(form) or draft.languages
    shown = draft.languages
    return msgspec.structs.replace(
        draft,
        languages=languages,
        title=localized(form, "title", shown, draft.title),
        description=localized(form, "description", shown, draft.description),
        contact=field_text(form, "contact"),
    )


def read_languages(form: Form) -> tuple[str, ...]:
    """The language codes typed in one field, the main one first."""
    codes = re.split(r"[\s,;]+", form.get("languages", "").lower().strip())
    return tuple(dict.fromkeys(code for code in codes if code))[:MAX_LANGUAGES]


def language_problems(codes: Iterable[str]) -> list[Problem]:
    """Codes that name no language, before they spread over all texts."""
    wrong = [code for code in codes if not LANGUAGE_CODE.match(code)]
    return [
        Problem("languages", "contains something that is no language code", 'use codes such as "en" or "fr"')
        for _code in wrong[:1]
    ]


def read_trustees(draft: Draft, form: Form) -> Draft:
    """Names, addresses, threshold, group."""
    trustees = []
    for position in range(1, MAX_TRUSTEES + 1):
        place = f"trustees[{position}]"
        if f"{place}.name" not in form:
            break
        trustees.append(DraftTrustee(name=field_text(form, f"{place}.name"), email=field_text(form, f"{place}.email")))
    return msgspec.structs.replace(
        draft,
        trustees=tuple(trustees),
        threshold=field_text(form, "threshold"),
        group=field_text(form, "group") or draft.group,
    )


def change_trustees(draft: Draft, button: str) -> Draft:
    """What a button of the trustees' form does besides saving."""
    rows = _changed_rows(draft.trustees, button, DraftTrustee(), MAX_TRUSTEES)
    return msgspec.structs.replace(draft, trustees=rows)


def read_witnesses(draft: Draft, form: Form) -> Draft:
    """Keys and addresses of the board's witnesses, and their quorum."""
    witnesses = []
    for position in range(1, MAX_WITNESSES + 1):
        place = f"witnesses[{position}]"
        if place not in form:
            break
        witnesses.append(DraftWitness(vkey=field_text(form, place), url=field_text(form, f"{place}.url")))
    return msgspec.structs.replace(draft, witnesses=tuple(witnesses), quorum=field_text(form, "quorum"))


def change_witnesses(draft: Draft, button: str) -> Draft:
    """What a button of the witnesses' form does besides saving."""
    rows = _changed_rows(draft.witnesses, button, DraftWitness(), MAX_WITNESSES)
    return msgspec.structs.replace(draft, witnesses=rows, quorum=draft.quorum if rows else "")


def _changed_rows(rows: tuple[T, ...], button: str, empty: T, longest: int) -> tuple[T, ...]:
    """The rows of a list after its button `add-...` or one of the moves; any other drops the empty ones."""
    step, place = _button(button)
    if step.startswith("add-") and len(rows) < longest:
        return (*rows, empty)
    if step in _MOVES:
        return tuple(_MOVES[step](list(rows), place[0] if place else 0))
    return tuple(row for row in rows if row != empty)


def read_times(draft: Draft, form: Form) -> Draft:
    """Schedule, automatic opening and closing, day of deletion."""
    return msgspec.structs.replace(
        draft,
        opens=field_text(form, "schedule.opens"),
        closes=field_text(form, "schedule.closes"),
        zone=field_text(form, "zone") or draft.zone,
        automatic=form.get("automatic") == "yes",
        deletion=field_text(form, "deletion"),
    )


def read_voting(draft: Draft, form: Form) -> Draft:
    """Who makes the voters' codes, and the second factor."""
    return msgspec.structs.replace(
        draft,
        authority="outside" if form.get("authority") == "outside" else "server",
        authority_key=field_text(form, "authority_key"),
        factor="mail" if form.get("factor") == "mail" else "none",
    )


# -- questions ---------------------------------------------------------------------------------------------------------


def read_question(draft: Draft, number: int, form: Form) -> DraftQuestion:
    """One question, as its form shows it: fields that the form does not show keep what they had."""
    before = draft.questions[number - 1]
    where, languages = f"questions[{number}]", draft.languages
    shown = before.method
    changes: dict[str, object] = {
        "title": localized(form, f"{where}.title", languages, before.title),
        "description": localized(form, f"{where}.description", languages, before.description),
    }
    if shown == "lists":
        changes["lists"] = _lists(form, where, languages, before.lists)
    else:
        changes["options"] = _rows(form, f"{where}.options", languages, before.options, MAX_OPTIONS)
    if shown == "grades":
        changes["grades"] = _rows(form, f"{where}.grades", languages, before.grades, MAX_OPTIONS)
    if shown == "choose":
        changes["blank"] = form.get(f"{where}.blank") == "yes"
    if shown == "ranking":
        changes["points"] = field_text(form, f"{where}.points")
    if shown in RULES and form.get(f"{where}.rule") in RULES[shown]:
        changes["rule"] = form[f"{where}.rule"]
    typed = {name: field_text(form, f"{where}.{name}") for name in NUMBERS[shown] if f"{where}.{name}" in form}
    changes["numbers"] = {**before.numbers, **typed}
    return msgspec.structs.replace(before, **changes)


def _lists(form: Form, where: str, languages: Sequence[str], before: Sequence[DraftList]) -> tuple[DraftList, ...]:
    names = _rows(form, f"{where}.lists", languages, [each.name for each in before], MAX_OPTIONS, suffix=".name")
    lists = []
    for position, name in enumerate(names, start=1):
        old = before[position - 1].candidates if position <= len(before) else ()
        candidates = _rows(form, f"{where}.lists[{position}].candidates", languages, old, MAX_OPTIONS)
        lists.append(DraftList(name=name, candidates=candidates))
    return tuple(lists)


def with_method(question: DraftQuestion, method: str) -> DraftQuestion:
    """The question under another method: options become lists and the other way round, and nothing typed is lost."""
    if method not in METHODS or method == question.method:
        return question
    changes: dict[str, object] = {"method": method, "rule": "", "numbers": {}}
    if method == "lists" and all(is_blank(each.name) for each in question.lists):
        changes["lists"] = tuple(DraftList(name=option) for option in question.options)
    if question.method == "lists" and all(is_blank(option) for option in question.options):
        changes["options"] = tuple(each.name for each in question.lists)
    if method == "grades" and not question.grades:
        changes["grades"] = USUAL_GRADES
    return msgspec.structs.replace(question, **changes)


def change_question(question: DraftQuestion, button: str) -> DraftQuestion:
    """What a button of a question's form does besides saving; saving drops rows in which nothing was typed."""
    step, place = _button(button)
    if step == "save":
        return _without_blank_rows(question)
    kind, _, what = step.partition("-")
    if what in {"option", "grade"}:
        field = f"{what}s"
        rows = _changed(list(getattr(question, field)), kind, place, {})
        return msgspec.structs.replace(question, **{field: tuple(rows)})
    if what == "list":
        return msgspec.structs.replace(question, lists=tuple(_changed(list(question.lists), kind, place, DraftList())))
    if what == "candidate" and place and 1 <= place[0] <= len(question.lists):
        lists = list(question.lists)
        each = lists[place[0] - 1]
        candidates: list[Text] = _changed(list(each.candidates), kind, place[1:], {})
        lists[place[0] - 1] = msgspec.structs.replace(each, candidates=tuple(candidates))
        return msgspec.structs.replace(question, lists=tuple(lists))
    return question


def _without_blank_rows(question: DraftQuestion) -> DraftQuestion:
    def written(texts: Sequence[Text]) -> tuple[Text, ...]:
        return tuple(text for text in texts if not is_blank(text))

    lists = (msgspec.structs.replace(each, candidates=written(each.candidates)) for each in question.lists)
    return msgspec.structs.replace(
        question,
        options=written(question.options),
        grades=written(question.grades),
        lists=tuple(each for each in lists if not is_blank(each.name) or each.candidates),
    )


def change_questions(draft: Draft, button: str) -> Draft:
    """What a button of the list of questions does."""
    step, place = _button(button)
    rows = list(draft.questions)
    if step == "add" and len(rows) < MAX_QUESTIONS:
        rows.append(DraftQuestion())
    elif step in _MOVES and place:
        rows = _MOVES[step](rows, place[0])
    return msgspec.structs.replace(draft, questions=tuple(rows))


# -- rows --------------------------------------------------------------------------------------------------------------


def _button(button: str) -> tuple[str, list[int]]:
    """A button's step and place: "up-option:3" -> ("up-option", [3])."""
    match = _STEP.match(button)
    if match is None:
        return button, []
    return match[1], [int(part) for part in match[2].split(".") if part]


def _changed(rows: list[T], kind: str, place: list[int], empty: T) -> list[T]:
    if kind == "add":
        return [*rows, empty] if len(rows) < MAX_OPTIONS else rows
    move = _MOVES.get(kind)
    return move(rows, place[0]) if move and place else rows


def _remove(rows: list[T], number: int) -> list[T]:
    return [row for position, row in enumerate(rows, start=1) if position != number]


def _up(rows: list[T], number: int) -> list[T]:
    if 2 <= number <= len(rows):
        rows[number - 2], rows[number - 1] = rows[number - 1], rows[number - 2]
    return rows


def _down(rows: list[T], number: int) -> list[T]:
    return _up(rows, number + 1)


_MOVES: dict[str, Callable[[list[T], int], list[T]]] = {"remove": _remove, "up": _up, "down": _down}
