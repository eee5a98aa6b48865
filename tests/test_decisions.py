"""What gets no gradient: one rule, in `backward`, `grad`, `explain`, programs and pages.

An argument whose partial derivative is the number 0, such as the condition of `where`, gets
nothing; and what gets nothing passes nothing on, where 0 times infinity would be nan. A 0 that
was worked out is a number as any other.
"""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from micrograd import AnomalyError, Value, detect_anomaly, grad, hessian, ops, vectorize
from micrograd.engine import topological_order
from micrograd.ops import equal, log, minimum, relu, sqrt, step, where
from tests.browser import Window
from tests.graphs import ROWS, flowing
from tests.pages import assert_shows
from tests.sources import needs_compiler
from viz import explain

inf, nan = math.inf, math.nan

Function = Callable[..., Any]

CASES: list[tuple[Function, list[float], list[float]]] = [
    (lambda x: where(step(sqrt(x) - 1.0), x * x, 2.0 * x), [0.0], [2.0]),
    (lambda x: where(equal(log(x), 0.0), x * x, 3.0 * x), [0.0], [3.0]),
    (lambda x: step(sqrt(x)) * 3.0 + x, [0.0], [1.0]),
    (lambda x, y: where(step(log(x) + sqrt(x)), y, -y), [0.0, 2.0], [0.0, -1.0]),
    # Reached twice, once through a condition: the other way counts.
    (lambda x: where(step(sqrt(x)), x, sqrt(x)), [0.0], [inf]),
    # Beside others of its kind that get gradients.
    (lambda x, y: where(step(sqrt(x) - 9.0), x, sqrt(y)), [0.0, 4.0], [0.0, 0.25]),
    (lambda x, y: minimum(x, y).sqrt(), [-2.0, 1.0], [nan, 0.0]),
    (lambda x, y: relu(x) / y, [-1.0, 0.0], [0.0, nan]),
    (lambda x: 1e-300 * log(x), [1e-310], [1e10]),
    # What was worked out as 0, or not chosen, is a number: so it is in PyTorch.
    (lambda x: sqrt(x) * 0.0, [0.0], [nan]),
    (lambda x: relu(sqrt(x) - 1.0), [0.0], [nan]),
]
EVERY_CASE = pytest.mark.parametrize(("function", "numbers", "expected"), CASES)


def same(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y)) or math.isclose(x, y, rel_tol=1e-12)


def recorded(function: Function, numbers: Sequence[float]) -> tuple[Value, list[Value]]:
    leaves = [Value(x, f"x_{i}") for i, x in enumerate(numbers)]
    root = function(*leaves)
    root.label = "C"
    return root, leaves


@EVERY_CASE
def test_backward(function: Function, numbers: list[float], expected: list[float]) -> None:
    root, leaves = recorded(function, numbers)
    root.backward()
    assert all(map(same, [v.grad for v in leaves], expected))
    root.backward()  # leaves accumulate, and nothing else is left of the first time
    assert all(map(same, [v.grad for v in leaves], [2.0 * x for x in expected]))


@EVERY_CASE
def test_backward_beside_a_leaf_with_a_hook(
    function: Function, numbers: list[float], expected: list[float]
) -> None:
    root, leaves = recorded(function, numbers)
    hooked = Value(1.0)
    hooked._backward = lambda: None
    hooked._backward = hooked.zero_grad
    (root + hooked).backward()
    assert all(map(same, [v.grad for v in leaves], expected))


@EVERY_CASE
def test_detecting_anomalies(
    function: Function, numbers: list[float], expected: list[float]
) -> None:
    root, leaves = recorded(function, numbers)
    if all(map(math.isfinite, expected)):
        with detect_anomaly():
            root.backward()
        assert all(map(same, [v.grad for v in leaves], expected))
    else:
        with detect_anomaly(), pytest.raises(AnomalyError):
            root.backward()


@EVERY_CASE
def test_backward_of_a_copy(
    function: Function, numbers: list[float], expected: list[float]
) -> None:
    root, leaves = pickle.loads(pickle.dumps(recorded(function, numbers)))
    root.backward()
    assert all(map(same, [v.grad for v in leaves], expected))


@EVERY_CASE
def test_grad(function: Function, numbers: list[float], expected: list[float]) -> None:
    root, leaves = recorded(function, numbers)
    assert all(map(same, [v.data for v in grad(root, leaves)], expected))


@EVERY_CASE
def test_explain(function: Function, numbers: list[float], expected: list[float]) -> None:
    root, leaves = recorded(function, numbers)
    for v, slope in zip(leaves, expected, strict=True):
        explanation = explain(root, v)
        assert same(explanation.total, slope)
        if math.isfinite(slope):
            assert same(sum(path.product for path in explanation.paths), slope)


@EVERY_CASE
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=needs_compiler)])
def test_programs(
    function: Function, numbers: list[float], expected: list[float], compiled: bool
) -> None:
    root, leaves = recorded(function, numbers)
    program = vectorize(root, parameters=leaves)
    if compiled:
        program.compile()
    assert all(map(same, program.value_and_grad()[1].tolist(), expected))
    assert all(map(same, program.per_sample_grad()[0].tolist(), expected))


