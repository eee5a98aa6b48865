"""Graphs as deep as memory allows: no recursion anywhere."""

from __future__ import annotations

import copy
import gc
import pickle
import tracemalloc
import weakref
from collections.abc import Callable, Iterator

import pytest

from micrograd import Value, detect_anomaly, grad, no_grad, ops
from micrograd.engine import topological_order
from tests.graphs import little_stack

MILLION = 1_000_000


@pytest.fixture(autouse=True)
def _sixty_frames() -> Iterator[None]:
    with little_stack(60):
        yield


def chain(n: int, step: Callable[[Value], Value] = lambda v: v + 1.0) -> tuple[Value, Value]:
    """The first and the last of n operations in a row."""
    first = last = Value(1.0)
    for _ in range(n):
        last = step(last)
    return first, last


def test_little_stack_catches_recursion() -> None:
    def down(n: int) -> int:
        return 0 if n == 0 else 1 + down(n - 1)

    assert down(20) == 20
    with pytest.raises(RecursionError):
        down(100)


@pytest.mark.slow
def test_a_chain_of_a_million_is_differentiated_and_freed_at_once() -> None:
    first, last = chain(MILLION, lambda v: v.sin())
    references = [weakref.ref(last), weakref.ref(last.parents[0])]
    last.backward()
    assert 0.0 < first.grad < 1e-6
    last.zero_grad()
    assert first.grad == 0.0
    gc.disable()
    try:
        del last
        assert [r() for r in references] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "step",
    [
        lambda v: v * 1.0 + v * 0.0,
        lambda v: 1.0 - (1.0 - v),
        lambda v: ops.sum([v]),
        lambda v: ops.affine([v, 1.0], [1.0, 0.0], 0.0),
        lambda v: ops.affine([0.0], [0.0], v),
        lambda v: ops.where(1.0, v, 0.0),
        lambda v: ops.maximum(v, v),
    ],
    ids=["diamonds", "right operand", "sum", "affine", "bias", "where", "maximum"],
)
def test_a_deep_chain_of_every_shape_of_node(step: Callable[[Value], Value]) -> None:
    first, last = chain(10_000, step)
    last.backward()
    assert first.grad == 1.0
    assert grad(last, first).data == 1.0
    assert len(topological_order(last)) > 10_000
    copied = pickle.loads(pickle.dumps(last))
    assert copied.data == last.data


@pytest.mark.slow
def test_a_chain_of_a_million_pickles() -> None:
    first, last = chain(MILLION, lambda v: v.sin())
    last.backward()
    before = last.data, first.grad
    text = pickle.dumps((first, last))
    del first, last
    first, last = pickle.loads(text)
    assert (last.data, first.grad) == before
    last.backward()
    assert first.grad == 2 * before[1] > 0.0


def test_a_deep_chain_is_deep_copied() -> None:
    first, last = chain(100_000)
    first_too, last_too = copy.deepcopy((first, last))
    last_too.backward()
    assert (last_too.data, first_too.grad, first.grad) == (100_001.0, 1.0, 0.0)


def test_a_deep_chain_is_differentiated_twice() -> None:
    first, last = chain(20_000, lambda v: v.sin())
    slope = grad(last, first)
    curvature = grad(slope, first)
    assert 0.0 < slope.data < 1.0
    assert curvature.data < 0.0


def test_deep_chains_under_no_grad_and_detect_anomaly() -> None:
    with no_grad():
        _, last = chain(100_000)
    assert (last.data, last.parents) == (100_001.0, ())
    with detect_anomaly():
        first, last = chain(100_000)
        last.backward()
    assert first.grad == 1.0


def test_many_neighbours_that_lead_deep_are_one_after_the_other() -> None:
    # A comb: a deep chain, and every link of it is an argument of one sum.
    first = last = Value(1.0)
    links = []
    for _ in range(50_000):
        last = last * 1.0
        links.append(last)
    total = ops.sum(links)
    total.backward()
    assert first.grad == 50_000.0
    ops.sum(links[::-1]).backward()
    assert first.grad == 100_000.0


def bytes_a_node(n: int, step: Callable[[Value], Value]) -> tuple[float, float]:
    """What a node takes, and the most that it takes while `backward` runs."""
    gc.collect()
    tracemalloc.start()
    try:
        _, last = chain(n, step)
        built, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        last.backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return built / n, peak / n


@pytest.mark.slow
def test_memory_for_a_node_is_the_same_in_a_chain_of_a_million() -> None:
    small, large = (bytes_a_node(n, lambda v: v.tanh()) for n in (10_000, MILLION))
    for few, many in zip(small, large, strict=True):
        assert many < 1.5 * few
    built, peak = large
    assert built < 200  # one object of seven slots, and its number
    assert peak < 1.5 * built


def test_backward_leaves_no_memory_behind() -> None:
    tracemalloc.start()
    try:
        _, last = chain(10_000, lambda v: v.tanh())
        last.backward()
        last.backward()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5):
            last.backward()
            topological_order(last)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after < before + 10_000  # less than a byte a node
