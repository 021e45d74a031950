"""The runner of mutants makes faults that differ, can be run, and leave the texts of errors alone."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.mutation.__main__ import ROOT, source_of
from tests.mutation.mutants import mutants_of, mutated
from tests.mutation.table import CHECKS, TESTS

SAMPLE = '''
"""A docstring."""

def verify(group, a: int, b: int, *context: bytes) -> bool:
    """Another."""
    total = sorted(x for x in context if x)
    if a < b and not total:
        raise ProofError("a text", where="there")
    log(a)
    return challenge(group, "purpose", *total) == (a * b) % 7
'''


def test_every_kind_of_fault_is_made() -> None:
    assert [(mutant.line, mutant.what) for mutant in mutants_of(SAMPLE)] == [
        (6, "filter left out"),
        (6, "sorted left out"),
        (7, "And -> Or"),
        (7, "Lt -> LtE"),
        (7, "Not left out"),
        (7, "condition always true"),
        (7, "condition never true"),
        (8, "raise left out"),
        (9, "call left out"),
        (10, "'purpose' longer"),
        (10, "7 -> 8"),
        (10, "Eq -> NotEq"),
        (10, "Mod: right operand left out"),
        (10, "Mult: right operand left out"),
        (10, "challenge: input 1 left out"),
        (10, "challenge: input 2 left out"),
        (10, "challenge: input 3 left out"),
        (10, "returns nothing"),
    ]


@pytest.mark.parametrize("module", ["voting.crypto.membership", "voting.crypto.sharing", CHECKS[2]])
def test_mutants_differ_from_the_source_and_from_each_other(module: str) -> None:
    source = source_of(module).read_text(encoding="utf-8")
    trees = [mutated(source, mutant) for mutant in mutants_of(source)]
    written = [ast.unparse(tree) for tree in trees]
    assert ast.unparse(ast.parse(source)) not in written
    for tree in trees:
        compile(tree, module, "exec")


@pytest.mark.parametrize("module", TESTS)
def test_every_module_of_the_table_has_mutants_and_tests(module: str) -> None:
    assert len(mutants_of(source_of(module).read_text(encoding="utf-8"))) > 2
    for test in TESTS[module]:
        assert (ROOT / test.partition("::")[0]).is_file(), test


PROGRAM = """
import ast
from tests.mutation.__main__ import prepare, run_tests, source_of
prepare()
module, tests = "voting.crypto.schnorr", ("tests/properties/test_nonces.py",)
source = source_of(module).read_text(encoding="utf-8")
changed = source.replace("random_bytes(32)", "random_bytes(31)")
print(run_tests(module, ast.parse(source), 300, tests=tests))
print(run_tests(module, ast.parse(changed), 300, tests=tests))
print(run_tests(module, ast.parse("while True: pass"), 1.0, tests=tests))
"""


def test_a_fault_is_noticed_and_none_is_not() -> None:
    """In a process of its own, which has not imported what is to be changed."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "1", "None"], done.stderr
