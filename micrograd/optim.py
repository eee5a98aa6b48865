"""Gradient descent, plain, with momentum, and Adam.

>>> from micrograd import Value
>>> x = Value(1.0)
>>> descent = SGD([x], lr=0.25)
>>> for _ in range(3):
...     descent.zero_grad()
...     (x * x).backward()
...     descent.step()
>>> x.data
0.125

The parameters may also be numbers in one array, such as a vectorised program's;
then the gradient is an array, too, and is handed to `step`:

>>> x = np.array([1.0])
>>> descent = SGD(x, lr=0.25)
>>> for _ in range(3):
...     descent.step(2 * x)
>>> x
array([0.125])
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from micrograd.engine import Value
from micrograd.primitive import is_number

Array = NDArray[Any]


class Program(Protocol):
    """What has all its parameters in one array."""

    @property
    def parameters(self) -> Array:
        """The array, changed in place by each step."""
        ...


class _Optimizer:
    """What all of them share: the parameters, the learning rate, and what they remember."""

    def __init__(
        self, parameters: Iterable[Value] | Array | Program, lr: float, *memory: str
    ) -> None:
        name = type(self).__name__
        self._owner = _checked(name, parameters)
        _in_range(name, "lr", lr, 0.0, math.inf)
        self.lr = lr
        # Values are floats, so what is remembered of them is float64.
        p = self.parameters
        like = p if isinstance(p, np.ndarray) else np.empty(len(p))
        self._memory = {what: np.zeros_like(like) for what in memory}

    @property
    def parameters(self) -> Any:
        """The list of Values, or the array."""
        owner = self._owner
        return owner if isinstance(owner, list | np.ndarray) else owner.parameters

    def zero_grad(self) -> None:
        """Set every Value's gradient to zero, as is due before each `backward`.

        An array's gradient is worked out anew each time; there is nothing to set.
        """
        p = self.parameters
        if not isinstance(p, np.ndarray):
            for value in p:
                value.grad = 0.0

    @np.errstate(all="ignore")  # IEEE, silently, as for floats
    def step(self, gradient: Array | None = None) -> None:
        """Change every parameter once.

        Arguments:
            gradient: by an array of parameters, of its shape and type. Values
                have theirs in `.grad`. A nan in it goes through, as in PyTorch.

        Raises:
            TypeError: if there is no array where one is due, or one where none
                is, or if it is of another type; or if a Value's data or
                gradient is no real number; then nothing has changed.
            ValueError: if it is of another shape; then nothing has changed.
        """
        p, where = self.parameters, f"{type(self).__name__}.step"
        if isinstance(p, np.ndarray):
            _like(f"{where}: gradient", gradient, p, TypeError)
            assert gradient is not None
            p -= self._change(gradient)
            return
        if gradient is not None:
            raise TypeError(f"{where}: Values have their gradients in .grad; expected no other")
        numbers = _numbers(where, "data", [value.data for value in p])
        numbers -= self._change(_numbers(where, "grad", [value.grad for value in p]))
        for value, x in zip(p, numbers.tolist(), strict=True):
            value.data = x

    def _change(self, g: Array) -> Array:
        """What is to be taken off the parameters."""
        raise NotImplementedError

    def state(self) -> dict[str, Array]:
        """What it remembers from step to step, as arrays by name: a copy, to be saved."""
        return {what: array.copy() for what, array in self._memory.items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from what `state` gave; lr and the other options are not part of it.

        Arguments:
            state: arrays by name.

        Raises:
            TypeError: if it is no mapping.
            ValueError: if it is not of this kind of optimiser, or of other
                parameters; then nothing has changed.
        """
        name = type(self).__name__
        if not isinstance(state, Mapping):
            raise TypeError(f"{name}.load_state: expected arrays by name, got {state!r}")
        if set(state) != set(self._memory):
            raise ValueError(
                f"{name}.load_state: expected {_listed(self._memory)}, got {_listed(state)}"
            )
        for what, ours in self._memory.items():
            _like(f"{name}.load_state: {what}", state[what], ours, ValueError)
        for what, ours in self._memory.items():
            ours[...] = state[what]


class SGD(_Optimizer):
    """Step against the gradient: v <- momentum v + grad, p <- p - lr v.

    Arguments:
        parameters: the leaves to change; or an array of float64 or float32, or
            what has such an array as `.parameters`, a vectorised program.
        lr: the learning rate, at least 0; may be assigned between steps.
        momentum: from 0, for none, to below 1.

    Raises:
        TypeError: if a parameter is no Value, or the array of another type.
        ValueError: for no parameters, one that is no leaf, an array that
            cannot be written to, or a number out of range.
    """

    def __init__(
        self, parameters: Iterable[Value] | Array | Program, lr: float, momentum: float = 0.0
    ) -> None:
        super().__init__(parameters, lr, "velocity")
        _in_range("SGD", "momentum", momentum, 0.0, 1.0)
        self.momentum = momentum

    def _change(self, g: Array) -> Array:
        v = self._memory["velocity"]
        v *= float(self.momentum)
        v += g
        return float(self.lr) * v


