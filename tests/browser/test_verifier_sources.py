"""What the verifier in the browser reads: .zip files, also hostile ones, loose files, and a board's answers."""

from __future__ import annotations

import base64
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import run_module

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

FILES = {
    "headers.jsonl": b'{"a":1}\n{"b":2}\n',
    "bodies.jsonl": b'{"body":"' + b"x" * 70_000 + b'"}\n{}\n',
    "hints.jsonl": b"\n{}\n",
    "checkpoint": b"board.example\n2\nAAAA\n\n\xe2\x80\x94 name sig\n",
    "vkey": b"board.example+1+AAAA\n",
}
READ = """
  const { openFiles } = await import("/booth/js/verify_page/sources.js");
  const { toHex } = await import("/booth/js/core/bytes.js");
  const blobs = arg.map(([name, data]) => new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
  const lines = async (source) => {
    const found = [];
    for await (const line of source) found.push(new TextDecoder().decode(line));
    return found;
  };
  try {
    const told = [];
    const source = await openFiles(blobs, (done, total) => told.push([done, total]));
    return {
      headers: await lines(source.headers()), bodies: await lines(source.bodies()),
      hints: source.hasHints ? await lines(source.hints()) : null,
      again: (await lines(source.bodies())).length,
      checkpoint: new TextDecoder().decode(await source.checkpoint()), vkey: toHex(await source.vkey()),
      told: told.at(-1) ?? null,
    };
  } catch (error) {
    if (error.problem === undefined) throw error;
    return { problem: error.problem, where: error.where };
  }
"""


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, **options: Any) -> bytes:
    """A .zip of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            with archive.open(name, "w", **options) as member:
                member.write(data)
    return target.getvalue()


@pytest.fixture
def read(page: Page, static_site: str) -> Callable[..., dict[str, Any]]:
    """Opens files in the page: (name, data) pairs -> what was read, or what was wrong."""
    page.goto(static_site)

    def opened(*files: tuple[str, bytes]) -> dict[str, Any]:
        answer: dict[str, Any] = run_module(
            page, READ, [[name, base64.b64encode(data).decode()] for name, data in files]
        )
        return answer

    return opened


def is_whole(answer: dict[str, Any]) -> bool:
    return (
        answer["headers"] == ['{"a":1}', '{"b":2}']
        and [len(line) for line in answer["bodies"]] == [70_011, 2]
        and answer["hints"] == ["", "{}"]
        and answer["again"] == 2
        and answer["checkpoint"] == FILES["checkpoint"].decode()
        and bytes.fromhex(answer["vkey"]) == FILES["vkey"]
    )


def test_good_records(read: Callable[..., dict[str, Any]]) -> None:
    for data in (
        packed(FILES),
        packed(FILES, zipfile.ZIP_STORED),
        packed(FILES, force_zip64=True),
        packed(dict(reversed(FILES.items()))),
    ):
        answer = read(("record.zip", data))
        assert is_whole(answer)
        total = sum(map(len, FILES.values()))
        assert answer["told"] == [total, total]
    assert is_whole(read(*FILES.items()))
    without = {name: data for name, data in FILES.items() if name != "hints.jsonl"}
    assert read(("record.zip", packed(without)))["hints"] is None


# -- hostile .zip files ------------------------------------------------------------------------------------------------


def end_of(data: bytes) -> int:
    return data.rindex(b"PK\x05\x06")


def directory_of(data: bytes) -> int:
    start: int = struct.unpack_from("<I", data, end_of(data) + 16)[0]
    return start


def changed(data: bytes, place: int, form: str, value: int) -> bytes:
    """The same bytes with one number replaced."""
    whole = bytearray(data)
    struct.pack_into(form, whole, place, value)
    return bytes(whole)


def in_directory(data: bytes, offset: int, form: str, value: int) -> bytes:
    """The first member's entry in the directory with one number replaced."""
    return changed(data, directory_of(data) + offset, form, value)


def twice() -> bytes:
    """Two members of one name. Python warns of it when it writes one; here the second is renamed afterwards."""
    return packed({"vkey": b"a\n", "vkex": b"b\n", **{k: v for k, v in FILES.items() if k != "vkey"}}).replace(
        b"vkex", b"vkey"
    )


def linked() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in FILES.items():
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (0o120777 if name == "vkey" else 0o100644) << 16
            archive.writestr(info, data)
    return target.getvalue()


def with_bzip2() -> bytes:
    return packed(FILES, zipfile.ZIP_BZIP2)


