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
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from micrograd.engine import Value
from micrograd.primitive import is_number


class _Optimizer:
    """What all of them share: the parameters, the learning rate, zero_grad."""

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        name = type(self).__name__
        self.parameters = list(parameters)
        for i, p in enumerate(self.parameters):
            if not isinstance(p, Value):
                raise TypeError(f"{name}: expected a Value as parameters[{i}], got {p!r}")
            if p.op is not None:
                raise ValueError(f"{name}: parameters[{i}], {p!r}, is no leaf but a result")
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError(f"{name}: a parameter is given twice; it would move twice a step")
        if not self.parameters:
            raise ValueError(f"{name}: expected at least one parameter, got none")
        _in_range(name, "lr", lr, 0.0, math.inf)
        self.lr = lr

    def zero_grad(self) -> None:
        """Set every parameter's gradient to zero, as is due before each `backward`."""
        for p in self.parameters:
            p.grad = 0.0


class SGD(_Optimizer):
    """Step against the gradient: v <- momentum v + grad, p <- p - lr v.

    Arguments:
        parameters: the leaves to change.
        lr: the learning rate, at least 0; may be assigned between steps.
        momentum: from 0, for none, to below 1.

    Raises:
        TypeError: if a parameter is no Value.
        ValueError: for no parameters, one that is no leaf, or a number out of range.
    """

    def __init__(self, parameters: Iterable[Value], lr: float, momentum: float = 0.0) -> None:
        super().__init__(parameters, lr)
        _in_range("SGD", "momentum", momentum, 0.0, 1.0)
        self.momentum = momentum
        self._velocity = [0.0] * len(self.parameters)

    def step(self) -> None:
        """Change every parameter once, by the gradient it has now."""
        # float: a NumPy number would make NumPy numbers of all parameters, and they are slow.
        lr, momentum, velocity = float(self.lr), float(self.momentum), self._velocity
        for i, p in enumerate(self.parameters):
            velocity[i] = v = momentum * velocity[i] + p.grad
            p.data -= lr * v


class Adam(_Optimizer):
    """Kingma and Ba (2015), algorithm 1: a step size of its own for each parameter.

    Arguments:
        parameters: the leaves to change.
        lr: the learning rate, at least 0; may be assigned between steps.
        betas: how slowly the means of gradient and squared gradient forget,
            each from 0 to below 1.
        eps: added to the root of the second mean, above 0.

    Raises:
        TypeError: if a parameter is no Value.
        ValueError: for no parameters, one that is no leaf, or a number out of range.

    >>> x = Value(1.0)
    >>> adam = Adam([x], lr=0.1)
    >>> (x * x).backward(); adam.step()
    >>> round(x.data, 6)
    0.9
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr)
        _in_range("Adam", "betas[0]", betas[0], 0.0, 1.0)
        _in_range("Adam", "betas[1]", betas[1], 0.0, 1.0)
        if not 0.0 < eps < math.inf:
            raise ValueError(f"Adam: expected a finite eps above 0, got {eps!r}")
        self.betas, self.eps = betas, eps
        self.steps = 0
        self._mean = [0.0] * len(self.parameters)
        self._square = [0.0] * len(self.parameters)

    def step(self) -> None:
        """Change every parameter once, by the gradient it has now."""
        self.steps += 1
        lr, (beta1, beta2), eps = float(self.lr), map(float, self.betas), float(self.eps)
        # Both means start at zero; dividing by these makes up for it.
        unbias1, unbias2 = 1.0 - beta1**self.steps, 1.0 - beta2**self.steps
        for i, p in enumerate(self.parameters):
            self._mean[i] = m = beta1 * self._mean[i] + (1.0 - beta1) * p.grad
            self._square[i] = s = beta2 * self._square[i] + (1.0 - beta2) * p.grad * p.grad
            p.data -= lr * (m / unbias1) / (math.sqrt(s / unbias2) + eps)


def _in_range(name: str, argument: str, x: float, low: float, high: float) -> None:
    if not is_number(x) or not low <= x < high:
        bound = "finite" if high == math.inf else f"below {high:g}"
        raise ValueError(f"{name}: expected {argument} at least {low:g} and {bound}, got {x!r}")
