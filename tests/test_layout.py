"""In the picture a layer's neurons, and a neuron's weights, stand in their order."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from itertools import combinations

import pytest

from demos import chain_rule, two_layers
from micrograd import Value, parameter
from micrograd.engine import topological_order
from micrograd.losses import squared_error
from micrograd.nn import MLP
from viz.arrowlabels import Rectangle
from viz.layout import at
from viz.picture import Picture, picture_of
from viz.svg import across, format_of, place


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
    places = place(drawn, format_of(direction)).layout.boxes
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
    places = place(drawn, across("LR")).layout.boxes
    for names in labelled(drawn).values():
        heights = [places[names[i]].y for i in sorted(names)]
        assert heights == sorted(heights)


def random_graph(seed: int) -> Value:
    """A graph of sums, products and functions, whose values are used several times."""
    rng = random.Random(seed)  # noqa: S311
    values = [(parameter if i % 2 else Value)(rng.uniform(-2, 2), f"x_{i}") for i in range(4)]
    for i in range(rng.randint(1, 16)):
        a, b = rng.choice(values[-5:]), rng.choice(values)
        values.append(rng.choice([lambda a=a, b=b: a * b, lambda a=a, b=b: a + b, a.tanh])())
        values[-1].label = rng.choice(["", f"s_{i}", "a longer name"])
    return values[-1]


SHAPES = [[1, 1], [1, 1, 1, 1], [2, 3, 2], [3, 1], [1, 4, 1], [4, 4], [2, 2, 2, 2], [5, 3, 1]]
GRAPHS = [*(cost_of(sizes) for sizes in SHAPES), *map(random_graph, range(52))]


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_no_two_boxes_meet_and_no_arrow_goes_through_a_box(direction: str) -> None:
    for n, cost in enumerate(GRAPHS):
        drawn = picture(cost)
        placed = place(drawn, format_of(direction)).layout
        boxes = [Rectangle(b.x, b.y, b.width, b.height) for b in placed.boxes.values()]
        assert not any(a.meets(b) for a, b in combinations(boxes, 2)), n
        for box in boxes:
            assert box.width / 2 <= box.x <= placed.width - box.width / 2, n
            assert box.height / 2 <= box.y <= placed.height - box.height / 2, n
        for arrow, curve in zip(drawn.arrows, placed.curves, strict=True):
            ends = arrow.tail.name, arrow.head.name
            points = [at(curve, i / 60) for i in range(61)]
            for name, b in placed.boxes.items():
                inside = Rectangle(b.x, b.y, b.width - 2, b.height - 2)
                assert name in ends or not any(map(inside.holds, points)), (n, arrow.name)


def test_every_arrow_is_its_own() -> None:
    x = Value(3.0, "x")
    for cost in [x * x, x * x + x, *GRAPHS]:
        curves = place(picture(cost), across("LR")).layout.curves
        assert len({curve.points for curve in curves}) == len(curves)
        assert len({curve.tip for curve in curves}) == len(curves)


def test_one_neuron_a_layer_is_one_line() -> None:
    drawn = picture(chain_rule.build().cost)
    for direction, axis in (("LR", "y"), ("TB", "x")):
        boxes = place(drawn, format_of(direction)).layout.boxes
        operations = [boxes[box.name] for box in drawn.boxes if box.kind == "operation"]
        assert len({round(getattr(b, axis), 6) for b in operations}) == 1


def test_a_leaf_stands_beside_the_one_operation_that_reads_it() -> None:
    drawn = picture(chain_rule.build().cost)
    boxes = place(drawn, across("LR")).layout.boxes
    for arrow in drawn.arrows:
        if arrow.tail.kind == "parameter":
            assert boxes[arrow.tail.name].x == boxes[arrow.head.name].x


def test_a_deep_graph_of_long_arrows_is_placed_soon() -> None:
    x = v = Value(0.5, "x")
    for _ in range(90):
        v = (v + x).tanh()
    placed = place(picture(v), across("LR")).layout
    assert len(placed.curves) == 270
