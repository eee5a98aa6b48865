"""Draw the tree of the chain rule.

>>> from micrograd import Value
>>> from viz import draw
>>> x = Value(3.0, "x")
>>> y = x * x
>>> y.label = "y"; y.backward()
>>> drawing = draw(y)
>>> print(drawing.source.splitlines()[0])
digraph {
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from micrograd.engine import Value, topological_order
from viz.mathtext import html_of_text, number
from viz.mistakes import warn_of_mistakes
from viz.numbers import check_numbers
from viz.picture import FOLDS, Arrow, Box, Picture, behind, picture_of, stale
from viz.render import Drawing
from viz.rows import crossings, rows

# Fill and border of each kind of box. The fills differ in lightness too, and
# the legend names them; so they can be told apart without seeing the hue.
COLOURS: Final = {
    "parameter": ("#cfe3ff", "#1f5fae"),
    "input": ("#d8f3d4", "#2f7d32"),
    "constant": ("#eeeeee", "#8a8a8a"),
    "operation": ("#fff4d6", "#a86f00"),
    "group": ("#eadcf8", "#6f42a0"),
}
WORDS: Final = {
    "parameter": "parameter",
    "input": "input",
    "constant": "constant",
    "operation": "operation",
    "group": "neuron or layer",
}
THIN, WIDER = 0.8, 3.2  # how wide an arrow is that adds nothing, and how much wider at most
_ARROW, _BRIGHT, _FADED = "#4d4d4d", "#c2185b", "#cccccc"
_TEXT, _QUIET_TEXT, _FADED_TEXT = "#1a1a1a", "#666666", "#9a9a9a"
_OFF_PATH: Final = ("#fafafa", _FADED)  # fill and border of a box that is not brought out
MAX_NODES: Final = 200  # boxes of a picture, where nothing else is said
_MOST_TRIED: Final = 20_000  # values of a graph that is folded only to tell whether it fits
_FONT = "Helvetica,Arial,sans-serif"


class TooManyNodesError(ValueError):
    """More boxes than `max_nodes`: fold the picture, or ask for more."""


def draw(
    root: Value,
    *,
    highlight: Value | None = None,
    fold: str | None = None,
    legend: bool = True,
    max_nodes: int = MAX_NODES,
    direction: str = "LR",
) -> Drawing:
    """Draw the graph behind a value: numbers, local derivatives and gradients.

    Each box is a value: its label, the operation that made it, its number and
    its gradient, the root's derivative by it. Where `.grad` has accumulated
    something else, from other graphs or earlier passes, the box says so too.
    Each arrow carries a local derivative, as a formula and as a number; it is
    the wider, the more it adds to the gradient at its tail.

    Arguments:
        root: the value to draw, the cost for example.
        highlight: a value whose paths to the root are brought out.
        fold: None for every value; "neurons" or "layers" for one box each, in
            networks built with `micrograd.nn` or `affine`.
        legend: whether to say what the colours mean.
        max_nodes: more boxes than that are an error, not an unreadable picture.
        direction: "LR", left to right, or "TB", "RL", "BT".

    Returns:
        The drawing. It shows itself in a notebook; `.render("tree.svg")`,
        or .png, .pdf, .dot, writes it to a file.

    Warns:
        UserWarning: if a value is not what its operands give now: a parameter
            has changed since the graph was recorded; for each label that is meant
            as mathematics and cannot be read; for an attribute that is almost
            called `label`.

    Raises:
        TypeError: if root or highlight is no Value, or a value's `data` or `grad` no number.
        TooManyNodesError: for more boxes than max_nodes.
        ValueError: for another fold or direction, or a highlighted value that
            root does not depend on.
    """
    return _drawing(root, highlight, fold, legend, max_nodes, direction)


def drawing_of(
    picture: Picture,
    direction: str,
    lit: set[str] | None = None,
    show: Callable[[float], str] = number,
) -> Drawing:
    """The picture as DOT, without a legend.

    Arguments:
        picture: its last box is the root.
        direction: as for `draw`.
        lit: the names of the boxes to bring out; None for all alike.
        show: how numbers are written.

    Returns:
        The drawing.
    """
    drawing = Drawing(format="svg", graph_attr={"rankdir": direction})
    # Curves that cross run together; straight lines, with room, can be told apart.
    crossing = crossings(picture)
    room, shape = f"{max(0.7, 0.4 + 0.07 * crossing):.2f}", "polyline" if crossing else "spline"
    drawing.attr("graph", bgcolor="white", fontname=_FONT)
    drawing.attr("graph", nodesep="0.3", ranksep=room, splines=shape)
    drawing.attr("node", shape="plain", fontname=_FONT, fontsize="13", fontcolor=_TEXT)
    drawing.attr("edge", fontname=_FONT, fontsize="12", fontcolor=_TEXT, color=_ARROW)
    for box in picture.boxes:
        is_root = box is picture.boxes[-1]
        drawing.node(box.name, _box_html(box, lit is None or box.name in lit, is_root, show))
    widest = max(
        (abs(a.sensitivity) for a in picture.arrows if a.tail.kind != "constant"), default=0.0
    )
    for arrow in picture.arrows:
        _draw_arrow(drawing, arrow, widest, lit, show)
    # An arrow within a row makes Graphviz keep the order; minlen 0 lets it be within.
    neighbours = {(a.name, b.name): None for row in rows(picture) for a, b in pairwise(row)}
    for first, second in neighbours:
        drawing.edge(first, second, style="invis", minlen="0")
    return drawing


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR") -> Drawing:  # noqa: A002
    """Draw under the name, and with the arguments, that micrograd's notebook uses.

    Arguments:
        root: the value to draw.
        format: of the picture: "svg", "png", ...
        rankdir: "LR", left to right, or "TB", top to bottom.

    Returns:
        What `draw` returns.

    Warns:
        UserWarning: as `draw` does.

    Raises:
        ValueError: for an unknown format or direction.
    """
    drawing = _drawing(root, None, None, True, MAX_NODES, rankdir)
    drawing.format = format
    return drawing


def _drawing(
    root: Value,
    highlight: Value | None,
    fold: str | None,
    legend: bool,
    max_nodes: int,
    direction: str,
) -> Drawing:
    """What `draw` returns; a warning points to who called the function that calls this one."""
    _check(root, highlight, direction)
    order = topological_order(root)
    check_numbers("draw", order, "data", "grad")
    if fold is None:
        _check_size(len(order), root, order, fold, max_nodes)
    picture = picture_of(root, order, fold)
    _check_size(len(picture.boxes), root, order, fold, max_nodes)
    changed = stale(order)
    if changed is not None:
        warnings.warn(
            f"draw: {changed!r} is not what its operands give now; a value has changed since "
            "the graph was recorded. Compute it again to draw what holds now",
            stacklevel=3,
        )
    warn_of_mistakes("draw", order, stacklevel=3)
    lit = _lit(root, highlight, picture)
    drawing = drawing_of(picture, direction, lit)
    if legend:
        _draw_legend(drawing, picture, lit)
    return drawing


def _check(root: object, highlight: object, direction: str) -> None:
    if not isinstance(root, Value):
        raise TypeError(f"draw: expected a Value to draw, got {type(root).__name__} {root!r}")
    if highlight is not None and not isinstance(highlight, Value):
        raise TypeError(f"draw: expected a Value as highlight, got {highlight!r}")
    check_direction("draw", direction)


def check_direction(function: str, direction: str) -> None:
    """Raise ValueError, in that function's name, if there is no such direction."""
    if direction not in ("LR", "TB", "RL", "BT"):
        raise ValueError(
            f"{function}: expected direction to be LR, TB, RL or BT, got {direction!r}"
        )


