"""Pickle and deep copy: all that a Value is and came from, shared as it was."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import math
import pickle
import pickletools
import random
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from micrograd import Value, detect_anomaly, grad, no_grad, ops, parameter, primitive
from micrograd import pickling as pickling_module
from micrograd.engine import topological_order
from micrograd.nn import MLP
from micrograd.optim import SGD, Adam
from tests.graphs import ROWS, Program, little_stack, programs

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


def by_pickle(protocol: int) -> Callable[[Any], Any]:
    return lambda x: pickle.loads(pickle.dumps(x, protocol))


def by_python_pickle(x: Any) -> Any:
    """The pickler that is written in Python, and recurses in it."""
    file = io.BytesIO()
    pickle._Pickler(file).dump(x)  # type: ignore[attr-defined]
    return pickle._Unpickler(io.BytesIO(file.getvalue())).load()  # type: ignore[attr-defined]


COPIES = {f"protocol {p}": by_pickle(p) for p in PROTOCOLS}
COPIES |= {"in Python": by_python_pickle, "deepcopy": copy.deepcopy}
EVERY_COPY = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


def same(one: Value, other: Value) -> None:
    """Assert that two graphs are the same, node for node."""
    ours, theirs = topological_order(one), topological_order(other)
    partner = dict(zip(ours, theirs, strict=True))
    assert not set(ours) & set(theirs)
    for v, w in partner.items():
        assert type(v) is type(w)
        assert repr(v) == repr(w)
        assert (v.op, v.kind, v.label) == (w.op, w.kind, w.label)
        assert [partner[p] for p in v.parents] == list(w.parents)
        plain = {k: x for k, x in vars(v).items() if not isinstance(x, Value)}
        assert plain == {k: x for k, x in vars(w).items() if not isinstance(x, Value)}


def graph() -> Value:
    """One of everything: labels, kinds, attributes, sharing, n-ary operations."""
    w, x = parameter(0.5, "w"), Value(-1.25, "x")
    z = w * x + 2
    z.label, z.color = "z", "red"
    w.momentum = [0.9]
    a = ops.affine([w, z], [x, z.tanh()], z)
    c = ops.where(a, a.sigmoid(), 3.0) + ops.sum([a, a, w])
    c.backward()
    return c


@EVERY_COPY
def test_a_copy_is_the_same_graph_and_none_of_the_same_values(copied: Any) -> None:
    c = graph()
    same(c, copied(c))


@settings(max_examples=50)
@given(programs())
def test_random_graphs_are_copied_with_what_is_shared(program: Program) -> None:
    leaves = [Value(x) for x in program.inputs]
    results = program.results(leaves, ROWS)
    results[-1].backward()
    for one, other in zip(results, pickle.loads(pickle.dumps(results)), strict=True):
        same(one, other)
    same(results[-1], copy.deepcopy(results[-1]))


@EVERY_COPY
def test_the_gradients_of_a_copy_are_the_same_and_stay_apart(copied: Any) -> None:
    c = graph()
    other = copied(c)
    before = [v.grad for v in topological_order(c)]
    c.zero_grad()
    other.zero_grad()
    other.backward()
    assert all(v.grad == 0.0 for v in topological_order(c))
    assert [v.grad for v in topological_order(other)] == before
    leaf = next(v for v in topological_order(other) if v.label == "w")
    assert grad(other, leaf).data == pytest.approx(leaf.grad)


@EVERY_COPY
def test_numbers_are_kept_to_the_last_bit(copied: Any) -> None:
    numbers = [0.1, -0.0, 1e308, 5e-324, math.inf, -math.inf, math.nan]
    for number in numbers:
        x = Value(number)
        y = x * 1.0
        x.grad = y.grad = number
        y2 = copied(y)
        for v in y2, y2.parents[0]:
            assert np.float64(v.data).tobytes() == np.float64(number).tobytes()
            assert np.float64(v.grad).tobytes() == np.float64(number).tobytes()


@EVERY_COPY
def test_roots_in_one_dump_share_what_they_shared_in_any_order(copied: Any) -> None:
    x = Value(2.0, "x")
    y = x * x
    roots = [x, y, y.exp(), y + x, (y + x).tanh()]
    roots.append(roots[2] * roots[3])
    for order in itertools.permutations(range(len(roots)), 4):
        some = copied([roots[i] for i in order])
        found = {id(v): v for root in some for v in topological_order(root)}.values()
        original = {id(v): v for i in order for v in topological_order(roots[i])}.values()
        assert len(found) == len(original)
        assert sum(v.label == "x" for v in found) == 1
        for i, root in zip(order, some, strict=True):
            assert root.data == roots[i].data
            root.backward()


@EVERY_COPY
def test_roots_that_share_nothing_and_roots_twice(copied: Any) -> None:
    x, y = Value(1.0) + 1.0, Value(2.0) * 2.0
    x2, y2, x3 = copied((x, y, x))
    assert x2 is x3
    assert (x2.data, y2.data) == (2.0, 4.0)


@EVERY_COPY
def test_inside_dicts_and_objects_and_other_containers(copied: Any) -> None:
    x = Value(3.0)
    y = x * x
    found = copied({"x": x, "list": [y, (y, {"deep": y + x})]})
    y2, (y3, deep) = found["list"]
    assert y2 is y3
    assert y2.parents == (found["x"], found["x"])
    assert deep["deep"].parents == (y2, found["x"])


@EVERY_COPY
def test_attributes_that_refer_to_values_of_the_graph_come_along(copied: Any) -> None:
    x = Value(2.0, "x")
    y = x * x
    z = y + 1.0
    z.source, y.result, x.me = y, z, x
    z2 = copied(z)
    y2 = z2.parents[0]
    x2 = y2.parents[0]
    assert z2.source is y2
    assert y2.result is z2
    assert x2.me is x2


@EVERY_COPY
def test_attributes_that_refer_to_other_graphs_come_along(copied: Any) -> None:
    x = Value(2.0, "x")
    y, target = x * x, x.exp()
    y.target = target
    x.colors = {"front": "red"}
    y2 = copied(y)
    assert y2.target.data == target.data
    assert y2.target.parents[0] is y2.parents[0]
    assert y2.parents[0].colors == {"front": "red"}
    assert y2.parents[0].colors is not x.colors


@EVERY_COPY
def test_a_network_and_its_outputs(copied: Any) -> None:
    random.seed(1)
    net = MLP(3, [4, 2], activation="tanh")
    out = net([1.0, 2.0, 3.0])
    net2, out2 = copied((net, out))
    assert [p.data for p in net2.parameters()] == [p.data for p in net.parameters()]
    assert [p.label for p in net2.parameters()] == [p.label for p in net.parameters()]
    assert {p.kind for p in net2.parameters()} == {"parameter"}
    assert repr(net2) == repr(net)
    out2[0].backward()
    assert net2.layers[0].neurons[0].w[0].grad != 0.0
    assert all(p.grad == 0.0 for p in net.parameters())
    again = net2([1.0, 2.0, 3.0])
    assert [v.data for v in again] == [v.data for v in out]
    again[1].backward()
    assert net2.layers[1].neurons[1].b.grad == 1.0


@EVERY_COPY
def test_an_optimiser_goes_on_with_its_own_copy_of_the_parameters(copied: Any) -> None:
    for optimiser in SGD([Value(1.0)], 0.1, momentum=0.9), Adam([Value(1.0)], 0.1):
        steps = []
        for one in optimiser, copied(optimiser):
            (p,) = one.parameters
            p.grad = 2.0
            one.step()
            one.step()
            steps.append(p.data)
        assert steps[0] == steps[1]


@EVERY_COPY
def test_a_subclass_stays_one(copied: Any) -> None:
    leaf = Marked(2.0)
    leaf2, product = copied((leaf, leaf * leaf))
    assert type(leaf2) is Marked
    assert product.parents == (leaf2, leaf2)


class Marked(Value):
    """A Value of one's own."""


