"""gradcheck finds wrong derivatives, and only those, and leaves no trace."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import micrograd
from micrograd import Value, grad, gradcheck, ops, primitive
from micrograd.checking import GradientMismatch
from micrograd.nn import MLP
from tests.graphs import ROWS, points, shaped


def wrong_square(factor: float = 1.01) -> Any:
    """A row whose derivative is off by a factor."""
    return primitive(
        f"wrong_square_{len(ops.table)}",
        floats=lambda x: x * x,
        arrays=lambda x: x * x,
        partials=[lambda z, x: 2.0 * factor * x],
    )


@pytest.mark.parametrize("name", list(ROWS))
def test_every_primitive_passes(name: str) -> None:
    row = ROWS[name]
    for point in points(row, 4):
        numbers = [x for a in point for x in (a if isinstance(a, list) else [a])]
        report = gradcheck(lambda *xs: row(*shaped(row, xs, point)), numbers)  # noqa: B023
        assert report.worst <= 1e-5
        assert len(report.checks) == len(numbers)


def test_a_network_of_two_layers_passes() -> None:
    net = MLP(
        3, [4, 2], activation="tanh", output="sigmoid", init=lambda i, o, r: 0.5 / i - 0.05 * o
    )
    report = gradcheck(lambda: sum(net([0.5, -1.0, 2.0])), net.parameters())
    assert [c.name for c in report.checks] == [p.label for p in net.parameters()]
    assert report.worst < 1e-6


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0, 0.0, 2.0])
def test_a_planted_error_is_found_and_the_input_named(factor: float) -> None:
    wrong = wrong_square(factor)
    w, b = Value(1.5, "w"), Value(0.5, "b")
    with pytest.raises(GradientMismatch, match=r"gradcheck: by w the chain rule gives ") as caught:
        gradcheck(lambda: wrong(w) + b, [b, w])
    right, found = caught.value.report.checks
    assert (right.name, found.name) == ("b", "w")
    assert right.relative_error <= 1e-5 < found.relative_error
    assert found.analytic == pytest.approx(3.0 * factor)
    assert found.numeric == pytest.approx(3.0)
    expected = abs(factor - 1) / max(abs(factor), 1.0)
    assert found.relative_error == pytest.approx(expected, rel=1e-4)
    assert caught.value.report.worst == found.relative_error
    assert isinstance(caught.value, ValueError)


def test_an_input_without_a_label_is_named_by_its_index() -> None:
    wrong = wrong_square()
    with pytest.raises(GradientMismatch, match=r"by inputs\[1\] the chain rule gives"):
        gradcheck(lambda x, y: x + wrong(y), [1.0, 2.0])


def test_a_missing_path_is_found() -> None:
    x = Value(2.0, "x")
    with pytest.raises(GradientMismatch, match="by x"):
        gradcheck(lambda: x * x.detach(), [x])


def test_a_kink_is_found() -> None:
    x = Value(0.0, "x")
    with pytest.raises(GradientMismatch, match=r"by x the chain rule gives 0.0, .*give 0.5"):
        gradcheck(lambda: x.relu(), [x])


def test_an_error_in_one_of_many_inputs_is_found() -> None:
    wrong = wrong_square()
    leaves = [Value(0.1 * i + 0.1, f"x{i}") for i in range(50)]
    with pytest.raises(GradientMismatch, match="by x37 "):
        gradcheck(
            lambda: ops.sum([wrong(v) if i == 37 else v * v for i, v in enumerate(leaves)]), leaves
        )


@pytest.mark.parametrize("f", [lambda x: x.log(), lambda x: x.sqrt(), lambda x: 1.0 / x])
def test_a_derivative_that_is_not_finite_is_no_match(f: Callable[[Value], Value]) -> None:
    # At the edge of log and sqrt there is nothing to compare with; at the pole
    # of 1 / x there is, and it does not agree.
    with pytest.raises(ValueError, match=r"inputs\[0\]"):
        gradcheck(f, [0.0])
    with pytest.raises(GradientMismatch, match=r"inputs\[0\]"):
        gradcheck(lambda x: 1.0 / x, [0.0])


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x**3, 0.0),
        (lambda x: x**3, 0.01),
        (lambda x: (x * 100).exp(), 0.1),
        (lambda x: grad(x**3, x), 2.0),
        (lambda x: (x - 40.0).sigmoid() * 1e-3, 0.0),
    ],
)
def test_what_the_differences_get_wrong_is_no_alarm(f: Callable[[Value], Value], x: float) -> None:
    gradcheck(f, [x])


@pytest.mark.parametrize("x", [1e300, 5e-5])
def test_where_no_step_can_be_taken_another_eps_is_asked_for(x: float) -> None:
    with pytest.raises(ValueError, match="choose another eps"):
        gradcheck(lambda x: x.sqrt(), [x])


def test_the_report_has_both_derivatives_and_prints_as_a_table() -> None:
    w, a = Value(0.5, "w"), Value(0.8)
    report = gradcheck(lambda: (w * a).sigmoid(), [w, a], eps=1e-3)
    assert report.eps == 1e-3
    slope = ops.sigmoid(0.4) * (1 - ops.sigmoid(0.4))
    for check, name, factor in zip(report.checks, ["w", "inputs[1]"], [0.8, 0.5], strict=True):
        assert check.name == name
        assert check.analytic == pytest.approx(slope * factor)
        assert check.numeric == pytest.approx(slope * factor, rel=1e-6)
        assert check.numeric != check.analytic
    head, first, second = str(report).splitlines()
    assert head.split() == ["input", "analytic", "numeric", "relative", "error"]
    assert first.split()[:3] == ["w", "0.192209", "0.192209"]
    assert second.startswith("inputs[1]")


def test_the_numeric_derivative_is_the_two_sided_one() -> None:
    # Its error for x^3 is eps^2 exactly; a one-sided one would be off by 3 x eps.
    report = gradcheck(lambda x: x * x * x, [2.0], eps=0.125, tolerance=1.0)
    assert report.checks[0].numeric == 12.0 + 0.125**2


def test_no_inputs_are_no_mismatch() -> None:
    report = gradcheck(lambda: Value(1.0), [])
    assert report.worst == 0.0
    assert str(report).split()[0] == "input"


# Rounding.


def test_a_small_slope_beside_a_large_constant_is_not_called_wrong() -> None:
    # Rounding alone moves 1e8 by 1e-8, and 1e-8 / 1e-4 = 1e-4 drowns this slope.
    report = gradcheck(lambda x: 1e8 + 1e-7 * x, [1.0])
    assert report.checks[0].numeric != pytest.approx(1e-7, rel=0.1)


def test_an_error_above_the_rounding_is_found_beside_a_large_constant() -> None:
    wrong = wrong_square()
    with pytest.raises(GradientMismatch):
        gradcheck(lambda x: 1e8 + 1e3 * wrong(x), [1.0])


def test_a_slope_of_zero_is_right() -> None:
    x, y = Value(1.0), Value(2.0)
    report = gradcheck(lambda: x * 1.0, [x, y])
    assert [c.relative_error for c in report.checks][1] == 0.0


# No trace.


def state(values: list[Value]) -> list[tuple[float, float]]:
    return [(v.data, v.grad) for v in values]


def test_data_and_gradients_are_as_before() -> None:
    x, y = Value(0.1 + 0.2, "x"), Value(3.0)
    inner = y * y
    x.grad, y.grad, inner.grad = 1.0, 2.0, 3.0
    before = state([x, y, inner])
    gradcheck(lambda: x * inner + x.exp(), [x])
    assert state([x, y, inner]) == before


def test_data_and_gradients_are_as_before_after_a_mismatch() -> None:
    wrong = wrong_square()
    x, y = Value(0.3), Value(0.7)
    x.grad = 5.0
    with pytest.raises(GradientMismatch):
        gradcheck(lambda: wrong(x) * y, [x, y])
    assert state([x, y]) == [(0.3, 5.0), (0.7, 0.0)]


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5])
def test_data_and_gradients_are_as_before_when_f_raises(call: int) -> None:
    x, y = Value(0.3), Value(0.7)
    x.grad = 5.0
    calls = 0

    def f() -> Value:
        nonlocal calls
        calls += 1
        if calls == call:
            raise ZeroDivisionError("in f")
        return x * y

    with pytest.raises(ZeroDivisionError, match="in f"):
        gradcheck(f, [x, y])
    assert state([x, y]) == [(0.3, 5.0), (0.7, 0.0)]
    assert (x * y).parents == (x, y)


def test_f_is_called_once_and_then_beside_each_input_at_two_distances() -> None:
    calls = []

    def f(x: Value, y: Value) -> Value:
        calls.append((x.data, y.data))
        return x * y

    gradcheck(f, [1.0, 2.0], eps=0.5)
    by_x = [(1.5, 2.0), (0.5, 2.0), (1.25, 2.0), (0.75, 2.0)]
    by_y = [(1.0, 2.5), (1.0, 1.5), (1.0, 2.25), (1.0, 1.75)]
    assert calls == [(1.0, 2.0), *by_x, *by_y]


# How f is given its inputs.


def test_f_may_take_its_inputs_or_use_them_by_name() -> None:
    x, y = Value(2.0), Value(3.0)
    for f in (
        lambda: x * y,
        lambda a, b: a * b,
        lambda *values: values[0] * values[1],
        ops.mul,
    ):
        assert [c.analytic for c in gradcheck(f, [x, y]).checks] == [3.0, 2.0]


# What is refused.


@pytest.mark.parametrize("name", ["eps", "tolerance"])
@pytest.mark.parametrize("wrong", [0.0, -1e-4, math.inf, -math.inf, math.nan])
def test_a_step_or_tolerance_that_cannot_be_is_refused(name: str, wrong: float) -> None:
    with pytest.raises(
        ValueError, match=f"gradcheck: expected a finite {name} above 0, got {wrong}"
    ):
        gradcheck(lambda x: x, [1.0], **{name: wrong})


def test_a_step_too_small_to_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="choose another eps"):
        gradcheck(lambda x: x * x, [1.0], eps=1e-20)


def test_an_input_that_is_a_result_is_refused() -> None:
    x = Value(1.0)
    y = x * x
    y.label = "y"
    with pytest.raises(ValueError, match="gradcheck: y is no leaf but the result of mul"):
        gradcheck(lambda: y + x, [x, y])


@pytest.mark.parametrize("wrong", [1.0, None, "x", [Value(1.0)]], ids=repr)
def test_f_must_return_a_value(wrong: Any) -> None:
    with pytest.raises(TypeError, match="gradcheck: expected f to return a Value, got "):
        gradcheck(lambda: wrong, [Value(1.0)])


def test_an_input_that_is_no_number_is_refused() -> None:
    with pytest.raises(TypeError, match="real number, got str 'x'"):
        gradcheck(lambda x: x, ["x"])


@pytest.mark.parametrize("wrong", [Value(1.0), 1.0, None], ids=repr)
def test_f_must_be_a_function(wrong: Any) -> None:
    says = f"gradcheck: expected a function as f, got {type(wrong).__name__} "
    with pytest.raises(TypeError, match=says):
        gradcheck(wrong, [Value(1.0)])


@pytest.mark.parametrize("wrong", [1.0, None], ids=repr)
def test_inputs_must_be_a_list(wrong: Any) -> None:
    with pytest.raises(
        TypeError, match="gradcheck: expected a list of Values or numbers as inputs"
    ):
        gradcheck(lambda x: x, wrong)


def test_gradcheck_is_public() -> None:
    assert micrograd.gradcheck is gradcheck
