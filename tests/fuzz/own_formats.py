"""What Urne itself writes and reads: entries, proofs of the log, files of trustees, voters and administrators."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from bulletin_board.witness import format_request, parse_request
from bulletin_board.witness_settings import parse_witness_settings
from tests.fuzz.target import Target
from tests.simulators.admin import sound_draft
from tests.simulators.election import ADMINISTRATOR, BOARD_KEY, manifest_for
from tests.simulators.record import ORIGIN, Part, SampleElection, checkpoint_of, rechain, sample_election
from tests.simulators.tiled_log import VKEYS, cosigned
from tests.strategies.methods import SMALL_QUESTIONS
from trustee_tools.notes import Notes, Seen, read_notes
from voting.address import parse_place
from voting.admin.drafts import encode_draft, parse_draft, source_text
from voting.admin.preparation import read_preparation
from voting.commands.ask import read_answer
from voting.crypto.keyfile import open_key_file, read_key_file_header, write_key_file, write_plain_key_file
from voting.election.ballot_batch import HintedBallot, check_ballots_together
from voting.election.ballots import BALLOT
from voting.election.credentials import generate_code, parse_code
from voting.election.preflib import read_preflib
from voting.election.record import ElectionRecord
from voting.election.rules import apply
from voting.message_file import read_message_file, write_message_file
from voting.protocol.encoding import encode, require_canonical, sha256
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.errors import UrneError
from voting.protocol.manifest import Manifest, parse_selections
from voting.protocol.manifest_source import check_source, witness_urls
from voting.protocol.messages import (
    BODY_TYPES,
    ElectionCancelled,
    ElectionExtended,
    ElectionNotice,
    Message,
    Opening,
    TrusteeAnswered,
    TrusteeComplained,
    TrusteeRestarted,
)
from voting.protocol.methods import AnyQuestion
from voting.protocol.moment import parse_moment
from voting.protocol.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from voting.protocol.tlog.evidence import HistoryEvidence, check_evidence, read_evidence, write_evidence
from voting.protocol.tlog.header import parse_header
from voting.protocol.tlog.merkle import Frontier, inclusion_proof
from voting.protocol.tlog.note import note_key, parse_note, parse_vkey
from voting.protocol.tlog.proof import Receipt, format_receipt, parse_receipt, verify_receipt
from voting.protocol.tlog.receipt_file import check_receipt, read_receipt_file, write_receipt_file
from voting.protocol.tlog.text import encode_base64
from voting.protocol.tlog.tiles import encode_bundle, parse_bundle, parse_tile, parse_tile_path
from voting.protocol.tracker import parse_tracker, tracker
from voting.site.election_settings import ElectionSettings, encode_settings, parse_settings
from voting.site.settings import read_settings
from voting.verifier.lookup import open_ballot
from voting.verifier.visit import Visit, parse_visit
from voting.verifier.watch import NOTHING_SEEN, Watch, parse_watch
from voting.voter_list import read_voter_list

BOARD = note_key(ORIGIN, BOARD_KEY.verify_key)
PASSPHRASE = "correct horse"
SOURCES = (
    'title = "Board"\nlanguage = "en"\ncontact = "office@example.org"\ntrustees = ["Ann", "Bob"]\nthreshold = 2\n'
    '[schedule]\nopens = "2026-12-01T08:00:00Z"\ncloses = 2026-12-08T18:00:00+01:00\n'
    '[[questions]]\nmethod = "choose"\ntitle = "Chair?"\noptions = ["Ada", "Grace"]\nblank = true\n',
    'title = {en = "T", fr = "T"}\nlanguages = ["en", "fr"]\ncontact = "c"\ntrustees = ["A"]\nthreshold = 1\n'
    'quorum = 1\n[[witnesses]]\nvkey = "w.example+00000000+AAAA"\nurl = "https://w.example"\n'
    '[[questions]]\nmethod = "lists"\ntitle = {en = "Q", fr = "Q"}\nseats = 2\nrule = "sainte-lague"\n'
    '[[questions.lists]]\nname = {en = "L", fr = "L"}\ncandidates = [{en = "a", fr = "a"}]\n',
)
PREFLIB = (
    "# FILE NAME: a.toc\n# TITLE: T\n# DATA TYPE: toc\n# NUMBER ALTERNATIVES: 3\n# NUMBER VOTERS: 5\n"
    "# ALTERNATIVE NAME 1: A\n# ALTERNATIVE NAME 2: B\n# ALTERNATIVE NAME 3: C\n3: 1,{2,3}\n2: 3,2,1\n",
    "# DATA TYPE: cat\n# NUMBER ALTERNATIVES: 2\n# NUMBER CATEGORIES: 2\n# ALTERNATIVE NAME 1: A\n"
    "# ALTERNATIVE NAME 2: B\n4: {1,2},{}\n1: 1,2\n",
)
VOTERS = (
    b"id,email,name,weight,language\nada,ada@example.org,Ada,2,fr\nbob,bob@example.org,Bob,,en\n",
    'identifiant;nom;poids\nada;Ad\u00e9;3\nbob;"B;o";1\n'.encode("utf-16"),
    b"ada@example.org\nbob@example.org\n",
)


SELECTIONS = (
    b'[{"chosen":[0],"blank":false}]', b'[{"chosen":[0,1],"blank":false}]', b'[{"scores":[1,0,2]}]',
    b'[{"order":[0,1,2]}]', b'[{"order":[1,0]}]', b'[{"levels":[0,1,null]}]', b'[{"list":0,"candidates":[0]}]',
    b'[{"grades":[0,1]}]', b"[[0,1,2]]",
)  # fmt: skip


def own_targets(folder: Path) -> Iterator[Target]:
    """Every decoder of Urne's own formats. `folder` takes files that are read by their path."""
    election = sample_election()
    yield from _entries(election)
    yield from _log(election)
    yield from _files(election, folder)
    yield from _people()


