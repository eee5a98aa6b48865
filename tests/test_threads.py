"""Threads and asyncio tasks: each has modes of its own, and what they share stays right."""

from __future__ import annotations

import asyncio
import copy
import io
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from micrograd import (
    AnomalyError,
    Value,
    comparisons,
    detect_anomaly,
    grad,
    graph,
    modes,
    no_grad,
    ops,
    parameter,
    primitive,
)
from micrograd import pickling as pickling_module
from micrograd import value as value_module
from micrograd.engine import topological_order
from micrograd.nn import Neuron
from micrograd.several import mean

TOP = Path(__file__).parent.parent
LONG = 60.0  # seconds after which a test has failed; what is right waits for no time at all


def in_a_thread(f: Callable[[], Any]) -> Any:
    """What f gives in another thread, while this one waits."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(f).result(LONG)


def at_once(f: Callable[[int], Any], threads: int = 4) -> list[Any]:
    """What f gives in several threads that begin together and take turns very often."""
    barrier = threading.Barrier(threads)

    def run(i: int) -> Any:
        barrier.wait(LONG)
        return f(i)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(run, range(threads)))
    finally:
        sys.setswitchinterval(before)


def interrupted_at_every_line(
    code: CodeType, prepare: Callable[[], Any], run: Callable[[], Any], other: Callable[[], Any]
) -> None:
    """Run a function that comes to some code, and at one line of that what another thread might.

    Each time anew, and at the next line.
    """
    lines, last = 0, False
    while not last:
        prepare()
        lines, left = lines + 1, lines

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal left
            if frame.f_code is not code or left < 0:
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    other()
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            run()
        finally:
            sys.settrace(before)
        last = left >= 0
    assert lines > 1


class Asked:
    """A lock in another's place, that tells when a thread asks for it."""

    def __init__(self, lock: Any) -> None:
        self.lock = lock
        self.asked = {True: threading.Event(), False: threading.Event()}

    def __enter__(self) -> None:
        self.asked[threading.current_thread() is threading.main_thread()].set()
        self.lock.acquire()

    def __exit__(self, *error: object) -> None:
        self.lock.release()


# no_grad and detect_anomaly.


def records() -> bool:
    x = Value(2.0)
    own = Value(4.0, (x,), "square")
    found = {bool((x * x).parents), bool(own.parents), bool(mean([x, 1.0]).parents)}
    assert found == {modes.recording()}
    return modes.recording()


def detects() -> bool:
    zero = Value(0.0)
    root = zero.sqrt()
    found = set()
    for way in zero.log, root.backward:
        try:
            way()
            found.add(False)
        except AnomalyError:
            found.add(True)
    assert found == {modes.detecting()}
    return modes.detecting()


def test_a_mode_does_not_reach_into_other_threads() -> None:
    with no_grad():
        assert (records(), in_a_thread(records)) == (False, True)
    with detect_anomaly():
        assert (detects(), in_a_thread(detects)) == (True, False)


def test_modes_of_several_threads_hold_whichever_ends_first() -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay() -> list[bool]:
        with no_grad(), detect_anomaly():
            inside.set()
            assert leave.wait(LONG)
            found = [records(), modes.detecting()]
        return [*found, records(), detects()]

    with ThreadPoolExecutor(1) as pool:
        staying = pool.submit(stay)
        assert inside.wait(LONG)
        assert (records(), detects()) == (True, False)
        with no_grad():
            assert not records()
        assert records()
        with detect_anomaly():
            leave.set()
            assert staying.result(LONG) == [False, True, True, False]
            assert (records(), detects()) == (True, True)
    assert (records(), detects()) == (True, False)


def test_tasks_that_take_turns_have_modes_of_their_own() -> None:
    async def in_and_out(mode: Any, holds: Callable[[], bool], on: bool) -> None:
        for _ in range(3):
            with mode():
                for _ in range(2):
                    assert holds() == on
                    await asyncio.sleep(0)
            assert holds() != on
            await asyncio.sleep(0)

    async def never(holds: Callable[[], bool], on: bool) -> None:
        for _ in range(10):
            assert holds() == on
            await asyncio.sleep(0)

    async def together() -> None:
        await asyncio.gather(
            in_and_out(no_grad, records, False),
            never(records, True),
            in_and_out(detect_anomaly, detects, True),
            never(detects, False),
        )

    asyncio.run(together())


def test_a_task_keeps_the_mode_that_it_was_begun_in_though_the_block_has_ended() -> None:
    async def outlives(ended: asyncio.Event) -> list[bool]:
        found = [records()]
        await ended.wait()
        return [*found, records()]

    async def begin() -> list[bool]:
        ended = asyncio.Event()
        with no_grad():
            task = asyncio.create_task(outlives(ended))
            await asyncio.sleep(0)
        assert records()
        ended.set()
        return await task

    assert asyncio.run(begin()) == [False, False]
    assert modes.namespace["watch"] is None  # nobody is in a mode: operations are fast again


