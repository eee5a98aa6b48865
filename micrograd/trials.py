"""Run a node's own `_backward` to see what it passes on; gradients and numbers are put back.

>>> from micrograd import Value
>>> x = Value(2.0); x.grad = 5.0
>>> y = Value(8.0, (x,), "cube")
>>> def _backward():
...     x.grad += 3 * x.data**2 * y.grad
>>> y._backward = _backward
>>> shares(y, 10.0), is_product(y), x.grad
([120.0], True, 5.0)
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, Final

from micrograd import graph

_PROBES: Final = (2.0, -3.0, 0.0, 1e-3, 1e3)  # gradients to tell a product from anything else
_CLOSE: Final = 1e-9
_HOLDS_NOTHING: Final = (float, int, str, bytes, type, ModuleType)  # that one hook may write to


def shares(v: Any, gradient: float) -> list[float]:
    """What a hooked node passes on to each of its parents of this gradient.

    Its `_backward` is run, and the `grad` and `data` of all Values that it can reach are put
    back. What else it does, such as to print or to count, is done.

    Arguments:
        v: the node.
        gradient: which it has meanwhile.

    Returns:
        One number for each parent.
    """
    hook, parents = v._pull, v.parents
    if hook.function is None and hook.slopes is not None:
        return [slope * gradient for _, slope in hook.slopes]
    with graph.writing:
        before = [(p, p.grad, p.data) for p in {v, *parents, *_reached(hook.function)}]
        try:
            for p in parents:
                p.grad = 0.0
            v.grad = gradient
            if hook.function is None:
                hook.step(v)
            else:
                hook.function()
            return [p.grad for p in parents]
        finally:
            for p, gradient_before, number in before:
                p.grad = gradient_before
                if p.data is not number:
                    p.data = number


def is_product(v: Any) -> bool:
    """Whether what a hooked node passes on is its local derivatives times its gradient.

    Told by trying: gradients of several sizes and signs, and the one it has. A
    clipped gradient is no product.
    """
    slopes = shares(v, 1.0)
    return all(
        _alike(share, g * slope)
        for g in (*_PROBES, v.grad)
        if math.isfinite(g)
        for share, slope in zip(shares(v, g), slopes, strict=True)
    )


def _alike(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=_CLOSE) or (math.isnan(x) and math.isnan(y))


def _reached(function: Any) -> set[Any]:
    """The Values that a function holds, or what it holds in its turn: what it may write to."""
    found: set[Any] = set()
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if isinstance(one, _HOLDS_NOTHING) or id(one) in seen:
            continue
        seen.add(id(one))
        if hasattr(type(one), "local_derivatives"):
            found.add(one)
        elif isinstance(one, list | tuple | set):
            waiting += one
        elif isinstance(one, dict):
            waiting += one
            waiting += one.values()
        else:
            waiting += getattr(one, "__dict__", {}).values()
            if callable(one):
                waiting += _held(one)
    return found


def _held(function: Any) -> list[Any]:
    """In its closure, its defaults, the globals it names, as what it is bound or applied to."""
    held: list[Any] = [getattr(function, "__self__", None), getattr(function, "func", None)]
    held += getattr(function, "args", ())
    held += (getattr(function, "keywords", None) or {}).values()
    held += getattr(function, "__defaults__", None) or ()
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    held += [function.__globals__[name] for name in names if name in function.__globals__]
    for cell in getattr(function, "__closure__", None) or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # nothing is in it yet
            continue
    return held
