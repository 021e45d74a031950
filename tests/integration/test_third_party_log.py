"""Software by others, which knows nothing of Urne, checks our logs byte for byte, and refuses what was tampered with.

| | checkpoint | cosignatures | inclusion | consistency | tiles |
|---|---|---|---|---|---|
| Go, golang.org/x/mod/sumdb | yes | yes (20 lines of ours) | yes | yes | all |
| @sigstore/verify, JavaScript | yes | | yes | | |
| metamorphic-log, Rust | yes | | yes | yes | |
| tlog-scales, Python | yes | yes | yes | yes | all |

What is not installed is skipped, unless URNE_REQUIRE_THIRD_PARTIES=1.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from bulletin_board.log import Board
from bulletin_board.server import create_board_app
from bulletin_board.service import FolderService
from tests.simulators.tiled_log import (
    VKEY,
    VKEYS,
    board_with,
    cosigned,
    publish_cosigned,
    write_small_entries,
)
from tests.simulators.web import serving
from tests.strategies.boards import ORIGIN, OTHER_KEY, ROOT
from voting.protocol.tlog.merkle import leaf_hash
from voting.protocol.tlog.note import note_key
from voting.protocol.tlog.proof import Receipt, format_receipt, parse_receipt
from voting.protocol.tlog.text import decode_base64, encode_base64
from voting.protocol.tlog.tiles import BUNDLES, all_tiles

PROGRAMS = ROOT / "tests" / "third_party"
GO_MODULES = Path("/usr/share/gocode")
NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"
OTHER_VKEY = note_key(ORIGIN, OTHER_KEY.verify_key).vkey
SIZES = (1, 255, 256, 257, 299, 300)
SIZE = SIZES[-1]

Judge = Callable[..., bool]
"""Whether a third party accepts something."""


def missing(what: str, remedy: str) -> NoReturn:
    message = f"{what} is not installed: {remedy}"
    if os.environ.get("URNE_REQUIRE_THIRD_PARTIES") == "1":
        pytest.fail(message)
    pytest.skip(message)


def run(*words: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=120, **more)


def accepts(done: subprocess.CompletedProcess[str]) -> bool:
    """A third party says yes or no. Anything else, such as a crash, is neither."""
    assert (done.returncode, done.stdout[:2]) == (0, "OK") or (
        done.returncode == 1 and done.stderr.startswith("refused: ")
    ), done
    return done.returncode == 0


# -- the third parties -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our 200 lines of Go around golang.org/x/mod, compiled."""
    if shutil.which("go") is None or not (GO_MODULES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        missing("golang.org/x/mod or Go", "on Debian: apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_MODULES), "GOCACHE": str(folder / "cache"), "CGO_ENABLED": "0"}
    source = PROGRAMS / "logcheck"
    done = run("go", "build", "-o", folder / "logcheck", ".", cwd=source, env={**os.environ, **settings})
    assert done.returncode == 0, done.stderr
    return folder / "logcheck"


@pytest.fixture(scope="session")
def node() -> str:
    """The program `node`, where the package for it is there too."""
    found = shutil.which("node")
    if found is None or not (NODE_MODULES / "@sigstore" / "verify").is_dir():
        missing("@sigstore/verify", f"npm install --prefix {NODE_MODULES.parent} @sigstore/verify@3")
    return found


def package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        missing(name, f"pip install {name.partition('.')[0].replace('_', '-')}")


@pytest.fixture(params=["go", "sigstore", "metamorphic", "scales"])
def receipt_judge(request: pytest.FixtureRequest, tmp_path: Path) -> Judge:
    """judge(receipt, header, vkeys): whether a third party accepts a receipt. vkeys[0] is the log's."""
    kind = request.param
    if kind == "metamorphic":
        return metamorphic_receipt(package("metamorphic_log"))
    if kind == "scales":
        return scales_receipt(package("tlog_scales.tlog"), package("tlog_scales.signing"))
    program = request.getfixturevalue("go" if kind == "go" else "node")

    def judge(receipt: bytes, header: bytes, vkeys: list[str]) -> bool:
        paths = (tmp_path / "receipt", tmp_path / "header")
        for path, data in zip(paths, (receipt, header), strict=True):
            path.write_bytes(data)
        if kind == "go":
            return accepts(run(program, "receipt", *paths, *vkeys))
        return accepts(run(program, PROGRAMS / "receipt.cjs", NODE_MODULES, *paths, vkeys[0]))

    return judge


def metamorphic_receipt(module: Any) -> Judge:
    def judge(receipt: bytes, header: bytes, vkeys: list[str]) -> bool:
        parsed = parse_receipt(receipt)
        note = parsed.checkpoint.decode()
        try:
            module.checkpoint_verify_inclusion(note, vkeys[:1], parsed.index, leaf_hash(header), list(parsed.hashes))
        except module.VerifyError:
            return False
        head = module.checkpoint_verify(note, vkeys[:1])
        return bool(head.origin == ORIGIN and head.extensions == [])

    return judge


def scales_receipt(tlog: Any, signing: Any) -> Judge:
    def judge(receipt: bytes, header: bytes, vkeys: list[str]) -> bool:
        parsed = parse_receipt(receipt)
        try:
            checkpoint = scales_checkpoint(tlog, signing, parsed.checkpoint, vkeys)
            proof = tlog.InclusionProof(parsed.index, checkpoint.size, list(parsed.hashes))
            proof.check(leaf_hash(header), checkpoint.root_hash)
        except scales_refusals(tlog):
            return False
        return True

    return judge


def scales_checkpoint(tlog: Any, signing: Any, note: bytes, vkeys: list[str]) -> Any:
    checkpoint = tlog.Checkpoint.from_text(note.decode())
    for vkey in vkeys:
        checkpoint.verify(signing.Vkey.from_string(vkey))
    return checkpoint


def scales_refusals(tlog: Any) -> tuple[type[Exception], ...]:
    invalid = importlib.import_module("cryptography.exceptions").InvalidSignature
    return (invalid, RuntimeError, ValueError, IndexError, tlog.InclusionProofInvalid, tlog.ConsistencyProofInvalid)


@pytest.fixture(params=["go", "metamorphic", "scales"])
def consistency_judge(request: pytest.FixtureRequest, tmp_path: Path) -> Judge:
    """judge(older, newer, hashes): whether a third party accepts that one checkpoint extends another."""
    if request.param == "go":
        program = request.getfixturevalue("go")

        def judge(older: bytes, newer: bytes, hashes: tuple[bytes, ...]) -> bool:
            lines = "".join(encode_base64(hash_) + "\n" for hash_ in hashes).encode()
            paths = (tmp_path / "hashes", tmp_path / "older", tmp_path / "newer")
            for path, data in zip(paths, (lines, older, newer), strict=True):
                path.write_bytes(data)
            return accepts(run(program, "consistency", *paths, *VKEYS))
    elif request.param == "metamorphic":
        module = package("metamorphic_log")

        def judge(older: bytes, newer: bytes, hashes: tuple[bytes, ...]) -> bool:
            try:
                module.checkpoint_verify_consistency(older.decode(), newer.decode(), [VKEY], list(hashes))
            except module.VerifyError:
                return False
            return True
    else:
        tlog, signing = package("tlog_scales.tlog"), package("tlog_scales.signing")

        def judge(older: bytes, newer: bytes, hashes: tuple[bytes, ...]) -> bool:
            try:
                first = scales_checkpoint(tlog, signing, older, [VKEY])
                second = scales_checkpoint(tlog, signing, newer, VKEYS)
                proof = tlog.ConsistencyProof(first.size, second.size, list(hashes))
                proof.check(first.root_hash, second.root_hash)
            except scales_refusals(tlog):
                return False
            return True

    return judge


@pytest.fixture(params=["go", "scales"])
def tiles_judge(request: pytest.FixtureRequest) -> Judge:
    """judge(prefix): whether a third party accepts a whole log in files."""
    if request.param == "go":
        program = request.getfixturevalue("go")
        return lambda prefix: accepts(run(program, "tiles", prefix, *VKEYS))
    return scales_tiles


def scales_tiles(prefix: Path | str) -> bool:
    """Every entry up to a few hundred, and a sample of more, proved from the tiles; and the root."""
    tlog, signing, reading = (package(f"tlog_scales.{part}") for part in ("tlog", "signing", "reader"))
    backend = importlib.import_module("tlog_scales.backend").make_backend(str(prefix))
    reader = reading.TilesReader(backend)
    try:
        checkpoint = reader.get_checkpoint()
        for vkey in VKEYS:
            checkpoint.verify(signing.Vkey.from_string(vkey))
        size = checkpoint.size
        if reader.calculate_root_hash() != checkpoint.root_hash:
            return False
        for index in range(0, size, 1 if size < 1000 else 251):
            proof = reader.get_inclusion_proof(index, size)
            proof.check(leaf_hash(reader.get_entry(index)), checkpoint.root_hash)
    except scales_refusals(tlog):
        return False
    return True


# -- our log -----------------------------------------------------------------------------------------------------------


class Log(NamedTuple):
    """A board of 300 entries, and its files."""

    board: Board
    prefix: Path

    def checkpoint(self, size: int = SIZE) -> bytes:
        return cosigned(self.board.checkpoint_note(size))

    def receipt(self, index: int, size: int = SIZE) -> bytes:
        return format_receipt(Receipt(index, self.board.inclusion_proof(index, size), self.checkpoint(size)))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    folder = tmp_path_factory.mktemp("log")
    with board_with(folder / "board", SIZES) as board:
        yield Log(board, publish_cosigned(board, folder / "public"))


@pytest.fixture(scope="module")
def other_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """Another history under the same key: what a lying board would show to somebody else."""
    with board_with(tmp_path_factory.mktemp("other") / "board", SIZES, mark="another history") as board:
        yield board


# -- receipts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "size"), [(0, 1), (0, 300), (1, 255), (217, 300), (255, 256), (256, 257), (256, 300), (299, 300)]
)
def test_receipts_are_accepted(log: Log, receipt_judge: Judge, index: int, size: int) -> None:
    assert receipt_judge(log.receipt(index, size), log.board.header(index), VKEYS)


def test_the_boards_own_receipt_is_accepted(log: Log, receipt_judge: Judge) -> None:
    assert receipt_judge(log.board.receipt(42), log.board.header(42), [VKEY])


def changed_hash(receipt: bytes) -> bytes:
    parsed = parse_receipt(receipt)
    first = bytes([parsed.hashes[0][0] ^ 1]) + parsed.hashes[0][1:]
    return format_receipt(Receipt(parsed.index, (first, *parsed.hashes[1:]), parsed.checkpoint))


def without_hash(receipt: bytes) -> bytes:
    parsed = parse_receipt(receipt)
    return format_receipt(Receipt(parsed.index, parsed.hashes[:-1], parsed.checkpoint))


def with_hash(receipt: bytes) -> bytes:
    parsed = parse_receipt(receipt)
    return format_receipt(Receipt(parsed.index, (*parsed.hashes, bytes(32)), parsed.checkpoint))


def other_root(receipt: bytes) -> bytes:
    checkpoint = parse_receipt(receipt).checkpoint
    root = checkpoint.split(b"\n")[2]
    return receipt.replace(root, encode_base64(bytes(32)).encode())


def changed_signature(receipt: bytes) -> bytes:
    line = next(line for line in receipt.split(b"\n") if line.startswith(f"— {ORIGIN} ".encode()))
    name, _, encoded = line.decode().rpartition(" ")
    blob = bytearray(decode_base64(encoded, None, what="signature"))
    blob[40] ^= 1
    return receipt.replace(line, f"{name} {encode_base64(bytes(blob))}".encode())


def unsigned(receipt: bytes) -> bytes:
    line = next(line for line in receipt.split(b"\n") if line.startswith(f"— {ORIGIN} ".encode()))
    return receipt.replace(line + b"\n", b"")


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "another index": lambda receipt: receipt.replace(b"index 217", b"index 216"),
    "an index beyond": lambda receipt: receipt.replace(b"index 217", b"index 300"),
    "a changed hash": changed_hash,
    "a hash less": without_hash,
    "a hash more": with_hash,
    "another root": other_root,
    "another size": lambda receipt: receipt.replace(b"\n300\n", b"\n301\n"),
    "another origin": lambda receipt: receipt.replace(b"\n\nboard.example", b"\n\nbasil.example"),
    "a changed signature": changed_signature,
    "no signature of the log": unsigned,
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_tampered_receipts_are_refused(log: Log, receipt_judge: Judge, kind: str) -> None:
    receipt = log.receipt(217)
    tampered = TAMPERED[kind](receipt)
    assert tampered != receipt
    assert not receipt_judge(tampered, log.board.header(217), VKEYS)


def test_another_entry_or_key_is_refused(log: Log, receipt_judge: Judge) -> None:
    assert not receipt_judge(log.receipt(217), log.board.header(216), VKEYS)
    assert not receipt_judge(log.receipt(217), log.board.header(217)[:-1], VKEYS)
    assert not receipt_judge(log.receipt(217), log.board.header(217), [OTHER_VKEY, *VKEYS[1:]])


@pytest.mark.parametrize("receipt_judge", ["go", "scales"], indirect=True)
@pytest.mark.parametrize("witness", [1, 2])
def test_cosignatures_are_checked(log: Log, receipt_judge: Judge, witness: int) -> None:
    lines = log.receipt(217).split(b"\n")
    place = next(i for i, line in enumerate(lines) if line.startswith(f"— witness.example/{witness} ".encode()))
    name, _, encoded = lines[place].decode().rpartition(" ")
    for byte in (4, 11, 12, 75):  # the time and the signature
        blob = bytearray(decode_base64(encoded, 76, what="cosignature"))
        blob[byte] ^= 1
        changed = [*lines[:place], f"{name} {encode_base64(bytes(blob))}".encode(), *lines[place + 1 :]]
        assert not receipt_judge(b"\n".join(changed), log.board.header(217), VKEYS)
    assert not receipt_judge(b"\n".join(lines[:place] + lines[place + 1 :]), log.board.header(217), VKEYS)


# -- consistency -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"), [(1, 255), (1, 300), (255, 256), (255, 300), (256, 300), (257, 299), (299, 300)]
)
def test_consistency_is_accepted(log: Log, consistency_judge: Judge, old: int, new: int) -> None:
    proof = log.board.consistency_proof(old, new)
    assert consistency_judge(log.checkpoint(old), log.checkpoint(new), proof)


