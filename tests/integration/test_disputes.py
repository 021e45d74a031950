"""Dispute files: `urne vote` writes one when nothing helps, and `urne-verify dispute` judges it by a record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from msgspec.structs import replace

from bulletin_board.client import BoardClient, UnsignedRefusal
from bulletin_board.errors import mark_refused, refusal_of
from bulletin_board.log import Submission
from bulletin_board.mirror import Mirror
from bulletin_board.reader import Appended
from bulletin_board.relay import RelayService
from bulletin_board.server import board_api, create_board_app
from tests.docs.report_schemas import path_of
from tests.integration.test_http_tools import Site
from tests.simulators.election import BOARD_KEY, Voter
from tests.simulators.hosted import HostedSimulator
from tests.simulators.record import (
    ADA,
    CHAIR,
    GRACE,
    ORIGIN,
    Part,
    SampleElection,
    parts_of,
    rechain,
    sample_election,
    write_record,
)
from tests.simulators.web import serving, web_client
from tests.strategies.boards import OTHER_KEY
from voting.address import Address, parse_address
from voting.election.ballots import BALLOT, EncryptedBallot
from voting.election.credentials import derive_credential, generate_code
from voting.protocol.encoding import encode, sha256, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.errors import VerificationError
from voting.protocol.messages import Ballot
from voting.protocol.tlog.dispute import SCHEMA, Dispute, OtherAnswer, SignedAnswer, read_dispute, write_dispute
from voting.protocol.tlog.note import note_key, parse_vkey
from voting.protocol.tlog.refusal import Refusal, open_refusal, sign_refusal
from voting.verifier.cli import main as verify_main
from voting.web_client import WebClient, new_http_client

TOY = "--allow-toy-group"
VKEY = note_key(ORIGIN, BOARD_KEY.verify_key).vkey


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting.web_client.WAITS", (0.0,))


def verify(*words: str | Path | Address, code: int, language: str = "en") -> Result:
    result = CliRunner().invoke(verify_main, ["--language", language, "dispute", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


# -- judging -----------------------------------------------------------------------------------------------------------


class Case:
    """An election while people vote, and a ballot that is not on the board."""

    def __init__(self) -> None:
        self.election: SampleElection = sample_election(until="voting")
        self.size = len(self.election.board.entries)
        self.ballot = self.election.encrypt(self.election.voters[0], [GRACE])


@cache
def case() -> Case:
    return Case()


def refusal(ballot: EncryptedBallot, size: int, check: str = "04", **values: Any) -> Refusal:
    made = Refusal(ORIGIN, size, BALLOT, sha256(ballot.body), check, "verification", "is not wanted here")
    return Refusal(**{**{field: getattr(made, field) for field in made.__slots__}, **values})


def dispute(ballot: EncryptedBallot, *refusals: Refusal, key: Any = BOARD_KEY, **values: Any) -> Dispute:
    made = Dispute(
        body=ballot.body.decode(),
        hints=(ballot.hints or b"").decode(),
        others=(OtherAnswer(said="cannot be reached", via="https://relay.example"),),
        refusals=tuple(
            SignedAnswer(note=sign_refusal(each, key).decode(), via="https://vote.example/e/club") for each in refusals
        ),
        schema=SCHEMA,
        type=BALLOT,
    )
    return msgspec.structs.replace(made, **values)


def saved(folder: Path, made: Dispute) -> Path:
    path = folder / "dispute.json"
    path.write_bytes(write_dispute(made))
    return path


def record(folder: Path, *more: Part, key: Any = BOARD_KEY) -> Path:
    parts = [*parts_of(case().election.board.entries), *more]
    return write_record(rechain(parts), folder / "record", key)


def test_a_board_that_refused_what_its_rules_allow_is_convicted(tmp_path: Path) -> None:
    ballot, size = case().ballot, case().size
    file = saved(tmp_path, dispute(ballot, refusal(ballot, size)))
    found = verify(file, "--record", record(tmp_path), TOY, code=1)
    assert f"has signed that it refused this entry after {size} entries: check 04: is not wanted here" in found.stdout
    assert "THE REFUSAL IS WRONG" in found.stdout
    assert f"None of the {size} entries of the record is this one." in found.stdout
    assert "https://relay.example gave neither a receipt nor a signed refusal: cannot be reached." in found.stdout
    assert case().election.manifest.hash in found.stdout
    told = json.loads(verify(file, "--record", tmp_path / "record", TOY, "--json", code=1).stdout)
    assert told["refusals"][0]["ruling"] == "wrong"
    assert told["entry"] is None


def test_also_if_it_was_taken_later(tmp_path: Path) -> None:
    ballot, size = case().ballot, case().size
    file = saved(tmp_path, dispute(ballot, refusal(ballot, size)))
    found = verify(file, "--record", record(tmp_path, Part(BALLOT, ballot.body, ballot.hints)), TOY, code=1)
    assert f"The entry is on the board: it is entry {size} of the record." in found.stdout
    assert "THE REFUSAL IS WRONG" in found.stdout


def test_a_refusal_of_what_was_there_is_needless(tmp_path: Path) -> None:
    ballot, size = case().ballot, case().size
    file = saved(tmp_path, dispute(ballot, refusal(ballot, size + 1)))
    found = verify(file, "--record", record(tmp_path, Part(BALLOT, ballot.body, ballot.hints)), TOY, code=0)
    assert f"After {size + 1} entries the entry was on the board already" in found.stdout


def stranger(election: SampleElection) -> EncryptedBallot:
    code = generate_code(election.random_bytes)
    voter = Voter(code, derive_credential(code, election.manifest.hash), 1)
    return election.encrypt(voter, [ADA])


@pytest.mark.parametrize(
    ("kind", "check"), [("stranger", "11"), ("changed", "11"), ("early", "04"), ("not open", "04"), ("text", "02")]
)
def test_a_right_refusal_is_called_right(tmp_path: Path, kind: str, check: str) -> None:
    ballot, size = case().ballot, case().size
    if kind == "stranger":
        ballot = stranger(case().election)
    elif kind == "changed":
        ballot = changed_signature(case().ballot)
    elif kind == "early":
        size = 0
    elif kind == "not open":
        size = 5
    else:
        ballot = ballot._replace(body=b'{"x":1}')
    file = saved(tmp_path, dispute(ballot, refusal(ballot, size, check)))
    found = verify(file, "--record", record(tmp_path), TOY, code=0)
    assert f"The refusal is right: after {size} entries the rules forbid this entry: check {check}" in found.stdout
    file.write_bytes(write_dispute(dispute(ballot, refusal(ballot, size, "14"))))
    other = verify(file, "--record", tmp_path / "record", TOY, code=0)
    assert f"but for another reason: after {size} entries: check {check}" in other.stdout


def changed_signature(ballot: EncryptedBallot) -> EncryptedBallot:
    body = json.loads(ballot.body)
    body["signature"] = ("B" if body["signature"][0] == "A" else "A") + body["signature"][1:]
    return ballot._replace(body=encode(body))


def test_a_copy_and_a_vote_after_the_end_are_rightly_refused(tmp_path: Path) -> None:
    election = sample_election(until="closed")
    late = case().ballot
    size = len(election.board.entries)
    file = saved(tmp_path, dispute(late, refusal(late, size)))
    whole = write_record(election.board.entries, tmp_path / "whole")
    assert "is right: after" in verify(file, "--record", whole, TOY, code=0).stdout
    # The same board before the end would have had to take it.
    file.write_bytes(write_dispute(dispute(late, refusal(late, size), refusal(late, size - 1))))
    told = json.loads(verify(file, "--record", whole, TOY, "--json", code=1).stdout)
    assert [each["ruling"] for each in told["refusals"]] == ["right", "wrong"]


def test_a_record_that_is_too_short_decides_nothing(tmp_path: Path) -> None:
    ballot, size = case().ballot, case().size
    file = saved(tmp_path, dispute(ballot, refusal(ballot, size + 1)))
    found = verify(file, "--record", record(tmp_path), TOY, code=3)
    assert f"The record has {size} entries, but the board refused the entry after {size + 1}" in found.stdout


def test_silence_proves_nothing(tmp_path: Path) -> None:
    ballot, size = case().ballot, case().size
    file = saved(tmp_path, dispute(ballot))
    found = verify(file, "--record", record(tmp_path), TOY, code=3)
    assert "has signed nothing about this entry" in found.stdout
    assert "nobody can prove a silence" in found.stdout
    whole = write_record(
        rechain([*parts_of(case().election.board.entries), Part(BALLOT, ballot.body)]), tmp_path / "later"
    )
    assert f"it is entry {size} of the record" in verify(file, "--record", whole, TOY, code=0).stdout
    assert "nothing about this entry" in verify(file, "--vkey", VKEY, code=0).stdout


def test_without_a_record_only_signatures_are_checked(tmp_path: Path) -> None:
    ballot = case().ballot
    file = saved(tmp_path, dispute(ballot, refusal(ballot, 3)))
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(encode(case().election.manifest))
    for words in (["--vkey", VKEY], ["--manifest", str(manifest)]):
        found = verify(file, *words, code=0)
        assert "has signed that it refused this entry after 3 entries" in found.stdout
        assert "a record tells: use --record" in found.stdout
    assert case().election.manifest.hash in found.stdout
    for words in ([], ["--vkey", VKEY, "--manifest", str(manifest)]):
        assert "needs one of --record, --vkey and --manifest" in verify(file, *words, code=2).stderr


def test_a_forged_record_judges_nobody(tmp_path: Path) -> None:
    ballot, size = case().ballot, case().size
    file = saved(tmp_path, dispute(ballot, refusal(ballot, size)))
    assert "check 03" in verify(file, "--record", record(tmp_path / "a", key=OTHER_KEY), TOY, code=1).stderr
    parts = parts_of(case().election.board.entries)
    shorter = write_record(rechain(parts[:-1]), tmp_path / "b")
    entries = rechain(parts)
    (shorter / "headers.jsonl").write_bytes(b"".join(each.header_bytes + b"\n" for each in entries))
    (shorter / "bodies.jsonl").write_bytes(b"".join(each.body + b"\n" for each in entries))
    (shorter / "hints.jsonl").write_bytes(b"".join((each.hints or b"") + b"\n" for each in entries))
    assert "not of the entries in this record" in verify(file, "--record", shorter, TOY, code=1).stderr
    # The board signs whatever it likes: headers that are not linked, and bodies that they do not name.
    unlinked = [*entries[:4], *rechain(parts[4:])]
    assert "check 02: entry 4" in verify(
        file, "--record", write_record(unlinked, tmp_path / "d"), TOY, code=1
    ).stderr  # fmt: skip
    swapped = [*entries[:-1], entries[-1]._replace(body=entries[-2].body)]
    assert f"check 02: entry {size - 1}" in verify(
        file, "--record", write_record(swapped, tmp_path / "e"), TOY, code=1
    ).stderr  # fmt: skip
    parts[-1] = Part(parts[-1].type, case().ballot.body.replace(b'"election":"', b'"election":"0', 1), None)
    broken = write_record(rechain(parts), tmp_path / "c")
    assert "check 0" in verify(file, "--record", broken, TOY, code=1).stderr


# -- tampering ---------------------------------------------------------------------------------------------------------


def changed_note(values: dict[str, Any]) -> Dispute:
    """A dispute whose refusal was changed after the board had signed it."""
    good = dispute(case().ballot, refusal(case().ballot, 7))
    signed = good.refusals[0].note
    forged = refusal(case().ballot, **{"size": 7, **values}).text.decode() + signed[signed.index("\n\n") + 1 :]
    return msgspec.structs.replace(good, refusals=(SignedAnswer(note=forged, via="https://vote.example"),))


@pytest.mark.parametrize(
    "values",
    [
        {"origin": "board.example/other"},
        {"size": 8},
        {"type": "ballot.other"},
        {"body": "0" * 64},
        {"check": "05"},
        {"check": ""},
        {"code": "usage"},
        {"reason": "is wanted here"},
    ],
)
def test_a_changed_refusal_has_no_good_signature(tmp_path: Path, values: dict[str, Any]) -> None:
    file = saved(tmp_path, changed_note(values))
    found = verify(file, "--vkey", VKEY, code=1)
    assert re.search(r"dispute.json, refusal 1, signature by .*: does not fit its message and key", found.stderr)
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"body": '{"x":1}'}, 1, "refusal 1: is for an entry with another body"),
        ({"type": "ballot.other"}, 1, r"refusal 1: is for an entry of type ballot.cast, not ballot.other"),
        ({"type": "Ballot"}, 3, "two lower-case words"),
        ({"body": '{"x": 1}'}, 3, "dispute.json, body: is not canonical"),
        ({"body": ""}, 3, "dispute.json, body"),
        ({"hints": "[1]"}, 3, "dispute.json, hints"),
        ({"others": (OtherAnswer(said="x", via="y"),) * 16}, 3, "more than 16 answers"),
        ({"schema": "urne-dispute-2"}, 3, "Invalid enum value"),
    ],
)
def test_a_changed_dispute_says_which_check_fails(
    tmp_path: Path, values: dict[str, Any], code: int, words: str
) -> None:
    file = saved(tmp_path, dispute(case().ballot, refusal(case().ballot, 7), **values))
    assert re.search(words, verify(file, "--vkey", VKEY, code=code).stderr)


def test_a_refusal_by_another_key_is_none(tmp_path: Path) -> None:
    file = saved(tmp_path, dispute(case().ballot, refusal(case().ballot, 7), key=OTHER_KEY))
    assert "carries no signature by" in verify(file, "--vkey", VKEY, code=1).stderr
    assert "carries no signature by" in verify(file, "--record", record(tmp_path), TOY, code=1).stderr


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"schema":"urne-dispute-1"}', b"[" * 10_000])
def test_what_is_no_dispute_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "dispute.json").write_bytes(data)
    assert "dispute.json" in verify(tmp_path / "dispute.json", "--vkey", VKEY, code=3).stderr


def test_what_was_said_can_do_no_harm_in_a_terminal(tmp_path: Path) -> None:
    evil = (OtherAnswer(said="\x1b]0;evil\x07", via="\x1b[2J"),)
    found = verify(saved(tmp_path, dispute(case().ballot, others=evil)), "--vkey", VKEY, code=0)
    assert "\x1b" not in found.stdout
    assert "evil" in found.stdout


def test_a_dispute_file_keeps_to_its_schema() -> None:
    made = json.loads(write_dispute(dispute(case().ballot, refusal(case().ballot, 7))))
    schema = json.loads(path_of(SCHEMA).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(made, schema)
    for field in made:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in made.items() if key != field}, schema)


# -- a voter -----------------------------------------------------------------------------------------------------------


class Outside:
    """The site as a voter sees it: its server does with posted entries what `act` says."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.act = "honest"

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if self.act == "down" or (environ["REQUEST_METHOD"] == "POST" and self.act == "silent"):
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        if environ["REQUEST_METHOD"] == "POST" and self.act == "unsigned":
            told = {"check": "04", "code": "verification", "message": "is not wanted", "remedy": "", "where": ""}
            answer = encode({"error": told})
            start_response("409 Conflict", [("Content-Length", str(len(answer)))])
            return [answer]
        return self.site.app(environ, start_response)


