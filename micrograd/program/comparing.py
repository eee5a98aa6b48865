"""Compare a program with the Python function that it was recorded from, sample by sample."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from micrograd.checking import gradient_of
from micrograd.engine import Value, topological_order

Array = npt.NDArray[Any]

# How far apart they may be: in parts of the numbers compared, and in parts of the largest
# number on the way to them.
_TOLERANCE: Final = {"float64": (1e-9, 1e-12), "float32": (1e-3, 1e-5)}
_PATIENCE: Final = 2.0  # seconds without a progress bar


class ProgramMismatch(ValueError):  # noqa: N818 - it names what was found
    """A program and the function that it was recorded from differ."""


def compared(
    function: Callable[..., Any],
    samples: Sequence[Array],
    numbers: Sequence[Array],
    parameters: Sequence[Value],
    theirs: Array,
    single: bool,
) -> float:
    """Run a function on every sample, and compare what a program gave.

    Arguments:
        function: of a list of Values for each input, or of a single one.
        samples: an array for each input.
        numbers: the program's outputs; and for one output the gradients of each sample.
        parameters: the Values.
        theirs: the numbers that the program has for them.
        single: whether the program has one output.

    Returns:
        The largest difference, in parts of the numbers compared.

    Raises:
        ProgramMismatch: if it is more than rounding.
        TypeError, ValueError: if function does not give what the program was made of.
    """
    count = len(samples[0]) if samples else 1
    worst, failures = 0.0, []
    with _numbers_of(parameters, theirs):
        for i in _progress(count):
            arguments = [
                Value(row) if np.ndim(row) == 0 else list(map(Value, row.tolist()))
                for row in (array[i] for array in samples)
            ]
            outputs = _outputs(function(*arguments), numbers[0][i], single)
            scale = _largest(outputs)
            found = [("output", np.array([v.data for v in outputs]), numbers[0][i].reshape(-1))]
            if len(numbers) > 1:
                own = _gradient(outputs[0], parameters)
                found.append(("derivative by parameter", own, numbers[1][i]))
            for what, ours, program in found:
                difference, failure = _difference(what, ours, program, scale, single)
                worst = max(worst, difference)
                if failure:
                    failures.append(f"sample {i}: {failure}")
    if failures:
        raise ProgramMismatch(
            f"Program.check: {failures[0]}; {len({f.split(':')[0] for f in failures})} of {count} "
            f"sample{'s' * (count > 1)} differ. Most likely the function branches on a number "
            "(if, max, sorted), and the program goes the way of the sample that was recorded; or "
            "it draws random numbers, or something frozen has changed since"
        )
    return worst


def _outputs(given: Any, program: Array, single: bool) -> list[Value]:
    """The function's outputs as a list of Values."""
    if single != isinstance(given, Value | int | float) or not (
        single or isinstance(given, Iterable)
    ):
        expected = "a Value" if single else f"a list of {program.size} Values"
        raise TypeError(f"Program.check: expected the function to give {expected}, got {given!r}")
    several = [given] if single else list(given)
    if len(several) != program.size:
        raise ValueError(
            f"Program.check: expected the function to give {program.size} Values, got "
            f"{len(several)}"
        )
    return [v if isinstance(v, Value) else Value(v) for v in several]


def _largest(outputs: Sequence[Value]) -> float:
    """The size of the largest finite number on the way to the outputs."""
    sizes = (abs(v.data) for output in outputs for v in topological_order(output))
    return max((size for size in sizes if math.isfinite(size)), default=0.0)


def _gradient(output: Value, parameters: Sequence[Value]) -> Array:
    """The derivatives of the output by the parameters."""
    order = topological_order(output)
    if set(parameters).isdisjoint(order) and output.op is not None:
        raise ValueError(
            "Program.check: the function uses none of the program's parameters; it has to use "
            "the very Values (a copied or unpickled program has Values of its own)"
        )
    return np.array(gradient_of(output, parameters))


def _difference(
    what: str, ours: Array, program: Array, scale: float, single: bool
) -> tuple[float, str]:
    """The largest difference in parts of the numbers; and a sentence if it is more than rounding.

    Derivatives are compared as a vector: each in parts of the largest.
    """
    relative, absolute = _TOLERANCE[str(program.dtype)]
    program = program.astype(np.float64)
    with np.errstate(all="ignore"):
        gap = np.where(
            (ours == program) | (np.isnan(ours) & np.isnan(program)), 0.0, ours - program
        )
        gap = np.where(np.isnan(gap), np.inf, np.abs(gap))
        size = np.maximum(np.abs(ours), np.abs(program))
        size = np.where(np.isfinite(size), size, 0.0)
        if what != "output":
            size = np.full_like(size, size.max(initial=0.0))
        parts = np.where(gap == 0.0, 0.0, gap / np.where(size > 0.0, size, 1.0))
        wrong = ~(gap <= relative * size + absolute * scale) & (gap > 0.0)
    if not wrong.any():
        return float(parts[np.isfinite(parts)].max(initial=0.0)), ""
    k = int(np.argmax(np.where(wrong, gap, -1.0)))
    which = f"the {what}" if what == "output" and single else f"{what} {k}"
    return math.inf, (
        f"{which} is {float(program[k])!r} in the program, and {float(ours[k])!r} where the "
        "function is run"
    )


@contextmanager
def _numbers_of(parameters: Sequence[Value], numbers: Array) -> Iterator[None]:
    """Let the Values have the program's numbers meanwhile."""
    before = [v.data for v in parameters]
    for v, number in zip(parameters, numbers.tolist(), strict=True):
        v.data = number
    try:
        yield
    finally:
        for v, number in zip(parameters, before, strict=True):
            v.data = number


def _progress(count: int) -> Iterable[int]:
    """The samples' numbers, with a progress bar where it takes long and tqdm is there."""
    if importlib.util.find_spec("tqdm") is None:
        return range(count)
    from tqdm import tqdm

    bar: Iterable[int] = tqdm(range(count), desc="check", delay=_PATIENCE, leave=False)
    return bar
