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

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from micrograd import ops
from micrograd.ops import ATOM, SUM, Primitive, is_number
from micrograd.primitive import Printed

# Python writes these between their arguments; all others are calls.
_INFIX = {ops.add: "+", ops.sub: "-", ops.mul: "*", ops.div: "/"}

# Laws that hold exactly for every x, nan and -0 too: x * 1 = x. (x * 0 = 0 does
# not: infinity times zero is nan.)
_UNIT_RIGHT = {ops.mul: 1.0, ops.div: 1.0, ops.pow: 1.0, ops.sub: 0.0}
_UNIT_LEFT = {ops.mul: 1.0}


class Expression:
    """An operation on expressions and numbers.

    Arguments:
        op: the primitive.
        arguments: expressions or numbers; lists of them for starred ones.
    """

    __slots__ = ("arguments", "op")

    __array_ufunc__ = None  # a NumPy number leaves arithmetic to the expression

    def __init__(self, op: Primitive | None, arguments: Sequence[Any] = ()) -> None:
        self.op = op
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
            if row is ops.mul and is_number(y) and y == -1.0:
                return Expression(ops.neg, [x])
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

    def _undecided(self, *_: Any) -> bool:
        raise TypeError("a symbol has no number to compare; write where, equal and step instead")

    __bool__ = __lt__ = __le__ = __gt__ = __ge__ = _undecided

    def python(self) -> str:
        """The expression as Python; a primitive p that is no operator is `p_floats(...)`.

        >>> from micrograd import ops
        >>> (2.0 * ops.exp(Symbol("x")) - 1.0).python()
        '((2.0 * exp_floats(x)) - 1.0)'
        """
        return python(self)

    def latex(self) -> str:
        r"""The expression as LaTeX; equal factors as a power.

        >>> ((Symbol("a") - Symbol("y")) ** 2).latex(), (1.0 - Symbol("z") * Symbol("z")).latex()
        ('\\left(a - y\\right)^{2}', '1 - z^{2}')
        """
        return str(_printed(self))


class Symbol(Expression):
    """A name that stands for a number.

    Arguments:
        name: printed as it is, in Python and in LaTeX.
        level: how tightly it holds together in LaTeX: a name may look like a sum.
        word: whether LaTeX needs a sign between it and another factor: "learning_rate x"
            would look like one name.
    """

    __slots__ = ("level", "name", "word")

    def __init__(self, name: str, level: int = ATOM, word: bool = False) -> None:
        super().__init__(None)
        self.name, self.level, self.word = name, level, word


def python(x: Any) -> str:
    """An expression or a number as Python source."""
    if not isinstance(x, Expression):
        return repr(float(x))
    if isinstance(x, Symbol):
        return x.name
    assert x.op is not None
    printed = x.op.mapped(python, x.arguments)
    parts = [f"[{', '.join(p)}]" if isinstance(p, list) else p for p in printed]
    if x.op in _INFIX:
        return f"({parts[0]} {_INFIX[x.op]} {parts[1]})"
    if x.op is ops.neg:
        return f"(-{parts[0]})"
    if x.op is ops.where:  # not a call: what is not chosen may be beyond floats
        condition = x.arguments[0]
        if isinstance(condition, Expression) and condition.op is ops.step:
            return f"({parts[2]} if {python(condition.arguments[0])} <= 0.0 else {parts[1]})"
        return f"({parts[1]} if {parts[0]} else {parts[2]})"
    return f"{x.op.code_name}_floats({', '.join(parts)})"


def evaluate(x: Any, values: Mapping[str, float]) -> float:
    """An expression's number, with IEEE arithmetic: inf and nan, never an exception.

    Arguments:
        x: an expression, or a number.
        values: the symbols' numbers, by name.

    Returns:
        The number. Of `where`, only what is chosen is computed.

    >>> evaluate(1.0 / Symbol("x"), {"x": 0.0})
    inf
    """
    if not isinstance(x, Expression):
        return float(x)
    if isinstance(x, Symbol):
        return values[x.name]
    assert x.op is not None
    if x.op is ops.where:
        condition, one, other = x.arguments
        return evaluate(one if evaluate(condition, values) else other, values)
    return x.op.ieee(*x.op.mapped(lambda e: evaluate(e, values), x.arguments))


