"""Value: what it takes and refuses, what it remembers, and the contexts around it."""

from __future__ import annotations

import contextlib
import copy
import gc
import inspect
import math
import operator
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import micrograd
from micrograd import (
    AnomalyError,
    Value,
    detect_anomaly,
    grad,
    graph,
    hessian,
    jacobian,
    modes,
    no_grad,
    ops,
    parameter,
)
from micrograd.engine import topological_order
from micrograd.graph import Constants, operations, operations_cleared
from micrograd.value import recorder

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]

EVERY_BINARY = pytest.mark.parametrize("operate", BINARY, ids=lambda f: f.__name__)


# What a Value takes.


@pytest.mark.parametrize(
    "number",
    [3, 3.0, True, Fraction(3, 2), Decimal("1.5"), np.float64(2.5), np.float32(2.5), np.int8(3)],
    ids=repr,
)
def test_any_real_number_is_kept_as_a_float(number: Any) -> None:
    v = Value(number)
    assert type(v.data) is float
    assert v.data == float(number)
    assert (v.grad, v.label, v.kind) == (0.0, "", "input")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("x", "str 'x'"),
        ("1.5", "str '1.5'"),
        (b"1", "bytes"),
        (1j, "complex 1j"),
        (np.complex128(1j), "complex128"),
        (np.complex64(1j), "complex64"),
        (np.datetime64("2020-01-01"), "datetime64"),
        (None, "NoneType None"),
        (np.array([1.0]), "ndarray"),
        (np.array(1.0), "ndarray"),
        ([1.0], "list"),
        (Value(1.0), "Value"),
        (float, "type"),
    ],
    ids=repr,
)
def test_what_is_no_real_number_is_a_type_error_that_names_it(wrong: Any, named: str) -> None:
    with pytest.raises(TypeError, match=f"Value: expected a real number, got {named}"):
        Value(wrong)


@pytest.mark.parametrize("wrong", [3, None, 0.5, b"x", (), ["x"]])
def test_a_label_that_is_no_string_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected a string as label, got "):
        Value(0.5, label=wrong)
    if wrong != ():  # no children
        with pytest.raises(TypeError, match=r"Value: expected .* _children"):
            Value(0.5, wrong)


def test_an_array_in_the_constructor_points_to_vectorize() -> None:
    with pytest.raises(TypeError, match=r"of shape \(2,\); .* micrograd\.vectorize makes"):
        Value(np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    "beyond",
    [
        10**400,
        -(2**1024),
        10**5000,  # too long for Python to print
        Fraction(10**400),
        Decimal("1e999"),
        *([np.longdouble("1e4000")] if np.finfo(np.longdouble).maxexp > 1024 else []),
    ],
    ids=lambda x: type(x).__name__,
)
def test_a_number_beyond_the_floats_says_so(beyond: Any) -> None:
    says = f"^Value: the {type(beyond).__name__} is too large for a float"
    with pytest.raises(OverflowError, match=says):
        Value(beyond)
    with pytest.raises(OverflowError, match=says):
        Value(1.0) * beyond


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (2**1023, 2.0**1023),
        (-int(sys.float_info.max), -sys.float_info.max),
        (np.longdouble(0.5), 0.5),
        (np.uint8(200), 200.0),
        (np.float16(0.5), 0.5),
        (True, 1.0),
        (Decimal("-Infinity"), -math.inf),
    ],
    ids=repr,
)
def test_a_number_of_any_type_becomes_the_nearest_float(number: Any, expected: float) -> None:
    assert (Value(number).data, type(Value(number).data)) == (expected, float)
    assert (Value(1.0) * number).data == expected


def test_a_nan_that_no_float_is_is_named() -> None:
    with pytest.raises(ValueError, match=r"^Value: .* that is a float: .*signaling NaN"):
        Value(Decimal("sNaN"))
    with pytest.raises(TypeError, match=r"^Value: .* that is a float"):
        Value(np.timedelta64(3, "s"))


