"""The chain rule, path by path: why a derivative is what it is.

>>> from micrograd import Value
>>> from viz import explain
>>> w, a = Value(0.5, "w"), Value(3.0, "a")
>>> z = w * a; z.label = "z"
>>> C = z.tanh(); C.label = "C"
>>> print(explain(C, w))
∂C/∂w = ∂z/∂w · ∂C/∂z
      = a · tanh′(z)
      = 3 · 0.1807
      = 0.5421
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final

from micrograd import ops
from micrograd.engine import Value, topological_order
from micrograd.text import label_of
from viz.derivation import (
    LATEX,
    MATHML,
    TEXT,
    Derivation,
    Format,
    Line,
    Notation,
    as_latex,
    as_mathml,
    as_text,
    factor,
)
from viz.mathtext import latex_of_number, number, text_of_label, text_of_latex
from viz.mistakes import warn_of_mistakes
from viz.numbers import check_numbers
from viz.paths import Edge, Users, count, edges, gradients, passed_on, walk

MAX_PATHS: Final = 16  # that are listed, where nothing else is said
LONG, ENDS = 12, 5  # of a product longer than that, so many factors are shown at each end
_MOST_TERMS: Final = 16  # of a step of the recursion


@dataclass(frozen=True)
class Path:
    """A way from a value to the root, or the first steps of one.

    Attributes:
        start: where it begins.
        edges: the arguments it goes along.
        gradient: the root's derivative by the last value; 1 where that is the root.
        product: of the factors and the gradient: what it contributes to the derivative.
        share: the product's part of the total; nan where the total is 0.
    """

    start: Value
    edges: tuple[Edge, ...]
    gradient: float
    product: float
    share: float

    @property
    def nodes(self) -> tuple[Value, ...]:
        """The values on it, in order."""
        return (self.start, *(edge.head for edge in self.edges))

    @property
    def factors(self) -> tuple[float, ...]:
        """The local derivatives along it, in order."""
        return tuple(edge.slope for edge in self.edges)


@dataclass(frozen=True, repr=False)
class Explanation:
    """A derivative as the sum over paths of products of local derivatives.

    Printed, it is text for a terminal; in a notebook it shows itself as
    mathematics. Formulas name values by their labels.

    Attributes:
        root: what is differentiated.
        value: what by.
        count: how many paths lead from value to root.
        paths: the paths; none where there are more than were asked for.
        steps: one step of the recursion, for each use of value.
        total: the derivative.
    """

    root: Value
    value: Value
    count: int
    paths: tuple[Path, ...]
    steps: tuple[Path, ...]
    total: float

    def __str__(self) -> str:
        return self._written(TEXT, as_text)

    def __repr__(self) -> str:
        paths = text_of_latex(_counted(self.count))
        return f"<Explanation of {number(self.total)}, {paths}>"

    def latex(self) -> str:
        r"""The derivation as an `aligned` environment of LaTeX, without dollar signs."""
        return self._written(LATEX, as_latex)

    def mathml(self) -> str:
        """The derivation as a `math` element."""
        return self._written(MATHML, as_mathml)

    def _repr_html_(self) -> str:
        return f"<div>{self.mathml()}</div>"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"

    def _written(self, format: Format, write: Callable[[Derivation, Notation], str]) -> str:  # noqa: A002
        notation = Notation(topological_order(self.root), format, [self.value])
        return write(self._derivation(notation), notation)

    def _derivation(self, notation: Notation) -> Derivation:
        """Build the lines: in symbols, in formulas, in numbers, and the total."""
        terms: Sequence[Path] = self.paths or self.steps
        left, total = notation.derivative(self.root, self.value), latex_of_number(self.total)
        note = self._note(notation)
        if len(terms) == 1:
            rows = [row(terms[0], self.root, notation) for row in _ROWS]
            # A product of one factor is that factor: nothing is said twice.
            once = [row for row in dict.fromkeys([*rows, total]) if row != left]
            return Derivation(note, left, [Line("=", row) for row in once])
        whole = sum(abs(term.product) for term in terms)
        # z = w w has one derivative by w, which is a sum of two: w + w.
        chains = list({term.nodes: term for term in terms}.values())
        lines = []
        for row in _ROWS:
            every = chains if row is _in_symbols else terms
            some = every if self.paths else every[:_MOST_TERMS]
            formulas = [row(term, self.root, notation) for term in some]
            if formulas == [left]:
                continue
            for i, (term, formula) in enumerate(zip(some, formulas, strict=True)):
                line = Line("+" if i else "=", formula)
                if row is _in_numbers:
                    weight = abs(term.product) / whole if 0.0 < whole < math.inf else 0.0
                    product = latex_of_number(term.product)
                    line = replace(line, product=product, share=term.share, weight=weight)
                lines.append(line)
            if len(some) < len(every):
                more = rf"\text{{… {len(every) - len(some):,} more}}"
                lines.append(Line("+", more))
        return Derivation(note, left, [*lines, Line("=", total)])

    def _note(self, notation: Notation) -> str:
        value, root = notation.called(self.value), notation.called(self.root)
        if self.count == 0 and self.value in topological_order(self.root):
            why = r"\text{ only through a condition: that decides, and passes nothing on.}"
            return rf"{root}\text{{ depends on }}{value}{why}"
        if self.count == 0:
            return rf"{root}\text{{ does not depend on }}{value}\text{{: no path leads there.}}"
        if self.paths and self.value.hooked and not self.value.parents:
            own = r"\text{ has a \_backward of its own, so its .grad may be another number than}"
            return value + own
        if self.paths:
            return ""
        return (
            rf"{_counted(self.count)}\text{{ lead from }}{value}\text{{ to }}{root}"
            r"\text{; so one step, and the derivatives from there on:}"
        )


def explain(root: Value, w: Value, max_paths: int = MAX_PATHS) -> Explanation:
    """Say why the derivative of root by w is what it is.

    Every path from w to root contributes the product of the local derivatives
    along it, and the derivative is their sum. Paths can be many, 2^n in a
    graph of n nodes; so they are counted first. Where there are too many to
    list, one step of the recursion says the same: the sum, over the values
    computed from w, of their local derivative times the root's derivative by
    them. A function applied to such a value, as an activation function is, is
    part of the step.

    Nothing but the graph and its numbers counts: `backward` need not have run,
    and no `.grad` is read or changed.

    Arguments:
        root: what to differentiate, the cost for example.
        w: what to differentiate by: a parameter, an input or any other value.
        max_paths: how many paths to list at most.

    Returns:
        The explanation; see there.

    Warns:
        UserWarning: for each label that is meant as mathematics and cannot be read;
            for an attribute that is almost called `label`. Printing warns of nothing.

    Raises:
        TypeError: if root or w is no Value, max_paths no integer, or a value's `data` no number.
        ValueError: if max_paths is less than 1; or if a value on the way has a `_backward` of
            its own that passes on something else than local derivatives times its gradient.

    >>> x = Value(3.0, "x")
    >>> explanation = explain(x * x, x)
    >>> explanation.count, [path.product for path in explanation.paths], explanation.total
    (2, [3.0, 3.0], 6.0)
    """
    _check("explain", root=root, w=w)
    if isinstance(max_paths, bool) or not isinstance(max_paths, int):
        raise TypeError(f"explain: expected an integer as max_paths, got {max_paths!r}")
    if max_paths < 1:
        raise ValueError(f"explain: expected max_paths to be at least 1, got {max_paths}")
    order = topological_order(root)
    check_numbers("explain", [*order, w], "data")
    warn_of_mistakes("explain", [*order, w])
    users = edges(order, {w})
    if w not in users:
        return Explanation(root, w, 0, (), (), 0.0)
    _only_products("explain", users)
    n, slopes = count(users, w, root), gradients(users, root)
    total = slopes[w]
    starts = [_first_step(edge, users) for edge in users[w]]
    steps = tuple(_path(w, start, slopes[start[-1].head], total) for start in starts)
    ways = walk(users, w, root) if n <= max_paths else ()
    paths = tuple(_path(w, way, 1.0, total) for way in ways)
    return Explanation(root, w, n, paths, steps, total)


def _only_products(function: str, users: Users) -> None:
    """Raise if what arrives somewhere is no sum of products."""
    for leaving in users.values():
        for edge in leaving:
            if not edge.product:
                raise ValueError(
                    f"{function}: the _backward of {edge.head!r} passes on "
                    "something else than its local derivatives times its gradient (it clips, "
                    "perhaps): so what arrives is no sum over paths of products"
                )


def _path(start: Value, way: tuple[Edge, ...], gradient: float, total: float) -> Path:
    product = reduce(passed_on, reversed(way), gradient)
    return Path(start, way, gradient, product, product / total if total else math.nan)


def _first_step(edge: Edge, users: Users) -> tuple[Edge, ...]:
    """One edge; and the next too where a function of one argument is all that uses its head."""
    following = users[edge.head]
    if len(following) == 1 and len(following[0].head.parents) == 1:
        return edge, following[0]
    return (edge,)


def _in_symbols(path: Path, root: Value, notation: Notation) -> str:
    factors = _ends(path.edges, lambda edge: notation.derivative(edge.head, edge.tail))
    return _product(factors, path, root, notation, "")


def _in_formulas(path: Path, root: Value, notation: Notation) -> str:
    return _product(_ends(path.edges, notation.slope), path, root, notation, "")


def _in_numbers(path: Path, root: Value, notation: Notation) -> str:
    if len(path.edges) == 1 and path.nodes[-1] is root:
        return latex_of_number(path.product)  # alone, it needs no brackets
    factors = _ends(path.edges, lambda edge: factor(edge.slope))
    return _product(factors, path, root, notation, factor(path.gradient))


def _product(factors: list[str], path: Path, root: Value, notation: Notation, gradient: str) -> str:
    """All factors; and the root's derivative, where the path ends before the root."""
    last = path.nodes[-1]
    if last is not root:
        factors = [*factors, gradient or notation.derivative(root, last)]
    return r" \cdot ".join(factors) or "1"


