"""Graphs that people record, as matrices: what is found in them, and that it is right."""

from __future__ import annotations

import functools
import math
import operator
import os
import pickle
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from micrograd import Value, no_grad, ops, parameter, primitive, vectorize
from micrograd.engine import topological_order
from micrograd.losses import cross_entropy, l2, squared_error
from micrograd.nn import MLP
from tests import transformer
from tests.graphs import ROWS, little_stack
from tests.networks import STYLES
from tests.recorded import checked, close, leaves, parameters, seeded
from tests.sources import array_operations, lines, run, variables
from tests.transformer import Transformer, dot, softmax

inf, nan = math.inf, math.nan
Golden = Callable[[str, str], None]


# The lessons' network.


@pytest.fixture(scope="module")
def lessons() -> tuple[MLP, list[Value], list[Value]]:
    """784-16-16-10, and Values for an image and the wanted activations."""
    net = MLP(784, [16, 16, 10], "sigmoid", "sigmoid", init="xavier", rng=seeded())
    return net, leaves("x", 784), leaves("y", 10)


def by_hand(net: MLP, x: list[Value], write: Callable[..., Value]) -> list[Value]:
    """The network's activations, its sums of products written in another way."""
    a = x
    for number, layer in enumerate(net.layers, start=1):
        after = []
        for j, neuron in enumerate(layer.neurons):
            z = write(neuron.w, a, neuron.b)
            z.label = f"z_{{{j}}}^{{({number})}}"
            after.append(z.sigmoid())
            after[-1].label = f"a_{{{j}}}^{{({number})}}"
        a = after
    return a


def test_the_lessons_network_reads_as_the_lessons_write_it(lessons: Any, golden: Golden) -> None:
    net, x, y = lessons
    program = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    golden("vectorize_784_16_16_10.txt", program.source)
    assert len(lines(program.source)) <= 9
    one_for_each_layer = [line for line in lines(program.source) if " @ " in line]
    assert len(one_for_each_layer) == 3


def test_the_lessons_network_agrees_with_the_engine(lessons: Any) -> None:
    net, _, _ = lessons
    checked(lambda x, y: squared_error(net(x), y), [784, 10], net.parameters(), batch=2)


@pytest.mark.parametrize("style", list(STYLES))
def test_however_it_is_written_the_program_is_the_same(style: str, lessons: Any) -> None:
    net, x, y = lessons
    with_affine = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    a = by_hand(net, x, STYLES[style])
    program = vectorize(squared_error(a, y), [x, y], net.parameters())
    assert program.source == with_affine.source


def test_the_cost_may_be_written_out_as_well(lessons: Any) -> None:
    net, x, y = lessons
    a = by_hand(net, x, STYLES["left"])
    cost = sum((aj - yj) * (aj - yj) for aj, yj in zip(a, y, strict=True))
    assert isinstance(cost, Value)
    program = vectorize(cost, [x, y], net.parameters())
    assert len(lines(program.source)) <= 9
    # A square is what one writes by hand, V * V, and its derivative 2 V.
    cost = sum((aj - yj) ** 2 for aj, yj in zip(a, y, strict=True))
    assert isinstance(cost, Value)
    source = vectorize(cost, [x, y], net.parameters()).source
    assert len(lines(source)) <= 9
    assert re.search(r"(V\d+) = A3 - Y  # .*\n.*\(\1 \* \1\)\.sum", source)
    assert re.search(r"dZ3 = 2\.0 \* \(1\.0 / n \* V\d+\) \* \(A3", source)


def test_without_labels_it_is_the_same_but_for_names(lessons: Any) -> None:
    net, x, _ = lessons
    a = [Value(v.data) for v in x]
    for layer in net.layers:
        a = [
            ops.affine([Value(w.data) for w in n.w], a, Value(n.b.data)).sigmoid()
            for n in layer.neurons
        ]
    named = vectorize(net(x), [x], net.parameters())
    program = vectorize(a, frozen=True)
    assert len(lines(program.source)) <= len(lines(named.source))