def test_infinity_and_nan_are_numbers() -> None:
    assert Value(math.inf).data == math.inf
    assert math.isnan(Value(math.nan).data)


# Operators.


@EVERY_BINARY
@pytest.mark.parametrize(
    "number",
    [2, 2.0, True, Fraction(5, 2), np.float64(2.5), np.float32(2.5), np.int64(2), np.uint8(2)],
    ids=repr,
)
def test_operators_take_any_real_number_on_either_side(operate: Any, number: Any) -> None:
    x = Value(1.5)
    for left, right in (x, number), (number, x):
        z = operate(left, right)
        assert type(z) is Value
        assert type(z.data) is float
        assert z.data == operate(*(1.5 if v is x else float(v) for v in (left, right)))
        assert [p is x for p in z.parents] == [left is x, right is x]
        constant = z.parents[1 if left is x else 0]
        assert (constant.data, constant.kind) == (float(number), "constant")


@EVERY_BINARY
@pytest.mark.parametrize("wrong", [None, 1j, {}, np.complex128(1j), np.complex64(1j)], ids=repr)
def test_operators_refuse_anything_else_on_either_side_and_name_it(
    operate: Any, wrong: Any
) -> None:
    name = type(wrong).__name__.rstrip("0123456789")  # NumPy hands its complex over as Python's
    for left, right in (Value(1.5), wrong), (wrong, Value(1.5)):
        with pytest.raises(TypeError, match=name):
            operate(left, right)


@EVERY_BINARY
@pytest.mark.parametrize("wrong", ["x", b"x", (1.0,), [1.0]], ids=repr)
def test_operators_refuse_sequences_on_either_side(operate: Any, wrong: Any) -> None:
    # For some of these Python has words of its own: a sequence may be added to
    # one of its kind, and multiplied by an integer.
    name = type(wrong).__name__
    for left, right in (Value(1.5), wrong), (wrong, Value(1.5)):
        with pytest.raises(TypeError, match=f"{name}|sequence|bytes"):
            operate(left, right)


@pytest.mark.parametrize(
    "operate", [operator.mod, operator.floordiv, operator.matmul, operator.and_, divmod]
)
def test_operators_without_a_derivative_are_refused(operate: Any) -> None:
    for arguments in (Value(1.0), 2.0), (2.0, Value(1.0)):
        with pytest.raises(TypeError):
            operate(*arguments)


def test_conversions_that_would_lose_the_graph_are_explicit() -> None:
    v = Value(2.5)
    assert (v.item(), type(v.item())) == (2.5, float)
    assert (round(v), round(Value(2.567), 2)) == (2, 2.57)
    assert (f"{v:.3f}", f"{v:>6}", f"{v}") == ("2.500", "   2.5", repr(v))
    for convert in (
        float,
        int,
        complex,
        math.exp,
        math.floor,
        np.float64,
        lambda v: "%f" % v,  # noqa: UP031
        lambda v: np.array([v], float),
        lambda v: math.fsum([v]),
    ):
        with pytest.raises(TypeError, match=r"cut the graph.*micrograd\.exp\(v\).*v\.item\(\)"):
            convert(v)
    for convert in (operator.index, math.trunc, lambda v: "%d" % v):  # noqa: UP031
        with pytest.raises(TypeError):
            convert(v)


def test_unary_operators() -> None:
    x = Value(-1.5)
    assert (+x) is x
    assert (-x).data == 1.5
    assert (-x).op is ops.neg
    assert abs(x).data == x.abs().data == 1.5
    assert abs(x).op is ops.abs


@EVERY_BINARY
def test_operators_in_place_make_a_new_value(operate: Any) -> None:
    in_place = getattr(operator, "i" + operate.__name__)
    x = before = Value(1.5)
    x = in_place(x, 2.0)
    assert x is not before
    assert before.data == 1.5
    assert x.parents[0] is before


