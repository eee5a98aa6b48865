"""softmax, log_softmax, logsumexp, mean and cross_entropy: stable, and not frozen in a program."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd
from micrograd import (
    Value,
    grad,
    gradcheck,
    log_softmax,
    logsumexp,
    mean,
    parameter,
    softmax,
    vectorize,
)
from micrograd.losses import cross_entropy
from micrograd.program import Program
from micrograd.several import LARGEST, SHIFT
from tests.compiling import together
from tests.sources import needs_compiler
from viz import draw, page

inf, nan = math.inf, math.nan

# From a list of Values to a list of them.
FUNCTIONS: dict[str, Any] = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "logsumexp": lambda z: [logsumexp(z)],
    "mean": lambda z: [mean(z)],
    "cross_entropy": lambda z: [cross_entropy(z, 0)],
    "cross_entropy by shares": lambda z: [cross_entropy(z, [1.0 / len(z)] * len(z))],
}
EVERY = pytest.mark.parametrize("name", list(FUNCTIONS))

SPECIAL = [0.0, -0.0, 1.0, -1e3, 1e3, 1e30, -1e30, 709.9, -745.2, 1e308, inf, -inf, nan]
numbers = st.one_of(st.sampled_from(SPECIAL), st.floats(-5.0, 5.0))
rows = st.integers(1, 5).flatmap(
    lambda k: st.lists(
        st.one_of(st.lists(numbers, min_size=k, max_size=k), numbers.map(lambda x: [x] * k)),
        min_size=1,
        max_size=4,
    )
)


def exactly(name: str, z: list[float]) -> list[Any]:
    """What it is, to 50 digits."""
    x = [mpmath.mpf(v) for v in z]
    total = mpmath.fsum(mpmath.exp(v - max(x)) for v in x)
    lse = max(x) + mpmath.log(total)
    return {
        "softmax": [mpmath.exp(v - max(x)) / total for v in x],
        "log_softmax": [v - lse for v in x],
        "logsumexp": [lse],
        "mean": [mpmath.fsum(x) / len(x)],
        "cross_entropy": [lse - x[0]],
        "cross_entropy by shares": [lse - mpmath.fsum(x) / len(x)],
    }[name]


def near(got: float, expected: float, scale: float = 1.0) -> bool:
    if math.isnan(got) or math.isnan(expected):
        return math.isnan(got) and math.isnan(expected)
    return got == expected or abs(got - expected) <= 1e-13 * abs(expected) + 1e-15 * scale


@EVERY
@given(z=st.lists(st.floats(-700.0, 700.0), min_size=1, max_size=6))
def test_the_number_is_the_exact_one(name: str, z: list[float]) -> None:
    got = FUNCTIONS[name]([Value(x) for x in z])
    # A difference has the rounding of what it is taken of.
    scale = 0.0 if name == "softmax" else 4.0 * max(1.0, *map(abs, z))
    for v, expected in zip(got, exactly(name, z), strict=True):
        assert abs(v.data - expected) <= 1e-12 * abs(expected) + 1e-15 * scale + 1e-323


@EVERY
def test_the_derivatives_are_those_of_differences(name: str) -> None:
    for k in range(2 if name == "softmax" else 1):
        gradcheck(lambda *z: FUNCTIONS[name](z)[k] * 1.5, [0.3, -1.2, 0.8])  # noqa: B023
    if name != "mean":
        return
    z = [Value(1.0), Value(3.0)]
    mean(z).backward()
    assert [v.grad for v in z] == [0.5, 0.5]


def test_second_derivatives_are_right_too() -> None:
    z = [Value(0.3), Value(-1.2), Value(0.8)]
    p = [v.data for v in softmax(z)]
    first = grad(logsumexp(z), z)
    assert [g.data for g in first] == pytest.approx(p)
    second = [[d.data for d in grad(g, z)] for g in first]
    expected = [[p[i] * ((i == j) - p[j]) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(second, expected, atol=1e-15)


@pytest.mark.parametrize(
    ("z", "cost"),
    [([0.0, 1000.0, 0.0], 1000.0), ([-1000.0] * 3, math.log(3.0)), ([1e30, 1e30], math.log(2.0))],
)
def test_the_cross_entropies_that_were_infinite(z: list[float], cost: float) -> None:
    values = [Value(x) for x in z]
    entropy = cross_entropy(values, 0)
    entropy.backward()
    assert entropy.data == pytest.approx(cost, rel=1e-15)
    recorded = [parameter(x) for x in (0.1, 0.2, 0.3)[: len(z)]]
    program = vectorize(cross_entropy(recorded, 0), [], recorded)
    program.parameters = z
    value, gradient = program.value_and_grad()
    assert (value, gradient.tolist()) == (entropy.data, [v.grad for v in values])


def programs(name: str, size: int) -> tuple[Program, Program]:
    """Of the outputs, recorded at one sample, and of a sum of them."""
    z = [Value(0.1 * k) for k in range(size)]
    shift = [parameter(0.0, f"s_{{{k}}}") for k in range(size)]
    outputs = FUNCTIONS[name]([v + s for v, s in zip(z, shift, strict=True)])
    cost = sum(outputs[1:], outputs[0] * 2.0)
    return vectorize(outputs, [z], shift), vectorize(cost, [z], shift)


def check(name: str, batch: list[list[float]], program: Program, cost: Program) -> None:
    """Programs against the engine on other samples, the derivatives too."""
    given, slopes = program(batch), cost.per_sample_grad(batch)
    for row, out, gradient in zip(batch, given.tolist(), slopes.tolist(), strict=True):
        leaves = [Value(x) for x in row]
        expected = FUNCTIONS[name](leaves)
        finite = [abs(x) for x in row if math.isfinite(x)]
        for got, v in zip(out, expected, strict=True):
            assert near(got, v.data, 0.0 if name == "softmax" else max(finite, default=0.0)), row
        sum(expected[1:], expected[0] * 2.0).backward()
        for got, v in zip(gradient, leaves, strict=True):
            assert near(got, v.grad), (row, gradient, [v.grad for v in leaves])


@EVERY
@given(batch=rows)
def test_a_program_agrees_with_the_engine_on_every_input(
    name: str, batch: list[list[float]]
) -> None:
    check(name, batch, *programs(name, len(batch[0])))


@needs_compiler
@EVERY
def test_a_compiled_program_agrees_too(name: str) -> None:
    both = {k: programs(name, k) for k in (1, 2, 4)}
    with together():
        for program, cost in both.values():
            program.compile()
            cost.compile()
    for k in both:
        batch = [[SPECIAL[(i * j + j) % len(SPECIAL)] for j in range(k)] for i in range(13)]
        check(name, [*batch, *([x] * k for x in SPECIAL)], *both[k])


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=needs_compiler)])
def test_lists_of_different_lengths_and_from_different_places(compiled: bool) -> None:
    # One reduction for all of a level; terms of one list from several arrays.
    w = [[parameter(math.sin(3.0 * i + j), f"w_{{{i}{j}}}") for j in range(i)] for i in (1, 2, 4)]
    x = [Value(0.5, "x_0"), Value(-0.5, "x_1")]
    mixed = [w[2][0], x[0], x[1] * w[0][0], 1.5]

    def record(*z: Value) -> Any:
        a, b = z
        return sum(
            (logsumexp(row) * softmax([*row, a])[0] for row in w),
            log_softmax([w[2][0], a, b * w[0][0], 1.5])[1] + softmax(row_of(a, b))[2],
        )

    def row_of(a: Value, b: Value) -> list[Any]:
        return [a, b, a * b]

    parameters = [p for row in w for p in row]
    program = vectorize(record(*x), x, parameters)
    assert len(mixed) == 4
    if compiled:
        program.compile()
    rng = np.random.default_rng(0)
    for scale in (1.0, 30.0, 1000.0):
        arrays = list(scale * rng.normal(size=(2, 7)))
        program.parameters = scale * rng.normal(size=len(parameters))
        assert program.check(record, *arrays) < 1e-9


@pytest.mark.parametrize("row", [LARGEST, SHIFT], ids=lambda row: row.name)
def test_what_is_taken_off_is_the_same_of_numbers_and_of_arrays(row: Any) -> None:
    for x in SPECIAL:
        for y in SPECIAL:
            for numbers_ in ([x], [x, y], [y, 0.0, x]):
                one = row(numbers_)
                several = row([np.array([v, v]) for v in numbers_]).tolist()
                assert np.array_equal([one, one], several, equal_nan=True), numbers_
                assert one in numbers_ or one != one or (row is SHIFT and one == 0.0)


def test_float32() -> None:
    z = [Value(0.0), Value(1.0)]
    program = vectorize(logsumexp(z), [z], dtype=np.float32)
    assert program([[100.0, 0.0], [-200.0, -200.0], [inf, 0.0]]).tolist() == pytest.approx(
        [100.0, -200.0 + math.log(2.0), inf]
    )


def test_what_is_taken_off_is_worked_out_anew_after_a_pickle_and_a_copy() -> None:
    z = [Value(0.0, "z_0"), Value(1.0, "z_1")]
    for cost, leaves in (
        pickle.loads(pickle.dumps((cross_entropy(z, 0), z))),
        copy.deepcopy((cross_entropy(z, 0), z)),
    ):
        program = vectorize(cost, [leaves])
        assert program([[0.0, 1000.0], [1000.0, 0.0]]).tolist() == [1000.0, 0.0]


def test_values_that_depend_on_nothing_are_constants() -> None:
    x, c = Value(1.0, "x"), [Value(2.0), Value(3.0)]
    program = vectorize(x * logsumexp(c), [x], frozen=c)
    assert program([2.0])[0] == pytest.approx(2.0 * logsumexp(c).data)
    assert "max" not in program.source


def test_pictures_have_no_more_than_the_numbers() -> None:
    z = [Value(0.5, "z_0"), Value(-0.5, "z_1")]
    cost = cross_entropy(z, 1)
    assert "max" not in draw(cost).source
    assert page(cost).html


@pytest.mark.parametrize("function", [softmax, log_softmax, logsumexp, mean])
def test_wrong_arguments_are_named(function: Any) -> None:
    name = function.__name__
    with pytest.raises(ValueError, match=f"^{name}: expected at least one Value"):
        function([])
    with pytest.raises(TypeError, match=f"^{name}: expected a list of Values, got Value"):
        function(Value(1.0))
    with pytest.raises(TypeError, match=rf"^{name}: .*values\[1\], got str 'x'"):
        function([Value(1.0), "x"])
    assert getattr(micrograd, name) is function


@EVERY
def test_numbers_arrays_and_iterators(name: str) -> None:
    if "cross" in name:
        return
    expected = [v.data for v in FUNCTIONS[name]([Value(1.0), Value(2.0)])]
    for given_ in ([1, 2], np.array([1.0, 2.0]), iter([Value(1.0), 2.0]), (Value(1.0), 2)):
        assert [v.data for v in FUNCTIONS[name](given_)] == expected


def test_pytorch_agrees() -> None:
    torch = pytest.importorskip("torch")
    for z in ([0.0, 1000.0, 0.0], [-1000.0] * 3, [1e30, 1e30], [inf, 0.0], [-inf, 0.0], [-inf] * 2):
        t = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        for ours, theirs in (
            (softmax, lambda t: torch.softmax(t, 0)),
            (log_softmax, lambda t: torch.log_softmax(t, 0)),
            (lambda v: [logsumexp(v)], lambda t: torch.logsumexp(t, 0)[None]),
        ):
            got = [v.data for v in ours([Value(x) for x in z])]
            assert all(map(near, got, theirs(t).tolist())), (z, got)