def test_weights_are_read_as_views(lessons: Any) -> None:
    net, x, y = lessons
    program = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    assert not re.search(r"take|copy|\[I_|concatenate", program.source)
    arguments = [program.parameters, np.zeros((1, 784)), np.zeros((1, 10))]
    found = variables(program.source, "forward", arguments)
    for name, shape in {
        "W1": (16, 784), "b1": (16,), "W2": (16, 16), "b2": (16,), "W3": (10, 16), "b3": (10,)
    }.items():  # fmt: skip
        assert found[name].shape == shape
        assert np.shares_memory(found[name], program.parameters)
    assert found["W1"].tolist() == [[w.data for w in n.w] for n in net.layers[0].neurons]


def test_the_gradient_is_written_into_views_too(lessons: Any) -> None:
    net, x, y = lessons
    program = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    written = [line for line in lines(program.source, "value_and_grad") if line.startswith("dW")]
    assert written == ["dW3 = dZ3.T @ A2", "dW2 = dZ2.T @ A1", "dW1 = dZ1.T @ X"]
    assert "gradient[:12560].reshape(16, 785)[:, :784] = dW1" in program.source
    assert "np.empty(13002" in program.source  # every place of it is written to


def test_outputs_without_a_cost(lessons: Any) -> None:
    net, x, _ = lessons
    program = vectorize(net(x), [x], frozen=True)
    X = np.random.default_rng(0).uniform(size=(4, 784))
    out = program(X)
    assert out.shape == (4, 10)
    with no_grad():
        close(out[2], [a.data for a in net(X[2].tolist())])


# Graphs that are no plain network.


def test_the_two_moons_recorded_with_all_samples() -> None:
    # As micrograd's demo does: one graph of 100 samples, numbers and no inputs.
    rng = seeded(1)
    net = MLP(2, [16, 16, 1], rng=rng)
    angles = [math.pi * i / 50 for i in range(50)]
    moons = [([math.cos(t), math.sin(t)], 1) for t in angles]
    moons += [([1 - math.cos(t), 0.5 - math.sin(t)], -1) for t in angles]

    def cost() -> Value:
        losses = [(1 + -y * net(x)).relu() for x, y in moons]
        data = sum(losses) * (1.0 / len(losses))
        regularisation = 1e-4 * sum(p * p for p in net.parameters())
        out: Value = data + regularisation
        return out

    program = checked(cost, [], net.parameters())
    assert len(lines(program.source)) <= 9
    assert type(program()) is float
    # Ten samples are no fewer lines than a hundred.
    moons = moons[::10]
    few = vectorize(cost(), [], net.parameters())
    assert len(lines(few.source)) == len(lines(program.source))


def test_several_samples_in_one_graph_are_one_matrix_product_a_layer() -> None:
    net = MLP(3, [4, 2], activation="tanh", rng=seeded())
    samples = [[0.1 * i, 0.2 - i, 0.3 * i * i] for i in range(5)]
    program = checked(
        lambda: sum(squared_error(net(x), [0.5, -0.5]) for x in samples) / 5,
        [],
        net.parameters(),
    )
    assert program.source.split("def value_and_grad")[0].count("@") == 2


def test_several_samples_in_one_graph_that_are_inputs() -> None:
    net = MLP(3, [4, 2], activation="tanh", rng=seeded())

    def record(*columns: list[Value]) -> Value:
        cost: Value = sum(squared_error(net(x), [0.5, -0.5]) for x in columns) / len(columns)
        return cost

    checked(record, [3, 3, 3], net.parameters())


def test_a_square_is_a_product_with_itself() -> None:
    w = parameter(1.5, "w")
    checked(lambda x: w * w * x * x, [None], [w])
    checked(lambda x: x * (w * x) * x + w, [None], [w])


def test_shared_nodes_are_computed_once() -> None:
    w = parameters("w", 3)

    def record(x: list[Value]) -> Value:
        h = dot(w, x).tanh()
        return h * h + h.exp() / (h + 2.0) - h

    program = checked(record, [3], w)
    assert program.source.split("def value_and_grad")[0].count("np.tanh") == 1


def test_a_sum_that_is_used_twice_is_not_taken_apart() -> None:
    w = parameters("w", 4)

    def record(x: list[Value]) -> Value:
        s = dot(w, x)
        return (s + x[0]) * (s + x[1])

    checked(record, [4], w)


