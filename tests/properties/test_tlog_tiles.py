"""Tiles and bundles: their names, their bytes against a published example, and what can be computed from them."""

# ruff: noqa: E501  (signature lines are as long as they are)
from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.test_tlog_notes import BOARD, BOARD_VKEY, ORIGIN, cosigned_at, entry
from voting.protocol.encoding import MAX_SAFE_INTEGER
from voting.protocol.errors import DecodeError
from voting.protocol.tlog.checkpoint import Checkpoint, sign_checkpoint
from voting.protocol.tlog.merkle import (
    Frontier,
    NodeSource,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_root,
    verify_inclusion,
)
from voting.protocol.tlog.note import parse_vkey
from voting.protocol.tlog.proof import Receipt, format_receipt
from voting.protocol.tlog.text import encode_base64
from voting.protocol.tlog.tiles import (
    BODIES,
    ENTRIES,
    HINTS,
    Tile,
    all_tiles,
    encode_bundle,
    nodes_from_tiles,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    row_length,
    row_tiles,
    tile_path,
)

CHECKPOINT_3 = """board.example/election-1
3
IM3JxFaeY3Nuzbsz+B/QVr2bZlY9p58DnqoIYniPKxM=

— board.example/election-1 f1WssgmQ2qsIC39gQoz6aj9PHeBjIQapFE8rHGzOxo5JxdC3fNJ1ORgZPrUOvBzHqZI88VTpN0eP5tn637Iz3RInDw8=
— witness.example/w1 yfU01wAAAABpVbkAXgtgimZo06FobwxUy40R/BjmQISbG4ZIuqg5D9hEqxQDGCD9J037VBBaT07yyN8v/Qw6uwC/3h/toC08n6vwAg==
— witness.example/w2 GlKIlAAAAABpVbkBfr9pGmTnCoKXHTdW6rVXJa3wrHW9sTMZ63+3IJ7b4jXDg3IGqDzEr3rB7txdZoDccaYUvXb0tmTS2G0nuX/lDA==
"""
CHECKPOINT_300 = """board.example/election-1
300
c0hrxZx74G1ywGXnx6uiMrEYPvdG/LmMPVjFTstb5cU=

— board.example/election-1 f1Wssn3sgxq2eQXWlkCoxd8pXdErQ4b8RceScCF2nxtKhpctHJDkbpcmxRRhuyj9XUfnihKHXCr6Tg9yJ3D7mgAupg4=
"""
COSIGNED_300 = """— witness.example/w1 yfU01wAAAABpVbkAEP2OIBLv/KDkaRxLgRWmILDPXk4Nfa6p8+gioYhnTccRWqsLPUNSi+mToQeeI3pFuDyjpKOUvDrVgDzsG2+ECw==
— witness.example/w2 GlKIlAAAAABpVbkB6wT4pl0SwWIQkFnC+NVjGlGAKPRiE1cVvvB26HIS2y5RShTXJHM2eP4NTDj7FVA/DbKn0jF2ydeIeOkXNZ1ACA==
"""
RECEIPT_217 = f"""c2sp.org/tlog-proof@v1
index 217
OaEjwoI//q6QHYsA6fv3PTmsr6tZh+8RFh8v5Jd/Dkk=
EpkRJNc8QMEGCkHsXPQWxBzc/FT5cLdpLRWIThERghw=
VfwhXUWKbi7zkr1xN5HJYCtas6otAgQgnV7T9NkAjcM=
O0cgTTrMnmeLjQsTEoFUkbycpxXDIenpZmAjBHcKL7E=
WG/gx7jNYg9jdBDG5PfcTvttQR1+eu1atzC+HhAVdc0=
D5JEVmHnw7jxFuJnmeL70pRjC1Lexqu1NpB8ynsTn3s=
OeiL8HRtSlNZWR+r1Vfi0QGJQJneMdu9sgSWXRzeeVU=
hoIF6n1l/RgGGeKSIE+/NV4xBS6cDMrP8nwbtTZMuiE=
QsN8Z4b/YiRuOVy00EmqqYmLnCi1iuKN3pW3WcE/EEo=

{CHECKPOINT_300}{COSIGNED_300}"""
ADD_CHECKPOINT_256_TO_300 = f"""old 256
QsN8Z4b/YiRuOVy00EmqqYmLnCi1iuKN3pW3WcE/EEo=

{CHECKPOINT_300}"""
FILES_300 = {
    "tile/0/000": (8192, "5f1a5d62b95b9e8c0aad2aeebf423b37c9655c1e62c716446e9a66e0f76a4d9c"),
    "tile/0/001.p/44": (1408, "22a07002d53e87928b81747da11b4e5bcefca8cebcffa9caf1c03b16ef2524a1"),
    "tile/1/000.p/1": (32, "b1759a4c430400a6b63116d1956ecb1d25ca71de27156cad4cc184eafb6db8cd"),
    "tile/entries/000": (8850, "b15435ccbec8f0eb7aecbc51fd563a00420d176b5d3d806d59d3767a648bbf8e"),
    "tile/entries/001.p/44": (1540, "047fec2329f15c93e778ac225b7ade6319e7c8e81158456d43b390cd5a8b67eb"),
}


