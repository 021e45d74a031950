"""The gallery: dishonest voters: signatures (11), numbers outside the group (12), ballots of another shape (13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gmpy2 import mpz, powmod

from tests.gallery.forger import Forger, Spoil, cast, finished, negated, replaced, with_forged, with_spoiled
from tests.gallery.making import Output, Record, broken, record
from tests.simulators.edwards import BASE as ED_BASE
from tests.simulators.edwards import L, add, lift, multiply
from tests.simulators.edwards import challenge as ed_challenge
from tests.simulators.edwards import encode as ed_encode
from tests.simulators.election import AUTHORITY
from tests.simulators.record import ADA, CHAIR, GRACE, SampleElection, sample_election
from voting.election.ballots import BALLOT
from voting.election.steps import list_credentials
from voting.protocol.encoding import encode, from_base64, sha256, to_base64
from voting.protocol.entries import parse_body, signing_input
from voting.protocol.messages import Ballot, ConstraintProof, EncryptedValue, Signed
from voting.protocol.methods import Choose

NOT_14 = {"14"}
MEMBERS = (CHAIR, Choose(title={"en": "Treasurer?"}, options=({"en": "Emmy"}, {"en": "Sofia"})))
"""Two questions of different size."""


# -- signatures (11) ---------------------------------------------------------------------------------------------------


def with_signature(change: Callable[[SampleElection, Ballot, bytes], tuple[Ballot, bytes]]) -> Record:
    """A good ballot whose content and signature are changed."""
    election = sample_election(until="voting", lenient=True)
    good = parse_body(BALLOT, election.encrypt(election.voters[2], [GRACE]).body, what="part")
    content, signature = change(election, good.content, from_base64(good.signature, 64, what="signature"))
    election.board.append(BALLOT, encode(Signed(content, to_base64(signature))))
    return finished(election)


@broken(
    "11-changed-after-signing",
    "The server changes a signed ballot: two of its ciphertexts.",
    28,
    33,
    by="board",
    also={"14"},
)
def changed_after_signing() -> Output:
    def change(_election: SampleElection, content: Ballot, signature: bytes) -> tuple[Ballot, bytes]:
        first, second, *others = content.ciphertexts
        return replaced(content, ciphertexts=(second, first, *others)), signature

    return with_signature(change)


@broken("11-signature-with-s-plus-l", "A ballot comes again with a second form of its signature: S + L.", 7, by="board")
def malleable_signature() -> Output:
    def change(_election: SampleElection, content: Ballot, signature: bytes) -> tuple[Ballot, bytes]:
        s = int.from_bytes(signature[32:], "little") + L
        return content, signature[:32] + s.to_bytes(32, "little")

    return with_signature(change)


@broken(
    "11-signature-of-a-related-key",
    "Key and signature of a ballot are moved by the same number (related keys).",
    5,
    by="voter",
)
def related_key() -> Output:
    """A signature whose hash left the key out would hold for A + B with S + k."""
    shift = 5
    election = sample_election(until="listed", lenient=True)
    public = election.voters[0].key.verify_key.raw
    point = lift(int.from_bytes(public, "little") % 2**255, public[31] >> 7)
    assert point is not None
    related = ed_encode(add(point, multiply(shift, ED_BASE)))
    for entry in list_credentials(election.manifest, [(related, 1)], AUTHORITY, election.now()):
        election.board.append(*entry)
    election.open()
    content = Forger(election).ballot((0, 1, 0))
    content = replaced(content, credential=to_base64(related))
    forger = Forger(election, election.voters[0])
    forger.credential = related
    content = forger.ballot((0, 1, 0))
    message = signing_input(BALLOT, election.manifest.hash, sha256(encode(content)))
    signature = election.voters[0].key.sign(message)
    k = ed_challenge(signature[:32], public, message)
    s = (int.from_bytes(signature[32:], "little") + k * shift) % L
    election.board.append(BALLOT, encode(Signed(content, to_base64(signature[:32] + s.to_bytes(32, "little")))))
    for voter in election.voters[:2]:
        election.vote(voter, [ADA])
    election.finish()
    return record(election.board.entries)


@broken(
    "11-key-of-another-election",
    "A voter signs with the key that the same code gives in another election.",
    4,
    25,
    by="voter",
)
def key_of_another_election() -> Output:
    election = sample_election(until="voting", lenient=True)
    other = sample_election(until="open", seed=1)
    content = Forger(election).ballot((0, 1, 0))
    cast(election, content, other.voters[2])
    return finished(election)


# -- group membership (12) ---------------------------------------------------------------------------------------------


def order_of_cofactor(election: SampleElection) -> mpz:
    """A number whose order divides (p - 1) / q: no member of the group."""
    group = election.record.group
    return powmod(3, 2 * group.q, group.p)


def with_number(part: str, change: Callable[[SampleElection, mpz], mpz]) -> Callable[[], Output]:
    """The first alpha or beta is replaced by another number."""

    def spoil(election: SampleElection, content: Any) -> Any:
        group = election.record.group
        old = from_base64(getattr(content.ciphertexts[0], part), group.element_bytes, what=part)
        number = int(change(election, mpz(int.from_bytes(old, "big"))))
        length = max(group.element_bytes, -(-number.bit_length() // 8))
        first = replaced(content.ciphertexts[0], **{part: to_base64(number.to_bytes(length, "big"))})
        return replaced(content, ciphertexts=(first, *content.ciphertexts[1:]))

    return lambda: with_spoiled(spoil)


for _part, _what, _sentence, _change in (
    ("beta", "negated-beta", "A beta is replaced by p - beta.", lambda e, x: e.record.group.p - x),
    ("alpha", "alpha-0", "An alpha is 0.", lambda e, x: mpz(0)),
    ("alpha", "alpha-p", "An alpha is p, which is 0.", lambda e, x: e.record.group.p),
    ("beta", "beta-plus-p", "A beta is written as beta + p, in more bytes.", lambda e, x: e.record.group.p + x),
    ("alpha", "alpha-minus-1", "An alpha is p - 1, of order two.", lambda e, x: e.record.group.p - 1),
    (
        "alpha",
        "alpha-times-another-order",
        "An alpha is multiplied by a number of another order.",
        lambda e, x: x * order_of_cofactor(e) % e.record.group.p,
    ),
):
    broken(f"12-{_what}", _sentence, 16, by="voter", not_run=NOT_14)(with_number(_part, _change))


@broken(
    "12-negated-alpha-whose-proofs-hold",
    "A voter negates an alpha before proving: signs cancel in the proofs, and only the test of membership sees it.",
    17,
    19,
    by="voter",
    not_run={"14", "17"},
)
def negated_alpha_with_proofs() -> Output:
    def make(forger: Forger) -> Ballot:
        nonces = forger.nonces()
        first, *others = forger.encrypt((0, 1, 0), nonces)
        return forger.ballot((0, 1, 0), nonces, ciphertexts=[negated(first), *others])

    return with_forged(make, counted=True, weights=(1, 1, 2))


@broken(
    "12-negations-that-cancel",
    "Two voters negate the same alpha: in the product of all ballots, and in a careless batch, the signs are gone.",
    19,
    by="voter",
    not_run={"14", "17"},
)
def negations_that_cancel() -> Output:
    election = sample_election(until="open", lenient=True, weights=(1, 1, 1))
    for voter in election.voters[:2]:
        forger = Forger(election, voter)
        forger.random.seed(voter.code)
        nonces = forger.nonces()
        first, *others = forger.encrypt((1, 0, 0), nonces)
        cast(election, forger.ballot((1, 0, 0), nonces, ciphertexts=[negated(first), *others]), voter)
    return finished(election)


# -- shape (13) --------------------------------------------------------------------------------------------------------


def with_proof(change: Callable[[SampleElection, ConstraintProof], ConstraintProof]) -> Callable[[], Output]:
    """The first proof is changed."""

    def spoil(election: SampleElection, content: Any) -> Any:
        return replaced(content, proofs=(change(election, content.proofs[0]), *content.proofs[1:]))

    return lambda: with_spoiled(spoil)


def higher_by_q(election: SampleElection, text: str) -> str:
    """The same number modulo q, in a second form (33 bytes where 32 do not hold it)."""
    number = int.from_bytes(from_base64(text, 32, what="scalar"), "big") + int(election.record.group.q)
    return to_base64(number.to_bytes(-(-number.bit_length() // 8), "big"))


def last_bit_set(text: str) -> str:
    """Base64url of 32 bytes has two bits more than it needs; here they are not 0."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


