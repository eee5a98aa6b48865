r"""Names of arrays in the source, from the labels of the Values in them.

>>> names = Names()
>>> names.new(["a_0^{(1)}", "a_1^{(1)}"]), names.new([r"\delta^{(L)}"]), names.new(["", "x"])
('A1', 'Delta_L', 'V1')
>>> names.new(["a_2^{(1)}"])
'A1_2'
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

# A letter, an index that tells the elements apart, and a layer.
_LABEL = re.compile(r"\\?([A-Za-z]+)(?:_(?:\w|\{[^{}]*\}))?(?:\^(?:\w|\{\(?([^{}()]*)\)?\}))?")
# What the source uses for itself.
_OWN = {"np", "n", "gradient", "ones", "parameters"}
_OWN |= {"forward", "value_and_grad", "per_sample_grad", "input_grad"}
_OWN |= {"cost", "jax", "jnp", "moves", "SymbolicZero"}
_TABLE = re.compile(r"[IK]_\d+")


def reserved(name: str) -> bool:
    """Whether the source needs a name for something of its own.

    >>> reserved("gradient"), reserved("len"), reserved("I_2"), reserved("A1")
    (True, True, True, False)
    """
    return (
        name in _OWN
        or hasattr(builtins, name)
        or keyword.iskeyword(name)
        or _TABLE.fullmatch(name) is not None
    )


def name_of(labels: Iterable[str], vector: bool = False) -> str | None:
    """What the labels have in common, as a name; None if that is nothing.

    Arguments:
        labels: of an array's elements.
        vector: whether the lessons would write it small, as b beside W.
    """
    found = set()
    for label in labels:
        match = _LABEL.fullmatch(label)
        if match is None:
            return None
        found.add((match[1], match[2] or ""))
        if len(found) > 1:
            return None
    if not found:
        return None
    letter, layer = found.pop()
    name = letter if vector else letter[0].upper() + letter[1:]
    layer = re.sub(r"[^A-Za-z0-9]+", "_", layer).strip("_")
    return name + ("_" * (not layer[:1].isdigit()) + layer if layer else "")


class Names:
    """Names that have been given; none is given twice, nor one that is reserved.

    Arguments:
        taken: names that are not to be given.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}  # the number that each name was last given
        self._nameless = 0

    def copy(self) -> Names:
        """The same, to go on with in another way."""
        other = Names(self._taken)
        other._last, other._nameless = dict(self._last), self._nameless
        return other

    def new(self, labels: Iterable[str], vector: bool = False) -> str:
        """A name for an array.

        Arguments:
            labels: of its elements.
            vector: whether the lessons would write it small, as b beside W.
        """
        name = name_of(labels, vector)
        return self.numbered("V") if name is None else self.unique(name)

    def numbered(self, letter: str) -> str:
        """A name for an array without labels."""
        self._nameless += 1
        return self.unique(f"{letter}{self._nameless}")

    def unique(self, name: str) -> str:
        """This name, or with a number if it is taken."""
        name += "_" * reserved(name)
        free, number = name, self._last.get(name, 1)
        while free in self._taken:
            number += 1
            free = f"{name}_{number}"
            free += "_" * reserved(free)
        self._taken.add(free)
        self._last[name] = number
        return free