def test_a_matrix_that_two_layers_share() -> None:
    weights = parameters("w", 9)
    rows = [weights[i : i + 3] for i in (0, 3, 6)]

    def record(x: list[Value]) -> Value:
        for _ in range(2):
            x = [dot(row, x).tanh() for row in rows]
        return sum(x[1:], start=x[0])

    program = checked(record, [3], weights)
    assert program.source.split("def value_and_grad")[0].count(" W = ") == 1


def test_a_matrix_and_its_transpose() -> None:
    # Embedding and unembedding are tied in some networks.
    weights = parameters("w", 12)
    rows = [weights[i : i + 4] for i in (0, 4, 8)]

    def record(x: list[Value]) -> Value:
        h = [dot(row, x).tanh() for row in rows]
        back = [dot(column, h) for column in zip(*rows, strict=True)]
        return squared_error(back, x)

    program = checked(record, [4], weights)
    assert program.source.split("def value_and_grad")[0].count("@") == 2
    assert "take" not in program.source


def test_weights_column_by_column_are_a_view_as_well() -> None:
    weights = parameters("w", 12)
    rows = [weights[i::3] for i in range(3)]
    program = checked(
        lambda x: squared_error([dot(row, x) for row in rows], [1.0, 2.0, 3.0]), [4], weights
    )
    assert "take" not in program.source


def test_attention_multiplies_inputs_with_each_other() -> None:
    n, size = 4, 3
    weights = parameters("w", 3 * size * size)
    query, key, value = (
        [weights[m * size * size + i * size :][:size] for i in range(size)] for m in range(3)
    )

    def record(x: list[Value]) -> Value:
        tokens = [x[i * size : (i + 1) * size] for i in range(n)]
        q, k, v = ([[dot(row, t) for row in m] for t in tokens] for m in (query, key, value))
        out = []
        for qi in q:
            scores = softmax([dot(qi, kj) for kj in k])
            out += [dot(scores, column) for column in zip(*v, strict=True)]
        return squared_error(out, [0.5] * len(out))

    program = checked(record, [n * size], weights)
    # Queries, keys and values; scores; what they mix.
    assert program.source.split("def value_and_grad")[0].count("@") <= 5


def test_inputs_alone_multiplied_with_each_other() -> None:
    program = checked(lambda x, y: dot(x[:3], y) * dot(x[3:], y) + x[0], [6, 3], [])
    assert program.value_and_grad(np.ones((2, 6)), np.ones((2, 3)))[1].shape == (0,)


def test_a_convolution() -> None:
    kernel, bias = parameters("k", 3), parameter(0.1, "b")

    def record(x: list[Value]) -> Value:
        h = [(dot(kernel, x[i : i + 3]) + bias).relu() for i in range(len(x) - 2)]
        return sum(h[1:], start=h[0])

    checked(record, [9], [*kernel, bias])


def test_regularisation_is_added_once_to_every_samples_cost() -> None:
    net = MLP(3, [4, 1], activation="tanh", rng=seeded())
    program = checked(
        lambda x, y: squared_error(net(x), y) + l2(net, 0.1), [3, None], net.parameters()
    )
    once = vectorize(l2(net, 0.1), [], net.parameters())
    X, Y = np.zeros((4, 3)), np.zeros(4)
    without = vectorize(
        squared_error(net(x := leaves("x", 3)), y := Value(0.0)), [x, y], net.parameters()
    )
    close(program(X, Y), without(X, Y) + once())


def test_an_output_that_depends_on_no_input() -> None:
    net = MLP(3, [4, 1], rng=seeded())
    x = leaves("x", 3)
    program = vectorize([l2(net, 0.1), x[1]], [x], net.parameters())
    X = np.arange(15.0).reshape(5, 3)
    expected = vectorize(l2(net, 0.1), [], net.parameters())
    assert program(X).tolist() == [[expected(), x1] for x1 in X[:, 1].tolist()]


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if len(row.arguments) == 2])
def test_an_operation_between_what_samples_share_and_what_they_do_not(name: str) -> None:
    row, w = ROWS[name], parameters("w", 3)

    def record(x: list[Value]) -> Value:
        shared = [p.exp() for p in w]
        own = [v.exp() for v in x]
        first = [row(a, b) for a, b in zip(shared, own, strict=True)]
        second = [row(b, a) for a, b in zip(shared, own, strict=True)]
        third = [row(a, shared[0]) for a in shared]
        fourth = [row(a, own[0]) for a in shared]
        return dot(first, second) + dot(third, fourth)

    checked(record, [3], w)


