"""Walks over the graph of a computation: no recursion, however deep it is.

A node here is anything with `_a` and `_b` as generate.py describes them. A
leaf has None in `_a`.
"""

from __future__ import annotations

from typing import Any


def operations(root: Any, clear: bool = False) -> list[Any]:
    """The nodes behind root that are no leaves, each after its parents.

    Depth first, with an explicit stack of the nodes whose parents are not all
    done. A node that is done has a mark for its gradient: a zero that no other
    gradient is, told by its identity. So the walk needs no set, which would
    cost as much as all the rest, and clears the gradients as it goes.

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
    mark = float("0")  # a new object: no other gradient is this one
    gradients: list[float] = []
    groups: set[int] = set()
    stack: list[Any] = [None]
    push, pop, emit, keep = stack.append, stack.pop, order.append, gradients.append
    v = root
    try:
        while v is not None:
            if v.grad is mark:
                v = pop()
                continue
            a = v._a
            b = v._b
            if b is not None:
                if a.grad is not mark and a._a is not None:
                    push(v)
                    v = a
                    continue
                if b.grad is not mark and b._a is not None:
                    push(v)
                    v = b
                    continue
            elif isinstance(a, tuple):
                waiting = _unvisited(a, mark, groups)
                if waiting:
                    push(v)
                    stack += reversed(waiting)  # the first on top, to come first
                    v = pop()
                    continue
            elif a.grad is not mark and a._a is not None:
                push(v)
                v = a
                continue
            if not clear:
                keep(v.grad)
            emit(v)
            v.grad = mark
            v = pop()
    finally:
        for v, gradient in zip(order, gradients, strict=False):
            v.grad = gradient
    return order


def _unvisited(arguments: tuple[Any, ...], mark: float, groups: set[int]) -> list[Any]:
    """The operations among the arguments that are not done.

    The neurons of a layer share one tuple of inputs. Once all in it are done
    it is in groups, and is not looked through again.
    """
    waiting = []
    looked_through = []
    for argument in arguments:
        kind = type(argument)
        if kind is tuple:
            if id(argument) not in groups:
                looked_through.append(id(argument))
                waiting += [p for p in argument if p._a is not None and p.grad is not mark]
        elif not issubclass(kind, tuple) and argument._a is not None and argument.grad is not mark:
            waiting.append(argument)
    if not waiting:
        groups.update(looked_through)
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
