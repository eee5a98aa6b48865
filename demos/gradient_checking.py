"""Gradient checking: two-sided differences, why eps is 1e-4, a planted bug caught, how slow it is.

The lesson (002): a network with a bug in back-propagation runs, and only learns badly. But
(J(theta + eps) - J(theta - eps)) / (2 eps) needs no chain rule, and must come to about the same.
Take eps small, not too small: 1e-4. Then turn it off: it computes the cost twice a parameter.

Run it with `python -m demos.gradient_checking`; the picture goes to the folder `out`.
"""

from __future__ import annotations

import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from demos.common import GREY, axes, parser, progress, save, table
from micrograd import Value, gradcheck, ops, primitive, sigmoid
from micrograd.checking import GradientMismatch, GradientReport
from micrograd.engine import topological_order
from micrograd.losses import logistic_cost
from micrograd.nn import MLP
from micrograd.optim import SGD

PICTURE = "gradient_checking.svg"
CHINESE = "梯度检验：用双侧差分核对反向传播；为什么 ε 取 10⁻⁴；怎样抓住故意埋下的错误；检验有多慢。"

WIDTHS, STEPS = [2, 4, 8, 16, 32, 64, 128], 500  # of the hidden layer; of training
XOR = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0)]


def network(seed: int, hidden: int = 4, activation: str = "sigmoid") -> MLP:
    """2 inputs, a hidden layer and a sigmoid output."""
    return MLP(2, [hidden, 1], activation, "sigmoid", rng=np.random.default_rng(seed))


def cost(net: MLP) -> Value:
    """The mean cost of the four samples."""
    return sum(logistic_cost(net(x), y) for x, y in XOR) / len(XOR)


def back_propagation(net: MLP) -> Any:
    """All derivatives of the cost, from one pass forwards and one backwards."""
    net.zero_grad()
    cost(net).backward()
    return np.array([p.grad for p in net.parameters()])


def differences(net: MLP, eps: float) -> tuple[Any, Any]:
    """The one-sided and the two-sided differences of the cost, by each parameter."""
    here, one, two = cost(net).data, [], []
    for theta in net.parameters():
        before = theta.data
        theta.data = before + eps
        above = cost(net).data
        theta.data = before - eps
        below = cost(net).data
        theta.data = before
        one.append((above - here) / eps)
        two.append((above - below) / (2.0 * eps))
    return np.array(one), np.array(two)


def errors(net: MLP) -> Any:
    """For each eps the largest error of both differences, relative to the largest derivative."""
    right, steps = back_propagation(net), 10.0 ** -np.arange(1, 13)
    worst = [[abs(d - right).max() for d in differences(net, eps)] for eps in steps]
    return np.column_stack([steps, worst / abs(right).max()])


@contextmanager
def planted() -> Iterator[str]:
    """The name of a sigmoid with a bug, in the table of primitives for as long as this lasts."""
    # It should be z (1 - z): z is the result, and sigmoid has been applied already.
    slope = [lambda z, x: sigmoid(z) * (1.0 - sigmoid(z))]
    row = primitive("sloppy_sigmoid", floats=sigmoid, arrays=sigmoid, partials=slope)
    try:
        yield row.name
    finally:
        del ops.table[row.name]


def check(net: MLP) -> tuple[GradientReport, str]:
    """What gradcheck finds, and what it complains about: "" for nothing."""
    try:
        return gradcheck(lambda: cost(net), net.parameters()), ""
    except GradientMismatch as mismatch:
        return mismatch.report, str(mismatch)


def trained(net: MLP) -> float:
    """The cost after so many steps of gradient descent."""
    descent = SGD(net.parameters(), lr=2.0)
    for _ in range(STEPS):
        back_propagation(net)
        descent.step()
    return cost(net).data


def work(seed: int) -> Iterator[list[float]]:
    """For each width: parameters, nodes visited both ways, milliseconds both ways, their ratio."""
    for net in progress([network(seed, width) for width in WIDTHS], "network"):
        ways = partial(back_propagation, net), partial(differences, net, 1e-4)
        n, nodes = len(net.parameters()), len(topological_order(cost(net)))
        times = [1e3 * min(timeit.repeat(way, number=1, repeat=3)) for way in ways]
        yield [n, 2 * nodes, (2 * n + 1) * nodes, *times, times[1] / times[0]]


def picture(by_eps: Any, reports: dict[str, GradientReport], by_size: Any) -> Any:
    """The error against eps; all derivatives, both ways; and the work it is."""
    figure, (errors, pairs, visits) = axes(3, size=(14.0, 4.4))
    errors.loglog(by_eps[:, 0], by_eps[:, 1:], "o-", ms=4, label=["one-sided", "two-sided"])
    errors.axvline(1e-4, color="black", linewidth=0.8, label=r"$\epsilon = 10^{-4}$")
    errors.set(xlabel=r"step $\epsilon$", ylabel="relative error", title="differences of the cost")
    for (name, report), marker in zip(reports.items(), "o^", strict=True):
        both = [(c.numeric, c.analytic) for c in report.checks]
        pairs.plot(*zip(*both, strict=True), marker, ms=5, label=name)
    pairs.axline((0.0, 0.0), slope=1.0, color=GREY, linewidth=0.8)
    pairs.set(xlabel="two-sided difference", ylabel="back-propagation", title="each derivative")
    visits.loglog(by_size[:, 0], by_size[:, 1:3], "o-", ms=4, label=["back-propagation", "check"])
    visits.set(xlabel="parameters", ylabel="nodes visited", title="work for all derivatives")
    for ax in figure.axes:
        ax.legend()
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Check a right network and one with a bug, and time both ways."""
    options = parser(__doc__, seed=0).parse_args(arguments)
    by_eps, reports = errors(network(options.seed)), {}
    print(table(["eps", "one-sided: error", "two-sided: error"], by_eps, ".0e", ".1e", ".1e"))
    with planted() as bug:
        for activation in "sigmoid", bug:
            net = network(options.seed, activation=activation)
            reports[activation], complaint = check(net)
            print(f"\n{activation}: {complaint or 'no complaint'};")
            print(f"the cost after {STEPS} steps of descent is {trained(net):.4f}")
    by_size = np.array(list(work(options.seed)))
    head = ["parameters", "nodes: back-propagation", "check", "ms: back-prop.", "check", "ratio"]
    print("\n" + table(head, by_size, *[".0f"] * 3, *[".3g"] * 3))
    save(picture(by_eps, reports, by_size), options.out / PICTURE)


if __name__ == "__main__":
    main()
