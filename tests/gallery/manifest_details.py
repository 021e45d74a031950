"""The gallery: manifests whose rules no other case breaks (01; M3 and M15, and L4 and L20b for keys and witnesses)."""

from __future__ import annotations

from collections.abc import Callable

from tests.gallery.administrator import ONLY_DEFINED, with_manifest, with_question
from tests.gallery.making import Output, broken
from tests.gallery.servers import WITNESSES
from tests.simulators.edwards import P, lift
from tests.simulators.election import BOARD_KEY
from tests.simulators.record import ORIGIN
from tests.simulators.witnesses import lying_witness
from voting.protocol.encoding import to_base64
from voting.protocol.manifest import TrusteeInfo
from voting.protocol.methods import CandidateList, Choose, Lists, Ranking, Score
from voting.protocol.tlog.note import TYPE_COSIGNATURE, note_key
from voting.protocol.tlog.text import encode_base64

VKEY = note_key(ORIGIN, BOARD_KEY.verify_key).vkey
KEYS = tuple(lying_witness(name).key.vkey for name in WITNESSES)
TITLE = {"en": "Who?"}


def options(count: int) -> tuple[dict[str, str], ...]:
    return tuple({"en": f"Option {number}"} for number in range(count))


LISTS = tuple(CandidateList({"en": f"List {number}"}, options(2)) for number in range(2))


def no_point() -> bytes:
    """32 bytes that are the y of no point."""
    return next(y for y in range(2, 100) if lift(y) is None).to_bytes(32, "little")


def with_vkey(edit: Callable[[str, str, str], str]) -> Callable[[], Output]:
    name, digits, data = VKEY.split("+", 2)
    return with_manifest(board=edit(name, digits, data))


def _stray_bits(name: str, digits: str, data: str) -> str:
    """Base64 of 33 bytes has no spare bits; of 34 it has, and they are not 0."""
    return f"{name}+{digits}+{data[:-1]}{data[-1]}AB=="


def _short_key(name: str, _digits: str, _data: str) -> str:
    return f"{name}+00000000+{encode_base64(bytes([1]) + bytes(31))}"


for _what, _sentence, _attacks, _make in (
    ("text-with-a-space-in-front", "A title begins with a space.", (64,), with_manifest(title={"en": " Chair"})),
    ("text-too-long", "A title has 2001 characters.", (64,), with_manifest(title={"en": "A" * 2001})),
    (
        "key-that-is-no-point",
        "The administrator's key is no point.",
        (16,),
        with_manifest(administrator=to_base64(no_point())),
    ),
    (
        "key-plus-p",
        "The authority's key is not written in its one form.",
        (16, 37),
        with_manifest(authority=to_base64((P + 3).to_bytes(32, "little"))),
    ),
    (
        "key-in-another-alphabet",
        "A key has characters that base64url does not have.",
        (37,),
        with_manifest(administrator="+" * 43),
    ),
    (
        "key-of-45-characters",
        "A key has a length that base64url never has.",
        (37,),
        with_manifest(administrator="A" * 45),
    ),
    (
        "vkey-without-id",
        "The board's key does not have its three parts.",
        (37,),
        with_vkey(lambda name, digits, data: name),
    ),
    (
        "vkey-with-another-id",
        "The id in the board's key is not its own.",
        (5,),
        with_vkey(lambda name, digits, data: f"{name}+00000000+{data}"),
    ),
    ("vkey-with-stray-bits", "The board's key is written in another base64.", (37,), with_vkey(_stray_bits)),
    ("vkey-too-short", "The board's key has 31 bytes.", (16,), with_vkey(_short_key)),
    ("vkey-without-name", "The board has no name.", (64,), with_vkey(lambda name, digits, data: f"+{digits}+{data}")),
    (
        "vkey-with-a-space",
        "The board's name has a space.",
        (64,),
        with_vkey(lambda name, digits, data: f"a b+{digits}+{data}"),
    ),
    (
        "witness-twice",
        "A witness is named twice, to be counted twice.",
        (34,),
        with_manifest(quorum=2, witnesses=(KEYS[0], KEYS[0], KEYS[1])),
    ),
    (
        "board-as-its-witness",
        "The board is one of its own witnesses.",
        (34,),
        with_manifest(
            quorum=2, witnesses=(note_key("w.example", BOARD_KEY.verify_key, TYPE_COSIGNATURE).vkey, *KEYS[:2])
        ),
    ),
    (
        "quorum-without-majority",
        "One of three witnesses is enough: two histories can have a quorum each.",
        (34,),
        with_manifest(quorum=1, witnesses=KEYS),
    ),
    (
        "no-seats",
        "A question by lists has no seats.",
        (15,),
        with_question(Lists(title=TITLE, lists=LISTS, seats=0)),
    ),
    (
        "too-many-points",
        "A question gives up to 101 points.",
        (15,),
        with_question(Score(title=TITLE, options=options(2), highest=101)),
    ),
    (
        "points-too-few",
        "A ranking has points for fewer places than options.",
        (15,),
        with_question(Ranking(title=TITLE, options=options(3), points=(2, 1))),
    ),
    (
        "points-that-rise",
        "A ranking gives the last place more points than the first.",
        (15,),
        with_question(Ranking(title=TITLE, options=options(3), points=(0, 1, 2))),
    ),
    ("version-2", "The manifest is of a version that does not exist.", (37,), with_manifest(version=2)),
    ("language-twice", "A language is named twice.", (37,), with_manifest(languages=("en", "en"))),
    (
        "language-in-capitals",
        "A language code has capitals.",
        (37,),
        with_manifest(languages=("EN",), title={"EN": "A"}),
    ),
    (
        "too-many-trustees",
        "There are 51 trustees.",
        (47,),
        with_manifest(trustees=tuple(TrusteeInfo(f"T {n}") for n in range(51))),
    ),
    (
        "too-many-values",
        "The ballot has more than 1000 values.",
        (68,),
        with_manifest(questions=tuple(Choose(title=TITLE, options=options(200)) for _ in range(6))),
    ),
    (
        "too-many-branches",
        "The proofs of a ballot have more than 3000 branches.",
        (68,),
        with_question(Score(title=TITLE, options=options(40), highest=100)),
    ),
):
    broken(f"01-{_what}", _sentence, *_attacks, by="administrator", not_run=ONLY_DEFINED)(_make)
