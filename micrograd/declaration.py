"""How a row is added to the table of primitives, and what is wrong with one that is refused."""

from __future__ import annotations

import inspect
import itertools
import keyword
import re
from collections.abc import Callable, Iterable, Sequence
from string import Formatter
from typing import Any, Final
from unicodedata import normalize

from micrograd.primitive import (
    ATOM,
    POWER,
    PRODUCT,
    SUM,
    Domain,
    Fold,
    Interval,
    Primitive,
    Printed,
    table,
)

# What else is asked of a row that is declared; generate.py adds a function.
checks: Final[list[Callable[[Primitive], None]]] = []


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
        latex: template over the argument names, or a function. Default: name(arguments).
        level: how tightly the printed form binds.
        domain: for each argument the interval, or the list of intervals, where
            tests may sample it. Default: (-2, 2).

    Returns:
        The row, to be called like a function.

    Raises:
        TypeError: if something is of the wrong kind: a function that cannot be called with as
            many arguments, or names them in another order, or computes with plain numbers
            where a formula is needed.
        ValueError: if the name is taken or no identifier, the numbers of arguments, partials
            and intervals differ, or latex cannot be printed.

    >>> from micrograd import Value, ops, primitive
    >>> square = primitive("square_doctest", floats=lambda x: x * x,
    ...     arrays=lambda x: x * x, partials=[lambda z, x: 2.0 * x])
    >>> v = Value(3.0); square(v).backward(); v.grad
    6.0
    >>> del ops.table["square_doctest"]
    """
    if not isinstance(name, str):
        raise TypeError(f"primitive: expected a string as name, got {_shown(name)}")
    if not _usable(name):
        raise ValueError(f"primitive: expected an identifier for name, got {name!r}{_hint(name)}")
    if name in table:
        raise ValueError(
            f"primitive: there is already a primitive named {name!r}; to declare it anew, "
            f"first del micrograd.ops.table[{name!r}]"
        )
    what = f"primitive {name}: expected"
    if not isinstance(partials, Iterable):
        raise TypeError(f"{what} a list of functions as partials, got {_shown(partials)}")
    partials = tuple(partials)
    if not isinstance(symbol, str):
        raise TypeError(f"{what} a string as symbol, got {_shown(symbol)}")
    if not isinstance(latex, str) and not callable(latex):
        raise TypeError(f"{what} latex to be a string or a function, got {_shown(latex)}")
    if level not in (SUM, PRODUCT, POWER, ATOM):
        raise ValueError(f"{what} level to be SUM, PRODUCT, POWER or ATOM, got {level!r}")
    _check_javascript(name, javascript, fold)
    names = _names(what, arguments, len(partials))
    bare = [n.removesuffix("*") for n in names]
    functions = [
        ("floats", floats, bare),
        ("arrays", arrays, bare),
        *((f"partials[{i}]", partial, ["z", *bare]) for i, partial in enumerate(partials)),
    ]
    if callable(latex):
        functions.append(("latex", latex, bare))
    if fold is not None:
        start, step = _two_functions(what, fold)
        functions.append(("fold[0]", start, [n for n in names if not n.endswith("*")]))
        functions.append(("fold[1]", step, ["total", *bare]))
    for of, function, _ in functions:
        if function is not None and not callable(function):
            raise TypeError(f"{what} a function for {of}, got {function!r}")
    if (fold is None) == (floats is None) or (floats is None) != (arrays is None):
        raise TypeError(f"{what} either floats and arrays, or fold")
    if fold is not None and bare == list(names):
        raise ValueError(f"{what} an argument with a star beside fold, got {', '.join(names)}")
    intervals = _domains(what, domain or [(-2.0, 2.0)] * len(names))
    if not len(names) == len(partials) == len(intervals):
        raise ValueError(
            f"primitive {name}: {len(names)} arguments, {len(partials)} partial derivatives "
            f"and {len(intervals)} domains; expected as many of each"
        )
    for of, function, given in functions:
        _check_arguments(f"{what} {of}", function, given)
    if isinstance(latex, str):
        _check_template(name, latex, bare)
    if not latex:
        inside = ", ".join("{" + n + "}" for n in bare)
        written = name.replace("_", r"\_")
        latex = rf"\operatorname{{{{{written}}}}}({inside})"
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
        partials,
        intervals,
        names,
        fold,
        javascript,
    )
    _check_printed(row)
    for check in checks:
        check(row)
    table[name] = row
    return row


def _shown(x: object) -> str:
    return f"{type(x).__name__} {x!r}"


def _usable(name: str) -> bool:
    # What the row is compiled to has names as Python reads them.
    as_read = normalize("NFKC", name) == name
    return as_read and name.isidentifier() and not keyword.iskeyword(name) and name != "__debug__"


def _hint(*names: str) -> str:
    """What to write in place of a name that Python reads as another."""
    for name in names:
        if name.isidentifier() and normalize("NFKC", name) != name:
            return f"; Python reads it as {normalize('NFKC', name)!r}"
    return ""


def _names(what: str, arguments: Any, count: int) -> tuple[str, ...]:
    """The arguments' names, with their stars."""
    given = arguments.split() if isinstance(arguments, str) else arguments
    if not isinstance(given, Iterable) or not all(isinstance(n, str) for n in given):
        raise TypeError(f"{what} a string or a list of names as arguments, got {_shown(arguments)}")
    names = tuple(given) or ("x", "y")[:count]
    bare = [n.removesuffix("*") for n in names]
    if not bare or len(set(bare)) < len(bare) or not all(map(_usable, bare)):
        raise ValueError(
            f"{what} one or more different identifiers as arguments, "
            f"got {', '.join(names) or 'none'}{_hint(*bare)}"
        )
    return names


