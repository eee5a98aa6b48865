"""The chain rule on random programs over the whole table, and on chosen ones."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from micrograd import (
    Value,
    exp,
    grad,
    hessian,
    jacobian,
    log,
    maximum,
    no_grad,
    ops,
    sigmoid,
    sin,
    tanh,
)
from micrograd.checking import gradcheck
from micrograd.engine import topological_order
from micrograd.value import recorder
from tests.graphs import REFERENCES, ROWS, Operand, Program, Step, programs


def leaves_of(program: Program) -> list[Value]:
    return [Value(x) for x in program.inputs]


def backward(program: Program) -> list[float]:
    """The gradients of the inputs, by `backward`."""
    leaves = leaves_of(program)
    program(leaves).backward()
    return [v.grad for v in leaves]


def two_sided(program: Program, i: int, h: float) -> float:
    """The numeric derivative of the program, run on plain floats."""
    above, below = list(program.inputs), list(program.inputs)
    above[i] += h
    below[i] -= h
    return float((program(above) - program(below)) / (above[i] - below[i]))


# Random programs.


@given(programs())
def test_a_result_is_that_of_plain_numbers_to_the_last_bit(program: Program) -> None:
    leaves = leaves_of(program)
    values = program.results(leaves, ROWS)
    numbers = program.results(program.inputs, ROWS)
    assert [getattr(v, "data", v) for v in values] == numbers


@given(programs())
def test_a_result_is_that_of_the_references_to_many_digits(program: Program) -> None:
    result = program(leaves_of(program))
    # Ten steps may each enlarge the rounding of the one before.
    assert getattr(result, "data", result) == pytest.approx(
        float(program.exactly()), rel=1e-9, abs=1e-9
    )


@given(programs())
def test_gradients_are_those_of_forward_mode_to_many_digits(program: Program) -> None:
    slopes, sizes = program.exact_gradient()
    for gradient, slope, size in zip(backward(program), slopes, sizes, strict=True):
        # Where paths of size 1e6 cancel, so do ten digits of a float.
        assert abs(gradient - slope) <= 1e-10 * (1 + size)


@st.composite
def networks(draw: st.DrawFn) -> Value:
    """Random graphs whose n-ary operations share whole tuples of arguments.

    As the neurons of a layer share their inputs, a neuron's calls its weights,
    and an average its values with the weights that are worked out from them.
    """
    values = [Value(x) for x in draw(st.lists(st.floats(-1, 1), min_size=2, max_size=2))]
    tuples = [(values[0], values[1]), (values[1], values[0])]
    record_affine, record_sum = recorder(ops.affine), recorder(ops.sum)
    for kind in draw(st.lists(st.sampled_from(["sine", "sum", "affine", "tuple"]), max_size=12)):
        if kind == "sine":
            values.append(draw(st.sampled_from(values)).sin())
        elif kind == "sum":
            values.append(record_sum(draw(st.sampled_from(tuples))))
        elif kind == "affine":
            w, x = draw(st.sampled_from(tuples)), draw(st.sampled_from(tuples))
            values.append(record_affine(w, x, draw(st.sampled_from(values))))
        else:
            tuples.append((draw(st.sampled_from(values)), draw(st.sampled_from(values))))
    return record_affine(tuples[-1], draw(st.sampled_from(tuples)), values[-1])


@settings(max_examples=400)
@given(networks())
def test_gradients_are_right_where_operations_share_their_tuples_of_arguments(
    output: Value,
) -> None:
    order = topological_order(output)
    assume(all(abs(v.data) < 1e6 for v in order))
    output.backward()
    for v, (total, size) in arriving(output).items():
        assert abs(v.grad - total) <= 1e-12 * size
    position = {v: i for i, v in enumerate(order)}
    assert all(position[p] < position[v] for v in order for p in v.parents)


@given(programs(max_steps=6))
def test_gradients_are_those_of_numeric_derivatives(program: Program) -> None:
    _, sizes = program.exact_gradient()
    size = float(max(sizes))
    for i, gradient in enumerate(backward(program)):
        coarse, fine = two_sided(program, i, 2e-4), two_sided(program, i, 1e-4)
        # Both are off by f''' h^2 / 6: four times as much for twice the step.
        curvature = abs(coarse - fine)
        better = fine + (fine - coarse) / 3
        assume(curvature < 1e-4 * (1 + size))  # else f''' is too large to learn anything
        assert abs(gradient - better) <= 1e-6 * (1 + size)


@given(programs(max_steps=5))
def test_gradcheck_agrees_with_random_programs(program: Program) -> None:
    slopes, sizes = program.exact_gradient()
    assume(all(abs(s) > 1e-3 * size for s, size in zip(slopes, sizes, strict=True)))
    leaves = leaves_of(program)
    curved = [
        abs(two_sided(program, i, 2e-4) - two_sided(program, i, 1e-4)) for i in range(len(leaves))
    ]
    assume(all(c <= 1e-5 * abs(s) for c, s in zip(curved, slopes, strict=True)))
    assert gradcheck(lambda: program(leaves), leaves, tolerance=1e-4).worst <= 1e-4


@settings(max_examples=40)
@given(programs(max_steps=5, max_inputs=2))
def test_second_derivatives_are_those_of_the_references(program: Program) -> None:
    leaves = leaves_of(program)
    matrix = [[v.data for v in row] for row in hessian(program(leaves), leaves)]
    exact = [
        [float(program.exact_second_derivative(i, j)) for j in range(len(leaves))]
        for i in range(len(leaves))
    ]
    size = max(abs(x) for row in exact for x in row)
    first = float(max(program.exact_gradient()[1]))
    assert np.allclose(matrix, exact, rtol=0, atol=1e-9 * (1 + size + first * first))


@given(programs())
def test_a_hessian_is_symmetric(program: Program) -> None:
    leaves = leaves_of(program)
    matrix = np.array([[v.data for v in row] for row in hessian(program(leaves), leaves)])
    assert matrix.shape == (len(leaves), len(leaves))
    assert np.allclose(matrix, matrix.T, rtol=1e-9, atol=1e-9 * (1 + np.abs(matrix).max()))


@given(programs())
def test_grad_is_backward(program: Program) -> None:
    leaves = leaves_of(program)
    output = program(leaves)
    by_grad = [v.data for v in grad(output, leaves)]
    assert all(v.grad == 0.0 for v in topological_order(output))
    output.backward()
    # The same products and sums; only in another order, and NumPy's exp for one.
    _, sizes = program.exact_gradient()
    for one, v, size in zip(by_grad, leaves, sizes, strict=True):
        assert abs(one - v.grad) <= 1e-12 * (1 + size)


@given(programs())
def test_grad_by_an_interior_value_is_the_gradient_that_reaches_it(program: Program) -> None:
    leaves = leaves_of(program)
    *_, last = results = program.results(leaves, ROWS)
    last.backward()
    inner = [v for v in results if isinstance(v, Value) and v.op is not None]
    sizes = [1 + abs(v.grad) for v in inner]
    for v, g, size in zip(inner, grad(last, inner), sizes, strict=True):
        assert g.data == pytest.approx(v.grad, rel=1e-9, abs=1e-12 * max(sizes)), size


@given(programs())
def test_jacobian_has_the_gradient_of_each_output_as_a_row(program: Program) -> None:
    leaves = leaves_of(program)
    outputs = program.results(leaves, ROWS)[len(leaves) :]
    rows = jacobian(outputs, leaves)
    assert len(rows) == len(outputs)
    for output, row in zip(outputs, rows, strict=True):
        assert [v.data for v in row] == [v.data for v in grad(output, leaves)]


def arriving(output: Value) -> dict[Value, tuple[float, float]]:
    """After `backward`: what each value's children pass on to it, and the sum of its sizes."""
    every = topological_order(output)
    total = dict.fromkeys(every, 0.0) | {output: 1.0}
    size = dict.fromkeys(every, 1.0)
    for child in every:
        for parent, slope in zip(child.parents, child.local_derivatives(), strict=True):
            total[parent] += slope * child.grad
            size[parent] += abs(slope * child.grad)
    return {v: (total[v], size[v]) for v in every}


