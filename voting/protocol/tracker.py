"""Protocol B: what voters see of a ballot's hash (docs/spec/ballots.md)."""

from __future__ import annotations

from voting.protocol.crockford import add_check, encode_bits, group, read
from voting.protocol.encoding import Hash

TRACKER_SYMBOLS = 16
LOCK_SYMBOLS = 6


def tracker(ballot_hash: Hash) -> str:
    """Protocol B6: the first 80 bits of the ballot hash in Crockford base32, a check character, groups of four."""
    return group(add_check(encode_bits(bytes.fromhex(ballot_hash), TRACKER_SYMBOLS)), 4)


def lock_number(ballot_hash: Hash) -> str:
    """Protocol B7: the first 6 characters of the tracker (30 bits), shown before the voter chooses *Cast* or *Test*."""
    return encode_bits(bytes.fromhex(ballot_hash), LOCK_SYMBOLS)


def parse_tracker(text: str) -> str:
    """A typed tracker in its one printed form. Raises DecodeError for a typing error."""
    return group(read(text, TRACKER_SYMBOLS, what="tracker"), 4)
