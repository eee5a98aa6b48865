"""Sensitivity: how much the cost minds each weight, and which gives the most for its money.

The lesson (000, 001): each entry of the gradient says how sensitive the cost
is to one weight. Where one entry is 3.2 and another 0.1, the same small change
of the first weight changes the cost 32 times as much. So the gradient ranks the
weights, and nudging each of them shows that the ranking is right.

Run it with `python -m demos.sensitivity`; pictures go to the folder `out`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from demos.common import BLUE, GREY, ORANGE, axes, parser, plain, save, table
from micrograd import Value, squared_error
from micrograd.nn import MLP
from viz import draw

PICTURE = "sensitivity.svg"
CHINESE = "敏感度：梯度的每一项说明代价对一个权重有多敏感，由此可知改哪个权重的性价比最高。"

# Two inputs, two hidden neurons and an output that is 2 and should be 0. The
# hidden biases are chosen so that the hidden activations are 0.8 and 0.3.
INPUTS, HIDDEN = [0.25, 0.9], [0.8, 0.3]
WEIGHTS = [[0.5, -1.0], [1.2, 0.7]], [0.625, -1.5]
STRONG, WEAK = "w_{0}^{(2)}", "w_{00}^{(1)}"  # those with 3.2 and 0.1
NUDGE = 1e-3


def build() -> MLP:
    """The network with the weights above."""
    net = MLP(2, [2, 1], activation="sigmoid")
    hidden, output = net.layers
    for neuron, weights, a in zip(hidden.neurons, WEIGHTS[0], HIDDEN, strict=True):
        z = math.log(a / (1.0 - a))  # so that sigma(z) is the activation
        neuron.b.data = z
        for w, number, x in zip(neuron.w, weights, INPUTS, strict=True):
            w.data = number
            neuron.b.data -= number * x
    (last,) = output.neurons
    last.b.data = 2.0
    for w, number, a in zip(last.w, WEIGHTS[1], HIDDEN, strict=True):
        w.data = number
        last.b.data -= number * a
    return net


def cost_of(net: MLP) -> Value:
    """C = (a - y)^2, with y = 0."""
    cost = squared_error(net(INPUTS), Value(0.0, "y"))
    cost.label = "C"
    return cost


@dataclass
class Entry:
    """A parameter, the gradient's entry for it, and what a nudge did to the cost."""

    parameter: Value
    gradient: float
    change: float


def change_of_cost(net: MLP, p: Value, nudge: float) -> float:
    """How much the cost grows when one parameter grows by a nudge."""
    before, old = cost_of(net).data, p.data
    p.data = old + nudge
    after = cost_of(net).data
    p.data = old
    return after - before


def ranking(net: MLP) -> list[Entry]:
    """All parameters, the cost's most sensitive first."""
    net.zero_grad()
    cost_of(net).backward()
    entries = [Entry(p, p.grad, change_of_cost(net, p, NUDGE)) for p in net.parameters()]
    return sorted(entries, key=lambda entry: -abs(entry.gradient))


def main(arguments: list[str] | None = None) -> None:
    """Print the ranking, draw it, and draw the graph with edges as wide as they matter."""
    out = parser(__doc__).parse_args(arguments).out
    net = build()
    entries = ranking(net)
    of = {entry.parameter.label: entry for entry in entries}
    weak, strong = of[WEAK], of[STRONG]
    rows = [
        [
            plain(e.parameter.label),
            e.gradient,
            abs(e.gradient / weak.gradient),
            e.change / NUDGE,
            abs(e.change / weak.change),
        ]
        for e in entries
    ]
    head = ["parameter", "gradient", "times", f"nudged by {NUDGE:g}", "times"]
    print(table(head, rows, "", "+.4f", ".2f", "+.4f", ".2f"))
    print()
    print(f"{strong.gradient:.1f} against {weak.gradient:.1f}: ", end="")
    print(f"the cost is {strong.gradient / weak.gradient:.1f} times as sensitive to ", end="")
    print(f"{plain(STRONG)} as to {plain(WEAK)}; ", end="")
    print(f"nudged, it changes {strong.change / weak.change:.1f} times as much.")

    figure, (ranks, slopes) = axes(2)
    names = [f"${e.parameter.label}$" for e in entries]
    special = {STRONG: ORANGE, WEAK: BLUE}
    colours = [special.get(e.parameter.label, "#c9c9c9") for e in entries]
    bars = ranks.barh(names, [abs(e.gradient) for e in entries], color=colours)
    ranks.bar_label(bars, [f"{e.gradient:+.2f}".replace("-", "−") for e in entries], padding=5)
    nudged = [abs(e.change / NUDGE) for e in entries]
    ranks.plot(nudged, names, "|", color="black", markersize=14, label="measured by a nudge")
    ranks.set(xlabel="|∂C/∂p|, cost per unit of p", title="the parameters, ranked", xlim=(0, 4.7))
    ranks.invert_yaxis()
    ranks.legend(loc="lower right")

    nudges = np.linspace(-0.25, 0.25, 51)
    for entry in (strong, weak):
        name, colour = f"${entry.parameter.label}$", special[entry.parameter.label]
        costs = [change_of_cost(net, entry.parameter, float(nudge)) for nudge in nudges]
        slopes.plot(nudges, costs, color=colour, label=f"nudging {name}")
        line = f"slope {entry.gradient:.1f}, its gradient"
        slopes.plot(nudges, entry.gradient * nudges, ":", color=colour, label=line)
    slopes.axhline(0.0, color=GREY, linewidth=0.8)
    slopes.set(xlabel="change of the weight", ylabel="change of the cost", title="32 times as much")
    slopes.legend()
    save(figure, out / PICTURE)
    cost = cost_of(net)
    net.zero_grad()
    cost.backward()
    save(draw(cost), out / "sensitivity_graph.svg")


if __name__ == "__main__":
    main()
