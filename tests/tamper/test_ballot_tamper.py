"""A ballot is bound to itself, its voter and its election: each change of each field fails, and at the check named."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from gmpy2 import mpz, powmod

from tests.simulators.election import ElectionSimulator, Voter, manifest_for
from voting.crypto.group import Element
from voting.election.ballots import (
    BallotContext,
    encrypt_ballot,
    parse_ballot,
    verify_ballot,
    verify_ballot_proofs,
)
from voting.protocol.encoding import encode, from_base64, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.errors import DecodeError, VerificationError
from voting.protocol.messages import Ballot, ConstraintProof, EncryptedValue
from voting.protocol.methods import Choose, ChooseSelection, Score, ScoreSelection

OPTIONS = ({"en": "Ada"}, {"en": "Grace"}, {"en": "Emmy"})
QUESTIONS = (
    Choose(title={"en": "Chair?"}, options=OPTIONS, minimum=0, maximum=1, blank=True),
    Score(title={"en": "Marks?"}, options=OPTIONS[:2], highest=2, minimum=0, maximum=3),
)
CHOICES = (ChooseSelection(chosen=(1,), blank=False), ScoreSelection(scores=(2, 1)))


class Scene:
    """An open election with two voters and one honest ballot of the first."""

    def __init__(self, nonce: int = 0) -> None:
        self.simulator = ElectionSimulator(manifest_for(QUESTIONS, trustees=1, threshold=1, nonce=nonce))
        self.simulator.run_ceremony()
        self.voters = self.simulator.give_credentials([1, 1])
        self.simulator.open()
        self.context: BallotContext = self.simulator.record.ballot_context()
        self.ballot = self.content(self.voters[0], 1)

    def content(self, voter: Voter, seed: int) -> Ballot:
        body = encrypt_ballot(self.context, voter.key, CHOICES, bytes([seed]) * 32).body
        content: Ballot = parse_body("ballot.cast", body, what="ballot").content
        return content

    def check(self, ballot: Ballot, voter: Voter | None = None) -> None:
        """Verify a ballot that `voter` signs anew, so that the signature never hides another fault."""
        signer = (voter or self.voters[0]).key
        body = sign_content("ballot.cast", self.context.manifest.hash, ballot, signer)
        verify_ballot(self.context, parse_body("ballot.cast", body, what="ballot"), body, subject="ballot")


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def expect(check: str, scene: Scene, ballot: Ballot, voter: Voter | None = None) -> None:
    with pytest.raises(VerificationError) as caught:
        scene.check(ballot, voter)
    assert caught.value.check == check, caught.value


def replace(ballot: Ballot, **changes: Any) -> Ballot:
    return msgspec.structs.replace(ballot, **changes)


def with_ciphertext(ballot: Ballot, position: int, **parts: str) -> Ballot:
    values = list(ballot.ciphertexts)
    values[position] = msgspec.structs.replace(values[position], **parts)
    return replace(ballot, ciphertexts=tuple(values))


def with_proof(ballot: Ballot, position: int, proof: ConstraintProof) -> Ballot:
    proofs = list(ballot.proofs)
    proofs[position] = proof
    return replace(ballot, proofs=tuple(proofs))


def element(scene: Scene, text: str) -> mpz:
    return mpz(int.from_bytes(from_base64(text, scene.context.group.element_bytes, what="x"), "big"))


def written(scene: Scene, number: mpz) -> str:
    return to_base64(int(number).to_bytes(scene.context.group.element_bytes, "big"))


def plus(text: str, step: int) -> str:
    return to_base64((int.from_bytes(from_base64(text, 32, what="x"), "big") + step).to_bytes(32, "big"))


def test_the_honest_ballot_passes(scene: Scene) -> None:
    scene.check(scene.ballot)


@pytest.mark.parametrize("part", ["alpha", "beta"])
@pytest.mark.parametrize("position", range(6))
def test_another_group_element_fails_the_proofs(scene: Scene, position: int, part: str) -> None:
    old = getattr(scene.ballot.ciphertexts[position], part)
    g = scene.context.group.generator.value
    changed = written(scene, element(scene, old) * g % scene.context.group.p)
    expect("14", scene, with_ciphertext(scene.ballot, position, **{part: changed}))


@pytest.mark.parametrize("part", ["alpha", "beta"])
@pytest.mark.parametrize(
    "kind", ["zero", "p", "x + p", "minus x", "x times order r", "order two", "no base64", "short"]
)
def test_what_is_not_in_the_group_is_named(scene: Scene, kind: str, part: str) -> None:
    group = scene.context.group
    old = element(scene, getattr(scene.ballot.ciphertexts[2], part))
    of_order_r = powmod(3, 2 * group.q, group.p)
    texts: dict[str, Callable[[], str]] = {
        "zero": lambda: written(scene, mpz(0)),
        "p": lambda: written(scene, group.p),
        "x + p": lambda: to_base64(int(old + group.p).to_bytes(group.element_bytes + 1, "big")),
        "minus x": lambda: written(scene, group.p - old),
        "x times order r": lambda: written(scene, old * of_order_r % group.p),
        "order two": lambda: written(scene, group.p - 1),
        "no base64": lambda: "!" * 86,
        "short": lambda: "AQ",
    }
    expect("12", scene, with_ciphertext(scene.ballot, 2, **{part: texts[kind]()}))


def test_swapped_ciphertexts_fail_the_proofs(scene: Scene) -> None:
    first, second, *rest = scene.ballot.ciphertexts
    expect("14", scene, replace(scene.ballot, ciphertexts=(second, first, *rest)))


@pytest.mark.parametrize("change", ["one less", "one more", "none"])
def test_a_wrong_number_of_ciphertexts_breaks_the_shape(scene: Scene, change: str) -> None:
    values = scene.ballot.ciphertexts
    changed = {"one less": values[:-1], "one more": (*values, values[0]), "none": ()}[change]
    expect("13", scene, replace(scene.ballot, ciphertexts=changed))


@pytest.mark.parametrize("change", ["one less", "one more", "none"])
def test_a_wrong_number_of_proofs_breaks_the_shape(scene: Scene, change: str) -> None:
    proofs = scene.ballot.proofs
    changed = {"one less": proofs[:-1], "one more": (*proofs, proofs[0]), "none": ()}[change]
    expect("13", scene, replace(scene.ballot, proofs=changed))


@pytest.mark.parametrize("field", ["challenges", "responses"])
@pytest.mark.parametrize("position", range(8))
def test_every_scalar_of_every_proof_counts(scene: Scene, position: int, field: str) -> None:
    proof = scene.ballot.proofs[position]

    def changed(numbers: list[str]) -> Ballot:
        return with_proof(scene.ballot, position, msgspec.structs.replace(proof, **{field: tuple(numbers)}))

    for index, text in enumerate(getattr(proof, field)):
        numbers = list(getattr(proof, field))
        numbers[index] = plus(text, -1)
        expect("14", scene, changed(numbers))
        numbers.pop(index)
        expect("13", scene, changed(numbers))
        numbers = [*getattr(proof, field), text]
        expect("13", scene, changed(numbers))


@pytest.mark.parametrize("field", ["challenges", "responses", "challenge"])
def test_a_scalar_plus_q_is_out_of_range(scene: Scene, field: str) -> None:
    q = scene.context.group.q
    small = to_base64(int(q).to_bytes(32, "big"))  # q itself is the smallest number that must be refused
    if field == "challenge":
        expect("13", scene, replace(scene.ballot, challenge=small))
        return
    proof = scene.ballot.proofs[0]
    numbers = (small, *getattr(proof, field)[1:])
    expect("13", scene, with_proof(scene.ballot, 0, msgspec.structs.replace(proof, **{field: numbers})))


def test_the_challenge_counts(scene: Scene) -> None:
    expect("14", scene, replace(scene.ballot, challenge=plus(scene.ballot.challenge, -1)))


def test_proofs_in_another_order_fail(scene: Scene) -> None:
    first, second, *rest = scene.ballot.proofs
    expect("14", scene, replace(scene.ballot, proofs=(second, first, *rest)))


def test_a_copied_ballot_under_another_voters_name_fails(scene: Scene) -> None:
    thief = scene.voters[1]
    stolen = replace(scene.ballot, credential=to_base64(thief.key.verify_key.raw))
    expect("14", scene, stolen, thief)


def test_a_ballot_signed_by_somebody_else_fails(scene: Scene) -> None:
    expect("11", scene, scene.ballot, scene.voters[1])


@pytest.mark.parametrize("credential", ["small order", "no key", "not base64"])
def test_a_credential_that_is_no_key_fails(scene: Scene, credential: str) -> None:
    texts = {
        "small order": to_base64(b"\x01" + bytes(31)),
        "no key": to_base64(b"\x02" + bytes(31)),
        "not base64": "?" * 43,
    }
    expect("11", scene, replace(scene.ballot, credential=texts[credential]))


def test_a_ballot_of_another_election_fails() -> None:
    """The same questions, trustees' seeds and voters' codes: only the manifest's nonce differs."""
    here, there = Scene(0), Scene(1)
    foreign = there.ballot
    with pytest.raises(VerificationError) as caught:
        here.check(foreign, there.voters[0])
    assert caught.value.check == "14"


