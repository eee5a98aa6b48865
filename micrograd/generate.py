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
more, or for starred ones, or where one gets no gradient, `_a` is the tuple of
them and `_b` is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from micrograd import ops
from micrograd.formulas import formula_of
from micrograd.graph import Constants, Deciding
from micrograd.ops import Primitive
from micrograd.symbols import Expression, Symbol, primitives_of, python, share

# On floats these never raise: they overflow to inf and carry nan along.
_NEVER_RAISE = {ops.add, ops.sub, ops.mul, ops.neg, ops.where, ops.step, ops.equal}
_INDENT = "    "


# Names that the generated functions use for themselves; an argument that has
# one of them, or the look of one, is renamed.
_OWN_NAMES: Final = frozenset(
    "ArithmeticError,Constants,Deciding,NotImplemented,Value,ValueError,constant,data,g,inf,lift,nan,new,"
    "node,share,shares,type,v,watch,zip".split(",")
)


def _locals(row: Primitive) -> list[str]:
    """The row's arguments as local variables."""
    return [
        f"argument_{name}"
        if name in _OWN_NAMES
        or name.startswith(("argument_", "each_", "share"))
        or name.endswith(("_floats", "_ieee", "_pull", "_record"))
        else name
        for name in row.arguments
    ]


@cache
def closed(row: Primitive) -> tuple[bool, ...]:
    """For each argument, whether nothing is passed on to it, as to the condition of `where`.

    That is the one rule for what gets no gradient: where the partial derivative is the number
    0, whatever the arguments are. A 0 that was worked out is a number as any other: times
    infinity it is nan, as IEEE and PyTorch have it.

    >>> from micrograd import ops
    >>> closed(ops.where), closed(ops.step), closed(ops.relu)
    ((True, False, False), (True,), (False,))
    """
    return tuple(
        not isinstance(formula, Expression) and formula == 0.0
        for formula in share_formulas(row, "g", "z", list(row.arguments))
    )


@cache
def packs(row: Primitive) -> bool:
    """Whether a node of this row keeps its arguments as one tuple in `_a`."""
    return len(row.arguments) > 2 or any(row.starred) or any(closed(row))


