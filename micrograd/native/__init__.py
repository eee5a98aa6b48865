"""Programs as machine code: their NumPy source, translated to C and compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from micrograd.native.library import compiler, function, load
from micrograd.native.scalars import UntranslatableError
from micrograd.native.translation import Dimensions, translate

__all__ = ["Dimensions", "UntranslatableError", "build", "compiler", "translate"]


def build(
    source: str, shapes: Mapping[str, Sequence[Dimensions]], dtype: str
) -> dict[str, Callable[..., Any]]:
    """Compile functions of a program.

    Arguments:
        source: of the program, all of it.
        shapes: of each function's arguments, "n" for the number of samples.
        dtype: "float64" or "float32".

    Returns:
        The functions, to be called with arrays of that type.

    Raises:
        UntranslatableError: if something in the source has no form in C.
        RuntimeError: if there is no C compiler, or it fails.
    """
    text, results = translate(source, shapes, dtype)
    library = load(text)
    functions = {}
    for name, own in shapes.items():
        samples = next((i for i, shape in enumerate(own) if "n" in shape), None)
        functions[name] = function(library, name, samples, results[name], dtype)
    return functions