class Booth:
    """A voter with a terminal, a site, and two relays that see the board itself."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.site = Site(folder)
        self.outside = Outside(self.site)
        self.address = f"{stack.enter_context(serving(self.outside))}/e/club"
        self.relays = [stack.enter_context(self._relay(folder / f"mirror-{number}")) for number in (1, 2)]

    @contextmanager
    def _relay(self, folder: Path) -> Iterator[str]:
        with ExitStack() as stack:
            inside = parse_address(f"{stack.enter_context(serving(self.site.app))}/e/club")
            http = stack.enter_context(new_http_client())
            mirror = stack.enter_context(Mirror(folder, WebClient(http), inside))
            mirror.update()
            relay = stack.enter_context(RelayService(mirror, inside, http))
            yield str(stack.enter_context(serving(create_board_app(relay))))

    def vote(self, name: str, *words: str | Path, code: int = 0) -> Result:
        answers = "\n".join([self.site.codes[name], "2", "", "cast"]) + "\n"
        relays = [word for relay in self.relays for word in ("--relay", relay)]
        return self.site.office.urne("vote", self.address, *relays, *words, TOY, answers=answers, code=code)


@pytest.fixture
def booth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Booth]:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        yield Booth(stack, tmp_path)


def test_a_voter_gets_round_a_site_that_drops_or_refuses_or_is_down(booth: Booth, tmp_path: Path) -> None:
    for act, name in (("silent", "ada"), ("unsigned", "bob"), ("down", "cleo")):
        booth.outside.act = act
        cast = booth.vote(name, "--receipt", tmp_path / f"receipt-{name}.json")
        assert "Your vote is on the board. Your tracker:" in cast.stdout, act
        receipt = CliRunner().invoke(
            verify_main,
            ["receipt", str(tmp_path / f"receipt-{name}.json"), "--record", booth.relays[0], TOY],
        )  # fmt: skip
        assert receipt.exit_code == 0, receipt.output
    assert len(booth.site.office.record().last_ballot) == 3
    assert not list(tmp_path.glob("dispute-*"))


def refuse_everything(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board itself refuses ballots from now on, and signs that."""

    def submit(_submission: Submission, _token: str | None = None) -> Appended:
        size = booth.site.office.record().entries
        raise mark_refused(VerificationError("04", f"entry {size} (ballot.cast)", "may not come now"), size)

    monkeypatch.setattr(booth.site.service, "submit", submit)


