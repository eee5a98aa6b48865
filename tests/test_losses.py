"""Costs, against their formulas, many digits and PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import Value, gradcheck, ops
from micrograd.losses import cross_entropy, l2, logistic_cost, logistic_cost_of_z, squared_error
from micrograd.nn import MLP, Layer, Neuron

NUMBERS = st.floats(-20.0, 20.0)
PROBABILITIES = st.floats(0.0, 1.0)


def gradients(cost: Callable[[list[Value]], Value], at: list[float]) -> tuple[float, list[float]]:
    """The cost and its derivatives."""
    leaves = [Value(x) for x in at]
    out = cost(leaves)
    out.backward()
    return out.data, [v.grad for v in leaves]


def exact_gradients(cost: Callable[[list[Any]], Any], at: list[float]) -> tuple[float, list[float]]:
    """The same, numerically to many digits."""
    point = [mpmath.mpf(x) for x in at]
    slopes = [
        mpmath.diff(lambda *xs: cost(list(xs)), point, [int(i == k) for k in range(len(at))])
        for i in range(len(at))
    ]
    return float(cost(point)), [float(s) for s in slopes]


def agree(one: tuple[float, list[float]], other: tuple[float, list[float]]) -> None:
    assert one[0] == pytest.approx(other[0], rel=1e-12, abs=1e-14)
    assert one[1] == pytest.approx(other[1], rel=1e-11, abs=1e-13)


# Squared error.


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_squared_error_is_the_sum_of_squares(pairs: list[tuple[float, float]]) -> None:
    a, y = map(list, zip(*pairs, strict=True))
    cost, slopes = gradients(lambda v: squared_error(v, y), a)
    assert cost == pytest.approx(sum((p - q) ** 2 for p, q in pairs), rel=1e-14)
    assert slopes == [2 * (p - q) for p, q in pairs]


def test_squared_error_of_one_output_is_one_node() -> None:
    a = Value(0.66)
    for cost in squared_error(a, 1.0), squared_error([a], [1.0]):
        assert cost.op is ops.squared_error
        assert cost.parents[0] is a
        assert cost.data == (0.66 - 1.0) ** 2


def test_squared_error_by_the_targets() -> None:
    a, y = Value(0.5), Value(2.0)
    squared_error(a, y).backward()
    assert (a.grad, y.grad) == (-3.0, 3.0)


# Logistic cost.


def exact_logistic(h: Any, y: float) -> Any:
    first = -y * mpmath.log(h) if y else mpmath.mpf(0)
    return first - ((1 - mpmath.mpf(y)) * mpmath.log(1 - h) if y != 1 else 0)


@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), PROBABILITIES), min_size=1, max_size=4),
)
def test_logistic_cost_is_its_formula(pairs: list[tuple[float, float]]) -> None:
    h, y = map(list, zip(*pairs, strict=True))
    agree(
        gradients(lambda v: logistic_cost(v, y), h),
        exact_gradients(lambda v: sum(map(exact_logistic, v, y)), h),
    )


@pytest.mark.parametrize("y", [0.0, 1.0, 0, 1, True, np.float64(1.0), np.int64(0)])
def test_logistic_cost_leaves_out_a_term_whose_factor_is_zero(y: Any) -> None:
    right = Value(float(y))
    cost = logistic_cost(right, y)
    cost.backward()
    assert cost.data == 0.0
    assert right.grad == (1.0 if y == 0 else -1.0)
    wrong = Value(1.0 - float(y))
    assert logistic_cost(wrong, y).data == math.inf


def test_logistic_cost_takes_targets_that_are_values() -> None:
    h, y = Value(0.25), Value(0.5)
    cost = logistic_cost(h, y)
    cost.backward()
    assert cost.data == pytest.approx(-0.5 * math.log(0.25) - 0.5 * math.log(0.75))
    assert y.grad == pytest.approx(math.log(0.75) - math.log(0.25))


@given(st.lists(st.tuples(NUMBERS, PROBABILITIES), min_size=1, max_size=4))
def test_logistic_cost_of_z_is_its_formula(pairs: list[tuple[float, float]]) -> None:
    z, y = map(list, zip(*pairs, strict=True))
    agree(
        gradients(lambda v: logistic_cost_of_z(v, y), z),
        exact_gradients(
            lambda v: sum(
                mpmath.log(1 + mpmath.exp(zk)) - yk * zk for zk, yk in zip(v, y, strict=True)
            ),
            z,
        ),
    )


@pytest.mark.parametrize("z", [-2.0, 0.0, 0.3, 1.7])
@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
def test_the_logistic_cost_is_the_same_by_way_of_the_sigmoid(z: float, y: float) -> None:
    by_h, by_z = Value(z), Value(z)
    one, other = logistic_cost(by_h.sigmoid(), y), logistic_cost_of_z(by_z, y)
    one.backward()
    other.backward()
    assert one.data == pytest.approx(other.data, rel=1e-12)
    # The lesson's result: a - y.
    assert by_h.grad == pytest.approx(by_z.grad, rel=1e-12)
    assert by_z.grad == pytest.approx(ops.sigmoid(z) - y, rel=1e-12)


@pytest.mark.parametrize(
    ("z", "y", "cost", "slope"),
    [
        (1000.0, 0.0, 1000.0, 1.0),
        (1000.0, 1.0, 0.0, 0.0),
        (-1000.0, 1.0, 1000.0, -1.0),
        (-1000.0, 0.0, 0.0, 0.0),
        (0.0, 0.5, math.log(2.0), 0.0),
        (1e308, 0.0, 1e308, 1.0),
        (-40.0, 0.0, math.exp(-40.0), math.exp(-40.0)),
    ],
)
def test_logistic_cost_of_z_neither_overflows_nor_rounds_away(
    z: float, y: float, cost: float, slope: float
) -> None:
    found, (grad,) = gradients(lambda v: logistic_cost_of_z(v, [y]), [z])
    # ln(1 + e^-40) is 0 where 1 + e^-40 is rounded to 1: relative to 1, that is.
    assert found == pytest.approx(cost, rel=1e-12, abs=1e-16)
    assert grad == pytest.approx(slope, rel=1e-12, abs=1e-16)


# Cross-entropy.


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.data())
def test_cross_entropy_is_minus_the_logarithm_of_the_softmax(
    z: list[float], data: st.DataObject
) -> None:
    target = data.draw(st.integers(0, len(z) - 1))
    agree(
        gradients(lambda v: cross_entropy(v, target), z),
        exact_gradients(
            lambda v: mpmath.log(mpmath.fsum(map(mpmath.exp, v))) - v[target],
            z,
        ),
    )


def test_cross_entropy_does_not_overflow() -> None:
    cost, slopes = gradients(lambda v: cross_entropy(v, 0), [-1000.0, 1000.0, 999.0])
    share = 1 / (1 + math.exp(-1.0))
    assert cost == pytest.approx(2000.0 + math.log1p(math.exp(-1.0)))
    assert slopes == pytest.approx([-1.0, share, 1 - share])


def test_cross_entropy_of_equal_classes_is_the_logarithm_of_their_number() -> None:
    cost, slopes = gradients(lambda v: cross_entropy(v, 2), [7.0] * 10)
    assert cost == pytest.approx(math.log(10.0))
    assert slopes == pytest.approx([0.1] * 2 + [-0.9] + [0.1] * 7)


def test_cross_entropy_takes_numpy_indices_and_plain_numbers() -> None:
    z = [Value(1.0), 2.0, Value(3.0)]
    cost = cross_entropy(z, np.int64(1))
    assert cost.data == pytest.approx(cross_entropy([1.0, 2.0, 3.0], 1).data)


@pytest.mark.parametrize("target", [-1, 3, 100])
def test_a_target_that_is_no_class_is_refused(target: int) -> None:
    with pytest.raises(ValueError, match=f"target from 0 to 2, got {target}"):
        cross_entropy([Value(0.0)] * 3, target)


@pytest.mark.parametrize("target", [1.0, None, Value(1.0)], ids=repr)
def test_a_target_that_is_no_index_is_refused(target: Any) -> None:
    with pytest.raises(TypeError, match="cross_entropy: expected as target an index, or a number"):
        cross_entropy([Value(0.0)] * 3, target)


@given(st.lists(st.tuples(NUMBERS, st.floats(0.01, 1.0)), min_size=1, max_size=5))
def test_cross_entropy_of_a_distribution(pairs: list[tuple[float, float]]) -> None:
    z = [a for a, _ in pairs]
    shares = [b / math.fsum(b for _, b in pairs) for _, b in pairs]
    agree(
        gradients(lambda v: cross_entropy(v, shares), z),
        exact_gradients(
            lambda v: (
                mpmath.log(mpmath.fsum(map(mpmath.exp, v)))
                - mpmath.fsum(y * x for y, x in zip(shares, v, strict=True))
            ),
            z,
        ),
    )


def test_cross_entropy_of_a_class_given_both_ways() -> None:
    z = [-1000.0, 1000.0, 999.0]
    for target in range(3):
        one_hot = [float(k == target) for k in range(3)]
        assert gradients(lambda v: cross_entropy(v, one_hot), z) == gradients(  # noqa: B023
            lambda v: cross_entropy(v, target),  # noqa: B023
            z,
        )
    values = [Value(y) for y in one_hot]
    assert cross_entropy(z, values).data == cross_entropy(z, 2).data


def test_a_class_that_is_impossible_may_be_infinitely_unlikely() -> None:
    assert cross_entropy([0.0, -math.inf], [1.0, 0.0]).data == 0.0


def test_a_target_for_each_class_is_needed() -> None:
    with pytest.raises(ValueError, match="cross_entropy: expected as many targets as outputs"):
        cross_entropy([Value(0.0)] * 3, [1.0, 0.0])


def test_no_classes_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="cross_entropy"):
        cross_entropy([], 0)


# All of them.


@pytest.mark.parametrize("cost", [squared_error, logistic_cost, logistic_cost_of_z])
def test_as_many_targets_as_outputs_are_needed(cost: Any) -> None:
    x = Value(0.5)
    for outputs, targets in ([x], [1.0, 0.0]), ([x, x], [1.0]), ([x, x], 1.0), ([], []), (x, []):
        with pytest.raises(ValueError, match=f"{cost.__name__}: expected as many targets"):
            cost(outputs, targets)


@pytest.mark.parametrize("cost", [squared_error, logistic_cost, logistic_cost_of_z])
def test_targets_may_be_an_array(cost: Any) -> None:
    x = [Value(0.5), Value(0.25)]
    assert cost(x, np.array([1.0, 0.0])).data == cost(x, [1.0, 0.0]).data


@pytest.mark.parametrize("cost", [squared_error, logistic_cost, logistic_cost_of_z])
def test_the_chain_rule_through_a_network_into_each_cost(cost: Any) -> None:
    net = MLP(
        2, [3, 2], activation="tanh", output="sigmoid", init=lambda i, o, r: 0.3 / i - 0.1 * o
    )
    gradcheck(lambda: cost(net([0.5, -1.5]), [1.0, 0.25]), net.parameters())
    gradcheck(lambda: cross_entropy(net([0.5, -1.5]), 1), net.parameters())


def test_the_costs_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn.functional
    z = [-2.0, 0.25, 1.5, 30.0]
    y = [0.0, 0.3, 1.0, 1.0]
    targets = torch.tensor(y, dtype=torch.float64)
    cases: list[tuple[Any, Any]] = [
        (lambda v: squared_error(v, y), lambda t: nn.mse_loss(t, targets, reduction="sum")),
        (
            lambda v: logistic_cost_of_z(v, y),
            lambda t: nn.binary_cross_entropy_with_logits(t, targets, reduction="sum"),
        ),
        (lambda v: cross_entropy(v, 2), lambda t: nn.cross_entropy(t, torch.tensor(2))),
        (
            lambda v: logistic_cost([x.sigmoid() for x in v[:3]], y[:3]),
            lambda t: nn.binary_cross_entropy(torch.sigmoid(t[:3]), targets[:3], reduction="sum"),
        ),
    ]
    for ours, theirs in cases:
        t = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        cost = theirs(t)
        cost.backward()
        agree(gradients(ours, z), (cost.item(), t.grad.tolist()))


# L2.


def test_l2_is_half_the_strength_times_the_sum_of_squares_without_the_biases() -> None:
    net = MLP(2, [2, 1], init=lambda nin, nout, rng: 1.0 / nin + nout)
    for layer in net.layers:
        for neuron in layer.neurons:
            neuron.b.data = 1000.0
    cost = l2(net, 0.1)
    cost.backward()
    assert cost.data == pytest.approx(0.05 * sum(w.data**2 for w in net.weights()))
    for w in net.weights():
        assert w.grad == pytest.approx(0.1 * w.data)
    assert all(p.grad == 0.0 for p in net.parameters() if p.label.startswith("b"))


def test_l2_takes_a_network_a_layer_a_neuron_or_the_weights() -> None:
    layer = Layer(2, 1, init=lambda *_: 2.0)
    for weights in (
        layer,
        layer.neurons[0],
        layer.weights(),
        iter(layer.weights()),
        tuple(layer.weights()),
    ):
        assert l2(weights, 1.0).data == 4.0
    assert l2([], 1.0).data == 0.0
    assert l2(Neuron(2, init="zeros"), 1.0).data == 0.0
    assert l2(layer, 0.0).data == 0.0


@pytest.mark.parametrize("strength", [-0.1, math.inf, math.nan])
def test_a_strength_that_cannot_be_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="l2: expected a finite strength of at least 0, got "):
        l2([Value(1.0)], strength)
