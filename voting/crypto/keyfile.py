"""Protocol F: key files: one 32-byte seed as text, under a passphrase or, for unattended servers, in the clear.

A file is UTF-8 text with one line per field and in one canonical form only (docs/spec/key-file.md):

    urne key file v1                              urne key file v1
    kind: trustee                                 kind: board
    label: Anna                                   label: the server of the election office
    protection: scrypt n=131072 r=8 p=1           protection: none
    salt: <16 bytes, base64url>                   seed: <32 bytes, base64url>
    nonce: <12 bytes, base64url>                  sha256: <64 hexadecimal digits>
    sealed: <48 bytes, base64url>
    sha256: <64 hexadecimal digits>

`sealed` is the seed under AES-256-GCM; its key is scrypt (RFC 7914) of the passphrase and the salt; all lines before it
are authenticated. `sha256` covers all lines before it: it tells damage from a wrong passphrase, and guards no secret.

Pure functions: callers read and write files, keep them at mode 0600, and ask for passphrases.
Imports nothing of Urne but `voting.crypto.errors`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from Crypto.Cipher import AES
from Crypto.Protocol.KDF import scrypt

from voting.crypto.errors import KeyFileError

SEED_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16

DEFAULT_WORK_FACTOR = 2**17
"""scrypt's N: at r = 8 it costs 128 MiB and about half a second."""
MAX_WORK_FACTOR = 2**22
"""A file that asks for more (4 GiB) is refused: it could otherwise stop the machine that tries to open it."""

MAX_FILE_BYTES = 4096
MAX_LABEL_LENGTH = 200

_MAGIC = "urne key file v1"
_BLOCK_SIZE = 8
_PARALLEL = 1
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_LAYOUT = re.compile(
    r"urne key file v1\n"
    r"kind: (?P<kind>[^\n]*)\n"
    r"label: (?P<label>[^\n]*)\n"
    r"protection: (?:scrypt n=(?P<work>[1-9][0-9]{0,9}) r=8 p=1\n"
    r"salt: (?P<salt>[A-Za-z0-9_-]{22})\n"
    r"nonce: (?P<nonce>[A-Za-z0-9_-]{16})\n"
    r"sealed: (?P<sealed>[A-Za-z0-9_-]{64})"
    r"|none\n"
    r"seed: (?P<seed>[A-Za-z0-9_-]{43}))\n"
    r"sha256: (?P<checksum>[0-9a-f]{64})\n\Z"
)
_DAMAGED = "use another copy of the file, exactly as it was written"


class KeyFileHeader(NamedTuple):
    """What a key file tells without its passphrase."""

    kind: str
    """What the key is for, e.g. "trustee"."""
    label: str
    """Whose key it is, in words."""
    is_protected: bool
    """False: the seed stands in the file in the clear."""


class _Scrypt(NamedTuple):
    work_factor: int
    salt: bytes
    nonce: bytes


class _Parsed(NamedTuple):
    header: KeyFileHeader
    scrypt: _Scrypt | None
    payload: bytes
    """The sealed seed, or the seed itself if the file is not protected: hence no text form of this class."""

    def __repr__(self) -> str:
        return f"_Parsed({self.header!r})"


