"""The picture as SVG that a page can change: two layouts, and text that may be replaced."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from viz.layout import Curve, Layout, Spacing, layout
from viz.mathtext import escaped, number
from viz.picture import Arrow, Box, Picture
from viz.style import SHAPES, TEXT, TITLE, sign, width_of

DIGITS: Final = 3  # of a number in the picture; what is beside it shows more
_HALF_HEAD: Final = 3.6  # half the width of an arrow's head
_RAISED: Final = {"SUP": -5, "SUB": 3}
_LONGEST: Final = 150.0  # of a title, in pixels


@dataclass(frozen=True)
class Format:
    """How boxes look: the lines of an operation, and its size.

    Attributes:
        direction: which way the picture runs.
        card: the least width of an operation, and its height.
        leaf: of a leaf.
        tall: whether an operation's value has a line of its own.
        space: the room between boxes.
    """

    direction: str
    card: tuple[float, float]
    leaf: tuple[float, float]
    tall: bool
    space: Spacing


def _wide_gap(arrows: Sequence[Arrow]) -> float:
    return 30.0 if len(arrows) < 4 else 54.0


def _low_gap(arrows: Sequence[Arrow]) -> float:
    return 13.0 if len(arrows) < 4 else 40.0


_AIRY: Final = Spacing(_wide_gap, beside=40.0, between=30.0, stacked=8.0, lane=8.0, margin=8.0)
_ACROSS: Final = Spacing(_wide_gap, beside=15.0, between=12.0, stacked=4.0, lane=7.0, margin=6.0)
_DOWN: Final = Spacing(_low_gap, beside=12.0, between=12.0, stacked=5.0, margin=4.0)


def airy(direction: str) -> Format:
    """For a small picture in a large window."""
    return Format(direction, (88.0, 60.0), (84.0, 36.0), True, _AIRY)


def across(direction: str) -> Format:
    """For a window that is wider than high."""
    return Format(direction, (88.0, 60.0), (84.0, 36.0), True, _ACROSS)


def down(direction: str) -> Format:
    """For one that is higher than wide, as a phone's."""
    return Format(direction, (118.0, 36.0), (108.0, 36.0), False, _DOWN)


def format_of(direction: str) -> Format:
    """The format that suits a direction."""
    return down(direction) if direction in ("TB", "BT") else across(direction)


@dataclass(frozen=True)
class Placed:
    """A layout, and the boxes' format and sizes."""

    format: Format
    sizes: dict[str, tuple[float, float]]  # by kind; a number in a formula has its own
    layout: Layout


def place(picture: Picture, format: Format) -> Placed:  # noqa: A002
    """Lay the picture out.

    Arguments:
        picture: the picture, not folded.
        format: how boxes look.

    Returns:
        The layout; boxes of a kind are of one size.
    """
    sizes: dict[str, tuple[float, float]] = {}
    for kind in SHAPES:
        boxes = [box for box in picture.boxes if box.kind == kind and box.value is not None]
        leaf = kind != "operation"
        least, height = format.leaf if leaf else format.card
        inline = leaf or not format.tall
        room = 62.0 if inline else 16.0  # beside a title: its number
        widest = max((_title_width(box) for box in boxes), default=0.0)
        sizes[kind] = max(least, min(widest, _LONGEST) + room), height
    lanes = 8.0 * max((_leaves(picture, box) for box in picture.boxes), default=0)
    if format.tall and lanes > 16.0:
        width, height = sizes["operation"]
        sizes["operation"] = max(width, sizes["parameter"][0] + lanes / 2.0 - 16.0), height
    for box in picture.boxes:
        if box.value is None:
            sizes[box.name] = width_of(box.title, TEXT) + 12.0, 20.0

    def size(box: Box) -> tuple[float, float]:
        return sizes.get(box.name) or sizes[box.kind]

    return Placed(format, sizes, layout(picture, size, format.direction, format.space))


def _leaves(picture: Picture, box: Box) -> int:
    return sum(a.head is box and a.tail.kind == "parameter" for a in picture.arrows)


def _title_width(box: Box) -> float:
    return width_of(box.title, TITLE)


