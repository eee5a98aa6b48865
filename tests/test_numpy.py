"""Arrays of numbers and of Values beside Values: element by element, as Python's operators are."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import Value, maximum, ops, squared_error
from micrograd.nn import Neuron

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


def data(array: Any) -> list[float]:
    return [v.data if isinstance(v, Value) else v for v in np.ravel(array)]


@pytest.mark.parametrize("operate", BINARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", ["numbers", "integers", "values", "matrix"])
def test_every_operator_takes_arrays_on_either_side(operate: Any, kind: str) -> None:
    numbers = np.array({"matrix": [[1.5, 2.0], [3.0, 0.5]]}.get(kind, [1.5, 2.0]))
    if kind == "integers":
        numbers = np.array([3, 2])
    array = numbers
    if kind == "values":
        array = np.array([Value(x) for x in numbers])
    v = Value(1.25)
    for got, expected in (
        (operate(array, v), operate(numbers.astype(float), 1.25)),
        (operate(v, array), operate(1.25, numbers.astype(float))),
    ):
        assert isinstance(got, np.ndarray)
        assert got.dtype == object
        assert got.shape == numbers.shape
        assert all(type(x) is Value for x in got.ravel())
        assert data(got) == expected.ravel().tolist()
    v.grad = 0.0
    (array + v).sum().backward()
    assert v.grad == numbers.size


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (np.exp, np.exp),
        (np.log, lambda x: 1 / x),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
        (np.sin, np.cos),
        (np.cos, lambda x: -np.sin(x)),
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
        (np.abs, np.sign),
        (np.square, lambda x: 2 * x),
        (np.negative, lambda x: -1.0 + 0 * x),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_functions_of_numpy_are_recorded(function: Any, slope: Callable[..., Any]) -> None:
    for number in (0.5, 2.0):
        v = Value(number)
        out = function(v)
        assert type(out) is Value
        out.backward()
        assert (out.data, v.grad) == pytest.approx((function(number), slope(number)), rel=1e-15)
    a = np.array([Value(0.5), Value(2.0)])
    assert data(function(a)) == pytest.approx(function(np.array([0.5, 2.0])).tolist(), rel=1e-15)


def test_sums_means_products_and_the_largest() -> None:
    values = [Value(1.0), Value(3.0), Value(2.0)]
    a = np.array(values)
    assert (a.sum().data, a.mean().data, a.prod().data, a.max().data) == (6.0, 2.0, 6.0, 3.0)
    assert a.max() is values[1]
    assert data(a / a.sum()) == [1 / 6, 3 / 6, 2 / 6]
    assert data(a - a.max()) == [-2.0, 0.0, -1.0]
    assert (a @ a).data == np.dot(a, a).data == 14.0
    assert data(a[None] @ np.ones((3, 2))) == [6.0, 6.0]
    (a @ a).backward()
    assert [v.grad for v in values] == [2.0, 6.0, 4.0]


def test_scalars_of_numpy_make_values() -> None:
    v = Value(2.0)
    for number in (np.float64(3.0), np.float32(3.0), np.int64(3), np.uint8(3), np.bool_(True)):
        for out in (number * v, v * number, number - v, v**number):
            assert type(out) is Value
            assert out.parents


def test_rows_of_the_table_take_arrays_of_values() -> None:
    v, a = Value(2.0), np.array([Value(1.0), Value(3.0)])
    assert data(micrograd.exp(a)) == [np.exp(1.0), np.exp(3.0)]
    assert (
        data(maximum(v, np.array([1.0, 5.0]))) == data(maximum(np.array([1.0, 5.0]), v)) == [2, 5]
    )
    assert data(maximum(a, a[::-1])) == [3.0, 3.0]
    assert data(squared_error(a, 1.0)) == [0.0, 4.0]
    assert ops.sum(a).data == 4.0
    assert ops.affine(a, a, v).data == 12.0
    numbers = ops.exp(np.array([0.0, 1.0]))
    assert numbers.dtype == np.float64
    with pytest.raises(TypeError, match="str"):
        micrograd.exp(np.array([v, "x"], dtype=object))
    with pytest.raises(TypeError, match="cut the graph"):
        ops.sum(np.array([[v, v]]))


@pytest.mark.parametrize(
    "cut",
    [
        lambda v: np.array([v], float),
        lambda v: np.array([v, v]).astype(float),
        lambda v: np.zeros(1).__setitem__(0, v),
        lambda v: np.add(np.ones(2), v, out=np.ones(2)),
        lambda v: np.float64(v),
        lambda v: np.full(3, v, float),
        lambda v: np.floor(v),
        lambda v: np.arctan(v),
        lambda v: np.logaddexp(v, 1.0),
        lambda v: np.hypot(v, v),
        lambda v: np.dot(np.ones(2), np.array([v, v]), out=np.zeros(())),
    ],
)
def test_what_would_cut_the_graph_is_an_error(cut: Any) -> None:
    with pytest.raises((TypeError, AttributeError, ValueError)):
        cut(Value(2.0))


def test_in_place_into_an_array_of_numbers_is_an_error_and_changes_nothing() -> None:
    numbers = np.ones(2)
    with pytest.raises(TypeError, match="Cannot cast"):
        numbers *= Value(2.0)
    assert numbers.tolist() == [1.0, 1.0]


def test_comparisons_are_element_by_element() -> None:
    v = Value(1.5)
    assert (np.array([1.0, 2.0]) < v).tolist() == [True, False]
    assert (v < np.array([1.0, 2.0])).tolist() == [False, True]
    assert (np.array([v, Value(3.0)]) >= 2.0).tolist() == [False, True]


def test_inputs_of_a_neuron() -> None:
    n = Neuron(2)
    expected = n([1.0, 2.0]).data
    for x in (np.array([1.0, 2.0]), np.array([1, 2]), np.array([Value(1.0), Value(2.0)])):
        assert n(x).data == expected
