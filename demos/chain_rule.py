"""One neuron a layer: the chain rule as a tree.

The lesson: z = w a + b, a = sigma(z), and the cost of one sample is
C0 = (a - y)^2. A weight reaches the cost through z and a, so its derivative is
the product of three local derivatives: dz/dw, da/dz and dC0/da. One layer
further back the chain is two factors longer.

Run it with `python -m demos.chain_rule`; the pictures, and a page to step
through, go to the folder `out`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from demos.common import parser, plain
from micrograd import Value, affine, gradcheck, parameter, squared_error
from viz import draw, explain, page

PICTURE = "one_neuron.svg"
CHINESE = "每层一个神经元：把链式法则画成一棵树。"

# The lessons' activations for the last two layers, 0.48 and 0.66; the biases
# are chosen so that the network has them.
LAYERS = [("L-2", 1.1, 0.31), ("L-1", -1.6, 0.48), ("L", 1.5, 0.66)]
INPUT, WANTED = 0.35, 1.0


@dataclass
class Network:
    """Three weights, three biases, and what was computed from them."""

    weights: list[Value]
    biases: list[Value]
    activations: list[Value]
    target: Value
    cost: Value


def build() -> Network:
    """The lesson's network of one neuron a layer, with its cost."""
    weights, biases = [], []
    for before, (name, weight, wanted) in zip([INPUT, 0.31, 0.48], LAYERS, strict=True):
        z = math.log(wanted / (1.0 - wanted))  # so that sigma(z) is the wanted activation
        weights.append(parameter(weight, f"w^{{({name})}}"))
        biases.append(parameter(z - weight * before, f"b^{{({name})}}"))
    target = Value(WANTED, "y")
    return forward(weights, biases, target)


def forward(
    weights: list[Value], biases: list[Value], target: Value, a: Value | None = None
) -> Network:
    """Compute the last layers' activations and the cost, from the parameters and their input."""
    a = a or Value(INPUT, "a^{(L-3)}")
    activations = [a]
    for w, b, (name, _, _) in zip(weights, biases, LAYERS[-len(weights) :], strict=True):
        z = affine([w], [a], b)
        z.label = f"z^{{({name})}}"
        a = z.sigmoid()
        a.label = f"a^{{({name})}}"
        activations.append(a)
    cost = squared_error(a, target)
    cost.label = "C_0"
    return Network(weights, biases, activations, target, cost)


def closed_form(net: Network) -> dict[str, float]:
    """The lessons' formulas on plain numbers, without the engine.

    dC0/da(L) = 2 (a(L) - y), and then layer by layer backwards
    dC0/db = sigma'(z) dC0/da, dC0/dw = a(before) dC0/db, dC0/da(before) = w dC0/db.
    """
    a = [v.data for v in net.activations]
    by_a = 2.0 * (a[-1] - net.target.data)
    derivatives = {}
    for layer in reversed(range(len(LAYERS))):
        by_b = a[layer + 1] * (1.0 - a[layer + 1]) * by_a
        derivatives[net.biases[layer].label] = by_b
        derivatives[net.weights[layer].label] = a[layer] * by_b
        by_a = net.weights[layer].data * by_b
    return derivatives


def main(arguments: list[str] | None = None) -> None:
    """Print the derivatives, three ways, and draw the tree."""
    out = parser(__doc__).parse_args(arguments).out

    net = build()
    net.cost.backward()
    parameters = [p for pair in zip(net.weights, net.biases, strict=True) for p in pair]
    lesson = closed_form(net)
    numeric = gradcheck(lambda: forward(net.weights, net.biases, net.target).cost, parameters)

    last, cost = net.activations[-1], net.cost
    print(f"C0 = (a(L) - y)^2 = ({last.data:.2f} - {WANTED:g})^2 = {cost.data:.4f}")
    print()
    print("derivative of C0 by   chain rule     closed form    two-sided difference")
    for p, check in zip(reversed(parameters), reversed(numeric.checks), strict=True):
        name = plain(p.label)
        print(f"{name:20}  {p.grad:+.10f}  {lesson[p.label]:+.10f}  {check.numeric:+.10f}")
    print()
    w = net.weights[-1]
    print(explain(cost, w))
    print()

    tree = draw(cost)
    pictures = [
        tree.render(out / f"chain_rule.{format}") for format in ("svg", "png", "pdf", "dot")
    ]
    pictures.append(draw(cost, highlight=w, direction="TB").render(out / "chain_rule_path.svg"))
    alone = forward(net.weights[-1:], net.biases[-1:], net.target, net.activations[-2].detach())
    alone.cost.zero_grad()
    alone.cost.backward()
    pictures.append(draw(alone.cost, highlight=alone.weights[0]).render(out / PICTURE))
    print("The tree, with every local derivative and every gradient:")
    for picture in pictures:
        print(f"  {picture}")
    print("A page to step through it, for any browser:")
    print(f"  {page(cost, out / 'chain_rule.html').path}")


if __name__ == "__main__":
    main()
