"""Make tests/vectors/trustee.json: what a trustee's program must make, accept and refuse, in whatever language.

    python -m tests.vectors.make_trustee_vectors

The Python package is the reference; the trustees' page runs the same file (tests/browser/test_trustee_vectors.py). The
output follows from the code alone, and a test holds the file and the code together. All randomness is bytes of 1.

- `passphrases`: random bytes and the passphrase that they give (F8).
- `key_files`: files, each with the seed that its passphrase opens, or `null` if it must be refused (F4).
- `keys`: per seed the public keys, polynomials and commitments of T18.
- `record`: a whole election, entry by entry. `trustee` made an entry by doing `act`; a program with that trustee's
  seed, the same time and randomness must make the same bytes. (One share was dealt wrongly, so one entry has no `act`.)
- `refused`: changes to an entry of the record, signed anew by its author, and the check that each fails. A change is
  the place of the entry, the path of a field and its new value; an empty path is a change of the signature alone.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from Crypto.Protocol.DH import import_x25519_private_key

from tests.simulators.election import ADMINISTRATOR, AUTHORITY, ElectionSimulator, manifest_for
from tests.simulators.record import ADA, CHAIR, GRACE
from trustee_tools import ceremony as rounds
from trustee_tools.ceremony import Step, TrusteeSecrets, decryption_secret
from voting.crypto.keyfile import write_key_file, write_plain_key_file
from voting.crypto.passphrase import generate_passphrase
from voting.crypto.sealing import seal
from voting.crypto.sharing import evaluate
from voting.crypto.signatures import SigningKey
from voting.election.decryption import decode_totals, make_share
from voting.election.record import ElectionRecord, require_tally
from voting.election.rules import apply
from voting.election.steps import extend_election, give_notice, open_election, restart_ceremony
from voting.protocol.encoding import encode, sha256, to_base64
from voting.protocol.entries import signing_input
from voting.protocol.errors import UrneError, VerificationError
from voting.protocol.messages import BoothFile, SealedShare, TrusteeDealt
from voting.protocol.tlog.header import make_header
from voting.protocol.tlog.note import TYPE_COSIGNATURE, note_key

FILE = Path(__file__).parent / "trustee.json"
PASSPHRASE = "lusab-babad-gutih-tugad-mabiv"
CHEAT, VICTIM = 2, 3
WITNESSES = tuple(
    note_key(f"witness{n}.example", SigningKey.from_seed(bytes([0x70 + n]) * 32).verify_key, TYPE_COSIGNATURE).vkey
    for n in (1, 2, 3)
)

_LEFT_OUT: dict[str, tuple[str, ...]] = {
    "election.defined": ("manifest.questions",),
    "ballot.cast": ("ciphertexts", "proofs", "challenge"),
    "election.result": ("outcomes",),
}
"""Fields that the voting methods or the checks of ballots judge, not the replay."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT")
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_BASE64 = re.compile(r"[A-Za-z0-9_-]{22,}\Z")


def ones(length: int) -> bytes:
    """No randomness at all."""
    return b"\x01" * length


def seed_of(index: int) -> bytes:
    return bytes([100 + index]) * 32


# -- passphrases and key files -----------------------------------------------------------------------------------------


def passphrases() -> list[dict[str, str]]:
    numbers = (bytes(10), b"\xff" * 10, bytes(range(10)), bytes(range(160, 170)))
    return [{"random": data.hex(), "passphrase": generate_passphrase(partial(_given, data))} for data in numbers]


def _given(data: bytes, _length: int) -> bytes:
    return data


