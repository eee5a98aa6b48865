"""Which boxes of a picture stand in one row, in their order.

Graphviz alone would put them in whatever order has the fewest crossings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from graphlib import TopologicalSorter

from viz.picture import Box, Picture


def rows(picture: Picture) -> list[list[Box]]:
    """The rows of boxes that are alike, such as a layer's neurons or a neuron's weights.

    Alike are boxes of one operation, and inputs, as many steps behind the
    furthest input, whose arrows go to the same boxes; or come from the same,
    not counting boxes that have one arrow only, such as a weight.

    Arguments:
        picture: the picture.

    Returns:
        For each row its boxes, two at least. A box may stand in two rows.
    """
    heads, depth = _heads(picture), _depths(picture)
    shared: dict[str, set[str]] = {box.name: set() for box in picture.boxes}
    for arrow in picture.arrows:
        if len(heads[arrow.tail.name]) > 1:
            shared[arrow.head.name].add(arrow.tail.name)
    found: dict[Hashable, list[Box]] = defaultdict(list)
    for box in picture.boxes:
        like = depth[box.name], box.members[-1].op
        found[like, "to", frozenset(heads[box.name])].append(box)
        if shared[box.name]:
            found[like, "from", frozenset(shared[box.name])].append(box)
    return [row for row in found.values() if len(row) > 1]


def crossings(picture: Picture) -> int:
    """How many arrows the busiest row has for every box that they go to, but one.

    Where all arrows go to one box, none need cross.

    Arguments:
        picture: the picture.

    Returns:
        For two layers of m and n neurons, m (n - 1).
    """
    together: dict[frozenset[str], int] = defaultdict(int)
    for to in _heads(picture).values():
        together[frozenset(to)] += len(to) - 1
    return max(0, *together.values())  # the root has nobody to go to: -1


def _heads(picture: Picture) -> dict[str, set[str]]:
    """Where each box's arrows go."""
    heads: dict[str, set[str]] = {box.name: set() for box in picture.boxes}
    for arrow in picture.arrows:
        heads[arrow.tail.name].add(arrow.head.name)
    return heads


def _depths(picture: Picture) -> dict[str, int]:
    """The length of the longest way to each box."""
    tails: dict[str, set[str]] = {box.name: set() for box in picture.boxes}
    for arrow in picture.arrows:
        tails[arrow.head.name].add(arrow.tail.name)
    depth: dict[str, int] = {}
    for name in TopologicalSorter(tails).static_order():
        depth[name] = max((1 + depth[tail] for tail in tails[name]), default=0)
    return depth
