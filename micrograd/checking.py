"""Check the chain rule against numeric derivatives.

>>> from micrograd import Value
>>> w, a = Value(0.5, "w"), Value(0.8, "a")
>>> print(gradcheck(lambda: (w * a).sigmoid(), [w, a]))  # doctest: +ELLIPSIS
input  analytic  numeric   relative error
w      0.192209  0.192209 ...
a       0.12013   0.12013 ...
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd.engine import Value, topological_order
from micrograd.text import in_one_line, label_of


class GradientMismatch(ValueError):  # noqa: N818 - it names what was found
    """The analytic and the numeric derivative differ; `.report` has both.

    Attributes:
        report: the GradientReport.
    """

    def __init__(self, message: str, report: GradientReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class InputCheck:
    """One input's derivative, by the chain rule and by two-sided differences."""

    name: str
    analytic: float
    numeric: float
    relative_error: float


@dataclass(frozen=True)
class GradientReport:
    """What `gradcheck` found; prints as a table.

    Attributes:
        checks: one InputCheck for each input, in order.
        eps: the step of the differences.
    """

    checks: tuple[InputCheck, ...]
    eps: float

    @property
    def worst(self) -> float:
        """The largest relative error; 0 for no inputs."""
        return max((check.relative_error for check in self.checks), default=0.0)

    def __str__(self) -> str:
        width = max([5, *(len(check.name) for check in self.checks)])
        lines = [f"{'input':{width}}  analytic  numeric   relative error"]
        lines += [
            f"{c.name:{width}}  {c.analytic:>8.6g}  {c.numeric:>8.6g}  {c.relative_error:>14.1e}"
            for c in self.checks
        ]
        return "\n".join(lines)


def gradcheck(
    f: Callable[..., Value],
    inputs: Sequence[Any] | Value,
    eps: float = 1e-4,
    tolerance: float = 1e-5,
) -> GradientReport:
    """Compare every derivative of f with (f(x + eps) - f(x - eps)) / (2 eps).

    Two-sided differences have an error of order eps^2 from the curvature and
    one of order 1e-16 / eps from rounding: 1e-4 is small enough for the one
    and large enough for the other.

    Arguments:
        f: a function of the inputs; or of nothing, if it uses them by name.
        inputs: Values, leaves; or numbers; or a single Value. Every `.data` and `.grad` is as
            before afterwards.
        eps: the step, above 0.
        tolerance: the largest relative error to accept.

    Returns:
        Both derivatives by each input, and the relative error
        |analytic - numeric| / max(|analytic|, |numeric|). The divisor is at
        least what curvature and rounding may add to the difference, over the
        tolerance; so an error of the numeric derivative is no alarm.

    Raises:
        GradientMismatch: if an error exceeds the tolerance; it names the input.
        TypeError: if f is no function, does not return a Value, or inputs is no list.
        ValueError: if eps or tolerance is not finite and above 0, an input
            is no leaf, or f is not finite beside it.
    """
    for name, number in ("eps", eps), ("tolerance", tolerance):
        if not 0.0 < number < math.inf:
            raise ValueError(f"gradcheck: expected a finite {name} above 0, got {number!r}")
    if not callable(f):
        raise TypeError(
            f"gradcheck: expected a function as f, got {type(f).__name__} {f!r}; "
            "it is called again beside each input"
        )
    if isinstance(inputs, Value):
        inputs = [inputs]
    if not isinstance(inputs, Iterable):
        raise TypeError(
            "gradcheck: expected a list of Values or numbers as inputs, "
            f"got {type(inputs).__name__} {inputs!r}"
        )
    values = [v if isinstance(v, Value) else Value(v) for v in inputs]
    names = [in_one_line(label_of(v)) or f"inputs[{i}]" for i, v in enumerate(values)]
    for name, v in zip(names, values, strict=True):
        if v.op is not None:
            raise ValueError(f"gradcheck: {name} is no leaf but the result of {v.op.name}")
    arguments = values if _takes_arguments(f) else []
    output = f(*arguments)
    if not isinstance(output, Value):
        raise TypeError(f"gradcheck: expected f to return a Value, got {output!r}")
    # Rounding is relative to the largest number on the way, not to the result.
    finite = (abs(v.data) for v in topological_order(output) if math.isfinite(v.data))
    scale = max(finite, default=0.0)
    checks = tuple(
        _check(name, v, analytic, lambda: f(*arguments).data, eps, tolerance, scale)
        for name, v, analytic in zip(names, values, gradient_of(output, values), strict=True)
    )
    report = GradientReport(checks, eps)
    for check in checks:
        # Written so that nan fails.
        if not check.relative_error <= tolerance:
            raise GradientMismatch(
                f"gradcheck: by {check.name} the chain rule gives {check.analytic!r}, two-sided "
                f"differences give {check.numeric!r}; relative error {check.relative_error:.1e}, "
                f"tolerance {tolerance:.1e}",
                report,
            )
    return report


def gradient_of(output: Value, inputs: Sequence[Value]) -> list[float]:
    """The inputs' gradients from one backward pass; every `.grad` is put back."""
    values = {*topological_order(output), *inputs}
    before = [(v, v.grad) for v in values]
    try:
        for v in values:
            v.grad = 0.0
        output.backward()
        return [v.grad for v in inputs]
    finally:
        for v, gradient in before:
            v.grad = gradient


def _check(
    name: str,
    v: Value,
    analytic: float,
    f: Callable[[], float],
    eps: float,
    tolerance: float,
    scale: float,
) -> InputCheck:
    numeric, magnitude = _difference(name, v, f, eps)
    half, _ = _difference(name, v, f, eps / 2.0)
    # The error of two-sided differences falls with the square of the step: so
    # the two tell how large it is. The other part is rounding.
    curvature = 4.0 / 3.0 * abs(numeric - half)
    rounding = 4.0 * sys.float_info.epsilon * max(magnitude, scale) / eps
    divisor = max(abs(analytic), abs(numeric), 2.0 * (curvature + rounding) / tolerance)
    error = abs(analytic - numeric) / divisor if analytic != numeric else 0.0
    return InputCheck(name, analytic, numeric, error)


def _difference(name: str, v: Value, f: Callable[[], float], eps: float) -> tuple[float, float]:
    """The two-sided difference by v, and the larger of the two numbers it is made of."""
    x = v.data
    try:
        v.data = x + eps
        above, right = f(), v.data
        v.data = x - eps
        below, left = f(), v.data
    finally:
        v.data = x
    if right == left or not (math.isfinite(above) and math.isfinite(below)):
        raise ValueError(
            f"gradcheck: by {name} there is no difference to take at {x!r} with eps {eps:g}: "
            f"the values beside it are {below!r} and {above!r}; choose another eps"
        )
    # The step as it is after rounding, not as it was meant.
    return (above - below) / (right - left), max(abs(above), abs(below))


def _takes_arguments(f: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a built-in without a signature
        return True
    return any(
        p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters
    )
