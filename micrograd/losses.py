"""Costs: how far the outputs are from what they should be.

>>> from micrograd import Value
>>> a = [Value(0.66), Value(0.1)]
>>> f"{squared_error(a, [1.0, 0.0]).data:.4f}"
'0.1256'
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

from micrograd import ops
from micrograd.engine import Value
from micrograd.nn import Module
from micrograd.several import LARGEST, taken_off


def squared_error(outputs: Sequence[Any] | Value, targets: Sequence[Any] | Any) -> Value:
    """C0 = sum over j of (a_j - y_j)^2, the lessons' cost of one sample.

    Arguments:
        outputs: the activations a_j; or a single one.
        targets: as many wanted values y_j, numbers or Values; or a single one.

    Returns:
        The cost. For one output it is the node (a - y)^2 itself.

    Raises:
        ValueError: if there are not as many targets as outputs, or none.
    """
    a, y = _paired("squared_error", outputs, targets)
    return _total([ops.squared_error(aj, yj) for aj, yj in zip(a, y, strict=True)])


def logistic_cost(outputs: Sequence[Any] | Value, targets: Sequence[Any] | Any) -> Value:
    """-sum over k of y_k ln(h_k) + (1 - y_k) ln(1 - h_k): logistic regression's cost, K times.

    It takes activations between 0 and 1. At exactly 0 or 1 the logarithm is
    infinite; `logistic_cost_of_z` works from z and has no such edge.

    Arguments:
        outputs: the activations h_k of sigmoid units; or a single one.
        targets: as many wanted values y_k between 0 and 1; or a single one.

    Returns:
        The cost of one sample.

    Raises:
        ValueError: if there are not as many targets as outputs, or none.

    >>> h = Value(0.66)
    >>> f"{logistic_cost(h, 1.0).data:.4f}"
    '0.4155'
    """
    h, y = _paired("logistic_cost", outputs, targets)
    return _total([_bernoulli(hk, yk) for hk, yk in zip(h, y, strict=True)])


def logistic_cost_of_z(z: Sequence[Any] | Value, targets: Sequence[Any] | Any) -> Value:
    """The same cost from z, before the sigmoid: sum of ln(1 + e^z_k) - y_k z_k.

    With ln(1 + e^z) as a primitive it neither overflows nor rounds the answer
    away, however large z is.

    Arguments:
        z: the pre-activations z_k; or a single one.
        targets: as many wanted values y_k between 0 and 1; or a single one.

    Returns:
        The cost of one sample.

    Raises:
        ValueError: if there are not as many targets as outputs, or none.

    >>> z = Value(1000.0)
    >>> cost = logistic_cost_of_z(z, 0.0); cost.backward()
    >>> cost.data, z.grad
    (1000.0, 1.0)
    """
    zs, y = _paired("logistic_cost_of_z", z, targets)
    return _total([ops.softplus(zk) - zk * yk for zk, yk in zip(zs, y, strict=True)])


def cross_entropy(z: Sequence[Any], target: int | Sequence[Any]) -> Value:
    """-ln of the softmax probability of the right class: ln(sum over k of e^z_k) - z_target.

    The largest z is taken off first, so that no e^z overflows.

    Arguments:
        z: one pre-activation for each class.
        target: the index of the right class; or for each class, how likely it
            is to be the right one, numbers or Values that add up to 1: as an
            input of a program, 1 for the right class and 0 for the others.

    Returns:
        The cost of one sample.

    Raises:
        TypeError: if target is neither an integer nor a sequence.
        ValueError: if there are no classes, target is none of them, or there
            are not as many in target as in z.

    >>> z = [Value(1000.0), Value(0.0)]
    >>> cost = cross_entropy(z, 1); cost.backward()
    >>> cost.data, [v.grad for v in z]
    (1000.0, [1.0, -1.0])
    >>> cross_entropy(z, [0.0, 1.0]).data
    1000.0
    """
    z = list(z)
    if not hasattr(target, "__len__"):
        if not hasattr(target, "__index__"):
            raise TypeError(
                "cross_entropy: expected as target an index, or a number or Value for each "
                f"class, got {target!r}"
            )
        right = operator.index(target)
        if not 0 <= right < len(z):
            raise ValueError(
                f"cross_entropy: expected a target from 0 to {len(z) - 1}, got {target}"
            )
        target = [float(k == right) for k in range(len(z))]
    values, shares = _paired("cross_entropy", z, target)
    largest = taken_off(LARGEST, values)
    below = [v - largest for v in values]
    total: Value = ops.sum([d.exp() for d in below])
    pairs = [(y, d) for y, d in zip(shares, below, strict=True) if not _is(y, 0.0)]
    return total.log() - _total([d if _is(y, 1.0) else y * d for y, d in pairs])


def l2(network: Module | Iterable[Value], strength: float) -> Value:
    """Strength / 2 times the sum of all squared weights; the biases are left out.

    With strength lambda / m, added to the mean cost of m samples, it is the
    lessons' regularisation term.

    Arguments:
        network: a Module, whose weights are taken; or the weights themselves.
        strength: at least 0.

    Returns:
        The term to add to the cost.

    Raises:
        ValueError: if strength is negative or not finite.

    >>> from micrograd.nn import Neuron
    >>> neuron = Neuron(2); neuron.b.data = 100.0
    >>> neuron.w[0].data, neuron.w[1].data = 3.0, 4.0
    >>> l2(neuron, 0.1).data
    1.25
    """
    if not 0.0 <= strength < float("inf"):
        raise ValueError(f"l2: expected a finite strength of at least 0, got {strength!r}")
    weights = network.weights() if isinstance(network, Module) else list(network)
    total: Value = ops.sum([w * w for w in weights]) if weights else Value(0.0)
    return 0.5 * strength * total


def _bernoulli(h: Any, y: Any) -> Value:
    # A term whose factor is exactly 0 is left out: 0 * ln(0) would be nan.
    terms = []
    if not _is(y, 0.0):
        terms.append(y * ops.log(h))
    if not _is(y, 1.0):
        terms.append((1.0 - y) * ops.log(1.0 - h))
    return -_total(terms)


def _is(y: Any, number: float) -> bool:
    return not isinstance(y, Value) and y == number


def _total(terms: list[Any]) -> Value:
    total: Value = terms[0] if len(terms) == 1 else ops.sum(terms)
    return total


def _paired(name: str, outputs: Any, targets: Any) -> tuple[list[Any], list[Any]]:
    several = hasattr(outputs, "__len__")
    a = [v if isinstance(v, Value) else Value(v) for v in (outputs if several else [outputs])]
    y = list(targets) if hasattr(targets, "__len__") else [targets]
    if len(a) != len(y) or not a:
        raise ValueError(
            f"{name}: expected as many targets as outputs, and at least one of each; "
            f"got {len(y)} and {len(a)}"
        )
    return a, y
