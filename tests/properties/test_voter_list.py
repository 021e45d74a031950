"""The CSV list of voters: any usual spreadsheet is read, every bad line is named, nobody's data is in an error."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voting.election.record import MAX_WEIGHT
from voting.protocol.errors import InputErrors
from voting.voter_list import MAX_LIST_BYTES, MAX_REPORTED, Voter, read_voter_list


def read(text: str | bytes) -> list[Voter]:
    return read_voter_list(text.encode() if isinstance(text, str) else text, name="voters.csv")


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def read_or_faults(data: bytes) -> list[Voter] | InputErrors:
    try:
        return read(data)
    except InputErrors as error:
        return error


ADA = Voter("ada", "Ada L.", "ada@example.org", 2)
BOB = Voter("bob", "Bob", "bob@example.org", 1)


@pytest.mark.parametrize(
    "text",
    [
        "id,name,email,weight\nada,Ada L.,ada@example.org,2\nbob,Bob,bob@example.org,\n",
        "id;name;email;weight\r\nada;Ada L.;ada@example.org;2\r\nbob;Bob;bob@example.org;1\r\n",
        "Identifiant\tNom\tCourriel\tPoids\nada\tAda L.\tada@example.org\t2\n\nbob\tBob\tbob@example.org\t1",
        'Poids;Adresse électronique;NOM;Électeur\n2;ada@example.org;"Ada L.";ada\n1;bob@example.org;Bob;bob',
        "id|email|name|weight\rada|ada@example.org|Ada L.|2\rbob|bob@example.org|Bob|1\r",
        "id, name, email, weight\nada, Ada L., ada@example.org, 2\n , , , \nbob, Bob, bob@example.org, 1",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_usual_spreadsheets(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == [ADA, BOB]


def test_a_single_column_needs_no_header() -> None:
    assert read("ada@example.org\nbob@example.org\n") == [
        Voter("ada@example.org", None, "ada@example.org"),
        Voter("bob@example.org", None, "bob@example.org"),
    ]
    assert read("17\n18") == [Voter("17"), Voter("18")]
    assert read("email\nada@example.org") == [Voter("ada@example.org", None, "ada@example.org")]
    assert read("name\nDupont") == [Voter("Dupont", "Dupont")]


def test_a_comma_in_a_name_is_no_delimiter() -> None:
    assert read("id;name\n1;Dupont, Anna\n2;Durand, Zoé") == [Voter("1", "Dupont, Anna"), Voter("2", "Durand, Zoé")]
    assert read('id,name\n1,"Dupont, Anna"') == [Voter("1", "Dupont, Anna")]


def test_every_bad_line_is_named_with_its_reason() -> None:
    found = faults(
        "id,email,weight\n"
        "ada,ada@example.org,1\n"
        "ADA,other@example.org,1\n"
        "bob,bob.example.org,1\n"
        "\n"
        "carl,carl@example.org,0\n"
        "dora,dora@example.org,2.5\n"
        f"emil,emil@example.org,{MAX_WEIGHT + 1}\n"
        "fred\n"
        ",,3\n"
        '"gus,gus@example.org,1\n'
        "=cmd(),hal@example.org,1\n"
        "ina,Ada@Example.org,1\n"
    )
    expected = {
        3: "same voter as line 2",
        4: "no mail address",
        6: "weight",
        7: "weight",
        8: "weight",
        9: "has 1 cell, not 3",
        10: "who the voter is",
        11: "quotation mark",
        12: "formula",
        13: "same voter as line 2",
    }
    for line, words in expected.items():
        assert any(text.startswith(f"line {line}:") and words in text for text in found), line
    assert len(found) == len(expected)
    assert not any(name in text.casefold() for text in found for name in ("ada", "emil", "gus", "hal@"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no voter"),
        (b"\n \n", "no voter"),
        (b"id,name\n", "header row and no voter"),
        (b",,\n", "no voter"),
        ("id\nZoé".encode("latin-1"), "line 2: is not UTF-8"),
        (b"\xff\xfe\x00", "is not UTF-16"),
        (b"id\n1\x002", "no text file"),
        (b"1,Ada\n2,Bob\n", "does not name the columns"),
        (b"id,wieght\n1,2\n", "did you mean weight?"),
        (b"id,email,mail\n1,a@b,a@b\n", "second column of email"),
        (b"weight,poids\n1,2\n", "tells voters apart"),
        (b"id\n" + b"x" * 201, "more than 200 characters"),
        ("id\na\u202eb".encode(), "hidden character"),
        (b"id,weight\n" + b"".join(b"%d,%d\n" % (n, MAX_WEIGHT) for n in range(11)), "add up"),
    ],
)
def test_unusable_files(data: bytes, words: str) -> None:
    assert words in "\n".join(faults(data))


def test_huge_files_and_floods_of_faults_are_bounded() -> None:
    assert "longer than" in faults(b"x" * (MAX_LIST_BYTES + 1))[0]
    found = faults("id\n" + "=\n" * 5_000)
    assert len(found) == MAX_REPORTED + 1
    assert "more faults" in found[-1]


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda word: word[0] not in "=+-@" and "@" not in word
)


@given(
    st.dictionaries(
        WORDS.map(str.casefold), st.tuples(WORDS, st.integers(1, MAX_WEIGHT // 100)), min_size=1, max_size=9
    ),
    st.sampled_from(",;\t|"),
)
def test_what_a_csv_writer_writes_is_read_back(people: dict[str, tuple[str, int]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["id", "name", "weight"])
    writer.writerows([key, name, weight] for key, (name, weight) in people.items())
    found = read_or_faults(text.getvalue().encode())
    if isinstance(found, InputErrors):
        # Normal forms may make two identifiers one, or begin a cell with what looks like a formula.
        assert all("same voter" in str(problem) or "formula" in str(problem) for problem in found.problems)
        return
    assert len(found) == len(people)
    assert [voter.weight for voter in found] == [weight for _, weight in people.values()]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    found = read_or_faults(data)
    assert found.problems if isinstance(found, InputErrors) else found
