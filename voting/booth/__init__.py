"""The pages of voters and observers, and the booth that encrypts in the voter's browser."""
