"""What is measured, on which numbers, and what must come out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from micrograd.nn import MLP

Task = dict[str, Any]
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


@dataclass(frozen=True)
class Race:
    """A workload that is timed.

    Arguments:
        title: says what a step is.
        sizes: of the network's layers.
        targets: every peer, and how many times our time, or that of the
            compiled program, it should take at least; None where nothing is
            asked.
        through_nn: whether neurons come from nn, where the contestant has one.
        kind: "moons", a training step on the two moons; "sample", one sample
            forward and backward; or "minibatch", a training step with arrays.
    """

    title: str
    sizes: list[int]
    targets: dict[str, float | None] = field(default_factory=dict)
    through_nn: bool = False
    kind: str = "moons"


RACES = {
    "moons": Race(
        "two moons, 2-16-16-1: a training step, neurons written out with + and *",
        [2, 16, 16, 1],
        {"micrograd": 15.0, "xad": 1.0, "torch": None},
    ),
    "nn": Race(
        "the same through nn (XAD and torch, which have none for scalars, written out)",
        [2, 16, 16, 1],
        {"micrograd": 50.0, "xad": 3.0, "torch": None},
        through_nn=True,
    ),
    "digits": Race(
        "784-16-16-10: one sample of plain floats, forward and backward through nn",
        [784, 16, 16, 10],
        {"micrograd": 200.0},
        through_nn=True,
        kind="sample",
    ),
}
MEMORY_TARGET = 0.5  # of micrograd's bytes a node, at most
SCALING_TARGET = 1.5  # times what a node takes in the smallest graph, at most

MINIBATCH = Race(
    "784-16-16-10, sigmoid: a step on a minibatch of 100, `vectorize` beside arrays by hand",
    [784, 16, 16, 10],
    {"numpy": None, "torch": 2.0, "jax": 1.0},
    kind="minibatch",
)
BY_HAND_TARGET = 1.15  # times what the same step takes by hand in NumPy, at most
NETWORKS = {  # and how many times what micrograd takes for two samples of the first, at most
    "784-16-16-10": ([784, 16, 16, 10], 1.0),
    "784-128-64-10": ([784, 128, 64, 10], 10.0),
}
LARGE_TARGET = 10.0  # times what the first of them takes for the second, at most
TRANSFORMER_TARGET = 50.0  # times faster than the engine, at least
OPERATIONS_TARGET = 60  # array operations forward, at most


def two_moons() -> tuple[Any, Any]:
    """The points and labels of micrograd's demo notebook, or without scikit-learn others like them.

    Returns:
        X of shape (100, 2), and y of -1 and 1.
    """
    try:
        from sklearn.datasets import make_moons
    except ImportError:
        t = np.linspace(0.0, np.pi, 50)
        outer, inner = (np.cos(t), np.sin(t)), (1.0 - np.cos(t), 0.5 - np.sin(t))
        X = np.hstack([outer, inner]).T
        return X + np.random.RandomState(1337).normal(0.0, 0.1, X.shape), np.repeat([-1, 1], 50)
    X, y = make_moons(n_samples=100, noise=0.1, random_state=1337)
    return X, 2 * y - 1


def task_of(race: Race, samples: int = 100) -> Task:
    """The numbers that every contestant is given: seeded, and drawn once.

    Arguments:
        race: the workload.
        samples: how many of the points on the two moons, or in the minibatch; at most 100.
    """
    random.seed(1337)
    nin, *nouts = race.sizes
    init = "xavier" if race.kind == "minibatch" else "uniform"
    parameters = [p.data for p in MLP(nin, nouts, init=init).parameters()]
    if race.kind == "moons":
        X, y = two_moons()
    elif race.kind == "sample":
        X, y = np.random.RandomState(1337).uniform(size=(1, nin)), np.eye(nouts[-1])[3]
    else:
        rng = np.random.RandomState(1337)
        X, y = rng.uniform(size=(100, nin)), np.eye(nouts[-1])[rng.randint(nouts[-1], size=100)]
    return {
        "kind": race.kind,
        "sizes": race.sizes,
        "through_nn": race.through_nn,
        "parameters": parameters,
        "X": X[:samples].tolist(),
        "y": y[:samples].tolist(),
    }


def loss_and_gradient(task: Task, parameters: Any) -> tuple[float, Any]:
    """What must come out, worked out with matrices."""
    sizes, p, at = task["sizes"], np.asarray(parameters), 0
    layers = []
    for nin, nout in pairwise(sizes):
        neurons = p[at : at + nout * (nin + 1)].reshape(nout, nin + 1)  # each its w, then its b
        layers.append((neurons[:, :-1], neurons[:, -1]))
        at += neurons.size
    sigmoid = task["kind"] == "minibatch"  # or relu, and a linear output
    inputs, out = [], np.array(task["X"])
    for i, (W, b) in enumerate(layers):
        inputs.append(out)
        out = out @ W.T + b
        if sigmoid:
            out = 1.0 / (1.0 + np.exp(-out))
        elif i < len(layers) - 1:
            out = np.maximum(out, 0.0)
    y = np.array(task["y"])
    if task["kind"] == "moons":
        margins = 1.0 - y * out[:, 0]
        loss = np.maximum(margins, 0.0).mean() + 1e-4 * p @ p
        D, gradient = np.where(margins > 0.0, -y / len(y), 0.0)[:, None], 2e-4 * p
    else:
        loss, gradient = ((out - y) ** 2).sum() / len(out), np.zeros_like(p)
        D = 2.0 * (out - y) / len(out) * (out * (1.0 - out) if sigmoid else 1.0)
    for (W, _), x in zip(reversed(layers), reversed(inputs), strict=True):
        at -= W.size + len(W)
        gradient[at : at + W.size + len(W)] += np.column_stack([D.T @ x, D.sum(axis=0)]).ravel()
        D = (D @ W) * (x * (1.0 - x) if sigmoid else x > 0.0)
    return float(loss), gradient


def expected(task: Task, rate: float, steps: int = 2) -> dict[str, Any]:
    """What a worker's `check` must answer.

    Arguments:
        task: what it was given.
        rate: how far a step goes against the gradient.
        steps: how many.
    """
    p = np.array(task["parameters"])
    losses, gradients = [], []
    for _ in range(steps):
        loss, gradient = loss_and_gradient(task, p)
        losses.append(loss)
        gradients.append(gradient)
        if task["kind"] != "sample":
            p = p - rate * gradient
    return {"losses": losses, "gradient": gradients[0].tolist()}


def fault(answer: dict[str, Any], right: dict[str, Any], dtype: str = "float64") -> str:
    """What is wrong with a worker's answer; "" if nothing is.

    >>> fault({"losses": [2.0], "gradient": [3.0]}, {"losses": [2.0], "gradient": [3.3]})
    'gradient: off by 9.1e-02 of its largest number'
    """
    for what in ("gradient", "losses"):
        given, wanted = np.array(answer[what]), np.array(right[what])
        if given.shape != wanted.shape:
            return f"{what}: {given.size} numbers, expected {wanted.size}"
        far = np.abs(given - wanted).max() / np.abs(wanted).max()
        if not far <= TOLERANCE[dtype]:  # nan is not
            return f"{what}: off by {far:.1e} of its largest number"
    return ""