def _text(take: Callable[[str], object]) -> Callable[[bytes], object]:
    """For what takes text: bytes that are no UTF-8 become odd characters of it."""
    return lambda data: take(data.decode("utf-8", "replace"))


# -- entries -----------------------------------------------------------------------------------------------------------


def _entries(election: SampleElection) -> Iterator[Target]:
    entries = election.board.entries
    bodies: dict[str, list[bytes]] = {}
    for entry in entries:
        bodies.setdefault(entry.header.type, []).append(entry.body)
    some = [body for found in bodies.values() for body in found[:1]]
    bodies |= {
        kind: [sign_content(kind, election.manifest.hash, each, ADMINISTRATOR)] for kind, each in _rare(election)
    }
    for kind in BODY_TYPES:
        samples = bodies[kind]
        yield Target(f"entry {kind}", lambda data, kind=kind: parse_body(kind, data, what="entry"), samples)  # type: ignore[misc]
    yield Target("header", lambda data: parse_header(data), [entry.header_bytes for entry in entries[:5]])
    yield Target("canonical JSON", lambda data: require_canonical(data, what="body"), some)
    yield Target(
        "a dishonest board's record", _RecordTaker(election).take, [b"\n".join(_lines(election))], seconds=5, share=2
    )
    yield from _ballots(election)
    questions = {name: cast(AnyQuestion, question) for name, question in SMALL_QUESTIONS.items()}
    manifests = [encode(manifest_for([question])) for question in questions.values()]
    defined = bodies["election.defined"][0]
    old = encode(election.manifest)
    replaced = [defined.replace(old, manifest) for manifest in manifests]
    yield Target("manifest", lambda data: parse_body("election.defined", data, what="entry"), replaced)
    for name, question in questions.items():
        yield Target(f"selection {name}", partial(_selections, manifest_for([question])), SELECTIONS)
        yield Target(
            f"typed answer {name}",
            _text(partial(read_answer, question)),
            [b"1", b"1 2 3", b"2 1=3", b"1.2", b"1 2", b"1 1 1"],
        )


def _rare(election: SampleElection) -> Iterator[tuple[str, Message]]:
    """Entries that a smooth election does not have."""
    manifest, time = election.manifest.hash, "2026-11-24T08:00:00.000Z"
    yield "trustee.complained", TrusteeComplained(1, 1, 2, manifest, time)
    yield "trustee.answered", TrusteeAnswered(1, 1, manifest, 2, "A" * 43, time)
    yield "trustee.restarted", TrusteeRestarted(2, (3,), manifest, time)
    yield "election.notice", ElectionNotice(manifest, "Lunch", time)
    yield "election.extended", ElectionExtended(time, election.record.ballot_context().election, time)
    yield "election.cancelled", ElectionCancelled(manifest, "Fire", time)


