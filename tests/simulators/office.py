"""An administrator, voters and trustees who use the commands on a real board, with the toy group."""

from __future__ import annotations

import csv
from pathlib import Path

from click.testing import CliRunner, Result

from bulletin_board.reader import open_reader
from trustee_tools import ceremony as rounds
from trustee_tools.ceremony import TrusteeSecrets, decryption_secret
from voting.cli import main
from voting.election.decryption import decode_totals, make_share
from voting.election.record import ElectionRecord, require_tally
from voting.local_board import replay_record
from voting.message_file import write_message_file
from voting.protocol.entries import sign_content
from voting.protocol.errors import UrneError

TIME = "2026-11-24T08:00:00.000Z"

MANIFEST = """
title = "Club election"
contact = "office@example.org"
trustees = ["Anna", "Bea", "Carlo"]
group = "toy-512"

[schedule]
opens = 2026-11-24T09:00:00+01:00
closes = 2099-12-01T18:00:00+01:00

[[questions]]
method = "choose"
title = "Who shall chair?"
options = ["Ada", "Blaise", "Chien-Shiung"]
blank = true

[[questions]]
method = "condorcet-ties"
title = "What first?"
options = ["Hut", "Maps", "Feast"]
"""


class Office:
    """A folder with an election in it. Every command is run as a person would, through `urne`."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.folder = folder / "election"
        self.source = folder / "election.toml"
        self.source.write_text(MANIFEST)
        self.voters = folder / "voters.csv"
        self.voters.write_text("id,name,weight\nada,Ada L.,1\nbob,Bob,1\ncleo,Cleo,3\n")

    def urne(self, *words: str | Path, answers: str | None = None, code: int = 0) -> Result:
        """Run `urne` with these words, and require the exit code."""
        result = CliRunner().invoke(main, ["--language", "en", *map(str, words)], input=answers)
        assert result.exit_code == code, (words, result.exit_code, result.output)
        return result

    def run(self, command: str, *words: str | Path, answers: str | None = None, code: int = 0) -> Result:
        """Run a command on the election."""
        return self.urne(command, self.folder, *words, "--allow-toy-group", answers=answers, code=code)

    def new(self) -> Result:
        return self.urne("election", "new", self.folder, self.source, "--allow-toy-group")

    def record(self) -> ElectionRecord:
        with open_reader(self.folder / "board", unpublished=True) as board:
            return replay_record(board, allow_toy=True)

    # -- trustees, who send message files ------------------------------------------------------------------------------

    def trustee(self, index: int) -> TrusteeSecrets:
        return TrusteeSecrets(bytes([100 + index]) * 32, self.record().require_manifest(), index)

    def submit(self, entry_type: str, body: bytes, *, code: int = 0) -> Result:
        number = len(list(self.home.glob("message-*.json")))
        path = self.home / f"message-{number}.json"
        path.write_bytes(write_message_file(entry_type, body))
        return self.run("submit", path, code=code)

    def ceremony(self, indices: tuple[int, ...] = (1, 2, 3)) -> None:
        for number in range(4):
            for index in indices:
                who, state = self.trustee(index), self.record().require_ceremony()
                if number == 0:
                    self.submit(*rounds.join(who, state, TIME))
                elif number == 1:
                    self.submit(*rounds.commit(who, state, TIME, bytes_of_one))
                elif number == 2:
                    self.submit(*rounds.deal(who, state, TIME))
                else:
                    self.submit(*rounds.confirm(who, state, TIME))

    def decrypt(self, index: int) -> None:
        record, who = self.record(), self.trustee(index)
        tally, state = require_tally(record), record.require_ceremony()
        if record.tally_hash is None:
            raise UrneError("there is no tally")
        share = make_share(
            decryption_secret(who, state),
            state.verification_key(index),
            decode_totals(record.group, tally, subject="tally"),
            election=tally.election,
            tally=record.tally_hash,
            index=index,
            time=TIME,
            random_bytes=bytes_of_one,
        )
        self.submit("tally.share", sign_content("tally.share", record.require_manifest().hash, share, who.signing_key))

    # -- voters --------------------------------------------------------------------------------------------------------

    def give_codes(self) -> dict[str, str]:
        """Codes by voter."""
        merge = self.home / "codes.csv"
        self.run("credentials", self.voters, "--merge", merge)
        with merge.open(encoding="utf-8-sig", newline="") as file:
            return {row["id"]: row["code"] for row in csv.DictReader(file)}

    def vote(self, code: str, *answers: str, receipt: str = "receipt.json", exit_code: int = 0) -> Result:
        """Vote by typing: the code, then these lines."""
        lines = "\n".join([code, *answers]) + "\n"
        return self.run("vote", "--receipt", self.home / receipt, answers=lines, code=exit_code)


def bytes_of_one(length: int) -> bytes:
    """No randomness at all: good enough for a test's trustees."""
    return b"\x01" * length
