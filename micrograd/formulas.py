"""What a row's own functions give on symbols: formulas, and what is wrong where they give none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from micrograd.declaration import checks
from micrograd.ops import Primitive, is_number
from micrograd.symbols import Expression, Symbol, python


def formula_of(row: Primitive, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the row's own gives: a formula, or a number.

    Arguments:
        row: the row.
        what: what an error calls the function.
        function: the function.
        *arguments: symbols, Values or numbers.

    Raises:
        TypeError: if it gives neither, or computes with plain numbers; it names the row.
    """
    try:
        found = function(*arguments)
    except TypeError as error:
        raise _of_plain_numbers(row, what, error) from error
    except AttributeError as error:
        if isinstance(error.obj, Expression):  # else it may be a row that is declared later
            raise _of_plain_numbers(row, what, error) from error
        raise
    if not is_number(found) and not hasattr(type(found), "__primitive__"):
        raise TypeError(
            f"primitive {row.name}: {what} gives {type(found).__name__} {found!r}, "
            "expected a number or a formula"
        )
    return found


def _of_plain_numbers(row: Primitive, what: str, error: Exception) -> TypeError:
    return TypeError(
        f"primitive {row.name}: {what} takes plain numbers only ({error}); write it "
        "with micrograd's own functions, micrograd.exp instead of math.exp"
    )


def check_formulas(row: Primitive) -> None:
    """See that the row's functions can be printed.

    One that names a row which is not there yet is seen only when it is first used.

    Raises:
        TypeError: if one cannot; it names the row and the function.
    """
    symbols = [Symbol(name) for name in row.arguments]
    asked = [
        (f"partials[{i}]", partial, [Symbol("z"), *symbols])
        for i, partial in enumerate(row.partials)
    ]
    if row.fold is not None:
        fixed = [s for s, star in zip(symbols, row.starred, strict=True) if not star]
        asked += [("fold[0]", row.fold[0], fixed)]
        asked += [("fold[1]", row.fold[1], [Symbol("total"), *symbols])]
    for what, function, arguments in asked:
        try:
            python(formula_of(row, what, function, *arguments))
        except (NameError, AttributeError, KeyError):
            continue
        except Exception as error:
            if str(error).startswith("primitive "):
                raise
            raise TypeError(
                f"primitive {row.name}: {what} cannot be printed as a formula: "
                f"{type(error).__name__}: {error}"
            ) from error


checks.append(check_formulas)
