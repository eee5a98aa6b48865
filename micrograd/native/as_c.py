r"""A program as C: every step becomes loops, or a product of matrices.

>>> from micrograd import Value, vectorize
>>> x = [Value(1.0, f"x_{i}") for i in range(3)]
>>> c = vectorize([2.0 * v + 1.0 for v in x], [x]).c_source
>>> print(c[c.index("SHARED void k") : c.index("CALLS static")].rstrip())
SHARED void k1(idx n, real *restrict p0, const real *p1) {
    INDEPENDENT
    for (idx i0 = 0; i0 < 3 * n; i0++) {
        p0[i0] = (((real)2.0 * p1[i0]) + (real)1.0);
    }
}
>>> print(c[c.index("    // return") : c.index("    return failed")].rstrip())
    // return 2.0 * X + 1.0
    k1(n, v[0], a[0]);
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

import numpy as np

from micrograd.native.loops import Array, Axis, Kernels, Loops, axes_of, collapsed, length_of, nest
from micrograd.native.scalars import Scalars, number
from micrograd.program.as_numpy import Listed
from micrograd.program.form import Step
from micrograd.program.passes import firsts, reads
from micrograd.program.views import strides_of

Dimensions = tuple[int | str, ...]  # "n" for the samples
_PIECE: Final = 100  # lines of C


def translate(
    functions: Mapping[str, Listed], dtype: str
) -> tuple[str, dict[str, list[Dimensions]]]:
    """Write C for programs.

    Arguments:
        functions: each program by its name, and its lines in NumPy, which become comments.
        dtype: "float64" or "float32".

    Returns:
        The C, and the shapes of each function's results. A function in C has
        as arguments n and where the arrays and the results are, all of them
        without gaps; it returns 0, or 1 if there was no memory.

    Raises:
        UntranslatableError: if an operation has no form in C.
        ValueError: if it cannot be written out, and is no longer in the table.
    """
    scalars, tables, kernels = Scalars(dtype), Tables(), Kernels()
    printers = [Printer(name, one, scalars, tables, kernels) for name, one in functions.items()]
    texts = [printer.text() for printer in printers]
    base = files("micrograd.native").joinpath("kernels.h").read_text(encoding="utf-8")
    real = "double" if dtype == "float64" else "float"
    parts = [f"typedef {real} real;", base.rstrip(), *tables.sources, *scalars.sources]
    parts += [*kernels.sources, *texts]
    return "\n\n".join(parts) + "\n", {p.name: p.shapes for p in printers}


class Tables:
    """Numbers that a program reads, as C has them."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    @property
    def sources(self) -> list[str]:
        """Their definitions."""
        return [
            f"static const {kind} {name}[] = {{{numbers}}};"
            for (kind, numbers), name in self._names.items()
        ]

    def constants(self, numbers: Any) -> str:
        """The name of a table of numbers."""
        return self._table("real", map(number, np.ravel(numbers).tolist()))

    def indices(self, numbers: Any) -> str:
        """The name of a table of indices."""
        return self._table("idx", map(str, np.ravel(numbers).tolist()))

    def _table(self, kind: str, numbers: Iterable[str]) -> str:
        return self._names.setdefault((kind, ", ".join(numbers)), f"t{len(self._names) + 1}")


