"""`urne`: the command of administrators and voters (docs/commands.md). It only puts the commands together."""

from __future__ import annotations

import click

from voting.commands import accounts, authority, credentials, demo, running, serve, setup, verifier, vote
from voting.terminal import Program, program_options


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@program_options
def main(debug: bool) -> None:
    """Define and run an election, and vote in it.

    DIR is the folder of an election; `urne election new` makes it. `urne demo` shows everything in one go.

    Exit codes: 0 fine, 1 a check failed, 2 wrong usage, 3 could not be done or checked.
    """


for command in (
    demo.demo,
    serve.serve,
    accounts.account,
    setup.election,
    running.status,
    credentials.credentials,
    authority.authority,
    running.open_,
    vote.vote,
    running.notice,
    running.extend,
    running.close,
    running.tally,
    running.result,
    running.export,
    running.submit,
    running.restart,
    running.cancel,
    verifier.verifier,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