@given(programs())
def test_backward_twice_doubles_the_leaves_and_nothing_else(program: Program) -> None:
    output = program(leaves_of(program))
    output.backward()
    every = arriving(output)
    before = {v: v.grad for v in every}
    output.backward()
    for v, (_, size) in every.items():
        if v.op is None:
            # (0 + a + b) + a + b is not 2 (a + b) to the last bit.
            assert abs(v.grad - 2 * before[v]) <= 1e-14 * size
        else:
            assert v.grad == before[v]


@given(programs())
def test_a_step_at_a_time_by_hand_is_backward(program: Program) -> None:
    leaves, again = leaves_of(program), leaves_of(program)
    output = program(leaves)
    output.backward()
    by_hand = program(again)
    by_hand.grad = 1.0
    for v in reversed(topological_order(by_hand)):
        v._backward()
    for one, other in zip(topological_order(output), topological_order(by_hand), strict=True):
        assert one.data == other.data
        assert one.grad == pytest.approx(other.grad, rel=1e-12, abs=1e-12)


@given(programs())
def test_every_gradient_is_the_sum_over_children_of_local_derivative_times_gradient(
    program: Program,
) -> None:
    output = program(leaves_of(program))
    output.backward()
    for v, (total, size) in arriving(output).items():
        assert abs(v.grad - total) <= 1e-13 * size