def key_files() -> list[dict[str, Any]]:
    seed = bytes(range(32))

    def protected(label: str = "Anna", passphrase: str = PASSPHRASE, n: int = 16, kind: str = "trustee") -> bytes:
        return write_key_file(seed, kind=kind, label=label, passphrase=passphrase, random_bytes=ones, work_factor=n)

    def resealed(data: bytes) -> bytes:
        covered = data[: data.rindex(b"sha256: ")]
        return covered + f"sha256: {sha256(covered)}\n".encode()

    good = protected()
    cases: list[tuple[str, bytes, str, bytes | None]] = [
        ("plain", good, PASSPHRASE, seed),
        ("work factor of new files", protected(n=2**17), PASSPHRASE, seed),
        ("lowest work factor", protected(n=2), PASSPHRASE, seed),
        ("label and passphrase beyond ASCII", protected("Änne 選挙", "pässwörter"), "pässwörter", seed),
        ("passphrase typed decomposed", protected(passphrase="é" * 12), "e\u0301" * 12, seed),
        ("wrong passphrase", good, "lusab-babad-gutih-tugad-mabib", None),
        ("no passphrase", good, "", None),
        ("another kind", protected(kind="board"), PASSPHRASE, None),
        ("not protected", write_plain_key_file(seed, kind="trustee", label="Anna"), PASSPHRASE, None),
        ("cut", good[:-1], PASSPHRASE, None),
        ("a letter changed", good.replace(b"Anna", b"Anno"), PASSPHRASE, None),
        ("label changed, checksum too", resealed(good.replace(b"Anna", b"Anno")), PASSPHRASE, None),
        ("work factor no power of two", resealed(good.replace(b"n=16", b"n=17")), PASSPHRASE, None),
        ("work factor too high", resealed(good.replace(b"n=16", b"n=8388608")), PASSPHRASE, None),
        ("space at the end of the label", resealed(good.replace(b"Anna", b"Anna ")), PASSPHRASE, None),
        ("label decomposed", resealed(good.replace(b"Anna", "Anne\u0301".encode())), PASSPHRASE, None),
        ("a line more", good + b"\n", PASSPHRASE, None),
        ("Windows line ends", good.replace(b"\n", b"\r\n"), PASSPHRASE, None),
        ("stray bits in the salt", resealed(good.replace(b"EBAQ\nnonce", b"EBAR\nnonce")), PASSPHRASE, None),
        ("something else", b"-----BEGIN PRIVATE KEY-----\n", PASSPHRASE, None),
        ("nothing", b"", PASSPHRASE, None),
        ("too long", good + b"x" * 4096, PASSPHRASE, None),
        ("no UTF-8", b"\xff" + good, PASSPHRASE, None),
    ]
    return [
        {"name": name, "file": data.hex(), "passphrase": passphrase, "seed": opened.hex() if opened else None}
        for name, data, passphrase, opened in cases
    ]


# -- a whole election --------------------------------------------------------------------------------------------------


