"""The gallery: dishonest credential authorities: lists that break N18 (check 09), and numbers that are none (02)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.gallery.board import raw_body
from tests.gallery.making import AFTER_OPENING, Output, broken
from tests.simulators.edwards import SMALL
from tests.simulators.edwards import encode as ed_encode
from tests.simulators.election import AUTHORITY
from tests.simulators.record import Part
from tests.tamper.test_verifier_tamper import STRANGER, change, fields, forged, place_of, published
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import encode, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.messages import Credential

THEN = AFTER_OPENING
"""Without its list the election cannot be opened."""

Listed = Sequence[Credential]


def with_list(edit: Callable[[Listed], Listed]) -> Callable[[], Output]:
    """The list of credentials is changed and signed by the authority."""

    def make() -> Output:
        election, parts = published()
        changed: Callable[[Any], Any] = lambda content: fields(credentials=tuple(edit(content.credentials)))(content)  # noqa: E731
        return forged(change(election, parts, "credentials.listed", changed, AUTHORITY))

    return make


def weights(*values: int) -> Callable[[Listed], Listed]:
    """The same credentials with other weights."""
    return lambda listed: [Credential(key=one.key, weight=weight) for one, weight in zip(listed, values, strict=True)]


def _small_order(listed: Listed) -> Listed:
    key = to_base64(ed_encode(SMALL[1]))
    return sorted([Credential(key=key, weight=1), *listed[1:]], key=lambda one: one.key)


def _no_key(listed: Listed) -> Listed:
    return sorted([Credential(key=to_base64(bytes(31)), weight=1), *listed[1:]], key=lambda one: one.key)


for _what, _sentence, _attacks, _edit in (
    ("weight-negative", "A credential has the weight -1.", (29,), weights(-1, 2, 5)),
    ("weight-too-large", "A credential has a weight above 10^12.", (29,), weights(10**12 + 1, 2, 5)),
    ("credential-of-small-order", "A credential is a point of small order.", (16, 18), _small_order),
    ("credential-that-is-no-key", "A credential has 31 bytes.", (16,), _no_key),
    ("credential-twice-in-a-list", "One credential stands twice in a list.", (24, 30), lambda one: [one[0], *one]),
    (
        "list-not-in-order",
        "A list is not in the order of the keys, which could tell who is who.",
        (24,),
        lambda one: one[::-1],
    ),
    ("empty-list", "The list of credentials is empty.", (27,), lambda one: []),
):
    broken(f"09-{_what}", _sentence, *_attacks, by="authority", not_run=THEN)(with_list(_edit))


@broken("09-weights-too-large-together", "Nine lists together have more weight than is allowed.", 29, by="authority")
def too_large_together() -> Output:
    """Each weight is allowed; the list that goes beyond the sum is refused, the opening names the others."""
    election, parts = published(weights=(10**12,) * 9, ballots=((0, []),)[:0])
    place = place_of(parts, "credentials.listed")
    key = SigningKey.from_seed(bytes([78]) * 32)
    listed = parse_body("credentials.listed", parts[place].body, what="part").content
    content = fields(credentials=(Credential(key=to_base64(key.verify_key.raw), weight=1),))(listed)
    more = Part("credentials.listed", raw_body(election, "credentials.listed", encode(content), AUTHORITY))
    return forged([*parts[: place + 1], more, *parts[place + 1 :]])


def with_weight(text: bytes) -> Callable[[], Output]:
    """A second list whose weight is written in this way."""

    def make() -> Output:
        election, parts = published()
        place = place_of(parts, "credentials.listed")
        listed = parse_body("credentials.listed", parts[place].body, what="part").content
        one = Credential(key=to_base64(STRANGER.verify_key.raw), weight=1)
        content = encode(fields(credentials=(one,))(listed)).replace(b'"weight":1', b'"weight":' + text)
        more = Part("credentials.listed", raw_body(election, "credentials.listed", content, AUTHORITY))
        return forged([*parts[: place + 1], more, *parts[place + 1 :]])

    return make


for _what, _text in (
    ("float", b"1.0"),
    ("exponent", b"1e3"),
    ("boolean", b"true"),
    ("string", b'"1"'),
    ("of-31-digits", b"1" + b"0" * 30),
):
    broken(f"02-weight-{_what}", f"A weight is written as {_text.decode()}.", 29, 37, by="authority")(
        with_weight(_text)
    )
