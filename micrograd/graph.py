"""Walks over the graph of a computation: no recursion, however deep it is.

A node here is anything with `_a` and `_b` as generate.py describes them. A
leaf has None in `_a`.
"""

from __future__ import annotations

import os
from threading import RLock
from typing import Any, Final
from weakref import WeakSet

# Nodes for which the fast ways do not hold: a leaf that has a `_backward` of its own, a
# leaf that was given parents later, a node whose class has a `grad` of its own. As long as
# there are any, `careful_order` is taken.
unusual: Final[WeakSet[Any]] = WeakSet()

# Whoever writes the gradients of a graph holds this: two passes at once over nodes that they
# share would each begin with the other's sums. Reentrant, for a `_backward` of somebody's own
# may call `backward`.
writing = RLock()


def _not_held() -> None:
    """In a forked process: the thread that held it was left behind."""
    global writing
    writing = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_not_held)

CONSTANT: Final = "constant"  # the kind of a leaf that nobody differentiates by


class Leaves(tuple[Any, ...]):
    """A tuple of leaves: no walk over the graph has to look behind its elements."""

    __slots__ = ()


class Deciding(tuple[Any, ...]):
    """The arguments of an operation, some of which get nothing of its gradient.

    As the condition of `where`, which decides and is no part of the result.
    """

    __slots__ = ()


class Constants(Leaves):
    """A tuple of constants: neither are their gradients worked out."""

    __slots__ = ()


def operations(root: Any, anew: bool = False) -> list[Any]:
    """The nodes behind root that are no leaves, each after its parents.

    Depth first, with an explicit stack. It changes nothing, so several threads
    may walk one graph.

    Arguments:
        root: the node to start from; it comes last.
        anew: whether constants that a program works out anew count as operations.

    Returns:
        All operations that root depends on, and root; empty for a leaf.

    >>> from micrograd import Value
    >>> x = Value(2.0); y = x * x; z = y + x
    >>> [v is w for v, w in zip(operations(z), [y, z])]
    [True, True]
    """
    order: list[Any] = []
    done: set[Any] = set()
    stack = [root] if root._a is not None else []
    closed = (Constants,) if unusual else (Constants, Leaves)
    while stack:
        v = stack[-1]
        if anew:
            waiting = [
                p
                for p in _parents(v, closed)
                if (p._a is not None or (p._b is CONSTANT and p.anew)) and p not in done
            ]
        else:
            waiting = [p for p in _parents(v, closed) if p._a is not None and p not in done]
        if v not in done and waiting:
            stack += reversed(waiting)  # the first on top, to come first
            continue
        stack.pop()
        if v not in done:
            done.add(v)
            order.append(v)
    return order


def _parents(v: Any, closed: tuple[type, ...]) -> list[Any]:
    """The arguments of an operation, without those in tuples of the closed types."""
    if v._a is None:
        arguments = v.anew[1]
    elif v._b is not None:
        return [v._a, v._b]
    elif not isinstance(v._a, tuple):
        return [v._a]
    else:
        arguments = v._a
    flat: list[Any] = []
    for argument in arguments:
        if not isinstance(argument, tuple):
            flat.append(argument)
        elif type(argument) not in closed:
            flat += argument
    return flat


def operations_cleared(root: Any) -> tuple[list[Any], float | None]:
    """The same for the backward pass, faster: and every gradient in it is set to zero.

    A node that is done has a mark for its gradient: a zero that no other
    gradient is, told by its identity. So the walk needs no set, which would
    cost as much as all the rest.

    Arguments:
        root: the node to start from; it comes last.

    Returns:
        All operations that root depends on, and root; empty for a leaf. And the mark, where
        some of them may keep it: those from which the root gets no more than a decision, as
        from the condition of `where`. They pass nothing on: 0 times infinity would be nan.
    """
    order: list[Any] = []
    if root._a is None:
        return order, None
    mark = float("0")  # a new object: no other gradient is this one
    deciding = False
    groups: set[int] = set()
    stack: list[Any] = [None]
    push, pop, emit = stack.append, stack.pop, order.append
    v = root
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
            waiting: list[Any] = []
            if type(a) is Deciding:
                deciding = True
            for argument in a:
                kind = type(argument)
                if kind is tuple:
                    # The neurons of a layer share one tuple of inputs. Once all
                    # in it are done, it is not looked through again.
                    if id(argument) not in groups:
                        waiting += [p for p in argument if p._a is not None and p.grad is not mark]
                elif kind is Leaves or kind is Constants:
                    pass
                elif argument._a is not None and argument.grad is not mark:
                    waiting.append(argument)
            if waiting:
                push(v)
                stack += reversed(waiting)  # the first on top, to come first
                v = pop()
                continue
            for argument in a:
                if type(argument) is tuple:
                    groups.add(id(argument))
        elif a.grad is not mark and a._a is not None:
            push(v)
            v = a
            continue
        emit(v)
        v.grad = mark
        v = pop()
    return order, mark if deciding else None


def careful_order(root: Any) -> tuple[list[Any], float]:
    """The same where nodes are `unusual`: leaves with a `_backward` of their own are in it, too.

    Arguments:
        root: the node to start from; it comes last.

    Returns:
        All nodes behind root that have a step of the chain rule to do; and the mark.
    """
    order = [v for v in topological_order(root) if v._pull is not None]
    mark = float("0")
    for v in order:
        if v._a is not None:
            v.grad = mark
    return order, mark


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
