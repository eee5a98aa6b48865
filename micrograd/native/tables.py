"""The numbers that a program's source names, as tables in C.

>>> tables = Tables({"I_1": np.array([2, 0]), "n": 3})
>>> tables.indices([2, 0]), tables.indices([1]), tables.indices([2, 0])
('t1', 't2', 't1')
>>> tables.sources
['static const idx t1[] = {2, 0};', 'static const idx t2[] = {1};']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from micrograd.native.arrays import Size, View
from micrograd.native.scalars import number


class Tables:
    """The arrays of numbers that the source names, as C has them.

    Arguments:
        named: what the source gives a name.
    """

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.arrays = {name: x for name, x in named.items() if isinstance(x, np.ndarray)}
        self._names: dict[tuple[str, str], str] = {}

    @property
    def sources(self) -> list[str]:
        """Their definitions."""
        return [
            f"static const {kind} {name}[] = {{{numbers}}};"
            for (kind, numbers), name in self._names.items()
        ]

    def constants(self, name: str) -> View:
        """An array of constants."""
        array = self.arrays[name]
        table = self._table("real", map(number, array.ravel().tolist()))
        return View.of(table, tuple(map(Size, array.shape)))

    def indices(self, numbers: Any) -> str:
        """The C name of a table of indices."""
        return self._table("idx", map(str, np.ravel(numbers).tolist()))

    def _table(self, kind: str, numbers: Iterable[str]) -> str:
        return self._names.setdefault((kind, ", ".join(numbers)), f"t{len(self._names) + 1}")