def _ends(edges: Sequence[Edge], written: Callable[[Edge], str]) -> list[str]:
    """The factors; of very many, those at either end."""
    if len(edges) <= LONG:
        return list(map(written, edges))
    first, last = edges[:ENDS], edges[-ENDS:]
    return [*map(written, first), r"\ldots", *map(written, last)]


_ROWS: Final = (_in_symbols, _in_formulas, _in_numbers)


def _counted(count: int) -> str:
    if count >= 10**15:
        return rf"\text{{about }}10^{{{math.log10(count):.0f}}}\text{{ paths}}"
    return rf"\text{{{count:,} {'path' if count == 1 else 'paths'}}}"


def _check(function: str, **values: object) -> None:
    for name, v in values.items():
        if not isinstance(v, Value):
            raise TypeError(f"{function}: expected a Value as {name}, got {type(v).__name__} {v!r}")


class ErrorTerms(dict[Value, float]):
    """The root's derivative by each z = w a + b, in the order they are computed in.

    Printed, it is a table, layer by layer.

    Attributes:
        root: what was differentiated.
    """

    def __init__(self, root: Value, terms: Mapping[Value, float]) -> None:
        super().__init__(terms)
        self.root = root

    def __str__(self) -> str:
        notation = Notation(topological_order(self.root), TEXT)
        names = {z: notation.write(notation.derivative(self.root, z)) for z in self}
        width = max(map(len, names.values()), default=0)
        layers: dict[object, list[Value]] = {}
        for z in self:
            layers.setdefault(_layer(z), []).append(z)
        out = []
        for i, (layer, zs) in enumerate(layers.items(), 1):
            title = text_of_label(layer) if isinstance(layer, str) else f"{i} of {len(layers)}"
            out.append(f"layer {title}")
            out += [f"  {names[z]:{width}} = {number(self[z])}" for z in zs]
        return "\n".join(out) or "no z = w a + b"


