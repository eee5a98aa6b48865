"""In the picture a layer's neurons, and a neuron's weights, stand in their order."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from itertools import pairwise

import pytest

from demos import two_layers
from micrograd import Value, ops
from micrograd.engine import topological_order
from micrograd.losses import squared_error
from micrograd.nn import MLP
from viz.picture import Picture, picture_of
from viz.rows import crossings, rows
from viz.svg import layout


def cost_of(sizes: list[int]) -> Value:
    random.seed(1)
    outputs = MLP(sizes[0], sizes[1:], "sigmoid", "sigmoid")([0.1 * i for i in range(sizes[0])])
    several = outputs if isinstance(outputs, list) else [outputs]
    cost = squared_error(several, [1.0] + [0.0] * (len(several) - 1))
    if len(several) > 1:
        for j, error in enumerate(cost.parents):
            error.label = f"e_{j}"
    return cost


def picture(cost: Value, fold: str | None = None) -> Picture:
    return picture_of(cost, topological_order(cost), fold)


def labelled(drawn: Picture) -> dict[str, dict[str, str]]:
    """For each letter and layer, and for a weight its neuron, the boxes' names by index."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for box in drawn.boxes:
        label = box.members[-1].label
        match = re.fullmatch(r"(\w)_\{?(\d*)(\d)\}?(.*)", label) if len(box.members) < 3 else None
        if match:
            letter, neuron, index, layer = match.groups()
            found[f"{letter}{neuron}{layer}"][index] = box.name
    return {row: names for row, names in found.items() if len(names) > 1}


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
@pytest.mark.parametrize(
    ("sizes", "fold", "expected"),
    [
        ([2, 3, 2], None, 11),
        ([2, 3, 2, 1], None, 11),
        ([3, 4, 1], "neurons", 2),
        ([8, 8, 8, 2], "neurons", 5),
        ([784, 16, 16, 10], "layers", 1),
    ],
)
def test_what_has_an_index_stands_in_its_order(
    sizes: list[int], fold: str | None, expected: int, direction: str
) -> None:
    drawn = picture(cost_of(sizes), fold)
    places = layout(drawn, direction).boxes
    found = labelled(drawn)
    biases = [row for row in found if row.startswith("b")]  # each beside its own weights
    assert len(found) - len(biases) == expected
    for row, names in found.items():
        if row not in biases:
            at = [places[names[i]] for i in sorted(names)]
            across = [p.y if direction in ("LR", "RL") else p.x for p in at]
            along = [p.x if direction in ("LR", "RL") else p.y for p in at]
            assert across == sorted(across), row
            assert max(along) - min(along) < 80.0, row  # and they are in one row


def test_the_streetlights_network_stands_in_its_order() -> None:
    drawn = picture(two_layers.cost_of(two_layers.network(*two_layers.initial(1)), 0), "neurons")
    places = layout(drawn, "LR").boxes
    for names in labelled(drawn).values():
        heights = [places[names[i]].y for i in sorted(names)]
        assert heights == sorted(heights)


def test_a_row_is_what_is_alike_and_an_arrow_never_goes_along_one() -> None:
    x, y = Value(1.0, "x"), Value(2.0, "y")
    total, product = x + y, x * y
    cost = (total * product + total.tanh()) * (product + x)
    drawn = picture(cost)
    box_of = {box.members[0]: box for box in drawn.boxes}
    found = rows(drawn)
    assert [box_of[x], box_of[y]] not in found  # x is used once more
    assert not any(box_of[total] in row and box_of[product] in row for row in found)
    arrows = {(arrow.tail.name, arrow.head.name) for arrow in drawn.arrows}
    for row in found:
        assert arrows.isdisjoint((a.name, b.name) for a, b in pairwise(row))


def test_arrows_to_one_box_need_not_cross() -> None:
    assert crossings(picture(ops.sum([Value(float(i)) for i in range(20)]))) == 0
    assert crossings(picture(Value(1.0))) == 0
    for sizes, expected in ([2, 3, 2], 4), ([3, 4, 1], 9), ([8, 8, 8, 2], 56):
        assert crossings(picture(cost_of(sizes), "neurons")) == expected