def test_false_consistency_is_refused(log: Log, other_board: Board, consistency_judge: Judge) -> None:
    older, newer = log.checkpoint(255), log.checkpoint(300)
    proof = log.board.consistency_proof(255, 300)
    assert consistency_judge(older, newer, proof)
    for place in range(len(proof)):
        changed = [*proof]
        changed[place] = bytes([proof[place][0] ^ 1]) + proof[place][1:]
        assert not consistency_judge(older, newer, tuple(changed))
    assert not consistency_judge(older, newer, proof[:-1])
    assert not consistency_judge(older, newer, (*proof, bytes(32)))
    assert not consistency_judge(older, newer, log.board.consistency_proof(256, 300))
    assert not consistency_judge(newer, older, proof)
    forked = cosigned(other_board.checkpoint_note(300))
    assert not consistency_judge(older, forked, other_board.consistency_proof(255, 300))
    assert not consistency_judge(older, forked, proof)


# -- tiles -------------------------------------------------------------------------------------------------------------


def files_of(prefix: Path) -> set[str]:
    found = {path.relative_to(prefix).as_posix() for path in prefix.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(("tile/bodies/", "tile/hints/"))} - {"checkpoint", "vkey"}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257])
def test_boards_in_files_are_accepted(tmp_path: Path, tiles_judge: Judge, size: int) -> None:
    with board_with(tmp_path / "board", [size] if size else []) as board:
        assert tiles_judge(publish_cosigned(board, tmp_path / "public"))


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537])
def test_large_logs_in_files_are_accepted(tmp_path: Path, tiles_judge: Judge, size: int) -> None:
    assert tiles_judge(write_small_entries(tmp_path, size))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 300, 65_535, 65_536, 65_537])
