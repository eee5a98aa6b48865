r"""A program as NumPy source, to be read and to be run: one line for each step with a name.

>>> from micrograd.program.form import Builder
>>> b = Builder()
>>> x = b.add("input", (), (3,), batched=True, label="X")
>>> z = b.name(b.map(ops.mul, [b.constant(2.0), x]), lambda: "Z")
>>> result = b.sum(b.map(ops.exp, [z]), [0])
>>> form = Form(b.steps, (result,))
>>> print("\n".join(printed(form, Functions("float64"), Tables(), "float64").lines))
Z = 2.0 * X  # (n, 3)
return np.exp(Z).sum(axis=-1)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd import ops
from micrograd.program.form import Form, Step
from micrograd.program.passes import firsts
from micrograd.program.tables import Tables
from micrograd.program.text import Functions, Text, number
from micrograd.program.views import find_view

MATRIX = 1.5  # the level of a matrix product: in parentheses within other products


@dataclass(frozen=True)
class Listed:
    """A program, and the lines of a function in NumPy that does what it says.

    Arguments:
        form: the program.
        lines: all of them.
        of: by the number of a step the line that computes it; by that of all steps what
            is returned.
    """

    form: Form
    lines: list[str]
    of: dict[int, str]


def printed(form: Form, functions: Functions, tables: Tables, dtype: str) -> Listed:
    """Print a program.

    Arguments:
        form: the program.
        functions: collects the functions that the lines need.
        tables: collects the index arrays and constants.
        dtype: "float64" or "float32".
    """
    return Printer(form, functions, tables, dtype).listed()


class Printer:
    """Prints one program; the arguments are those of `printed`."""

    module = "np"  # what the source calls NumPy

    def __init__(self, form: Form, functions: Functions, tables: Tables, dtype: str) -> None:
        self.form, self.functions, self.tables = form, functions, tables
        self.dtype = dtype
        self.texts: list[Text] = []
        self.lines: list[str] = []
        self.starts: dict[int, int] = {}  # which line each step begins with
        self.counted = self.adding = False  # whether n, and ones, are read

    def listed(self) -> Listed:
        """All lines."""
        of = {}
        for x, step in enumerate(self.form.steps):
            begin = len(self.lines)
            given = step.op in ("parameters", "input")
            text = None if given else getattr(self, step.op.replace("segment_", ""))(step)
            if step.label:
                if text is not None:
                    self.lines.append(f"{step.label} = {text}{_comment(step)}")
                text = Text(step.label)
                of[x] = self.lines[begin].split("  #")[0] if not given else ""
            self.texts.append(text or Text(""))
        first = next((s.label for s in self.form.steps if s.op == "input"), "")
        last = f"return {', '.join(self.texts[x] for x in self.form.results)}"
        head = [f"n = len({first})" if first else "n = 1"] * self.counted
        head += [f"ones = {self.new('ones', 'n')}  # (n,)"] * self.adding
        return Listed(self.form, [*head, *self.lines, last], of | {len(self.texts): last})

    def step(self, x: int) -> Step:
        """The step of that number."""
        return self.form.steps[x]

    def whole(self, step: Step) -> str:
        """The shape of a step's array, with its samples."""
        self.counted |= step.batched
        dims = ["n"] * step.batched + [str(d) for d in step.shape]
        return f"({', '.join(dims)}{',' * (len(dims) == 1)})"

    def new(self, kind: str, shape: str) -> str:
        """A new array: "ones", "zeros" or "empty"."""
        return f"{self.module}.{kind}({shape}, {self.module}.{self.dtype})"

    # One for each operation

    def samples(self, step: Step) -> Text:
        """How many there are."""
        self.counted = True
        return Text("n")

    def constant(self, step: Step) -> Text:
        """A number, or a table."""
        if not step.shape:
            return number(step.data)
        with np.errstate(all="ignore"):  # what float32 cannot hold is infinite there
            return Text(self.tables.name("K", step.data.astype(self.dtype)))

    def view(self, step: Step) -> Text:
        """A slice of an array."""
        of = self.step(step.operands[0])
        text = self.texts[step.operands[0]]
        return Text(step.data.code(f"{text:4}", of.batched, of.shape))

    def gather(self, step: Step) -> Text:
        """Elements by a table."""
        table = self.tables.name("I", step.data)
        return Text(f"{self.texts[step.operands[0]]:4}.take({table}, axis=-1)")

    def map(self, step: Step) -> Text:
        """A formula."""
        named = {f"x{i}": self.texts[x] for i, x in enumerate(step.operands)}
        text: Text = self.functions.formula(step.data, named)
        return text

    def broadcast(self, step: Step) -> Text:
        """In a larger shape."""
        text, of = self.texts[step.operands[0]], self.step(step.operands[0])
        if not of.shape and not of.batched:
            np = self.module
            return Text(f"{np}.full({self.whole(step)}, {text}, {np}.{self.dtype})")
        return Text(f"{self.module}.broadcast_to({text}, {self.whole(step)})")

    def stop(self, step: Step) -> Text:
        """The same."""
        return self.texts[step.operands[0]]

    def sum(self, step: Step) -> Text:
        """Along axes, or over the samples."""
        text, of = self.texts[step.operands[0]], self.step(step.operands[0])
        if of.batched and not step.batched and not step.data:
            if len(step.shape) == 1:
                # It takes less time than sum(axis=0) on arrays this small.
                self.counted = self.adding = True
                return Text(f"ones @ {text:4}", MATRIX)
            return Text(f"{text:4}.sum(axis=0)")
        return self._reduced(step, "sum")

    def max(self, step: Step) -> Text:
        """Along axes."""
        if step.op == "segment_max":
            return self._segments(step, "maximum")
        return self._reduced(step, "max")

    def _reduced(self, step: Step, method: str) -> Text:
        if step.op.startswith("segment"):
            return self._segments(step, "add")
        text, of = self.texts[step.operands[0]], self.step(step.operands[0])
        if not step.shape and not step.batched:
            return Text(f"{text:4}.{method}()")
        axes = [a - len(of.shape) for a in step.data]
        axis = axes[0] if len(axes) == 1 else tuple(axes)
        keep = ", keepdims=True" if len(step.shape) == len(of.shape) else ""
        return Text(f"{text:4}.{method}(axis={axis}{keep})")

    def _segments(self, step: Step, ufunc: str) -> Text:
        starts = self.tables.name("I", np.cumsum(step.data) - step.data)
        text = self.texts[step.operands[0]]
        return Text(f"np.{ufunc}.reduceat({text}, {starts}, axis=-1)")

    def product(self, step: Step) -> Text:
        """A product of matrices, or where nothing is added up, of numbers."""
        x, y = step.operands
        a, b, out = (
            "n" * s.batched + axes
            for s, axes in zip((self.step(x), self.step(y), step), step.data, strict=True)
        )
        sizes = dict(zip(step.data[0] + step.data[1], self.step(x).shape + self.step(y).shape,
                         strict=True))  # fmt: skip
        both = [c for c in out if c in a and c in b]
        summed = [c for c in a if c in b and c not in out]
        if "n" in out and (both or "n" not in a):
            both = ["n", *(c for c in both if c != "n")]  # it is broadcast in the other one
        rows, columns = ([c for c in out if c in own and c not in both] for own in (a, b))

        def arranged(x: int, axes: str, groups: Sequence[list[str]]) -> Text:
            """With its axes in the order of groups, each of which becomes one."""
            text = self.texts[x]
            order = [c for group in groups for c in group]
            moved = [axes.index(c) for c in order]
            turned = sorted(moved) != moved
            merged = any(len(g) > 1 for g in groups)
            groups = [g for g in groups if g]
            back = [c for group in [*groups[:-2], *groups[:-3:-1]] for c in group]
            if merged and turned and [axes.index(c) for c in back] == sorted(moved):
                other = arranged(x, axes, [*groups[:-2], *groups[:-3:-1]])
                turned, merged, text = True, False, other
                moved = [*range(len(groups) - 2), len(groups) - 1, len(groups) - 2]
            if turned and len(moved) == 2:
                text = Text(f"{text:4}.T")
            elif turned:
                last = [*moved[:-2], *moved[:-3:-1]] == list(range(len(moved)))
                turn = "swapaxes(-1, -2)" if last else f"transpose({_dims(moved)})"
                text = Text(f"{text:4}.{turn}")
            if merged:
                dims = ["-1" if "n" in g else math.prod(sizes[c] for c in g) for g in groups]
                text = Text(f"{text:4}.reshape({_dims(dims)})")
            return text

        if not summed:
            left, right = (self._spread(x, own, out) for x, own in ((x, a), (y, b)))
            return Text(f"{left:2} * {right:3}", ops.mul.level)
        left = arranged(x, a, [*([c] for c in both if c in a), rows, summed])
        right = arranged(y, b, [*([c] for c in both if c in b), summed, columns])
        thin = len(summed) == 1 and summed != ["n"] and sizes[summed[0]] == 1
        sign = "*" if thin and rows and columns else "@"
        text = Text(f"{left:3} {sign} {right:4}", MATRIX)
        if len(rows) > 1 or len(columns) > 1:
            dims = ["-1" if c == "n" else str(sizes[c]) for c in out]
            return Text(f"{text:4}.reshape({_dims(dims)})")
        return text

    def _spread(self, x: int, own: str, out: str) -> Text:
        """With an axis of length 1 for each that it does not have."""
        text = self.texts[x]
        if out.endswith(own) or own == out:
            return text
        index = [":" if c in own else "None" for c in out]
        return Text(f"{text:4}[{', '.join(index)}]")

    def scatter(self, step: Step) -> Text | None:
        """Lines of their own, and None; or all parts side by side."""
        if not step.label:
            parts = ", ".join(self.texts[x] for x in step.operands)
            return Text(f"{self.module}.concatenate([{parts}], axis=-1)")
        size, lines = math.prod(step.shape), []
        first, full = firsts(step)
        for x, index, new in zip(step.operands, step.data, first, strict=True):
            view = find_view(index, size)
            if view is None:
                place = f"{step.label}[..., {self.tables.name('I', index)}]"
            else:
                text = view.code(step.label, step.batched, step.shape)
                place = text if text.endswith("]") else f"{text}[...]"
            lines.append(f"{place} {'=' if new else '+='} {self.texts[x]}")
        shape = self.whole(step) if step.batched or len(step.shape) > 1 else str(size)
        new_array = self.new("empty" if full else "zeros", shape)
        self.lines.append(f"{step.label} = {new_array}{_comment(step)}")
        self.lines += lines
        return None


def _comment(step: Step) -> str:
    dims = ["n"] * step.batched + [str(d) for d in step.shape]
    return f"  # ({', '.join(dims)}{',' * (len(dims) == 1)})"


def _dims(dims: Sequence[Any]) -> str:
    return ", ".join(map(str, dims))
