"""What a recording cannot see is said: leaves of which nothing is said, branches on numbers."""

from __future__ import annotations

import gc
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from micrograd import Value, affine, comparisons, maximum, no_grad, ops, parameter, relu, vectorize
from micrograd.losses import squared_error
from micrograd.nn import MLP
from micrograd.program import ProgramMismatch, comparing
from tests.recorded import seeded


@pytest.fixture(autouse=True)
def _nothing_compared() -> Iterator[None]:
    """Each test begins as a program that has compared nothing."""
    gc.collect()
    comparisons._compared.clear()
    comparisons._gone.clear()
    yield
    comparisons._compared.clear()
    comparisons._gone.clear()


def neuron() -> tuple[Value, Value, Value, Value]:
    """An input, a target, a weight and the cost."""
    x, y, w = Value(1.0, "x"), Value(0.0, "y"), parameter(2.0, "w")
    return x, y, w, squared_error(w * x, y)


# Inputs that are not read, and leaves of which nothing is said.


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_input_of_which_nothing_is_read_is_named(count: int) -> None:
    x, y, w, cost = neuron()
    fresh = [Value(0.5, f"x_{i}") for i in range(count)]
    says = r"vectorize: the graph reads nothing of inputs\[2\], Value\(data=0.5, .*'x_0'"
    with pytest.raises(ValueError, match=says) as caught:
        vectorize(cost, [x, y, fresh], [w])
    assert ("..." in str(caught.value)) is (count > 2)
    with pytest.raises(ValueError, match=r"nothing of inputs\[0\]"):
        vectorize(cost, [fresh[0], x], [w], frozen=True)


def test_a_fresh_list_instead_of_the_recorded_one() -> None:
    net = MLP(2, [2, 1], rng=seeded())
    outputs = net([Value(0.5), Value(1.5)])
    with pytest.raises(ValueError, match=r"nothing of inputs\[0\].*the very Values"):
        vectorize(outputs, [[Value(0.5), Value(1.5)]], net.parameters(), frozen=True)


def test_an_input_that_is_read_in_part_or_is_an_output_itself() -> None:
    x = [Value(1.0), Value(2.0), Value(3.0)]
    assert vectorize(x[1] * 2.0, [x])([[1.0, 5.0, 9.0]]).tolist() == [10.0]
    assert vectorize([x[0]], [x[:1]])([[4.0]]).tolist() == [[4.0]]


def test_what_was_forgotten_is_named_and_the_three_ways_out() -> None:
    x, y, w, cost = neuron()
    says = r"reads a leaf of which nothing is said: Value\(data=0.0, grad=0.0, label='y'\)\. .*"
    with pytest.raises(ValueError, match=says + "inputs.*parameters.*frozen=.*frozen=True"):
        vectorize(cost, [x], [w])
    with pytest.raises(ValueError, match="label='w'"):
        vectorize(cost, [x, y])
    net = MLP(3, [4, 1], rng=seeded())
    with pytest.raises(ValueError, match=r"21 leaves .*w_\{00\}.*w_\{01\}.*w_\{02\}.*, \.\.\."):
        vectorize(net([x, x, y]), [x, y])


def test_behind_a_constant_part_of_the_graph_too() -> None:
    x, y, w, _ = neuron()
    with pytest.raises(ValueError, match="label='y'"):
        vectorize(w * x + (y * y).exp(), [x], [w])
    with pytest.raises(ValueError, match="label='y'"):
        vectorize([w * x, y], [x], [w])
    with pytest.raises(ValueError, match="label='y'"):
        vectorize(w * x - y.detach(), [x], [w])


def test_frozen_leaves_keep_their_numbers() -> None:
    x, y, w, cost = neuron()
    y.data = 0.5
    for frozen in ([y], (y,), iter([y]), True):
        program = vectorize(cost, [x], [w], frozen=frozen)
        assert program([1.0, 2.0]).tolist() == [2.25, 12.25]
    outputs = vectorize(w * x, [x], frozen=True)
    assert outputs([3.0]).tolist() == [6.0]
    # numbers of a formula, and those that a network was called with, need no word
    assert vectorize(w * 3.0 + affine([w], [2.0], 1.0), [], [w])() == 11.0
    with no_grad():
        number = y * 2.0
    with pytest.raises(ValueError, match=r"data=1\.0"):
        vectorize(w * number, [], [w])