class Printer:
    """Prints one function.

    Arguments:
        name: of the function.
        listed: its program, and the lines in NumPy.
        scalars: collects the functions that it calls.
        tables: collects the numbers that it reads.
        kernels: collects its loops.
    """

    def __init__(
        self, name: str, listed: Listed, scalars: Scalars, tables: Tables, kernels: Kernels
    ) -> None:
        self.name, self.steps, self.results = name, listed.form.steps, listed.form.results
        self.scalars, self.tables, self.loops = scalars, tables, Loops(kernels)
        self.arrays: dict[int, Array] = {}
        self.scattered: dict[int, Array] = {}
        self.given: dict[str, str] = {}  # arrays that are results themselves
        self.arguments: list[str] = []
        self.uses = [0] * len(self.steps)
        for step in self.steps:
            for x, count in reads(step).items():
                self.uses[x] += count
        for x in self.results:
            self.uses[x] += 1
        self.blocks: list[list[str]] = []  # the lines in C of each in NumPy
        self.places = self._places()
        for x, step in enumerate(self.steps):
            if step.op in ("parameters", "input"):
                if step.shape != (0,) or step.op == "input":
                    self.arguments.append(step.label)
                place = f"a[{len(self.arguments) - 1}]"
                self.arrays[x] = Array.of(place, step.shape, step.batched)
            elif step.label:
                self._block(listed.of[x])
                self.array(x)
        self._block(listed.of[len(self.steps)])
        self.shapes: list[Dimensions] = [self._result(x) for x in self.results]

    def _block(self, line: str) -> None:
        self.loops.lines = ["// " + line.encode("ascii", "replace").decode()]
        self.blocks.append(self.loops.lines)

    def text(self) -> str:
        """The function in C.

        It is cut in pieces, for compilers take ever longer over a long one.
        They are told where each argument, a[i], and each array, v[i], is.
        """
        pieces: list[list[str]] = [[]]
        for block in self.blocks:
            if len(pieces[-1]) + len(block) > _PIECE and pieces[-1]:
                pieces.append([])
            pieces[-1] += block
        name, texts = self.name, []
        for i, piece in enumerate(pieces):
            head = f"CALLS static int {name}_{i}(idx n, const real *const *a, real *const *v) {{"
            texts.append(_braced(head, ["int failed = 0;", *piece, "return failed;"]))
        sizes = [
            (0, 0) if f"v[{i}]" in self.given else size for i, size in enumerate(self.loops.memory)
        ]
        numbers = ", ".join(f"{{{count}, {many}}}" for count, many in sizes)
        texts.append(f"static const idx {name}_sizes[][2] = {{{numbers}}};")
        calls = " || ".join(f"{name}_{i}(n, a, v)" for i in range(len(pieces)))
        body = [
            f"real **v = places({name}_sizes, {len(sizes)}, n);",
            "if (!v) return 1;",
            *(f"{array} = {out};" for array, out in self.given.items()),
            f"const int failed = {calls};",
            "free(v);",
            "return failed;",
        ]
        head = f"int {name}(idx n, const real *const *a, real *const *out) {{"
        about = f"/* a: {', '.join(self.arguments) or 'nothing'} */"
        return "\n\n".join([*texts, f"{about}\n{_braced(head, body)}"])

    def _result(self, x: int) -> Dimensions:
        """Let a result be where it is wanted; its shape."""
        step, array = self.steps[x], self.array(x)
        count = math.prod(step.shape)
        owned = array.pointer.startswith("v[") and array.pointer not in self.given
        if (
            not owned
            or array.offset
            or not array.gapless(step.batched)
            or self.loops.memory[int(array.pointer[2:-1])] != (count, int(step.batched))
        ):
            array = self.loops.packed(array, step.batched)
        self.given[array.pointer] = f"out[{len(self.given)}]"
        return (*(("n",) * step.batched), *step.shape)

    # Where steps are

    def array(self, x: int) -> Array:
        """The step in memory."""
        if x not in self.arrays:
            step = self.steps[x]
            self.arrays[x] = getattr(self, f"_{step.op.partition('_')[0]}")(x, step)
        return self.arrays[x]

    def dense(self, x: int) -> Array:
        """The step in memory without gaps, as one axis."""
        array, step = self.array(x), self.steps[x]
        count = math.prod(step.shape)
        if not array.gapless(step.batched):
            array = self.loops.packed(array, step.batched)
        return replace(array, shape=(count,), strides=(1,))

    def target(self, x: int) -> Array:
        """Where a step is to be written: new memory, or its place in what it is scattered to."""
        step = self.steps[x]
        if x in self.places:
            scatter, index = self.places[x]
            return _viewed(self._scattered(scatter), index)
        return self.loops.new(step.shape, step.batched)

    def _places(self) -> dict[int, tuple[int, Any]]:
        """The steps that are written where they are scattered to, at once."""
        found = {}
        for s, step in enumerate(self.steps):
            if step.op == "scatter":
                first, _ = firsts(step)
                for x, index, new in zip(step.operands, step.data, first, strict=True):
                    own = self.steps[x]
                    if (
                        new
                        and self.uses[x] == 1
                        and own.op in ("map", "sum", "product")
                        and (own.shape, own.batched) == (index.shape, step.batched)
                        and strides_of(index) is not None
                    ):
                        found[x] = s, index
        return found

    def _scattered(self, x: int) -> Array:
        """The memory of a scatter, filled with zeros if it needs them."""
        if x not in self.scattered:
            step = self.steps[x]
            self.scattered[x] = target = self.loops.new(step.shape, step.batched)
            if not firsts(step)[1]:
                self.loops.write(target, "0", [])
        return self.scattered[x]

    # One for each operation

    def _samples(self, x: int, step: Step) -> Array:
        return self._map(x, step)

    def _constant(self, x: int, step: Step) -> Array:
        return Array.of(self.tables.constants(step.data), step.shape, batched=False)

    def _view(self, x: int, step: Step) -> Array:
        of = self.dense(step.operands[0])
        return _viewed(of, step.data.index)

    def _gather(self, x: int, step: Step) -> Array:
        of, target = self.dense(step.operands[0]), self.loops.new(step.shape, step.batched)
        self.loops.by_table(_flat(target), of, self.tables.indices(step.data))
        return target

    def _broadcast(self, x: int, step: Step) -> Array:
        of = self.array(step.operands[0])
        return replace(of, shape=step.shape, strides=of.along(step.shape))

    def _stop(self, x: int, step: Step) -> Array:
        return self.array(step.operands[0])

    def _map(self, x: int, step: Step) -> Array:
        target = self.target(x)
        text, arrays, before = self._formula(x)
        self.loops.write(target, text, arrays, before)
        return target

    def _sum(self, x: int, step: Step) -> Array:
        return self._reduced(x, step, largest=False)

    def _max(self, x: int, step: Step) -> Array:
        return self._reduced(x, step, largest=True)

    def _reduced(self, x: int, step: Step, largest: bool) -> Array:
        [of] = step.operands
        shape, samples = self.steps[of].shape, self.steps[of].batched and not step.batched
        target = self.target(x)
        if samples and not step.data:
            self._over_samples(target, self.dense(of))
            return target
        text, arrays, before = self._merged(of, step)
        assert not before
        every = axes_of(shape, [*arrays, Array("", shape, shape, int(self.steps[of].batched))])
        every = [(count, many, own[:-1]) for count, many, own in every]
        lead = len(every) - len(shape)
        summed = {a + lead for a in step.data} | ({0} if samples else set())
        strides = dict(zip([a for a in range(len(shape)) if a not in step.data], target.strides,
                           strict=False))  # fmt: skip
        if len(step.shape) == len(shape):
            strides = dict(enumerate(target.strides))
        kept = [
            (count, many, [target.samples if many else strides[k - lead], *own])
            for k, (count, many, own) in enumerate(every)
            if k not in summed
        ]
        gone = [(c, many, [0, *own]) for k, (c, many, own) in enumerate(every) if k in summed]
        self.loops.reduce(target, text, arrays, kept, gone, largest)
        return target

    def _over_samples(self, target: Array, source: Array) -> None:
        """The product of ones with a matrix, which reads it as it lies in memory."""
        to = target if len(target.shape) == 1 else self.loops.new(target.shape, False)
        self.loops.lines.append(
            f"failed |= matmul(1, {math.prod(target.shape)}, n, one, 0, 0, {source.address}, "
            f"{source.samples}, 1, {to.address}, 0, {to.strides[0] if to is target else 1});"
        )
        if to is not target:
            self.loops.write(target, "{0}", [to])

    def _segment(self, x: int, step: Step) -> Array:
        of, target = self.dense(step.operands[0]), self.loops.new(step.shape, step.batched)
        ends = np.cumsum(step.data)
        starts, stops = self.tables.indices(ends - step.data), self.tables.indices(ends)
        self.loops.segments(target, of, starts, stops, largest=step.op == "segment_max")
        return target

    def _product(self, x: int, step: Step) -> Array:
        arrays = [self.array(o) for o in step.operands]
        return self._multiplied(step, arrays, self.target(x))

    def _multiplied(self, step: Step, arrays: list[Array], target: Array) -> Array:
        one, two, out = step.data
        sizes = dict(zip(one + two, arrays[0].shape + arrays[1].shape, strict=True))
        strides: list[dict[str, int]] = [
            {"n": array.samples} | dict(zip(axes, array.along(array.shape), strict=True))
            for axes, array in zip((one, two, out), [*arrays, target], strict=True)
        ]
        many = any(self.steps[o].batched for o in step.operands)
        letters = "n" * many + "".join(dict.fromkeys(out + one + two))
        kept = "n" * (many and step.batched) + out
        summed = [c for c in letters if c not in kept and (c == "n" or sizes[c] > 1)]
        if not summed:
            turned = [
                Array(a.pointer, step.shape, tuple(own.get(c, 0) for c in out), own["n"], a.offset)
                for a, own in zip(arrays, strides, strict=False)
            ]
            self.loops.write(target, "({0} * {1})", turned)
            return target

        def axes(chosen: Sequence[str], which: Sequence[int]) -> list[Axis]:
            own = [(1 if c == "n" else sizes[c], c == "n", [strides[w].get(c, 0) for w in which])
                   for c in chosen]  # fmt: skip
            return collapsed(own)

        inner = axes(summed, (0, 1))
        if len(inner) > 1:  # they do not lie in one row: each sample's, and then their sum
            each = self._multiplied(
                replace(step, batched=True), arrays, self.loops.new(step.shape, True)
            )
            self._over_samples(target, each)
            return target
        ak, bk = inner[0][2]
        left, right = (
            axes + "n" * bool(own["n"]) for axes, own in zip((one, two), strides, strict=False)
        )
        both = [c for c in kept if (c in left) == (c in right)]
        rows = axes([c for c in kept if c in left and c not in both], (0, 2))
        columns = axes([c for c in kept if c in right and c not in both], (1, 2))
        outer = axes(both, (0, 1, 2))
        high, wide = (own.pop() if own else (1, False, [0, 0]) for own in (rows, columns))
        outer += [(c, m, [s[0], 0, s[1]]) for c, m, s in rows]
        outer += [(c, m, [0, s[0], s[1]]) for c, m, s in columns]
        sizes_c = [*(length_of(one) for one in (high, wide, inner[0]))]
        places = [_at(a, [own[w] for *_, own in outer]) for w, a in enumerate([*arrays, target])]
        call = ", ".join(map(str, [*sizes_c, places[0], high[2][0], ak, places[1], bk, wide[2][0],
                                   places[2], high[2][1], wide[2][1]]))  # fmt: skip
        self.loops.lines += nest(outer, [f"failed |= matmul({call});"])
        return target

    def _scatter(self, x: int, step: Step) -> Array:
        if not step.label:  # all side by side
            target = self.loops.new(step.shape, step.batched)
            for operand, index in zip(step.operands, step.data, strict=True):
                self._put(operand, _viewed(target, index), "=")
            return target
        target = self._scattered(x)
        for operand, index, new in zip(step.operands, step.data, firsts(step)[0], strict=True):
            if operand in self.places:
                self.array(operand)
            elif strides_of(index) is not None:
                self._put(operand, _viewed(target, index), "=" if new else "+=")
            else:
                source = self.array(operand)
                if step.batched and not source.samples:
                    source = self.loops.packed(source, batched=True)
                    source = replace(source, shape=(index.size,), strides=(1,))
                else:
                    source = self.dense(operand)
                table = self.tables.indices(index)
                self.loops.by_table(_flat(target), source, table, "=" if new else "+=")
        return target

    def _put(self, x: int, target: Array, change: str) -> None:
        """Write a step, or add it, to some place."""
        if x in self.arrays or self.steps[x].op != "map" or self.uses[x] > 1:
            self.loops.write(target, "{0}", [self.array(x)], change=change)
        else:
            text, arrays, before = self._formula(x)
            self.loops.write(target, text, arrays, before, change)

    # Formulas

    def _merged(self, x: int, reader: Step) -> tuple[str, list[Array], list[str]]:
        """A step as a part of the formula that reads it: C with slots, and what they stand for."""
        step = self.steps[x]
        plain = not step.shape and not step.batched
        if plain and step.op == "constant":
            return number(step.data), [], []
        if step.op == "samples":
            return "(real)n", [], []
        if step.op == "map" and not step.label and x not in self.arrays and self.uses[x] == 1:
            same = (step.shape, step.batched) == (reader.shape, reader.batched)
            if plain or same or reader.op != "map":
                text, arrays, before = self._formula(x)
                if not before:
                    return text, arrays, before
        return "{0}", [self.array(x)], []

    def _formula(self, x: int) -> tuple[str, list[Array], list[str]]:
        """A map's formula in C; and lines that are to come before it."""
        step = self.steps[x]
        if step.op == "samples":
            return "(real)n", [], []
        texts: dict[str, str] = {}
        arrays: list[Array] = []
        for i, operand in enumerate(step.operands):
            text, own, _ = self._merged(operand, step)
            texts[f"x{i}"] = text.format(*(f"{{{len(arrays) + k}}}" for k in range(len(own))))
            arrays += own
        before: list[str] = []
        text = self.scalars.formula(step.data, texts, before)
        return text, arrays, before


def _at(array: Array, strides: Sequence[int]) -> str:
    """C for the address at the place of loops."""
    terms = [f"i{k} * {s}" if s != 1 else f"i{k}" for k, s in enumerate(strides) if s]
    return " + ".join([array.pointer, *([str(array.offset)] * bool(array.offset)), *terms])


def _viewed(array: Array, index: Any) -> Array:
    """Regular elements of an array without gaps, counted row after row."""
    strides = strides_of(index)
    assert strides is not None
    start = array.offset + int(index.flat[0])
    return Array(array.pointer, index.shape, strides, array.samples, start)


def _flat(array: Array) -> Array:
    return replace(array, shape=(math.prod(array.shape),), strides=(1,))


def _braced(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, *(f"    {line}" for line in lines), "}"])
