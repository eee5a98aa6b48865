"""The picture as SVG that a page can change: Graphviz's places, and text that may be replaced.

Graphviz writes a text piece by piece, each at its own place, which holds for
that text alone. Here a line is one element, centred, and a number in it a part
with a class; so another number may stand there, of any length.
"""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from viz.draw import drawing_of
from viz.mathtext import escaped, number
from viz.picture import Arrow, Box, Picture

# What room is left for a number: the longest that is no power of ten.
_WIDEST: Final = number(-0.0001234)
_MARGIN: Final = 8.0
_ROW, _TITLE_ROW, _BELOW = 24.0, 28.0, 4.5  # heights; and from a row's middle to its base line
_HEAD, _HALF_HEAD = 10.0, 3.8  # an arrow's head: its length is Graphviz's
_TITLE: Final = ' class="title"'
_RAISED: Final = {"SUP": -5, "SUB": 3}

Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where a box is: its middle and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Curve:
    """Where an arrow is: the points of its curve, its tip, and the middle of its label."""

    points: Sequence[Point]
    tip: Point
    label: Point | None


@dataclass(frozen=True)
class Layout:
    """Where everything is, in points, y growing downwards."""

    width: float
    height: float
    boxes: dict[str, Place]
    curves: list[Curve]


def layout(picture: Picture, direction: str) -> Layout:
    """Let Graphviz place the boxes and arrows, with room for any number.

    Arguments:
        picture: the picture.
        direction: as for `draw`.

    Returns:
        The places; the curves in the order of the picture's arrows.

    Raises:
        NoRenderingEngineError: if there is no Graphviz.
        RenderError: if it fails.
    """
    drawing = drawing_of(picture, direction, show=lambda x: _WIDEST)
    drawn = json.loads(drawing.pipe("json"))
    _, _, width, height = _numbers(drawn["bb"])

    def point(x: float, y: float) -> Point:
        return x + _MARGIN, height - y + _MARGIN

    names: dict[int, str] = {}
    boxes: dict[str, Place] = {}
    for one in drawn["objects"]:
        x, y = _numbers(one["pos"])
        names[one["_gvid"]] = one["name"]
        boxes[one["name"]] = Place(
            *point(x, y), 72.0 * float(one["width"]), 72.0 * float(one["height"])
        )
    # Two arrows between the same boxes come in the order they were drawn in.
    between: dict[tuple[str, str], list[Curve]] = defaultdict(list)
    for one in drawn.get("edges", ()):
        numbers = _numbers(one["pos"].removeprefix("e,").replace(" ", ","))
        tip, *points = (point(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))
        label = point(*_numbers(one["lp"])) if "lp" in one else None
        between[names[one["tail"]], names[one["head"]]].append(Curve(points, tip, label))
    curves = [between[arrow.tail.name, arrow.head.name].pop(0) for arrow in picture.arrows]
    return Layout(width + 2 * _MARGIN, height + 2 * _MARGIN, boxes, curves)


@dataclass(frozen=True)
class Label:
    """What stands at an arrow.

    Attributes:
        formula: markup of the local derivative.
        constant: whether that is a number; else its number follows.
    """

    formula: str
    constant: bool


def svg_of(picture: Picture, placed: Layout, labels: Sequence[Sequence[Label]], name: str) -> str:
    """The picture as an `svg` element, whose style is the page's.

    A box has the id of its name, an arrow that of its number, "e0" and so on.
    Numbers are `tspan` elements of the classes value, gradient and slope.

    Arguments:
        picture: the picture, not folded.
        placed: its layout.
        labels: for each arrow its label; several for a formula by cases.
        name: what a screen reader calls the picture.

    Returns:
        The element.
    """
    arrows = (
        _arrow(f"e{i}", arrow, curve, several)
        for i, (arrow, curve, several) in enumerate(
            zip(picture.arrows, placed.curves, labels, strict=True)
        )
    )
    boxes = (_box(box, placed.boxes[box.name], box is picture.boxes[-1]) for box in picture.boxes)
    size = f"{placed.width:.0f} {placed.height:.0f}"
    return (
        f'<svg id="picture" viewBox="0 0 {size}" role="group" aria-label="{escaped(name)}">\n'
        '<g id="scene">\n<g id="arrows" aria-hidden="true">\n' + "\n".join(arrows) + "\n</g>\n"
        '<g id="trails" aria-hidden="true"></g>\n<g id="boxes">\n' + "\n".join(boxes) + "\n</g>\n"
        "</g>\n</svg>"
    )