def svg_of(picture: Picture, placed: Placed, name: str) -> str:
    """The picture as an `svg` element, whose style is the page's.

    A box has the id of its name, an arrow that of its number, "e0" and so on.
    Numbers are elements of the classes value and gradient.

    Arguments:
        picture: the picture, not folded.
        placed: its layout.
        name: what a screen reader calls the picture.

    Returns:
        The element.
    """
    numbered = list(enumerate(zip(picture.arrows, placed.layout.curves, strict=True)))
    arrows = [_arrow(f"e{i}", arrow, curve) for i, (arrow, curve) in numbered]
    shapes = [
        f'<path id="shape-{kind}" d="{outline(SHAPES[kind][0], *placed.sizes[kind])}"/>'
        for kind in SHAPES
    ]
    boxes = [_box(box, placed, box is picture.boxes[-1]) for box in picture.boxes]
    size = f"{placed.layout.width:.0f} {placed.layout.height:.0f}"
    return (
        f'<svg id="picture" viewBox="0 0 {size}" role="group" aria-label="{escaped(name)}">\n'
        "<defs>" + "".join(shapes) + "</defs>\n"
        '<g id="scene">\n<g id="arrows">\n' + "\n".join(arrows) + "\n</g>\n"
        '<g id="trails" aria-hidden="true"></g>\n<g id="boxes">\n' + "\n".join(boxes) + "\n</g>\n"
        '<g id="labels" aria-hidden="true"></g>\n'
        '<g id="tokens" aria-hidden="true"></g>\n</g>\n</svg>'
    )


def data_of(picture: Picture, placed: Placed) -> dict[str, Any]:
    """What a page needs to show a layout.

    Arguments:
        picture: the picture.
        placed: its layout.

    Returns:
        The size; whether values have a line of their own; the sizes of each kind of box;
        for each box its middle; for each arrow its line and its head.
    """
    one = placed.layout
    return {
        "size": [round(one.width), round(one.height)],
        "tall": placed.format.tall,
        "kinds": {kind: [round(x, 1) for x in size] for kind, size in placed.sizes.items()},
        "shapes": {kind: outline(SHAPES[kind][0], *placed.sizes[kind]) for kind in SHAPES},
        "boxes": [[round(x, 1) for x in _middle(one, box)] for box in picture.boxes],
        "arrows": [[_path(curve), _head(curve)] for curve in one.curves],
    }


def _middle(one: Layout, box: Box) -> tuple[float, float]:
    return one.boxes[box.name].x, one.boxes[box.name].y


def outline(shape: str, width: float, height: float) -> str:
    """The outline of a box around its middle, as a path.

    >>> outline("slanted", 20, 10)
    'M-6,-5H10L6,5H-10Z'
    """
    x, y = width / 2, height / 2
    if shape == "slanted":
        lean = 0.4 * y
        return f"M{2 * lean - x:g},{-y:g}H{x:g}L{x - 2 * lean:g},{y:g}H{-x:g}Z"
    r = y if shape == "pill" else min(7.0, y)
    return (
        f"M{r - x:g},{-y:g}H{x - r:g}A{r:g},{r:g} 0 0 1 {x:g},{r - y:g}V{y - r:g}"
        f"A{r:g},{r:g} 0 0 1 {x - r:g},{y:g}H{r - x:g}A{r:g},{r:g} 0 0 1 {-x:g},{y - r:g}"
        f"V{r - y:g}A{r:g},{r:g} 0 0 1 {r - x:g},{-y:g}Z"
    )


def _box(box: Box, placed: Placed, is_root: bool) -> str:
    x, y = _middle(placed.layout, box)
    width, _ = placed.sizes.get(box.name) or placed.sizes[box.kind]
    kind = f"box {SHAPES[box.kind][0]} {box.kind}{' root' if is_root else ''}"
    inline = box.kind != "operation" or not placed.format.tall
    title = _shortened(box.title)
    symbol = ""
    if box.symbol and _title_width(box) + width_of(box.symbol, TEXT) + 18.0 <= width:
        symbol = f'<tspan class="symbol" dx="5">{_text(box.symbol)}</tspan>'
    if box.value is None:
        inside, shape = f'<text class="title" y="4">{_text(box.title)}</text>', ""
    else:
        shape = f'<use class="shape" href="#shape-{box.kind}"/>'
        inside = (
            f'<text class="title{" end" * inline}" x="{_split(width) if inline else 0:g}" '
            f'y="{_rows(inline)[0]}">{title}{symbol}</text>'
            f'<text class="value{" start" * inline}" x="{_split(width) + 6 if inline else 0:g}" '
            f'y="{_rows(inline)[1]}">{number(box.value, DIGITS)}</text>'
        )
    marks = ""
    if box.gradient is not None:
        inside += (
            f'<rect class="bar" y="{_rows(inline)[2]}" height="3" width="0"/>'
            f'<text class="slope" y="{_rows(inline)[3]}"><tspan class="word">grad</tspan> '
            f'<tspan class="gradient">{number(box.gradient, DIGITS)}</tspan></text>'
        )
        marks = f' data-sign="{sign(box.gradient)}"'
    return (
        f'<g id="{box.name}" class="{kind}"{marks} transform="translate({x:.1f},{y:.1f})">'
        f"{shape}{inside}</g>"
    )


