"""Verifications 9 to 13 of ElectionGuard 2.0: decryption of the tally, of challenged ballots and of contest data.

One proof stands for all guardians, whoever was present, so that nothing of a missing guardian is to be seen.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gmpy2
from gmpy2 import mpz

from voting.verifier.foreign.electionguard.ballots_2 import BallotTotals, Option, Pair
from voting.verifier.foreign.electionguard.contest_data_2 import open_contest_data, says
from voting.verifier.foreign.electionguard.data_2 import (
    CAST,
    Ballot,
    ContestData,
    DecryptedContestData,
    DecryptedSelection,
    DecryptedTally,
)
from voting.verifier.foreign.electionguard.setup_2 import Election2
from voting.verifier.foreign.findings import Ledger

_MOST_VOTES = 1 << 40


def _check_selection(
    ledger: Ledger, election: Election2, checks: tuple[str, str], subject: str, found: DecryptedSelection, pair: Pair
) -> None:
    """One decrypted option: its proof (9 or 12) and its number (10 or 13)."""
    proof_check, value_check = checks
    group, key = election.group, election.key
    if (found.encrypted_vote.pad.value, found.encrypted_vote.data.value) != pair:
        ledger.fail(value_check, subject, "what was decrypted is not what should have been")
        return
    (total_a, total_b), t = pair, found.b_over_m.value
    c, v = found.proof.challenge.value, found.proof.response.value
    m = total_b * gmpy2.invert(t, group.p) % group.p
    a = group.g.power(v).value * key.power(c).value % group.p
    b = gmpy2.powmod(total_a, v, group.p) * gmpy2.powmod(m, c, group.p) % group.p
    if election.challenge(0x30, total_a, total_b, a, b, m) != c:
        ledger.fail(proof_check, subject, f"{proof_check}.B: the challenge is not the hash")
    else:
        ledger.hold(proof_check)
    if not 0 <= found.tally <= _MOST_VOTES:
        ledger.fail(value_check, subject, f"the number {found.tally} cannot be one of votes")
    elif gmpy2.powmod(key.base.value, found.tally, group.p) != t:
        ledger.fail(value_check, subject, "the number of votes is not what was decrypted", found=str(found.tally))
    else:
        ledger.hold(value_check)


def _selections(ledger: Ledger, check: str, subject: str, tally: DecryptedTally) -> dict[Option, DecryptedSelection]:
    found: dict[Option, DecryptedSelection] = {}
    for contest in tally.contests:
        for selection in contest.selections:
            option = (contest.contest_id, selection.selection_id)
            if option in found:
                ledger.fail(check, f"{subject}, {', '.join(option)}", "is decrypted twice")
            found[option] = selection
    return found


def check_tally(
    ledger: Ledger, election: Election2, expected: Mapping[Option, Pair], tally: DecryptedTally
) -> dict[Option, int]:
    """Verifications 9 and 10; returns the published numbers of votes."""
    ones = (mpz(1), mpz(1))
    with ledger.timing("9"):
        found = _selections(ledger, "10", "tally", tally)
        for option in sorted(found.keys() - expected.keys()):
            ledger.fail("10", ", ".join(option), "10.D: is in the tally, but not in the manifest")
        for option, pair in expected.items():
            subject = ", ".join(option)
            if option in found:
                _check_selection(ledger, election, ("9", "10"), f"tally, {subject}", found[option], pair)
            elif pair != ones:
                ledger.fail("10", subject, "10.C: is missing in the tally")
        if tally.election_id is not None and tally.election_id.raw != election.extended_hash:
            ledger.fail("10", "tally.json", "it was made for another election")
    return {option: selection.tally for option, selection in found.items()}


def check_challenged(
    ledger: Ledger, election: Election2, totals: BallotTotals, decrypted: Sequence[DecryptedTally]
) -> None:
    """Verifications 11, 12 and 13: every challenged ballot is decrypted, and no other."""
    with ledger.timing("12"):
        seen: set[str] = set()
        for ballot in decrypted:
            subject = f"challenged ballot {ballot.id}"
            encrypted = totals.challenged.get(ballot.id)
            if encrypted is None:
                cast = totals.states.get(ballot.id) == CAST
                reason = "a cast ballot was decrypted" if cast else "there is no such challenged ballot"
                ledger.fail("13", subject, reason)
            elif ballot.id in seen:
                ledger.fail("13", subject, "is decrypted twice")
            else:
                _check_ballot(ledger, election, encrypted, ballot)
            seen.add(ballot.id)
        for name in sorted(totals.challenged.keys() - seen):
            ledger.fail("13", f"challenged ballot {name}", "is not decrypted")


def _check_ballot(ledger: Ledger, election: Election2, encrypted: Ballot, ballot: DecryptedTally) -> None:
    subject = f"challenged ballot {ballot.id}"
    pairs = {
        (contest.contest_id, s.selection_id): (s.encrypted_vote.pad.value, s.encrypted_vote.data.value)
        for contest in encrypted.contests
        for s in contest.selections
    }
    found = _selections(ledger, "13", subject, ballot)
    if found.keys() != pairs.keys():
        ledger.fail("13", subject, "its options are not those of the encrypted ballot")
        return
    if ballot.election_id is not None and ballot.election_id.raw != election.extended_hash:
        ledger.fail("13", subject, "it was made for another election")
    votes: dict[str, int] = {}
    for option, selection in found.items():
        name = f"{subject}, {', '.join(option)}"
        _check_selection(ledger, election, ("12", "13"), name, selection, pairs[option])
        description = election.contests.get(option[0])
        limit = (
            1
            if description is None or description.option_selection_limit is None
            else (description.option_selection_limit)
        )
        if not 0 <= selection.tally <= limit:
            ledger.fail("13", name, "13.B: an option has more votes than allowed", found=str(selection.tally))
        votes[option[0]] = votes.get(option[0], 0) + selection.tally
    for contest_id, count in votes.items():
        description = election.contests.get(contest_id)
        allowed = description.votes_allowed if description else 0
        if count > allowed:
            reason = "13.C: a contest has more votes than allowed"
            ledger.fail("13", f"{subject}, {contest_id}", reason, expected=str(allowed), found=str(count))
    data = {contest.contest_id: contest.encrypted_contest_data for contest in encrypted.contests}
    for contest in ballot.contests:
        name = f"{subject}, {contest.contest_id}"
        if contest.decrypted_contest_data is not None:
            _check_contest_data(
                ledger,
                election,
                name,
                contest.contest_id,
                data.get(contest.contest_id),
                contest.decrypted_contest_data,
            )
        elif data.get(contest.contest_id) is not None:
            ledger.fail("11", name, "its contest data are not decrypted")


def _same_data(one: ContestData, other: ContestData) -> bool:
    return (one.c0.value, one.c1.raw, one.c2.raw, one.size) == (other.c0.value, other.c1.raw, other.c2.raw, other.size)


def _check_contest_data(
    ledger: Ledger,
    election: Election2,
    name: str,
    contest_id: str,
    encrypted: ContestData | None,
    found: DecryptedContestData,
) -> None:
    """Verification 11: beta is the decryption of C0; and what follows from beta."""
    if encrypted is None or not _same_data(encrypted, found.encrypted_contest_data):
        ledger.fail("11", name, "the contest data are not those of the encrypted ballot")
        return
    group, key = election.group, election.key
    c, v = found.proof.challenge.value, found.proof.response.value
    c0, beta = encrypted.c0.value, found.beta.value
    if not (group.is_member(c0) and group.is_member(beta)):
        ledger.fail("11", name, "11.A: a number is not in the group")
        return
    a = group.g.power(v).value * key.power(c).value % group.p
    b = gmpy2.powmod(c0, v, group.p) * gmpy2.powmod(beta, c, group.p) % group.p
    # The specification hashes the bytes of C1; the programs that wrote records hash its hexadecimal digits.
    texts = (encrypted.c1.raw, encrypted.c1.raw.hex().upper().encode())
    if not any(election.challenge(0x31, c0, c1, encrypted.c2.raw, a, b, beta) == c for c1 in texts):
        ledger.fail("11", name, "11.C: the challenge is not the hash")
        return
    ledger.hold("11")
    plain = open_contest_data(election, contest_id, encrypted, beta)
    if plain is None:
        ledger.fail("data", name, "the authentication code C2 does not fit")
        return
    fits = says(plain, found.contest_data)
    if fits:
        ledger.hold("data")
    elif fits is None:
        ledger.warn("data", name, "cannot be checked: how over-votes and write-ins are written is not known here")
    else:
        ledger.fail("data", name, "the text is not what was decrypted", found=found.contest_data.status[:40])
