"""Pickle and deep-copy a Value with all that it came from, however deep.

Pickle recurses, and a chain of a million nodes would exhaust the stack. So a
Value reduces to "element i of a flat graph", and the flat graph is columns of
numbers. Leaves stay objects of their own. Values pickled together share what
they shared before:

>>> import pickle
>>> from micrograd import Value
>>> x = Value(2.0, "x"); y = x * x
>>> x2, y2 = pickle.loads(pickle.dumps([x, y]))
>>> y2.backward(); x2.grad, y2.parents[0] is x2
(4.0, True)
"""

from __future__ import annotations

import weakref
from array import array
from threading import RLock, get_ident
from typing import Any, Final

from micrograd.graph import operations
from micrograd.hooks import refuse
from micrograd.primitive import Primitive

# Where a node already has a place: thread -> the node's id -> the flat graph and the index
# there. A flat graph lives as long as the pickler that met it (which keeps all it has met),
# and holds its nodes, so no id is used twice meanwhile. That is how two roots pickled in one
# go find that they share a node; and what another thread pickles is none of its business.
_Places = dict[int, tuple[weakref.ref["FlatGraph"], int]]
_places: Final[dict[int, _Places]] = {}
_writing: Final = RLock()  # in there: a graph may be freed by another thread than pickled it


class FlatGraph:
    """A graph as columns: one entry for each operation, each after its parents."""

    def __init__(self, nodes: list[Any]) -> None:
        self.nodes = nodes

    def register(self) -> None:
        """Let whoever pickles more in this thread find the nodes here."""
        reference, thread = weakref.ref(self), get_ident()
        places = {id(node): (reference, i) for i, node in enumerate(self.nodes)}
        with _writing:
            _places.setdefault(thread, {}).update(places)
        weakref.finalize(self, _forget, thread, list(places), reference)

    def __reduce__(self) -> tuple[Any, ...]:
        """Columns of operations, numbers and parents.

        A parent is a number: its index for a node of this graph, and -1 - i
        for outside[i], a leaf or a node of another flat graph. A sequence of
        arguments is preceded by its length.
        """
        index = {node: i for i, node in enumerate(self.nodes)}
        outside: list[Any] = []

        def place(parent: Any) -> int:
            i = index.get(parent)
            if i is None:
                outside.append(parent)
                i = index[parent] = -len(outside)
            return i

        rows: dict[Primitive, int] = {}
        ops, parents = array("q"), array("q")
        extras = {}
        for i, node in enumerate(self.nodes):
            ops.append(rows.setdefault(node.op, len(rows)))
            for argument, star in zip(node.arguments, node.op.starred, strict=True):
                if star:
                    parents.append(len(argument))
                    parents.extend(map(place, argument))
                else:
                    parents.append(place(argument))
            if node.__dict__:
                extras[i] = node.__dict__
        data = array("d", [node.data for node in self.nodes])
        grad = array("d", [node.grad for node in self.nodes])
        kind = type(self.nodes[0])
        columns = kind, list(rows), ops, data, grad, parents, outside
        # Attributes may refer to these very nodes; as a state they come after them.
        return _unflatten, columns, extras

    def __setstate__(self, extras: dict[int, dict[str, Any]]) -> None:
        for i, attributes in extras.items():
            self.nodes[i].__dict__.update(attributes)


def _forget(thread: int, ids: list[int], reference: weakref.ref[FlatGraph]) -> None:
    with _writing:
        places = _places.get(thread, {})
        for i in ids:
            if i in places and places[i][0] is reference:
                del places[i]
        if not places:
            _places.pop(thread, None)


def _unflatten(
    kind: Any,
    rows: list[Primitive],
    ops: array[int],
    data: array[float],
    grad: array[float],
    parents: array[int],
    outside: list[Any],
) -> FlatGraph:
    nodes: list[Any] = []
    numbers = iter(parents)

    def parent() -> Any:
        i = next(numbers)
        return nodes[i] if i >= 0 else outside[-1 - i]

    for which, number, gradient in zip(ops, data, grad, strict=True):
        row = rows[which]
        arguments = [
            tuple(parent() for _ in range(next(numbers))) if star else parent()
            for star in row.starred
        ]
        node = kind._node(row, arguments, number)
        node.grad = gradient
        nodes.append(node)
    return FlatGraph(nodes)


def _element(graph: FlatGraph, i: int) -> Any:
    return graph.nodes[i]


def _leaf(kind: Any, data: float, grad: float, which: str) -> Any:
    value = kind(data)
    value.grad = grad
    value.kind = which
    return value


def reduce_value(value: Any) -> tuple[Any, ...]:
    """What `Value.__reduce__` returns.

    Raises:
        TypeError: if a node has a `_backward` of its own: a copy's would still feed the
            parents of the original.
    """
    if value._a is None:
        refuse("pickle and deepcopy", [value])
        return _leaf, (type(value), value.data, value.grad, value.kind), value.__dict__ or None
    places = _places.get(get_ident(), {})
    graph, i = _place(value, places)
    if graph is None:
        order = operations(value)
        refuse("pickle and deepcopy", order)
        nodes = [v for v in order[:-1] if _place(v, places)[0] is None] + [value]
        graph, i = FlatGraph(nodes), len(nodes) - 1
        graph.register()
    return _element, (graph, i)


def _place(value: Any, places: _Places) -> tuple[FlatGraph | None, int]:
    reference, i = places.get(id(value), (None, 0))
    graph = reference() if reference else None
    if graph is None or graph.nodes[i] is not value:
        return None, 0
    return graph, i
