"""More neurons a layer: the same chain rule with indices j and k, and a sum.

The lesson (004): with C0 = sum over j of (a_j - y_j)^2, the weight w_jk from neuron k of layer
L-1 to neuron j of layer L still has one way to the cost. But a_k(L-1) has one through every j, and
its derivative is their sum: dC0/da_k(L-1) = sum over j of w_jk sigma'(z_j) 2 (a_j - y_j).

Run it with `python -m demos.more_neurons`; pictures go to the folder `out`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from demos.common import axes, parser, plain, save, table
from micrograd import Value
from micrograd.losses import squared_error
from micrograd.nn import MLP
from viz import draw, explain

PICTURE = "more_neurons.svg"
CHINESE = "每层多个神经元：用下标 j 和 k 区分；代价对前一层激活值的导数，要对所有的 j 求和。"

SIZES = [2, 3, 2]  # neurons in the layers 0, 1 and 2; so L is 2
X, Y = [0.6, 0.9], [1.0, 0.0]


@dataclass
class Network:
    """A network's Values: each layer's activations, from the inputs on, and the cost."""

    mlp: MLP
    activations: list[list[Value]]
    targets: list[Value]
    cost: Value


@dataclass
class Lesson:
    """C0, its derivatives by what each label names, and what j adds to dC0/da_k(L-1)."""

    cost: float
    derivatives: dict[str, float] = field(default_factory=dict)
    terms: list[list[float]] = field(default_factory=list)  # terms[k][j]


def build(sizes: list[int], x: list[float], y: list[float], seed: int) -> Network:
    """A sigmoid network with random weights, applied to one sample."""
    mlp = MLP(sizes[0], sizes[1:], "sigmoid", "sigmoid", rng=np.random.default_rng(seed))
    activations = [[Value(x_k, name("a", k, 0)) for k, x_k in enumerate(x)]]
    for layer in mlp.layers:
        activations.append(layer(activations[-1]))
    targets = [Value(y_j, f"y_{j}") for j, y_j in enumerate(y)]
    cost = squared_error(activations[-1], targets)
    cost.label = "C_0"
    for j, error in enumerate(cost.parents):
        error.label = f"e_{j}"  # (a_j - y_j)^2
    return Network(mlp, activations, targets, cost)


def name(letter: str, index: object, layer: int) -> str:
    """A label as the network gives them: a_{1}^{(2)}."""
    return f"{letter}_{{{index}}}^{{({layer})}}"


def by_hand(net: Network) -> Lesson:
    """Forwards and backwards on plain numbers, with a loop for each index; without the engine."""
    weights = [[[w.data for w in n.w] for n in layer.neurons] for layer in net.mlp.layers]
    a, y = [[v.data for v in net.activations[0]]], [v.data for v in net.targets]
    for w, layer in zip(weights, net.mlp.layers, strict=True):
        z = [
            sum(w_jk * a_k for w_jk, a_k in zip(w_j, a[-1], strict=True)) + neuron.b.data
            for w_j, neuron in zip(w, layer.neurons, strict=True)
        ]
        a.append([1.0 / (1.0 + math.exp(-z_j)) for z_j in z])
    lesson = Lesson(sum((a_j - y_j) ** 2 for a_j, y_j in zip(a[-1], y, strict=True)))
    by_a = [2.0 * (a_j - y_j) for a_j, y_j in zip(a[-1], y, strict=True)]
    for layer in range(len(weights), 0, -1):
        by_z = [a_j * (1.0 - a_j) * d for a_j, d in zip(a[layer], by_a, strict=True)]
        w, before = weights[layer - 1], a[layer - 1]
        terms = [[w_j[k] * d for w_j, d in zip(w, by_z, strict=True)] for k in range(len(before))]
        found = lesson.derivatives
        found |= {name("a", j, layer): d for j, d in enumerate(by_a)}
        found |= {name("b", j, layer): d for j, d in enumerate(by_z)}
        for j, d in enumerate(by_z):
            found |= {name("w", f"{j}{k}", layer): a_k * d for k, a_k in enumerate(before)}
        lesson.terms = lesson.terms or terms
        by_a = [sum(term) for term in terms]
    return lesson


def picture(net: Network, terms: list[list[float]]) -> Any:
    """What each neuron j asks of each a_k(L-1), and what it comes to."""
    figure, ax = axes(size=(7.5, 4.2))
    bars = [(f"through $j = {j}$", asked) for j, asked in enumerate(zip(*terms, strict=True))]
    bars.append(("their sum: the derivative", tuple(map(sum, terms))))
    wide = 0.8 / len(bars)
    for i, (said, heights) in enumerate(bars):
        places = [k + (i - (len(bars) - 1) / 2) * wide for k in range(len(terms))]
        colour = {"color": "#333333"} if i == len(bars) - 1 else {}
        drawn = ax.bar(places, heights, wide * 0.94, label=said, **colour)
        ax.bar_label(drawn, fmt="%+.3f", fontsize=8, padding=2)
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.margins(y=0.12)
    layer = len(net.activations) - 2
    ax.set_xticks(range(len(terms)), [rf"$a_{k}^{{({layer})}}$" for k in range(len(terms))])
    ax.set(
        xlabel=rf"neuron $k$ of layer $L-1 = {layer}$",
        ylabel=r"$w_{jk}\,\sigma'(z_j)\,2\,(a_j - y_j)$",
        title=r"$\partial C_0/\partial a_k^{(L-1)}$: what each neuron $j$ asks of $a_k$",
    )
    ax.legend()
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Print the derivatives by hand and by the engine, and draw."""
    options = parser(__doc__, seed=5).parse_args(arguments)
    net = build(SIZES, X, Y, options.seed)
    net.cost.backward()
    lesson = by_hand(net)

    parts = " + ".join(e.label for e in net.cost.parents)
    print(f"C0 = {parts} = {lesson.cost:.6f}, where e_j = (a_j - y_j)^2")
    print(f"the engine has {net.cost.data:.6f}\n")
    values = [*net.mlp.parameters(), *(v for layer in net.activations[1:] for v in layer)]
    engine = {v.label: v.grad for v in values}
    rows = [[plain(k), d, engine[k], abs(d - engine[k])] for k, d in lesson.derivatives.items()]
    head = ["dC0 by", "by hand", "engine", "difference"]
    print(table(head, rows, "", "+.6f", "+.6f", ".0e"))

    print("\nThe sums over j, for the last layer but one:\n")
    last, terms = net.activations[-2], lesson.terms
    head = ["dC0 by", *(f"j = {j}" for j in range(len(terms[0]))), "sum", "engine"]
    rows = [[plain(a.label), *t, sum(t), a.grad] for a, t in zip(last, terms, strict=True)]
    print(table(head, rows, "", *["+.6f"] * (len(head) - 1)))
    # Where the neurons j disagree most.
    k = min(range(len(last)), key=lambda k: abs(sum(terms[k])) / max(map(abs, terms[k])))
    print(f"\n{explain(net.cost, last[k])}\n")
    save(picture(net, terms), options.out / PICTURE)
    save(draw(net.cost, highlight=last[k]), options.out / "more_neurons_tree.svg")


if __name__ == "__main__":
    main()