def write_key_file(
    seed: bytes,
    *,
    kind: str,
    label: str,
    passphrase: str,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    work_factor: int = DEFAULT_WORK_FACTOR,
) -> bytes:
    """Protocol F1: the text of a key file under a passphrase.

    Args:
        seed: 32 secret bytes.
        kind: what the key is for: lower-case letters, digits and hyphens, 1 to 32 of them.
        label: whose key it is: 1 to 200 printable characters; anyone who has the file can read it.
        passphrase: its NFC form in UTF-8 is what counts.
        random_bytes: gives that many random bytes, for salt and nonce.
        work_factor: scrypt's N, a power of two up to 2^22. Lower it in tests only.

    Raises:
        KeyFileError: if an argument is out of its range.
    """
    header = KeyFileHeader(kind, unicodedata.normalize("NFC", label), True)
    _require_header(header)
    _require_seed(seed)
    _require_work_factor(work_factor)
    parameters = _Scrypt(work_factor, random_bytes(SALT_BYTES), random_bytes(NONCE_BYTES))
    cipher = AES.new(_stretch(passphrase, parameters), AES.MODE_GCM, nonce=parameters.nonce, mac_len=TAG_BYTES)
    cipher.update(_header_text(header, parameters).encode())
    ciphertext, tag = cipher.encrypt_and_digest(bytes(seed))
    return _render(_Parsed(header, parameters, ciphertext + tag))


def write_plain_key_file(seed: bytes, *, kind: str, label: str) -> bytes:
    """Protocol F2: the text of a key file without protection. Whoever reads it has the key: keep it at mode 0600.

    Args:
        seed, kind, label: as for `write_key_file`.

    Raises:
        KeyFileError: if an argument is out of its range.
    """
    header = KeyFileHeader(kind, unicodedata.normalize("NFC", label), False)
    _require_header(header)
    _require_seed(seed)
    return _render(_Parsed(header, None, bytes(seed)))


def read_key_file_header(data: bytes) -> KeyFileHeader:
    """Protocol F3: what a key file is for and whose it is; needs no passphrase, so a forger could have changed it.

    Raises:
        KeyFileError: if the file is not a key file in its canonical form.
    """
    return _parse(data).header


def open_key_file(data: bytes, *, passphrase: str | None, kind: str) -> bytes:
    """Protocol F4: the seed in a key file.

    Args:
        data: the bytes of the file.
        passphrase: None for a file without protection. With a passphrase such a file is refused, so that nobody can
            put a key of their own in the place of a protected one.
        kind: what the key must be for.

    Returns:
        32 secret bytes.

    Raises:
        KeyFileError: if the file is damaged, of another kind or otherwise protected, or the passphrase is wrong.
    """
    parsed = _parse(data)
    if parsed.header.kind != kind:
        raise KeyFileError(f"is a key of kind {parsed.header.kind!r}, not {kind!r}", remedy="name the right file")
    if parsed.scrypt is None:
        if passphrase is not None:
            raise KeyFileError(
                "has no passphrase, though one was given", remedy="make sure that this is the file you meant"
            )
        return parsed.payload
    if passphrase is None:
        raise KeyFileError("is protected by a passphrase, and none was given", remedy="give its passphrase")
    cipher = AES.new(_stretch(passphrase, parsed.scrypt), AES.MODE_GCM, nonce=parsed.scrypt.nonce, mac_len=TAG_BYTES)
    cipher.update(_header_text(parsed.header, parsed.scrypt).encode())
    try:
        return cipher.decrypt_and_verify(parsed.payload[:SEED_BYTES], parsed.payload[SEED_BYTES:])
    except ValueError:
        raise KeyFileError("does not open with this passphrase", remedy="type the passphrase again") from None


def _parse(data: bytes) -> _Parsed:
    if len(data) > MAX_FILE_BYTES:
        raise KeyFileError(f"is longer than {MAX_FILE_BYTES} bytes: it is no key file", remedy="name the right file")
    try:
        text = bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        raise KeyFileError("is not UTF-8 text: it is no key file, or a damaged one", remedy=_DAMAGED) from None
    if not text.startswith(_MAGIC + "\n"):
        raise KeyFileError(f"does not begin with the line {_MAGIC!r}", remedy="name a key file that Urne wrote")
    match = _LAYOUT.match(text)
    if match is None:
        raise KeyFileError("does not have the lines of a key file", remedy=_DAMAGED)
    if match["checksum"] != hashlib.sha256(text[: match.start("checksum") - len("sha256: ")].encode()).hexdigest():
        raise KeyFileError("is damaged: its checksum does not fit", remedy=_DAMAGED)
    header = KeyFileHeader(match["kind"], match["label"], match["seed"] is None)
    _require_header(header)
    if header.is_protected:
        work_factor = int(match["work"])
        _require_work_factor(work_factor)
        parameters = _Scrypt(work_factor, _from_base64(match["salt"]), _from_base64(match["nonce"]))
        parsed = _Parsed(header, parameters, _from_base64(match["sealed"]))
    else:
        parsed = _Parsed(header, None, _from_base64(match["seed"]))
    if _render(parsed) != data:
        raise KeyFileError("is not in the one form in which Urne writes it", remedy=_DAMAGED)
    return parsed