def test_the_builtin_sum_adds_values() -> None:
    xs = [Value(1.0), Value(2.0)]
    total = sum(xs)
    total.backward()
    assert (total.data, [x.grad for x in xs]) == (3.0, [1.0, 1.0])


# Comparison, equality, hashing.


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [1, 1.5, 2.0, Fraction(3, 2), np.float64(1.0), np.int64(2)])
def test_comparisons_are_those_of_the_data(compare: Any, other: Any) -> None:
    v = Value(1.5)
    assert compare(v, other) == compare(1.5, float(other))
    assert compare(other, v) == compare(float(other), 1.5)
    assert compare(v, Value(other)) == compare(1.5, float(other))


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
def test_nothing_compares_with_nan(compare: Any) -> None:
    assert not compare(Value(math.nan), 1.0)
    assert not compare(1.0, Value(math.nan))


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("wrong", ["x", None, 1j], ids=repr)
def test_comparisons_refuse_what_is_no_number(compare: Any, wrong: Any) -> None:
    for left, right in (Value(1.0), wrong), (wrong, Value(1.0)):
        with pytest.raises(TypeError, match="Value"):
            compare(left, right)


def test_the_largest_of_some_values_is_the_one_with_the_largest_data() -> None:
    a, b, c = Value(1.0), Value(3.0), Value(2.0)
    assert max(a, b, c) is b
    assert sorted([a, b, c]) == [a, c, b]


def test_equality_and_hash_are_by_identity() -> None:
    x, twin = Value(1.0), Value(1.0)
    same = x
    assert x == same
    assert x != twin
    assert x != 1.0
    assert len({x, twin, x}) == 2
    assert {x: "x"}[x] == "x"
    assert [twin, x].index(x) == 1


# What a Value remembers.


def test_a_leaf_has_no_parents_and_no_operation() -> None:
    x = Value(2.0, "x")
    assert (x.op, x._op, x.parents, x._prev, x.arguments) == (None, "", (), (), ())
    assert x.local_derivatives() == []
    x._backward()
    assert x.grad == 0.0
    assert repr(x) == "Value(data=2.0, grad=0.0, label='x')"
    assert repr(Value(2.0)) == "Value(data=2.0, grad=0.0)"


def test_an_operation_knows_its_parents_in_order() -> None:
    x, y = Value(2.0), Value(3.0)
    z = x - y
    assert (z.op, z._op, z.parents, z._prev, z.arguments) == (ops.sub, "-", (x, y), (x, y), (x, y))
    assert (y - x).parents == (y, x)
    assert z.kind == "operation"


def test_arguments_keep_the_sequences_that_parents_spread_out() -> None:
    w, x, b = Value(2.0), Value(3.0), Value(1.0)
    z = ops.affine([w, w], [x, b], b)
    assert z.arguments == ((w, w), (x, b), b)
    assert z.parents == (w, w, x, b, b)
    assert z.local_derivatives() == [3.0, 1.0, 2.0, 2.0, 1.0]
    total = ops.sum((w, x))
    assert (total.arguments, total.parents) == (((w, x),), (w, x))
    chosen = ops.where(w, x, b)
    assert (chosen.arguments, chosen.parents) == ((w, x, b), (w, x, b))


def test_every_symbol_is_the_one_in_the_table() -> None:
    x = Value(0.5)
    symbols = {"+": x + x, "-": x - x, "*": x * x, "/": x / x, "**": x**x, "exp": x.exp()}
    for symbol, v in symbols.items():
        assert v._op == v.op.symbol == symbol
    assert x.relu()._op == "ReLU"


def test_local_derivatives_ask_for_no_backward_pass() -> None:
    x, y = Value(2.0), Value(3.0)
    assert (x / y).local_derivatives() == [1 / 3, -2 / 9]
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_a_leaf_may_be_given_a_kind() -> None:
    w = Value(0.5)
    for kind in "input", "parameter", "constant":
        w.kind = kind
        assert w.kind == kind
    p = parameter(0.5, "p")
    assert (p.kind, p.label, p.data) == ("parameter", "p", 0.5)


