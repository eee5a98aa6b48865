"""Look into the source of a vectorised program: its lines, variables and operations; run it."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from micrograd.native import compiler

needs_compiler = pytest.mark.skipif(
    compiler() is None and "MICROGRAD_NEED_COMPILER" not in os.environ,
    reason="there is no C compiler",
)
# They make no new array, but look at one in another way.
_VIEWS = {"reshape", "swapaxes", "transpose", "broadcast_to", "len"}


def functions(source: str) -> dict[str, ast.FunctionDef]:
    """Every function of the source, by name."""
    tree = ast.parse(source)
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def run(source: str) -> dict[str, Any]:
    """Run the source alone, in a namespace of its own, and return that."""
    namespace: dict[str, Any] = {}
    # Without this file's own `from __future__`: so it is in a file of its own.
    exec(compile(source, "<source>", "exec", dont_inherit=True), namespace)  # noqa: S102
    return namespace


def lines(source: str, name: str = "forward") -> list[str]:
    """A function's lines in which something is computed: a view of an array is not.

    >>> lines('''
    ... def forward(parameters, X):
    ...     W = parameters[:6].reshape(2, 3)
    ...     Z = X @ W.T
    ...     return Z[:, 0]''')
    ['Z = X @ W.T']
    """
    return [
        ast.unparse(s) for s in functions(source)[name].body if any(map(_computes, ast.walk(s)))
    ]


def _computes(part: ast.AST) -> bool:
    if isinstance(part, ast.Call):
        return not (isinstance(part.func, ast.Attribute) and part.func.attr in _VIEWS)
    if isinstance(part, ast.UnaryOp):
        return not isinstance(part.operand, ast.Constant)
    return isinstance(part, ast.BinOp | ast.Compare | ast.AugAssign)


def commented(source: str, name: str, samples: int) -> dict[str, tuple[int, ...]]:
    r"""A function's variables, and the shapes that comments give them.

    >>> commented("def f(X):\n    Z = X @ W.T  # (n, 2)\n    return Z", "f", samples=5)
    {'Z': (5, 2)}
    """
    body = source.split(f"def {name}(")[1].split("\ndef ")[0]
    found = re.findall(r"^    (\w+) = .*  # \((.*)\)$", body, re.MULTILINE)
    return {
        variable: tuple(samples if d == "n" else int(d) for d in re.findall(r"\w+", shape))
        for variable, shape in found
    }


def variables(source: str, name: str, arguments: Sequence[Any]) -> dict[str, Any]:
    """What a function's variables hold at its end.

    >>> variables("def forward(X): Z = X + 1; return Z * Z", "forward", [2])
    {'X': 2, 'Z': 3}
    """
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            assert isinstance(node.body[-1], ast.Return)
            node.body[-1:] = ast.parse("return locals()").body
    with np.errstate(all="ignore"):
        found: dict[str, Any] = run(ast.unparse(tree))[name](*arguments)
    return found


class _Counting(np.ndarray[Any, Any]):
    """An array that counts what is done to it, and to all that comes of it."""

    count = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        _Counting.count += 1
        plain = [x.view(np.ndarray) if isinstance(x, _Counting) else x for x in inputs]
        return np.asarray(getattr(ufunc, method)(*plain, **options)).view(_Counting)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        _Counting.count += function.__name__ not in _VIEWS
        return super().__array_function__(function, types, args, kwargs)

    def take(self, *arguments: Any, **options: Any) -> Any:
        _Counting.count += 1
        return super().take(*arguments, **options)


def array_operations(source: str, name: str, arguments: Sequence[Any]) -> int:
    """How many NumPy operations a function runs: not the lines, but all that computes or copies.

    >>> source = '''
    ... import numpy as np
    ... def forward(W, X):
    ...     Z = np.exp(X @ W.T) - 1.0
    ...     return Z.take([1, 0], axis=-1).sum(axis=-1)'''
    >>> array_operations(source, "forward", [np.ones((2, 3)), np.ones((5, 3))])
    5
    """
    function = run(source)[name]
    _Counting.count = 0
    function(*(np.array(a).view(_Counting) for a in arguments))
    return _Counting.count
