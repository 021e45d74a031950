"""What messages to voters and trustees say, in their language, or in English and French if it is unknown.

Pure: facts in, text out. A text with a voter's code exists only while its message is sent or printed. It must not
import flask, the store or any transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

from voting.protocol.encoding import Hash
from voting.protocol.text import Text, plain
from voting.site.times import in_words
from voting.translations import LANGUAGES, language, set_language
from voting.translations import text as _

EXAMPLE_CODE = "XXXXX-XXXXX-XXXXX-XXXXX-XXXXX"
"""Stands for a code in previews and samples. It is none: the letters' check character does not fit."""
BETWEEN_LANGUAGES = "\n" + "-" * 40 + "\n\n"


class Kind(StrEnum):
    """Kinds of messages."""

    INVITATION = "invitation"
    OPENING = "opening"
    REMINDER = "reminder"
    CLOSING = "closing"
    RESULT = "result"
    CANCELLATION = "cancellation"
    FACTOR = "factor"
    """The one-time code of the second factor."""
    TRUSTEE_INVITATION = "trustee-invitation"
    TRUSTEE_MOVE = "trustee-move"
    """The ceremony waits for this trustee."""
    TRUSTEE_DECRYPTION = "trustee-decryption"


FOR_VOTERS = (Kind.INVITATION, Kind.OPENING, Kind.REMINDER, Kind.CLOSING, Kind.RESULT, Kind.CANCELLATION)
FOR_TRUSTEES = (Kind.TRUSTEE_INVITATION, Kind.TRUSTEE_MOVE, Kind.TRUSTEE_DECRYPTION)
WITH_CODE = frozenset({Kind.INVITATION})


class ElectionFacts(NamedTuple):
    """What messages say of an election."""

    title: Text
    language: str
    """The election's first language."""
    contact: str
    address: str
    """Of the election's page."""
    manifest: Hash
    opens: str | None
    closes: str | None
    zone: str
    erase_after: str | None
    reason: str = ""
    """Why it was cancelled."""
    asks_for_mail: bool = False
    """Whether a one-time code will be asked for."""


class Recipient(NamedTuple):
    """Who gets a message."""

    name: str
    language: str = ""
    weight: int = 1
    code: str = ""
    """Voter code, one-time code, or a trustee's invitation."""
    trustee: int = 0

    def __repr__(self) -> str:
        return "<Recipient>"


class Letter(NamedTuple):
    """A message without address."""

    subject: str
    body: str

    def __repr__(self) -> str:
        return "<Letter>"


def write_letter(kind: Kind, facts: ElectionFacts, recipient: Recipient) -> Letter:
    """A message in the recipient's language; in all of the site's if it is unknown, the election's first."""
    known = recipient.language.lower()[:2]
    if known in LANGUAGES:
        wanted: Sequence[str] = (known,)
    else:
        wanted = sorted(LANGUAGES, key=lambda code: code != facts.language[:2])
    letters = []
    for code in wanted:
        with _in_language(code):
            letters.append(_LETTERS[kind](facts, recipient))
    subjects = list(dict.fromkeys(letter.subject for letter in letters))
    return Letter(" / ".join(subjects), BETWEEN_LANGUAGES.join(letter.body for letter in letters))


def kind_name(kind: Kind) -> str:
    """A kind of message in words."""
    return {
        Kind.INVITATION: _("Invitation with voter code"),
        Kind.OPENING: _("Voting is open"),
        Kind.REMINDER: _("Reminder to those who have not voted"),
        Kind.CLOSING: _("Voting has closed"),
        Kind.RESULT: _("The result is published"),
        Kind.CANCELLATION: _("The election is cancelled"),
        Kind.FACTOR: _("One-time code"),
        Kind.TRUSTEE_INVITATION: _("Invitation of a trustee"),
        Kind.TRUSTEE_MOVE: _("It is your turn, to a trustee"),
        Kind.TRUSTEE_DECRYPTION: _("Please decrypt, to a trustee"),
    }[kind]


def hidden_address(email: str) -> str:
    """A hint at a mail address for its owner: `ada@example.org` is `a•••@example.org`."""
    local, _at, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


@contextmanager
def _in_language(code: str) -> Iterator[None]:
    before = language()
    set_language(code)
    try:
        yield
    finally:
        set_language(before)


# -- the texts, in the current language --------------------------------------------------------------------------------


def _letter(facts: ElectionFacts, subject: str, recipient: Recipient, *parts: Sequence[str]) -> Letter:
    greeting = _("Hello {name},", name=recipient.name) if recipient.name else _("Hello,")
    paragraphs = [greeting, *("\n".join(part) for part in parts if part), "\n".join(_end(facts, recipient))]
    return Letter(subject, "\n\n".join(paragraphs) + "\n")


def _end(facts: ElectionFacts, recipient: Recipient) -> Iterator[str]:
    if facts.contact:
        yield _("Questions: {contact}", contact=facts.contact)
    yield _("Election page: {address}", address=facts.address)
    if facts.erase_after:
        moment = _moment(facts, facts.erase_after)
        if recipient.trustee:  # a trustee's name is public for good
            yield _("Your mail address is deleted here after this date: {moment}", moment=moment)
        else:
            yield _("Your name and address are deleted here after this date: {moment}", moment=moment)


def _title(facts: ElectionFacts) -> str:
    return plain(facts.title, language())


def _moment(facts: ElectionFacts, moment: str) -> str:
    return in_words(moment, facts.zone, language())