def _two_functions(what: str, fold: Any) -> tuple[Any, Any]:
    try:
        start, step = fold
    except (TypeError, ValueError):
        start = step = None
    if not callable(start) or not callable(step):
        raise TypeError(f"{what} fold to be two functions, start and step, got {fold!r}")
    return start, step


def _check_javascript(name: str, javascript: Any, fold: Any) -> None:
    what = f"primitive {name}: expected"
    if javascript is None:
        return
    if not isinstance(javascript, str):
        raise TypeError(f"{what} a string of JavaScript for javascript, got {javascript!r}")
    if fold is not None:
        raise TypeError(f"{what} no javascript beside fold, which says it all")
    if re.search("</script|<!--|<script", javascript, re.IGNORECASE):
        raise ValueError(
            f"primitive: the JavaScript form of the primitive {name} would end the page's script; "
            "expected it without <script, </script and <!--"
        )
    try:
        javascript.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} javascript without a character that no file can hold: {error}"
        ) from None


def _check_arguments(what: str, function: Any, given: list[str]) -> None:
    """See that it can be called with these arguments, as far as Python can tell."""
    if function is None:
        return
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in without a signature
        return
    listed, own = ", ".join(given), list(signature.parameters)
    if own != given and sorted(own) == sorted(given):
        raise TypeError(
            f"{what} to take its arguments in the order ({listed}), got ({', '.join(own)})"
        )
    try:
        signature.bind(*given)
    except TypeError:
        raise TypeError(f"{what} to be a function of ({listed}), got one of {signature}") from None


def _check_template(name: str, latex: str, arguments: list[str]) -> None:
    what = (
        f"primitive {name}: expected latex to be a template over ({', '.join(arguments)}), in "
        f"which all other braces are doubled, got {latex!r}"
    )
    try:
        fields = list(Formatter().parse(latex))
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    for _, field, level, conversion in fields:
        if field is None:
            continue
        if field not in arguments:
            raise ValueError(f"{what}: there is no argument {field!r}")
        if conversion:
            raise ValueError(f"{what}: nothing behind the argument {field}, got '!{conversion}'")
        if level not in ("", "1", "2", "3", "4"):
            raise ValueError(f"{what}: a level from 1 to 4 behind the colon, got {level!r}")


_ARGUMENT: Final = "\ue000"  # stands for one that is printed
_UNBRACED: Final = re.compile(rf"((?<!\\)[_^]|\\[A-Za-z]+){_ARGUMENT}")


def _check_printed(row: Primitive) -> None:
    """See that what is printed holds together, whatever the arguments are."""
    argument = Printed(_ARGUMENT, ATOM)
    text = row.printed([[argument, argument] if star else argument for star in row.starred])
    depth = 0
    for brace in re.findall(r"[{}]", re.sub(r"\\.", "", text)):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            break
    if depth:
        raise ValueError(
            f"primitive {row.name}: expected latex to print as many braces opened as closed, "
            f"got {text.replace(_ARGUMENT, '...')}"
        )
    found = _UNBRACED.search(text)
    if found:
        raise ValueError(
            f"primitive {row.name}: expected an argument in braces behind {found[1]}, for it may "
            "be long; in a template braces are doubled, and those around an argument are three"
        )


def _domains(what: str, domain: Any) -> tuple[Domain, ...]:
    try:
        found = tuple(map(_intervals, domain))
    except (TypeError, ValueError, IndexError, KeyError):
        raise TypeError(
            f"{what} as domain an interval, or a list of intervals, for each argument, "
            f"got {domain!r}"
        ) from None
    for low, high in itertools.chain(*found):
        if not low <= high:
            raise ValueError(f"{what} an interval from low to high in domain, got {(low, high)}")
    return found


def _intervals(one: Any) -> Domain:
    """One argument's domain: an interval, or several."""
    several: Any = [one] if isinstance(one[0], float | int) else one
    return tuple((float(low), float(high)) for low, high in several)


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
