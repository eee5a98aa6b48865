"""Vectors of Values to record with, and what a program computes against the engine."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd import Value, parameter
from micrograd.losses import squared_error
from micrograd.program import Program, vectorize
from tests.transformer import dot


def seeded(seed: int = 0) -> random.Random:
    """Random numbers, the same in every run."""
    return random.Random(seed)  # noqa: S311


def leaves(label: str, count: int) -> list[Value]:
    """Values with numbers that are all different, and labels that are those of one vector."""
    return [Value(math.sin(1.0 + i) / 2, f"{label}_{{{i}}}") for i in range(count)]


def parameters(label: str, count: int) -> list[Value]:
    """The same, of the kind that is trained."""
    return [parameter(math.cos(1.0 + i) / 2, f"{label}_{{{i}}}") for i in range(count)]


def checked(
    record: Callable[..., Value],
    widths: Sequence[int | None],
    weights: Sequence[Value],
    batch: int = 3,
) -> Program:
    """Vectorise a cost; see that results and gradients are the engine's to 1e-12.

    Arguments:
        record: from one list for each input, or one Value, to the cost.
        widths: how many Values each input has; None for a Value alone.
        weights: the parameters.
        batch: how many samples.
    """
    rng = np.random.default_rng(0)
    inputs = [Value(0.5) if w is None else leaves("xyuv"[i], w) for i, w in enumerate(widths)]
    program = vectorize(record(*inputs), inputs, weights)
    arrays = [rng.normal(size=(batch,) if w is None else (batch, w)) for w in widths]
    costs, gradients = [], []
    for i in range(batch if widths else 1):
        cost = record(
            *(Value(a[i]) if a.ndim == 1 else [Value(x) for x in a[i].tolist()] for a in arrays)
        )
        for p in weights:
            p.grad = 0.0
        cost.backward()
        costs.append(cost.data)
        gradients.append([p.grad for p in weights])
    close(np.reshape(program(*arrays), -1), costs)
    close(np.reshape(program.per_sample_grad(*arrays), (len(costs), -1)), gradients)
    value, gradient = program.value_and_grad(*arrays)
    close(value, np.mean(costs))
    close(gradient, np.mean(gradients, axis=0))
    return program


def close(got: Any, expected: Any) -> None:
    """Equal to 1e-12 of each number; a sum may cancel to 1e-2 of its terms."""
    largest = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14 * largest)


def neuron() -> tuple[list[Value], Value, list[Value], Value]:
    """Inputs, target, parameters and cost of a neuron."""
    x, y, w = leaves("x", 2), Value(1.0, "y"), parameters("w", 2)
    return x, y, w, squared_error(dot(w, x), y)
