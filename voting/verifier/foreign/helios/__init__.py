"""Helios records: what its server's API gives out. `verify` is the one entry (docs/foreign-records.md)."""

from voting.verifier.foreign.helios.verify import verify

__all__ = ["verify"]
