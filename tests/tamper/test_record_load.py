"""Hostile and broken records: the loader refuses them with words, and writes nothing outside its own folder."""

from __future__ import annotations

import os
import random
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from voting.protocol.errors import DecodeError, UnavailableError, UrneError
from voting.verifier import load
from voting.verifier.load import open_record

FILES = {
    "headers.jsonl": b'{"seq":0}\n{"seq":1}\n{"seq":2}\n',
    "bodies.jsonl": b'{"a":1}\n{"b":2}\n{"c":3}\n',
    "hints.jsonl": b'\n{"h":1}\n\n',
    "checkpoint": b"a note, unchecked here\n",
    "vkey": b"board.example/e+00000000+AAAA\n",
}


def info(name: str, **fields: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = zipfile.ZIP_DEFLATED
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def write_zip(path: Path, files: dict[str, bytes], *more: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(info(name), data)
        for member, data in more:
            archive.writestr(member, data)
    return path


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def without(name: str) -> dict[str, bytes]:
    return {key: data for key, data in FILES.items() if key != name}


@pytest.fixture(params=["folder", "zip"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    if request.param == "folder":
        return lambda files: write_folder(tmp_path / "record", files)
    return lambda files: write_zip(tmp_path / "record.zip", files)


Write = Callable[[dict[str, bytes]], Path]


def test_a_sound_record_is_read(write: Write) -> None:
    with open_record(write(FILES)) as record:
        entries = list(record.entries())
        assert [entry.seq for entry in entries] == [0, 1, 2]
        assert [entry.hint_bytes for entry in entries] == [None, b'{"h":1}', None]
        assert list(record.entries(1)) == entries[1:]
        assert list(record.entries(1, 2)) == entries[1:2]
        assert list(record.bodies(2)) == [b'{"c":3}']
        assert list(record.lines_at("hints.jsonl", 1, 1)) == [b'{"h":1}', b""]
        assert len(record) == 3
        assert record.vkey == "board.example/e+00000000+AAAA"
        with pytest.raises(DecodeError, match="ends after 3"):
            list(record.entries(1, 9))
        with pytest.raises(DecodeError, match="line 10"):
            list(record.headers(9))


def test_the_hints_may_be_absent(write: Write) -> None:
    with open_record(write(without("hints.jsonl"))) as record:
        assert [entry.hint_bytes for entry in record.entries()] == [None, None, None]
        assert list(record.hints()) == []


@pytest.mark.parametrize("name", ["headers.jsonl", "bodies.jsonl", "checkpoint", "vkey"])
def test_a_missing_file_is_named(write: Write, name: str) -> None:
    with pytest.raises((UnavailableError, DecodeError), match=f"no file {name}"), open_record(write(without(name))):
        pass


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("headers.jsonl", b'{"seq":0}\n{"seq":1}\n{"seq":2}', "headers.jsonl, line 3: is cut short"),
        ("headers.jsonl", b'{"seq":0}\n\n{"seq":2}\n', "headers.jsonl, line 2: is empty"),
        ("headers.jsonl", b'{"seq":0}\n', "headers.jsonl: ends after 1 lines, but bodies.jsonl goes on"),
        ("headers.jsonl", b"x" * 65_536 + b"\n", "headers.jsonl, line 1: is longer than 65535"),
        ("bodies.jsonl", b'{"a":1}\n', "bodies.jsonl: ends after 1 lines, but headers.jsonl goes on"),
        (
            "bodies.jsonl",
            b'{"a":1}\n' + b"x" * (4 * 1024**2 + 1) + b"\n",
            "bodies.jsonl, line 2: is longer than 4194304",
        ),
        ("hints.jsonl", b"\n", "hints.jsonl: ends after 1 lines"),
        ("hints.jsonl", b"\n\n\n\n", "headers.jsonl: ends after 3 lines, but hints.jsonl goes on"),
    ],
)
def test_a_broken_line_is_named(write: Write, name: str, data: bytes, message: str) -> None:
    with open_record(write(FILES | {name: data})) as record, pytest.raises(DecodeError, match=message):
        list(record.entries())


@pytest.mark.parametrize("extra", [b"x" * 65_536, b"x" * (3 * 1024**2)])
def test_the_index_refuses_what_the_reader_refuses(write: Write, extra: bytes) -> None:
    path = write(FILES | {"headers.jsonl": b"{}\n" + extra + b"\n"})
    with open_record(path) as record, pytest.raises(DecodeError, match="line 2: is longer"):
        len(record)


def test_a_line_of_exactly_the_limit_is_read(write: Write) -> None:
    line = b"x" * 65_535
    with open_record(write(FILES | {"headers.jsonl": (line + b"\n") * 3})) as record:
        assert list(record.headers(2)) == [line]
        assert len(record) == 3


@pytest.mark.parametrize("data", [b"", b"\n", b"one", b"one\ntwo\n", b"\xff\n", b"x" * 5000 + b"\n"])
def test_a_malformed_vkey_file_is_refused(write: Write, data: bytes) -> None:
    with pytest.raises(DecodeError, match="vkey"), open_record(write(FILES | {"vkey": data})):
        pass


def test_an_endless_checkpoint_is_refused(write: Write) -> None:
    path = write(FILES | {"checkpoint": bytes(1_000_001)})
    with pytest.raises(DecodeError, match="checkpoint: is longer"), open_record(path):
        pass


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "a/headers.jsonl", "./headers.jsonl", "..\\evil", "extra.txt", "HEADERS.JSONL", "vkey/"],
)
def test_a_foreign_name_in_a_zip_is_refused(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "r.zip", FILES, (info(name), b""))
    with pytest.raises(DecodeError, match="is not one of the files"), open_record(path, temporary_folder=tmp_path):
        pass
    assert [left.name for left in tmp_path.iterdir()] == ["r.zip"]


