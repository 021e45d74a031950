"""A manifest as people write it: friendly forms are understood, every fault is reported at once and at its place."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.methods import SMALL_QUESTIONS
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import decode, encode
from voting.protocol.errors import DecodeError, InputErrors
from voting.protocol.manifest import Manifest, manifest_problems
from voting.protocol.manifest_source import MAX_SOURCE_BYTES, Form, check_source
from voting.protocol.methods import Choose, Lists, Ranking
from voting.protocol.tlog.note import note_key

FRIENDLY = """
title = "Board election"
contact = "office@example.org"
trustees = ["Anna", "Bea", {name = "Carlo"}]

[schedule]
opens = 2026-11-24T09:00:00+01:00
closes = "2026-12-01T18:00:00+02:00"

[[questions]]
method = "choose"
title = "Who?"
options = ["Ada", {en = "Blaise"}, "Zoe\u0308"]
blank = true

[[questions]]
method = "ranking"
title = "Which first?"
options = ["Hut", "Maps", "Feast"]

[[questions]]
method = "lists"
title = "Which list?"
lists = ["Closed", {name = "Open", candidates = ["Kim", "Lee"]}]
seats = 3
"""

FAULTY = """
titel = "Board election"
trustees = ["Anna", "anna", 3]
threshold = "2"
contact = 5

[schedule]
opens = 2026-11-24T08:00:00
closes = 2026-11-25

[[questions]]
method = "chose"
title = "Who?"

[[questions]]
method = "choose"
title = "Which?"
options = ["A", "B", 3]
minn = 2

