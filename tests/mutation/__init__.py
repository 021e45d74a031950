"""Mutation testing: do the tests notice when the proofs, the tally or the verifier are wrong? (docs/mutation.md)

make mutants ARGS=voting.crypto.schnorr      one module, or several; without ARGS all of the table
"""