def _times(facts: ElectionFacts) -> list[str]:
    times = []
    if facts.opens:
        times.append(_("Voting opens: {moment}", moment=_moment(facts, facts.opens)))
    if facts.closes:
        times.append(_("Voting closes: {moment}", moment=_moment(facts, facts.closes)))
    return times


def _invitation(facts: ElectionFacts, recipient: Recipient) -> Letter:
    code = [
        _("Your voter code: {code}", code=recipient.code),
        _("Vote here, with the code filled in: {link}", link=f"{facts.address}/vote#code={recipient.code}"),
    ]
    if recipient.weight != 1:
        code.append(_("Weight of your vote: {weight}", weight=recipient.weight))
    rules = [
        _("Whoever has this code can vote in your place: show it to nobody."),
        _("You can vote again until the voting closes; only your last vote counts."),
    ]
    if facts.asks_for_mail:
        rules.append(_("When you vote, a second code is sent to this mail address. Keep your mail at hand."))
    return _letter(
        facts,
        _("Your voter code: {title}", title=_title(facts)),
        recipient,
        [_("You are invited to vote: {title}", title=_title(facts))],
        _times(facts),
        code,
        rules,
        [_("Manifest hash: {hash}", hash=facts.manifest)],
    )


def _opening(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("Voting is open: {title}", title=_title(facts)),
        recipient,
        [_("Voting is open: {title}", title=_title(facts))],
        _times(facts)[1:] if facts.opens else _times(facts),
        [_("You need the voter code that you were given. Vote here: {link}", link=f"{facts.address}/vote")],
    )


def _reminder(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("You can still vote: {title}", title=_title(facts)),
        recipient,
        [_("No vote with your voter code is in the ballot box yet: {title}", title=_title(facts))],
        _times(facts)[1:] if facts.opens else _times(facts),
        [
            _("You need the voter code that you were given. Vote here: {link}", link=f"{facts.address}/vote"),
            _("You do not have to vote. This message was sent automatically; nobody was given a list."),
        ],
    )


def _closing(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("Voting has closed: {title}", title=_title(facts)),
        recipient,
        [
            _("Voting has closed: {title}", title=_title(facts)),
            _("The trustees decrypt the totals now. The result will be on the election page."),
        ],
        [_("If you voted, you can check that your vote is there: {link}", link=f"{facts.address}/check")],
    )


def _result(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("The result is published: {title}", title=_title(facts)),
        recipient,
        [_("The result is here: {link}", link=f"{facts.address}/results")],
        [_("Anyone can check it: {link}", link=f"{facts.address}/verify")],
    )


def _cancellation(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("Cancelled: {title}", title=_title(facts)),
        recipient,
        [_("The election is cancelled: {title}", title=_title(facts))],
        [_("Reason: {reason}", reason=facts.reason)] if facts.reason else [],
        [_("No result will be published. Votes that were cast stay locked.")],
    )


def _factor(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("One-time code: {title}", title=_title(facts)),
        recipient,
        [_("Your one-time code: {code}", code=recipient.code)],
        [
            _("Type it on the voting page. It is good for 10 minutes."),
            _("If you are not voting at this moment, somebody else has your voter code: tell the contact below."),
        ],
    )


def _trustee_invitation(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("You are a trustee: {title}", title=_title(facts)),
        recipient,
        [
            _("You are trustee {number} of this election: {title}", number=recipient.trustee, title=_title(facts)),
            _("Together, the trustees make the key that locks the votes, and later open the totals, never a vote."),
        ],
        _trustee_ways(facts, recipient),
        [
            _("Keep the key file and its passphrase until the result is published."),
            _("Manifest hash: {hash}", hash=facts.manifest),
        ],
    )


def _trustee_ways(facts: ElectionFacts, recipient: Recipient) -> list[str]:
    link = trustee_link(facts.address, recipient.trustee, recipient.code)
    ways = [
        _("In the browser: {link}", link=link),
        _("Or, more safely, by command: {command}", command=f"urne-trustee status {facts.address}"),
    ]
    if recipient.code:
        ways.append(_("To join by command: {option}", option=f"--invitation {recipient.code}"))
    return ways


def trustee_link(address: str, place: int, invitation: str) -> str:
    """The address that a trustee opens: what stands after # never reaches a server."""
    return f"{address}/trustee#trustee={place}" + (f"&invitation={invitation}" if invitation else "")


def _trustee_move(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("Your next step as a trustee: {title}", title=_title(facts)),
        recipient,
        [_("The trustees' key is not finished, and it is your turn: {title}", title=_title(facts))],
        _trustee_ways(facts, recipient),
    )


def _trustee_decryption(facts: ElectionFacts, recipient: Recipient) -> Letter:
    return _letter(
        facts,
        _("Please decrypt the totals: {title}", title=_title(facts)),
        recipient,
        [
            _("Voting has closed: {title}", title=_title(facts)),
            _("Please decrypt the totals with your key file and its passphrase."),
        ],
        _trustee_ways(facts, recipient),
    )


_LETTERS: dict[Kind, Callable[[ElectionFacts, Recipient], Letter]] = {
    Kind.INVITATION: _invitation,
    Kind.OPENING: _opening,
    Kind.REMINDER: _reminder,
    Kind.CLOSING: _closing,
    Kind.RESULT: _result,
    Kind.CANCELLATION: _cancellation,
    Kind.FACTOR: _factor,
    Kind.TRUSTEE_INVITATION: _trustee_invitation,
    Kind.TRUSTEE_MOVE: _trustee_move,
    Kind.TRUSTEE_DECRYPTION: _trustee_decryption,
}
