"""Nodes with a `_backward` of their own: honoured in everything, refused where they cannot be."""

from __future__ import annotations

import copy
import gc
import itertools
import math
import pickle
import re
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import (
    AnomalyError,
    Value,
    detect_anomaly,
    grad,
    gradcheck,
    hessian,
    jacobian,
    no_grad,
    ops,
    parameter,
    vectorize,
)
from micrograd.checking import GradientMismatch
from micrograd.engine import topological_order
from micrograd.graph import unusual
from micrograd.nn import MLP, Neuron
from viz import draw, error_terms, explain, page


@pytest.fixture(autouse=True)
def _nothing_unusual() -> None:
    """Leave nothing of earlier tests, for which the careful way would still be taken."""
    gc.collect()
    unusual.clear()


def softsign(x: Value) -> Value:
    """An operation as programs for micrograd add one."""
    out = Value(x.data / (1.0 + abs(x.data)), (x,), "softsign")

    def _backward() -> None:
        x.grad += out.grad / (1.0 + abs(x.data)) ** 2

    out._backward = _backward
    return out


def clipping(v: Value, limit: float = 1.0) -> Value:
    """Let the value's gradient be clipped before it is passed on."""
    old = v._backward

    def clip() -> None:
        v.grad = max(-limit, min(limit, v.grad))
        old()

    v._backward = clip
    return v


# The constructor.


def test_children_operation_and_label_by_position_and_by_keyword() -> None:
    a, b = Value(1.0), Value(2.0)
    for v in (
        Value(3.0, (a, b), "f", "z"),
        Value(3.0, [a, b], "f", label="z"),
        Value(data=3.0, _children=(a, b), _op="f", label="z"),
        Value(3.0, iter([a, b]), "f", "z"),
    ):
        assert (v.data, v.label, v._op, v._prev, v.kind) == (3.0, "z", "f", (a, b), "operation")
        assert (v.parents, v.arguments, v.hooked) == ((a, b), ((a, b),), True)
    assert set(Value(3.0, {a, b}, "f")._prev) == {a, b}
    assert Value(3.0, (a, a), "f")._prev == (a,)
    assert Value(3.0, (a,)).op is not None


def test_a_string_in_second_place_is_a_label() -> None:
    v = Value(3.0, "w")
    assert (v.label, v._op, v._prev, v.op) == ("w", "", (), None)
    assert Value(3.0, "w", "f")._op == "f"
    assert Value(1.0, (), "f")._op == "f"


def test_numbers_in_third_place_are_local_derivatives() -> None:
    a, b = Value(2.0), Value(5.0)
    product = Value(a.data * b.data, (a, b), (b.data, a.data))
    square = Value(a.data * a.data, (a, a), (a.data, np.float64(a.data)))
    (product + square * 3).backward()
    assert (a.grad, b.grad) == (5.0 + 12.0, 2.0)
    assert (product.local_derivatives(), square.local_derivatives()) == ([5.0, 2.0], [2.0, 2.0])
    assert square.parents == (a, a)


@pytest.mark.parametrize(
    ("children", "op", "error", "message"),
    [
        (3, "f", TypeError, "expected a tuple of Values for _children, got int 3"),
        (Value(1.0), "f", TypeError, "expected a tuple of Values for _children, got Value"),
        ((1.0,), "f", TypeError, r"expected a Value as _children\[0\], got float 1.0"),
        ((Value(1.0),), 3, TypeError, "expected for _op a string, or a number for each child"),
        ((Value(1.0),), ("f",), TypeError, "a number for each child"),
        ((Value(1.0),), (Value(1.0),), TypeError, "a number for each child"),
        ((Value(1.0),), (1.0, 2.0), ValueError, "for each of 1 children, got 2"),
        ((Value(1.0), Value(2.0)), (), ValueError, "for each of 2 children, got 0"),
        ((), (1.0,), ValueError, "for each of 0 children, got 1"),
    ],
)
def test_wrong_children_are_named(children: Any, op: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=f"^Value: .*{message}"):
        Value(1.0, children, op)


# Backward.


