"""The page of calculus: every primitive operation, declared once.

A row holds all there is to know of an operation: its name and symbol, how to
compute it on floats, on arrays and in a browser, one partial derivative for
each argument, how to print it, and where a property test may sample it. The
engine, `grad`, the printers and the tests read this table; none of them knows
an operation of its own. Adding an operation is adding a row:

>>> from micrograd import Value, primitive
>>> import math, numpy as np
>>> bell = primitive(
...     "bell", floats=lambda x: math.exp(-x * x), arrays=lambda x: np.exp(-x * x),
...     partials=[lambda z, x: -2.0 * x * z])
>>> x = Value(0.5)
>>> bell(x).backward()
>>> round(x.grad, 4)
-0.7788
>>> _ = table.pop("bell")  # an example, not to stay

A partial is a function of the result `z` and the arguments, written with the
public operations. The same expression therefore serves floats, NumPy arrays,
symbols (to be printed) and Values (to be differentiated again).
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from micrograd.declaration import primitive
from micrograd.primitive import (
    ATOM,
    POWER,
    PRODUCT,
    SUM,
    Primitive,
    as_float,
    is_number,
    lookup,
    table,
)

__all__ = [
    "ATOM",
    "POWER",
    "PRODUCT",
    "SUM",
    "Primitive",
    "as_float",
    "is_number",
    "lookup",
    "primitive",
    "table",
]


def _sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)  # on this side exp cannot overflow
    return e / (1.0 + e)


def _sigmoid_arrays(x: Any) -> Any:
    # Both cases at once: divided is e below 0 and 1 above; np.where takes longer.
    e = np.exp(-np.abs(x))
    return np.maximum(e, np.sign(x)) / (1.0 + e)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-math.fabs(x))) if x == x else x


def _pow_arrays(x: Any, y: Any) -> Any:
    z, half = np.power(x, y), np.equal(y, 0.5)
    if half.any():  # there NumPy takes the square root: nan of -inf, -0 of -0
        z = np.where(half, np.where(np.isneginf(x), np.inf, z + 0.0), z)
    return z


def _squared_error(a: Any, y: Any) -> Any:
    d = a - y
    return d * d


def _decided(c: Any, x: float, y: float) -> Any:
    """Where c is a Value: x or y as a plain number, by the number that c has now.

    A slope of exactly 0 stops `grad` there. As a Value it would be multiplied
    by what comes behind it, and 0 times infinity is nan.
    """
    if _is_value(c):
        return x if c.data != 0.0 else y
    return where(c, x, y)


def _slope_at_zero(x: Any, y: Any) -> Any:
    """The derivative of x ** y by x where y is 0: none; but as a Value it has one by y."""
    if not (_is_value(x) or _is_value(y)):
        return 0.0
    inverse = 1.0 / x
    finite = equal(inverse - inverse, 0.0)  # elsewhere 0 * x ** -1 would be nan
    return where(finite, y * x ** (y - 1.0), 0.0)


def _power_slope(z: Any, x: Any, y: Any) -> Any:
    """The derivative of x ** y by x."""
    slope = where(equal(y, 0.0), _slope_at_zero(x, y), y * x ** (y - 1.0))
    return slope - sqrt(y - 1.0) if _steep(x, y) else slope


def _exponent_slope(z: Any, x: Any, y: Any) -> Any:
    """The derivative of x ** y by y: none at x = 0 where y >= 0."""
    slope = z * where(equal(x, 0.0) * (1.0 - step(-y)), 0.0, log(x))
    return slope - sqrt(x + 0.0) if _steep(x, y) else slope  # -0.0 + 0.0 is 0.0


def _steep(x: Any, y: Any) -> bool:
    """Whether the derivative of x ** y by both, x ** (y - 1) (1 + y log x), is -inf there.

    As that of minus the square root of 0, which is 0 and leaves the first derivatives as they
    are: those by x alone, or y alone, are finite.
    """
    return _is_value(x) and _is_value(y) and x.data == 0.0 and y.data == 1.0


def _is_value(x: Any) -> bool:
    """Whether x is neither a plain number, nor an array, nor a symbol."""
    return hasattr(type(x), "__primitive__") and hasattr(x, "data")


def _product_latex(x: str, y: str) -> str:
    factor = f"{y:2}"
    return rf"{x:2} \cdot {factor}" if factor[:1].isdigit() else f"{x:2} {factor}"


_WIDE = (-3.0, 3.0)
_POSITIVE = (0.2, 3.0)
_NOT_ZERO = [(-3.0, -0.1), (0.1, 3.0)]
_OUTSIDE, _INSIDE = [(-3.0, -1.1), (1.1, 3.0)], (-1.0, 1.0)  # never equal, either may be larger

# fmt: off
# ruff: noqa: E501
# Piecewise constant functions, in which the kinks below are written. On nan
# each gives what PyTorch's derivatives give there.
step    = primitive("step", symbol="step", latex="[{x} > 0]",
                    floats=lambda x: 0.0 if x <= 0.0 else 1.0, arrays=lambda x: np.where(x <= 0.0, 0.0, 1.0).astype(np.result_type(x)), javascript="x => x <= 0 ? 0 : 1",
                    partials=[lambda z, x: 0.0], domain=[_NOT_ZERO])
equal   = primitive("equal", symbol="=", latex="[{x} = {y}]",
                    floats=lambda x, y: 1.0 if x == y else 0.0, arrays=lambda x, y: np.equal(x, y).astype(np.result_type(x, y)), javascript="(x, y) => x === y ? 1 : 0",
                    partials=[lambda z, x, y: 0.0, lambda z, x, y: 0.0], domain=[_OUTSIDE, _INSIDE])
where: Primitive = primitive("where", arguments="c x y", latex=r"\begin{{cases}} {x} & {c} \\ {y} & \text{{otherwise}} \end{{cases}}",
                    floats=lambda c, x, y: x if c != 0.0 else y, arrays=lambda c, x, y: np.where(c != 0.0, x, y), javascript="(c, x, y) => c !== 0 ? x : y",
                    partials=[lambda z, c, x, y: 0.0, lambda z, c, x, y: _decided(c, 1.0, 0.0), lambda z, c, x, y: _decided(c, 0.0, 1.0)],
                    domain=[[(0.0, 0.0), (0.1, 3.0)], _WIDE, _WIDE])

add     = primitive("add", symbol="+", latex="{x:1} + {y:1}", level=SUM, floats=operator.add, arrays=np.add, javascript="(x, y) => x + y",
                    partials=[lambda z, x, y: 1.0, lambda z, x, y: 1.0], domain=[_WIDE, _WIDE])
sub     = primitive("sub", symbol="-", latex="{x:1} - {y:2}", level=SUM, floats=operator.sub, arrays=np.subtract, javascript="(x, y) => x - y",
                    partials=[lambda z, x, y: 1.0, lambda z, x, y: -1.0], domain=[_WIDE, _WIDE])
mul     = primitive("mul", symbol="*", latex=_product_latex, level=PRODUCT, floats=operator.mul, arrays=np.multiply, javascript="(x, y) => x * y",
                    partials=[lambda z, x, y: y, lambda z, x, y: x], domain=[_WIDE, _WIDE])
div     = primitive("div", symbol="/", latex=r"\frac{{{x}}}{{{y}}}", level=POWER, floats=operator.truediv, arrays=np.divide, javascript="(x, y) => x / y",
                    partials=[lambda z, x, y: 1.0 / y, lambda z, x, y: -z / y], domain=[_WIDE, _POSITIVE])
pow     = primitive("pow", symbol="**", latex="{x:4}^{{{y}}}", level=POWER, floats=math.pow, arrays=_pow_arrays, javascript="(x, y) => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y",
                    partials=[_power_slope, _exponent_slope], domain=[_POSITIVE, _WIDE])
neg     = primitive("neg", symbol="-", latex="-{x:2}", level=SUM, floats=operator.neg, arrays=np.negative, javascript="x => -x",
                    partials=[lambda z, x: -1.0], domain=[_WIDE])

exp     = primitive("exp", latex="e^{{{x}}}", level=POWER, floats=math.exp, arrays=np.exp, javascript="Math.exp",
                    partials=[lambda z, x: z], domain=[_WIDE])
log: Primitive = primitive("log", latex=r"\ln({x})", floats=math.log, arrays=np.log, javascript="Math.log",
                    partials=[lambda z, x: 1.0 / x], domain=[_POSITIVE])
sqrt    = primitive("sqrt", latex=r"\sqrt{{{x}}}", floats=math.sqrt, arrays=np.sqrt, javascript="Math.sqrt",
                    partials=[lambda z, x: 0.5 / z], domain=[_POSITIVE])
sin     = primitive("sin", latex=r"\sin({x})", floats=math.sin, arrays=np.sin, javascript="Math.sin",
                    partials=[lambda z, x: cos(x)], domain=[_WIDE])
cos: Primitive = primitive("cos", latex=r"\cos({x})", floats=math.cos, arrays=np.cos, javascript="Math.cos",
                    partials=[lambda z, x: -sin(x)], domain=[_WIDE])
tanh    = primitive("tanh", latex=r"\tanh({x})", floats=math.tanh, arrays=np.tanh, javascript="Math.tanh",
                    partials=[lambda z, x: 1.0 - z * z], domain=[_WIDE])
sigmoid = primitive("sigmoid", symbol="σ", latex=r"\sigma({x})", floats=_sigmoid, arrays=_sigmoid_arrays, javascript="x => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))",
                    partials=[lambda z, x: z * (1.0 - z)], domain=[_WIDE])
softplus = primitive("softplus", latex=r"\ln(1 + e^{{{x}}})", floats=_softplus, arrays=lambda x: np.logaddexp(0.0, x), javascript="x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))",
                    partials=[lambda z, x: sigmoid(x)], domain=[_WIDE])
relu    = primitive("relu", symbol="ReLU", latex=r"\operatorname{{relu}}({x})",
                    floats=lambda x: 0.0 if x <= 0.0 else x, arrays=lambda x: np.maximum(x, 0.0), javascript="x => x <= 0 ? 0 : x",
                    partials=[lambda z, x: step(x)], domain=[_NOT_ZERO])
abs     = primitive("abs", symbol="|·|", latex="|{x}|", floats=math.fabs, arrays=np.abs, javascript="Math.abs",
                    partials=[lambda z, x: step(x) - step(-x)], domain=[_NOT_ZERO])
maximum = primitive("maximum", symbol="max", latex=r"\max({x}, {y})",
                    floats=lambda x, y: x if x > y or x != x else y, arrays=np.maximum, javascript="(x, y) => x > y || x !== x ? x : y",
                    partials=[lambda z, x, y: where(equal(x, y), 0.5, step(x - y)),
                              lambda z, x, y: where(equal(x, y), 0.5, step(y - x))], domain=[_OUTSIDE, _INSIDE])
minimum = primitive("minimum", symbol="min", latex=r"\min({x}, {y})",
                    floats=lambda x, y: x if x < y or x != x else y, arrays=np.minimum, javascript="(x, y) => x < y || x !== x ? x : y",
                    partials=[lambda z, x, y: where(equal(x, y), 0.5, step(y - x)),
                              lambda z, x, y: where(equal(x, y), 0.5, step(x - y))], domain=[_OUTSIDE, _INSIDE])

# The loops below add from left to right, affine starting at the bias: the order
# of micrograd's neuron, so that seeded scripts give the same numbers to the last
# bit. (From Python 3.12 the built-in sum compensates for rounding: it would not.)
squared_error = primitive("squared_error", symbol="(a-y)²", arguments="a y", latex="({a:1} - {y:2})^2", level=POWER,
                    floats=_squared_error, arrays=_squared_error, javascript="(a, y) => (a - y) * (a - y)",
                    partials=[lambda z, a, y: 2.0 * (a - y), lambda z, a, y: 2.0 * (y - a)], domain=[_WIDE, _WIDE])
sum     = primitive("sum", symbol="Σ", arguments="x*", latex=lambda x: " + ".join(f"{xi:1}" for xi in x) or "0", level=SUM,
                    fold=(lambda: 0.0, lambda total, x: total + x), partials=[lambda z, x: 1.0], domain=[_WIDE])
affine  = primitive("affine", symbol="w·a+b", arguments="w* x* b", level=SUM,
                    fold=(lambda b: b, lambda total, w, x, b: total + w * x),
                    partials=[lambda z, w, x, b: x, lambda z, w, x, b: w, lambda z, w, x, b: 1.0], domain=[_WIDE, _WIDE, _WIDE])
# fmt: on