def _layer(z: Value) -> object:
    """What the values of a layer have in common: the layer in their label, or their inputs."""
    named = re.search(r"\^\{\(([^{}()]+)\)\}", label_of(z))
    return named[1] if named else z.arguments[1]


def error_terms(cost: Value) -> ErrorTerms:
    """The error terms of a whole network: delta = dC/dz for every z = w a + b.

    They are what back-propagation hands from layer to layer: a bias has the
    error term of its neuron as its derivative, a weight that times the
    activation it multiplies. No `.grad` is read or changed.

    Arguments:
        cost: what to differentiate.

    Returns:
        For each `affine` node behind the cost the derivative; printed, a table.

    Warns:
        UserWarning: as `explain` does.

    Raises:
        TypeError: if cost is no Value, or a value's `data` no number.
        ValueError: as `explain`, for a `_backward` that clips, say.

    >>> from micrograd import Value, affine, squared_error
    >>> z = affine([Value(0.5)], [Value(2.0)], Value(1.0)); z.label = "z^{(L)}"
    >>> C = squared_error(z, Value(1.0)); C.label = "C_0"
    >>> print(error_terms(C))
    layer L
      ∂C₀/∂z⁽ᴸ⁾ = 2
    """
    _check("error_terms", cost=cost)
    order = topological_order(cost)
    check_numbers("error_terms", order, "data")
    warn_of_mistakes("error_terms", order)
    zs = [v for v in order if v.op is ops.affine]
    users = edges(order, set(zs))
    _only_products("error_terms", users)
    slopes = gradients(users, cost)
    return ErrorTerms(cost, {z: slopes[z] for z in zs})
