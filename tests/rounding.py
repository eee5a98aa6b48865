"""How far apart two engines' results may be that are both right.

They may add up in another order, and their exp may differ in the last digit.
What comes of that is found out by moving every operation's arguments as far
as they themselves may be off, and running it again.

>>> from micrograd import Value, ops
>>> x = Value(2.0)
>>> nought = x.exp() - x.exp()
>>> step = ops.step(nought)
>>> off = uncertainties([nought, step, nought.log()])
>>> f"{off[nought]:.0e}", off[step], off[x]
('6e-14', 1.0, 0.0)

Nobody knows what the logarithm is, of which the engine says minus infinity:

>>> list(off.values())[-1]
nan
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from micrograd import Value, grad, ops
from micrograd.engine import topological_order
from tests.graphs import shaped


@dataclass(frozen=True)
class Precision:
    """Of floating-point numbers: an operation's relative error, and their range."""

    rounding: float
    smallest: float
    largest: float


# Nine units in the last place: a function's own error is four at most
# (tests/test_table.py), that of a sum of n terms mostly the root of n.
DOUBLE = Precision(2e-15, 5e-324, 1.7e308)
SINGLE = Precision(1.1e-6, 1.4e-45, 3.4e38)
_SUMS = (ops.add, ops.sub, ops.sum, ops.affine)


def uncertainties(outputs: Sequence[Value], precision: Precision = DOUBLE) -> dict[Value, float]:
    """For all values behind some outputs: how far off they may be; nan where nobody knows."""
    off: dict[Value, float] = {}
    for output in outputs:
        for v in topological_order(output):
            if v not in off:
                off[v] = 0.0 if v.op is None else _of_operation(v, off, precision)
    return off


def uncertainties_of_gradient(
    output: Value, inputs: Sequence[Value], precision: Precision = DOUBLE
) -> list[float]:
    """The same for the derivatives of an output by some inputs."""
    slopes = grad(output, inputs)
    off = uncertainties([output, *slopes], precision)
    # What `where` does not choose is not in the graph of the derivatives.
    conditions = [v.arguments[0] for v in off if v.op is ops.where]
    if any(not (off[c] == 0.0 or off[c] < abs(c.data)) for c in conditions):
        return [math.nan] * len(inputs)
    return [off[v] for v in slopes]


def _of_operation(v: Value, known: dict[Value, float], precision: Precision) -> float:
    assert v.op is not None
    off, numbers = [known[p] for p in v.parents], [p.data for p in v.parents]
    if any(map(math.isnan, off)) or precision.largest < abs(v.data) < math.inf:
        return math.nan
    size = abs(v.data)
    if v.op in _SUMS:
        terms = [abs(t) for t in _terms(v) if math.isfinite(t)]
        size = sum(terms)
        # Which partial sum overflows is a question of the order; and terms that
        # are sums themselves may be taken apart.
        everything = size + sum(off) / precision.rounding
        if everything > precision.largest or max(terms, default=0.0) > 1e-8 * precision.largest:
            return math.nan
    total = precision.rounding * size if math.isfinite(size) else 0.0
    if size or all(numbers):
        total += 20 * precision.smallest  # it may underflow
    for i, e in enumerate(off):
        if not e:
            continue
        furthest = 0.0
        for moved in _moved(numbers[i], e, numbers):
            point = [*numbers[:i], moved, *numbers[i + 1 :]]
            result = v.op.ieee(*shaped(v.op, point, v.arguments))
            if result == v.data or (math.isnan(result) and math.isnan(v.data)):
                continue
            distance = abs(result - v.data)
            if not math.isfinite(distance):
                return math.nan
            furthest = max(furthest, distance)
        total += furthest
    return total if math.isfinite(total) else math.nan


def _terms(v: Value) -> list[float]:
    if v.op is ops.affine:
        w, x, b = v.arguments
        return [*(wi.data * xi.data for wi, xi in zip(w, x, strict=True)), b.data]
    return [p.data for p in v.parents]


def _moved(x: float, e: float, special: Iterable[float]) -> list[float]:
    """Numbers as far as e from x, and those between where a function may jump."""
    return [x - e, x + e, *(p for p in (0.0, 1.0, *special) if abs(p - x) <= e)]