def test_a_kind_that_does_not_exist_or_does_not_fit_is_refused() -> None:
    w = Value(0.5)
    for wrong in "weight", "operation", "", None:
        with pytest.raises(ValueError, match="kind: expected one of input, parameter, constant"):
            w.kind = wrong
    assert w.kind == "input"
    z = w * 2
    with pytest.raises(ValueError, match="result of an operation"):
        z.kind = "parameter"
    assert z.kind == "operation"


@pytest.mark.parametrize("name", [n for n, row in ops.table.items() if len(row.arguments) > 1])
def test_a_constant_changes_no_other_gradient(name: str) -> None:
    row = ops.table[name]

    def gradients(kind: str, constant: int) -> list[float]:
        leaves = [Value(x) for x in (0.7, 1.9, 0.3)[: len(row.arguments)]]
        leaves[constant].kind = kind
        row(*([v] if star else v for v, star in zip(leaves, row.starred, strict=True))).backward()
        return [v.grad for i, v in enumerate(leaves) if i != constant]

    for i in range(len(row.arguments)):
        assert gradients("constant", i) == gradients("input", i)


def test_attributes_of_ones_own_may_be_set() -> None:
    x = Value(1.0)
    x.momentum, x.color = 0.9, "red"  # type: ignore[attr-defined]
    y = x * x
    y.label, y.note = "y", [1]
    assert (x.momentum, x.color, y.label, y.note) == (0.9, "red", "y", [1])
    assert Value.label == ""


def test_data_may_be_assigned_between_passes() -> None:
    w, x = Value(2.0), Value(3.0)
    (w * x).backward()
    w.data -= 0.5 * w.grad
    assert (w * x).data == 1.5


def test_weak_references_do_not_keep_a_value() -> None:
    x = Value(1.0)
    y = x * x
    reference = weakref.ref(y)
    assert reference() is y
    del y
    assert reference() is None


def test_a_graph_is_freed_at_once_without_the_collector() -> None:
    gc.disable()
    try:
        x = Value(1.0)
        middle = x.exp()
        z = ops.sum([middle * x, ops.affine([x], [middle], middle)])
        z.backward()
        grad(z, x)
        references = [weakref.ref(v) for v in topological_order(z) if v is not x]
        assert len(references) == 4
        del middle, z
        assert [r() for r in references] == [None] * 4
    finally:
        gc.enable()


def test_detach_is_a_leaf_with_the_same_number() -> None:
    x = Value(3.0)
    y = x * x
    y.label = "y"
    cut = y.detach()
    (cut * x).backward()
    assert (cut.data, cut.label, cut.parents, x.grad) == (9.0, "y", (), 9.0)
    assert (cut.grad, y.grad) == (3.0, 0.0)


def test_zero_grad_reaches_everything_behind() -> None:
    x, other = Value(3.0), Value(1.0)
    y = x * x
    z = y + x
    z.backward()
    other.grad = 5.0
    z.zero_grad()
    assert [v.grad for v in (x, y, z, other)] == [0.0, 0.0, 0.0, 5.0]


def test_copy_is_another_node_with_the_same_parents() -> None:
    x = parameter(3.0, "x")
    y = x * x
    y.label, y.note = "y", "mine"
    y.backward()
    twin = copy.copy(y)
    assert twin is not y
    assert twin.parents == (x, x)
    assert (twin.op, twin.data, twin.grad, twin.label, twin.note) == (
        ops.mul,
        9.0,
        1.0,
        "y",
        "mine",
    )
    leaf = copy.copy(x)
    assert leaf is not x
    assert (leaf.data, leaf.grad, leaf.label, leaf.kind) == (3.0, 6.0, "x", "parameter")
    twin.backward()
    assert (x.grad, leaf.grad) == (12.0, 6.0)


