"""The verifier for browsers as one file: the same bytes every time, whole, and served and written as such."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from tests.simulators.site import SiteSimulator
from voting.booth import verifier_file as module
from voting.booth.files import STATIC, VERIFIER_ONLY, booth_files, served_files, texts, texts_in
from voting.booth.verifier_file import FILE_NAME, script, verifier_file, verifier_policy
from voting.booth.vote_pages import file_blueprint
from voting.cli import main
from voting.protocol.errors import DecodeError
from voting.translations import catalogue, set_language
from voting.verifier.checks import CHECKS


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A command leaves its language behind."""
    yield
    set_language("en")


@pytest.fixture
def fresh() -> Iterator[None]:
    """What was made before is forgotten, before and after the test."""
    made = (verifier_file, verifier_policy, script)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


def part(data: bytes, start: str, end: str) -> str:
    text = data.decode("utf-8")
    assert text.count(start) == 1, start
    return text.split(start)[1].split(end)[0]


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_file_is_made_the_same_every_time(fresh: None) -> None:
    first = verifier_file().data
    for each in (verifier_file, verifier_policy, script):
        each.cache_clear()
    assert verifier_file().data == first
    assert verifier_file().sha256 == hashlib.sha256(first).hexdigest()


def test_it_loads_nothing_and_runs_nothing_but_its_own_script() -> None:
    data = verifier_file().data
    program = part(data, '<script id="program">', "</script>")
    policy = part(data, '<meta http-equiv="Content-Security-Policy" content="', '"')
    assert f"script-src 'sha256-{digest(program)}';" in policy
    assert f"style-src 'sha256-{digest(part(data, '<style>', '</style>'))}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert re.findall(rb'(?:src|href)="(?!#)([^"]{0,10})', data.split(b"<script")[0]) == [b"data:image"]
    assert not re.search(rb"@(policy|style|icon|texts|script)@", data)


def test_every_module_stands_in_it_as_it_is_in_the_source() -> None:
    names = re.findall(r"^// ==== (\S+) ====$", script(), re.MULTILINE)
    assert len(names) == len(set(names)) > 20
    folders = {name.split("/")[0] for name in names}
    assert {"verify_page", "verifier", "core"} <= folders
    assert not folders & {"booth", "trustee", "controls", "device_test"}, "the booth's logic"
    whole = re.sub(r"^(export )", "", script(), flags=re.MULTILINE)
    for name in names:
        source = (STATIC / "js" / name).read_text("utf-8")
        after_imports = source[max((match.end() for match in re.finditer(r'from "[^"]+";\n', source)), default=0) :]
        assert re.sub(r"^export ", "", after_imports, flags=re.MULTILINE).rstrip() in whole, name
    mine = {path.relative_to(STATIC / "js").as_posix() for path in (STATIC / "js").glob("verif*/*.js")}
    assert mine <= set(names), "a module that nothing imports"


def test_it_can_write_no_markup_and_asks_nobody_but_a_board() -> None:
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", script(), flags=re.DOTALL)
    assert not re.search(r"\.(innerHTML|outerHTML)\b|insertAdjacentHTML|document\.write|\beval\(|new Function", code)
    assert re.findall(r"\bfetch\(.*", code) == [
        "fetch(`/booth/texts/${name}.json`);",  # the booth's; here all texts are there already
        "fetch(url, {",
    ]
    assert not re.search(r"XMLHttpRequest|WebSocket|sendBeacon|EventSource|importScripts|localStorage", code)


def test_its_texts_are_there_in_french() -> None:
    given = json.loads(part(verifier_file().data, '<script type="application/json" id="texts">', "</script>"))["fr"]
    assert given["texts"]["Cancel"] == catalogue("fr")["Cancel"]
    assert {check.info.title for check in CHECKS} <= set(given["texts"])
    assert "is empty" in given["problems"]
    own = set()
    for folder in ("verifier", "verify_page"):
        for path in (STATIC / "js" / folder).glob("*.js"):
            own |= texts_in(path.read_text("utf-8"))
    assert len(own) > 50
    assert own & set(catalogue("fr")) <= set(given["texts"])


def test_the_booth_does_not_change_with_it() -> None:
    listed = [file.path.removeprefix("booth/") for file in booth_files()]
    assert not [path for path in listed if path.startswith(VERIFIER_ONLY)]
    assert "Verify an election" not in json.loads(texts("fr"))
    assert not set(VERIFIER_ONLY) & set(served_files())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('import fs from "./other.js";', "cannot be joined"),
        ('import "./other.js";', "cannot be joined"),
        ('export { a } from "./other.js";', "cannot be joined"),
        ("export default 1;", "cannot be joined"),
        ("export let counter = 0;", "cannot be joined"),
        ('const a = await import("./other.js");', "cannot be joined"),
        ("const a = import.meta.url;", "cannot be joined"),
        ('import { a } from "/booth/js/core/bytes.js";', "no relative path"),
        ('import { a } from "../../../secret.js";', "outside"),
        ('import { a } from "./nothing.js";', "is not there"),
        ('import { a } from "./entry.js";', "imports itself"),
        ('const a = "</SCRIPT>";', "would end the script"),
        ('const a = "<!--";', "would end the script"),
    ],
)
def test_what_cannot_be_joined_is_refused(
    text: str, problem: str, fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "js" / "verify_page"
    folder.mkdir(parents=True)
    (folder / "entry.js").write_text(f"/** A module. */\n{text}\n")
    (folder / "other.js").write_text("export const a = 1;\n")
    monkeypatch.setattr(module, "STATIC", tmp_path)
    with pytest.raises(DecodeError, match=problem):
        script()


def test_imports_and_exports_become_declarations(fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "js" / "verify_page"
    folder.mkdir(parents=True)
    (folder / "entry.js").write_text(
        'import {\n  b as c,\n  f,\n} from "./other.js";\nimport * as all from "./other.js";\n'
    )
    (folder / "other.js").write_text(
        '/** @type {import("./entry.js").X} */\nexport const b = 1;\nexport async function* f() {}\nexport class K {}\n'
    )
    monkeypatch.setattr(module, "STATIC", tmp_path)
    made = script()
    assert made.index("// ==== verify_page/other.js") < made.index("// ==== verify_page/entry.js")
    assert 'const {\n  b: c,\n  f,\n} = modules["verify_page/other.js"];' in made
    assert 'const all = modules["verify_page/other.js"];' in made
    assert "return Object.freeze({ K, b, f });" in made
    assert "\nconst b = 1;\nasync function* f() {}\nclass K {}\n" in made


def test_a_site_serves_it_as_a_page_and_as_a_file(tmp_path: Path) -> None:
    site = SiteSimulator(tmp_path)
    app = Flask(__name__)
    app.register_blueprint(file_blueprint(site.services.elections))
    client = app.test_client()
    page, file = client.get("/verify"), client.get(f"/verify/{FILE_NAME}")
    assert page.data == file.data == verifier_file().data
    assert page.headers["Content-Security-Policy"] == f"{verifier_policy()}; frame-ancestors 'none'"
    assert "Content-Disposition" not in page.headers
    assert file.headers["Content-Disposition"] == f'attachment; filename="{FILE_NAME}"'
    packed = client.get("/verify", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    again = client.get("/verify", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    site.close()


def test_the_command_shows_the_hash_and_writes_the_file(tmp_path: Path) -> None:
    target = tmp_path / FILE_NAME
    shown = CliRunner().invoke(main, ["verifier"])
    assert (shown.exit_code, shown.stdout) == (0, f"{verifier_file().sha256}  {FILE_NAME}\n")
    written = CliRunner().invoke(main, ["verifier", str(target)])
    assert (written.exit_code, written.stdout) == (0, f"{verifier_file().sha256}  {target}\n")
    assert target.read_bytes() == verifier_file().data
    assert CliRunner().invoke(main, ["verifier", str(target)]).exit_code == 2, "never over another file"
    assert CliRunner().invoke(main, ["verifier", str(target), "--force"]).exit_code == 0