def _render(parsed: _Parsed) -> bytes:
    name = "seed" if parsed.scrypt is None else "sealed"
    covered = f"{_header_text(parsed.header, parsed.scrypt)}{name}: {_to_base64(parsed.payload)}\n".encode()
    return covered + f"sha256: {hashlib.sha256(covered).hexdigest()}\n".encode()


def _header_text(header: KeyFileHeader, parameters: _Scrypt | None) -> str:
    common = f"{_MAGIC}\nkind: {header.kind}\nlabel: {header.label}\nprotection: "
    if parameters is None:
        return f"{common}none\n"
    return (
        f"{common}scrypt n={parameters.work_factor} r={_BLOCK_SIZE} p={_PARALLEL}\n"
        f"salt: {_to_base64(parameters.salt)}\nnonce: {_to_base64(parameters.nonce)}\n"
    )


def _require_header(header: KeyFileHeader) -> None:
    if not _KIND.match(header.kind):
        raise KeyFileError("has a kind that is not 1 to 32 lower-case letters, digits and hyphens", remedy=_DAMAGED)
    label = header.label
    if not (1 <= len(label) <= MAX_LABEL_LENGTH and label.isprintable() and label == label.strip()):
        raise KeyFileError(
            f"has a label that is not 1 to {MAX_LABEL_LENGTH} printable characters without space at its ends",
            remedy="choose another label",
        )
    if not unicodedata.is_normalized("NFC", label):
        raise KeyFileError("has a label that is not in Unicode form NFC", remedy=_DAMAGED)


def _require_seed(seed: bytes) -> None:
    if len(seed) != SEED_BYTES:
        raise KeyFileError(f"cannot hold a seed of {len(seed)} bytes", remedy=f"a seed has {SEED_BYTES} bytes")


def _require_work_factor(work_factor: int) -> None:
    if not 2 <= work_factor <= MAX_WORK_FACTOR or work_factor & (work_factor - 1):
        raise KeyFileError(
            f"asks for a work factor that is not a power of two from 2 to {MAX_WORK_FACTOR}",
            remedy=f"Urne writes {DEFAULT_WORK_FACTOR}: make sure that the file is yours",
        )


def _stretch(passphrase: str, parameters: _Scrypt) -> bytes:
    if not passphrase:
        raise KeyFileError("cannot have an empty passphrase", remedy="give a passphrase")
    try:
        secret = unicodedata.normalize("NFC", passphrase).encode("utf-8")
    except UnicodeEncodeError:
        raise KeyFileError("cannot have a passphrase that is no Unicode text", remedy="type it again") from None
    try:
        return scrypt(
            secret, parameters.salt, key_len=32, N=parameters.work_factor, r=_BLOCK_SIZE, p=_PARALLEL, num_keys=1
        )
    except (MemoryError, ValueError):
        raise KeyFileError(
            f"needs {128 * _BLOCK_SIZE * parameters.work_factor // 2**20} MiB of memory to open, which are not free",
            remedy="close other programs, or use a machine with more memory",
        ) from None


def _to_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_base64(text: str) -> bytes:
    """Read what the layout has already limited to the alphabet; stray bits at the end show when it is written again."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