def test_the_files_are_those_that_go_knows(tmp_path: Path, go: Path, size: int) -> None:
    """Not one tile is missing, and none is there that the standard does not know."""
    prefix = write_small_entries(tmp_path, size)
    done = run(go, "tiles", prefix, *VKEYS)
    assert done.stdout.strip() == f"OK {size} entries, {len(hash_tiles(size))} tiles"
    assert len([name for name in files_of(prefix) if not name.startswith("tile/entries/")]) == len(hash_tiles(size))


def hash_tiles(size: int) -> list[Any]:
    return [tile for tile in all_tiles(size) if tile.row not in BUNDLES]


def test_every_changed_file_is_noticed(log: Log, tmp_path: Path, tiles_judge: Judge) -> None:
    assert tiles_judge(log.prefix)
    names = [*files_of(log.prefix), "checkpoint"]
    assert len(names) == 6
    for number, name in enumerate(names):
        copy = tmp_path / str(number)
        shutil.copytree(log.prefix, copy)
        whole = (copy / name).read_bytes()
        for place in (2, len(whole) // 2, len(whole) - 3):
            changed = bytearray(whole)
            changed[place] ^= 1
            (copy / name).write_bytes(changed)
            assert not tiles_judge(copy), (name, place)
        (copy / name).write_bytes(whole)
        assert tiles_judge(copy)
        (copy / name).unlink()
        assert not tiles_judge(copy), name


def test_cut_and_swapped_files_are_noticed(log: Log, tmp_path: Path, go: Path) -> None:
    def judged(change: Callable[[Path], object]) -> bool:
        copy = tmp_path / "copy"
        shutil.copytree(log.prefix, copy)
        change(copy)
        try:
            return accepts(run(go, "tiles", copy, *VKEYS))
        finally:
            shutil.rmtree(copy)

    def rewrite(name: str, make: Callable[[bytes], bytes]) -> Callable[[Path], object]:
        return lambda copy: (copy / name).write_bytes(make((copy / name).read_bytes()))

    bundle, tile = "tile/entries/001.p/44", "tile/0/001.p/44"
    assert judged(lambda _copy: None)
    assert not judged(rewrite(tile, lambda data: data[:-32]))
    assert not judged(rewrite(tile, lambda data: data[32:64] + data[:32] + data[64:]))
    assert not judged(rewrite(bundle, lambda data: data + b"\0"))
    assert not judged(rewrite(bundle, lambda data: data[:-1]))
    length = 2 + len(log.board.header(256))
    assert not judged(rewrite(bundle, lambda data: data[length : 2 * length] + data[:length] + data[2 * length :]))
    older = log.checkpoint(299)
    assert not judged(lambda copy: (copy / "checkpoint").write_bytes(older))


def test_the_proof_that_others_make_from_our_tiles_is_our_receipt(
    log: Log, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = package("tlog_scales.cli")
    monkeypatch.setattr(sys, "argv", ["tlog-tiles", "gen-proof", str(log.prefix), "217"])
    program.main()
    assert capsys.readouterr().out.encode() == log.receipt(217)


def test_a_served_board_is_read_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same from our server over HTTP, where nothing is kept in files."""
    tlog, signing, reading = (package(f"tlog_scales.{part}") for part in ("tlog", "signing", "reader"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with board_with(tmp_path / "board", SIZES) as board:
        headers = list(board.headers())
    with FolderService(tmp_path / "board", None) as service, serving(create_board_app(service)) as address:
        backend = importlib.import_module("tlog_scales.backend").make_backend(f"{address}/log")
        reader = reading.TilesReader(backend)
        try:
            checkpoint = reader.get_checkpoint()
            checkpoint.verify(signing.Vkey.from_string(VKEY))
            assert reader.calculate_root_hash() == checkpoint.root_hash
            for index in range(0, SIZE, 13):
                assert reader.get_entry(index) == headers[index]
                reader.get_inclusion_proof(index, SIZE).check(leaf_hash(headers[index]), checkpoint.root_hash)
            for old in SIZES[:-1]:  # every published size still has its partial tiles
                earlier = reading.TilesReader(backend)
                earlier.set_size(old)
                assert (
                    earlier.calculate_root_hash()
                    == tlog.Checkpoint.from_text(board_note(tmp_path / "board", old)).root_hash
                )
        finally:
            backend.session.close()


def board_note(folder: Path, size: int) -> str:
    with FolderService(folder, None).reader() as board:
        return board.checkpoint_note(size).decode()
