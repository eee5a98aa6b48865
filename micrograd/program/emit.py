"""Write the groups as NumPy source: what each of them reads and computes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import Any, Final

import numpy as np

from micrograd import ops
from micrograd.primitive import table
from micrograd.program.code import Code, Functions, Literal, Name, plus, times
from micrograd.program.groups import (
    Elementwise,
    Grouping,
    Largest,
    Operand,
    Product,
    Reduced,
    Source,
    Sum,
)
from micrograd.program.lines import Lines, Tables
from micrograd.program.views import Index, find_view
from micrograd.symbols import Symbol

MATRIX: Final = 1.5  # the level of a matrix product: in parentheses within other products
_TERMS: Final = 8  # in one line
_RESHAPE: Final = re.compile(r"\{0:4\}\.reshape\([^()]*\)")


class Emitter:
    """Writes one function of a program.

    Arguments:
        grouping: the sources and their groups.
        labels: of each place.
        input_names: what the function calls its inputs.
        functions: collects the functions that the source needs.
        tables: collects the index arrays and constants.
        dtype: "float64" or "float32".
    """

    def __init__(
        self,
        grouping: Grouping,
        labels: Sequence[str],
        input_names: Sequence[str],
        functions: Functions,
        tables: Tables,
        dtype: str,
    ) -> None:
        self.grouping, self.labels, self.dtype = grouping, labels, f"np.{dtype}"
        self.functions, self.tables = functions, tables
        rows = {
            *table.values(),
            *(s.group.op for s in grouping.sources if isinstance(s.group, Elementwise)),
        }
        functions_own = [row.code_name + tail for row in rows for tail in ("", "_")]
        self.lines = Lines([*input_names, *functions_own])
        self.arrays: dict[int, Name] = {0: Name("parameters", (grouping.parameters.size,), False)}
        self._read: dict[Any, Code] = {}
        for source, name in zip(grouping.inputs, input_names, strict=True):
            self.arrays[source.number] = Name(name, (source.size,), True)

    # Reading

    def read(self, operand: Operand) -> Code:
        """Source of an operand."""
        source, index = operand.source, operand.index
        if source.values is not None:
            numbers = source.values[index]
            if len(set(numbers.ravel().view(np.int64).tolist())) == 1:
                return Literal(numbers.flat[0])
            return self.constants(numbers)
        key = source.number, index.shape, index.tobytes()
        if key not in self._read:
            self._read[key] = self._reading(source, index)
        return self._read[key]

    def constants(self, numbers: Any) -> Code:
        """Source of an array of numbers."""
        with np.errstate(all="ignore"):  # what float32 cannot hold is infinite there
            numbers = numbers.astype(self.dtype.removeprefix("np."))
        name = self.tables.name("K", numbers)
        return Code(name, shape=numbers.shape)

    def _reading(self, source: Source, index: Index) -> Code:
        base = self.arrays[source.number]
        squeezed = index.squeeze() if index.size > 1 else index.reshape(1)
        view = find_view(squeezed, source.size)
        if view is not None:
            if view.region is None and view.shape == index.shape == (source.size,):
                return base
            code = Code(view.code("{0:4}", base.batched), base, shape=view.shape)
            code = self.reshaped(code, index.shape)
            if source.number:
                return code if index.ndim == 1 else self.lines.assign(self.numbered(base), code)
            labels = [self.labels[p] for p in index.ravel().tolist()]
            name = self.lines.names.new(labels, vector=index.ndim == 1)
            return self.lines.assign(name, code, keep=True)
        if (index == index.flat[0]).all():
            one = Operand(source, index.ravel()[:1])
            code = self.read(one) if source.size > 1 else base
            if index.ndim > 1 and code.batched:
                code = self.reshaped(code, (1,) * index.ndim)
            return code
        table = self.tables.name("I", index)
        code = Code(f"{{0:4}}.take({table}, axis=-1)", base, shape=index.shape)
        return self.lines.assign(self.numbered(base), code)

    def numbered(self, base: Name) -> str:
        """A name for elements of an array."""
        return self.lines.names.unique(f"{base.template}_1")

    def reshaped(self, code: Code, shape: tuple[int, ...]) -> Code:
        """The same elements in another shape."""
        if isinstance(code, Literal):
            return code
        while _RESHAPE.fullmatch(code.template) and code.parts[0].batched == code.batched:
            code = code.parts[0]
        if code.shape == shape:
            return code
        dims = [-1, *shape] if code.batched else list(shape)
        return Code(f"{{0:4}}.reshape({', '.join(map(str, dims))})", code, shape=shape)

    def full(self, code: Code, shape: tuple[int, ...], batched: bool) -> Code:
        """The same, with an element of its own for each sample and place."""
        if code.shape == shape and (code.batched or not batched):
            return code
        dims = ["n", *map(str, shape)] if batched or code.batched else list(map(str, shape))
        whole = f"({', '.join(dims)}{',' * (len(dims) == 1)})"
        if isinstance(code, Literal):
            text = f"np.full({whole}, {code}, {self.dtype})"
            return Code(text, shape=shape, batched=batched)
        if code.batched and len(code.shape) != len(shape):
            code = self.reshaped(code, (1,) * (len(shape) - len(code.shape)) + code.shape)
        return Code(
            f"np.broadcast_to({{0}}, {whole})", code, shape=shape, batched=batched or code.batched
        )

    # Forward

    def forward(self) -> None:
        """Write the lines that compute every group."""
        for source in self.grouping.sources:
            if source.group is None:
                continue
            if isinstance(source.group, Elementwise):
                code = self._apply(source.group)
            elif isinstance(source.group, Largest):
                code = self._largest(source.group, source.size)
            else:
                code = self.added([self._term(term, source.size) for term in source.group.terms])
            code = self.full(code, (source.size,), source.batched)
            name = self.lines.names.new(self.labels[p] for p in source.places)
            self.arrays[source.number] = self.lines.assign(name, code)

    def added(self, codes: Sequence[Code]) -> Code:
        """Their sum; a long one in several lines."""
        total = codes[0]
        for i, code in enumerate(codes[1:], 1):
            total = plus(total, code)
            if i % _TERMS == 0:
                total = self.lines.assign(self.lines.names.numbered("S"), total, keep=True)
        return total

    def _apply(self, group: Elementwise) -> Code:
        return self.functions.call(group.op, group.op.mapped(self.read, group.arguments))

    def summands(self, group: Any) -> Code | None:
        """What a group adds up, if that is one sum and different in every sample; else None."""
        match group:
            case Sum(terms=[Reduced(counts=int()) as term]):
                code = self._summands(term)
                return code if code.batched and len(code.shape) == 1 else None
        return None

    def _summands(self, term: Reduced) -> Code:
        factors = [self.read(o) for o in term.factors]
        code = factors[0] if len(factors) == 1 else times(*factors)
        if term.counts is None:
            return code
        batched = any(o.source.batched for o in term.factors)
        return self.full(code, term.factors[0].index.shape, batched)

    def _largest(self, group: Largest, size: int) -> Code:
        codes = [self._term(term, size, "max", "maximum") for term in group.terms]
        code = reduce(lambda x, y: self.functions.call(ops.maximum, [x, y]), codes)
        if not group.finite:
            return code
        name = self.lines.assign(self.lines.names.numbered("M"), self.full(code, (size,), False))
        m = Symbol("m")
        return self.functions.formula(ops.where(ops.equal(m - m, 0.0), m, 0.0), {"m": name})

    def _term(
        self, term: Reduced | Product, size: int, method: str = "sum", ufunc: str = "add"
    ) -> Code:
        """A term that is reduced along the last axis.

        Arguments:
            term: the term.
            size: how many results there are.
            method: of arrays, that reduces them to as many.
            ufunc: which does the same to stretches of different lengths.
        """
        if isinstance(term, Product):
            return self._product(term, size)
        code, shape = self._summands(term), term.factors[0].index.shape
        if term.counts is None:
            return code
        if isinstance(term.counts, int) and size == 1:
            return Code(f"{{0:4}}.{method}(axis=-1, keepdims=True)", code, shape=(1,))
        if isinstance(term.counts, int):
            return Code(f"{{0:4}}.{method}(axis=-1)", code, shape=shape[:-1])
        starts = self.tables.name("I", np.cumsum(term.counts) - term.counts)
        template = f"np.{ufunc}.reduceat({{0}}, {starts}, axis=-1)"
        return Code(template, code, shape=(len(term.counts),))

    def _product(self, term: Product, size: int) -> Code:
        rows, columns, form = self.matrices(term)
        k, high, wide, n = form
        if k == wide == 1 and not rows.batched:
            return Code("{0:3} @ {1:4}.T", columns, rows, level=MATRIX, shape=(high,))
        if k == 1 and not rows.batched and columns.batched:
            code = f"({{0:4}}.reshape(-1, {n}) @ {{1:4}}.T).reshape(-1, {size})"
            return Code(code, columns, rows, shape=(size,))
        sign = "@" if n > 1 else "*"
        flip = ".T" if len(rows.shape) == 2 and not rows.batched else ".swapaxes(-1, -2)"
        code = f"{{0:3}} {sign} {{1:4}}{flip}"
        return self.reshaped(
            Code(code, columns, rows, level=MATRIX, shape=(k, wide, high)), (size,)
        )

    def matrices(self, term: Product) -> tuple[Code, Code, tuple[int, int, int, int]]:
        """Rows and columns as read, and the form: blocks, high, columns, length."""
        k, high, n = term.rows.index.shape
        wide = term.columns.index.shape[1]
        r, c = term.rows.index, term.columns.index
        if k == 1:
            r = r[0]
            flat = not term.rows.source.batched and (wide == 1 or term.columns.source.batched)
            c = c.reshape(-1) if flat else c[0]
        rows = self.full(self.read(Operand(term.rows.source, r)), r.shape, False)
        columns = self.full(self.read(Operand(term.columns.source, c)), c.shape, False)
        return rows, columns, (k, high, wide, n)
