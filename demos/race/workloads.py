"""What is measured, on which numbers, and what must come out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from micrograd.nn import MLP

Task = dict[str, Any]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Race:
    """A workload that is timed.

    Arguments:
        title: says what a step is.
        sizes: of the network's layers.
        targets: every peer, and how many times our time it should take at
            least; None where nothing is asked.
        through_nn: whether neurons come from nn, where the contestant has one.
        trains: whether it is the training step on the two moons, or else one
            sample forward and backward.
    """

    title: str
    sizes: list[int]
    targets: dict[str, float | None] = field(default_factory=dict)
    through_nn: bool = False
    trains: bool = True


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
        trains=False,
    ),
}
MEMORY_TARGET = 0.5  # of micrograd's bytes a node, at most
SCALING_TARGET = 1.5  # times what a node takes in the shortest chain, at most


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
        samples: how many of the points on the two moons; at most 100.
    """
    random.seed(1337)
    nin, *nouts = race.sizes
    parameters = [p.data for p in MLP(nin, nouts).parameters()]
    if race.trains:
        X, y = two_moons()
    else:
        X, y = np.random.RandomState(1337).uniform(size=(1, nin)), np.eye(nouts[-1])[3]
    return {
        "sizes": race.sizes,
        "through_nn": race.through_nn,
        "trains": race.trains,
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
    inputs, out = [], np.array(task["X"])
    for i, (W, b) in enumerate(layers):
        inputs.append(out)
        out = out @ W.T + b
        if i < len(layers) - 1:
            out = np.maximum(out, 0.0)
    y = np.array(task["y"])
    if task["trains"]:
        margins = 1.0 - y * out[:, 0]
        loss = np.maximum(margins, 0.0).mean() + 1e-4 * p @ p
        D, gradient = np.where(margins > 0.0, -y / len(y), 0.0)[:, None], 2e-4 * p
    else:
        loss, D, gradient = ((out - y) ** 2).sum(), 2.0 * (out - y), np.zeros_like(p)
    for (W, _), x in zip(reversed(layers), reversed(inputs), strict=True):
        at -= W.size + len(W)
        gradient[at : at + W.size + len(W)] += np.column_stack([D.T @ x, D.sum(axis=0)]).ravel()
        D = (D @ W) * (x > 0.0)
    return float(loss), gradient


def expected(task: Task, rate: float) -> dict[str, Any]:
    """What a worker's `check` must answer.

    Arguments:
        task: what it was given.
        rate: how far a step goes against the gradient.
    """
    p = np.array(task["parameters"])
    loss, gradient = loss_and_gradient(task, p)
    after = p - rate * gradient if task["trains"] else p
    return {
        "losses": [loss, loss_and_gradient(task, after)[0]],
        "gradient": gradient.tolist(),
    }


def fault(answer: dict[str, Any], right: dict[str, Any]) -> str:
    """What is wrong with a worker's answer; "" if nothing is.

    >>> fault({"losses": [2.0], "gradient": [3.0]}, {"losses": [2.0], "gradient": [3.3]})
    'gradient: off by 9.1e-02 of its largest number'
    """
    for what in ("gradient", "losses"):
        given, wanted = np.array(answer[what]), np.array(right[what])
        if given.shape != wanted.shape:
            return f"{what}: {given.size} numbers, expected {wanted.size}"
        far = np.abs(given - wanted).max() / np.abs(wanted).max()
        if not far <= TOLERANCE:  # nan is not
            return f"{what}: off by {far:.1e} of its largest number"
    return ""
