"""A graph as data for the page: names and formulas, who is computed from whom, in which order.

Formulas are trees of MathML, an element being a list of its tag, its
attributes if it has any, and what is in it. A number in a tree stands for the
node of that number: for its name, or for its value.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from typing import Any

from micrograd import ops
from micrograd.engine import Value
from micrograd.generate import closed
from micrograd.symbols import Expression
from micrograd.text import label_of
from viz.derivation import MATHML, TEXT, Format, Notation, function_name
from viz.javascript import javascript
from viz.mathtext import latex_of_number
from viz.names import Case, cases


class References(Notation):
    """Formulas in which a Value stands as the number of its node.

    Arguments:
        order: the graph, as `topological_order` gives it.

    Attributes:
        place: each value's number.
        by_cases: for each operation, by each of its parents: the local
            derivative's formulas, one for each case.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        super().__init__(order, MATHML)
        self.place = {v: i for i, v in enumerate(order)}
        symbols = {v: self.symbol(v) for v in order if not is_number_in_a_formula(v)}
        self.numbers = {symbol.name: f"v[{self.place[v]}]" for v, symbol in symbols.items()}
        self.by_cases: dict[Value, list[list[Case]]] = {
            v: list(map(cases, self.slopes(v))) for v in order if v.op is not None
        }

    def name(self, v: Value) -> str:
        """The reference to v."""
        return f"<ref>{self.place[v]}</ref>"

    def written(self, v: Value, format: Format) -> str:  # noqa: A002
        """What v is called."""
        if v in self._names:
            return format.label(self._names[v])
        return format.latex(latex_of_number(v.data), {})

    def tree(self, formula: Any) -> Any:
        """A formula as a tree."""
        latex = formula.latex() if isinstance(formula, Expression) else latex_of_number(formula)
        return _tree(ElementTree.fromstring(self.write(latex)))


def in_one_line(markup: str) -> str:
    """Graphviz's markup without line breaks."""
    return markup.replace("<BR/>", " ")


def is_number_in_a_formula(v: Value) -> bool:
    """Whether v is one that nobody differentiates by, as the 2 in x ** 2."""
    return v.kind == "constant" and not label_of(v)


def nodes(order: Sequence[Value], notation: References) -> Iterator[dict[str, Any]]:
    """For each value what the page needs to know of it.

    Its `value` follows from the leaves as they are now, whatever `.data` holds.
    """
    numbers: dict[Value, float] = {}
    for v in order:
        if v.op is None:
            numbers[v] = v.item()
        else:
            numbers[v] = v.op.ieee(*v.op.mapped(numbers.__getitem__, v.arguments))
        node: dict[str, Any] = {
            "kind": v.kind,
            "name": _tree(ElementTree.fromstring(notation.written(v, MATHML))),
            "text": notation.written(v, TEXT),
            "value": _exact(numbers[v]),
            "free": v.op is None and not is_number_in_a_formula(v),
        }
        if v.op is not None:
            node["op"] = v.op.code_name
            node["arguments"] = v.op.mapped(notation.place.__getitem__, v.arguments)
            symbols = v.op.mapped(notation.symbol, v.arguments)
            node["formula"] = notation.tree(Expression(v.op, symbols))
        yield node


def edges(order: Sequence[Value], notation: References) -> Iterator[dict[str, Any]]:
    """For each arrow of the picture, in its order, what the page needs to know of it."""
    for v in order:
        if v.op is None:
            continue
        places = [
            (i, j)
            for i, argument in enumerate(v.arguments)
            for j in (range(len(argument)) if isinstance(argument, tuple) else [None])
        ]
        function, none = function_name(v.op), closed(v.op)
        for p, (i, j), several in zip(v.parents, places, notation.by_cases[v], strict=True):
            live = not is_number_in_a_formula(p)
            edge = {
                "tail": notation.place[p],
                "head": notation.place[v],
                "argument": i,
                "element": j,
                "live": live and p.kind != "constant" and not none[i],
                "slopes": [_slope(formula, notation) for _, formula in several if live],
            }
            if function and live:  # sigma(z) has the derivative sigma'(z)
                prime = rf"{function}^{{\prime}}\left({notation.called(p)}\right)"
                edge["prime"] = _tree(ElementTree.fromstring(notation.write(prime)))
            yield edge


def _slope(formula: Any, notation: References) -> dict[str, Any]:
    op = formula.op if isinstance(formula, Expression) else None
    constant = not isinstance(formula, Expression)
    return {
        "formula": notation.tree(formula),
        # What a product has to put in brackets.
        "loose": op.level <= ops.SUM if op else constant and float(formula) < 0.0,
        "constant": constant,
    }


def backward_order(order: Sequence[Value], found: Sequence[dict[str, Any]]) -> list[int]:
    """The numbers of the edges in the order in which `backward` goes along them."""
    into: dict[int, list[int]] = {}
    for i, edge in enumerate(found):
        if edge["live"]:
            into.setdefault(edge["head"], []).append(i)

    def turn(i: int) -> tuple[bool, int]:
        element = found[i]["element"]  # w_0, x_0, w_1, x_1 and so on, and then the bias
        return element is None, element or 0

    return [i for head in reversed(range(len(order))) for i in sorted(into.get(head, ()), key=turn)]


def choices(order: Sequence[Value], notation: References) -> str:
    """A JavaScript object: for each edge whose formula has cases, which of them applies."""
    lines = []
    slopes = (slope for v in order for slope in notation.by_cases.get(v, ()))
    for i, several in enumerate(slopes):
        if len(several) > 1:
            tests = [
                " && ".join(
                    f"{javascript(condition, notation.numbers)} {'!==' if truth else '==='} 0"
                    for condition, truth in conditions
                )
                for conditions, _ in several
            ]
            lines.append(f"  {i}: v => [{', '.join(tests)}].indexOf(true),\n")
    return f"const choices = {{\n{''.join(lines)}}};"


def _exact(x: float) -> float | str:
    """A number as JSON has it, or what JavaScript calls it."""
    if math.isfinite(x):
        return x
    return "NaN" if math.isnan(x) else "Infinity" if x > 0.0 else "-Infinity"


def _tree(element: ElementTree.Element) -> Any:
    if element.tag == "ref":
        return int(element.text or "")
    tree: list[Any] = [element.tag]
    if element.attrib:
        tree.append(dict(element.attrib))
    if element.text:
        tree.append(element.text)
    return tree + list(map(_tree, element))
