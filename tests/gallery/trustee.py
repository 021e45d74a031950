"""The gallery: dishonest trustees in the ceremony (06, 07, 08; docs/spec/trustees.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from gmpy2 import invert, mpz

from tests.gallery.making import AFTER_OPENING, Output, broken
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.record import Part, SampleElection, parts_of, sample_election
from tests.tamper.test_verifier_tamper import change, fields, forged, place_of, published
from trustee_tools import ceremony as trustee
from voting.crypto.group import Element, Group
from voting.crypto.schnorr import SchnorrProof, prove_knowledge
from voting.crypto.transcript import challenge
from voting.election.ceremony import KNOWLEDGE, encode_proof, knowledge_context
from voting.election.steps import restart_ceremony
from voting.protocol.encoding import Hash, encode, from_base64, sha256, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.messages import Coefficients, Proof, TrusteeAnswered, TrusteeRestarted

NO_KEY = AFTER_OPENING | {"07", "08"}
"""What does not run if a trustee's commitments are refused: nobody can deal, confirm or open then."""
NOT_JOINED = AFTER_OPENING | {"05", "06", "08"}
NOT_DEALT = AFTER_OPENING | {"08"}

Made = tuple[Sequence[str], Sequence[Proof]]


class Committer:
    """The second trustee, who makes commitments and proofs as it likes."""

    def __init__(self, election: SampleElection, committed: Any, others: Sequence[Any]) -> None:
        self.election, self.group = election, election.record.group
        self.coefficients: Coefficients = committed.coefficients
        self.elements, self.proofs = list(committed.coefficients.elements), list(committed.proofs)
        self.others = others

    def element(self, text: str) -> Element:
        return self.group.decode(from_base64(text, self.group.element_bytes, what="element"))

    def proof(self, secret: mpz, statement: Element, position: int) -> Proof:
        """P2, for any statement."""
        context = knowledge_context(self.coefficients, position)
        random = self.election.random_bytes
        return encode_proof(
            self.group, prove_knowledge(secret, statement, *context, purpose=KNOWLEDGE, random_bytes=random)
        )

    def secret(self, position: int) -> mpz:
        secrets = self.election.trustees[2]
        return secrets.polynomial(self.group, 1)[position]


def with_commitments(make: Callable[[Committer], Made]) -> Callable[[], Output]:
    """A whole election in which trustee 2 committed to something else, and hashed that in round 1."""

    def output() -> Output:
        election, parts = published()
        all_of_them = [
            parse_body(
                "trustee.committed", parts[place_of(parts, "trustee.committed", which)].body, what="part"
            ).content
            for which in range(3)
        ]
        elements, proofs = make(Committer(election, all_of_them[1], [all_of_them[0], all_of_them[2]]))
        coefficients = msgspec.structs.replace(all_of_them[1].coefficients, elements=tuple(elements))
        key = election.trustees[2].signing_key
        digest = fields(commitments=sha256(encode(coefficients)))
        parts = change(election, parts, "trustee.joined", digest, key, which=1)
        content = fields(coefficients=coefficients, proofs=tuple(proofs))
        return forged(change(election, parts, "trustee.committed", content, key, which=1))

    return output


def _weak_proof(own: Committer) -> Made:
    """A hash over the commitment alone would accept this: the statement is solved for, nobody knows its logarithm."""
    group = own.group
    commitment = own.element(own.others[0].coefficients.elements[0])
    context = knowledge_context(own.coefficients, 0)
    c = challenge(group, KNOWLEDGE, *context, commitment.encode_unsigned())
    z = mpz(5)
    y = (group.g.power(z) / commitment) ** invert(c, group.q)
    assert group.g.power(z) / y**c == commitment
    return [to_base64(y.encode()), own.elements[1]], [encode_proof(group, SchnorrProof(c, z)), own.proofs[1]]


def _rogue_key(own: Committer) -> Made:
    """g^x over the product of all others: the joint key would be g^x, which this trustee alone knows."""
    group = own.group
    others = group.product(own.element(each.coefficients.elements[0]) for each in own.others)
    y = group.g.power(mpz(7)) / others
    return [to_base64(y.encode()), own.elements[1]], [own.proof(mpz(7), y, 0), own.proofs[1]]


