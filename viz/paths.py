"""Paths through a graph: how many there are, which, and what flows along them.

No recursion, and nothing that grows with the number of paths before they are
listed: a graph of n nodes can have 2^n of them.

>>> from micrograd.engine import topological_order
>>> x = Value(3.0); y = x * x; z = y * y
>>> users = edges(topological_order(z), {x})
>>> count(users, x, z), gradients(users, z)[x]
(4, 108.0)
>>> [[edge.slope for edge in path] for path in walk(users, x, z)]
[[3.0, 9.0], [3.0, 9.0], [3.0, 9.0], [3.0, 9.0]]
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

from micrograd.engine import Value
from micrograd.generate import closed


@dataclass(frozen=True)
class Edge:
    """One argument of an operation.

    Attributes:
        tail: the argument.
        head: the operation's result.
        place: which of the head's parents the tail is; x * x has two edges from x.
        slope: the local derivative.
        product: whether the tail gets that times the head's gradient; not where the head has
            a `_backward` of its own that does something else, such as to clip gradients.
    """

    tail: Value
    head: Value
    place: int
    slope: float
    product: bool = True


Users = dict[Value, list[Edge]]


def edges(order: Sequence[Value], sources: Container[Value]) -> Users:
    """The edges of all paths from a source to the root along which gradients flow.

    None leads through what only decides, as the condition of `where`.

    Arguments:
        order: a root's graph, as `topological_order` gives it.
        sources: where paths begin.

    Returns:
        For each value on such a path, in the order given, the edges that leave it.
    """
    users: Users = {}
    for v in order:
        inside = [(i, p) for i, p in enumerate(v.parents) if p in users]
        if inside and not v.hooked and v.op is not None and any(closed(v.op)):
            inside = [(i, p) for i, p in inside if i not in _deciding(v)]
        if inside or v in sources:
            users[v] = []
        slopes = v.local_derivatives() if inside else []
        product = v.multiplies() if inside else True
        for i, p in inside:
            users[p].append(Edge(p, v, i, slopes[i], product))
    for v in reversed(users):
        users[v] = [e for e in users[v] if e.head is order[-1] or users[e.head]]
    return _tried_with_what_arrives(users)


def _deciding(v: Value) -> set[int]:
    """Which of v's parents get nothing of any gradient, such as the condition of `where`."""
    assert v.op is not None
    none = [
        [no] * len(argument) if star else no
        for argument, no, star in zip(v.arguments, closed(v.op), v.op.starred, strict=True)
    ]
    return {i for i, no in enumerate(v.op.flatten(none)) if no}


def _tried_with_what_arrives(users: Users) -> Users:
    """The same; edges into a `_backward` that clips the gradient which arrives are no products."""
    if not any(v.hooked for v in users):
        return users
    arrived: dict[Value, float] = {}
    clips: set[Value] = set()
    for v in reversed(users):
        users[v] = [replace(e, product=False) if e.head in clips else e for e in users[v]]
        g = sum(passed_on(arrived[e.head], e) for e in users[v]) if users[v] else 1.0
        arrived[v] = g
        if v.hooked and v.parents and math.isfinite(g):
            expected = [g * slope for slope in v.local_derivatives()]
            if not all(map(_alike, v.shares(g), expected)):
                clips.add(v)
    return users


def _alike(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=1e-9) or (math.isnan(x) and math.isnan(y))


def count(users: Users, value: Value, root: Value) -> int:
    """How many paths lead from value, the only source, to root: exactly, however many."""
    counts = dict.fromkeys(users, 0)
    counts[value] = 1
    for v, leaving in users.items():
        for edge in leaving:
            counts[edge.head] += counts[v]
    return counts.get(root, 0)


def walk(users: Users, value: Value, root: Value) -> Iterator[tuple[Edge, ...]]:
    """The paths from value to root one after the other, each as its edges."""
    if value is root:
        yield ()
        return
    trail: list[Edge] = []
    ahead = [iter(users.get(value, []))]
    while ahead:
        edge = next(ahead[-1], None)
        if edge is None:
            ahead.pop()
            if trail:
                trail.pop()
        elif edge.head is root:
            yield (*trail, edge)
        else:
            trail.append(edge)
            ahead.append(iter(users[edge.head]))


def gradients(users: Users, root: Value) -> dict[Value, float]:
    """The derivatives of root by the values of `users`, whatever `.grad` holds."""
    out: dict[Value, float] = {}
    for v in reversed(users):
        out[v] = 1.0 if v is root else sum(passed_on(out[e.head], e) for e in users[v])
    return out


def passed_on(gradient: float, edge: Edge) -> float:
    """What the edge's tail gets of its head's gradient: the slope times as much.

    Where that is beyond floats the operation says what it is: what relu or maximum did not
    choose gets nothing of an infinite gradient either, and g / x may be finite where 1 / x is not.
    """
    product = gradient * edge.slope
    if edge.product and math.isfinite(product):
        return product
    return edge.head.shares(gradient)[edge.place]
