"""Formulas of the table as NumPy source, and the functions that this source calls.

>>> functions = Functions("float64")
>>> x = Symbol("x")
>>> str(functions.formula(2.0 * (x - 1.0), {"x": Text("X")}))
'2.0 * (X - 1.0)'
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


class Text(str):
    """Source that knows how tightly it binds: `{x:2}` has parentheses if less than a product."""

    level: float

    def __new__(cls, text: str, level: float = ATOM) -> Text:  # noqa: D102
        self = super().__new__(cls, text)
        self.level = level
        return self

    def __format__(self, wanted: str) -> str:
        return f"({self!s})" if wanted and self.level < int(wanted) else str(self)


def number(x: float) -> Text:
    """A number in the source."""
    text = repr(float(x)) if np.isfinite(x) else f"np.{float(x)}".replace("np.-", "-np.")
    return Text(text, POWER if text.startswith("-") else ATOM)


class Functions:
    """The functions that the source defines: array forms of primitives.

    Arguments:
        dtype: "float64" or "float32".
        taken: names that mean something else in the source.
    """

    module = "np"  # what the source calls NumPy, or what takes its place

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
            name = self._names[row] = self._free(row)
            if row.fold:
                self._loops[row] = self._loop(row, name)
        return self._names[row]

    def _free(self, row: Primitive) -> str:
        """A name for its function that means nothing else."""
        name = row.code_name
        while reserved(name) or name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

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

    def call(self, row: Primitive, parts: Sequence[Any]) -> Text:
        """Source that applies a primitive to arrays.

        Arguments:
            row: the primitive.
            parts: its arguments, text or numbers; for a starred one a list.
        """
        own = row not in _TEMPLATES and numpy_name(row.arrays) is None
        texts = row.mapped(self._typed if own else _text, parts)
        if row in _TEMPLATES:
            template, level = _TEMPLATES[row]
            return Text(template.format(*texts), level)
        if row is ops.pow and not isinstance(parts[1], Text) and parts[1] != 0.5:
            return Text(
                f"{self.module}.power({texts[0]}, {number(parts[1])})"
            )  # whose guard is for 0.5
        listed = [f"[{', '.join(t)}]" if isinstance(t, list) else t for t in texts]
        return Text(f"{self.name(row)}({', '.join(listed)})")

    def formula(self, x: Any, named: Mapping[str, Any]) -> Any:
        """Source of a formula on symbols; a number stays one.

        Arguments:
            x: an expression or a number.
            named: what stands for each symbol.
        """
        if not isinstance(x, Expression):
            return x
        if isinstance(x, Symbol):
            return named[x.name]
        assert x.op is not None
        if x.op is ops.where:
            condition, one, other = x.arguments
            # Of two plain numbers where makes float64.
            typed = _text if self._dtype == "float64" else self._typed
            parts = [typed(self.formula(e, named)) for e in (one, other)]
            if isinstance(condition, Expression) and condition.op is ops.step:
                test = _text(self.formula(condition.arguments[0], named))
                return Text(f"{self.module}.where({test:2} <= 0.0, {parts[1]}, {parts[0]})")
            test = _text(self.formula(condition, named))
            return Text(f"{self.module}.where({test:2} != 0.0, {parts[0]}, {parts[1]})")
        return self.call(x.op, x.op.mapped(lambda e: self.formula(e, named), x.arguments))

    def _typed(self, x: Any) -> Text:
        """A number as NumPy's, of the program's type: an operation may ask what a float has not."""
        return x if isinstance(x, Text) else Text(f"np.{self._dtype}({number(x)})")

    def _loop(self, row: Primitive, name: str) -> str:
        """The function of a row that is declared as a fold."""
        assert row.fold is not None
        start, step = row.fold
        pairs = list(zip(row.arguments, row.starred, strict=True))
        named = {n: Text(n) for n in [*(f"each_{a}" for a in row.arguments), "total"]}
        named |= {a: Text(a) for a in row.arguments}
        fixed = [Symbol(a) for a, star in pairs if not star]
        each = [Symbol(f"each_{a}" if star else a) for a, star in pairs]
        stars = [a for a, star in pairs if star]
        over = stars[0] if len(stars) == 1 else f"zip({', '.join(stars)})"
        return "\n".join(
            [
                f"def {name}({', '.join(row.arguments)}):",
                f"    total = {_text(self.formula(start(*fixed), named))}",
                f"    for {', '.join('each_' + a for a in stars)} in {over}:",
                f"        total = {_text(self.formula(step(Symbol('total'), *each), named))}",
                "    return total",
            ]
        )


def _text(x: Any) -> Text:
    return x if isinstance(x, Text) else number(x)
