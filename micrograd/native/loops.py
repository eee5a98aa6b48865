"""Loops in C, and where arrays are: what a step of a program becomes.

>>> X = Array("X", (3,), (1,), samples=3)
>>> loops = Loops(kernels := Kernels())
>>> loops.write(Array("v[0]", (3,), (1,), samples=3), "({0} * (real)2.0)", [X])
>>> print(*loops.lines, *kernels.sources, sep=chr(10))
k1(n, v[0], X);
SHARED void k1(idx n, real *restrict p0, const real *p1) {
    INDEPENDENT
    for (idx i0 = 0; i0 < 3 * n; i0++) {
        p0[i0] = (p1[i0] * (real)2.0);
    }
}
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

Axis = tuple[int, bool, list[int]]  # how long: a number, times n or not; and each array's stride


@dataclass(frozen=True)
class Array:
    """Elements in memory.

    Arguments:
        pointer: the variable that has the address of an array.
        shape: of one sample.
        strides: how far apart neighbours along each axis are.
        samples: and one sample and the next; 0 if samples do not differ.
        offset: of the first element.
    """

    pointer: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    samples: int = 0
    offset: int = 0

    @staticmethod
    def of(pointer: str, shape: tuple[int, ...], batched: bool) -> Array:
        """All of an array without gaps."""
        return Array(pointer, shape, contiguous(shape), math.prod(shape) * batched)

    @property
    def address(self) -> str:
        """C for the address of the first element."""
        return f"{self.pointer} + {self.offset}" if self.offset else self.pointer

    def along(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The strides with which it is read as an array of that shape."""
        own = zip(self.shape, self.strides, strict=True)
        strides = [0 if length == 1 else stride for length, stride in own]
        return (0,) * (len(shape) - len(strides)) + tuple(strides)

    def gapless(self, batched: bool) -> bool:
        """Whether it has no gaps, and an element of its own for each sample."""
        own = zip(self.shape, self.strides, contiguous(self.shape), strict=True)
        packed = all(length == 1 or stride == wanted for length, stride, wanted in own)
        return packed and (not batched or self.samples == math.prod(self.shape))


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an array without gaps."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


def collapsed(axes: Sequence[Axis]) -> list[Axis]:
    """The same loops, as few as possible; the outer ones first."""
    kept: list[Axis] = []
    for count, many, steps in axes:
        if count == 1 and not many:
            continue
        if kept and not many and kept[-1][2] == [count * step for step in steps]:
            kept[-1] = kept[-1][0] * count, kept[-1][1], list(steps)
        else:
            kept.append((count, many, list(steps)))
    return kept


