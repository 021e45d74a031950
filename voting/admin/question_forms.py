"""Pages of the questions: their list, and the form of each, for every voting method, without scripts.

Each button of the form saves what was typed and then does its step, so that nothing is lost.
"""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from voting.admin.checklist import Page, page_of
from voting.admin.desk import own_draft, pages
from voting.admin.draft_forms import change_question, change_questions, is_blank, read_question, with_method
from voting.admin.draft_pages import language_name, render_draft, save_draft
from voting.admin.drafts import NUMBERS, RULES, Draft, DraftQuestion, draft_problems
from voting.admin.field_problems import FieldProblems
from voting.admin.question_cost import draft_cost, question_cost
from voting.admin.question_words import method_title, method_words, number_words, rule_words
from voting.protocol.manifest import MAX_QUESTIONS
from voting.protocol.text import Text
from voting.site.election_store import ElectionRow
from voting.site.web import POLICY
from voting.translations import text as _


@pages.get("/e/<name>/questions")
def list_questions(name: str) -> ResponseReturnValue:
    row, draft = own_draft(name)
    return _list(row, draft, None)


def _list(row: ElectionRow, draft: Draft, theirs: str | None) -> ResponseReturnValue:
    faults: dict[str, int] = {}
    for problem in draft_problems(draft):
        page, part = page_of(problem)
        if page is Page.QUESTIONS:
            faults[part] = faults.get(part, 0) + 1
    return render_draft(
        "admin_questions.html",
        row,
        draft,
        ["questions"],
        page=Page.QUESTIONS,
        problems=[p for p in draft_problems(draft) if p.where == "questions"] if "checked" in request.args else [],
        theirs=theirs,
        faults=faults,
        title_of=lambda text: title_of(text, draft),
        method_title=method_title,
        cost=draft_cost(draft),
        can_add=len(draft.questions) < MAX_QUESTIONS,
    )


def title_of(text: Text, draft: Draft) -> str:
    """A text in the election's main language, or in any in which it was typed."""
    return text.get(draft.languages[0], "").strip() or next((t for t in text.values() if t.strip()), "")


@pages.post("/e/<name>/questions")
def change_list(name: str) -> ResponseReturnValue:
    row, before = own_draft(name)
    button = request.form.get("do", "")
    draft = change_questions(before, button)
    if not save_draft(row, draft):
        return _list(row, before, url_for("admin.list_questions", name=name))
    if button == "add" and len(draft.questions) > len(before.questions):
        return redirect(url_for("admin.show_question", name=name, number=len(draft.questions)))
    return redirect(url_for("admin.list_questions", name=name))


@pages.get("/e/<name>/questions/<int:number>")
def show_question(name: str, number: int) -> ResponseReturnValue:
    row, draft = own_draft(name)
    return _question(row, draft, number)


def _question(row: ElectionRow, draft: Draft, number: int, **context: Any) -> Response:
    if not 1 <= number <= len(draft.questions):
        abort(404)
    question = draft.questions[number - 1]
    fields, labels = _fields(draft, number, question)
    response = render_draft(
        "admin_question.html",
        row,
        draft,
        fields,
        page=Page.QUESTIONS,
        part=str(number),
        number=number,
        question=question,
        place=f"questions[{number}]",
        methods=method_words(),
        method_title=method_title(question.method),
        numbers=[(key, *number_words(question.method, key)) for key in NUMBERS.get(question.method, ())],
        rules=[(rule, rule_words()[rule]) for rule in RULES.get(question.method, ())],
        cost=question_cost(draft, number),
        whole_cost=draft_cost(draft),
        labels=labels,
        **context,
    )
    response.headers["Content-Security-Policy"] = f"{POLICY}; frame-src 'self'"  # the preview of this question
    return response


