"""Keep Python's cyclic garbage collector from tracing graphs over and over.

The collector looks for cycles. A graph of Values has none: each node points
to its parents only, and is freed the moment nobody needs it. Yet every 700
new objects (2000 from Python 3.13 on) the collector traces the newest ones, and
in the end all of them; in a program that records a graph of some 60,000 nodes a
step that is more than half of all the time.

So where most of the newest objects are Values, the number of new objects that
sets off a collection is multiplied by 16, up to eight million. Everything is
still collected in the end, cycles of the program's own included; only later,
in proportion to the graphs that the program builds. A program that builds none
is left as it is, and so is one that has switched the collector off.

To have it otherwise, call `leave_alone()` after importing micrograd.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

LARGEST_THRESHOLD = 1 << 23
_FACTOR = 16
_STRETCH = 32

_node_type: type | None = None


def make_room_for(node_type: type) -> None:
    """Begin: from now on, objects of this very class count as nodes of a graph."""
    global _node_type
    _node_type = node_type
    if _before_collection not in gc.callbacks:
        gc.callbacks.append(_before_collection)


def leave_alone() -> None:
    """End: the collector keeps the thresholds that it has now."""
    if _before_collection in gc.callbacks:
        gc.callbacks.remove(_before_collection)


def _before_collection(phase: str, info: dict[str, Any]) -> None:
    if phase != "start":
        return
    first, *others = gc.get_threshold()
    if not 0 < first < LARGEST_THRESHOLD:
        return
    newest = gc.get_objects(generation=0)
    # Whole stretches: single objects at equal distances would all be of one
    # kind in a program whose loop has that length.
    middle = len(newest) // 2
    sample = newest[:_STRETCH] + newest[middle : middle + _STRETCH] + newest[-_STRETCH:]
    if 2 * sum(type(v) is _node_type for v in sample) > len(sample):
        gc.set_threshold(min(_FACTOR * first, LARGEST_THRESHOLD), *others)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Let nothing be collected meanwhile: for work that makes many objects, and no garbage.

    >>> with paused():
    ...     gc.isenabled()
    False
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
