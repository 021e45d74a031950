"""Puts a fault into a module that is imported already: the code of its functions is exchanged, all else stays.

To import Urne and its tests takes a second, a mutant often dies in a tenth of one. So a process imports them once, is
copied for each mutant, and the copy gets the changed code. A function keeps its identity, so whoever has imported it
has the changed one. What runs at import only, outside functions, cannot be exchanged this way.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any


def swap_code(module: ModuleType, tree: ast.Module) -> bool:
    """Give the module's functions the code of this tree. False if no function is changed by it."""
    other = ModuleType(module.__name__)
    other.__file__ = module.__file__
    exec(compile(tree, str(module.__file__), "exec"), other.__dict__)  # noqa: S102
    fresh = dict(_functions(other))
    changed = False
    for name, function in _functions(module):
        new = fresh.get(name)
        if new is None or function.__code__ == new.__code__:  # constants count with their types
            continue
        function.__code__ = new.__code__
        changed = True
    return changed


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    yield from _functions_in(vars(module), module.__name__, "")


def _functions_in(names: Any, module: str, prefix: str) -> Iterator[tuple[str, FunctionType]]:
    for name, value in list(names.items()):
        for function in _unwrapped(value):
            if function.__module__ == module:
                yield f"{prefix}{name}", function
        if inspect.isclass(value) and value.__module__ == module and not prefix.startswith(f"{name}."):
            yield from _functions_in(vars(value), module, f"{prefix}{name}.")


def _unwrapped(value: Any) -> Iterator[FunctionType]:
    match value:
        case FunctionType():
            yield value
        case classmethod() | staticmethod():
            yield from _unwrapped(value.__func__)
        case property():
            yield from _unwrapped(value.fget)
        case functools.cached_property():
            yield from _unwrapped(value.func)
        case _ if isinstance(getattr(value, "__wrapped__", None), FunctionType):
            yield value.__wrapped__
