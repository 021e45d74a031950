"""Protocol V15: does a site serve the booth that the election's opening names? (docs/spec/http.md, "The booth's files")

The opening (N19) names every file of the booth with its SHA-256, signed by the administrator before the first vote. A
site that changes a file afterwards is caught by whoever asks. A site that serves other files to some voters only is
caught by those voters, or by luck: ask from different places.

This module must not import the board's own code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from voting.address import Address
from voting.protocol.encoding import Hash, sha256
from voting.protocol.errors import DecodeError, UnavailableError, UrneError
from voting.protocol.messages import BoothFile
from voting.web_client import WebClient, refusal

MAX_FILE_BYTES = 4 * 1024 * 1024
PAGES = {"vote": "booth/vote.html", "test": "booth/test.html", "trustee": "booth/trustee.html"}
"""Page of an election -> the file whose bytes it must have."""

_NOT_FOUND = (404, 410)


class BoothDifference(NamedTuple):
    """A file that is not what the opening names. `found` is empty if it is not served at all."""

    url: str
    path: str
    reason: str
    expected: Hash
    found: Hash | None


class BoothReport(NamedTuple):
    """What came of comparing."""

    checked: int
    """Addresses that were asked."""
    differences: tuple[BoothDifference, ...]


def compare_booth(web: WebClient, address: Address, files: Sequence[BoothFile]) -> BoothReport:
    """Protocol V15: fetch every file of the booth that the opening names, and the pages made of them, and compare.

    Args:
        address: of the election.
        files: from `election.opened`.

    Raises:
        UnavailableError: if the site cannot be reached, or fails.
    """
    wanted = list(_addresses(address, files))
    differences = [found for url, file in wanted if (found := _compare(web, url, file)) is not None]
    return BoothReport(len(wanted), tuple(differences))


def _addresses(address: Address, files: Sequence[BoothFile]) -> Iterator[tuple[str, BoothFile]]:
    named = {file.path: file for file in files}
    for file in files:
        yield address.site / file.path, file
    for page, path in PAGES.items():
        if path in named:
            yield address / page, named[path]


def _compare(web: WebClient, url: str, file: BoothFile) -> BoothDifference | None:
    try:
        answer = web.ask(url, limit=MAX_FILE_BYTES, fresh=True)
    except DecodeError as error:
        return BoothDifference(url, file.path, error.problem, file.sha256, None)
    if answer.status != 200:
        refused = refusal(answer, url)
        if isinstance(refused, UnavailableError) and answer.status not in _NOT_FOUND:
            raise refused
        return BoothDifference(url, file.path, _reason(answer.status, refused), file.sha256, None)
    found = sha256(answer.data)
    if found == file.sha256:
        return None
    return BoothDifference(url, file.path, "has other bytes", file.sha256, found)


def _reason(status: int, error: UrneError) -> str:
    return "is not served" if status in _NOT_FOUND else f"is not served: {error.problem}"
