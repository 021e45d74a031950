"""The trustees' page makes, accepts and refuses what the Python package does: key files, keys, entries, records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import run_module
from tests.vectors.make_trustee_vectors import FILE, PASSPHRASE
from voting.crypto.keyfile import open_key_file, read_key_file_header
from voting.crypto.sealing import Sealed, SealingKey

if TYPE_CHECKING:
    from playwright.sync_api import Page

VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
HPKE: dict[str, Any] = json.loads((Path(FILE).parent / "hpke.json").read_text("utf-8"))

_PRELUDE = """
const { fromHex, toHex, utf8, toBase64Url } = await import("/booth/js/core/bytes.js");
const trustee = (name) => import(`/booth/js/trustee/${name}.js`);
const ones = (length) => new Uint8Array(length).fill(1);
"""


def run(page: Page, static_site: str, body: str, arg: object = None) -> Any:
    page.goto(static_site)
    return run_module(page, _PRELUDE + body, arg)


def test_passphrases(page: Page, static_site: str) -> None:
    body = """
    const { generatePassphrase } = await trustee("passphrase");
    return arg.map(({ random }) => generatePassphrase(() => fromHex(random)));
    """
    drawn = run(page, static_site, body, VECTORS["passphrases"])
    assert drawn == [case["passphrase"] for case in VECTORS["passphrases"]]


@pytest.mark.parametrize(
    ("typed", "tidy"),
    [
        (" Lusab babad-GUTIH  tugad mabiv ", PASSPHRASE),
        ("lusab\u2010babad\u2011gutih-tugad-mabiv", PASSPHRASE),
        ("My own Passphrase ", "My own Passphrase "),
        ("Lusab", "Lusab"),
    ],
)
def test_a_drawn_passphrase_may_be_typed_freely(page: Page, static_site: str, typed: str, tidy: str) -> None:
    body = 'const { tidyPassphrase } = await trustee("passphrase"); return tidyPassphrase(arg);'
    assert run(page, static_site, body, typed) == tidy


def test_key_files_open_or_are_refused(page: Page, static_site: str) -> None:
    body = """
    const { openKeyFile } = await trustee("key_file");
    const { stretch } = await trustee("stretch");
    const { KeyFileError } = await trustee("errors");
    const opened = [];
    for (const { file, passphrase } of arg) {
      try {
        opened.push(toHex(await openKeyFile(fromHex(file), { passphrase, kind: "trustee", stretch })));
      } catch (error) {
        if (!(error instanceof KeyFileError) || !error.problem || !error.remedy) throw error;
        opened.push(null);
      }
    }
    return opened;
    """
    opened = run(page, static_site, body, VECTORS["key_files"])
    names = [case["name"] for case in VECTORS["key_files"]]
    assert dict(zip(names, opened, strict=True)) == {case["name"]: case["seed"] for case in VECTORS["key_files"]}


def test_key_files_of_the_page_open_with_python(page: Page, static_site: str) -> None:
    body = """
    const { writeKeyFile, readKeyFileHeader } = await trustee("key_file");
    const { stretch } = await trustee("stretch");
    const randomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));
    const options = { kind: "trustee", label: "A\\u0308nne 選挙", passphrase: arg, stretch, randomBytes };
    const file = await writeKeyFile(fromHex("07".repeat(32)), options);
    return [toHex(file), readKeyFileHeader(file)];
    """
    data, header = run(page, static_site, body, "pässwörter")
    file = bytes.fromhex(data)
    assert open_key_file(file, passphrase="pässwörter", kind="trustee") == b"\x07" * 32
    assert read_key_file_header(file) == (header["kind"], header["label"], header["isProtected"])
    assert header["label"] == "Änne 選挙"
    assert b"n=131072" in file


def test_scrypt_of_the_rfc(page: Page, static_site: str) -> None:
    body = """
    const { scrypt } = await trustee("scrypt");
    const hash = async ([password, salt, n, r]) => toHex(await scrypt(utf8(password), utf8(salt), n, r, 64));
    return Promise.all(arg.map(hash));
    """
    # RFC 7914, section 12: the cases with p = 1.
    assert run(page, static_site, body, [["", "", 16, 1], ["pleaseletmein", "SodiumChloride", 16384, 8]]) == [
        "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
    ]


def test_sealed_messages_open_or_are_refused(page: Page, static_site: str) -> None:
    body = """
    const { open, sealingKey } = await trustee("sealing");
    const found = [];
    for (const { seed, encapsulation, ciphertext, info, aad } of arg) {
      const key = await sealingKey(fromHex(seed));
      try {
        const sealed = { encapsulation: fromHex(encapsulation), ciphertext: fromHex(ciphertext) };
        found.push([toHex(key.publicKey), toHex(await open(key, sealed, fromHex(info), fromHex(aad)))]);
      } catch (error) {
        found.push([toHex(key.publicKey), error.code ?? String(error)]);
      }
    }
    return found;
    """
    cases = HPKE["cases"]
    found = run(page, static_site, body, cases)
    expected = [[case["public"], case.get("plaintext") if case["expect"] == "ok" else case["expect"]] for case in cases]
    assert dict(zip([case["name"] for case in cases], found, strict=True)) == {
        case["name"]: answer for case, answer in zip(cases, expected, strict=True)
    }


def test_what_the_page_seals_opens_with_python(page: Page, static_site: str) -> None:
    key = SealingKey.from_seed(b"\x05" * 32)
    body = """
    const { seal } = await trustee("sealing");
    const randomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));
    const sealed = await seal(fromHex(arg), utf8("info"), utf8("bound"), utf8("a share"), randomBytes);
    return [toHex(sealed.encapsulation), toHex(sealed.ciphertext)];
    """
    encapsulation, ciphertext = run(page, static_site, body, key.public.hex())
    sealed = Sealed(bytes.fromhex(encapsulation), bytes.fromhex(ciphertext))
    assert key.open(sealed, b"info", b"bound") == b"a share"


def test_keys_of_a_seed(page: Page, static_site: str) -> None:
    body = """
    const { deriveSecrets } = await trustee("secrets");
    const { groupByName } = await import("/booth/js/core/group.js");
    const group = groupByName("toy-512", { allowToy: true });
    return Promise.all(arg.keys.map(async ({ seed, index }) => {
      const secrets = await deriveSecrets(fromHex(seed), arg.manifest, { threshold: 2 }, index);
      const text = (scalar) => toBase64Url(group.encodeScalar(scalar));
      return {
        coefficients: [1, 2].map((attempt) => secrets.coefficients(group, attempt)),
        index,
        polynomials: [1, 2].map((attempt) => secrets.polynomial(group, attempt).map(text)),
        sealing_key: toBase64Url(secrets.sealingKey.publicKey),
        seed,
        signing_key: toBase64Url(secrets.signingKey.publicKey),
      };
    }));
    """
    assert run(page, static_site, body, VECTORS) == VECTORS["keys"]


_REPLAY = """
const { ElectionRecord } = await trustee("record");
const { sha256Hex } = await import("/booth/js/core/hash.js");
const { deriveSecrets } = await trustee("secrets");
const { encodeCanonical } = await import("/booth/js/core/canonical.js");
const record = new ElectionRecord();
const apply = (seq, type, body) => record.apply({ seq, type, body: sha256Hex(body) }, body);
"""


def test_every_entry_of_a_trustee_is_the_same_byte_for_byte(page: Page, static_site: str) -> None:
    body = (
        _REPLAY
        + """
    const { nextMove, situation } = await trustee("moves");
    const { makeSteps } = await trustee("make_steps");
    const secretsOf = async (index) => {
      const { seed } = arg.keys.find((key) => key.index === index);
      return deriveSecrets(fromHex(seed), record.manifestHash, record.manifest, index);
    };
    const differences = [];
    const made = [];
    for (const [seq, entry] of arg.record.entries()) {
      if (entry.act) {
        const secrets = await secretsOf(entry.trustee);
        const move = await nextMove(record, secrets);
        if (move.act !== entry.act || move.others.join() !== entry.others.join()) differences.push([seq, move]);
        const duty = situation(record).duties.get(entry.trustee);
        if ((entry.act === "complain" ? "confirm" : entry.act) !== duty) differences.push([seq, duty]);
        const { time } = JSON.parse(entry.body).content;
        const [step] = await makeSteps(secrets, record, move, time, ones);
        made.push(entry.act);
        const isSame = step.type === entry.type && new TextDecoder().decode(step.body) === entry.body;
        if (!isSame) differences.push([seq, entry.act]);
      }
      await apply(seq, entry.type, utf8(entry.body));
    }
    const shares = record.validShares();
    return { differences, made: made.length, phase: record.phase, shares, hash: record.manifestHash };
    """
    )
    found = run(page, static_site, body, VECTORS)
    assert found == {
        "differences": [],
        "made": sum("act" in entry for entry in VECTORS["record"]),
        "phase": "published",
        "shares": 2,
        "hash": VECTORS["manifest"],
    }


def test_every_changed_entry_is_refused_by_the_same_check(page: Page, static_site: str) -> None:
    body = (
        _REPLAY
        + """
    const changed = (content, path, value) => {
      const copy = structuredClone(content);
      path.slice(0, -1).reduce((place, step) => place[step], copy)[path.at(-1)] = value;
      return copy;
    };
    const found = [];
    for (const [seq, entry] of arg.record.entries()) {
      const { content } = JSON.parse(entry.body);
      for (const { path, value, signature } of arg.refused.filter((change) => change.entry === seq)) {
        const body = encodeCanonical({ content: path.length ? changed(content, path, value) : content, signature });
        try {
          await apply(seq, entry.type, body);
          return `entry ${seq}: ${path.join(".")} = ${value} was accepted`;
        } catch (error) {
          found.push(error.check ?? String(error));
        }
      }
      await apply(seq, entry.type, utf8(entry.body));
    }
    return found;
    """
    )
    found = run(page, static_site, body, VECTORS)
    wanted = [case["check"] for case in VECTORS["refused"]]
    assert isinstance(found, list), found
    wrong = [
        (VECTORS["record"][case["entry"]]["type"], case["path"], case["value"], case["check"], check)
        for case, check in zip(VECTORS["refused"], found, strict=True)
        if case["check"] != check
    ]
    assert wrong == []
    assert len(found) == len(wanted)
