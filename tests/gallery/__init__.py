"""The gallery of attacks: falsified records and good ones, with the verdict that every verifier must give.

    python -m tests.gallery make     writes tests/fixtures/broken and tests/fixtures/good anew: always the same bytes
    python -m tests.gallery table    writes the table of docs/attacks.md anew
    python -m tests.gallery run      puts every case to all verifiers (--times 20, --optimised)

`case` says what a case is, `making` what the makers share; the makers are listed there, one or two modules for each
dishonest person. `known` are forgeries that the tests of the verifier make as well; `sound` and `troubles` are the good
records. `attacks.toml` and `catalogue` list the attacks, `running` asks the verifiers.
"""
