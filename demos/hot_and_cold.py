"""Hot and cold against the gradient: how many predictions; scaling, reversal and stopping.

The lesson (003): three predictions a step tell which way to go, but not how far. The gradient,
2 (prediction - label) input, tells both from one: the input scales the change, reverses it
where it is negative, and stops it where it is zero.

Run it with `python -m demos.hot_and_cold`; the picture goes to the folder `out`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from demos.common import BLUE, GREEN, GREY, ORANGE, PURPLE, axes, parser, save, table
from micrograd import Value, parameter
from micrograd.losses import squared_error
from micrograd.optim import SGD

PICTURE = "hot_and_cold.svg"
CHINESE = "冷热学习与梯度下降的对照：各要做多少次预测；梯度怎样做到缩放、负值反转和停止。"

INPUT, LABEL, WEIGHT = 2.0, 0.8, 0.5  # the lesson's
ENOUGH, BUDGET = 1e-6, 4000  # an error to reach, and predictions to do it with
STEPS, RATES = [0.03, 0.001, 0.0001], [0.05, 0.02]
COLD = [f"hot and cold, step {step:g}" for step in STEPS]
WARM = [f"gradient, rate {rate:g}" for rate in RATES]
COLOURS = dict(zip(COLD + WARM, [BLUE, GREEN, PURPLE, ORANGE, GREY], strict=True))


@dataclass
class Neuron:
    """prediction = input * weight, without a bias; it counts its predictions."""

    input: float = INPUT
    label: float = LABEL
    w: Value = field(default_factory=lambda: parameter(WEIGHT, "w"))
    predictions: int = 0
    # Before each step: predictions made so far, the weight, and its error.
    path: list[tuple[int, float, float]] = field(default_factory=list)

    def error(self, weight: Value | float) -> Value:
        """Make one prediction, and compare it with the label."""
        self.predictions += 1
        return squared_error(weight * Value(self.input), self.label)

    def settled(self) -> int | None:
        """After how many predictions the error was below ENOUGH for good; None for never."""
        above = [i for i, (_, _, error) in enumerate(self.path) if error >= ENOUGH]
        first = above[-1] + 1 if above else 0
        # Walking to and fro between a good weight and a bad one is not settling.
        return self.path[first][0] if first < len(self.path) - 1 else None


def hot_and_cold(neuron: Neuron, step: float) -> None:
    """Predict, predict with a little more and with a little less weight, and keep the better."""
    neuron.error(neuron.w.data)
    up = neuron.error(neuron.w.data + step)
    down = neuron.error(neuron.w.data - step)
    if up.data < down.data:
        neuron.w.data += step
    elif down.data < up.data:
        neuron.w.data -= step


def gradient_descent(neuron: Neuron, rate: float) -> None:
    """Predict, and go against the gradient; with rate = alpha / 2 it is the lesson's rule."""
    descent = SGD([neuron.w], lr=rate)
    descent.zero_grad()
    neuron.error(neuron.w).backward()
    descent.step()


def learn(step: Callable[[Neuron, float], None], size: float) -> Neuron:
    """Take steps of one kind from the lesson's weight until the predictions are used up."""
    neuron = Neuron()
    while neuron.predictions < BUDGET:
        error = (neuron.w.data * neuron.input - neuron.label) ** 2  # looking is not counted
        neuron.path.append((neuron.predictions, neuron.w.data, error))
        step(neuron, size)
    return neuron


def first_change(step: Callable[[Neuron, float], None], size: float, x: float) -> float:
    """How one step changes the weight for input x, where the prediction is 0.2 too small."""
    neuron = Neuron(x, WEIGHT * x + 0.2)
    step(neuron, size)
    return neuron.w.data - WEIGHT


def picture(learned: dict[str, Neuron]) -> Any:
    """The error against predictions made; the ways down; the change against the input."""
    figure, (errors, ways, changes) = axes(3, size=(14.0, 4.4))
    for name, neuron in learned.items():
        made, weight, error = zip(*neuron.path, strict=True)
        # Of each two in a row the larger: so walking to and fro is one level, not a band.
        level = [max(pair) for pair in pairwise(error)]
        style: dict[str, Any] = {"color": COLOURS[name], "label": name}
        errors.plot(made[1:-1], level[1:], "--" if name in WARM else "-", **style)
        if name in (COLD[0], WARM[0]):
            marker = "^" if name in WARM else "o"
            ways.plot(weight[:9], error[:9], marker, fillstyle="none", markersize=8, **style)
    errors.axhline(ENOUGH, color="black", linewidth=0.8, label="enough")
    errors.set(xscale="log", yscale="log", ylim=(1e-12, 1))
    errors.set(xlabel="predictions made", ylabel="error", title="how far it comes")
    curve = [0.37 + i / 500 for i in range(71)]
    ways.plot(curve, [(w * INPUT - LABEL) ** 2 for w in curve], color=GREY, linewidth=1)
    ways.set(xlabel="weight", ylabel="error", title="the first 8 steps")
    inputs = [i / 10 for i in range(-20, 21)]
    for step, size, name, marker in (
        (hot_and_cold, STEPS[0], COLD[0], "o"),
        (gradient_descent, RATES[0], WARM[0], "^"),
    ):
        change = [first_change(step, size, x) for x in inputs]
        changes.plot(inputs, change, marker, markersize=4, color=COLOURS[name], label=name)
    changes.set(
        xlabel="input", ylabel="change of the weight", title="one step, prediction 0.2 too small"
    )
    for ax in figure.axes:
        ax.legend(fontsize=8)
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Count the predictions of both, and show what the input does."""
    out = parser(__doc__).parse_args(arguments).out
    learned = {name: learn(hot_and_cold, size) for name, size in zip(COLD, STEPS, strict=True)}
    learned |= {name: learn(gradient_descent, size) for name, size in zip(WARM, RATES, strict=True)}
    print(f"input {INPUT:g}, label {LABEL:g}, weight at first {WEIGHT:g}; {BUDGET} predictions:\n")
    rows = [
        [name, neuron.settled() or "never", max(error for _, _, error in neuron.path[-2:])]
        for name, neuron in learned.items()
    ]
    print(
        table(["", f"predictions to error < {ENOUGH:f}", "error at the end"], rows, "", "", ".0e")
    )
    print("\nThe change of the weight in one step, where the prediction is 0.2 too small:\n")
    rows = [
        [x, first_change(gradient_descent, RATES[0], x), first_change(hot_and_cold, STEPS[0], x)]
        for x in (2.0, 1.0, 0.5, 0.0, -0.5, -1.0, -2.0)
    ]
    print(table(["input", WARM[0], COLD[0]], rows, "g", "+.3f", "+.3f"))
    save(picture(learned), out / PICTURE)


if __name__ == "__main__":
    main()
