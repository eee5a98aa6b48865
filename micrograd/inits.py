"""How weights start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


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

    >>> import random
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


def init_of(init: str | Init) -> Init:
    """A function that draws a weight, by its name or as it is."""
    if callable(init):
        return init
    if not isinstance(init, str) or init not in _INITS:
        raise ValueError(
            f"Neuron: expected as init a function or one of {', '.join(_INITS)}; got {init!r}"
        )
    return _INITS[init]
