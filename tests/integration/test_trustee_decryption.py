"""What a trustee refuses to decrypt, and the board that shows one thing today and another tomorrow."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from bulletin_board.log import Board
from bulletin_board.reader import open_reader
from tests.simulators.election import ADMINISTRATOR, AUTHORITY, BOARD_KEY
from tests.simulators.record import ADA, GRACE, ORIGIN, LenientBoard, sample_election, write_record
from tests.simulators.trustees import LAST_TIME, TIME, TrusteeOffice
from trustee_tools import ceremony as rounds
from trustee_tools.ceremony import Step, TrusteeSecrets, verify_own_part
from trustee_tools.decrypt import verify_tally_from_ballots
from trustee_tools.notes import notes_path, read_notes
from trustee_tools.publish import publish
from trustee_tools.sources import open_view
from voting.crypto.kdf import Derivation
from voting.election.steps import compute_tally
from voting.protocol.encoding import ZERO_HASH
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.errors import ProofError, VerificationError
from voting.protocol.messages import Ballot, EncryptedValue, TallyEncrypted


@pytest.fixture
def office(tmp_path: Path) -> TrusteeOffice:
    """A ceremony of 2 of 3, three ballots, voting closed."""
    office = TrusteeOffice(tmp_path, trustees=3, threshold=2)
    office.ceremony([1, 2, 3])
    office.vote()
    return office


def honest_tally(office: TrusteeOffice, time: str = LAST_TIME) -> TallyEncrypted:
    with open_view(office.folder, allow_toy=True) as view:
        entry = compute_tally(view.record, view.read_body, ADMINISTRATOR, time)
    content = parse_body(entry.entry_type, entry.body, what="tally").content
    assert isinstance(content, TallyEncrypted)
    return content


def force_tally(office: TrusteeOffice, tally: TallyEncrypted) -> None:
    """A dishonest board takes any tally that the administrator signs."""
    body = sign_content("tally.encrypted", office.manifest.hash, tally, ADMINISTRATOR)
    office.append("tally.encrypted", body, check=False)


def single_ballot(office: TrusteeOffice) -> tuple[EncryptedValue, ...]:
    with open_view(office.folder, allow_toy=True) as view:
        ballot = parse_body("ballot.cast", view.read_body(view.record.ballots[0].seq), what="ballot").content
        assert isinstance(ballot, Ballot)
        return tuple(ballot.ciphertexts[total.index] for total in view.manifest.shape.totals)


def count_shares(office: TrusteeOffice) -> int:
    with open_view(office.folder, allow_toy=True) as view:
        return len(view.record.shares)


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_a_tally_that_is_one_voters_ballot_is_refused(office: TrusteeOffice, quick: list[str]) -> None:
    force_tally(office, msgspec.structs.replace(honest_tally(office), totals=single_ballot(office)))
    refused = office.decrypt(1, *quick, code=1)
    assert "check 17: tally.encrypted: totals[0] is not the product of the counted ballots" in refused.stderr
    assert count_shares(office) == 0
    assert read_notes(notes_path(office.key(1))).elections[office.manifest.hash].tally is None


def test_before_the_tally_there_is_nothing_to_decrypt(office: TrusteeOffice) -> None:
    assert "there is no tally to decrypt yet" in office.decrypt(1, code=2).stderr


def test_what_is_decrypted_is_shown_and_asked_for(office: TrusteeOffice) -> None:
    office.tally()
    words = ["decrypt", office.folder, "--key", office.key(1), *office.unattended()]
    refused = office.run(*words, answers="y\n", code=2)
    assert "Election: A test election\nBallots: 3 counted, of 3 cast\nTally fingerprint: " in refused.stderr
    assert count_shares(office) == 0
    office.run(*words, answers="yes\n")
    assert count_shares(office) == 1


def test_a_share_is_made_once(office: TrusteeOffice) -> None:
    office.tally()
    office.decrypt(1)
    again = office.decrypt(1)
    assert "already" in again.stdout
    assert count_shares(office) == 1
    office.decrypt(3)
    office.result()
    assert "published already" in office.decrypt(2, code=2).stderr


def test_a_missing_trustee_is_named_while_others_wait(office: TrusteeOffice) -> None:
    office.tally()
    office.decrypt(3)
    assert "1 more needed, from Trustee 1, Trustee 2." in office.status()
    own = office.status("--key", office.key(2))
    assert "Your move: run `urne-trustee decrypt" in own
    assert "decrypt" in office.step(2).stdout


def test_a_single_ballot_is_warned_about(tmp_path: Path) -> None:
    office = TrusteeOffice(tmp_path, trustees=1, threshold=1)
    office.ceremony([1])
    office.vote((ADA,))
    office.tally()
    assert "Warning: one single ballot" in office.decrypt(1, "--quick").stderr
    assert office.result() == (1, 0, 0)


def test_no_ballot_at_all_is_a_tally_too(tmp_path: Path) -> None:
    office = TrusteeOffice(tmp_path, trustees=1, threshold=1)
    office.ceremony([1])
    office.vote(())
    office.tally()
    office.decrypt(1)
    assert office.result() == (0, 0, 0)


def rewound(office: TrusteeOffice, target: Path, size: int) -> None:
    """A dishonest board: the same key, the first `size` entries, and room for another history."""
    with (
        open_reader(office.folder / "board") as reader,
        Board.create(target, ORIGIN, BOARD_KEY) as forged,
    ):
        for entry in reader.entries(0, size):
            kind = msgspec.json.decode(entry.header_bytes)["type"]
            forged.append(kind, entry.body, entry.attachment)
    shutil.rmtree(office.folder / "board")
    target.rename(office.folder / "board")


def test_a_second_tally_is_refused_though_the_board_forgot_the_first(office: TrusteeOffice, tmp_path: Path) -> None:
    with open_view(office.folder, allow_toy=True) as view:
        before = view.size
    office.tally()
    office.decrypt(1)
    rewound(office, tmp_path / "forged", before)
    force_tally(office, msgspec.structs.replace(honest_tally(office), time="2099-01-02T00:00:00.000Z"))
    refused = office.decrypt(1, code=1)
    assert "check 21: record: is an old copy, or entries were removed" in refused.stderr
    assert count_shares(office) == 0


def test_a_second_tally_is_refused_after_an_offline_share(office: TrusteeOffice, tmp_path: Path) -> None:
    """The first share was never submitted, and the second tally stands exactly where the first one stood."""
    with open_view(office.folder, allow_toy=True) as view:
        before = view.size
    office.tally()
    office.decrypt(1, "--out", tmp_path / "share.json")
    office.decrypt(1, "--out", tmp_path / "share2.json")  # the same tally again: harmless
    rewound(office, tmp_path / "forged", before)
    force_tally(office, msgspec.structs.replace(honest_tally(office), time="2099-01-02T00:00:00.000Z"))
    refused = office.decrypt(1, "--out", tmp_path / "share3.json", code=1)
    assert f"check 21: entry {before}: is not the entry that this key file has seen there" in refused.stderr
    assert not (tmp_path / "share3.json").exists()


def test_the_notes_alone_stop_a_second_tally(office: TrusteeOffice, tmp_path: Path) -> None:
    """Even if everything seen is still there: the tally in the notes is the only one that may be decrypted."""
    office.tally()
    office.decrypt(1, "--out", tmp_path / "share.json")
    notes = notes_path(office.key(1))
    seen = read_notes(notes)
    changed = {key: msgspec.structs.replace(value, tally="0" * 64) for key, value in seen.elections.items()}
    notes.write_bytes(msgspec.json.encode(msgspec.structs.replace(seen, elections=changed), order="sorted"))
    refused = office.decrypt(1, code=1)
    assert "check 16: tally.encrypted: is a second tally" in refused.stderr


def test_two_tallies_on_one_board_are_refused(office: TrusteeOffice) -> None:
    office.tally()
    force_tally(office, msgspec.structs.replace(honest_tally(office), time="2099-01-02T00:00:00.000Z"))
    refused = office.decrypt(1, code=1)
    assert "check 04" in refused.stderr
    assert "may not come while the election is tallied" in refused.stderr


def test_damaged_notes_stop_everything(office: TrusteeOffice) -> None:
    office.tally()
    notes_path(office.key(1)).write_text("{}")
    office.decrypt(1, code=3)
    assert count_shares(office) == 0


def test_without_notes_the_trustee_is_told(office: TrusteeOffice) -> None:
    office.tally()
    notes_path(office.key(1)).unlink()
    assert "no notes of earlier runs" in office.decrypt(1).stderr


def test_a_forged_ballot_is_found_unless_quick(tmp_path: Path) -> None:
    """The board let in a ballot whose proofs do not hold, and tallied it."""
    simulator = sample_election(until="open", lenient=True)
    assert isinstance(simulator.board, LenientBoard)
    simulator.vote(simulator.voters[0], [ADA])
    ballot = simulator.encrypt(simulator.voters[1], [GRACE])
    content = parse_body("ballot.cast", ballot.body, what="ballot").content
    first, *others = content.ciphertexts
    forged = msgspec.structs.replace(content, ciphertexts=(EncryptedValue(first.beta, first.alpha), *others))
    body = sign_content("ballot.cast", simulator.manifest.hash, forged, simulator.voters[1].key)
    simulator.board.append("ballot.cast", body)
    simulator.close()
    simulator.tally()
    folder = write_record(simulator.board.entries, tmp_path / "record")
    with open_view(folder, allow_toy=True) as view:
        with pytest.raises(VerificationError) as caught:
            verify_tally_from_ballots(view)
        assert caught.value.check == "14"
        verify_tally_from_ballots(view, quick=True)


def test_a_copied_ciphertext_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two voters who draw the same nonces make the same ciphertexts; all their proofs hold."""
    monkeypatch.setattr("voting.election.ballots._derivation", lambda *_: Derivation(bytes(32), "ballot"))
    simulator = sample_election(until="open", lenient=True)
    simulator.vote(simulator.voters[0], [ADA])
    simulator.vote(simulator.voters[1], [ADA])
    simulator.close()
    simulator.tally()
    folder = write_record(simulator.board.entries, tmp_path / "record")
    with open_view(folder, allow_toy=True) as view, pytest.raises(VerificationError) as caught:
        verify_tally_from_ballots(view)
    assert caught.value.check == "15"


