"""`urne account` and `urne authority`: what whoever keeps the machine, and an outside authority, do by command."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.simulators.site import SECRET, SiteSimulator
from voting.cli import main
from voting.protocol.methods.choose import ChooseSelection
from voting.site.accounts import LoginError
from voting.site.election_settings import ElectionSettings

LIST = "id,name,weight\nada,Ada,1\nbob,Bob,3\n"


def run(*arguments: object, code: int = 0) -> Any:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def test_accounts_by_command(tmp_path: Path) -> None:
    site = SiteSimulator(tmp_path)
    (tmp_path / "secret.key").write_bytes(SECRET)
    run("account", "list", tmp_path / "nowhere", code=2)
    first = run("account", "add", tmp_path, "Ada", "--manager").stdout
    run("account", "add", tmp_path, "ADA", code=2)
    run("account", "add", tmp_path, "\u202e", code=2)
    old = first.strip().removeprefix("Ada: ")
    assert re.fullmatch(r"[a-z]{5}(-[a-z]{5}){4}", old)
    assert site.services.accounts.check("Ada", old, "192.0.2.1").is_manager
    new = run("account", "passphrase", tmp_path, "ada").stdout.strip().removeprefix("Ada: ")
    assert site.services.accounts.check("Ada", new, "192.0.2.1").name == "Ada"
    with pytest.raises(LoginError):
        site.services.accounts.check("Ada", old, "192.0.2.1")
    run("account", "passphrase", tmp_path, "nobody", code=2)
    listed = run("account", "list", tmp_path).stdout
    assert "Ada" in listed
    assert new not in listed
    site.close()


def test_an_outside_authority_by_command(tmp_path: Path) -> None:
    key, voters = tmp_path / "authority.key", tmp_path / "voters.csv"
    voters.write_text(LIST)
    printed = run("authority", "new", key).stdout
    public = printed.split()[-1]
    assert len(public) == 43
    assert key.stat().st_mode & 0o077 == 0
    run("authority", "new", key, code=2)  # never over another key

    data = tmp_path / "site"
    data.mkdir()
    site = SiteSimulator(data)
    club = site.election(
        settings=ElectionSettings(authority="outside"), manifest_of=lambda m: replace(m, authority=public)
    )
    place = club.hosted.folder
    keys, merge = tmp_path / "keys", tmp_path / "codes.csv"
    common = ("authority", "codes", place, voters, "--key", key, "--allow-toy-group")
    run(*common, "--keys", keys, code=2)
    assert not keys.exists()
    said = run(*common, "--keys", keys, "--merge", merge).output
    codes = [row["code"] for row in csv.DictReader(merge.read_text("utf-8-sig").splitlines())]
    assert len(codes) == 2
    files = [(path.name, path.read_bytes()) for path in sorted(keys.iterdir())]
    for code in codes:
        assert code not in said
        assert not any(code.encode() in data for _name, data in files)
    assert not any(b"ada" in data.lower() for _name, data in files)
    run(*common, "--keys", keys, "--merge", tmp_path / "again.csv", code=2)

    assert site.services.codes.accept_lists(club.hosted, files) == (2, 4)
    club.run_ceremony()
    club.open()
    club.vote(codes[1], [ChooseSelection((0,))])
    assert club.hosted.look(lambda record: len(record.ballots)) == 1
    run(*common, "--keys", tmp_path / "late", "--merge", tmp_path / "late.csv", code=2)

    stranger = tmp_path / "stranger.key"
    run("authority", "new", stranger)
    wrong = [argument if argument is not key else stranger for argument in common]
    run(*wrong, "--keys", tmp_path / "x", "--merge", tmp_path / "x.csv", code=2)
    assert not (tmp_path / "x.csv").exists()
    site.close()
    assert isinstance(main, click.Group)
