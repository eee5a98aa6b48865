"""What values are called, and the formulas between them, as markup."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from micrograd import ops
from micrograd.engine import Value
from micrograd.ops import is_number
from micrograd.symbols import Expression, Symbol, evaluate
from micrograd.text import label_of
from viz.formula import Words
from viz.labels import holds, indexed, read_label
from viz.mathtext import html_of_label, html_of_latex, number, text_of_label

_MOST_TERMS: Final = 4  # of a sum of products, before "w·a + b" has to do
_LONGEST: Final = 80  # characters of a label; Graphviz itself gives up at 16,384


def short(label: str) -> str:
    """The label, or as much of it as can be shown."""
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def bare(text: str) -> str:
    r"""A label, or the text it is shown as, without what sets an index apart, and without spaces.

    What looks alike is alike so, however it is written.

    >>> [bare(label) for label in ("v_1", "v_{1}", "v₁", r"\mathrm{v}_1", "v1")]
    ['v1', 'v1', 'v1', 'v1', 'v1']
    """
    if not text.isascii() or not text.isprintable() or "\\" in text:
        text = "".join(unicodedata.normalize("NFKC", text_of_label(text)).split())
    return text.translate(_SETTING_APART)


_SETTING_APART: Final = {**dict.fromkeys(map(ord, "_^{}() ")), ord("−"): "-"}


def _look(label: str) -> str:
    """What a reader sees of it; the spaces of a formula are no part of that."""
    words = text_of_label(label).split()
    return (" " if isinstance(read_label(label), Words) else "").join(words)


def _alike(labels: Mapping[Value, str]) -> Iterator[list[Value]]:
    """Those of the values that others' labels look like, together, in the order given."""
    found: dict[str, list[Value]] = defaultdict(list)
    for v, label in labels.items():
        found[bare(label)].append(v)
    for group in [group for group in found.values() if len(group) > 1]:
        looks: dict[str, list[Value]] = defaultdict(list)
        for v in group:
            looks[_look(labels[v])].append(v)
        yield from (same for same in looks.values() if len(same) > 1)


def _names(values: Sequence[Value], beside: Iterable[Value]) -> dict[Value, str]:
    """What values are called, as labels: all but the numbers in formulas."""
    labels = {v: short(label_of(v)) for v in values if label_of(v)}
    taken = set(map(bare, labels.values()))

    def free(names: Iterable[str]) -> str:
        """The next of the names that looks like none before."""
        name = next(name for name in names if bare(name) not in taken)
        taken.add(bare(name))
        return name

    names = dict(labels)
    for alike in _alike(labels):
        numbers = count(1)
        for v in alike:
            names[v] = free(indexed(labels[v], n) for n in numbers)
    automatic = (f"v_{{{n}}}" for n in count(1))
    names |= {v: free(automatic) for v in values if not label_of(v) and v.kind != "constant"}
    for v in beside:
        if label_of(v) and v not in names:
            label = short(label_of(v))
            seen = {_look(name) for name in names.values() if bare(name) == bare(label)}
            alone = _look(label) not in seen
            names[v] = label if alone else free(indexed(label, n) for n in count(1))
        elif v.kind != "constant" and v not in names:
            names[v] = free(automatic)
    return names


class Namer:
    """What each Value is called: its label, or v with a running number that no label has.

    Values whose labels look alike are told apart by an index, in the order of
    their graph; so no two have one name.

    In formulas a Value stands as one character of Unicode's private area, for
    which the reader of formulas puts the label's markup: so no label is ever
    read as part of a formula.

    Arguments:
        values: those of a graph, in its order.
        beside: others that are to have a name; they change none in the graph.
    """

    def __init__(self, values: Iterable[Value], beside: Iterable[Value] = ()) -> None:
        self._names = _names(list(values), beside)
        self._symbols: dict[Value, Symbol] = {}
        self._data: dict[str, float] = {}
        self.markup: dict[str, str] = {}

    def name(self, v: Value) -> str:
        """The markup of what v is called."""
        return html_of_label(self._names[v]) if v in self._names else number(v.data)

    def symbol(self, v: Value) -> Any:
        """V in a formula: a symbol; for an unnamed constant its number."""
        if v not in self._names:
            return v.item()
        if v not in self._symbols:  # only what a formula needs: there are 131,068 characters
            character = chr(0xF0000 + len(self._symbols))
            self._symbols[v] = Symbol(character, *holds(self._names[v]))
            self._data[character] = v.item()
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
