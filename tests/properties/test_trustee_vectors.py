"""The trustees' vectors are what the Python package makes, and it opens and refuses the key files in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vectors.make_trustee_vectors import FILE, text
from voting.crypto.errors import KeyFileError
from voting.crypto.keyfile import open_key_file

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))


def test_the_file_is_what_the_code_makes() -> None:
    assert FILE.read_text("utf-8") == text(), "run python -m tests.vectors.make_trustee_vectors"


def test_the_record_has_every_act_and_changes_to_every_kind_of_entry() -> None:
    acts = {entry.get("act") for entry in VECTORS["record"]}
    assert acts == {None, "join", "commit", "deal", "complain", "answer", "confirm", "decrypt"}
    changed = {VECTORS["record"][case["entry"]]["type"] for case in VECTORS["refused"]}
    assert changed == {entry["type"] for entry in VECTORS["record"]}


@pytest.mark.parametrize("case", VECTORS["key_files"], ids=[case["name"] for case in VECTORS["key_files"]])
def test_key_files_open_or_are_refused(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["file"])
    if case["seed"] is None:
        with pytest.raises(KeyFileError):
            open_key_file(data, passphrase=case["passphrase"], kind="trustee")
    else:
        assert open_key_file(data, passphrase=case["passphrase"], kind="trustee").hex() == case["seed"]
