"""The batch accepts what the plain check accepts, and nothing else: honest ballots, mutated ones, any hints."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import pytest
from gmpy2 import mpz, powmod
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulators.election import ElectionSimulator, manifest_for
from voting.crypto import batch
from voting.crypto.batch import WeightedClaim, draw_weights, find_false_claims, find_non_members
from voting.crypto.group import group_by_name
from voting.crypto.multiexp import best_windows, bit_products, join_bits, multi_power
from voting.election import ballot_batch
from voting.election.ballot_batch import HintedBallot, check_ballots_together
from voting.election.ballots import BallotContext, ballot_challenge, encrypt_ballot, parse_ballot, verify_ballot_proofs
from voting.protocol.encoding import decode, encode, from_base64, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.errors import VerificationError
from voting.protocol.messages import Ballot, ConstraintProof, EncryptedValue, Hints
from voting.protocol.methods import Choose, ChooseSelection, Score, ScoreSelection

GROUP = group_by_name("toy-512")
p, q = GROUP.p, GROUP.q
OF_ORDER_R = powmod(3, 2 * q, p)
OPTIONS = ({"en": "Ada"}, {"en": "Grace"}, {"en": "Emmy"})
QUESTIONS = (
    Choose(title={"en": "Chair?"}, options=OPTIONS, minimum=0, maximum=1, blank=True),
    Score(title={"en": "Marks?"}, options=OPTIONS[:2], highest=2, minimum=0, maximum=3),
)


class Scene(NamedTuple):
    context: BallotContext
    ballots: list[HintedBallot]


@pytest.fixture(scope="module")
def scene() -> Scene:
    simulator = ElectionSimulator(manifest_for(QUESTIONS, trustees=1, threshold=1))
    simulator.run_ceremony()
    voters = simulator.give_credentials([1] * 20)
    simulator.open()
    context = simulator.record.ballot_context()
    ballots = []
    for number, voter in enumerate(voters):
        choices = (ChooseSelection(chosen=(number % 3,)), ScoreSelection(scores=(number % 3, 1)))
        made = encrypt_ballot(context, voter.key, choices, number.to_bytes(32, "big"))
        ballots.append(HintedBallot(parse_body("ballot.cast", made.body, what="b").content, made.hints, f"#{number}"))
    return Scene(context, ballots)


def plain(context: BallotContext, item: HintedBallot) -> str:
    """The check that fails, or "" for a valid ballot, by the plain verifier."""
    try:
        verify_ballot_proofs(context, parse_ballot(context, item.ballot, subject=item.subject), subject=item.subject)
    except VerificationError as error:
        return error.check
    return ""


def batched(context: BallotContext, items: list[HintedBallot]) -> dict[int, str]:
    failures, ciphertexts = check_ballots_together(context, items, random_bytes=secrets.token_bytes)
    assert failures.keys() | ciphertexts.keys() == set(range(len(items)))
    assert not failures.keys() & ciphertexts.keys()
    return {position: error.check for position, error in failures.items()}


# -- mutations ---------------------------------------------------------------------------------------------------------


def number(text: str) -> mpz:
    return mpz(int.from_bytes(from_base64(text, None, what="x"), "big"))


def element(value: mpz) -> str:
    return to_base64(int(value % p).to_bytes(GROUP.element_bytes, "big"))


def scalar(value: mpz) -> str:
    return to_base64(int(value % q).to_bytes(32, "big"))


def change_value(rng: random.Random, ballot: Ballot, change: Callable[[mpz], mpz]) -> Ballot:
    values = list(ballot.ciphertexts)
    position, part = rng.randrange(len(values)), rng.choice(["alpha", "beta"])
    old = number(getattr(values[position], part))
    values[position] = msgspec.structs.replace(values[position], **{part: element(change(old))})
    return msgspec.structs.replace(ballot, ciphertexts=tuple(values))


def change_scalar(rng: random.Random, ballot: Ballot) -> Ballot:
    proofs = list(ballot.proofs)
    position, field = rng.randrange(len(proofs)), rng.choice(["challenges", "responses"])
    numbers = list(getattr(proofs[position], field))
    index = rng.randrange(len(numbers))
    numbers[index] = scalar(number(numbers[index]) + rng.choice([1, -1, 2**128]))
    proofs[position] = msgspec.structs.replace(proofs[position], **{field: tuple(numbers)})
    return msgspec.structs.replace(ballot, proofs=tuple(proofs))


def cancelling_errors(rng: random.Random, ballot: Ballot) -> Ballot:
    """Two responses of one constraint, one too large and one too small: they cancel in an unweighted product."""
    proofs = list(ballot.proofs)
    position = rng.randrange(len(proofs))
    numbers = list(proofs[position].responses)
    if len(numbers) < 2:
        return change_scalar(rng, ballot)
    numbers[0] = scalar(number(numbers[0]) + 1)
    numbers[1] = scalar(number(numbers[1]) - 1)
    proofs[position] = ConstraintProof(proofs[position].challenges, tuple(numbers))
    return msgspec.structs.replace(ballot, proofs=tuple(proofs))


def cancelling_values(rng: random.Random, ballot: Ballot) -> Ballot:
    """alpha_1 g and alpha_2 / g, or both times -1, or times x and 1/x of order r."""
    first, second, *rest = ballot.ciphertexts
    factor = rng.choice([GROUP.generator.value, p - 1, OF_ORDER_R])
    return msgspec.structs.replace(
        ballot,
        ciphertexts=(
            EncryptedValue(element(number(first.alpha) * factor), first.beta),
            EncryptedValue(element(number(second.alpha) * powmod(factor, -1, p)), second.beta),
            *rest,
        ),
    )


MUTATIONS: dict[str, Callable[[random.Random, Ballot], Ballot]] = {
    "none": lambda rng, ballot: ballot,
    "value times g": lambda rng, ballot: change_value(rng, ballot, lambda x: x * GROUP.generator.value),
    "value times -1": lambda rng, ballot: change_value(rng, ballot, lambda x: -x),
    "value times order r": lambda rng, ballot: change_value(rng, ballot, lambda x: x * OF_ORDER_R),
    "value times -1 of order 2r": lambda rng, ballot: change_value(rng, ballot, lambda x: -x * OF_ORDER_R),
    "scalar": change_scalar,
    "challenge": lambda rng, ballot: msgspec.structs.replace(ballot, challenge=scalar(number(ballot.challenge) + 1)),
    "cancelling errors": cancelling_errors,
    "cancelling values": cancelling_values,
}


def hints_of(item: HintedBallot) -> list[str]:
    assert item.hints is not None
    return list(decode(item.hints, Hints, what="hints").commitments)


def rehinted(texts: list[str]) -> bytes:
    return encode(Hints(tuple(texts)))


def times_order_r(texts: list[str]) -> list[str]:
    return [element(number(texts[0]) * OF_ORDER_R), *texts[1:]]


def swap(texts: list[str]) -> list[str]:
    return [texts[1], texts[0], *texts[2:]]


HINTS: dict[str, Callable[[HintedBallot, HintedBallot], bytes | None]] = {
    "right": lambda item, other: item.hints,
    "missing": lambda item, other: None,
    "empty": lambda item, other: b"",
    "not json": lambda item, other: b"\xff{",
    "of another ballot": lambda item, other: other.hints,
    "one less": lambda item, other: rehinted(hints_of(item)[:-1]),
    "swapped": lambda item, other: rehinted(swap(hints_of(item))),
    "negated": lambda item, other: rehinted([element(-number(hints_of(item)[0])), *hints_of(item)[1:]]),
    "times order r": lambda item, other: rehinted(times_order_r(hints_of(item))),
    "zero": lambda item, other: rehinted([element(mpz(0)), *hints_of(item)[1:]]),
    "short": lambda item, other: rehinted(["AQ", *hints_of(item)[1:]]),
    "huge": lambda item, other: b"[" * 10_000,
}  # fmt: skip


def test_honest_ballots_pass_together(scene: Scene) -> None:
    assert batched(scene.context, scene.ballots) == {}


@settings(max_examples=250)
@given(st.data())
def test_plain_and_batched_agree_on_any_mixture(scene: Scene, data: st.DataObject) -> None:
    """Up to 20 ballots at a time, each with one mutation and one kind of hints: several thousand ballots in all."""
    rng = random.Random(data.draw(st.integers()))
    items = []
    for original in rng.sample(scene.ballots, data.draw(st.integers(1, 20))):
        mutation = rng.choice(list(MUTATIONS)) if rng.random() < 0.3 else "none"
        kind = rng.choice(list(HINTS)) if rng.random() < 0.3 else "right"
        hints = HINTS[kind](original, rng.choice(scene.ballots))
        items.append(HintedBallot(MUTATIONS[mutation](rng, original.ballot), hints, original.subject))
    expected = {i: check for i, item in enumerate(items) if (check := plain(scene.context, item))}
    assert batched(scene.context, items) == expected


@pytest.mark.parametrize("mutation", [name for name in MUTATIONS if name != "none"])
def test_each_mutation_is_refused_by_both(scene: Scene, mutation: str) -> None:
    for seed in range(30):
        rng = random.Random(seed)
        item = scene.ballots[seed % 20]
        changed = item._replace(ballot=MUTATIONS[mutation](rng, item.ballot))
        check = plain(scene.context, changed)
        assert check in {"12", "14"}
        assert batched(scene.context, [*scene.ballots[:3], changed]) == {3: check}


@pytest.mark.parametrize("kind", list(HINTS))
def test_hints_never_change_the_verdict(scene: Scene, kind: str) -> None:
    items = [item._replace(hints=HINTS[kind](item, scene.ballots[-1])) for item in scene.ballots[:3]]
    assert batched(scene.context, items) == {}
    bad = MUTATIONS["scalar"](random.Random(1), scene.ballots[3].ballot)
    wrong = scene.ballots[3]._replace(ballot=bad, hints=HINTS[kind](scene.ballots[3], scene.ballots[-1]))
    assert batched(scene.context, [*items, wrong]) == {3: "14"}


def test_right_hints_are_used(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Honest ballots with right hints never need the plain check: otherwise the batch would be slow and still pass."""

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("the plain check was asked for")

    monkeypatch.setattr(ballot_batch, "verify_ballot_proofs", forbidden)
    assert batched(scene.context, scene.ballots) == {}


