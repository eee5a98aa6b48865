"""Ways to record: not at all, or with an eye on every number.

Both work by watching: while `watch` is set, every operation hands its new node
to it and returns what it gets back. A mode belongs to the thread or the asyncio
task that is in it, and `watch` is one for all: it asks whose node it has got.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock
from typing import Any, Final

from micrograd.graph import CONSTANT
from micrograd.text import in_one_line, label_of

# The globals of all generated functions (see generate.py); the engine adds to them.
namespace: Final[dict[str, Any]] = {"watch": None}


class _Open:
    """What a thread or a task is in: how many blocks of each kind, and never of neither.

    A task is begun with a copy of what was around it, and may outlive the block.
    So not blocks are counted but these objects: while one is alive, somebody has it.
    """

    __slots__ = ("detecting", "forgetting")

    def __init__(self, forgetting: int, detecting: int) -> None:
        self.forgetting, self.detecting = forgetting, detecting
        _count(1)

    def __del__(self) -> None:
        _count(-1)


_open: Final[ContextVar[_Open | None]] = ContextVar("micrograd modes", default=None)
_alive = 0  # how many of them, in all threads
_curious: Final[list[Callable[[Any], None]]] = []  # who is to see the next node, and no other
_counting: Final = RLock()  # reentrant: one may be freed while another is counted


def _count(by: int) -> None:
    global _alive
    with _counting:
        _alive += by
        namespace["watch"] = _show if _curious else _watch if _alive else None


def show_next(look: Callable[[Any], None]) -> None:
    """Let a function see the node that is recorded next, in whatever thread, and none after."""
    _curious.append(look)
    _count(0)


def _show(node: Any) -> Any:
    looks = _curious[:]
    _curious.clear()
    _count(0)
    for look in looks:
        look(node)
    return _watch(node)


def _watch(node: Any) -> Any:
    """Look at a new node. Looking comes before forgetting: a leaf has no operands to name."""
    mine = _open.get()
    if mine is None:
        return node
    if mine.detecting and not math.isfinite(node.data):
        del mine  # whoever keeps the error would keep it alive, and all recording slow
        raise AnomalyError(f"{_named(node)} gave {node.data}; {_operands(node)}")
    if mine.forgetting:
        node._pull = node._a = None
        node._b = "input"
    return node


def _enter(name: str, forgetting: int, detecting: int) -> None:
    """Add so many blocks; fewer, where one ends."""
    mine = _open.get()
    if mine is not None:
        forgetting += mine.forgetting
        detecting += mine.detecting
    if forgetting < 0 or detecting < 0:
        raise RuntimeError(f"{name}: the block ended in another thread or task than it began in")
    _open.set(_Open(forgetting, detecting) if forgetting or detecting else None)


def recording() -> bool:
    """Whether operations are recorded here and now: not under `no_grad`."""
    mine = _open.get()
    return mine is None or not mine.forgetting


def detecting() -> bool:
    """Whether `detect_anomaly` is on, here and now."""
    mine = _open.get()
    return mine is not None and mine.detecting > 0


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing meanwhile: every result is a leaf, and costs no memory behind it.

    It holds in the thread, and in the asyncio task, that is in the block; and in
    tasks begun there, for as long as they run. Threads begun there record.

    >>> from micrograd import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """
    _enter("no_grad", 1, 0)
    try:
        yield
    finally:
        _enter("no_grad", -1, 0)


class AnomalyError(FloatingPointError):
    """A value or a gradient that is not finite, found by `detect_anomaly`."""


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise at the first value or gradient that is not finite, and name its operation.

    It holds where `no_grad` would.

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
    _enter("detect_anomaly", 0, 1)
    try:
        yield
    finally:
        _enter("detect_anomaly", 0, -1)


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
    return f"{name} {label_of(v)!r}" if label_of(v) else name


def _operands(v: Any) -> str:
    parents = v.parents[:8]
    more = ", ..." if len(v.parents) > 8 else ""
    named = [(in_one_line(label_of(p)), p) for p in parents]
    listed = ", ".join(f"{label} = {p.data}" if label else f"{p.data}" for label, p in named)
    return f"operands: {listed}{more}"
