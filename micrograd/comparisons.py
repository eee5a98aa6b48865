"""Who was compared with whom: a branch that hangs on it is no part of the graph.

A program that `vectorize` makes takes the branch that the recorded sample took, for
every sample. So it wants to know which values were compared. A value that came
off worse is often gone by then, and what is known of it is the leaves it came from.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import RLock
from typing import Any, Final
from weakref import WeakKeyDictionary, ref

from micrograd.graph import operations

_WALKED: Final = 200  # nodes behind a value that is gone, among which its leaves are looked for
_REMEMBERED: Final = 256  # values that are gone
_PERHAPS: Final = "in this graph or an earlier one of the same leaves"


class Comparison:
    """A value that was compared, as long as it lives; and once it is gone, where it came from.

    Attributes:
        place: the file and the line of the program.
        parents: of the value.
        described: what it was.
        said: whether a program of another graph was told of it.
    """

    __slots__ = ("described", "parents", "place", "said")

    def __init__(self, v: Any, place: str) -> None:
        self.place, self.parents = place, v.parents
        self.described = (v._op, v.label, v.data)
        self.said = False

    def __del__(self) -> None:
        if self.parents and not self.said and _gone is not None:
            leaves = [ref(leaf) for leaf in _leaves_behind(self.parents)]
            _gone.append((str(self), leaves))

    def __str__(self) -> str:
        symbol, label, data = self.described
        what = f"the result of {symbol!r}" if symbol else "the leaf"
        name = f" {label!r}" if label else ""
        return f"{what}{name} = {data:.4g} was compared, at {self.place}"


_compared: Final[WeakKeyDictionary[Any, Comparison]] = WeakKeyDictionary()
_writing: Final = RLock()  # what is looked through must not grow meanwhile
_gone: Final[deque[tuple[str, list[ref[Any]]]]] = deque(maxlen=_REMEMBERED)


def note(v: Any) -> None:
    """Remember that a value was compared, and where in the program."""
    if v.kind == "constant" or v in _compared:
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and _inside(frame.f_globals.get("__name__", "")):
        frame = frame.f_back  # out of the comparison, into the program
    comparison = Comparison(v, f"{frame.f_code.co_filename}:{frame.f_lineno}")
    with _writing:
        _compared[v] = comparison


def _inside(module: str) -> bool:
    return module == "micrograd.value" or module.startswith("numpy.")


def _leaves_behind(values: Iterable[Any]) -> Iterator[Any]:
    """Leaves that values came from, as far as a short walk finds them."""
    seen: set[Any] = set()
    stack = list(values)
    while stack and len(seen) < _WALKED:
        v = stack.pop()
        if v in seen:
            continue
        seen.add(v)
        if v._a is not None:
            stack += v.parents
        elif v.kind != "constant":
            yield v


def any_noted() -> bool:
    """Whether anything was compared at all."""
    return bool(_compared or _gone)


def found(graph: Iterable[Any], inputs: Iterable[Any], parameters: Iterable[Any]) -> list[str]:
    """What was compared and depends on the leaves of a program.

    Arguments:
        graph: the program's nodes.
        inputs: leaves.
        parameters: leaves. What is not in the graph, any more or at all, counts where it
            depends on an input; on a parameter only if there are no inputs.

    Returns:
        A sentence for each, without repetitions. What is not in the graph is said
        once: it may have been compared in an earlier graph of the same leaves.
    """
    inside, inputs, parameters = set(graph), set(inputs), set(parameters)
    every, outside = inputs | parameters, inputs or parameters
    sentences: dict[str, None] = {}
    depends: tuple[set[Any], set[Any]] = (set(every), set(outside))
    done: set[Any] = set()
    with _writing:
        compared = list(_compared.items())
    for v, comparison in compared:
        for node in operations(v):
            if node not in done:
                done.add(node)
                for known in depends:
                    if not known.isdisjoint(node.parents):
                        known.add(node)
        if v in inside and v in depends[0]:
            sentences[f"{comparison}, while the graph was recorded"] = None
        elif v in depends[1] and v not in inside and not comparison.said:
            sentences[f"{comparison}, {_PERHAPS}"] = None
            comparison.said = True
    for entry in list(_gone):
        if any(leaf() in outside for leaf in entry[1]):
            sentences[f"{entry[0]}, {_PERHAPS}"] = None
            with suppress(ValueError):  # another thread may have taken it out
                _gone.remove(entry)
    return list(sentences)
