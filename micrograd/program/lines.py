"""The lines of a function: variables, and what is written into the line that uses it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from micrograd.program.code import Code, Name, names_in
from micrograd.program.naming import Names

_LONGEST: Final = 88  # of a line that others are written into


@dataclass
class Line:
    """A variable and its code; or, without a variable, a statement."""

    name: Name | None
    code: Code
    keep: bool = False  # a line of its own in any case

    def __str__(self) -> str:
        if self.name is None:
            return str(self.code)
        return f"{self.name.template} = {self.code}"

    @property
    def comment(self) -> str:
        """The shape of the result, n for the samples."""
        if self.name is None:
            return ""
        shape = [*(["n"] if self.name.batched else []), *map(str, self.name.shape)]
        return f"({', '.join(shape)}{',' * (len(shape) == 1)})"


class Lines:
    """The lines of one function, as they are added.

    Arguments:
        taken: names that mean something else.
    """

    def __init__(self, taken: list[str]) -> None:
        self.names = Names(taken)
        self.lines: list[Line] = []

    def assign(self, name: str, code: Code, keep: bool = False) -> Name:
        """A line that gives the code a name; that name."""
        variable = Name(name, code.shape, code.batched)
        self.lines.append(Line(variable, code, keep))
        return variable

    def do(self, template: str, *parts: Code) -> None:
        """A line that is a statement."""
        self.lines.append(Line(None, Code(template, *parts, shape=()), keep=True))

    def text(self, result: Code) -> list[str]:
        """The source lines, and at last the result.

        A line that only one other names is written into that one, if it stays
        short and nothing has been written into it; one that nobody names is
        left out.
        """
        lines = [*self.lines, Line(None, Code("return {0}", result, shape=()), keep=True)]
        for line in lines:
            for name in names_in(line.code):
                name.uses += 1
        for line in reversed(lines):
            if line.name is not None and line.name.uses == 0:
                for name in names_in(line.code):
                    name.uses -= 1
        lines = [line for line in lines if line.name is None or line.name.uses]
        definitions = {line.name: line for line in lines if line.name is not None}
        for line in lines:
            if len(str(line)) > _LONGEST:
                continue
            for name in names_in(line.code):
                definition = definitions.get(name)
                if definition is None or definition.keep or name.uses > 1:
                    continue
                if any(other.value is not None for other in names_in(definition.code)):
                    continue
                name.value = definition.code
                if len(str(line)) > _LONGEST:
                    name.value = None
        shown = [line for line in lines if line.name is None or line.name.value is None]
        return [f"{line}  # {line.comment}" if line.comment else str(line) for line in shown]


class Tables:
    """Arrays of numbers that the source names: indices and constants."""

    def __init__(self) -> None:
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
        return "\n".join(f"{name} = {_literal(array)}" for name, array in self.arrays.items())


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
