"""Gradient descent and Adam: step by step by hand, and beside PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

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
