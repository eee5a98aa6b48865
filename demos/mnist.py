"""Handwritten digits: the lessons' network of 13,002 weights and biases, trained on MNIST.

784 pixels, two layers of 16 sigmoid neurons and 10 outputs; the cost of an image is the
squared error, summed over the outputs; the weights start at random, and each step goes
down the gradient of a minibatch of 100. One image's cost is written down with Values,
13,891 of them. `vectorize` makes array operations of it, which do the training; then the
numbers go back into the Values, to be looked at, drawn and explained. (Each minibatch is
moved by at most a pixel, so that the network cannot learn 8,500 images by heart.)

Run it with `python -m demos.mnist`. It downloads MNIST once; with `--data` it reads the
files of a folder; with neither a folder nor a network it draws digits itself. The pictures
and a checkpoint for each epoch go to the folder `out`.
"""

from __future__ import annotations

import os
import zlib
from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Before NumPy: on matrices as small as these, several threads mostly wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from demos.common import parser, progress, save
from demos.digits.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from demos.digits.pictures import curves, first_layer, wish_picture
from demos.digits.source import Digits, DigitsError, find
from demos.digits.wishes import contested, wishes
from micrograd import Value
from micrograd.data import IDXError, minibatches, one_hot
from micrograd.losses import squared_error
from micrograd.nn import MLP
from micrograd.optim import SGD
from micrograd.program import Program, vectorize
from viz import draw, explain

SIZES = [784, 16, 16, 10]
STEPS = 10_000  # minibatches, where --epochs says nothing else
WITHIN = 1  # pixels, how far a minibatch is moved


@dataclass(frozen=True)
class Learner:
    """The network, scalar by scalar, and what `vectorize` made of it.

    Attributes:
        net: the network of Values.
        cost: the program of an image's cost; its parameters are those trained.
        outputs: the program of the ten outputs.
    """

    net: MLP
    cost: Program
    outputs: Program


def record(rng: np.random.Generator) -> Learner:
    """Write down the network and the cost of one image, and vectorise both."""
    net = MLP(SIZES[0], SIZES[1:], "sigmoid", output="sigmoid", init="xavier", rng=rng)
    x = [Value(0.0, f"a_{{{k}}}^{{(0)}}") for k in range(SIZES[0])]
    y = [Value(0.0, f"y_{{{j}}}") for j in range(SIZES[-1])]
    a = net(x)
    cost = squared_error(a, y)
    cost.label = "C_0"
    return Learner(
        net,
        vectorize(cost, inputs=[x, y], parameters=net.parameters()),
        vectorize(a, inputs=[x], parameters=net.parameters()),
    )


def moved(X: Any, rng: np.random.Generator) -> Any:
    """The images, all moved alike; the border, which comes in on the other side, is empty."""
    down, right = rng.integers(-WITHIN, WITHIN + 1, 2)
    return np.roll(X.reshape(-1, 28, 28), (down, right), axis=(1, 2)).reshape(X.shape)


def judge(learner: Learner, digits: Digits) -> tuple[float, Any]:
    """The mean cost of the images held out, and the outputs for them."""
    learner.outputs.parameters[...] = learner.cost.parameters
    targets = one_hot(digits.labels_held, SIZES[-1])
    cost = learner.cost(digits.X_held, targets).mean()
    return float(cost), learner.outputs(digits.X_held)


def train(
    learner: Learner,
    digits: Digits,
    descent: SGD,
    rng: np.random.Generator,
    history: list[list[float]],
    epochs: int,
    batch: int,
) -> Any:
    """Train epoch by epoch.

    Arguments:
        learner: what to train.
        digits: what on.
        descent: the optimiser of the learner's parameters.
        rng: shuffles the images, and moves them.
        history: of the epochs so far: the mean cost in training, the cost and
            the accuracy on the images held out. Each epoch adds a row.
        epochs: how many there are to be in all.
        batch: how many images a minibatch has.

    Yields:
        After each epoch, when all is up to date.
    """
    targets = one_hot(digits.labels, SIZES[-1])
    bar = progress(range(len(history), epochs), "epoch")
    for _ in bar:
        total = 0.0
        for X, Y in minibatches(digits.X, targets, batch, rng):
            cost, gradient = learner.cost.value_and_grad(moved(X, rng), Y)
            descent.step(gradient)
            total += cost * len(X)
        held, outputs = judge(learner, digits)
        accuracy = float((outputs.argmax(axis=1) == digits.labels_held).mean())
        history.append([total / len(targets), held, accuracy])
        bar.set_postfix_str(f"cost {history[-1][0]:.4f}, held out {held:.4f}, {accuracy:.1%} right")
        yield


