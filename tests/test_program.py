"""A program as it is used: its arrays, its errors, its parameters, its copies."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import re
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from micrograd import Value, detect_anomaly, no_grad, ops, parameter, vectorize
from micrograd.losses import l2, squared_error
from micrograd.nn import MLP
from tests.recorded import close, leaves, neuron, parameters, seeded
from tests.sources import needs_compiler
from tests.transformer import dot

inf, nan = math.inf, math.nan
Golden = Callable[[str, str], None]


# What is given.


@pytest.mark.parametrize("kind", ["int64", "uint8", "bool", "float32", "float16", "int8"])
def test_arrays_of_any_real_type(kind: str) -> None:
    x, w = leaves("x", 3), parameters("w", 3)
    program = vectorize(dot(w, x), [x], w)
    X = np.array([[0, 1, 1], [1, 1, 0]], dtype=kind)
    out = program(X)
    assert out.dtype == np.float64
    assert out.tolist() == program(X.astype(float)).tolist() == program(X.tolist()).tolist()


def test_arrays_in_any_order_in_memory() -> None:
    net = MLP(6, [5, 2], activation="tanh", rng=seeded())
    x, y = leaves("x", 6), leaves("y", 2)
    program = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 6)), rng.normal(size=(4, 2))
    wide = np.repeat(X, 2, axis=1)
    expected = program.per_sample_grad(X, Y)
    for given in np.asfortranarray(X), wide[:, ::2], X[::-1][::-1], np.broadcast_to(X, X.shape):
        given.flags.writeable = False
        close(program.per_sample_grad(given, Y), expected)


def test_nan_in_one_sample_stays_there() -> None:
    net = MLP(4, [5, 3], activation="sigmoid", output="sigmoid", rng=seeded())
    x, y = leaves("x", 4), leaves("y", 3)
    outputs = vectorize(net(x), [x], frozen=True)
    cost = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    X, Y = np.full((3, 4), 0.5), np.zeros((3, 3))
    clean = outputs(X), cost(X, Y), cost.per_sample_grad(X, Y)
    X[1, 2] = nan
    spoilt = outputs(X), cost(X, Y), cost.per_sample_grad(X, Y)
    for got, expected in zip(spoilt, clean, strict=True):
        np.testing.assert_array_equal(got[[0, 2]], expected[[0, 2]])
        assert np.isnan(got[1]).any()
    assert np.isnan(spoilt[0][1]).all()  # every output sees every input
    value, gradient = cost.value_and_grad(X, Y)
    assert math.isnan(value)
    assert np.isnan(gradient).any()


def test_infinity_goes_through_without_a_warning() -> None:
    x, w = leaves("x", 2), parameters("w", 2)
    program = vectorize((dot(w, x)).exp(), [x], w)
    assert program([[1e308, 1e308], [-inf, 0.0], [inf, 0.0]]).tolist()[1:] == [0.0, inf]


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32")])
def test_float32_all_through(dtype: Any) -> None:
    net = MLP(4, [5, 3], activation="sigmoid", output="sigmoid", rng=seeded())
    x, y = leaves("x", 4), leaves("y", 3)
    cost = squared_error(net(x), y) + l2(net, 0.1)
    program = vectorize(cost, [x, y], net.parameters(), dtype=dtype)
    exact = vectorize(cost, [x, y], net.parameters())
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    assert program.dtype == program.parameters.dtype == np.float32
    value, gradient = program.value_and_grad(X, Y)
    assert type(value) is float
    for got, expected in [
        (program(X, Y), exact(X, Y)),
        (gradient, exact.value_and_grad(X, Y)[1]),
        (program.per_sample_grad(X, Y), exact.per_sample_grad(X, Y)),
    ]:
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
        assert not np.array_equal(got, expected)


def test_numbers_beyond_float32_are_infinite_there_without_a_warning() -> None:
    x, w = Value(1.0, "x"), parameter(1e308, "w")
    program = vectorize(w * x, [x], [w], dtype=np.float32)
    assert program.parameters.tolist() == [inf]
    program.parameters = [-1e308]
    assert program.parameters.tolist() == [-inf]
    program.parameters = [1.0]
    assert program([1e308]).tolist() == [inf]
    assert vectorize(x * 1e308, [x], dtype=np.float32)([1.0]).tolist() == [inf]


def test_constants_are_told_apart_to_the_last_bit() -> None:
    x = leaves("x", 2)
    zeros = vectorize([x[0] / 0.0, x[1] / -0.0], [x])
    assert zeros([[1.0, 1.0]]).tolist() == [[inf, -inf]]
    one = vectorize([x[0] / 0.0, x[0] / -0.0], [x])
    assert one([[1.0, 1.0]]).tolist() == [[inf, -inf]]
    infinite = vectorize([x[0] * inf, x[1] * 2.0], [x])
    assert infinite([[1.0, 1.0]]).tolist() == [[inf, 2.0]]
    assert vectorize(x[0] * -inf, [x])([[1.0, 1.0]]).tolist() == [-inf]
    beyond = vectorize([x[0] * 1e300, x[1] * 2.0], [x], dtype=np.float32)
    assert beyond([[1.0, 1.0]]).tolist() == [[inf, 2.0]]  # and no warning


def test_an_integer_that_was_assigned_to_a_constant() -> None:
    x, c, d = Value(1.0), [Value(2.0), Value(3.0)], [Value(-1.0), Value(-2.0)]
    z = ops.sum([a**b for a, b in zip(c, d, strict=True)]) * x
    for v in c + d:
        v.data = int(v.data)
    program = vectorize(z, [x], frozen=[*c, *d])
    assert program([2.0]).tolist() == [2.0 * (1 / 2 + 1 / 9)]


@pytest.mark.parametrize("kind", ["input", "parameter", "constant"])
def test_what_an_input_is_depends_on_no_kind(kind: str) -> None:
    # A number that a network was called with is a constant until it is made an input.
    x, zero = Value(1.0), Value(0.0)
    zero.kind = kind
    assert vectorize(x + zero, [x, zero])([1.0, 2.0], [10.0, 20.0]).tolist() == [11.0, 22.0]
    program = vectorize(ops.sum([x, zero]), [x], [zero])
    assert program.value_and_grad([1.0])[1].tolist() == [1.0]


def test_constants_keep_the_numbers_they_have() -> None:
    x, c = Value(1.0), Value(2.0)
    program = vectorize(x * c, [x], frozen=[c])
    c.data = 3.0
    assert program([1.0]).tolist() == [2.0]
    # Those that they have when it is vectorised, not when it was recorded.
    twice = x * (c * c).exp() + c
    c.data = 0.0
    assert vectorize(twice, [x], frozen=[c])([5.0]).tolist() == [5.0]


@pytest.mark.parametrize("divisor", [0.0, -0.0])
def test_a_division_of_constants_by_zero(divisor: float) -> None:
    x, w = Value(1.0, "x"), parameter(2.0, "w")
    infinite = Value(1.0) / Value(divisor)
    program = vectorize(x * infinite, [x], frozen=True)
    assert program([1.0]).tolist() == [infinite.data]
    z = w / divisor
    z.backward()
    value, gradient = vectorize(z, [], [w]).value_and_grad()
    assert (value, gradient.tolist()) == (z.data, [w.grad])


# Errors.


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda x, y, w, c: ([], [x, y], w), ValueError, "at least one Value as output, got none"),
        (lambda x, y, w, c: (3.0, [x, y], w), TypeError, "output.*got 3.0"),
        (lambda x, y, w, c: ([c, 3.0], [x], w), TypeError, r"Value as output\[1\], got 3.0"),
        (lambda x, y, w, c: ("cost", [x], w), TypeError, r"Value as output.*got 'c"),
        (
            lambda x, y, w, c: (c, [x, [c]], w),
            ValueError,
            r"inputs\[1\]\[0\], Value.*no leaf",
        ),
        (lambda x, y, w, c: (c, [x, c], w), ValueError, r"inputs\[1\], Value.*no leaf but a"),
        (
            lambda x, y, w, c: (c, [y, x, y], w),
            ValueError,
            r"inputs\[2\], V.*is inputs\[0\] al",
        ),
        (
            lambda x, y, w, c: (c, [x, x[1]], w),
            ValueError,
            r"inputs\[1\], V.*is inputs\[0\]\[1\]",
        ),
        (lambda x, y, w, c: (c, [x, [y, y]], w), ValueError, r"inputs\[1\]\[1\].*inputs\[1\]\[0\]"),
        (lambda x, y, w, c: (c, [x, []], w), ValueError, r"one Value in inputs\[1\], got none"),
        (lambda x, y, w, c: (c, [x, [1.0]], w), TypeError, r"\[1\]\[0\], got 1.0; record with"),
        (lambda x, y, w, c: (c, [x, 1.0], w), TypeError, r"inputs\[1\].*got 1.0"),
        (lambda x, y, w, c: (c, y, w), TypeError, "inputs.*got Value"),
        (lambda x, y, w, c: (c, 1.0, w), TypeError, "inputs.*got 1.0"),
        (lambda x, y, w, c: (c, [x, y], w[0]), TypeError, "parameters.*got Value"),
        (lambda x, y, w, c: (c, [x, y], [1.0]), TypeError, r"Value as parameters\[0\], got 1.0"),
        (lambda x, y, w, c: (c, [x, y], [c]), ValueError, r"parameters\[0\].*is no leaf"),
        (lambda x, y, w, c: (c, [x, y], w + w), ValueError, r"parameters\[2\].*parameters\[0\]"),
        (lambda x, y, w, c: (c, [x, y], x), ValueError, r"parameters\[0\].*is inputs\[0\]\[0\]"),
        (lambda x, y, w, c: (c, [x, y], w, int), TypeError, "float64 or float32 as dtype.*int"),
        (lambda x, y, w, c: (c, [x, y], w, None), TypeError, "as dtype, got None"),
        (lambda x, y, w, c: (c, [x, y], w, ">f8"), TypeError, "as dtype, got '>f8'"),
        (lambda x, y, w, c: (c, [x, y], w, "f8,("), TypeError, "as dtype, got 'f8,"),
        (lambda x, y, w, c: (c, [x, y], w, "float16"), TypeError, "as dtype.*float16"),
        (lambda x, y, w, c: (c, [x, y], w, complex), TypeError, "as dtype.*complex"),
        (lambda x, y, w, c: (c, [x, y], w, "double trouble"), TypeError, "as dtype.*double troub"),
    ],
)
def test_what_cannot_be_vectorised_is_named(arguments: Any, error: Any, message: str) -> None:
    x, y, w, cost = neuron()
    before = [(v.data, v.grad, v.kind, v.label) for v in [*x, y, *w, cost]]
    with pytest.raises(error, match=f"^vectorize: .*{message}"):
        vectorize(*arguments(x, y, w, cost))
    assert [(v.data, v.grad, v.kind, v.label) for v in [*x, y, *w, cost]] == before


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([np.ones((3, 2))], TypeError, r"expected 2 arrays \(X, Y\), got 1"),
        ([], TypeError, r"expected 2 arrays \(X, Y\), got 0"),
        ([np.ones((3, 2)), np.ones(3), np.ones(3)], TypeError, "expected 2 arrays.*got 3"),
        ([np.ones((3, 3)), np.ones(3)], ValueError, r"shape \(batch, 2\) for X, got \(3, 3\)"),
        ([np.ones((3, 2)), np.ones((3, 1))], ValueError, r"\(batch,\) for Y, got \(3, 1\)"),
        ([np.ones(2), np.ones(1)], ValueError, r"shape \(batch, 2\) for X, got \(2,\)"),
        ([np.ones((1, 2)), 1.0], ValueError, r"shape \(batch,\) for Y, got \(\)"),
        ([1.0, np.ones(3)], ValueError, r"shape \(batch, 2\) for X, got \(\)"),
        ([np.ones((3, 2, 1)), np.ones(3)], ValueError, r"for X, got \(3, 2, 1\)"),
        ([np.ones((2, 3)), np.ones(3)], ValueError, r"for X, got \(2, 3\)"),
        ([np.ones((0, 2)), np.ones(0)], ValueError, "at least one sample, X has none"),
        ([[], []], ValueError, r"for X, got \(0,\)"),
        ([np.ones((3, 2)), np.ones(4)], ValueError, "X has 3 samples, but Y has 4"),
        ([np.ones((3, 2)), np.ones(0)], ValueError, "at least one sample, Y has none"),
        ([np.ones((3, 2)) * 1j, np.ones(3)], TypeError, "real numbers for X, got complex128"),
        ([np.ones((3, 2)), np.array(["1"] * 3)], TypeError, "real numbers for Y, got <U1"),
        ([np.full((3, 2), None), np.ones(3)], TypeError, "real numbers for X, got object"),
        ([np.full((3, 2), Fraction(1, 2)), np.ones(3)], TypeError, "real numbers for X"),
        ([np.zeros((3, 2), "M8[s]"), np.ones(3)], TypeError, "real numbers for X, got datetime"),
        ([None, np.ones(3)], TypeError, "real numbers for X, got object"),
        ([[[1.0, 2.0], [3.0]], np.ones(2)], ValueError, "X"),
        ([[[Value(1.0), 2.0]], np.ones(1)], TypeError, "real numbers for X, got object"),
    ],
)
@pytest.mark.parametrize("function", ["", ".value_and_grad", ".per_sample_grad"])
def test_what_cannot_be_computed_is_named(
    arrays: Any, error: Any, message: str, function: str
) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    before = program.parameters.tolist()
    call = getattr(program, function.removeprefix(".") or "__call__")
    with pytest.raises(error, match=f"^Program{re.escape(function)}: .*{message}"):
        call(*arrays)
    assert program.parameters.tolist() == before
    call([[1.0, 2.0]], [3.0])


@pytest.mark.parametrize("function", ["value_and_grad", "per_sample_grad"])
def test_several_outputs_have_no_one_gradient(function: str) -> None:
    x, y, w, cost = neuron()
    program = vectorize([cost, cost], [x, y], w)
    with pytest.raises(TypeError, match=rf"^Program\.{function}: .*several outputs"):
        getattr(program, function)(np.ones((1, 2)), np.ones(1))
    assert "def forward" in program.source
    assert f"def {function}" not in program.source


def test_errors_come_before_anything_is_computed() -> None:
    # The shape of an input that hardly anything depends on is checked as well.
    x, y, w, cost = neuron()
    program = vectorize(cost + 0.0 * (u := Value(0.0, "u")), [x, y, [u]], w)
    with pytest.raises(ValueError, match=r"for U, got \(1, 2\)"):
        program(np.ones((1, 2)), np.ones(1), np.ones((1, 2)))


# Parameters.


def test_a_parameter_that_the_output_does_not_depend_on_has_the_gradient_zero() -> None:
    x, y, w, cost = neuron()
    unused, behind = parameter(5.0, "u"), parameter(6.0, "v")
    assert (behind * cost).data != 0.0  # used elsewhere, but not for the output
    program = vectorize(cost, [x, y], [unused, w[0], behind, w[1]])
    X, Y = np.ones((3, 2)), np.zeros(3)
    _, gradient = program.value_and_grad(X, Y)
    each = program.per_sample_grad(X, Y)
    assert gradient[[0, 2]].tolist() == [0.0, 0.0]
    assert (gradient[[1, 3]] != 0.0).all()
    assert (each[:, [0, 2]] == 0.0).all()
    close(gradient[[1, 3]], vectorize(cost, [x, y], w).value_and_grad(X, Y)[1])


def test_parameters_that_are_not_given_are_constants() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w[:1], frozen=w[1:])
    X, Y = np.ones((3, 2)), np.zeros(3)
    assert program.value_and_grad(X, Y)[1].shape == (1,)
    close(program(X, Y), vectorize(cost, [x, y], w)(X, Y))


def test_the_order_of_parameters_is_the_one_given() -> None:
    x, y, w, cost = neuron()
    X, Y = np.array([[1.0, 2.0]]), np.zeros(1)
    forth, back = (vectorize(cost, [x, y], p) for p in (w, w[::-1]))
    assert back.parameters.tolist() == forth.parameters.tolist()[::-1] == [v.data for v in w[::-1]]
    close(back.value_and_grad(X, Y)[1], forth.value_and_grad(X, Y)[1][::-1])


def test_parameters_are_one_array_that_is_changed_in_place() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    array = program.parameters
    X, Y = np.ones((3, 2)), np.zeros(3)
    first, gradient = program.value_and_grad(X, Y)
    before = array.copy()
    program.parameters -= 0.1 * gradient
    assert program.parameters is array
    close(array, before - 0.1 * gradient)
    assert program.value_and_grad(X, Y)[0] < first
    program.parameters[0] = 7.0
    program.parameters *= 2
    assert array[0] == 14.0
    program.parameters = [1, 2]
    assert program.parameters is array
    assert array.tolist() == [1.0, 2.0]
    program.parameters = array[::-1]
    assert array.tolist() == [2.0, 1.0]
    given = np.array([3.0, 4.0])
    program.parameters = given
    given[0] = 0.0
    assert array.tolist() == [3.0, 4.0]
    assert [v.data for v in w] == before.tolist()  # until to_values


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([1.0], ValueError, r"expected 2 numbers, got .*\(1,\)"),
        ([1.0, 2.0, 3.0], ValueError, r"expected 2 numbers, got .*\(3,\)"),
        (1.0, ValueError, r"expected 2 numbers, got .*\(\)"),
        ([[1.0, 2.0]], ValueError, r"expected 2 numbers, got .*\(1, 2\)"),
        ([1.0, 2j], (TypeError, ValueError), "expected 2 numbers, got .*complex"),
        (["1", "2"], (TypeError, ValueError), "expected 2 numbers, got .*U1"),
        ([1.0, None], (TypeError, ValueError), "expected 2 numbers, got .*object"),
        (None, (TypeError, ValueError), "expected 2 numbers, got .*object"),
        ([[1.0], [2.0, 3.0]], (TypeError, ValueError), "expected 2 numbers"),
    ],
)
def test_what_cannot_be_parameters_is_refused_and_nothing_changes(
    given: Any, error: Any, message: str
) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    array, before = program.parameters, program.parameters.tolist()
    with pytest.raises(error, match=rf"^Program\.parameters: {message}"):
        program.parameters = given
    assert program.parameters is array
    assert array.tolist() == before


def test_a_step_of_the_wrong_length_changes_nothing() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    before = program.parameters.tolist()
    with pytest.raises(ValueError, match="broadcast"):
        program.parameters -= np.ones(3)
    assert program.parameters.tolist() == before


def test_numbers_are_taken_from_the_values_and_written_to_them() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    w[0].data, w[1].data = 3, np.float32(0.5)
    assert program.parameters.tolist() != [3.0, 0.5]
    program.from_values()
    assert program.parameters.tolist() == [3.0, 0.5]
    program.parameters = [0.1, -0.2]
    grads = [v.grad for v in w]
    program.to_values()
    assert [v.data for v in w] == [0.1, -0.2]
    assert {type(v.data) for v in w} == {float}
    assert [v.grad for v in w] == grads
    # And the engine goes on from there.
    close(program([[1.0, 2.0]], [3.0]), squared_error(dot(w, [Value(1.0), Value(2.0)]), 3.0).data)


def test_float32_numbers_become_python_floats() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w, dtype=np.float32)
    program.to_values()
    assert {type(v.data) for v in w} == {float}
    assert [v.data for v in w] == program.parameters.tolist()


@pytest.mark.parametrize("wrong", [None, "one", 2j, [1.0]])
def test_numbers_that_are_none_are_not_half_taken(wrong: Any) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    before = program.parameters.tolist()
    w[0].data, w[1].data = 5.0, wrong
    with pytest.raises((TypeError, ValueError)):
        program.from_values()
    assert program.parameters.tolist() == before


# A Program as an object.


def test_the_graph_is_not_kept() -> None:
    x, y, w, cost = neuron()
    reference = weakref.ref(cost)
    program = vectorize(cost, [x, y], w)
    del cost
    gc.collect()
    assert reference() is None
    assert program.source


def test_the_graph_is_not_changed() -> None:
    x, y, w, cost = neuron()
    cost.backward()
    before = [(v.data, v.grad, v.label, v.kind) for v in [*x, y, *w, cost]]
    program = vectorize(cost, [x, y], w)
    program.value_and_grad([[5.0, 6.0]], [7.0])
    assert [(v.data, v.grad, v.label, v.kind) for v in [*x, y, *w, cost]] == before
    cost.zero_grad()
    cost.backward()
    assert [v.grad for v in w] == [b[1] for b in before[3:5]]


def test_one_graph_gives_one_program() -> None:
    x, y, w, cost = neuron()
    one, other = (vectorize(cost, [x, y], w) for _ in range(2))
    assert one.source == other.source == one.source
    # Whatever was called first.
    other = vectorize(cost, [x, y], w)
    other.per_sample_grad([[1.0, 2.0]], [3.0])
    other([[1.0, 2.0]], [3.0])
    assert sorted(other.source.splitlines()) == sorted(one.source.splitlines())
    other.parameters[...] = 0.0
    assert one.parameters.tolist() == [v.data for v in w]


def test_recording_modes_are_of_no_concern_to_it() -> None:
    x, y, w, cost = neuron()
    expected = vectorize(cost, [x, y], w).value_and_grad([[1.0, 2.0]], [3.0])
    for mode in no_grad, detect_anomaly:
        with mode():
            value, gradient = vectorize(cost, [x, y], w).value_and_grad([[1.0, 2.0]], [3.0])
        assert (value, gradient.tolist()) == (expected[0], expected[1].tolist())


def test_a_copy_has_parameters_of_its_own() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    for copied in copy.deepcopy(program), pickle.loads(pickle.dumps(program)):
        copied.parameters[...] = 9.0
        copied.to_values()
        assert program.parameters.tolist() == [v.data for v in w]
        copied.parameters -= 1.0
        copied.from_values()
        assert copied.parameters.tolist() == [9.0, 9.0]
        assert repr(copied) == repr(program)
        copied.parameters = program.parameters
        X, Y = np.ones((2, 2)), np.zeros(2)
        assert copied(X, Y).tolist() == program(X, Y).tolist()
        with pytest.raises(ValueError, match="for X"):
            copied(Y, X)


def test_pickled_with_its_values_it_still_writes_to_them() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    copied, values = pickle.loads(pickle.dumps((program, w)))
    copied.parameters = [8.0, 9.0]
    copied.to_values()
    assert [v.data for v in values] == [8.0, 9.0]
    assert [v.data for v in w] != [8.0, 9.0]


def test_a_pickle_is_as_exact_however_arrays_are_printed() -> None:
    x = leaves("x", 3)
    odd = ops.affine([v.exp() for v in x], [1 / 3, 2 / 3, nan], 0.0)
    program = vectorize(odd, [x])
    odd = vectorize(ops.sum([v * c for v, c in zip(x, (1 / 3, -0.0, 1e-300), strict=True)]), [x])
    options = {"precision": 2, "suppress": True, "sign": "+", "threshold": 2, "nanstr": "?"}
    with np.printoptions(**options, formatter={"float_kind": "{:.1f}".format}):
        copies = pickle.loads(pickle.dumps([program, odd]))
    X = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(copies[0](X), program(X))
    np.testing.assert_array_equal(copies[1](X), odd(X))


def test_repr_says_what_it_takes() -> None:
    x, y, w, cost = neuron()
    assert repr(vectorize(cost, [x, y], w)) == "<Program (X, Y), 2 parameters, float64>"


# Other parameters, and the gradient by the inputs.


def test_several_programs_share_one_array_of_parameters() -> None:
    x, y, w, cost = neuron()
    program, outputs = vectorize(cost, [x, y], w), vectorize(dot(w, x), [x], w)
    theta = np.array([0.25, -1.5])
    expected = vectorize(cost, [x, y], w)
    expected.parameters = theta
    X, Y = [[1.0, 2.0], [0.5, -1.0]], [1.0, 0.0]
    before = program.parameters.copy()
    value, gradient = program.value_and_grad(X, Y, parameters=theta)
    assert value == expected.value_and_grad(X, Y)[0]
    assert gradient.tolist() == expected.value_and_grad(X, Y)[1].tolist()
    assert program.parameters.tolist() == before.tolist()
    assert program._numbers(theta) is theta  # it is not copied
    assert outputs.value_and_grad(X, parameters=[0.25, -1.5])[0] == np.mean(np.dot(X, theta))
    for wrong in ([1.0], "ab", [[1.0, 2.0]], [1j, 2.0]):
        with pytest.raises(ValueError, match=r"^Program.parameters: expected 2 numbers, got "):
            program.value_and_grad(X, Y, parameters=wrong)


def test_parameters_that_were_resized_are_no_longer_read() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    program.parameters.resize(1, refcheck=False)
    with pytest.raises(ValueError, match=r"^Program.value_and_grad: expected 2 parameters, the ar"):
        program.value_and_grad([[1.0, 2.0]], [0.0])
    with pytest.raises(ValueError, match=r"^Program.parameters: expected 2 numbers"):
        program.parameters = program.parameters


def test_the_gradient_by_the_inputs_is_the_engines() -> None:
    net = MLP(3, [4, 2], activation="tanh", rng=seeded())
    x, y = leaves("x", 3), Value(0.5, "y")
    a, b = net(x)
    program = vectorize(squared_error([a * y, b], [0.5, 0.25]), [x, y], net.parameters())
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 3)), rng.normal(size=4)
    for each in (program, pickle.loads(pickle.dumps(program))):
        dX, dY = each.input_grad(X, Y)
        assert (dX.shape, dY.shape) == ((4, 3), (4,))
        for i in range(4):
            inputs = [Value(v) for v in X[i].tolist()]
            target = Value(float(Y[i]))
            a, b = net(inputs)
            squared_error([a * target, b], [0.5, 0.25]).backward()
            close(dX[i], [v.grad for v in inputs])
            close(dY[i], target.grad)
    assert "input_grad" not in program.source
    assert vectorize(x[0] * x[1], [x[:2]]).input_grad([[2.0, 3.0]]).tolist() == [[3.0, 2.0]]


def test_there_is_no_gradient_by_inputs_without_them() -> None:
    w = parameter(2.0)
    with pytest.raises(TypeError, match=r"^Program\.input_grad: the program has no inputs"):
        vectorize(w * w, [], [w]).input_grad()
    x = leaves("x", 2)
    with pytest.raises(TypeError, match=r"^Program\.input_grad: the program has several outputs"):
        vectorize([x[0], x[1]], [x]).input_grad([[1.0, 2.0]])


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=needs_compiler)])
@pytest.mark.parametrize(("dtype", "large"), [("float64", 1e308), ("float32", 2e38)])
def test_a_mean_that_is_a_number_is_one_though_the_sum_overflows(
    dtype: str, large: float, compiled: bool
) -> None:
    x, w, b = Value(0.0), parameter(1.0), parameter(0.0)
    program = vectorize(w * x + b, [x], [w, b], dtype=dtype)
    if compiled:
        program.compile()
    value, gradient = program.value_and_grad(np.full(4, large, dtype))
    assert float(value) == pytest.approx(large)
    assert gradient.tolist() == pytest.approx([large, 1.0])
