"""Protocol L8: who decides what may be appended (docs/spec/log.md, "Admission").

The board knows nothing of elections. Before it writes an entry it asks an `Admission`: the election's rules live there.
"""

from __future__ import annotations

from typing import Protocol

from voting.protocol.tlog.header import EntryHeader


class Admission(Protocol):
    """The rules of a board. It sees every entry in order and may keep state from one to the next."""

    def admit(self, header: EntryHeader, header_bytes: bytes, body: bytes, attachment: bytes | None) -> None:
        """Accept the next entry, or refuse it.

        Args:
            header: where the entry would stand and what it would be.
            header_bytes: the leaf.
            body: canonical JSON, 1 byte to 4 MiB.
            attachment: side data that nothing authenticates, or None.

        Raises:
            UrneError: to refuse. The state must then be what it was before. An entry that was accepted is written, or
                the board stops for good; any other exception stops it too.
        """


class AcceptAll:
    """No rules: every well-formed entry is accepted."""

    def admit(self, header: EntryHeader, header_bytes: bytes, body: bytes, attachment: bytes | None) -> None:
        """Accept."""