def test_primitives_of_ones_own_are_kept_by_name() -> None:
    def declare() -> Any:
        return primitive(
            "square_for_pickling",
            floats=lambda x: x * x,
            arrays=lambda x: x * x,
            partials=[lambda z, x: 2.0 * x],
        )

    row = declare()
    x = Value(3.0)
    text = pickle.dumps(row(x))
    row_text = pickle.dumps(row)
    y = pickle.loads(text)
    y.backward()
    assert (y.op, y.parents[0].grad) == (row, 6.0)
    assert pickle.loads(row_text) is row
    assert copy.deepcopy(row) is row

    del ops.table["square_for_pickling"]
    for unknown in text, row_text:
        with pytest.raises(KeyError, match=r"'square_for_pickling'.*micrograd\.primitive"):
            pickle.loads(unknown)

    again = declare()
    y = pickle.loads(text)
    y.backward()
    assert (y.op, y.parents[0].grad) == (again, 6.0)


def test_primitives_are_pickled_as_their_names() -> None:
    for row in ROWS.values():
        assert pickle.loads(pickle.dumps(row)) is row
    # Nothing of the code: functions cannot be pickled, and should not be run from a file.
    strings = {arg for _, arg, _ in pickletools.genops(pickle.dumps(graph())) if type(arg) is str}
    assert {"mul", "add", "affine", "sigmoid"} <= strings


