"""Fuzzing of every decoder: `python -m tests.fuzz` or `make fuzz` (docs/fuzzing.md)."""
