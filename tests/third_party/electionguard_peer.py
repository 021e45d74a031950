"""Run by another Python, where electionguard 1.4.0 is installed: makes a record, or times that program's own check.

    python electionguard_peer.py make MANIFEST FOLDER N   an election of N ballots: a guardian missing, a ballot spoiled
    python electionguard_peer.py time RECORD              seconds for its check of each selection of a 0.95 record

Nothing of Urne is imported. electionguard 1.4.0 does not start with Python 3.11 or later, because a dataclass has a
default that cannot be hashed; `load` gives that class a hash, and changes nothing else.
"""

# mypy: ignore-errors

from __future__ import annotations

import importlib.util
import json
import sys
import time
import types
from datetime import datetime
from pathlib import Path


def load() -> None:
    """Make `import electionguard` work."""
    found = importlib.util.find_spec("electionguard")
    if found is None:
        raise SystemExit("electionguard is not installed here")
    package = types.ModuleType("electionguard")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["electionguard"] = package
    from electionguard.elgamal import ElGamalCiphertext

    ElGamalCiphertext.__hash__ = object.__hash__
    for name in ("electionguard_tools", "electionguard_tools.helpers"):
        found = importlib.util.find_spec(name)
        tools = types.ModuleType(name)
        tools.__path__ = list(found.submodule_search_locations)
        sys.modules[name] = tools


def make(manifest_file: Path, folder: Path, ballots: int) -> None:
    """Three guardians, two of them present; the second ballot is spoiled."""
    from electionguard.ballot import PlaintextBallot
    from electionguard.ballot_box import BallotBox, BallotBoxState, get_ballots
    from electionguard.constants import get_constants
    from electionguard.data_store import DataStore
    from electionguard.decryption_mediator import DecryptionMediator
    from electionguard.election_polynomial import LagrangeCoefficientsRecord
    from electionguard.encrypt import EncryptionDevice, EncryptionMediator, contest_from, selection_from
    from electionguard.key_ceremony import CeremonyDetails
    from electionguard.key_ceremony_mediator import KeyCeremonyMediator
    from electionguard.manifest import Manifest
    from electionguard.serialize import _config, from_raw
    from electionguard.tally import tally_ballots
    from electionguard_tools.helpers.election_builder import ElectionBuilder
    from electionguard_tools.helpers.export import export_record
    from electionguard_tools.helpers.key_ceremony_orchestrator import KeyCeremonyOrchestrator
    from electionguard_tools.helpers.tally_ceremony_orchestrator import TallyCeremonyOrchestrator

    _config.cast.remove(datetime)  # newer versions of dacite read dates by the hook first, and cast the result again
    manifest = from_raw(Manifest, manifest_file.read_text())
    details = CeremonyDetails(3, 2)
    guardians = KeyCeremonyOrchestrator.create_guardians(details)
    mediator = KeyCeremonyMediator("mediator", details)
    KeyCeremonyOrchestrator.perform_full_ceremony(guardians, mediator)
    joint = mediator.publish_joint_key()
    builder = ElectionBuilder(3, 2, manifest)
    builder.set_public_key(joint.joint_public_key).set_commitment_hash(joint.commitment_hash)
    internal, context = builder.build()

    device = EncryptionDevice(1001, 7, 4242, "polling place")
    encrypter = EncryptionMediator(internal, context, device)
    store = DataStore()
    box = BallotBox(internal, context, store)
    submitted = []
    for number in range(ballots):
        style = internal.ballot_styles[number % len(internal.ballot_styles)]
        contests = []
        for description in internal.get_contests_for(style.object_id):
            contest = contest_from(description)
            for place, option in enumerate(description.ballot_selections):
                chosen = place == number % len(description.ballot_selections)
                contest.ballot_selections[place] = selection_from(option, is_affirmative=chosen)
            contests.append(contest)
        ballot = encrypter.encrypt(PlaintextBallot(f"ballot-{number}", style.object_id, contests))
        submitted.append(box.spoil(ballot) if number == 1 else box.cast(ballot))

    tally = tally_ballots(store, internal, context)
    spoiled = list(get_ballots(store, BallotBoxState.SPOILED).values())
    decrypter = DecryptionMediator("decrypter", context)
    keys = [guardian.share_key() for guardian in guardians]
    TallyCeremonyOrchestrator.perform_compensated_decryption_setup(
        guardians[1:], keys, decrypter, context, tally, spoiled
    )
    plain = decrypter.get_plaintext_tally(tally, manifest)
    plain_spoiled = decrypter.get_plaintext_ballots(spoiled, manifest)
    export_record(
        manifest,
        context,
        get_constants(),
        [device],
        submitted,
        plain_spoiled.values(),
        tally.publish(),
        plain,
        [guardian.publish() for guardian in guardians],
        LagrangeCoefficientsRecord(decrypter.get_lagrange_coefficients()),
        str(folder),
    )


def check_time(record: Path) -> None:
    """Print how many selections a record has, and the seconds that the program's own check of them took."""
    from electionguard.chaum_pedersen import DisjunctiveChaumPedersenProof
    from electionguard.elgamal import ElGamalCiphertext
    from electionguard.group import ElementModP, ElementModQ

    def p(value):
        return ElementModP(value["data"])

    def q(value):
        return ElementModQ(value["data"])

    context = json.loads((record / "context.json").read_text())
    key, extended = p(context["elgamal_public_key"]), q(context["crypto_extended_base_hash"])
    work = []
    for file in sorted((record / "submitted_ballots").iterdir()):
        for contest in json.loads(file.read_text())["contests"]:
            for selection in contest["ballot_selections"]:
                pair = selection["ciphertext"]
                proof = selection["proof"]
                names = ("proof_zero_pad", "proof_zero_data", "proof_one_pad", "proof_one_data")
                scalars = ("proof_zero_challenge", "proof_one_challenge", "challenge")
                responses = ("proof_zero_response", "proof_one_response")
                work.append(
                    (
                        ElGamalCiphertext(p(pair["pad"]), p(pair["data"])),
                        DisjunctiveChaumPedersenProof(
                            *(p(proof[name]) for name in names), *(q(proof[name]) for name in scalars + responses)
                        ),
                    )
                )
    started = time.process_time()
    answers = [proof.is_valid(pair, key, extended) for pair, proof in work]
    seconds = time.process_time() - started
    print(json.dumps({"selections": len(work), "seconds": seconds, "valid": all(answers)}))


def main() -> None:
    """See the module's text."""
    command, *places = sys.argv[1:]
    load()
    if command == "make":
        manifest, folder, ballots = places
        make(Path(manifest), Path(folder), int(ballots))
    else:
        check_time(Path(places[0]))


if __name__ == "__main__":
    main()