def test_layers_of_different_sizes_side_by_side() -> None:
    nets = [MLP(n, [n + 1, 2], activation="tanh", rng=seeded(n)) for n in (1, 2, 3)]

    def record(*inputs: list[Value]) -> Value:
        outputs = [net(x) for net, x in zip(nets, inputs, strict=True)]
        return dot(outputs[0], outputs[1]) * dot(outputs[1], outputs[2])

    checked(record, [1, 2, 3], [p for net in nets for p in net.parameters()])


def test_a_ladder_of_sums_of_every_length() -> None:
    w = parameters("w", 6)
    checked(lambda x: sum(dot(w[:i], x[:i]).sin() for i in range(1, 7)), [6], w)


def test_constants_of_every_kind_in_the_formula() -> None:
    w = parameters("w", 3)

    def record(x: list[Value]) -> Value:
        c = [Value(v) for v in (0.1, 2.0 / 3.0, 1e-300)]
        for v in c:
            v.kind = "constant"
        h = [a * b + d for a, b, d in zip(w, x, c, strict=True)]
        return dot(h, c) * 3 + ops.sum([2.0, c[0], 0.0]) ** 2 - c[1] / 7

    checked(record, [3], w)


def test_the_cross_entropy_of_a_classifier() -> None:
    net = MLP(4, [5, 3], activation="tanh", rng=seeded())
    checked(lambda x: cross_entropy(net(x), 2), [4], net.parameters())


# Outputs.


def test_an_input_a_parameter_and_a_constant_are_outputs_as_they_are() -> None:
    x, w, c = Value(1.0, "x"), parameter(2.0, "w"), Value(3.0)
    program = vectorize([x, w, c, w * x, x], [x], [w], frozen=[c])
    np.testing.assert_array_equal(
        program([5.0, 7.0]), [[5.0, 2.0, 3.0, 10.0, 5.0], [7.0, 2.0, 3.0, 14.0, 7.0]]
    )


@pytest.mark.parametrize(
    ("which", "value", "slope"), [("x", 6.0, 0.0), ("w", 2.0, 1.0), ("c", 3.0, 0.0)]
)
def test_a_leaf_as_the_only_output(which: str, value: float, slope: float) -> None:
    x, w, c = Value(1.0, "x"), parameter(2.0, "w"), Value(3.0)
    leaf = {"x": x, "w": w, "c": c}[which]
    program = vectorize(leaf, [x] if leaf is x else [], [w], frozen=[c])
    arrays = [[5.0, 7.0]] if leaf is x else []
    assert np.mean(program(*arrays)) == value
    assert (program.per_sample_grad(*arrays) == slope).all()
    got, gradient = program.value_and_grad(*arrays)
    assert (got, gradient.tolist()) == (value, [slope])


def test_an_output_that_is_asked_for_twice() -> None:
    x, y = Value(1.0, "x"), Value(2.0, "y")
    z = x * y
    program = vectorize([z, x, z, z, x + y], [x, y])
    assert program([2.0], [3.0]).tolist() == [[6.0, 2.0, 6.0, 6.0, 5.0]]


def test_outputs_of_different_levels_in_the_order_given() -> None:
    x = leaves("x", 3)
    deep = [v.exp().log() + 1.0 for v in x]
    wanted = [deep[2], x[0] * x[1], deep[0], x[1], x[2].exp(), deep[1]]
    program = vectorize(wanted, [x])
    close(program([[v.data for v in x]]), [[v.data for v in wanted]])


def test_an_output_inside_of_another() -> None:
    # A sum that is wanted itself is not taken apart in the one it is a part of.
    x = leaves("x", 3)
    part = x[0] + x[1]
    program = vectorize([part, part + x[2]], [x])
    assert program([[1.0, 2.0, 3.0]]).tolist() == [[3.0, 6.0]]