def test_blocks_that_overlap_end_one_by_one() -> None:
    def suspended() -> Iterator[None]:
        with no_grad():
            yield

    first, second = suspended(), suspended()
    next(first)
    with detect_anomaly():
        next(second)
        first.close()
        assert (records(), modes.detecting()) == (False, True)
        second.close()
        assert (records(), detects()) == (True, True)
    assert (records(), detects()) == (True, False)


@pytest.mark.parametrize("mode", [no_grad, detect_anomaly])
def test_a_block_that_ends_in_another_thread_is_an_error(mode: Any) -> None:
    block = mode()
    block.__enter__()
    with pytest.raises(RuntimeError, match=f"^{mode.__name__}: the block ended in another thread"):
        in_a_thread(lambda: block.__exit__(None, None, None))
    assert (records(), detects()) == (mode is not no_grad, mode is detect_anomaly)
    modes._open.set(None)


def test_who_sees_the_next_node_sees_no_other_and_takes_no_mode_off() -> None:
    seen: list[Any] = []
    modes.show_next(seen.append)
    x = Value(3.0)
    y = x * x
    z = y + x
    assert seen == [y]
    assert z.parents == (y, x)
    with no_grad():
        modes.show_next(seen.append)
        forgotten = x * x
        assert not records()
    assert seen == [y, forgotten]
    assert forgotten.parents == ()


# backward.


def test_a_pass_over_a_shared_trunk_waits_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = Asked(graph.writing)
    monkeypatch.setattr(graph, "writing", lock)
    x = Value(3.0)
    trunk = x * x
    ours, theirs = 2.0 * trunk, 5.0 * trunk
    step = trunk._backward

    def in_the_middle() -> None:
        if threading.current_thread() is threading.main_thread():
            other.start()
            assert lock.asked[False].wait(LONG)
            assert x.grad == 0.0
        step()

    trunk._backward = in_the_middle
    other = threading.Thread(target=theirs.backward)
    ours.backward()
    other.join(LONG)
    assert (x.grad, trunk.grad) == (2 * 6.0 + 5 * 6.0, 5.0)


def test_leaves_get_what_every_thread_gives_them() -> None:
    x, y = Value(1.0), Value(2.0)
    trunk = x
    for _ in range(200):
        trunk = trunk * 1.0 + y
    many = ops.sum([trunk, trunk.relu(), x])

    def run(i: int) -> None:
        for _ in range(25):
            (many * float(i) + x).backward()
            x.backward()

    at_once(run)
    passes = 25 * (0 + 1 + 2 + 3)
    assert (x.grad, y.grad) == (3 * passes + 2 * 100, 400 * passes)


def test_a_backward_inside_a_backward_goes_on_as_before() -> None:
    # As where a part of a graph is worked out anew, to save memory.
    x, w = Value(3.0), Value(2.0)
    out = Value(w.data * x.data**2, (x, w), "again")

    def _backward() -> None:
        inner = Value(x.data)
        (w * inner * inner * out.grad).backward()
        x.grad += inner.grad

    out._backward = _backward
    (5.0 * out).backward()
    assert (x.grad, w.grad) == (5 * 12.0, 5 * 9.0)


def test_a_pass_that_fails_lets_others_go_on() -> None:
    x = Value(0.0)
    root = 1.0 * x.sqrt()
    with pytest.raises(AnomalyError), detect_anomaly():
        root.backward()
    y = x * 2.0
    in_a_thread(y.backward)
    assert y.grad == 1.0


def test_what_else_writes_gradients_waits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = Asked(graph.writing)
    monkeypatch.setattr(graph, "writing", lock)
    x = Value(3.0)
    y = x * x
    own = Value(9.0, (x,), "square")

    def _backward() -> None:
        x.grad += 6.0 * own.grad

    own._backward = _backward
    for write in y.backward, y.zero_grad, own.local_derivatives, x.backward:
        lock.asked[True].clear()
        write()
        assert lock.asked[True].is_set()


