"""Belenios records: archives (.bel) of crypto version 1. `verify` is the one entry (docs/foreign-records.md)."""

from voting.verifier.foreign.belenios.verify import verify

__all__ = ["verify"]