@pytest.mark.parametrize(
    ("frozen", "error", "message"),
    [
        ("x", ValueError, r"frozen\[0\], .*, is inputs\[0\] already"),
        ("w", ValueError, r"frozen\[0\], .*, is parameters\[0\] already"),
        ("cost", ValueError, r"frozen\[0\], .*, is no leaf but a result"),
        (3, TypeError, "expected a list of Values as frozen"),
        ([3.0], TypeError, r"expected a Value as frozen\[0\]"),
    ],
)
def test_what_is_frozen_is_checked(frozen: Any, error: Any, message: str) -> None:
    x, y, w, cost = neuron()
    named = {"x": [x], "w": [w], "cost": [cost]}
    given = named[frozen] if isinstance(frozen, str) else frozen
    with pytest.raises(error, match=f"^vectorize: {message}"):
        vectorize(cost, [x, y], [w], frozen=given)


# Comparisons.


def warned(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    for one in caught:
        assert one.category is UserWarning
        assert one.filename == __file__
    return [str(one.message) for one in caught]


def smaller(v: Value, w: Value) -> Value:
    return v if v < w else w


def sorted_first(v: Value, w: Value) -> Value:
    return sorted([v, w])[0]


def array_smallest(v: Value, w: Value) -> Value:
    least: Value = np.array([v, w]).min()
    return least


@pytest.mark.parametrize(
    "choose", [smaller, min, max, sorted_first, array_smallest], ids=lambda f: f.__name__
)
def test_a_comparison_of_what_depends_on_the_inputs_warns(choose: Any) -> None:
    x, w = Value(1.0, "x"), parameter(2.0, "w")
    z = w * x
    z.label = "z"
    out = choose(z, w) * x
    says = warned(lambda: vectorize(out, [x], [w]))
    assert any("the result of '*' 'z' = 2 was compared, at " in one for one in says)
    assert any("the leaf 'w' = 2 was compared" in one for one in says)
    assert all("test_recording.py:" in one for one in says)
    assert all("program.check(" in one and "where(step(v), a, b)" in one for one in says)
    assert len(says) == len(set(says)) == 2


@pytest.mark.parametrize("compare", ["__lt__", "__le__", "__gt__", "__ge__"])
def test_every_comparison_is_noted_on_either_side(compare: str) -> None:
    x, y = Value(1.0, "x"), Value(2.0, "y")
    getattr(x * 1.0, compare)(3.0)
    a, b = x * 2.0, y * 2.0
    getattr(a, compare)(b)
    says = warned(lambda: vectorize(a + b, [x, y]))
    assert sorted(s.split(" was")[0][-3:] for s in says) == ["= 1", "= 2", "= 4"]


def test_a_value_that_is_gone_is_known_by_where_it_came_from() -> None:
    x, w = Value(1.0, "x"), parameter(2.0, "w")
    hinge = sum(max(0.0, 1.0 - w * x * k) for k in (0.1, 3.0))  # one of the two is a 0.0 now
    gc.collect()
    says = warned(lambda: vectorize(hinge, [x], [w]))
    assert sum("the result of '-' = -5 was compared" in one for one in says) == 1
    assert sum("the result of '-' = 0.8 was compared" in one for one in says) == 1
    # Of what is not in the graph it is said once: it may have been in an earlier one.
    assert sum("in this graph or an earlier one of the same leaves" in one for one in says) == 1
    says = warned(lambda: vectorize(hinge, [x], [w]))
    assert [one.split(" was compared")[0][-3:] for one in says] == ["0.8"]
    kept = w * x
    assert kept > 0.0
    assert len(warned(lambda: vectorize(relu(w * x), [x], [w]))) == 2
    assert warned(lambda: vectorize(relu(w * x), [x], [w])) == []
    assert len(warned(lambda: vectorize(hinge, [x], [w]))) == 1


def test_what_has_nothing_to_do_with_the_program_does_not_warn() -> None:
    x, w, other = Value(1.0, "x"), parameter(2.0, "w"), Value(5.0)
    out = relu(w * x)
    kept = other * 2.0
    assert kept > 1.0
    assert other.exp() > 1.0  # gone at once
    assert w * 3.0 > 1.0  # gone, and of other samples perhaps
    accuracy = w * other
    assert accuracy > 0.0
    with no_grad():
        assert x * w > 0.0
    assert out.parents[0].parents[0].data > 0.0
    assert out != x
    assert warned(lambda: vectorize(out, [x], [w])) == []
    assert len(warned(lambda: vectorize(relu(w * 2.0), [], [w]))) > 0  # parameters are all it has


def test_a_value_that_is_compared_often_is_named_once() -> None:
    x = Value(1.0, "x")
    z = x * 2.0
    assert z > 1.0
    assert z < 3.0
    assert z >= 2.0
    assert len(warned(lambda: vectorize(z, [x]))) == 1


def test_a_million_comparisons_are_no_burden() -> None:
    x = Value(1.0)
    for _ in range(20_000):
        assert (x * 2.0) > 1.0
    assert len(comparisons._gone) == comparisons._gone.maxlen == 256
    gc.collect()
    assert len(comparisons._compared) == 0


def test_comparisons_pickle_and_copy_as_before() -> None:
    x = Value(1.0, "x")
    y = x * 2.0
    assert y > x
    y2, x2 = pickle.loads(pickle.dumps((y, x)))
    assert (y2.data, x2.label, vars(x2)) == (2.0, "x", {"label": "x"})


# check.


def clipped(x: Value) -> Value:
    return x if x.data > 0.0 else Value(0.0)


def test_check_finds_a_frozen_branch() -> None:
    x = Value(1.0, "x")
    program = vectorize(clipped(x), [x])
    assert program([1.0, -1.0]).tolist() == [1.0, -1.0]
    with pytest.raises(ProgramMismatch) as caught:
        program.check(clipped, [1.0, -1.0, 2.0, -3.0])
    assert str(caught.value) == (
        "Program.check: sample 1: the output is -1.0 in the program, and 0.0 where the function "
        "is run; 2 of 4 samples differ. Most likely the function branches on a number (if, max, "
        "sorted), and the program goes the way of the sample that was recorded; or it draws "
        "random numbers, or something frozen has changed since"
    )
    assert program.check(clipped, [1.0, 2.0]) == 0.0


def test_check_names_the_output() -> None:
    x = [Value(1.0), Value(2.0)]

    def both(x: list[Value]) -> list[Value]:
        return [x[0] * 2.0, clipped(x[1])]

    program = vectorize(both(x), [x])
    with pytest.raises(ProgramMismatch, match=r"sample 0: output 1 is -4\.0 in the program"):
        program.check(both, [[1.0, -4.0]])
    with pytest.raises(ProgramMismatch, match="1 of 1 sample differ"):
        program.check(both, [[1.0, -4.0]])


def test_check_compares_gradients_of_what_has_the_same_value() -> None:
    x, w = Value(1.0, "x"), [parameter(2.0, "w_0"), parameter(2.0, "w_1")]

    def cost(x: Value) -> Value:
        return w[0] * x if x.data > 0.0 else w[1] * x

    program = vectorize(cost(x) + 0.0 * w[1], [x], w)
    says = r"sample 1: derivative by parameter 0 is -1\.0 in the program, and 0\.0"
    with pytest.raises(ProgramMismatch, match=says):
        program.check(lambda x: cost(x) + 0.0 * w[1], [1.0, -1.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("compiled", [False, True])
def test_check_passes_where_only_rounding_differs(dtype: Any, compiled: bool) -> None:
    net = MLP(3, [4, 2], activation="tanh", rng=seeded())
    x, y = [Value(0.0) for _ in range(3)], [Value(0.0) for _ in range(2)]

    def cost(x: list[Value], y: list[Value]) -> Value:
        return squared_error(net(x), y) + 1e3 * maximum(x[0], y[0]).tanh()

    program = vectorize(cost(x, y), [x, y], net.parameters(), dtype=dtype)
    if compiled:
        try:
            program.compile()
        except RuntimeError:
            pytest.skip("there is no C compiler")
    rng = np.random.default_rng(0)
    worst = program.check(cost, rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
    assert 0.0 < worst < (1e-10 if dtype is np.float64 else 1e-3)


def test_check_uses_the_programs_parameters_and_puts_everything_back() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], [w])
    program.parameters = [7.0]
    w.grad = 3.0

    def function(x: Value, y: Value) -> Value:
        assert (w.data, x.data) == (7.0, 2.0)
        return squared_error(w * x, y)

    assert program.check(function, [2.0], [1.0]) == 0.0
    assert (w.data, w.grad) == (2.0, 3.0)
    with pytest.raises(ZeroDivisionError):
        program.check(lambda x, y: 1 / 0, [2.0], [1.0])
    assert (w.data, w.grad) == (2.0, 3.0)


def test_check_of_special_values() -> None:
    x = Value(1.0, "x")
    program = vectorize(x.log() * 2.0, [x])
    assert program.check(lambda x: x.log() * 2.0, [0.0, -1.0, np.inf, np.nan, 1e-320]) < 1e-12
    with pytest.raises(ProgramMismatch, match=r"is nan in the program, and 0\.0"):
        program.check(lambda x: x.log() * 2.0 if x.data > 0 else Value(0.0), [-1.0])
    with pytest.raises(ProgramMismatch, match="is -inf in the program, and inf"):
        program.check(lambda x: -x.log() * 2.0, [0.0])


def test_check_without_inputs_or_parameters() -> None:
    w = parameter(2.0, "w")
    program = vectorize([w * 3.0, w], [], [w])
    assert program.check(lambda: [w * 3.0, w]) == 0.0
    assert vectorize(w * 3.0, [], [w]).check(lambda: w * 3.0) == 0.0
    with pytest.raises(ProgramMismatch, match=r"sample 0: the output is 6\.0"):
        vectorize(w * 3.0, [], [w]).check(lambda: w * 3.5)


def test_check_says_what_it_expects_of_the_function() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], [w])
    several = vectorize([cost, w * x], [x, y], [w])
    arrays = [1.0], [2.0]
    for one, function, error, message in (
        (program, lambda x, y: [cost], TypeError, "give a Value, got"),
        (program, lambda x, y: None, TypeError, "give a Value, got None"),
        (several, lambda x, y: cost, TypeError, "give a list of 2 Values"),
        (several, lambda x, y: [cost], ValueError, "give 2 Values, got 1"),
        (several, lambda x, y: 3, TypeError, "a list of 2 Values"),
        (program, lambda x, y: squared_error(x, y), ValueError, "none of the program's param"),
    ):
        with pytest.raises(error, match=f"^Program.check: .*{message}"):
            one.check(function, *arrays)
    copied = pickle.loads(pickle.dumps(program))
    with pytest.raises(ValueError, match=r"copied or unpickled"):
        copied.check(lambda x, y: squared_error(w * x, y), *arrays)
    with pytest.raises(TypeError, match=r"^Program\.check: expected 2 arrays"):
        program.check(lambda x, y: cost, [1.0])


