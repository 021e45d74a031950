"""Protocol S4: a process that checks ballots for a site: `python -m voting.site.ballot_worker`.

It reads tasks from its standard input, answers on its standard output, and ends when the site closes the pipe, or is no
more. It is a fresh process: it has none of the site's keys, files or settings, only public data. It must not import
flask, nor anything that holds a secret.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
from traceback import extract_tb

from voting.election.ballot_verdicts import check_submitted_ballots
from voting.election.ballots import BallotContext
from voting.site.ballot_messages import (
    LENGTH_BYTES,
    MAX_ELECTIONS,
    Answer,
    Task,
    ballots_of,
    context_of,
    pack,
    unpack,
    write_all,
)

NICENESS = 5
"""The site's own process goes first: it answers, and keeps the workers fed."""


def main() -> None:
    """Check until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the site ends its workers
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    tasks, answers = sys.stdin.fileno(), sys.stdout.fileno()
    write_all(answers, pack(Answer({}, [])))  # ready
    contexts: dict[bytes, BallotContext] = {}
    while (data := _read(tasks)) is not None:
        answer = _answer(unpack(data, Task), contexts)
        try:
            write_all(answers, pack(answer))
        except BrokenPipeError:
            return


def _read(pipe: int) -> bytes | None:
    """The next message without its length; None at the end."""
    length = _read_exactly(pipe, LENGTH_BYTES)
    return None if length is None else _read_exactly(pipe, int.from_bytes(length, "big"))


def _read_exactly(pipe: int, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        part = os.read(pipe, length - len(data))
        if not part:
            return None
        data += part
    return bytes(data)


def _answer(task: Task, contexts: dict[bytes, BallotContext]) -> Answer:
    if task.setup is not None:
        contexts[task.context] = context_of(task.setup)
        while len(contexts) > MAX_ELECTIONS:
            contexts.pop(next(iter(contexts)))
    context = contexts[task.context]
    checked = check_submitted_ballots(context, ballots_of(task), random_bytes=secrets.token_bytes, decide=task.decide)
    return Answer(checked.verdicts, list(checked.doubtful))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        # The text of an unforeseen error may hold anything: only its type and place are told. The site starts anew.
        frames = extract_tb(error.__traceback__)
        place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
        sys.stderr.write(f"a process that checks ballots met {type(error).__name__} in {place}\n")
        sys.exit(1)
