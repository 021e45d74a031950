"""Cases of the core vectors: collected, and held to the Python package's answer (see make_core_vectors.py)."""

from __future__ import annotations

import hashlib
import json

from tests.vectors.core_calls import CALLS, Json
from voting.crypto.signatures import SigningKey
from voting.protocol.errors import UrneError
from voting.protocol.tlog.note import note_key

BOARD = SigningKey.from_seed(b"b" * 32)
ORIGIN = "board.example/vectors"
VKEY = note_key(ORIGIN, BOARD.verify_key).vkey


def drawn(label: str, length: int = 32) -> bytes:
    """Bytes that look random and are always the same."""
    return hashlib.shake_256(label.encode()).digest(length)


class Cases:
    """Collects cases, and makes sure that the Python package agrees with the verdict that is written here."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.cases: list[dict[str, Json]] = []

    def add(self, name: str, call: str, expect: str = "ok", check: str = "", **fields: Json) -> Json:
        case: dict[str, Json] = {"name": name, "call": call, "expect": expect, "input": fields}
        try:
            output = CALLS[call](**json.loads(json.dumps(fields)))
        except UrneError as error:
            if (error.code, getattr(error, "check", "")) != (expect, check):
                raise AssertionError(f"{name}: expected {expect} {check}, got {error.code}: {error}") from error
            if check:
                case["check"] = check
        else:
            assert expect == "ok", f"{name}: expected {expect}, but nothing was wrong"
            case["output"] = output
        self.cases.append(case)
        return case.get("output")

    def text(self) -> str:
        head = json.dumps(self.source, ensure_ascii=False)
        rows = ",\n".join("  " + json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in self.cases)
        return f'{{\n "source": {head},\n "cases": [\n{rows}\n ]\n}}\n'