def test_shapes_of_what_is_returned() -> None:
    w, x, y = parameter(2.0, "w"), leaves("x", 2), Value(1.0, "y")
    z = w * x[0] + x[1] * y
    one, several = vectorize(z, [x, y], [w]), vectorize([z, z], [x, y], [w])
    for n in 1, 4:
        X, Y = np.ones((n, 2)), np.ones(n)
        assert one(X, Y).shape == (n,)
        assert several(X, Y).shape == (n, 2)
        assert one.per_sample_grad(X, Y).shape == (n, 1)
        value, gradient = one.value_and_grad(X, Y)
        assert type(value) is float
        assert gradient.shape == (1,)
    none = vectorize(w * 3.0, [], [w])
    assert (none(), type(none())) == (6.0, float)
    assert none.per_sample_grad().shape == (1, 1)
    assert none.value_and_grad() == (6.0, np.array([3.0]))
    assert vectorize([w * 3.0, w], [], [w])().tolist() == [6.0, 2.0]


def test_no_parameters_and_no_inputs() -> None:
    program = vectorize(Value(2.0) * Value(3.0), frozen=True)
    assert program() == 6.0
    assert program.value_and_grad()[1].shape == (0,)
    assert program.per_sample_grad().shape == (1, 0)


# Operations of one's own.


def _double(x: Any) -> Any:
    return 2.0 * x


_RATE = 0.25


def _leaky(x: Any) -> Any:
    """Slower below 0."""
    return np.where(x > 0.0, x, _RATE * x)


def _twice_leaky(x: Any) -> Any:
    def inner(y: Any) -> Any:
        return _leaky(y)

    return _double(inner(x))


LEAKY = [lambda z, x: ops.where(ops.step(x), 1.0, _RATE)]


def from_exec() -> Any:
    return run("import numpy as np\ndef leaky(x):\n    return np.where(x > 0.0, x, 0.25 * x)")[
        "leaky"
    ]


def closure(rate: float) -> Any:
    return lambda x: np.where(x > 0.0, x, rate * x)


class _Callable:
    def __call__(self, x: Any) -> Any:
        return np.where(x > 0.0, x, 0.25 * x)

    def method(self, x: Any) -> Any:
        return np.where(x > 0.0, x, 0.25 * x)


# fmt: off
FORMS = {  # and whether the source can be had
    "a function of a module": (_leaky, True),
    "a lambda": (lambda x: np.where(x > 0.0, x, 0.25 * x), True),
    "a lambda with a global": (lambda x: np.where(x > 0.0, x, _RATE * x), True),
    "NumPy's own": (np.tanh, True),
    "a closure": (closure(0.25), False),
    "from exec": (from_exec(), False),
    "a default": (lambda x, rate=0.25: np.where(x > 0.0, x, rate * x), False),
    "an object": (_Callable(), False),
    "a method": (_Callable().method, False),
    "another module": (lambda x: np.where(x > 0.0, x, math.sin(math.asin(0.25)) * x), False),
}
# fmt: on


@pytest.mark.parametrize("form", list(FORMS))
def test_an_operation_of_ones_own(form: str) -> None:
    arrays, alone = FORMS[form]
    own = primitive(
        "own_vectorized",
        floats=lambda x: float(arrays(np.float64(x))),
        arrays=arrays,
        partials=[lambda z, x: 1.0 - z * z] if arrays is np.tanh else LEAKY,
    )
    w = parameters("w", 4)
    program = checked(lambda x: dot([own(v) for v in x], [own(v) for v in w]), [4], w)
    assert ("import micrograd" in program.source) is not alone
    X = np.array([[0.5, -0.5, 0.0, 2.0]])
    assert run(program.source)["forward"](program.parameters, X).tolist() == program(X).tolist()
    assert pickle.loads(pickle.dumps(program))(X).tolist() == program(X).tolist()


def scaling(factor: float) -> Any:
    """A row "scale"; its function is a closure, so it cannot be written out."""
    ops.table.pop("scale", None)
    return primitive(
        "scale",
        floats=lambda x: factor * x,
        arrays=lambda x: factor * x,
        partials=[lambda z, x: factor],
    )


def test_a_program_keeps_the_operations_that_it_was_made_with() -> None:
    x, w = Value(1.0), parameter(1.0)
    two = scaling(2.0)
    program = vectorize(two(w * x) ** 2, [x], [w])
    assert program([1.0]).tolist() == [4.0]
    five = scaling(5.0)
    assert program([1.0]).tolist() == [4.0]
    assert program.value_and_grad([1.0])[1].tolist() == [8.0]
    both = vectorize(two(w * x) + five(w * x), [x], [w])
    assert both([1.0]).tolist() == [7.0]
    for stale in program, both:
        with pytest.raises(ValueError, match=r"^Program.source: scale: .* no longer in the table"):
            _ = stale.source
    assert vectorize(five(x), [x]).source


