"""Walks over the graph of a computation: no recursion, however deep it is.

A node here is anything with `_a` and `_b` as generate.py describes them. A
leaf has None in `_a`.
"""

from __future__ import annotations

from typing import Any


def operations(root: Any, clear: bool = False) -> list[Any]:
    """The nodes behind root that are no leaves, each after its parents.

    Depth first, with an explicit stack of the nodes whose parents are not all
    done. A node that is done is marked by None for a gradient until the walk
    ends; so it needs no set, which would cost as much as all the rest.

    Arguments:
        root: the node to start from; it comes last.
        clear: whether to leave each node's gradient at zero, not as it was.

    Returns:
        All operations that root depends on, and root; empty for a leaf.

    >>> from micrograd import Value
    >>> x = Value(2.0); y = x * x; z = y + x
    >>> [v is w for v, w in zip(operations(z), [y, z])]
    [True, True]
    """
    order: list[Any] = []
    if root._a is None:
        return order
    gradients: list[float] = []
    groups: set[int] = set()
    stack: list[Any] = [None]
    push, pop, emit, keep = stack.append, stack.pop, order.append, gradients.append
    v = root
    try:
        while v is not None:
            if v.grad is None:
                v = pop()
                continue
            a = v._a
            b = v._b
            if b is not None:
                if a.grad is not None and a._a is not None:
                    push(v)
                    v = a
                    continue
                if b.grad is not None and b._a is not None:
                    push(v)
                    v = b
                    continue
            elif isinstance(a, tuple):
                waiting = _unvisited(a, groups)
                if waiting:
                    push(v)
                    stack += reversed(waiting)  # the first on top, to come first
                    v = pop()
                    continue
            elif a.grad is not None and a._a is not None:
                push(v)
                v = a
                continue
            if not clear:
                keep(v.grad)
            emit(v)
            v.grad = None
            v = pop()
    finally:
        if clear:
            for v in order:
                v.grad = 0.0
        else:
            for v, gradient in zip(order, gradients, strict=False):
                v.grad = gradient
    return order


def _unvisited(arguments: tuple[Any, ...], groups: set[int]) -> list[Any]:
    """The operations among the arguments that are not done.

    The neurons of a layer share one tuple of inputs: it is looked through
    once. Its elements are on the stack then, above whoever asks next.
    """
    waiting = []
    for argument in arguments:
        if not isinstance(argument, tuple):
            if argument.grad is not None and argument._a is not None:
                waiting.append(argument)
        elif type(argument) is tuple and id(argument) not in groups:
            groups.add(id(argument))
            waiting += [p for p in argument if p._a is not None and p.grad is not None]
    return waiting


def topological_order(root: Any) -> list[Any]:
    """Every node behind root, leaves too, each after its parents; root comes last.

    >>> from micrograd import Value
    >>> x = Value(2.0, "x"); y = x * x; y.label = "y"
    >>> [v.label for v in topological_order(y)]
    ['x', 'y']
    """
    order: list[Any] = []
    seen: set[Any] = set()
    for v in operations(root) or [root]:
        for p in v.parents:
            if p._a is None and p not in seen:
                seen.add(p)
                order.append(p)
        order.append(v)
    return order