def test_a_subclass_works_as_an_operand() -> None:
    class Named(Value):
        """A Value by another name."""

    x = Named(3.0)
    for z in (x * 2.0, 2.0 * x, x * x, Value(2.0) * x, ops.sum([x, x]), ops.affine([x], [2.0], x)):
        x.grad = 0.0
        z.backward()
        assert x.grad == sum(
            s for p, s in zip(z.parents, z.local_derivatives(), strict=True) if p is x
        )


def test_of_several_parents_the_first_comes_first() -> None:
    # That is the order of pictures, of what is read to people, and of sums of gradients.
    x = Value(0.5)
    a, b, c, d = parents = [x.exp(), x.sin(), x.cos(), x.tanh()]
    for root, expected in (
        (ops.sum(parents), [a, b, c, d]),
        (ops.affine([a, b], [c, d], x), [a, b, c, d]),
        (ops.affine([d, x], [c, b], a), [d, c, b, a]),
        (ops.where(c, b, a), [c, b, a]),
        (c / a, [c, a]),
        (ops.sum([d.exp(), b + d]), [d, b]),
    ):
        kept = [v for v in operations(root) if v in parents]
        assert kept == expected
        assert [v for v in operations_cleared(root)[0] if v in parents] == expected
        assert [v for v in topological_order(root) if v in parents] == expected


@pytest.mark.parametrize("given", [[0, 1], [0.0, 1.0], [0, 1.0], [np.float32(0), True], (0, 1)])
def test_arguments_that_are_all_numbers_are_constants(given: Any) -> None:
    w = [Value(2.0), Value(3.0)]
    kept = ops.affine(w, given, 0.0).arguments[1]
    assert type(kept) is Constants
    assert [(v.data, v.kind) for v in kept] == [(0.0, "constant"), (1.0, "constant")]
    mixed = ops.affine(w, [w[0], *given[1:]], 0.0).arguments[1]
    assert type(mixed) is tuple


# no_grad.


def test_no_grad_records_nothing() -> None:
    x = Value(3.0)
    with no_grad():
        inside = [x * x, ops.sum([x, x]), ops.affine([x], [x], 1.0), ops.where(x, x, x), x.exp()]
        assert grad(x, x).data == 1.0
    outside = x * x
    for v in inside:
        assert (v.parents, v.op, v.kind, v._op) == ((), None, "input", "")
    assert outside.parents == (x, x)
    assert inside[0].data == 9.0


def test_no_grad_nests_and_ends_after_an_exception() -> None:
    x = Value(3.0)
    with no_grad():
        with no_grad():
            pass
        assert (x * x).parents == ()
        with contextlib.suppress(KeyboardInterrupt), no_grad():
            raise KeyboardInterrupt
        assert (x * x).parents == ()
    assert (x * x).parents == (x, x)


def test_no_grad_frees_what_it_computes_from() -> None:
    x = Value(3.0)
    y = x * x
    reference = weakref.ref(y)
    with no_grad():
        z = y + 1.0
    del y
    assert reference() is None
    assert z.data == 10.0


# detect_anomaly.


def test_detect_anomaly_names_the_operation_its_result_and_its_operands() -> None:
    x = Value(0.0, "x")
    says = "^log gave -inf; operands: x = 0.0$"
    with pytest.raises(AnomalyError, match=says), detect_anomaly():
        x.log()
    big = Value(1e308, "big")
    says = r"mul gave inf; operands: big = 1e\+308, 10.0"
    with pytest.raises(AnomalyError, match=says), detect_anomaly():
        big * 10
    says = r"sum gave inf; operands: (big = 1e\+308, ){8}\.\.\."
    with pytest.raises(AnomalyError, match=says), detect_anomaly():
        ops.sum([big] * 9)


def test_detect_anomaly_names_what_passed_on_a_gradient_that_is_not_finite() -> None:
    x = Value(0.0, "x")
    y = x.sqrt()
    y.label = "y"
    says = r"sqrt 'y' passed the gradient inf on to operand 0; its own gradient is 2.0; operands: x"
    with pytest.raises(AnomalyError, match=says), detect_anomaly():
        (2.0 * y).backward()