def _selections(manifest: Manifest, data: bytes) -> None:
    """They are JSON data inside a message, so bytes that are no JSON never come so far."""
    value = None
    with suppress(ValueError, RecursionError):
        value = json.loads(data)
    parse_selections(manifest, value)


def _ballots(election: SampleElection) -> Iterator[Target]:
    """A voter can sign what they want: the ballot's signature is not looked at here, all else is."""
    context = election.record.ballot_context()
    ballots = [entry for entry in election.board.entries if entry.header.type == BALLOT]

    def check(body: bytes, hints: bytes | None) -> None:
        item = HintedBallot(parse_body(BALLOT, body, what="ballot").content, hints, "ballot")
        for error in check_ballots_together(context, [item], random_bytes=secrets.token_bytes).failures.values():
            raise error

    yield Target("a voter's ballot", lambda data: check(data, ballots[0].hints), [ballots[0].body])
    hints = [ballot.hints or b"" for ballot in ballots]
    yield Target("hints", lambda data: check(ballots[0].body, data), hints)
    opening = Opening(({"chosen": [0], "blank": False},), "A" * 43, context.election, "A" * 43)
    samples = [
        encode(opening),
        encode(msgspec.structs.replace(opening, credential=election.record.ballots[0].credential)),
    ]
    yield Target("opening of a ballot", lambda data: open_ballot(election.record, data, "en"), samples)


# -- the log -----------------------------------------------------------------------------------------------------------


def _log(election: SampleElection) -> Iterator[Target]:
    entries = election.board.entries
    note = checkpoint_of(entries)
    frontier, nodes = Frontier(), {}
    for entry in entries:
        nodes.update({(node.level, node.position): node.hash for node in frontier.append(entry.header_bytes)})
    proof = inclusion_proof(3, len(entries), lambda level, position: nodes[level, position])
    header = entries[3].header_bytes
    receipt = format_receipt(Receipt(3, proof, cosigned(note)))
    forged = sign_checkpoint(Checkpoint(ORIGIN, len(entries), bytes(32)), BOARD_KEY)
    evidence = write_evidence(HistoryEvidence((), note.decode(), forged.decode(), encode_base64(frontier.root())))
    files = [write_receipt_file(header, receipt)]
    yield Target("note", parse_note, [note, cosigned(note)])
    yield Target("checkpoint", lambda data: open_checkpoint(data, BOARD), [note, cosigned(note)])
    yield Target("checkpoint's text", parse_checkpoint, [parse_note(note).text])
    yield Target("verifier key", _text(parse_vkey), [vkey.encode() for vkey in VKEYS])
    yield Target("receipt", lambda data: (parse_receipt(data), verify_receipt(data, header, BOARD)), [receipt])
    yield Target("receipt file", lambda data: check_receipt(read_receipt_file(data), BOARD), files)
    yield Target("evidence", lambda data: check_evidence(read_evidence(data), BOARD), [evidence])
    yield Target("witness's request", parse_request, [format_request(5, tuple(proof), note)])
    yield Target(
        "bundle", lambda data: parse_bundle(data, 3), [encode_bundle([each.header_bytes for each in entries[:3]])]
    )
    yield Target("tile", lambda data: parse_tile(data, 4), [bytes(range(128))])
    yield Target(
        "tile's path", _text(parse_tile_path), [b"tile/0/x001/x234/067", b"tile/entries/000.p/5", b"tile/1/000"]
    )


class _RecordTaker:
    """A record whose board re-chains whatever it is given: the content of entries meets the whole verifier."""

    def __init__(self, election: SampleElection) -> None:
        self._types = [entry.header.type for entry in election.board.entries]
        self._hints = [entry.hints for entry in election.board.entries]

    def take(self, data: bytes) -> None:
        """Lines: the bodies of the record."""
        bodies = data.split(b"\n")
        parts = [Part(kind, body) for kind, body in zip(self._types, bodies, strict=False)]
        record = ElectionRecord(allow_toy=True)
        for entry in rechain(parts):
            try:
                apply(record, entry.header, entry.body)
            except UrneError:
                continue


