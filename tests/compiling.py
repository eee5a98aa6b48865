"""Compiled programs in tests: compiled quickly, each source once, and many as one library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest

from micrograd import native
from micrograd.native import compiler, library

# Loops are still vectorised: one that is wrongly said to be independent has to be found.
QUICK = library._FLAGS.replace("-O3", "-O1 -ftree-vectorize")
KERNELS = files("micrograd.native").joinpath("kernels.h").read_text(encoding="utf-8")
_TOP_LEVEL = re.compile(r"^(?![ \t}#/]).*?\b(\w+)(?:\(|\[)", re.MULTILINE)

_libraries: dict[Any, Any] = {}
_waiting: dict[Any, _Part] | None = None


class _Function:
    """A function of a library that is compiled later."""

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled(*arguments)

    def compile(self, compiled: Any) -> None:
        """What is set here is set there."""
        for name, value in vars(self).items():
            setattr(compiled, name, value)
        self.compiled = compiled


class _Part:
    """One program of a library that is compiled later."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.functions: dict[str, _Function] = {}
        self.library: Any = None

    def __getitem__(self, name: str) -> _Function:
        return self.functions.setdefault(name, _Function())


def load(source: str) -> Any:
    """Compile C to a library and load it, or find that it was done before."""
    key = str(compiler()), library._FLAGS, library._PROCESSOR, source
    if key not in _libraries:
        if _waiting is not None and KERNELS in source:
            return _waiting.setdefault(key, _Part(source))
        _libraries[key] = library.load(source)
    return _libraries[key]


@contextmanager
def together() -> Iterator[None]:
    """What is compiled in the block is one library for each type of numbers: a fifth of the time.

    Only after the block can it be called.
    """
    global _waiting
    _waiting = parts = {}
    try:
        yield
    finally:
        _waiting = None
    by_kind: dict[str, list[_Part]] = {}
    for part in parts.values():
        head, _, _ = part.source.partition(KERNELS)
        by_kind.setdefault(head + KERNELS, []).append(part)
    for head, alike in by_kind.items():
        loaded = library.load("\n".join([head, *map(_renamed, range(len(alike)), alike)]))
        for i, part in enumerate(alike):
            part.library = loaded  # which goes with the last of its parts
            for name, function in part.functions.items():
                function.compile(loaded[f"{name}_of_{i}"])
    _libraries.update(parts)


def _renamed(i: int, part: _Part) -> str:
    """A program's own part, all that it declares under names that no other has."""
    _, _, own = part.source.partition(KERNELS)
    names = sorted(set(_TOP_LEVEL.findall(own)))
    return "\n".join(
        [
            *(f"#define {name} {name}_of_{i}" for name in names),
            own,
            *(f"#undef {name}" for name in names),
        ]
    )


@contextmanager
def quickly() -> Iterator[None]:
    """Programs are compiled as described above."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "_FLAGS", QUICK)
        patch.setattr(native, "load", load)
        yield
