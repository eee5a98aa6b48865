"""What is to be drawn: boxes and arrows, before any of it is DOT.

Each Value is a box and each argument an arrow; or a whole neuron or layer is
one box, where the picture is folded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from micrograd.engine import Value, topological_order
from micrograd.text import label_of
from viz.mathtext import html_of_label, number
from viz.names import Namer, short
from viz.paths import edges, gradients


@dataclass
class Box:
    """One box of the picture.

    Attributes:
        name: deterministic, unique in the picture.
        kind: "parameter", "input", "constant", "operation" or "group".
        title: markup of what it is called.
        members: the Values it stands for; the last is the one whose number it shows.
        formula: markup of how it is computed; "" for a leaf, and for several values.
        symbol: markup of the operation alone.
        value: its number; None for several values, and where the title is the number.
        gradient: the root's derivative by it; None where there is none to show.
        derivative: whether it is that, and nothing that a `_backward` has clipped.
        notes: what else is to be said, line by line.
    """

    name: str
    kind: str
    title: str
    members: tuple[Value, ...]
    formula: str = ""
    symbol: str = ""
    value: float | None = None
    gradient: float | None = None
    derivative: bool = True
    notes: list[str] = field(default_factory=list)


@dataclass
class Arrow:
    """One argument of an operation.

    Attributes:
        tail: the box it comes from.
        head: the box it goes to.
        name: markup of what the local derivative is called; "" if there is none to show.
        formula: markup of the local derivative; "" if there is none to show.
        local: the local derivative; None between folded layers, and from a
            number in a formula. Where the head's own `_backward` passes on something
            else than a product, that.
        sensitivity: the local derivative times the gradient at the head: what
            the arrow adds to the gradient at its tail.
    """

    tail: Box
    head: Box
    name: str
    formula: str
    local: float | None
    sensitivity: float


@dataclass
class Picture:
    """All boxes, each after those it depends on, and all arrows."""

    boxes: list[Box]
    arrows: list[Arrow]


def picture_of(root: Value, order: Sequence[Value], fold: str | None = None) -> Picture:
    """The boxes and arrows of root's graph.

    Arguments:
        root: the value to draw.
        order: its graph, as `topological_order` gives it.
        fold: None, "neurons" or "layers".

    Returns:
        The picture.

    Raises:
        ValueError: for another fold.
    """
    namer = Namer(order)
    groups = _groups(order, fold)
    return _Builder(order, namer, groups, root).build()


FOLDS: Final = (None, "neurons", "layers")


@dataclass(eq=False)
class Group:
    """Values that share a box: a neuron's, or those of a layer of neurons.

    Attributes:
        neurons: for each neuron its z and its activation; the same node where
            it has no activation function.
    """

    neurons: list[tuple[Value, Value]]


def _groups(order: Sequence[Value], fold: str | None) -> list[Group]:
    """Find the neurons: an affine node of parameters, with the function applied to it."""
    if fold not in FOLDS:
        raise ValueError(f"draw: expected fold to be None, 'neurons' or 'layers', got {fold!r}")
    if fold is None:
        return []
    users: dict[Value, list[Value]] = {}
    for v in order:
        for p in set(v.parents):
            users.setdefault(p, []).append(v)
    neurons = []
    for z in order:
        if not _is_neuron(z):
            continue
        used = users.get(z, [])
        # With a label of its own that is not z, it is an output, and what comes
        # behind it does not belong to the neuron.
        open_ended = label_of(z)[:1] in ("", "z")
        applied = open_ended and len(used) == 1 and len(used[0].parents) == 1
        neurons.append((z, used[0] if applied else z))
    if fold == "neurons":
        return [Group([neuron]) for neuron in neurons]
    layers: dict[tuple[Value, ...], Group] = {}
    for z, a in neurons:
        layers.setdefault(tuple(z.arguments[1]), Group([])).neurons.append((z, a))
    return list(layers.values())


def _is_neuron(v: Value) -> bool:
    if v.op is None or v.op.name != "affine":
        return False
    w, _, b = v.arguments
    return all(p.kind == "parameter" for p in (*w, b))


class _Builder:
    """Makes the boxes and arrows; each method one sort of them."""

    def __init__(
        self, order: Sequence[Value], namer: Namer, groups: list[Group], root: Value
    ) -> None:
        self.order, self.namer, self.groups, self.root = order, namer, groups, root
        # Not `.grad`: a leaf's may hold more, from other graphs and earlier passes.
        users = edges(order, set(order))
        self.gradients = gradients(users, root)
        self.clips = {e.head for leaving in users.values() for e in leaving if not e.product}
        # Behind a `_backward` that clips, what arrives is no derivative of the root.
        self.no_derivative: set[Value] = set()
        for v in reversed(users):
            if any(not e.product or e.head in self.no_derivative for e in users[v]):
                self.no_derivative.add(v)
        self.box_of: dict[Value, Box] = {}
        self.hidden: set[Value] = set()  # weights and biases inside a folded box
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []

    def build(self) -> Picture:
        group_of = {v: g for g in self.groups for pair in g.neurons for v in pair}
        used_outside = {p for v in self.order if v not in group_of for p in v.parents}
        used_outside |= {p for v in group_of if _is_neuron(v) for p in v.arguments[1]}
        self.hidden = {
            p
            for group in self.groups
            for z, _ in group.neurons
            for p in (*z.arguments[0], z.arguments[2])
        } - used_outside
        place = {v: i for i, v in enumerate(self.order)}
        last = {g: max(place[a] for _, a in g.neurons) for g in self.groups}
        crowds = self._crowds()
        for i, v in enumerate(self.order):
            group = group_of.get(v)
            if v in self.hidden or v in self.box_of:
                continue
            if group is not None:
                if last[group] == i:
                    self._group_box(group)
            elif v in crowds:
                self._crowd_box(crowds[v])
            else:
                self._value_box(v)
        for v in self.order:
            if v in self.box_of and v not in group_of:
                self._value_arrows(v)
        for group in self.groups:
            self._group_arrows(group)
        return Picture(self.boxes, self.arrows)

    def _crowds(self) -> dict[Value, tuple[Value, ...]]:
        """Many inputs of one folded layer: they share a box."""
        crowds: dict[Value, tuple[Value, ...]] = {}
        layers = [g.neurons[0][0].arguments[1] for g in self.groups if len(g.neurons) > 1]
        for x in layers:
            shared = any(not set(x).isdisjoint(other) for other in layers if other is not x)
            if len(set(x)) == len(x) > 1 and not shared and all(p.op is None for p in x):
                crowds.update(dict.fromkeys(x, tuple(x)))
        return crowds

    def _add(self, kind: str, title: str, members: tuple[Value, ...], notes: list[str]) -> Box:
        box = Box(f"n{len(self.boxes)}", kind, title, members, notes=notes)
        self.boxes.append(box)
        self.box_of.update(dict.fromkeys(members, box))
        return box

    def _value_box(self, v: Value) -> None:
        box = self._add(v.kind, self.namer.name(v), (v,), [])
        if v.op is not None:
            box.formula, box.symbol = self.namer.operation(v), html_of_label(short(v.op.symbol))
        if v.kind == "constant" and not label_of(v):
            return
        box.value = v.data
        if v.kind != "constant":
            self._gradient(box, v)
        if v.hooked:
            box.notes.append("its own _backward" + ", no product" * (v in self.clips))

    def _gradient(self, box: Box, v: Value) -> None:
        """What the root's derivative by v is; and `.grad`, where it holds something else."""
        box.gradient = self.gradients[v]
        if v in self.no_derivative:
            box.derivative = False
            return
        if self.root.grad != 0.0 and not _alike(box.gradient, v.grad):  # 0: backward was not run
            box.notes.append(f"accumulated: {number(v.grad)}")

    def _group_box(self, group: Group) -> None:
        members = tuple(v for z, a in group.neurons for v in ({z: 0, a: 0}))
        if len(group.neurons) == 1:
            z, a = group.neurons[0]
            notes = [f"{_weights(len(z.arguments[0]))}, 1 bias"]
            box = self._add("group", self.namer.name(a), members, notes)
            box.value = a.data
            self._gradient(box, a)
            return
        first, last = group.neurons[0][1], group.neurons[-1][1]
        n, nin = len(group.neurons), len(group.neurons[0][0].arguments[0])
        function = group.neurons[0][1].op
        numbers = [a.data for _, a in group.neurons]
        gradients = [self.gradients[a] for _, a in group.neurons]
        assert function is not None
        notes = [
            f"{n} neurons, {html_of_label(function.symbol)}",
            f"{_weights(n * nin)}, {n} biases",
            f"values {_range(numbers)}",
            f"gradients {_range(gradients)}",
        ]
        self._add("group", f"{self.namer.name(first)} … {self.namer.name(last)}", members, notes)

    def _crowd_box(self, values: tuple[Value, ...]) -> None:
        title = f"{self.namer.name(values[0])} … {self.namer.name(values[-1])}"
        notes = [f"{len(values)} inputs", f"values {_range([v.data for v in values])}"]
        self._add(values[0].kind, title, values, notes)

    def _derivative(self, head: Value, tail: Value) -> str:
        return f"∂{self.namer.name(head)}/∂{self.namer.name(tail)}"

    def _value_arrows(self, v: Value) -> None:
        if v.op is None:
            return
        if v in self.clips:
            for p, share in zip(v.parents, v.shares(self.gradients[v]), strict=True):
                tail, head = self.box_of[p], self.box_of[v]
                self.arrows.append(Arrow(tail, head, "", "passed on", share, share))
            return
        formulas = self.namer.slopes(v)
        for p, formula, slope in zip(v.parents, formulas, v.local_derivatives(), strict=True):
            self._arrow(p, v, formula, slope, self.gradients[v] * slope)

    def _arrow(self, p: Value, head: Value, formula: Any, slope: float, flow: float) -> None:
        if p.kind == "constant" and not label_of(p):  # the 2 in x ** 2: nobody differentiates by it
            arrow = Arrow(self.box_of[p], self.box_of[head], "", "", None, 0.0)
        else:
            name, html = self._derivative(head, p), self.namer.html(formula)
            arrow = Arrow(self.box_of[p], self.box_of[head], name, html, slope, flow)
        self.arrows.append(arrow)

    def _group_arrows(self, group: Group) -> None:
        """From each input into the neurons: through z and the activation function."""
        together: dict[str, Arrow] = {}
        for z, a in group.neurons:
            n = len(z.arguments[0])
            outer: Any = self.namer.slopes(a)[0] if a is not z else 1.0
            outer_number = a.local_derivatives()[0] if a is not z else 1.0
            inner, inner_numbers = self.namer.slopes(z)[n : 2 * n], z.local_derivatives()[n : 2 * n]
            for x, formula, slope in zip(z.arguments[1], inner, inner_numbers, strict=True):
                local, flow = outer_number * slope, self.gradients[z] * slope
                if len(group.neurons) == 1:
                    self._arrow(x, a, formula * outer, local, flow)
                    continue
                tail, head = self.box_of[x], self.box_of[a]
                arrow = together.get(tail.name)
                if arrow is None:
                    arrow = together[tail.name] = Arrow(tail, head, "", "", None, 0.0)
                    self.arrows.append(arrow)
                arrow.sensitivity = max(arrow.sensitivity, abs(flow))


