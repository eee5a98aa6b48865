"""Infinities, nan, signed zeros and the ends of the range, on every primitive.

Arithmetic is IEEE everywhere: a result or a derivative may be inf or nan, and
nothing raises, warns or turns complex.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from micrograd import Value, grad
from tests.graphs import ROWS, shaped, ulps

inf, nan = math.inf, math.nan

SPECIAL = [inf, -inf, nan, 0.0, -0.0, 1e308, -1e308, 1e-308, -1e-308]
LARGE = [710.0, -710.0, 1000.0, -1000.0]
ORDINARY = [0.5, 1.0, -1.0, 2.0, -2.0, 3.0]
NUMBERS = [*SPECIAL, *LARGE, *ORDINARY]

EVERY_ROW = pytest.mark.parametrize("name", list(ROWS))


def points(name: str) -> list[tuple[Any, ...]]:
    """All pairs of NUMBERS, all triples of SPECIAL; lists for starred arguments."""
    row = ROWS[name]
    if name == "sum":
        return [([x, y],) for x, y in itertools.product(NUMBERS, NUMBERS)]
    if name == "affine":
        return [
            ([w, 1.0], [x, 2.0], b)
            for w, x, b in itertools.product(NUMBERS, NUMBERS, [0.0, 1.0, inf, nan, -1e308])
        ]
    few = NUMBERS if len(row.arguments) < 3 else [*SPECIAL, 1.0]
    return list(itertools.product(few, repeat=len(row.arguments)))


def result_and_slopes(name: str, point: tuple[Any, ...]) -> tuple[float, list[float]]:
    """By Values and `backward`."""
    row = ROWS[name]
    leaves = [Value(x) for a in point for x in (a if isinstance(a, list) else [a])]
    z = row(*shaped(row, leaves, point))
    z.backward()
    return z.data, [v.grad for v in leaves]


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        yield


def agree(x: float, y: float) -> bool:
    """At most 2 units in the last place apart; zeros with the same sign."""
    return ulps(x, y) <= 2 and (x != 0.0 or math.copysign(1.0, x) == math.copysign(1.0, y))


@EVERY_ROW
def test_no_exception_and_no_complex_number(name: str) -> None:
    for point in points(name):
        data, slopes = result_and_slopes(name, point)
        assert type(data) is float, point
        assert {type(slope) for slope in slopes} == {float}, point


@EVERY_ROW
def test_results_are_those_of_arrays(name: str) -> None:
    row = ROWS[name]
    everywhere = points(name)
    columns = np.array(
        [[x for a in point for x in (a if isinstance(a, list) else [a])] for point in everywhere]
    ).T
    results = row(*shaped(row, list(columns), everywhere[0]))
    for point, result in zip(everywhere, results, strict=True):
        assert agree(row(*point), result), point


@EVERY_ROW
def test_results_are_those_of_numpy_numbers(name: str) -> None:
    row = ROWS[name]
    for point in points(name):
        numbers = [
            list(map(np.float64, a)) if isinstance(a, list) else np.float64(a) for a in point
        ]
        assert agree(row(*point), row(*numbers)), point


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if len(row.arguments) == 2])
def test_results_are_those_of_a_row_of_arrays_and_one_number(name: str) -> None:
    # NumPy has shortcuts for an operand that is the same everywhere, as in x ** 0.5.
    row = ROWS[name]
    column = np.array(NUMBERS)
    for x in NUMBERS:
        for y, left, right in zip(NUMBERS, row(x, column), row(column, x), strict=True):
            assert agree(row(x, y), left), (x, y)
            assert agree(row(y, x), right), (y, x)


@EVERY_ROW
def test_gradients_are_those_of_the_partials_on_arrays(name: str) -> None:
    row = ROWS[name]
    for point in points(name):
        arrays = [np.array(a) if not isinstance(a, list) else list(map(np.array, a)) for a in point]
        z = np.asarray(row(*arrays))
        expected: list[float] = []
        with np.errstate(all="ignore"):
            for partial, star in zip(row.partials, row.starred, strict=True):
                views = row.elements(arrays) if star else [tuple(arrays)]
                expected += [float(partial(z, *view)) for view in views]
        _, slopes = result_and_slopes(name, point)
        assert all(ulps(*pair) <= 4 for pair in zip(slopes, expected, strict=True)), point


@EVERY_ROW
def test_local_derivatives_are_those_of_the_partials_on_arrays(name: str) -> None:
    row = ROWS[name]
    for point in points(name):
        z = np.asarray(row(*map(np.array, point)))
        leaves = [Value(x) for a in point for x in (a if isinstance(a, list) else [a])]
        found = row(*shaped(row, leaves, point)).local_derivatives()
        expected: list[float] = []
        with np.errstate(all="ignore"):
            for partial, star in zip(row.partials, row.starred, strict=True):
                views = row.elements(point) if star else [point]
                expected += [float(partial(z, *map(np.array, view))) for view in views]
        assert {type(x) for x in found} == {float}, point
        assert all(ulps(*pair) <= 4 for pair in zip(found, expected, strict=True)), point


@EVERY_ROW
def test_grad_is_backward_on_special_values(name: str) -> None:
    row = ROWS[name]
    for point in points(name):
        _, slopes = result_and_slopes(name, point)
        leaves = [Value(x) for a in point for x in (a if isinstance(a, list) else [a])]
        by_grad = [v.data for v in grad(row(*shaped(row, leaves, point)), leaves)]
        assert all(ulps(*pair) <= 4 for pair in zip(slopes, by_grad, strict=True)), point


@EVERY_ROW
def test_second_derivatives_raise_nothing(name: str) -> None:
    row = ROWS[name]
    for point in points(name)[::3]:
        leaves = [Value(x) for a in point for x in (a if isinstance(a, list) else [a])]
        for slope in grad(row(*shaped(row, leaves, point)), leaves):
            slope.backward()
            assert {type(v.grad) for v in leaves} == {float}


# What the results are, written out.


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("exp", [710.0], inf),
        ("exp", [inf], inf),
        ("exp", [-inf], 0.0),
        ("exp", [-1000.0], 0.0),
        ("log", [0.0], -inf),
        ("log", [-0.0], -inf),
        ("log", [-1.0], nan),
        ("log", [inf], inf),
        ("sqrt", [-1.0], nan),
        ("sqrt", [inf], inf),
        ("div", [1.0, 0.0], inf),
        ("div", [1.0, -0.0], -inf),
        ("div", [-1.0, 0.0], -inf),
        ("div", [0.0, 0.0], nan),
        ("div", [inf, inf], nan),
        ("div", [1e308, 1e-308], inf),
        ("pow", [-2.0, 0.5], nan),
        ("pow", [-inf, 0.5], inf),
        ("pow", [-0.0, 0.5], 0.0),
        ("pow", [0.0, -1.0], inf),
        ("pow", [-0.0, -1.0], -inf),
        ("pow", [0.0, 0.0], 1.0),
        ("pow", [nan, 0.0], 1.0),
        ("pow", [1.0, nan], 1.0),
        ("pow", [1e308, 2.0], inf),
        ("pow", [-1e308, 3.0], -inf),
        ("mul", [1e308, 10.0], inf),
        ("mul", [0.0, inf], nan),
        ("add", [1e308, 1e308], inf),
        ("add", [inf, -inf], nan),
        ("sub", [inf, inf], nan),
        ("sin", [inf], nan),
        ("cos", [-inf], nan),
        ("tanh", [1000.0], 1.0),
        ("tanh", [-inf], -1.0),
        ("sigmoid", [1000.0], 1.0),
        ("sigmoid", [-1000.0], 0.0),
        ("sigmoid", [inf], 1.0),
        ("sigmoid", [-inf], 0.0),
        ("relu", [nan], nan),
        ("relu", [-inf], 0.0),
        ("abs", [-inf], inf),
        ("maximum", [nan, 1.0], nan),
        ("maximum", [1.0, nan], nan),
        ("minimum", [nan, 1.0], nan),
        ("minimum", [1.0, nan], nan),
        ("squared_error", [1e308, -1e308], inf),
        ("where", [nan, 1.0, 2.0], 1.0),
    ],
)
def test_a_result(name: str, arguments: list[float], expected: float) -> None:
    data, _ = result_and_slopes(name, tuple(arguments))
    assert ulps(data, expected) == 0
    if expected == 0.0 or math.isinf(expected):
        assert math.copysign(1.0, data) == math.copysign(1.0, expected)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("relu", [0.0], [0.0]),
        ("relu", [-0.0], [0.0]),
        ("relu", [nan], [1.0]),
        ("abs", [0.0], [0.0]),
        ("abs", [-0.0], [0.0]),
        ("abs", [-inf], [-1.0]),
        ("maximum", [2.0, 2.0], [0.5, 0.5]),
        ("maximum", [inf, inf], [0.5, 0.5]),
        ("maximum", [0.0, -0.0], [0.5, 0.5]),
        ("minimum", [-inf, -inf], [0.5, 0.5]),
        ("maximum", [1e308, -1e308], [1.0, 0.0]),
        ("exp", [710.0], [inf]),
        ("log", [0.0], [inf]),
        ("log", [-0.0], [-inf]),
        ("sqrt", [0.0], [inf]),
        ("sqrt", [-1.0], [nan]),
        ("div", [1.0, 0.0], [inf, -inf]),
        ("div", [0.0, 0.0], [inf, nan]),
        ("pow", [0.0, 2.0], [0.0, 0.0]),
        ("pow", [0.0, 0.0], [0.0, 0.0]),
        ("pow", [0.0, 0.5], [inf, 0.0]),
        ("pow", [0.0, -1.0], [-inf, -inf]),
        ("pow", [-2.0, 2.0], [-4.0, nan]),
        ("pow", [nan, 0.0], [0.0, nan]),
        ("mul", [inf, 0.0], [0.0, inf]),
        ("tanh", [1000.0], [0.0]),
        ("sigmoid", [1000.0], [0.0]),
        ("sigmoid", [-1000.0], [0.0]),
    ],
)
def test_a_gradient(name: str, arguments: list[float], expected: list[float]) -> None:
    _, slopes = result_and_slopes(name, tuple(arguments))
    assert [ulps(*pair) for pair in zip(slopes, expected, strict=True)] == [0.0] * len(expected)


def test_sigmoid_is_not_rounded_to_zero_where_it_is_small() -> None:
    data, (slope,) = result_and_slopes("sigmoid", (-710.0,))
    assert ulps(data, math.exp(-710.0)) <= 1
    assert ulps(slope, math.exp(-710.0)) <= 1


def test_plain_operators_on_special_values_raise_nothing() -> None:
    zero, big = Value(0.0), Value(1e308)
    assert (1 / zero).data == inf
    assert (zero / 0).data != (zero / 0).data
    assert (big * 10).data == inf
    assert (big**2).data == inf
    assert (2 ** Value(5000)).data == inf
    assert math.isnan((Value(-1.0) ** 0.5).data)
    assert math.isnan(((-1) ** Value(0.5)).data)
    assert (zero**-1).data == inf


def test_data_that_was_assigned_as_an_integer_raises_nothing() -> None:
    x = Value(1.0)
    x.data = 0
    z = 1.0 / x + x.log() + x**-1.0
    z.backward()
    assert math.isnan(z.data)
    assert math.isnan(x.grad)


# What a primitive did not choose is not part of the result: nothing flows there,
# not even infinity times zero.


@pytest.mark.parametrize(
    ("name", "arguments", "cut_off"),
    [
        ("relu", [-1.0], 0),
        ("relu", [0.0], 0),
        ("maximum", [1.0, 2.0], 0),
        ("maximum", [2.0, 1.0], 1),
        ("minimum", [1.0, 2.0], 1),
        ("where", [1.0, 2.0, 3.0], 2),
        ("where", [0.0, 2.0, 3.0], 1),
        ("pow", [3.0, 0.0], 0),
    ],
)
def test_what_was_not_chosen_gets_no_gradient_not_even_of_an_infinite_one(
    name: str, arguments: list[float], cut_off: int
) -> None:
    for upstream in inf, -inf, nan:
        leaves = [Value(x) for x in arguments]
        z = ROWS[name](*leaves) * upstream
        z.backward()
        assert leaves[cut_off].grad == 0.0, upstream
        if name != "pow":
            # x ** 0 is only cut off as a number. As a function it is y x ** (y - 1),
            # whose derivative by y is not 0; and 0 times infinity is nan.
            assert grad(z, leaves[cut_off]).data == 0.0, upstream


def test_a_factor_of_zero_is_no_choice() -> None:
    # So infinity times zero it is, by `backward`, by `grad` and in PyTorch.
    for zero in 0.0, Value(0.0):
        x = Value(1.0)
        z = (zero * x) * inf
        z.backward()
        assert math.isnan(x.grad)
        assert math.isnan(grad(z, x).data)


def test_the_logarithm_of_a_relu_that_is_off_has_the_slope_zero() -> None:
    x = Value(-1.0)
    x.relu().log().backward()
    assert x.grad == 0.0


# PyTorch, float64.


def in_torch(name: str) -> Any:
    torch = pytest.importorskip("torch")
    functions = {
        "where": lambda c, x, y: torch.where(c != 0.0, x, y),
        "squared_error": lambda a, y: torch.nn.functional.mse_loss(a, y, reduction="none"),
        "sum": lambda x: 0.0 + x[0] + x[1],
        # Its own softplus is x itself above 20, which is 2e-9 too little.
        "softplus": lambda x: torch.logaddexp(torch.zeros_like(x), x),
        "affine": lambda w, x, b: b + w[0] * x[0] + w[1] * x[1],
    }
    return functions.get(name) or getattr(torch, name)


def near(name: str, slope: float, expected: float, upstream: float = 1.0) -> bool:
    # 1 - z^2 of the tanh enlarges the last digit of z, which may be another
    # one in another libm: relative to 1, that is, not to the slope.
    slack = 4e-16 * abs(upstream) if name == "tanh" else 0.0
    return ulps(slope, expected) <= 4 or abs(slope - expected) <= slack


# step and equal have no derivative, and no function of their own in PyTorch.
IN_TORCH = [name for name in ROWS if name not in ("step", "equal")]


@pytest.mark.parametrize("name", IN_TORCH)
def test_results_and_gradients_are_those_of_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    function, row = in_torch(name), ROWS[name]
    for point in points(name):
        if name in ("sigmoid", "softplus") and point == (-710.0,):
            # PyTorch works out 1 / (1 + e^710) = 1 / inf = 0, and so loses 4e-309.
            continue
        numbers = [x for a in point for x in (a if isinstance(a, list) else [a])]
        leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
        z = function(*shaped(row, leaves, point))
        z.backward()
        data, slopes = result_and_slopes(name, point)
        assert ulps(data, z.item()) <= 2, point
        for leaf, slope in zip(leaves, slopes, strict=True):
            expected = 0.0 if leaf.grad is None else leaf.grad.item()
            assert near(name, slope, expected), point


def test_torch_still_loses_the_sigmoid_of_minus_710() -> None:
    # The one exception above: when this fails, it can go.
    torch = pytest.importorskip("torch")
    assert torch.sigmoid(torch.tensor(-710.0, dtype=torch.float64)).item() == 0.0


@pytest.mark.parametrize("name", IN_TORCH)
def test_gradients_from_above_are_passed_on_as_in_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    function, row = in_torch(name), ROWS[name]
    some = points(name)[:: 1 if len(row.arguments) == 1 else 7]
    for upstream, point in itertools.product([inf, -inf, nan, 0.0, 1e308, -3.0], some):
        if name in ("sigmoid", "softplus") and point == (-710.0,):
            continue
        numbers = [x for a in point for x in (a if isinstance(a, list) else [a])]
        leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in numbers]
        function(*shaped(row, leaves, point)).backward(torch.tensor(upstream, dtype=torch.float64))
        ours = [Value(x) for x in numbers]
        z = row(*shaped(row, ours, point))
        z.grad = upstream
        z._backward()
        for leaf, v in zip(leaves, ours, strict=True):
            expected = 0.0 if leaf.grad is None else leaf.grad.item()
            assert near(name, v.grad, expected, upstream), (point, upstream)
