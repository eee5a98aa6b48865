"""Gradient descent and Adam: step by step by hand, and beside PyTorch."""

from __future__ import annotations

import io
import math
import warnings
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from micrograd import Value
from micrograd.nn import MLP
from micrograd.optim import SGD, Adam

GRADIENTS = [1.0, -0.5, 0.0, 2.0, 1e-3]


def path(optimiser: Any, gradients: list[float] = GRADIENTS) -> list[float]:
    """Where the first parameter goes, given its gradients."""
    (p, *_), out = optimiser.parameters, []
    for g in gradients:
        p.grad = g
        optimiser.step()
        out.append(p.data)
    return out


def test_sgd_steps_against_the_gradient() -> None:
    p, q = Value(1.0), Value(-2.0)
    sgd = SGD([p, q], lr=0.1)
    p.grad, q.grad = 3.0, -4.0
    sgd.step()
    assert (p.data, q.data) == (1.0 - 0.1 * 3.0, -2.0 + 0.1 * 4.0)
    assert (p.grad, q.grad) == (3.0, -4.0)


def test_momentum_remembers_by_hand() -> None:
    expected, x, v = [], 1.0, 0.0
    for g in GRADIENTS:
        v = 0.9 * v + g
        x -= 0.1 * v
        expected.append(x)
    assert path(SGD([Value(1.0)], lr=0.1, momentum=0.9)) == expected


def test_adam_by_hand() -> None:
    expected, x, m, s = [], 1.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, start=1):
        m = 0.8 * m + 0.2 * g
        s = 0.95 * s + 0.05 * g * g
        x -= 0.1 * (m / (1 - 0.8**t)) / (math.sqrt(s / (1 - 0.95**t)) + 1e-3)
        expected.append(x)
    adam = Adam([Value(1.0)], lr=0.1, betas=(0.8, 0.95), eps=1e-3)
    assert path(adam) == pytest.approx(expected, rel=1e-14)
    assert adam.steps == len(GRADIENTS)


@pytest.mark.parametrize("gradient", [5.0, -5.0, 1e-3, 1e3])
def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient(gradient: float) -> None:
    (x,) = path(Adam([Value(0.0)], lr=0.01), [gradient])
    assert x == pytest.approx(-math.copysign(0.01, gradient), rel=1e-4)


@pytest.mark.parametrize(
    ("ours", "name", "options"),
    [
        (SGD, "SGD", {"lr": 0.1}),
        (SGD, "SGD", {"lr": 0.1, "momentum": 0.9}),
        (Adam, "Adam", {}),
        (Adam, "Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-4}),
    ],
)
def test_the_path_is_that_of_torch(ours: Any, name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    t = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    theirs = getattr(torch.optim, name)([t], **options)
    expected = []
    for g in GRADIENTS:
        t.grad = torch.tensor(g, dtype=torch.float64)
        theirs.step()
        expected.append(t.item())
    assert path(ours([Value(1.0)], **options)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    "make",
    [lambda p: SGD(p, 0.1), lambda p: SGD(p, 0.05, momentum=0.5), lambda p: Adam(p, 0.05)],
    ids=["plain", "momentum", "Adam"],
)
def test_each_of_them_finds_the_bottom_of_a_bowl(make: Any) -> None:
    x, y = Value(3.0), Value(-2.0)
    optimiser = make([x, y])
    for _ in range(500):
        optimiser.zero_grad()
        ((x - 1.0) ** 2 + 2.0 * (y + 0.5) ** 2).backward()
        optimiser.step()
    assert (x.data, y.data) == pytest.approx((1.0, -0.5), abs=1e-4)


def test_zero_grad_is_for_the_parameters() -> None:
    net = MLP(2, [2, 1])
    optimiser = SGD(iter(net.parameters()), 0.1)
    assert optimiser.parameters == net.parameters()
    net([1.0, 2.0]).backward()
    optimiser.zero_grad()
    assert {p.grad for p in net.parameters()} == {0.0}


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_the_learning_rate_may_change_between_steps(kind: Any) -> None:
    optimiser = kind([Value(1.0)], lr=0.5)
    optimiser.lr = 0.0
    assert path(optimiser) == [1.0] * len(GRADIENTS)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_parameter_stays_a_float_when_the_learning_rate_is_a_numpy_number(kind: Any) -> None:
    # np.linspace gives such rates. A NumPy number as data would be slow, and
    # would warn where a float is silently infinite.
    optimiser = kind([Value(1.0)], lr=np.float64(0.5))
    optimiser.lr = np.linspace(0.5, 0.1, 3)[1]
    assert {type(x) for x in path(optimiser)} == {float}


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("lr", [-0.1, math.inf, math.nan])
def test_a_learning_rate_that_cannot_be_is_refused(kind: Any, lr: float) -> None:
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected lr at least 0 and finite"):
        kind([Value(1.0)], lr)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_what_cannot_be_a_parameter_is_refused(kind: Any) -> None:
    x = Value(1.0)
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected at least one parameter"):
        kind([], 0.1)
    with pytest.raises(TypeError, match=r"expected a Value as parameters\[1\], got 2.0"):
        kind([x, 2.0], 0.1)
    with pytest.raises(ValueError, match=r"parameters\[1\], .*, is no leaf"):
        kind([x, x * x], 0.1)


@pytest.mark.parametrize("momentum", [-0.1, 1.0, math.nan])
def test_a_momentum_that_cannot_be_is_refused(momentum: float) -> None:
    with pytest.raises(ValueError, match="SGD: expected momentum at least 0 and below 1"):
        SGD([Value(1.0)], 0.1, momentum=momentum)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"betas": (1.0, 0.9)}, r"betas\[0\] at least 0 and below 1"),
        ({"betas": (0.9, -0.1)}, r"betas\[1\] at least 0 and below 1"),
        ({"eps": 0.0}, "a finite eps above 0"),
        ({"eps": math.inf}, "a finite eps above 0"),
    ],
)
def test_options_of_adam_that_cannot_be_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"Adam: expected {says}"):
        Adam([Value(1.0)], 0.1, **options)


