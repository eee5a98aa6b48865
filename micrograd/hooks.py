"""Nodes with a `_backward` of their own, as programs written for micrograd make them.

>>> from micrograd import Value
>>> def cube(x):
...     out = Value(x.data**3, (x,), "cube")
...     def _backward():
...         x.grad += 3 * x.data**2 * out.grad
...     out._backward = _backward
...     return out
>>> x = Value(2.0); y = cube(x); y.backward(); x.grad
12.0

The engine calls that function in its turn, and knows nothing else of the
operation: no formula, and no number but what the function adds to the parents'
gradients. What needs a formula refuses, and says how to declare one.

>>> from micrograd import grad
>>> grad(y, x)
Traceback (most recent call last):
TypeError: grad: the operation 'cube' is known by its own _backward alone, and the derivative \
is needed as a formula here: declare it as a row, with micrograd.primitive(...)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MemberDescriptorType
from typing import Any, Final

from micrograd.graph import unusual
from micrograd.primitive import ATOM, Primitive, is_number

_NOTHING: Final = (lambda: None).__code__  # what micrograd gives a leaf


@dataclass(frozen=True, eq=False, repr=False)
class OwnBackward(Primitive):
    """What stands for the row of an operation that is known by its `_backward` alone."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "starred", (True,))
        object.__setattr__(self, "code_name", self.name)

    def __reduce__(self) -> Any:
        raise refusal("pickle", self.symbol)


@lru_cache(maxsize=1024)
def row_of(symbol: str) -> OwnBackward:
    """What stands for the row, by the operation's symbol."""

    def refuse(*arguments: Any) -> Any:
        raise refusal("this", symbol)

    return OwnBackward(
        name=symbol or "?",
        symbol=symbol or "?",
        latex=lambda x: rf"\text{{?}}\left({', '.join(x)}\right)",
        level=ATOM,
        floats=refuse,
        arrays=refuse,
        partials=(refuse,),
        domain=(((-2.0, 2.0),),),
        arguments=("x",),
    )


class Hook:
    """What a node with a `_backward` of its own has in place of a row's `pull`.

    Attributes:
        function: what was set as `_backward`; None as long as nothing was.
        primitive: what `Value.op` answers; None for a leaf.
        row: the table's row, where the node keeps its arguments as that row does.
        pull: that row's step of the chain rule.
        twin: a node with the arguments that the row was recorded with, where
            `_prev` has been set to others.
        slopes: pairs of a parent and the local derivative by it, where they were given.
    """

    __slots__ = ("function", "primitive", "pull", "row", "slopes", "twin")

    def __init__(self, function: Callable[[], Any] | None = None) -> None:
        self.function = function
        self.primitive: Primitive | None = None
        self.row: Primitive | None = None
        self.pull: Callable[[Any], None] | None = None
        self.twin: Any = None
        self.slopes: tuple[tuple[Any, float], ...] | None = None

    def __call__(self, node: Any) -> None:
        """Take the node's gradient on to its parents, in the node's own way."""
        if self.function is not None:
            self.function()
        elif not self.step(node) and node._a is not None and node._a[0]:
            warnings.warn(
                f"backward: {named(node)} has parents, but no _backward: nothing is passed "
                "on to them. Set its _backward, to `lambda: None` where that is meant",
                stacklevel=4,
            )

    def step(self, node: Any) -> bool:
        """Do the step that the node had before; whether there is one."""
        if self.twin is not None:
            self.twin.grad, self.twin.data = node.grad, node.data
            self.twin._pull(self.twin)
        elif self.pull is not None:
            self.pull(node)
        elif self.slopes is not None:
            for parent, slope in self.slopes:
                parent.grad += slope * node.grad
        else:
            return False
        return True


UNRECORDED: Final = Hook()  # of what was made under no_grad: a leaf, to whom no hook belongs


def is_hooked(v: Any) -> bool:
    """Whether the node has a `_backward` of its own."""
    return type(v._pull) is Hook and v._pull is not UNRECORDED


def install(v: Any, function: Any) -> None:
    """Set a node's `_backward`; to set back the one it had takes the hook off.

    Raises:
        TypeError: if it is no function, or the node is a constant.
    """
    if not callable(function):
        raise TypeError(
            f"_backward: expected a function without arguments, got {type(function).__name__} "
            f"{function!r}"
        )
    hook = _step_of("_backward", v)
    if hook is UNRECORDED:
        return
    if v._a is None and _does_nothing(function):
        v._pull = None
        return
    if type(hook) is Hook:
        if function != v._step:
            hook.function = function
        elif hook.row is not None:
            v._pull = hook.pull
        elif v._a is None:
            v._pull = None
        else:
            hook.function = None
        return
    if function == v._step:
        return
    new = Hook(function)
    if v._a is None:
        _not_constant("_backward", v)
        unusual.add(v)
    else:
        new.row, new.pull, new.primitive = hook.primitive, hook, row_of(v._op)
    v._pull = new


def _step_of(attribute: str, v: Any) -> Any:
    try:
        return v._pull
    except AttributeError:
        raise TypeError(
            f"{attribute}: the __init__ of {type(v).__name__} has to call Value.__init__ first"
        ) from None


def _does_nothing(function: Any) -> bool:
    """Whether it is written `lambda: None`, as subclasses set it in their `__init__`."""
    code = getattr(function, "__code__", None)
    return code is not None and (code.co_code, code.co_consts) == (
        _NOTHING.co_code,
        _NOTHING.co_consts,
    )


