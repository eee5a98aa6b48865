"""Value: a number that remembers where it came from, and the chain rule over it.

>>> from micrograd import Value
>>> w, a, b, y = Value(0.5, "w"), Value(0.8, "a"), Value(0.1, "b"), Value(1.0, "y")
>>> z = w * a + b
>>> C = (z.sigmoid() - y) ** 2
>>> C.backward()
>>> f"dC/dw = {w.grad:.4f}"
'dC/dw = -0.1420'
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from threading import RLock
from typing import Any, Final, Self, cast

import numpy as np

from micrograd import collector, comparisons, graph, hooks, ops, trials
from micrograd.generate import closed, compile_backward, compile_row, packs, share_formulas
from micrograd.graph import (
    CONSTANT,
    Constants,
    Deciding,
    careful_order,
    operations_cleared,
    topological_order,
    unusual,
)
from micrograd.hooked import Hooked
from micrograd.hooks import Hook
from micrograd.modes import checked_backward, detecting, namespace, show_next
from micrograd.ops import Primitive, as_float, is_number
from micrograd.pickling import reduce_value
from micrograd.symbols import evaluate

_NONE: tuple[()] = ()
_NO_TEXT = ""
Kind = str  # of a leaf: "input", "parameter" or "constant"; else "operation"
_LEAVES = ("input", "parameter", CONSTANT)


class _Rules(dict[Primitive, tuple[Callable[..., Any], Callable[[Any], None]]]):
    """Each row's record and pull, compiled when first asked for: once, whoever asks."""

    _compiling: Final = RLock()

    def __missing__(self, row: Primitive) -> tuple[Callable[..., Any], Callable[[Any], None]]:
        with self._compiling:
            rule = self.get(row)
            if rule is None:
                rule = compile_row(row, namespace)
                cast(Any, rule[1]).primitive = row
                self[row] = rule
        return rule


rules = _Rules()


def _method(name: str) -> Callable[..., Value]:
    return rules[ops.table[name]][0]


def _reflected(name: str) -> Callable[[Value, Any], Value]:
    """For 2 * v, where Python asks v: the same, with the arguments swapped."""
    record = _method(name)

    def reflected(self: Value, other: Any) -> Value:
        lifted = _operand(other, name)
        return lifted if lifted is NotImplemented else record(lifted, self)

    return reflected


