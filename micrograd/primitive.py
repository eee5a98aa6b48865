"""What a row of the table is, and how to add one.

The table itself is in ops.py. A row says all there is to know of an operation;
called like a function it applies itself to numbers and arrays, and leaves it
to Values and symbols to say what applying means for them.
"""

from __future__ import annotations

import inspect
import itertools
import keyword
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

Interval = tuple[float, float]
Fold = tuple[Callable[..., Any], Callable[..., Any]]
Domain = tuple[Interval, ...]  # one argument's intervals, with the kinks left out

# How tightly a printed form holds together; an argument that holds less
# tightly than its place asks for is put in parentheses.
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4


_declared: Final[Counter[str]] = Counter()


@dataclass(frozen=True, eq=False)
class Primitive:
    """One row of the table: an operation and its partial derivatives.

    Arguments:
        name: unique, a Python identifier, and not a keyword.
        symbol: what pictures and `Value._op` show, "+" or "exp".
        latex: template over the argument names; `{x:2}` asks for an argument
            that binds at least as tightly as a product. A starred argument
            stands for its terms joined by commas. Or a function of the lists
            of printed arguments.
        level: how tightly the printed form binds, SUM to ATOM.
        floats: forward on Python floats. It may raise ArithmeticError or
            ValueError where `arrays` has an IEEE result; that one counts.
        arrays: forward on NumPy arrays, elementwise, IEEE on every input. A
            starred argument arrives as a sequence of arrays.
        partials: one function of (z, *arguments) for each argument, written
            with the public operations. For a starred argument it gives the
            partial derivative by one element, from that element's partners.
        domain: for each argument the intervals to sample it from; together
            they stay clear of kinks and poles, so that a numeric derivative
            exists.
        arguments: names, in order; a star marks a sequence of any length,
            all starred ones of equal length.
        fold: for starred arguments, forward as a loop: where it starts, a
            function of the arguments that have no star, and the next total, a
            function of the total so far and one element of each argument.
        javascript: forward in a browser, IEEE on every input: an expression
            whose value is a function, such as "Math.exp" or "(x, y) => x * y".
            A starred argument arrives as an array. None for a fold, which says
            it all; and where it is not known.
    """

    name: str
    symbol: str
    latex: str | Callable[..., str]
    level: int
    floats: Callable[..., float]
    arrays: Callable[..., Any]
    partials: tuple[Callable[..., Any], ...]
    domain: tuple[Domain, ...]
    arguments: tuple[str, ...]
    fold: Fold | None = None
    javascript: str | None = None
    starred: tuple[bool, ...] = field(init=False)
    code_name: str = field(init=False)

    def __post_init__(self) -> None:
        # A row that replaces one of the same name must not replace its code.
        _declared[self.name] += 1
        again = _declared[self.name] > 1
        code_name = f"{self.name}__{_declared[self.name]}" if again else self.name
        object.__setattr__(self, "code_name", code_name)
        object.__setattr__(self, "starred", tuple(a.endswith("*") for a in self.arguments))
        object.__setattr__(self, "arguments", tuple(a.rstrip("*") for a in self.arguments))

    def __call__(self, *arguments: Any) -> Any:
        """Apply to floats, arrays, Values or symbols, whichever come.

        Arguments:
            arguments: one for each argument of the row; for a starred one a
                sequence.

        Returns:
            A float for numbers, an array for arrays, and otherwise what the
            arguments' own class makes of it (a Value for Values).

        Raises:
            TypeError: for a wrong number of arguments, or one that is neither
                a number nor an array, a Value or a symbol.
            ValueError: if starred arguments differ in length.
        """
        flat = self.flatten(arguments)
        for argument in flat:
            # Values and symbols say how they apply a primitive; so ops.py
            # needs to know neither.
            apply = getattr(type(argument), "__primitive__", None)
            if apply is not None:
                return apply(self, arguments)
        for argument in flat:
            if not is_number(argument) and not isinstance(argument, np.ndarray):
                raise TypeError(
                    f"{self.name}: expected numbers, arrays or Values, "
                    f"got {type(argument).__name__} {argument!r}"
                )
        objects = any(isinstance(a, np.ndarray) and a.dtype == object for a in arguments)
        if objects and not any(self.starred):
            return np.frompyfunc(self, len(arguments), 1)(*arguments)  # of Values, perhaps
        if any(isinstance(a, np.ndarray | np.generic) for a in flat):
            with np.errstate(all="ignore"):
                return np.asarray(self.arrays(*map(_real, arguments)))[()]
        return self.ieee(*arguments)

    def ieee(self, *arguments: Any) -> float:
        """The result on numbers with IEEE arithmetic: inf and nan, never an exception.

        >>> from micrograd import ops
        >>> ops.exp.ieee(710.0), ops.log.ieee(0.0), ops.pow.ieee(-2.0, 0.5)
        (inf, -inf, nan)
        """
        try:
            number = self.floats(*arguments)
            if not isinstance(number, complex):
                return float(number)
        except (ArithmeticError, ValueError):
            pass  # the array form has an answer
        with np.errstate(all="ignore"):
            return float(self.arrays(*map(_real, arguments)))

    def slopes(self, z: float, *arguments: Any) -> list[Any]:
        """Every partial derivative at a point, with IEEE arithmetic.

        Arguments:
            z: the result there.
            arguments: the numbers it came from; a list for a starred one.

        Returns:
            One float for each argument; for a starred one a list of floats.

        >>> from micrograd import ops
        >>> ops.mul.slopes(6.0, 2.0, 3.0)
        [3.0, 2.0]
        >>> ops.affine.slopes(7.0, [2.0], [3.0], 1.0)
        [[3.0], [2.0], 1.0]
        """
        z = np.float64(z)  # whose division by zero is inf, not an exception
        exact = list(map(_real, arguments))
        out: list[Any] = []
        with np.errstate(all="ignore"):
            for partial, star in zip(self.partials, self.starred, strict=True):
                if star:
                    out.append([float(partial(z, *one)) for one in self.elements(exact)])
                else:
                    out.append(float(partial(z, *exact)))
        return out

    def elements(self, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
        """For starred arguments: the argument tuples that each element sees.

        >>> from micrograd import ops
        >>> ops.affine.elements([["w0", "w1"], ["x0", "x1"], "b"])
        [('w0', 'x0', 'b'), ('w1', 'x1', 'b')]
        """
        length = next(len(a) for a, star in zip(arguments, self.starred, strict=True) if star)
        return [
            tuple(a[i] if star else a for a, star in zip(arguments, self.starred, strict=True))
            for i in range(length)
        ]

    def mapped(self, function: Callable[[Any], Any], arguments: Sequence[Any]) -> list[Any]:
        """The function's results, nested as the arguments are: a list for a starred one.

        >>> from micrograd import ops
        >>> ops.affine.mapped(abs, [[-2.0, 1.0], [-3.0, 4.0], -5.0])
        [[2.0, 1.0], [3.0, 4.0], 5.0]
        """
        return [
            list(map(function, a)) if star else function(a)
            for a, star in zip(arguments, self.starred, strict=True)
        ]

    def flatten(self, arguments: Sequence[Any]) -> list[Any]:
        """All arguments in one list, the starred ones spread out.

        Raises:
            TypeError: for a wrong number of arguments, or a starred one that
                is no sequence.
            ValueError: if starred arguments differ in length.
        """
        if len(arguments) != len(self.arguments):
            raise TypeError(
                f"{self.name}: expected {len(self.arguments)} arguments "
                f"({', '.join(self.arguments)}), got {len(arguments)}"
            )
        flat: list[Any] = []
        length: tuple[str, int] | None = None
        for name, star, argument in zip(self.arguments, self.starred, arguments, strict=True):
            if not star:
                flat.append(argument)
                continue
            if isinstance(argument, str) or not isinstance(argument, Sequence | np.ndarray):
                raise TypeError(
                    f"{self.name}: expected a sequence for {name}, got {type(argument).__name__}"
                )
            if length is not None and len(argument) != length[1]:
                raise ValueError(
                    f"{self.name}: {length[0]} has {length[1]} elements but {name} has "
                    f"{len(argument)}"
                )
            length = name, len(argument)
            flat.extend(argument)
        return flat

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return lookup, (self.name,)


def is_number(x: object) -> bool:
    """Whether x is a real number: int, float, a NumPy scalar, a Fraction.

    >>> is_number(2), is_number(np.float32(2)), is_number(2j), is_number("2")
    (True, True, False, False)
    """
    kind = type(x)
    if kind is float or kind is int:
        return True
    if isinstance(x, np.generic):
        return isinstance(x, np.floating | np.integer | np.bool_)
    return (
        hasattr(kind, "__float__")
        and not isinstance(x, np.ndarray)
        and not hasattr(kind, "__primitive__")
    )


def as_float(x: object, what: str) -> float:
    """A real number as a float, whatever its type.

    Arguments:
        x: the number; or an array without axes that holds it.
        what: what an error calls it.

    Returns:
        The float that is nearest to it.

    Raises:
        TypeError: if it is no real number.
        ValueError: if it is Decimal's signaling nan, which no float is.
        OverflowError: if it is beyond floats.

    >>> from fractions import Fraction
    >>> as_float(Fraction(1, 4), "the step")
    0.25
    >>> as_float(10**400, "the step")
    Traceback (most recent call last):
        ...
    OverflowError: the step: the int is too large for a float
    """
    if isinstance(x, np.ndarray) and x.ndim == 0:
        x = x[()]
    number: Any = x
    if not is_number(x):
        raise TypeError(f"{what}: expected a real number, got {type(x).__name__} {x!r}")
    try:
        found = float(number)
    except OverflowError:
        found = math.inf
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{what}: expected a number that is a float: {error}") from error
    if math.isinf(found) and number != found:  # a longdouble or a Decimal becomes infinite
        raise OverflowError(f"{what}: the {type(x).__name__} is too large for a float")
    return found


def _real(x: Any) -> Any:
    """The same as NumPy floats: an int array, say, has no negative powers."""
    if isinstance(x, list | tuple):
        return [_real(e) for e in x]
    x = np.asarray(x)
    return (x if x.dtype.kind == "f" else x.astype(np.float64))[()]


table: Final[dict[str, Primitive]] = {}


def primitive(
    name: str,
    *,
    floats: Callable[..., float] | None = None,
    arrays: Callable[..., Any] | None = None,
    fold: Fold | None = None,
    javascript: str | None = None,
    partials: Sequence[Callable[..., Any]],
    arguments: str | Sequence[str] = "",
    symbol: str = "",
    latex: str | Callable[..., str] = "",
    level: int = ATOM,
    domain: Sequence[Interval | Sequence[Interval]] = (),
) -> Primitive:
    """Add a row to the table of primitives, from here or from outside.

    Arguments:
        name: a new name; a Python identifier.
        floats: forward on floats.
        arrays: forward on NumPy arrays.
        fold: instead of both, for starred arguments: start and step of a loop,
            written with the public operations. See Primitive.
        javascript: forward in a browser, as `viz.page` needs it: an expression
            whose value is a function, such as "x => x * x" or "Math.exp". The
            derivatives there are printed from `partials`.
        partials: one function of (z, *arguments) for each argument.
        arguments: their names, "x y" or ["x", "y"]; a trailing star marks a
            sequence. Default: x, or x and y.
        symbol: what pictures show. Default: the name.
        latex: template over the argument names. Default: name(arguments).
        level: how tightly the printed form binds.
        domain: for each argument the interval, or the list of intervals, where
            tests may sample it. Default: (-2, 2).

    Returns:
        The row, to be called like a function.

    Raises:
        TypeError: if floats, arrays or a partial cannot be called with as
            many arguments, or names them in another order; or javascript is no string.
        ValueError: if the name is taken or no identifier, or the numbers of
            arguments, partials and intervals differ.

    >>> from micrograd import Value, ops, primitive
    >>> square = primitive("square_doctest", floats=lambda x: x * x,
    ...     arrays=lambda x: x * x, partials=[lambda z, x: 2.0 * x])
    >>> v = Value(3.0); square(v).backward(); v.grad
    6.0
    >>> del ops.table["square_doctest"]
    """
    if not _usable(name):
        raise ValueError(f"primitive: expected an identifier for name, got {name!r}")
    if name in table:
        raise ValueError(
            f"primitive: there is already a primitive named {name!r}; to declare it anew, "
            f"first del micrograd.ops.table[{name!r}]"
        )
    forward = [("floats", floats), ("arrays", arrays)]
    backward = [(f"partials[{i}]", partial) for i, partial in enumerate(partials)]
    for what, function in forward + backward:
        if function is not None and not callable(function):
            raise TypeError(f"primitive {name}: expected a function for {what}, got {function!r}")
    if javascript is not None and not isinstance(javascript, str):
        raise TypeError(
            f"primitive {name}: expected a string of JavaScript for javascript, got {javascript!r}"
        )
    if fold is not None and javascript is not None:
        raise TypeError(f"primitive {name}: expected no javascript beside fold, which says it all")
    if (fold is None) == (floats is None) or (floats is None) != (arrays is None):
        raise TypeError(f"primitive {name}: expected either floats and arrays, or fold")
    names = tuple(arguments.split() if isinstance(arguments, str) else arguments)
    names = names or ("x", "y")[: len(partials)]
    bare = [n.removesuffix("*") for n in names]
    if not bare or len(set(bare)) < len(bare) or not all(map(_usable, bare)):
        raise ValueError(
            f"primitive {name}: expected one or more different identifiers as arguments, "
            f"got {', '.join(names) or 'none'}"
        )
    intervals = tuple(map(_intervals, domain or [(-2.0, 2.0)] * len(names)))
    if not len(names) == len(partials) == len(intervals):
        raise ValueError(
            f"primitive {name}: {len(names)} arguments, {len(partials)} partial derivatives "
            f"and {len(intervals)} domains; expected as many of each"
        )
    for functions, given in (forward, bare), (backward, ["z", *bare]):
        for what, function in functions:
            names_own = _positional(function)
            if names_own != given and sorted(names_own) == sorted(given):
                raise TypeError(
                    f"primitive {name}: expected {what} to take its arguments in the order "
                    f"({', '.join(given)}), got ({', '.join(names_own)})"
                )
            if function is not None and not _takes(function, given):
                raise TypeError(
                    f"primitive {name}: expected {what} to be a function of ({', '.join(given)}), "
                    f"got one of {inspect.signature(function)}"
                )
    if not latex:
        inside = ", ".join("{" + n.rstrip("*") + "}" for n in names)
        latex = rf"\operatorname{{{{{name}}}}}({inside})".replace("_", r"\_")
    if fold is not None:
        floats = arrays = _folded(fold, tuple(n.endswith("*") for n in names))
    assert floats is not None
    assert arrays is not None
    row = Primitive(
        name,
        symbol or name,
        latex,
        level,
        floats,
        arrays,
        tuple(partials),
        intervals,
        names,
        fold,
        javascript,
    )
    table[name] = row
    return row


def _usable(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _positional(function: Any) -> list[str]:
    """The names of its positional arguments, as far as Python can tell."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _takes(function: Callable[..., Any], arguments: Sequence[str]) -> bool:
    """Whether it can be called with as many arguments, as far as Python can tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in without a signature
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def _intervals(one: Interval | Sequence[Interval]) -> Domain:
    """One argument's domain: an interval, or several."""
    several: Any = [one] if isinstance(one[0], float | int) else one
    return tuple((float(low), float(high)) for low, high in several)


def lookup(name: str) -> Primitive:
    """The row of that name.

    Raises:
        KeyError: if there is none; it says how to add it.
    """
    try:
        return table[name]
    except KeyError:
        raise KeyError(
            f"no primitive is named {name!r}; add it with micrograd.primitive first"
        ) from None


def _folded(fold: Fold, starred: tuple[bool, ...]) -> Callable[..., Any]:
    """The loop that a fold describes, as a function of whole arguments."""
    start, step = fold

    def run(*arguments: Any) -> Any:
        fixed = [a for a, star in zip(arguments, starred, strict=True) if not star]
        columns = [
            a if star else itertools.repeat(a) for a, star in zip(arguments, starred, strict=True)
        ]
        total = start(*fixed)
        for elements in zip(*columns, strict=False):
            total = step(total, *elements)
        return total

    return run