def test_every_hook_is_called_once_and_in_its_turn() -> None:
    calls: list[str] = []
    x = Value(3.0)
    y, z = x * x, x + 1.0
    out = y * z + y

    def watched(name: str, v: Value) -> None:
        old = v._backward

        def hook() -> None:
            calls.append(name)
            old()

        v._backward = hook

    for name, v in (("x", x), ("y", y), ("z", z), ("out", out)):
        watched(name, v)
    out.backward()
    assert sorted(calls) == ["out", "x", "y", "z"]
    assert (calls[0], calls[-1]) == ("out", "x")
    assert x.grad == 3 * 3.0**2 + 2 * 3.0 + 2 * 3.0
    calls.clear()
    out.backward()  # leaves accumulate, and nothing else
    assert (x.grad, y.grad, len(calls)) == (2 * 39.0, 5.0, 4)


def test_hooks_upon_hooks_and_off_again() -> None:
    x = Value(2.0)
    y = x * x
    own = y._backward
    counts = itertools.count()
    first = y._backward = lambda: (next(counts), own())
    second = y._backward
    assert second is first
    y._backward = lambda: (second(), next(counts))
    y.backward()
    assert (x.grad, next(counts)) == (4.0, 2)
    y._backward = own
    assert not y.hooked
    assert y.op is ops.mul
    x.grad = 0.0
    y.backward()
    assert (x.grad, next(counts)) == (4.0, 3)
    w = Value(1.0)
    own = w._backward
    w._backward = lambda: None  # as micrograd's own leaves
    assert not w.hooked
    w._backward = gc.collect
    assert w.hooked
    w._backward = lambda: None
    assert not w.hooked
    w._backward = gc.collect
    w._backward = own
    assert not w.hooked


def test_a_hook_on_a_weight_of_a_network_that_was_recorded_before() -> None:
    net = MLP(2, [3, 1])
    out = net([Value(1.0), Value(-2.0)])
    weights = net.parameters()
    order: list[int] = []
    for i, p in enumerate(weights):
        p._backward = lambda i=i: order.append(i)  # type: ignore[misc]
    out.backward()
    assert sorted(order) == list(range(len(weights)))


def test_a_root_that_is_a_leaf_with_a_hook() -> None:
    w = Value(3.0)
    w._backward = lambda: setattr(w, "grad", w.grad * 2.0)
    w.backward()
    assert w.grad == 2.0
    w.backward()
    assert w.grad == (2.0 + 1.0) * 2.0


def test_a_leaf_that_is_given_parents_after_it_was_used() -> None:
    x, w = Value(2.0), Value(6.0)
    neuron = Neuron(1, nonlin=False)
    neuron.w = [w]
    out = neuron([Value(5.0)])  # which takes w for a leaf
    w._prev, w._op = (x,), "triple"
    w._backward = lambda: setattr(x, "grad", x.grad + 3.0 * w.grad)
    out.backward()
    assert (w.grad, x.grad) == (5.0, 15.0)
    assert x in topological_order(out)
    w.kind  # noqa: B018
    out.backward()
    assert (w.grad, x.grad) == (5.0, 30.0)  # an operation by now


def test_other_parents_do_not_change_what_an_operation_passes_on() -> None:
    x, y, other = Value(2.0), Value(3.0), Value(0.0)
    z = x * y
    z._prev = [other, x]
    assert (z._prev, z._op) == ((other, x), "*")
    (z * 2.0).backward()
    assert (x.grad, y.grad, other.grad) == (6.0, 4.0, 0.0)
    z = x * y
    before = z._prev
    z._prev = set(before)
    assert not z.hooked


def test_a_subclass_with_a_gradient_of_its_own() -> None:
    class Logged(Value):
        history: list[float] = []  # noqa: RUF012

        @property
        def grad(self) -> float:  # type: ignore[override]
            return self.__dict__.get("gradient", 0.0) + 0.0

        @grad.setter
        def grad(self, number: float) -> None:
            self.__dict__["gradient"] = number
            Logged.history.append(number)

    x = Value(3.0)
    y = Logged(x.data * 2.0, (x,), "double")
    y._backward = lambda: setattr(x, "grad", x.grad + 2.0 * y.grad)
    z = y * y + y
    z.backward()
    assert x.grad == 2.0 * (2 * 6.0 + 1.0)
    assert Logged.history


