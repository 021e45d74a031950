"""What the booth in the browser asks the site for (docs/spec/booth.md): its static pages and files, and public data.

No page here is made for one person: every voter gets the same bytes, and no request names a voter before the ballot
itself does. What the data say is checked in the browser against signatures, so nothing here has to be believed.
It must not import the administration.
"""

from __future__ import annotations

import gzip
from bisect import bisect_left
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from bulletin_board.reader import BoardReader
from voting.booth.files import MIN_PACKED, ServedFile, served_files
from voting.booth.verifier_file import FILE_NAME, verifier_file, verifier_policy
from voting.election.phases import Phase
from voting.election.record import ElectionRecord
from voting.protocol.encoding import Hash, encode
from voting.protocol.moment import format_moment
from voting.protocol.tlog.checkpoint import Checkpoint, parse_checkpoint
from voting.protocol.tlog.note import parse_note
from voting.protocol.tlog.proof import Receipt, format_receipt
from voting.site.elections import Elections, HostedElection
from voting.site.web import LANGUAGE_COOKIE
from voting.translations import LANGUAGES

PAGES = {"vote": "vote.html", "test": "test.html", "trustee": "trustee.html"}
"""Static pages under an election's address, and the booth's file that each of them is."""
LOOKED_UP_AT_MOST = 1000
"""A credential is looked up among about this many at most, and never among fewer than this / 64 on average."""
KEY_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
MAX_PREFIX = 4
JSON = "application/json"
NOT_AT_ALL = "no-store"
ASK_AGAIN = "public, no-cache"

FactorOf = Callable[[str], str]
"""An election's name -> its second factor, "none" or "mail"."""
ReplacedKeys = Callable[[str, str], Collection[str]]
"""An election's name, the beginning of a key -> such keys, of codes replaced before the credentials were listed."""


def file_blueprint(elections: Elections) -> Blueprint:
    """The booth's static pages and files, to be registered without a prefix. A booth loads about 60 files."""
    pages = Blueprint("booth_files", __name__)

    @pages.get("/e/<name>/<any(vote, test, trustee):page>")
    def static_page(name: str, page: str) -> ResponseReturnValue:
        elections.get(name)
        file = served_files().get(PAGES[page])
        return _file_answer(file) if file else abort(404)

    @pages.get("/booth/language")
    def chosen_language() -> Response:
        """Which language this reader chose on the site, if any: static pages cannot read the cookie."""
        chosen = request.args.get("lang") or request.cookies.get(LANGUAGE_COOKIE, "")
        return _json(encode({"language": chosen if chosen in LANGUAGES else None}))

    @pages.get("/booth/<path:path>")
    def booth_file(path: str) -> ResponseReturnValue:
        file = served_files().get(path)
        return _file_answer(file) if file else abort(404)

    @pages.get("/verify")
    @pages.get(f"/verify/{FILE_NAME}", endpoint="verifier_download")
    def verifier() -> ResponseReturnValue:
        """The verifier for browsers: a page that asks other boards, too, so it has a policy of its own."""
        answer = _file_answer(verifier_file())
        answer.headers["Content-Security-Policy"] = f"{verifier_policy()}; frame-ancestors 'none'"
        if request.endpoint == "booth_files.verifier_download":
            answer.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
        return answer

    return pages


