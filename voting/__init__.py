"""Urne: end-to-end verifiable elections. The layers are described in docs/architecture.md."""

__version__ = "0.1.0"