def test_a_body_that_changes_between_two_readings_is_found(tmp_path: Path) -> None:
    simulator = sample_election(until="tallied")
    folder = write_record(simulator.board.entries, tmp_path / "record")
    with open_view(folder, allow_toy=True) as view:
        lines = (folder / "bodies.jsonl").read_bytes().splitlines(keepends=True)
        seq = view.record.ballots[0].seq
        lines[seq] = lines[seq].replace(b'"challenge":"', b'"challenge":"A', 1)
        (folder / "bodies.jsonl").write_bytes(b"".join(lines))
        with pytest.raises(VerificationError) as caught:
            verify_tally_from_ballots(view)
    assert caught.value.check == "02"


@pytest.mark.parametrize(
    ("file", "check"), [("headers.jsonl", "02"), ("bodies.jsonl", "02"), ("checkpoint", "03"), ("vkey", "03")]
)
def test_a_changed_record_is_refused(tmp_path: Path, file: str, check: str) -> None:
    folder = write_record(sample_election(until="ceremony").board.entries, tmp_path / "record")
    path = folder / file
    if file == "vkey":
        strange = write_record(sample_election(until="defined").board.entries, tmp_path / "strange", AUTHORITY)
        path.write_bytes((strange / "vkey").read_bytes())
    elif file == "checkpoint":
        shorter = write_record(sample_election(until="defined").board.entries, tmp_path / "shorter")
        path.write_bytes((shorter / "checkpoint").read_bytes())
    else:
        lines = path.read_bytes().splitlines(keepends=True)
        lines[2], lines[3] = lines[3], lines[2]
        path.write_bytes(b"".join(lines))
    with pytest.raises(VerificationError) as caught, open_view(folder, allow_toy=True):
        pass
    assert caught.value.check == check


