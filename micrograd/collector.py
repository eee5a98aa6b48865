"""Keep Python's cyclic garbage collector from tracing graphs over and over.

The collector looks for cycles. A graph of Values has none: each node points
to its parents only, and is freed the moment nobody needs it. Yet every 700
new objects (2000 from Python 3.13 on) the collector traces the newest ones, and
in the end all of them; in a program that records a graph of some 60,000 nodes a
step that is more than half of all the time.

So the objects of a graph do not count. While one is recorded, the number of new
objects that sets off a collection is raised, again and again, to what there are
by now and as many more as the program itself allows. Whoever stops recording
therefore has a collection when it would have had one anyway, and with it the old
thresholds; earlier where `backward` ends, and where the graph is freed. A node
counts with one object more, such as the tuple of its arguments: what is new
beyond that is the program's, and collected as it always was.

A program that records no large graph is left as it is, and so is one that has
switched the collector off. So is CPython without the global lock: its collector
waits by itself until there is a quarter more than before.

To have it otherwise, call `leave_alone()` after importing micrograd.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, starmap
from typing import Any, Final
from weakref import ref

LARGEST_THRESHOLD = 1 << 23
_STRIDE: Final = 199  # nodes from one look to the next; a prime, so not always at one kind
_MARK: Final = 1 << 30  # with this, and the first threshold, the second tells that they are ours
_SETS: Final = 1 << 6  # and with this, which of the program's they stand for

raised = False  # whether the thresholds are ours, and there is something to restore

_node_type: type | None = None
_nodes_before = 0  # that there were when something was collected last
_allowed = sys.maxsize  # how many new objects the program itself allows, as far as we know
_own: Final[list[tuple[int, ...]]] = []  # thresholds that the program has had,
_ours = 0  # and the second one that we set last
_watched: Final[dict[int, ref[Any]]] = {}
_due = False  # whether `backward` has left a collection that will trace its whole graph
_patient = False  # whether that has happened: programs do the same again and again


def make_room_for(node_type: type) -> None:
    """Begin: from now on, objects of this very class count as nodes of a graph."""
    global _node_type
    _node_type = node_type
    if _before_collection not in gc.callbacks and "free-threading" not in sys.version:
        gc.callbacks.append(_before_collection)


def leave_alone() -> None:
    """End: the collector has the program's own thresholds, and keeps them."""
    global _node_type
    restore()
    _node_type = None
    if _before_collection in gc.callbacks:
        gc.callbacks.remove(_before_collection)


def maker(node_type: type, show_next: Callable[[Callable[[Any], None]], None]) -> Callable[[], Any]:
    """What makes a blank node, and has a look at the collector every so many nodes.

    It is called for every operation, so it is all C but for the look: `object.__new__`
    takes its argument from a cycle of tuples, the last of which is none, and has to be
    unpacked in Python.

    Arguments:
        node_type: the class.
        show_next: lets a function see the node that is recorded next.

    Returns:
        A function without arguments.
    """
    if "free-threading" in sys.version:
        return partial(object.__new__, node_type)
    arguments: list[Any] = [(node_type,)] * (_STRIDE - 1)
    return starmap(object.__new__, cycle([*arguments, _Look(node_type, show_next)])).__next__


class _Look:
    """An argument of `object.__new__` that looks at the collector before it is one."""

    def __init__(self, *given: Any) -> None:
        self.node_type, self.show_next = given

    def __iter__(self) -> Iterator[type]:
        left = gc.get_threshold()[0] - gc.get_count()[0]
        if not 2 * _STRIDE < left <= _allowed and gc.isenabled():
            graph, caller = _graph(), sys._getframe(1).f_code.co_name
            if graph and _raise(graph) and caller.endswith("_record"):
                self.show_next(_watch)  # it is no constant, then, but recorded
        return iter((self.node_type,))


def _graph() -> int:
    """How many of the objects that are new since a collection are of graphs."""
    return max(0, min(2 * (_nodes() - _nodes_before), gc.get_count()[0]))


def _nodes() -> int:
    """How many nodes there are, and some: every object of a class holds a reference to it."""
    return sys.getrefcount(_node_type)


def _raise(room: int) -> bool:
    """Let so many more objects come, and the older ones wait; False if that is not ours to do."""
    global raised, _ours, _allowed
    own = _thresholds()
    _allowed = own[0]
    if _node_type is None or not 0 < own[0] < LARGEST_THRESHOLD:
        return False
    if own not in _own:
        _own[_SETS - 1 :] = [own]
    first = min(own[0] + room, LARGEST_THRESHOLD)
    _ours, raised = _MARK + _SETS * first + _own.index(own), True
    gc.set_threshold(first, _ours, *own[2:])
    return True


def _thresholds() -> tuple[int, ...]:
    """The program's own, whoever has set those that hold now, and whoever has saved them."""
    first, second, *others = now = gc.get_threshold()
    of, which = divmod(second - _MARK, _SETS)
    if of == first:
        return _own[which]
    if second == _ours:  # the program has set the first, and nothing else
        return (first, _own[which][1], *others)
    return now


def restore() -> None:
    """Set the thresholds back to the program's own."""
    global raised
    raised = False
    gc.set_threshold(*_thresholds())


def passed() -> None:
    """Restore the thresholds after `backward`.

    A graph that lives on would be traced as soon as anything else is made, and often
    it is about to be freed. Where that has happened, the collection comes when the
    program itself has made as many objects as it allows, and with it the thresholds.
    """
    global _due
    new = gc.get_count()[0]
    _due = new > _thresholds()[0]
    if not (_due and _patient and _raise(new)):
        restore()


def _watch(node: Any) -> None:
    """Lower the thresholds when this node is freed, and probably its graph with it."""
    reference = ref(node, _freed)
    _watched[id(reference)] = reference


def _freed(reference: ref[Any]) -> None:
    _watched.pop(id(reference), None)
    if raised:
        graph = _graph()  # what is left: of this one as much as a few strides, or another
        if graph <= _thresholds()[0] + 8 * _STRIDE or not _raise(graph):
            restore()


def _before_collection(phase: str, info: dict[str, Any]) -> None:
    global _nodes_before, _due, _patient
    if phase != "start":
        return
    restore()
    due, _due = _due, False
    before, _nodes_before = _nodes_before, _nodes()
    if info["generation"] == 0:  # or else somebody may have called gc.collect()
        _patient = _patient or due
        # Leaves come without a look. Where they are most of what is new, the newest are
        # collected as ever; only the older ones, all leaves by now, are not traced again.
        if 2 * (_nodes_before - before) > gc.get_count()[0]:
            _raise(0)


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
