"""Random programs over the whole table, and an oracle that knows nothing of it.

A program is data: how many inputs it has, and steps, each a row's name and the
earlier results that it is applied to. The same program runs on Values with the
table's rows, and on mpmath numbers with REFERENCES, functions written down
here a second time.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from hypothesis import strategies as st

from micrograd import Value, ops
from micrograd.ops import Primitive

ROWS: dict[str, Primitive] = dict(ops.table)  # as imported, without what tests add

mpmath.mp.dps = 50

# What each row computes, for mpmath numbers; lists for starred arguments.
REFERENCES: dict[str, Callable[..., Any]] = {
    "step": lambda x: mpmath.mpf(x > 0),
    "equal": lambda x, y: mpmath.mpf(x == y),
    # c is 0 or at least 0.1: the border between, away from both, makes it smooth at 0.
    "where": lambda c, x, y: y if c < 0.05 else x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: mpmath.exp(y * mpmath.log(x)),
    "neg": lambda x: -x,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tanh": lambda x: mpmath.sinh(x) / mpmath.cosh(x),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "relu": lambda x: (x + mpmath.fabs(x)) / 2,
    "abs": mpmath.fabs,
    "maximum": lambda x, y: (x + y + mpmath.fabs(x - y)) / 2,
    "minimum": lambda x, y: (x + y - mpmath.fabs(x - y)) / 2,
    "squared_error": lambda a, y: (a - y) ** 2,
    "sum": lambda x: mpmath.fsum(x),
    "affine": lambda w, x, b: mpmath.fdot(w, x) + b,
}


# The arguments that only decide: row and number.
DECIDING = {("where", 0), ("step", 0), ("equal", 0), ("equal", 1)}


def flowing(v: Value) -> list[int]:
    """Which of a value's parents gradients are passed on to."""
    if v.op is None:
        return []
    argument_of = [
        i for i, a in enumerate(v.arguments) for _ in (a if isinstance(a, tuple) else (a,))
    ]
    return [k for k, i in enumerate(argument_of) if (v.op.name, i) not in DECIDING]


def stars(row: Primitive) -> list[str]:
    """The row's argument names as `primitive` takes them, stars included."""
    return [n + "*" * star for n, star in zip(row.arguments, row.starred, strict=True)]