def test_a_wrong_tolerance_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Value(1.0, "x")
    program = vectorize(x * 2.0, [x])
    with pytest.raises(ProgramMismatch):
        program.check(lambda x: x * (2.0 + 1e-8), [1.0])
    assert program.check(lambda x: x * (2.0 + 1e-10), [1.0]) == pytest.approx(5e-11, rel=1e-3)
    monkeypatch.setattr(comparing, "_TOLERANCE", {"float64": (1e-3, 1e-3)})
    assert program.check(lambda x: x * (2.0 + 1e-8), [1.0]) > 1e-9


def test_what_cancels_is_compared_in_parts_of_what_it_is_the_difference_of() -> None:
    x = Value(1.0, "x")
    program = vectorize(x + (1e9 - 1e9), [x])
    assert 1e-9 < program.check(lambda x: (x + 1e9) - 1e9, [0.3]) < 1e-6
    with pytest.raises(ProgramMismatch):
        program.check(lambda x: (x + 1e9) - (1e9 - 0.1), [0.3])


def test_a_row_of_the_table_that_python_cannot_see_into_is_no_branch() -> None:
    x = Value(1.0, "x")
    out = ops.where(ops.step(x), x, 0.0)
    assert warned(lambda: vectorize(out, [x])) == []
    assert vectorize(out, [x]).check(lambda x: ops.where(ops.step(x), x, 0.0), [-1.0, 2.0]) == 0.0
