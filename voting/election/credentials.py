"""Protocol K: voters' credentials (docs/spec/credentials.md).

A credential code is 24 Crockford base32 symbols (120 random bits) and a check character, printed in groups of five.
The code and the manifest hash give the Ed25519 key. Codes are secrets: no function here puts one into an error.
"""

from __future__ import annotations

from collections.abc import Callable

from voting.crypto.kdf import hkdf_expand, hkdf_extract
from voting.crypto.signatures import SigningKey
from voting.protocol.crockford import add_check, encode_bits, group, read
from voting.protocol.encoding import Hash

CODE_SYMBOLS = 24
_INFO = b"urne-v1-credential"


def generate_code(random_bytes: Callable[[int], bytes]) -> str:
    """Protocol K1: a new credential code from 120 random bits, e.g. `7H2QK-...-....` in five groups of five."""
    return group(add_check(encode_bits(random_bytes(15), CODE_SYMBOLS)), 5)


def parse_code(text: str) -> str:
    """Protocol K2: a typed code in its one printed form. Raises DecodeError (without the code) for a typing error."""
    return group(read(text, CODE_SYMBOLS, what="voter code"), 5)


def derive_credential(code: str, manifest: Hash) -> SigningKey:
    """Protocol K3: Ed25519 seed = HKDF-SHA256(code, salt = manifest hash, info = "urne-v1-credential").

    Args:
        code: as printed, or as typed by the voter; hashed as 25 capitals without dashes.
        manifest: hash of the election's manifest.

    Raises:
        DecodeError: if the code has a typing error.
    """
    symbols = read(code, CODE_SYMBOLS, what="voter code")
    key = hkdf_extract(bytes.fromhex(manifest), symbols.encode("ascii"))
    return SigningKey.from_seed(hkdf_expand(key, _INFO, 32))
