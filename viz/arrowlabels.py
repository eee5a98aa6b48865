"""Where the texts at arrows stand: on no box, on no other text, and if possible on no arrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from viz.layout import Layout, Point, at

_ALONG: Final = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.12, 0.88)
_SAMPLES: Final = 24  # points of a curve that are looked at
_APART: Final = 3.0  # pixels between two texts


@dataclass(frozen=True)
class Rectangle:
    """A rectangle by its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Rectangle, apart: float = 0.0) -> bool:
        """Whether the two overlap, or are nearer than that."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + apart
            and abs(self.y - other.y) < (self.height + other.height) / 2 + apart
        )

    def holds(self, point: Point) -> bool:
        """Whether the point is in it."""
        return abs(self.x - point[0]) < self.width / 2 and abs(self.y - point[1]) < self.height / 2


def places(
    placed: Layout, wanted: Sequence[Sequence[tuple[float, float]]]
) -> list[tuple[int, Rectangle] | None]:
    """Find a place for a text at each arrow.

    Arguments:
        placed: where boxes and arrows are.
        wanted: for each arrow the sizes of the texts that would do, the best first;
            none for an arrow without a text.

    Returns:
        For each arrow which text, and where; None where there is room for none.
    """
    boxes = [Rectangle(b.x, b.y, b.width, b.height) for b in placed.boxes.values()]
    samples = [
        [at(curve, i / _SAMPLES) for i in range(_SAMPLES + 1)] + [curve.tip]
        for curve in placed.curves
    ]
    page = Rectangle(placed.width / 2, placed.height / 2, placed.width, placed.height)
    taken: list[Rectangle] = []
    found: list[tuple[int, Rectangle] | None] = [None] * len(wanted)
    # Where there is least choice first: beside a short arrow.
    order = sorted(range(len(wanted)), key=lambda k: (not placed.curves[k].beside, k))
    for k in order:
        best: tuple[tuple[int, int, int], int, Rectangle] | None = None
        for i, size in enumerate(wanted[k]):
            for turn, (there, on) in enumerate(_candidates(placed, k, size)):
                if any(there.meets(box, 1.0) for box in boxes) or any(
                    there.meets(one, _APART) for one in taken
                ):
                    continue
                outside = not (
                    page.holds((there.x - there.width / 2, there.y - there.height / 2))
                    and page.holds((there.x + there.width / 2, there.y + there.height / 2))
                )
                crossed = sum(
                    any(there.holds(p) for p in points)
                    for j, points in enumerate(samples)
                    if j != k or not on
                )
                covers = on and (size[1] > 20.0 or size[0] > 0.5 * _reach(placed, k))
                bad = crossed + outside + covers
                cost = (bad, -i if bad else i, turn)  # the less, where it covers something
                if best is None or cost < best[0]:
                    best = cost, i, there
            if best is not None and best[0][0] == 0:
                break
        if best is not None:
            found[k] = best[1], best[2]
            taken.append(best[2])
    return found


def _reach(placed: Layout, k: int) -> float:
    curve = placed.curves[k]
    return max(abs(curve.tip[i] - curve.points[0][i]) for i in (0, 1))


def _candidates(placed: Layout, k: int, size: tuple[float, float]) -> list[tuple[Rectangle, bool]]:
    """Where a text of that size might stand; and whether on its arrow, rather than beside it."""
    curve, (width, height) = placed.curves[k], size
    out = []
    for t in _ALONG:
        (x, y), (ax, ay), (bx, by) = at(curve, t), at(curve, t - 0.02), at(curve, t + 0.02)
        if abs(bx - ax) > 6 * abs(by - ay):
            sides = [(x, y - height / 2 - 4), (x, y + height / 2 + 4)]
            out += [(Rectangle(*side, width, height), False) for side in sides]
        elif abs(by - ay) > 4 * abs(bx - ax):
            sides = [(x + width / 2 + 5, y), (x - width / 2 - 5, y)]
            out += [(Rectangle(*side, width, height), False) for side in sides]
        out.append((Rectangle(x, y, width, height), True))
    if curve.beside:  # at the height of the leaf, where its lane turns
        x, y = curve.points[0]
        lane = max(p[0] for p in curve.points)
        out.insert(0, (Rectangle(lane + width / 2 + 5, y, width, height), False))
        out += [
            (Rectangle(lane + width / 2 + 5 + 8 * i, y, width, height), False) for i in range(1, 5)
        ]
    return out
