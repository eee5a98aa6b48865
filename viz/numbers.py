"""See that what a graph holds are numbers, before any of it is shown."""

from __future__ import annotations

from collections.abc import Iterable

from micrograd.engine import Value
from micrograd.ops import as_float
from micrograd.text import label_of


def check_numbers(function: str, values: Iterable[Value], *attributes: str) -> None:
    """See that these attributes of the values are numbers, of whatever type.

    Arguments:
        function: the name of the function that shows the values.
        values: all that it reads.
        *attributes: "data", "grad" or both.

    Raises:
        TypeError: if one is no real number, or none that computes with floats.
        ValueError: if it is a number that is no float.
        OverflowError: if it is beyond floats.
    """
    for v in values:
        for attribute in attributes:
            x = getattr(v, attribute)
            if type(x) is float:
                continue
            named = repr(label_of(v)) if label_of(v) else "a value without a label"
            what = f"{function}: the {attribute} of {named}"
            as_float(x, what)
            try:
                x * 1.0
            except TypeError:
                raise TypeError(
                    f"{what}: expected a number that computes with floats, "
                    f"got {type(x).__name__} {x!r}"
                ) from None
