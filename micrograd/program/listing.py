"""All source of a program: its functions, and the tables and primitives that they need."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np

from micrograd.engine import Value
from micrograd.program.adjoint import Adjoint
from micrograd.program.code import Code, Functions
from micrograd.program.emit import Emitter
from micrograd.program.groups import Grouping
from micrograd.program.lines import Tables
from micrograd.program.naming import Names, name_of
from micrograd.program.terms import flatten

_PURPOSES: Final = {
    "forward": "The outputs for each sample.",
    "value_and_grad": "The mean over the samples, and its gradient by the parameters.",
    "per_sample_grad": "One gradient for each sample.",
}


class Listing:
    """Writes a program's functions, each when it is first asked for.

    Arguments:
        outputs: what is wanted.
        single: whether that is one Value, not a list.
        inputs: the leaves of each input.
        parameters: leaves.
        frozen: other leaves, which keep their numbers; True for all others.
        dtype: "float64" or "float32".

    Raises:
        TypeError: if an operation or a leaf has a `_backward` of its own.
        ValueError: if there are leaves that are neither constants nor declared, or nothing
            of an input is read.
    """

    def __init__(
        self,
        outputs: Sequence[Value],
        single: bool,
        inputs: Sequence[Sequence[Value]],
        parameters: Sequence[Value],
        frozen: Sequence[Value] | bool,
        dtype: str,
    ) -> None:
        leaves = [*parameters, *(v for one in inputs for v in one)]
        places, levels = flatten(outputs, leaves, frozen)
        self.grouping = Grouping(
            len(parameters), [len(one) for one in inputs], places.constants, len(places)
        )
        for level in levels:
            self.grouping.add_level(level)
        self.outputs = np.array([places[v] for v in outputs])
        for i, (source, one) in enumerate(zip(self.grouping.inputs, inputs, strict=True)):
            if not source.read and not np.isin(self.outputs, list(source.places)).any():
                named = ", ".join(map(repr, one[:2])) + ", ..." * (len(one) > 2)
                raise ValueError(
                    f"vectorize: the graph reads nothing of inputs[{i}], {named}: give the very "
                    "Values that it was recorded with"
                )
        self.single, self.dtype = single, dtype
        self.labels = [v.label for v in places]
        self.inputs = _input_names([[v.label for v in one] for one in inputs])
        self.primitives, self.tables = Functions(dtype, self.inputs), Tables()
        self._functions: dict[str, str] = {}

    def function(self, name: str) -> str:
        """Source of one function: "forward", "value_and_grad" or "per_sample_grad"."""
        if name not in self._functions:
            self._functions[name] = self._written(name)
        return self._functions[name]

    def _written(self, name: str) -> str:
        emitter = Emitter(
            self.grouping, self.labels, self.inputs, self.primitives, self.tables, self.dtype
        )
        emitter.forward()
        result = self._result(emitter) if name == "forward" else self._derived(emitter, name)
        arguments = ["parameters"] * (self.grouping.parameters.size > 0) + self.inputs
        body = emitter.lines.text(result)
        if any(re.search(r"\bn\b", line.split("  #")[0]) for line in body):
            body.insert(0, f"n = len({self.inputs[0]})" if self.inputs else "n = 1")
        parameters = [f"({self.grouping.parameters.size},)"] * ("parameters" in arguments)
        shapes = ", ".join([*parameters, *(f"(n, {i.size})" for i in self.grouping.inputs)])
        head = f"def {name}({', '.join(arguments)}):" + f"  # {shapes}" * bool(shapes)
        lines = [f'"""{_PURPOSES[name]}"""', *body]
        return "\n".join([head, *(f"    {line}" for line in lines)])

    def _result(self, emitter: Emitter) -> Code:
        many = bool(self.inputs)
        parts = []
        source = self.grouping.source
        for _, run in groupby(self.outputs.tolist(), key=lambda place: int(source[place])):
            operand = self.grouping.operand(np.array(list(run)))
            shape = operand.index.shape
            parts.append(emitter.full(emitter.read(operand), shape, many))
        if self.single:
            return Code("{0:4}[:, 0]" if many else "{0:4}[0]", parts[0])
        if len(parts) == 1:
            return parts[0]
        slots = ", ".join(f"{{{i}}}" for i in range(len(parts)))
        return Code(f"np.concatenate([{slots}], axis=-1)", *parts, shape=self.outputs.shape)

    def _derived(self, emitter: Emitter, name: str) -> Code:
        cost = self.grouping.operand(self.outputs)
        adjoint = Adjoint(emitter, each=name == "per_sample_grad")
        if name == "per_sample_grad":
            return adjoint.run(cost)
        value = emitter.read(cost)
        gradient: Code = adjoint.run(cost)
        if value.batched:
            value = emitter.summands(cost.source.group) or value
            # In place, and no mean: arrays this small cost as much as the work on them.
            emitter.lines.do("{0} *= 1.0 / n", gradient)
            value = Code("{0:4}.sum() / n", value, shape=())
        else:
            value = Code("{0:4}[0]" if value.shape else "{0:4}", value, shape=())
        return Code("{0}, {1}", value, gradient, shape=())

    def preamble(self) -> str:
        """The primitives and the tables that the functions written so far need."""
        functions = "\n\n\n".join(self.primitives.sources())
        head = "import numpy as np" + "\n\nimport micrograd" * ("micrograd." in functions)
        parts = (head, functions, self.tables.source())
        return "\n\n\n".join(part for part in parts if part)

    def runnable(self, name: str) -> tuple[str, dict[str, Any]]:
        """Source of one function, and what the names in it stand for."""
        function = self.function(name)
        folds, primitives = self.primitives.runnable()
        return "\n\n".join([*folds, function]), {"np": np, **primitives, **self.tables.arrays}


def _input_names(labels: Sequence[Sequence[str]]) -> list[str]:
    names = Names()
    found = []
    for i, own in enumerate(labels):
        plain = "XY"[i] if len(labels) <= 2 else f"X{i + 1}"
        found.append(names.unique(name_of(own) or plain))
    return found
