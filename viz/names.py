"""What values are called, and the formulas between them, as markup."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Final

from micrograd import ops
from micrograd.engine import Value
from micrograd.ops import is_number
from micrograd.symbols import Expression, Symbol, evaluate
from viz.labels import holds
from viz.mathtext import html_of_label, html_of_latex, number, text_of_label

_MOST_TERMS: Final = 4  # of a sum of products, before "w·a + b" has to do
_LONGEST: Final = 80  # characters of a label; Graphviz itself gives up at 16,384


def short(label: str) -> str:
    """The label, or as much of it as can be shown."""
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


class Namer:
    """What each Value is called: its label, or v with a running number that no label has.

    In formulas a Value stands as one character of Unicode's private area, for
    which the reader of formulas puts the label's markup: so no label is ever
    read as part of a formula.
    """

    def __init__(self, values: Iterable[Value]) -> None:
        values = list(values)
        # What looks like v_1 takes the 1, however it was written: v_{1}, v₁ or v1.
        labels = {str(v.label) for v in values if v.label and "v" in str(v.label)}
        taken = {unicodedata.normalize("NFKC", text_of_label(label)).strip() for label in labels}
        free = (i for i in count(1) if f"v{i}" not in taken)
        self._numbers = {v: next(free) for v in values if not v.label and v.kind != "constant"}
        self._symbols: dict[Value, Symbol] = {}
        self._data: dict[str, float] = {}
        self.markup: dict[str, str] = {}

    def name(self, v: Value) -> str:
        """The markup of what v is called."""
        if v.label:
            return html_of_label(short(str(v.label)))
        if v.kind == "constant":
            return number(v.data)
        return html_of_latex(f"v_{{{self._numbers[v]}}}")

    def symbol(self, v: Value) -> Any:
        """V in a formula: a symbol; for an unnamed constant its number."""
        if v.kind == "constant" and not v.label:
            return v.data
        if v not in self._symbols:  # only what a formula needs: there are 131,068 characters
            character = chr(0xF0000 + len(self._symbols))
            self._symbols[v] = Symbol(character, *(holds(short(str(v.label))) if v.label else ()))
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
        """The case that applies."""
        return _decided(formula, lambda condition: evaluate(condition, self._data) != 0.0)

    def operation(self, v: Value) -> str:
        """How v is computed from its parents, as markup."""
        op = v.op
        if op is None:
            return ""
        if v.hooked:
            return html_of_label(short(op.symbol))
        if any(op.starred) and len(v.parents) > 2 * _MOST_TERMS + 1:
            return html_of_label(op.symbol)
        symbols = op.mapped(self.symbol, v.arguments)
        flat = op.flatten(symbols)
        if all(is_number(s) for s in flat):
            return html_of_label(op.symbol)
        return self.html(Expression(op, symbols))

    def slopes(self, v: Value) -> list[Any]:
        """The local derivative of v by each parent: formulas, or numbers where there are none."""
        if v.hooked:
            return v.local_derivatives()
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


Case = tuple[tuple[tuple[Any, bool], ...], Any]  # conditions, each with its truth; and a formula


def cases(formula: Any) -> list[Case]:
    """A formula by cases as one formula for each case.

    Of the conditions, one that earlier ones decide is not asked.

    >>> x = Symbol("x")
    >>> [(len(conditions), formula.latex()) for conditions, formula in
    ...     cases(1.0 + ops.where(ops.equal(x, 0.0), 2.0 * x, ops.where(x, x, 3.0 * x)))]
    [(1, '1 + 2 x'), (2, '1 + x'), (2, '1 + 3 x')]
    """
    out: list[Case] = []
    waiting: list[tuple[bool, ...]] = [()]
    while waiting:
        answers = waiting.pop()
        asked: list[tuple[Any, bool]] = []

        def decide(
            condition: Any,
            answers: tuple[bool, ...] = answers,
            asked: list[tuple[Any, bool]] = asked,
        ) -> bool:
            asked.append((condition, answers[len(asked)] if len(asked) < len(answers) else True))
            return asked[-1][1]

        one = _decided(formula, decide)
        out.append((tuple(asked), one))
        given = tuple(answer for _, answer in asked)
        waiting += [(*given[:i], False) for i in range(len(answers), len(given))]
    return out


def _decided(formula: Any, decide: Callable[[Any], bool]) -> Any:
    """The formula without `where`: of each, what the condition chooses."""
    if isinstance(formula, Symbol) or not isinstance(formula, Expression):
        return formula
    op, arguments = formula.op, formula.arguments
    assert op is not None
    if op is ops.where:
        condition = _decided(arguments[0], decide)
        if isinstance(condition, Expression):
            return _decided(arguments[1 if decide(condition) else 2], decide)
        return _decided(arguments[1 if condition else 2], decide)
    return op(*op.mapped(lambda part: _decided(part, decide), arguments))
