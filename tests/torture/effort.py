"""How hard the tests of this folder try: the quick form, or with URNE_TORTURE=1 the long one."""

from __future__ import annotations

import os

IS_LONG = os.environ.get("URNE_TORTURE") == "1"


def rounds(quick: int, long: int) -> int:
    """How many rounds a test makes."""
    return long if IS_LONG else quick