def test_a_name_cut_by_a_zero_byte_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "r.zip", without("vkey"), (info("vkey_evil"), b"x\n"))
    path.write_bytes(path.read_bytes().replace(b"vkey_evil", b"vkey\0evil"))
    with pytest.raises(DecodeError, match="is not one of the files"), open_record(path):
        pass


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_doubled_name_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "r.zip", FILES, (info("vkey"), b"another\n"))
    with pytest.raises(DecodeError, match="occurs twice"), open_record(path):
        pass


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_special_file_in_a_zip_is_refused(tmp_path: Path, kind: int) -> None:
    member = info("vkey", create_system=3, external_attr=(kind | 0o777) << 16)
    path = write_zip(tmp_path / "r.zip", without("vkey"), (member, b"/etc/hostname"))
    with pytest.raises(DecodeError, match="link or a special file"), open_record(path):
        pass


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_uncommon_packing_is_refused(tmp_path: Path, method: int) -> None:
    path = write_zip(tmp_path / "r.zip", without("vkey"), (info("vkey", compress_type=method), b"x\n"))
    with pytest.raises(DecodeError, match="other than deflate"), open_record(path):
        pass


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "r.zip", FILES)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DecodeError, match="is encrypted"), open_record(path):
        pass


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "RATIO_FREE_BYTES", 100_000)
    path = write_zip(tmp_path / "r.zip", FILES | {"bodies.jsonl": b"x" * 1_000_000})
    with pytest.raises(DecodeError, match="grows more than"), open_record(path):
        pass
    with pytest.raises(DecodeError, match="more than the 1000 allowed"), open_record(path, max_bytes=1000):
        pass


def test_a_member_that_lies_about_its_length_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "r.zip", FILES)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (5).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(DecodeError), open_record(path):
        pass


def test_a_disk_too_small_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10}))
    with pytest.raises(UnavailableError, match="TMPDIR"), open_record(write_zip(tmp_path / "r.zip", FILES)):
        pass


def test_every_truncated_zip_is_refused(tmp_path: Path) -> None:
    data = write_zip(tmp_path / "r.zip", FILES).read_bytes()
    for length in range(len(data)):
        (tmp_path / "r.zip").write_bytes(data[:length])
        with pytest.raises(DecodeError), open_record(tmp_path / "r.zip"):
            pass


def test_a_damaged_zip_is_refused_or_reads_the_same(tmp_path: Path) -> None:
    chance = random.Random(3)
    path = write_zip(tmp_path / "r.zip", FILES)
    original = path.read_bytes()
    for _ in range(1500):
        data = bytearray(original)
        data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            with open_record(path) as record:
                found = [*record.entries()], record.checkpoint, record.vkey
        except UrneError:
            continue
        assert [entry.body_bytes for entry in found[0]] == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


def test_what_is_no_record_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not exist"), open_record(tmp_path / "absent"):
        pass
    (tmp_path / "text").write_text("no zip")
    with pytest.raises(DecodeError, match="not a sound"), open_record(tmp_path / "text"):
        pass
    path = write_zip(tmp_path / "r.zip", FILES)
    with pytest.raises(UnavailableError, match="TMPDIR"), open_record(path, temporary_folder=tmp_path / "absent"):
        pass
    folder = write_folder(tmp_path / "board", {"board.db": b""})
    with pytest.raises(UnavailableError, match="urne-board export"), open_record(folder):
        pass


def test_a_pipe_in_a_folder_does_not_hang_the_reader(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "record", without("headers.jsonl"))
    os.mkfifo(folder / "headers.jsonl")
    with open_record(folder) as record, pytest.raises(DecodeError, match="regular file"):
        list(record.headers())


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "r.zip", FILES)
    with open_record(path, temporary_folder=tmp_path) as record:
        assert stat.S_IMODE(record.folder.stat().st_mode) == 0o700
        assert len(list(tmp_path.iterdir())) == 2
    assert [left.name for left in tmp_path.iterdir()] == ["r.zip"]