def record_source(row: Primitive) -> str:
    """Python source of the function that applies the row to Values.

    It takes Values, or for starred arguments tuples of Values. The second
    argument of a binary one may be a number, as in v + 1.

    >>> from micrograd import ops
    >>> print(record_source(ops.exp))
    def exp_record(x):
        try:
            data = exp_floats(x.data)
            if type(data) is not float:
                data = exp_ieee(x.data)
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
    arguments = _locals(row)
    body = []
    if len(arguments) == 2 and not packs(row):
        second = arguments[1]
        body += [
            f"if type({second}) is not Value:",
            f"{_INDENT}{second} = lift({second}, {row.name!r})",
            f"{_INDENT}if {second} is NotImplemented:",
            f"{_INDENT * 2}return {second}",
        ]
    numbers = _numbers(row)
    if row.fold is not None:
        body += _fold(row)
    elif row in _NEVER_RAISE:
        body.append(f"data = {_unwrapped(row(*map(Symbol, numbers)))}")
    else:
        call = ", ".join(numbers)
        body += [
            "try:",
            f"{_INDENT}data = {row.code_name}_floats({call})",
            f"{_INDENT}if type(data) is not float:",
            f"{_INDENT * 2}data = {row.code_name}_ieee({call})",
            "except (ArithmeticError, ValueError):",
            f"{_INDENT}data = {row.code_name}_ieee({call})",
        ]
    if packs(row):
        a, b = "(" + "".join(f"{name}, " for name in arguments) + ")", "None"
        if any(closed(row)):
            a = f"Deciding({a})"
    else:
        a, b = (*arguments, "None")[:2]
    body += [
        "node = new()",
        "node.data = data",
        "node.grad = 0.0",
        f"node._pull = {row.code_name}_pull",
        f"node._a = {a}",
        f"node._b = {b}",
        "return node if watch is None else watch(node)",
    ]
    return _function(f"{row.code_name}_record({', '.join(arguments)})", body)


def pull_source(row: Primitive) -> str:
    """Python source of the function that does one step of the chain rule.

    >>> from micrograd import ops
    >>> print(pull_source(ops.log))
    def log_pull(node):
        g = node.grad
        x = node._a
        try:
            share0 = g / x.data
        except (ArithmeticError, ValueError):
            share0, = shares(node)
        x.grad += share0
    >>> print(pull_source(ops.div))
    def div_pull(node):
        g = node.grad
        x = node._a
        y = node._b
        try:
            share0 = 0.0 if x._b is constant else g / y.data
            share1 = 0.0 if y._b is constant else g * ((-node.data) / y.data)
        except (ArithmeticError, ValueError):
            share0, share1 = shares(node)
        x.grad += share0
        y.grad += share1
    >>> print(pull_source(ops.affine))
    def affine_pull(node):
        g = node.grad
        w, x, b = node._a
        if type(w) is not Constants and type(x) is not Constants:
            for each_w, each_x in zip(w, x):
                each_w.grad += g * each_x.data
                each_x.grad += g * each_w.data
        else:
            if type(w) is not Constants:
                for each_w, each_x in zip(w, x):
                    each_w.grad += g * each_x.data
            if type(x) is not Constants:
                for each_w, each_x in zip(w, x):
                    each_x.grad += g * each_w.data
        b.grad += g
    """
    return _function(f"{row.code_name}_pull(node)", _pull_body(row))


def _pull_body(row: Primitive) -> list[str]:
    arguments = _locals(row)
    names = [f"each_{n}" if s else n for n, s in zip(arguments, row.starred, strict=True)]
    shares = share_formulas(row, "g", "node.data", [f"{name}.data" for name in names])
    body = ["g = node.grad"]
    if packs(row):
        body.append(f"{', '.join(arguments)}{',' * (len(arguments) == 1)} = node._a")
    else:
        body += [f"{n} = node.{field}" for n, field in zip(arguments, ("_a", "_b"), strict=False)]
    return body + (_guarded if _may_raise(shares) else _direct)(row, names, shares)


def backward_source(inlined: Sequence[Primitive], decisions: bool = False) -> str:
    """Python source of the backward pass: over nodes in order, each one's step.

    Arguments:
        inlined: rows whose steps are written out in the loop, which saves a
            call for each node.
        decisions: whether there may be nodes to which nothing was passed on; they still
            have the gradient `mark`, and pass nothing on themselves.

    >>> from micrograd import ops
    >>> print(backward_source([ops.add]))
    def backward(order):
        for node in order:
            pull = node._pull
            if pull is add_pull:
                g = node.grad
                x = node._a
                y = node._b
                x.grad += g
                y.grad += g
            else:
                pull(node)
    """
    body = ["for node in order:"]
    if decisions:
        body += [f"{_INDENT}if node.grad is mark:", f"{_INDENT * 2}continue"]
    body.append(f"{_INDENT}pull = node._pull")
    for i, row in enumerate(inlined):
        body.append(f"{_INDENT}{'el' * (i > 0)}if pull is {row.code_name}_pull:")
        body += [_INDENT * 2 + line for line in _pull_body(row)]
    if inlined:
        body += [f"{_INDENT}else:", f"{_INDENT * 2}pull(node)"]
    else:
        body.append(f"{_INDENT}pull(node)")
    return _function("backward(order, mark)" if decisions else "backward(order)", body)


def share_formulas(row: Primitive, g: str, z: str, arguments: list[str]) -> list[Any]:
    """For each argument: what it gets of the gradient, as a formula in these names."""
    symbols = [Symbol(name) for name in arguments]
    return [share_formula(row, i, Symbol(g), Symbol(z), symbols) for i in range(len(symbols))]


def share_formula(row: Primitive, i: int, g: Any, z: Any, arguments: Sequence[Any]) -> Any:
    """What argument i gets of the gradient g, where z is the result: symbols or numbers all."""
    return share(g, formula_of(row, f"partials[{i}]", row.partials[i], z, *arguments))


def _may_raise(formulas: list[Any]) -> bool:
    return not all(primitives_of(formula) <= _NEVER_RAISE for formula in formulas)


def _direct(row: Primitive, names: list[str], shares: list[Any]) -> list[str]:
    """The additions, where none can fail."""
    stars: list[tuple[int, str]] = []
    lines: list[tuple[int, str]] = []
    for i, formula in enumerate(shares):
        if isinstance(formula, Expression):  # else it is 0, and so no addition
            addition = f"{names[i]}.grad += {_unwrapped(formula)}"
            (stars if row.starred[i] else lines).append((i, addition))
    body = [line for i, addition in stars for line in _each(row, i, f"{_loop(row)}:", addition)]
    if len(stars) > 1:  # one loop for all is faster, where all want their gradients
        everywhere = " and ".join(f"type({_locals(row)[i]}) is not Constants" for i, _ in stars)
        body = [
            f"if {everywhere}:",
            f"{_INDENT}{_loop(row)}:",
            *(f"{_INDENT * 2}{addition}" for _, addition in stars),
            "else:",
            *(_INDENT + line for line in body),
        ]
    return body + [addition for _, addition in lines]


def _guarded(row: Primitive, names: list[str], shares: list[Any]) -> list[str]:
    """The additions, where a share may be beyond floats and is then taken from `shares`.

    All shares first, and only then the first addition: an exception half-way
    must not leave one gradient added. Nobody asks for the gradient of a
    constant, and that of the 2 in x ** 2 would need the logarithm of x.
    """
    slots = [f"share{i}" for i in range(len(shares))]
    lines = ["try:"]
    for i, formula in enumerate(shares):
        source = _unwrapped(formula)
        if row.starred[i]:
            source = f"[{source} {_loop(row)}]"
        elif len(names) > 1:
            source = f"0.0 if {names[i]}._b is constant else {source}"
        lines.append(f"{_INDENT}{slots[i]} = {source}")
    lines += [
        "except (ArithmeticError, ValueError):",
        f"{_INDENT}{', '.join(slots)}{',' * (len(slots) == 1)} = shares(node)",
    ]
    for i, name in enumerate(names):
        if row.starred[i]:
            head = f"for {name}, share in zip({_locals(row)[i]}, {slots[i]}):"
            lines += _each(row, i, head, f"{name}.grad += share")
        else:
            lines.append(f"{name}.grad += {slots[i]}")
    return lines


def _each(row: Primitive, i: int, head: str, addition: str) -> list[str]:
    """The additions to the elements of a starred argument."""
    return [
        f"if type({_locals(row)[i]}) is not Constants:",
        f"{_INDENT}{head}",
        f"{_INDENT * 2}{addition}",
    ]


def _unwrapped(formula: Any) -> str:
    """A formula as Python, without the parentheses around all of it."""
    source = python(formula)
    return source[1:-1] if source.startswith("(") else source


def _fold(row: Primitive) -> list[str]:
    """The lines that compute a fold, in place and without lists of numbers."""
    assert row.fold is not None
    start, step = row.fold
    arguments = list(zip(_locals(row), row.starred, strict=True))
    fixed = [Symbol(f"{n}.data") for n, star in arguments if not star]
    each = [Symbol(f"each_{n}.data" if star else f"{n}.data") for n, star in arguments]
    following = step(Symbol("data"), *each)
    loop = [
        f"data = {python(start(*fixed))}",
        f"{_loop(row)}:",
        f"{_INDENT}data = {python(following)}",
    ]
    if primitives_of(following) <= _NEVER_RAISE:
        return loop
    return [
        "try:",
        *(_INDENT + line for line in loop),
        "except (ArithmeticError, ValueError):",
        f"{_INDENT}data = {row.code_name}_ieee({', '.join(_numbers(row))})",
    ]


def _numbers(row: Primitive) -> list[str]:
    """The arguments' numbers, as arguments of the row's own functions."""
    return [
        f"[v.data for v in {name}]" if star else f"{name}.data"
        for name, star in zip(_locals(row), row.starred, strict=True)
    ]


def _function(head: str, body: list[str]) -> str:
    return "\n".join([f"def {head}:", *(_INDENT + line for line in body)])


def _starred(row: Primitive) -> list[str]:
    return [n for n, star in zip(_locals(row), row.starred, strict=True) if star]


def _loop(row: Primitive) -> str:
    """Print the head of the loop over starred arguments: for each_w, each_x in zip(w, x)."""
    stars = _starred(row)
    each = ", ".join(f"each_{n}" for n in stars)
    return f"for {each} in " + (stars[0] if len(stars) == 1 else f"zip({', '.join(stars)})")


def compile_row(row: Primitive, namespace: dict[str, Any]) -> tuple[Callable[..., Any], Any]:
    """Compile a row's two functions.

    Arguments:
        row: the primitive.
        namespace: the globals they run in: Value, constant, new, lift, shares
            and watch, as the engine defines them. The row's own names are added to it.

    Returns:
        record and pull.
    """
    sources = record_source(row), pull_source(row)
    namespace.update(Constants=Constants, Deciding=Deciding, inf=math.inf, nan=math.nan)
    symbols = [Symbol(name) for name in row.arguments]
    formulas = share_formulas(row, "g", "z", list(row.arguments))
    if row.fold is not None:
        start, step = row.fold
        fixed = [s for s, star in zip(symbols, row.starred, strict=True) if not star]
        formulas += [start(*fixed), step(Symbol("total"), *symbols)]
    for needed in {row}.union(*map(primitives_of, formulas)):
        namespace[f"{needed.code_name}_floats"] = needed.floats
        namespace[f"{needed.code_name}_ieee"] = needed.ieee
    for what, source in zip(("pull", "record"), reversed(sources), strict=True):
        exec(compile(source, f"<{what} of primitive {row.name}>", "exec"), namespace)
    return namespace[f"{row.code_name}_record"], namespace[f"{row.code_name}_pull"]


def compile_backward(
    inlined: Sequence[Primitive], namespace: dict[str, Any], decisions: bool = False
) -> Any:
    """Compile the backward pass, in the namespace that the rows were compiled in."""
    exec(compile(backward_source(inlined, decisions), "<backward pass>", "exec"), namespace)
    return namespace["backward"]
