"""Which elements of an array are read: as a slice and a reshape where that is possible.

An index array says for each element of the result which element of an array it is,
counted row after row. If it is regular the same can be had as a view, without a copy:

>>> import numpy as np
>>> find_view(np.array([[0, 1, 2], [4, 5, 6]]), size=8).code("P")
'P.reshape(2, 4)[:, :3]'
>>> find_view(np.array([1, 4, 7]), size=9).code("P")
'P[1:8:3]'
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class View:
    """A regular part of a flat array: a slice, a reshape, a slice of that, axes in another order.

    Arguments:
        index: the elements' numbers, in the shape of the result.
        region: start, stop and step in the flat array; None for all of it.
        dims: what that is reshaped to.
        cut: start, stop and step, or an element, in each of those dimensions.
        axes: the order of the axes that remain; () if it is kept. Axes of length 1 are
            put in at last.
    """

    index: Index
    region: tuple[int, int, int] | None
    dims: tuple[int, ...]
    cut: tuple[tuple[int, int] | int | None, ...]
    axes: tuple[int, ...]

    def code(self, name: str, lead: bool = False, shape: tuple[int, ...] | None = None) -> str:
        """NumPy source.

        Arguments:
            name: of the array.
            lead: whether it has another axis before, that of the samples.
            shape: of the array, if it is not flat.
        """
        first = [":"] if lead else []

        def reshaped(dims: tuple[int, ...]) -> str:
            return f".reshape({', '.join(map(str, [-1] * lead + list(dims)))})"

        flat = shape is None or len(shape) == 1
        final = self.index.shape
        if not final:
            one = [self.index.item()] if flat else np.unravel_index(self.index.item(), shape or ())
            return f"{name}[{', '.join([*first, *map(str, one)])}]"
        plain = not self.axes and all(c is None for c in self.cut)
        if self.region is not None:
            start, stop, step = self.region
            name += "" if flat else reshaped((math.prod(shape or ()),))
            name += f"[{', '.join([*first, _slice(start, stop, step)])}]"
            flat, shape = True, None
        if plain:
            whole = (math.prod(self.dims),) if flat else shape
            return name if final == whole else name + reshaped(final)
        if len(self.dims) > 1 and shape != self.dims:
            name += reshaped(self.dims)
        if any(c is not None for c in self.cut):
            parts = [":" if c is None else str(c) if isinstance(c, int) else _slice(*c, 1)
                     for c in self.cut]  # fmt: skip
            while parts[-1] == ":":
                parts.pop()
            name += f"[{', '.join([*first, *parts])}]"
        if self.axes == (1, 0) and not lead:
            name += ".T"
        elif self.axes:
            axes = [0] + [a + 1 for a in self.axes] if lead else self.axes
            name += f".transpose({', '.join(map(str, axes))})"
        squeezed = tuple(d for d in final if d > 1) or (1,)
        return name if final == squeezed else name + reshaped(final)


def find_view(index: Index, size: int) -> View | None:
    """The view that reads these elements of a flat array, in this order and shape.

    Arguments:
        index: element numbers.
        size: of the flat array.

    Returns:
        The view; or None where the numbers are not regular, or one is read twice.
    """
    if index.size == 0:
        return None
    whole, index = index, index.squeeze() if index.size > 1 else index.reshape(1)
    start = int(index.flat[0])
    if index.size == 1:
        region = None if size == 1 else (start, start + 1, 1)
        return View(whole, region, (1,), (None,), ())
    strides = strides_of(index)
    if strides is None or min(strides) < 1:
        return None
    order = sorted(range(index.ndim), key=lambda k: -strides[k])
    lengths, steps = [index.shape[k] for k in order], [strides[k] for k in order]
    axes = tuple(int(a) for a in np.argsort(order)) if order != sorted(order) else ()
    if len(order) == 1:
        stop = start + steps[0] * (lengths[0] - 1) + 1
        region = (start, stop, steps[0])
        full = start == 0 and steps[0] == 1 and stop == size
        return View(whole, None if full else region, (lengths[0],), (None,), ())
    return _nested(whole, start, size, lengths, steps, axes)


def strides_of(index: Index) -> tuple[int, ...] | None:
    """How far neighbours along each axis are apart, if everywhere as far; 0 along one of length 1.

    >>> strides_of(np.array([[0, 1], [3, 4]])), strides_of(np.array([0, 1, 3]))
    ((3, 1), None)
    """
    first = int(index.flat[0])
    ends = [tuple(int(a == k) for a in range(index.ndim)) for k in range(index.ndim)]
    strides = tuple(
        int(index[end]) - first if length > 1 else 0
        for end, length in zip(ends, index.shape, strict=True)
    )
    grid = np.ix_(*map(np.arange, index.shape))
    regular = sum(s * along for s, along in zip(strides, grid, strict=True))
    return strides if np.array_equal(index, first + regular) else None


def _nested(
    index: Index,
    start: int,
    size: int,
    lengths: list[int],
    steps: list[int],
    axes: tuple[int, ...],
) -> View | None:
    """The view for axes of falling steps, each of which fits into the one before."""
    if any(a % b for a, b in pairwise(steps)):
        return None
    widths = [lengths[0], *(steps[k - 1] // steps[k] for k in range(1, len(steps)))]
    if any(length > width for length, width in zip(lengths[1:], widths[1:], strict=True)):
        return None
    dims, wanted = list(widths), list(lengths)
    units = list(steps)
    if steps[-1] > 1:  # of the innermost axis only every so manieth element
        dims.append(steps[-1])
        wanted.append(0)
        units.append(1)
    span = math.prod(dims)
    base = start if start + span <= size else size - span
    if base < 0:
        return None
    rest = start - base
    cut: list[tuple[int, int] | int | None] = []
    for k, (unit, length) in enumerate(zip(units, wanted, strict=True)):
        offset, rest = divmod(rest, unit)
        if (k == 0 and offset) or offset + max(length, 1) > dims[k]:
            return None
        if length == 0:
            cut.append(offset)
        else:
            cut.append(None if length == dims[k] else (offset, offset + length))
    region = None if span == size else (base, base + span, 1)
    return View(index, region, tuple(dims), tuple(cut), axes)


def _slice(start: int, stop: int, step: int) -> str:
    first = str(start) if start else ""
    return f"{first}:{stop}" if step == 1 else f"{first}:{stop}:{step}"
