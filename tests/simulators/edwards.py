"""A slow, independent Ed25519 in plain integers: it makes the odd signatures that `tests/vectors/ed25519.json` holds.

Affine coordinates and no library, so that a fault in the library cannot hide in the test. Not constant-time.
`python -m tests.simulators.edwards` prints the negative cases, for whoever changes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(left: Point, right: Point) -> Point:
    (x1, y1), (x2, y2) = left, right
    cross = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + cross, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - cross, -1, P) % P
    return x, y


def negate(point: Point) -> Point:
    return -point[0] % P, point[1]


def multiply(scalar: int, point: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def square_root(value: int) -> int | None:
    value %= P
    root = pow(value, (P + 3) // 8, P)
    for candidate in (root, root * ROOT_OF_MINUS_ONE % P):
        if candidate * candidate % P == value:
            return candidate
    return None


def lift(y: int, sign: int = 0) -> Point | None:
    """The point with this y, and with x of this parity (x = 0 has only one)."""
    x = square_root((y * y - 1) * pow(D * y * y + 1, -1, P))
    if x is None:
        return None
    return (x if x & 1 == sign or x == 0 else P - x), y % P


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def _base() -> Point:
    point = lift(4 * pow(5, -1, P))
    assert point is not None
    return point


BASE = _base()


def torsion() -> list[Point]:
    """The eight points whose order divides 8: all multiples of one of order 8."""
    y = 2
    while True:
        point = lift(y)
        if point is not None:
            small = multiply(L, point)
            if multiply(4, small) != IDENTITY:
                return [multiply(count, small) for count in range(8)]
        y += 1


def challenge(commitment: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(commitment + key + message).digest(), "little") % L


def is_valid(key: Point, message: bytes, signature: bytes, *, cofactor: int, encoded_key: bytes | None = None) -> bool:
    """The equation of verification, multiplied by `cofactor`; R must be in canonical form."""
    commitment, response = signature[:32], int.from_bytes(signature[32:], "little")
    k = challenge(commitment, encoded_key or encode(key), message)
    number = int.from_bytes(commitment, "little")
    point = lift(number & (2**255 - 1), number >> 255)
    if point is None:
        return False
    difference = add(multiply(response, BASE), negate(add(point, multiply(k, key))))
    return multiply(cofactor, difference) == IDENTITY


SECRET = int.from_bytes(hashlib.sha256(b"urne test vector: secret scalar").digest(), "little") % L
NONCE = int.from_bytes(hashlib.sha256(b"urne test vector: nonce").digest(), "little") % L
KEY = multiply(SECRET, BASE)
SMALL = torsion()


def _sign(key: Point, message: bytes, commitment: bytes, nonce: int, *, extra: int = 0) -> bytes:
    k = challenge(commitment, encode(key), message)
    return commitment + ((nonce + k * SECRET) % L + extra).to_bytes(32, "little")


def _case(name: str, expect: str, key: bytes, message: bytes, signature: bytes) -> dict[str, str]:
    return {
        "name": name,
        "expect": expect,
        "key": key.hex(),
        "message": message.hex(),
        "signature": signature.hex(),
    }


def _bad_keys() -> Iterator[dict[str, str]]:
    message = b"a key that proves nothing"
    for order, point in enumerate(SMALL):
        # With k*A = identity (as often as the order allows), R = S*B holds for anyone.
        signature = encode(multiply(NONCE, BASE)) + NONCE.to_bytes(32, "little")
        yield _case(f"key of small order, multiple {order}", "malformed", encode(point), message, signature)
    anything = encode(IDENTITY) + bytes(32)
    for name, number in (
        ("key: identity with sign bit", 1 | 1 << 255),
        ("key: identity, y written as p + 1", P + 1),
        ("key: order 2 with sign bit", (P - 1) | 1 << 255),
        ("key: order 4, y written as p", P),
        ("key: order 4, y written as p, with sign bit", P | 1 << 255),
    ):
        yield _case(name, "malformed", number.to_bytes(32, "little"), message, anything)
    low = next(y for y in range(2, 19) if lift(y) is not None)
    yield _case(
        "key of large order whose y is not reduced", "malformed", (P + low).to_bytes(32, "little"), message, anything
    )
    off = next(y for y in range(2, 100) if lift(y) is None)
    yield _case("key that is no point of the curve", "malformed", off.to_bytes(32, "little"), message, anything)
    yield _case("key of 31 bytes", "malformed", encode(KEY)[:31], message, anything)
    yield _case("key of 33 bytes", "malformed", encode(KEY) + b"\x00", message, anything)


def _bad_signatures() -> Iterator[dict[str, str]]:
    message = b"a signature that libraries disagree on"
    key = encode(KEY)
    commitment = encode(multiply(NONCE, BASE))
    good = _sign(KEY, message, commitment, NONCE)
    yield _case("plain signature", "ok", key, message, good)
    yield _case("another message", "signature", key, message + b"!", good)
    yield _case("another key", "signature", encode(multiply(SECRET + 1, BASE)), message, good)
    yield _case("S + L", "signature", key, message, _sign(KEY, message, commitment, NONCE, extra=L))
    yield _case("S + 8 L", "signature", key, message, _sign(KEY, message, commitment, NONCE, extra=8 * L))
    yield _case("signature of 63 bytes", "signature", key, message, good[:63])
    yield _case("signature of 65 bytes", "signature", key, message, good + b"\x00")
    yield _case("empty signature", "signature", key, message, b"")
    identity = encode(IDENTITY)
    yield _case("R is the identity", "ok", key, message, _sign(KEY, message, identity, 0))
    for name, number in (
        ("R is the identity, y written as p + 1", P + 1),
        ("R is the identity with sign bit", 1 | 1 << 255),
    ):
        yield _case(name, "signature", key, message, _sign(KEY, message, number.to_bytes(32, "little"), 0))


def _mixed_orders() -> Iterator[dict[str, str]]:
    """Here verification with the cofactor 8 accepts all; without it, only where the small parts cancel."""
    mixed = add(KEY, SMALL[1])
    wanted = {"A of mixed order, small part stays": False, "A of mixed order, small part vanishes": True}
    for name, vanishes in wanted.items():
        count = 0
        while True:
            message = f"{name}, try {count}".encode()
            commitment = encode(multiply(NONCE, BASE))
            if (challenge(commitment, encode(mixed), message) % 8 == 0) == vanishes:
                break
            count += 1
        expect = "ok" if vanishes else "signature"
        yield _case(name, expect, encode(mixed), message, _sign(mixed, message, commitment, NONCE))
    message = b"R of mixed order"
    commitment = encode(add(multiply(NONCE, BASE), SMALL[1]))
    yield _case("R of mixed order", "signature", encode(KEY), message, _sign(KEY, message, commitment, NONCE))
    count = 0
    while True:
        message = f"A and R of mixed order, small parts cancel, try {count}".encode()
        if challenge(commitment, encode(mixed), message) % 8 == 7:
            break
        count += 1
    yield _case(
        "A and R of mixed order, small parts cancel",
        "ok",
        encode(mixed),
        message,
        _sign(mixed, message, commitment, NONCE),
    )


def odd_cases() -> list[dict[str, str]]:
    """All cases that Urne made itself, in the order of the file."""
    return [*_bad_keys(), *_bad_signatures(), *_mixed_orders()]


if __name__ == "__main__":
    print(json.dumps(odd_cases(), indent=1))