@pytest.mark.parametrize("context", [no_grad, detect_anomaly])
@EVERY_COPY
def test_a_copy_is_whole_whatever_is_going_on_around_it(copied: Any, context: Any) -> None:
    c = graph()
    infinite = Value(0.0).log() + c
    with context():
        c2, infinite2 = copied((c, infinite))
    same(c, c2)
    assert infinite2.data == -math.inf
    assert len(topological_order(infinite2)) == len(topological_order(infinite))


def test_one_pickler_that_dumps_a_growing_graph_again_and_again() -> None:
    # A training log, say: each dump refers to what the earlier ones hold.
    file = io.BytesIO()
    pickler = pickle.Pickler(file)
    x = v = Value(1.0)
    sizes = []
    for _ in range(300):
        v = v + x
        pickler.dump(v)
        sizes.append(file.tell())
    unpickler = pickle.Unpickler(io.BytesIO(file.getvalue()))
    loaded = [unpickler.load() for _ in range(300)]
    assert [w.data for w in loaded] == [2.0 + i for i in range(300)]
    assert loaded[-1].parents[0] is loaded[-2]
    assert sizes[-1] - sizes[-2] < 1000


def test_a_list_of_every_result_of_a_long_chain() -> None:
    v = Value(1.0)
    every = [v := v + 1.0 for _ in range(1000)]
    with little_stack(100):
        for order in every, every[::-1], random.Random(0).sample(every, len(every)):  # noqa: S311
            copied = pickle.loads(pickle.dumps(order))
            assert sorted(v.data for v in copied) == [2.0 + i for i in range(1000)]
            assert len({id(p) for v in copied for p in v.parents if p.op}) == 999


def test_nothing_is_kept_once_a_graph_is_pickled() -> None:
    places = pickling_module._places
    before = len(places)
    x = Value(1.0)
    y = x * x
    reference = weakref.ref(y)
    pickle.loads(pickle.dumps(y))
    copy.deepcopy(y)
    assert id(y) not in places
    assert len(places) == before
    del y
    assert reference() is None


def test_a_failure_in_the_middle_leaves_nothing_behind_and_the_next_one_works() -> None:
    y = Value(1.0) * 2.0
    y.cannot = lambda: None
    before = len(pickling_module._places)
    for _ in range(2):
        # Which of the two, and in what words, differs between versions of Python.
        with contextlib.suppress(pickle.PicklingError, AttributeError):
            pickle.dumps(y)
            pytest.fail("a lambda was pickled")
    assert len(pickling_module._places) == before
    del y.cannot
    assert pickle.loads(pickle.dumps(y)).data == 2.0


def test_pickles_are_small() -> None:
    v = Value(1.0)
    for _ in range(10_000):
        v = v.tanh()
    assert len(pickle.dumps(v)) < 10_000 * 40
