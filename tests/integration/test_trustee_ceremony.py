"""Trustees with `urne-trustee` on a real board: the ceremony, its order, its cheats, and work without network."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from bulletin_board.export import export_record
from bulletin_board.reader import open_reader
from tests.simulators.trustees import LAST_TIME, TIME, TrusteeOffice
from trustee_tools import ceremony as rounds
from trustee_tools.ceremony import Step
from trustee_tools.sources import open_view
from trustee_tools.status_text import fingerprint
from voting.crypto.sealing import seal
from voting.crypto.sharing import evaluate
from voting.election.ceremony import Ceremony
from voting.protocol.encoding import to_base64
from voting.protocol.entries import sign_content
from voting.protocol.messages import SealedShare, TrusteeAnswered, TrusteeDealt


@pytest.fixture
def office(tmp_path: Path) -> TrusteeOffice:
    return TrusteeOffice(tmp_path)


def replayed(office: TrusteeOffice) -> Ceremony:
    with open_view(office.folder, allow_toy=True) as view:
        return view.record.require_ceremony()


def export(office: TrusteeOffice, target: Path) -> Path:
    with open_reader(office.folder / "board") as reader:
        export_record(reader, target, force=True)
    return target


def test_a_ceremony_of_three_of_five_and_the_decryption_by_any_three(office: TrusteeOffice) -> None:
    assert "Waiting for Trustee 1, Trustee 2, Trustee 3, Trustee 4, Trustee 5 to join (since Tue" in office.status()
    office.ceremony()
    assert "Waiting for the administrator to open the election" in office.status()
    assert replayed(office).complete
    office.vote()
    assert "Waiting for the administrator to compute the encrypted tally" in office.status()
    office.tally()
    office.decrypt(5)
    office.decrypt(2)
    assert "1 more needed, from Trustee 1, Trustee 3, Trustee 4." in office.status()
    done = office.decrypt(3)
    assert "was read back" in done.stdout
    assert "Enough shares" in office.status()
    assert office.result() == (2, 1, 0)
    assert "The result was published" in office.status()


def test_any_order_within_a_round_and_every_repetition_is_harmless(office: TrusteeOffice) -> None:
    for round_number, order in enumerate(([3, 1, 5, 2, 4], [5, 4, 3, 2, 1], [2, 4, 1, 3, 5], [1, 5, 2, 4, 3])):
        for position, index in enumerate(order):
            office.join(index) if round_number == 0 else office.step(index)
            with open_view(office.folder, allow_toy=True) as view:
                before = view.size
            again = office.step(index, code=0) if position < 4 else None
            with open_view(office.folder, allow_toy=True) as view:
                assert view.size == before
            if again is not None:
                assert "There is nothing for you to do now.\nWaiting for " in again.stdout
    assert replayed(office).complete


def test_the_status_names_the_exact_next_command(office: TrusteeOffice) -> None:
    key = office.key(2)
    for index in (1, 2, 3, 4, 5):
        office.join(index)
    office.step(1)
    text = office.status("--key", key)
    assert f"Your move: run `urne-trustee step {office.folder} --key {key}`" in text
    assert "Waiting for Trustee 3, Trustee 4, Trustee 5 to commit (since " in text
    assert "2 Trustee 2" in text
    office.step(2)
    data = json.loads(office.status("--key", key, "--json"))
    assert data["stage"] == "committing"
    assert data["your_move"] is None
    assert [t["next"] for t in data["trustees"]] == [None, None, "commit", "commit", "commit"]
    assert data["trustees"][0]["committed"] is not None


def test_joining_shows_who_and_asks(office: TrusteeOffice) -> None:
    words = ["step", office.folder, "--key", office.key(1), "--name", "trustee 1", *office.unattended()]
    refused = office.run(*words, answers="no\n", code=2)
    assert "You are about to join as trustee 1, Trustee 1." in refused.stderr
    assert office.manifest.hash in refused.stderr
    assert replayed(office).trustees[1].signing_key is None
    accepted = office.run(*words, answers="yes\n")
    code = fingerprint(office.secrets(1).signing_key.verify_key.raw)
    assert f"Your fingerprint, to read aloud to the others: {code}" in accepted.stdout
    assert f"1 Trustee 1  {code}" in office.status()
    assert replayed(office).trustees[1].signing_key is not None


def test_who_one_is_must_be_said_once_and_cannot_be_another(office: TrusteeOffice) -> None:
    unknown = office.step(1, code=2)
    assert "--index: 1 Trustee 1; 2 Trustee 2" in unknown.stderr
    office.join(1)
    assert "is that of trustee 1" in office.step(1, "--index", "2", code=2).stderr
    assert "there is no trustee 9" in office.step(2, "--index", "9", code=2).stderr
    assert "names no trustee" in office.step(2, "--name", "Nobody", code=2).stderr
    # Somebody with another key file cannot take a place that is taken.
    assert "has joined with another key file" in office.step(2, "--index", "1", code=2).stderr


def test_a_key_file_that_took_no_part_is_refused(office: TrusteeOffice, tmp_path: Path) -> None:
    office.ceremony()
    office.vote()
    office.tally()
    office.run("init", tmp_path / "new.key", tmp_path / "new.copy", "--passphrase-file", office.passphrase_file,
               "--work-factor", "2")  # fmt: skip
    new = ["--key", tmp_path / "new.key", "--yes", *office.unattended()]
    assert "this key file has not joined this election" in office.run("step", office.folder, *new, code=2).stderr
    foreign = "no trustee of this election's ceremony has joined with this key file"
    assert foreign in office.run("decrypt", office.folder, *new, code=2).stderr
    assert foreign in office.run("check", tmp_path / "new.key", office.folder, *office.unattended(), code=2).stderr


def test_without_network_by_records_and_message_files(office: TrusteeOffice, tmp_path: Path) -> None:
    """Trustee 1 sees nothing but exported records, and hands over nothing but message files."""
    record = tmp_path / "record.zip"
    for number in range(4):
        message = tmp_path / f"round{number}.json"
        export(office, record)
        assert zipfile.is_zipfile(record)
        words = ["--index", "1"] if number == 0 else []
        said = office.step(1, *words, "--out", message, source=record)
        assert "urne-trustee submit BOARD" in said.stdout
        assert "exists already" in office.step(1, *words, "--out", message, source=record, code=2).stderr
        office.run("submit", office.folder, message, "--allow-toy-group")
        assert "is on the board" in office.run("submit", office.folder, message, "--allow-toy-group").stdout
        for index in (2, 3, 4, 5):
            office.join(index) if number == 0 else office.step(index)
    assert replayed(office).complete
    office.vote()
    office.tally()
    export(office, record)
    share = tmp_path / "share.json"
    office.decrypt(1, "--out", share, source=record)
    office.run("submit", office.folder, share, "--allow-toy-group")
    office.decrypt(2)
    office.decrypt(4)
    assert office.result() == (2, 1, 0)


def test_a_record_cannot_be_appended_to(office: TrusteeOffice, tmp_path: Path) -> None:
    record = export(office, tmp_path / "record")
    refused = office.step(1, "--index", "1", source=record, code=2)
    assert "is not a board" in refused.stderr
    assert "--out" in refused.stderr


def test_a_message_file_with_an_entry_of_the_administrator_is_refused(office: TrusteeOffice, tmp_path: Path) -> None:
    message = tmp_path / "message.json"
    message.write_text('{"body":"{}","type":"election.opened"}')
    assert "which no trustee makes" in office.run("submit", office.folder, message, code=3).stderr
    message.write_text('{"type":"trustee.joined","body":"{}"}')
    assert "canonical" in office.run("submit", office.folder, message, code=3).stderr
    assert "cannot be read" in office.run("submit", office.folder, tmp_path / "none", code=3).stderr


def wrong_deal(office: TrusteeOffice, dealer: int, victims: list[int]) -> Step:
    """A dealt entry whose shares for the victims open, but do not fit."""
    secrets, ceremony = office.secrets(dealer), replayed(office)
    group, shares = ceremony.group, []
    for recipient in sorted(ceremony.trustees):
        share = evaluate(group, secrets.polynomial(group, ceremony.attempt), recipient)
        if recipient in victims:
            share = (share + 1) % group.q
        info, associated = rounds.sealing_context(secrets.manifest, ceremony.attempt, dealer, recipient)
        sealed = seal(ceremony.trustees[recipient].sealing_key, info, associated, group.encode_scalar(share))
        shares.append(SealedShare(to_base64(sealed.ciphertext), to_base64(sealed.encapsulation)))
    content = TrusteeDealt(ceremony.attempt, dealer, secrets.manifest.hash, tuple(shares), TIME)
    return Step("trustee.dealt", sign_content("trustee.dealt", secrets.manifest.hash, content, secrets.signing_key))


def cheated(office: TrusteeOffice, victims: list[int]) -> None:
    """Everything up to the dealing, in which trustee 2 cheats."""
    office.ceremony(rounds=2)
    office.append(*wrong_deal(office, 2, victims))
    for index in (1, 3, 4, 5):
        office.step(index)


def test_a_wrong_share_is_complained_about_and_the_right_answer_settles_it(office: TrusteeOffice) -> None:
    cheated(office, [4, 5])
    failing = office.run("check", office.key(4), office.folder, *office.unattended(), code=1)
    assert "does not fit: that of Trustee 2" in failing.stdout
    assert "Complaining" in office.step(4).stderr
    office.step(1)
    assert "Waiting for Trustee 2 to answer a complaint" in office.status()
    assert "complained Tue" in office.status()
    assert "Waiting for Trustee 2" in office.step(4).stdout
    office.step(5)
    answered = office.step(2)
    assert answered.stdout.count("(trustee.answered) is on the board") == 2
    for index in (2, 3, 4, 5):
        office.step(index)
    assert replayed(office).complete
    office.vote()
    office.tally()
    for index in (2, 4, 5):
        office.decrypt(index)
    assert office.result() == (2, 1, 0)


def test_a_wrong_answer_ends_the_ceremony_and_a_new_one_goes_on_without_the_dealer(office: TrusteeOffice) -> None:
    cheated(office, [4])
    office.step(4)
    secrets, ceremony = office.secrets(2), replayed(office)
    group = ceremony.group
    wrong = (evaluate(group, secrets.polynomial(group, 1), 4) + 1) % group.q
    content = TrusteeAnswered(1, 2, office.manifest.hash, 4, to_base64(group.encode_scalar(wrong)), TIME)
    office.append(
        "trustee.answered", sign_content("trustee.answered", office.manifest.hash, content, secrets.signing_key)
    )
    assert "The ceremony has failed: Trustee 2 dealt a wrong share." in office.status()
    assert "restart it without Trustee 2" in office.step(1).stdout
    office.restart([2])
    assert "left out of this ceremony" in office.status()
    assert "You were left out" in office.step(2).stdout
    # The notes say who everybody is: nobody has to say it again.
    for _round in range(4):
        for index in (1, 3, 4, 5):
            office.step(index)
    assert replayed(office).complete
    office.vote()
    office.tally()
    assert "no trustee of this election's ceremony" in office.decrypt(2, code=2).stderr
    for index in (1, 3, 5):
        office.decrypt(index)
    assert office.result() == (2, 1, 0)


def test_check_proves_possession(office: TrusteeOffice) -> None:
    alone = office.run("check", office.key(1), "--passphrase-file", office.passphrase_file)
    assert "opens with its passphrase" in alone.stdout
    office.ceremony(rounds=2)
    early = office.run("check", office.key(1), office.folder, *office.unattended(), code=4)
    assert "Not all trustees have dealt" in early.stdout
    for index in range(1, 6):
        office.step(index)
    checked = office.run("check", office.key(1), office.folder, *office.unattended())
    assert "All 5 shares open and fit" in checked.stdout
    # The copy is as good, though it has no notes.
    copy = office.run("check", office.keys / "1.copy", office.folder, *office.unattended())
    assert "All 5 shares open and fit" in copy.stdout


def test_the_board_is_found_by_its_own_folder_and_its_key_by_name(office: TrusteeOffice, tmp_path: Path) -> None:
    board_key = office.folder / "keys" / "board.key"
    moved = tmp_path / "elsewhere.key"
    moved.write_bytes(board_key.read_bytes())
    moved.chmod(0o600)
    board_key.unlink()
    refused = office.step(1, "--index", "1", source=office.folder / "board", code=2)
    assert "--board-key" in refused.stderr
    office.step(1, "--index", "1", "--board-key", moved, source=office.folder / "board")
    moved.chmod(0o644)
    assert "may be read by other users" in office.step(2, "--index", "2", "--board-key", moved, code=3).stderr


def test_a_test_group_is_refused_unless_asked_for(office: TrusteeOffice) -> None:
    refused = office.run("status", office.folder, code=1)
    assert "check 01" in refused.stderr
    assert "for tests only" in refused.stderr


def test_the_times_of_the_simulated_administrator_lie_at_the_ends(office: TrusteeOffice) -> None:
    assert TIME < LAST_TIME
    assert "Tue 24 Nov 08:00 UTC" in office.status()
