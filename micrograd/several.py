"""Functions of several Values, made of the table's rows: stable, however large the numbers are.

>>> from micrograd import Value
>>> [round(p.data, 4) for p in softmax([Value(1000.0), Value(999.0)])]
[0.7311, 0.2689]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from micrograd import ops
from micrograd.primitive import ATOM, Primitive
from micrograd.value import Value, lift, lift_all


def _nothing(z: Any, x: Any) -> float:
    return 0.0


def _largest(x: Sequence[float]) -> float:
    return max(x) if not any(map(math.isnan, x)) else math.nan


def _shift(x: Sequence[float]) -> float:
    m = _largest(x)
    return m if math.isfinite(m) else 0.0


def _shift_arrays(x: Any) -> Any:
    m = np.maximum.reduce(x)
    return np.where(np.isfinite(m), m, 0.0)


@dataclass(frozen=True, eq=False, repr=False)
class TakenOff(Primitive):
    """No row of the table: its derivative there would be one that nobody could check."""

    def __reduce__(self) -> str:  # type: ignore[override]
        return self.name.upper()  # of this module


def _row(name: str, floats: Any, arrays: Any) -> TakenOff:
    return TakenOff(name, name, name, ATOM, floats, arrays, (_nothing,), (((-3.0, 3.0),),), ("x*",))


# What is taken off before exponentials, so that none overflows: the largest of several
# numbers; and 0 in its place where it is not finite, for inf - inf would be nan. Nothing
# below depends on what is taken off. So to the chain rule it is a constant; a program
# works it out anew for each sample.
LARGEST: Final = _row("largest", _largest, np.maximum.reduce)
SHIFT: Final = _row("shift", _shift, _shift_arrays)


def taken_off(row: Primitive, values: Sequence[Value]) -> Value:
    """The constant that is taken off before exponentials.

    Arguments:
        row: LARGEST or SHIFT.
        values: what it is taken off of.
    """
    constant: Value = lift(row.floats([v.data for v in values]))
    constant.anew = row, (tuple(values),)
    return constant


def softmax(values: Iterable[Any]) -> list[Value]:
    """e^x_k / sum over j of e^x_j: numbers above 0 that add up to 1, one for each value.

    Arguments:
        values: numbers and Values, at least one.

    Returns:
        One Value for each. The largest is taken off all first, so no e^x overflows;
        where one is infinite they are nan, as in PyTorch.

    Raises:
        TypeError: if they are neither numbers nor Values.
        ValueError: if there are none.

    >>> [p.data for p in softmax([Value(0.0), Value(0.0)])]
    [0.5, 0.5]
    """
    xs = _several("softmax", values)
    largest = taken_off(LARGEST, xs)
    powers = [(x - largest).exp() for x in xs]
    total = ops.sum(powers)
    return [power / total for power in powers]


def log_softmax(values: Iterable[Any]) -> list[Value]:
    """The logarithms of `softmax`, without its rounding to 0 of what is unlikely.

    Arguments:
        values: numbers and Values, at least one.

    Returns:
        One Value for each.

    Raises:
        TypeError: if they are neither numbers nor Values.
        ValueError: if there are none.

    >>> [p.data for p in log_softmax([Value(1000.0), Value(0.0)])]
    [0.0, -1000.0]
    """
    xs = _several("log_softmax", values)
    largest = taken_off(LARGEST, xs)
    below = [x - largest for x in xs]
    log_of_total = ops.sum([d.exp() for d in below]).log()
    return [d - log_of_total for d in below]


def logsumexp(values: Iterable[Any]) -> Value:
    """ln(sum over k of e^x_k), which is close to the largest x.

    Arguments:
        values: numbers and Values, at least one.

    Returns:
        The Value; its derivative by x_k is the softmax of x_k.

    Raises:
        TypeError: if they are neither numbers nor Values.
        ValueError: if there are none.

    >>> logsumexp([Value(1000.0), Value(0.0)]).data
    1000.0
    """
    xs = _several("logsumexp", values)
    shift = taken_off(SHIFT, xs)
    total: Value = ops.sum([(x - shift).exp() for x in xs]).log()
    return shift + total


def mean(values: Iterable[Any]) -> Value:
    """The sum of the values over their number.

    Arguments:
        values: numbers and Values, at least one.

    Returns:
        The Value.

    Raises:
        TypeError: if they are neither numbers nor Values.
        ValueError: if there are none.

    >>> mean([Value(1.0), 2.0, 6.0]).data
    3.0
    """
    xs = _several("mean", values)
    total: Value = ops.sum(xs)
    return total / len(xs)


def _several(function: str, values: Any) -> tuple[Value, ...]:
    if not isinstance(values, Iterable):
        raise TypeError(
            f"{function}: expected a list of Values, got {type(values).__name__} {values!r}"
        )
    xs = tuple(lift_all(list(values), function, "values"))
    if not xs:
        raise ValueError(f"{function}: expected at least one Value, got none")
    return xs
