"""The language everybody speaks: manifest, voting methods, messages, entries, encoding, Merkle log. Each type once."""