def converting(kind: type) -> dict[str, Any]:
    """Ways in which a class may make another object of each gradient."""
    slot: Any = vars(Value)["grad"]

    def set_attribute(v: Any, name: str, value: Any) -> None:
        object.__setattr__(v, name, value * 1.0 + 0.0 if name == "grad" else value)

    def get_attribute(v: Any, name: str) -> Any:
        value = object.__getattribute__(v, name)
        return value * 1.0 + 0.0 if name == "grad" else value

    return {
        "grad": property(slot.__get__, lambda v, number: slot.__set__(v, np.float32(number))),
        "__setattr__": set_attribute,
        "__getattribute__": get_attribute,
    }


@pytest.mark.parametrize("name", list(converting(Value)))
def test_whoever_replaces_how_gradients_are_kept(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type("Kind", (Value,), {name: converting(Value)[name]})
    x = Value(2.0)
    y = kind(4.0, (x,), "square")
    y._backward = lambda: setattr(x, "grad", x.grad + 4.0 * y.grad)
    (y * y + y).backward()
    assert x.grad == 36.0
    monkeypatch.setattr(Value, name, converting(Value)[name])
    x = Value(2.0)
    y = x * x
    (y * y + y).backward()
    assert x.grad == 36.0


def test_subclasses_that_declare_everything_again() -> None:
    class Again(Value):
        def __init__(self, data: float, _children: Any = (), _op: str = "") -> None:
            super().__init__(data)
            self._backward = lambda: None
            self._prev = set(_children)
            self._op = _op

        def double(self) -> Again:
            out = Again(2.0 * self.data, (self,), "double")

            def _backward() -> None:
                self.grad += 2.0 * out.grad

            out._backward = _backward
            return out

    x = Again(3.0)
    assert not x.hooked
    y = x.double()
    (y * y).backward()
    assert (x.grad, y._op, y._prev) == (24.0, "double", (x,))
    assert vectorize(x * 2.0, [x])([5.0]).tolist() == [10.0]

    class Without(Value):
        def __init__(self, data: float) -> None:
            self.data = data
            self._backward = lambda: None

    with pytest.raises(TypeError, match=r"the __init__ of Without has to call Value\.__init__"):
        Without(1.0)


def test_a_node_without_a_backward_says_so() -> None:
    x = Value(2.0)
    y = Value(4.0, (x,), "square")
    with pytest.warns(UserWarning, match="'square' has parents, but no _backward") as caught:
        (y * 3.0).backward()
    assert caught[0].filename == __file__
    assert (x.grad, y.grad) == (0.0, 3.0)
    y._backward = lambda: None
    (y * 3.0).backward()
    assert x.grad == 0.0


def test_what_is_made_under_no_grad_is_a_leaf_for_good() -> None:
    x = Value(2.0)
    with no_grad():
        y = softsign(x)
    assert (y._prev, y.op, y.hooked, y.kind) == ((), None, False, "input")
    (y * 3.0).backward()
    assert (x.grad, y.grad) == (0.0, 3.0)
    with pytest.raises(TypeError, match="made under no_grad"):
        y._backward = lambda: setattr(x, "grad", 1.0)


def test_nothing_is_its_own_parent() -> None:
    x = Value(2.0)
    for v in (x, x * x, softsign(x)):
        before = v._prev
        with pytest.raises(ValueError, match=r"_prev: .* cannot be its own parent"):
            v._prev = (x * 2.0, v)
        assert v._prev == before


def test_no_grad_takes_no_parents_from_what_was_recorded_before() -> None:
    x, side = Value(2.0), Value(1.0)
    y = x * x
    z = softsign(x)
    with no_grad():
        y._prev = (x, side)
        z._prev = (x, side)
    (y + z).backward()
    assert (y._prev, z._prev) == ((x, side), (x, side))
    assert x.grad == 4.0 + 1.0 / 9.0


def test_detect_anomaly_looks_at_them_too() -> None:
    x = Value(0.0, "x")
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"f gave inf; operands: x = 0\.0"):
        Value(math.inf, (x,), "f")
    y = softsign(x)
    y._backward = lambda: setattr(x, "grad", math.nan)
    with detect_anomaly(), pytest.raises(AnomalyError, match="softsign passed the gradient nan"):
        (y * 2.0).backward()
    leaf = Value(1.0, "w")
    leaf._backward = lambda: setattr(leaf, "grad", math.inf)
    with detect_anomaly(), pytest.raises(AnomalyError, match="leaf 'w' made its gradient inf"):
        (leaf * 2.0).backward()


