"""Nudges: what each example wants of each weight; their average is the cost's negative gradient.

The lesson (000, 001, 002): back-propagation says for one example how it would
have each weight and bias changed. If only the 2s were heard, the network would
call every image a 2; so the wishes of all are averaged. That average is the
negative gradient of the cost; times the learning rate it is the step.

Run it with `python -m demos.nudges`, and with `--data DIR` on MNIST, else on
the small digits of scikit-learn; the picture goes to the folder `out`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from demos.common import BLUE, ORANGE, axes, parser, plain, progress, save, table
from demos.digits.source import load
from micrograd import Value, vectorize
from micrograd.data import one_hot
from micrograd.losses import squared_error
from micrograd.nn import MLP

PICTURE = "nudges.svg"
CHINESE = "每个训练样本想怎样修改每个权重；对所有样本取平均，就是代价函数的负梯度。"

MOST, RATE, STEPS = 500, 3.0, 300
COLUMNS = [2, 5, 9, 0, 4, 1]  # the digits in the table, the lesson's first


def data(folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Images, shape (n, pixels), from 0 to 1, and their digits, shape (n,); n at most 500."""
    if folder is None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return digits.data[:MOST] / 16.0, digits.target[:MOST]
    try:
        digits = load(folder)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from error
    return digits.X[:MOST], digits.labels[:MOST]


class Network:
    """The lessons' network, untrained, as array programs: of its cost and of its outputs."""

    def __init__(self, pixels: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        net = MLP(pixels, [16, 16, 10], "sigmoid", "sigmoid", init="xavier", rng=rng)
        self.labels = [p.label for p in net.parameters()]
        x, y = [Value(0.0) for _ in range(pixels)], [Value(0.0) for _ in range(10)]
        outputs = net(x)
        self.cost = vectorize(squared_error(outputs, y), inputs=[x, y], parameters=net.parameters())
        self.outputs = vectorize(outputs, inputs=[x], parameters=net.parameters())

    def nudges(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """What each example wants of each parameter, shape (n, parameters)."""
        return -self.cost.per_sample_grad(X, one_hot(y, 10))

    def called(self, X: np.ndarray) -> np.ndarray:
        """The digit that the network takes each image for, shape (n,)."""
        self.outputs.parameters[:] = self.cost.parameters
        return self.outputs(X).argmax(axis=1)


def descend(net: Network, X: np.ndarray, y: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Follow the average wish of those that are heard, and take the parameters back.

    Arguments:
        net: where it starts.
        X: all images.
        y: their digits.
        heard: which of them have a say, a mask of shape (n,).

    Returns:
        Of all images, the share that is called a 2, and the share that is
        called right: before each step and at the end, shape (2, steps + 1).
    """
    start, Y, shares = net.cost.parameters.copy(), one_hot(y, 10), []
    for _ in progress(range(STEPS + 1), "step"):
        called = net.called(X)
        shares.append([np.mean(called == 2), np.mean(called == y)])
        net.cost.parameters -= RATE * net.cost.value_and_grad(X[heard], Y[heard])[1]
    net.cost.parameters[:] = start
    return np.array(shares).T


def draw_nudges(ax, cells: np.ndarray, images: np.ndarray, labels: list[str]) -> None:
    """Draw what ten images want of the outputs' biases, and the average of all."""
    most = np.abs(cells).max()
    drawn = ax.imshow(cells, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
    ax.figure.colorbar(drawn, ax=ax, label="wanted change: red down, blue up")
    ax.grid(visible=False)
    ax.set_xticks(range(11), [*(f'a "{digit}"' for digit in range(10)), "all"])
    ax.set_yticks(range(10), [f"${label}$" for label in labels])
    ax.set(xlabel="training example; last: the average of all", ylabel="bias of an output")
    strip = ax.inset_axes([0.0, 1.02, 10 / 11, 0.12])
    side = round(images.shape[1] ** 0.5)
    pixels = np.hstack([image.reshape(side, side) for image in images])
    strip.imshow(pixels, cmap="Greys", aspect="auto")
    strip.axis("off")


def main(arguments: list[str] | None = None) -> None:
    """Print the table of nudges, take the step, and show what hearing only the 2s does."""
    options = parser(__doc__, seed=2)
    options.add_argument("--data", type=Path, metavar="DIR", help="folder with MNIST's files")
    options = options.parse_args(arguments)
    X, y = data(options.data)
    net = Network(X.shape[1], options.seed)
    wanted = net.nudges(X, y)
    average = wanted.mean(axis=0)
    cost, gradient = net.cost.value_and_grad(X, one_hot(y, 10))
    first = [int(np.argmax(y == digit)) for digit in range(10)]

    print(f"{len(X)} images of {X.shape[1]} pixels, {len(gradient):,} weights and biases.")
    print("What an image wants of those that all together want to change most:")
    columns = wanted[[first[digit] for digit in COLUMNS]]
    largest = np.argsort(-np.abs(average))[:8]
    rows = [[plain(net.labels[i]), *columns[:, i], average[i], gradient[i]] for i in largest]
    head = ["", *(f'a "{digit}"' for digit in COLUMNS), "average of all", "dC/dw"]
    print(table(head, rows, "+.3f"))
    print(f"Average plus gradient: {np.abs(average + gradient).max():.0e} at most.")
    net.cost.parameters += RATE * average
    after = net.cost(X, one_hot(y, 10)).mean()
    net.cost.parameters -= RATE * average
    print(f"A step of {RATE:g} times the average takes the cost from {cost:.4f} to {after:.4f}.\n")

    heard = {"all": np.ones(len(y), dtype=bool), "the 2s only": y == 2}
    runs = {name: descend(net, X, y, who) for name, who in heard.items()}
    rows = [[name, *shares[:, -1]] for name, shares in runs.items()]
    print(table([f"{STEPS} steps that hear", "called a 2", "called right"], rows, ".0%"))
    figure, (grid, curve) = axes(2, size=(12.0, 4.8))
    biases = [net.labels.index(f"b_{{{j}}}^{{(3)}}") for j in range(10)]
    cells = np.column_stack([wanted[first][:, biases].T, average[biases]])
    draw_nudges(grid, cells, X[first], [net.labels[i] for i in biases])
    for (name, (twos, right)), colour in zip(runs.items(), (BLUE, ORANGE), strict=True):
        curve.plot(twos, color=colour, label=f'called a "2", hearing {name}')
        curve.plot(right, ":", color=colour, label=f"called right, hearing {name}")
    curve.set(xlabel="step", ylabel="share of all images", title="if only the 2s were heard")
    curve.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    save(figure, options.out / PICTURE)


if __name__ == "__main__":
    main()
