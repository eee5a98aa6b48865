"""Three ways to raise a neuron's activation: its bias, its weights, what is behind it; and Hebb.

The lesson (000, 002): the neuron for "2" stands at 0.2 and should be at 1. Its
bias raises it; its weights do, in proportion to the activations behind them;
and those activations do, in proportion to the weights. In a whole layer the
weights that grow most join bright neurons to wanted ones, which is Hebb's "what
fires together wires together".

Run it with `python -m demos.three_ways`; the picture goes to the folder `out`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from demos.common import BLUE, GREEN, ORANGE, axes, parser, save, table
from micrograd import Value
from micrograd.losses import squared_error
from micrograd.nn import Layer

PICTURE = "three_ways.svg"
CHINESE = "让一个神经元更亮的三条路：增加偏置、增加权重、改变上一层的激活值；以及赫布理论。"

# The lesson's untrained outputs: "2" has 0.8 to go, and "8" only 0.2.
OUTPUTS = [0.5, 0.8, 0.2, 0.9, 0.4, 0.6, 0.95, 0.05, 0.2, 0.1]
BEHIND = [0.95, 0.1, 0.6, 0.0, 0.3, 0.8]
DIGIT = 2
STEP = 0.1  # how far each way is gone


@dataclass
class Lesson:
    """A layer, the activations behind it, and its own."""

    layer: Layer
    behind: list[Value]
    outputs: list[Value]


def build(seed: int) -> Lesson:
    """A layer of ten sigmoid neurons that has the lesson's outputs."""
    layer = Layer(len(BEHIND), len(OUTPUTS), activation="sigmoid", rng=np.random.default_rng(seed))
    for neuron, a in zip(layer.neurons, OUTPUTS, strict=True):
        weighted = sum(w.data * x for w, x in zip(neuron.w, BEHIND, strict=True))
        neuron.b.data = math.log(a / (1.0 - a)) - weighted
    behind = [Value(x, f"a_{k}") for k, x in enumerate(BEHIND)]
    return Lesson(layer, behind, layer(behind))


def three_columns(lesson: Lesson) -> tuple[float, list[float], list[float]]:
    """The derivatives of the digit's activation: by its bias, weights and inputs, from one pass."""
    neuron = lesson.layer.neurons[DIGIT]
    for v in (*neuron.parameters(), *lesson.behind):
        v.grad = 0.0
    lesson.outputs[DIGIT].backward()
    return neuron.b.grad, [w.grad for w in neuron.w], [a.grad for a in lesson.behind]


def rise(lesson: Lesson, values: list[Value], direction: list[float]) -> float:
    """How much the activation grows when values move by STEP, together, in a direction."""
    before, length = [v.data for v in values], math.hypot(*direction)
    for v, d in zip(values, direction, strict=True):
        v.data += STEP * d / length
    moved = lesson.layer(lesson.behind)[DIGIT].data
    for v, old in zip(values, before, strict=True):
        v.data = old
    return moved - lesson.outputs[DIGIT].data


def growth(lesson: Lesson) -> np.ndarray:
    """What one step against the cost's gradient adds to each weight, shape (10, behind)."""
    cost = squared_error(lesson.outputs, [float(j == DIGIT) for j in range(len(OUTPUTS))])
    cost.zero_grad()
    cost.backward()
    return -np.array([[w.grad for w in neuron.w] for neuron in lesson.layer.neurons])


def main(arguments: list[str] | None = None) -> None:
    """Print the three columns and what each way is worth, and draw them with Hebb's table."""
    options = parser(__doc__, seed=3).parse_args(arguments)
    lesson = build(options.seed)
    neuron = lesson.layer.neurons[DIGIT]
    by_b, by_w, by_a = three_columns(lesson)
    weights = [w.data for w in neuron.w]
    head = ["k", "a_k behind", "w_k", "by the bias", "by w_k", "by a_k"]
    rows = list(
        zip(range(len(BEHIND)), BEHIND, weights, [by_b] * len(by_w), by_w, by_a, strict=True)
    )
    print(f'The activation of "{DIGIT}" is {lesson.outputs[DIGIT].data:.1f}. Its derivatives:')
    print(table(head, rows, "d", ".2f", "+.3f", "+.4f", "+.4f", "+.4f"))
    print(f"By w_k it is {by_b:.2f} times a_k, and by a_k it is {by_b:.2f} times w_k.\n")

    ones = [1.0] * len(BEHIND)
    ways = [
        ["the bias", rise(lesson, [neuron.b], [1.0])],
        ["the weights, all alike", rise(lesson, neuron.w, ones)],
        ["the weights, in proportion to a_k", rise(lesson, neuron.w, BEHIND)],
        ["the activations, all alike", rise(lesson, lesson.behind, ones)],
        ["the activations, in proportion to w_k", rise(lesson, lesson.behind, weights)],
    ]
    print(table([f"a step of {STEP:g} along", "raises it by"], ways, "", "+.4f"))

    grown = growth(lesson)
    j, k = np.unravel_index(grown.argmax(), grown.shape)
    print(
        f'\nFor an image of a "{DIGIT}", the weight that grows most, by {grown[j, k]:+.3f}, joins'
    )
    print(f'neuron {k} behind, the brightest at {BEHIND[k]}, to "{j}". The cost wants "{j}" up')
    up, down = lesson.outputs[DIGIT], lesson.outputs[8]
    print(f'{-up.grad / down.grad:.1f} times as much as "8" down: ', end="")
    print(f"{1.0 - up.data:.1f} to go against {down.data:.1f}.")

    figure, (line, hebb) = axes(2)
    line.plot([-1, 1], [-by_b, by_b], color="#bbbbbb", label=f"slope {by_b:.2f} = σ′(z)")
    line.plot(1.0, by_b, "s", color=GREEN, label="by the bias, factor 1", markersize=9)
    line.plot(BEHIND, by_w, "o", color=BLUE, label="by weight $w_k$, factor $a_k$")
    line.plot(weights, by_a, "^", color=ORANGE, label="by activation $a_k$, factor $w_k$")
    line.set(xlabel="factor", ylabel='derivative of the activation of "2"', title="three ways")
    line.legend()

    most = np.abs(grown).max()
    image = hebb.imshow(grown, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
    hebb.grid(visible=False)
    hebb.set_xticks(range(len(BEHIND)), [f"{a:g}" for a in BEHIND])
    hebb.set_yticks(range(10), [f'"{j}": {a:g}' for j, a in enumerate(OUTPUTS)])
    hebb.set(xlabel="activation of the neuron behind", ylabel="output neuron, and where it stands")
    hebb.set_title('what an image of a "2" adds to each weight')
    figure.colorbar(image, ax=hebb, label="−∂C/∂w: red shrinks, blue grows")
    save(figure, options.out / PICTURE)


if __name__ == "__main__":
    main()