def forged(scene: Scene, factor: mpz) -> HintedBallot:
    """A ballot that hashes its own false hints: the challenge fits, one equation is wrong by `factor`."""
    item = scene.ballots[0]
    commitments = hints_of(item)
    value = number(commitments[0]) * factor % p
    commitments[0] = element(min(value, p - value))
    parts = [from_base64(t, None, what="x") for v in item.ballot.ciphertexts for t in (v.alpha, v.beta)]
    credential = from_base64(item.ballot.credential, 32, what="c")
    encoded = [from_base64(text, None, what="x") for text in commitments]
    c = ballot_challenge(scene.context, credential, parts, encoded)
    shift = (c - number(item.ballot.challenge)) % q
    # Only the last challenges follow from c, so the equations of the last branches break as well.
    assert shift != 0
    return item._replace(ballot=msgspec.structs.replace(item.ballot, challenge=scalar(c)), hints=rehinted(commitments))


@pytest.mark.parametrize("factor", ["g", "order r"])
def test_hints_that_hash_to_the_challenge_do_not_help_a_false_equation(scene: Scene, factor: str) -> None:
    item = forged(scene, {"g": GROUP.generator.value, "order r": OF_ORDER_R}[factor])
    assert plain(scene.context, item) == "14"
    for _ in range(20):
        assert batched(scene.context, [scene.ballots[1], item]) == {1: "14"}


