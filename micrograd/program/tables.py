"""Arrays of numbers that a program's source names: indices and constants."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np


class Tables:
    """Arrays of numbers that the source names: indices and constants.

    Arguments:
        module: what the source calls NumPy, or what takes its place.
    """

    def __init__(self, module: str = "np") -> None:
        self._module = module
        self.arrays: dict[str, Any] = {}
        self._known: dict[Any, str] = {}

    def name(self, letter: str, array: Any) -> str:
        """The name of a table with these numbers."""
        key = letter, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = name = f"{letter}_{len(self._known) + 1}"
            self.arrays[name] = array
        return self._known[key]

    def source(self) -> str:
        """Lines that define them all."""
        lines = [f"{name} = {_literal(array)}" for name, array in self.arrays.items()]
        return "\n".join(lines).replace("np.", f"{self._module}.")


def _literal(array: Any) -> str:
    flat = array.ravel()
    if array.dtype.kind == "i" and len(flat) > 1:
        step = int(flat[1] - flat[0])
        if step and np.array_equal(flat, flat[0] + step * np.arange(len(flat))):
            numbers = f"np.arange({flat[0]}, {flat[-1] + np.sign(step)}, {step})"
            return numbers if array.ndim == 1 else f"{numbers}.reshape({array.shape})"
    numbers = ", ".join(map(repr, flat.tolist())).replace("nan", "np.nan").replace("inf", "np.inf")
    text = f"np.array([{textwrap.fill(numbers, 96, subsequent_indent='    ')}], np.{array.dtype})"
    return text if array.ndim == 1 else f"{text}.reshape({array.shape})"
