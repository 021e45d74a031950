"""The short form of `python -m tests.fuzz`: a few inputs for each decoder, and the limits that find what is wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.changes import Raw, Twice, change, write_json
from tests.fuzz.own_formats import own_targets
from tests.fuzz.running import Fault, Tally, give, run
from tests.fuzz.target import Target
from tests.fuzz.targets import all_targets
from voting.protocol.errors import DecodeError, UrneError

SEED = int(os.environ.get("URNE_FUZZ_SEED", "1"))


def shown(faults: object) -> str:
    assert isinstance(faults, list)
    return "\n".join(f"{fault.target}: {fault.what} (input {fault.number})\n{fault.trace}" for fault in faults)


def test_no_decoder_raises_anything_but_our_errors() -> None:
    """Urne's own formats; other systems' and whole records are in the long form, and in tests of their own."""
    tally = run(lambda folder: list(own_targets(folder)), seed=SEED, seconds=60, rounds=8)
    assert not tally.faults, shown(tally.faults)
    assert tally.inputs > 1000


def test_each_target_accepts_a_sample(tmp_path: Path) -> None:
    """A target whose samples are all refused would test the first line of its decoder only."""
    for target in own_targets(tmp_path):
        assert any(map(is_accepted, [target.take] * len(target.samples), target.samples)), target.name


def is_accepted(take: Callable[[bytes], object], sample: bytes) -> bool:
    try:
        take(sample)
    except UrneError:
        return False
    return True


def test_every_target_has_a_name_and_makes_the_same_input_again(tmp_path: Path) -> None:
    targets = all_targets(tmp_path, None)
    assert len({target.name for target in targets}) == len(targets) > 80
    for target in targets:
        assert target.input(SEED, 3) == target.input(SEED, 3)


# -- what a fault is ---------------------------------------------------------------------------------------------------


def refuse(data: bytes) -> None:
    raise DecodeError("is refused")


def crash(data: bytes) -> None:
    raise KeyError(data)


def hang(data: bytes) -> None:
    while True:
        pass


def eat(data: bytes) -> None:
    raise MemoryError


def babble(data: bytes) -> None:
    raise DecodeError("x" * 200_000)


def halve(data: bytes) -> None:
    raise DecodeError("\ud800")


@pytest.mark.parametrize(
    ("take", "what"),
    [
        (refuse, None),
        (crash, "KeyError in test_fuzz.py, crash"),
        (hang, "took more than 0.1 s"),
        (eat, "took too much memory"),
        (babble, "has an answer of more than 100000 characters"),
        (halve, "has an answer that is no Unicode text"),
    ],
)
def test_what_a_fault_is(take: Callable[[bytes], object], what: str | None) -> None:
    fault = give(Target("x", take, [b"sample"], seconds=0.1), 0, SEED)
    assert (fault and fault.what) == what


def test_memory_is_limited_and_a_dead_process_is_noticed() -> None:
    def swallow(data: bytes) -> None:
        bytes(3_000_000_000)

    def die(data: bytes) -> None:
        os._exit(7)

    tally = run(lambda _folder: [Target("swallow", swallow, [b"x"], share=1)], seed=SEED, seconds=20, rounds=1)
    assert [fault.what for fault in tally.faults] == ["took too much memory"]
    started = time.monotonic()
    tally = run(lambda _folder: [Target("die", die, [b"x"], share=1)], seed=SEED, seconds=1, rounds=1)
    assert "ended the process (7)" in {fault.what for fault in tally.faults}
    assert time.monotonic() - started < 20


# -- how inputs are changed --------------------------------------------------------------------------------------------


def test_json_that_no_value_gives_can_be_written() -> None:
    assert write_json({"a": Raw("1e400"), "b": [Twice({"c": 1}, "c", Raw("NaN")), "é"]}) == (
        '{"a":1e400,"b":[{"c":1,"c":NaN},"é"]}'
    )


def test_most_changes_change_something_and_stay_short() -> None:
    sample = b'{"a":[1,2,{"b":"text"}],"c":"9"}\n{"d":null}'
    made = {change(sample, Random(number), [sample]) for number in range(400)}
    assert len(made) > 250
    assert max(map(len, made)) < 5_000_000
    kinds = (b'"a":1', b"\n\n", b"9" * 100, b"[" * 100, b"\\ud800", b'"b":', b'"c":"9","c"', b"\xff")
    assert all(any(kind in each for each in made) for kind in kinds[2:6])


def test_a_tally_names_what_was_found() -> None:
    fault = Fault("target", 3, "what", "", b"")
    assert Tally(1, [fault], 0).faults[0].kind == ("target", "what")
