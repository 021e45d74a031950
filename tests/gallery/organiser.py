"""The gallery: dishonest organisers: archives that are traps (V1), records that are not whole.

The archives store their members without packing them, so that their bytes do not depend on the version of a library.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable, Iterable, Mapping

from tests.gallery.case import ARCHIVE
from tests.gallery.making import Output, Record, broken, record
from tests.simulators.record import sample_election

Change = Callable[[zipfile.ZipInfo], None]


def files() -> Mapping[str, bytes]:
    """A small good record: a definition and a ceremony."""
    return record(sample_election(until="listed").board.entries).files


def packed(members: Iterable[tuple[str, bytes]], change: Change = lambda member: None) -> bytes:
    """An archive, the same bytes each time. `change` is asked about every member."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members:
            member = zipfile.ZipInfo(name)
            member.create_system = 3
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            change(member)
            archive.writestr(member, content)
    return data.getvalue()


def archive(data: bytes) -> Output:
    return Record({ARCHIVE: data})


def is_hints(member: zipfile.ZipInfo) -> bool:
    return member.filename == "hints.jsonl"


def _link(member: zipfile.ZipInfo) -> None:
    if member.filename == "vkey":
        member.external_attr = (stat.S_IFLNK | 0o777) << 16


def _flagged(flag: int) -> Callable[[bytes], bytes]:
    """The same archive with a flag set in the directory, for its first member."""

    def change(data: bytes) -> bytes:
        place = data.index(b"PK\1\2") + 8
        return data[:place] + flag.to_bytes(2, "little") + data[place + 2 :]

    return change


def _method(number: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        place = data.index(b"PK\1\2") + 10
        return data[:place] + number.to_bytes(2, "little") + data[place + 2 :]

    return change


def _claimed_size(data: bytes) -> bytes:
    """The directory says that the first member unpacks to 70 MiB."""
    place = data.index(b"PK\1\2") + 24
    return data[:place] + (70 * 1024**2).to_bytes(4, "little") + data[place + 4 :]


def with_archive(edit: Callable[[bytes], bytes]) -> Callable[[], Output]:
    return lambda: archive(edit(packed(files().items())))


def with_more(*more: tuple[str, bytes]) -> Callable[[], Output]:
    return lambda: archive(packed([*files().items(), *more]))


for _what, _sentence, _make in (
    ("link", "A member of the archive is a link to another file.", lambda: archive(packed(files().items(), _link))),
    ("file-outside", "A member of the archive is named ../vkey.", with_more(("../vkey", b"x"))),
    ("absolute-name", "A member of the archive has an absolute name.", with_more(("/vkey", b"x"))),
    ("other-file", "The archive holds a file that no record has.", with_more(("read me first", b"x"))),
    (
        "folder",
        "The record is in a folder inside the archive.",
        lambda: archive(packed([(f"record/{name}", data) for name, data in files().items()])),
    ),
    (
        "file-missing",
        "The archive has no checkpoint.",
        lambda: archive(packed([item for item in files().items() if item[0] != "checkpoint"])),
    ),
    ("encrypted", "A member of the archive is encrypted.", with_archive(_flagged(1))),
    ("other-packing", "A member of the archive is packed in a way that few programs know.", with_archive(_method(12))),
    (
        "bomb",
        "A member of the archive is said to unpack to more than 200 times the archive.",
        with_archive(_claimed_size),
    ),
    ("cut-off", "The archive is cut off.", with_archive(lambda data: data[:-100])),
    (
        "changed",
        "A byte of a member is changed: the archive's own checksum fails.",
        with_archive(lambda data: data.replace(b"Trustee 1", b"Trustee 2", 1)),
    ),
):
    broken(f"V1-{_what}", _sentence, 59, by="organiser", verdict="unreadable")(_make)


@broken("V1-file-twice", "The archive holds two lists of headers.", 59, by="organiser", verdict="unreadable")
def file_twice() -> Output:
    """Python warns when it writes such an archive, so the name is exchanged afterwards."""
    data = packed([*files().items(), ("readers.jsonl", b"x")])
    return archive(data.replace(b"readers.jsonl", b"headers.jsonl"))


def with_file(name: str, data: bytes | None) -> Callable[[], Output]:
    """A folder in which one file is another one, or missing."""

    def make() -> Output:
        changed = dict(files())
        del changed[name]
        return Record(changed if data is None else {**changed, name: data})

    return make


for _what, _sentence, _name, _data in (
    ("no-headers", "The folder has no headers.", "headers.jsonl", None),
    ("no-vkey", "The folder does not name the board's key.", "vkey", None),
    ("two-vkeys", "The file of the board's key has two lines.", "vkey", b"one\ntwo\n"),
    ("vkey-without-an-end", "The line of the board's key does not end.", "vkey", b"one"),
):
    broken(f"V1-{_what}", _sentence, 55, 59, by="organiser", verdict="unreadable")(with_file(_name, _data))
