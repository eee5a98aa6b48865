"""Turn a row of the table into the two fast functions that the engine runs.

`record` computes the operation and makes the node; `pull` does one step of the
chain rule: it takes the gradient that has arrived at the node on to its
parents. Both are printed from the row and compiled, so that a new row is as
fast as the built-in ones:

>>> from micrograd import ops
>>> print(pull_source(ops.mul))
def mul_pull(node):
    g = node.grad
    x = node._a
    y = node._b
    x.grad += g * y.data
    y.grad += g * x.data

A node keeps its arguments in two fields: `_a` and `_b` for one or two; for
more, or for starred ones, `_a` is the tuple of them and `_b` is None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from micrograd import ops
from micrograd.ops import Primitive
from micrograd.symbols import Expression, Symbol, primitives_of, python

# On floats these never raise: they overflow to inf and carry nan along.
_NEVER_RAISE = {ops.add, ops.sub, ops.mul, ops.neg}
_INDENT = "    "


class Leaves(tuple[Any, ...]):
    """A tuple of leaves: no walk over the graph has to look behind its elements."""

    __slots__ = ()


class Constants(Leaves):
    """A tuple of constants: neither are their gradients worked out."""

    __slots__ = ()


def packs(row: Primitive) -> bool:
    """Whether a node of this row keeps its arguments as one tuple in `_a`."""
    return len(row.arguments) > 2 or any(row.starred)


def record_source(row: Primitive) -> str:
    """Python source of the function that applies the row to Values.

    It takes Values, or for starred arguments tuples of Values. The second
    argument of a binary one may be a number, as in v + 1.

    >>> from micrograd import ops
    >>> print(record_source(ops.exp))
    def exp_record(x):
        try:
            data = exp_floats(x.data)
        except (ArithmeticError, ValueError):
            data = exp_ieee(x.data)
        node = new()
        node.data = data
        node.grad = 0.0
        node._pull = exp_pull
        node._a = x
        node._b = None
        return node if watch is None else watch(node)
    """
    body = []
    if len(row.arguments) == 2 and not packs(row):
        second = row.arguments[1]
        body += [
            f"if type({second}) is not Value:",
            f"{_INDENT}{second} = lift({second})",
            f"{_INDENT}if {second} is NotImplemented:",
            f"{_INDENT * 2}return {second}",
        ]
    numbers = [
        f"[v.data for v in {name}]" if star else f"{name}.data"
        for name, star in zip(row.arguments, row.starred, strict=True)
    ]
    if row.fold is not None:
        body += _fold(row)
    elif row in _NEVER_RAISE:
        body.append(f"data = {python(row(*map(Symbol, numbers)))[1:-1]}")
    else:
        call = ", ".join(numbers)
        body += [
            "try:",
            f"{_INDENT}data = {row.name}_floats({call})",
            "except (ArithmeticError, ValueError):",
            f"{_INDENT}data = {row.name}_ieee({call})",
        ]
    if packs(row):
        a, b = "(" + "".join(f"{name}, " for name in row.arguments) + ")", "None"
    else:
        a, b = (*row.arguments, "None")[:2]
    body += [
        "node = new()",
        "node.data = data",
        "node.grad = 0.0",
        f"node._pull = {row.name}_pull",
        f"node._a = {a}",
        f"node._b = {b}",
        "return node if watch is None else watch(node)",
    ]
    return _function(f"{row.name}_record({', '.join(row.arguments)})", body)


def pull_source(row: Primitive) -> str:
    """Python source of the function that does one step of the chain rule.

    >>> from micrograd import ops
    >>> print(pull_source(ops.log))
    def log_pull(node):
        g = node.grad
        x = node._a
        try:
            slope0 = (1.0 / x.data)
        except (ArithmeticError, ValueError):
            slope0, = slopes(node)
        x.grad += g * slope0
    >>> print(pull_source(ops.div))
    def div_pull(node):
        g = node.grad
        x = node._a
        y = node._b
        try:
            slope0 = 0.0 if x._b is constant else (1.0 / y.data)
            slope1 = 0.0 if y._b is constant else ((-node.data) / y.data)
        except (ArithmeticError, ValueError):
            slope0, slope1 = slopes(node)
        if x._b is not constant:
            x.grad += g * slope0
        if y._b is not constant:
            y.grad += g * slope1
    >>> print(pull_source(ops.affine))
    def affine_pull(node):
        g = node.grad
        w, x, b = node._a
        if type(w) is not Constants:
            for each_w, each_x in zip(w, x):
                each_w.grad += g * each_x.data
        if type(x) is not Constants:
            for each_w, each_x in zip(w, x):
                each_x.grad += g * each_w.data
        b.grad += g
    """
    names = [f"each_{n}" if s else n for n, s in zip(row.arguments, row.starred, strict=True)]
    symbols = [Symbol(f"{name}.data") for name in names]
    slopes = [partial(Symbol("node.data"), *symbols) for partial in row.partials]
    body = ["g = node.grad"]
    if packs(row):
        body.append(f"{''.join(n + ', ' for n in row.arguments).rstrip(' ,')} = node._a")
        if len(row.arguments) == 1:
            body[-1] = f"{row.arguments[0]}, = node._a"
    else:
        body += [
            f"{n} = node.{field}" for n, field in zip(row.arguments, ("_a", "_b"), strict=False)
        ]
    if all(primitives_of(slope) <= _NEVER_RAISE for slope in slopes):
        for i, slope in enumerate(slopes):
            body += _spread(row, i, names[i], _term(slope))
    else:
        # All slopes first, and only then the first +=: an exception half-way
        # must not leave one gradient added. Nobody asks for the gradient of a
        # constant, and that of the 2 in x ** 2 would need the logarithm of x.
        slots = [f"slope{i}" for i in range(len(slopes))]
        may_be_constant = [len(names) > 1 and not star for star in row.starred]
        body.append("try:")
        for i, slope in enumerate(slopes):
            source = _list(row, i, names, python(slope))
            if may_be_constant[i]:
                source = f"0.0 if {names[i]}._b is constant else {source}"
            body.append(f"{_INDENT}{slots[i]} = {source}")
        body += [
            "except (ArithmeticError, ValueError):",
            f"{_INDENT}{', '.join(slots)}{',' * (len(slots) == 1)} = slopes(node)",
        ]
        for i, slope in enumerate(slopes):
            term = _term(slope, "slope" if row.starred[i] else slots[i])
            if not term:
                continue
            if row.starred[i]:
                head = f"for {names[i]}, slope in zip({row.arguments[i]}, {slots[i]}):"
                body += _unless_constants(row, i, [head, f"{_INDENT}{names[i]}.grad {term}"])
            elif may_be_constant[i]:
                body += [
                    f"if {names[i]}._b is not constant:",
                    f"{_INDENT}{names[i]}.grad {term}",
                ]
            else:
                body.append(f"{names[i]}.grad {term}")
    return _function(f"{row.name}_pull(node)", body)


def _fold(row: Primitive) -> list[str]:
    """The lines that compute a fold, in place and without lists of numbers."""
    assert row.fold is not None
    start, step = row.fold
    fixed = [Symbol(f"{n}.data") for n, s in zip(row.arguments, row.starred, strict=True) if not s]
    each = [
        Symbol(f"each_{n}.data" if s else f"{n}.data")
        for n, s in zip(row.arguments, row.starred, strict=True)
    ]
    following = step(Symbol("data"), *each)
    loop = [
        f"data = {python(start(*fixed))}",
        f"{_loop(row)}:",
        f"{_INDENT}data = {python(following)}",
    ]
    if primitives_of(following) <= _NEVER_RAISE:
        return loop
    numbers = [
        f"[v.data for v in {n}]" if s else f"{n}.data"
        for n, s in zip(row.arguments, row.starred, strict=True)
    ]
    return [
        "try:",
        *(_INDENT + line for line in loop),
        "except (ArithmeticError, ValueError):",
        f"{_INDENT}data = {row.name}_ieee({', '.join(numbers)})",
    ]


def _function(head: str, body: list[str]) -> str:
    return "\n".join([f"def {head}:", *(_INDENT + line for line in body)])


def _term(slope: Any, name: str = "") -> str:
    """What to add to a gradient: "+= g * slope", or less where the slope is 1, -1 or 0."""
    if isinstance(slope, Expression):
        return f"+= g * {name or python(slope)}"
    if slope == 0.0:
        return ""  # as PyTorch: no gradient at all, where g * 0 could be nan
    return {1.0: "+= g", -1.0: "-= g"}.get(slope, f"+= g * {slope!r}")


def _starred(row: Primitive) -> list[str]:
    return [n for n, star in zip(row.arguments, row.starred, strict=True) if star]


def _loop(row: Primitive) -> str:
    """Print the head of the loop over starred arguments: for each_w, each_x in zip(w, x)."""
    stars = _starred(row)
    each = ", ".join(f"each_{n}" for n in stars)
    return f"for {each} in " + (stars[0] if len(stars) == 1 else f"zip({', '.join(stars)})")


def _spread(row: Primitive, i: int, name: str, term: str) -> list[str]:
    """The lines that add to the gradient of argument i, or of its elements."""
    if not term:
        return []
    if not row.starred[i]:
        return [f"{name}.grad {term}"]
    return _unless_constants(row, i, [f"{_loop(row)}:", f"{_INDENT}{name}.grad {term}"])


def _unless_constants(row: Primitive, i: int, lines: list[str]) -> list[str]:
    return [
        f"if type({row.arguments[i]}) is not Constants:",
        *(_INDENT + line for line in lines),
    ]


def _list(row: Primitive, i: int, names: list[str], source: str) -> str:
    return f"[{source} {_loop(row)}]" if row.starred[i] else source


def compile_row(row: Primitive, namespace: dict[str, Any]) -> tuple[Callable[..., Any], Any]:
    """Compile a row's two functions.

    Arguments:
        row: the primitive.
        namespace: the globals they run in: Value, new, lift, slopes and watch,
            as the engine defines them. The row's own names are added to it.

    Returns:
        record and pull.
    """
    sources = record_source(row), pull_source(row)
    namespace["Constants"] = Constants
    symbols = [Symbol(name) for name in row.arguments]
    formulas = [partial(Symbol("z"), *symbols) for partial in row.partials]
    if row.fold is not None:
        start, step = row.fold
        fixed = [s for s, star in zip(symbols, row.starred, strict=True) if not star]
        formulas += [start(*fixed), step(Symbol("total"), *symbols)]
    for needed in {row}.union(*map(primitives_of, formulas)):
        namespace[f"{needed.name}_floats"] = needed.floats
        namespace[f"{needed.name}_ieee"] = needed.ieee
    for what, source in zip(("pull", "record"), reversed(sources), strict=True):
        exec(compile(source, f"<{what} of primitive {row.name}>", "exec"), namespace)
    return namespace[f"{row.name}_record"], namespace[f"{row.name}_pull"]
