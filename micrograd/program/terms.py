"""The scalar graph as columns of numbers, with sums of products brought to one form.

Every Value gets a place, a number. What was written as `affine`, as `sum`, or
with + and * becomes the same thing: a Total, the products and single terms
that are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from micrograd import ops
from micrograd.engine import Value
from micrograd.generate import closed
from micrograd.graph import Leaves, operations, unusual
from micrograd.hooks import OwnBackward, refuse
from micrograd.primitive import Primitive

_NAMED: Final = 3  # leaves in an error
_SUMS = {ops.add, ops.sum, ops.affine, ops.mul}  # and products: a sum of one


@dataclass(slots=True)
class Total:
    """A sum of products p[i] * q[i] and of single terms; all of them places."""

    place: int
    p: list[int]
    q: list[int]
    singles: list[int]


@dataclass(slots=True)
class Applied:
    """Any other primitive on places; a list of them for a starred argument."""

    place: int
    op: Primitive
    arguments: list[Any]


@dataclass
class Level:
    """What can be computed at the same time, from the levels before."""

    totals: list[Total] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    decides: set[int] = field(default_factory=set)  # places that no gradient is passed on to


class Places(dict[Value, int]):
    """The place of each Value; one that has none yet when it is asked for is a constant.

    Arguments:
        leaves: parameters and inputs.
        known: the numbers of operations on constants.
        constant: is told each leaf that is none of these.
    """

    def __init__(
        self,
        leaves: Sequence[Value],
        known: Mapping[Value, float],
        constant: Callable[[Value], None],
    ) -> None:
        super().__init__((v, i) for i, v in enumerate(leaves))
        self.level = [0] * len(leaves)
        self.constants: list[tuple[int, float]] = []
        self._known, self._constant = known, constant

    def __missing__(self, v: Value) -> int:
        if v not in self._known:
            self._constant(v)
        place = self.add(v, 0)
        self.constants.append((place, self._known.get(v, v.data)))
        return place

    def add(self, v: Value, level: int) -> int:
        """Give v the next place."""
        self[v] = place = len(self.level)
        self.level.append(level)
        return place


class Undeclared:
    """The leaves that are no constants, and that nobody has said what they are to a program.

    Arguments:
        frozen: leaves that keep the numbers they have now; or True, all others do.
    """

    def __init__(self, frozen: Sequence[Value] | bool) -> None:
        self.all = frozen is True
        self.frozen = set() if isinstance(frozen, bool) else set(frozen)
        self.found: dict[Value, None] = {}

    def __call__(self, v: Value) -> None:
        """Take note of a leaf that is neither a parameter nor an input."""
        if not self.all and v.kind != "constant" and v not in self.frozen:
            self.found[v] = None

    def refuse(self) -> None:
        """Raise if there are any.

        Raises:
            ValueError: it names the first few, and says what can be done.
        """
        if not self.found:
            return
        named = ", ".join(map(repr, list(self.found)[:_NAMED])) + ", ..." * (
            len(self.found) > _NAMED
        )
        many = f"{len(self.found):,} leaves" if len(self.found) > 1 else "a leaf"
        raise ValueError(
            f"vectorize: the graph reads {many} of which nothing is said: {named}. Targets are "
            "inputs, too. Give as inputs what has numbers of its own in each sample; as parameters "
            "what is to be learnt; as frozen=[...] what keeps the number it has now (frozen=True: "
            "all that are neither, as the weights of a program for outputs alone)"
        )


def flatten(
    outputs: Sequence[Value], leaves: Sequence[Value], frozen: Sequence[Value] | bool = True
) -> tuple[Places, list[Level]]:
    """Number the graph behind some outputs, level by level.

    Arguments:
        outputs: the Values that are wanted.
        leaves: parameters and inputs, which get the first places.
        frozen: other leaves, which keep their numbers; True for all others.

    Returns:
        The places, and the levels: a node's is one more than the highest of
        those that it is computed from.

    Raises:
        TypeError: if an operation or a leaf has a `_backward` of its own.
        ValueError: if there are leaves that are neither constants nor declared.
    """
    # One walk for all outputs: behind a sum of them, which is then forgotten.
    order = operations(Value._node(ops.sum, [tuple(outputs)], 0.0), anew=True)[:-1]
    nodes = [(v, *v.anew) if v.anew else (v, v.op, v.arguments) for v in order]
    if any(isinstance(op, OwnBackward) for op in {op for _, op, _ in nodes}):
        refuse("vectorize", order)
    if unusual:
        refuse("vectorize", [*leaves, *(p for v in order for p in v.parents)])
    undeclared = Undeclared(frozen)
    known = _constants(nodes, leaves, undeclared)
    nodes = _with_sums_of_one([node for node in nodes if node[0] not in known])
    reached = _reached(nodes, outputs)
    squares = _squares(nodes, leaves)
    absorbed = _absorbed(nodes, outputs, squares)
    places = Places(leaves, known, undeclared)
    varying = set(leaves)
    levels: list[Level] = []
    tuples: dict[int, tuple[list[int], int]] = {}  # the neurons of a layer share one

    def numbered(values: Sequence[Value]) -> tuple[list[int], int]:
        known = tuples.get(id(values))
        if known is None:
            numbers = [places[v] for v in values]
            known = numbers, max(map(places.level.__getitem__, numbers), default=0)
            tuples[id(values)] = known
        return known

    def total(v: Value) -> tuple[Total, int]:
        p: list[int] = []
        q: list[int] = []
        singles: list[Value] = []
        level = 0
        stack = [v]
        while stack:
            u = stack.pop()
            if u is not v and u not in absorbed:
                singles.append(u)
                continue
            op, arguments = u.op, u.arguments
            if u in squares:
                op, arguments = ops.mul, arguments[:1] * 2
            if op is ops.mul:
                p.append(places[arguments[0]])
                q.append(places[arguments[1]])
                level = max(level, places.level[p[-1]], places.level[q[-1]])
            elif op is ops.affine:
                w, x, b = arguments
                for into, values in ((p, w), (q, x)):
                    numbers, highest = numbered(values)
                    into += numbers
                    level = max(level, highest)
                stack.append(b)
            else:
                stack += reversed(arguments if op is ops.add else arguments[0])
        # x + 0 = x, but for the sign of a zero: the 0 that Python's sum starts from.
        some = [
            u
            for u in singles
            if u.kind != "constant" or u.data != 0.0 or u in varying or u.anew is not None
        ]
        numbers = [places[u] for u in (some if some or p else singles)]
        return Total(-1, p, q, numbers), max(
            level, max(map(places.level.__getitem__, numbers), default=0)
        )

    for v, op, arguments in nodes:
        if v in absorbed:
            continue
        node: Total | Applied
        if op in _SUMS or v in squares:
            node, level = total(v)
        else:
            numbers: list[Any] = []
            level = 0
            for argument in arguments:
                if isinstance(argument, tuple):
                    several, highest = numbered(argument)
                    numbers.append(several)
                else:
                    numbers.append(places[argument])
                    highest = places.level[numbers[-1]]
                level = max(level, highest)
            node = Applied(-1, op, numbers)
        node.place = places.add(v, level + 1)
        while len(levels) <= level:
            levels.append(Level())
        if isinstance(node, Total):
            levels[level].totals.append(node)
        else:
            levels[level].applied.append(node)
        if reached is not None and v not in reached:
            levels[level].decides.add(node.place)
    for v in outputs:
        places[v]  # a leaf that is an output
    undeclared.refuse()
    return places, levels


def _reached(
    nodes: Sequence[tuple[Value, Any, Any]], outputs: Sequence[Value]
) -> set[Value] | None:
    """What gradients are passed on to: not what only decides. None where that is all."""
    if not any(map(any, map(closed, {op for _, op, _ in nodes}))):
        return None
    reached = set(outputs)
    for v, op, arguments in reversed(nodes):
        if v in reached:
            for argument, no in zip(arguments, closed(op), strict=True):
                if not no:
                    reached.update(argument if isinstance(argument, tuple) else (argument,))
    return reached


def _constants(
    nodes: Sequence[tuple[Value, Any, Any]],
    leaves: Sequence[Value],
    constant: Callable[[Value], None],
) -> dict[Value, float]:
    """The numbers of all nodes that depend on none of the leaves; each other leaf is told."""
    varying = set(leaves)
    known: dict[Value, float] = {}

    def number(v: Value) -> float:
        return known.get(v, v.data)

    for v, op, arguments in nodes:
        if any(
            not varying.isdisjoint(a) if isinstance(a, tuple) else a in varying for a in arguments
        ):
            varying.add(v)
        else:
            known[v] = op.ieee(*op.mapped(number, arguments))
            for leaf in op.flatten(arguments):
                if leaf not in known:
                    constant(leaf)
    return known


def _with_sums_of_one(nodes: list[tuple[Value, Any, Any]]) -> list[tuple[Value, Any, Any]]:
    """Make a number a sum, of one, where an operation reads sums of such numbers elsewhere.

    Where a loop adds up one thing first, then two, then three, the first is no
    sum. All later steps would come a level sooner for it, and be computed apart.
    Products are left as they are: of activations and of their sums there are too
    many that have nothing to do with each other.
    """
    adds = {ops.add, ops.sum}
    added: dict[Value, Any] = {}  # what a sum is made of: the results of one operation
    for v, op, arguments in nodes:
        if op in adds:
            terms = arguments if op is ops.add else arguments[0]
            kinds = {added.get(t) if t.op in _SUMS else t.op for t in terms}
            added[v] = kinds.pop() if len(kinds) == 1 else None
    if not any(added.values()):
        return nodes
    wanted = {
        (op, i, added[a])
        for _, op, arguments in nodes
        if op not in _SUMS
        for i, a in enumerate(arguments)
        if not isinstance(a, tuple) and added.get(a) is not None
    }
    sums: dict[Value, Value] = {}
    found: list[tuple[Value, Any, Any]] = []
    for v, op, arguments in nodes:
        if op not in _SUMS:
            for i, a in enumerate(arguments):
                if not isinstance(a, tuple) and (op, i, a.op) in wanted:
                    if a not in sums:
                        sums[a] = Value._node(ops.sum, [(a,)], a.data)
                        found.append((sums[a], ops.sum, sums[a].arguments))
                    arguments = (*arguments[:i], sums[a], *arguments[i + 1 :])
        found.append((v, op, arguments))
    return found


def _squares(nodes: Sequence[tuple[Value, Any, Any]], leaves: Sequence[Value]) -> set[Value]:
    """What is the second power of something: the 2 is a number, so it is a product with itself."""
    given = set(leaves)
    return {
        v
        for v, op, arguments in nodes
        if op is ops.pow
        and arguments[1].kind == "constant"
        and arguments[1].data == 2.0
        and arguments[1] not in given
    }


def _absorbed(
    nodes: Sequence[tuple[Value, Any, Any]], outputs: Sequence[Value], squares: set[Value]
) -> set[Value]:
    """The sums and products that are but a part of one larger sum, and used nowhere else."""
    uses = dict.fromkeys((v for v, _, _ in nodes), 0)
    for v in outputs:
        if v in uses:
            uses[v] += 2  # an output is wanted as it is
    for _, _, arguments in nodes:
        for argument in arguments:
            if isinstance(argument, Leaves):
                continue
            for v in argument if isinstance(argument, tuple) else (argument,):
                if v in uses:
                    uses[v] += 1
    absorbed: set[Value] = set()
    for _, op, arguments in nodes:
        if op is ops.add:
            terms = arguments
        elif op is ops.sum:
            terms = arguments[0]
        elif op is ops.affine:
            terms = arguments[2:]
        else:
            continue
        parts = (v for v in terms if uses.get(v) == 1)
        absorbed.update(v for v in parts if v.op in _SUMS or v in squares)
    return absorbed