MAKERS = {
    "plain": lambda p: SGD(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.05, momentum=0.9),
    "Adam": lambda p: Adam(p, lr=0.1),
    "Adam, other options": lambda p: Adam(p, lr=0.3, betas=(0.5, 0.9), eps=1e-4),
}
each = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def by_hand(name: str, x: float, gradients: list[float]) -> float:
    """The formulas once more, with one number after the other."""
    lr, beta1, beta2, eps = {"Adam": (0.1, 0.9, 0.999, 1e-8)}.get(name, (0.3, 0.5, 0.9, 1e-4))
    m = s = 0.0
    for t, g in enumerate(gradients, 1):
        if "Adam" in name:
            m = beta1 * m + (1.0 - beta1) * g
            s = beta2 * s + (1.0 - beta2) * g * g
            x -= lr * (m / (1.0 - beta1**t)) / (math.sqrt(s / (1.0 - beta2**t)) + eps)
        else:
            m = (0.9 if name == "momentum" else 0.0) * m + g
            x -= (0.05 if name == "momentum" else 0.1) * m
    return x


@pytest.mark.parametrize("name", MAKERS)
@given(
    gradients=arrays.arrays(
        np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats()
    )
)
def test_values_an_array_and_the_formula_by_hand_agree_in_every_bit(
    name: str, gradients: np.ndarray
) -> None:
    """Whatever the gradients are, infinite and nan included."""
    start = np.linspace(-1.0, 2.0, gradients.shape[1])
    values, array = [Value(x) for x in start], start.copy()
    by_value, by_array = MAKERS[name](values), MAKERS[name](array)
    for g in gradients:
        for v, x in zip(values, g, strict=True):
            v.grad = float(x)
        by_value.step()
        before = g.copy()
        by_array.step(g)
        assert g.tobytes() == before.tobytes()
    columns = zip(start.tolist(), gradients.T.tolist(), strict=True)
    expected = [by_hand(name, x, g) for x, g in columns]
    np.testing.assert_array_equal([v.data for v in values], expected)
    np.testing.assert_array_equal(array, expected)
    assert {type(v.data) for v in values} == {float}


@each
def test_a_program_is_what_has_its_parameters_in_an_array(make: Any) -> None:
    array = np.array([1.0, -2.0])
    program = SimpleNamespace(parameters=array)
    optimiser, same = make(program), make(array.copy())
    for g in GRADIENTS:
        optimiser.step(np.array([g, -g]))
        same.step(np.array([g, -g]))
    assert program.parameters is array  # changed in place
    assert optimiser.parameters is array
    assert array.tolist() == same.parameters.tolist() != [1.0, -2.0]
    program.parameters = np.zeros(2)  # an array of its own later on is followed
    optimiser.step(np.ones(2))
    assert program.parameters.all()