def _split(width: float) -> float:
    """Where, in one line, a title ends; behind it is the value."""
    return round(-0.08 * width, 1)


def _rows(inline: bool) -> tuple[float, float, float, float]:
    """The base lines of title and value, the top of the bar, the base line of the gradient."""
    return (-4.0, -4.0, 0.5, 14.0) if inline else (-14.0, 2.5, 7.0, 22.0)


def _shortened(title: str) -> str:
    """A title, as far as there is room."""
    if width_of(title, TITLE) <= _LONGEST or "<" in title.replace("<I>", "").replace("</I>", ""):
        return _text(title)
    plain = "".join(text for text, _, _ in _runs(_element(title), False, 0))
    while plain and width_of(plain + "…", TITLE) > _LONGEST:
        plain = plain[:-1]
    return escaped(plain + "…")


def _arrow(name: str, arrow: Arrow, curve: Curve) -> str:
    css = "arrow" + " constant" * (arrow.tail.kind == "constant")
    return (
        f'<g id="{name}" class="{css}"><path class="line" d="{_path(curve)}"/>'
        f'<path class="head" d="{_head(curve)}"/></g>'
    )


def _path(curve: Curve) -> str:
    (x, y), *rest = curve.points
    return f"M{_short(x)},{_short(y)}C" + " ".join(f"{_short(x)},{_short(y)}" for x, y in rest)


def _short(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def _head(curve: Curve) -> str:
    """A triangle from the curve's end to the arrow's tip."""
    (x, y), (tip_x, tip_y) = curve.points[-1], curve.tip
    length = math.hypot(tip_x - x, tip_y - y) or 1.0
    across_x, across_y = _HALF_HEAD * (y - tip_y) / length, _HALF_HEAD * (tip_x - x) / length
    return (
        f"M{_short(x + across_x)},{_short(y + across_y)}L{_short(tip_x)},{_short(tip_y)}"
        f"L{_short(x - across_x)},{_short(y - across_y)}Z"
    )


def _text(markup: str) -> str:
    """Graphviz's markup as the content of an SVG text.

    >>> _text('<I>w</I><SUB><FONT POINT-SIZE="10"><I>j</I></FONT></SUB> = 1')
    '<tspan class="i">w</tspan><tspan class="i s" dy="3">j</tspan><tspan dy="-3"> = 1</tspan>'
    """
    before, out = 0, ""
    for text, italic, height in _runs(_element(markup), False, 0):
        css = " ".join(["i"] * italic + ["s"] * (height != 0))
        attributes = f' class="{css}"' if css else ""
        if height != before:
            attributes += f' dy="{height - before}"'
        out += f"<tspan{attributes}>{escaped(text)}</tspan>" if attributes else escaped(text)
        before = height
    # What follows stands on the line again.
    return out + (f'<tspan dy="{-before}">\u200b</tspan>' if before else "")


def _element(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<line>{markup}</line>")


def _runs(
    element: ElementTree.Element, italic: bool, height: int
) -> Iterable[tuple[str, bool, int]]:
    """The element's texts, each with whether it is in italics and how far it is lowered."""
    if element.tag == "BR":
        yield " ", italic, height
    italic_inside = italic or element.tag == "I"
    height_inside = height + _RAISED.get(element.tag, 0)
    if element.text:
        yield element.text, italic_inside, height_inside
    for child in element:
        yield from _runs(child, italic_inside, height_inside)
        if child.tail:
            yield child.tail, italic_inside, height_inside