class Value(Hooked):
    """A number, the operation it came from, and the gradient that reaches it.

    Arguments:
        data: a real number; kept as a float.
        _children: the Values it was computed from, where the program does that itself,
            as programs for micrograd do; it then sets `_backward`. Or a label.
        _op: such an operation's symbol; or its local derivatives, a number for each child.
        label: what pictures and formulas call it, LaTeX as in "w^{(L)}" or any text.

    Attributes:
        data: the number. May be assigned, on a leaf, between one pass and the next.
        grad: the derivative of the root by this value, after `backward`. That
            of a constant is of no use to anyone, and not always worked out.
        label: as given.
        anew: the operation and the arguments that a constant was worked out from, where a
            program is to work it out anew; the chain rule knows nothing of it.
        kind: "operation", or for a leaf "input", "parameter" or "constant": a
            number in a formula, such as the 2 in 2 * x.

    Raises:
        TypeError: if data is no real number, a child no Value, _op neither a string nor
            numbers, or label no string.
        ValueError: if there are not as many local derivatives as children.

    >>> x = Value(3.0, "x")
    >>> y = x * x + 2
    >>> y.backward()
    >>> y.data, x.grad
    (11.0, 6.0)
    """

    # One object a node and nothing else that Python's cyclic garbage
    # collector has to follow: no closure, no set, no tuple for one or two
    # arguments. That is where a scalar engine's time goes.
    __slots__ = ("__dict__", "__weakref__", "_a", "_b", "_pull", "data", "grad")

    data: float
    grad: float
    label: str = ""  # set on few values, so kept in their __dict__
    anew: tuple[Primitive, tuple[Any, ...]] | None = None  # likewise
    _pull: Callable[[Value], None] | None  # its step of the chain rule, or a Hook
    _a: Any  # the first argument; the tuple of all where the row packs; None in a leaf
    _b: Any  # the second argument, or None; in a leaf its kind

    def __init__(self, data: Any, _children: Any = (), _op: Any = "", label: str = "") -> None:
        if type(data) is not float:
            data = _real(data)
        self.data = data
        self.grad = 0.0
        self._pull = None
        self._a = None
        self._b = "input"
        if _children is _NONE and _op is _NO_TEXT and label is _NO_TEXT:
            return
        if type(_children) is str:
            _children, label = (), label or _children
        if not isinstance(label, str):
            raise TypeError(f"Value: expected a string as label, got {label!r}")
        if label:
            self.label = label
        if type(_children) is not tuple or _children or type(_op) is not str or _op:
            hooks.make(self, _children, _op, namespace["watch"])

    @staticmethod
    def __primitive__(row: Primitive, arguments: Sequence[Any]) -> Value:
        """Record a primitive applied to Values and numbers; to arrays, element by element."""
        if np.ndarray in map(type, arguments) and not any(row.starred):
            return cast(Value, np.frompyfunc(row, len(arguments), 1)(*arguments))
        return recorder(row)(
            *(
                lift_all(argument, row.name, name) if star else _checked(argument, row.name, name)
                for name, star, argument in zip(row.arguments, row.starred, arguments, strict=True)
            )
        )

    @classmethod
    def _node(cls, row: Primitive, arguments: Sequence[Any], data: float) -> Self:
        """A node whose number is already known; recorded whatever mode is on."""
        node = cls.__new__(cls)
        node.data = data
        node.grad = 0.0
        node._pull = rules[row][1]
        if packs(row):
            node._a, node._b = (Deciding if any(closed(row)) else tuple)(arguments), None
        else:
            node._a, node._b = (*arguments, None)[:2]
        return node

    @property
    def op(self) -> Primitive | None:
        """The primitive this value came from; None for a leaf.

        Of a node with a `_backward` of its own it is an OwnBackward, which has a symbol
        and no formula.
        """
        return None if self._pull is None else cast(Any, self._pull).primitive

    @property
    def parents(self) -> tuple[Value, ...]:
        """The values it was computed from, in order: x * x has x twice."""
        if type(self._pull) is Hook:
            return hooks.parents_of(self, Value._kept)
        op = self.op
        return () if op is None else tuple(op.flatten(self._kept()))

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The same, one entry for each argument of `op`: a tuple for a starred one."""
        if type(self._pull) is Hook:
            return (self.parents,) if self._a is not None else ()
        return self._kept()

    def _kept(self) -> tuple[Any, ...]:
        """The arguments as the row that recorded them keeps them."""
        if self._a is None:
            return ()
        if isinstance(self._a, tuple):
            return self._a
        return (self._a,) if self._b is None else (self._a, self._b)

    @property
    def kind(self) -> Kind:
        """What the value is in its graph. A leaf's may be set.

        >>> w = Value(0.5); w.kind = "parameter"
        >>> w.kind, (2 * w).kind, (2 * w).parents[0].kind
        ('parameter', 'operation', 'constant')
        """
        return self._b if self._a is None else "operation"

    @kind.setter
    def kind(self, kind: Kind) -> None:
        if self._a is not None:
            raise ValueError(f"kind: {self!r} is the result of an operation and stays one")
        if kind not in _LEAVES:
            raise ValueError(f"kind: expected one of {', '.join(_LEAVES)}, got {kind!r}")
        self._b = _LEAVES[_LEAVES.index(kind)]  # that very string: it is compared by identity

    def shares(self, gradient: float) -> list[float]:
        """What the value passes on to each of its parents of such a gradient.

        Arguments:
            gradient: the root's derivative by this value.

        Returns:
            For each parent, what is added to its gradient; infinite or nan as IEEE has it.

        >>> x, y = Value(2.0), Value(3.0)
        >>> (x * y).shares(10.0)
        [30.0, 20.0]
        """
        if self._a is None:
            return []
        if self.hooked:
            return trials.shares(self, gradient)
        return cast(Primitive, self.op).flatten(_shares(self, gradient))

    def local_derivatives(self) -> list[float]:
        """The derivative of this value by each of its parents, in their order.

        Where the value has a `_backward` of its own, that is run with a gradient of 1, and
        every gradient put back.

        >>> x, y = Value(2.0), Value(3.0)
        >>> (x * y).local_derivatives()
        [3.0, 2.0]
        """
        op = self.op
        if op is None or self.hooked:
            return self.shares(1.0)
        return op.flatten(op.slopes(self.data, *_data_of_arguments(self)))

    def recomputed(self) -> float:
        """What the operation gives on its arguments' numbers now; a leaf's own number.

        That of an operation which is known by its `_backward` alone cannot be told.

        It is `data`, unless a leaf has been assigned a number since.

        >>> x = Value(2.0); y = x * x; x.data = 3.0
        >>> y.data, y.recomputed()
        (4.0, 9.0)
        """
        op = self._row
        return self.data if op is None else op.ieee(*op.mapped(_DATA, self._kept()))

    @property
    def _row(self) -> Primitive | None:
        """The table's row that computed the number; None where there is none."""
        pull = self._pull
        return pull.row if type(pull) is Hook else self.op

    def _twin(self) -> Value:
        """A second node of the row that computed this one, with its arguments."""
        row = self._row
        assert row is not None
        return Value._node(row, self._kept(), self.data)

    def backward(self) -> None:
        """Run the chain rule from here: add d self / d v to the gradient of every leaf v.

        The gradients of leaves accumulate from call to call, as in PyTorch;
        those of other values are worked out anew each time. Of several threads one
        runs after the other.

        >>> x = Value(3.0); y = x * x
        >>> y.backward(); y.backward()
        >>> x.grad, y.grad
        (12.0, 1.0)
        """
        mark: float | None
        with graph.writing:
            if self._pull is None:
                self.grad += 1.0
                return
            if unusual or not hooks.has_plain_grad(Value):
                order, mark = careful_order(self)
                self.grad = 1.0 if self._a is not None else self.grad + 1.0
            else:
                order, mark = operations_cleared(self)
                self.grad = 1.0
            order.reverse()
            if detecting():
                checked_backward(order, mark)
            elif mark is None:
                _backward_pass(order)
            else:
                _backward_pass_of_decisions(order, mark)
        if collector.raised:
            collector.passed()

    def zero_grad(self) -> None:
        """Set the gradient of this value, and of all it came from, to zero."""
        with graph.writing:
            for v in topological_order(self):
                v.grad = 0.0

    def detach(self) -> Value:
        """The same number as a new leaf, through which no gradient flows."""
        return Value(self.data, label=self.label)

    def item(self) -> float:
        """The number alone, as in NumPy and PyTorch: what is computed with it is not recorded."""
        return float(self.data)

    __add__ = _method("add")
    __sub__ = _method("sub")
    __mul__ = _method("mul")
    __truediv__ = _method("div")
    __pow__ = pow = _method("pow")
    __radd__ = _reflected("add")
    __rsub__ = _reflected("sub")
    __rmul__ = _reflected("mul")
    __rtruediv__ = _reflected("div")
    __rpow__ = _reflected("pow")
    __neg__ = _method("neg")
    __abs__ = abs = _method("abs")
    exp = _method("exp")
    log = _method("log")
    sqrt = _method("sqrt")
    sin = _method("sin")
    cos = _method("cos")
    tanh = _method("tanh")
    sigmoid = _method("sigmoid")
    softplus = _method("softplus")
    relu = _method("relu")

    def __pos__(self) -> Self:
        return self

    def __float__(self) -> float:
        raise TypeError(_CUTS.format("float"))

    def __int__(self) -> int:
        raise TypeError(_CUTS.format("int"))

    def __round__(self, digits: int | None = None) -> float:
        return round(float(self.data), digits)

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else str(self)

    # Which way a branch goes is not part of the graph; so who was compared is noted.
    def __lt__(self, other: Any) -> bool:
        return _compared(self) < _number(other) if _comparable(other) else NotImplemented

    def __le__(self, other: Any) -> bool:
        return _compared(self) <= _number(other) if _comparable(other) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return _compared(self) > _number(other) if _comparable(other) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return _compared(self) >= _number(other) if _comparable(other) else NotImplemented

    def __copy__(self) -> Value:
        """A second node with the same number and the same parents."""
        hooks.refuse("copy", [self])
        op = self.op
        twin = Value(self.data) if op is None else Value._node(op, self.arguments, self.data)
        twin.grad = self.grad
        if op is None:
            twin.kind = self.kind
        twin.__dict__.update(self.__dict__)
        return twin

    def __reduce__(self) -> Any:
        return reduce_value(self)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self.data}, grad={self.grad}{label})"


