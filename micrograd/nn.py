"""Neurons, layers and networks of Values.

>>> import random
>>> random.seed(1337)
>>> net = MLP(2, [3, 1], activation="sigmoid")
>>> net([0.5, -1.0]).label, len(net.parameters())
('a^{(2)}', 13)
>>> net.layers[0].neurons[1].w[0].label
'w_{10}^{(1)}'

The labels are the lessons': w_{jk}^{(l)} is the weight from neuron k of layer
l - 1 to neuron j of layer l, counted from zero as in the lessons' sums; an
index is left out where its layer has one neuron only.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from micrograd import ops
from micrograd.graph import Constants, Leaves
from micrograd.ops import Primitive
from micrograd.storage import read_parameters, write_parameters
from micrograd.value import Value, lift_all, parameter, recorder, rules


class Random(Protocol):
    """Where weights are drawn from: `random`, a random.Random or a NumPy Generator."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between a and b."""
        ...


Init = Callable[[int, int, Random], float]


def uniform(epsilon: float = 1.0) -> Init:
    """Weights drawn evenly from [-epsilon, epsilon]; with epsilon 1 those of micrograd.

    Arguments:
        epsilon: the largest weight.

    Returns:
        A function of (nin, nout, rng) that draws one weight.

    >>> -0.1 <= uniform(0.1)(2, 3, random.Random(0)) <= 0.1
    True
    """

    def draw(nin: int, nout: int, rng: Random) -> float:
        return float(rng.uniform(-epsilon, epsilon))

    return draw


def xavier(nin: int, nout: int, rng: Random) -> float:
    """Glorot and Bengio (2010): uniform within sqrt(6 / (nin + nout)); for sigmoid and tanh."""
    return uniform((6.0 / (nin + nout)) ** 0.5)(nin, nout, rng)


def he(nin: int, nout: int, rng: Random) -> float:
    """He et al. (2015): uniform within sqrt(6 / nin); for relu."""
    return uniform((6.0 / nin) ** 0.5)(nin, nout, rng)


def zeros(nin: int, nout: int, rng: Random) -> float:
    """Zero: then all neurons of a layer stay alike, which is what the lesson shows."""
    return 0.0


_INITS: dict[str, Init] = {"uniform": uniform(), "xavier": xavier, "he": he, "zeros": zeros}


class Module:
    """Anything with parameters."""

    def parameters(self) -> list[Value]:
        """All weights and biases, in a fixed order."""
        return []

    def weights(self) -> list[Value]:
        """The weights alone, without the biases: what regularisation shrinks.

        Raises:
            NotImplementedError: if there are parameters, and the class does
                not say which of them are weights.
        """
        if self.parameters():
            raise NotImplementedError(
                f"{type(self).__name__}.weights: the class has parameters, but does not say "
                "which of them are weights"
            )
        return []

    def zero_grad(self) -> None:
        """Set every parameter's gradient to zero, as is due before each `backward`."""
        for p in self.parameters():
            p.grad = 0.0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to an .npz file, whole or not at all.

        Arguments:
            path: the file's name, used as it is: no .npz is added.

        Raises:
            OSError: if it cannot be written; a file that was there is kept.
        """
        write_parameters(path, self.parameters())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Set the parameters to those in a file written by `save`.

        Arguments:
            path: the file.

        Raises:
            micrograd.storage.ParameterFileError: if the file is damaged, of another kind, or of
                another network; then no parameter has changed.
            OSError: if it cannot be read.
        """
        read_parameters(path, self.parameters())