def without_checkpoint() -> bytes:
    return packed({name: data for name, data in FILES.items() if name != "checkpoint"})


def place_of(data: bytes, which: int) -> int:
    """Where a member's own header is, as the directory says."""
    at = directory_of(data)
    for _ in range(which):
        at = data.index(b"PK\x01\x02", at + 4)
    place: int = struct.unpack_from("<I", data, at + 42)[0]
    return place


GOOD = packed(FILES)
STORED = packed(FILES, zipfile.ZIP_STORED)
BOMB = 65 * 1024 * 1024 + 1

HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "not a sound .zip"),
    "no .zip": (b"hello" * 100, "not a sound .zip"),
    "cut short": (GOOD[:-30], "not a sound .zip"),
    "something behind it": (GOOD + b"x", "not a sound .zip"),
    "something before it": (b"x" + GOOD, "not a sound .zip"),
    "no member": (packed({}), "holds no file"),
    "another member": (packed({**FILES, "extra.txt": b"x"}), "is not one of the files of a record"),
    "a folder": (packed({f"record/{name}": data for name, data in FILES.items()}), "is not one of the files"),
    "a way out": (packed({**FILES, "../vkey": b"x"}), "is not one of the files of a record"),
    "a name twice": (twice(), "occurs twice"),
    "a link": (linked(), "is a link or a special file"),
    "encrypted": (in_directory(GOOD, 8, "<H", 1), "is encrypted"),
    "another packing": (with_bzip2(), "is packed in a way other than deflate"),
    "a missing file": (without_checkpoint(), "holds no file checkpoint"),
    "a wrong checksum": (in_directory(GOOD, 16, "<I", 12345), "the checksum of headers.jsonl is wrong"),
    "longer than it says": (in_directory(GOOD, 24, "<I", 3), "headers.jsonl is longer than it says"),
    "shorter than it says": (in_directory(GOOD, 24, "<I", 3000), "headers.jsonl is shorter than it says"),
    "more than allowed": (in_directory(GOOD, 24, "<I", 0xFFFFFFF0), "grows more than 200 times"),
    "a place outside": (in_directory(GOOD, 42, "<I", 0xFFFFFF0), "is not where it says"),
    "the place of another": (in_directory(GOOD, 42, "<I", place_of(GOOD, 1)), "is not where it says"),
    "packed bytes beyond": (in_directory(GOOD, 20, "<I", 100_000), "members overlap"),
    "several disks": (changed(GOOD, end_of(GOOD) + 4, "<H", 1), "a part of several"),
    "a wrong count": (changed(GOOD, end_of(GOOD) + 10, "<H", 3), "its directory is damaged"),
    "a huge directory": (changed(GOOD, end_of(GOOD) + 12, "<I", 0xFFFFFFF), "not a sound .zip"),
    "damaged inside": (GOOD[:45] + b"\xff\xff\xff" + GOOD[48:], "not a sound .zip"),
}


def test_hostile_zips_are_refused(read: Callable[..., dict[str, Any]]) -> None:
    for kind, (data, problem) in HOSTILE.items():
        answer = read(("record.zip", data))
        assert problem in answer.get("problem", str(answer)), kind


def test_what_grows_too_much_is_refused_before_it_is_unpacked(read: Callable[..., dict[str, Any]]) -> None:
    trap = packed({**FILES, "bodies.jsonl": b"x" * BOMB})
    assert len(trap) < 100_000
    assert "grows more than 200 times" in read(("record.zip", trap))["problem"]
    # The directory lies about its size: unpacking stops where the lie ends.
    second = trap.index(b"PK\x01\x02", directory_of(trap) + 4)
    assert "is longer than it says" in read(("record.zip", changed(trap, second + 24, "<I", 1000)))["problem"]


def test_no_damage_leaves_the_reader_but_as_an_error(read: Callable[..., dict[str, Any]]) -> None:
    chance = random.Random(7)
    for _ in range(60):
        data = bytearray(STORED if chance.random() < 0.5 else GOOD)
        for _ in range(chance.randint(1, 4)):
            place = chance.choice([chance.randrange(len(data)), chance.randrange(directory_of(GOOD), len(GOOD))])
            data[place % len(data)] = chance.randrange(256)
        answer = read(("record.zip", bytes(data)))
        assert "problem" in answer or answer["checkpoint"] == FILES["checkpoint"].decode()


# -- loose files -------------------------------------------------------------------------------------------------------