def moved(picture: Picture, old: Layout, new: Layout) -> dict[str, Any]:
    """What a page needs to change the picture from one layout to another.

    Arguments:
        picture: the picture.
        old: the layout that `svg_of` was given.
        new: the one to change to.

    Returns:
        The new size; for each box how far it moves; for each arrow its line,
        its head, and the middle of its label if it has one.
    """
    pairs = [(old.boxes[box.name], new.boxes[box.name]) for box in picture.boxes]
    return {
        "size": [round(new.width), round(new.height)],
        "boxes": [[round(b.x - a.x, 1), round(b.y - a.y, 1)] for a, b in pairs],
        "arrows": [
            [_path(curve), _head(curve), *(_label(*curve.label) if curve.label else ())]
            for curve in new.curves
        ],
    }


def _box(box: Box, place: Place, is_root: bool) -> str:
    kind = f"box {box.kind}{' root' if is_root else ''}"
    lines = [(_TITLE, _text(box.title))] if box.title else []
    numbers = iter(("value", "gradient"))
    for line in box.lines:
        text = _text(line.before)
        if line.number is not None:
            text += f'<tspan class="{next(numbers)}">{number(line.number)}</tspan>'
        lines.append(("", text))
    heights = [_TITLE_ROW if css else _ROW for css, _ in lines]
    scale = place.height / sum(heights) if heights else 1.0
    y = place.y - place.height / 2.0
    rows = ""
    for (css, text), height in zip(lines, heights, strict=True):
        base = y + scale * height / 2.0 + _BELOW + (1.0 if css else 0.0)
        rows += f'<text{css} x="{place.x:.1f}" y="{base:.1f}">{text}</text>'
        y += scale * height
    x, y = place.x - place.width / 2.0, place.y - place.height / 2.0
    return (
        f'<g id="{box.name}" class="{kind}"><rect x="{x:.1f}" y="{y:.1f}" rx="8" '
        f'width="{place.width:.1f}" height="{place.height:.1f}"/>{rows}</g>'
    )


def _arrow(name: str, arrow: Arrow, curve: Curve, labels: Sequence[Label]) -> str:
    out = (
        f'<g id="{name}" class="arrow{" constant" * (arrow.tail.kind == "constant")}">'
        f'<path class="line" d="{_path(curve)}"/><path class="head" d="{_head(curve)}"/>'
    )
    if curve.label is not None:
        x, y = _label(*curve.label)
        for i, label in enumerate(labels):
            hidden = ' class="other"' * (i > 0)
            text = _text(label.formula)
            if arrow.local is not None and not label.constant:
                text += f'<tspan class="slope"> = {number(arrow.local)}</tspan>'
            out += f'<text{hidden} x="{x}" y="{y}">{text}</text>'
    return out + "</g>"


def _label(x: float, y: float) -> tuple[float, float]:
    """Where a label's text stands whose middle is there."""
    return round(x, 1), round(y + 4.0, 1)


def _path(curve: Curve) -> str:
    (x, y), *rest = curve.points
    return f"M{x:.1f},{y:.1f}C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in rest)


def _head(curve: Curve) -> str:
    """A triangle from the curve's end to the arrow's tip."""
    (x, y), (tip_x, tip_y) = curve.points[-1], curve.tip
    length = math.hypot(tip_x - x, tip_y - y) or 1.0
    along_x, along_y = (tip_x - x) / length, (tip_y - y) / length
    half = _HALF_HEAD * length / _HEAD
    return (
        f"M{x - half * along_y:.1f},{y + half * along_x:.1f}L{tip_x:.1f},{tip_y:.1f}"
        f"L{x + half * along_y:.1f},{y - half * along_x:.1f}Z"
    )


def _text(markup: str) -> str:
    """Graphviz's markup as the content of an SVG text.

    >>> _text('<I>w</I><SUB><FONT POINT-SIZE="10"><I>j</I></FONT></SUB> = 1')
    '<tspan class="i">w</tspan><tspan class="i s" dy="3">j</tspan><tspan dy="-3"> = 1</tspan>'
    """
    before, out = 0, ""
    for text, italic, height in _runs(ElementTree.fromstring(f"<line>{markup}</line>"), False, 0):
        css = " ".join(["i"] * italic + ["s"] * (height != 0))
        attributes = f' class="{css}"' if css else ""
        if height != before:
            attributes += f' dy="{height - before}"'
        out += f"<tspan{attributes}>{escaped(text)}</tspan>" if attributes else escaped(text)
        before = height
    return out


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


def _numbers(text: str) -> list[float]:
    return [float(x) for x in text.split(",")]