[[questions]]
method = "ranking"
title = "In what order?"
options = ["A", "A"]
points = [1, 2]
"""


def minimal(**changes: Any) -> dict[str, Any]:
    """A small manifest as plain data, with changes; None removes a key."""
    data: dict[str, Any] = {
        "title": "Vote",
        "trustees": ["Anna"],
        "questions": [{"method": "choose", "title": "Who?", "options": ["Ada", "Blaise"]}],
        **changes,
    }
    return {key: value for key, value in data.items() if value is not None}


def read(data: Any, form: Form = "json") -> Manifest:
    return check_source(data if isinstance(data, str) else json.dumps(data), name="test file", form=form)


def faults(data: Any, form: Form = "json") -> dict[str, str]:
    """Place -> what is wrong and what to do."""
    with pytest.raises(InputErrors) as caught:
        read(data, form)
    return {problem.where: f"{problem.problem} ({problem.remedy})" for problem in caught.value.problems}


def read_or_faults(data: Any) -> Manifest | InputErrors:
    try:
        return read(data)
    except InputErrors as error:
        return error


def test_friendly_forms_are_understood() -> None:
    manifest = read(FRIENDLY, "toml")
    assert manifest.title == {"en": "Board election"}
    assert (manifest.languages, manifest.group, manifest.threshold) == (("en",), "integer-3072", 2)
    assert [trustee.name for trustee in manifest.trustees] == ["Anna", "Bea", "Carlo"]
    assert manifest.schedule is not None
    assert manifest.schedule.opens == "2026-11-24T08:00:00.000Z"
    assert manifest.schedule.closes == "2026-12-01T16:00:00.000Z"
    choose, ranking, lists = manifest.questions
    assert isinstance(choose, Choose)
    assert isinstance(ranking, Ranking)
    assert isinstance(lists, Lists)
    assert choose.options == ({"en": "Ada"}, {"en": "Blaise"}, {"en": "Zoë"})
    assert choose.blank
    assert ranking.points == (2, 1, 0)
    assert [len(each.candidates) for each in lists.lists] == [0, 2]
    assert not list(manifest_problems(manifest))


def test_witnesses_and_their_quorum() -> None:
    vkeys = [note_key(f"w{n}.example", SigningKey.from_seed(bytes([n]) * 32).verify_key, 4).vkey for n in (1, 2, 3)]
    manifest = read(minimal(witnesses=vkeys))
    assert (manifest.witnesses, manifest.quorum) == (tuple(vkeys), 2)
    assert manifest.witness_policy().tolerated == 0
    assert read(minimal(witnesses=vkeys, quorum=3)).witness_policy().tolerated == 2
    assert "two halves" in faults(minimal(witnesses=vkeys, quorum=1))["quorum"]
    assert "demand at least 2" in faults(minimal(witnesses=vkeys, quorum=1))["quorum"]
    assert set(faults(minimal(witnesses=[*vkeys, vkeys[0], "x", 3], quorum=9))) == {
        "quorum", "witnesses[4]", "witnesses[5]", "witnesses[6]",
    }  # fmt: skip
    assert "of 0 witnesses" in faults(minimal(quorum=1))["quorum"]
    assert "not a list" in faults(minimal(witnesses="x"))["witnesses"]


def test_without_witnesses_they_are_not_in_the_manifest() -> None:
    """One form only: zero and an empty list are not written, and not read."""
    data = encode(read(minimal()))
    assert b"quorum" not in data
    assert b"witnesses" not in data
    written = json.loads(data)
    extras: list[dict[str, object]] = [{"quorum": 0}, {"witnesses": []}, {"quorum": 0, "witnesses": []}]
    for more in extras:
        with pytest.raises(DecodeError):
            decode(encode(dict(sorted({**written, **more}.items()))), Manifest, what="the manifest")
    assert decode(data, Manifest, what="the manifest") == read(minimal())


def test_all_faults_are_reported_at_once_each_at_its_place() -> None:
    found = faults(FAULTY, "toml")
    expected = {
        "titel": "did you mean title?",
        "title": "is missing",
        "trustees[2].name": "earlier trustee",
        "trustees[3]": "is a number, not a text",
        "threshold": "is a text, not a whole number",
        "contact": "is a number, not a text",
        "schedule.opens": "time zone",
        "schedule.closes": "a day without an hour",
        "questions[1].method": "did you mean choose?",
        "questions[2].minn": "did you mean min?",
        "questions[2].options[3]": "is a number, not a text",
    }
    for place, words in expected.items():
        assert words in found[place], place
    assert any(place.startswith("questions[3].options") for place in found)
    assert any(place.startswith("questions[3].points") for place in found)
    assert len(found) >= 13


@pytest.mark.parametrize(
    ("text", "form", "place"),
    [
        ('title = "x"\nvoters = = 3\n', "toml", "line 2, column 10"),
        ("title = ", "toml", "end of the file"),
        ('{"title": "x",\n "y" 3}', "json", "line 2, column 6"),
    ],
)
def test_syntax_errors_name_line_and_column(text: str, form: Form, place: str) -> None:
    assert place in faults(text, form)


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("[" * 100_000, "json", "nested too deeply"),
        ('{"title": ' * 5_000, "json", "nested too deeply"),
        ("a = " + "[" * 5_000, "toml", "nested too deeply"),
        ('{"title": "a", "title": "b"}', "json", "stands twice"),
        ('{"threshold": NaN}', "json", "no number"),
        ('{"threshold": ' + "9" * 5000 + "}", "json", "too many digits"),
        ("[]", "json", "not an object"),
        ("x" * (MAX_SOURCE_BYTES + 1), "toml", "longer than"),
        ("é" * (MAX_SOURCE_BYTES // 2 + 1), "json", "longer than"),
    ],
)
def test_hostile_files_are_refused_in_words(text: str, form: Form, words: str) -> None:
    assert words in "".join(faults(text, form).values())


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"language": "en", "languages": ["en"]}, "language", "keep one"),
        ({"title": {"en": "Vote", "fr": "Vote"}}, "questions[1].title.fr", "is missing"),
        ({"title": {"english": "Vote"}}, "title.english", "language code"),
        ({"trustees": [{"name": "Anna", "mail": "a@b"}]}, "trustees[1].mail", "no known key"),
        ({"threshold": True}, "threshold", "true or false, not a whole number"),
        ({"threshold": 2}, "threshold", "is 2 with 1 trustees"),
        ({"threshold": 10**30}, "threshold", "too large"),
        ({"group": "integer-2048"}, "group", "not a known group"),
        ({"schedule": {"opens": "2026-01-01T00:00:00Z"}}, "schedule.closes", "is missing"),
        ({"schedule": {"opens": "0001-01-01T00:00:00+05:00", "closes": "soon"}}, "schedule.opens", "does not exist"),
        ({"questions": ["Who?"]}, "questions[1]", "is a text, not a table"),
        ({"questions": []}, "questions", "are 0"),
        ({"title": "a\u202eb"}, "title.en", "hidden character"),
        ({"title": "\ud800"}, "title.en", "hidden character"),
        ({"description": 1.5}, "description", "a number with a point"),
        ({"nonce": "0" * 32}, "nonce", "no known key"),
    ],
)
def test_faults_of_one_kind(changes: dict[str, Any], place: str, words: str) -> None:
    assert words in faults(minimal(**changes))[place]


def test_majority_of_trustees_is_the_default_threshold() -> None:
    for count in range(1, 8):
        manifest = read(minimal(trustees=[f"Trustee {number}" for number in range(count)]))
        assert 2 * manifest.threshold > count >= 2 * (manifest.threshold - 1)


@given(st.sampled_from(sorted(SMALL_QUESTIONS)))
def test_every_question_can_be_written_in_full(name: str) -> None:
    question = SMALL_QUESTIONS[name]
    written = minimal(title={"en": "Vote", "fr": "Vote"}, questions=[msgspec.to_builtins(question)])
    written["questions"][0].pop("description", None)
    assert read(written).questions == (question,)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "title",
        "description",
        "contact",
        "language",
        "languages",
        "group",
        "trustees",
        "threshold",
        "schedule",
        "witnesses",
        "quorum",
    ]
)


@given(KEYS | st.just("questions"), JSON)
def test_any_value_anywhere_is_read_or_reported(key: str, value: Any) -> None:
    found = read_or_faults(minimal(**{key: value}))
    assert found.problems if isinstance(found, InputErrors) else not list(manifest_problems(found))


@given(st.sampled_from(["method", "title", "description", "options", "min", "max", "blank", "seats", "points"]), JSON)
def test_any_value_in_a_question_is_read_or_reported(key: str, value: Any) -> None:
    question = {"method": "choose", "title": "Who?", "options": ["Ada", "Blaise"], key: value}
    found = read_or_faults(minimal(questions=[question]))
    assert found.problems if isinstance(found, InputErrors) else not list(manifest_problems(found))
