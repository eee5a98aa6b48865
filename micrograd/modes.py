"""Ways to record: not at all, or with an eye on every number.

Both work by watching: while `watch` is set, every operation hands its new node
to it and returns what it gets back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from micrograd.graph import CONSTANT

# The globals of all generated functions (see generate.py); the engine adds to them.
namespace: Final[dict[str, Any]] = {"watch": None}


# How many of each kind are open, in all threads.
_open: Final = {"no_grad": 0, "detect_anomaly": 0}


@contextmanager
def _mode(name: str) -> Iterator[None]:
    _open[name] += 1
    namespace["watch"] = _watch()
    try:
        yield
    finally:
        _open[name] -= 1
        namespace["watch"] = _watch()


def _watch() -> Callable[[Any], Any] | None:
    """What looks at every new node now. Looking comes first: a leaf has no operands to name."""
    if not detecting():
        return _forget_parents if _open["no_grad"] else None
    if not _open["no_grad"]:
        return _check_finite
    return lambda node: _forget_parents(_check_finite(node))


def recording() -> bool:
    """Whether operations are recorded: not under `no_grad`."""
    return not _open["no_grad"]


def detecting() -> bool:
    """Whether `detect_anomaly` is on."""
    return _open["detect_anomaly"] > 0


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing meanwhile: every result is a leaf, and costs no memory behind it.

    It holds for the whole process, threads included.

    >>> from micrograd import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """
    with _mode("no_grad"):
        yield


class AnomalyError(FloatingPointError):
    """A value or a gradient that is not finite, found by `detect_anomaly`."""


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise at the first value or gradient that is not finite, and name its operation.

    Raises:
        AnomalyError: from the operation, or from `backward`, meanwhile. It
            names the operation, its label and its operands.

    >>> from micrograd import Value
    >>> x = Value(0.0, "x")
    >>> with detect_anomaly():
    ...     y = x.log()
    Traceback (most recent call last):
    micrograd.modes.AnomalyError: log gave -inf; operands: x = 0.0
    """
    with _mode("detect_anomaly"):
        yield


def _forget_parents(node: Any) -> Any:
    node._pull = node._a = None
    node._b = "input"
    return node


def _check_finite(node: Any) -> Any:
    if not math.isfinite(node.data):
        raise AnomalyError(f"{_named(node)} gave {node.data}; {_operands(node)}")
    return node


def checked_backward(order: list[Any], mark: float | None) -> None:
    """Run the backward pass over nodes in this order, and look at every gradient.

    Arguments:
        order: the nodes.
        mark: the gradient, told by its identity, of a node to which nothing was passed on.

    Raises:
        AnomalyError: at the first that is not finite.
    """
    for v in order:
        if v.grad is mark:
            continue
        v._backward()
        if v._a is None and not math.isfinite(v.grad):
            raise AnomalyError(f"the _backward of {_named(v)} made its gradient {v.grad}")
        for i, parent in enumerate(v.parents):
            if parent.kind != CONSTANT and not math.isfinite(parent.grad):
                raise AnomalyError(
                    f"{_named(v)} passed the gradient {parent.grad} on to operand {i}; "
                    f"its own gradient is {v.grad}; {_operands(v)}"
                )


def _named(v: Any) -> str:
    name = v.op.name if v.op else "leaf"
    return f"{name} {v.label!r}" if v.label else name


def _operands(v: Any) -> str:
    parents = v.parents[:8]
    more = ", ..." if len(v.parents) > 8 else ""
    listed = ", ".join(f"{p.label} = {p.data}" if p.label else f"{p.data}" for p in parents)
    return f"operands: {listed}{more}"
