"""Where boxes and arrows go: columns from the leaves to the root, and no arrow through a box.

A leaf that one operation reads stands beside it; everything else is in a column,
one further than what it is computed from. The layout knows sizes only: it serves
the static picture and the page, left to right and top down.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Final

from viz.picture import Arrow, Box, Picture

HEAD: Final = 8.0  # how long an arrow's head is
_SWEEPS: Final = 8

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
    """Where an arrow is: the points of its Bezier curve, and its tip.

    `beside` says that it leads from a leaf to the operation beside it.
    """

    points: tuple[Point, ...]
    tip: Point
    beside: bool


@dataclass(frozen=True)
class Layout:
    """Where everything is, in pixels, y growing downwards from 0; the curves by arrow."""

    width: float
    height: float
    boxes: dict[str, Place]
    curves: list[Curve]


@dataclass(frozen=True)
class Spacing:
    """How much room there is, in pixels.

    Attributes:
        gap: between columns, for the arrows between them.
        beside: between an operation and the leaf beside it.
        between: between two boxes of a column.
        stacked: between two leaves beside the same operation.
    """

    gap: Callable[[Sequence[Arrow]], float]
    beside: float = 18.0
    between: float = 16.0
    stacked: float = 6.0
    lane: float = 8.0
    margin: float = 10.0


@dataclass(eq=False)
class _Cell:
    """A place in a column: of a box with the leaves beside it, or of an arrow that passes."""

    box: Box | None
    index: int
    before: list[Box] = field(default_factory=list)  # beside it: above, or to the left
    after: list[Box] = field(default_factory=list)
    up: float = 4.0  # how far it reaches from its middle, across the columns
    down: float = 4.0
    along: float = 0.0
    v: float = 0.0
    back: list[_Cell] = field(default_factory=list)
    front: list[_Cell] = field(default_factory=list)


def layout(
    picture: Picture, size: Callable[[Box], tuple[float, float]], direction: str, space: Spacing
) -> Layout:
    """Place the boxes and arrows.

    Arguments:
        picture: the picture; its last box is the root.
        size: each box's width and height.
        direction: "LR", left to right, or "TB", "RL", "BT".
        space: the room between them.

    Returns:
        The places; the curves in the order of the picture's arrows.
    """
    return _Placing(picture, size, direction, space).result()


class _Placing:
    """In coordinates u, along the columns' way, and v, across it."""

    def __init__(
        self,
        picture: Picture,
        size: Callable[[Box], tuple[float, float]],
        direction: str,
        space: Spacing,
    ) -> None:
        self.picture, self.direction, self.space = picture, direction, space
        self.upright = direction in ("TB", "BT")
        sizes = {box.name: size(box) for box in picture.boxes}
        self.size = {n: (h, w) if self.upright else (w, h) for n, (w, h) in sizes.items()}
        self.into: dict[str, list[int]] = defaultdict(list)
        self.out: dict[str, list[int]] = defaultdict(list)
        for k, arrow in enumerate(picture.arrows):
            self.into[arrow.head.name].append(k)
            self.out[arrow.tail.name].append(k)
        self.host = self._hosts()
        self.cells: dict[str, _Cell] = {}
        self.ways: dict[int, list[_Cell]] = {}
        self.columns = self._columns()
        self._order()
        self._across()
        self.places: dict[str, tuple[float, float]] = {}
        self._along()
        self.column = {cell: i for i, column in enumerate(self.columns) for cell in column}

    def _hosts(self) -> dict[str, Box]:
        """For each leaf that stands beside the one operation that reads it, that operation."""
        arrows = self.picture.arrows
        alone: dict[str, Box] = {}
        for box in self.picture.boxes:
            heads = {arrows[k].head.name: arrows[k].head for k in self.out[box.name]}
            if not self.into[box.name] and len(heads) == 1:
                [alone[box.name]] = heads.values()
        # What goes in first stays on the way, where nothing else does.
        for head in {head.name: head for head in alone.values()}.values():
            tails = [arrows[k].tail for k in self.into[head.name]]
            if all(tail.name in alone for tail in tails):
                for tail in tails:
                    if tail.kind not in ("parameter", "constant"):
                        alone.pop(tail.name, None)
        return alone

    def _columns(self) -> list[list[_Cell]]:
        arrows, boxes = self.picture.arrows, self.picture.boxes
        rank: dict[str, int] = {}
        tails = {b.name: {arrows[k].tail.name for k in self.into[b.name]} for b in boxes}
        for name in TopologicalSorter(tails).static_order():
            rank[name] = max((1 + rank[n] for n in tails[name] if n not in self.host), default=0)
        for box in reversed(boxes):  # what needs no other box is next to whoever reads it first
            needed = any(arrows[k].tail.name not in self.host for k in self.into[box.name])
            if not needed and box.name not in self.host and self.out[box.name]:
                rank[box.name] = min(rank[arrows[k].head.name] for k in self.out[box.name]) - 1
        lowest = min(rank[box.name] for box in boxes if box.name not in self.host)
        columns: dict[int, list[_Cell]] = defaultdict(list)
        for i, box in enumerate(boxes):
            if box.name not in self.host:
                cell = self.cells[box.name] = _Cell(box, i)
                columns[rank[box.name] - lowest].append(cell)
        for box in boxes:
            if box.name in self.host:
                self._beside(self.cells[self.host[box.name].name], box)
        for cell in self.cells.values():
            self._extent(cell)
        for k, arrow in enumerate(arrows):
            if arrow.tail.name in self.host:
                continue
            last, end = self.cells[arrow.tail.name], self.cells[arrow.head.name]
            self.ways[k] = [last]
            for column in range(rank[arrow.tail.name] + 1, rank[arrow.head.name]):
                passing = _Cell(None, k)
                columns[column - lowest].append(passing)
                self._link(last, passing)
                self.ways[k].append(passing)
                last = passing
            self._link(last, end)
            self.ways[k].append(end)
        return [columns[i] for i in sorted(columns)]

    @staticmethod
    def _link(a: _Cell, b: _Cell) -> None:
        a.front.append(b)
        b.back.append(a)

    def _beside(self, cell: _Cell, leaf: Box) -> None:
        """Put leaves on both sides in turn; a single one above if it is a parameter."""
        assert cell.box is not None
        names = dict.fromkeys(self.picture.arrows[k].tail.name for k in self.into[cell.box.name])
        all_ = [name for name in names if name in self.host]
        first = (len(all_) + 1) // 2 if len(all_) > 1 else int(leaf.kind == "parameter")
        (cell.before if all_.index(leaf.name) < first else cell.after).append(leaf)

    def _extent(self, cell: _Cell) -> None:
        assert cell.box is not None
        along, across = self.size[cell.box.name]
        cell.along, cell.up, cell.down = along, across / 2, across / 2
        for side, leaves in (("up", cell.before), ("down", cell.after)):
            if not leaves:
                continue
            sizes = [self.size[leaf.name] for leaf in leaves]
            stacked = self.space.stacked * (len(leaves) - 1)
            if self.upright:  # all in one stack, which faces the operation
                reach = max(v for _, v in sizes)
                cell.along = max(cell.along, sum(u for u, _ in sizes) + stacked)
            else:
                reach = sum(v for _, v in sizes) + stacked
                lanes = self.space.lane * (len(leaves) + 0.4) if len(leaves) > 1 else 0.0
                left = max(u for u, _ in sizes) + lanes - along / 2
                cell.along = max(cell.along, 2 * left if lanes else max(u for u, _ in sizes))
            setattr(cell, side, across / 2 + self.space.beside + reach)

    def _order(self) -> None:
        """Sort each column by where its neighbours are, and keep what crosses least."""
        for column in self.columns:
            column.sort(key=lambda cell: cell.index)
        best, least = [list(c) for c in self.columns], self._crossings()
        for sweep in range(_SWEEPS):
            forward = sweep % 2 == 0
            for column in self.columns if forward else self.columns[::-1]:
                place = {id(c): i for one in self.columns for i, c in enumerate(one)}
                middle = {}
                for i, cell in enumerate(column):
                    near = cell.back if forward else cell.front
                    at = [place[id(c)] for c in near]
                    middle[id(cell)] = sum(at) / len(at) if at else float(i)
                column.sort(key=lambda cell, middle=middle: middle[id(cell)])  # type: ignore[misc]
            now = self._crossings()
            if now < least:
                best, least = [list(c) for c in self.columns], now
        self.columns = best

    def _crossings(self) -> int:
        total = 0
        for column, following in pairwise(self.columns):
            place = {id(c): i for i, c in enumerate(following)}
            seen: list[int] = []
            for cell in column:
                ends = sorted(place[id(f)] for f in cell.front)
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return total

    def _across(self) -> None:
        """Move each cell to the middle of its neighbours, as far as the others allow."""
        for column in self.columns:
            self._settle(column, [0.0] * len(column))
        for sweep in range(4 * _SWEEPS):
            last = sweep >= 4 * _SWEEPS - 6
            for column in self.columns if sweep % 2 == 0 else self.columns[::-1]:
                wanted = []
                for cell in column:
                    near = cell.back if sweep % 2 == 0 else cell.front
                    near = [*cell.back, *cell.front] if last or not near else near
                    pulls = [(_pull(cell, c), c.v) for c in near]
                    whole = sum(pull for pull, _ in pulls)
                    wanted.append(sum(p * v for p, v in pulls) / whole if near else cell.v)
                self._settle(column, wanted)

    def _settle(self, column: list[_Cell], wanted: list[float]) -> None:
        """As near to where they are wanted as their order and sizes allow: least squares."""
        offset, offsets = 0.0, []
        for i, cell in enumerate(column):
            if i:
                both = column[i - 1].box is not None and cell.box is not None
                room = self.space.between if both else self.space.between / 2
                offset += column[i - 1].down + room + cell.up
            offsets.append(offset)
        blocks: list[tuple[float, int]] = []  # of cells that touch: their sum, and how many
        for want, by in zip(wanted, offsets, strict=True):
            total, n = want - by, 1
            while blocks and blocks[-1][0] / blocks[-1][1] > total / n:
                before = blocks.pop()
                total, n = total + before[0], n + before[1]
            blocks.append((total, n))
        i = 0
        for total, n in blocks:
            for _ in range(n):
                column[i].v = total / n + offsets[i]
                i += 1

    def _along(self) -> None:
        """Set the columns side by side, and each leaf beside its operation."""
        u = 0.0
        self.edges: list[tuple[float, float]] = []
        for i, column in enumerate(self.columns):
            width = max(cell.along for cell in column)
            self.edges.append((u, u + width))
            for cell in column:
                if cell.box is not None:
                    self._set(cell, u + width / 2)
            crossing = [
                self.picture.arrows[k]
                for k, way in self.ways.items()
                if any(c in way[:-1] for c in column)
            ]
            u += width + (self.space.gap(crossing) if i + 1 < len(self.columns) else 0.0)

    def _set(self, cell: _Cell, u: float) -> None:
        assert cell.box is not None
        self.places[cell.box.name] = (u, cell.v)
        along, across = self.size[cell.box.name]
        for leaves, way in ((cell.before, -1.0), (cell.after, 1.0)):
            sizes = [self.size[leaf.name] for leaf in leaves]
            if self.upright:
                at = u - (sum(s for s, _ in sizes) + self.space.stacked * (len(sizes) - 1)) / 2
                for leaf, (su, sv) in zip(leaves, sizes, strict=True):
                    v = cell.v + way * (across / 2 + self.space.beside + sv / 2)
                    self.places[leaf.name] = (at + su / 2, v)
                    at += su + self.space.stacked
                continue
            at = cell.v + way * (across / 2 + self.space.beside)
            for leaf, (su, sv) in zip(leaves[::-1] if way < 0 else leaves, sizes, strict=True):
                lanes = self.space.lane * (len(leaves) + 0.4)
                shift = (along - su) / 2 - lanes if len(leaves) > 1 else 0.0
                self.places[leaf.name] = (u + shift, at + way * sv / 2)
                at += way * (sv + self.space.stacked)

    def result(self) -> Layout:
        """The places and curves, turned as the direction has it."""
        ways = self._ways()
        points = [p for way, _ in ways for p in way]
        for name, (u, v) in self.places.items():
            su, sv = self.size[name]
            points += [(u - su / 2, v - sv / 2), (u + su / 2, v + sv / 2)]
        margin = self.space.margin
        low = [min(p[i] for p in points) - margin for i in (0, 1)]
        high = [max(p[i] for p in points) + margin for i in (0, 1)]

        def turned(p: Point) -> Point:
            u, v = p[0] - low[0], p[1] - low[1]
            if self.direction in ("RL", "BT"):
                u = high[0] - low[0] - u
            return (v, u) if self.upright else (u, v)

        boxes = {}
        for name, place in self.places.items():
            size = self.size[name][::-1] if self.upright else self.size[name]
            boxes[name] = Place(*turned(place), *size)
        curves = []
        for k, (way, beside) in enumerate(ways):
            *rest, tip = map(turned, way)
            curves.append(Curve(tuple(rest), tip, beside))
            assert (len(rest) - 1) % 3 == 0, k
        width, height = high[0] - low[0], high[1] - low[1]
        size = (height, width) if self.upright else (width, height)
        return Layout(*size, boxes, curves)

    def _ways(self) -> list[tuple[list[Point], bool]]:
        """For each arrow its Bezier points and its tip."""
        ports = self._ports()
        out = []
        for k, arrow in enumerate(self.picture.arrows):
            if arrow.tail.name in self.host:
                out.append((self._short(k, arrow), True))
                continue
            su, _ = self.size[arrow.tail.name]
            hu, _ = self.size[arrow.head.name]
            (u0, v0), (u1, v1) = self.places[arrow.tail.name], self.places[arrow.head.name]
            at = (u0 + su / 2, v0 + ports[k, "out"])
            end = (u1 - hu / 2 - HEAD, v1 + ports[k, "in"])
            way = [at]
            # Across the whole of a column it goes straight: bends are between columns.
            if self.edges[self.column[self.ways[k][0]]][1] > at[0] + 1:
                way += _line(at, self.edges[self.column[self.ways[k][0]]][1])
            for cell in self.ways[k][1:-1]:
                left, right = self.edges[self.column[cell]]
                way += _bend(way[-1], (left - 4, cell.v)) + _line((left - 4, cell.v), right + 4)
            left = self.edges[self.column[self.ways[k][-1]]][0] - HEAD
            if left < end[0] - 1:
                way += _bend(way[-1], (left, end[1])) + _line((left, end[1]), end[0])
            else:
                way += _bend(way[-1], end)
            out.append(([*way, (end[0] + HEAD, end[1])], False))
        return out

    def _ports(self) -> dict[tuple[int, str], float]:
        """How far from the middle of its box's side each arrow leaves and arrives."""
        ports = {}
        for name in self.cells:
            _, across = self.size[name]
            for end, several, near in (("out", self.out[name], 1), ("in", self.into[name], -2)):
                mine = [k for k in several if k in self.ways]
                mine.sort(key=lambda k, near=near: (self.ways[k][near].v, k))  # type: ignore[misc]
                step = min(11.0, (across - 14) / max(len(mine) - 1, 1))
                for i, k in enumerate(mine):
                    ports[k, end] = step * (i - (len(mine) - 1) / 2)
        return ports

    def _short(self, k: int, arrow: Arrow) -> list[Point]:
        """From a leaf to the operation beside it."""
        cell = self.cells[arrow.head.name]
        (u0, v0), (u1, v1) = self.places[arrow.tail.name], self.places[arrow.head.name]
        su, sv = self.size[arrow.tail.name]
        hu, hv = self.size[arrow.head.name]
        first = arrow.tail in cell.before
        leaves = cell.before if first else cell.after
        way = 1.0 if first else -1.0  # the arrow's, across
        all_ = [
            j
            for leaf in leaves
            for j in self.into[arrow.head.name]
            if self.picture.arrows[j].tail is leaf
        ]
        i, n = all_.index(k), len(all_)
        if self.upright:
            step = min(12.0, (hu - 14) / max(n - 1, 1))
            start = (u0, v0 + way * sv / 2)
            end = (u1 + step * (i - (n - 1) / 2), v1 - way * (hv / 2 + HEAD))
            middle = (start[1] + end[1]) / 2
            return [start, (start[0], middle), (end[0], middle), end, (end[0], end[1] + way * HEAD)]
        tip = v1 - way * hv / 2
        if len(leaves) == 1:
            u = u0 + 14.0 * (i - (n - 1) / 2)
            start, end = (u, v0 + way * sv / 2), (u, tip - way * HEAD)
            return [*_straight(start, end), (u, tip)]
        # The nearest leaf has the innermost lane.
        turn = n - 1 - i if first else i
        lane = u0 + su / 2 + self.space.lane * (turn + 0.6)
        start, corner = (u0 + su / 2, v0), (lane, v0 + way * self.space.lane)
        bend = [start, (lane, v0), (lane, v0), corner]
        return [*bend, *_straight(corner, (lane, tip - way * HEAD))[1:], (lane, tip)]