class Adam(_Optimizer):
    """Kingma and Ba (2015), algorithm 1: a step size of its own for each parameter.

    Arguments:
        parameters: the leaves to change; or an array of float64 or float32, or
            what has such an array as `.parameters`, a vectorised program.
        lr: the learning rate, at least 0; may be assigned between steps.
        betas: how slowly the means of gradient and squared gradient forget,
            each from 0 to below 1.
        eps: added to the root of the second mean, above 0.

    Raises:
        TypeError: if a parameter is no Value, or the array of another type.
        ValueError: for no parameters, one that is no leaf, an array that
            cannot be written to, or a number out of range.

    >>> x = Value(1.0)
    >>> adam = Adam([x], lr=0.1)
    >>> (x * x).backward(); adam.step()
    >>> round(x.data, 6)
    0.9
    """

    def __init__(
        self,
        parameters: Iterable[Value] | Array | Program,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr, "mean", "square")
        if not isinstance(betas, Sequence) or len(betas) != 2:
            raise TypeError(f"Adam: expected two numbers as betas, got {betas!r}")
        _in_range("Adam", "betas[0]", betas[0], 0.0, 1.0)
        _in_range("Adam", "betas[1]", betas[1], 0.0, 1.0)
        if not 0.0 < eps < math.inf:
            raise ValueError(f"Adam: expected a finite eps above 0, got {eps!r}")
        self.betas, self.eps = betas, eps
        self._memory["steps"] = np.zeros((), np.int64)

    @property
    def steps(self) -> int:
        """How many steps it has made."""
        return int(self._memory["steps"])

    def _change(self, g: Array) -> Array:
        self._memory["steps"] += 1
        lr, (beta1, beta2), eps = float(self.lr), map(float, self.betas), float(self.eps)
        m, s = self._memory["mean"], self._memory["square"]
        m *= beta1
        m += (1.0 - beta1) * g
        s *= beta2
        s += (1.0 - beta2) * g * g
        # Both means start at zero; dividing by these makes up for it.
        unbias1, unbias2 = 1.0 - beta1**self.steps, 1.0 - beta2**self.steps
        change: Array = lr * (m / unbias1) / (np.sqrt(s / unbias2) + eps)
        return change


def _checked(name: str, parameters: Any) -> Any:
    """The list of Values; or the array, or its owner, as given."""
    array = getattr(parameters, "parameters", parameters)
    if isinstance(array, np.ndarray):
        if array.dtype not in (np.float64, np.float32):
            raise TypeError(f"{name}: expected an array of float64 or float32, got {array.dtype}")
        if not array.size:
            raise ValueError(f"{name}: expected at least one parameter, got none")
        if not array.flags.writeable:
            raise ValueError(f"{name}: expected an array that can be written to")
        return parameters
    if not isinstance(parameters, Iterable):
        raise TypeError(
            f"{name}: expected a list of parameters, such as net.parameters(), "
            f"got {type(parameters).__name__}"
        )
    values = list(parameters)
    for i, p in enumerate(values):
        if not isinstance(p, Value):
            raise TypeError(f"{name}: expected a Value as parameters[{i}], got {p!r}")
        if p.op is not None:
            raise ValueError(f"{name}: parameters[{i}], {p!r}, is no leaf but a result")
    if len(set(values)) < len(values):
        raise ValueError(f"{name}: a parameter is given twice; it would move twice a step")
    if not values:
        raise ValueError(f"{name}: expected at least one parameter, got none")
    return values


def _numbers(where: str, what: str, numbers: list[Any]) -> Array:
    """The parameters' data or gradients, as an array."""
    try:
        array = np.array(numbers)
    except ValueError:  # one of them is an array
        array = np.array(None)
    if array.ndim == 1 and array.dtype.kind in "fiub":
        return array.astype(np.float64, copy=False)
    for i, x in enumerate(numbers):  # asking each takes longer than all the rest
        if not is_number(x):
            raise TypeError(f"{where}: expected a real number as parameters[{i}].{what}, got {x!r}")
    return np.array(list(map(float, numbers)))


def _like(what: str, array: Any, expected: Array, wrong_type: type[Exception]) -> None:
    """Raise unless the array has the shape and the type of another."""
    if not isinstance(array, np.ndarray):
        raise wrong_type(f"{what}: expected an array, got {array!r}")
    if array.dtype != expected.dtype:
        raise wrong_type(f"{what}: expected {expected.dtype}, got {array.dtype}")
    if array.shape != expected.shape:
        raise ValueError(f"{what}: expected the shape {expected.shape}, got {array.shape}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _in_range(name: str, argument: str, x: float, low: float, high: float) -> None:
    if not is_number(x) or not low <= x < high:
        bound = "finite" if high == math.inf else f"below {high:g}"
        raise ValueError(f"{name}: expected {argument} at least {low:g} and {bound}, got {x!r}")
