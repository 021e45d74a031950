"""The bulletin board: an append-only, signed log on SQLite (docs/spec/log.md). It knows nothing of elections.

Of `voting` it imports only `protocol.tlog`, `protocol.encoding`, `protocol.errors`, `crypto.signatures` and
`crypto.keyfile`; its web client also `address`, `web_client` and `web_log`, which know no elections either.
"""