def make(v: Any, children: Any, op: Any, watch: Callable[[Any], Any] | None) -> None:
    """Make a leaf the result of an operation on children.

    Arguments:
        v: the leaf.
        children: its parents, Values.
        op: the operation's symbol; or the local derivatives, a number for each child.
        watch: what looks at every new node; see modes.py.

    Raises:
        TypeError: if children or op is neither.
        ValueError: if there are not as many numbers as children.
    """
    parents = _values("_children", children)
    slopes = None
    if isinstance(op, str):
        if op:
            v._op = op
        parents = tuple(dict.fromkeys(parents))  # as in micrograd's set
    else:
        slopes = _numbers(op, len(parents))
    if not parents:
        return
    v._pull = hook = Hook()
    hook.primitive = row_of(v._op)
    v._a, v._b = (parents,), None
    if slopes is not None:
        hook.slopes = tuple(zip(parents, slopes, strict=True))
    _recorded(v, watch)


def set_parents(
    v: Any, parents: Any, twin: Callable[[], Any], watch: Callable[[Any], Any] | None
) -> None:
    """Set a node's `_prev`: what the walks over the graph find behind it.

    What its `_backward` does stays as it was, as in micrograd.

    Arguments:
        v: the node.
        parents: Values.
        twin: makes a second node of the row and the arguments that v has.
        watch: what looks at every new node.

    Raises:
        TypeError: if they are no Values, or v is a constant.
        ValueError: if v is one of them.
    """
    new = tuple(dict.fromkeys(_values("_prev", parents)))
    if v in new:
        raise ValueError(f"_prev: {named(v)} cannot be its own parent")
    hook, symbol = _step_of("_prev", v), v._op
    if hook is UNRECORDED or set(new) == set(v.parents):
        return
    if v._a is None:
        _not_constant("_prev", v)
        v._pull = hook if type(hook) is Hook else Hook()
        unusual.add(v)  # it may stand in a tuple of leaves, which no walk looks into
    else:
        watch = None  # it was recorded before, and stays so whatever mode is on
        if type(hook) is not Hook or hook.row is not None:
            before = twin()
            v._pull = Hook(hook.function if type(hook) is Hook else None)
            v._pull.twin = before
    v._pull.primitive = row_of(symbol)
    v._a, v._b = (new,), None
    _recorded(v, watch)


def _recorded(v: Any, watch: Callable[[Any], Any] | None) -> None:
    if not has_plain_grad(type(v)):
        unusual.add(v)
    if watch is not None:
        watch(v)
        if v._a is None:
            v._pull = UNRECORDED


def has_plain_grad(kind: Any) -> bool:
    """Whether `grad` of a class is what Value declares: a slot, read and written as it is.

    The fast walk tells by `grad` which nodes it has seen.
    """
    return (
        type(kind.grad) is MemberDescriptorType
        and kind.__setattr__ is object.__setattr__
        and kind.__getattribute__ is object.__getattribute__
    )


def _not_constant(attribute: str, v: Any) -> None:
    if v.kind == "constant":
        raise TypeError(
            f"{attribute}: {v.data} is a constant, for whose gradient nobody asks; "
            f"make it a Value: Value({v.data})"
        )


def _values(argument: str, given: Any) -> tuple[Any, ...]:
    if not isinstance(given, Iterable):
        raise TypeError(
            f"Value: expected a tuple of Values for {argument}, got {type(given).__name__} "
            f"{given!r}"
        )
    values = tuple(given)
    for i, p in enumerate(values):
        if not hasattr(type(p), "local_derivatives"):
            raise TypeError(
                f"Value: expected a Value as {argument}[{i}], got {type(p).__name__} {p!r}"
            )
    return values


def _numbers(given: Any, count: int) -> list[float]:
    numbers: list[Any] = list(given) if isinstance(given, Iterable) else [None]
    if not all(map(is_number, numbers)):
        raise TypeError(
            "Value: expected for _op a string, or a number for each child, its local "
            f"derivative; got {given!r}"
        )
    if len(numbers) != count:
        raise ValueError(
            f"Value: expected a local derivative for each of {count} children, got {len(numbers)}"
        )
    return list(map(float, numbers))


def parents_of(v: Any, arguments: Callable[[Any], Sequence[Any]]) -> tuple[Any, ...]:
    """A hooked node's parents, each once unless it has a local derivative for each place.

    Arguments:
        v: the node.
        arguments: gives the arguments as the node keeps them.
    """
    hook = v._pull
    if v._a is None:
        return ()
    if hook.row is None:
        found: tuple[Any, ...] = v._a[0]
        return found
    return tuple(dict.fromkeys(hook.row.flatten(arguments(v))))


def named(v: Any) -> str:
    """The node, for a message."""
    what = f"the operation {v._op!r}" if v._a is not None else f"the leaf {v.data}"
    return f"{what}, labelled {v.label!r}," if v.label else what


def refusal(function: str, symbol: str, label: str = "") -> TypeError:
    """The error of a function that needs a formula."""
    labelled = f", labelled {label!r}," if label else ""
    return TypeError(
        f"{function}: the operation {symbol!r}{labelled} is known by its own _backward alone, "
        "and the derivative is needed as a formula here: declare it as a row, with "
        "micrograd.primitive(...)"
    )


def refuse(function: str, values: Iterable[Any]) -> None:
    """Raise if one of the values has a `_backward` of its own.

    Raises:
        TypeError: it names the function and the operation, or the leaf.
    """
    for v in values:
        if not is_hooked(v):
            continue
        if v._a is not None and v._pull.row is None:
            raise refusal(function, v._op, v.label)
        raise TypeError(
            f"{function}: {named(v)} has a _backward of its own in place of the usual one, and "
            f"{function} runs none: take it off; or, if it is another operation, declare that as a "
            "row, with micrograd.primitive(...)"
        )