@each
def test_float32_stays_float32(make: Any) -> None:
    array, exact = np.ones(3, np.float32), np.ones(3)
    single, double = make(array), make(exact)
    for g in GRADIENTS:
        single.step(np.full(3, g, np.float32))
        double.step(np.full(3, g))
    assert array.dtype == np.float32
    assert {a.dtype for a in single.state().values()} <= {np.dtype("f4"), np.dtype("i8")}
    assert array == pytest.approx(exact, rel=1e-5)
    assert array.tolist() != exact.tolist()


@each
def test_a_gradient_that_does_not_fit_changes_nothing(make: Any) -> None:
    array = np.array([1.0, 2.0])
    optimiser = make(array)
    optimiser.step(np.array([1.0, 0.5]))
    before, state = array.copy(), optimiser.state()
    name = type(optimiser).__name__
    for gradient, error, says in (
        (None, TypeError, "expected an array, got None"),
        ([1.0, 2.0], TypeError, r"expected an array, got \[1.0, 2.0\]"),
        (np.ones(2, np.float32), TypeError, "expected float64, got float32"),
        (np.ones(2, int), TypeError, "expected float64, got int64"),
        (np.ones(3), ValueError, r"expected the shape \(2,\), got \(3,\)"),
        (np.ones(()), ValueError, r"expected the shape \(2,\), got \(\)"),
        (np.ones((2, 1)), ValueError, r"expected the shape \(2,\), got \(2, 1\)"),
    ):
        with pytest.raises(error, match=f"^{name}.step: gradient: {says}$"):
            optimiser.step(gradient)
        assert np.array_equal(array, before)
        assert all(np.array_equal(a, state[what]) for what, a in optimiser.state().items())


@each
def test_values_have_their_gradients_themselves(make: Any) -> None:
    x = Value(1.0)
    optimiser = make([x])
    with pytest.raises(TypeError, match=r"step: Values have their gradients in \.grad"):
        optimiser.step(np.ones(1))
    assert x.data == 1.0
    assert not any(a.any() for a in optimiser.state().values())


@each
def test_zero_grad_leaves_an_array_as_it_is(make: Any) -> None:
    array = np.ones(2)
    make(array).zero_grad()
    assert array.tolist() == [1.0, 1.0]


@each
def test_a_nan_in_the_gradient_goes_through_and_stays_where_it_is(make: Any) -> None:
    array = np.ones(2)
    optimiser = make(array)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for g in (math.nan, 1.0, math.inf):
            optimiser.step(np.array([g, 1.0]))
    assert math.isnan(array[0])
    assert array[1] < 1.0


@each
@pytest.mark.parametrize("start", [[Value(1.0), Value(-1.0)], np.array([1.0, -1.0])])
def test_a_state_that_was_saved_goes_on_with_the_same_numbers(make: Any, start: Any) -> None:
    def steps(optimiser: Any, gradients: list[float]) -> None:
        for g in gradients:
            if isinstance(start, list):
                for v in optimiser.parameters:
                    v.grad = g
                optimiser.step()
            else:
                optimiser.step(np.full(2, g))

    def numbers(parameters: Any) -> list[float]:
        return [p.item() for p in parameters]

    fresh = numbers(start)
    straight = make([Value(x) for x in fresh] if isinstance(start, list) else np.array(fresh))
    steps(straight, GRADIENTS)
    first = make([Value(x) for x in fresh] if isinstance(start, list) else np.array(fresh))
    steps(first, GRADIENTS[:3])
    file = io.BytesIO()
    np.savez(file, **first.state())
    there = numbers(first.parameters)
    second = make([Value(x) for x in there] if isinstance(start, list) else np.array(there))
    with np.load(io.BytesIO(file.getvalue())) as saved:
        second.load_state(saved)
    steps(second, GRADIENTS[3:])
    assert numbers(second.parameters) == numbers(straight.parameters) != there
    assert second.state().keys() == straight.state().keys()
    for what, a in straight.state().items():
        assert np.array_equal(second.state()[what], a), what


