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

import warnings
from typing import Final

from micrograd.engine import Value, topological_order
from viz.derivation import TEXT, Notation
from viz.dot import drawing_of
from viz.language import check_language
from viz.mathtext import number
from viz.mistakes import warn_of_mistakes
from viz.names import Namer
from viz.numbers import check_numbers
from viz.picture import FOLDS, Picture, behind, picture_of, stale
from viz.render import Drawing

MAX_NODES: Final = 200  # boxes of a picture, where nothing else is said
_MOST_TRIED: Final = 20_000  # values of a graph that is folded only to tell whether it fits
_MOST_SAID: Final = 8  # values on a path that is said in words
_MOST_ARROWS: Final = 3  # for each of max_nodes: beyond that nobody can tell them apart


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
    lang: str = "en",
) -> Drawing:
    """Draw the graph behind a value: numbers, local derivatives and gradients.

    Each box is a value: its label, the operation that made it, its number and
    its gradient, the root's derivative by it, as a number and as a bar. Where
    `.grad` has accumulated something else, from other graphs or earlier passes,
    the box says so too. Each arrow carries a local derivative, as a number and,
    where there is room, with its name and its formula; it is the wider, the more
    it adds to the gradient at its tail. Blue is positive, orange negative.

    Arguments:
        root: the value to draw, the cost for example.
        highlight: a value whose paths to the root are brought out.
        fold: None for every value; "neurons" or "layers" for one box each, in
            networks built with `micrograd.nn` or `affine`.
        legend: whether to say what the colours mean.
        max_nodes: more boxes than that, or three times as many arrows, are an error, not an
            unreadable picture.
        direction: "LR", left to right, or "TB", "RL", "BT".
        lang: "en" or "zh": the legend's language.

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
        ValueError: for another fold, direction or language, or a highlighted value that
            root does not depend on.
    """
    language = check_language("draw", lang)
    return _drawing(root, highlight, fold, language if legend else "", max_nodes, direction)


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
    drawing = _drawing(root, None, None, "en", MAX_NODES, rankdir)
    drawing.format = format
    return drawing


def _drawing(
    root: Value,
    highlight: Value | None,
    fold: str | None,
    legend: str,
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
    if _is_a_tangle(picture, max_nodes):
        raise TooManyNodesError(
            f"draw: the picture would have {len(picture.arrows):,} arrows, which nobody can tell "
            f"apart; {_way_out(root, order, fold, max_nodes)}raise max_nodes"
        )
    changed = stale(order)
    if changed is not None:
        warnings.warn(
            f"draw: {changed!r} is not what its operands give now; a value has changed since "
            "the graph was recorded. Compute it again to draw what holds now",
            stacklevel=3,
        )
    warn_of_mistakes("draw", order, stacklevel=3)
    lit = _lit(root, highlight, picture)
    names = Notation(order, TEXT)
    drawing = drawing_of(picture, direction, lit, Namer(order).name(root), legend)
    drawing.alt = _said(picture, highlight, names)
    return drawing


def _said(picture: Picture, highlight: Value | None, names: Notation) -> str:
    """The picture in words: one path to the root, and the root's derivative by where it begins."""
    last = picture.boxes[-1]
    starts = [box for box in picture.boxes if highlight in box.members] or picture.boxes
    box, way = starts[0], [starts[0]]
    following = {arrow.tail.name: arrow.head for arrow in reversed(picture.arrows)}
    while box is not last:
        box = following[box.name]
        way.append(box)
    said = [names.write(names.called(box.members[-1])) for box in way]
    if len(said) > _MOST_SAID:
        said = [*said[: _MOST_SAID // 2], "…", *said[-_MOST_SAID // 2 :]]
    text = f"The chain rule of {said[-1]}: {' → '.join(said)}"
    gradient = way[0].gradient
    return text if gradient is None else f"{text}; ∂{said[-1]}/∂{said[0]} = {number(gradient)}"


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


def _is_a_tangle(picture: Picture, max_nodes: int) -> bool:
    return len(picture.arrows) > _MOST_ARROWS * max_nodes


def _way_out(root: Value, order: list[Value], fold: str | None, max_nodes: int) -> str:
    """The next coarser fold that fits; found by trying, unless that takes too long."""
    coarser = FOLDS[FOLDS.index(fold) + 1 :]
    if len(order) > _MOST_TRIED:
        return f"fold={coarser[-1]!r} may help, or " if coarser else ""
    tried = ""
    for one in coarser:
        coarse = picture_of(root, order, one)
        boxes = len(coarse.boxes)
        if boxes <= max_nodes and not _is_a_tangle(coarse, max_nodes):
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
