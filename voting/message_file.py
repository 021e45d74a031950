"""Protocol N: an entry's body on its way to a board by file, e.g. from a trustee's offline machine.

The file is canonical JSON: {"body": <the body's JSON text, as a string>, "type": <entry type>}. It must not import any
command.
"""

from __future__ import annotations

import msgspec

from voting.protocol.encoding import MAX_MESSAGE_BYTES, decode, encode

MAX_MESSAGE_FILE_BYTES = 3 * MAX_MESSAGE_BYTES
"""A body of the longest allowed length fits, even with every quotation mark escaped."""


class MessageFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry that waits to be appended."""

    body: str
    type: str


def write_message_file(entry_type: str, body: bytes) -> bytes:
    """Protocol N6: the bytes of a message file.

    Args:
        entry_type: e.g. "trustee.joined".
        body: canonical JSON, signed by its author.
    """
    return encode(MessageFile(body=body.decode("utf-8"), type=entry_type))


def read_message_file(data: bytes, *, what: str) -> tuple[str, bytes]:
    """Protocol N7: entry type and body of a message file; neither is checked further.

    Raises:
        DecodeError: if the file is not exactly what `write_message_file` writes.
    """
    message = decode(data, MessageFile, what=what, limit=MAX_MESSAGE_FILE_BYTES)
    return message.type, message.body.encode("utf-8")