def _lines(election: SampleElection) -> list[bytes]:
    return [entry.body for entry in election.board.entries]


# -- files -------------------------------------------------------------------------------------------------------------


def _files(election: SampleElection, folder: Path) -> Iterator[Target]:
    note = checkpoint_of(election.board.entries).decode()
    visit = Visit(note, election.record.ballot_context().election, election.manifest.hash)
    watches = [NOTHING_SEEN, Watch(BOARD.vkey, (), NOTHING_SEEN.phase, 0, visit)]
    yield Target("visit", lambda data: parse_visit(data, what="visit"), [encode(visit)])
    yield Target("monitor's state", lambda data: parse_watch(data, what="state"), [encode(watch) for watch in watches])
    notes = Notes({sha256(b""): Seen(sha256(b"x"), 1, 5, None)})
    yield Target("trustee's notes", _by_path(folder / "notes", read_notes), [encode(notes)])
    message = write_message_file(election.board.entries[1].header.type, election.board.entries[1].body)
    yield Target("message file", lambda data: _message(*read_message_file(data, what="file")), [message])
    plain = write_plain_key_file(bytes(32), kind="board", label="é election")
    sealed = write_key_file(bytes(32), kind="trustee", label="Ann", passphrase=PASSPHRASE, work_factor=16)
    yield Target("key file, plain", lambda data: open_key_file(data, passphrase=None, kind="board"), [plain])
    yield Target("key file's header", read_key_file_header, [plain, sealed])
    yield Target(
        "key file", lambda data: open_key_file(data, passphrase=PASSPHRASE, kind="trustee"), [sealed, plain], seconds=20
    )
    vkey = VKEYS[1]
    settings = f'quorum = 1\n[[witness]]\nvkey = "{vkey}"\nurl = "https://w.example/"\n'.encode()
    yield Target("witness settings", parse_witness_settings, [settings])
    site = b'time_zone = "Europe/Paris"\ncontact = "c"\n[mail]\nhost = "h"\nport = 587\nsender = "a@b.c"\n'
    path = folder / "site.toml"
    yield Target(
        "site settings", _by_path(path, lambda path: read_settings(path.parent, "https://vote.example.org")), [site]
    )
    draft = encode_draft(sound_draft()).encode()
    yield Target("draft", _text(lambda text: source_text(parse_draft(text))), [draft])
    yield Target("election settings", _text(parse_settings), [encode_settings(ElectionSettings()).encode()])
    yield Target("preparation", _text(read_preparation), [b'{"preview":"x","opinions":[],"rehearsed":null}'])


def _message(kind: str, body: bytes) -> None:
    parse_body(kind, body, what="message")


def _by_path(path: Path, take: Callable[[Path], object]) -> Callable[[bytes], object]:
    def run(data: bytes) -> object:
        path.write_bytes(data)
        path.chmod(0o600)
        return take(path)

    return run


# -- what people type and send -----------------------------------------------------------------------------------------


def _people() -> Iterator[Target]:
    toml = [source.encode() for source in SOURCES]
    js = [json.dumps(_plain(source)).encode() for source in SOURCES]

    def source(form: Any) -> Callable[[str], object]:
        return lambda text: (check_source(text, name="m", form=form), witness_urls(text, name="m", form=form))

    yield Target("manifest source, TOML", _text(source("toml")), toml)
    yield Target("manifest source, JSON", _text(source("json")), js)
    yield Target("PrefLib", _text(lambda text: read_preflib(text, "a.toc")), [each.encode() for each in PREFLIB])
    yield Target("voters' list", lambda data: read_voter_list(data, name="voters.csv"), VOTERS)
    code = generate_code(lambda count: bytes(range(count)))
    yield Target("voter's code", _text(parse_code), [code.encode(), code.lower().replace("-", " ").encode()])
    yield Target("tracker", _text(parse_tracker), [tracker(sha256(b"")).encode()])
    yield Target("moment", _text(parse_moment), [b"2026-11-24T08:00:00.000Z"])
    yield Target(
        "address", _text(parse_place), [b"https://vote.example.org/e/club", b"http://[::1]:8000/e/x", b"record.zip"]
    )


def _plain(source: str) -> Any:
    import tomllib

    return json.loads(json.dumps(tomllib.loads(source), default=str))
