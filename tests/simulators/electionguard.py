"""ElectionGuard records with a fault: what a dishonest device, server or guardian could publish.

Records are folders of JSON; `edit` changes one file, `recode` makes the hashes and codes of a 1.x ballot fit again.
The 2.0 sample records come with their guardians' secrets: `small_record_2` makes a record of few ballots with them.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gmpy2 import invert, mpz, powmod

from voting.verifier.foreign.electionguard.groups import group_1, group_2
from voting.verifier.foreign.electionguard.hash_1 import Hash1
from voting.verifier.foreign.electionguard.setup_2 import b512, hash_2

Json = Any
P1 = group_1().p
P2, Q, G2 = group_2().p, group_2().q, group_2().generator.value


def copy_record(source: Path, target: Path) -> Path:
    """A copy that can be written to."""
    shutil.copytree(source, target)
    for place in (target, *target.rglob("*")):
        place.chmod(0o755 if place.is_dir() else 0o644)
    return target


def edit(file: Path, change: Callable[[Json], object]) -> None:
    """Change a file's JSON in place."""
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


def nth(folder: Path, number: int) -> Path:
    """The file of a folder with this number, in the order of names."""
    return sorted(folder.iterdir())[number]


def number_of(value: Json) -> mpz:
    """A 1.x number."""
    return mpz(value["data"] if isinstance(value, dict) else value, 16)


def hex_of(number: int | mpz) -> dict[str, str]:
    """A 0.95 number."""
    digits = f"{number:X}"
    return {"data": digits if len(digits) % 2 == 0 else "0" + digits}


def multiply(value: Json, factor: int | mpz) -> None:
    """Change a 0.95 number modulo p."""
    value["data"] = hex_of(number_of(value) * factor % P1)["data"]


def add(value: Json, summand: int) -> None:
    """Change a 0.95 number modulo q."""
    value["data"] = hex_of((number_of(value) + summand) % Q)["data"]


def recode(ballot: Json) -> None:
    """Compute all hashes and the confirmation code of a 1.x ballot anew."""
    h = Hash1(group_1())
    contests = []
    for contest in sorted(ballot["contests"], key=lambda contest: int(contest["sequence_order"])):
        hashes = []
        for selection in sorted(contest["ballot_selections"], key=lambda selection: int(selection["sequence_order"])):
            pair = h(number_of(selection["ciphertext"]["pad"]), number_of(selection["ciphertext"]["data"]))
            computed = h(selection["object_id"], number_of(selection["description_hash"]), pair)
            selection["crypto_hash"] = hex_of(computed)
            hashes.append(computed)
        computed = h(contest["object_id"], number_of(contest["description_hash"]), *hashes)
        contest["crypto_hash"] = hex_of(computed)
        contests.append(computed)
    computed = h(ballot["object_id"], number_of(ballot["manifest_hash"]), *contests)
    ballot["crypto_hash"] = hex_of(computed)
    ballot["code"] = hex_of(h(number_of(ballot["code_seed"]), int(ballot["timestamp"]), computed))


# -- version 2.0 -------------------------------------------------------------------------------------------------------


def p_of(text: str) -> mpz:
    """A number of the base64 format."""
    return mpz(int.from_bytes(base64.b64decode(text), "big"))


def p_text(number: mpz) -> str:
    """An element modulo p in base64."""
    return base64.b64encode(b512(number)).decode()


def q_text(number: mpz) -> str:
    """An element modulo q in base64."""
    return base64.b64encode(int(number).to_bytes(32, "big")).decode()


def joint_secret(record: Path) -> mpz:
    """The sum of the guardians' secrets."""
    files = sorted((record / "private_data" / "trustees").iterdir())
    return mpz(sum(p_of(json.loads(file.read_text())["polynomial_coefficients"][0]) for file in files)) % Q


def decrypt(record: Path, pair: tuple[mpz, mpz]) -> dict[str, Json]:
    """What all guardians together publish of a ciphertext."""
    secret = joint_secret(record)
    started = json.loads((record / "election_initialized.json").read_text())
    extended, key = base64.b64decode(started["extended_base_hash"]), p_of(started["joint_public_key"])
    m = powmod(pair[0], secret, P2)
    t = pair[1] * invert(m, P2) % P2
    tally = next(votes for votes in range(100) if powmod(key, votes, P2) == t)
    nonce = mpz(12345)
    a, b = powmod(G2, nonce, P2), powmod(pair[0], nonce, P2)
    hashed = hash_2(extended, 0x30, *(b512(number) for number in (key, *pair, a, b, m)))
    challenge = mpz(int.from_bytes(hashed, "big")) % Q
    return {
        "tally": tally,
        "b_over_m": p_text(t),
        "encrypted_vote": {"pad": p_text(pair[0]), "data": p_text(pair[1])},
        "proof": {"challenge": q_text(challenge), "response": q_text((nonce - challenge * secret) % Q)},
    }


def ballots_2(record: Path) -> Iterator[tuple[Path, Json]]:
    """The encrypted ballots, with their files."""
    for file in sorted((record / "encrypted_ballots").rglob("eballot-*.json")):
        yield file, json.loads(file.read_text())


def small_record_2(source: Path, target: Path, cast: Sequence[str], challenged: Sequence[str]) -> Path:
    """A base64 record with only these ballots, tallied and decrypted anew by its own guardians."""
    copy_record(source, target)
    products: dict[tuple[str, str], tuple[mpz, mpz]] = {}
    for file, ballot in ballots_2(target):
        if ballot["ballot_id"] not in (*cast, *challenged):
            file.unlink()
            (target / "challenged_ballots" / f"d{file.name[1:]}").unlink(missing_ok=True)
        elif ballot["ballot_id"] in cast:
            for contest in ballot["contests"]:
                for selection in contest["selections"]:
                    option = (contest["contest_id"], selection["selection_id"])
                    a, b = products.get(option, (mpz(1), mpz(1)))
                    vote = selection["encrypted_vote"]
                    products[option] = (a * p_of(vote["pad"]) % P2, b * p_of(vote["data"]) % P2)

    def total(tally: Json) -> None:
        tally["cast_ballot_ids"] = list(cast)
        for contest in tally["contests"]:
            for selection in contest["selections"]:
                pair = products.get((contest["contest_id"], selection["selection_id"]), (mpz(1), mpz(1)))
                selection["encrypted_vote"] = {"pad": p_text(pair[0]), "data": p_text(pair[1])}

    def open_total(tally: Json) -> None:
        for contest in tally["contests"]:
            for selection in contest["selections"]:
                pair = products.get((contest["contest_id"], selection["selection_id"]), (mpz(1), mpz(1)))
                selection.update(decrypt(target, pair))

    edit(target / "encrypted_tally.json", total)
    edit(target / "tally.json", open_total)
    return target
