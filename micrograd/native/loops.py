"""Loops in C: what is computed element by element, summed, gathered, multiplied.

>>> loops = Loops(kernels := Kernels())
>>> X = View.of("X", (Size(1, power=1), Size(3)))
>>> total = loops.sum(combined("({0} * {1})", [X, Formula("(real)2.0", ())]), [1])
>>> print(*loops.lines, *kernels.sources, sep=chr(10))
k1(n, v[0], X);
SHARED void k1(idx n, real *restrict p0, const real *p1) {
    for (idx i0 = 0; i0 < n; i0++) {
        double total = 0;
        ADDING
        for (idx k0 = 0; k0 < 3; k0++) {
            total += (p1[i0 * 3 + k0] * (real)2.0);
        }
        p0[i0] = (real)total;
    }
}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from micrograd.native.arrays import NONE, ONE, Shape, Size, View, broadcast, collapsed, product


@dataclass(frozen=True)
class Formula:
    """What is computed element by element: C with a slot for each array that is read."""

    text: str
    shape: Shape
    views: tuple[View, ...] = ()
    condition: bool = False  # true or false, which NumPy does not compute with as with numbers


@dataclass(frozen=True)
class Product:
    """A product of matrices; which of the two was a vector, and has an axis too many."""

    left: View
    right: View
    shape: Shape
    vectors: tuple[bool, bool]


Array = View | Formula | Product


@dataclass(frozen=True)
class Reduction:
    """How many numbers become one: what `total` is at first, and each step of the loop."""

    start: str
    step: str
    pragma: str = ""


SUM: Final = Reduction("double total = 0;", "total += {0};", "ADDING")
MAX: Final = Reduction("real total = -INFINITY;", "total = maximum(total, {0});")


def combined(template: str, parts: Sequence[View | Formula]) -> Formula:
    """A formula of several, as the template says."""
    texts: list[str] = []
    views: list[View] = []
    for part in parts:
        formula = Formula("{0}", part.shape, (part,)) if isinstance(part, View) else part
        slots = [f"{{{len(views) + i}}}" for i in range(len(formula.views))]
        texts.append(formula.text.format(*slots))
        views += formula.views
    return Formula(template.format(*texts), broadcast(*(p.shape for p in parts)), tuple(views))


class Kernels:
    """Loops that functions share: a deep graph has the same ones again and again.

    To compile takes as long as there are different ones.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    @property
    def sources(self) -> list[str]:
        """Their definitions."""
        return [f"SHARED void {name}{text}" for text, name in self._names.items()]

    def call(self, lines: Sequence[str], pointers: Sequence[str]) -> str:
        """The statement that runs loops.

        Arguments:
            lines: the loops, in which p0, p1, ... are written, read, ...
            pointers: what they stand for.
        """
        arguments = ["idx n", "real *restrict p0"]
        arguments += [f"const real *p{i}" for i in range(1, len(pointers))]
        body = "\n".join(f"    {line}" for line in lines)
        text = f"({', '.join(arguments)}) {{\n{body}\n}}"
        name = self._names.setdefault(text, f"k{len(self._names) + 1}")
        return f"{name}({', '.join(['n', *pointers])});"