def test_the_board_shows_another_commitment_than_ones_own(tmp_path: Path) -> None:
    """Somebody who has the trustee's signing key, but not the seed, could commit to another part of the key."""
    office = TrusteeOffice(tmp_path, trustees=2, threshold=2)
    thief = TrusteeSecrets(bytes(32), office.manifest, 1)
    thief.signing_key = office.secrets(1).signing_key
    with open_view(office.folder, allow_toy=True) as view:
        ceremony = view.record.require_ceremony()
    office.append(*rounds.join(thief, ceremony, TIME))
    refused = office.step(1, code=1)
    assert "the board shows another sealing key than this key file gives" in refused.stderr
    with open_view(office.folder, allow_toy=True) as view, pytest.raises(ProofError, match="another sealing key"):
        verify_own_part(office.secrets(1), view.record.require_ceremony())


class LyingBoard:
    """A board that says it appended, but keeps nothing."""

    def __init__(self, seq: int) -> None:
        self.seq = seq

    def __enter__(self) -> LyingBoard:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def append(self, entry_type: str, body: bytes) -> LyingBoard:
        return self


@pytest.mark.parametrize("seq", [0, 1000])
def test_success_is_not_taken_on_trust(office: TrusteeOffice, monkeypatch: pytest.MonkeyPatch, seq: int) -> None:
    office.tally()
    monkeypatch.setattr("trustee_tools.publish.open_election_board", lambda *_, **__: (LyingBoard(seq), None))
    refused = office.decrypt(1, code=1)
    assert f"error: entry {seq}: the board does not show your entry" in refused.stderr
    assert "Done" not in refused.stdout


def test_a_history_that_changes_while_appending_is_found(office: TrusteeOffice) -> None:
    """The entry stands where it should, but the one that was last a moment ago was another."""
    with open_view(office.folder, allow_toy=True) as view:
        size, first = view.size, view.read_body(0)
        step = Step("election.defined", first)
        head = view.header_hash(size - 1)
    assert publish(office.folder, step, board_key=None, allow_toy=True, size=size, head=head) == 0
    with pytest.raises(ProofError, match="no longer shows what it showed before"):
        publish(office.folder, step, board_key=None, allow_toy=True, size=size, head=ZERO_HASH)
    with pytest.raises(ProofError, match="no longer shows what it showed before"):
        publish(office.folder, step, board_key=None, allow_toy=True, size=size + 1, head=head)