def vote_blueprint(
    elections: Elections,
    *,
    factor_of: FactorOf = lambda _name: "none",
    replaced_keys: ReplacedKeys = lambda _name, _prefix: (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Blueprint:
    """The public data that the booth asks for, to be registered without a prefix."""
    pages = Blueprint("vote", __name__)
    lookup = CredentialLookup()

    @pages.get("/e/<name>/booth.json")
    def booth_data(name: str) -> Response:
        return _json(encode(read_booth_data(elections.get(name), factor_of(name), now())))

    @pages.get("/e/<name>/practice.json")
    def practice_data(name: str) -> Response:
        manifest = elections.get(name).look(lambda record: record.require_manifest())
        return _json(encode({"manifest": manifest}))

    @pages.get("/e/<name>/credentials/", defaults={"prefix": ""})
    @pages.get("/e/<name>/credentials/<prefix>")
    def credentials(name: str, prefix: str) -> ResponseReturnValue:
        if len(prefix) > MAX_PREFIX or not KEY_ALPHABET.issuperset(prefix):
            abort(404)
        hosted = elections.get(name)
        if len(prefix) < hosted.look(_prefix_length):
            abort(404)
        replaced = sorted(replaced_keys(name, prefix))
        return _json(
            encode({"credentials": hosted.look(lambda record: lookup.find(record, prefix)), "replaced": replaced})
        )

    return pages


# -- the election's public data ----------------------------------------------------------------------------------------


class _Facts(NamedTuple):
    """What `booth.json` takes from the live record."""

    phase: str
    closes: str | None
    contact: str
    ballots: int
    prefix: int
    election: Hash | None


def read_booth_data(hosted: HostedElection, factor: str, now: datetime) -> dict[str, Any]:
    """What the booth must know of an election, with the proofs to check it by."""
    facts = hosted.look(_facts)
    with hosted.reader() as board:
        # What its witnesses have not signed yet is not published: the booth waits for it.
        note = board.checkpoint_note()
        checkpoint = parse_checkpoint(parse_note(note, what="the checkpoint").text, what="the checkpoint")
        opened = board.find_hash(facts.election) if facts.election else None
        return {
            "ballots": facts.ballots,
            "checkpoint": note.decode("utf-8"),
            "closes": facts.closes,
            "contact": facts.contact,
            "defined": _entry(board, 0, note, checkpoint),
            "factor": factor,
            "home": f"/e/{hosted.name}",
            "name": hosted.name,
            "now": format_moment(now),
            "opened": _entry(board, opened.seq, note, checkpoint) if opened else None,
            "phase": facts.phase,
            "prefix": facts.prefix,
            "waiting": (opened.seq if opened else 0) >= checkpoint.size,
        }


def _facts(record: ElectionRecord) -> _Facts:
    phase = Phase.SETUP if record.phase == Phase.EMPTY else record.phase
    contact = record.require_manifest().contact
    return _Facts(phase.value, record.closes, contact, len(record.ballots), _prefix_length(record), record.election)


def _entry(board: BoardReader, seq: int, note: bytes, checkpoint: Checkpoint) -> dict[str, Any] | None:
    """An entry with its proof under this checkpoint; None if that does not cover it yet."""
    if seq >= checkpoint.size:
        return None
    proof = format_receipt(Receipt(seq, board.inclusion_proof(seq, checkpoint.size), note))
    texts = {"header": board.header(seq), "body": board.body(seq), "proof": proof}
    return {"seq": seq, **{name: data.decode("utf-8") for name, data in texts.items()}}


# -- credentials -------------------------------------------------------------------------------------------------------


class ListedCredential(msgspec.Struct, frozen=True):
    """A credential of the election; `voted` is on the public board, too."""

    key: str
    voted: bool
    weight: int


class CredentialLookup:
    """Finds credentials by the beginning of their key. The list is fixed at the opening, and sorted only once."""

    def __init__(self) -> None:
        self._sorted: dict[Hash, list[str]] = {}

    def find(self, record: ElectionRecord, prefix: str) -> list[ListedCredential]:
        """All credentials whose key begins so, in the order of their keys; none before the opening fixes the list."""
        if record.election is None:
            return []
        keys = self._keys(record, record.election)
        first = bisect_left(keys, prefix)
        found = []
        for key in keys[first:]:
            if not key.startswith(prefix):
                break
            found.append(ListedCredential(key, key in record.last_ballot, record.credentials[key]))
        return found

    def _keys(self, record: ElectionRecord, election: Hash) -> list[str]:
        if election not in self._sorted:
            self._sorted[election] = sorted(record.credentials)
        return self._sorted[election]


def _prefix_length(record: ElectionRecord) -> int:
    """How many characters of a key the booth shows the server: as few as keep the answer short."""
    count, length = len(record.credentials), 0
    while count > LOOKED_UP_AT_MOST * 64**length and length < MAX_PREFIX:
        length += 1
    return length


# -- answers -----------------------------------------------------------------------------------------------------------


def _json(data: bytes) -> Response:
    answer = Response(data, mimetype=JSON, headers={"Cache-Control": NOT_AT_ALL, "Vary": "Accept-Encoding"})
    if len(data) >= MIN_PACKED and request.accept_encodings.quality("gzip") > 0:
        answer.set_data(gzip.compress(data, 6, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _file_answer(file: ServedFile) -> Response:
    """A file of the booth. Browsers keep it, and ask each time whether it has changed: no mixture of versions."""
    packed = file.packed if request.accept_encodings.quality("gzip") > 0 else None
    answer = Response(packed or file.data, headers={"Cache-Control": ASK_AGAIN, "Content-Type": file.media_type})
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.set_etag(f"{file.etag}-{'z' if packed else 'p'}")
    return answer.make_conditional(request)  # type: ignore[return-value]  # the stub says WSGI callable
