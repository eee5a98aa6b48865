r"""Run a formula on symbols instead of numbers, and print what comes out.

A partial derivative in the table is an ordinary function. Called with symbols
it returns an expression, and the expression prints itself as Python (which
the engine compiles) or as LaTeX (which people read); so no derivative is
written down twice.

>>> from micrograd import ops
>>> z, x = Symbol("z"), Symbol("x")
>>> slope = ops.sigmoid.partials[0](z, x)
>>> slope.python(), slope.latex()
('(z * (1.0 - z))', 'z \\left(1 - z\\right)')
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micrograd import ops
from micrograd.ops import ATOM, SUM, Primitive, is_number

# Python writes these between their arguments; all others are calls.
_INFIX = {ops.add: "+", ops.sub: "-", ops.mul: "*", ops.div: "/"}

# Laws that hold exactly for every x, nan and -0 too: x * 1 = x. (x * 0 = 0 does
# not: infinity times zero is nan.)
_UNIT_RIGHT = {ops.mul: 1.0, ops.div: 1.0, ops.pow: 1.0, ops.sub: 0.0}
_UNIT_LEFT = {ops.mul: 1.0}


class Expression:
    """An operation on expressions and numbers.

    Arguments:
        row: the primitive.
        arguments: expressions or numbers; lists of them for starred ones.
    """

    __slots__ = ("arguments", "row")

    def __init__(self, row: Primitive | None, arguments: Sequence[Any] = ()) -> None:
        self.row = row
        self.arguments = tuple(arguments)

    @staticmethod
    def __primitive__(row: Primitive, arguments: Sequence[Any]) -> Any:
        """Apply a primitive to symbols: an expression, or one of them by an exact law."""
        if len(arguments) == 2:
            x, y = arguments
            if is_number(y) and _UNIT_RIGHT.get(row) == y:
                return x
            if is_number(x) and _UNIT_LEFT.get(row) == x:
                return y
        if row is ops.where and is_number(arguments[0]):
            return arguments[1] if arguments[0] else arguments[2]
        return Expression(row, arguments)

    def __add__(self, other: Any) -> Any:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return ops.sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return ops.sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return ops.mul(self, other)

    def __rmul__(self, other: Any) -> Any:
        return ops.mul(other, self)

    def __truediv__(self, other: Any) -> Any:
        return ops.div(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.div(other, self)

    def __pow__(self, other: Any) -> Any:
        return ops.pow(self, other)

    def __rpow__(self, other: Any) -> Any:
        return ops.pow(other, self)

    def __neg__(self) -> Any:
        return ops.neg(self)

    def python(self) -> str:
        """The expression as Python; a primitive p that is no operator is `p_floats(...)`.

        >>> from micrograd import ops
        >>> (2.0 * ops.exp(Symbol("x")) - 1.0).python()
        '((2.0 * exp_floats(x)) - 1.0)'
        """
        return python(self)

    def latex(self) -> str:
        r"""The expression as LaTeX.

        >>> ((Symbol("a") - Symbol("y")) ** 2).latex()
        '\\left(a - y\\right)^{2}'
        """
        return str(_printed(self))


class Symbol(Expression):
    """A name that stands for a number.

    Arguments:
        name: printed as it is, in Python and in LaTeX.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__(None)
        self.name = name


def python(x: Any) -> str:
    """An expression or a number as Python source."""
    if not isinstance(x, Expression):
        return repr(float(x))
    if isinstance(x, Symbol):
        return x.name
    assert x.row is not None
    parts = [
        "[" + ", ".join(map(python, a)) + "]" if star else python(a)
        for a, star in zip(x.arguments, x.row.starred, strict=True)
    ]
    if x.row in _INFIX:
        return f"({parts[0]} {_INFIX[x.row]} {parts[1]})"
    if x.row is ops.neg:
        return f"(-{parts[0]})"
    return f"{x.row.name}_floats({', '.join(parts)})"


def primitives_of(x: Any) -> set[Primitive]:
    """All primitives in an expression.

    >>> from micrograd import ops
    >>> x = Symbol("x")
    >>> sorted(row.name for row in primitives_of(ops.exp(x) / (1.0 + x)))
    ['add', 'div', 'exp']
    """
    if not isinstance(x, Expression) or x.row is None:
        return set()
    flat = x.row.flatten(x.arguments)
    return {x.row}.union(*map(primitives_of, flat))


class _Printed(str):
    """LaTeX that knows how tightly it binds; `{x:2}` asks for a product or better."""

    level: int

    def __new__(cls, text: str, level: int) -> _Printed:
        self = super().__new__(cls, text)
        self.level = level
        return self

    def __format__(self, wanted: str) -> str:
        if wanted and self.level < int(wanted):
            return rf"\left({self}\right)"
        return str(self)


def _printed(x: Any) -> _Printed:
    if not isinstance(x, Expression):
        return _Printed(f"{x:g}", ATOM if x >= 0 else SUM)
    if isinstance(x, Symbol):
        return _Printed(x.name, ATOM)
    assert x.row is not None
    parts: list[Any] = [
        [_printed(e) for e in a] if star else _printed(a)
        for a, star in zip(x.arguments, x.row.starred, strict=True)
    ]
    if callable(x.row.latex):
        return _Printed(x.row.latex(*parts), x.row.level)
    named = {
        name: _Printed(", ".join(part), ATOM) if star else part
        for name, part, star in zip(x.row.arguments, parts, x.row.starred, strict=True)
    }
    return _Printed(x.row.latex.format(**named), x.row.level)