def test_the_state_is_a_copy() -> None:
    optimiser = Adam(np.ones(2))
    state = optimiser.state()
    state["mean"] += 1.0
    assert not optimiser.state()["mean"].any()
    optimiser.load_state(state)
    optimiser.step(np.ones(2))
    assert state["mean"].tolist() == [1.0, 1.0]
    assert optimiser.steps == 1


def test_a_state_of_something_else_is_refused_and_changes_nothing() -> None:
    optimiser = Adam(np.ones(2))
    optimiser.step(np.ones(2))
    before = optimiser.state()
    good = Adam(np.zeros(2)).state()
    for state, says in (
        (SGD(np.ones(2), 0.1).state(), "expected mean, square, steps, got velocity"),
        ({}, "expected mean, square, steps, got nothing"),
        (Adam(np.ones(3)).state(), r"mean: expected the shape \(2,\), got \(3,\)"),
        (good | {"square": np.ones(2, np.float32)}, "square: expected float64, got float32"),
        (good | {"steps": 3}, "steps: expected an array, got 3"),
        (good | {"steps": np.array(3.0)}, "steps: expected int64, got float64"),
    ):
        with pytest.raises(ValueError, match=rf"^Adam\.load_state: {says}$"):
            optimiser.load_state(state)
        for what, a in optimiser.state().items():
            assert np.array_equal(a, before[what])


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_what_cannot_be_an_array_of_parameters_is_refused(kind: Any) -> None:
    name = kind.__name__
    with pytest.raises(TypeError, match=f"{name}: expected an array of float64 or float32, got i"):
        kind(np.ones(2, int), 0.1)
    with pytest.raises(ValueError, match=f"{name}: expected at least one parameter, got none"):
        kind(np.ones(0), 0.1)
    fixed = np.ones(2)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match=f"{name}: expected an array that can be written to"):
        kind(fixed, 0.1)
    with pytest.raises(ValueError, match=f"{name}: expected lr at least 0 and finite, got -1"):
        kind(np.ones(2), -1)


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("wrong", [MLP(2, [1]), MLP(2, [1]).parameters, Value(1.0), 0.1, None])
def test_what_is_no_list_of_parameters_is_told_what_is_wanted(kind: Any, wrong: Any) -> None:
    says = rf"{kind.__name__}: expected a list of parameters, such as net\.parameters\(\), got "
    with pytest.raises(TypeError, match=says + type(wrong).__name__):
        kind(wrong, lr=0.1)


@pytest.mark.parametrize("what", ["data", "grad"])
@pytest.mark.parametrize("wrong", [None, "1", 1j, np.ones(2), [1.0]], ids=str)
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_number_that_is_none_changes_nothing(kind: Any, wrong: Any, what: str) -> None:
    a, b = Value(1.0), Value(2.0)
    descent = kind([a, b], lr=0.1)
    a.grad = b.grad = 1.0
    descent.step()
    before, state = (a.data, b.data), descent.state()
    setattr(b, what, wrong)
    with pytest.raises(
        TypeError, match=rf"^{kind.__name__}.step: expected a real number as parameters\[1\].{what}"
    ):
        descent.step()
    assert a.data == before[0]
    assert all(np.array_equal(x, state[name]) for name, x in descent.state().items())
    setattr(b, what, before[1])
    descent.step()
    assert a.data < before[0]


def test_any_real_number_is_a_gradient() -> None:
    numbers = [Value(1.0) for _ in range(5)]
    gradients = [1, Fraction(1, 2), np.float32(2.0), True, 10**400 // 10**399]
    for v, g in zip(numbers, gradients, strict=True):
        v.grad = g
    SGD(numbers, lr=0.1).step()
    assert [v.data for v in numbers] == [1 - 0.1, 1 - 0.05, 1 - 0.2, 1 - 0.1, 0.0]


@pytest.mark.parametrize("betas", [0.9, None, (0.9,), (0.9, 0.9, 0.9)])
def test_betas_are_two(betas: Any) -> None:
    with pytest.raises(TypeError, match=r"^Adam: expected two numbers as betas, got"):
        Adam([Value(1.0)], betas=betas)


def test_a_state_is_a_mapping() -> None:
    with pytest.raises(TypeError, match=r"^SGD.load_state: expected arrays by name, got None"):
        SGD([Value(1.0)], lr=0.1).load_state(None)  # type: ignore[arg-type]