def _negated(own: Committer) -> Made:
    y = own.element(own.elements[1])
    negative = Element(own.group, own.group.p - y.value)
    return [own.elements[0], to_base64(negative.encode())], [own.proofs[0], own.proof(own.secret(1), negative, 1)]


def _number(number: Callable[[Group], mpz]) -> Callable[[Committer], Made]:
    def make(own: Committer) -> Made:
        text = to_base64(int(number(own.group)).to_bytes(own.group.element_bytes, "big"))
        return [own.elements[0], text], own.proofs

    return make


def _higher_challenge(own: Committer) -> Made:
    first = own.proofs[0]
    number = int.from_bytes(from_base64(first.challenge, 32, what="challenge"), "big") + int(own.group.q)
    raised = msgspec.structs.replace(first, challenge=to_base64(number.to_bytes(33, "big")))
    return own.elements, [raised, own.proofs[1]]


def _more(own: Committer) -> Made:
    y = own.group.g.power(mpz(3))
    return [*own.elements, to_base64(y.encode())], [*own.proofs, own.proof(mpz(3), y, 2)]


def _one(own: Committer) -> Made:
    identity = own.group.identity
    return [own.elements[0], to_base64(identity.encode())], [own.proofs[0], own.proof(mpz(0), identity, 1)]


def _of_another(own: Committer) -> Made:
    return own.others[0].coefficients.elements, own.others[0].proofs


for _what, _sentence, _attacks, _commit in (
    (
        "weak-fiat-shamir",
        "A trustee solves for a key after choosing the proof: nobody knows its secret.",
        (3,),
        _weak_proof,
    ),
    ("rogue-key", "A trustee's key is made of the others' so that the joint key is its own.", (50,), _rogue_key),
    ("negated-commitment", "A commitment is p - x; its proof holds but for the sign.", (16, 17), _negated),
    ("commitment-0", "A commitment is 0.", (16,), _number(lambda group: mpz(0))),
    ("commitment-p", "A commitment is p.", (16,), _number(lambda group: group.p)),
    ("commitment-of-order-two", "A commitment is p - 1.", (16,), _number(lambda group: group.p - 1)),
    ("commitment-1", "A commitment is 1, and its proof holds.", (16, 18), _one),
    ("challenge-plus-q", "The challenge of a proof is written as challenge + q.", (7,), _higher_challenge),
    ("degree-too-high", "A trustee commits to one coefficient more than the threshold.", (47,), _more),
    (
        "degree-too-low",
        "A trustee commits to one coefficient fewer: its share would be its key.",
        (47,),
        lambda own: (own.elements[:1], own.proofs[:1]),
    ),
    ("copied-commitments", "A trustee publishes another's commitments and proofs as its own.", (47, 50), _of_another),
    (
        "exchanged-proofs",
        "The proofs of two coefficients change places.",
        (3,),
        lambda own: (own.elements, own.proofs[::-1]),
    ),
):
    broken(f"06-{_what}", _sentence, *_attacks, by="trustee", not_run=NO_KEY)(with_commitments(_commit))


# -- the order of the ceremony (07) ------------------------------------------------------------------------------------


def spoiled(type_: str, trustee_: int, /, signer: int | None = None, **changes: Any) -> Callable[[], Output]:
    """A trustee's entry with other fields, signed by this trustee (or another one)."""

    def make() -> Output:
        election, parts = published()
        key = election.trustees[signer or trustee_].signing_key
        return forged(change(election, parts, type_, fields(**changes), key, which=trustee_ - 1))

    return make


def again(type_: str) -> Callable[[], Output]:
    """The first trustee repeats a step with another time."""

    def make() -> Output:
        election, parts = published()
        place = place_of(parts, type_)
        later = fields(time="2026-11-24T08:59:59.000Z")
        twice = change(election, parts, type_, later, election.trustees[1].signing_key)[place]
        return forged([*parts[: place + 1], twice, *parts[place + 1 :]])

    return make