def _alike(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(x) and math.isnan(y))


def network_of(order: Sequence[Value]) -> list[list[tuple[Value, Value]]]:
    """The layers of a network that `nn` made, or that is written with `affine` in its manner.

    Arguments:
        order: the graph, as `topological_order` gives it.

    Returns:
        For each layer its neurons, each its z and its activation; none where the values that a
        layer reads are not those that the layer before it, or nobody, computes.
    """
    layers = [group.neurons for group in _groups(order, "layers")]
    for before, after in pairwise(layers):
        if tuple(after[0][0].arguments[1]) != tuple(a for _, a in before):
            return []
    return layers if layers and all(p.op is None for p in layers[0][0][0].arguments[1]) else []


def stale(order: Sequence[Value]) -> Value | None:
    """The first value that is not what its parents give now; None if all are.

    So it is when a parameter has changed since the graph was recorded.
    """
    for v in order:
        if not _alike(v.recomputed(), v.data):
            return v
    return None


def _weights(n: int) -> str:
    return "1 weight" if n == 1 else f"{n:,} weights"


def _range(numbers: Sequence[float]) -> str:
    return f"{number(min(numbers))} to {number(max(numbers))}"


def behind(root: Value, value: Value) -> set[Value]:
    """All values on a path from value to root, both included; empty if there is none."""
    through = {value}
    for v in topological_order(root):
        if not through.isdisjoint(v.parents):
            through.add(v)
    return through if root in through else set()