@pytest.mark.parametrize("values", [(1, 1, 0, 0, 2, 1), (0, 1, 0, 1, 2, 1), (0, 0, 0, 0, 2, 2), (1000, 0, 0, 0, 0, 0)])
def test_forbidden_values_cannot_be_encrypted_by_honest_software(scene: Scene, values: tuple[int, ...]) -> None:
    from voting.election.ballots import encrypt_values

    with pytest.raises(ValueError, match="shape"):
        encrypt_values(scene.context, scene.voters[0].key, values, bytes(32))


def test_two_ballots_cannot_be_mixed(scene: Scene) -> None:
    """Ciphertexts and proofs of the first question from one ballot, the rest from another of the same voter."""
    other = scene.content(scene.voters[0], 2)
    mixed = replace(
        scene.ballot,
        ciphertexts=scene.ballot.ciphertexts[:4] + other.ciphertexts[4:],
        proofs=scene.ballot.proofs[:5] + other.proofs[5:],
    )
    expect("14", scene, mixed)


def test_a_negated_commitment_changes_nothing(scene: Scene) -> None:
    """Commitments enter the hash without their sign, so that plain and batched checks agree (G5)."""
    parsed = parse_ballot(scene.context, scene.ballot, subject="ballot")
    verify_ballot_proofs(scene.context, parsed, subject="ballot")
    group = scene.context.group
    one = Element(group, group.generator.value)
    assert one.encode_unsigned() == Element(group, group.p - group.generator.value).encode_unsigned()


