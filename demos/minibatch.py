"""Minibatches: the drunk man gets downhill sooner; their average gradient is that of all samples.

The lesson (000, 001, 004): shuffle the samples, divide them into minibatches,
and take a step after each. The average of the minibatches' gradients is the
gradient of all samples; one of them alone points only roughly downhill. So the
path staggers, but for the same number of samples seen it has many more steps.

Run it with `python -m demos.minibatch`; the picture goes to the folder `out`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demos.common import BLUE, GREEN, ORANGE, axes, parser, progress, save, table
from micrograd import Value, affine, parameter
from micrograd.data import minibatches
from micrograd.losses import logistic_cost_of_z
from micrograd.program import Program, vectorize

PICTURE = "minibatch.svg"
CHINESE = "小批量：像醉酒的人跌跌撞撞下山，但走得快；各个小批量的梯度取平均，就是全体样本的梯度。"

SAMPLES, EPOCHS, RATE = 200, 10, 0.5
START = np.array([-1.5, 2.5])
SIZES = {"all samples": SAMPLES, "minibatches of 20": 20, "single samples": 1}


@dataclass
class Walk:
    """A way downhill.

    Attributes:
        weights: before each step and at the end, shape (steps + 1, 2).
        costs: of all samples, likewise, shape (steps + 1,).
        size: samples a step.
    """

    weights: np.ndarray
    costs: np.ndarray
    size: int

    @property
    def seen(self) -> np.ndarray:
        """Samples seen before each step, and in all."""
        return self.size * np.arange(len(self.costs))

    @property
    def detour(self) -> float:
        """The length of the path over the straight distance between its ends; at least 1."""
        lengths = np.linalg.norm(np.diff(self.weights, axis=0), axis=1)
        return float(lengths.sum() / np.linalg.norm(self.weights[-1] - self.weights[0]))


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points, shape (200, 2), and a 0 or 1 for each, by chance, likelier to one side."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(SAMPLES, 2)) * [1.5, 0.8]
    return X, (rng.random(SAMPLES) < 1.0 / (1.0 + np.exp(-X @ [1.5, -1.0]))).astype(float)


def neuron() -> Program:
    """The cost of one sigmoid neuron with two weights and no bias, for arrays of samples."""
    w = [parameter(START[k], f"w_{k}") for k in range(2)]
    x = [Value(0.0, f"x_{k}") for k in range(2)]
    y = Value(0.0, "y")
    return vectorize(logistic_cost_of_z(affine(w, x, 0.0), y), inputs=[x, y], parameters=w)


def walk(program: Program, X: np.ndarray, y: np.ndarray, size: int, seed: int) -> Walk:
    """Descend from START, with `size` samples a step."""
    rng = np.random.default_rng(seed)
    program.parameters[:] = START
    weights, costs = [START], [program(X, y).mean()]
    for _ in range(EPOCHS):
        for batch in minibatches(X, y, size, rng):
            program.parameters -= RATE * program.value_and_grad(*batch)[1]
            weights.append(program.parameters.copy())
            costs.append(program(X, y).mean())
    return Walk(np.array(weights), np.array(costs), size)


def surface(
    program: Program, X: np.ndarray, y: np.ndarray, across: np.ndarray, up: np.ndarray
) -> np.ndarray:
    """The cost of all samples over the two weights, shape (len(up), len(across))."""
    costs = np.empty((len(up), len(across)))
    for i, j in np.ndindex(costs.shape):
        program.parameters[:] = across[j], up[i]
        costs[i, j] = program(X, y).mean()
    return costs


def main(arguments: list[str] | None = None) -> None:
    """Go down in three ways, compare them in a table, and draw them."""
    options = parser(__doc__, seed=1).parse_args(arguments)
    X, y = data(options.seed)
    program = neuron()
    whole = program.value_and_grad(X, y)[1]
    batches = minibatches(X, y, 20, np.random.default_rng(options.seed))
    parts = np.array([program.value_and_grad(*batch)[1] for batch in batches])
    rows = [[f"minibatch {i}", *part] for i, part in enumerate(parts)]
    rows += [["their average", *parts.mean(axis=0)], ["all samples", *whole]]
    print(table(["gradient at the start", "by w_0", "by w_1"], rows, "", "+.6f", "+.6f"))

    bar = progress(SIZES.items(), "path")
    walks = {name: walk(program, X, y, size, options.seed) for name, size in bar}
    head = ["a step for", "steps", "cost after 200 seen", "after 2000", "path / distance"]
    rows = [
        [name, len(w.costs) - 1, w.costs[SAMPLES // w.size], w.costs[-1], w.detour]
        for name, w in walks.items()
    ]
    print()
    print(table(head, rows, "", "d", ".4f", ".4f", ".2f"))

    across, up = np.linspace(-2.2, 4.0, 70), np.linspace(-3.0, 3.0, 70)
    costs = surface(program, X, y, across, up)
    figure, (plane, curve) = axes(2, size=(11.0, 4.8))
    levels = [0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    heights = plane.contour(across, up, costs, levels, colors="#98a4b3", linewidths=0.8)
    plane.clabel(heights, levels[1:], fmt="%g", fontsize=8)
    lines = zip(
        walks.items(), (BLUE, ORANGE, GREEN), (2.5, 1.5, 0.5), ("o-", ".-", "-"), strict=True
    )
    for (name, w), colour, width, style in reversed(list(lines)):
        plane.plot(*w.weights.T, style, color=colour, linewidth=width, markersize=4, label=name)
        curve.plot(w.seen, w.costs, color=colour, linewidth=width, label=name)
    plane.plot(*START, "ko", label="start")
    low, right = np.unravel_index(costs.argmin(), costs.shape)
    plane.plot(across[right], up[low], "k*", markersize=11, label="lowest cost")
    plane.set(xlabel="$w_0$", ylabel="$w_1$", title="paths over the cost of all samples")
    curve.set(xlabel="samples seen", ylabel="cost of all samples", title=f"{EPOCHS} epochs")
    plane.legend()
    curve.legend()
    save(figure, options.out / PICTURE)


if __name__ == "__main__":
    main()