def share(g: Any, slope: Any) -> Any:
    """What a parent gets of the gradient g: g times slope.

    Except where the slope chooses: what was not chosen gets nothing, not even
    of an infinite gradient, where g * 0 would be nan. So it is in PyTorch.

    Arguments:
        g: the gradient that arrived, an expression or a Value.
        slope: the local derivative, an expression, a Value or a number.

    Returns:
        The product, an expression or a Value; or the number 0.

    >>> from micrograd import ops
    >>> g, x = Symbol("g"), Symbol("x")
    >>> share(g, x).python(), share(g, 1.0).python(), share(g, 0.0)
    ('(g * x)', 'g', 0.0)
    >>> share(g, ops.step(x)).python()
    '(0.0 if x <= 0.0 else g)'
    """
    if is_number(slope):
        return 0.0 if slope == 0.0 else g if slope == 1.0 else g * float(slope)
    if slope.op is ops.step:
        return ops.where(slope, g, 0.0)
    if slope.op is ops.where:
        condition, *branches = slope.arguments
        return ops.where(
            condition, *(share(g, 0.0 if _constant(b) == 0.0 else b) for b in branches)
        )
    if slope.op is ops.div and _constant(slope.arguments[0]) == 1.0:
        return g / slope.arguments[1]  # g * (1 / x) would overflow where g / x does not
    return g * slope


def _constant(x: Any) -> float | None:
    """The number that x is in a formula, be it a Value; None for anything else."""
    if is_number(x):
        return float(x)
    return float(x.data) if getattr(x, "kind", "") == "constant" else None


def primitives_of(x: Any) -> set[Primitive]:
    """All primitives in an expression.

    >>> from micrograd import ops
    >>> x = Symbol("x")
    >>> sorted(row.name for row in primitives_of(ops.exp(x) / (1.0 + x)))
    ['add', 'div', 'exp']
    """
    if not isinstance(x, Expression) or x.op is None:
        return set()
    flat = x.op.flatten(x.arguments)
    return {x.op}.union(*map(primitives_of, flat))


def _printed(x: Any) -> Printed:
    if not isinstance(x, Expression):
        return Printed(f"{x:g}", ATOM if x >= 0 else SUM)
    if isinstance(x, Symbol):
        return Printed(x.name, x.level, x.word)
    assert x.op is not None
    if x.op is ops.affine:  # a sum of products; so its products look as all others do
        weights, inputs, bias = x.arguments
        products = [Expression(ops.mul, pair) for pair in zip(weights, inputs, strict=True)]
        return _printed(Expression(ops.sum, [[*products, bias]]))
    if x.op is ops.mul:
        return _product(_factors(x))
    return _applied(x.op, x.op.mapped(_printed, x.arguments))


def _applied(op: Primitive, parts: Sequence[Any]) -> Printed:
    """The operation on what is printed already."""
    # In brackets, or as a function of something, a word stands apart.
    word = SUM < op.level < ATOM and any(part.word for part in op.flatten(parts))
    return Printed(op.printed(parts), op.level, word)


def _factors(x: Any) -> list[Any]:
    """All factors of a product, from left to right."""
    if isinstance(x, Expression) and x.op is ops.mul:
        return [factor for part in x.arguments for factor in _factors(part)]
    return [x]


def _product(factors: Sequence[Any]) -> Printed:
    """One factor after the other, equal ones as a power."""
    first, *others = [
        _applied(ops.pow, [x, Printed(str(n), ATOM)]) if n > 1 else x
        for x, n in Counter(map(_printed, factors)).items()
    ]
    for x in others:
        if first.word or x.word:
            first = Printed(rf"{first:2} \cdot {x:2}", ops.mul.level, True)
        else:
            first = _applied(ops.mul, [first, x])
    return first
