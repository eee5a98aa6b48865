"""All source of a program: its functions, and the tables and primitives that they need."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np

from micrograd import ops
from micrograd.engine import Value
from micrograd.program.as_jax import jax_source
from micrograd.program.as_numpy import Listed, printed
from micrograd.program.form import Builder, Form
from micrograd.program.groups import FIRST, Grouping
from micrograd.program.naming import Names, name_of
from micrograd.program.passes import inlined, live
from micrograd.program.tables import Tables
from micrograd.program.terms import flatten
from micrograd.program.text import Functions
from micrograd.program.transpose import Transpose
from micrograd.program.views import find_view

APART: Final = "input_grad"  # the function that is not in the source
_PURPOSES: Final = {
    "forward": "The outputs for each sample.",
    "value_and_grad": "The mean over the samples, and its gradient by the parameters.",
    "per_sample_grad": "One gradient for each sample.",
    "input_grad": "By the inputs of each sample.",
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
        labels = [v.label for v in places]
        self.single, self.dtype = single, dtype
        self.inputs = _input_names([[v.label for v in one] for one in inputs])
        sizes = [len(one) for one in inputs]
        self.shapes = [f"({len(parameters)},)"] * bool(parameters)
        self.shapes += [f"(n, {size})" for size in sizes]
        self.builder = Builder()
        grouping = Grouping(
            self.builder,
            labels,
            len(parameters),
            list(zip(self.inputs, sizes, strict=True)),
            places.constants,
        )
        for level in levels:
            grouping.add_level(level)
        self.grouping, self.names = grouping, grouping.names
        self.outputs = np.array([places[v] for v in outputs])
        runs = [np.array([*r]) for _, r in groupby(self.outputs, lambda p: grouping.source[p])]
        self.parts = [grouping.read(run) for run in runs]
        self.widths = [len(run) for run in runs]
        self._check_inputs(inputs)
        labels = [*self.inputs, *(s.label for s in self.builder.steps if s.label)]
        # What is needed by the functions in the source, and by that which is not.
        self.functions = Functions(dtype, labels), Functions(dtype, labels)
        self.tables = Tables(), Tables()
        self._listed: dict[str, Listed] = {}

    def _check_inputs(self, inputs: Sequence[Sequence[Value]]) -> None:
        for i, one in enumerate(inputs):
            if i + FIRST not in self.grouping.reads:
                named = ", ".join(map(repr, one[:2])) + ", ..." * (len(one) > 2)
                raise ValueError(
                    f"vectorize: the graph reads nothing of inputs[{i}], {named}: give the very "
                    "Values that it was recorded with"
                )

    def listed(self, name: str) -> Listed:
        """One function as data and in lines: "forward", "value_and_grad", ..."""
        if name not in self._listed:
            builder, names = self.builder.copy(), self.names.copy()
            results = getattr(self, f"_{name}")(builder, names)
            form = inlined(live(Form(builder.steps, results)), names)
            self._listed[name] = printed(
                form, self.functions[name == APART], self.tables[name == APART], self.dtype
            )
        return self._listed[name]

    def function(self, name: str) -> str:
        """Source of one function."""
        arguments = ["parameters"] * (self.grouping.size > 0) + self.inputs
        shapes = ", ".join(self.shapes)
        head = f"def {name}({', '.join(arguments)}):" + f"  # {shapes}" * bool(shapes)
        lines = [f'"""{_PURPOSES[name]}"""', *self.listed(name).lines]
        return "\n".join([head, *(f"    {line}" for line in lines)])

    def _forward(self, b: Builder, names: Names) -> tuple[int, ...]:
        many = bool(self.inputs)
        if self.single:
            only = b.broadcast(self.parts[0], (1,), many)
            return (b.add("view", (only,), (), many, find_view(np.array(0), 1)),)
        parts = [
            b.broadcast(x, (width,), many) for x, width in zip(self.parts, self.widths, strict=True)
        ]
        if len(parts) == 1:
            return (parts[0],)
        places = np.split(np.arange(sum(self.widths)), np.cumsum(self.widths)[:-1])
        return (b.add("scatter", parts, (sum(self.widths),), many, tuple(places)),)

    def _value_and_grad(self, b: Builder, names: Names) -> tuple[int, ...]:
        [cost] = self.parts
        one = b.constant(1.0)
        if b.steps[cost].batched:  # divided first: the sum of what has a mean may overflow
            one = b.map(ops.div, [one, b.add("samples", (), ())])
        (gradient,) = Transpose(b, names, each=False, by=[0]).gradients(cost, one)
        return (*self._cost(b), gradient)

    def _cost(self, b: Builder) -> tuple[int, ...]:
        """The mean over the samples; divided first, too."""
        [cost] = self.parts
        step = b.steps[cost]
        if not step.batched:
            return (b.reshaped(cost, ()),)
        summands = step.operands[0] if step.op == "sum" else cost
        return (b.total(b.map(ops.div, [summands, b.add("samples", (), ())])),)

    def _per_sample_grad(self, b: Builder, names: Names) -> tuple[int, ...]:
        return Transpose(b, names, each=True, by=[0]).gradients(self.parts[0])

    def _input_grad(self, b: Builder, names: Names) -> tuple[int, ...]:
        inputs = [x for x, step in enumerate(b.steps) if step.op == "input"]
        return Transpose(b, names, each=True, by=inputs).gradients(self.parts[0])

    def jax(self, singles: Sequence[str]) -> str:
        """Source in JAX of the cost, or of the outputs.

        Arguments:
            singles: the inputs that are single Values.
        """
        builder, names = self.builder.copy(), self.names.copy()
        results = self._cost(builder) if self.single else self._forward(builder, names)
        form = inlined(live(Form(builder.steps, results)), names)
        arguments = ["parameters"] * (self.grouping.size > 0) + self.inputs
        return jax_source(form, arguments, singles, self.dtype)

    def source(self, names: Sequence[str]) -> str:
        """Source of functions, and of the primitives and the tables that they need."""
        apart = APART in names
        written = [self.function(name) for name in names]
        functions = "\n\n\n".join(self.functions[apart].sources())
        head = "import numpy as np" + "\n\nimport micrograd" * ("micrograd." in functions)
        parts = (head, functions, self.tables[apart].source(), *written)
        return "\n\n\n".join(part for part in parts if part) + "\n"

    def runnable(self, name: str) -> tuple[str, dict[str, Any]]:
        """Source of one function, and what the names in it stand for."""
        function, apart = self.function(name), name == APART
        folds, primitives = self.functions[apart].runnable()
        return "\n\n".join([*folds, function]), {
            "np": np,
            **primitives,
            **self.tables[apart].arrays,
        }


def _input_names(labels: Sequence[Sequence[str]]) -> list[str]:
    names = Names()
    found = []
    for i, own in enumerate(labels):
        plain = "XY"[i] if len(labels) <= 2 else f"X{i + 1}"
        found.append(names.unique(name_of(own) or plain))
    return found