def parameter(data: Any, label: str = "") -> Value:
    """A leaf of the kind "parameter": one that training is to change.

    Arguments:
        data: a real number.
        label: as for Value.

    Returns:
        The Value.

    >>> parameter(0.5, "w").kind
    'parameter'
    """
    value = Value(data, label=label)
    value.kind = "parameter"
    return value


def recorder(row: Primitive) -> Callable[..., Value]:
    """The function that applies a row to Values only, unchecked and fast.

    It takes a tuple of Values for a starred argument.
    """
    return rules[row][0]


def lift(x: Any) -> Any:
    """A number as a constant Value; a Value as it is; NotImplemented for anything else."""
    if isinstance(x, Value):
        return x
    if not is_number(x):
        return NotImplemented
    return _constant(x)


def _operand(x: Any, operation: str) -> Any:
    """The other side of an operator; NotImplemented leaves it to the other side, or to Python.

    An array takes it element by element. NumPy's scalars that are no real numbers would be
    refused without a word on what they are.
    """
    lifted = lift(x)
    if lifted is NotImplemented and isinstance(x, np.generic):
        _checked(x, operation, "operand")
    return lifted


def lift_all(xs: Sequence[Any], operation: str, argument: str) -> tuple[Value, ...]:
    """A sequence of numbers and Values as a tuple of Values.

    Arguments:
        xs: the sequence.
        operation: what an error names.
        argument: likewise.

    Returns:
        The tuple; where all were numbers it is marked as Constants, and no
        time is spent on their gradients.

    Raises:
        TypeError: if one is neither a number nor a Value.
    """
    types = set(map(type, xs))
    if types == {Value}:
        return tuple(xs)
    if types == {float}:
        return Constants(map(_constant, xs))
    values = tuple(_checked(x, operation, f"{argument}[{i}]") for i, x in enumerate(xs))
    return values if any(issubclass(t, Value) for t in types) else Constants(values)


