"""The engine: record with Values, run the chain rule, differentiate what it gives.

>>> x = Value(2.0, "x")
>>> y = x ** 3
>>> y.backward()
>>> x.grad
12.0
>>> grad(grad(y, x), x).data
12.0
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast, overload

from micrograd.graph import operations, topological_order
from micrograd.hooks import refuse
from micrograd.modes import AnomalyError, detect_anomaly, no_grad
from micrograd.primitive import is_number
from micrograd.symbols import share
from micrograd.value import Value, lift, parameter

__all__ = [
    "AnomalyError",
    "Value",
    "detect_anomaly",
    "grad",
    "hessian",
    "jacobian",
    "no_grad",
    "parameter",
    "topological_order",
]


@overload
def grad(output: Value, inputs: Value) -> Value: ...
@overload
def grad(output: Value, inputs: Sequence[Value]) -> list[Value]: ...
def grad(output: Value, inputs: Value | Sequence[Value]) -> Value | list[Value]:
    """The derivatives of output by each input, as Values: differentiable again.

    Works on the graph alone and leaves every `.grad` as it is.

    Arguments:
        output: the value to differentiate.
        inputs: the values to differentiate by, leaves or not; or a single one.

    Returns:
        One Value for each input, zero where output does not depend on it; or,
        for a single input, one Value. It may be a value of the graph itself:
        the derivative of x * y by x is y.

    Raises:
        TypeError: if output or an input is no Value, or inputs no list; and if an operation
            on the way, or an input, has a `_backward` of its own.

    >>> x = Value(2.0)
    >>> first = grad(x ** 3, x)
    >>> second = grad(first, x)
    >>> first.data, second.data
    (12.0, 12.0)
    """
    if isinstance(inputs, Value):
        return grad(output, [inputs])[0]
    inputs = _listed("grad", "inputs", inputs)
    for name, v in [("output", output)] + [(f"inputs[{i}]", v) for i, v in enumerate(inputs)]:
        if not isinstance(v, Value):
            raise TypeError(f"grad: expected a Value for {name}, got {type(v).__name__} {v!r}")
    order = operations(output)
    depends = set(inputs)  # only what depends on an input passes gradients on
    refuse("grad", (v for v in inputs if v.op is None))
    for v in order:
        if not depends.isdisjoint(v.parents):
            refuse("grad", [v])
            depends.add(v)
    # Plain numbers as long as all slopes are, and Values from then on.
    arrived: dict[Value, Any] = {output: 1.0}
    for v in reversed(order):
        if v not in arrived:
            continue
        g = arrived[v]
        for parent, slope in _differentiable_slopes(v, depends):
            got = slope if type(g) is float and g == 1.0 else share(g, slope)
            if not (is_number(got) and got == 0.0):
                arrived[parent] = arrived[parent] + got if parent in arrived else got
    return [cast(Value, lift(arrived.get(v, 0.0))) for v in inputs]


def _differentiable_slopes(v: Value, depends: set[Value]) -> list[tuple[Value, Any]]:
    """The table's partials run on Values: for each parent in depends, a Value or a number."""
    op = v.op
    assert op is not None
    arguments = v.arguments
    out = []
    for i, (slope, star) in enumerate(zip(op.partials, op.starred, strict=True)):
        points = op.elements(arguments) if star else [arguments]
        out += [(point[i], slope(v, *point)) for point in points if point[i] in depends]
    return out


def jacobian(outputs: Sequence[Value], inputs: Sequence[Value]) -> list[list[Value]]:
    """All derivatives of all outputs: row i is `grad(outputs[i], inputs)`.

    Raises:
        TypeError: if outputs is no list, or something in it or in inputs no Value.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[d.data for d in row] for row in jacobian([x * y, x + y], [x, y])]
    [[3.0, 2.0], [1.0, 1.0]]
    """
    return [grad(output, inputs) for output in _listed("jacobian", "outputs", outputs)]


def hessian(output: Value, inputs: Sequence[Value]) -> list[list[Value]]:
    """All second derivatives: entry i, j is by inputs i and j.

    Raises:
        TypeError: if inputs is no list, or output or an input no Value.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[d.data for d in row] for row in hessian(x * x * y, [x, y])]
    [[6.0, 4.0], [4.0, 0.0]]
    """
    inputs = _listed("hessian", "inputs", inputs)
    return jacobian(grad(output, inputs), inputs)


def _listed(function: str, argument: str, given: Any) -> list[Value]:
    if not isinstance(given, Iterable):  # a Value alone is none either
        raise TypeError(
            f"{function}: expected a list of Values for {argument}, "
            f"got {type(given).__name__} {given!r}"
        )
    return list(given)