def test_detect_anomaly_is_silent_where_all_is_finite_and_changes_nothing() -> None:
    def gradients() -> list[float]:
        x, y = Value(0.3), Value(-1.2)
        ops.affine([x, y], [y.exp(), 2.0], x / y).tanh().backward()
        return [x.grad, y.grad]

    plain = gradients()
    with detect_anomaly():
        assert gradients() == plain


def test_detect_anomaly_ends_with_its_block_also_after_an_error() -> None:
    x = Value(0.0)
    with contextlib.suppress(AnomalyError), detect_anomaly():
        x.log()
    y = x.log()
    y.backward()
    assert (y.data, x.grad) == (-math.inf, math.inf)


def test_detect_anomaly_ends_although_its_error_is_kept() -> None:
    with pytest.raises(AnomalyError) as kept, detect_anomaly():
        Value(0.0).log()
    assert modes.namespace["watch"] is None  # else all recording is slow as long as it is kept
    assert kept.value.__traceback__ is not None


def test_detect_anomaly_nests() -> None:
    x = Value(0.0)
    with detect_anomaly():
        with detect_anomaly():
            pass
        with pytest.raises(AnomalyError):
            x.log()
        root = (x + 0.0).sqrt()
        with pytest.raises(AnomalyError, match="gradient"):
            root.backward()


def test_detect_anomaly_and_no_grad_together_still_name_the_operation() -> None:
    x = Value(0.0, "x")
    says = "log gave -inf; operands: x = 0.0"
    with pytest.raises(AnomalyError, match=says), detect_anomaly(), no_grad():
        x.log()
    with pytest.raises(AnomalyError, match=says), no_grad(), detect_anomaly():
        x.log()


def test_an_anomaly_is_a_floating_point_error() -> None:
    assert issubclass(AnomalyError, FloatingPointError)


# grad, jacobian, hessian: what they refuse.


@pytest.mark.parametrize("wrong", [1.0, "x", None, [1.0]], ids=repr)
def test_grad_names_what_is_no_value(wrong: Any) -> None:
    x = Value(1.0)
    with pytest.raises(
        TypeError, match=f"grad: expected a Value for output, got {type(wrong).__name__}"
    ):
        grad(wrong, [x])
    with pytest.raises(TypeError, match=r"grad: expected a Value for inputs\[1\], got "):
        grad(x * x, [x, wrong])
    with pytest.raises(TypeError, match="grad: expected a Value for output"):
        jacobian([wrong], [x])
    with pytest.raises(TypeError, match="grad: expected a Value for"):
        hessian(wrong, [x])


@pytest.mark.parametrize("wrong", [1.0, None], ids=repr)
def test_grad_jacobian_and_hessian_name_what_is_no_list(wrong: Any) -> None:
    x = Value(1.0)
    for function in grad, hessian:
        says = f"{function.__name__}: expected a list of Values for inputs, got "
        with pytest.raises(TypeError, match=says + type(wrong).__name__):
            function(x * x, wrong)
    with pytest.raises(TypeError, match="hessian: expected a list of Values for inputs, got Value"):
        hessian(x * x, x)  # type: ignore[arg-type]
    for output in wrong, x * x:
        with pytest.raises(TypeError, match="jacobian: expected a list of Values for outputs, got"):
            jacobian(output, [x])


def test_grad_of_one_input_is_one_value_and_of_a_list_a_list() -> None:
    x = Value(2.0)
    assert isinstance(grad(x * x, x), Value)
    assert [type(v) for v in grad(x * x, [x])] == [Value]
    assert [v.data for v in grad(x * x, (x, x))] == [4.0, 4.0]


# Interrupted in the middle.


@contextlib.contextmanager
def interrupt_at(step: int, code: types.CodeType, before: int) -> Iterator[list[int]]:
    """Raise KeyboardInterrupt at the so-many-th line of code that runs, above a line number."""
    count = [0]

    def local(frame: types.FrameType, event: str, _: Any) -> Any:
        if event == "line" and frame.f_lineno < before:
            count[0] += 1
            if count[0] == step:
                raise KeyboardInterrupt
        return local

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        return local if frame.f_code is code else None

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        yield count
    finally:
        sys.settrace(previous)