class Loops:
    """The statements of one function, as they are added.

    Arguments:
        kernels: collects the loops.
    """

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels
        self.lines: list[str] = []
        self.memory: dict[str, Size] = {}  # its own arrays, and how many numbers they hold

    def new(self, shape: Shape) -> View:
        """Memory for an array."""
        name = f"v[{len(self.memory)}]"
        view = View.of(name, shape)
        self.memory[name] = view.size
        return view

    def view(self, array: Array) -> View:
        """The array in memory."""
        if isinstance(array, View):
            return array
        target = self.new(array.shape)
        self.store(target, array)
        return target

    def formula(self, array: Array) -> View | Formula:
        """The array as what can be part of a formula."""
        return self.view(array) if isinstance(array, Product) else array

    def store(self, target: View, array: Array, change: str = "{1}") -> None:
        """Write into memory.

        Arguments:
            target: where.
            array: what; it is broadcast.
            change: what is written, of what is there and what is given.
        """
        if isinstance(array, Product):
            read = {array.left.base, array.right.base}
            if change == "{1}" and target.base not in read and target.shape == array.shape:
                self._multiply(target, array)
                return
        formula = combined("{0}", [self.formula(array)])
        if any(v.base == target.base and v != target for v in formula.views):
            formula = combined("{0}", [self.view(formula)])  # it is read while it is written
        views = [target, *formula.views]
        sizes, strides = collapsed(target.shape, [v.along(target.shape) for v in views])
        indices = _names("i", len(sizes))
        names, pointers = _pointers(views)
        to, *parts = [_element(p, s, indices) for p, s in zip(names, strides, strict=True)]
        statement = f"{to} = {change.format(to, formula.text.format(*parts))};"
        self._run(_nest(sizes, indices, [statement], "INDEPENDENT"), pointers)

    def _run(self, lines: Sequence[str], pointers: Sequence[str]) -> None:
        self.lines.append(self.kernels.call(lines, pointers))

    def _multiply(self, target: View, array: Product) -> None:
        if array.vectors[0]:
            target = target.pick([..., None] + [slice(None)] * (not array.vectors[1]))
        if array.vectors[1]:
            target = target.pick([..., None])
        left, right, lead = array.left, array.right, target.shape[:-2]
        views = [left, right, target]
        outer = [View(v.base, v.pointer, v.shape[:-2], v.strides[:-2]).along(lead) for v in views]
        sizes, strides = collapsed(lead, outer)
        indices = _names("i", len(sizes))
        counts = [target.shape[-2].c, target.shape[-1].c, left.shape[-1].c]
        for v, s in zip(views, strides, strict=True):
            place = _index(s, indices)
            counts.append(v.pointer if place == "0" else f"{v.pointer} + {place}")
            counts += [v.strides[-2].c, v.strides[-1].c]
        self.lines += _nest(sizes, indices, [f"failed |= matmul({', '.join(counts)});"])

    def sum(self, array: Array, axes: Sequence[int], reduction: Reduction = SUM) -> View:
        """Add up along axes, which the result does not have; or find the largest."""
        formula = combined("{0}", [self.formula(array)])
        kept = [a for a in range(len(formula.shape)) if a not in axes]
        target = self.new(tuple(formula.shape[a] for a in kept))
        every = [v.along(formula.shape) for v in formula.views]

        def only(chosen: Sequence[int]) -> list[Shape]:
            return [tuple(strides[a] for a in chosen) for strides in every]

        sizes, (to, *outer) = collapsed(target.shape, [target.strides, *only(kept)])
        summed, inner = collapsed(tuple(formula.shape[a] for a in axes), only(axes))
        indices, counters = _names("i", len(sizes)), _names("k", len(summed))
        (result, *names), pointers = _pointers([target, *formula.views])
        parts = [
            _element(p, (*a, *b), [*indices, *counters])
            for p, a, b in zip(names, outer, inner, strict=True)
        ]
        term = [reduction.step.format(formula.text.format(*parts))]
        body = [reduction.start, *_nest(summed, counters, term, reduction.pragma)]
        body.append(f"{_element(result, to, indices)} = (real)total;")
        self._run(_nest(sizes, indices, body), pointers)
        return target

    def segments(
        self, array: Array, starts: str, ends: str, count: int, reduction: Reduction = SUM
    ) -> View:
        """Add up stretches of the last axis; or find the largest in each.

        Arguments:
            array: the terms.
            starts: a table in C, where each stretch begins,
            ends: and one, where it ends.
            count: how many there are.
            reduction: which of the two.
        """
        source = self.view(array)
        target = self.new((*source.shape[:-1], Size(count)))
        indices = _names("i", len(target.shape))
        last = indices[-1]
        term = _element("p1", source.strides, [*indices[:-1], "k0"])
        body = [
            reduction.start,
            f"for (idx k0 = {starts}[{last}]; k0 < {ends}[{last}]; k0++) {{",
            f"    {reduction.step.format(term)}",
            "}",
            f"{_element('p0', target.strides, indices)} = (real)total;",
        ]
        self._run(_nest(target.shape, indices, body), [target.pointer, source.pointer])
        return target

    def gather(self, source: View, table: str, shape: Shape) -> View:
        """Elements of the last axis.

        Arguments:
            source: where they are.
            table: their numbers, in C.
            shape: that the last axis becomes.
        """
        target = self.new((*source.shape[:-1], *shape))
        dense, some, indices = _by_table(table, shape, target, source)
        line = f"{_element('p0', dense.strides, indices)} = {_element('p1', *some)};"
        self._run(_nest(dense.shape, indices, [line]), [target.pointer, source.pointer])
        return target

    def scatter(self, target: View, table: str, shape: Shape, array: Array, change: str) -> None:
        """Write to elements of the last axis, each of them once; the inverse of `gather`."""
        full = self.new((*target.shape[:-1], *shape))
        self.store(full, array)
        dense, some, indices = _by_table(table, shape, full, target)
        to, given = _element("p0", *some), _element("p1", dense.strides, indices)
        line = f"{to} = {change.format(to, given)};"
        self._run(_nest(dense.shape, indices, [line]), [target.pointer, full.pointer])


def _by_table(
    table: str, shape: Shape, dense: View, picked: View
) -> tuple[View, tuple[Shape, list[str]], list[str]]:
    """One view with a flat last axis, the other by its strides and indices; and the indices."""
    flat = dense.reshaped((*picked.shape[:-1], product(shape)))
    assert flat is not None
    indices = _names("i", len(flat.shape))
    return flat, (picked.strides, [*indices[:-1], f"{table}[{indices[-1]}]"]), indices


def _nest(sizes: Shape, indices: Sequence[str], body: Sequence[str], pragma: str = "") -> list[str]:
    """The body within a loop for each size."""
    lines: list[str] = []
    for depth, (size, i) in enumerate(zip(sizes, indices, strict=True)):
        tab = "    " * depth
        if pragma and depth == len(sizes) - 1:
            lines.append(tab + pragma)
        lines.append(f"{tab}for (idx {i} = 0; {i} < {size.c}; {i}++) {{")
    lines += ["    " * len(sizes) + line for line in body]
    return lines + ["    " * depth + "}" for depth in reversed(range(len(sizes)))]


def _pointers(views: Sequence[View]) -> tuple[list[str], list[str]]:
    """What a kernel calls each view, and what those names stand for."""
    pointers = list(dict.fromkeys(v.pointer for v in views))
    return [f"p{pointers.index(v.pointer)}" for v in views], pointers


def _names(letter: str, count: int) -> list[str]:
    return [f"{letter}{i}" for i in range(count)]


def _index(strides: Shape, indices: Sequence[str]) -> str:
    terms = [
        i if stride == ONE else f"{i} * {stride.c}"
        for stride, i in zip(strides, indices, strict=True)
        if stride != NONE
    ]
    return " + ".join(terms) or "0"


def _element(pointer: str, strides: Shape, indices: Sequence[str]) -> str:
    return f"{pointer}[{_index(strides, indices)}]"
