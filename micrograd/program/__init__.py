"""Turn a graph of scalar Values into NumPy functions for many samples at once.

>>> from micrograd import Value, parameter, squared_error
>>> w, b = parameter(0.5, "w"), parameter(0.1, "b")
>>> x, y = Value(0.0, "x"), Value(0.0, "y")
>>> program = vectorize(squared_error((w * x + b).sigmoid(), y), [x, y], [w, b])
>>> cost, gradient = program.value_and_grad([1.0, 2.0, 3.0], [0.0, 1.0, 1.0])
>>> f"{cost:.4f}", gradient.shape
('0.1692', (2,))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from micrograd.collector import paused
from micrograd.engine import Value
from micrograd.primitive import is_number
from micrograd.program.listing import Listing
from micrograd.program.program import Program

__all__ = ["Program", "vectorize"]


def vectorize(
    output: Value | Sequence[Value],
    inputs: Sequence[Value | Sequence[Value]] = (),
    parameters: Sequence[Value] = (),
    dtype: Any = np.float64,
) -> Program:
    """Write NumPy functions that compute what the graph behind some Values does.

    The graph is recorded once, for one sample; the functions compute it for
    as many as they are given. Leaves that are neither inputs nor parameters
    keep the numbers that they have now. Results are the engine's but for
    rounding, and for the sign of a sum that is zero. `Program.compile` makes
    machine code of them.

    Arguments:
        output: a Value, the cost for example; or a list of them.
        inputs: leaves that stand for one sample: a list for an array of shape
            (batch, size), or a single Value for (batch,).
        parameters: leaves to differentiate by.
        dtype: of all arrays, float64 or float32.

    Returns:
        The program.

    Raises:
        TypeError: if something is no Value, or dtype is another type.
        ValueError: if an input or a parameter is no leaf, or is given twice,
            or there is no output.
    """
    single = isinstance(output, Value)
    outputs = [output] if isinstance(output, Value) else _values("output", output)
    if not outputs:
        raise ValueError("vectorize: expected at least one Value as output, got none")
    if isinstance(inputs, Value) or not isinstance(inputs, Iterable):
        raise TypeError(f"vectorize: expected a list of inputs, got {inputs!r}")
    inputs, parameters = list(inputs), _values("parameters", parameters)
    groups = [
        [one] if isinstance(one, Value) else _values(f"inputs[{i}]", one)
        for i, one in enumerate(inputs)
    ]
    sizes = [
        None if isinstance(one, Value) else len(group)
        for one, group in zip(inputs, groups, strict=True)
    ]
    seen: dict[Value, str] = {}
    for i, group in enumerate(groups):
        if not group:
            raise ValueError(f"vectorize: expected at least one Value in inputs[{i}], got none")
        _check_leaves(f"inputs[{i}]", group, seen, alone=sizes[i] is None)
    _check_leaves("parameters", parameters, seen)
    name = _name_of(dtype)
    with paused():
        listing = Listing(outputs, single, groups, parameters, name)
    return Program(listing, sizes, parameters, name)


def _name_of(dtype: Any) -> str:
    try:
        found = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):  # whatever NumPy makes of a text
        found = None
    if found is None or found not in (np.dtype("float64"), np.dtype("float32")):
        raise TypeError(f"vectorize: expected float64 or float32 as dtype, got {dtype!r}")
    return str(found)


def _values(what: str, given: Any) -> list[Value]:
    if isinstance(given, Value) or not isinstance(given, Iterable):
        raise TypeError(f"vectorize: expected a list of Values as {what}, got {given!r}")
    values = list(given)
    for i, v in enumerate(values):
        if not isinstance(v, Value):
            hint = ""
            if is_number(v) or isinstance(v, np.ndarray):
                hint = "; record with Values, and give arrays to the program"
            raise TypeError(f"vectorize: expected a Value as {what}[{i}], got {v!r}{hint}")
    return values


def _check_leaves(
    what: str, values: Sequence[Value], seen: dict[Value, str], alone: bool = False
) -> None:
    for i, v in enumerate(values):
        place = what if alone else f"{what}[{i}]"
        if v.op is not None:
            raise ValueError(f"vectorize: {place}, {v!r}, is no leaf but a result")
        if v in seen:
            raise ValueError(f"vectorize: {place}, {v!r}, is {seen[v]} already")
        seen[v] = place
