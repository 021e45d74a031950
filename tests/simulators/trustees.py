"""Five trustees who use `urne-trustee` on a real board, and an administrator who uses the library."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from bulletin_board.log import Board
from tests.simulators.election import ADMINISTRATOR, AUTHORITY, BOARD_KEY, manifest_for
from tests.simulators.record import ADA, CHAIR, GRACE, ORIGIN
from trustee_tools.ceremony import TrusteeSecrets
from trustee_tools.cli import main
from trustee_tools.keystore import create_key_files, open_trustee_key
from trustee_tools.sources import open_view
from voting.address import Address
from voting.crypto.keyfile import write_plain_key_file
from voting.crypto.signatures import SigningKey
from voting.election.admission import ElectionAdmission
from voting.election.ballots import encrypt_ballot
from voting.election.steps import (
    close_election,
    compute_tally,
    define_election,
    list_credentials,
    open_election,
    publish_result,
    restart_ceremony,
)
from voting.local_board import open_election_board

PASSPHRASE = "a passphrase for tests"
TIME = "2026-11-24T08:00:00.000Z"
LAST_TIME = "2099-01-01T00:00:00.000Z"


class TrusteeOffice:
    """An election folder with its board, and the key files of its trustees."""

    def __init__(self, folder: Path, *, trustees: int = 5, threshold: int = 3) -> None:
        self.folder = folder / "election"
        self.keys = folder / "trustees"
        self.keys.mkdir(parents=True)
        (self.folder / "keys").mkdir(parents=True)
        board_key = self.folder / "keys" / "board.key"
        board_key.write_bytes(write_plain_key_file(bytes([3]) * 32, kind="board", label="test"))
        board_key.chmod(0o600)
        self.passphrase_file = self.keys / "passphrase"
        self.passphrase_file.write_text(PASSPHRASE + "\n")
        self.passphrase_file.chmod(0o600)
        self.manifest = manifest_for([CHAIR], trustees=trustees, threshold=threshold)
        with Board.create(self.folder / "board", ORIGIN, BOARD_KEY) as board:
            board.admission = ElectionAdmission(board.body, allow_toy=True)
            board.append(*define_election(self.manifest, ADMINISTRATOR, TIME))
        for index in range(1, trustees + 1):
            create_key_files(
                [self.key(index), self.keys / f"{index}.copy"],
                bytes([100 + index]) * 32,
                label=f"Trustee {index}",
                passphrase=PASSPHRASE,
                work_factor=2,
            )

    def key(self, index: int) -> Path:
        return self.keys / f"{index}.key"

    def secrets(self, index: int) -> TrusteeSecrets:
        return TrusteeSecrets(open_trustee_key(self.key(index), PASSPHRASE), self.manifest, index)

    # -- trustees ------------------------------------------------------------------------------------------------------

    def run(self, *words: str | Path | Address, answers: str | None = None, code: int | None = 0) -> Result:
        """Run `urne-trustee` with these words, and require the exit code unless it is None."""
        result = CliRunner().invoke(main, ["--language", "en", *map(str, words)], input=answers)
        assert code is None or result.exit_code == code, result.output
        return result

    def unattended(self) -> list[str | Path]:
        return ["--passphrase-file", self.passphrase_file, "--allow-toy-group"]

    def step(
        self, index: int, *words: str | Path, code: int | None = 0, source: Path | Address | None = None
    ) -> Result:
        key = self.key(index)
        return self.run("step", source or self.folder, "--key", key, "--yes", *words, *self.unattended(), code=code)

    def join(self, index: int) -> Result:
        return self.step(index, "--index", str(index))

    def decrypt(
        self, index: int, *words: str | Path, code: int | None = 0, source: Path | Address | None = None
    ) -> Result:
        key = self.key(index)
        return self.run("decrypt", source or self.folder, "--key", key, "--yes", *words, *self.unattended(), code=code)

    def status(self, *words: str | Path) -> str:
        return self.run("status", self.folder, "--allow-toy-group", *words).stdout

    def ceremony(self, indices: range | list[int] = range(1, 6), *, rounds: int = 4) -> None:
        """The first rounds: join, commit, deal, confirm."""
        for number in range(rounds):
            for index in indices:
                self.join(index) if number == 0 else self.step(index)

    # -- the administrator ---------------------------------------------------------------------------------------------

    def append(self, *entry: Any, check: bool = True) -> int:
        """Append an entry; without `check` as a board would that asks no rules."""
        if not check:
            with Board.open(self.folder / "board", BOARD_KEY) as board:
                return board.append(*entry).seq
        board, _ = open_election_board(self.folder / "board", BOARD_KEY, allow_toy=True)
        with board:
            return board.append(*entry).seq

    def restart(self, excluded: list[int]) -> None:
        with open_view(self.folder, allow_toy=True) as view:
            entry = restart_ceremony(view.record, ADMINISTRATOR, excluded, LAST_TIME)
        self.append(*entry)

    def vote(self, choices: tuple[Any, ...] = (ADA, GRACE, ADA)) -> None:
        """List credentials, open, cast one ballot for each choice, close."""
        keys = [SigningKey.from_seed(bytes([position]) * 32) for position in range(50, 50 + (len(choices) or 1))]
        listed = [(key.verify_key.raw, 1) for key in keys]
        for entry in list_credentials(self.manifest, listed, AUTHORITY, LAST_TIME):
            self.append(*entry)
        with open_view(self.folder, allow_toy=True) as view:
            entry = open_election(view.record, ADMINISTRATOR, LAST_TIME)
        self.append(*entry)
        with open_view(self.folder, allow_toy=True) as view:
            context = view.record.ballot_context()
        for position, (key, choice) in enumerate(zip(keys, choices, strict=False)):
            ballot = encrypt_ballot(context, key, [choice], bytes([position]) * 32)
            self.append("ballot.cast", ballot.body, ballot.hints)
        with open_view(self.folder, allow_toy=True) as view:
            entry = close_election(view.record, ADMINISTRATOR, LAST_TIME)
        self.append(*entry)

    def tally(self) -> None:
        with open_view(self.folder, allow_toy=True) as view:
            entry = compute_tally(view.record, view.read_body, ADMINISTRATOR, LAST_TIME)
        self.append(*entry)

    def result(self) -> tuple[int, ...]:
        with open_view(self.folder, allow_toy=True) as view:
            entry = publish_result(view.record, ADMINISTRATOR, LAST_TIME)
        self.append(*entry)
        with open_view(self.folder, allow_toy=True) as view:
            assert view.record.result is not None
            return view.record.result.totals


def shown_passphrase(output: str) -> str:
    """The passphrase that `init` has drawn and shown."""
    found = re.search(r"^ {4}((?:[a-z]{5}-){4}[a-z]{5})$", output, re.MULTILINE)
    assert found is not None, output
    return found[1]
