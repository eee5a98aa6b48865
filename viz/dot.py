"""A picture as DOT text that says where everything is, so that any Graphviz draws the same."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from viz.arrowlabels import Rectangle, places
from viz.language import catalogue
from viz.layout import Layout, Spacing, layout
from viz.mathtext import escaped, number
from viz.picture import Arrow, Box, Picture
from viz.render import Drawing
from viz.style import (
    BAR,
    FONT,
    LIGHT,
    SHAPES,
    SMALL,
    TEXT,
    THIN,
    TITLE,
    WIDER,
    sign,
    width_of,
)

_LINE: Final = 17.0  # pixels from one line of text to the next
_PAD: Final = 9.0
_LONG_FORMULA: Final = 104.0  # pixels, beyond which a box names its operation only


def drawing_of(
    picture: Picture, direction: str, lit: set[str] | None, root: str, legend: str
) -> Drawing:
    """The picture as DOT.

    Arguments:
        picture: its last box is the root.
        direction: as for `draw`.
        lit: the names of the boxes to bring out; None for all alike.
        root: markup of what the root is called.
        legend: the language in which to say what shapes and colours mean; "" for no legend.

    Returns:
        The drawing.
    """
    rows = {box.name: _rows(box, root) for box in picture.boxes}
    sizes = _sizes(picture, rows)
    placed = layout(picture, lambda box: sizes[box.name], direction, _spacing(direction))
    drawing = Drawing(format="svg", graph_attr={"layout": "nop2"})
    drawing.attr("graph", bgcolor=LIGHT["paper"], fontname=FONT, pad="0.1")
    drawing.attr("node", fontname=FONT, fontsize=f"{TEXT}", fontcolor=LIGHT["ink"], margin="0")
    drawing.attr("edge", fontname=FONT, fontsize=f"{TEXT}", arrowsize="0.8")
    strongest = max((abs(b.gradient) for b in picture.boxes[:-1] if b.gradient), default=0.0)
    for box in picture.boxes:
        bright = lit is None or box.name in lit
        _box(drawing, box, rows[box.name], placed, bright, strongest, box is picture.boxes[-1])
    labels = [_variants(arrow) for arrow in picture.arrows]
    for several, curve in zip(labels, placed.curves, strict=True):
        if curve.beside and len(several) > 2 and direction in ("LR", "RL"):
            several[:2] = several[1::-1]  # two lines: there is more height than width
    wanted = [[_size(lines) for lines in several] for several in labels]
    widest = max((abs(a.sensitivity) for a in picture.arrows if _moves(a)), default=0.0)
    for k, found in enumerate(places(placed, wanted)):
        arrow = picture.arrows[k]
        bright = lit is None or (arrow.tail.name in lit and arrow.head.name in lit)
        label = None
        if labels[k]:
            lines, there = (labels[k][found[0]], found[1]) if found else _anyhow(placed, k, labels)
            label = _label_html(lines, arrow, bright), there
        _arrow(drawing, placed, k, arrow, bright, widest, label)
    if legend:
        _legend(drawing, picture, placed, lit, catalogue(legend))
    return drawing


def _moves(arrow: Arrow) -> bool:
    return arrow.tail.kind != "constant"  # nobody moves that


def _spacing(direction: str) -> Spacing:
    upright = direction in ("TB", "BT")

    def gap(arrows: Sequence[Arrow]) -> float:
        if upright:
            return 52.0 if len(arrows) < 4 else 84.0
        texts = [_variants(arrow) for arrow in arrows if arrow.local is not None]
        which = -3 if len(arrows) < 4 else -1
        widths = [_size(several[max(which, -len(several))])[0] for several in texts if several]
        most = max(widths, default=20.0)
        return min(max(most + 44.0 if len(arrows) < 4 else 2.0 * most + 50.0, 56.0), 190.0)

    return Spacing(gap, beside=120.0 if upright else 42.0, between=24.0, stacked=8.0, margin=6.0)


# Boxes.


def _rows(box: Box, root: str) -> list[str]:
    """The lines of a box, without its bar, as markup."""
    title = f'<FONT POINT-SIZE="{TITLE}"><B>{box.title}</B></FONT>' if box.title else ""
    if box.formula and width_of(f"{box.title} = {box.formula}", TEXT) <= _LONG_FORMULA:
        title += f" = {box.formula}"
    elif box.symbol:
        title += f'&#160; <FONT COLOR="{LIGHT["quiet"]}">{box.symbol}</FONT>'
    value = "" if box.value is None else f"<B>{number(box.value)}</B>"
    if box.kind in ("parameter", "input", "constant") and value:
        lines = [f"{title} = {value}" if title else value]
    else:
        lines = [line for line in (title, value) if line]
    lines += [f'<FONT POINT-SIZE="{SMALL}">{note}</FONT>' for note in box.notes]
    if box.gradient is not None:
        colour = LIGHT[sign(box.gradient)]
        short = box.derivative and width_of(box.title, TEXT) < 70
        name = f"∂{root}/∂{box.title}" if short else "gradient"
        lines.append(f'{name} = <FONT COLOR="{colour}">{number(box.gradient)}</FONT>')
    return lines


def _sizes(picture: Picture, rows: dict[str, list[str]]) -> dict[str, tuple[float, float]]:
    """Boxes of one kind are of one width."""
    widths: dict[str, float] = {}
    for box in picture.boxes:
        widest = max((width_of(line, TEXT) for line in rows[box.name]), default=0.0)
        slant = 18.0 if box.kind == "input" else 0.0
        mine = min(max(widest, 30.0), 320.0) + 2 * _PAD + slant
        if box.value is None and box.kind == "constant":
            widths[box.name] = max(widest, 10.0) + 8.0
        else:
            widths[box.kind] = max(widths.get(box.kind, 0.0), mine)
    out = {}
    for box in picture.boxes:
        n = max(len(rows[box.name]), 1)
        bar = 13.0 if box.gradient is not None else 0.0
        out[box.name] = widths.get(box.name, widths.get(box.kind, 0.0)), _LINE * n + bar + 8.0
    return out


def _box(
    drawing: Drawing,
    box: Box,
    rows: list[str],
    placed: Layout,
    lit: bool,
    strongest: float,
    is_root: bool,
) -> None:
    place = placed.boxes[box.name]
    lines = rows if lit else [re.sub(r' COLOR="[^"]*"', "", row) for row in rows]
    cells = [f"<TR><TD>{line}</TD></TR>" for line in lines]
    if box.gradient is not None:
        cells.insert(len(cells) - 1, _bar(box.gradient, strongest, place.width - 30.0, lit))
    text = LIGHT["ink"] if lit else LIGHT["quiet"]
    table = (
        f'<FONT COLOR="{text}"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f"{''.join(cells)}</TABLE></FONT>"
    )
    formula = re.sub(r"<[^>]*>", "", f"{box.title} = {box.formula}" if box.formula else box.title)
    drawing.node(
        box.name,
        dot_html(table) if cells else "",
        pos=_at(placed, place.x, place.y),
        width=_inches(place.width),
        height=_inches(place.height),
        fixedsize="shape",
        fillcolor=LIGHT["paper"] if lit else LIGHT["canvas"],
        color=LIGHT["ink"] if is_root and lit else LIGHT["border"] if lit else LIGHT["line"],
        penwidth="2.2" if is_root else "1.2",
        tooltip=_quoted(formula),
        **SHAPES[box.kind][1],
    )


def _bar(gradient: float, strongest: float, width: float, lit: bool) -> str:
    """A bar from the middle: to the right for a positive gradient, to the left for a negative."""
    half = max(int(width / 2), 12)
    part = min(abs(gradient) / strongest, 1.0) if 0.0 < strongest < float("inf") else 0.0
    long = max(round(half * part), 1) if part == part and gradient else 0
    colour = LIGHT[sign(gradient)] if lit else LIGHT["border"]
    pieces = [(half - long, ""), (long, colour)]
    pieces = pieces if gradient < 0.0 else pieces[::-1]
    none = [(half, "")]
    left, right = (pieces, none) if gradient < 0.0 else (none, pieces)
    cells = "".join(
        f'<TD FIXEDSIZE="TRUE" WIDTH="{n}" HEIGHT="{BAR}"' + f' BGCOLOR="{c}"' * bool(c) + "></TD>"
        for n, c in [*left, (1, LIGHT["border"]), *right]
        if n
    )
    return (
        '<TR><TD CELLPADDING="4"><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
        f"<TR>{cells}</TR></TABLE></TD></TR>"
    )


# Arrows.


def _variants(arrow: Arrow) -> list[list[str]]:
    """What an arrow may say, the most first: its local derivative's name, formula and number."""
    if arrow.local is None:
        return []
    shown = number(arrow.local)
    worth = [arrow.formula] if arrow.formula not in (shown, "") else []
    name = [arrow.name] if arrow.name else []
    out = [
        [" = ".join([*name, *worth, shown])],
        [" = ".join([*name, *worth]), f"= {shown}"],
        [*name[:1], *(f"= {one}" for one in [*worth, shown])] if name else [],
        [" = ".join([*worth, shown])],
        [shown],
    ]
    return [lines for i, lines in enumerate(out) if lines and lines not in out[:i]]