@given(
    st.lists(st.sampled_from(["sin", "cos", "tanh", "sigmoid", "neg"]), min_size=1),
    st.floats(-3, 3),
)
def test_the_gradient_along_a_chain_is_the_product_of_its_local_derivatives(
    names: list[str], start: float
) -> None:
    leaf = v = Value(start)
    product = 1.0
    for name in names:
        v = ROWS[name](v)
        (slope,) = v.local_derivatives()
        product *= slope
    v.backward()
    assert leaf.grad == pytest.approx(product, rel=1e-12)


@given(programs())
def test_the_order_has_every_value_once_and_after_its_parents(program: Program) -> None:
    output = program(leaves_of(program))
    every = topological_order(output)
    position = {v: i for i, v in enumerate(every)}
    assert len(position) == len(every)
    assert every[-1] is output
    for v in every:
        assert all(position[p] < position[v] for p in v.parents)
    reached, waiting = {output}, [output]
    while waiting:
        new = set(waiting.pop().parents) - reached
        reached |= new
        waiting += new
    assert reached == set(every)


def test_random_programs_reach_every_row_and_share_results() -> None:
    used: set[str] = set()
    shared = 0

    @settings(max_examples=300)
    @given(programs())
    def look(program: Program) -> None:
        nonlocal shared
        used.update(step.name for step in program.steps)
        output = program(leaves_of(program))
        parents = [p for v in topological_order(output) for p in v.parents if p.op is not None]
        shared += len(parents) > len(set(parents))

    look()
    assert used == set(ROWS)
    assert shared > 30


def test_forward_mode_knows_a_derivative_that_is_written_out() -> None:
    # The oracle itself, on d/dx of exp(x) * sin(x y), to 40 digits.
    x, y, exp_x, product, sine = (Operand(i, None) for i in range(5))
    steps = (
        Step("exp", (x,)),
        Step("mul", (x, y)),
        Step("sin", (product,)),
        Step("mul", (exp_x, sine)),
    )
    program = Program((0.7, 1.3), steps)
    slopes, sizes = program.exact_gradient()
    a, b = mpmath.mpf(0.7), mpmath.mpf(1.3)
    e, s, c = mpmath.exp(a), mpmath.sin(a * b), mpmath.cos(a * b)
    assert abs(slopes[0] - (e * s + e * b * c)) < mpmath.mpf(10) ** -40
    assert abs(slopes[1] - e * a * c) < mpmath.mpf(10) ** -40
    assert sizes[0] >= abs(slopes[0])
    second = program.exact_second_derivative(0, 1)
    assert abs(second - (e * a * c + e * c - e * b * a * s)) < mpmath.mpf(10) ** -40


# Chosen programs.


def test_a_value_used_twice_by_one_operation_gets_both_shares() -> None:
    x = Value(3.0)
    y = x * x
    assert y.parents == (x, x)
    assert y.local_derivatives() == [3.0, 3.0]
    y.backward()
    assert x.grad == 6.0
    assert grad(y, x).data == 6.0


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if len(row.arguments) > 1])
def test_every_row_adds_up_the_shares_of_an_argument_that_comes_twice(name: str) -> None:
    row = ROWS[name]
    x = Value(1.5)
    z = row(*([x, x] if star else x for star in row.starred))
    slopes = z.local_derivatives()
    z.backward()
    assert x.grad == pytest.approx(sum(slopes))
    assert grad(z, x).data == pytest.approx(sum(slopes))


def test_a_value_used_a_thousand_times_gets_a_thousand_shares() -> None:
    x = Value(2.0)
    total = Value(0.0)
    for _ in range(1000):
        total = total + x * x
    total.backward()
    assert x.grad == 4000.0
    one = Value(2.0)
    ops.sum([one] * 1000).backward()
    assert one.grad == 1000.0


