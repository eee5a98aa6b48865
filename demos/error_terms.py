"""Error terms: a delta for each neuron, handed back by layers; K classes; L2 without the biases.

The lesson (002): delta(l) is the derivative of one sample's cost by z(l). With K sigmoid outputs
and the logistic cost it is a - y there, and (W(l+1)' delta(l+1)) .* a(l) .* (1 - a(l)) before them;
the gradient is the mean of delta(l) a(l-1)'. L2 adds lambda / m W(l), and nothing for the biases.

Run it with `python -m demos.error_terms`; the picture goes to the folder `out`.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from demos.common import GREY, axes, parser, plain, save, table
from micrograd import Value
from micrograd.losses import l2, logistic_cost
from micrograd.nn import MLP
from micrograd.program import Program, vectorize
from viz import error_terms

PICTURE = "error_terms.svg"
CHINESE = "误差项：δ 从输出层一层层往回传；K 个输出的分类代价；L2 正则化不包括偏置。"

SIZES, M, LAMBDA = [3, 5, 4, 3], 20, 2.0  # neurons in each layer; samples; of L2
Layers = list[tuple[Any, Any]]  # each layer's W, row j for neuron j, and b


def problem(seed: int) -> tuple[MLP, Any, Any]:
    """A network, its biases random too; samples X, (M, 3), and their classes Y, (M, K)."""
    random = np.random.default_rng(seed)
    net = MLP(SIZES[0], SIZES[1:], "sigmoid", "sigmoid", rng=random)
    for p in net.parameters():
        p.data = float(random.uniform(-1.0, 1.0))
    X = random.uniform(-1.0, 1.0, (M, SIZES[0]))
    return net, X, np.eye(SIZES[-1])[random.integers(SIZES[-1], size=M)]


def matrices(net: MLP) -> Layers:
    """The network's weights and biases, as the lesson has them."""
    rows = [[[p.data for p in n.parameters()] for n in layer.neurons] for layer in net.layers]
    return [(np.array(numbers)[:, :-1], np.array(numbers)[:, -1]) for numbers in rows]


def propagate(layers: Layers, x: Any, y: Any) -> tuple[list[Any], list[Any]]:
    """The lesson for one sample: the activations a(0), a(1), ... and the deltas of 1, 2, ..."""
    a = [x]
    for W, b in layers:
        a.append(1.0 / (1.0 + np.exp(-(W @ a[-1] + b))))
    deltas = [a[-1] - y]
    for (W, _), a_l in zip(reversed(layers[1:]), reversed(a[1:-1]), strict=True):
        deltas.insert(0, (W.T @ deltas[0]) * a_l * (1.0 - a_l))
    return a, deltas


def lesson(layers: Layers, X: Any, Y: Any, strength: float) -> Any:
    """The lesson: J, and 1/m sum of delta a' + lambda / m W in the order of `parameters()`."""
    m, J, D = len(X), 0.0, [np.zeros((len(b), W.shape[1] + 1)) for W, b in layers]
    for x, y in zip(X, Y, strict=True):
        a, deltas = propagate(layers, x, y)
        J -= np.sum(y * np.log(a[-1]) + (1.0 - y) * np.log(1.0 - a[-1])) / m
        for D_l, delta, before in zip(D, deltas, a[:-1], strict=True):
            D_l += np.outer(delta, [*before, 1.0]) / m  # a bias multiplies 1
    for D_l, (W, _) in zip(D, layers, strict=True):
        J += strength / (2.0 * m) * np.sum(W**2)
        D_l[:, :-1] += strength / m * W
    return np.concatenate([[J], *(D_l.ravel() for D_l in D)])


def engine(net: MLP, X: Any, Y: Any, strength: float) -> Any:
    """The same from Values: write down the cost, go back from it."""
    costs = [logistic_cost(net(x), y) for x, y in zip(X.tolist(), Y.tolist(), strict=True)]
    J = sum(costs) / len(X) + l2(net, strength / len(X))
    net.zero_grad()
    J.backward()
    return np.array([J.data, *(p.grad for p in net.parameters())])


def vectorised(net: MLP, strength: float = 0.0) -> Program:
    """The same as array operations, found in the graph of one sample."""
    x = [Value(0.0, f"x_{k}") for k in range(SIZES[0])]
    y = [Value(0.0, f"y_{j}") for j in range(SIZES[-1])]
    cost = logistic_cost(net(x), y)
    return vectorize(cost + l2(net, strength / M) if strength else cost, [x, y], net.parameters())