class Neuron(Module):
    """a = activation(z), z = w . x + b, with z one node of the graph.

    Arguments:
        nin: how many inputs, at least 1.
        activation: the name of a primitive of one argument, or "linear".
        nonlin: micrograd's way to ask for relu (True) or linear (False).
        init: "uniform", "xavier", "he", "zeros" or a function of (nin, nout,
            rng) that draws a weight. Biases start at zero.
        rng: where weights are drawn from; the module `random` by default.
        nout: how many neurons the layer has; for Xavier.
        index: its number in the layer, for the labels; None if it is the only one.
        layer: the layer's number, for the labels; or None.

    Attributes:
        w: the weights, one for each input.
        b: the bias.

    Raises:
        TypeError: if nin is no whole number.
        ValueError: for no inputs, or an unknown activation or init.
    """

    def __init__(
        self,
        nin: int,
        nonlin: bool | None = None,
        *,
        activation: str = "relu",
        init: str | Init = "uniform",
        rng: Random = random,
        nout: int = 1,
        index: int | None = None,
        layer: int | None = None,
    ) -> None:
        _positive("Neuron", "inputs", nin)
        if nonlin is not None:
            activation = "relu" if nonlin else "linear"
        self.activation = _activation(activation)
        draw = _init(init)
        j = [] if index is None else [index]
        self.w = [
            parameter(draw(nin, nout, rng), _label("w", [*j, k] if nin > 1 else j, layer))
            for k in range(nin)
        ]
        self.b = parameter(0.0, _label("b", j, layer))
        self._known: list[Value] = []
        self._packed: tuple[Value, ...] = ()
        self._labels = _label("z", j, layer), _label("a", j, layer)

    def __call__(self, x: Sequence[Any]) -> Value:
        """The activation for inputs x, a sequence of nin numbers or Values."""
        return self._apply(_inputs("Neuron", x, len(self.w)))

    def _apply(self, x: tuple[Value, ...]) -> Value:
        if self.w != self._known:  # it may have been given other weights
            self._known = list(self.w)
            self._packed = (Leaves if all(w.op is None for w in self.w) else tuple)(self.w)
        z = _affine(self._packed, x, self.b)
        z_label, a_label = self._labels
        if self.activation is None:
            z.label = a_label
            return z
        z.label = z_label
        a: Value = rules[self.activation][0](z)
        a.label = a_label
        return a

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def weights(self) -> list[Value]:
        """The weights alone."""
        return list(self.w)

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation function, under micrograd's name."""
        return self.activation is not None

    def __repr__(self) -> str:
        if self.activation is None:
            name = "Linear"
        else:
            name = "ReLU" if self.activation is ops.relu else self.activation.name.capitalize()
        return f"{name}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons that share their inputs.

    Arguments:
        nin: how many inputs, at least 1.
        nout: how many neurons, at least 1.
        layer: its number in the labels, or None.
        **neuron: what every Neuron is to be given.

    Attributes:
        neurons: the neurons, one for each output.

    Raises:
        TypeError: if nin or nout is no whole number.
        ValueError: for no inputs or no neurons.
    """

    def __init__(self, nin: int, nout: int, layer: int | None = None, **neuron: Any) -> None:
        _positive("Layer", "neurons", nout)
        self.neurons = [
            Neuron(nin, nout=nout, index=j if nout > 1 else None, layer=layer, **neuron)
            for j in range(nout)
        ]
        self.nin = nin

    def __call__(self, x: Sequence[Any]) -> Any:
        """The activations for inputs x: a list, or for one neuron its Value alone."""
        inputs = _inputs("Layer", x, self.nin)
        out = [neuron._apply(inputs) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """Neuron by neuron."""
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def weights(self) -> list[Value]:
        """Neuron by neuron, without the biases."""
        return [w for neuron in self.neurons for w in neuron.weights()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A network of fully connected layers.

    Arguments:
        nin: how many inputs.
        nouts: how many neurons each layer has, the output layer last.
        activation: of the hidden layers.
        output: of the output layer.
        init: how weights start; see Neuron.
        rng: where they are drawn from; see Neuron.

    Attributes:
        layers: the layers; `.layers[l].neurons[j].w[k]` is a weight.

    Raises:
        TypeError: if nouts is no list, or a size no whole number.
        ValueError: for no layers, an empty one, or an unknown activation or init.

    >>> MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid").parameters().__len__()
    13002
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str = "relu",
        output: str = "linear",
        init: str | Init = "uniform",
        rng: Random = random,
    ) -> None:
        if not isinstance(nouts, Sequence):
            raise TypeError(
                "MLP: expected a list of layer sizes as nouts, "
                f"got {type(nouts).__name__} {nouts!r}"
            )
        if not nouts:
            raise ValueError("MLP: expected at least one layer in nouts, got none")
        sizes = [nin, *nouts]
        self.layers = [
            Layer(
                sizes[i],
                sizes[i + 1],
                layer=i + 1,
                activation=activation if i < len(nouts) - 1 else output,
                init=init,
                rng=rng,
            )
            for i in range(len(nouts))
        ]
        self._input_labels = [_label("a", [k] if nin > 1 else [], 0) for k in range(nin)]

    def __call__(self, x: Sequence[Any]) -> Any:
        """The output layer's activations for inputs x: a list, or a Value for one neuron.

        Numbers become constants labelled a_k^{(0)}.
        """
        inputs = _inputs("MLP", x, self.layers[0].nin)
        if type(inputs) is Constants:
            for value, label in zip(inputs, self._input_labels, strict=True):
                value.label = label
        out: Any = inputs
        for layer in self.layers:
            out = layer(out if isinstance(out, Sequence) else [out])
        return out

    def parameters(self) -> list[Value]:
        """Layer by layer."""
        return [p for layer in self.layers for p in layer.parameters()]

    def weights(self) -> list[Value]:
        """Layer by layer, without the biases."""
        return [w for layer in self.layers for w in layer.weights()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


_affine = recorder(ops.affine)


def _inputs(what: str, x: Sequence[Any], nin: int) -> tuple[Value, ...]:
    if isinstance(x, Value) or not hasattr(x, "__len__"):
        raise TypeError(f"{what}: expected a sequence of {nin} inputs, got {x!r}")
    if len(x) != nin:
        raise ValueError(f"{what}: expected {nin} inputs, got {len(x)}")
    return x if type(x) is Constants else lift_all(x, what, "x")


def _positive(what: str, of: str, n: Any) -> None:
    if not isinstance(n, int | np.integer):
        raise TypeError(f"{what}: expected a whole number of {of}, got {type(n).__name__} {n!r}")
    if n < 1:
        raise ValueError(f"{what}: expected at least 1 as the number of {of}, got {n!r}")


def _activation(name: str) -> Primitive | None:
    if name == "linear":
        return None
    row = ops.table.get(name) if isinstance(name, str) else None
    if row is None or len(row.arguments) != 1 or any(row.starred):
        unary = (r.name for r in ops.table.values() if len(r.arguments) == 1 and not any(r.starred))
        raise ValueError(
            f"Neuron: expected as activation linear or one of {', '.join(unary)}; got {name!r}"
        )
    return row


def _init(init: str | Init) -> Init:
    if callable(init):
        return init
    if not isinstance(init, str) or init not in _INITS:
        raise ValueError(
            f"Neuron: expected as init a function or one of {', '.join(_INITS)}; got {init!r}"
        )
    return _INITS[init]


def _label(letter: str, indices: list[int], layer: int | None) -> str:
    comma = "," if any(i > 9 for i in indices) else ""
    subscript = comma.join(map(str, indices))
    return (
        letter
        + (f"_{{{subscript}}}" if subscript else "")
        + ("" if layer is None else f"^{{({layer})}}")
    )
