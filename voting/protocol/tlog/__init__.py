"""The transparency log: entry headers, the Merkle tree over them, checkpoints and receipts (docs/spec/log.md).

Everything here is pure. These modules may import only `voting.crypto.signatures`, `voting.protocol.encoding` and
`voting.protocol.errors`, so that the board can use them and still know nothing of elections.
"""