def test_loose_files(read: Callable[..., dict[str, Any]]) -> None:
    files = list(FILES.items())
    assert read(*files, ("notes.txt", b""))["problem"] == "is not one of the files of a record"
    assert read(*files, files[0])["problem"] == "occurs twice"
    assert read(*files[:3])["problem"] == "holds no file checkpoint"
    assert read(files[0])["problem"] == "holds no file bodies.jsonl"
    long = read(*files[:3], ("checkpoint", b"x" * 1_000_001), files[4])
    assert (long["problem"], long["where"]) == ("is longer than 1000000 bytes", "checkpoint")


# -- a board's answers -------------------------------------------------------------------------------------------------

FETCH = """
  const { fetchRecord } = await import("/booth/js/verify_page/fetch_record.js");
  globalThis.setTimeout = (run, ms, ...rest) => (ms < 10_000 ? queueMicrotask(run) : 0);
  const lines = async (source) => {
    const found = [];
    for await (const line of source) found.push(new TextDecoder().decode(line));
    return found;
  };
  try {
    const source = await fetchRecord(arg);
    return {
      headers: await lines(source.headers()), bodies: await lines(source.bodies()), hints: await lines(source.hints()),
    };
  } catch (error) {
    if (error.problem === undefined) throw error;
    return { problem: error.problem, where: error.where };
  }
"""
NOTE = b"board.example/test\n3\n" + base64.b64encode(bytes(32)) + b"\n\n\xe2\x80\x94 board.example/test AAAAAAAA\n"
LINES = {kind: [f"{kind} {number}\n".encode() for number in range(3)] for kind in ("headers", "bodies", "hints")}
Answers = dict[str, Callable[[int, int], tuple[int, bytes]]]


@pytest.fixture
def fetch(page: Page, static_site: str) -> Callable[[Answers], dict[str, Any]]:
    """Fetches a record in the page from a server with these answers; what is not given is answered well."""
    page.goto(static_site)

    def fetched(answers: Answers) -> dict[str, Any]:
        def serve(route: Route) -> None:
            parts = route.request.url.split("/log/")[1].split("?")
            numbers = dict(part.split("=") for part in parts[1].split("&")) if len(parts) > 1 else {}
            start, stop = int(numbers.get("start", 0)), int(numbers.get("stop", 0))
            if parts[0] in answers:
                status, body = answers[parts[0]](start, stop)
            elif parts[0] in LINES:
                status, body = 200, b"".join(LINES[parts[0]][start : min(stop, start + 2)])
            else:
                status, body = 200, NOTE if parts[0] == "checkpoint" else b"board.example+1+AAAA"
            route.fulfill(status=status, body=body, content_type="text/plain")

        page.route("**/e/club/log/**", serve)
        answer: dict[str, Any] = run_module(page, FETCH, f"{static_site}e/club")
        page.unroute("**/e/club/log/**")
        return answer

    return fetched


def test_a_record_is_fetched_in_pieces(fetch: Callable[[Answers], dict[str, Any]]) -> None:
    answer = fetch({})
    assert answer == {kind: [line.decode().rstrip() for line in lines] for kind, lines in LINES.items()}


BAD_ANSWERS = [
    ("checkpoint", 200, b"nonsense", ""),
    ("checkpoint", 200, b"x" * 1_000_001, "is longer than the 1000000 bytes allowed"),
    ("vkey", 200, b"x" * 5000, "is longer than the 4096 bytes allowed"),
    ("headers", 200, b"a\nb", "the answer was cut short"),
    ("headers", 200, b"", "the answer was cut short"),
    ("headers", 200, b"a\nb\nc\nd\n", "more than were asked for"),
    ("headers", 200, b"a\n\nc\n", "a line that is empty or too long"),
    ("headers", 200, b"x" * 65_536 + b"\n", "a line that is empty or too long"),
    ("headers", 404, b"<h1>No</h1>", "has no board at this address"),
    ("headers", 404, b'{"error": {"code": "no", "message": "is \xe2\x80\xae gone"}}', "is   gone"),
    ("bodies", 500, b"[" * 70_000, "is longer than the 65536 bytes allowed"),
    ("bodies", 400, b"[1]", "answers with status 400"),
    ("hints", 503, b"", "answers with status 503"),
]


def test_a_servers_bad_answers_are_told(fetch: Callable[[Answers], dict[str, Any]], watch: Any) -> None:
    watch.allowed.append("status of")
    for part, status, body, problem in BAD_ANSWERS:
        answer = fetch({part: lambda _start, _stop, given=(status, body): given})  # type: ignore[misc]
        assert problem in answer.get("problem", str(answer)), part


