"""All verifications of an ElectionGuard 2.0 record, in order; numbers and words are ElectionGuard's.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from itertools import islice

import msgspec

from voting.election.phases import Phase
from voting.protocol.encoding import Hash
from voting.protocol.errors import DecodeError, UsageError
from voting.verifier.foreign.electionguard import data_2
from voting.verifier.foreign.electionguard.ballots_2 import (
    PORTION,
    BallotPass,
    BallotTotals,
    Option,
    check_aggregation,
    check_chains,
)
from voting.verifier.foreign.electionguard.checks import VOTERS_REASON
from voting.verifier.foreign.electionguard.decryption_2 import check_challenged, check_tally
from voting.verifier.foreign.electionguard.files import RecordFiles
from voting.verifier.foreign.electionguard.groups import GROUP_2_NAME, Parameters, group_2
from voting.verifier.foreign.electionguard.numbers import Hook, hook_2
from voting.verifier.foreign.electionguard.reading import Constants, Reader, parse_parameters
from voting.verifier.foreign.electionguard.setup_2 import Election2, check_setup
from voting.verifier.foreign.findings import Identity, Ledger
from voting.verifier.replay import Progress
from voting.verifier.report import Answer

_SYSTEM = "ElectionGuard 2.0"


class _NestedConstants(msgspec.Struct):
    large_prime: str = msgspec.field(name="largePrime")
    small_prime: str = msgspec.field(name="smallPrime")
    cofactor: str
    generator: str


class _ConstantsFile(msgspec.Struct):
    constants: _NestedConstants
    type: str = ""


class _KindOfConstants(msgspec.Struct):
    type: str = ""
    constants: dict[str, str] | None = None


def _read_parameters(reader: Reader) -> tuple[Parameters, bool] | None:
    """The numbers of constants.json, and whether the record writes numbers in base64."""
    kind = reader.load("constants.json", _KindOfConstants)
    if kind is None:
        return None
    if kind.type not in ("", "IntegerGroup"):
        raise UsageError(
            f"ElectionGuard records with a group of the type {kind.type[:40]!r} are not known here",
            where="constants.json",
            remedy="known is the group of integers of 4096 bits",
        )
    try:
        if kind.constants is None:
            constants = reader.files.load("constants.json", Constants, reader.hook)
            return parse_parameters(constants), False
        nested = reader.files.load("constants.json", _ConstantsFile, reader.hook).constants
        constants = Constants(nested.large_prime, nested.small_prime, nested.cofactor, nested.generator)
        return parse_parameters(constants), True
    except DecodeError as error:
        reader.refuse("constants.json", error)
        return None


def verify_2(files: RecordFiles, ledger: Ledger, progress: Progress) -> Identity:
    """Make all verifications of a 2.0 record; returns what identifies the election."""
    nothing = Identity(system=_SYSTEM)
    ledger.cannot_check("last", "these records hold no closing hash of a chain that is read here")
    ledger.cannot_check("quorum", "one proof stands for all guardians, whoever was present")
    ledger.cannot_check("voters", VOTERS_REASON)
    given = _read_parameters(Reader(files, ledger, hook_2(group_2(), uses_base64=False)))
    if given is None:
        return nothing
    parameters, uses_base64 = given
    hook: Hook = hook_2(group_2(), uses_base64=uses_base64)
    reader = Reader(files, ledger, hook)
    manifest = reader.load("manifest.json", data_2.Manifest)
    config = reader.load("election_config.json", data_2.Config)
    initialized = reader.load("election_initialized.json", data_2.Initialized)
    if manifest is None or config is None or initialized is None:
        return nothing
    manifest_bytes = files.read("manifest.json")
    election = check_setup(ledger, group_2(), parameters, manifest_bytes, manifest, config, initialized)
    if election is None:
        return nothing
    totals = _check_ballots(reader, ledger, election, progress)
    votes = _check_results(reader, ledger, election, totals, progress)
    if totals.preencrypted:
        ledger.cannot_check("14-19", f"pre-encrypted ballots are not known here: there are {totals.preencrypted}")
    else:
        ledger.not_applicable("14-19", "no ballot was encrypted beforehand")
    return _identity(election, totals, votes, files)


def _check_ballots(reader: Reader, ledger: Ledger, election: Election2, progress: Progress) -> BallotTotals:
    work = BallotPass(ledger, election)
    names = reader.files.names("encrypted_ballots", depth=2)
    ballots = reader.load_all("encrypted_ballots", data_2.Ballot, depth=2, start="eballot")
    done = 0
    while portion := list(islice(ballots, PORTION)):
        work.add(portion)
        done += len(portion)
        progress("ballots", done, len(names))
    check_chains(ledger, election, work.totals)
    return work.totals


def _check_results(
    reader: Reader, ledger: Ledger, election: Election2, totals: BallotTotals, progress: Progress
) -> dict[Option, int]:
    if not reader.files.exists("encrypted_tally.json") and not reader.files.exists("tally.json"):
        return {}
    encrypted = reader.load("encrypted_tally.json", data_2.EncryptedTally)
    if encrypted is None:
        return {}
    expected = check_aggregation(ledger, election, totals, encrypted)
    if not reader.files.exists("tally.json"):
        return {}
    tally = reader.load("tally.json", data_2.DecryptedTally)
    if tally is None:
        return {}
    progress("decryption", 0, 0)
    votes = check_tally(ledger, election, expected, tally)
    limits = {contest.object_id: contest.option_selection_limit for contest in election.manifest.contests}
    for option, count in votes.items():
        limit = limits.get(option[0])
        if count > totals.cast * (1 if limit is None else limit):
            ledger.fail("10", ", ".join(option), "has more votes than the cast ballots allow", found=str(count))
    decrypted = tuple(reader.load_all("challenged_ballots", data_2.DecryptedTally))
    check_challenged(ledger, election, totals, decrypted)
    if not totals.challenged and not decrypted:
        for check in ("11", "12", "13", "data"):
            ledger.not_applicable(check, "no ballot was challenged")
    elif not any(c.decrypted_contest_data for ballot in decrypted for c in ballot.contests):
        ledger.not_applicable("11", "the challenged ballots have no contest data")
        ledger.not_applicable("data", "the challenged ballots have no contest data")
    return votes


def _identity(election: Election2, totals: BallotTotals, votes: dict[Option, int], files: RecordFiles) -> Identity:
    manifest, config = election.manifest, election.config
    answers = []
    for contest in manifest.contests:
        counts = {
            option.candidate_id: votes[(contest.object_id, option.object_id)]
            for option in contest.ballot_selections
            if (contest.object_id, option.object_id) in votes
        }
        if len(counts) == len(contest.ballot_selections):
            sentence = ", ".join(f"{name}: {count}" for name, count in counts.items()) + "."
            answers.append(Answer(question={"en": contest.name}, sentence=sentence, totals=tuple(counts.values())))
    if files.exists("tally.json"):
        phase = Phase.PUBLISHED
    else:
        phase = Phase.TALLIED if files.exists("encrypted_tally.json") else Phase.OPEN
    return Identity(
        system=_SYSTEM,
        title={"en": manifest.election_scope_id},
        facts=(
            ("manifest hash", config.manifest_hash.raw.hex().upper()),
            ("extended base hash", election.extended_hash.hex().upper()),
            ("guardians", f"{config.number_of_guardians}, quorum {config.quorum}"),
            ("ballots", f"{totals.cast} cast, {len(totals.challenged)} challenged"),
        ),
        election=Hash(election.extended_hash.hex()),
        group=GROUP_2_NAME,
        phase=phase,
        ballots=len(totals.states),
        counted=totals.cast,
        trustees=tuple(guardian.guardian_id for guardian in election.initialized.guardians),
        threshold=config.quorum,
        result=tuple(answers),
    )
