"""The source of the primitives' array forms, so that a program runs on its own.

>>> from micrograd import ops
>>> print(function_source(ops.relu, "relu"))
def relu(x):
    return np.maximum(x, 0.0)
"""

from __future__ import annotations

import ast
import builtins
import dis
import linecache
import types
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np

from micrograd.primitive import Primitive, table


def function_source(row: Primitive, name: str, module: str = "np") -> str:
    """Source of a function that computes a primitive on arrays.

    Arguments:
        row: the primitive; not one that is declared as a fold.
        name: what to call the function.
        module: what to call NumPy.

    Returns:
        Functions that need NumPy alone, `name` the last of them. Where the
        primitive's own source cannot be had, or needs more, a line that takes
        the function from the table.

    Raises:
        ValueError: if the table has another row of that name, or none.
    """
    found = definitions(row, name)
    for part in (part for node in found or () for part in ast.walk(node)):
        if isinstance(part, ast.Name) and part.id == "np":
            part.id = module
    if found is not None:
        return "\n\n\n".join(map(ast.unparse, found))
    if table.get(row.name) is not row:
        raise ValueError(
            f"Program.source: {row.name}: its function cannot be written out, and it is "
            "no longer in the table"
        )
    return f"{name} = micrograd.ops.table[{row.name!r}].arrays"


def definitions(row: Primitive, name: str) -> list[ast.stmt] | None:
    """The function as syntax, and before it what it needs; None if there is none to be had."""
    return _definition(row.arrays, name, {}, {name})


def numpy_name(function: Any) -> str | None:
    """What NumPy itself calls a function; None if it is not one of NumPy's.

    >>> numpy_name(np.exp), numpy_name(len)
    ('np.exp', None)
    """
    name = getattr(function, "__name__", "")
    return f"np.{name}" if name and getattr(np, name, None) is function else None


def _definition(
    function: Any, name: str, known: dict[Any, str], given: set[str]
) -> list[ast.stmt] | None:
    """A Python function and those it calls, as syntax; None if there is none to be had.

    Arguments:
        function: the function.
        name: what to call it.
        known: what has a name, and which.
        given: all names in the source.
    """
    if not isinstance(function, types.FunctionType) or function.__closure__:
        return None
    if function.__defaults__ or function.__kwdefaults__:
        return None
    node = _syntax(function)
    if node is None:
        return None
    known[function] = name
    before: list[ast.stmt] = []
    renamed: dict[str, str] = {}

    def own(used: str) -> str:
        new = f"{name}__{used.strip('_')}"
        while new in given:  # _f beside f
            new += "_"
        given.add(new)
        renamed[used] = new
        return new

    for used in sorted(_global_names(function.__code__)):
        if used not in function.__globals__:
            if hasattr(builtins, used):
                continue
            return None
        value = function.__globals__[used]
        if value is np:
            renamed[used] = "np"
        elif isinstance(value, int | float):
            before += ast.parse(f"{own(used)} = {_number(value)}").body
        elif (own_name := numpy_name(value)) is not None:
            renamed[used] = own_name
        elif isinstance(value, types.FunctionType) and value in known:
            renamed[used] = known[value]
        else:
            inner = _definition(value, own(used), known, given)
            if inner is None:
                return None
            before += inner
    if not _locals(function.__code__).isdisjoint([*renamed, *renamed.values()]):
        return None  # the same name means another thing inside
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id in renamed:
            part.id = renamed[part.id]
        elif isinstance(part, ast.FunctionDef):
            part.returns = None
        elif isinstance(part, ast.arg):
            part.annotation = None
    if isinstance(node, ast.Lambda):
        body: list[ast.stmt] = [ast.Return(node.body)]
        node = ast.FunctionDef(name, node.args, body, [], lineno=0)
    node.name, node.decorator_list = name, []
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:]
    return [*before, node]


def _number(value: float) -> str:
    return repr(value) if np.isfinite(value) else f"float({str(value)!r})"


def _global_names(code: types.CodeType) -> set[str]:
    """The globals that a function and those inside it name."""
    names = {str(i.argval) for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return names.union(*map(_global_names, inner))


def _locals(code: types.CodeType) -> set[str]:
    """The variables of a function and of those inside it."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return {*code.co_varnames, *code.co_cellvars}.union(*map(_locals, inner))


@cache
def _codes(text: str) -> list[types.CodeType]:
    """Of all functions in a source file, as it is now."""
    found = [compile(text, "", "exec", dont_inherit=True)]
    for code in found:
        found += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return found


@cache
def _functions(text: str) -> list[ast.Lambda | ast.FunctionDef]:
    """All that a source file defines: to parse it again for each would take most of the time."""
    tree = ast.parse(text)
    return [n for n in ast.walk(tree) if isinstance(n, ast.Lambda | ast.FunctionDef)]


def _syntax(function: Callable[..., Any]) -> ast.Lambda | ast.FunctionDef | None:
    """A copy of the part of the source file that defines a function."""
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    try:
        if code not in _codes(text):
            return None  # there is no file, or it has changed since
    except SyntaxError:
        return None
    inside = [(line, column) for line, _, column, _ in code.co_positions() if column is not None]
    inside = [(line, column) for line, column in inside if line is not None]
    matching = []
    for node in _functions(text):
        body = node.body if isinstance(node, ast.Lambda) else node.body[0]
        first = node.lineno if isinstance(node, ast.Lambda) else _first_line(node)
        last = node.body if isinstance(node, ast.Lambda) else node.body[-1]
        begin, end = (body.lineno, body.col_offset), (last.end_lineno, last.end_col_offset)
        within = [position for position in inside if begin <= position < end]
        if first == code.co_firstlineno and within:
            matching.append((node, len(within)))
    if not matching:
        return None
    # A function inside another has fewer places of its own than that.
    nodes = [node for node, count in matching if count == max(c for _, c in matching)]
    return deepcopy(nodes[-1])


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])
