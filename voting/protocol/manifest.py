"""Protocol M: the manifest, the public definition of an election (docs/spec/manifest.md).

`Manifest` is what the board holds. How a person writes one (TOML or JSON) is read by `voting.protocol.manifest_source`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import msgspec

from voting.crypto.group import GROUP_NAMES, Group, group_by_name
from voting.crypto.signatures import VerifyKey
from voting.protocol.encoding import Hash, encode, from_base64, sha256
from voting.protocol.errors import Problem, SelectionError, UrneError
from voting.protocol.methods import AnyQuestion
from voting.protocol.moment import parse_moment
from voting.protocol.shape import BallotShape, join
from voting.protocol.text import Text, localized_problems, text_problems
from voting.protocol.tlog.checkpoint import require_origin
from voting.protocol.tlog.note import TYPE_NOTE, NoteKey, parse_vkey
from voting.protocol.tlog.witnesses import WitnessPolicy, parse_witnesses, witness_problems

VERSION = 1
MAX_TRUSTEES = 50
MAX_QUESTIONS = 50
MAX_VALUES = 1000
"""Most ciphertexts that a ballot may have."""
MAX_BRANCHES = 3000
"""Most proof branches of a ballot: about 10 seconds on a slow phone at 3072 bits."""
SECONDS_PER_BRANCH_ON_PHONE = 0.004
"""Estimate at 3072 bits: 3 table powers of about 1.3 ms each on a phone."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*\Z")
_NONCE = re.compile(r"[0-9a-f]{32}\Z")


class TrusteeInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trustee as the manifest names them; the index is the place in the list, from 1."""

    name: str


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When voting is meant to open and close (UTC). Announced times: the entries on the board decide."""

    opens: str
    closes: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True, omit_defaults=True):
    """Everything that is fixed before the election starts. Its hash is part of every later signature and proof.

    `quorum` and `witnesses` stand in it only if there are witnesses.
    """

    administrator: str
    """Ed25519 key of the administrator, base64url."""
    authority: str
    """Ed25519 key of the credential authority, base64url."""
    board: str
    """The board's key as a signed-note verifier key: name+id+key."""
    contact: str
    """Where voters and observers can ask."""
    description: Text | None
    group: str
    languages: tuple[str, ...]
    nonce: str
    """128 random bits in hexadecimal: two elections with the same text are still two elections."""
    questions: tuple[AnyQuestion, ...]
    schedule: Schedule | None
    threshold: int
    """How many trustees are needed to decrypt."""
    title: Text
    trustees: tuple[TrusteeInfo, ...]
    version: int
    quorum: int = 0
    """How many of the witnesses must have signed a checkpoint before it counts."""
    witnesses: tuple[str, ...] = ()
    """The witnesses' keys as signed-note verifier keys of type 0x04."""

    @cached_property
    def hash(self) -> Hash:
        """Protocol M14: SHA-256 of the manifest's canonical bytes."""
        return sha256(encode(self))

    @cached_property
    def shape(self) -> BallotShape:
        """The shape of a whole ballot (M2)."""
        return join([question.shape() for question in self.questions])

    @property
    def language(self) -> str:
        """The election's first language."""
        return self.languages[0]

    def crypto_group(self) -> Group:
        """The group by name."""
        return group_by_name(self.group)

    def witness_policy(self) -> WitnessPolicy:
        """Whose cosignatures count, and how many are needed. Raises DecodeError for a bad key."""
        return parse_witnesses(self.witnesses, self.quorum)

    def administrator_key(self) -> VerifyKey:
        return VerifyKey.decode(from_base64(self.administrator, 32, what="administrator"), what="administrator")

    def authority_key(self) -> VerifyKey:
        return VerifyKey.decode(from_base64(self.authority, 32, what="authority"), what="authority")


