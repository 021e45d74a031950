"""All verifications of an ElectionGuard 0.95, 1.0 or 1.1 record, in order; numbers and words are ElectionGuard's.

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from itertools import islice

from voting.election.phases import Phase
from voting.protocol.encoding import Hash
from voting.protocol.errors import DecodeError, UsageError
from voting.verifier.foreign.electionguard import data_1
from voting.verifier.foreign.electionguard.ballots_1 import (
    PORTION,
    BallotPass,
    BallotTotals,
    Option,
    check_aggregation,
    check_chains,
)
from voting.verifier.foreign.electionguard.checks import VOTERS_REASON
from voting.verifier.foreign.electionguard.decryption_1 import (
    Coefficients,
    DecryptionPass,
    check_coefficients,
    check_spoiled,
    check_tally,
)
from voting.verifier.foreign.electionguard.files import RecordFiles
from voting.verifier.foreign.electionguard.groups import group_1
from voting.verifier.foreign.electionguard.numbers import hook_1
from voting.verifier.foreign.electionguard.reading import Constants, Reader, parse_parameters
from voting.verifier.foreign.electionguard.setup_1 import Election1, check_setup
from voting.verifier.foreign.findings import Identity, Ledger
from voting.verifier.replay import Progress
from voting.verifier.report import Answer

_FAMILY = "ElectionGuard 1.x"
_UNKNOWN = ("1.9", "2")
"""Later versions whose records have a context.json, but other proofs."""


def _coefficients(reader: Reader) -> Coefficients:
    """coefficients.json, in either form."""
    name = "coefficients.json"
    if not reader.files.exists(name):
        return None
    try:
        value = reader.files.read_json(name)
    except DecodeError as error:
        reader.refuse(name, error)
        return None
    inner = value.get("coefficients") if isinstance(value, dict) else None
    if isinstance(inner, list):
        return reader.convert(name, value, data_1.CoefficientList)
    return reader.convert(name, value, data_1.CoefficientMap)


def verify_1(files: RecordFiles, ledger: Ledger, progress: Progress) -> Identity:
    """Make all verifications of a 1.x record; returns what identifies the election."""
    ledger.cannot_check("17-19", "these records hold no decrypted contest data")
    ledger.cannot_check(
        "last", "a chain of confirmation codes has no closing hash: compare the number of ballots with the device's"
    )
    ledger.cannot_check("voters", VOTERS_REASON)
    reader = Reader(files, ledger, hook_1(group_1()))
    constants = reader.load("constants.json", Constants)
    manifest, context = reader.load("manifest.json", data_1.Manifest), reader.load("context.json", data_1.Context)
    if constants is None or manifest is None or context is None:
        return Identity(system=_FAMILY)
    try:
        parameters = parse_parameters(constants)
    except DecodeError as error:
        reader.refuse("constants.json", error)
        return Identity(system=_FAMILY)
    guardians = tuple(reader.load_all("guardians", data_1.Guardian))
    if manifest.spec_version.lstrip("v").startswith(_UNKNOWN) or files.exists("encrypted_ballots"):
        version = manifest.spec_version[:20] if not files.exists("encrypted_ballots") else "before 0.95"
        raise UsageError(
            f"ElectionGuard records of version {version} are not known here",
            where="manifest.json",
            remedy="known are 0.95, 1.0, 1.1 and 2.0",
        )
    election = check_setup(ledger, group_1(), parameters, manifest, context, guardians)
    if election is None:
        return Identity(system=_system(files), title=_title(manifest))
    totals = _check_ballots(reader, ledger, election, progress)
    votes = _check_results(reader, ledger, election, totals, progress)
    return _identity(election, totals, votes, files)


def _check_ballots(reader: Reader, ledger: Ledger, election: Election1, progress: Progress) -> BallotTotals:
    work = BallotPass(ledger, election)
    count = len(reader.files.names("submitted_ballots"))
    ballots = reader.load_all("submitted_ballots", data_1.Ballot)
    done = 0
    while portion := list(islice(ballots, PORTION)):
        work.add(portion)
        done += len(portion)
        progress("ballots", done, count)
    devices = tuple(reader.load_all("encryption_devices", data_1.Device))
    check_chains(ledger, election, work.totals, devices)
    return work.totals


def _check_results(
    reader: Reader, ledger: Ledger, election: Election1, totals: BallotTotals, progress: Progress
) -> dict[Option, int]:
    if not reader.files.exists("encrypted_tally.json") and not reader.files.exists("tally.json"):
        return {}
    encrypted = reader.load("encrypted_tally.json", data_1.EncryptedTally)
    if encrypted is None:
        return {}
    expected = check_aggregation(ledger, election, totals, encrypted)
    if not reader.files.exists("tally.json"):
        return {}
    tally = reader.load("tally.json", data_1.DecryptedTally)
    if tally is None:
        return {}
    progress("decryption", 0, 0)
    proofs = DecryptionPass(ledger, election)
    votes = check_tally(ledger, election, proofs, expected, tally)
    for option, count in votes.items():
        if count > totals.cast:
            ledger.fail("11", ", ".join(option), "has more votes than there are cast ballots", found=str(count))
    decrypted = tuple(reader.load_all("spoiled_ballots", data_1.DecryptedTally))
    check_spoiled(ledger, election, proofs, totals, decrypted)
    proofs.settle()
    check_coefficients(ledger, election, proofs.present, _coefficients(reader))
    if not proofs.present and not ledger.has_failed():
        ledger.not_applicable("9", "no guardian was missing")
        ledger.not_applicable("10", "no guardian was missing")
    if not totals.spoiled and not decrypted:
        for check in ("12", "13", "14", "15", "16"):
            ledger.not_applicable(check, "no ballot was spoiled")
    elif not proofs.present and not ledger.has_failed():
        ledger.not_applicable("13", "no guardian was missing")
        ledger.not_applicable("14", "no guardian was missing")
    return votes


def _phase(files: RecordFiles) -> Phase:
    if files.exists("tally.json"):
        return Phase.PUBLISHED
    return Phase.TALLIED if files.exists("encrypted_tally.json") else Phase.OPEN


def _system(files: RecordFiles) -> str:
    """The version by the way numbers are written: programs that write 1.0 still call the manifest's version 0.95."""
    context = files.read_json("context.json")
    is_first = isinstance(context, dict) and isinstance(context.get("manifest_hash"), dict)
    return "ElectionGuard 0.95" if is_first else "ElectionGuard 1.0"