def _check_size(
    boxes: int, root: Value, order: list[Value], fold: str | None, max_nodes: int
) -> None:
    if boxes > max_nodes:
        raise TooManyNodesError(
            f"draw: the picture would have {boxes:,} boxes, more than max_nodes={max_nodes}; "
            f"{_way_out(root, order, fold, max_nodes)}raise max_nodes"
        )


def _way_out(root: Value, order: list[Value], fold: str | None, max_nodes: int) -> str:
    """The next coarser fold that fits; found by trying, unless that takes too long."""
    coarser = FOLDS[FOLDS.index(fold) + 1 :]
    if len(order) > _MOST_TRIED:
        return f"fold={coarser[-1]!r} may help, or " if coarser else ""
    tried = ""
    for one in coarser:
        boxes = len(picture_of(root, order, one).boxes)
        if boxes <= max_nodes:
            return f"fold={one!r} draws {one} as one box each, {boxes:,} in all, or "
        tried = f"there are {boxes:,} even with fold={one!r}; "
    return tried


def _lit(root: Value, highlight: Value | None, picture: Picture) -> set[str] | None:
    """The names of boxes on a path from the highlighted value to the root."""
    if highlight is None:
        return None
    through = behind(root, highlight)
    if not through:
        raise ValueError(f"draw: the root does not depend on {highlight!r}")
    return {box.name for box in picture.boxes if not through.isdisjoint(box.members)}