# -- the parts ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, int(p) - 1), st.integers(0, 2**260)), max_size=120))
def test_multi_power_equals_the_product_of_powers(terms: list[tuple[int, int]]) -> None:
    expected = mpz(1)
    for base, exponent in terms:
        expected = expected * powmod(base, exponent, p) % p
    assert multi_power(p, [mpz(base) for base, _ in terms], [exponent for _, exponent in terms]) == expected


@pytest.mark.parametrize("count", [1, 47, 48, 95, 96, 97, 300])
def test_multi_power_on_both_sides_of_the_switch(count: int) -> None:
    rng = random.Random(count)
    bases = [mpz(rng.randrange(1, int(p))) for _ in range(count)]
    exponents = [rng.choice([0, 1, rng.getrandbits(128), rng.getrandbits(256)]) for _ in range(count)]
    expected = mpz(1)
    for base, exponent in zip(bases, exponents, strict=True):
        expected = expected * powmod(base, exponent, p) % p
    assert multi_power(p, bases, exponents) == expected


@pytest.mark.parametrize(("count", "bits"), [(1, 128), (7, 5), (40, 128), (2000, 128)])
def test_bit_products_are_the_products_of_chosen_bases_and_join_to_the_product_of_powers(count: int, bits: int) -> None:
    rng = random.Random(count)
    bases = [mpz(rng.randrange(1, int(p))) for _ in range(count)]
    numbers = [rng.choice([0, 1, 2**bits - 1, rng.getrandbits(bits)]) for _ in range(count)]
    products = bit_products(p, bases, numbers, bits)
    for place in range(bits):
        expected = mpz(1)
        for base, weight in zip(bases, numbers, strict=True):
            if weight >> place & 1:
                expected = expected * base % p
        assert products[place] == expected
    assert len(products) == bits
    assert join_bits(p, products) == multi_power(p, bases, numbers)