def test_a_question_is_asked_again_when_its_answer_was_lost(
    fetch: Callable[[Answers], dict[str, Any]], watch: Any
) -> None:
    watch.allowed.append("status of")
    asked: list[int] = []

    def late(start: int, _stop: int) -> tuple[int, bytes]:
        asked.append(start)
        return (503, b"") if len(asked) < 3 else (200, b"".join(LINES["bodies"][start:]))

    assert "problem" not in fetch({"bodies": late})
    assert asked == [0, 0, 0]


ADDRESS = """
  const { parseAddress } = await import("/booth/js/verify_page/address.js");
  return arg.map((text) => {
    try {
      return parseAddress(text);
    } catch (error) {
      if (error.problem === undefined) throw error;
      return `${error.where}: ${error.problem} ${error.remedy}`;
    }
  });
"""


def test_addresses_are_read_as_the_other_tools_read_them(page: Page, static_site: str) -> None:
    from voting.address import parse_address
    from voting.protocol.errors import UsageError

    texts = [
        "https://vote.example/e/club", "https://VOTE.example/e/club/", "http://127.0.0.1:8000", "http://a/log",
        *(f"https://vote.example/e/club/{page}" for page in ("vote", "log", "results.csv", "verify", "board", "x")),
        "https://vote.example/e/club/vote#code=abcd", "https://vote.example/?x", "ftp://a/b", "vote.example",
        "https://user@vote.example/e/club", "https:/vote.example", "http://a:0/", "https://a b/", "", "https://",
        "https://vote.example\\e", "https://vote.ex\u00e4mple/", "https://vote.example/" + "a" * 2000,
    ]  # fmt: skip
    page.goto(static_site)
    answers = run_module(page, ADDRESS, texts)
    for text, answer in zip(texts, answers, strict=True):
        try:
            expected = parse_address(text).text
        except UsageError:
            expected = "the address: "
        assert answer.startswith(expected), text
        assert "abcd" not in answer


EARLIER = """
  const { readEarlier, writeVisit } = await import("/booth/js/verify_page/earlier.js");
  const read = async (text) => {
    try {
      const { checkpoint, manifest, election } = await readEarlier(new Blob([text]));
      return [new TextDecoder().decode(checkpoint), manifest, election];
    } catch (error) {
      if (error.problem === undefined) throw error;
      return error.problem;
    }
  };
  return { read: await Promise.all(arg.texts.map(read)), written: new TextDecoder().decode(writeVisit(arg.visit)) };
"""


def test_what_was_seen_before_is_read_and_written(page: Page, static_site: str) -> None:
    from voting.protocol.encoding import Hash, encode
    from voting.verifier.visit import Visit, parse_visit

    visit = Visit(checkpoint=NOTE.decode(), election=None, manifest=Hash("ab" * 32))
    proof = "c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE.decode()
    receipt = encode({"header": "{}", "proof": proof}).decode()
    good = [NOTE.decode(), encode(visit).decode(), receipt]
    bad = ["{", "{}", encode({"checkpoint": "a", "election": None, "manifest": "x", "version": 1}).decode(),
           encode(visit).decode() + " ", '{"proof":1}', "x" * 2_000_001]  # fmt: skip
    page.goto(static_site)
    fields = {"checkpoint": visit.checkpoint, "election": visit.election, "manifest": visit.manifest}
    answer = run_module(page, EARLIER, {"texts": good + bad, "visit": fields})
    note = NOTE.decode()
    assert answer["read"][:3] == [[note, None, None], [note, "ab" * 32, None], [note, None, None]]
    assert all(isinstance(problem, str) for problem in answer["read"][3:]), answer["read"][3:]
    assert parse_visit(answer["written"].encode(), what="test") == visit


def test_checksums(page: Page, static_site: str) -> None:
    body = """
      const { crc32 } = await import("/booth/js/verify_page/crc32.js");
      return arg.map((parts) => parts.reduce((sum, part) => crc32(sum, Uint8Array.from(part)), 0));
    """
    chance = random.Random(3)
    samples = [[[chance.randrange(256) for _ in range(length)] for length in lengths]
               for lengths in ([0], [1], [7, 9], [64, 3], [1000])]  # fmt: skip
    page.goto(static_site)
    expected = [zlib.crc32(b"".join(map(bytes, parts))) for parts in samples]
    assert run_module(page, body, samples) == expected
