"""NumPy source as trees of code: how it is put together, and how it is printed.

>>> a, b = Code("A", shape=(3,)), Code("B", shape=(3,))
>>> str(times(Code("{0:1} + {1:1}", a, b, level=SUM), a))
'(A + B) * A'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from micrograd import ops
from micrograd.ops import ATOM, POWER, PRODUCT, SUM, Primitive
from micrograd.program.functions import function_source, numpy_name
from micrograd.program.naming import reserved
from micrograd.symbols import Expression, Symbol

# Between its arguments; a product on the right is put in parentheses, for
# a * (b * c) is rounded differently.
_TEMPLATES: Final = {
    ops.add: ("{0:1} + {1:2}", SUM),
    ops.sub: ("{0:1} - {1:2}", SUM),
    ops.mul: ("{0:2} * {1:3}", PRODUCT),
    ops.div: ("{0:2} / {1:3}", PRODUCT),
    ops.neg: ("-{0:2}", SUM),
}


class Code:
    """A piece of source that computes an array.

    Arguments:
        template: the source; `{0}` is the first part, `{0:2}` with
            parentheses if that binds less tightly than a product.
        *parts: what the template is filled with.
        level: how tightly it binds, SUM to ATOM.
        shape: the result's, without the axis of the samples.
        batched: whether it has that axis. By default: if a part has it.
    """

    __slots__ = ("batched", "level", "parts", "shape", "template")

    def __init__(
        self,
        template: str,
        *parts: Any,
        level: float = ATOM,
        shape: tuple[int, ...] | None = None,
        batched: bool | None = None,
    ) -> None:
        self.template = template
        self.parts: tuple[Code, ...] = parts
        self.level = level
        self.shape = np.broadcast_shapes(*(p.shape for p in parts)) if shape is None else shape
        self.batched = any(p.batched for p in parts) if batched is None else batched

    def __str__(self) -> str:
        return self.template.format(*self.parts) if self.parts else self.template

    def __format__(self, wanted: str) -> str:
        text = str(self)
        return f"({text})" if wanted and self.level < int(wanted) else text


class Literal(Code):
    """A number, the same for all elements."""

    __slots__ = ("number",)

    def __init__(self, number: float) -> None:
        self.number = float(number)
        finite = np.isfinite(self.number)
        text = repr(self.number) if finite else f"np.{self.number}".replace("np.-", "-np.")
        super().__init__(text, level=POWER if text.startswith("-") else ATOM, shape=())


class Name(Code):
    """A variable: what a line of the program computes.

    Attributes:
        uses: how often later lines name it.
    """

    __slots__ = ("uses", "value")

    def __init__(self, name: str, shape: tuple[int, ...], batched: bool) -> None:
        super().__init__(name, shape=shape, batched=batched)
        self.uses = 0
        self.value: Code | None = None  # set where the line is written into the one that uses it

    def __str__(self) -> str:
        return self.template

    def __format__(self, wanted: str) -> str:
        return format(self.value, wanted) if self.value is not None else self.template


def names_in(code: Code) -> list[Name]:
    """All variables that a piece of code names, one entry each time."""
    if isinstance(code, Name):
        return [code]
    return [name for part in code.parts for name in names_in(part)]


def times(x: Code, y: Code) -> Code:
    """Their product, elementwise; 1 x = x."""
    if isinstance(x, Literal) and isinstance(y, Literal):
        return Literal(x.number * y.number)
    if isinstance(x, Literal) and x.number == 1.0:
        return y
    if isinstance(y, Literal) and y.number == 1.0:
        return x
    template, level = _TEMPLATES[ops.mul]
    return Code(template, x, y, level=level)


def plus(x: Code, y: Code) -> Code:
    """Their sum, elementwise."""
    if isinstance(x, Literal) and isinstance(y, Literal):
        return Literal(x.number + y.number)
    if isinstance(x, Literal):
        x, y = y, x
    template, level = _TEMPLATES[ops.add]
    if isinstance(y, Literal) and y.number < 0.0:
        template, y = _TEMPLATES[ops.sub][0], Literal(-y.number)
    return Code(template, x, y, level=level)


class Functions:
    """The functions that the source defines: array forms of primitives.

    Arguments:
        dtype: "float64" or "float32".
        taken: names that mean something else in the source.
    """

    def __init__(self, dtype: str, taken: Iterable[str] = ()) -> None:
        self._dtype, self._taken = dtype, set(taken)
        self._names: dict[Primitive, str] = {}
        self._loops: dict[Primitive, str] = {}

    def name(self, row: Primitive) -> str:
        """What the source calls a primitive; a function of its own, if NumPy has none."""
        known = numpy_name(row.arrays)
        if known is not None:
            return known
        if row not in self._names:
            name = row.code_name
            while reserved(name) or name in self._taken:
                name += "_"
            self._taken.add(name)
            self._names[row] = name
            if row.fold:
                self._loops[row] = self._loop(row, name)
        return self._names[row]

    def sources(self) -> list[str]:
        """Source of all functions that have been named.

        Raises:
            ValueError: if one cannot be had.
        """
        return [self._loops.get(row) or function_source(row, n) for row, n in self._names.items()]

    def runnable(self) -> tuple[list[str], dict[str, Any]]:
        """Source of the folds alone, and all other functions themselves, by name.

        So a program runs the primitives' own functions, whatever has become
        of their source files or of the table.
        """
        others = {name: row.arrays for row, name in self._names.items() if row not in self._loops}
        return list(self._loops.values()), others

    def call(self, row: Primitive, parts: Sequence[Code | list[Code]]) -> Code:
        """Source that applies a primitive to arrays.

        Arguments:
            row: the primitive.
            parts: its arguments; for a starred one a list.
        """
        if row in _TEMPLATES:
            template, level = _TEMPLATES[row]
            return Code(template, *parts, level=level)
        if numpy_name(row.arrays) is None:  # it may ask for what a float does not have
            parts = row.mapped(self._typed, parts)
        flat = row.flatten(parts)
        slots, count = [], 0
        for part in parts:
            many = len(part) if isinstance(part, list) else 1
            each = ", ".join(f"{{{count + i}}}" for i in range(many))
            slots.append(f"[{each}]" if isinstance(part, list) else each)
            count += many
        return Code(f"{self.name(row)}({', '.join(slots)})", *flat)

    def formula(self, x: Any, named: Mapping[str, Code]) -> Code:
        """Source of a formula on symbols.

        Arguments:
            x: an expression or a number.
            named: what stands for each symbol.
        """
        if not isinstance(x, Expression):
            return Literal(x)
        if isinstance(x, Symbol):
            return named[x.name]
        assert x.op is not None
        if x.op is ops.where:
            condition, one, other = x.arguments
            parts = [self.formula(one, named), self.formula(other, named)]
            if self._dtype != "float64":  # where makes float64 of two plain numbers
                parts = list(map(self._typed, parts))
            if isinstance(condition, Expression) and condition.op is ops.step:
                test = self.formula(condition.arguments[0], named)
                return Code("np.where({0:2} <= 0.0, {2}, {1})", test, *parts)
            test = self.formula(condition, named)
            return Code("np.where({0:2} != 0.0, {1}, {2})", test, *parts)
        return self.call(x.op, x.op.mapped(lambda e: self.formula(e, named), x.arguments))

    def _typed(self, code: Code) -> Code:
        """A number as NumPy's, of the program's type."""
        if not isinstance(code, Literal):
            return code
        return Code(f"np.{self._dtype}({code})", shape=())

    def _loop(self, row: Primitive, name: str) -> str:
        """The function of a row that is declared as a fold."""
        assert row.fold is not None
        start, step = row.fold
        pairs = list(zip(row.arguments, row.starred, strict=True))
        named = {n: Code(n, shape=()) for n in [*(f"each_{a}" for a in row.arguments), "total"]}
        named |= {a: Code(a, shape=()) for a in row.arguments}
        fixed = [Symbol(a) for a, star in pairs if not star]
        each = [Symbol(f"each_{a}" if star else a) for a, star in pairs]
        stars = [a for a, star in pairs if star]
        over = stars[0] if len(stars) == 1 else f"zip({', '.join(stars)})"
        return "\n".join(
            [
                f"def {name}({', '.join(row.arguments)}):",
                f"    total = {self.formula(start(*fixed), named)}",
                f"    for {', '.join('each_' + a for a in stars)} in {over}:",
                f"        total = {self.formula(step(Symbol('total'), *each), named)}",
                "    return total",
            ]
        )