def manifest_problems(manifest: Manifest) -> Iterator[Problem]:
    """Protocol M15: everything that is wrong with a manifest, each fault at its place; nothing for a good one."""
    if manifest.version != VERSION:
        yield Problem("version", f"is {manifest.version}, this software reads {VERSION}")
    if manifest.group not in GROUP_NAMES:
        yield Problem("group", "is not a known group", f"choose one of {', '.join(GROUP_NAMES)}")
    yield from _language_problems(manifest)
    yield from localized_problems(manifest.title, "title", manifest.languages)
    if manifest.description is not None:
        yield from localized_problems(manifest.description, "description", manifest.languages, multiline=True)
    if manifest.contact:
        yield from text_problems(manifest.contact, "contact", limit=200)
    if not _NONCE.match(manifest.nonce):
        yield Problem("nonce", "is not 32 lower-case hexadecimal digits")
    yield from _trustee_problems(manifest)
    yield from _schedule_problems(manifest)
    for name, read in (("administrator", manifest.administrator_key), ("authority", manifest.authority_key)):
        try:
            read()
        except UrneError as error:
            yield Problem(name, error.problem)
    board: NoteKey | None = None
    try:
        board = parse_vkey(manifest.board, what="board")
        if board.type != TYPE_NOTE:
            yield Problem("board", "is the key of a witness, not of a log")
        require_origin(board.name)
    except UrneError as error:
        yield Problem("board", error.problem)
    yield from witness_problems(manifest.witnesses, manifest.quorum, board)
    yield from _question_problems(manifest)


def _language_problems(manifest: Manifest) -> Iterator[Problem]:
    if not manifest.languages:
        yield Problem("languages", "is empty", 'name at least one, e.g. ["en"]')
    if len(set(manifest.languages)) != len(manifest.languages):
        yield Problem("languages", "names one language twice")
    for language in manifest.languages:
        if not _LANGUAGE.match(language):
            yield Problem("languages", "contains something that is no language code", 'use codes such as "en" or "fr"')


def _trustee_problems(manifest: Manifest) -> Iterator[Problem]:
    count = len(manifest.trustees)
    if not 1 <= count <= MAX_TRUSTEES:
        yield Problem("trustees", f"are {count}", f"name 1 to {MAX_TRUSTEES}")
    elif not 1 <= manifest.threshold <= count:
        yield Problem(
            "threshold", f"is {manifest.threshold} with {count} trustees", "give how many of them must decrypt together"
        )
    seen: set[str] = set()
    for position, trustee in enumerate(manifest.trustees):
        yield from text_problems(trustee.name, f"trustees[{position + 1}].name", limit=100)
        folded = " ".join(trustee.name.casefold().split())
        if folded in seen:
            yield Problem(f"trustees[{position + 1}].name", "is the name of an earlier trustee, too")
        seen.add(folded)


def _schedule_problems(manifest: Manifest) -> Iterator[Problem]:
    if manifest.schedule is None:
        return
    moments = []
    for name, text in (("opens", manifest.schedule.opens), ("closes", manifest.schedule.closes)):
        try:
            moments.append(parse_moment(text))
        except UrneError as error:
            yield Problem(f"schedule.{name}", error.problem)
    if len(moments) == 2 and moments[0] >= moments[1]:
        yield Problem("schedule.closes", "is not after schedule.opens")


def _question_problems(manifest: Manifest) -> Iterator[Problem]:
    if not 1 <= len(manifest.questions) <= MAX_QUESTIONS:
        yield Problem("questions", f"are {len(manifest.questions)}", f"ask 1 to {MAX_QUESTIONS}")
        return
    sound = True
    for position, question in enumerate(manifest.questions):
        for problem in question.problems(f"questions[{position + 1}]", manifest.languages):
            sound = False
            yield problem
    if not sound:
        return
    shape = manifest.shape
    if shape.values > MAX_VALUES or shape.branches > MAX_BRANCHES:
        seconds = shape.branches * SECONDS_PER_BRANCH_ON_PHONE
        yield Problem(
            "questions",
            f"make a ballot of {shape.values} ciphertexts and {shape.branches} proof branches"
            f" (about {seconds:.0f} s on a phone); the limits are {MAX_VALUES} and {MAX_BRANCHES}",
            "ask fewer questions, offer fewer options, or choose another method",
        )


def parse_selections(manifest: Manifest, data: object) -> tuple[object, ...]:
    """One selection per question from plain JSON data, e.g. `[{"chosen": [0]}, ...]`.

    Raises:
        SelectionError: if it is not a list of one well-formed selection per question.
    """
    if not isinstance(data, (list, tuple)) or len(data) != len(manifest.questions):
        raise SelectionError(f"needs a list of {len(manifest.questions)} selections, one per question")
    selections = []
    for position, (question, item) in enumerate(zip(manifest.questions, data, strict=True)):
        try:
            selections.append(question.parse_selection(item))
        except UrneError as error:
            raise error.at(f"question {position + 1}") from None
    return tuple(selections)
