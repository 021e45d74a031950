"""Small faults to put into a module: each mutant differs from the source in one place.

What a mutant is: a comparison turned or moved by one, an operand dropped, a number one larger, a text one character
longer, a condition always or never true, a `raise` or a call left out, nothing returned, an input left out of a hash.
Texts of errors are left alone, and so are docstrings and annotations.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.FloorDiv: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_DROPPED = (ast.Mult, ast.Mod, ast.Pow)
"""Operations that leave their left operand."""
_SWAPPED = {"any": "all", "all": "any", "min": "max", "max": "min"}
_PLAIN = ("sorted", "reversed")
"""Functions that leave their argument."""
_VARIADIC = ("challenge", "derive", "frame")
"""Every input of these counts: each is left out in turn."""
_TEXTS = ("Finding", "nothing_yet", "not_run", "getLogger")

Replace = Callable[[], ast.AST]


class Mutant(NamedTuple):
    """One fault, by its number among those of its module."""

    number: int
    line: int
    what: str


def mutants_of(source: str) -> list[Mutant]:
    """All mutants of a module, in the order of their lines."""
    return [
        Mutant(number, line, what) for number, (line, what, _path, _make) in enumerate(_in_order(ast.parse(source)))
    ]


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The module with the fault in it."""
    tree = ast.parse(source)
    _line, _what, path, make = _in_order(tree)[mutant.number]
    return ast.fix_missing_locations(_replaced(tree, path, make()))


_Path = tuple[tuple[str, int | None], ...]
_Place = tuple[int, str, _Path, Replace]


def _in_order(tree: ast.Module) -> list[_Place]:
    return sorted(_visit(tree, ()), key=lambda place: place[:2])


def _visit(node: ast.AST, path: _Path) -> Iterator[_Place]:
    if isinstance(node, ast.expr | ast.stmt | ast.comprehension):
        line = node.target.lineno if isinstance(node, ast.comprehension) else node.lineno
        for what, make in _faults(node):
            yield line, what, path, make
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params", "decorator_list"):
            continue
        if isinstance(value, ast.AST):
            yield from _visit_child(node, value, (*path, (name, None)))
        elif isinstance(value, list):
            for position, child in enumerate(value):
                if isinstance(child, ast.AST):
                    yield from _visit_child(node, child, (*path, (name, position)))


def _visit_child(parent: ast.AST, child: ast.AST, path: _Path) -> Iterator[_Place]:
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return  # a docstring
    if isinstance(child, ast.Import | ast.ImportFrom):
        return
    if isinstance(child, ast.Raise):
        yield child.lineno, "raise left out", path, ast.Pass
        return
    if isinstance(child, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "reason" for t in child.targets):
        return
    if isinstance(child, ast.Call) and _name(child).endswith(("Error", *_TEXTS)):
        return
    if isinstance(child, ast.keyword) and child.arg in ("subject", "what", "where", "reason", "title"):
        return
    yield from _visit(child, path)


def _faults(node: ast.AST) -> Iterator[tuple[str, Replace]]:
    match node:
        case ast.Compare():
            for position, operator in enumerate(node.ops):
                if type(operator) in _COMPARISONS:
                    other = _COMPARISONS[type(operator)]
                    yield f"{type(operator).__name__} -> {other.__name__}", _with(node, "ops", position, other())
        case ast.BinOp(op=operator) if type(operator) in _OPERATIONS:
            other_operation = _OPERATIONS[type(operator)]
            yield f"{type(operator).__name__} -> {other_operation.__name__}", _with(node, "op", None, other_operation())
        case ast.BinOp(op=operator) if isinstance(operator, _DROPPED):
            yield f"{type(operator).__name__}: right operand left out", lambda: node.left
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield f"{type(node.op).__name__} left out", lambda: node.operand
        case ast.BoolOp():
            flipped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield f"{type(node.op).__name__} -> {type(flipped).__name__}", _with(node, "op", None, flipped)
        case ast.Constant(value=bool() as truth):
            yield f"{truth} -> {not truth}", lambda: ast.Constant(not truth)
        case ast.Constant(value=int() as number):
            yield f"{number} -> {number + 1}", lambda: ast.Constant(number + 1)
        case ast.Constant(value=str() as text) if text:
            yield f"{text!r} longer", lambda: ast.Constant(text + "X")
        case ast.Constant(value=bytes() as data):
            yield f"{data!r} longer", lambda: ast.Constant(data + b"X")
        case ast.If() | ast.IfExp():
            yield "condition always true", _with(node, "test", None, ast.Constant(True))
            yield "condition never true", _with(node, "test", None, ast.Constant(False))
        case ast.Return(value=ast.expr()):
            yield "returns nothing", lambda: ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield "call left out", ast.Pass
        case ast.comprehension(ifs=[_, *_]):
            yield "filter left out", _with(node, "ifs", None, [])
        case ast.Call():
            yield from _call_faults(node)


def _call_faults(node: ast.Call) -> Iterator[tuple[str, Replace]]:
    name = _name(node)
    if name in _SWAPPED:
        yield f"{name} -> {_SWAPPED[name]}", _with(node, "func", None, ast.Name(_SWAPPED[name], ast.Load()))
    if name in _PLAIN and node.args:
        yield f"{name} left out", lambda: node.args[0]
    if name in _VARIADIC:
        for position in range(len(node.args)):
            rest = [argument for place, argument in enumerate(node.args) if place != position]
            yield f"{name}: input {position + 1} left out", _with(node, "args", None, rest)


def _name(call: ast.Call) -> str:
    function = call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def _with(node: ast.AST, field: str, position: int | None, value: object) -> Replace:
    """A copy of the node with another value in one field."""

    def make() -> ast.AST:
        other = copy.copy(node)
        if position is None:
            setattr(other, field, value)
        else:
            items = list(getattr(other, field))
            items[position] = value
            setattr(other, field, items)
        return other

    return make


def _replaced(tree: ast.Module, path: _Path, value: ast.AST) -> ast.Module:
    parent: ast.AST = tree
    for name, position in path[:-1]:
        found = getattr(parent, name)
        parent = found if position is None else found[position]
    name, position = path[-1]
    if position is None:
        setattr(parent, name, value)
    else:
        getattr(parent, name)[position] = value
    return tree