def _box_html(box: Box, lit: bool, is_root: bool, show: Callable[[float], str]) -> str:
    fill, border = COLOURS[box.kind] if lit else _OFF_PATH
    text = _TEXT if lit else _FADED_TEXT
    width = 3 if is_root else 1
    title = f'<FONT POINT-SIZE="16"><B>{box.title}</B></FONT>' if box.title else ""
    lines = [line.before + ("" if line.number is None else show(line.number)) for line in box.lines]
    rows = "".join(f"<TR><TD> {line} </TD></TR>" for line in [title, *lines] if line)
    return _dot_html(
        f'<FONT COLOR="{text}"><TABLE BORDER="{width}" CELLBORDER="0" CELLSPACING="0" '
        f'CELLPADDING="4" STYLE="ROUNDED" BGCOLOR="{fill}" COLOR="{border}">{rows}'
        "</TABLE></FONT>"
    )


def _dot_html(markup: str) -> str:
    r"""Markup as a DOT label. Even there Graphviz would replace \\N by the node's name."""
    doubled = markup.replace("\\", "\\\\")
    return f"<{doubled}>"


def _draw_arrow(
    drawing: Drawing,
    arrow: Arrow,
    widest: float,
    lit: set[str] | None,
    show: Callable[[float], str],
) -> None:
    share = abs(arrow.sensitivity) / widest if 0.0 < widest < math.inf else 0.0
    if math.isnan(share):  # as a width, Graphviz would end the process
        share = 0.0
    attributes = {"penwidth": f"{THIN + WIDER * share:.2f}"}
    text = _TEXT
    if arrow.tail.kind == "constant":  # nobody moves it
        attributes = {"penwidth": f"{THIN:.2f}", "color": COLOURS["constant"][1]}
        text = _QUIET_TEXT
    if lit is not None:
        on_path = arrow.tail.name in lit and arrow.head.name in lit
        attributes["color"] = _BRIGHT if on_path else _FADED
        text = _BRIGHT if on_path else _FADED_TEXT
    if arrow.local is not None:
        formula = arrow.formula
        if formula != number(arrow.local):
            formula = f"{formula} = {show(arrow.local)}"
        # A table, for the room that its padding keeps between letters and lines.
        attributes["label"] = _dot_html(
            f'<FONT COLOR="{text}"><TABLE BORDER="0" CELLPADDING="3"><TR><TD>{formula}</TD></TR>'
            "</TABLE></FONT>"
        )
    drawing.edge(arrow.tail.name, arrow.head.name, **attributes)


def _draw_legend(drawing: Drawing, picture: Picture, lit: set[str] | None) -> None:
    seen = {box.kind for box in picture.boxes if lit is None or box.name in lit}
    meanings = [(COLOURS[kind], WORDS[kind]) for kind in COLOURS if kind in seen]
    if lit is not None and len(lit) < len(picture.boxes):
        meanings.append((_OFF_PATH, "off the highlighted paths"))
    cells = "".join(
        f'<TR><TD BGCOLOR="{fill}" BORDER="1" COLOR="{border}">    </TD>'
        f'<TD ALIGN="LEFT">{words}</TD></TR>'
        for (fill, border), words in meanings
    )
    if picture.arrows:
        arrow = "→" if lit is None else f'<FONT COLOR="{_BRIGHT}">→</FONT>'
        cells += (
            f'<TR><TD>{arrow}</TD><TD ALIGN="LEFT">local derivative; the wider, the more'
            '<BR ALIGN="LEFT"/>'
            'it adds to the gradient at its tail<BR ALIGN="LEFT"/></TD></TR>'
        )
    with drawing.subgraph(name="cluster_legend") as corner:
        corner.attr(
            label=html_of_text("legend"), color="#bbbbbb", fontsize="11", fontcolor="#555555"
        )
        corner.node(
            "legend",
            f'<<FONT POINT-SIZE="11"><TABLE BORDER="0" CELLSPACING="3" CELLPADDING="2">{cells}'
            "</TABLE></FONT>>",
        )
