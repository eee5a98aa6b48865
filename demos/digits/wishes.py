"""What the last layer wants: the lesson's wishes, found by the chain rule.

Each output wants up or down, by how far it is from what it should be:
-dC/da_j = 2 (y_j - a_j). For that it wants each activation before it to go up
or down, too, as strongly as its weight is large; and back-propagation is
adding up what all ten want.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd import Value, affine
from micrograd.losses import squared_error
from micrograd.nn import MLP


@dataclass(frozen=True)
class Wishes:
    """One image, and what every output wishes for it.

    Attributes:
        x: the pixels.
        label: what it shows.
        cost: the last node of its graph of Values, after `backward`.
        a: the outputs, shape (10,).
        by_a: what each of them wants for itself, -dC/da_j, shape (10,).
        before: the activations of the layer before, shape (16,).
        by_output: what each output wants for each of these, shape (10, 16).
        total: what they all want for them together, -dC/da_k, shape (16,).
    """

    x: Any
    label: int
    cost: Value
    a: Any
    by_a: Any
    before: Any
    by_output: Any
    total: Any

    @property
    def guess(self) -> int:
        """What the network takes it for."""
        return int(self.a.argmax())


def wishes(net: MLP, x: Any, label: int) -> Wishes:
    """Run one image through the Values, forwards and backwards.

    Arguments:
        net: the network; its gradients are those of this image afterwards.
        x: the pixels.
        label: what it shows.

    Returns:
        The wishes.
    """
    outputs = net(x)
    cost = _cost(outputs, list(range(len(outputs))), label, "C_0")
    net.zero_grad()
    cost.backward()
    zs = [a.parents[0] for a in outputs]
    weights, before, _ = zip(*(z.arguments for z in zs), strict=True)
    return Wishes(
        x=np.array(x),
        label=label,
        cost=cost,
        a=np.array([a.data for a in outputs]),
        by_a=-np.array([a.grad for a in outputs]),
        before=np.array([a.data for a in before[0]]),
        # dC/dz_j w_jk: the share of output j in dC/da_k
        by_output=-np.array(
            [[z.grad * w.data for w in row] for z, row in zip(zs, weights, strict=True)]
        ),
        total=-np.array([a.grad for a in before[0]]),
    )


def contested(net: MLP, w: Wishes, most: int = 3) -> tuple[Value, int]:
    """The graph of two outputs alone: the right one, and the strongest of the wrong ones.

    To be drawn, so only the activations are in it for which these two wish
    most; the bias and what the other activations add to z is one number, r.

    Arguments:
        net: the network.
        w: the wishes for an image.
        most: how many activations.

    Returns:
        The part of the cost that is due to the two; and which of these
        activations is the brightest.
    """
    rival = int(np.delete(w.a, w.label).argmax())
    rival += rival >= w.label
    pair = [w.label, rival]
    chosen = sorted(np.abs(w.by_output[pair]).sum(axis=0).argsort()[-most:].tolist())
    layer = len(net.layers)
    before = {k: Value(w.before[k], f"a_{{{k}}}^{{({layer - 1})}}") for k in chosen}
    outputs = []
    for j in pair:
        neuron = net.layers[-1].neurons[j]
        rest = neuron.b.data + sum(
            v.data * float(a)
            for k, (v, a) in enumerate(zip(neuron.w, w.before, strict=True))
            if k not in before
        )
        z = affine(
            [neuron.w[k] for k in chosen],
            list(before.values()),
            Value(rest, f"r_{j}^{{({layer})}}"),
        )
        z.label = f"z_{{{j}}}^{{({layer})}}"
        a = z.sigmoid()
        a.label = f"a_{{{j}}}^{{({layer})}}"
        outputs.append(a)
    brightest = max(chosen, key=lambda k: float(w.before[k]))
    return _cost(outputs, pair, w.label, "C"), brightest


def _cost(outputs: list[Value], names: list[int], label: int, name: str) -> Value:
    """The squared error of the outputs, each term of it named e_j."""
    cost = squared_error(outputs, [Value(float(j == label), f"y_{j}") for j in names])
    for j, term in zip(names, cost.parents, strict=True):
        term.label = f"e_{j}"
    cost.label = name
    return cost
