"""The gallery: dishonest trustees who decrypt, and results that name the wrong shares (18; docs/spec/tally.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gmpy2 import invert, mpz

from tests.gallery.making import Output, broken
from tests.simulators.election import ADMINISTRATOR
from tests.simulators.record import SampleElection
from tests.tamper.test_verifier_tamper import change, fields, forged, place_of, published, with_share
from trustee_tools.ceremony import decryption_secret
from voting.crypto.chaum_pedersen import EqualityProof, prove_equality
from voting.crypto.group import Element, Group
from voting.crypto.transcript import batch_weights, challenge
from voting.election.ceremony import encode_proof
from voting.election.decryption import decode_totals, share_context
from voting.election.record import require_tally
from voting.protocol.encoding import from_base64, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.messages import Message, Proof, TallyShare

NOT_19 = {"19"}
NO_RESULT = {"19", "20"}


# -- shares (18) -------------------------------------------------------------------------------------------------------


def with_factor(number: Callable[[Group, mpz], mpz]) -> Callable[[], Output]:
    """The first factor of the second trustee is another number."""

    def spoil(election: SampleElection, content: Any) -> Message:
        group = election.record.group
        old = mpz(int.from_bytes(from_base64(content.factors[0], group.element_bytes, what="factor"), "big"))
        changed = int(number(group, old))
        length = max(group.element_bytes, -(-changed.bit_length() // 8))
        return fields(factors=(to_base64(changed.to_bytes(length, "big")), *content.factors[1:]))(content)

    return lambda: with_share(spoil)


def higher_by_q(election: SampleElection, text: str) -> str:
    number = int.from_bytes(from_base64(text, 32, what="scalar"), "big") + int(election.record.group.q)
    return to_base64(number.to_bytes(33, "big"))


for _what, _sentence, _attacks, _make in (
    ("factor-0", "A factor is 0.", (16,), with_factor(lambda group, old: mpz(0))),
    ("factor-p", "A factor is p.", (16,), with_factor(lambda group, old: group.p)),
    ("factor-1", "A factor is 1: the trustee did not decrypt.", (41,), with_factor(lambda group, old: mpz(1))),
    ("negated-factor", "A factor is p - x.", (16, 17), with_factor(lambda group, old: group.p - old)),
    ("factor-plus-p", "A factor is written as x + p.", (16,), with_factor(lambda group, old: group.p + old)),
    (
        "factor-times-g",
        "A factor is multiplied by g: a vote less for an option.",
        (41,),
        with_factor(lambda group, old: old * group.generator.value % group.p),
    ),
    (
        "factor-missing",
        "A share has a factor fewer.",
        (41,),
        lambda: with_share(lambda e, c: fields(factors=c.factors[:-1])(c)),
    ),
    (
        "factor-more",
        "A share has a factor more.",
        (41,),
        lambda: with_share(lambda e, c: fields(factors=(*c.factors, c.factors[0]))(c)),
    ),
    (
        "challenge-plus-q",
        "The challenge of a share's proof is written as challenge + q.",
        (7,),
        lambda: with_share(lambda e, c: fields(proof=Proof(higher_by_q(e, c.proof.challenge), c.proof.response))(c)),
    ),
):
    broken(f"18-{_what}", _sentence, *_attacks, by="trustee", not_run=NOT_19)(_make)


def _share_of_first(election: SampleElection) -> TallyShare:
    place = [entry.header.type for entry in election.board.entries].index("tally.share")
    content: TallyShare = parse_body("tally.share", election.board.entries[place].body, what="part").content
    return content


for _what, _sentence, _attacks, _spoil, _then in (
    (
        "proof-of-another-trustee",
        "A share bears the proof of another trustee's share.",
        (41, 42),
        lambda e, c: fields(proof=_share_of_first(e).proof)(c),
        NOT_19,
    ),
    (
        "share-of-another-trustee",
        "A trustee publishes another's factors and proof as its own.",
        (41,),
        lambda e, c: fields(proof=_share_of_first(e).proof, factors=_share_of_first(e).factors)(c),
        NOT_19,
    ),
    (
        "share-under-another-index",
        "A trustee publishes its share under another's index.",
        (41,),
        lambda e, c: fields(index=3)(c),
        NO_RESULT,
    ),
    ("share-of-trustee-0", "A share has the index 0.", (41, 49), lambda e, c: fields(index=0)(c), NO_RESULT),
    ("share-of-trustee-99", "A share has the index 99.", (41,), lambda e, c: fields(index=99)(c), NO_RESULT),
):

    def _spoiled(spoil: Any = _spoil) -> Output:
        return with_share(spoil)

    broken(f"18-{_what}", _sentence, *_attacks, by="trustee", not_run=_then)(_spoiled)


@broken("18-second-share", "A trustee publishes two shares.", 41, by="trustee")
def second_share() -> Output:
    election, parts = published()
    place = place_of(parts, "tally.share")
    later = fields(time="2026-11-24T09:59:59.000Z")
    twice = change(election, parts, "tally.share", later, election.trustees[1].signing_key)[place]
    return forged([*parts[: place + 1], twice, *parts[place + 1 :]])


def with_proof(
    make: Callable[[SampleElection, mpz, Sequence[Element]], tuple[Sequence[Element], EqualityProof]],
) -> Output:
    """The second trustee makes factors and proof from its secret and the totals as it likes."""

    def spoil(election: SampleElection, content: Any) -> Message:
        group = election.record.group
        bases = [pair.alpha for pair in decode_totals(group, require_tally(election.record), subject="tally")]
        factors, proof = make(election, decryption_secret(election.trustees[2], election.ceremony), bases)
        return fields(factors=tuple(to_base64(each.encode()) for each in factors), proof=encode_proof_of(group, proof))(
            content
        )

    return with_share(spoil)


def encode_proof_of(group: Group, proof: EqualityProof) -> Proof:
    return encode_proof(group, proof)  # type: ignore[arg-type]


def _context(election: SampleElection) -> tuple[bytes, ...]:
    assert election.record.election is not None
    assert election.record.tally_hash is not None
    return share_context(election.record.election, election.record.tally_hash, 2)


@broken(
    "18-negated-factors-whose-proof-holds",
    "A trustee negates factors: the signs cancel in the weighted product, and only the test of membership sees it.",
    17,
    19,
    by="trustee",
    not_run=NOT_19,
)
def negated_factors() -> Output:
    def make(election: SampleElection, secret: mpz, bases: Sequence[Element]) -> tuple[list[Element], EqualityProof]:
        group, public = election.record.group, election.ceremony.verification_key(2)
        factors = [base**secret for base in bases]
        factors[0] = Element(group, group.p - factors[0].value)
        random = election.random_bytes
        return factors, prove_equality(secret, public, bases, factors, *_context(election), random_bytes=random)

    return with_proof(make)


@broken(
    "18-weak-fiat-shamir",
    "A trustee chooses the proof first and solves for a factor: the hashes would not cover it.",
    1,
    53,
    by="trustee",
    not_run=NOT_19,
)
def weak_fiat_shamir() -> Output:
    """With weights and challenge over commitments and context alone this proof would pass: see the assertion."""

    def make(election: SampleElection, secret: mpz, bases: Sequence[Element]) -> tuple[list[Element], EqualityProof]:
        group, public, context = election.record.group, election.ceremony.verification_key(2), _context(election)
        weights = batch_weights(group, "decryption-weights", len(bases), *context)
        base = group.multi_power(bases, weights)
        a, b = group.g.power(mpz(11)), base ** mpz(13)  # two nonces: an honest trustee has one
        c = challenge(group, "decryption", *context, a.encode_unsigned(), b.encode_unsigned())
        z = (mpz(11) + c * secret) % group.q
        image = (base**z / b) ** invert(c, group.q)
        factors = [each**secret for each in bases]
        rest = group.multi_power(factors[1:], weights[1:])
        factors[0] = (image / rest) ** invert(weights[0], group.q)
        assert group.g.power(z) / public**c == a
        assert base**z / group.multi_power(factors, weights) ** c == b
        return factors, EqualityProof(c, z)

    return with_proof(make)


for _what, _sentence, _shares in (
    ("one-share-twice", "The result names one trustee twice (two equal places, a division by 0).", (1, 1)),
    ("shares-in-another-order", "The result names the trustees in falling order.", (2, 1)),
    ("share-that-is-not-there", "The result names a trustee who has published no share.", (1, 3)),
    ("three-shares-named", "The result names more trustees than the threshold.", (1, 2, 3)),
):

    def _named(shares: Any = _shares) -> Output:
        election, parts = published()
        return forged(change(election, parts, "election.result", fields(shares=shares), ADMINISTRATOR))

    broken(f"18-{_what}", _sentence, 41, 49, by="administrator", not_run=NO_RESULT)(_named)
