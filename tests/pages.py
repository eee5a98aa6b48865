"""Graphs to make pages of, and what a page shows of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from micrograd import Value, ops, squared_error
from micrograd.engine import topological_order
from micrograd.nn import MLP
from tests.browser import Window
from tests.graphs import ROWS, flat, points, shaped


def labelled(label: str, v: Value) -> Value:
    v.label = label
    return v


def network(numbers: Sequence[float] = ()) -> Value:
    """The cost of a 2-3-2 network, whose leaves have these numbers."""
    net = MLP(2, [3, 2], activation="sigmoid", output="sigmoid", rng=np.random.default_rng(1))
    leaves = [Value(0.5, "x_0"), Value(-1.0, "x_1"), Value(1.0, "y_0"), Value(0.0, "y_1")]
    free = [*net.parameters(), *leaves]
    for v, x in zip(free, numbers or [v.data for v in free], strict=True):
        v.data = x
    terms = [squared_error(a, y) for a, y in zip(net(leaves[:2]), leaves[2:], strict=True)]
    return labelled("C", ops.sum(terms))


def everything() -> Value:
    """Every row of the table in one graph, at a point of its domain; leaves used several times."""
    leaves: dict[tuple[float, float], Value] = {}
    results = []
    for row in ROWS.values():
        point = points(row, 1)[0]
        arguments = [
            leaves.setdefault((round(x, 1), row.level), Value(x)) for x in flat(row, point)
        ]
        results.append(row(*shaped(row, arguments, point)))
    return labelled("C", ops.sum(results))


def near(x: float, y: float) -> bool:
    """Equal to 1e-12, relative; or both nan."""
    if x == y or (math.isnan(x) and math.isnan(y)):
        return True
    return math.isfinite(x) and math.isfinite(y) and abs(x - y) <= 1e-12 * max(abs(x), abs(y))


def assert_shows(window: Window, root: Value) -> None:
    """The page's numbers are those of root's graph, computed by Python."""
    root.zero_grad()
    root.backward()
    window.press("last")
    order = topological_order(root)
    for v, (value, gradient) in zip(order, window.boxes(), strict=True):
        assert value is not None
        assert near(float(value), v.data), (v, value)
        if v.kind != "constant":
            assert gradient is not None
            assert near(float(gradient), v.grad), (v, gradient)


def choose(window: Window, *places: int) -> None:
    window.page.keyboard.press("Escape")
    for place in places:
        window.page.locator(f"#n{place}").dispatch_event("click")