@pytest.mark.parametrize("wrong", [None, 3, "f"])
def test_a_hook_is_a_function(wrong: Any) -> None:
    for v in (Value(1.0), Value(1.0) * 2.0):
        with pytest.raises(TypeError, match="_backward: expected a function without arguments"):
            v._backward = wrong
        assert not v.hooked
        with pytest.raises(TypeError, match="_op: expected a string"):
            v._op = 3  # type: ignore[assignment]
        with pytest.raises(TypeError, match="_prev"):
            v._prev = [3]


def test_a_constant_takes_no_hook() -> None:
    constant = (Value(1.0) * 2.0).parents[1]
    for attribute, value in (("_backward", gc.collect), ("_prev", [Value(1.0)])):
        with pytest.raises(TypeError, match=rf"{attribute}: 2.0 is a constant.*Value\(2.0\)"):
            setattr(constant, attribute, value)
        assert not constant.hooked


def test_a_million_nodes_of_ones_own() -> None:
    v = x = Value(1.0)
    for _ in range(100_000):
        v = Value(v.data, (v,), (1.0,))
    v.backward()
    assert x.grad == 1.0


def test_hooks_leave_nothing_behind() -> None:
    w = Value(1.0)
    w._backward = gc.collect
    assert w in unusual
    gone = weakref.ref(w)
    del w
    gc.collect()
    assert gone() is None


@given(st.lists(st.sampled_from("+*sr"), min_size=1, max_size=12), st.floats(-2.0, 2.0))
def test_any_graph_gives_what_the_tables_rows_give(steps: list[str], start: float) -> None:
    # The same program once of rows, once with every operation replaced by one of its own.
    def own(row: Any, *arguments: Value) -> Value:
        right = row(*arguments)
        out = Value(right.data, arguments, row.symbol)

        def _backward() -> None:
            for p, share in zip(right.parents, right.shares(out.grad), strict=True):
                p.grad += share

        out._backward = _backward
        return out

    def program(apply: Callable[..., Value]) -> list[float]:
        x = Value(start)
        values = [x, apply(ops.sigmoid, x)]
        for i, step in enumerate(steps):
            v, w = values[-1], values[i % len(values)]
            row = {"+": ops.add, "*": ops.mul, "s": ops.sin, "r": ops.relu}[step]
            values.append(apply(row, v, w) if step in "+*" else apply(row, v))
        values[-1].backward()
        return [v.grad for v in values]

    expected = program(lambda row, *arguments: row(*arguments))
    assert program(own) == pytest.approx(expected, rel=1e-12, abs=1e-12)


# Local derivatives.


def test_local_derivatives_are_found_by_running_it_and_nothing_is_left_of_that() -> None:
    x, other = Value(3.0), Value(1.0)
    x.grad, other.grad = 7.0, 8.0
    out = Value(9.0, (x,), "square")
    out.grad = 5.0

    def add(v: Value) -> None:
        v.grad += 2.0 * x.data * out.grad

    held = [other]

    def _backward() -> None:
        add(x)
        held[0].grad += 1.0

    out._backward = _backward
    assert out.local_derivatives() == [6.0]
    assert out.shares(10.0) == [60.0]
    assert out.multiplies()
    assert (x.grad, out.grad, other.grad) == (7.0, 5.0, 8.0)
    assert Value(1.0).shares(3.0) == []
    leaf = Value(1.0)
    leaf._backward = lambda: pytest.fail("it has no parents")
    assert leaf.local_derivatives() == []


def test_a_hook_that_writes_numbers_leaves_none_of_that_where_it_is_tried() -> None:
    w, seen = parameter(0.5, "w"), {"last": [Value(1.0)]}

    class Step:
        def __init__(self, v: Value) -> None:
            self.old, self.count, self.extra = v._backward, Value(0.0), {"of": Value(2.0)}

        def __call__(self) -> None:
            self.old()
            self.count.data += 1.0
            self.extra["of"].grad += 1.0
            w.data -= 0.1 * w.grad

        def run(self) -> None:
            self()
            seen["last"][0].grad += 1.0

    for method in (False, True):
        z = w * 3.0
        step = Step(z)
        z._backward = step.run if method else step
        C = z * 10.0
        draw(C)
        explain(C, w)
        assert (w.data, step.count.data, step.extra["of"].grad) == (0.5, 0.0, 0.0)
        assert seen["last"][0].grad == 0.0


