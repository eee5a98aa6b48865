"""The garbage collector's threshold, each time in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

TOP = Path(__file__).parent.parent

BUILD = """
def build(n):
    v = Value(1.0)
    for _ in range(n):
        v = -v
    return v
"""


def run(program: str, before: str = "") -> Any:
    """What a program prints, as JSON; `before` runs ahead of the import of micrograd."""
    source = "\n".join(
        [
            "import gc, json, weakref",
            textwrap.dedent(before),
            "from micrograd import Value, collector",
            BUILD,
            textwrap.dedent(program),
        ]
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=300,  # of a program that hangs
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_threshold_rises_while_graphs_are_recorded_and_stops_at_the_cap() -> None:
    seen, cap, others_stay = run(
        """
        collector.LARGEST_THRESHOLD = 10_000
        first, *others = gc.get_threshold()
        seen, v = [first], Value(1.0)
        for _ in range(100_000):
            v = -v
            if gc.get_threshold()[0] != seen[-1]:
                seen.append(gc.get_threshold()[0])
        stay = gc.get_threshold()[1:] == tuple(others)
        print(json.dumps([seen, collector.LARGEST_THRESHOLD, stay]))
        """
    )
    first = seen[0]
    assert seen == [first * 16**k for k in range(len(seen) - 1)] + [cap]
    assert first < cap
    assert others_stay


def test_the_cap_is_eight_million_objects() -> None:
    assert run("print(json.dumps(collector.LARGEST_THRESHOLD))") == 2**23


def test_a_program_without_values_keeps_its_threshold() -> None:
    before, after = run(
        """
        before = gc.get_threshold()
        lists = [[] for _ in range(100_000)]
        value = build(10)
        more = [{"x": []} for _ in range(100_000)]
        print(json.dumps([before, gc.get_threshold()]))
        """
    )
    assert before == after


def test_a_program_of_which_values_are_the_smaller_part_keeps_its_threshold() -> None:
    # Whatever the rhythm in which the others come: no more than one in five is a Value.
    raised = run(
        """
        before, raised = gc.get_threshold(), []
        for others in range(4, 13):
            for offset in range(others + 1):
                gc.collect()
                v, lists = Value(1.0), [[] for _ in range(offset)]
                for _ in range(1_000):
                    v = -v
                    for _ in range(others):
                        lists.append([])
                if gc.get_threshold() != before:
                    raised.append([others, offset])
                    gc.set_threshold(*before)
        print(json.dumps(raised))
        """
    )
    assert raised == []


def test_a_collector_that_is_off_stays_off() -> None:
    thresholds, enabled = run(
        """
        gc.disable()
        before = gc.get_threshold()
        v = build(100_000)
        after_disabled = gc.get_threshold() == before, gc.isenabled()
        gc.enable()
        gc.set_threshold(0)
        w = build(100_000)
        gc.collect()
        print(json.dumps([[after_disabled[0], gc.get_threshold()[0] == 0], after_disabled[1]]))
        """
    )
    assert thresholds == [True, True]
    assert not enabled


def test_a_threshold_above_the_cap_is_left() -> None:
    after = run(
        """
        collector.LARGEST_THRESHOLD = 5_000
        gc.set_threshold(5_007)
        v = build(20_000)
        gc.collect(0)
        print(json.dumps(gc.get_threshold()[0] - collector.LARGEST_THRESHOLD))
        """
    )
    assert after == 7


def test_leave_alone_keeps_the_threshold_and_may_be_called_twice() -> None:
    before, after, callbacks = run(
        """
        collector.leave_alone()
        collector.leave_alone()
        before = gc.get_threshold()
        v = build(100_000)
        print(json.dumps([before, gc.get_threshold(), len(gc.callbacks)]))
        """
    )
    assert before == after
    assert callbacks == 0


def test_leave_alone_ends_what_has_begun_and_leaves_the_callbacks_of_others() -> None:
    rose, stayed, callbacks = run(
        """
        gc.callbacks.append(lambda phase, info: None)
        first = gc.get_threshold()[0]
        v = build(20_000)
        risen = gc.get_threshold()[0]
        collector.leave_alone()
        w = build(5 * risen)
        print(json.dumps([risen > first, gc.get_threshold()[0] == risen, len(gc.callbacks)]))
        """
    )
    assert rose
    assert stayed
    assert callbacks == 1


def test_it_watches_once_however_often_it_is_begun() -> None:
    callbacks = run(
        """
        for _ in range(3):
            collector.make_room_for(Value)
        print(json.dumps(len(gc.callbacks)))
        """
    )
    assert callbacks == 1


def test_cycles_are_still_collected_while_graphs_are_recorded() -> None:
    gone = run(
        """
        class Node:
            pass

        node = Node()
        node.me, node.value = node, build(10)
        gone = weakref.ref(node)
        del node
        keep = []
        while gone() is not None and len(keep) < 30:
            keep.append(build(100_000))
        print(json.dumps(gone() is None))
        """
    )
    assert gone


def test_a_cycle_through_values_is_collected() -> None:
    gone = run(
        """
        x = Value(1.0)
        y = x * x
        x.result = y
        gone = weakref.ref(y)
        del x, y
        assert gone() is not None
        gc.collect()
        print(json.dumps(gone() is None))
        """
    )
    assert gone


def test_importing_changes_no_threshold() -> None:
    assert run(
        "print(json.dumps(gc.get_threshold() == before))", before="before = gc.get_threshold()"
    )