def _pull(a: _Cell, b: _Cell) -> float:
    """How much two neighbours want to be on one line: much, where neither has another there."""
    first, last = (a, b) if b in a.front else (b, a)
    alone = len(set(map(id, first.front))) == 1 and len(set(map(id, last.back))) == 1
    return 1000.0 if alone else 1.0


def _bend(a: Point, b: Point) -> list[Point]:
    """From a to b, leaving and arriving along the way; without a itself."""
    reach = max(0.5 * (b[0] - a[0]), 6.0)
    return [(a[0] + reach, a[1]), (b[0] - reach, b[1]), b]


def _line(a: Point, u: float) -> list[Point]:
    return [(a[0] + (u - a[0]) / 3, a[1]), (a[0] + 2 * (u - a[0]) / 3, a[1]), (u, a[1])]


def _straight(a: Point, b: Point) -> list[Point]:
    def between(t: float) -> Point:
        return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])

    return [a, between(1 / 3), between(2 / 3), b]


def at(curve: Curve, t: float) -> Point:
    """The point of a curve at t, from 0 at its start to 1 at its end."""
    segments = (len(curve.points) - 1) // 3
    i = min(int(t * segments), segments - 1)
    s = t * segments - i
    a, b, c, d = curve.points[3 * i : 3 * i + 4]
    parts = [(1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s * s * (1 - s), s**3]
    x, y = (sum(w * p[j] for w, p in zip(parts, (a, b, c, d), strict=True)) for j in (0, 1))
    return x, y
