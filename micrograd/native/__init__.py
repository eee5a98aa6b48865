"""Programs as machine code: printed as C, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from micrograd.native.as_c import Dimensions, translate
from micrograd.native.library import compiler, function, load
from micrograd.native.scalars import UntranslatableError

__all__ = ["Dimensions", "UntranslatableError", "build", "compiler", "translate"]


def build(
    text: str, results: Mapping[str, Sequence[Dimensions]], samples: int | None, dtype: str
) -> dict[str, Callable[..., Any]]:
    """Compile functions of a program.

    Arguments:
        text: of the program, in C.
        results: the shapes of each function's results, "n" for the number of samples.
        samples: which argument has a row for each sample; None if none has.
        dtype: "float64" or "float32".

    Returns:
        The functions, to be called with arrays of that type.

    Raises:
        RuntimeError: if there is no C compiler, or it fails.
    """
    library = load(text)
    return {name: function(library, name, samples, own, dtype) for name, own in results.items()}
