"""What values are called, and the formulas between them, as markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from micrograd import ops
from micrograd.engine import Value
from micrograd.ops import is_number
from micrograd.symbols import Expression, Symbol, evaluate
from viz.mathtext import html_of_label, html_of_latex, number

_MOST_TERMS: Final = 4  # of a sum of products, before "w·a + b" has to do
_LONGEST: Final = 80  # characters of a label; Graphviz itself gives up at 16,384


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


class Namer:
    """What each Value is called: its label, or v with a running number.

    In formulas a Value stands as one character of Unicode's private area, for
    which the reader of formulas puts the label's markup: so no label is ever
    read as part of a formula.
    """

    def __init__(self, values: Iterable[Value]) -> None:
        unnamed = (v for v in values if not v.label and v.kind != "constant")
        self._numbers = {v: i for i, v in enumerate(unnamed, 1)}
        self._symbols: dict[Value, Symbol] = {}
        self._data: dict[str, float] = {}
        self.markup: dict[str, str] = {}

    def name(self, v: Value) -> str:
        """The markup of what v is called."""
        if v.label:
            return html_of_label(_short(str(v.label)))
        if v.kind == "constant":
            return number(v.data)
        return html_of_latex(f"v_{{{self._numbers[v]}}}")

    def symbol(self, v: Value) -> Any:
        """V in a formula: a symbol; for an unnamed constant its number."""
        if v.kind == "constant" and not v.label:
            return v.data
        if v not in self._symbols:  # only what a formula needs: there are 131,068 characters
            character = chr(0xF0000 + len(self._symbols))
            self._symbols[v] = Symbol(character)
            self._data[character] = v.data
            self.markup[character] = self.name(v)
        return self._symbols[v]

    def html(self, formula: Any) -> str:
        """A formula as markup; of a formula by cases, the case that applies."""
        formula = self._applying(formula)
        if not isinstance(formula, Expression):
            return number(float(formula))
        return html_of_latex(formula.latex(), self.markup)

    def _applying(self, formula: Any) -> Any:
        if isinstance(formula, Symbol) or not isinstance(formula, Expression):
            return formula
        parts = [
            [self._applying(p) for p in part]
            if isinstance(part, list | tuple)
            else self._applying(part)
            for part in formula.arguments
        ]
        if formula.op is ops.where:
            condition, one, other = parts
            return one if evaluate(condition, self._data) else other
        assert formula.op is not None
        return formula.op(*parts)

    def operation(self, v: Value) -> str:
        """How v is computed from its parents, as markup."""
        op = v.op
        if op is None:
            return ""
        if any(op.starred) and len(v.parents) > 2 * _MOST_TERMS + 1:
            return html_of_label(op.symbol)
        symbols = [
            [self.symbol(p) for p in argument] if star else self.symbol(argument)
            for argument, star in zip(v.arguments, op.starred, strict=True)
        ]
        flat = op.flatten(symbols)
        if all(is_number(s) for s in flat):
            return html_of_label(op.symbol)
        return self.html(Expression(op, symbols))

    def slopes(self, v: Value) -> list[Any]:
        """The local derivative of v by each parent, as formulas."""
        op = v.op
        assert op is not None
        z = self.symbol(v)
        out = []
        for partial, star in zip(op.partials, op.starred, strict=True):
            for point in op.elements(v.arguments) if star else [v.arguments]:
                # Of the sequences, only the element that matters is left.
                names = [None if isinstance(p, tuple) else self.symbol(p) for p in point]
                out.append(partial(z, *names))
        return out
