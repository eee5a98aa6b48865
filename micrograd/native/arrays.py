"""Arrays of a program as C sees them: a pointer, and a shape and strides that may contain n.

>>> n = Size(1, power=1)
>>> X = View.of("X", (n, Size(784)))
>>> X.pick([slice(None), slice(0, 2)]).shape[1].c, X.transposed([1, 0]).strides[1].c
('2', '784')
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final


@dataclass(frozen=True)
class Size:
    """A whole number, times a power of n, the number of samples."""

    count: int
    power: int = 0

    def __mul__(self, other: Size) -> Size:
        return Size(self.count * other.count, (self.power + other.power) * bool(self.count))

    @property
    def c(self) -> str:
        """It in C."""
        factors = [str(self.count)] * (self.count != 1 or not self.power)
        return " * ".join(factors + ["n"] * self.power)


ONE: Final = Size(1)
NONE: Final = Size(0)
Shape = tuple[Size, ...]


def product(sizes: Sequence[Size]) -> Size:
    """All multiplied; 1 for none."""
    return math.prod(sizes, start=ONE)


def contiguous(shape: Shape) -> Shape:
    """The strides of an array without gaps."""
    return tuple(product(shape[i + 1 :]) for i in range(len(shape)))


def broadcast(*shapes: Shape) -> Shape:
    """The shape that NumPy gives to a result of arrays of these shapes."""
    found = [ONE] * max(map(len, shapes), default=0)
    for shape in shapes:
        for i, size in enumerate(reversed(shape), 1):
            if size != ONE:
                assert found[-i] in (ONE, size)
                found[-i] = size
    return tuple(found)


@dataclass(frozen=True)
class View:
    """Elements in memory.

    Arguments:
        base: the variable whose memory it is.
        pointer: C for the address of the first element.
        shape: how many there are along each axis.
        strides: how far apart they are, in elements.
    """

    base: str
    pointer: str
    shape: Shape
    strides: Shape

    @staticmethod
    def of(name: str, shape: Shape) -> View:
        """All of an array without gaps."""
        return View(name, name, shape, contiguous(shape))

    def along(self, shape: Shape) -> Shape:
        """The strides with which it is read as an array of that shape."""
        own = shape[len(shape) - len(self.shape) :]
        assert all(s in (ONE, t) for s, t in zip(self.shape, own, strict=True))
        strides = [NONE] * (len(shape) - len(self.shape))
        strides += [NONE if s == ONE else t for s, t in zip(self.shape, self.strides, strict=True)]
        return tuple(strides)

    def pick(self, items: Sequence[Any]) -> View:
        """By integers, slices with a positive step, None and Ellipsis."""
        items = list(items)
        used = sum(item is not None and item is not Ellipsis for item in items)
        rest = [slice(None)] * (len(self.shape) - used)
        at = items.index(Ellipsis) if Ellipsis in items else len(items)
        pointer, shape, strides, axis = self.pointer, [], [], 0
        for item in items[:at] + rest + items[at + 1 :]:
            if item is None:
                shape.append(ONE)
                strides.append(NONE)
                continue
            size, stride = self.shape[axis], self.strides[axis]
            axis += 1
            if item == slice(None):
                shape.append(size)
                strides.append(stride)
                continue
            assert not size.power
            if isinstance(item, int):
                start = range(size.count)[item]
            else:
                start, stop, step = item.indices(size.count)
                shape.append(Size(len(range(start, stop, step))))
                strides.append(stride * Size(step))
            if start:
                pointer += f" + {(stride * Size(start)).c}"
        return View(self.base, pointer, tuple(shape), tuple(strides))

    def transposed(self, axes: Sequence[int]) -> View:
        """With the axes in another order."""
        shape, strides = (tuple(sizes[a] for a in axes) for sizes in (self.shape, self.strides))
        return View(self.base, self.pointer, shape, strides)

    def reshaped(self, shape: Shape) -> View | None:
        """The same elements in another shape; None where that takes a copy."""
        # What both shapes begin with keeps its strides; the rest has to be one run.
        same = 0
        while same < min(len(shape), len(self.shape)) and shape[same] == self.shape[same]:
            same += 1
        sizes, strides = self.shape[same:], self.strides[same:]
        run = [(size, s) for size, s in zip(sizes, strides, strict=True) if size != ONE]
        for (_, outer), (size, inner) in pairwise(run):
            if outer != size * inner:
                return None
        step = run[-1][1] if run else ONE
        new = tuple(step * s for s in contiguous(shape[same:]))
        return View(self.base, self.pointer, shape, self.strides[:same] + new)

    @property
    def size(self) -> Size:
        """How many elements there are."""
        return product(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether there are no gaps."""
        pairs = zip(self.shape, self.strides, contiguous(self.shape), strict=True)
        return all(size == ONE or stride == wanted for size, stride, wanted in pairs)


def collapsed(sizes: Shape, strides: Sequence[Shape]) -> tuple[Shape, list[Shape]]:
    """The same loops, as few as possible.

    Arguments:
        sizes: of the loops, the outer ones first.
        strides: with which each array is gone through.
    """
    kept: list[tuple[Size, list[Size]]] = []
    for axis, size in enumerate(sizes):
        steps = [s[axis] for s in strides]
        if size == ONE:
            continue
        if kept and kept[-1][1] == [size * step for step in steps]:
            kept[-1] = kept[-1][0] * size, steps
        else:
            kept.append((size, steps))
    return tuple(size for size, _ in kept), [
        tuple(steps[i] for _, steps in kept) for i in range(len(strides))
    ]
