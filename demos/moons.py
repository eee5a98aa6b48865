"""Two moons: a network of scalar Values learns a boundary that no line can draw.

micrograd's classifier: 2 inputs, two hidden layers of 16 relu neurons and one
linear output, with the support vector machine's max-margin cost: a sample
costs nothing once its output is on the right side by 1 or more. All 100
samples are used in every step; the weights are kept small by L2.

Run it with `python -m demos.moons`; the picture goes to the folder `out`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from demos.common import BLUE, ORANGE, axes, parser, progress, save
from micrograd import Value, no_grad
from micrograd.nn import MLP
from micrograd.optim import SGD

PICTURE = "moons.png"
CHINESE = "两个月牙：用标量 Value 搭成的网络学会一条弯曲的边界，分开直线分不开的两类点。"


def data(seed: int) -> tuple[Any, Any]:
    """100 points, shape (100, 2), and their moon, -1 or 1, shape (100,)."""
    from sklearn.datasets import make_moons

    np.random.seed(seed)  # as micrograd's notebook does
    X, y = make_moons(n_samples=100, noise=0.1)
    return X, y * 2 - 1


def cost_and_accuracy(model: MLP, X: Any, y: Any, alpha: float = 1e-4) -> tuple[Value, float]:
    """Mean max-margin cost plus alpha times all squared parameters; and the share that is right."""
    scores = [model([Value(number) for number in x]) for x in X]
    losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    regularisation = alpha * sum(p * p for p in model.parameters())
    right = [(yi > 0) == (score > 0) for yi, score in zip(y, scores, strict=True)]
    return data_loss + regularisation, sum(right) / len(right)


def train(model: MLP, X: Any, y: Any, steps: int) -> list[float]:
    """Full-batch descent with a falling learning rate; returns the cost before each step."""
    descent = SGD(model.parameters(), lr=1.0)
    costs = []
    bar = progress(range(steps), "step")
    for step in bar:
        cost, accuracy = cost_and_accuracy(model, X, y)
        descent.zero_grad()
        cost.backward()
        descent.lr = 1.0 - 0.9 * step / 100
        descent.step()
        costs.append(cost.data)
        bar.set_postfix_str(f"cost {cost.data:.4f}, accuracy {accuracy:.0%}")
    return costs


def picture(model: MLP, X: Any, y: Any, costs: list[float], path: Path) -> None:
    """Draw the cost over the steps, and the plane as the network divides it."""
    (left, right), (bottom, top) = ((c.min() - 0.5, c.max() + 0.5) for c in X.T)
    across, up = np.linspace(left, right, 60), np.linspace(bottom, top, 60)
    with no_grad():
        scores = np.array([[model([x, v]).data for x in across] for v in up])
    figure, (curve, plane) = axes(2)
    curve.plot(costs)
    curve.set(xlabel="step", ylabel="cost", yscale="log", title="cost of all 100 samples")
    plane.contourf(across, up, scores, levels=[-1e9, 0, 1e9], colors=["#cfe3ff", "#ffe0cc"])
    plane.contour(
        across, up, scores, levels=[-1, 0, 1], colors="#555555", linestyles=[":", "-", ":"]
    )
    for side, colour, marker in ((-1, BLUE, "o"), (1, ORANGE, "^")):
        plane.scatter(
            *X[y == side].T, color=colour, marker=marker, edgecolor="white", label=f"y = {side}"
        )
    plane.set(xlabel="$x_0$", ylabel="$x_1$", title="decision boundary (dotted: margin)")
    plane.legend()
    save(figure, path)


def main(arguments: list[str] | None = None) -> None:
    """Train, report, draw."""
    options = parser(__doc__, seed=1337)
    options.add_argument("--steps", type=int, default=100, help="default 100")
    options = options.parse_args(arguments)
    random.seed(options.seed)
    model = MLP(2, [16, 16, 1])
    parameters = len(model.parameters())
    # At once: data() loads sklearn first.
    print(f"{model.__class__.__name__} 2-16-16-1, {parameters} parameters", flush=True)
    X, y = data(options.seed)
    costs = train(model, X, y, options.steps)
    cost, accuracy = cost_and_accuracy(model, X, y)
    if costs:
        print(f"cost before the first step {costs[0]}, before the last {costs[-1]:.10f}")
    print(f"cost now {cost.data:.10f}, accuracy {accuracy:.0%}")
    picture(model, X, y, costs, options.out / PICTURE)


if __name__ == "__main__":
    main()