def points(row: Primitive, count: int = 12, seed: int = 0) -> list[tuple[Any, ...]]:
    """Points inside the row's domain, each interval of each argument among them.

    A starred argument is a list of one to four numbers.
    """
    rng = np.random.default_rng(seed)

    def inside(interval: tuple[float, float]) -> float:
        low, high = interval
        return low + (high - low) * float(rng.uniform(0.01, 0.99))

    combinations = max(len(domain) for domain in row.domain)
    return [
        tuple(
            [inside(domain[rng.integers(len(domain))]) for _ in range(1 + k % 4)]
            if star
            # every interval in turn, and not in step with the other arguments'
            else inside(domain[(k + k // combinations * position) % len(domain)])
            for position, (star, domain) in enumerate(zip(row.starred, row.domain, strict=True))
        )
        for k in range(count)
    ]


def flat(row: Primitive, nested: Sequence[Any]) -> list[Any]:
    """One list, the entries of starred arguments spread out."""
    return [e for a, star in zip(nested, row.starred, strict=True) for e in (a if star else [a])]


def shaped(row: Primitive, numbers: Sequence[Any], like: Sequence[Any]) -> list[Any]:
    """The inverse of `flat`: nested as `like` is."""
    rest = iter(numbers)
    return [
        [next(rest) for _ in a] if star else next(rest)
        for a, star in zip(like, row.starred, strict=True)
    ]


def exactly(reference: Callable[..., Any], row: Primitive, point: Sequence[Any]) -> Any:
    """The reference at a point, to 50 digits."""
    return reference(*shaped(row, [mpmath.mpf(x) for x in flat(row, point)], point))


def exact_derivative(
    reference: Callable[..., Any], row: Primitive, point: Sequence[Any], by: Sequence[int]
) -> Any:
    """The reference's derivative by the flat arguments numbered in `by`, to many digits."""
    numbers = [mpmath.mpf(x) for x in flat(row, point)]
    orders = tuple(by.count(i) for i in range(len(numbers)))
    return mpmath.diff(lambda *xs: reference(*shaped(row, xs, point)), tuple(numbers), orders)


def ulps(x: float, y: float) -> float:
    """How many steps of the floating-point grid lie between: 0 for equal, nan and nan too."""
    if x == y or (math.isnan(x) and math.isnan(y)):
        return 0.0
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.inf
    return abs(x - y) / max(math.ulp(x), math.ulp(y))


@contextlib.contextmanager
def little_stack(frames: int = 60) -> Iterator[None]:
    """Leave only so many frames to recurse into."""
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@dataclass(frozen=True)
class Operand:
    """An earlier result, as it is, or moved into an interval."""

    index: int
    interval: tuple[float, float] | None

    def fetch(self, results: Sequence[Any], functions: Mapping[str, Any]) -> Any:
        """Fetch its value; into the interval by way of a sine, which is smooth and never flat."""
        x = results[self.index]
        if self.interval is None:
            return x
        low, high = self.interval
        # The 0.9 keeps a distance from the ends, where kinks may be.
        return (low + high) / 2 + 0.9 * (high - low) / 2 * functions["sin"](x)


@dataclass(frozen=True)
class Step:
    """A row, and for each argument an Operand; for a starred one a tuple of them."""

    name: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Program:
    """Inputs, and the steps that follow; the last result counts."""

    inputs: tuple[float, ...]
    steps: tuple[Step, ...]

    def results(self, inputs: Sequence[Any], functions: Mapping[str, Any]) -> list[Any]:
        """Run it: the inputs, and then the result of every step."""
        results = list(inputs)
        for step in self.steps:
            results.append(
                functions[step.name](
                    *(
                        [one.fetch(results, functions) for one in operand]
                        if isinstance(operand, tuple)
                        else operand.fetch(results, functions)
                        for operand in step.operands
                    )
                )
            )
        return results

    def __call__(self, inputs: Sequence[Any], functions: Mapping[str, Any] = ROWS) -> Any:
        """Run it: the last result."""
        return self.results(inputs, functions)[-1]

    def exactly(self) -> Any:
        """Compute the result to 50 digits, by the references."""
        return self([mpmath.mpf(x) for x in self.inputs], REFERENCES)

    def exact_gradient(self) -> tuple[list[Any], list[Any]]:
        """Compute the gradient to many digits, forward from the inputs.

        Each step's own partial derivatives are numeric ones of its reference.

        Returns:
            The derivatives by the inputs; and the sums of the magnitudes of
            all paths, which say how much of a derivative cancelled out.
        """
        inputs = [Jet.of(x, i, len(self.inputs)) for i, x in enumerate(self.inputs)]
        functions = {name: jet_function(reference) for name, reference in REFERENCES.items()}
        output = self(inputs, functions)
        return output.slopes, output.sizes

    def exact_second_derivative(self, i: int, j: int) -> Any:
        """Compute the second derivative by inputs i and j, numerically to many digits."""
        orders = tuple((i == k) + (j == k) for k in range(len(self.inputs)))
        inputs = tuple(map(mpmath.mpf, self.inputs))
        return mpmath.diff(lambda *xs: self(xs, REFERENCES), inputs, orders)


@dataclass(frozen=True)
class Jet:
    """A number with its derivatives by the inputs, carried forward."""

    number: Any
    slopes: list[Any]
    sizes: list[Any]

    @staticmethod
    def of(x: float, i: int, count: int) -> Jet:
        """Input i of so many."""
        unit = [mpmath.mpf(i == k) for k in range(count)]
        return Jet(mpmath.mpf(x), unit, unit)

    def __rmul__(self, factor: float) -> Jet:
        sizes = [abs(factor) * s for s in self.sizes]
        return Jet(factor * self.number, [factor * s for s in self.slopes], sizes)

    def __radd__(self, constant: float) -> Jet:
        return Jet(constant + self.number, self.slopes, self.sizes)


def jet_function(reference: Callable[..., Any]) -> Callable[..., Jet]:
    """Lift a reference to jets, by numeric derivatives of the reference alone."""

    def apply(*arguments: Any) -> Jet:
        jets = [j for a in arguments for j in (a if isinstance(a, list) else [a])]
        numbers = tuple(jet.number for jet in jets)

        def f(*xs: Any) -> Any:
            rest = iter(xs)
            return reference(
                *([next(rest) for _ in a] if isinstance(a, list) else next(rest) for a in arguments)
            )

        slopes = [
            mpmath.diff(f, numbers, tuple(int(i == k) for k in range(len(numbers))))
            for i in range(len(numbers))
        ]
        inputs = range(len(jets[0].slopes) if jets else 0)
        return Jet(
            f(*numbers),
            [mpmath.fdot(slopes, [jet.slopes[i] for jet in jets]) for i in inputs],
            [mpmath.fdot(map(abs, slopes), [jet.sizes[i] for jet in jets]) for i in inputs],
        )

    return apply


@st.composite
def programs(
    draw: st.DrawFn, max_steps: int = 10, max_inputs: int = 3, only: Sequence[str] = tuple(ROWS)
) -> Program:
    """Programs in which any earlier result may be used any number of times.

    Every argument lies inside its row's domain: as it is where it does, and
    otherwise moved there. So the program is smooth where it is run.
    """
    numbers = st.floats(-3.0, 3.0).map(lambda x: round(x, 3))
    inputs = tuple(draw(st.lists(numbers, min_size=1, max_size=max_inputs)))
    results: list[float] = list(inputs)
    steps: list[Step] = []

    def operand(row: Primitive, position: int) -> Operand:
        # Counted from the end, so that what was computed last is used most.
        index = len(results) - 1 - draw(st.integers(0, len(results) - 1))
        intervals = row.domain[position]
        for low, high in intervals:
            margin = 0.01 * (high - low)
            if low + margin < results[index] < high - margin:
                return Operand(index, None)
        return Operand(index, draw(st.sampled_from(intervals)))

    for _ in range(draw(st.integers(1, max_steps))):
        name = draw(st.sampled_from(only))
        row = ROWS[name]
        length = draw(st.integers(1, 4)) if any(row.starred) else 0
        operands = tuple(
            tuple(operand(row, i) for _ in range(length)) if star else operand(row, i)
            for i, star in enumerate(row.starred)
        )
        steps.append(Step(name, operands))
        results.append(float(Program(inputs, (*steps,))(inputs)))
    return Program(inputs, tuple(steps))
