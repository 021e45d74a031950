"""The gallery: dishonest voters: proofs (14), copies (15), and hints that do not fit (docs/spec/ballots.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gmpy2 import invert, mpz, powmod

from tests.gallery.forger import Forger, cast, finished, negated, replaced, with_forged, with_spoiled
from tests.gallery.making import Output, Record, broken
from tests.simulators.record import ADA, GRACE, SampleElection, sample_election
from tests.strategies.methods import SMALL_QUESTIONS
from voting.crypto.elgamal import Ciphertext, combine
from voting.crypto.membership import MembershipProof, respond
from voting.crypto.transcript import challenge
from voting.election.ballots import BALLOT, ballot_challenge, encode_parts
from voting.protocol.encoding import Hash, encode, from_base64, sha256, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.messages import Ballot, ConstraintProof, Hints
from voting.protocol.methods import Choose, Condorcet, ListsSelection, RankingSelection, Score, ScoreSelection

# -- proofs (14) -------------------------------------------------------------------------------------------------------


def of_values(*values: int, **choices: Any) -> Callable[[], Output]:
    return lambda: with_forged(lambda forger: forger.ballot(values), **choices)


_RANKING = Condorcet(title={"en": "Who?"}, options=({"en": "A"}, {"en": "B"}, {"en": "C"}))
_BY_LISTS = SMALL_QUESTIONS["lists"]
_POINTS = Score(title={"en": "Points?"}, options=({"en": "A"}, {"en": "B"}), highest=3, minimum=0, maximum=4)

for _what, _sentence, _values, _choices in (
    ("over-vote", "A voter gives both options a vote where one is allowed.", (1, 1, 0), {}),
    ("thousand-votes", "A voter gives an option 1000 votes.", (1000, 0, 0), {}),
    ("negative-vote", "A voter gives an option -1 votes, and another 1.", (-1, 1, 0), {}),
    ("blank-with-a-choice", "A voter casts a blank vote and a choice in one.", (1, 0, 1), {}),
    (
        "cyclic-ranking",
        "A ranking prefers A to B, B to C and C to A.",
        (1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1),
        {"questions": (_RANKING,), "ballots": ((0, [RankingSelection((0, 1, 2))]), (1, [RankingSelection((2, 1, 0))]))},
    ),
    (
        "one-rank-for-two",
        "A ranking puts two candidates first and nobody second.",
        (1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1),
        {"questions": (_RANKING,), "ballots": ((0, [RankingSelection((0, 1, 2))]), (1, [RankingSelection((2, 1, 0))]))},
    ),
    (
        "candidate-of-another-list",
        "A voter chooses a list and a candidate of another one.",
        (1, 0, 0, 0, 1, 0, 0),
        {"questions": (_BY_LISTS,), "ballots": ((0, [ListsSelection(0, (0,))]), (1, [ListsSelection(1, (1,))]))},
    ),
    (
        "too-many-points",
        "A voter gives each option no more than allowed, but more points in all.",
        (3, 3),
        {"questions": (_POINTS,), "ballots": ((0, [ScoreSelection((1, 2))]), (1, [ScoreSelection((0, 1))]))},
    ),
):
    broken(f"14-{_what}", _sentence, 13, by="voter")(of_values(*_values, **_choices))


@broken(
    "14-empty-ciphertexts",
    "All ciphertexts are (1, 1), and the proofs are those of a good ballot.",
    13,
    by="voter",
    also={"15"},
)
def empty_ciphertexts() -> Output:
    def make(forger: Forger) -> Ballot:
        one = Ciphertext(forger.group.identity, forger.group.identity)
        return forger.ballot((0, 1, 0), ciphertexts=[one] * 3)

    return with_forged(make)


@broken("14-reordered-branches", "The branches of a proof stand in the reverse order.", 9, by="voter")
def reordered_branches() -> Output:
    def make(forger: Forger) -> Ballot:
        constraints = [replaced(each, allowed=each.allowed) for each in forger.shape.constraints]
        ballot = forger.ballot((0, 1, 0), constraints=constraints)
        proof = ballot.proofs[-1]
        last = (_scalar(ballot.challenge) - sum(map(_scalar, proof.challenges))) % forger.group.q
        challenges = [*map(_scalar, proof.challenges), last][::-1]
        turned = ConstraintProof(tuple(map(forger.text, challenges[:-1])), proof.responses[::-1])
        return replaced(ballot, proofs=(*ballot.proofs[:-1], turned))

    return with_forged(make)


def _scalar(text: str) -> mpz:
    return mpz(int.from_bytes(from_base64(text, 32, what="scalar"), "big"))


for _position, _what in ((0, "proof-of-an-option"), (2, "proof-of-the-blank-vote"), (3, "overall-proof")):

    def _flipped(forger: Forger, position: int = _position) -> Ballot:
        """One response of one proof is higher by 1."""
        ballot = forger.ballot((0, 1, 0))
        proof = ballot.proofs[position]
        first = forger.text((_scalar(proof.responses[0]) + 1) % forger.group.q)
        proofs = list(ballot.proofs)
        proofs[position] = replaced(proof, responses=(first, *proof.responses[1:]))
        return replaced(ballot, proofs=tuple(proofs))

    broken(f"14-changed-{_what}", f"One response of the {_what.replace('-', ' ')} is changed.", 10, by="voter")(
        lambda make=_flipped: with_forged(make)  # type: ignore[misc]
    )


@broken(
    "14-free-challenges",
    "The challenges of the branches do not add up to the ballot's: both are simulated.",
    2,
    13,
    by="voter",
)
def free_challenges() -> Output:
    """1000 votes; each branch is simulated, and a verifier that did not force the sum would see nothing."""

    def make(forger: Forger) -> Ballot:
        nonces = forger.nonces()
        ciphertexts = forger.encrypt((1000, 0, 0), nonces)
        encoded, proofs = [], []
        for constraint in forger.shape.constraints:
            terms = constraint.combination.terms
            a, b = combine(forger.group, ciphertexts, terms, constraint.combination.constant)
            challenges = tuple(forger.scalar() for _ in constraint.allowed)
            responses = tuple(forger.scalar() for _ in constraint.allowed)
            for v, c, z in zip(constraint.allowed, challenges, responses, strict=True):
                shifted = b / forger.key.g.power(mpz(v))
                encoded.append((forger.key.g.power(z) / a**c).encode_unsigned())
                encoded.append((forger.key.k.power(z) / shifted**c).encode_unsigned())
            proofs.append(MembershipProof(challenges, responses))
        c = ballot_challenge(forger.context, forger.credential, encode_parts(ciphertexts), encoded)
        return forger.written(c, ciphertexts, proofs)

    return with_forged(make, counted=False)


@broken(
    "14-weak-fiat-shamir",
    "The commitments are chosen first, and a ciphertext of a huge number is solved for (Bernhard, Pereira, Warinschi).",
    2,
    by="voter",
)
def weak_fiat_shamir() -> Output:
    """With a hash over the commitments alone this ballot would pass: see the assertion."""
    question = Score(title={"en": "Good?"}, options=({"en": "Yes"},), highest=1, minimum=0, maximum=1)
    ballots = ((0, [ScoreSelection((1,))]), (1, [ScoreSelection((0,))]))

    def make(forger: Forger) -> Ballot:
        group, key, q = forger.group, forger.key, forger.group.q
        while True:
            s, w = [forger.scalar(), forger.scalar()], [forger.scalar(), forger.scalar()]
            moves = [
                part
                for s_v, w_v in zip(s, w, strict=True)
                for part in (key.g.power(s_v), key.k.power(s_v) * key.g.power(w_v))
            ]
            encoded = [element.encode_unsigned() for element in moves] * len(forger.shape.constraints)
            c = challenge(group, "ballot", bytes.fromhex(forger.context.election), forger.credential, *encoded)
            # m with -m c_0 = w_0, (1 - m) c_1 = w_1, c_0 + c_1 = c: a root of c m^2 + (w_0 + w_1 - c) m - w_0.
            linear = (w[0] + w[1] - c) % q
            root = _square_root((linear * linear + 4 * c * w[0]) % q, q)
            if root is not None:
                break
        m = (root - linear) * invert(2 * c, q) % q
        challenges = (-w[0] * invert(m, q) % q, w[1] * invert(1 - m, q) % q)
        assert sum(challenges) % q == c
        nonce = forger.scalar()
        ciphertext = Ciphertext(key.g.power(nonce), key.k.power(nonce) * key.g.power(m))
        responses = tuple((s_v + nonce * c_v) % q for s_v, c_v in zip(s, challenges, strict=True))
        proof = MembershipProof(challenges, responses)
        return forger.written(c, [ciphertext], [proof] * len(forger.shape.constraints))

    return with_forged(make, questions=(question,), ballots=ballots)


def _square_root(square: mpz, q: mpz) -> mpz | None:
    """A square root modulo q = 3 (mod 4), or None."""
    root = powmod(square, (q + 1) // 4, q)
    return root if root * root % q == square else None


@broken(
    "14-ballot-of-another-election",
    "A ballot made for another election with the same questions, renamed and signed.",
    4,
    25,
    by="voter",
)
def renamed_ballot() -> Output:
    election = sample_election(until="voting", lenient=True)
    other = sample_election(until="open", seed=1)
    cast(election, replaced(Forger(other, election.voters[2]).ballot((0, 1, 0)), election=election.record.election))
    return finished(election)


@broken(
    "14-ballot-of-a-rehearsal",
    "A ballot made under the rehearsal's election id, with the same key, is renamed.",
    26,
    by="voter",
)
def ballot_of_a_rehearsal() -> Output:
    """Only the election id in the challenge differs."""
    election = sample_election(until="voting", lenient=True)
    forger = Forger(election)
    forger.context = forger.context._replace(election=Hash(sha256(b"rehearsal")))
    cast(election, replaced(forger.ballot((0, 1, 0)), election=election.record.election))
    return finished(election)


@broken(
    "14-rerandomised-copy",
    "A voter casts another voter's ciphertexts with fresh randomness, and the old proofs.",
    21,
    by="voter",
)
def rerandomised_copy() -> Output:
    return copy_of_first(lambda forger, pairs: [_rerandomised(forger, pair) for pair in pairs])


@broken(
    "14-permuted-copy",
    "A voter casts another voter's ciphertexts with fresh randomness and the options exchanged.",
    21,
    by="voter",
)
def permuted_copy() -> Output:
    return copy_of_first(lambda forger, pairs: [_rerandomised(forger, pairs[place]) for place in (1, 0, 2)])


def copy_of_first(change: Callable[[Forger, list[Ciphertext]], list[Ciphertext]]) -> Record:
    election = sample_election(until="voting", lenient=True)
    victim = parse_body(BALLOT, election.board.entries[election.record.ballots[0].seq].body, what="part").content
    forger = Forger(election)
    group = forger.group
    pairs = [
        Ciphertext(*(group.decode(from_base64(x, group.element_bytes, what="x")) for x in (each.alpha, each.beta)))
        for each in victim.ciphertexts
    ]
    own = forger.ballot((0, 1, 0), ciphertexts=change(forger, pairs))
    cast(election, replaced(own, proofs=victim.proofs, challenge=victim.challenge))
    return finished(election)


def _rerandomised(forger: Forger, pair: Ciphertext) -> Ciphertext:
    nonce = forger.scalar()
    return Ciphertext(pair.alpha * forger.key.g.power(nonce), pair.beta * forger.key.k.power(nonce))


@broken(
    "14-questions-exchanged", "A ballot answers two questions of the same kind in the other order.", 12, 21, by="voter"
)
def questions_exchanged() -> Output:
    first, second = (
        Choose(title={"en": title}, options=({"en": "Ada"}, {"en": "Emmy"})) for title in ("Chair?", "Deputy?")
    )

    def make(forger: Forger) -> Ballot:
        ballot = forger.ballot((1, 0, 0, 1))
        half = len(ballot.proofs) // 2
        proofs = (*ballot.proofs[half:], *ballot.proofs[:half])
        return replaced(ballot, ciphertexts=(*ballot.ciphertexts[2:], *ballot.ciphertexts[:2]), proofs=proofs)

    return with_forged(make, questions=(first, second), ballots=((0, [ADA, ADA]), (1, [GRACE, ADA])))


# -- copies (15) -------------------------------------------------------------------------------------------------------


@broken(
    "15-two-voters-with-one-nonce",
    "Two voters agree on their nonces: the proofs hold, the ciphertexts are the same.",
    23,
    by="voter",
)
def two_voters_with_one_nonce() -> Output:
    election = sample_election(until="open", lenient=True)
    for voter in election.voters[:2]:
        cast(election, Forger(election, voter, seed=7).ballot((1, 0, 0)), voter)
    return finished(election)


@broken(
    "15-one-nonce-for-two-options",
    "A ballot uses one nonce for two options: whoever compares them learns the vote.",
    23,
    by="voter",
)
def one_nonce_for_two_options() -> Output:
    def make(forger: Forger) -> Ballot:
        first, _, third = forger.nonces()
        return forger.ballot((0, 1, 0), [first, first, third])

    return with_forged(make)


# -- hints (66) --------------------------------------------------------------------------------------------------------


@broken("14-wrong-ballot-with-right-hints", "A wrong ballot stands beside the hints of the good one.", 66, by="board")
def right_hints() -> Output:
    def spoil(_election: SampleElection, content: Any) -> Any:
        first, second, *others = content.ciphertexts
        return replaced(content, ciphertexts=(second, first, *others))

    return with_spoiled(spoil, hints=True)


@broken(
    "12-negated-alpha-with-hints",
    "An alpha is negated, its proofs hold, and its hints are right.",
    19,
    66,
    by="voter",
    not_run={"14", "17"},
)
def negated_alpha_with_hints() -> Output:
    election = sample_election(until="voting", lenient=True, weights=(1, 1, 2))
    forger = Forger(election)
    values, nonces = (0, 1, 0), forger.nonces()
    first, *others = forger.encrypt(values, nonces)
    pairs = [negated(first), *others]
    moves = [forger.move(each, values, nonces) for each in forger.shape.constraints]
    encoded = [element.encode_unsigned() for move in moves for element in move.elements]
    c = ballot_challenge(forger.context, forger.credential, encode_parts(pairs), encoded)
    ballot = forger.written(c, pairs, [respond(forger.key, move, c) for move in moves])
    cast(election, ballot, hints=encode(Hints(tuple(map(to_base64, encoded)))))
    return finished(election, counted=True, hints=True)