def worth_a_look(outputs: Any, labels: Any) -> int:
    """Of the images that are read wrong, or else of all, the one that moves the last z most."""
    slopes = (outputs - one_hot(labels, outputs.shape[1])) * outputs * (1.0 - outputs)
    wrong = outputs.argmax(axis=1) != labels
    return int((np.abs(slopes).sum(axis=1) + 10.0 * wrong).argmax())


def report(learner: Learner, digits: Digits, history: list[list[float]], out: Path) -> None:
    """Say and draw what has been learnt, from the Values."""
    learner.cost.to_values()
    net = learner.net
    _, outputs = judge(learner, digits)
    wrong = int((outputs.argmax(axis=1) != digits.labels_held).sum())
    n = len(outputs)
    print(f"held out: {(n - wrong) / n:.2%} right, {wrong} of {n:,} images wrong ({digits.name})")
    save(curves(history, digits), out / "mnist_curves.png")
    save(first_layer(net), out / "mnist_first_layer.png")
    i = worth_a_look(outputs, digits.labels_held)
    w = wishes(net, digits.X_held[i], int(digits.labels_held[i]))
    save(wish_picture(w), out / "mnist_wishes.png")
    part, k = contested(net, w)
    terms = " + ".join(term.label for term in part.parents)
    save(draw(part), out / "mnist_wishes_graph.svg")
    print(
        f"""
This image shows {w.label}, and is taken for {w.guess}. A wish is minus the derivative in a box.
The graph has the cost of two outputs alone, C = {terms}; r is the bias, and what is
left out of z so that the graph can be read.

The chain rule for the weight of output {w.label} from a_{k}, the brightest neuron in it:
"""
    )
    print(explain(part, net.layers[-1].neurons[w.label].w[k]))
    net.save(out / "mnist.npz")
    print(f"\nThe parameters, for MLP(784, [16, 16, 10], ...).load: {out / 'mnist.npz'}")


def main(arguments: list[str] | None = None) -> None:
    """Find the digits, train, report."""
    command = parser(__doc__, seed=0)
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with MNIST's files; by default they are downloaded once (12 MB, to "
        "micrograd-chain-rule/mnist in $XDG_CACHE_HOME or ~/.cache), and where there is no network "
        "simple digits are drawn instead",
    )
    command.add_argument("--epochs", type=above(0, int), help=f"default: {STEPS:,} minibatches")
    command.add_argument("--batch", type=above(0, int), default=100, help="images, default 100")
    command.add_argument("--lr", type=above(0, float), default=3.0, help="rate, default 3")
    command.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    options = command.parse_args(arguments)
    if options.resume and not checkpoint(options).exists():
        command.error(
            f"--resume: there is no {checkpoint(options)}; run once without --resume first"
        )
    try:
        run(options)
    except (DigitsError, IDXError, CheckpointError, OSError) as error:
        raise SystemExit(f"demos.mnist: {error}") from error


def checkpoint(options: Any) -> Path:
    """The file that a training can go on from."""
    return Path(options.out) / "mnist_checkpoint.npz"


def run(options: Any) -> Learner:
    """All of it, with the options of the command line."""
    path = checkpoint(options)
    saved = 0
    try:
        digits = find(options.data)
        rng = np.random.default_rng(options.seed)
        learner = record(rng)
        descent = SGD(learner.cost, lr=options.lr)
        settings = {
            "images": zlib.crc32(digits.X, zlib.crc32(digits.labels)),
            **{name: getattr(options, name) for name in ("seed", "batch", "lr")},
        }
        history: list[list[float]] = []
        if options.resume:
            history = read_checkpoint(path, settings, descent, rng)
            saved = len(history)
            print(f"going on after epoch {saved}, from {path}")
        epochs = options.epochs or max(1, STEPS // -(-len(digits.X) // options.batch))
        for _ in train(learner, digits, descent, rng, history, epochs, options.batch):
            write_checkpoint(path, settings, descent, rng, history)
            saved = len(history)
        report(learner, digits, history, options.out)
    except KeyboardInterrupt:
        raise SystemExit(
            f"\ninterrupted; epoch {saved} is in {path}: the same command with --resume goes on"
            if saved
            else "\ninterrupted; there is no checkpoint yet"
        ) from None
    return learner


def above(least: int, kind: type) -> Any:
    """A number above the least, for the command line."""

    def number(text: str) -> Any:
        x = kind(text)
        if not least < x < float("inf"):
            raise ArgumentTypeError(f"expected a number above {least}, got {text}")
        return x

    return number


if __name__ == "__main__":
    main()
