"""A derivation, line by line, as text for a terminal, as LaTeX and as MathML.

Its formulas are LaTeX, in which a Value stands as one character (see Namer);
each way to write it reads the same lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from micrograd import ops
from micrograd.engine import Value
from micrograd.ops import Primitive
from micrograd.symbols import Expression, Symbol
from viz.markup import latex_of_label, latex_of_latex, mathml_of_label, mathml_of_latex
from viz.mathtext import latex_of_number, number, text_of_label, text_of_latex
from viz.names import Namer
from viz.paths import Edge


@dataclass(frozen=True)
class Line:
    """One line of a derivation.

    Attributes:
        relation: "=" or "+".
        formula: what stands on the right.
        product: what that term comes to; "" where it is not said.
        share: the term's share of the total; nan where it is not said.
        weight: the length of the bar that shows it, from 0 to 1.
    """

    relation: str
    formula: str
    product: str = ""
    share: float = math.nan
    weight: float = 0.0


@dataclass(frozen=True)
class Derivation:
    """What is derived, how, and what is to be said before."""

    note: str
    left: str
    lines: list[Line]


@dataclass(frozen=True)
class Format:
    """How labels and formulas are written."""

    label: Callable[[str], str]
    latex: Callable[[str, Mapping[str, str]], str]


TEXT: Final = Format(text_of_label, text_of_latex)
LATEX: Final = Format(latex_of_label, latex_of_latex)
MATHML: Final = Format(mathml_of_label, mathml_of_latex)

_BAR: Final = 10  # characters of a whole bar
_RIGHT, _LEFT = 'style="text-align: right"', 'style="text-align: left"'


class Notation(Namer):
    """The values' names in one format.

    Arguments:
        values: those of the graph, in its order.
        format: how the names are written.
        beside: as for Namer.
    """

    def __init__(
        self,
        values: Iterable[Value],
        format: Format,  # noqa: A002
        beside: Iterable[Value] = (),
    ) -> None:
        super().__init__(values, beside)
        self.format = format

    def name(self, v: Value) -> str:
        """What v is called, in this format."""
        return self.format.label(self._names[v])

    def write(self, latex: str) -> str:
        """Any formula of these values, in this format."""
        return self.format.latex(latex, self.markup)

    def called(self, v: Value) -> str:
        """What stands for v in a formula that is to be written."""
        symbol = self.symbol(v)
        return symbol.name if isinstance(symbol, Symbol) else latex_of_number(v.data)

    def derivative(self, root: Value, v: Value) -> str:
        """The derivative of root by v."""
        above, below = self.called(root), self.called(v)
        return rf"\frac{{\partial{above}}}{{\partial{below}}}"

    def slope(self, edge: Edge) -> str:
        """The local derivative of an edge, as a formula; of one by cases, the case that applies."""
        head = edge.head
        op = head.op
        assert op is not None
        function = function_name(op)
        if function:  # sigma(z) has the derivative sigma'(z)
            argument = self.symbol(edge.tail)
            inside = argument.name if isinstance(argument, Symbol) else latex_of_number(argument)
            return rf"{function}^{{\prime}}\left({inside}\right)"
        formula = self._applying(self.slopes(head)[edge.place])
        if not isinstance(formula, Expression):
            return factor(float(formula))
        latex = formula.latex()
        loose = formula.op is not None and formula.op.level <= ops.SUM
        return rf"\left({latex}\right)" if loose else latex


def factor(x: float) -> str:
    """A number as a factor of a product: a negative one in brackets."""
    latex = latex_of_number(x)
    return rf"\left({latex}\right)" if latex.startswith("-") else latex


def function_name(op: Primitive) -> str:
    """The name of a function of one argument that prints as name(argument); else ""."""
    if not isinstance(op.latex, str) or len(op.arguments) != 1 or any(op.starred):
        return ""
    name, bracket, argument = op.latex.rpartition("({")
    if not bracket or argument != f"{op.arguments[0]}}})":
        return ""
    return name.format() if re.fullmatch(r"\\?[A-Za-z]+|\\operatorname\{\{[^{}]+\}\}", name) else ""


def as_text(derivation: Derivation, notation: Notation) -> str:
    """Write it for a terminal, in columns."""
    left = notation.write(derivation.left)
    lines = derivation.lines
    formulas = [notation.write(line.formula) for line in lines]
    products = [notation.write(line.product) for line in lines]
    shares = [_percent(line.share) for line in lines]
    width = max((len(f) for f, p in zip(formulas, products, strict=True) if p), default=0)
    out = [notation.write(derivation.note)] if derivation.note else []
    for line, formula, product, share in zip(lines, formulas, products, shares, strict=True):
        shown = f"{left} {line.relation} {formula}"
        if product:
            shown = f"{left} {line.relation} {formula:{width}} = {product:{_longest(products)}}"
        if share:
            shown += f"  {share:>{_longest(shares)}}  {_bar(line.weight)}"
        out.append(shown.rstrip())
        left = " " * len(left)
    return "\n".join(out)


def as_latex(derivation: Derivation, notation: Notation) -> str:
    """Write it as an `aligned` environment."""
    rows = [f"& {derivation.note}"] if derivation.note else []
    left = derivation.left
    for line in derivation.lines:
        # After a plus sign, an empty group keeps it an operator of two operands.
        relation = "=" if line.relation == "=" else r"\quad + {}"
        row = f"{left} &{relation} {line.formula}"
        if line.product:
            row += f" &&= {line.product}"
        if not math.isnan(line.share):
            share = _percent(line.share).replace("−", "-").replace(" %", r"\,\%")
            row += rf" &&{share}\;\rule{{{2.0 * line.weight:.2f}em}}{{0.6em}}"
        rows.append(row.strip())
        left = ""
    inside = " \\\\\n".join(map(notation.write, rows))
    return f"\\begin{{aligned}}\n{inside}\n\\end{{aligned}}"


def as_mathml(derivation: Derivation, notation: Notation) -> str:
    """Write it as a table."""
    rows = []
    left = derivation.left
    for line in derivation.lines:
        cells = [
            (_RIGHT, notation.write(left)),
            (_RIGHT, f"<mo>{line.relation}</mo>"),
            (_LEFT, notation.write(line.formula)),
        ]
        if line.product:
            cells.append((_LEFT, f"<mrow><mo>=</mo>{notation.write(line.product)}</mrow>"))
        if not math.isnan(line.share):
            cells.append((_RIGHT, f"<mtext>{_percent(line.share)}</mtext>"))
            cells.append((_LEFT, f"<mtext>{_bar(line.weight)}</mtext>"))
        rows.append("".join(f"<mtd {style}>{cell}</mtd>" for style, cell in cells))
        left = ""
    table = _mathml_table(rows)
    if derivation.note:  # not among the columns, which it would stretch
        note = notation.write(derivation.note)
        table = _mathml_table([f"<mtd {_LEFT}>{cell}</mtd>" for cell in (note, table)])
    return f'<math display="block">{table}</math>'


def _mathml_table(rows: list[str]) -> str:
    inside = "".join(f"<mtr>{row}</mtr>" for row in rows)
    return f'<mtable displaystyle="true">{inside}</mtable>'


def _longest(texts: list[str]) -> int:
    return max(map(len, texts))


def _percent(share: float) -> str:
    if math.isnan(share):
        return ""
    percent = 100.0 * share
    shown = f"{percent:.1f}".replace("-", "−") if abs(percent) < 1e4 else number(percent)
    return f"{shown} %"


def _bar(weight: float) -> str:
    """As long as the term weighs; the shortest there is for one that hardly does.

    >>> _bar(0.5), _bar(0.001)
    ('█████', '▏')
    """
    return "█" * round(_BAR * weight) or "▏"