def test_a_diamond_of_diamonds_takes_no_exponential_time() -> None:
    x = v = Value(1.0)
    for _ in range(200):
        v = (v + v) * 0.5
    v.backward()
    assert x.grad == 1.0
    assert len(topological_order(v)) == 1 + 200 * 3
    assert grad(v, x).data == 1.0


def test_leaves_accumulate_over_several_outputs_and_interior_values_start_anew() -> None:
    x = Value(3.0)
    shared = x * x
    (shared * 2.0).backward()
    assert (x.grad, shared.grad) == (12.0, 2.0)
    (shared * 5.0).backward()
    assert (x.grad, shared.grad) == (42.0, 5.0)


def test_backward_on_a_leaf_adds_one() -> None:
    x = Value(3.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_what_the_output_does_not_depend_on_gets_no_gradient() -> None:
    x, other = Value(2.0), Value(3.0)
    unused = x * other
    (x * x).backward()
    assert (other.grad, unused.grad) == (0.0, 0.0)
    first, second = grad(x * x, [other, x])
    assert (first.data, second.data) == (0.0, 4.0)


def test_grad_leaves_every_gradient_as_it_is() -> None:
    x = Value(2.0)
    y = x * x
    z = y * x
    x.grad, y.grad, z.grad = 7.0, 8.0, 9.0
    assert grad(z, x).data == 12.0
    assert (x.grad, y.grad, z.grad) == (7.0, 8.0, 9.0)


def test_grad_by_the_output_itself_is_one() -> None:
    x = Value(2.0)
    y = x * x
    assert [v.data for v in grad(y, [y, x])] == [1.0, 4.0]
    assert grad(x, x).data == 1.0


def test_derivatives_of_high_order() -> None:
    x = Value(0.7)
    slope: Value = sin(x)
    expected = [math.cos, lambda t: -math.sin(t), lambda t: -math.cos(t), math.sin] * 2
    for f in expected:
        slope = grad(slope, x)
        assert slope.data == pytest.approx(f(0.7), rel=1e-12)


@pytest.mark.parametrize(
    ("f", "orders"),
    [
        (tanh, 4),
        (sigmoid, 4),
        (exp, 5),
        (log, 5),
        (lambda x: x**5, 6),
        (lambda x: 1.0 / x, 5),
        (lambda x: x.sqrt(), 4),
        (lambda x: x**x, 3),
        (lambda x: 2.0**x, 4),
    ],
)
def test_derivatives_of_high_order_are_those_of_many_digits(f: Any, orders: int) -> None:
    exact: Any = {
        tanh: mpmath.tanh,
        sigmoid: REFERENCES["sigmoid"],
        exp: mpmath.exp,
        log: mpmath.log,
    }.get(f)
    x = Value(1.3)
    slope = f(x)
    if exact is None:

        def exact(t: Any) -> Any:
            return mpmath.sqrt(t) if slope.op is ops.sqrt else f(t)

    for n, expected in enumerate(mpmath.diffs(exact, mpmath.mpf(1.3), orders)):
        assert slope.data == pytest.approx(float(expected), rel=1e-10, abs=1e-10), n
        slope = grad(slope, x)


@pytest.mark.parametrize("power", [1, 2, 3])
@pytest.mark.parametrize("at", [0.0, -0.0, 1.0, -2.0])
def test_a_polynomial_has_all_its_derivatives_at_zero_too(power: int, at: float) -> None:
    x = Value(at)
    slope = x**power
    factor = 1.0
    for order in range(power + 3):
        left = power - order
        expected = factor * at**left if left >= 0 else 0.0
        assert slope.data == expected, order
        slope = grad(slope, x)
        factor *= left


def test_the_hessian_of_a_power_is_right_where_the_exponent_is_zero() -> None:
    # x^y by x and then y is 1/x there, in either order; and ln(x)^2 by y twice.
    x, y = Value(2.0), Value(0.0)
    matrix = [[v.data for v in row] for row in hessian(x**y, [x, y])]
    assert np.allclose(matrix, [[0.0, 0.5], [0.5, math.log(2.0) ** 2]], rtol=1e-14, atol=0)


@pytest.mark.parametrize("kind", ["input", "parameter", "constant"])
def test_a_hessian_asks_for_no_kind_of_its_inputs(kind: str) -> None:
    # Nobody works out the gradient of a constant unasked; here it is asked for.
    w, c = Value(2.0), Value(3.0)
    c.kind = kind
    matrix = [[v.data for v in row] for row in hessian(2.0 * (c * w) * w, [w, c])]
    assert matrix == [[12.0, 8.0], [8.0, 0.0]]


def test_a_result_of_no_grad_is_an_input_like_any_other() -> None:
    w = Value(0.5)
    with no_grad():
        frozen = w * w
    output = (w * frozen).exp()
    matrix = [[v.data for v in row] for row in hessian(output, [w, frozen])]
    e, t = math.exp(0.125), 0.25
    expected = [[t * t * e, (1 + 0.5 * t) * e], [(1 + 0.5 * t) * e, 0.25 * e]]
    assert np.allclose(matrix, expected, rtol=1e-14, atol=0)


def test_the_gradient_of_a_gradient_goes_backward() -> None:
    # As for a penalty on the size of a gradient: f = x^3 y, g = (df/dx)^2.
    x, y = Value(2.0), Value(3.0)
    penalty = grad(x**3 * y, x) ** 2  # 9 x^4 y^2
    penalty.backward()
    assert penalty.data == pytest.approx(1296.0)
    assert x.grad == pytest.approx(36 * 2**3 * 3**2)
    assert y.grad == pytest.approx(18 * 2**4 * 3)


def test_jacobian_and_hessian_have_the_shapes_of_their_arguments() -> None:
    x, y, z = Value(1.0), Value(2.0), Value(3.0)
    matrix = jacobian([x * y, y * z], (x, y, z))
    assert [[v.data for v in row] for row in matrix] == [[2.0, 1.0, 0.0], [0.0, 3.0, 2.0]]
    assert [[v.data for v in row] for row in hessian(x * y * z, [x, y, z])] == [
        [0.0, 3.0, 2.0],
        [3.0, 0.0, 1.0],
        [2.0, 1.0, 0.0],
    ]
    assert jacobian([], [x]) == []
    assert grad(x * y, []) == []


def test_ties_share_the_gradient_and_kinks_have_slope_zero() -> None:
    x, y = Value(2.0), Value(2.0)
    maximum(x, y).backward()
    assert (x.grad, y.grad) == (0.5, 0.5)
    ops.minimum(x, y).backward()
    assert (x.grad, y.grad) == (1.0, 1.0)
    maximum(x, x).backward()
    assert x.grad == 2.0
    for f in (ops.relu, ops.abs):
        kink = Value(0.0)
        f(kink).backward()
        assert kink.grad == 0.0
        assert grad(f(kink), kink).data == 0.0


def test_weights_that_are_worked_out_from_the_very_tuple_that_they_weigh() -> None:
    u = Value(1.5)
    x = (u * u, u + 1.0)
    weight = ops.sum(x)
    z = ops.affine((weight, 2.0), x, 0.0)  # (u^2 + u + 1) u^2 + 2 (u + 1)
    z.backward()
    expected = 4 * 1.5**3 + 3 * 1.5**2 + 2 * 1.5 + 2
    assert u.grad == pytest.approx(expected)
    assert grad(z, u).data == pytest.approx(expected)


def test_operations_that_share_one_tuple_of_results_and_feed_each_other() -> None:
    # The weights, themselves results, are one tuple used at every step of a
    # chain: as in a neuron with tied weights that is fed its own output.
    affine = recorder(ops.affine)
    u = Value(1.5)
    weights = (u * u, u + 1.0)
    state: Value = Value(0.3)
    for _ in range(4):
        state = affine(weights, (state, Value(2.0)), state * 0.1)
    h = 1e-6
    numeric = (four_steps(1.5 + h) - four_steps(1.5 - h)) / (2 * h)
    state.backward()
    assert state.data == pytest.approx(four_steps(1.5))
    assert u.grad == pytest.approx(numeric, rel=1e-6)
    assert grad(state, u).data == pytest.approx(numeric, rel=1e-6)


def four_steps(u: float) -> float:
    state = 0.3
    for _ in range(4):
        state = u * u * state + (u + 1.0) * 2.0 + state * 0.1
    return state


@example(0.0)
@example(-0.0)
@given(st.floats(-1e3, 1e3))
def test_writing_an_operation_as_operator_method_or_function_is_the_same(x: float) -> None:
    for name in ["exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "abs"]:
        one, other = Value(x), Value(x)
        by_method, by_function = getattr(one, name)(), ROWS[name](other)
        by_method.backward()
        by_function.backward()
        assert by_method.op is by_function.op
        assert (repr(by_method), repr(one)) == (repr(by_function), repr(other))
