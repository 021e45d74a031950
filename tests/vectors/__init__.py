"""Known answers, as JSON that the Python and the JavaScript tests both read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(name: str) -> list[dict[str, Any]]:
    """The cases of a file of this folder: each has `name`, `expect` ("ok" or an error's code) and its own fields."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    cases: list[dict[str, Any]] = json.loads(text)["cases"]
    assert cases, name
    return cases
