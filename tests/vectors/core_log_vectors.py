"""The core vectors of entries and of the log: headers, bodies, keys, checkpoints, proofs, receipts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from tests.vectors.core_calls import Json
from tests.vectors.core_cases import BOARD, ORIGIN, VKEY, Cases, drawn
from voting.crypto.signatures import SigningKey
from voting.protocol.encoding import Hash, encode, sha256, to_base64
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.header import encode_header, make_header
from voting.protocol.tlog.merkle import EMPTY_ROOT, Frontier, consistency_proof, inclusion_proof, leaf_hash
from voting.protocol.tlog.note import TYPE_COSIGNATURE, Note, NoteSignature, cosign, format_note, note_key, parse_note
from voting.protocol.tlog.proof import Receipt, format_receipt
from voting.protocol.tlog.text import encode_base64
from voting.verifier.receipt import write_receipt_file


def entries() -> Cases:
    cases = Cases("Made by Urne.")
    body = '{"content":{},"signature":"x"}'
    header = make_header(7, sha256(b"before"), "ballot.cast", body.encode())
    text = encode_header(header).decode()
    cases.add("header", "header.read", header=text)
    cases.add("header with its body", "header.read", header=text, body=body)
    cases.add("header with a longer body", "header.read", "proof", header=text, body=body + " ")
    cases.add("header with another body", "header.read", "proof", header=text, body=body.replace("x", "y"))
    fields: dict[str, Json] = json.loads(text)
    wrong_size = encode({**fields, "size": header.size + 1}).decode()
    cases.add("header with the right hash and a wrong size", "header.read", "proof", header=wrong_size, body=body)
    for name, changes in {
        "a field too many": {"time": 1},
        "a capital hash": {"body": fields["body"].upper()},
        "a short hash": {"prev": fields["prev"][:-2]},
        "a hash and a line feed": {"prev": fields["prev"] + "\n"},
        "a negative place": {"seq": -1},
        "a place as text": {"seq": "7"},
        "an empty body": {"size": 0},
        "a huge body": {"size": 4 * 1024 * 1024 + 1},
        "one word as type": {"type": "ballot"},
        "three words as type": {"type": "a.b.c"},
        "a type in capitals": {"type": "Ballot.cast"},
        "a type and a line feed": {"type": "ballot.cast\n"},
        "a long type": {"type": "a" * 64 + ".b"},
    }.items():
        cases.add(f"header with {name}", "header.read", "malformed", header=encode({**fields, **changes}).decode())
    less = {key: value for key, value in fields.items() if key != "size"}
    cases.add("header without its size", "header.read", "malformed", header=encode(less).decode())
    cases.add("header with white space", "header.read", "malformed", header=text.replace(",", ", "))

    manifest, seed = sha256(b"manifest"), drawn("author")
    key = SigningKey.from_seed(seed).verify_key.raw.hex()
    text = "Voting is open.\n\u00c0 vos urnes\u00a0! \U0001f5f3"
    notice = {"manifest": manifest, "text": text, "time": "2026-11-24T08:00:00.000Z"}
    signed = cases.add(
        "a notice", "entry.sign", type="election.notice", manifest=manifest, content=notice, seed=seed.hex()
    )
    good = {"type": "election.notice", "manifest": manifest, "body": signed["body"], "key": key}
    cases.add("a notice is good", "entry.verify", **good)
    other = SigningKey.from_seed(drawn("other")).verify_key.raw.hex()
    parsed = json.loads(signed["body"])
    for name, changes in {
        "of another type": {"type": "election.cancelled", "body": signed["body"].replace('"text"', '"reason"')},
        "of another election": {"manifest": sha256(b"other manifest")},
        "by another author": {"key": other},
        "with another text": {"body": signed["body"].replace("open", "over")},
        "with another signature": {"body": encode({**parsed, "signature": to_base64(bytes(64))}).decode()},
    }.items():
        cases.add(f"a notice {name}", "entry.verify", "signature", **{**good, **changes})
    for name, text in {
        "without signature": encode({"content": notice}).decode(),
        "with one field more": encode({**parsed, "x": 1}).decode(),
        "with a short signature": encode({**parsed, "signature": parsed["signature"][:-1]}).decode(),
        "with a content that is a list": encode({**parsed, "content": []}).decode(),
        "with white space": signed["body"].replace(",", ", ", 1),
    }.items():
        cases.add(f"a notice {name}", "entry.verify", "malformed", **{**good, "body": text})
    stray = parsed["signature"][:-1] + ("B" if parsed["signature"][-1] != "B" else "C")
    body = encode({**parsed, "signature": stray}).decode()
    cases.add("a notice with a stray bit in its signature", "entry.verify", "signature", **{**good, "body": body})
    opened = {
        "booth": [{"path": "booth/vote.html", "sha256": sha256(b"page")}],
        "credentials": [sha256(b"list")],
        "joint_key": "AA",
        "manifest": manifest,
        "time": notice["time"],
        "voters": 2,
        "weight": 3,
    }
    cases.add("an opening", "entry.sign", type="election.opened", manifest=manifest, content=opened, seed=seed.hex())
    body = encode({"content": {**opened, "voters": "2"}, "signature": parsed["signature"]}).decode()
    wrong = {"type": "election.opened", "manifest": manifest, "body": body, "key": key}
    cases.add("an opening with a number as text", "entry.verify", "malformed", **wrong)
    cases.add("a key of small order", "entry.verify", "malformed", **{**good, "key": "01" + "00" * 31})
    return cases


def log() -> Cases:
    cases = Cases("Made by Urne.")
    _vkeys(cases)
    _checkpoints(cases)
    _witnesses(cases)
    _proofs(cases)
    _receipts(cases)
    return cases


def _vkeys(cases: Cases) -> None:
    cases.add("vkey of a board", "note.vkey", vkey=VKEY)
    cases.add("vkey of a witness", "note.vkey", vkey=note_key("witness", BOARD.verify_key, TYPE_COSIGNATURE).vkey)
    name, key_id, data = VKEY.split("+", 2)
    small = encode_base64(b"\x01\x01" + bytes(31))
    for what, vkey in {
        "nothing": "",
        "two parts": f"{name}+{key_id}",
        "another id": f"{name}+{'0' * 8}+{data}",
        "an id in capitals": f"{name}+{key_id.upper()}+{data}",
        "another name": f"x{name}+{key_id}+{data}",
        "no name": f"+{key_id}+{data}",
        "a space in its name": f"board x+{key_id}+{data}",
        "padding that does not belong": f"{name}+{key_id}+{data}=",
        "an unknown type": f"{name}+{key_id}+{encode_base64(bytes([2]) + BOARD.verify_key.raw)}",
        "a key of small order": f"{name}+{key_id}+{small}",
        "no key": f"{name}+{key_id}+",
        "a line feed": f"{VKEY}\n",
    }.items():
        cases.add(f"vkey with {what}", "note.vkey", "malformed", vkey=vkey)


def _checkpoints(cases: Cases) -> None:
    root = hashlib.sha256(b"root").digest()
    checkpoint = Checkpoint(ORIGIN, 12, root)
    note = sign_checkpoint(checkpoint, BOARD).decode()
    witness = cosign(checkpoint.text, "witness.example", SigningKey.from_seed(drawn("witness")), 1_700_000_000)
    witnessed = format_note(Note(checkpoint.text, (*parse_note(note.encode()).signatures, witness))).decode()
    foreign = sign_checkpoint(checkpoint, SigningKey.from_seed(drawn("stranger"))).decode()
    cases.add("checkpoint", "checkpoint.open", note=note, vkey=VKEY)
    cases.add("checkpoint with a witness", "checkpoint.open", note=witnessed, vkey=VKEY)
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), BOARD).decode()
    cases.add("checkpoint of an empty log", "checkpoint.open", note=empty, vkey=VKEY)
    forged = note.replace("\n12\n", "\n13\n")
    line = note.split("\n\n")[1]
    for name, text in {
        "with another size": forged,
        "by a stranger": foreign,
    }.items():
        cases.add(f"checkpoint {name}", "checkpoint.open", "signature", note=text, vkey=VKEY)
    other = sign_checkpoint(Checkpoint(ORIGIN, 99, root), BOARD)
    mixed = format_note(Note(checkpoint.text, parse_note(note.encode()).signatures + parse_note(other).signatures))
    cases.add("checkpoint with a second, bad signature", "checkpoint.open", "signature", note=mixed.decode(), vkey=VKEY)
    elsewhere = sign_checkpoint(Checkpoint("board.example/other", 12, root), BOARD).decode()
    cases.add("checkpoint of another log", "checkpoint.open", "signature", note=elsewhere, vkey=VKEY)

    def signed(text: str) -> str:
        signer = note_key(ORIGIN, BOARD.verify_key)
        signature = encode_base64(signer.key_id + BOARD.sign(text.encode()))
        return f"{text}\n\u2014 {ORIGIN} {signature}\n"

    encoded = encode_base64(root)
    misnamed = signed(f"board.example/other\n12\n{encoded}\n")
    cases.add("checkpoint of another log by this key", "checkpoint.open", "signature", note=misnamed, vkey=VKEY)
    for name, text in {
        "with a line too many": f"{ORIGIN}\n12\n{encoded}\nmore\n",
        "with a line too few": f"{ORIGIN}\n12\n",
        "with a leading zero": f"{ORIGIN}\n012\n{encoded}\n",
        "with a short root": f"{ORIGIN}\n12\n{encode_base64(root[:31])}\n",
        "of size 0 with a root": f"{ORIGIN}\n0\n{encoded}\n",
        "with a scheme": f"https://{ORIGIN}\n12\n{encoded}\n",
    }.items():
        cases.add(f"checkpoint {name}", "checkpoint.open", "malformed", note=signed(text), vkey=VKEY)
    for name, text in {
        "without signature": note.split("\n\n")[0] + "\n\n",
        "without empty line": note.replace("\n\n", "\n"),
        "without its last line feed": note[:-1],
        "with a carriage return": note.replace("\n", "\r\n"),
        "with a hyphen for the dash": note.replace("\u2014", "-"),
        "with a hundred and one signatures": note + line * 100,
        "that is empty": "",
    }.items():
        cases.add(f"note {name}", "checkpoint.open", "malformed", note=text, vkey=VKEY)


def _witnesses(cases: Cases) -> None:
    checkpoint = Checkpoint(ORIGIN, 12, hashlib.sha256(b"root").digest())
    board = parse_note(sign_checkpoint(checkpoint, BOARD)).signatures
    keys = {name: SigningKey.from_seed(drawn(f"witness {name}")) for name in ("w1", "w2", "w3")}
    vkeys = [note_key(name, key.verify_key, TYPE_COSIGNATURE).vkey for name, key in keys.items()]
    early, late = 1_700_000_000, 2**64 - 1
    first, second, third = (cosign(checkpoint.text, name, key, early) for name, key in keys.items())

    def add(name: str, signatures: Sequence[NoteSignature], expect: str = "ok", **changes: Json) -> None:
        note = format_note(Note(checkpoint.text, (*board, *signatures))).decode()
        given: dict[str, Json] = {"note": note, "vkey": VKEY, "witnesses": vkeys, "quorum": 2, **changes}
        cases.add(f"witnesses: {name}", "checkpoint.witnessed", expect, **given)

    add("two of three", [first, third])
    add("all of them", [third, first, second])
    add("one of three", [second], "signature")
    add("none", [], "signature")
    add("none is needed", [], witnesses=[], quorum=0)
    again = cosign(checkpoint.text, "w1", keys["w1"], late)
    add("one twice counts once", [first, again], "signature")
    add("the newest time counts", [first, again, second])
    other = Checkpoint(ORIGIN, 13, checkpoint.root).text
    add("a signature on another checkpoint", [first, second, cosign(other, "w3", keys["w3"], early)], "signature")
    moved = NoteSignature("w2", second.key_id, (early + 1).to_bytes(8, "big") + second.payload[8:])
    add("a time that was not signed", [first, third, moved], "signature")
    for what, payload in {
        "a byte less": second.payload[:-1],
        "a byte more": second.payload + b"\0",
        "no time": second.payload[8:],
        "a single byte": b"\0",
    }.items():
        add(f"a signature with {what}", [first, third, NoteSignature("w2", second.key_id, payload)], "signature")
    plain = NoteSignature("w2", second.key_id, bytes(8) + keys["w2"].sign(checkpoint.text))
    add("a signature of the text itself", [first, third, plain], "signature")
    stranger = cosign(checkpoint.text, "w4", SigningKey.from_seed(drawn("w4")), early)
    add("a stranger does not count", [first, stranger], "signature")
    add("a stranger is ignored", [first, second, stranger])
    renamed = cosign(checkpoint.text, "w5", keys["w2"], early)
    add("a known key under another name does not count", [first, renamed], "signature")
    lines = [cosign(checkpoint.text, ORIGIN, BOARD, early), first]
    own = note_key(ORIGIN, BOARD.verify_key, TYPE_COSIGNATURE).vkey
    add("the board is no witness", lines, "malformed", witnesses=[own, vkeys[0]])
    add("the key of a log", [first], "malformed", witnesses=[vkeys[0], _log_key()])
    add("one twice in the list", [first, second], "malformed", witnesses=[vkeys[0], vkeys[0], vkeys[1]])
    add("a quorum of half", [first], "malformed", witnesses=vkeys[:2], quorum=1)
    add("a quorum of none", [first], "malformed", quorum=0)
    add("a quorum of more than all", [first, second, third], "malformed", quorum=4)
    add("sixteen", [first, second], "malformed", witnesses=_many_witnesses(16), quorum=9)


def _log_key() -> str:
    return note_key("w2", SigningKey.from_seed(drawn("witness w2")).verify_key).vkey


def _many_witnesses(count: int) -> list[str]:
    keys = [SigningKey.from_seed(drawn(f"many {number}")).verify_key for number in range(count)]
    return [note_key(f"many{number}", key, TYPE_COSIGNATURE).vkey for number, key in enumerate(keys)]


def _proofs(cases: Cases) -> None:
    leaves = [bytes([number]) * number for number in range(20)]
    nodes: dict[tuple[int, int], bytes] = {}
    frontier, roots = Frontier(), [EMPTY_ROOT]
    for leaf in leaves:
        for node in frontier.append(leaf):
            nodes[node.level, node.position] = node.hash
        roots.append(frontier.root())

    def source(level: int, position: int) -> bytes:
        return nodes[level, position]

    for size in (0, 1, 2, 3, 7, 8, 20):
        cases.add(f"root of {size}", "merkle.root", leaves=[leaf.hex() for leaf in leaves[:size]])
    for size in (1, 2, 3, 6, 8, 13, 20):
        for index in range(size) if size < 9 else (0, 7, 8, size - 1):
            proof = [hash_.hex() for hash_ in inclusion_proof(index, size, source)]
            hashed = leaf_hash(leaves[index]).hex()
            good: Json = {"leaf": hashed, "index": index, "size": size, "proof": proof, "root": roots[size].hex()}
            cases.add(f"{index} in {size}", "merkle.inclusion", **good)
            for name, changes in _broken(good, "index", "size").items():
                cases.add(f"{index} in {size}, {name}", "merkle.inclusion", "proof", **changes)
    for old, new in (
        (1, 1),
        (1, 2),
        (2, 3),
        (3, 7),
        (4, 7),
        (4, 8),
        (6, 8),
        (7, 8),
        (8, 20),
        (13, 20),
        (16, 20),
        (19, 20),
    ):
        proof = [hash_.hex() for hash_ in consistency_proof(old, new, source)]
        good = {"old": old, "new": new, "old_root": roots[old].hex(), "new_root": roots[new].hex(), "proof": proof}
        cases.add(f"{old} to {new}", "merkle.consistency", **good)
        for name, changes in _broken(good, "old", "new").items():
            cases.add(f"{old} to {new}, {name}", "merkle.consistency", "proof", **changes)
    root = roots[1].hex()
    for index, size in ((0, 0), (1, 1), (-1, 1), (0, 2**53)):
        zero: Json = {"leaf": root, "index": index, "size": size, "proof": [], "root": root}
        cases.add(f"{index} in {size} is out of range", "merkle.inclusion", "proof", **zero)
    for old, new in ((0, 1), (2, 1), (1, 2**53)):
        zero = {"old": old, "new": new, "old_root": root, "new_root": root, "proof": []}
        cases.add(f"{old} to {new} is out of range", "merkle.consistency", "proof", **zero)


def _broken(good: Json, low: str, high: str) -> dict[str, Json]:
    """The fields of a good proof, each time with one fault."""
    zero = "00" * 32
    proof = good["proof"]
    faults: dict[str, Json] = {
        "one hash more": {"proof": [*proof, zero]},
        "another root": {"root" if "root" in good else "new_root": zero},
        "a short hash": {"proof": [*proof[:-1], "00" * 31]},
        "a size four times as large": {high: good[high] * 4},
    }
    if proof:
        faults["one hash less"] = {"proof": proof[:-1]}
        faults["another hash"] = {"proof": [*proof[:-1], zero]}
    if len(proof) > 1:
        faults["another order"] = {"proof": proof[::-1]}
    if good[low] + 1 < good[high]:
        faults["another place"] = {low: good[low] + 1}
    return {name: {**good, **fault} for name, fault in faults.items()}


def _receipts(cases: Cases) -> None:
    body = '{"content":{},"signature":"x"}'
    nodes: dict[tuple[int, int], bytes] = {}
    frontier, previous, headers = Frontier(), Hash("0" * 64), []
    for seq in range(6):
        data = body.encode() if seq == 4 else bytes([seq + 1])
        leaf = encode_header(make_header(seq, previous, "ballot.cast", data))
        previous = sha256(leaf)
        headers.append(leaf)
        for node in frontier.append(leaf):
            nodes[node.level, node.position] = node.hash
    note = sign_checkpoint(Checkpoint(ORIGIN, 6, frontier.root()), BOARD)
    hashes = inclusion_proof(4, 6, lambda level, position: nodes[level, position])
    proof = format_receipt(Receipt(4, hashes, note)).decode()
    header = headers[4].decode()

    def add(name: str, code: str = "ok", *, head: str = header, proof: str = proof, **more: Json) -> None:
        file = write_receipt_file(head.encode(), proof.encode()).decode()
        cases.add(f"receipt {name}", "receipt.check", code, file=file, **{"vkey": VKEY, **more})

    add("that is good")
    add("with its body", body=body)
    add("with another body", "proof", body=body.replace("x", "y"))
    add("with extra data", proof=format_receipt(Receipt(4, hashes, note, b"extra")).decode())
    add("under another key", "signature", vkey=note_key(ORIGIN, SigningKey.from_seed(drawn("x")).verify_key).vkey)
    add("for the header before", "malformed", head=headers[3].decode())
    add("of another index", "malformed", proof=proof.replace("index 4", "index 3"))
    add("for a forged header", "proof", head=header.replace(sha256(body.encode()), sha256(b"forged")))
    add("with a hash less", "proof", proof=format_receipt(Receipt(4, hashes[:-1], note)).decode())
    add("with another size", "signature", proof=proof.replace("\n6\n", "\n7\n"))
    add("without its first line", "malformed", proof=proof.split("\n", 1)[1])
    add("without index", "malformed", proof=proof.replace("index 4\n", ""))
    add("with 64 hashes", "malformed", proof=format_receipt(Receipt(4, hashes[:1] * 64, note)).decode())
    add("without checkpoint", "malformed", proof=proof.split("\n\n")[0])
    add("with a letter that is not ASCII", "malformed", proof=proof.replace("index", "ind\u00e9x"))
    file = write_receipt_file(header.encode(), proof.encode()).decode()
    cases.add("receipt with a field more", "receipt.check", "malformed", file=file[:-1] + ',"x":1}', vkey=VKEY)
    cases.add("receipt with white space", "receipt.check", "malformed", file=file + "\n", vkey=VKEY)