def test_what_is_no_product_is_told() -> None:
    x = Value(3.0)
    assert (x * x).multiplies()
    assert softsign(x).multiplies()
    assert not clipping(x * x).multiplies()
    assert not clipping(x * x, 100.0).multiplies()
    y = x * 2.0
    y._backward = lambda: setattr(x, "grad", x.grad + 0.1)
    assert not y.multiplies()  # adds what does not depend on the gradient
    y._backward = lambda: setattr(x, "grad", x.grad + abs(y.grad))
    assert not y.multiplies()
    z = clipping(x * 2.0, 1e9)
    assert z.multiplies()
    z.grad = 1e12  # the gradient that it has is tried, too
    assert not z.multiplies()


def test_an_operand_that_is_used_twice_is_one_parent_of_a_hooked_value() -> None:
    x = Value(3.0, "x")
    y = x * x
    old = y._backward
    y._backward = lambda: old()
    assert (y.parents, y.local_derivatives()) == ((x,), [6.0])
    z = y * 2.0
    z.backward()
    assert (explain(z, x).total, explain(z, x).count) == (x.grad, 1) == (12.0, 1)


def test_a_symbol_that_is_set_later_is_the_one_that_is_shown() -> None:
    x = Value(3.0, "x")
    y = softsign(x)
    y._op = "bend"
    assert (y._op, y.op and y.op.symbol) == ("bend", "bend")
    assert "= bend" in draw(y).source
    with pytest.raises(TypeError, match="the operation 'bend'"):
        grad(y, x)


# What cannot be right refuses.


@pytest.mark.parametrize(
    "function",
    [
        lambda C, w: grad(C, w),
        lambda C, w: hessian(C, [w]),
        lambda C, w: jacobian([C], [w]),
        lambda C, w: vectorize(C, [], [w]),
        lambda C, w: page(C),
        lambda C, w: pickle.dumps(C),
        lambda C, w: copy.deepcopy(C),
        lambda C, w: pickle.dumps([w, C]),
    ],
    ids=["grad", "hessian", "jacobian", "vectorize", "page", "pickle", "deepcopy", "both"],
)
@pytest.mark.parametrize("which", ["own operation", "hook", "local derivatives"])
def test_what_needs_a_formula_refuses(
    function: Callable[..., Any], which: str, request: pytest.FixtureRequest
) -> None:
    w = parameter(0.5, "w")
    if which == "own operation":
        v = softsign(w * 2.0)
    elif which == "hook":
        v = w * 2.0
        v._backward = v._backward
        assert not v.hooked
        own = v._backward
        v._backward = lambda: own()
    else:
        v = Value(1.0, (w,), (2.0,))
    v.label = "v"
    C = (v * 3.0).sin()
    name = request.node.callspec.id.split("-")[-1]
    name = {"hessian": "grad", "jacobian": "grad"}.get(name, name)
    name = {"deepcopy": "pickle and deepcopy", "both": "pickle and deepcopy"}.get(name, name)
    own = "has a _backward of its own" if which == "hook" else "is known by its own _backward"
    says = rf"^{name}.*, labelled 'v', {own}.*micrograd\.primitive\("
    with pytest.raises(TypeError, match=says):
        function(C, w)


def test_copies_of_the_node_itself_and_of_a_leaf_with_a_hook_are_refused() -> None:
    x = Value(1.0, "x")
    with pytest.raises(TypeError, match=r"^copy: the operation 'softsign'"):
        copy.copy(softsign(x))
    with pytest.raises(TypeError, match="own _backward"):
        pickle.dumps(softsign(x).op)
    x._backward = gc.collect
    z = x * x
    for function, name in (
        (lambda: copy.copy(x), "copy"),
        (lambda: pickle.dumps(x), "pickle"),
        (lambda: copy.deepcopy(z), "pickle"),
        (lambda: grad(z, x), "grad"),
        (lambda: vectorize(z, [x]), "vectorize"),
        (lambda: page(z), "page"),
    ):
        with pytest.raises(TypeError, match=rf"^{name}.*the leaf 1.0, labelled 'x', has a _back"):
            function()


