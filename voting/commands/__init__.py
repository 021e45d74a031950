"""The commands of `urne`, one group of them per module; `voting.cli` puts them together."""
