"""Several neurons a layer: a weight reaches the cost along several paths, which add up.

The lesson (004): in a 2-3-2 network an activation a_k(1) of the middle layer feeds every output
j, so its derivative is a sum, dC/da_k(1) = sum_j w_jk(2) sigma'(z_j(2)) 2 (a_j(2) - y_j), one
term for each path. A weight w_ki(1) before it has one factor more: sigma'(z_k(1)) x_i.

Run it with `python -m demos.tiny_mlp`; the picture, and a page to step through, go to `out`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from demos.common import parser, save, table
from micrograd import Value, ops, squared_error
from micrograd.nn import MLP
from viz import draw, error_terms, explain, page

PICTURE = "tiny_mlp.svg"
CHINESE = "每层多个神经元：一个权重经过多条路径影响代价，各条路径的贡献相加。"

INPUTS, WANTED = (0.5, -1.0), (1.0, 0.0)
# Of each layer, for each neuron: its weights, and its bias.
LAYERS = [
    [([0.8, -0.5], 0.1), ([-1.2, 0.7], 0.0), ([0.4, 1.1], -0.3)],
    [([1.4, -0.9, 0.6], 0.2), ([-0.7, 1.3, 0.5], -0.1)],
]


@dataclass
class Network:
    """The network, and what it made of one sample."""

    mlp: MLP
    cost: Value


def build() -> Network:
    """The 2-3-2 network with its cost, the sum of (a_j - y_j)^2."""
    mlp = MLP(2, [3, 2], activation="sigmoid", output="sigmoid")
    for layer, rows in zip(mlp.layers, LAYERS, strict=True):
        for neuron, (weights, bias) in zip(layer.neurons, rows, strict=True):
            neuron.b.data = bias
            for w, number in zip(neuron.w, weights, strict=True):
                w.data = number
    outputs = mlp([Value(x, f"x_{i}") for i, x in enumerate(INPUTS)])
    wanted = [Value(y, f"y_{j}") for j, y in enumerate(WANTED)]
    cost = ops.sum([squared_error(a, y) for a, y in zip(outputs, wanted, strict=True)])
    cost.label = "C"
    return Network(mlp, cost)


def activations(rows: list[tuple[list[float], float]], before: list[float]) -> list[float]:
    """One layer on plain numbers: sigma(w . a + b) for each neuron."""
    zs = [sum(w * a for w, a in zip(weights, before, strict=True)) + b for weights, b in rows]
    return [1.0 / (1.0 + math.exp(-z)) for z in zs]


def terms(k: int, i: int) -> list[float]:
    """The lesson's terms of dC/dw_ki(1), one for each output, without the engine."""
    middle = activations(LAYERS[0], list(INPUTS))
    outputs = activations(LAYERS[1], middle)
    by_z = [2.0 * (a - y) * a * (1.0 - a) for a, y in zip(outputs, WANTED, strict=True)]
    first = middle[k] * (1.0 - middle[k]) * INPUTS[i]
    return [first * weights[k] * d for (weights, _), d in zip(LAYERS[1], by_z, strict=True)]


def main(arguments: list[str] | None = None) -> None:
    """Explain a weight path by path, compare all with the lesson's sum, draw, write the page."""
    out = parser(__doc__).parse_args(arguments).out
    net = build()
    net.cost.backward()
    first = net.mlp.layers[0].neurons
    print(explain(net.cost, first[0].w[0]))
    print()
    rows = [
        [f"w_{k}{i}(1)", w.grad, *terms(k, i), sum(terms(k, i))]
        for k, neuron in enumerate(first)
        for i, w in enumerate(neuron.w)
    ]
    head = ["weight", "chain rule", "through output 0", "through output 1", "their sum"]
    print(table(head, rows, "+.10f"))
    print()
    print(error_terms(net.cost))
    print()
    save(draw(net.cost), out / PICTURE)
    print(f"page to step through: {page(net.cost, out / 'tiny_mlp.html').path}")


if __name__ == "__main__":
    main()
