"""Make the vectors of the core: what every implementation must compute, accept and refuse.

    python -m tests.vectors.make_core_vectors

Each case names a call (tests/vectors/core_calls.py), its input, and what is expected: "ok" with an output, or the code
of an error, with the number of the check for a "verification" error. The expected verdicts are written here by hand;
the outputs are the Python package's. They follow from the code alone, and a test holds files and code together.

Ballots of the real groups are given by their hashes, so that the files stay small.
"""

from __future__ import annotations

from pathlib import Path

from gmpy2 import mpz

from tests.vectors.core_ballot_vectors import ballots
from tests.vectors.core_calls import Json
from tests.vectors.core_cases import Cases, drawn
from tests.vectors.core_log_vectors import entries, log
from voting.crypto.group import group_by_name
from voting.election.credentials import generate_code
from voting.protocol.encoding import sha256, to_base64
from voting.protocol.tlog.text import encode_base64

FOLDER = Path(__file__).parent
GROUPS = ("toy-512", "integer-3072", "integer-4096")


# -- groups and hashing ------------------------------------------------------------------------------------------------


def groups() -> Cases:
    cases = Cases("Made by Urne. The fingerprints are those of docs/spec/groups.md.")
    for name in GROUPS:
        group = group_by_name(name)
        size, p, q, g = group.element_bytes, int(group.p), int(group.q), group.generator

        def text(number: int, length: int = size) -> str:
            return to_base64(number.to_bytes(length, "big"))

        cases.add(f"{name}: parameters", "group.fingerprint", group=name)
        member = g ** int.from_bytes(drawn(name), "big")
        for what, element in (("generator", g), ("a member", member), ("one", group.identity)):
            cases.add(f"{name}: {what}", "group.element", group=name, element=text(int(element.value)))
        small = next(x for x in range(2, 100) if not group.is_member(mpz(x)))
        for what, number, code in (
            ("zero", 0, "malformed"),
            ("p", p, "malformed"),
            ("p + 1", p + 1, "malformed"),
            ("minus one", p - 1, "not-in-group"),
            ("a negated member", p - int(member.value), "not-in-group"),
            ("a small number", small, "not-in-group"),
        ):
            cases.add(f"{name}: {what}", "group.element", code, group=name, element=text(number))
        cases.add(f"{name}: a byte too many", "group.element", "malformed", group=name, element=text(1, size + 1))
        for what, number in (("0", 0), ("1", 1), ("q - 1", q - 1)):
            cases.add(f"{name}: scalar {what}", "group.scalar", group=name, scalar=text(number, 32))
        cases.add(f"{name}: scalar q", "group.scalar", "malformed", group=name, scalar=text(q, 32))
        cases.add(f"{name}: short scalar", "group.scalar", "malformed", group=name, scalar=text(1, 31))
        exponents = [0, 1, 2, 255, 256, q - 1, q // 2, 2**255, int.from_bytes(drawn(name + "e"), "big") % q]
        for exponent in exponents if group.is_toy else exponents[-1:]:
            for what, base in (("g", g), ("a member", member)):
                fields: Json = {"group": name, "base": text(int(base.value)), "exponent": text(exponent, 32)}
                cases.add(f"{name}: {what} to the {hex(exponent)[:12]}", "group.power", **fields)
    cases.add("unknown group", "group.fingerprint", "malformed", group="integer-2048")
    cases.add("group named like a property of all objects", "group.fingerprint", "malformed", group="constructor")
    return cases


def hashing() -> Cases:
    cases = Cases("Made by Urne; the tests of expand_message hold it to RFC 9380, appendix K.1.")
    for parts in ([], [""], ["", ""], ["00"], ["616263", "", "ff" * 300]):
        cases.add(f"frame {len(parts)} fields", "hash.frame", fields=parts)
    tag = b"QUUX-V01-CS02-with-expander-SHA256-128".hex()
    for length in (1, 32, 33, 48, 128):
        message = drawn("message", 3 * length).hex()
        cases.add(f"expand to {length}", "hash.expand", message=message, tag=tag, length=length)
    cases.add("RFC 9380, K.1, abc", "hash.expand", message=b"abc".hex(), tag=tag, length=32)
    for name in GROUPS:
        for many in (0, 1, 40):
            data = [drawn(f"field {index}", index * 7).hex() for index in range(many)]
            cases.add(f"challenge of {many} fields", "hash.challenge", group=name, purpose="ballot", fields=data)
    for length in (1, 32, 33, 96, 300):
        for secret, salt in ((32, 0), (10, 64), (100, 65)):
            fields: Json = {"secret": drawn("s", secret).hex(), "salt": drawn("t", salt).hex(), "info": "00ff"}
            cases.add(f"HKDF {length} bytes, salt of {salt}", "kdf.hkdf", length=length, **fields)
    cases.add("derive", "kdf.derive", secret="01" * 32, purpose="ballot", context=["02", ""], info="03", length=96)
    return cases


# -- encoding and codes ------------------------------------------------------------------------------------------------


def encoding() -> Cases:
    cases = Cases("Made by Urne.")
    good = {
        "empty object": "{}",
        "all kinds": '{"a":null,"b":[true,false,0,-1,9007199254740991],"c":{"d":""}}',
        "escapes": '{"a":"\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f/\u007f\u2028\u00e9\U0001f5f3"}',
        "keys in order": '{"A":1,"Z":2,"_":3,"a":4,"aa":5,"b":6}',
        "key of an object's parent": '{"__proto__":{"a":1}}',
        "keys that are numbers": '{"10":1,"2":2}',
        "not normalised text": '{"a":"e\u0301"}',
    }
    for name, text in good.items():
        cases.add(name, "canonical.read", data=text.encode().hex())
    bad = {
        "white space": '{"a": 1}',
        "line feed at the end": '{"a":1}\n',
        "keys out of order": '{"b":1,"a":2}',
        "key twice": '{"a":1,"a":1}',
        "fraction": '{"a":1.5}',
        "whole number with a point": '{"a":1.0}',
        "exponent": '{"a":1e3}',
        "minus zero": '{"a":-0}',
        "leading zero": '{"a":01}',
        "beyond 2^53 - 1": '{"a":9007199254740992}',
        "far beyond": '{"a":1e400}',
        "needless escape": '{"a":"\\u0041"}',
        "escaped slash": '{"a":"\\/"}',
        "capital digits in an escape": '{"a":"\\u001F"}',
        "half of a surrogate pair": '{"a":"\\ud800"}',
        "escaped surrogate pair": '{"a":"\\ud83d\\uddf3"}',
        "not finished": '{"a":1',
        "comma at the end": '{"a":1,}',
        "comment": '{"a":1/**/}',
        "NaN": '{"a":NaN}',
        "nothing": "",
        "byte order mark": '\ufeff{"a":1}',
        "never finished, 5000 deep": '{"a":' * 5000,
    }
    for name, text in bad.items():
        cases.add(name, "canonical.read", "malformed", data=text.encode().hex())
    cases.add("not UTF-8", "canonical.read", "malformed", data=b'{"a":"\xff"}'.hex())
    cases.add("overlong UTF-8", "canonical.read", "malformed", data=b'{"a":"\xc0\x80"}'.hex())
    cases.add("surrogate in UTF-8", "canonical.read", "malformed", data=b'{"a":"\xed\xa0\x80"}'.hex())
    for length in (0, 1, 2, 3, 4, 32, 64):
        data = drawn("base64", length)
        cases.add(f"base64url of {length} bytes", "base64url.read", text=to_base64(data), length=length)
        cases.add(f"base64 of {length} bytes", "base64.read", text=encode_base64(data), length=None)
    for text in ("AA==", "AB", "A", "AAB", "A-_+", "AA A", "AA\n", "AAA\u00e9", "\u0100\u0100", "====", "=", "AAAAA"):
        cases.add(f"base64url {text!a}", "base64url.read", "malformed", text=text, length=None)
    cases.add("base64url of another length", "base64url.read", "malformed", text="AAAA", length=2)
    for text in ("AA", "AA=", "AB==", "AAB=", "AA==AA==", "A-_A", "AA==\n", "A===", "====", "AAAA=", "AAAA===="):
        cases.add(f"base64 {text!a}", "base64.read", "malformed", text=text, length=None)
    cases.add("base64 of another length", "base64.read", "malformed", text="AAAA", length=2)
    for text in ("0", "7", "10", "9007199254740991"):
        cases.add(f"decimal {text}", "decimal.read", text=text)
    for text in ("", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "1\n", "9007199254740992", "9" * 30, "\u0661"):
        cases.add(f"decimal {text!a}", "decimal.read", "malformed", text=text)
    return cases


def codes() -> Cases:
    cases = Cases("Made by Urne; the first is the example of docs/spec/encoding.md, E9.")
    cases.add("example", "crockford.encode", data=bytes(range(15)).hex(), symbols=24)
    for length, symbols in ((10, 16), (15, 24), (18, 28), (4, 6), (1, 1)):
        for label in ("a", "b"):
            fields: Json = {"data": drawn(label, length).hex(), "symbols": symbols}
            cases.add(f"{symbols} symbols, {label}", "crockford.encode", **fields)
    for byte in ("00", "ff"):
        cases.add(f"all {byte}", "crockford.encode", data=byte * 15, symbols=24)
    code = generate_code(lambda length: drawn("code", length))
    bare = code.replace("-", "")
    typed = {
        "as printed": code,
        "small letters": code.lower(),
        "without dashes": bare,
        "with spaces around and inside": f"  {bare[:7]} {bare[7:]}\n",
        "with other hyphens": code.replace("-", "\u2011").replace("\u2011", "\u2010", 1),
        "with no-break spaces": code.replace("-", "\u00a0"),
        "with look-alikes": "".join({"0": "o", "1": "l"}.get(symbol, symbol) for symbol in code),
        "example with look-alikes": "oooG4-oR4OM-3OE2O-9I85G-R38EV",
    }
    for name, text in typed.items():
        cases.add(f"code {name}", "credential.parse", text=text)
    swapped = bare[:3] + bare[4] + bare[3] + bare[5:]
    wrong = "Z" if bare[9] != "Z" else "Y"
    for name, text in {
        "nothing": "",
        "a character too few": bare[:-1],
        "a character too many": bare + "0",
        "one wrong character": bare[:9] + wrong + bare[10:],
        "two swapped characters": swapped,
        "wrong check character": bare[:-1] + ("0" if bare[-1] != "0" else "1"),
        "letter U": "U" + bare[1:],
        "punctuation": code.replace("-", "."),
        "full-width digit": "\uff10" + bare[1:],
        "sharp s": "\u00df" + bare[1:],
    }.items():
        cases.add(f"code with {name}", "credential.parse", "malformed", text=text)
    for manifest in (sha256(b"one"), sha256(b"two"), "ab" * 32):
        given: Json = {"manifest": manifest, "message": drawn("message", 50).hex()}
        cases.add(f"credential for {manifest[:4]}", "credential.derive", code=code.lower(), **given)
    cases.add(
        "credential of docs/spec/credentials.md",
        "credential.derive",
        code="000G4-0R40M-30E20-9185G-R38EV",
        manifest="ab" * 32,
        message="",
    )
    cases.add(
        "credential of a wrong code", "credential.derive", "malformed", code=swapped, manifest="ab" * 32, message=""
    )
    cases.add(
        "credential of a short code", "credential.derive", "malformed", code=bare[:9], manifest="ab" * 32, message=""
    )
    for data in (b"", b"ballot", b"another"):
        made = cases.add(f"tracker of {data!r}", "tracker.of", hash=sha256(data))
        cases.add(f"tracker of {data!r}, typed", "tracker.parse", text=f" {made['tracker'].lower()} ")
    cases.add("tracker with a typing error", "tracker.parse", "malformed", text="WERC-8GMR-ZGE1-96QV-V")
    cases.add("lock number for a tracker", "tracker.parse", "malformed", text="WERC8G")
    return cases


FILES = {
    "groups.json": groups,
    "hashing.json": hashing,
    "encoding.json": encoding,
    "codes.json": codes,
    "entries.json": entries,
    "log.json": log,
    "ballots.json": ballots,
}


def main() -> None:
    """Write all files."""
    for name, make in FILES.items():
        (FOLDER / name).write_text(make().text(), encoding="utf-8")


if __name__ == "__main__":
    main()