def test_an_operation_that_calls_other_functions_takes_them_along() -> None:
    own = primitive(
        "own_vectorized",
        floats=lambda x: 2.0 * (x if x > 0.0 else _RATE * x),
        arrays=_twice_leaky,
        partials=[lambda z, x: ops.where(ops.step(x), 2.0, 2.0 * _RATE)],
    )
    w = parameters("w", 4)
    program = checked(lambda x: dot([own(v) for v in x], w), [4], w)
    assert "micrograd" not in program.source


def test_an_operation_of_ones_own_declared_as_a_fold() -> None:
    squares = primitive(
        "squares_vectorized",
        arguments="x* b",
        fold=(lambda b: b * b, lambda total, x, b: total + x * x),
        partials=[lambda z, x, b: 2.0 * x, lambda z, x, b: 2.0 * b],
        domain=[(-2.0, 2.0), (-2.0, 2.0)],
    )
    w = parameters("w", 4)

    def record(x: list[Value]) -> Value:
        h = [a * b for a, b in zip(w, x, strict=True)]
        return squares(h[:2], w[0]) * squares(h, x[0]) + squares(h[2:], h[1]) * squares([], h[3])

    checked(record, [4], w)


def test_an_operation_of_ones_own_on_any_number_of_arguments() -> None:
    norm = primitive(
        "norm_vectorized",
        arguments="x*",
        floats=lambda x: math.sqrt(math.fsum(v * v for v in x)),
        arrays=lambda x: np.sqrt(sum(v * v for v in x)),
        partials=[lambda z, x: x / z],
    )
    w = parameters("w", 4)

    def record(x: list[Value]) -> Value:
        h = [a * b for a, b in zip(w, x, strict=True)]
        # Two of one length, one of another; one value twice; and of parameters alone.
        return norm(h) * norm(h[::-1]) + norm([h[0], h[0], x[1]]) * norm(w) - norm([h[2]])

    checked(record, [4], w)


def test_an_operation_of_three_arguments_in_any_mixture() -> None:
    mix = primitive(
        "mix_vectorized",
        arguments="t x y",
        floats=lambda t, x, y: t * x + (1.0 - t) * y,
        arrays=lambda t, x, y: t * x + (1.0 - t) * y,
        partials=[lambda z, t, x, y: x - y, lambda z, t, x, y: t, lambda z, t, x, y: 1.0 - t],
    )
    w = parameters("w", 3)
    checked(
        lambda x: (
            dot([mix(a, b, 0.5) for a, b in zip(w, x, strict=True)], w)
            * mix(0.25, w[0], x[1])
            * mix(x[2], 2.0, 3.0)
        ),
        [3],
        w,
    )


def test_an_operation_may_expect_arrays_where_the_graph_has_a_number() -> None:
    # `arrays` is called with arrays, a constant's number among them.
    clipped = primitive(
        "clipped_vectorized",
        arguments="x low",
        floats=lambda x, low: max(x, low),
        arrays=lambda x, low: np.maximum(x, low.astype(x.dtype)),
        partials=[lambda z, x, low: ops.step(x - low), lambda z, x, low: ops.step(low - x)],
    )
    w = parameters("w", 3)
    checked(lambda x: dot([clipped(v, 0.1) for v in x], w), [3], w)


@pytest.mark.parametrize("name", ["n", "X", "W", "gradient", "forward", "len", "I_1", "K_1", "V1"])
def test_an_operation_may_have_the_name_of_anything_in_the_source(name: str) -> None:
    own = primitive(
        name,
        floats=lambda x: 2.0 * x,
        arrays=lambda x: 2.0 * x,
        partials=[lambda z, x: 2.0],
    )
    w = parameters("w", 4)

    def record(x: list[Value]) -> Value:
        h = [own(x[i]) * c for i, c in zip((2, 0, 3, 1), (0.1, 0.2, 0.3, 0.4), strict=True)]
        return dot(h, [own(v) for v in w]) + own(own(dot(w, x)))

    checked(record, [4], w)


# A transformer.