def test_grad_where_no_gradient_goes_through_it() -> None:
    x, y = Value(2.0), Value(3.0)
    assert grad(softsign(x) + y * y, y).data == 6.0
    inner = softsign(x)
    assert grad(inner * inner, inner).data == 2.0 * inner.data


def test_gradcheck_takes_them_and_finds_a_wrong_one() -> None:
    gradcheck(lambda x: softsign(x) * x, [0.7])

    def wrong(x: Value) -> Value:
        out = softsign(x)
        out._backward = lambda: setattr(x, "grad", x.grad + out.grad)
        return out

    with pytest.raises(GradientMismatch):
        gradcheck(lambda x: wrong(x) * x, [0.7])
    with pytest.raises(GradientMismatch):
        gradcheck(lambda x: clipping(x * 3.0, 0.5) * 2.0, [0.7])


# Pictures.


def test_draw_and_explain_show_them() -> None:
    w, x = parameter(0.5, "w"), Value(3.0, "x")
    z = w * x
    a = softsign(z)
    z.label, a.label = "z", "a"
    C = a * 2.0
    C.label = "C"
    C.backward()
    source = draw(C, legend=False).source
    assert "= softsign" in source
    assert "its own _backward" in source
    assert "no product" not in source
    assert ">0.16<" in source
    assert explain(C, w).total == w.grad == pytest.approx(3.0 * 0.16 * 2.0)
    assert "x · 0.16 · 2" in str(explain(C, w))
    assert "\\frac" in explain(C, w).latex()
    assert explain(C, w).mathml().startswith("<math")
    assert str(error_terms(C)) == "no z = w a + b"


def test_what_is_clipped_is_marked_and_not_explained() -> None:
    w, x = parameter(0.5, "w"), Value(3.0, "x")
    z = w * x
    z.label = "z"
    clipping(z)
    C = z * 10.0
    C.label = "C"
    C.backward()
    source = draw(C, legend=False).source
    assert "its own _backward, no product" in source
    assert re.search(r"passed on.*= .*>3<", source)
    assert re.search(r"gradient = <[^>]*>3<", source)  # which is not the derivative, 30
    assert "∂<I>C</I>/∂<I>w</I>" not in source
    for function in (lambda: explain(C, w), lambda: explain(C, x)):
        with pytest.raises(ValueError, match=r"^explain: the _backward of .*z.* something else"):
            function()
    assert explain(C, z).total == 10.0
    clipped = clipping(ops.affine([w], [x], 0.0) * 2.0)
    with pytest.raises(ValueError, match=r"^error_terms: the _backward of "):
        error_terms(ops.affine([w], [clipped], 0.0))


@pytest.mark.parametrize("slope", [1e5, -10.0, 1e-5])
def test_what_changes_the_gradient_that_arrives_is_told(slope: float) -> None:
    # Not with the gradients that are tried anyway; and then its own gradient is what it made.
    w = parameter(0.5, "w")
    z = w * 3.0
    old = z._backward

    def clip() -> None:
        z.grad = 0.0 if abs(z.grad) < 1e-4 != z.grad else max(-5.0, min(5e3, z.grad))
        old()

    z._backward = clip
    C = z * slope
    C.label = "C"
    C.backward()
    assert w.grad in (15e3, -15.0, 0.0)
    with pytest.raises(ValueError, match=r"^explain: the _backward of .* something else"):
        explain(C, w)
    source = draw(C, legend=False).source
    assert "its own _backward, no product" in source
    assert "gradient = " in source


def test_what_clips_no_gradient_that_arrives_is_explained() -> None:
    w = parameter(0.5, "w")
    C = clipping(w * 3.0, 1e4) * 5e3
    C.backward()
    assert explain(C, w).total == w.grad == 15e3


def test_a_leaf_with_a_hook_is_marked() -> None:
    w = parameter(2.0, "w")
    C = w * w
    w._backward = lambda: setattr(w, "grad", 1.0)
    C.backward()
    source = draw(C, legend=False).source
    assert "its own _backward" in source
    assert "accumulated: 1" in source
    assert explain(C, w).total == 4.0
    first, *rest = str(explain(C, w)).splitlines()
    assert first == "w has a _backward of its own, so its .grad may be another number than"
    assert rest[0].startswith("∂v₁/∂w = ")
    assert r"\_backward" in explain(C, w).latex()
    assert "_backward of its own" in explain(C, w).mathml()