def grown(size: int) -> tuple[Frontier, NodeSource]:
    frontier = Frontier()
    nodes = {(node.level, node.position): node.hash for i in range(size) for node in frontier.append(entry(i))}
    return frontier, lambda level, position: nodes[level, position]


def signed(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, grown(size)[0].root()), BOARD)


def file_of(tile: Tile, source: NodeSource) -> bytes:
    if tile.row == ENTRIES:
        return encode_bundle([entry(i) for i in range(tile.start, tile.stop)])
    return b"".join(source(8 * tile.level, i) for i in range(tile.start, tile.stop))


# -- the published example ---------------------------------------------------------------------------------------------


def test_published_keys_and_leaves() -> None:
    seed = hashlib.sha256(b"demo log key").hexdigest()
    assert seed == "6af16b974e249133e10cf14957df9755b9b93679a12c304051d9e9da60fbac67"
    assert BOARD.verify_key.raw.hex() == "453dccffa663ab7f2f5a6ce096a8b94cd6dfb764f8929db3e8e6980cc615d4c3"
    assert parse_vkey(BOARD_VKEY).key_id.hex() == "7f55acb2"
    assert [leaf_hash(entry(i)).hex() for i in range(3)] == [
        "857c057987b97ce10b6b461c38f530c599d5e5200f22d8a28742d1612113f02d",
        "80f703bc8321e68ce31ab38779fa5dc4637f804554dd2b6ae863ee8882b59916",
        "c2a584e48c4a90cf46c6d2230d96dbadac0dec3c05e73ba813e24186e3378381",
    ]


def test_published_checkpoints_receipt_and_request() -> None:
    assert cosigned_at(signed(3), 1767225600, 1767225601).decode() == CHECKPOINT_3
    assert signed(300).decode() == CHECKPOINT_300
    cosigned = cosigned_at(signed(300), 1767225600, 1767225601)
    assert cosigned.decode() == CHECKPOINT_300 + COSIGNED_300
    source = grown(300)[1]
    receipt = format_receipt(Receipt(217, inclusion_proof(217, 300, source), cosigned))
    assert receipt.decode() == RECEIPT_217
    assert len(receipt) == 892
    assert hashlib.sha256(receipt).hexdigest() == "b913f2cef9c597a50291efb3b568f4352e2c8de836af95db647b05a1bea00fe8"
    proof = "".join(f"{encode_base64(hash_)}\n" for hash_ in consistency_proof(256, 300, source))
    assert f"old 256\n{proof}\n{signed(300).decode()}" == ADD_CHECKPOINT_256_TO_300
    assert hashlib.sha256(ADD_CHECKPOINT_256_TO_300.encode()).hexdigest().startswith("795393ee")
    assert hashlib.sha256(ADD_CHECKPOINT_256_TO_300.encode()).hexdigest().endswith("5294dd")


def test_published_files_of_300_entries() -> None:
    source = grown(300)[1]
    tiles = [tile for tile in all_tiles(300) if tile.row not in (BODIES, HINTS)]
    made = {tile_path(tile): file_of(tile, source) for tile in tiles}
    assert {path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in made.items()} == FILES_300
    assert made["tile/entries/000"].startswith(b'\x00\x1f{"seq":0,"type":"ballot","v":1}\x00\x1f{"seq":1,')


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile("0", 0), "tile/0/000"),
        (Tile("0", 1, 44), "tile/0/001.p/44"),
        (Tile("3", 1234067), "tile/3/x001/x234/067"),
        (Tile(ENTRIES, 999_999), "tile/entries/x999/999"),
        (Tile(ENTRIES, 1_000_000, 255), "tile/entries/x001/x000/000.p/255"),
        (Tile(BODIES, 1000, 1), "tile/bodies/x001/000.p/1"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@given(
    st.builds(
        Tile,
        st.sampled_from(["0", "1", "7", "63", ENTRIES, BODIES, HINTS]),
        st.integers(0, MAX_SAFE_INTEGER // 256 - 1),
        st.integers(1, 256),
    )
)
def test_a_path_reads_back(tile: Tile) -> None:
    assert parse_tile_path(tile_path(tile)) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/000/001",
        "tile/0/x001", "tile/0/001/", "/tile/0/001", "tile/00/001", "tile/-1/001", "tile/100/001", "tile/0/001.p",
        "tile/0/001.p/", "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/044", "tile/0/001.p/999",
        "tile/0/001.p/44\n", "tile/0/..", "tile/data/000", "tile/entries/x999/x999/x999/x999/x999/999", "tile/0/٠٠١",
        "tile/8/0/000", "tile/entries/000.p/+1",
    ],
)  # fmt: skip
def test_another_path_is_refused(path: str) -> None:
    with pytest.raises(DecodeError):
        parse_tile_path(path)