def _fields(draft: Draft, number: int, question: DraftQuestion) -> tuple[list[str], dict[str, str]]:
    """The names of the fields of a question's form, and how the summary of faults names them."""
    where = f"questions[{number}]"
    labels: dict[str, str] = {
        f"{where}.options": _("Options"),
        f"{where}.lists": _("Lists"),
        f"{where}.points": _("Points"),
    }

    def texts(place: str, label: str) -> None:
        for code in draft.languages:
            several = len(draft.languages) > 1
            labels[f"{place}.{code}"] = f"{label}, {language_name(code)}" if several else label

    texts(f"{where}.title", _("The question"))
    texts(f"{where}.description", _("Explanation"))
    for i in range(1, len(question.options) + 1):
        texts(f"{where}.options[{i}]", _("Option {number}", number=i))
    for i in range(1, len(question.grades) + 1):
        texts(f"{where}.grades[{i}]", _("Grade {number}", number=i))
    for i, each in enumerate(question.lists, start=1):
        texts(f"{where}.lists[{i}].name", _("List {number}", number=i))
        for j in range(1, len(each.candidates) + 1):
            texts(f"{where}.lists[{i}].candidates[{j}]", _("List {list}, person {number}", list=i, number=j))
    for key in NUMBERS.get(question.method, ()):
        labels[f"{where}.{key}"] = number_words(question.method, key)[0]
    labels[f"{where}.grades"] = _("Grades")
    return list(labels), labels


@pages.post("/e/<name>/questions/<int:number>")
def save_question(name: str, number: int) -> ResponseReturnValue:
    row, before = own_draft(name)
    if not 1 <= number <= len(before.questions):
        abort(404)
    button = request.form.get("do", "save")
    typed = read_question(before, number, request.form)
    if button == "method":
        changed = with_method(typed, request.form.get("method", ""))
    else:
        changed = change_question(typed, button)
    draft = _with_question(before, number, changed)
    if not save_draft(row, draft):
        return _question(row, _with_question(before, number, typed), number, theirs=_address(name, number))
    if button != "save":
        return redirect(_address(name, number) + _anchor(button, number, changed))
    if any(page_of(problem) == (Page.QUESTIONS, str(number)) for problem in draft_problems(draft)):
        flash(_("Saved. Some things are still missing or wrong."), "warn")
        return redirect(url_for("admin.show_question", name=name, number=number, checked=1))
    flash(_("Question {number} is saved.", number=number), "good")
    return redirect(url_for("admin.list_questions", name=name))


def _address(name: str, number: int) -> str:
    return url_for("admin.show_question", name=name, number=number)


def _with_question(draft: Draft, number: int, question: DraftQuestion) -> Draft:
    questions = list(draft.questions)
    questions[number - 1] = question
    return msgspec.structs.replace(draft, questions=tuple(questions))


def _anchor(button: str, number: int, question: DraftQuestion) -> str:
    """Where on the page the reader is after a button: at what was added, or at the list that was changed."""
    kind = button.partition(":")[0]
    what = kind.rpartition("-")[2]
    if kind == "add-option":
        return f"#row-option-{len(question.options)}"
    if kind == "add-list":
        return f"#row-list-{len(question.lists)}"
    return {"option": "#options", "grade": "#grades", "list": "#lists", "candidate": "#lists"}.get(what, "")


@pages.post("/e/<name>/questions/<int:number>/check")
def check_question(name: str, number: int) -> ResponseReturnValue:
    """What the form as it is typed would cost, and what is wrong with it; nothing is saved."""
    _row, before = own_draft(name)
    if not 1 <= number <= len(before.questions):
        abort(404)
    question = read_question(before, number, request.form)
    draft = _with_question(before, number, question)
    cost, whole = question_cost(draft, number), draft_cost(draft)
    fields, labels = _fields(draft, number, question)
    wrong = [p for p in draft_problems(draft) if page_of(p) == (Page.QUESTIONS, str(number))]
    return jsonify(
        cost=cost.words if cost else "",
        whole=whole.words if whole else "",
        problems=len(FieldProblems(wrong, fields, labels).summary),
        blank=sum(is_blank(option) for option in question.options),
    )


@pages.get("/e/<name>/questions/<int:number>/remove")
def ask_remove(name: str, number: int) -> ResponseReturnValue:
    row, draft = own_draft(name)
    if not 1 <= number <= len(draft.questions):
        abort(404)
    return render_template(
        "admin_question_remove.html",
        election=row,
        number=number,
        title=title_of(draft.questions[number - 1].title, draft),
        version=row.version,
    )
