"""Pure mathematics: groups, proofs, encryption, signatures. Knows nothing of elections, files or the network."""
