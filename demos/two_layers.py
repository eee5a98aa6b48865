"""Two layers: a relu network by hand and one of Values; deltas and updates agree to the number.

The lesson (003): back-propagation is two lines, layer_2_delta = layer_2 - label and layer_1_delta
= layer_2_delta . weight_1_2' * relu2deriv(layer_1); they give each layer's update. For the Values
only the cost is written down; their deltas and updates are the same, number by number.

Run it with `python -m demos.two_layers`; pictures go to the folder `out`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from demos.common import BLUE, ORANGE, axes, parser, save, table
from micrograd import Value
from micrograd.losses import squared_error
from micrograd.nn import MLP
from micrograd.optim import SGD
from viz import draw, error_terms

PICTURE = "two_layers.svg"
CHINESE = "两层网络：手写的 ReLU 网络，与用 Value 搭的同一个网络对照；delta 和更新逐个数字相同。"

# Which of a street's three lights are on, and whether people walk then.
STREETLIGHTS = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
WALK = np.array([[1.0], [1.0], [0.0], [0.0]])
HIDDEN, ALPHA, EPOCHS = 4, 0.2, 60
SAMPLES = list(range(len(WALK))) * EPOCHS
# One sample's step; the weights are those after it.
NAMES = "layer_2_delta layer_1_delta update_1_2 update_0_1 weight_1_2 weight_0_1"
Step = namedtuple("Step", NAMES)


def relu(x: Any) -> Any:
    """Return x where it is positive, else 0."""
    return (x > 0) * x


def relu2deriv(output: Any) -> Any:
    """Return 1 where relu let something through, else 0."""
    return output > 0


def initial(seed: int) -> tuple[Any, Any]:
    """Random weights between -1 and 1, of shapes (3, HIDDEN) and (HIDDEN, 1)."""
    random = np.random.RandomState(seed)
    return random.uniform(-1, 1, (3, HIDDEN)), random.uniform(-1, 1, (HIDDEN, 1))


def by_hand(weight_0_1: Any, weight_1_2: Any) -> Iterator[Step]:
    """The lesson's code, with `dot` wherever it means a matrix product."""
    for i in SAMPLES:
        layer_0 = STREETLIGHTS[i : i + 1]
        layer_1 = relu(layer_0.dot(weight_0_1))
        layer_2 = layer_1.dot(weight_1_2)
        layer_2_delta = layer_2 - WALK[i : i + 1]
        layer_1_delta = layer_2_delta.dot(weight_1_2.T) * relu2deriv(layer_1)
        update_1_2 = ALPHA * layer_1.T.dot(layer_2_delta)
        update_0_1 = ALPHA * layer_0.T.dot(layer_1_delta)
        weight_1_2 = weight_1_2 - update_1_2
        weight_0_1 = weight_0_1 - update_0_1
        yield Step(layer_2_delta, layer_1_delta, update_1_2, update_0_1, weight_1_2, weight_0_1)


def by_values(weight_0_1: Any, weight_1_2: Any) -> Iterator[Step]:
    """Write down the cost; the engine finds the deltas and the updates."""
    net = network(weight_0_1, weight_1_2)
    descent = SGD(net.weights(), lr=ALPHA)  # the biases stay zero: the lesson has none
    for i in SAMPLES:
        cost = cost_of(net, i)
        deltas = np.array([list(error_terms(cost).values())])
        descent.zero_grad()
        cost.backward()
        descent.step()
        yield Step(
            *reversed(np.split(deltas, [HIDDEN], axis=1)),
            *matrices([ALPHA * w.grad for w in net.weights()]),
            *matrices([w.data for w in net.weights()]),
        )


def network(weight_0_1: Any, weight_1_2: Any) -> MLP:
    """The network of Values; row j of its weights is column j of the lesson's."""
    net = MLP(3, [HIDDEN, 1], activation="relu", output="linear")
    for w, number in zip(net.weights(), [*weight_0_1.T.flat, *weight_1_2.T.flat], strict=True):
        w.data = float(number)
    return net


def cost_of(net: MLP, i: int) -> Value:
    """1/2 (a - y)^2, whose derivative is the lesson's delta, a - y, without a 2."""
    return 0.5 * squared_error(net(STREETLIGHTS[i]), WALK[i])


def matrices(numbers: Sequence[float]) -> tuple[Any, Any]:
    """What the network has for each weight, in the lesson's matrices 1_2 and 0_1."""
    return np.array([numbers[3 * HIDDEN :]]).T, np.reshape(numbers[: 3 * HIDDEN], (HIDDEN, 3)).T


def compared(hand: list[Step], values: list[Step]) -> list[list[Any]]:
    """For each name how many numbers there are, and the largest gap between the two ways."""
    both = [[np.array(steps) for steps in zip(*way, strict=True)] for way in (hand, values)]
    fields = zip(Step._fields, *both, strict=True)
    return [[name, h.size, abs(h - v).max()] for name, h, v in fields]


def picture(hand: list[Step], values: list[Step]) -> Any:
    """The error of each epoch, and all weights after it, both ways."""
    figure, (left, right) = axes(2)
    dots = {"color": ORANGE, "marker": "o", "markersize": 3, "linestyle": ""}
    for steps, name, style in (hand, "by hand", {"color": BLUE}), (values, "from Values", dots):
        deltas = np.reshape([step.layer_2_delta for step in steps], (EPOCHS, -1))
        left.plot(np.sum(deltas**2, axis=1), label=name, **style)
        after = steps[len(WALK) - 1 :: len(WALK)]
        right.plot([[*s.weight_0_1.flat, *s.weight_1_2.flat] for s in after], **style)
    left.set(xlabel="epoch", ylabel="sum of $(a - y)^2$, 4 samples", yscale="log", title="error")
    left.legend()
    right.set(xlabel="epoch", ylabel="weight", title="all weights")
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Train both from the same weights, and compare them number by number."""
    options = parser(__doc__, seed=1).parse_args(arguments)
    start = initial(options.seed)
    hand, values = (list(way(*start)) for way in (by_hand, by_values))
    rows = []
    for i in range(len(WALK)):
        for name, step in ("by hand", hand[i]), ("Values", values[i]):
            rows.append([i, name, *(np.hstack(step[:2])[0] + 0.0)])  # the deltas, without -0
    head = ["step", "", "layer_2_delta", *(f"layer_1_delta[{j}]" for j in range(HIDDEN))]
    print(table(head, rows, "", "", *["+.9f"] * (1 + HIDDEN)))
    head = [f"all {len(hand)} steps", "numbers", "largest gap"]
    print("\n" + table(head, compared(hand, values), "", "", ".0e"))
    save(picture(hand, values), options.out / PICTURE)
    cost = cost_of(network(*start), 0)
    cost.label = "C"
    cost.backward()
    save(draw(cost, fold="neurons"), options.out / "two_layers_network.svg")
    print("Its neurons have biases as well, which stay 0: the lesson has none.")


if __name__ == "__main__":
    main()