def formulas(program: Program) -> list[list[str]]:
    """The lesson's formulas, from the last layer on, each beside the program's line for it."""
    text = program.source.split("def value_and_grad")[1].split("def per_sample_grad")[0]
    code = dict(re.findall(r"  (d\w+)\S* = ([^#\n]*[^#\s])", text))
    rows, last = [], len(SIZES) - 1
    for i in range(last, 0, -1):
        back = f"(W({i + 1})' delta({i + 1})) .* a({i}) .* (1 - a({i}))"
        delta = back if i < last else f"a({i}) - y"
        rows.append([f"delta({i}) = {delta}", f"dZ{i} = {code[f'dZ{i}']}"])
        rows.append([f"dC/dW({i}) = sum of delta({i}) a({i - 1})'", f"dW{i} = {code[f'dW{i}']}"])
        rows.append([f"dC/db({i}) = sum of delta({i})", f"db{i} = {code[f'db{i}']}"])
    return rows


def picture(deltas: list[Any], theta: Any, added: Any, is_weight: Any) -> Any:
    """One sample's error terms, layer by layer; and what L2 adds to each derivative."""
    figure, (tree, slopes) = axes(2, size=(11.0, 4.4))
    places = [(i, (len(d) - 1) / 2 - j) for i, d in enumerate(deltas, 1) for j in range(len(d))]
    terms = np.concatenate(deltas)
    widest = 2 * abs(terms).max()  # twice, so that no colour is too dark for the number
    colours = {"c": terms, "cmap": "RdBu", "vmin": -widest, "vmax": widest, "edgecolors": GREY}
    dots = tree.scatter(*np.transpose(places), s=1500, **colours)
    for place, delta in zip(places, terms, strict=True):
        tree.text(*place, f"{delta:+.3f}", ha="center", va="center", fontsize=8)
    tree.margins(0.2)
    tree.set(xlabel="layer $l$", ylabel="neuron $j$, the first on top", xticks=range(1, len(SIZES)))
    tree.set(yticks=[], title=r"$\delta_j^{(l)}$ of one sample, handed from right to left")
    figure.colorbar(dots, ax=tree, label=r"$\partial C/\partial z_j^{(l)}$")
    for chosen, name, marker in (is_weight, "weights", "o"), (~is_weight, "biases", "^"):
        slopes.plot(theta[chosen], added[chosen], marker, ms=5, label=name)
    slopes.set(xlabel="parameter", ylabel="added to its derivative", title="what L2 adds")
    slopes.legend()
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Print the error terms of one sample and the gradient of all, and draw them."""
    options = parser(__doc__, seed=0).parse_args(arguments)
    net, X, Y = problem(options.seed)
    layers = matrices(net)
    deltas = propagate(layers, X[0], Y[0])[1]
    found = error_terms(logistic_cost(net(X[0].tolist()), Y[0].tolist())).items()
    terms = zip(found, np.concatenate(deltas), strict=True)
    rows = [[plain(z.label), d, term, abs(d - term)] for (z, term), d in terms]
    print(table(["dC0 by", "lesson", "error_terms", "gap"], rows, "", "+.6f", "+.6f", ".0e"))
    head = ["lesson", "vectorize: a row for each sample"]
    print(f"\n{table(head, formulas(vectorised(net)))}\n")
    rows, theta = [], vectorised(net).parameters
    for name, strength in ("without L2", 0.0), ("with L2", LAMBDA):
        right, by_values = lesson(layers, X, Y, strength), engine(net, X, Y, strength)
        by_program = np.hstack(vectorised(net, strength).value_and_grad(X, Y))
        rows.append([name, right[0], abs(by_values - right).max(), abs(by_program - right).max()])
    added = (by_values - engine(net, X, Y, 0.0))[1:]
    head = [f"J and gradient of {M} samples", "J", "lesson - Values", "lesson - vectorize"]
    print(table(head, rows, "", ".6f", ".0e", ".0e"))
    is_weight = np.array([p.label.startswith("w") for p in net.parameters()])
    save(picture(deltas, theta, added, is_weight), options.out / PICTURE)


if __name__ == "__main__":
    main()