for _what, _sentence, _attacks, _change in (
    (
        "response-plus-q",
        "A response is written as response + q.",
        (7, 8),
        lambda e, p: replaced(p, responses=(higher_by_q(e, p.responses[0]), *p.responses[1:])),
    ),
    (
        "challenge-plus-q",
        "A challenge of a branch is written as challenge + q.",
        (7,),
        lambda e, p: replaced(p, challenges=(higher_by_q(e, p.challenges[0]), *p.challenges[1:])),
    ),
    (
        "short-response",
        "A response has 31 bytes.",
        (8,),
        lambda e, p: replaced(p, responses=(to_base64(bytes(31)), *p.responses[1:])),
    ),
    (
        "response-in-another-encoding",
        "The unused bits of a response's last character are not 0.",
        (37,),
        lambda e, p: replaced(p, responses=(last_bit_set(p.responses[0]), *p.responses[1:])),
    ),
    (
        "response-with-a-sign",
        "A response is written as a decimal number with a sign.",
        (8,),
        lambda e, p: replaced(p, responses=("-5", *p.responses[1:])),
    ),
    (
        "one-branch-more",
        "A proof has a branch for one more value.",
        (9,),
        lambda e, p: ConstraintProof((*p.challenges, p.challenges[0]), (*p.responses, p.responses[0])),
    ),
    (
        "one-branch-fewer",
        "A proof has a branch for one value only.",
        (9,),
        lambda e, p: ConstraintProof(p.challenges[:-1], p.responses[:-1]),
    ),
    (
        "challenge-missing",
        "A proof has as many responses as branches, but no challenge.",
        (9,),
        lambda e, p: replaced(p, challenges=()),
    ),
):
    broken(f"13-{_what}", _sentence, *_attacks, by="voter", not_run=NOT_14)(with_proof(_change))