for _what, _sentence, _attacks, _then, _make in (
    (
        "sealing-key-of-small-order",
        "A trustee's sealing key has small order: everybody can open its shares.",
        (16,),
        NOT_JOINED,
        spoiled("trustee.joined", 1, sealing_key=to_base64(bytes(32))),
    ),
    (
        "sealing-key-plus-p",
        "A trustee's sealing key is not written in its one form.",
        (16, 37),
        NOT_JOINED,
        spoiled("trustee.joined", 1, sealing_key=to_base64((2**255 - 19 + 9).to_bytes(32, "little"))),
    ),
    (
        "trustee-0",
        "A trustee joins with the index 0, at which the key itself would be dealt.",
        (41, 47),
        NOT_JOINED,
        spoiled("trustee.joined", 1, index=0),
    ),
    ("trustee-99", "Somebody joins as trustee 99 of 3.", (41, 47), NOT_JOINED, spoiled("trustee.joined", 1, index=99)),
    (
        "trustee-in-anothers-place",
        "A trustee joins in another's place, who then finds it taken.",
        (47, 49),
        NOT_JOINED,
        spoiled("trustee.joined", 2, index=1, name="Trustee 1"),
    ),
    ("joined-twice", "A trustee joins twice.", (47,), frozenset(), again("trustee.joined")),
    ("dealt-twice", "A trustee deals twice.", (47, 51), frozenset(), again("trustee.dealt")),
    ("confirmed-twice", "A trustee confirms twice.", (47,), frozenset(), again("trustee.confirmed")),
    (
        "step-of-another-ceremony",
        "A trustee deals for a second ceremony that nobody has begun.",
        (47,),
        NOT_DEALT,
        spoiled("trustee.dealt", 2, attempt=2),
    ),
    ("share-missing", "A trustee deals to all but one.", (47,), NOT_DEALT, spoiled("trustee.dealt", 2, shares=())),
):
    broken(f"07-{_what}", _sentence, *_attacks, by="trustee", not_run=_then)(_make)


@broken("07-one-key-for-two-trustees", "Two trustees have the same signing key.", 47, by="trustee", not_run=NOT_JOINED)
def one_key_for_two() -> Output:
    election, parts = published()
    first = election.trustees[1].signing_key
    edit = fields(signing_key=to_base64(first.verify_key.raw))
    return forged(change(election, parts, "trustee.joined", edit, first, which=1))


@broken(
    "05-trustee-key-of-small-order",
    "A trustee's signing key has small order.",
    16,
    18,
    by="trustee",
    not_run=NOT_JOINED | {"07"},
)
def signing_key_of_small_order() -> Output:
    return spoiled("trustee.joined", 1, signing_key=to_base64(bytes([1]) + bytes(31)))()


@broken(
    "05-step-for-another-trustee",
    "A trustee confirms in the name of another one.",
    47,
    by="trustee",
    not_run=AFTER_OPENING | {"07"},
)
def step_for_another() -> Output:
    return spoiled("trustee.confirmed", 2, signer=3)()


@broken(
    "08-verification-key-of-another",
    "A trustee confirms another trustee's verification key.",
    47,
    by="trustee",
    not_run=AFTER_OPENING | {"07"},
)
def verification_key_of_another() -> Output:
    election, parts = published()
    other = to_base64(election.ceremony.verification_key(1).encode())
    key = election.trustees[2].signing_key
    return forged(change(election, parts, "trustee.confirmed", fields(verification_key=other), key, which=1))


# -- complaints and new ceremonies -------------------------------------------------------------------------------------


def dealt() -> SampleElection:
    """An election in which all have dealt."""
    election = sample_election(until="defined")
    election.join()
    election.commit()
    election.deal()
    return election


def answer(election: SampleElection, dealer: int, recipient: int, share: bytes) -> Part:
    content = TrusteeAnswered(
        attempt=1,
        index=dealer,
        manifest=election.manifest.hash,
        recipient=recipient,
        share=to_base64(share),
        time=election.now(),
    )
    key = election.trustees[dealer].signing_key
    return Part("trustee.answered", sign_content("trustee.answered", election.manifest.hash, content, key))