class Story:
    """The record, with a note of who made each entry, and how."""

    def __init__(self) -> None:
        manifest = manifest_for([CHAIR], trustees=3, threshold=2)
        self.simulator = ElectionSimulator(msgspec.structs.replace(manifest, quorum=2, witnesses=WITNESSES))
        self.trustees = {index: TrusteeSecrets(seed_of(index), self.manifest, index) for index in (1, 2, 3)}
        self.made: dict[int, dict[str, Any]] = {}
        self._tell()

    @property
    def manifest(self) -> Any:
        return self.simulator.manifest

    @property
    def record(self) -> ElectionRecord:
        return self.simulator.record

    def _by(self, index: int, act: str, step: Step, others: tuple[int, ...] = ()) -> None:
        seq = self.simulator.board.append(*step)
        self.made[seq] = {"act": act, "others": list(others), "trustee": index}

    def _join(self, *indices: int) -> None:
        for index in indices:
            step = rounds.join(self.trustees[index], self.simulator.ceremony, self.simulator.now())
            self._by(index, "join", step)

    def _tell(self) -> None:
        simulator, now = self.simulator, self.simulator.now
        self._join(1, 2)
        simulator.board.append(*restart_ceremony(self.record, ADMINISTRATOR, [], now()))
        self._join(2, 3, 1)
        for index, secrets in self.trustees.items():
            self._by(index, "commit", rounds.commit(secrets, simulator.ceremony, now(), ones))
        once = import_x25519_private_key(ones(32))
        with patch("Crypto.Protocol.HPKE.ECC.generate", lambda **_kind: once):
            for index in (3, 1):
                self._by(index, "deal", rounds.deal(self.trustees[index], simulator.ceremony, now()))
            simulator.board.append(*self._wrong_deal(now()))
        complaint = rounds.complain(self.trustees[VICTIM], simulator.ceremony, CHEAT, now())
        self._by(VICTIM, "complain", complaint, (CHEAT,))
        self._by(1, "confirm", rounds.confirm(self.trustees[1], simulator.ceremony, now()))
        answer = rounds.answer(self.trustees[CHEAT], simulator.ceremony, VICTIM, now())
        self._by(CHEAT, "answer", answer, (VICTIM,))
        for index in (2, 3):
            self._by(index, "confirm", rounds.confirm(self.trustees[index], simulator.ceremony, now()))
        voters = simulator.give_credentials([1, 2, 3])
        booth = [BoothFile(path, sha256(path.encode())) for path in ("booth/js/main.js", "booth/vote.html")]
        simulator.board.append(*open_election(self.record, ADMINISTRATOR, now(), booth))
        simulator.board.append(*give_notice(self.record, ADMINISTRATOR, "Voting is open.\nVote early.", now()))
        for voter, choice in ((0, ADA), (1, ADA), (2, GRACE), (0, GRACE)):
            simulator.vote(voters[voter], [choice])
        simulator.board.append(*extend_election(self.record, ADMINISTRATOR, "2026-12-01T18:00:00.000Z", now()))
        simulator.close()
        simulator.tally()
        for index in (3, 1):
            self._by(index, "decrypt", self._share(index, now()))
        simulator.result()

    def _wrong_deal(self, time: str) -> tuple[str, bytes]:
        """As `deal` would make it, but for one share."""
        secrets, ceremony = self.trustees[CHEAT], self.simulator.ceremony
        group, shares = ceremony.group, []
        for recipient in sorted(ceremony.trustees):
            share = evaluate(group, secrets.polynomial(group, ceremony.attempt), recipient)
            if recipient == VICTIM:
                share = (share + 1) % group.q
            context = rounds.sealing_context(self.manifest, ceremony.attempt, CHEAT, recipient)
            sealed = seal(ceremony.trustees[recipient].sealing_key, *context, group.encode_scalar(share))
            shares.append(SealedShare(to_base64(sealed.ciphertext), to_base64(sealed.encapsulation)))
        content = TrusteeDealt(ceremony.attempt, CHEAT, self.manifest.hash, tuple(shares), time)
        return "trustee.dealt", signed("trustee.dealt", self.manifest.hash, _plain(content), secrets.signing_key)

    def _share(self, index: int, time: str) -> Step:
        ceremony, tally = self.simulator.ceremony, require_tally(self.record)
        assert self.record.tally_hash is not None
        share = make_share(
            decryption_secret(self.trustees[index], ceremony),
            ceremony.verification_key(index),
            decode_totals(ceremony.group, tally, subject="tally"),
            election=tally.election,
            tally=self.record.tally_hash,
            index=index,
            time=time,
            random_bytes=ones,
        )
        key = self.trustees[index].signing_key
        return Step("tally.share", signed("tally.share", self.manifest.hash, _plain(share), key))

    def author(self, entry_type: str, content: dict[str, Any]) -> SigningKey | None:
        """Who signs such an entry; None for a voter."""
        if entry_type == "credentials.listed":
            return AUTHORITY
        if entry_type == "ballot.cast":
            return None
        if (entry_type.startswith("trustee.") and entry_type != "trustee.restarted") or entry_type == "tally.share":
            inner = content["coefficients"] if entry_type == "trustee.committed" else content
            return self.trustees[inner["index"]].signing_key
        return ADMINISTRATOR


def _plain(message: Any) -> Any:
    return json.loads(encode(message))


def signed(entry_type: str, manifest: Any, content: Any, key: SigningKey) -> bytes:
    """The body of an entry with this content, well formed or not."""
    signature = key.sign(signing_input(entry_type, manifest, sha256(encode(content))))
    return encode({"content": content, "signature": to_base64(signature)})