def one_of_everything() -> tuple[Value, list[Value]]:
    """A small graph with unary, binary and n-ary operations, some of them shared."""
    x, y = Value(0.5), Value(-1.5)
    inner = [x * y, x.exp(), y + 1.0]
    total = ops.sum(inner)
    z = ops.affine(inner, [total, x, total * y], total)
    return z, topological_order(z)


WALKS: dict[str, Callable[[Value, list[Value]], object]] = {
    "backward": lambda z, every: z.backward(),
    "grad": lambda z, every: grad(z, [every[0]]),
    "zero_grad": lambda z, every: z.zero_grad(),
    "topological_order": lambda z, every: topological_order(z),
    "hessian": lambda z, every: hessian(z, [every[0]]),
}


@pytest.mark.parametrize("walk", WALKS)
def test_an_interrupt_anywhere_in_a_walk_leaves_every_gradient_a_number(walk: str) -> None:
    # The walk of the backward pass marks the nodes that it has seen in their
    # gradients, by a zero; the other walk leaves them alone.
    function = graph.operations_cleared if walk == "backward" else graph.operations
    code = function.__code__
    lines, first = inspect.getsourcelines(function)
    end = first + len(lines)
    step, interrupted = 0, True
    while interrupted:
        step += 1
        z, every = one_of_everything()
        for i, v in enumerate(every):
            v.grad = float(i)
        interrupted = False
        with interrupt_at(step, code, end) as count:
            try:
                WALKS[walk](z, every)
            except KeyboardInterrupt:
                interrupted = True
        assert interrupted == (count[0] >= step)
        assert all(type(v.grad) is float for v in every)
        if interrupted and walk != "backward":
            assert [v.grad for v in every] == [float(i) for i in range(len(every))]
        # And it works the next time, as if nothing had been.
        x = every[0]
        slope = grad(z, x).data
        z.zero_grad()
        z.backward()
        assert x.grad == pytest.approx(slope)
    assert step > 50


def test_an_interrupt_while_arguments_are_looked_through_leaves_every_gradient_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    z, every = one_of_everything()

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    for name, walk in WALKS.items():
        if name == "backward":
            continue  # it looks through them itself
        with monkeypatch.context() as patch:
            patch.setattr(graph, "_parents", interrupted)
            with pytest.raises(KeyboardInterrupt):
                walk(z, every)
        assert all(type(v.grad) is float for v in every)


# Work.


def lines_run(run: Callable[[], object]) -> int:
    """How many lines of Python are run: the same on every machine, however busy it is."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", ["sum", "affine", "layers", "chain of sums"])
def test_work_grows_with_the_graph_and_not_with_its_square(shape: str) -> None:
    def build(n: int) -> Value:
        x = Value(0.5)
        many = [x * x for _ in range(n)]
        if shape == "sum":
            return ops.sum(many)
        if shape == "affine":
            return ops.affine(many, many[::-1], many[0])
        if shape == "layers":
            # Each operation of a layer has the whole layer before it as arguments.
            width = int(n**0.5)
            layer = tuple(many[:width])
            return ops.sum([recorder(ops.sum)(layer) for _ in range(width)])
        total = many[0]
        for v in many:
            total = ops.sum([total, v])
        return total

    small, large = build(1_000), build(10_000)
    for walk in (Value.backward, Value.zero_grad, topological_order):
        assert lines_run(lambda: walk(large)) < 10.5 * lines_run(lambda: walk(small))  # noqa: B023


def test_everything_public_is_exported() -> None:
    for name in micrograd.__all__:
        assert hasattr(micrograd, name)
    assert {"Value", "grad", "jacobian", "hessian", "no_grad", "detect_anomaly"} <= set(
        micrograd.__all__
    )
