"""Print rows of the table as JavaScript: forward, and each argument's share of the gradient.

The forward forms stand in the table; a fold's loop and the shares are printed
from what its functions give on symbols, as the engine's Python is.

>>> from micrograd import ops
>>> print(javascript_of([ops.mul]))
const $mul = (x, y) => x * y;
const primitives = {
  "mul": {
    forward: $mul,
    shares: [
      (g, z, x_, y_) => $mul(g, y_),
      (g, z, x_, y_) => $mul(g, x_),
    ],
  },
};
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from micrograd.generate import share_formulas
from micrograd.ops import Primitive
from micrograd.symbols import Expression, Symbol, primitives_of


def javascript_of(rows: Iterable[Primitive]) -> str:
    """The rows as an object `primitives`, by `code_name`.

    Each has `forward`, a function of the arguments; and `shares`: for each
    argument a function of the gradient g that arrives, the result z and the
    arguments, which gives what the argument gets of it. A starred argument is
    an array for `forward`, and one of its elements for `shares`.

    Arguments:
        rows: the rows; what their formulas need besides is added.

    Returns:
        JavaScript source.

    Raises:
        ValueError: if a row has no JavaScript form.
        TypeError: if a partial derivative takes plain numbers only.
    """
    rows = list(dict.fromkeys(rows))
    shares = {row: share_formulas(row, "g", "z", _names(row)) for row in rows}
    needed: dict[Primitive, str] = {}
    for row in rows:
        for other in [row, *_sorted(primitives_of_all(shares[row]))]:
            _add_forward(other, needed)
    lines = [f"const {_function(row)} = {source};" for row, source in needed.items()]
    lines.append("const primitives = {")
    for row in rows:
        parameters = ", ".join(["g", "z", *_names(row)])
        lines += [
            f"  {json.dumps(row.code_name)}: {{",
            f"    forward: {_function(row)},",
            "    shares: [",
            *(f"      ({parameters}) => {javascript(formula)}," for formula in shares[row]),
            "    ],",
            "  },",
        ]
    lines.append("};")
    return "\n".join(lines)


def javascript(x: Any, names: Mapping[str, str] | None = None) -> str:
    """An expression or a number as JavaScript.

    Arguments:
        x: the expression.
        names: what symbols are printed as; those it lacks, as they are.

    Returns:
        The source, in which a primitive p is a function $p.

    >>> x = Symbol("x")
    >>> javascript(1.0 - x * float("inf"))
    '$sub(1.0, $mul(x, Infinity))'
    """
    if not isinstance(x, Expression):
        text = repr(float(x)).replace("inf", "Infinity").replace("nan", "NaN")
        return f"({text})" if text.startswith("-") else text
    if isinstance(x, Symbol):
        return (names or {}).get(x.name, x.name)
    assert x.op is not None
    printed = x.op.mapped(lambda e: javascript(e, names), x.arguments)
    parts = [f"[{', '.join(p)}]" if isinstance(p, list) else p for p in printed]
    return f"{_function(x.op)}({', '.join(parts)})"


def primitives_of_all(formulas: Iterable[Any]) -> set[Primitive]:
    """All primitives in several expressions."""
    return set().union(*map(primitives_of, formulas))


def _add_forward(row: Primitive, needed: dict[Primitive, str]) -> None:
    """Add the row's forward form, after those that it is made of."""
    if row in needed:
        return
    if row.fold is None:
        needed[row] = _declared(row)
        return
    start, step = row.fold
    names = list(zip(_names(row), row.starred, strict=True))
    each = [Symbol(f"{name}[i]" if star else name) for name, star in names]
    first = start(*(Symbol(name) for name, star in names if not star))
    following = step(Symbol("total"), *each)
    for other in _sorted(primitives_of_all([first, following])):
        _add_forward(other, needed)
    length = next(name for name, star in names if star)
    needed[row] = (
        f"({', '.join(_names(row))}) => {{\n"
        f"  let total = {javascript(first)};\n"
        f"  for (let i = 0; i < {length}.length; i += 1) total = {javascript(following)};\n"
        "  return total;\n"
        "}"
    )


def _declared(row: Primitive) -> str:
    if row.javascript is None:
        raise ValueError(
            f"page: the primitive {row.name} has no JavaScript form, and a browser knows no "
            f"Python; declare it with primitive({row.name!r}, ..., javascript=...), as in "
            'javascript="x => x * x"'
        )
    return row.javascript.replace("\r", "")  # which a browser leaves out, too, before it hashes


def _names(row: Primitive) -> list[str]:
    """The row's arguments; with an underscore none is a word of JavaScript, nor g or z."""
    return [f"{name}_" for name in row.arguments]


def _function(row: Primitive) -> str:
    return f"${row.code_name}"


def _sorted(rows: Iterable[Primitive]) -> list[Primitive]:
    """In an order that does not depend on the process."""
    return sorted(rows, key=lambda row: row.code_name)