def _title(manifest: data_1.Manifest) -> dict[str, str] | None:
    texts = manifest.name.text if manifest.name else ()
    return {text.language: text.value for text in texts} or None


def _identity(election: Election1, totals: BallotTotals, votes: dict[Option, int], files: RecordFiles) -> Identity:
    manifest, context = election.manifest, election.context
    texts = {candidate.object_id: candidate.name.text for candidate in manifest.candidates}
    answers = []
    for contest in manifest.contests:
        counts = [votes.get((contest.object_id, option.object_id)) for option in contest.ballot_selections]
        if None in counts:
            continue
        names = [
            texts[option.candidate_id][0].value if texts.get(option.candidate_id) else option.candidate_id
            for option in contest.ballot_selections
        ]
        sentence = ", ".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True)) + "."
        totals_of = tuple(count for count in counts if count is not None)
        answers.append(Answer(question={"en": contest.name}, sentence=sentence, totals=totals_of))
    extended = f"{election.extended_hash:064x}"
    return Identity(
        system=_system(files),
        title=_title(manifest),
        facts=(
            ("manifest hash", f"{context.manifest_hash.value:064X}"),
            ("extended base hash", extended.upper()),
            ("guardians", f"{context.number_of_guardians}, quorum {context.quorum}"),
            ("ballots", f"{totals.cast} cast, {len(totals.spoiled)} spoiled"),
        ),
        election=Hash(extended),
        group=election.group.name,
        phase=_phase(files),
        ballots=len(totals.ids),
        counted=totals.cast,
        trustees=tuple(f"guardian {guardian.guardian_id}" for guardian in election.guardians),
        threshold=context.quorum,
        result=tuple(answers),
    )