for _what, _sentence, _attacks, _spoil in (
    (
        "one-proof-more",
        "A ballot has a proof more than the manifest has constraints.",
        (10, 11),
        lambda e, c: replaced(c, proofs=(*c.proofs, c.proofs[0])),
    ),
    (
        "one-ciphertext-fewer",
        "A ballot has a ciphertext fewer than there are options.",
        (11,),
        lambda e, c: replaced(c, ciphertexts=c.ciphertexts[:-1]),
    ),
    (
        "challenge-of-the-ballot-plus-q",
        "The challenge of the whole ballot is written as challenge + q.",
        (7,),
        lambda e, c: replaced(c, challenge=higher_by_q(e, c.challenge)),
    ),
    (
        "no-proofs",
        "A ballot has no proofs at all.",
        (10, 14),
        lambda e, c: replaced(c, proofs=()),
    ),
):
    broken(f"13-{_what}", _sentence, *_attacks, by="voter", not_run=NOT_14)(
        lambda spoil=_spoil: with_spoiled(spoil)  # type: ignore[misc]
    )


@broken(
    "13-one-ciphertext-more", "A ballot has a ciphertext more than there are options.", 11, by="voter", not_run=NOT_14
)
def one_ciphertext_more() -> Output:
    def make(forger: Forger) -> Ballot:
        ballot = forger.ballot((0, 1, 0))
        return replaced(ballot, ciphertexts=(*ballot.ciphertexts, one_more(forger)))

    return with_forged(make)


def one_more(forger: Forger) -> EncryptedValue:
    """One more ciphertext."""
    (a, b), *_ = forger.encrypt((1, 0, 0), forger.nonces())
    return EncryptedValue(to_base64(a.encode()), to_base64(b.encode()))


def two_questions(spoil: Spoil) -> Record:
    election = sample_election(
        until="voting", lenient=True, questions=MEMBERS, ballots=((0, [ADA, ADA]), (1, [GRACE, ADA]))
    )
    forger = Forger(election)
    good = forger.ballot((0, 1, 0, 1, 0))
    cast(election, spoil(election, good))
    return finished(election, choice=[GRACE, GRACE])


@broken("13-missing-question", "A ballot answers one of two questions.", 12, by="voter", not_run=NOT_14)
def missing_question() -> Output:
    return two_questions(
        lambda e, c: replaced(c, ciphertexts=c.ciphertexts[:3], proofs=c.proofs[:4]),
    )


@broken(
    "13-question-answered-twice",
    "A ballot answers the second of two questions twice.",
    12,
    by="voter",
    not_run=NOT_14,
    also={"15"},
)
def question_twice() -> Output:
    return two_questions(
        lambda e, c: replaced(c, ciphertexts=(*c.ciphertexts, *c.ciphertexts[3:]), proofs=(*c.proofs, *c.proofs[4:])),
    )


@broken(
    "13-questions-in-another-order", "A ballot answers the second question first.", 12, 21, by="voter", not_run=NOT_14
)
def questions_swapped() -> Output:
    return two_questions(
        lambda e, c: replaced(
            c,
            ciphertexts=(*c.ciphertexts[3:], *c.ciphertexts[:3]),
            proofs=(*c.proofs[4:], *c.proofs[:4]),
        ),
    )
