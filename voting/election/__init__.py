"""Pure transitions of an election: ballots, ceremony, tally, decryption, phases, the record. No files, no clock."""
