"""Write the chain rule backwards over the groups, as NumPy source.

The gradient by an array is the sum of what each of its readers passes back.
What was read as a view is added to that view, what was read several times is
added up first; a matrix product passes back two matrix products.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.generate import share_formula
from micrograd.program.code import Code, Literal, Name, times
from micrograd.program.emit import MATRIX, Emitter
from micrograd.program.groups import Elementwise, Operand, Product, Reduced, Source
from micrograd.program.lines import Line
from micrograd.program.views import Index, find_view
from micrograd.symbols import Symbol


def _symbol(name: str, code: Code) -> Any:
    """What stands for the code in a formula; for a number itself, one that divides as IEEE says."""
    return np.float64(code.number) if isinstance(code, Literal) else Symbol(name)


class Adjoint:
    """Writes the backward pass behind an emitter's forward lines.

    Arguments:
        emitter: with its forward lines written.
        each: whether every sample gets a gradient of its own, or all together the sum.
    """

    def __init__(self, emitter: Emitter, each: bool) -> None:
        self.emitter, self.lines, self.each = emitter, emitter.lines, each
        self.arrived: dict[int, list[tuple[Index, Code]]] = {}
        size = emitter.grouping.parameters.size
        self.filled = np.zeros(size, bool)
        self.zeros = False  # whether something is added to what nothing was written to
        self.gradient = Name("gradient", (size,), each)
        self.first: list[Line] = []  # the gradient and its parts, before all else
        self.targets: dict[Any, Name] = {}
        self.ones: Name | None = None

    def run(self, cost: Operand) -> Name:
        """Write the backward pass from one element.

        Returns:
            The variable that holds the gradient by the parameters: the sum
            over the samples, or one row for each.
        """
        begin = len(self.lines.lines)
        self._contribute(cost, Literal(1.0), cost.source.batched)
        for source in reversed(self.emitter.grouping.sources):
            if source.group is None or not source.depends:
                continue
            self._pass_on(source, self._collected(source))
        kind = "empty" if self.filled.all() and not self.zeros else "zeros"
        if self.each:
            text = f"np.{kind}((n, {self.filled.size}), {self.emitter.dtype})"
        else:
            text = f"np.{kind}({self.filled.size}, {self.emitter.dtype})"
        own = Code(text, shape=self.gradient.shape, batched=self.each)
        self.lines.lines[begin:begin] = [Line(self.gradient, own, keep=True), *self.first]
        return self.gradient

    # What a group passes back to what it has read

    def _pass_on(self, source: Source, g: Code) -> None:
        if not isinstance(g, Literal | Name):
            g = self.lines.assign(self._name(source), g)
        if isinstance(source.group, Elementwise):
            self._elementwise(source, source.group, g)
            return
        for term in source.group.terms:
            if isinstance(term, Product):
                self._product(source, term, g)
            else:
                self._reduced(source, term, g)

    def _name(self, source: Source) -> str:
        return self.lines.names.unique(f"d{self.emitter.arrays[source.number].template}")

    def _elementwise(self, source: Source, group: Elementwise, g: Code) -> None:
        read = self.emitter.read
        z = self.emitter.arrays[source.number]
        for i, argument in enumerate(group.arguments):
            for k, target in enumerate(argument if isinstance(argument, list) else [argument]):
                if not target.source.depends:
                    continue
                named: dict[str, Code] = {"z": z, "g": g}
                symbols: list[Any] = []
                for j, other in enumerate(group.arguments):
                    if isinstance(other, list) and not isinstance(argument, list):
                        symbols.append(None)  # a partial by one has no one element of another
                        continue
                    code = read(other[k] if isinstance(other, list) else other)
                    named[f"x{j}"] = code
                    symbols.append(_symbol(f"x{j}", code))
                with np.errstate(all="ignore"):
                    formula = share_formula(group.op, i, _symbol("g", g), Symbol("z"), symbols)
                share = self.emitter.functions.formula(formula, named)
                self._contribute(target, share, source.batched)

    def _reduced(self, source: Source, term: Reduced, g: Code) -> None:
        shape = term.factors[0].index.shape
        if isinstance(term.counts, int):
            if len(shape) > 1 and not isinstance(g, Literal):
                g = self.emitter.full(g, shape[:-1], False)
                lead = ":, " if g.batched else ""
                g = Code(f"{{0:4}}[{lead}:, None]", g, shape=(*g.shape, 1))
        elif term.counts is not None and not isinstance(g, Literal):
            g = self.emitter.full(g, (len(term.counts),), False)
            counts = self.emitter.tables.name("I", term.counts)
            g = Code(f"np.repeat({{0}}, {counts}, axis=-1)", g, shape=shape)
            if sum(o.source.depends for o in term.factors) > 1:
                g = self.lines.assign(self._name(source), g)
        for i, factor in enumerate(term.factors):
            if factor.source.depends:
                others = [self.emitter.read(o) for j, o in enumerate(term.factors) if j != i]
                self._contribute(factor, times(g, *others) if others else g, source.batched)

    def _product(self, source: Source, term: Product, g: Code) -> None:
        rows, columns, (k, high, wide, n) = self.emitter.matrices(term)
        r, c = term.rows, term.columns
        batched = rows.batched or columns.batched
        if not batched:
            g = self._summed(g, source.batched)
        g = self.emitter.full(g, (source.size,), batched)
        if k == wide == 1 and not rows.batched:
            if c.source.depends:
                back = Code("{0:3} @ {1:4}", g, rows, level=MATRIX, shape=(n,))
                self._contribute(Operand(c.source, c.index.reshape(-1)), back, batched)
            if not r.source.depends:
                return
            if self.each and g.batched:
                other = "{1:4}[:, None, :]" if columns.batched else "{1:4}"
                outer = Code(f"{{0:4}}[:, :, None] * {other}", g, columns, level=2, shape=(high, n))
            elif columns.batched:
                outer = Code(
                    "{0:4}.T @ {1:4}", g, columns, level=MATRIX, shape=(high, n), batched=False
                )
            else:
                outer = Code("np.outer({0}, {1})", g, columns, shape=(high, n))
            self._contribute(Operand(r.source, r.index[0]), outer, batched, summed=True)
            return
        if k == 1 and not rows.batched and columns.batched:
            if c.source.depends:
                text = f"({{0:4}}.reshape(-1, {high}) @ {{1:4}}).reshape(-1, {wide * n})"
                back = Code(text, g, rows, shape=(wide * n,))
                self._contribute(Operand(c.source, c.index.reshape(-1)), back, True)
            if r.source.depends and not self.each:
                text = f"{{0:4}}.reshape(-1, {high}).T @ {{1:4}}.reshape(-1, {n})"
                outer = Code(text, g, columns, level=MATRIX, shape=(high, n), batched=False)
                self._contribute(Operand(r.source, r.index[0]), outer, True, summed=True)
            elif r.source.depends:
                columns = self.emitter.reshaped(columns, (wide, n))
                self._transposed(term, g, columns, (k, high, wide, n))
            return
        form = (wide, high) if k == 1 else (k, wide, high)
        d = self.emitter.reshaped(g, form)
        if c.source.depends:
            sign = "@" if high > 1 else "*"
            back = Code(f"{{0:3}} {sign} {{1:4}}", d, rows, level=MATRIX, shape=(*form[:-1], n))
            index = c.index if k > 1 else c.index[0]
            self._contribute(Operand(c.source, index), back, batched)
        if r.source.depends:
            self._transposed(term, g, columns, (k, high, wide, n))

    def _transposed(
        self, term: Product, g: Code, columns: Code, form: tuple[int, int, int, int]
    ) -> None:
        k, high, wide, n = form
        first = () if k == 1 else (k,)
        d = self.emitter.reshaped(g, (*first, wide, high))
        sign = "@" if wide > 1 else "*"
        flip = ".T" if k == 1 and not d.batched else ".swapaxes(-1, -2)"
        text = f"{{0:4}}{flip} {sign} {{1:4}}"
        back = Code(text, d, columns, level=MATRIX, shape=(*first, high, n))
        index = term.rows.index if k > 1 else term.rows.index[0]
        self._contribute(Operand(term.rows.source, index), back, True, summed=not back.batched)

    # What arrives at an array

    def _summed(self, code: Code, batched: bool) -> Code:
        """What goes to something that all samples share: the sum over them."""
        if self.each or not batched:
            return code
        if code.batched and len(code.shape) == 1:
            # A product with ones takes less time than sum(axis=0) on arrays this small.
            return Code(
                "{0} @ {1:4}", self._ones(), code, level=MATRIX, shape=code.shape, batched=False
            )
        if code.batched:
            return Code("{0:4}.sum(axis=0)", code, shape=code.shape, batched=False)
        count = Code(f"{self.emitter.dtype}(n)", shape=(), batched=False)
        return times(count, code)

    def _ones(self) -> Name:
        if self.ones is None:
            self.ones = Name(self.lines.names.unique("ones"), (), True)
            code = Code(f"np.ones(n, {self.emitter.dtype})", shape=(), batched=True)
            self.first.insert(0, Line(self.ones, code, keep=True))
        return self.ones

    def _contribute(self, target: Operand, code: Code, batched: bool, summed: bool = False) -> None:
        """Add to what arrives at the elements of an array.

        Arguments:
            target: the elements.
            code: what arrives, in their shape.
            batched: whether samples differ where it comes from.
            summed: whether it is the sum over the samples already.
        """
        if not target.source.batched and not summed:
            code = self._summed(code, batched)
        index, code = self._squeezed(target.index, code)
        if target.source.number:
            self.arrived.setdefault(target.source.number, []).append((index, code))
        else:
            self._to_parameters(index, code)

    def _squeezed(self, index: Index, code: Code) -> tuple[Index, Code]:
        """Without axes of length 1, and each element once, if possible as a view."""
        e = self.emitter
        if index.size > 1 and (index == index.flat[0]).all():
            if isinstance(code, Literal):
                return index.ravel()[:1], times(code, Literal(index.size))
            code = e.reshaped(e.full(code, index.shape, False), (index.size,))
            text = "{0:4}.sum(axis=-1, keepdims=True)"
            return index.ravel()[:1], Code(text, code, shape=(1,))
        squeezed = index.squeeze() if index.size > 1 else index.reshape(1)
        if not isinstance(code, Literal):
            code = e.reshaped(e.full(code, index.shape, False), squeezed.shape)
        if len(np.unique(squeezed)) == squeezed.size:
            return squeezed, code
        return self._added_up(squeezed.ravel(), code)

    def _added_up(self, index: Index, code: Code) -> tuple[Index, Code]:
        """What goes to the same element, added up: the adjoint of reading it several times."""
        e = self.emitter
        order = np.argsort(index, kind="stable")
        targets, starts, counts = np.unique(index[order], return_index=True, return_counts=True)
        if isinstance(code, Literal):
            code = e.constants(np.full(index.size, code.number))
        code = e.reshaped(code, (index.size,))
        if (np.diff(order) != 1).any():
            table = e.tables.name("I", order)
            code = Code(f"{{0:4}}.take({table}, axis=-1)", code, shape=index.shape)
        if (counts == counts[0]).all():
            code = e.reshaped(code, (len(targets), int(counts[0])))
            return targets, Code("{0:4}.sum(axis=-1)", code, shape=targets.shape)
        table = e.tables.name("I", starts)
        text = f"np.add.reduceat({{0}}, {table}, axis=-1)"
        return targets, Code(text, code, shape=targets.shape)

    def _collected(self, source: Source) -> Code:
        """The gradient by an array: what has arrived at its elements."""
        parts = self.arrived.pop(source.number)
        whole = np.arange(source.size)
        if all(np.array_equal(index.ravel(), whole) for index, _ in parts):
            return self.emitter.added(
                [self.emitter.reshaped(code, (source.size,)) for _, code in parts]
            )
        batched = source.batched or any(code.batched for _, code in parts)
        shape = ("n, " if batched else "") + f"{source.size},"
        zeros = Code(
            f"np.zeros(({shape}), {self.emitter.dtype})", shape=(source.size,), batched=batched
        )
        target = self.lines.assign(self._name(source), zeros, keep=True)
        for index, code in parts:
            self._add(target, index, code, source.size)
        return target

    def _add(self, target: Name, index: Index, code: Code, size: int) -> None:
        if index.ndim > 1 and find_view(index.ravel(), size) is not None:
            index, code = index.ravel(), self.emitter.reshaped(code, (index.size,))
        view = find_view(index, size)
        if view is not None:
            text = view.code("{0}", target.batched)
            place = Code(text if text.endswith("]") else f"{text}[...]", target)
        else:
            table = self.emitter.tables.name("I", index)
            place = Code(f"{{0}}[..., {table}]", target)
        self.lines.do("{0} += {1}", place, code)

    def _to_parameters(self, index: Index, code: Code) -> None:
        """Write what arrives at parameters to its place in the gradient."""
        some, every = self.filled[index].any(), self.filled[index].all()
        self.zeros |= bool(some and not every)
        self.filled[index] = True
        target = self.targets.get((index.shape, index.tobytes()))
        if target is None:
            target = self._place(index)
        if target is None:
            table = self.emitter.tables.name("I", index)
            place = Code(f"{{0}}[..., {table}]", self.gradient, shape=index.shape)
        else:
            place = Code("{0}[...]", target)
        self.lines.do("{0} += {1}" if some else "{0} = {1}", place, code)

    def _place(self, index: Index) -> Name | None:
        """The view of the gradient for parameters that were read as a view."""
        view = find_view(index, self.filled.size)
        if view is None:
            return None
        read = self.emitter.read(Operand(self.emitter.grouping.parameters, index))
        if read is self.emitter.arrays[0]:
            return self.gradient
        code = Code(view.code("{0}", self.gradient.batched), self.gradient, shape=index.shape)
        name = self.lines.names.unique(f"d{read}")
        target = Name(name, index.shape, self.gradient.batched)
        self.first.append(Line(target, code, keep=True))
        self.targets[index.shape, index.tobytes()] = target
        return target