def keys(story: Story) -> list[dict[str, Any]]:
    group = story.manifest.crypto_group()
    return [
        {
            "seed": seed_of(index).hex(),
            "index": index,
            "signing_key": to_base64(secrets.signing_key.verify_key.raw),
            "sealing_key": to_base64(secrets.sealing_key.public),
            "polynomials": [
                [to_base64(group.encode_scalar(scalar)) for scalar in secrets.polynomial(group, attempt)]
                for attempt in (1, 2)
            ],
            "coefficients": [_plain(secrets.coefficients(group, attempt)) for attempt in (1, 2)],
        }
        for index, secrets in story.trustees.items()
    ]


def record(story: Story) -> list[dict[str, Any]]:
    return [
        {"type": entry.header.type, "body": entry.body.decode(), **story.made.get(entry.header.seq, {})}
        for entry in story.simulator.board.entries
    ]


# -- what must be refused ----------------------------------------------------------------------------------------------


def refused(story: Story) -> list[dict[str, Any]]:
    """Every change of one field that the reference refuses, with the check that it names."""
    cases = []
    replayed = ElectionRecord(allow_toy=True)
    for seq, entry in enumerate(story.simulator.board.entries):
        body = json.loads(entry.body)
        key = story.author(entry.header.type, body["content"])
        for path, value in changes(body["content"], _LEFT_OUT.get(entry.header.type, ())):
            if key is None:
                data = encode({"content": replaced(body["content"], path, value), "signature": body["signature"]})
            else:
                data = signed(entry.header.type, story.manifest.hash, replaced(body["content"], path, value), key)
            check = check_of(replayed, entry.header.type, seq, data)
            if check is not None:
                case = {"entry": seq, "path": path, "value": value, "check": check}
                cases.append(case | ({"signature": json.loads(data)["signature"]}))
        if key is not None:
            wrong = _other(body["signature"])
            data = encode({"content": body["content"], "signature": wrong})
            check = check_of(replayed, entry.header.type, seq, data)
            cases.append({"entry": seq, "path": [], "value": None, "check": check, "signature": wrong})
        apply(replayed, entry.header, entry.body)
    return cases


def changes(value: Any, skipped: tuple[str, ...], path: tuple[Any, ...] = ()) -> Iterator[tuple[list[Any], Any]]:
    """Paths and new values: each number, text and list of a content, changed a little."""
    if ".".join(map(str, path)) in skipped:
        return
    if isinstance(value, dict):
        for name in sorted(value):
            yield from changes(value[name], skipped, (*path, name))
    elif isinstance(value, list):
        yield list(path), value[:-1]
        for position, item in list(enumerate(value))[:2]:
            yield from changes(item, skipped, (*path, position))
    elif isinstance(value, int):
        yield list(path), value + 1
    elif isinstance(value, str):
        yield list(path), "2000-01-01T00:00:00.000Z" if _MOMENT.match(value) else _other(value)
        yield list(path), ""


def _other(text: str) -> str:
    """A hash or byte string with its first character changed; any other text with a hidden character at the end."""
    if _HASH.match(text) or _BASE64.match(text):
        return ("0" if text[0] != "0" else "1") + text[1:]
    return text + "\u200b"


def replaced(value: Any, path: list[Any], new: Any) -> Any:
    changed = copy.deepcopy(value)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = new
    return changed


def check_of(replayed: ElectionRecord, entry_type: str, seq: int, body: bytes) -> str | None:
    """The check that an entry fails; None if it is accepted."""
    header = make_header(seq, sha256(b"any"), entry_type, body)
    try:
        apply(copy.deepcopy(replayed), header, body)
    except VerificationError as error:
        return error.check
    except UrneError as error:
        raise AssertionError(f"{entry_type}: {error!r}") from error
    return None


def make() -> dict[str, Any]:
    story = Story()
    return {
        "passphrases": passphrases(),
        "key_files": key_files(),
        "keys": keys(story),
        "manifest": story.manifest.hash,
        "record": record(story),
        "refused": refused(story),
    }


def text() -> str:
    return json.dumps(make(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
