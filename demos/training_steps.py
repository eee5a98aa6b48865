"""Training a network: choose its architecture, then take six steps; check the gradient once only.

The lesson (002): as many inputs as features, as many outputs as classes, one hidden layer or
some that are alike, with as many neurons as there are features or a multiple. Then: (1) small
random weights, (2) forwards, (3) the cost J, (4) backwards, for every sample, (5) compare
the derivatives with differences, once, and turn that off, (6) descend, again and again.

Run it with `python -m demos.training_steps`; the picture goes to the folder `out`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from demos.common import GREY, axes, parser, progress, save, table
from micrograd import Value, gradcheck, no_grad
from micrograd.losses import l2, logistic_cost
from micrograd.nn import MLP, uniform
from micrograd.optim import SGD

PICTURE = "training_steps.svg"
CHINESE = "训练神经网络：先选架构，再走六步；梯度检验只在第一次迭代时做一遍，之后关闭。"

HIDDEN_LAYERS, MULTIPLE = 2, 2  # so many, each with that many times as many neurons as features
EPSILON, LAMBDA, RATE, MOMENTUM, STEPS = 0.5, 0.01, 0.5, 0.9, 100

Data = tuple[list[list[float]], list[int]]  # the samples' features, and their classes


@dataclass
class History:
    """What was seen in training; costs and accuracies are those before each step."""

    relative_error: float = 0.0  # the largest that the gradient check found
    check_seconds: float = 0.0
    step_seconds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    training: list[float] = field(default_factory=list)
    test: list[float] = field(default_factory=list)


def architecture(features: int, classes: int) -> list[int]:
    """How many neurons each layer has, after the inputs."""
    return [MULTIPLE * features] * HIDDEN_LAYERS + [classes]


def data(seed: int) -> tuple[Data, Data]:
    """150 irises of three kinds: 120 to train with, 30 to test; features of mean 0, deviation 1."""
    from sklearn.datasets import load_iris

    X, kinds = load_iris(return_X_y=True)
    first, rest = np.split(np.random.default_rng(seed).permutation(len(X)), [120])
    X = (X - X[first].mean(axis=0)) / X[first].std(axis=0)
    return (X[first].tolist(), kinds[first].tolist()), (X[rest].tolist(), kinds[rest].tolist())


def J(net: MLP, outputs: list[list[Value]], classes: list[int]) -> Value:
    """The mean cost, where y_k is 1 for the right class k and 0 for the others; and L2."""
    m, K = len(outputs), len(outputs[0])
    wanted = [[float(k == right) for k in range(K)] for right in classes]
    costs = [logistic_cost(h, y) for h, y in zip(outputs, wanted, strict=True)]
    return sum(costs) / m + l2(net, LAMBDA / m)


def accuracy(outputs: list[list[Value]], classes: list[int]) -> float:
    """The share of samples whose largest output is that of the right class."""
    return float(np.mean(np.argmax([[h.data for h in hs] for hs in outputs], axis=1) == classes))


def gradient_check(net: MLP, samples: Data) -> float:
    """Compare all derivatives with two-sided differences; the largest relative error."""
    X, classes = samples
    neurons = [neuron for layer in net.layers for neuron in layer.neurons]
    reports = [
        gradcheck(lambda: J(net, [net(x) for x in X], classes), neuron.parameters())
        for neuron in progress(neurons, "neuron")
    ]
    return max(report.worst for report in reports)


def train(training: Data, test: Data, seed: int) -> tuple[MLP, History]:
    """The six steps."""
    (X, classes), history = training, History()
    features, K = len(X[0]), len(set(classes))
    # 1. Small random weights.
    random = np.random.default_rng(seed)
    sizes = architecture(features, K)
    net = MLP(features, sizes, "sigmoid", "sigmoid", uniform(EPSILON), random)
    descent = SGD(net.parameters(), RATE, MOMENTUM)
    for step in progress(range(STEPS), "step"):
        start = perf_counter()
        outputs = [net(x) for x in X]  # 2. Forwards, every sample.
        cost = J(net, outputs, classes)  # 3. The cost.
        descent.zero_grad()
        cost.backward()  # 4. Backwards.
        if step == 0:  # 5. Is it right? Once; it is slow.
            before = perf_counter()
            history.relative_error = gradient_check(net, training)
            history.check_seconds = perf_counter() - before
            start += history.check_seconds
        descent.step()  # 6. Descend.
        history.step_seconds.append(perf_counter() - start)
        history.costs.append(cost.data)
        history.training.append(accuracy(outputs, classes))
        with no_grad():
            history.test.append(accuracy([net(x) for x in test[0]], test[1]))
    return net, history


def picture(history: History) -> Any:
    """The cost and the accuracies, step by step."""
    figure, (costs, shares) = axes(2)
    costs.plot(history.costs)
    costs.set(xlabel="step", ylabel=r"$J(\Theta)$", ylim=(0, None), title="cost of 120 samples")
    for name, share in (("training", history.training), ("test", history.test)):
        shares.plot(np.multiply(share, 100.0), label=f"{name} samples")
    shares.axhline(100.0 / 3.0, color=GREY, linestyle=":", label="guessing")
    shares.set(xlabel="step", ylabel="right answers in %", ylim=(0, 103), title="accuracy")
    shares.legend()
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Train on the irises, and report."""
    options = parser(__doc__, seed=0).parse_args(arguments)
    print("loading the irises ...", flush=True)  # at once: sklearn takes a while to import
    training, test = data(options.seed)
    net, history = train(training, test, options.seed)
    sizes = [net.layers[0].nin, *(len(layer.neurons) for layer in net.layers)]
    print(f"architecture {'-'.join(map(str, sizes))}: {len(net.parameters())} parameters")
    print(f"gradient check before the first step: relative error {history.relative_error:.0e}")
    step = np.median(history.step_seconds)
    print(f"it took {history.check_seconds:.1f} s, a step without it {step:.3f} s\n")
    shown = [0, 10, 20, 30, 50, STEPS - 1]
    rows = [[i, history.costs[i], history.training[i], history.test[i]] for i in shown]
    print(table(["step", "cost J", "right: training", "test"], rows, "d", ".4f", ".1%", ".1%"))
    save(picture(history), options.out / PICTURE)


if __name__ == "__main__":
    main()
