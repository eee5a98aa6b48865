"""Symmetry: from zeros all hidden neurons stay the same one; small random weights break it.

The lesson (002): hidden neurons that start alike get the same inputs and the
same gradients, so they compute the same feature for ever, and a layer of four is
worth one. So it is with zeros and with any other number. Small random
weights in [-epsilon, epsilon] break the symmetry.

Run it with `python -m demos.symmetry`; the picture goes to the folder `out`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demos.common import BLUE, GREEN, GREY, ORANGE, axes, parser, progress, save, table
from micrograd import Value, no_grad
from micrograd import sum as total
from micrograd.losses import logistic_cost
from micrograd.nn import MLP, Init, uniform
from micrograd.optim import SGD

PICTURE = "symmetry.svg"
CHINESE = "对称性：权重全部初始化为 0 时，所有隐藏单元永远相同；很小的随机初始值打破对称。"

HIDDEN, STEPS, EPSILON = 4, 300, 0.1


def alike(nin: int, nout: int, rng: object) -> float:
    """An init that is not zero, but the same for all weights."""
    return 0.5


INITS: dict[str, str | Init] = {
    "zeros": "zeros",
    "all 0.5": alike,
    f"within ±{EPSILON}": uniform(EPSILON),
}


@dataclass
class Run:
    """What training made of one start.

    Attributes:
        net: the trained network.
        rows: the hidden neurons' weights before each step, and at the end,
            shape (steps + 1, hidden, 2).
        costs: the cost before each step, and at the end.
        accuracy: the share of samples on the right side, at the end.
    """

    net: MLP
    rows: np.ndarray
    costs: list[float]
    accuracy: float

    def spread(self, step: int) -> float:
        """The most by which a hidden neuron's weights differ from the first one's."""
        return float(np.abs(self.rows[step] - self.rows[step, 0]).max())


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two moons of 35 and 25 points, centred, shape (60, 2), and 0 or 1, shape (60,)."""
    from sklearn.datasets import make_moons

    X, y = make_moons(n_samples=(35, 25), noise=0.1, random_state=seed)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def train(init: str | Init, seed: int, steps: int = STEPS) -> Run:
    """Full-batch descent on the two moons."""
    X, y = data(seed)
    net = MLP(2, [HIDDEN, 1], "sigmoid", "sigmoid", init, rng=np.random.default_rng(seed))
    descent = SGD(net.parameters(), lr=2.0, momentum=0.9)
    rows, costs = [], []
    for step in range(steps + 1):
        outputs = [net(x) for x in X.tolist()]
        costs_of_samples = [logistic_cost(a, t) for a, t in zip(outputs, y.tolist(), strict=True)]
        cost: Value = total(costs_of_samples) / len(X)
        rows.append([[w.data for w in neuron.w] for neuron in net.layers[0].neurons])
        costs.append(cost.data)
        if step < steps:
            descent.zero_grad()
            cost.backward()
            descent.step()
    right = np.mean([(a > 0.5) == (t == 1) for a, t in zip(outputs, y, strict=True)])
    return Run(net, np.array(rows), costs, float(right))


def boundary(ax, net: MLP, X: np.ndarray, **style: object) -> None:
    """Draw where the network's output is 0.5."""
    (left, right), (bottom, top) = ((c.min() - 0.4, c.max() + 0.4) for c in X.T)
    across, up = np.linspace(left, right, 60), np.linspace(bottom, top, 60)
    with no_grad():
        outputs = [[net([x, v]).data for x in across] for v in up]
    ax.contour(across, up, outputs, levels=[0.5], **style)


def main(arguments: list[str] | None = None) -> None:
    """Train from each start, print the hidden neurons' weights, and draw them."""
    options = parser(__doc__, seed=0).parse_args(arguments)
    runs = {name: train(INITS[name], options.seed) for name in progress(INITS, "start")}
    print(f"The hidden neurons' weights after {STEPS} steps:")
    rows = [[j, *np.concatenate([run.rows[-1, j] for run in runs.values()])] for j in range(HIDDEN)]
    head = [h for name in INITS for h in (f"{name}: w_j0", "w_j1")]
    print(table(["j", *head], rows, "d", *["+.4f"] * len(head)))
    print("\nWhat all of that is worth:")
    head = ["start", "neurons differ by: step 0", "step 10", f"step {STEPS}", "cost", "accuracy"]
    rows = [
        [name, run.spread(0), run.spread(10), run.spread(STEPS), run.costs[-1], run.accuracy]
        for name, run in runs.items()
    ]
    print(table(head, rows, "", ".4f", ".4f", ".4f", ".4f", ".0%"))

    zeros, _, small = runs.values()
    figure, (left, middle, plane) = axes(3, size=(13.0, 4.2))
    for ax, name in ((left, "zeros"), (middle, f"within ±{EPSILON}")):
        for j, width in enumerate([9.0, 6.5, 4.0, 1.5]):  # so that lines over lines are seen
            width = width if ax is left else 1.8
            ax.plot(runs[name].rows[:, j, 0], linewidth=width, label=f"$w_{{{j}0}}^{{(1)}}$")
        ax.set(xlabel="step", ylabel="weight", title=f"hidden weights, at first {name}")
    X, y = data(options.seed)
    for side, colour, marker in ((0, BLUE, "o"), (1, ORANGE, "^")):
        plane.scatter(*X[y == side].T, color=colour, marker=marker, s=22, label=f"y = {side}")
    boundary(plane, zeros.net, X, colors=GREY, linestyles="--")
    boundary(plane, small.net, X, colors=GREEN)
    plane.plot([], [], "--", color=GREY, label=f"zeros: {zeros.accuracy:.0%} right")
    plane.plot([], [], color=GREEN, label=f"random: {small.accuracy:.0%} right")
    plane.set(xlabel="$x_0$", ylabel="$x_1$", title="where the output is 0.5")
    for ax in figure.axes:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    save(figure, options.out / PICTURE)


if __name__ == "__main__":
    main()