def axes_of(shape: tuple[int, ...], arrays: Sequence[Array]) -> list[Axis]:
    """Loops over all elements of all samples, and each array's strides."""
    axes: list[Axis] = []
    if any(a.samples for a in arrays):
        axes.append((1, True, [a.samples for a in arrays]))
    every = [a.along(shape) for a in arrays]
    return axes + [(d, False, [own[k] for own in every]) for k, d in enumerate(shape)]


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
        self.memory: list[tuple[int, int]] = []  # how many numbers, and whether for each sample

    def new(self, shape: tuple[int, ...], batched: bool) -> Array:
        """Memory for an array."""
        self.memory.append((math.prod(shape), int(batched)))
        return Array.of(f"v[{len(self.memory) - 1}]", shape, batched)

    def packed(self, array: Array, batched: bool | None = None) -> Array:
        """The same in memory of its own, without gaps."""
        target = self.new(array.shape, bool(array.samples) if batched is None else batched)
        self.write(target, "{0}", [array])
        return target

    def write(
        self,
        target: Array,
        text: str,
        arrays: Sequence[Array],
        before: Sequence[str] = (),
        change: str = "=",
    ) -> None:
        """Compute element by element.

        Arguments:
            target: where it is written.
            text: C with a slot for each of arrays.
            arrays: what is read.
            before: lines before, with the same slots.
            change: "=", or "+=" to add.
        """
        names, pointers = _pointers([target, *arrays])
        axes = collapsed(axes_of(target.shape, [target, *arrays]))
        to, *parts = _elements(names, axes)
        body = [*(line.format(*parts) for line in before), f"{to} {change} {text.format(*parts)};"]
        self.lines.append(self.kernels.call(nest(axes, body, "INDEPENDENT"), pointers))

    def reduce(
        self,
        target: Array,
        text: str,
        arrays: Sequence[Array],
        kept: Sequence[Axis],
        gone: Sequence[Axis],
        largest: bool,
    ) -> None:
        """Add up along axes, or find the largest.

        Arguments:
            target: where it is written.
            text: the terms, C with a slot for each of arrays.
            arrays: what is read.
            kept: the axes that the result has, with strides of the target and the arrays;
            gone: and those that it does not have.
            largest: which of the two.
        """
        names, pointers = _pointers([target, *arrays])
        outer, inner = collapsed(kept), collapsed(gone)
        to, *parts = _elements(names, outer, inner)
        term = text.format(*parts)
        body = _reduction(nest(inner, [_step(term, largest)], "" if largest else "ADDING", "k"),
                          to, largest)  # fmt: skip
        self.lines.append(self.kernels.call(nest(outer, body), pointers))

    def segments(self, target: Array, source: Array, starts: str, ends: str, largest: bool) -> None:
        """Add up stretches of the last axis, or find the largest in each.

        Arguments:
            target: where it is written.
            source: the terms.
            starts: a table, where each stretch begins;
            ends: and one, where it ends.
            largest: which of the two.
        """
        axes = axes_of(target.shape, [target, replace(source, strides=(0,), shape=target.shape)])
        to, term = _elements(["p0", "p1"], axes, [(1, False, [0, *source.strides])])
        last = f"i{len(axes) - 1}"
        loop = [f"for (idx k0 = {starts}[{last}]; k0 < {ends}[{last}]; k0++) {{",
                f"    {_step(term, largest)}", "}"]  # fmt: skip
        body = nest(axes, _reduction(loop, to, largest))
        self.lines.append(self.kernels.call(body, [target.address, source.address]))

    def by_table(self, target: Array, source: Array, table: str, scatter: str = "") -> None:
        """Read elements of the last axis by a table; or write them, each of them once.

        Arguments:
            target: where it is written.
            source: what is read.
            table: the elements' numbers.
            scatter: "=" or "+=", where they are those of the target.
        """
        dense = source if scatter else target
        axes = axes_of(
            dense.shape, [target, replace(source, shape=dense.shape, strides=dense.strides)]
        )
        last = f"i{len(axes) - 1}"
        picked = [a.samples for a in (target, source)]
        some, all_of = f"{table}[{last}]", last
        to, given = (some, all_of) if scatter else (all_of, some)
        lead = "i0 * {} + " if len(axes) > 1 else ""
        head = [lead.format(s) if s else "" for s in picked]
        line = f"p0[{head[0]}{to}] {scatter or '='} p1[{head[1]}{given}];"
        self.lines.append(self.kernels.call(nest(axes, [line]), [target.address, source.address]))


def length_of(axis: Axis) -> str:
    """How long an axis is, in C."""
    count, many, _ = axis
    return " * ".join([str(count)] * (count != 1 or not many) + ["n"] * many)


def _step(term: str, largest: bool) -> str:
    return f"total = maximum(total, {term});" if largest else f"total += {term};"


def _reduction(loop: Sequence[str], to: str, largest: bool) -> list[str]:
    """How many numbers become one: what `total` is at first, the loop, and where it goes."""
    start = "real total = -INFINITY;" if largest else "double total = 0;"
    return [start, *loop, f"{to} = (real)total;"]


def nest(axes: Sequence[Axis], body: Sequence[str], pragma: str = "", i: str = "i") -> list[str]:
    """The body within a loop for each axis."""
    lines: list[str] = []
    for depth in range(len(axes)):
        tab = "    " * depth
        if pragma and depth == len(axes) - 1:
            lines.append(tab + pragma)
        size = length_of(axes[depth])
        lines.append(f"{tab}for (idx {i}{depth} = 0; {i}{depth} < {size}; {i}{depth}++) {{")
    lines += ["    " * len(axes) + line for line in body]
    return lines + ["    " * depth + "}" for depth in reversed(range(len(axes)))]


def _pointers(arrays: Sequence[Array]) -> tuple[list[str], list[str]]:
    """What a kernel calls each array, and what those names stand for."""
    pointers = list(dict.fromkeys(a.address for a in arrays))
    return [f"p{pointers.index(a.address)}" for a in arrays], pointers


def _elements(names: Sequence[str], *nests: Sequence[Axis]) -> list[str]:
    """Each array's element at the place of the loops."""
    found = []
    for which, name in enumerate(names):
        terms = [
            f"{letter}{depth}" + (f" * {steps[which]}" if steps[which] != 1 else "")
            for letter, axes in zip("ik", nests, strict=False)
            for depth, (_, _, steps) in enumerate(axes)
            if steps[which]
        ]
        found.append(f"{name}[{' + '.join(terms) or '0'}]")
    return found