def _size(lines: Sequence[str]) -> tuple[float, float]:
    return max(width_of(line, TEXT) for line in lines) + 4.0, 17.0 * len(lines)


def _anyhow(
    placed: Layout, k: int, labels: Sequence[list[list[str]]]
) -> tuple[list[str], Rectangle]:
    """Where there is room for nothing: the number, in the middle of the arrow."""
    points, lines = placed.curves[k].points, labels[k][-1]
    x, y = points[len(points) // 2]
    return lines, Rectangle(x, y, *_size(lines))


def _label_html(lines: Sequence[str], arrow: Arrow, lit: bool) -> str:
    assert arrow.local is not None
    shown = number(arrow.local)
    colour = LIGHT[sign(arrow.local)] if lit and _moves(arrow) else LIGHT["quiet"]
    before = lines[-1].removesuffix(shown)
    rows = [*lines[:-1], f'{before}<FONT COLOR="{colour}">{shown}</FONT>']
    text = LIGHT["ink"] if lit and _moves(arrow) else LIGHT["quiet"]
    inside = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    return dot_html(
        f'<FONT COLOR="{text}"><TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1" '
        f'BGCOLOR="{LIGHT["paper"]}">{inside}</TABLE></FONT>'
    )


def _arrow(
    drawing: Drawing,
    placed: Layout,
    k: int,
    arrow: Arrow,
    lit: bool,
    widest: float,
    label: tuple[str, Rectangle] | None,
) -> None:
    curve = placed.curves[k]
    share = abs(arrow.sensitivity) / widest if 0.0 < widest < math.inf else 0.0
    if math.isnan(share):  # as a width, Graphviz would end the process
        share = 0.0
    colour, width = LIGHT["border"], THIN
    if _moves(arrow) and lit:
        colour, width = (
            LIGHT[sign(arrow.sensitivity)],
            THIN + WIDER * (share if share == share else 0),
        )
    if not lit:
        colour = LIGHT["line"]
    tip = _at(placed, *curve.tip)
    points = " ".join(_at(placed, *p) for p in curve.points)
    attributes = {"pos": f"e,{tip} {points}", "color": colour, "penwidth": f"{width:.2f}"}
    if label is not None:
        attributes |= {"label": label[0], "lp": _at(placed, label[1].x, label[1].y)}
    drawing.edge(arrow.tail.name, arrow.head.name, **attributes)


# The legend, below the picture.


def _legend(
    drawing: Drawing,
    picture: Picture,
    placed: Layout,
    lit: set[str] | None,
    texts_of: Mapping[str, str],
) -> None:
    seen = {box.kind for box in picture.boxes}
    y, x = placed.height + 26.0, 8.0
    for kind in [kind for kind in SHAPES if kind in seen]:
        words = texts_of[kind]
        width = width_of(words, SMALL) + 24.0
        _legend_node(drawing, placed, f"legend_{kind}", (x + width / 2, y, width), words, kind)
        x += width + 12.0
    texts = [
        f'<FONT COLOR="{LIGHT["positive"]}">▬ {texts_of["positive"]}</FONT>',
        f'<FONT COLOR="{LIGHT["negative"]}">▬ {texts_of["negative"]}</FONT>',
    ]
    if picture.arrows:
        texts.append(texts_of["draw_arrow"])
    if lit is not None and len(lit) < len(picture.boxes):
        texts.append(texts_of["draw_grey"])
    x = 8.0 if x + sum(width_of(t, SMALL) for t in texts) > max(placed.width, 700.0) else x
    y += 28.0 if x == 8.0 else 0.0
    for i, text in enumerate(texts):
        width = width_of(text, SMALL) + 8.0
        if i and x + width > max(placed.width, 420.0):
            x, y = 8.0, y + 20.0
        _legend_node(drawing, placed, f"legend_text{i}", (x + width / 2, y, width), text, "")
        x += width + 6.0


def _legend_node(
    drawing: Drawing,
    placed: Layout,
    name: str,
    where: tuple[float, float, float],
    text: str,
    kind: str,
) -> None:
    x, y, width = where
    colours = {"fillcolor": LIGHT["paper"], "color": LIGHT["border"]}
    shape = SHAPES[kind][1] if kind else {"shape": "plaintext"}
    drawing.node(
        name,
        f'<<FONT POINT-SIZE="{SMALL}" COLOR="{LIGHT["quiet"]}">{text}</FONT>>',
        pos=_at(placed, x, y),
        width=_inches(width),
        height=_inches(20.0),
        fixedsize="shape",
        **shape,
        **colours,
    )


# DOT has inches, points and a y that grows upwards; here a point is a pixel.


def _at(placed: Layout, x: float, y: float) -> str:
    return f"{x:.1f},{placed.height - y:.1f}"


def _inches(pixels: float) -> str:
    return f"{pixels / 72.0:.3f}"


def dot_html(markup: str) -> str:
    r"""Markup as a DOT label. Even there Graphviz would replace \\N by the node's name."""
    doubled = markup.replace("\\", "\\\\")
    return f"<{doubled}>"


def _quoted(text: str) -> str:
    r"""A tooltip: as it stands, whatever backslashes are in it."""
    return escaped(text).replace("\\", "\\\\")
