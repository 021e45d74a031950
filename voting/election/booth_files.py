"""Protocol S3a: the list of the voting site's files in `election.opened` (docs/spec/entries.md, N19).

It must not import flask or read files: the site says what it serves, and this says whether the list is well formed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voting.protocol.errors import VerificationError
from voting.protocol.messages import BoothFile

MAX_BOOTH_FILES = 1000
MAX_PATH_CHARACTERS = 200

_HASH = re.compile(r"[0-9a-f]{64}\Z")
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")


def verify_booth_files(files: Sequence[BoothFile], *, subject: str) -> None:
    """Protocol S3a (check 10): the paths are plain, relative and in strictly rising order, the hashes are hashes.

    Raises:
        VerificationError: naming the place in the list.
    """
    if len(files) > MAX_BOOTH_FILES:
        raise VerificationError(
            "10",
            subject,
            "names too many files of the booth",
            expected=f"at most {MAX_BOOTH_FILES}",
            found=str(len(files)),
        )
    last = ""
    for position, file in enumerate(files, start=1):
        if len(file.path) > MAX_PATH_CHARACTERS or not _PATH.match(file.path):
            raise VerificationError("10", subject, f"file {position} of the booth has a path that no site should serve")
        if file.path <= last:
            raise VerificationError("10", subject, f"file {position} of the booth is out of order or named twice")
        if not _HASH.match(file.sha256):
            raise VerificationError("10", subject, f"file {position} of the booth has a hash that is none")
        last = file.path