@given(st.text(alphabet="tile/0123456789xpentrisbodhs.\n", max_size=40))
def test_whatever_is_read_has_one_form(text: str) -> None:
    try:
        tile = parse_tile_path(text)
    except DecodeError:
        return
    assert tile_path(tile) == text


# -- which files a size has --------------------------------------------------------------------------------------------


def test_the_standards_own_examples() -> None:
    rows = {row: list(row_tiles(row, 70_000)) for row in ("0", "1", "2", "3")}
    assert [len(rows[row]) for row in rows] == [274, 2, 1, 0]
    assert [rows[row][-1].width for row in ("0", "1", "2")] == [112, 17, 1]
    assert [tile_path(tile) for tile in all_tiles(256) if tile.row in "01"] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(all_tiles(0)) == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 65_537, 1 << 24, (1 << 32) + 5])
def test_widths_are_those_of_the_formula(size: int) -> None:
    for level in range(9):
        length = size // 256**level
        assert row_length(str(level), size) == length
        if size < 1 << 20:
            widths = [tile.width for tile in row_tiles(str(level), size)]
            assert widths == [256] * (length // 256) + [length % 256] * (length % 256 > 0)
    if size < 1 << 20:
        highest = max(int(tile.row) for tile in all_tiles(size) if tile.row.isdigit())
        assert size // 256**highest > 0 == size // 256 ** (highest + 1)


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_what_is_new_and_what_was_there_make_the_whole(one: int, other: int) -> None:
    before, after = sorted((one, other))
    shown = set(all_tiles(before)) | set(all_tiles(after, after=before))
    assert set(all_tiles(after)) <= shown
    full_before = {tile for tile in all_tiles(before) if tile.width == 256}
    assert not full_before & set(all_tiles(after, after=before))


# -- what is in them ---------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_reads_back(leaves: list[bytes]) -> None:
    data = encode_bundle(leaves)
    assert parse_bundle(data, len(leaves)) == leaves
    for wrong in (data + b"\0", data + b"\0\0", data[:-1]):
        if wrong != data:
            with pytest.raises(DecodeError):
                parse_bundle(wrong, len(leaves))
    with pytest.raises(DecodeError):
        parse_bundle(data, len(leaves) + 1)


@given(st.binary(max_size=600), st.integers(0, 256))
def test_any_bytes_are_a_bundle_or_refused(data: bytes, count: int) -> None:
    try:
        leaves = parse_bundle(data, count)
    except DecodeError:
        return
    assert encode_bundle(leaves) == data


def test_limits_of_a_bundle() -> None:
    assert parse_bundle(encode_bundle([b"", b"x" * 65_535]), 2) == [b"", b"x" * 65_535]
    with pytest.raises(DecodeError, match="65535"):
        encode_bundle([b"x" * 65_536])
    with pytest.raises(DecodeError, match="2 hashes"):
        parse_tile(bytes(63), 2)


def test_proofs_come_out_of_the_tiles_of_that_size_alone() -> None:
    """Every node of the tree, and a proof across the tiles' edge, from files only."""
    size = 600
    frontier, source = grown(size)
    files = {tile_path(tile): file_of(tile, source) for tile in all_tiles(size) if tile.row.isdigit()}
    from_files = nodes_from_tiles(size, lambda tile: files[tile_path(tile)])
    for level in range(size.bit_length()):
        for position in range(size >> level):
            assert from_files(level, position) == source(level, position)
    assert tree_root(size, from_files) == frontier.root()
    for old in (1, 255, 256, 257, 599):
        assert consistency_proof(old, size, from_files) == consistency_proof(old, size, source)
    for index in (0, 255, 256, 599):
        verify_inclusion(
            leaf_hash(entry(index)), index, size, inclusion_proof(index, size, from_files), frontier.root()
        )
    for level, position in ((0, size), (3, 75), (10, 0), (-1, 0), (0, -1)):
        with pytest.raises(DecodeError, match="no node"):
            from_files(level, position)


def test_a_level_is_made_of_the_full_tiles_below() -> None:
    source = grown(512)[1]
    hashes = parse_tile(file_of(Tile("0", 1), source), 256)
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    assert parse_tile(file_of(Tile("1", 0, 2), source), 2)[1] == hashes[0]
