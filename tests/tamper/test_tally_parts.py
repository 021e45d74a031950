"""The rules of tally and decryption one by one: each difference is refused by its own rule, by name.

A whole record with such a fault is often stopped earlier, by another check; a server that admits entries relies on
these.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.simulators.record import SampleElection, sample_election
from voting.election.ballots import BALLOT
from voting.election.decryption import (
    decode_totals,
    decrypt_totals,
    outcomes_of,
    share_context,
    total_bounds,
    verify_outcome,
    verify_share_proof,
    verify_totals,
)
from voting.election.tally import recompute_tally, tally_ballots, verify_tally
from voting.protocol.encoding import sha256, to_base64
from voting.protocol.entries import parse_body
from voting.protocol.errors import ProofError, VerificationError


@pytest.fixture(scope="module")
def election() -> SampleElection:
    return sample_election()


def content_of(election: SampleElection, kind: str) -> Any:
    body = next(entry.body for entry in election.board.entries if entry.header.type == kind)
    return parse_body(kind, body, what=kind).content


def refused(check: str, words: str) -> Any:
    return pytest.raises(VerificationError, match=rf"^check {check}\b.*{words}")


def test_each_part_of_a_tally_must_be_the_recomputed_one(election: SampleElection) -> None:
    entry = content_of(election, "tally.encrypted")
    own = recompute_tally(election.record, lambda seq: election.board.entries[seq].body)
    verify_tally(entry, own, subject="tally")
    for changed, words in (
        (replace(entry, ballots=entry.ballots + 1), "wrong number of counted ballots"),
        (replace(entry, weight=entry.weight - 1), "wrong weight of counted ballots"),
        (replace(entry, totals=entry.totals[:-1]), "wrong number of totals"),
        (replace(entry, totals=(*entry.totals, entry.totals[0])), "wrong number of totals"),
        (replace(entry, totals=(*entry.totals[:-1], entry.totals[0])), r"totals\[2\] is not the product"),
    ):
        with refused("17", words) as caught:
            verify_tally(changed, own, subject="tally")
        assert (caught.value.check, caught.value.subject) == ("17", "tally")


def test_a_ballot_outside_the_group_is_named_before_it_is_multiplied(election: SampleElection) -> None:
    ballot = content_of(election, BALLOT)
    group, shape = election.record.group, election.manifest.shape
    alpha = ballot.ciphertexts[0].alpha
    good = group.p - 1  # its square is 1, so it is of order 2: no member
    outside = to_base64(int(good).to_bytes(group.element_bytes, "big"))
    for text in (outside, alpha[:-2], to_base64(bytes(group.element_bytes))):
        values = (replace(ballot.ciphertexts[0], alpha=text), *ballot.ciphertexts[1:])
        with pytest.raises(VerificationError) as caught:
            tally_ballots(group, shape, [(ballot, 1), (replace(ballot, ciphertexts=values), 1)])
        assert (caught.value.check, caught.value.subject) == ("12", f"ballot of credential {ballot.credential}")


def test_totals_outside_the_group_are_refused(election: SampleElection) -> None:
    entry = content_of(election, "tally.encrypted")
    broken = replace(entry, totals=(replace(entry.totals[0], beta="A" * 86), *entry.totals[1:]))
    with pytest.raises(VerificationError) as caught:
        decode_totals(election.record.group, broken, subject="tally")
    assert (caught.value.check, caught.value.subject) == ("17", "tally")


def test_a_share_has_one_factor_for_each_total(election: SampleElection) -> None:
    share = content_of(election, "tally.share")
    totals = decode_totals(election.record.group, content_of(election, "tally.encrypted"), subject="tally")
    public = election.ceremony.verification_key(share.index)
    verify_share_proof(share, public, totals, subject="share")
    for factors in (share.factors[:-1], (*share.factors, share.factors[0])):
        with refused("18", "wrong number of factors"):
            verify_share_proof(replace(share, factors=factors), public, totals, subject="share")


def test_a_share_is_bound_to_four_bytes_of_its_index() -> None:
    assert share_context(sha256(b"e"), sha256(b"t"), 258)[2] == b"\0\0\1\2"


def _opened(election: SampleElection) -> tuple[Any, Any, Any, Any]:
    group = election.record.group
    totals = decode_totals(group, content_of(election, "tally.encrypted"), subject="tally")
    shares = {}
    for entry in election.board.entries:
        if entry.header.type == "tally.share":
            share = parse_body("tally.share", entry.body, what="share").content
            public = election.ceremony.verification_key(share.index)
            shares[share.index] = verify_share_proof(share, public, totals, subject="share")
    return content_of(election, "election.result"), totals, shares, total_bounds(election.manifest.shape, 8)


def test_no_total_is_beyond_its_bound(election: SampleElection) -> None:
    """The largest bound is searched for all of them: the own bound of each must be looked at as well."""
    result, totals, shares, bounds = _opened(election)
    assert decrypt_totals(totals, shares, bounds) == result.totals == (3, 5, 0)
    assert decrypt_totals((), shares, ()) == ()
    assert decrypt_totals(totals, shares, (3, 5, 0)) == (3, 5, 0)
    with pytest.raises(ProofError, match="total 0 is 3, above the 2"):
        decrypt_totals(totals, shares, (2, 5, 0))
    verify_totals(result, totals, shares, (3, 5, 0), subject="result")
    with refused("19", r"totals\[0\] is out of range"):
        verify_totals(result, totals, shares, (2, 5, 0), subject="result")
    with refused("19", r"totals\[2\] is out of range"):
        verify_totals(replace(result, totals=(3, 5, -1)), totals, shares, bounds, subject="result")
    with refused("19", "wrong number of totals"):
        verify_totals(replace(result, totals=(3, 5)), totals, shares, bounds, subject="result")


def test_totals_that_no_ballots_give_have_no_outcome(election: SampleElection) -> None:
    result = content_of(election, "election.result")
    verify_outcome(election.manifest, result, 8, subject="result")
    with refused("20", "totals: wrong number"):
        verify_outcome(election.manifest, replace(result, totals=(3, 5)), 8, subject="result")
    with pytest.raises(VerificationError) as caught:
        verify_outcome(election.manifest, replace(result, totals=(3, 5, 1)), 8, subject="result")
    assert (caught.value.check, caught.value.subject) == ("20", "result")
    with refused("20", "wrong number of outcomes"):
        verify_outcome(election.manifest, replace(result, outcomes=result.outcomes * 2), 8, subject="result")
    assert len(outcomes_of(election.manifest, (3, 5, 0), 8)) == 1
