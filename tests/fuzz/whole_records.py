"""Whole records of Urne, folders and .zip files, for both verifiers: they give a verdict, whatever the files hold."""

from __future__ import annotations

import contextlib
import io
import shutil
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from tests.fuzz.changes import change
from tests.fuzz.target import Make, Target
from tests.simulators.record import sample_record
from voting.verifier import reference
from voting.verifier.findings import Cause
from voting.verifier.load import open_record
from voting.verifier.report import EXIT_CODES
from voting.verifier.verify import verify_record

SLOW = 20.0
CRASHED = "A check could not run"
"""What the second verifier says when something came up that it did not foresee."""


def record_targets(folder: Path) -> Iterator[Target]:
    """Records with one file changed, and .zip files with any byte changed."""
    files = {path.name: path.read_bytes() for path in sorted(sample_record(folder / "sample").iterdir())}
    packed = _packed(files)
    place = folder / "record"
    zipped = folder / "record.zip"
    make = _one_file(files)
    yield Target("record, folder", partial(_folder, place), (), make, SLOW, 2)
    yield Target("record, .zip", partial(_zip, zipped), [packed], None, SLOW, 2)
    yield Target("record, .zip of changed files", partial(_zip, zipped), (), make, SLOW, 1)
    yield Target("record, second verifier", partial(_second, zipped), (), make, SLOW, 1)
    yield Target("record, .zip, second verifier", partial(_second, zipped), [packed], None, SLOW, 1)


def _packed(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def _one_file(files: dict[str, bytes]) -> Make:
    def make(chance: Random) -> bytes:
        name = chance.choice(sorted(files))
        changed = dict(files)
        if chance.random() < 0.05:
            del changed[name]
        else:
            changed[name] = change(files[name], chance, list(files.values()))
        return _packed(changed, method=zipfile.ZIP_STORED)

    return make


def _folder(place: Path, data: bytes) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(place)
    with open_record(place) as source:
        report = verify_record(source, allow_toy=True)
    assert not [check.id for check in report.checks if check.cause is Cause.ERROR]


def _zip(place: Path, data: bytes) -> None:
    place.write_bytes(data)
    with open_record(place) as source:
        report = verify_record(source, allow_toy=True)
    assert not [check.id for check in report.checks if check.cause is Cause.ERROR]


def _second(place: Path, data: bytes) -> None:
    place.write_bytes(data)
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = reference.main([str(place), "--allow-toy-group"])
    assert code in EXIT_CODES.values(), code
    assert CRASHED not in said.getvalue(), said.getvalue()