@given(st.lists(st.integers(0, 400), max_size=300))
def test_windows_cover_every_bit_once(lengths: list[int]) -> None:
    place = 0
    for window in best_windows(lengths):
        assert window.shift == place
        assert 1 <= window.width <= 16
        place += window.width
    assert place >= max(lengths, default=0)


def members(count: int, seed: int) -> Iterator[mpz]:
    rng = random.Random(seed)
    for _ in range(count):
        yield powmod(GROUP.generator.value, rng.getrandbits(256), p)


@given(st.integers(1, 40), st.sets(st.integers(0, 39), max_size=6), st.integers())
def test_bisection_names_exactly_the_false_claims(count: int, bad: set[int], seed: int) -> None:
    bad = {index for index in bad if index < count}
    claims = []
    for index, base in enumerate(members(count, seed)):
        weight = 2**100 + index
        claims.append(WeightedClaim((base, powmod(base, -1, p)), (weight, weight + (index in bad)), (mpz(0),)))
    assert find_false_claims(GROUP, claims, [GROUP.generator.value]) == sorted(bad)


@pytest.mark.parametrize("few", [0, 10_000], ids=["by bits", "one by one"])
@pytest.mark.parametrize("kind", ["-1", "order r", "order 2r", "two that cancel", "minus twice"])
def test_non_members_are_named(kind: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "FEW_RESIDUES", few)
    for attempt in range(30):
        items = [list(members(4, attempt * 10 + i)) for i in range(8)]
        x, y = items[5][0], items[5][1]
        items[5][0], items[5][1] = {
            "-1": (p - x, y),
            "order r": (x * OF_ORDER_R % p, y),
            "order 2r": ((p - x) * OF_ORDER_R % p, y),
            "two that cancel": (x * OF_ORDER_R % p, y * powmod(OF_ORDER_R, -1, p) % p),
            "minus twice": (p - x, p - y),
        }[kind]
        assert find_non_members(GROUP, items, secrets.token_bytes) == [5]


def test_weights_are_fresh_and_full_length() -> None:
    first, second = draw_weights(200, secrets.token_bytes), draw_weights(200, secrets.token_bytes)
    assert not set(first) & set(second)
    assert max(first) < 2**128
    assert max(first) > 2**120
    assert draw_weights(2, lambda n: bytes(range(n))) == [
        int.from_bytes(bytes(range(16)), "big"),
        int.from_bytes(bytes(range(16, 32)), "big"),
    ]


def test_predictable_weights_would_be_unsound(scene: Scene) -> None:
    """A negative control: with constant weights, errors that cancel pass the equation product."""
    one = WeightedClaim((GROUP.generator.value,), (1,), (mpz(0),))
    other = WeightedClaim((GROUP.generator.inverse().value,), (1,), (mpz(0),))
    assert find_false_claims(GROUP, [one, other], [GROUP.generator.value]) == []
    weights = draw_weights(2, secrets.token_bytes)
    weighted = [
        WeightedClaim(claim.bases, (weight,), claim.fixed) for claim, weight in zip((one, other), weights, strict=True)
    ]
    assert find_false_claims(GROUP, weighted, [GROUP.generator.value]) == [0, 1]