def test_a_forked_process_does_not_wait_for_a_thread_that_it_has_not() -> None:
    pytest.importorskip("fcntl", reason="nothing is forked here")
    program = """
        import os, threading
        from micrograd import Value, graph
        held, done = threading.Event(), threading.Event()
        def hold():
            with graph.writing:
                held.set()
                done.wait()
        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        child = os.fork()
        if child == 0:
            x = Value(3.0)
            (x * x).backward()
            os._exit(int(x.grad))
        _, status = os.waitpid(child, 0)
        done.set()
        thread.join()
        print(os.waitstatus_to_exitcode(status))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=True,
    )
    assert done.stdout == "6\n"


def test_graphs_are_recorded_and_differentiated_by_several_threads() -> None:
    w = [parameter(0.1 * i) for i in range(5)]

    def run(i: int) -> list[float]:
        found = []
        for k in range(30):
            z = ops.affine(w, [float(i), 1.0, *w[:3]], k * w[1]).tanh()
            c = (z - 0.5) ** 2 + sum(p * p for p in w)
            found += [c.data, *(d.data for d in grad(c, w))]
        return found

    assert at_once(run) == [run(i) for i in range(4)]


# Pickling.


def same(one: Value, other: Value) -> bool:
    ours, theirs = topological_order(one), topological_order(other)
    place = {v: i for i, v in enumerate(theirs)}
    return [v.data for v in ours] == [v.data for v in theirs] and all(
        [ours[place[p]] for p in w.parents] == list(v.parents)
        for v, w in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("copied", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy])
def test_a_graph_that_another_thread_pickles_meanwhile(
    copied: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = Value(2.0)
    y = x * x
    z = y + x
    walk, theirs = pickling_module.operations, []
    kept: list[Any] = []

    def interrupted(root: Any) -> Any:
        if threading.current_thread() is threading.main_thread():

            def pickle_them() -> Any:
                kept.append(pickle.Pickler(io.BytesIO()))  # which lives on, and its places
                kept[0].dump(z)
                return copied(z)

            theirs.append(in_a_thread(pickle_them))
        return walk(root)

    monkeypatch.setattr(pickling_module, "operations", interrupted)
    ours = copied(z)
    assert theirs
    assert all(same(z, v) for v in (ours, *theirs))


def test_threads_that_pickle_and_copy_the_same_graph() -> None:
    v = x = Value(1.0, "x")
    roots = [v := (v * 0.5 + x).tanh() for _ in range(60)]
    before = len(pickling_module._places)

    def run(i: int) -> bool:
        found = True
        for k in range(10):
            root = roots[-1 - (i + k) % 3]
            found &= same(root, pickle.loads(pickle.dumps(root)))
            found &= same(root, copy.deepcopy(root))
            pair = pickle.loads(pickle.dumps([root, roots[i]]))
            found &= pair[1] in topological_order(pair[0])
        return found

    assert at_once(run) == [True] * 4
    assert len(pickling_module._places) == before


def test_places_that_another_thread_frees_are_gone_and_no_others() -> None:
    y = Value(1.0) * 2.0
    before = len(pickling_module._places)
    picklers = [pickle.Pickler(io.BytesIO()) for _ in range(2)]
    picklers[0].dump(y)
    in_a_thread(lambda: picklers[1].dump(y))
    assert len(pickling_module._places) == before + 2
    del picklers[1]
    (places,) = pickling_module._places.values()
    assert list(places) == [id(y)]
    in_a_thread(picklers.clear)
    assert len(pickling_module._places) == before


def test_of_a_node_that_was_registered_anew_the_new_place_stays() -> None:
    y = Value(1.0) * 2.0
    first, second = (pickling_module.FlatGraph([y]) for _ in range(2))
    first.register()
    second.register()
    del first
    (places,) = pickling_module._places.values()
    assert places[id(y)][0]() is second


# What is made when it is first asked for.


def test_a_row_is_compiled_once_and_complete_before_anybody_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = primitive(
        "cube_for_threads",
        floats=lambda x: x**3,
        arrays=lambda x: x**3,
        partials=[lambda z, x: 3.0 * x * x],
    )
    compiled = []
    compile_row = value_module.compile_row

    class Pull:
        def __setattr__(self, name: str, value: Any) -> None:
            assert row not in value_module.rules
            super().__setattr__(name, value)

    def counted(row: Any, namespace: Any) -> Any:
        compiled.append(row)
        other.start()
        assert lock.asked[False].wait(LONG)
        compile_row(row, namespace)
        return None, Pull()

    lock = Asked(value_module.rules._compiling)
    monkeypatch.setattr(type(value_module.rules), "_compiling", lock)
    monkeypatch.setattr(value_module, "compile_row", counted)
    theirs: list[Any] = []
    other = threading.Thread(target=lambda: theirs.append(value_module.rules[row]))
    ours = value_module.rules[row]
    other.join(LONG)
    assert compiled == [row]
    assert theirs == [ours]
    assert ours[1].primitive is row


def test_a_neuron_that_is_given_weights_has_them_for_every_thread() -> None:
    neuron = Neuron(2, nonlin=False)
    found = []

    def prepare() -> None:
        neuron([1.0, 1.0])
        neuron.w = [Value(len(found)), Value(1.0)]

    def run() -> None:
        found.append(neuron([1.0, 1.0]).data == neuron.w[0].data + 1.0)

    interrupted_at_every_line(Neuron._pack.__code__, prepare, run, run)
    assert all(found)


def test_a_value_compared_while_comparisons_are_looked_through() -> None:
    def compare(i: int) -> int:
        x = parameter(float(i))
        keep = []
        for k in range(150):
            keep.append(x * float(k))
            assert keep[-1] <= 1e9
            if i < 2:
                comparisons.found(keep, [], [x])
        return len(comparisons.found(keep, [], [x]))

    assert all(n >= 1 for n in at_once(compare))
