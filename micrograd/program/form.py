"""A program as data: steps, each of which computes an array from those before it.

>>> builder = Builder()
>>> x = builder.add("input", (), (3,), batched=True, label="X")
>>> y = builder.add("parameters", (), (3,), label="parameters")
>>> form = Form(builder.steps, (builder.map(ops.add, [builder.map(ops.mul, [x, y]), x]),))
>>> for step in form.steps:
...     print(step)
X: input [] -> (n, 3)
parameters: parameters [] -> (3)
-: map (x0 * x1) [0, 1] -> (n, 3)
-: map (x0 + x1) [2, 0] -> (n, 3)

What the operations are, by their names. Of all shapes here the axis of the
samples is left out; a step that is `batched` has it, and it comes first.

    input, parameters   what the program is given
    samples             how many samples there are: a number
    constant            `data`: a number, for the shape (); or an array
    view, gather        elements of the operand, as their numbers in it, row after row,
                        say: a View where they are regular; else an array of numbers
    map                 `data`: a formula of the table, in symbols x0, x1, ... for the
                        operands, which are broadcast as NumPy does it
    broadcast           the operand along axes, and samples, that it does not have
    product             of two arrays, added up along the axes that the result does not
                        have: `data` has a letter for each axis of both and of the result
    sum, max            along axes, `data`; which remain, of length 1, or are gone
    segment_sum,        the same for stretches of the last axis; `data`: how long
    segment_max         they are
    stop                the operand, as something that no gradient is passed on to
    scatter             zeros, and each operand added at its places, of which `data`
                        has an array each

A sum, a product or a scatter that is not batched adds up all samples' numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd import ops
from micrograd.primitive import Primitive
from micrograd.program.views import Index, View, find_view
from micrograd.symbols import Expression, Symbol

Shape = tuple[int, ...]
SYMBOLS = [Symbol(f"x{i}") for i in range(16)]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operation on arrays.

    Arguments:
        op: which; see above.
        operands: the numbers of earlier steps.
        shape: of the result for one sample.
        batched: whether samples differ in it.
        data: what else the operation takes.
        label: a name for the result; without one it is written where it is read.
    """

    op: str
    operands: tuple[int, ...]
    shape: Shape
    batched: bool
    data: Any = None
    label: str = ""

    def __str__(self) -> str:
        shape = ", ".join(["n"] * self.batched + [str(d) for d in self.shape])
        what = f"map {self.data.python()}" if self.op == "map" else self.op
        return f"{self.label or '-'}: {what} {[*self.operands]} -> ({shape})"


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A program: its steps in order, and the numbers of those that are its results."""

    steps: Sequence[Step]
    results: tuple[int, ...]


class Builder:
    """Makes steps; the same one only once.

    Attributes:
        steps: so far.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._known: dict[Any, int] = {}

    def add(
        self,
        op: str,
        operands: Sequence[int],
        shape: Shape,
        batched: bool = False,
        data: Any = None,
        label: str = "",
    ) -> int:
        """The number of a step, as Step describes it."""
        operands = tuple(operands)
        key = op, operands, shape, batched, _key(data)
        if key not in self._known:
            self._known[key] = len(self.steps)
            self.steps.append(Step(op, operands, shape, batched, data, label))
        return self._known[key]

    def copy(self) -> Builder:
        """The same steps, to go on with in another way."""
        other = Builder()
        other.steps, other._known = list(self.steps), dict(self._known)
        return other

    def name(self, x: int, name: Callable[[], str]) -> int:
        """Give a step a label, if it has none and is no number; the step."""
        step = self.steps[x]
        if not step.label and step.op not in ("constant", "samples"):
            self.steps[x] = Step(
                step.op, step.operands, step.shape, step.batched, step.data, name()
            )
        return x

    def number(self, x: int) -> float | None:
        """The number that a step is; None if it is no constant number."""
        step = self.steps[x]
        return step.data if step.op == "constant" and not step.shape else None

    def constant(self, numbers: Any) -> int:
        """A number, or an array of numbers."""
        numbers = np.asarray(numbers, np.float64)
        if len(set(numbers.ravel().view(np.int64).tolist())) == 1:
            return self.add("constant", (), (), data=float(numbers.flat[0]))
        return self.add("constant", (), numbers.shape, data=numbers)

    # Reading

    def read(self, x: int, index: Index) -> int:
        """Elements of a step.

        Arguments:
            x: the step.
            index: their numbers in it, row after row, in the shape wanted.
        """
        step = self.steps[x]
        if step.op == "constant" and step.shape:
            return self.constant(step.data.ravel()[index])
        if not step.shape and not step.batched:
            return x  # a number is broadcast as it is
        if step.op == "view":
            return self.read(step.operands[0], step.data.index.ravel()[index])
        if step.op == "broadcast":
            inner = self.steps[step.operands[0]].shape
            numbers = np.broadcast_to(np.arange(math.prod(inner)).reshape(inner), step.shape)
            found = self.read(step.operands[0], numbers.ravel()[index])
            return self.broadcast(found, index.shape, step.batched)
        size = math.prod(step.shape)
        if index.shape == step.shape and np.array_equal(index.ravel(), np.arange(size)):
            return x
        once = index
        for axis in range(index.ndim):
            first = once.take([0], axis=axis)
            if once.shape[axis] > 1 and (once == first).all():
                once = first
        if once.shape != index.shape:
            return self.broadcast(self.read(x, once), index.shape)
        view = find_view(index, size)
        if view is None and len(step.shape) > 1:
            x = self.reshaped(x, (size,))
        kind = "gather" if view is None else "view"
        return self.add(kind, (x,), index.shape, step.batched, index if view is None else view)

    def reshaped(self, x: int, shape: Shape) -> int:
        """The same elements in another shape."""
        step = self.steps[x]
        if step.shape == shape:
            return x
        return self.read(x, np.arange(math.prod(shape)).reshape(shape))

    def broadcast(self, x: int, shape: Shape, batched: bool = False) -> int:
        """All of a shape; with an element for each sample, if asked for or there is one already."""
        step = self.steps[x]
        batched |= step.batched
        if step.shape == shape and step.batched == batched:
            return x
        if step.op == "broadcast":
            x = step.operands[0]
        return self.add("broadcast", (x,), shape, batched)

    # Computing

    def stop(self, x: int) -> int:
        """The same, as something that no gradient is passed on to."""
        step = self.steps[x]
        if step.op == "broadcast":
            return self.broadcast(self.stop(step.operands[0]), step.shape, step.batched)
        return x if step.op == "constant" else self.add("stop", (x,), step.shape, step.batched)

    def map(self, row: Primitive, arguments: Sequence[int | list[int]]) -> int:
        """A primitive on steps; for a starred argument a list of them."""
        flat = row.flatten(arguments)
        number = iter(range(len(flat)))
        formula = row(*row.mapped(lambda x: _symbol(next(number)), arguments))
        return self.formula(formula, dict(zip(map(_name, range(len(flat))), flat, strict=True)))

    def formula(self, formula: Any, named: dict[str, int]) -> int:
        """A formula, in symbols that stand for steps."""
        operands: list[int] = []
        symbols: dict[str, Any] = {}
        shapes, batched = [], False
        for name in symbols_in(formula):
            x = named[name]
            number = self.number(x)
            if number is not None:
                symbols[name] = number
                continue
            step = self.steps[x]
            shapes.append(step.shape)
            batched |= step.batched
            if step.op == "broadcast":
                x = step.operands[0]
                number = self.number(x)
            if number is not None:
                symbols[name] = number
                continue
            if x not in operands:
                operands.append(x)
            symbols[name] = _symbol(operands.index(x))
        formula = substituted(formula, symbols)
        shape = np.broadcast_shapes(*shapes)
        if isinstance(formula, Symbol):
            return self.broadcast(operands[int(formula.name[1:])], shape, batched)
        if not isinstance(formula, Expression):
            return self.broadcast(self.constant(formula), shape, batched)
        used = symbols_in(formula)
        if len(used) < len(operands):
            operands = [operands[int(name[1:])] for name in used]
            formula = substituted(formula, {n: _symbol(i) for i, n in enumerate(used)})
        steps = [self.steps[x] for x in operands]
        own = np.broadcast_shapes(*(s.shape for s in steps))
        small = self.add("map", operands, own, any(s.batched for s in steps), formula)
        return self.broadcast(small, shape, batched)

    def plus(self, x: int, y: int) -> int:
        """Their sum, elementwise."""
        a, b = self.number(x), self.number(y)
        if a is not None and b is not None:
            return self.constant(a + b)
        if a is not None:
            x, y, b = y, x, a
        if b is not None and b < 0.0:
            return self.map(ops.sub, [x, self.constant(-b)])
        if x == y:
            return self.times(self.constant(2.0), x)
        return self.map(ops.add, [x, y])

    def times(self, x: int, y: int) -> int:
        """Their product, elementwise."""
        a, b = self.number(x), self.number(y)
        if a is not None and b is not None:
            return self.constant(a * b)
        return self.map(ops.mul, [x, y])

    def sum(self, x: int, axes: Sequence[int], keep: bool = False, kind: str = "sum") -> int:
        """Add up along axes; or, for the kind "max", find the largest."""
        step = self.steps[x]
        gone = [a for a in axes if keep or step.shape[a] > 1]
        shape = [1 if a in axes else d for a, d in enumerate(step.shape)]
        if not keep:
            shape = [d for a, d in enumerate(step.shape) if a not in axes]
        if not gone:
            return self.reshaped(x, tuple(shape))
        return self.add(kind, (x,), tuple(shape), step.batched, tuple(axes))

    def over_samples(self, x: int) -> int:
        """The sum over all samples."""
        step = self.steps[x]
        if not step.batched:
            return self.times(self.add("samples", (), ()), x)
        if step.op == "broadcast" and not self.steps[step.operands[0]].batched:
            return self.broadcast(self.over_samples(step.operands[0]), step.shape)
        if step.op == "product" and all(self.steps[o].batched for o in step.operands):
            return self.add(step.op, step.operands, step.shape, False, step.data)
        return self.add("sum", (x,), step.shape, False, ())

    def total(self, x: int) -> int:
        """The sum of all elements, and over all samples."""
        step = self.steps[x]
        of = step.operands if step.op == "sum" and step.batched else (x,)
        return self.add("sum", of, (), False, tuple(range(len(self.steps[of[0]].shape))))

    def segments(self, x: int, counts: Index, kind: str = "sum") -> int:
        """Add up stretches of the last axis, so many elements each; or find their largest."""
        step = self.steps[x]
        return self.add(f"segment_{kind}", (x,), (len(counts),), step.batched, counts)

    def product(self, x: int, y: int, axes: tuple[str, str, str], batched: bool) -> int:
        """A product of matrices.

        Arguments:
            x: an array,
            y: and another one.
            axes: a letter for each axis of x, of y, and of the result; along those that the
                result does not have it is added up.
            batched: whether samples are kept apart.
        """
        sizes = dict(zip(axes[0] + axes[1], self.steps[x].shape + self.steps[y].shape, strict=True))
        return self.add("product", (x, y), tuple(sizes[a] for a in axes[2]), batched, axes)


