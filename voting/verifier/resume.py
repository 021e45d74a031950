"""`urne-verify --resume`: where the key of kept results is, and what the user is told (docs/guide-observer.md).

This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from voting.translations import text as _
from voting.verifier.kept_chunks import Resuming, open_kept, own_key
from voting.verifier.workers import Workers


def key_path() -> Path:
    """In this user's own folder for such things (the XDG base directories)."""
    named = os.environ.get("XDG_STATE_HOME")
    return (Path(named) if named else Path.home() / ".local" / "state") / "urne" / "verifier.key"


@contextmanager
def keeping(path: Path | None, workers: Workers, tell: Callable[[str], None]) -> Iterator[Workers | None]:
    """The workers, which go on from the file and keep in it what they find out; None if there is no file.

    Args:
        tell: for a line about the work.

    Raises:
        UsageError, UnavailableError: if the file, or the key, cannot be used.
    """
    if path is None:
        yield None
        return
    with open_kept(path, own_key(key_path())) as kept:
        if kept.ignored:
            tell(
                _(
                    "{file}: {count} results were not kept by you on this machine, or by another version: these"
                    " ballots are checked again.",
                    file=path,
                    count=kept.ignored,
                )
            )
        try:
            yield Resuming(workers, kept)
        except KeyboardInterrupt:
            tell(_("What was found out so far is in {file}: the same command goes on from there.", file=path))
            raise
        if kept.used:
            tell(_("{count} ballots were checked by an earlier run ({file}).", count=kept.used, file=path))
        if kept.problem:
            tell(
                _(
                    "{file} could not be written: {reason}. The check went on without it.",
                    file=path,
                    reason=kept.problem,
                )
            )
