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

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from micrograd import comparisons
from micrograd.collector import paused
from micrograd.engine import Value, topological_order
from micrograd.primitive import is_number
from micrograd.program.listing import Listing
from micrograd.program.program import Program, ProgramMismatch

__all__ = ["Program", "ProgramMismatch", "vectorize"]


def vectorize(
    output: Value | Sequence[Value],
    inputs: Sequence[Value | Sequence[Value]] = (),
    parameters: Sequence[Value] = (),
    dtype: Any = np.float64,
    frozen: Sequence[Value] | bool = (),
) -> Program:
    """Write NumPy functions that compute what the graph behind some Values does.

    The graph is recorded once, for one sample; the functions compute it for
    as many as they are given. Results are the engine's but for rounding, and
    for the sign of a sum that is zero. `Program.compile` makes machine code of them.

    What is not in the graph a program cannot know. A branch that Python took by a
    number, as in `v if v.data > 0 else 0.0` or `max(v, w)`, it takes the same way for
    every sample; a number that Python computed, with `v.data` or `v.item()`, it keeps.
    `relu`, `maximum`, `where(step(v), a, b)` and `softmax` are in the graph. `Program.check` runs
    the Python function that was recorded on samples, and tells the difference.

    Arguments:
        output: a Value, the cost for example; or a list of them.
        inputs: leaves that stand for one sample: a list for an array of shape
            (batch, size), or a single Value for (batch,).
        parameters: leaves to differentiate by.
        dtype: of all arrays, float64 or float32.
        frozen: the other leaves that the graph reads, constants aside: they keep the
            numbers that they have now. True: all that are neither inputs nor parameters.

    Returns:
        The program.

    Raises:
        TypeError: if something is no Value, or dtype is another type; or if an operation or
            a leaf has a `_backward` of its own.
        ValueError: if an input, a parameter or a frozen value is no leaf, or is given twice;
            if the graph reads nothing of an input, or a leaf of which nothing is said; or
            if there is no output.

    Warns:
        UserWarning: if a Value that depends on inputs or parameters was compared while the
            graph was recorded, with `<`, `max` or `sorted`, say.
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
    if not isinstance(frozen, bool):
        frozen = _values("frozen", frozen)
        _check_leaves("frozen", frozen, seen)
    name = _name_of(dtype)
    with paused():
        listing = Listing(outputs, single, groups, parameters, frozen, name)
    _warn_of_comparisons(outputs, [v for group in groups for v in group], parameters)
    return Program(listing, sizes, parameters, name)


def _warn_of_comparisons(
    outputs: Sequence[Value], inputs: Sequence[Value], parameters: Sequence[Value]
) -> None:
    if not comparisons.any_noted():
        return
    graph = {v for output in outputs for v in topological_order(output)}
    for sentence in comparisons.found(graph, inputs, parameters):
        warnings.warn(
            f"vectorize: {sentence}. If a branch hangs on it, the program takes the way that was "
            "taken then, for every sample: write relu, maximum, minimum or where(step(v), a, b) "
            "instead; program.check(function, ...) tells whether it matters",
            stacklevel=3,
        )


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
