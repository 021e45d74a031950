"""A whole election with nothing but commands, and what they say when something is wrong."""

from __future__ import annotations

import csv
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bulletin_board.reader import open_reader
from tests.simulators.office import MANIFEST, TIME, Office
from trustee_tools import ceremony as rounds
from voting.cli import main
from voting.commands import vote as vote_command
from voting.election.ballots import encrypt_ballot
from voting.election.credentials import generate_code
from voting.election_folder import writing
from voting.protocol.encoding import decode, to_base64
from voting.protocol.messages import Opening
from voting.verifier.cli import main as verify_main


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def open_office(office: Office) -> tuple[Office, dict[str, str]]:
    """An election that is open, and the codes of its voters."""
    office.new()
    office.ceremony()
    codes = office.give_codes()
    office.run("open")
    return office, codes


def entries(office: Office) -> int:
    with open_reader(office.folder / "board") as board:
        return len(board)


def verifier(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(verify_main, ["--language", "en", *map(str, words)])
    return result.exit_code, result.output


# -- the whole way -----------------------------------------------------------------------------------------------------


def test_a_whole_election_by_commands(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(office.home)
    checked = office.urne("election", "check", office.source)
    assert "Opens: 2026-11-24 08:00 UTC" in checked.stdout
    assert "No problem was found." in checked.stdout
    made = office.new()
    assert office.record().require_manifest().hash in made.stdout
    for key in (office.folder / "keys").iterdir():
        assert stat.S_IMODE(key.stat().st_mode) == 0o600

    assert "Anna must join the ceremony" in office.run("status").stdout
    office.ceremony()
    assert "Give the voters their codes." in office.run("status").stdout
    codes = office.give_codes()
    assert "Open the voting" in office.run("status").stdout
    opened = office.run("open")
    assert f"Election id: {office.record().election}" in opened.stdout

    first = office.vote(codes["ada"], "2", "1 2=3", "cast", receipt="ada-1.json")
    assert "Your vote is on the board." in first.stdout
    assert codes["ada"] not in first.output
    again = office.vote(codes["ada"], "1", "3", "cast", receipt="ada-2.json")
    assert "You have voted before." in again.stdout
    tested = office.vote(codes["bob"].lower().replace("-", ""), "9", "blank", "", "test", "change", "1", "3", "cast")
    assert "the numbers go from 1 to 3" in tested.output
    assert "It was NOT cast." in tested.stdout
    locks = [line.split()[-1] for line in tested.stdout.splitlines() if "Lock number:" in line]
    assert len(set(locks)) == 3
    choices = office.home / "choices.json"
    choices.write_text('[{"chosen": [0]}, {"levels": [0, 1, null]}]')
    code_file = office.home / "code.txt"
    code_file.write_text(codes["cleo"] + "\n")
    cast = office.run("vote", "--code-file", code_file, "--choices", choices, "--yes", "--receipt", "cleo.json")
    assert "Your tracker:" in cast.stdout

    status = json.loads(office.run("status", "--json").stdout)
    assert (status["ballots"], status["counted"], status["weight"]) == (4, 3, 5)
    office.run("notice", "The office is open until eight.")
    office.run("extend", "2100-01-01T00:00:00Z")
    assert "2100-01-01" in office.run("status").stdout
    assert "Stopped." in office.run("close", answers="n\n", code=130).stderr
    assert "Ballots cast: 4" in office.run("close", answers="y\n").stdout
    assert "2 more of these trustees must decrypt: Anna, Bea, Carlo." in office.run("tally").stdout
    assert "3 counted, of 4 cast" in office.run("status").stdout
    office.decrypt(3)
    assert "1 of the 2 shares" in office.run("result", code=2).stderr
    office.decrypt(1)
    shown = office.run("result").stdout
    assert "* Ada           4" in shown
    assert "Elected: Ada." in shown
    assert "Nothing is left to do." in office.run("status").stdout
    totals = json.loads(office.run("result", "--json").stdout)["totals"]
    assert totals[:4] == [4, 0, 1, 0]

    record = office.home / "record.zip"
    office.urne("export", office.folder, record)
    assert "exists" in office.urne("export", office.folder, record, code=2).stderr
    office.urne("export", office.folder, record, "--force")
    code, output = verifier(record, "--allow-toy-group")
    assert (code, "VERIFIED" in output) == (0, True), output
    for receipt in ("ada-1.json", "ada-2.json", "receipt.json", "cleo.json"):
        assert verifier("receipt", office.home / receipt, "--record", record, "--allow-toy-group")[0] == 0
    opening = next(office.home.glob("opening-*.json"))
    code, output = verifier("opening", opening, record, "--allow-toy-group")
    assert (code, locks[0] in output, "Blank vote" in output) == (0, True, True), output
    tracker = cast.stdout.split("Your tracker:")[1].split()[0]
    assert verifier("tracker", tracker, record, "--allow-toy-group")[0] == 0


def test_the_opening_is_of_the_tested_ballot_only(
    open_office: tuple[Office, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, codes = open_office
    monkeypatch.chdir(office.home)
    seeds: list[bytes] = []
    original = encrypt_ballot

    def spy(context: object, key: object, chosen: object, seed: bytes) -> object:
        seeds.append(seed)
        return original(context, key, chosen, seed)  # type: ignore[arg-type]

    monkeypatch.setattr(vote_command, "encrypt_ballot", spy)
    office.vote(codes["ada"], "1", "", "test", "test", "cast")
    assert len(set(seeds)) == 3
    opened = {decode(path.read_bytes(), Opening, what="opening").seed for path in office.home.glob("opening-*.json")}
    assert len(opened) == 2
    assert to_base64(seeds[2]) not in opened


def test_quitting_casts_nothing(open_office: tuple[Office, dict[str, str]]) -> None:
    office, codes = open_office
    before = entries(office)
    result = office.vote(codes["ada"], "1", "", "what?", "quit", exit_code=4)
    assert "You have NOT voted." in result.stdout
    assert entries(office) == before
    assert not (office.home / "receipt.json").exists()
    stopped = office.run("vote", answers=f"{codes['ada']}\n1\n", code=130)
    assert "Stopped." in stopped.stderr
    assert entries(office) == before


# -- codes -------------------------------------------------------------------------------------------------------------


def test_wrong_codes(open_office: tuple[Office, dict[str, str]], tmp_path: Path) -> None:
    office, codes = open_office
    right = codes["ada"]
    mistyped = ("A" if right[0] != "A" else "B") + right[1:]
    foreign = generate_code(lambda length: b"\x07" * length)
    result = office.vote(mistyped, right[:-2], foreign, exit_code=2)
    for words in ("typing error", "characters, not 25", "no voter of this"):
        assert words in result.output
    assert mistyped not in result.output
    assert foreign not in result.output
    code_file = tmp_path / "code"
    code_file.write_text(mistyped)
    failed = office.run("vote", "--code-file", code_file, code=3)
    assert "typing error" in failed.stderr
    assert mistyped not in failed.output
    again = office.vote(mistyped, right, "1", "", "cast")
    assert "Your vote is on the board." in again.stdout


def test_choices_in_files_are_checked(open_office: tuple[Office, dict[str, str]], tmp_path: Path) -> None:
    office, codes = open_office
    code_file = tmp_path / "code"
    code_file.write_text(codes["ada"])
    choices = tmp_path / "choices.json"
    for text, words in (
        ("[", "is no JSON (line 1"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "needs a list of 2 selections"),
        ('[{"chosen": [0, 1]}, {"levels": [0, 1, 2]}]', "question 1"),
        ('[{"chosen": [0]}, {"order": [0, 1, 2]}]', "question 2"),
    ):
        choices.write_text(text)
        failed = office.run("vote", "--code-file", code_file, "--choices", choices, "--yes", code=2)
        assert words in failed.stderr
    assert "needs --choices" in office.run("vote", "--yes", code=2).stderr
    assert not office.record().ballots


def test_credentials_go_to_private_files_first(office: Office) -> None:
    office.new()
    out = office.home / "codes"
    dry = office.run("credentials", office.voters, "--dry-run")
    assert "3 voters, total weight 5" in dry.stdout
    assert not office.record().credentials
    office.run("credentials", office.voters, "--out", out)
    files = sorted(out.iterdir())
    assert [file.name for file in files] == ["1-ada.txt", "2-bob.txt", "3-cleo.txt"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert "Weight of your vote: 3" in files[2].read_text()
    assert sorted(office.record().credentials.values()) == [1, 1, 3]
    size = entries(office)
    unusable: list[list[str | Path]] = [
        ["--out", out],
        [],
        ["--out", office.home / "x", "--merge", office.home / "y"],
        ["--out", office.home / "missing" / "codes"],
    ]
    for words in unusable:
        office.run("credentials", office.voters, *words, code=2)
    assert entries(office) == size


def test_no_key_is_published_if_the_codes_cannot_be_written(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.new()
    out = office.home / "codes"
    written: list[int] = []
    original = os.fsync

    def full_disk(handle: int) -> None:
        written.append(handle)
        if len(written) > 3:
            raise OSError(28, "No space left on device")
        original(handle)

    monkeypatch.setattr("voting.files.os.fsync", full_disk)
    failed = office.run("credentials", office.voters, "--out", out, code=3)
    monkeypatch.undo()
    assert "No space left" in failed.stderr
    assert not out.exists()
    assert not office.record().credentials


def test_a_faulty_voter_list_changes_nothing(office: Office) -> None:
    office.new()
    office.voters.write_text("id,weight\nada,1\nADA,1\nbob,none\n")
    failed = office.run("credentials", office.voters, "--out", office.home / "codes", code=2)
    assert "line 3: is the same voter as line 2" in failed.stderr
    assert "line 4: has a weight" in failed.stderr
    assert not (office.home / "codes").exists()
    assert entries(office) == 1


def test_merge_file_gives_each_voter_their_own_code(open_office: tuple[Office, dict[str, str]]) -> None:
    office, codes = open_office
    merge = office.home / "codes.csv"
    assert stat.S_IMODE(merge.stat().st_mode) == 0o600
    with merge.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["name"], row["weight"]) for row in rows] == [
        ("ada", "Ada L.", "1"),
        ("bob", "Bob", "1"),
        ("cleo", "Cleo", "3"),
    ]
    assert len(set(codes.values())) == 3


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_acts_in_the_wrong_phase_are_refused_in_words(office: Office, tmp_path: Path) -> None:
    office.new()
    assert "waiting for Anna, Bea, Carlo" in office.run("open", code=2).stderr
    assert "not open yet" in office.run("vote", code=2).stderr
    for words in (["close", "--yes"], ["tally"], ["result"]):
        assert "the election is in the phase setup" in office.run(*words, code=2).stderr
    office.ceremony()
    assert "no voter has a credential" in office.run("open", code=2).stderr
    codes = office.give_codes()
    office.run("open")
    assert "before the voting opens" in office.run("credentials", office.voters, "--dry-run", code=2).stderr
    assert "the election is in the phase open" in office.run("restart-ceremony", code=2).stderr
    assert "does not say its time zone" in office.run("extend", "2100-01-01T00:00:00", code=2).stderr
    assert "is no time" in office.run("extend", "tomorrow", code=2).stderr
    assert "later" in office.run("extend", "2000-01-01T00:00:00Z", code=1).stderr
    office.run("close", "--yes")
    closed = office.run("vote", answers=codes["ada"] + "\n", code=2)
    assert "the voting is closed" in closed.stderr


def test_a_vote_that_arrives_after_the_closing_is_not_claimed(
    open_office: tuple[Office, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, codes = open_office
    original = vote_command._prepare

    def slow_voter(*arguments: object, **options: object) -> object:
        ballot = original(*arguments, **options)  # type: ignore[arg-type]
        office.run("close", "--yes")
        return ballot

    monkeypatch.setattr(vote_command, "_prepare", slow_voter)
    late = office.vote(codes["ada"], "1", "", "cast", exit_code=2)
    assert "the voting is closed" in late.stderr
    assert "on the board" not in late.stdout
    assert not office.record().ballots


def test_success_is_not_claimed_if_the_board_loses_the_ballot(
    open_office: tuple[Office, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, codes = open_office
    monkeypatch.setattr("bulletin_board.reader.BoardReader.find", lambda _self, _body: None)
    lost = office.vote(codes["ada"], "1", "", "cast", exit_code=3)
    assert "Your vote is on the board" not in lost.stdout
    assert "does not show the ballot" in lost.stderr


def test_cancelling_needs_the_title(office: Office) -> None:
    office.new()
    refused = office.run("cancel", "Nobody came.", answers="club\n", code=2)
    assert "not the title" in refused.stderr
    assert entries(office) == 1
    office.run("cancel", "Nobody came.", answers="Club election\n")
    status = office.run("status").stdout
    assert "Phase: cancelled" in status
    assert "Nobody came." in status
    assert "cannot be cancelled" in office.run("cancel", "x", "--yes", code=2).stderr
    assert "was cancelled" in office.run("vote", code=2).stderr


def test_a_ceremony_can_begin_anew_without_a_trustee(office: Office) -> None:
    office.new()
    office.submit(*rounds.join(office.trustee(1), office.record().require_ceremony(), TIME))
    assert "Bea must join" in office.run("status").stdout
    restarted = office.run("restart-ceremony", "--exclude", "2")
    assert "Ceremony number 2 begins, with Anna, Carlo." in restarted.stdout
    assert "Bea" not in office.run("status").stdout
    office.ceremony((1, 3))
    assert office.record().require_ceremony().complete
    assert "fewer trustees" in office.run("restart-ceremony", "--exclude", "3", code=1).stderr


def test_message_files_are_checked(office: Office, tmp_path: Path) -> None:
    office.new()
    message = tmp_path / "message.json"
    assert "cannot be read" in office.run("submit", message, code=3).stderr
    message.write_text('{"type": "trustee.joined", "body": ""}')
    assert "not canonical" in office.run("submit", message, code=3).stderr
    kind, body = rounds.join(office.trustee(1), office.record().require_ceremony(), TIME)
    forged = body.replace(b'"Anna"', b'"Emil"')
    assert "check 05" in office.submit(kind, forged, code=1).stderr
    assert "Done: entry 1" in office.submit(kind, body).stderr
    assert "on the board before" in office.submit(kind, body).stderr


def test_new_leaves_nothing_behind_on_an_error(office: Office) -> None:
    office.source.write_text(MANIFEST.replace('title = "Club', 'titel = "Club').replace("blank = true", "blank = 1"))
    failed = office.urne("election", "new", office.folder, office.source, "--allow-toy-group", code=2)
    assert "did you mean title?" in failed.stderr
    assert "questions[1].blank" in failed.stderr
    office.source.write_text(MANIFEST)
    assert "for tests only" in office.urne("election", "new", office.folder, office.source, code=2).stderr
    wrong = office.urne("election", "new", office.folder, office.source, "--origin", "a b", "--allow-toy-group", code=3)
    assert "origin" in wrong.stderr
    assert sorted(path.name for path in office.home.iterdir()) == ["election.toml", "voters.csv"]
    office.new()
    assert "exists already" in office.urne("election", "new", office.folder, office.source, code=2).stderr


def test_files_that_cannot_be_used(office: Office, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    assert "cannot be read" in office.urne("election", "check", missing, code=3).stderr
    assert "neither .toml nor .json" in office.urne("election", "check", office.voters, code=2).stderr
    latin = tmp_path / "latin.toml"
    latin.write_bytes('title = "Été"\n'.encode("latin-1"))
    assert "is not UTF-8 text (line 1)" in office.urne("election", "check", latin, code=2).stderr
    assert "not the folder of an election" in office.run("status", code=2).stderr
    office.new()
    assert "for tests only" in office.urne("status", office.folder, code=3).stderr
    key = office.folder / "keys" / "administrator.key"
    key.chmod(0o644)
    office.run("credentials", office.voters, "--merge", office.home / "codes.csv")
    office.ceremony()
    assert "may be read by other users" in office.run("open", code=3).stderr
    key.unlink()
    assert "cannot be read" in office.run("open", code=3).stderr


def test_a_busy_or_damaged_board(office: Office) -> None:
    office.new()
    with writing(office.folder, allow_toy=True):
        assert "open" in office.run("cancel", "x", "--yes", code=3).stderr
    shutil.rmtree(office.folder / "board")
    (office.folder / "board").mkdir()
    assert "is not a board" in office.run("status", code=3).stderr


# -- the program -------------------------------------------------------------------------------------------------------


def urne_process(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "voting.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)


def test_wrong_words_on_the_command_line(office: Office) -> None:
    for words in (["nonsense"], ["status"], ["status", "x", "--nonsense"], ["demo", "--voters", "0"]):
        result = office.urne(*words, code=2)
        assert result.stderr.startswith("error: ")
        assert "--help" in result.stderr


def test_the_language_can_be_chosen(office: Office) -> None:
    office.new()
    french = CliRunner().invoke(main, ["--language", "fr", "status", str(office.folder), "--allow-toy-group"])
    assert "en préparation" in french.stdout


def test_a_broken_pipe_is_no_fault(office: Office) -> None:
    office.new()
    line = f"{sys.executable} -m voting.cli status {office.folder} --allow-toy-group | true"
    result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    assert "error" not in result.stderr


def test_unforeseen_faults_are_short_and_show_no_text(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("voting.commands.running.reading", broken)
    failed = office.run("status", code=3)
    assert "a fault in this program (RuntimeError in broken" in failed.stderr
    assert "secret" not in failed.stderr
    debug = CliRunner().invoke(main, ["--debug", "status", str(office.folder)])
    assert "Traceback" in debug.stderr


def test_the_program_starts_as_a_process(office: Office) -> None:
    office.new()
    result = urne_process("--language", "en", "status", office.folder, "--allow-toy-group")
    assert result.returncode == 0
    assert "Phase: being set up" in result.stdout
    assert urne_process().returncode == 2
