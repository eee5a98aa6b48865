"""The derivative of a program: another one, by one rule for each operation.

Backwards over the steps: what has arrived at each is added up, and its rule says what
goes on to its operands. Views and gathers are turned round by scatter, sums by
broadcasting and the other way round; a product by two products; a formula by the
derivatives in the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from micrograd.generate import closed, share_formula
from micrograd.program.form import Builder, Shape, Step
from micrograd.program.groups import added
from micrograd.program.naming import Names
from micrograd.program.views import Index
from micrograd.symbols import Symbol

Arrived = list[tuple["Index | None", int]]  # at which elements, None for all; and the step


class Transpose:
    """Adds the steps of a derivative to those of a program.

    Arguments:
        builder: with the program's steps.
        names: for what is new.
        each: whether every sample gets a gradient of its own, or all together the sum.
        by: the steps that gradients are wanted by.
    """

    def __init__(self, builder: Builder, names: Names, each: bool, by: Sequence[int]) -> None:
        self.b, self.names, self.each, self.by = builder, names, each, by
        self.arrived: dict[int, Arrived] = {}
        self.forward = len(builder.steps)
        self.depends: list[bool] = []
        for number, step in enumerate(builder.steps):
            own = number in by or any(self.depends[x] for x in step.operands)
            self.depends.append(own and step.op != "stop")

    def gradients(self, cost: int, seed: int | None = None) -> tuple[int, ...]:
        """The gradients of one number.

        Arguments:
            cost: a step of one element.
            seed: the step with the gradient by it; 1 where there is none.

        Returns:
            By each of the steps: the sum of the gradients over the samples; or one for each.
        """
        step = self.b.steps[cost]
        self.give(cost, self.b.constant(1.0) if seed is None else seed, step.shape, step.batched)
        for x in range(self.forward - 1, -1, -1):
            if x in self.arrived and x not in self.by:
                self.pass_on(x, self.collected(x))
        whole = len(self.by) == 1 and self.b.steps[self.by[0]].op == "parameters"
        found = []
        for x in self.by:
            name = "gradient" if whole else self.names.unique(f"d{self.b.steps[x].label}")
            parts = self.arrived.pop(x, [])
            found.append(self.scattered(x, parts, lambda name=name: name, self.each))  # type: ignore[misc]
        return tuple(found)

    def pass_on(self, x: int, g: int) -> None:
        """What a step passes back to its operands."""
        step = self.b.steps[x]
        if step.label and self.b.steps[g].op != "broadcast":
            self.b.name(g, lambda: self.names.unique(f"d{step.label}"))
        rule: Callable[[int, Step, int], None] = getattr(self, f"of_{step.op.partition('_')[0]}")
        rule(x, step, g)

    # The rules

    def of_map(self, x: int, step: Step, g: int) -> None:
        """Each argument gets its share: what arrives, times the derivative by it."""
        row, arguments = step.data.op, step.data.arguments
        named = {f"x{i}": operand for i, operand in enumerate(step.operands)} | {"z": x, "g": g}
        number = self.b.number(g)
        arriving: Any = Symbol("g") if number is None else np.float64(number)
        for i, argument in enumerate(arguments):
            if closed(row)[i]:
                continue  # it only decides
            for k, target in enumerate(argument if isinstance(argument, list) else [argument]):
                if not isinstance(target, Symbol) or not self.depends[named[target.name]]:
                    continue
                own = [_partner(other, k, argument) for other in arguments]
                with np.errstate(all="ignore"):
                    formula = share_formula(row, i, arriving, Symbol("z"), own)
                share = self.b.formula(formula, named)
                self.give(named[target.name], share, step.shape, step.batched)

    def of_product(self, x: int, step: Step, g: int) -> None:
        """Of C = A B: dA = g B', dB = A' g."""
        one, two, out = step.data
        for target, own, other, others in (
            (step.operands[0], one, step.operands[1], two),
            (step.operands[1], two, step.operands[0], one),
        ):
            if not self.depends[target]:
                continue
            steps = self.b.steps
            whole = self.b.broadcast(g, step.shape)
            summed = step.batched and not steps[target].batched and not self.each
            if summed and not steps[whole].batched:  # the same for all samples
                other, summed = self.b.over_samples(other), False
            some = steps[whole].batched or steps[other].batched
            axes = (out, others, own)
            self.take(target, None, self.b.product(whole, other, axes, some and not summed))

    def of_sum(self, x: int, step: Step, g: int) -> None:
        """Every term gets what arrives at the sum."""
        [target] = step.operands
        shape = self.b.steps[target].shape
        if self.b.steps[g].shape:
            kept = tuple(1 if a in step.data else d for a, d in enumerate(shape))
            g = self.b.reshaped(self.b.broadcast(g, step.shape), kept)
            g = self.b.broadcast(g, shape)
        self.give(target, g, shape, step.batched)

    def of_segment(self, x: int, step: Step, g: int) -> None:
        """Every term gets what arrives at its stretch."""
        [target] = step.operands
        index = np.repeat(np.arange(len(step.data)), step.data)
        shape = self.b.steps[target].shape
        self.give(target, self.b.read(self.b.broadcast(g, step.shape), index), shape, step.batched)

    def of_broadcast(self, x: int, step: Step, g: int) -> None:
        """What is read several times gets the sum."""
        self.give(step.operands[0], g, step.shape, step.batched)

    def of_view(self, x: int, step: Step, g: int) -> None:
        """The elements that were read get what arrives at them."""
        self.take(step.operands[0], step.data.index, self.b.broadcast(g, step.shape))

    def of_gather(self, x: int, step: Step, g: int) -> None:
        """The same, added up first where one was read several times."""
        index, g = step.data.ravel(), self.b.broadcast(g, step.shape)
        order = np.argsort(index, kind="stable")
        targets, counts = np.unique(index, return_counts=True)
        if len(targets) < len(index):
            if (counts == counts[0]).all():
                g = self.b.read(g, order.reshape(len(targets), -1))
                g = self.b.sum(self.b.broadcast(g, (len(targets), int(counts[0]))), [1])
            else:
                g = self.b.segments(self.b.broadcast(self.b.read(g, order), order.shape), counts)
            index = targets
        else:
            index = step.data
        self.take(step.operands[0], index, g)

    # What arrives

    def give(self, target: int, g: int, shape: Shape, batched: bool) -> None:
        """What arrives at all elements of a step, which may be broadcast in its reader.

        Arguments:
            target: the step.
            g: what arrives.
            shape: the reader's,
            batched: and whether samples differ in that.
        """
        step, own = self.b.steps[target], self.b.steps[g]
        for axis, (wide, narrow) in enumerate(zip(shape, step.shape, strict=True)):
            if narrow == 1 < wide:
                if own.shape and own.shape[axis] > 1 and own.op == "broadcast":
                    inner = self.b.steps[own.operands[0]]
                    if inner.shape and inner.shape[axis] == 1:
                        small = tuple(1 if a == axis else d for a, d in enumerate(own.shape))
                        g = self.b.broadcast(own.operands[0], small, own.batched)
                        own = self.b.steps[g]
                if own.shape and own.shape[axis] > 1:
                    g = self.b.sum(g, [axis], keep=True)
                else:
                    g = self.b.times(g, self.b.constant(float(wide)))
                own = self.b.steps[g]
        if not step.batched and batched and not self.each:
            g = self.b.over_samples(g)
        self.take(target, None, g)

    def take(self, target: int, index: Index | None, g: int) -> None:
        """Note what arrives at some elements of a step, each of them once; None for all."""
        if self.depends[target]:
            self.arrived.setdefault(target, []).append((index, g))

    def collected(self, x: int) -> int:
        """All that has arrived at a step."""
        step, parts = self.b.steps[x], self.arrived.pop(x)
        whole = np.arange(math.prod(step.shape))
        if all(index is None or np.array_equal(index.ravel(), whole) for index, _ in parts):
            terms = [g if i is None else self.b.reshaped(g, step.shape) for i, g in parts]
            return added(self.b, terms, lambda: self.names.numbered("S"))
        batched = any(self.b.steps[g].batched for _, g in parts)
        name = lambda: self.names.unique(f"d{step.label or 'V'}")  # noqa: E731
        return self.scattered(x, parts, name, batched)

    def scattered(self, x: int, parts: Arrived, name: Callable[[], str], batched: bool) -> int:
        """Zeros of a step's shape, and what has arrived added to them."""
        shape = self.b.steps[x].shape
        whole = np.arange(math.prod(shape)).reshape(shape)
        data = [whole if index is None else index for index, _ in parts]
        steps = [self.b.broadcast(g, i.shape) for i, (_, g) in zip(data, parts, strict=True)]
        return self.b.name(self.b.add("scatter", steps, shape, batched, tuple(data)), name)


def _partner(other: Any, k: int, argument: Any) -> Any:
    """What a partial sees of another argument: of a starred one, the element beside its own."""
    if isinstance(other, list):
        return _partner(other[k], k, None) if isinstance(argument, list) else None
    return other if isinstance(other, Symbol) else np.float64(other)
