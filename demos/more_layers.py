"""More layers: the chain has a factor w sigma'(z) more with each; sigma' is 1/4 at most, relu's 1.

The lesson (001, 004): with one neuron a layer, the first weight reaches the
cost through every layer in between, so its derivative is a product with one
factor w sigma'(z) for each of them. sigma' is at most 1/4: with every layer the
gradient shrinks to a quarter of w or less. relu' is 1 where it passes anything on, so
there only the weights are left.

Run it with `python -m demos.more_layers`; the pictures go to the folder `out`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from demos.common import BLUE, GREY, ORANGE, axes, parser, save, table
from micrograd import Value, relu, sigmoid
from micrograd.losses import squared_error
from micrograd.nn import MLP
from viz import draw, explain

PICTURE = "more_layers.svg"
CHINESE = (
    "更多的层：每多一层，就多乘一个因子 w σ′(z)；sigmoid 的导数至多四分之一，ReLU 激活时是 1。"
)

WEIGHT, BIAS, INPUT, WANTED = 0.9, 0.1, 0.5, 0.0  # the same in all layers
DEPTHS = range(2, 11)


@dataclass
class Chain:
    """A network of one neuron a layer, and its cost.

    Attributes:
        first: the weight of the first layer.
        cost: (a - y)^2.
        z: of each layer from the second on.
        factors: da(l)/da(l-1) = w sigma'(z(l)), of the same layers.
        ends: dz(1)/dw(1) da(1)/dz(1), at the one end, and dC/da(L) at the other.
    """

    first: Value
    cost: Value
    z: list[float]
    factors: list[float]
    ends: tuple[float, float]


def chain(layers: int, activation: str) -> Chain:
    """Build it, and take the factors from the paths of the chain rule."""
    net = MLP(1, [1] * layers, activation=activation, output=activation)
    for layer in net.layers:
        (neuron,) = layer.neurons
        neuron.w[0].data, neuron.b.data = WEIGHT, BIAS
    first = net.layers[0].neurons[0].w[0]
    cost = squared_error(net([INPUT]), Value(WANTED, "y"))
    cost.label = "C_0"
    cost.backward()
    (path,) = explain(cost, first).paths
    by_w, *between, by_a = path.factors  # z by w, then a by z and the next z by a, ..., C by a
    slopes, weights = between[0::2], between[1::2]
    factors = [w * slope for w, slope in zip(weights, slopes[1:], strict=True)]
    zs = [v.data for v in path.nodes[3:-1:2]]  # w, z, a, z, a, ..., C
    return Chain(first, cost, zs, factors, (by_w * slopes[0], by_a))


def product(net: Chain) -> float:
    """All factors, multiplied."""
    return math.prod(net.factors) * math.prod(net.ends)


def main(arguments: list[str] | None = None) -> None:
    """Print the gradients and their factors, and draw how they shrink."""
    out = parser(__doc__).parse_args(arguments).out
    nets = {a: [chain(n, a) for n in DEPTHS] for a in ("sigmoid", "relu")}
    rows = []
    for n, s, r in zip(DEPTHS, nets["sigmoid"], nets["relu"], strict=True):
        numbers = [s.first.grad, product(s), s.factors[-1], r.first.grad, r.factors[-1]]
        rows.append([n, len(s.factors), *numbers])
    head = ["layers", "factors", "dC0/dw(1) sigmoid", "as a product", "new factor"]
    head += ["dC0/dw(1) relu", "new factor"]
    print(table(head, rows, "d", "d", ".3e", ".3e", ".4f", ".4f", ".4f"))
    shown = nets["sigmoid"][1]
    print(f"\nWith {DEPTHS[1]} layers of sigmoid, as in the picture of the path:\n")
    print(explain(shown.cost, shown.first))

    figure, (shrinking, why) = axes(2)
    points = np.linspace(-4.0, 4.0, 401)
    for (name, several), colour, marker in zip(nets.items(), (BLUE, ORANGE), "os", strict=True):
        gradients = [net.first.grad for net in several]
        shrinking.semilogy(DEPTHS, gradients, marker=marker, color=colour, label=name)
        of = {"sigmoid": sigmoid, "relu": relu}[name]
        slopes = [of(Value(z)).local_derivatives()[0] for z in points]
        why.plot(points, slopes, color=colour, label=f"{name}′(z)")
        deepest = several[-1]
        at = [factor / WEIGHT for factor in deepest.factors]
        why.plot(deepest.z, at, marker, color=colour, label="at layers 2 to 10")
    bound = [nets["sigmoid"][0].first.grad * (WEIGHT / 4) ** (n - 2) for n in DEPTHS]
    shrinking.semilogy(DEPTHS, bound, ":", color=GREY, label="w/4 with each layer")
    shrinking.set(xlabel="layers L", ylabel=r"$\partial C_0/\partial w^{(1)}$")
    shrinking.set_title("the derivative by the first weight")
    why.axhline(0.25, linestyle=":", color=GREY, label="1/4, its most")
    why.set(xlabel="z", ylabel="local derivative", title="each layer's factor, apart from w")
    shrinking.legend()
    why.legend(loc="center left")
    save(figure, out / PICTURE)
    save(draw(shown.cost, highlight=shown.first), out / "more_layers_path.svg")


if __name__ == "__main__":
    main()
