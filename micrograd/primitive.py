"""What a row of the table is: all there is to know of an operation.

The table itself is in ops.py; how a row is added, in declaration.py. Called like a function a
row applies itself to numbers and arrays, and leaves it to Values and symbols to say what
applying means for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pickle import PicklingError
from typing import Any, Final

import numpy as np

Interval = tuple[float, float]
Fold = tuple[Callable[..., Any], Callable[..., Any]]
Domain = tuple[Interval, ...]  # one argument's intervals, with the kinks left out

# How tightly a printed form holds together; an argument that holds less
# tightly than its place asks for is put in parentheses.
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4


class Printed(str):
    """LaTeX that knows how tightly it binds; `{x:2}` in a template asks for a product or better.

    Attributes:
        level: SUM to ATOM.
        word: whether a sign has to stand between it and another factor; see Symbol.
    """

    level: int
    word: bool

    def __new__(cls, text: str, level: int, word: bool = False) -> Printed:
        """Make one: a string, with what it knows beside."""
        self = super().__new__(cls, text)
        self.level, self.word = level, word
        return self

    def __format__(self, wanted: str) -> str:
        if wanted and self.level < int(wanted):
            return rf"\left({self}\right)"
        return str(self)


_code_names: Final[dict[str, object]] = {}  # of all rows that there ever were, and whose they are


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
        mine, n, code_name = object(), 1, self.name
        while _code_names.setdefault(code_name, mine) is not mine:
            n += 1
            code_name = f"{self.name}__{n}"
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
            if type(number) is float:
                return number
            if not isinstance(number, complex | np.complexfloating):
                return as_float(number, f"primitive {self.name}: what floats gives for {arguments}")
        except (ArithmeticError, ValueError):
            pass  # the array form has an answer
        with np.errstate(all="ignore"):
            number = self.arrays(*map(_real, arguments))
        return as_float(number, f"primitive {self.name}: what arrays gives for {arguments}")

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

    def printed(self, parts: Sequence[Any]) -> str:
        """The operation as LaTeX.

        Arguments:
            parts: its arguments as they are printed; a list for a starred one.

        Raises:
            ValueError: if a function of the row's own fails.
            TypeError: if it gives no string.
        """
        if isinstance(self.latex, str):
            named = {
                name: Printed(", ".join(part), ATOM) if star else part
                for name, part, star in zip(self.arguments, parts, self.starred, strict=True)
            }
            return self.latex.format(**named)
        try:
            text = self.latex(*parts)
        except Exception as error:
            raise ValueError(
                f"primitive {self.name}: latex cannot print {', '.join(map(str, parts))}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(text, str):
            raise TypeError(
                f"primitive {self.name}: expected latex to give a string, "
                f"got {type(text).__name__} {text!r}"
            )
        return text

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        if table.get(self.name) is not self:
            raise PicklingError(
                f"primitive {self.name}: it is no longer in the table. A pickle names it, and "
                "would be read with whatever has that name then"
            )
        return lookup, (self.name,)

    def __copy__(self) -> Primitive:
        return self

    def __deepcopy__(self, memo: object) -> Primitive:
        return self


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
    number: Any = x
    if isinstance(x, np.ndarray) and x.ndim == 0:
        number = x[()]
    if not is_number(number):
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