@broken(
    "07-confirmed-with-an-open-complaint",
    "A trustee confirms while its own complaint is open.",
    47,
    by="trustee",
    not_run=AFTER_OPENING - {"04"} | {"09"},
)
def confirmed_with_an_open_complaint() -> Output:
    election = dealt()
    election.confirm()
    parts = parts_of(election.board.entries)
    place = place_of(parts, "trustee.confirmed")
    fresh = dealt()
    complaint = Part(*trustee.complain(fresh.trustees[1], fresh.ceremony, 2, fresh.now()))
    return forged([*parts[:place], complaint, *parts[place:]])


@broken("07-answer-without-a-complaint", "A dealer publishes a share about which nobody complained.", 47, by="trustee")
def answer_without_a_complaint() -> Output:
    election, parts = published()
    place = place_of(parts, "trustee.confirmed")
    return forged([*parts[:place], answer(election, 2, 1, bytes(32)), *parts[place:]])


@broken(
    "07-wrong-share-and-on",
    "A dealer answers a complaint with a wrong share, and the ceremony goes on as if it had not.",
    47,
    by="trustee",
    not_run=NOT_DEALT,
    warned={"07"},
)
def wrong_share_and_on() -> Output:
    election, parts = published()
    place = place_of(parts, "trustee.confirmed")
    fresh = dealt()
    complaint = Part(*trustee.complain(fresh.trustees[1], fresh.ceremony, 2, fresh.now()))
    return forged([*parts[:place], complaint, answer(election, 2, 1, bytes(31) + b"\1"), *parts[place:]])


@broken("07-excluded-trustee-returns", "A trustee who was left out joins the new ceremony.", 47, by="trustee")
def excluded_trustee_returns() -> Output:
    election = sample_election(until="defined")
    election.join()
    joined = parse_body("trustee.joined", election.board.entries[2].body, what="part").content
    election.board.append(*restart_ceremony(election.record, ADMINISTRATOR, [2], election.now()))
    election.run_ceremony()
    election.give_credentials((1, 2))
    election.open()
    election.finish()
    parts = parts_of(election.board.entries)
    place = place_of(parts, "trustee.restarted") + 1
    content = msgspec.structs.replace(joined, attempt=2)
    back = sign_content("trustee.joined", election.manifest.hash, content, election.trustees[2].signing_key)
    return forged([*parts[:place], Part("trustee.joined", back), *parts[place:]])


def restarted(*exclusions: tuple[int, ...]) -> Output:
    """Ceremonies without these trustees, one after the other, by the administrator."""
    election = sample_election(until="defined")
    parts = parts_of(election.board.entries)
    for attempt, excluded in enumerate(exclusions, 2):
        manifest: Hash = election.manifest.hash
        content = TrusteeRestarted(attempt=attempt, excluded=excluded, manifest=manifest, time=election.now())
        body = sign_content("trustee.restarted", manifest, content, ADMINISTRATOR)
        parts.append(Part("trustee.restarted", body))
    return forged(parts)


NO_CEREMONY = AFTER_OPENING - {"04"} | {"06", "08", "09"}

for _what, _sentence, _exclusions in (
    ("too-few-trustees-remain", "A new ceremony leaves out so many trustees that the rest cannot decrypt.", ((2, 3),)),
    ("trustee-taken-back", "A trustee who was left out is taken back by a second new ceremony.", ((2,), (3,))),
    ("trustee-left-out-twice", "A new ceremony leaves out one trustee twice.", ((2, 2),)),
    ("trustee-0-left-out", "A new ceremony leaves out a trustee who does not exist.", ((0,),)),
):

    def _restarted(exclusions: Any = _exclusions) -> Output:
        return restarted(*exclusions)

    broken(f"07-{_what}", _sentence, 47, by="administrator", not_run=NO_CEREMONY)(_restarted)