def _checked(x: Any, operation: str, argument: str) -> Value:
    lifted = lift(x)
    if lifted is NotImplemented:
        raise TypeError(
            f"{operation}: expected a number or a Value as {argument}, got {type(x).__name__} {x!r}"
        )
    return cast(Value, lifted)


def _real(x: Any) -> float:
    if (type(x) is int and x.bit_length() < 1024) or isinstance(x, _WITHIN):
        return float(x)
    if isinstance(x, np.ndarray):
        raise TypeError(
            f"Value: expected a real number, got ndarray of shape {x.shape}; a Value holds one "
            "number: make one of each element, and give whole arrays to the program that "
            "micrograd.vectorize makes"
        )
    return as_float(x, "Value")


def _comparable(x: Any) -> bool:
    return isinstance(x, Value) or is_number(x)


def _number(x: Any) -> Any:
    return _compared(x) if isinstance(x, Value) else x


def _compared(v: Value) -> float:
    """The number to compare; that it was is noted, with the place in the program."""
    comparisons.note(v)
    return v.data


_new = collector.maker(Value, show_next)


def _constant(x: Any) -> Value:
    value: Value = _new()
    value.data = x if type(x) is float else _real(x)
    value.grad = 0.0
    value._pull = value._a = None
    value._b = CONSTANT
    return value


_WITHIN = (float, np.float32, np.int64, np.int32)  # never beyond floats, and common
_DATA = attrgetter("data")
_CUTS = (
    "{0}(v) of a Value would cut the graph in silence: write micrograd.exp(v), say, instead of "
    "math.exp(v), and v.data or v.item() where the number alone is meant"
)


def _data_of_arguments(v: Value) -> list[Any]:
    """The numbers that v was computed from: a list for a starred argument."""
    return [] if v.op is None else v.op.mapped(_DATA, v.arguments)


def _shares(v: Value, gradient: float | None = None) -> list[Any]:
    """What each argument of v gets of its gradient, with IEEE arithmetic; a list for a starred one.

    The generated functions come here when a float operation raises.

    Arguments:
        v: a node of the table.
        gradient: None for the one that it has.
    """
    op = v._row
    assert op is not None
    kept = v._kept()
    # No argument can be called "its gradient": that is no identifier.
    formulas = share_formulas(op, "its gradient", "its data", list(op.arguments))
    own = {"its gradient": v.grad if gradient is None else gradient, "its data": v.data}
    out: list[Any] = []
    for formula, star in zip(formulas, op.starred, strict=True):
        points = op.elements(kept) if star else [kept]
        numbers = [evaluate(formula, own | _numbers(op, point)) for point in points]
        out.append(numbers if star else numbers[0])
    return out


def _numbers(op: Primitive, point: Sequence[Any]) -> dict[str, float]:
    return {
        name: x.data for name, x in zip(op.arguments, point, strict=True) if isinstance(x, Value)
    }


namespace.update(
    Value=Value,
    constant=CONSTANT,
    new=_new,
    lift=_operand,
    shares=_shares,
)
# Sums and products are what most graphs are made of.
_backward_pass = compile_backward([ops.mul, ops.add], namespace)
_backward_pass_of_decisions = compile_backward([], namespace, decisions=True)
collector.make_room_for(Value)
