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

import builtins
import operator
import os
import random
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from typing import Any, Self

import numpy as np

from micrograd import ops
from micrograd.graph import Constants, Leaves
from micrograd.inits import Init, Random, he, init_of, uniform, xavier, zeros
from micrograd.ops import Primitive
from micrograd.storage import read_parameters, write_parameters
from micrograd.value import Value, lift_all, parameter, recorder

__all__ = [
    "MLP",
    "Init",
    "Layer",
    "Module",
    "Neuron",
    "Random",
    "he",
    "uniform",
    "xavier",
    "zeros",
]


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
            TypeError: if a parameter is no Value, its label no string, or its `data` no real
                number.
            OverflowError: if its `data` is beyond floats.
            OSError: if it cannot be written. In each case a file that was there is kept.
        """
        write_parameters(path, self.parameters())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Set the parameters to those in a file written by `save`.

        Arguments:
            path: the file.

        Raises:
            micrograd.storage.ParameterFileError: if the file is damaged, of another kind, of
                another network, or larger than this one needs; then no parameter has changed.
            OSError: if it cannot be read.
        """
        read_parameters(path, self.parameters())


class Neuron(Module):
    """a = activation(z), z = w . x + b, with z one node of the graph.

    Subclasses may have an `__init__` of their own that sets `w`, `b` and `nonlin`, as
    micrograd's does; weights, a bias or inputs of a subclass of Value, or methods of Value
    that have been replaced, are added up one by one, with their own `*` and `+`.

    Arguments:
        nin: how many inputs, at least 1.
        nonlin: micrograd's way to ask for relu (True) or linear (False).
        activation: the name of a primitive of one argument, or "linear".
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

    w: Any
    b: Any
    _row: Primitive | None
    _before: Primitive | None  # the activation that `nonlin = True` gives back
    _list: list[Any] | None  # `w` when its weights were packed,
    _known: list[Any]  # those weights,
    _packed: tuple[Value, ...]  # they again, if they are plain Values,
    _count: int  # and then their number; else no number of inputs
    _labels: tuple[str, str]

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Make a neuron with what an `__init__` of somebody's own may leave out."""
        self = super().__new__(cls)  # (class attributes would be found more slowly)
        self._row, self._before = ops.relu, None
        self._list, self._known, self._packed, self._count = None, [], (), -2
        self._labels = "", ""
        return self

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
        draw = init_of(init)
        j = [] if index is None else [index]
        self.w = [
            parameter(draw(nin, nout, rng), _label("w", [*j, k] if nin > 1 else j, layer))
            for k in range(nin)
        ]
        self.b = parameter(0.0, _label("b", j, layer))
        self._labels = _label("z", j, layer), _label("a", j, layer)

    def __call__(self, x: Any) -> Any:
        """The activation for inputs x: nin numbers or Values, in any iterable."""
        return self._apply(x if type(x) is _Inputs else _Inputs("Neuron", x))

    def _apply(self, x: _Inputs) -> Any:
        w, b = self.w, self.b
        if w is not self._list or w != self._known:
            self._pack()  # it has been given other weights
        if self._count != x.ready or type(b) is not Value:
            return self._carefully(x)
        # The fast way: one node for z.
        z = _affine(self._packed, x.values, b)
        z.label, a_label = self._labels
        row = self._row
        if row is None:
            z.label = a_label
            return z
        if row is not x.row:
            x.find(row)
        a = x.apply(z)
        a.label = a_label
        return a

    def _carefully(self, x: _Inputs) -> Any:
        """The activation where something is not plain; at worst as micrograd works it out."""
        if not x.plain and not _same(self.w, self._known):
            self._pack()
        w, b, row = self.w, self.b, self._row
        if len(w) != x.count:
            raise ValueError(f"{x.what}: expected {len(w)} inputs, got {x.count}")
        if x.error is not None:
            raise x.error
        if x.values is not None and self._packed and type(b) is Value:
            z = _affine(self._packed, x.values, b)
        else:
            z = builtins.sum((wi * xi for wi, xi in zip(w, x.given, strict=True)), b)
        z_label, a_label = self._labels
        if not isinstance(z, Value):  # of weights and inputs that are all numbers
            return z if row is None else row(z)
        if row is None:
            return _labelled(z, a_label, b)
        _labelled(z, z_label, b)
        return _labelled(_applied(row, z), a_label, b)

    def _pack(self) -> None:
        """Keep the weights as a tuple for `affine`; an empty one if some are no plain Values."""
        known, packed = list(self.w), tuple(self.w)
        if not all(type(wi) is Value for wi in packed):
            packed = ()
        # Other threads may be on their way through here: what says that all is there comes last.
        self._list = None
        self._packed = (Leaves if all(wi.op is None for wi in packed) else tuple)(packed)
        self._count = len(packed) or -2
        self._known = known
        self._list = self.w if type(self.w) is list else None

    @property
    def activation(self) -> Primitive | None:
        """The function that is applied to z; None for none. May be set, by its name too."""
        return self._row

    @activation.setter
    def activation(self, activation: Primitive | str | None) -> None:
        self._row = _activation("linear" if activation is None else activation)

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation function, under micrograd's name. May be set."""
        return self._row is not None

    @nonlin.setter
    def nonlin(self, nonlin: bool) -> None:
        if not nonlin:
            self._before, self._row = self._row or self._before, None
        elif self._row is None:
            self._row = self._before or ops.relu

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def weights(self) -> list[Value]:
        """The weights alone."""
        return list(self.w)

    def __repr__(self) -> str:
        if self._row is None:
            name = "Linear"
        else:
            name = "ReLU" if self._row is ops.relu else self._row.name.capitalize()
        return f"{name}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons that share their inputs.

    Arguments:
        nin: how many inputs, at least 1.
        nout: how many neurons, at least 1.
        layer: its number in the labels, or None.
        **neuron: what every Neuron is to be given.

    Attributes:
        neurons: the neurons, one for each output: Neurons, or any functions of the inputs.

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

    def __call__(self, x: Any) -> Any:
        """The activations for inputs x: a list, or for one neuron its Value alone."""
        inputs = x if type(x) is _Inputs else _Inputs("Layer", x)
        plain = Neuron if Neuron.__call__ is _NEURON else None
        out = [n._apply(inputs) if type(n) is plain else _called(n, inputs) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """Neuron by neuron."""
        return _all_of("parameters", self.neurons)

    def weights(self) -> list[Value]:
        """Neuron by neuron, without the biases."""
        return _all_of("weights", self.neurons)

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
        layers: Layers, or any functions of a list; `.layers[l].neurons[j].w[k]` is a weight.

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

    def __call__(self, x: Iterable[Any]) -> Any:
        """The output layer's activations for inputs x: a list, or a Value for one neuron.

        Numbers become constants labelled a_k^{(0)}.
        """
        out: Any = x
        for i, layer in enumerate(self.layers):
            if isinstance(out, Value) and i:
                out = [out]  # of a layer with one neuron
            out = self._first(layer, out) if i == 0 else layer(out)
        return out

    def _first(self, layer: Any, x: Any) -> Any:
        """The first layer's activations; numbers are labelled, where nobody else sees them."""
        if type(layer).__call__ is _LAYER:
            x = _Inputs("MLP", x)
            if type(x.values) is Constants:
                for value, label in zip(x.values, _input_labels(x.count), strict=True):
                    value.label = label
        return layer(x)

    def parameters(self) -> list[Value]:
        """Layer by layer."""
        return _all_of("parameters", self.layers)

    def weights(self) -> list[Value]:
        """Layer by layer, without the biases."""
        return _all_of("weights", self.layers)

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


# A subclass, or somebody who replaces the method, has a way of its own.
_NEURON, _LAYER = Neuron.__call__, Layer.__call__
_TIMES, _PLUS, _REFLECTED = Value.__mul__, Value.__add__, Value.__rmul__


_affine = recorder(ops.affine)
_PLAIN = {Value}
_METHODS = {row: n for n, row in ops.table.items() if vars(Value).get(n) is recorder(row)}


def _called(n: Any, x: _Inputs) -> Any:
    """What a neuron gives that may have a way of its own; then it gets the inputs as they came."""
    return n._apply(x) if type(n).__call__ is _NEURON else n(x.given)


def _applied(row: Primitive, z: Value) -> Value:
    """The activation of z, by the method that z has for it."""
    name = _METHODS.get(row)
    a: Value = recorder(row)(z) if name is None else getattr(z, name)()
    return a


def _by_identity(kinds: Iterable[Any]) -> bool:
    """Whether `==` tells the instances of these classes, and of theirs, by identity."""
    return all(k.__eq__ is object.__eq__ and _by_identity(k.__subclasses__()) for k in kinds)


def _same(w: Sequence[Any], known: list[Any]) -> bool:
    """Whether they are the very same weights, whatever `==` makes of them."""
    return len(w) == len(known) and all(map(operator.is_, w, known))


class _Inputs:
    """The inputs of neurons that share them.

    Attributes:
        what: whose they are, for errors.
        given: as they came; a list where they came one by one.
        count: how many.
        ready: the same, where the fast way is right for a neuron of so many plain weights.
        values: as a tuple for `affine`, the same one for all neurons; None where they have to
            be multiplied and added one by one.
        error: of an input that is no number; a wrong number of inputs is said before that.
        plain: whether `==` tells Values by identity; so it may compare lists of weights,
            which is fastest.
        row: the activation function that was found last,
        apply: and what records it.
    """

    __slots__ = ("apply", "count", "error", "given", "plain", "ready", "row", "values", "what")
    apply: Callable[[Value], Value]

    def __init__(self, what: str, x: Any) -> None:
        given: Any = x
        if type(x) is not list:
            if isinstance(x, Value) or not isinstance(x, Iterable):
                raise TypeError(f"{what}: expected a sequence of inputs, got {x!r}")
            given = x if hasattr(x, "__len__") else list(x)
        self.what, self.given, self.count = what, given, len(given)
        self.values: Any = None
        self.error: TypeError | None = None
        kinds = Value.__subclasses__()
        self.plain = Value.__eq__ is object.__eq__ and (not kinds or _by_identity(kinds))
        self.row: Primitive | None = None
        self.ready = -1
        types = set(map(type, given))
        if not (
            # `affine` is what `*` and `+` of Values are.
            Value.__mul__ is _TIMES and Value.__add__ is _PLUS and Value.__rmul__ is _REFLECTED
        ):
            return
        if types == _PLAIN:
            self.values = tuple(given)
        elif not any(t is not Value and issubclass(t, Value) for t in types):
            try:
                self.values = lift_all(given, what, "x")
            except TypeError as error:
                self.error = error
        if self.plain and self.values is not None:
            self.ready = self.count

    def find(self, row: Primitive) -> None:
        """Find what records an activation, once for a layer: somebody may have replaced it."""
        name = _METHODS.get(row)
        own = name is None or vars(Value).get(name) is recorder(row)
        self.row, self.apply = row, recorder(row) if own else partial(_applied, row)


def _labelled(v: Any, label: str, bias: Any) -> Any:
    """Give a new value its label; a bias that came through as it is keeps its own."""
    if label and v is not bias:
        v.label = label
    return v


def _all_of(what: str, parts: Iterable[Any]) -> list[Value]:
    """What each part says of its own; nothing, of a function that is no Module."""
    return [p for part in parts if (own := getattr(part, what, None)) for p in own()]


@cache
def _input_labels(nin: int) -> list[str]:
    return [_label("a", [k] if nin > 1 else [], 0) for k in range(nin)]


def _positive(what: str, of: str, n: Any) -> None:
    if not isinstance(n, int | np.integer):
        raise TypeError(f"{what}: expected a whole number of {of}, got {type(n).__name__} {n!r}")
    if n < 1:
        raise ValueError(f"{what}: expected at least 1 as the number of {of}, got {n!r}")


def _activation(name: str | Primitive) -> Primitive | None:
    if name == "linear":
        return None
    row = ops.table.get(name) if isinstance(name, str) else name
    row = row if isinstance(row, Primitive) else None
    if row is None or len(row.arguments) != 1 or any(row.starred):
        unary = (r.name for r in ops.table.values() if len(r.arguments) == 1 and not any(r.starred))
        raise ValueError(
            f"Neuron: expected as activation linear or one of {', '.join(unary)}; got {name!r}"
        )
    return row


def _label(letter: str, indices: list[int], layer: int | None) -> str:
    comma = "," if any(i > 9 for i in indices) else ""
    subscript = comma.join(map(str, indices))
    return (
        letter
        + (f"_{{{subscript}}}" if subscript else "")
        + ("" if layer is None else f"^{{({layer})}}")
    )