def test_a_transformer_agrees_with_the_engine_in_few_operations() -> None:
    network = Transformer()
    weights = network.parameters()
    assert 4_000 <= len(weights) <= 4_200
    rng = seeded()
    text = [rng.randrange(27) for _ in range(9)]
    program = checked(lambda: network(text[:-1], text[1:]), [], weights)
    assert array_operations(program.source, "forward", [program.parameters]) <= 60


def test_short_sequences_take_as_few_lines_as_long_ones() -> None:
    network = Transformer(vocabulary=9, context=7, embedding=8, heads=2)
    text = [3, 1, 4, 1, 5, 8, 2, 6]
    counts = {
        len(lines(vectorize(network(text[:n], text[1 : n + 1]), [], network.parameters()).source))
        for n in (2, 3, 4, 7)
    }
    assert len(counts) == 1


@pytest.mark.parametrize("begun", ["with the first", "with the last"])
def test_a_transformer_is_the_same_wherever_its_sums_begin(
    begun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def functions() -> str:
        network = Transformer(vocabulary=5, context=4, embedding=6, heads=2)
        program = vectorize(network([0, 1, 2, 3], [1, 2, 3, 4]), [], network.parameters())
        _, found, after = program.source.partition("\n\n\ndef forward")
        assert found
        return after  # constants before it are rounded as the sums are

    expected = functions()  # Python's sum, which begins with 0

    def total(terms: Iterable[Value]) -> Value:
        order = list(terms)
        if begun == "with the first":
            return functools.reduce(operator.add, order)
        return functools.reduce(lambda rest, term: term + rest, reversed(order))

    monkeypatch.setattr(transformer, "total", total)
    assert functions() == expected


def test_a_transformer_of_which_each_sample_is_another_sequence() -> None:
    network = Transformer(vocabulary=5, context=4, embedding=6, heads=2, seed=3)
    rng = seeded()

    def record(tokens: list[Value], targets: list[Value]) -> Value:
        one_hot = [[v[i : i + 5] for i in range(0, 20, 5)] for v in (tokens, targets)]
        return network(*one_hot)

    x, y = leaves("x", 20), leaves("y", 20)
    program = vectorize(record(x, y), [x, y], network.parameters())
    X, Y = np.zeros((2, 3, 4, 5))
    texts = [[rng.randrange(5) for _ in range(5)] for _ in range(3)]
    costs, gradients = [], []
    for i, text in enumerate(texts):
        X[i, range(4), text[:-1]] = Y[i, range(4), text[1:]] = 1.0
        cost = network(text[:-1], text[1:])
        for p in network.parameters():
            p.grad = 0.0
        cost.backward()
        costs.append(cost.data)
        gradients.append([p.grad for p in network.parameters()])
    X, Y = X.reshape(3, 20), Y.reshape(3, 20)
    close(program(X, Y), costs)
    close(program.per_sample_grad(X, Y), gradients)
    close(program.value_and_grad(X, Y)[1], np.mean(gradients, axis=0))


# Deep graphs.

DEEP = {
    "a function": lambda z, w: z.sin(),
    "a sum": lambda z, w: z + w,
    "a product": lambda z, w: z * (w * 0.0 + 1.0),
    "a neuron": lambda z, w: (w * z + 0.5).tanh(),
    "both operands": lambda z, w: (z * z + w).sin(),
    "a difference": lambda z, w: 1.0 - z,
    "one that all read": lambda z, w: (z / w).cos(),
}


@pytest.mark.parametrize("step", list(DEEP))
def test_a_deep_chain(step: str) -> None:
    w, start = parameter(0.75, "w"), Value(0.5, "x")
    last = start
    for _ in range(10_000 if step == "a function" else 2_000):
        last = DEEP[step](last, w)
    last.backward()
    with little_stack(150):
        program = vectorize(last, [start], [w])
        value, gradient = program.value_and_grad([0.5, 0.5])
        assert program([0.5]).shape == (1,)
    assert value == pytest.approx(last.data, rel=1e-9)
    assert gradient.tolist() == pytest.approx([w.grad], rel=1e-9)


def test_a_deep_comb_all_of_whose_links_are_added_up() -> None:
    w = parameter(0.75, "w")
    link, links = w * 1.0, []
    for _ in range(3_000):
        link = link.sin()
        links.append(link)
    cost = ops.sum(links)
    cost.backward()
    with little_stack(150):
        value, gradient = vectorize(cost, [], [w]).value_and_grad()
    assert value == pytest.approx(cost.data, rel=1e-9)
    assert gradient.tolist() == pytest.approx([w.grad], rel=1e-9)


def test_one_value_that_every_link_of_a_deep_chain_reads() -> None:
    w = parameter(0.75, "w")
    shared = w.exp()
    link = Value(1.0, "start")
    link.kind = "constant"
    for _ in range(3_000):
        link = (link * shared).sin()
    link.backward()
    with little_stack(150):
        value, gradient = vectorize(link, [], [w]).value_and_grad()
    assert value == pytest.approx(link.data, rel=1e-9)
    assert gradient.tolist() == pytest.approx([w.grad], rel=1e-9)


def chain(n: int, label: str) -> Value:
    link = parameter(0.75, "w")
    for _ in range(n):
        link = link.sin()
        link.label = label
    return link


def weighted(n: int) -> Value:
    link = Value(1.0)
    for w in parameters("w", n):
        link = (w * link).sin()
    return link


def comb(n: int) -> Value:
    link, links = parameter(0.75, "w"), []
    for _ in range(n):
        link = link.sin()
        links.append(link)
    return ops.sum(links)


def wide(n: int) -> Value:
    x, w = leaves("x", n), parameters("w", n)
    return ops.sum([(a * b).exp() / (a + x[0]) for a, b in zip(x, w[::-1], strict=True)])


_PROGRAM = os.path.join("micrograd", "program")
GROWING = {
    "a chain": lambda n: chain(n, ""),
    "a chain of one label": lambda n: chain(n, "z"),
    "a weight for each link": weighted,
    "a comb": comb,
    "side by side": wide,
    "a layer": lambda n: dot(*([MLP(4, [n, 2], rng=seeded())(leaves("x", 4))] * 2)),
}


@pytest.mark.parametrize("graph", list(GROWING))
def test_the_work_grows_as_the_graph_does(graph: str) -> None:
    # In lines of Python that are run, which are the same on every machine.
    def work(n: int) -> int:
        cost, count = GROWING[graph](n), 0
        weights = [v for v in topological_order(cost) if v.kind == "parameter"]

        def trace(frame: Any, event: str, _: Any) -> Any:
            nonlocal count
            count += 1
            return trace if _PROGRAM in frame.f_code.co_filename else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            vectorize(cost, [], weights, frozen=True).source  # noqa: B018
        finally:
            sys.settrace(before)
        return count

    assert 1.6 * work(200) < work(400) < 2.4 * work(200)


# Names that people give.


@pytest.mark.parametrize(
    "label",
    [
        "len", "np", "n", "I", "K", "V", "X", "dX", "gradient", "parameters", "forward",
        "sigmoid", "squared_error", "micrograd", "sum", "lambda", r"\lambda", "class", "None",
        "", "1", "_", "__", "é", "σ", "{", "{0}", "%s", "'", '"', "\n", "#", "a.b", "a b", "W^T",
        "a^{(²)}", "a^{(σ)}", "a^{(ﬁ)}",
    ],
)  # fmt: skip
def test_any_label_will_do(label: str) -> None:
    def labelled(values: list[Value]) -> list[Value]:
        for i, v in enumerate(values):
            v.label = f"{label}_{{{i}}}" if label.isidentifier() else label
        return values

    def record(x: list[Value], y: list[Value]) -> Value:
        labelled(x), labelled(y)
        h = labelled([(dot(row, x) + b).sigmoid() for row, b in zip(rows, w[12:], strict=True)])
        # Read in an order of their own, and with constants: with tables.
        mixed = labelled([h[i] * x[j] for i, j in ((2, 0), (0, 3), (1, 1))])
        mixed = labelled([v * c for v, c in zip(mixed, (0.1, 0.2, 0.3), strict=True)])
        mixed = labelled([mixed[i] / (h[j] + y[0]) for i, j in ((0, 1), (2, 2), (1, 0), (0, 2))])
        return squared_error(mixed, labelled([y[0], y[1], y[0], y[1]]))

    w = labelled(parameters("w", 15))
    rows = [w[i : i + 4] for i in (0, 4, 8)]
    checked(record, [4, 2], w)