def test_a_board_that_refuses_a_good_ballot_is_convicted(
    booth: Booth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_everything(booth, monkeypatch)
    (tmp_path / "kept").mkdir()
    refused = booth.vote("ada", "--receipt", tmp_path / "kept" / "receipt.json", code=1)
    assert "Your vote is on the board" not in refused.stdout
    assert "may not come now" in refused.stderr
    assert "whoever has it can cast this ballot" in refused.stderr
    [file] = (tmp_path / "kept").glob("dispute-*.json")
    assert file.stat().st_mode & 0o077 == 0
    assert len(read_dispute(file.read_bytes()).refusals) == 1
    judged = verify(file, "--record", booth.address, TOY, code=1)
    assert "THE REFUSAL IS WRONG" in judged.stdout
    # The board then sees what it can do: the ballot in the file is as good as ever.
    monkeypatch.undo()
    data = read_dispute(file.read_bytes())
    booth.site.service.submit(Submission(data.type, data.body.encode(), data.hints.encode() or None))
    assert "The entry is on the board" in verify(file, "--record", booth.address, TOY, code=1).stdout


def test_where_nobody_signs_the_dispute_names_all_who_were_asked(booth: Booth, tmp_path: Path) -> None:
    booth.outside.act = "unsigned"
    booth.relays = [booth.address, "http://127.0.0.1:9"]
    failed = booth.vote("ada", "--dispute", tmp_path / "mine.json", code=1)
    assert "somebody refused it, but not the board" in failed.stderr
    found = read_dispute((tmp_path / "mine.json").read_bytes())
    assert [other.via for other in found.others] == [booth.address, booth.address, "http://127.0.0.1:9"]
    assert found.refusals == ()
    assert booth.site.codes["ada"] not in (tmp_path / "mine.json").read_text()
    assert "nobody can prove a silence" in verify(tmp_path / "mine.json", "--record", booth.address, TOY, code=3).stdout


def test_without_relays_a_silent_site_leaves_no_file(booth: Booth, tmp_path: Path) -> None:
    booth.outside.act = "silent"
    booth.relays = []
    booth.vote("ada", code=3)
    assert not list(tmp_path.glob("dispute-*"))
    booth.vote("ada", "--dispute", tmp_path / "mine.json", code=3)
    assert "exists already" in booth.vote("ada", "--dispute", tmp_path / "mine.json", code=2).stderr


def test_relays_are_for_addresses_and_few(booth: Booth) -> None:
    folder = booth.site.office.folder
    many = [word for _ in range(16) for word in ("--relay", "http://127.0.0.1:9")]
    urne = booth.site.office.urne
    for words in (many[:2], ["--dispute", "d.json"]):
        assert "are for web addresses" in urne("vote", folder, *words, TOY, code=2).stderr
    assert "more than 15 relays" in urne("vote", booth.address, *many, TOY, code=2).stderr
    assert "is no web address" in urne("vote", booth.address, "--relay", "mirror", TOY, code=2).stderr


# -- a site, and words -------------------------------------------------------------------------------------------------


def test_a_site_signs_what_its_rules_refuse(tmp_path: Path) -> None:
    hosted = HostedSimulator(tmp_path, [CHAIR])
    try:
        hosted.run_ceremony()
        [ada] = hosted.give_codes([1])
        hosted.open()
        hosted.vote(ada, [ADA])
        ballot = hosted.encrypt(ada, [GRACE])
        hosted.close_voting()
        app = Flask(__name__)
        app.register_blueprint(board_api(hosted.elections.get), url_prefix="/e/<name>/log")
        key = parse_vkey(hosted.manifest.board)
        with web_client(app) as web, BoardClient(parse_address("http://x.example/e/club"), web=web, key=key) as client:
            with pytest.raises(VerificationError, match=r"04: .* may not come while the election is closed") as caught:
                client.append(Submission(BALLOT, ballot.body, ballot.hints))
            note = refusal_of(caught.value)
            assert note is not None
            with hosted.hosted.reader() as board:
                assert open_refusal(note, key).size == len(board)
            (hosted.hosted.folder / "keys" / "board.key").rename(tmp_path / "gone")
            with pytest.raises(UnsignedRefusal, match="is not signed"):
                client.append(Submission(BALLOT, ballot.body, ballot.hints))
    finally:
        hosted.close()


def with_false_proof(election: SampleElection, voter: Voter) -> EncryptedBallot:
    made = election.encrypt(voter, [GRACE])
    content: Ballot = parse_body(BALLOT, made.body, what="ballot").content
    first = content.proofs[0]
    swapped = replace(first, responses=tuple(reversed(first.responses)))
    false = replace(content, proofs=(swapped, *content.proofs[1:]))
    return made._replace(body=sign_content(BALLOT, election.manifest.hash, false, voter.key))


def copied(election: SampleElection, voter: Voter) -> EncryptedBallot:
    other: Ballot = parse_body(BALLOT, last_ballot(election), what="ballot").content
    mine = replace(other, credential=to_base64(voter.key.verify_key.raw))
    return case().ballot._replace(body=sign_content(BALLOT, election.manifest.hash, mine, voter.key))


def last_ballot(election: SampleElection) -> bytes:
    return election.board.entries[-1].body


@pytest.mark.parametrize("language", ["en", "fr"])
def test_proofs_are_checked_and_the_answer_can_be_read(tmp_path: Path, language: str) -> None:
    election, size, voter = case().election, case().size, case().election.voters[0]
    for number, ballot in enumerate([with_false_proof(election, voter), copied(election, voter)]):
        file = saved(tmp_path, dispute(ballot, refusal(ballot, size, "14")))
        words = verify(file, "--record", record(tmp_path / str(number)), TOY, code=0, language=language).stdout
        assert sha256(ballot.body) in words
        if language == "en":
            assert "The refusal is right" in words
