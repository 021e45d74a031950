"""`urne verifier`: the verifier for browsers as one file (docs/guide-observer.md, "In a browser").

It must not import the server: whoever only compares a file needs no site.
"""

from __future__ import annotations

from pathlib import Path

import click

from voting.booth.verifier_file import FILE_NAME, verifier_file
from voting.files import PUBLIC, replace_file, require_new
from voting.terminal import say, tell
from voting.translations import text as _


@click.command()
@click.argument("target", metavar="[FILE]", type=click.Path(path_type=Path), required=False)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def verifier(target: Path | None, force: bool) -> None:
    """Show the SHA-256 of the verifier for browsers, and write it to FILE if one is named.

    It is one HTML page that makes all checks of an election's record, also with the network off. The line is that of
    sha256sum: compare it with the file that a site gives out at /verify/urne-verifier.html.
    """
    file = verifier_file()
    if target is not None:
        if not force:
            require_new(target)
        replace_file(target, file.data, mode=PUBLIC)
        tell(_("Written to {file}. Open it in a browser.", file=target))
    say(f"{file.sha256}  {target or FILE_NAME}")