def test_pages(show: Callable[..., Window]) -> None:
    terms = [recorded(function, numbers)[0] for function, numbers, _ in CASES]
    root = ops.sum([where(equal(t, t), t, 0.0) for t in terms])
    root.label = "C"
    assert_shows(show(root), root)


def test_a_value_that_only_decides_is_said_to_do_so() -> None:
    x, y = Value(4.0, "x"), Value(1.0, "y")
    C = where(step(sqrt(x)), y, -y)
    C.label = "C"
    assert "C depends on x only through a condition" in str(explain(C, x))
    assert "C does not depend on z" in str(explain(C, Value(1.0, "z")))
    assert "only through a condition" not in str(explain(C, y))


def test_an_operation_of_ones_own_may_decide() -> None:
    gate = ops.primitive(
        "gate_here",
        arguments="x y",
        floats=lambda x, y: x if y > 0.0 else 0.0,
        arrays=lambda x, y: x * (y > 0.0),
        partials=[lambda z, x, y: step(y), lambda z, x, y: 0.0],
    )
    x, y = Value(3.0), Value(0.0)
    gate(x, sqrt(y) + 1.0).backward()
    assert (x.grad, y.grad) == (1.0, 0.0)


# Against a second chain rule.

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, inf, -inf, nan]  # sums of them in any order are exact


# The slope of x ** 0 is no constant by `grad`, for its derivative by the exponent is not 0.
_DRAWN = [name for name in ROWS if name != "pow"]


def random_graph(seed: int) -> tuple[Value, list[Value], list[Value]]:
    rng = random.Random(seed)  # noqa: S311
    leaves = [Value(rng.choice(SPECIAL), f"x_{i}") for i in range(3)]
    found = list(leaves)
    for _ in range(rng.randint(3, 12)):
        row = ROWS[rng.choice(["where", "where", "step", "equal", *_DRAWN])]
        arguments = [
            [rng.choice(found) for _ in range(2)] if star else rng.choice(found)
            for star in row.starred
        ]
        found.append(row(*arguments))
    return found[-1], leaves, topological_order(found[-1])


def by_the_rule(root: Value, order: Sequence[Value]) -> dict[Value, float]:
    """The chain rule once more, in which None is nothing."""
    arrived: dict[Value, float | None] = dict.fromkeys(order)
    arrived[root] = 1.0
    for v in reversed(order):
        g = arrived[v]
        if v.op is None or g is None:
            continue
        shares = v.shares(g)
        for k in flowing(v):
            p = v.parents[k]
            before = arrived[p]
            arrived[p] = shares[k] if before is None else before + shares[k]
    return {v: g or 0.0 for v, g in arrived.items()}


@pytest.mark.parametrize("first", range(0, 2000, 100))
def test_random_graphs_with_decisions_follow_the_rule(first: int) -> None:
    for seed in range(first, first + 100):
        root, leaves, order = random_graph(seed)
        expected = by_the_rule(root, order)
        root.backward()
        assert all(same(v.grad, expected[v]) for v in order if v is not root or v.op), seed
        for v, slope in zip(leaves, grad(root, leaves), strict=True):
            # What `where` did not choose gets nothing by `grad`, and 0 otherwise.
            assert same(slope.data, expected.get(v, 0.0)) or math.isnan(expected[v]), seed
            if v in expected:
                assert same(explain(root, v).total, expected[v]), seed
        read = [v for v in leaves if v in expected]
        if read and root.op is not None:
            program = vectorize(root, parameters=read).value_and_grad()[1]
            assert all(same(x, expected[v]) for x, v in zip(program.tolist(), read, strict=True)), (
                seed
            )


def test_grad_of_a_power_whose_exponent_is_zero_has_a_number_for_every_base() -> None:
    for base in [0.0, -0.0, 1e-310, -1e-310, 1e308, inf, -inf, nan]:
        x, y = Value(base), Value(0.0)
        (x**y).backward()
        assert grad(x**y, x).data == x.grad == 0.0, base


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 1.0, [[0.0, -inf], [-inf, 0.0]]),
        (-0.0, 1.0, [[0.0, -inf], [-inf, 0.0]]),
        (0.0, 2.0, [[2.0, 0.0], [0.0, 0.0]]),
        (0.0, 1.5, [[inf, 0.0], [0.0, 0.0]]),
        (2.0, 1.0, [[0.0, 1.0 + math.log(2.0)], [1.0 + math.log(2.0), 2.0 * math.log(2.0) ** 2]]),
    ],
)
def test_the_second_derivatives_of_a_power_whose_base_is_zero(
    x: float, y: float, expected: list[list[float]]
) -> None:
    leaves = [Value(x), Value(y)]
    found = hessian(leaves[0] ** leaves[1], leaves)
    for row, wanted in zip(found, expected, strict=True):
        assert all(same(v.data, number) for v, number in zip(row, wanted, strict=True))
    first = [v.data for v in grad(leaves[0] ** leaves[1], leaves)]
    (leaves[0] ** leaves[1]).backward()
    assert first == [v.grad for v in leaves]