def _key(data: Any) -> Any:
    """What tells data apart, to the last bit."""
    if isinstance(data, View):
        data = data.index
    if isinstance(data, np.ndarray):
        return data.shape, data.dtype.char, data.tobytes()
    if isinstance(data, Symbol):
        return data.name
    if isinstance(data, Expression):
        return data.op, tuple(map(_key, data.arguments))
    if isinstance(data, list | tuple):
        return tuple(map(_key, data))
    return data.hex() if isinstance(data, float) else data


def _name(i: int) -> str:
    return f"x{i}"


def _symbol(i: int) -> Symbol:
    return SYMBOLS[i] if i < len(SYMBOLS) else Symbol(_name(i))


def symbols_in(formula: Any) -> dict[str, int]:
    """The names of the symbols in a formula, in order; and how often each is there."""
    found: dict[str, int] = {}
    stack = [formula]
    while stack:
        x = stack.pop()
        if isinstance(x, Symbol):
            found[x.name] = found.get(x.name, 0) + 1
        elif isinstance(x, Expression):
            stack += reversed(x.op.flatten(x.arguments))  # type: ignore[union-attr]
    return found


def substituted(formula: Any, symbols: dict[str, Any]) -> Any:
    """The formula with something else for each symbol: an expression or a number."""
    if isinstance(formula, Symbol):
        return symbols[formula.name]
    if not isinstance(formula, Expression):
        return formula
    assert formula.op is not None
    return formula.op(*formula.op.mapped(lambda x: substituted(x, symbols), formula.arguments))