def test_the_same_seed_with_other_choices_repeats_no_nonce(scene: Scene) -> None:
    voter, seed = scene.voters[0], bytes(32)
    first = encrypt_ballot(scene.context, voter.key, CHOICES, seed).body
    other_choices = (ChooseSelection(chosen=(0,), blank=False), CHOICES[1])
    second = encrypt_ballot(scene.context, voter.key, other_choices, seed).body
    alphas = [
        {value.alpha for value in parse_body("ballot.cast", body, what="b").content.ciphertexts}
        for body in (first, second)
    ]
    assert not alphas[0] & alphas[1]


def test_the_same_arguments_give_the_same_ballot(scene: Scene) -> None:
    ballots = {encrypt_ballot(scene.context, scene.voters[0].key, CHOICES, bytes(32)) for _ in range(2)}
    assert len(ballots) == 1


def read_and_verify(scene: Scene, body: bytes) -> None:
    verify_ballot(scene.context, parse_body("ballot.cast", body, what="ballot"), body, subject="ballot")


def test_random_single_bit_flips_of_a_body_never_pass(scene: Scene) -> None:
    voter = scene.voters[0]
    body = sign_content("ballot.cast", scene.context.manifest.hash, scene.ballot, voter.key)
    rng = random.Random(5)
    for _ in range(150):
        changed = bytearray(body)
        changed[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        data = bytes(changed)
        with pytest.raises((DecodeError, VerificationError)):
            read_and_verify(scene, data)


def test_values_are_written_in_one_way(scene: Scene) -> None:
    assert encode(scene.ballot.ciphertexts[0]) == encode(
        EncryptedValue(scene.ballot.ciphertexts[0].alpha, scene.ballot.ciphertexts[0].beta)
    )
