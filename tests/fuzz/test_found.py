"""What fuzzing found, one test each, so that it stays mended."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from bulletin_board.witness_settings import parse_witness_settings
from tests.simulators.election import manifest_for
from tests.strategies.methods import SMALL_QUESTIONS
from voting.files import read_file
from voting.protocol.errors import InputErrors, SelectionError, UnavailableError
from voting.protocol.manifest import parse_selections
from voting.protocol.manifest_source import check_source


def test_a_high_limit_takes_no_memory(tmp_path: Path) -> None:
    """A Helios record may have 4 GiB: a small file under that limit must not cost as much."""
    path = tmp_path / "small"
    path.write_bytes(b"x" * 3_000_000)
    tracemalloc.start()
    try:
        assert len(read_file(path, limit=4 << 30)) == 3_000_000
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()
    assert read_file(path, limit=3_000_000) == b"x" * 3_000_000
    with pytest.raises(UnavailableError, match="longer than the 2999999 bytes"):
        read_file(path, limit=2_999_999)


@pytest.mark.parametrize("name", SMALL_QUESTIONS)
def test_half_a_character_is_no_selection(name: str) -> None:
    manifest = manifest_for([SMALL_QUESTIONS[name]])  # type: ignore[list-item]  # each is one of the union
    for data in (["\ud800"], [{"\ud800": 1}], [{"chosen": ["\ud800"]}], [["\ud800"]]):
        with pytest.raises(SelectionError):
            parse_selections(manifest, data)


def test_faults_about_half_a_character_can_be_printed() -> None:
    for text in (r'{"title": "\ud800"}', r'{"languages": ["en", "\uDC00x"], "title": {"en": "T"}}', r'{"\udfff": 1}'):
        with pytest.raises(InputErrors) as caught:
            check_source(text, name="m", form="json")
        str(caught.value).encode("utf-8")


def test_faults_beyond_number_are_counted_and_not_listed() -> None:
    """A file of 64 KiB had an error of 400."""
    with pytest.raises(InputErrors) as caught:
        parse_witness_settings(b"quorum = 1\n" + b"[[witness]]\n" * 5_000)
    text = str(caught.value)
    assert len(text) < 20_000
    assert "10000 problems" in text
    assert f"and {10_000 - InputErrors.MOST} more" in text
    with pytest.raises(InputErrors) as caught:
        check_source(f'{{"languages": ["{"A" * 70_000}"], "title": "T"}}', name="m", form="json")
    assert len(str(caught.value)) < 20_000
