"""Key files of trustees: made, opened, lost, destroyed, with a person at the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.simulators.trustees import PASSPHRASE, TrusteeOffice, shown_passphrase
from trustee_tools import prompts
from trustee_tools.cli import main
from trustee_tools.keystore import create_key_files, open_trustee_key
from voting.crypto.keyfile import write_plain_key_file
from voting.files import write_new_file
from voting.protocol.errors import KeyFileError, UnavailableError, UsageError


def run(*words: str | Path, answers: str = "", code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["--language", "en", *map(str, words)], input=answers)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> str:
    """A passphrase that the test knows beforehand, so that it can type it back."""
    monkeypatch.setattr(prompts, "generate_passphrase", lambda _random: "babab-babad-babaf-babag-babah")
    return "babab-babad-babaf-babag-babah"


def init(folder: Path, *words: str, answers: str, code: int = 0) -> Result:
    return run("init", folder / "my.key", folder / "my.copy", "--work-factor", "2", *words, answers=answers, code=code)


def test_init_shows_a_passphrase_once_and_makes_two_files_that_open(tmp_path: Path, drawn: str) -> None:
    result = init(tmp_path, answers=f"{drawn}\n")
    assert shown_passphrase(result.stderr) == drawn
    assert drawn not in result.stdout
    seeds = {open_trustee_key(tmp_path / name, drawn) for name in ("my.key", "my.copy")}
    assert len(seeds) == 1
    first, second = ((tmp_path / name).read_bytes() for name in ("my.key", "my.copy"))
    assert first != second
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("my.key", "my.copy")} == {0o600}
    assert "on the same disk" in result.stderr


def test_a_passphrase_that_is_not_typed_back_makes_no_file(tmp_path: Path, drawn: str) -> None:
    result = init(tmp_path, answers="wrong\nwrong\nwrong\n", code=2)
    assert "no file was written" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_drawn_passphrases_differ(tmp_path: Path) -> None:
    shown = {shown_passphrase(init(tmp_path, answers="no\nno\nno\n", code=2).stderr) for _ in range(2)}
    assert len(shown) == 2


def test_a_passphrase_of_ones_own(tmp_path: Path) -> None:
    assert "shorter than 12" in init(tmp_path, "--own-passphrase", answers="short\n", code=2).stderr
    own = "four words, or more, of one's own"
    init(tmp_path, "--own-passphrase", answers=f"{own}\nmistyped\n{own}\n")
    assert len(open_trustee_key(tmp_path / "my.key", own)) == 32


@pytest.mark.parametrize("taken", ["my.key", "my.copy"])
def test_init_never_overwrites_and_leaves_nothing_behind(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("something else")
    result = init(tmp_path, answers="", code=2)
    assert "exists already" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_text() == "something else"


def test_the_copy_must_be_another_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one and the same file"):
        create_key_files([tmp_path / "a", tmp_path / "." / "a"], bytes(32), label="x", passphrase="y", work_factor=2)
    assert list(tmp_path.iterdir()) == []


def test_if_the_second_copy_fails_the_first_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def full_disk(path: Path, data: bytes) -> None:
        if path.name == "b":
            raise UnavailableError("cannot be written (no space left)", where=str(path))
        write_new_file(path, data)

    monkeypatch.setattr("trustee_tools.keystore.write_new_file", full_disk)
    with pytest.raises(UnavailableError, match="no space"):
        create_key_files([tmp_path / "a", tmp_path / "b"], bytes(32), label="x", passphrase="y", work_factor=2)
    assert list(tmp_path.iterdir()) == []


def test_copies_that_do_not_open_again_are_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "trustee_tools.keystore.write_new_file", lambda path, data: write_new_file(path, data[:-70] + b"x" * 70)
    )
    with pytest.raises(KeyFileError):
        create_key_files([tmp_path / "a", tmp_path / "b"], bytes(32), label="x", passphrase="y", work_factor=2)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_passphrase_may_be_typed_again_three_times_in_all(tmp_path: Path, drawn: str) -> None:
    init(tmp_path, answers=f"{drawn}\n")
    good = run("check", tmp_path / "my.key", answers=f"wrong\nwrong again\n{drawn}\n")
    assert good.stderr.count("does not open with this passphrase") == 2
    bad = run("check", tmp_path / "my.key", answers="wrong\nwrong\nsecret-typed\n", code=3)
    assert "does not open with this passphrase" in bad.stderr
    assert "secret-typed" not in bad.output


def test_no_terminal_means_no_passphrase(tmp_path: Path, drawn: str) -> None:
    init(tmp_path, answers=f"{drawn}\n")
    run("check", tmp_path / "my.key", answers="", code=130)


def test_a_damaged_file_and_a_file_of_another_kind(tmp_path: Path, drawn: str) -> None:
    init(tmp_path, answers=f"{drawn}\n")
    key = tmp_path / "my.key"
    key.write_bytes(key.read_bytes().replace(b"label: trustee", b"label: trustea"))
    assert "is damaged" in run("check", key, answers=f"{drawn}\n", code=3).stderr
    board = tmp_path / "board.key"
    board.write_bytes(write_plain_key_file(bytes(32), kind="board", label="server"))
    assert "not 'trustee'" in run("check", board, code=3).stderr
    assert "cannot be read" in run("check", tmp_path / "absent", code=3).stderr


def test_a_passphrase_file_must_be_private_and_one_line(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("one\ntwo\n")
    file.chmod(0o600)
    assert "one line" in init(tmp_path, "--passphrase-file", str(file), answers="", code=2).stderr
    file.write_text("just one line\n")
    file.chmod(0o644)
    assert "may be read by other users" in init(tmp_path, "--passphrase-file", str(file), answers="", code=3).stderr
    file.chmod(0o600)
    init(tmp_path, "--passphrase-file", str(file), answers="")
    assert len(open_trustee_key(tmp_path / "my.key", "just one line")) == 32


def test_others_reading_the_key_file_is_warned_about(tmp_path: Path, drawn: str) -> None:
    init(tmp_path, answers=f"{drawn}\n")
    (tmp_path / "my.key").chmod(0o644)
    assert "Warning: other users" in run("check", tmp_path / "my.key", answers=f"{drawn}\n").stderr


def test_destroy_asks_for_the_name_and_wipes_only_that_file(tmp_path: Path, drawn: str) -> None:
    init(tmp_path, answers=f"{drawn}\n")
    key = tmp_path / "my.key"
    refused = run("destroy", key, answers="yes\n", code=2)
    assert "nothing was done" in refused.stderr
    assert key.exists()
    # A hard link to the same data shows that it was overwritten before it was removed.
    witness = tmp_path / "witness"
    witness.hardlink_to(key)
    before = witness.read_bytes()
    done = run("destroy", key, answers="my.key\n")
    assert "overwritten once" in done.stdout
    assert "Destroy the copy too" in done.stderr
    assert not key.exists()
    assert witness.read_bytes() != before
    assert len(open_trustee_key(tmp_path / "my.copy", drawn)) == 32


def test_destroy_touches_nothing_but_a_trustees_key_file(tmp_path: Path, drawn: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("not a key")
    assert "key file" in run("destroy", precious, answers="precious\n", code=3).stderr
    assert precious.read_text() == "not a key"
    init(tmp_path, answers=f"{drawn}\n")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "my.key")
    assert "is a link" in run("destroy", link, answers="link\n", code=2).stderr
    assert (tmp_path / "my.key").exists()


def test_destroy_with_the_board_waits_for_the_result(tmp_path: Path) -> None:
    office = TrusteeOffice(tmp_path, trustees=2, threshold=1)
    words: list[str | Path] = ["destroy", office.key(1), office.folder, "--allow-toy-group"]
    office.ceremony([1, 2])
    assert "is not finished" in office.run(*words, answers="1.key\n", code=2).stderr
    office.vote()
    office.tally()
    assert "is not finished" in office.run(*words, answers="1.key\n", code=2).stderr
    office.decrypt(2)
    office.result()
    office.run(*words, answers="1.key\n")
    assert not office.key(1).exists()


def test_no_secret_is_printed_by_a_whole_ceremony(tmp_path: Path) -> None:
    office = TrusteeOffice(tmp_path, trustees=2, threshold=2)
    seed = bytes([101]) * 32
    said = office.join(1).output + office.join(2).output
    for _round in range(3):
        said += office.step(1).output + office.step(2).output
    said += office.status("--key", office.key(1))
    secrets = office.secrets(1)
    group = office.manifest.crypto_group()
    polynomial = secrets.polynomial(group, 1)
    for secret in (PASSPHRASE, seed.hex(), *(str(a) for a in polynomial), *(f"{int(a):x}" for a in polynomial)):
        assert secret not in said
    assert re.search(r"Your fingerprint, to read aloud to the others: (\w{4}-){4}\w", said)
    assert repr(secrets) == "TrusteeSecrets(trustee 1)"
