"""Graphs that people record, as matrices: what is found in them, and that it is right."""

from __future__ import annotations

import copy
import functools
import gc
import math
import operator
import pickle
import random
import re
import sys
import weakref
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from micrograd import Value, detect_anomaly, no_grad, ops, parameter, primitive
from micrograd.engine import topological_order
from micrograd.losses import cross_entropy, l2, squared_error
from micrograd.nn import MLP
from micrograd.vectorize import Program, vectorize
from tests import transformer
from tests.graphs import ROWS, little_stack
from tests.networks import STYLES
from tests.sources import array_operations, lines, run, variables
from tests.transformer import Transformer, dot, softmax

inf, nan = math.inf, math.nan
Golden = Callable[[str, str], None]


def seeded(seed: int = 0) -> random.Random:
    """Random numbers, the same in every run."""
    return random.Random(seed)  # noqa: S311


def leaves(label: str, count: int) -> list[Value]:
    """Values with numbers that are all different, and labels that are those of one vector."""
    return [Value(math.sin(1.0 + i) / 2, f"{label}_{{{i}}}") for i in range(count)]


def parameters(label: str, count: int) -> list[Value]:
    """The same, of the kind that is trained."""
    return [parameter(math.cos(1.0 + i) / 2, f"{label}_{{{i}}}") for i in range(count)]


def checked(
    record: Callable[..., Value],
    widths: Sequence[int | None],
    weights: Sequence[Value],
    batch: int = 3,
) -> Program:
    """Vectorise a cost; see that results and gradients are the engine's to 1e-12.

    Arguments:
        record: from one list for each input, or one Value, to the cost.
        widths: how many Values each input has; None for a Value alone.
        weights: the parameters.
        batch: how many samples.
    """
    rng = np.random.default_rng(0)
    inputs = [Value(0.5) if w is None else leaves("xyuv"[i], w) for i, w in enumerate(widths)]
    program = vectorize(record(*inputs), inputs, weights)
    arrays = [rng.normal(size=(batch,) if w is None else (batch, w)) for w in widths]
    costs, gradients = [], []
    for i in range(batch if widths else 1):
        cost = record(
            *(Value(a[i]) if a.ndim == 1 else [Value(x) for x in a[i].tolist()] for a in arrays)
        )
        for p in weights:
            p.grad = 0.0
        cost.backward()
        costs.append(cost.data)
        gradients.append([p.grad for p in weights])
    close(np.reshape(program(*arrays), -1), costs)
    close(np.reshape(program.per_sample_grad(*arrays), (len(costs), -1)), gradients)
    value, gradient = program.value_and_grad(*arrays)
    close(value, np.mean(costs))
    close(gradient, np.mean(gradients, axis=0))
    return program


def close(got: Any, expected: Any) -> None:
    """Equal to 1e-12 of each number; a sum may cancel to 1e-2 of its terms."""
    largest = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14 * largest)


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


def test_without_labels_it_is_the_same_but_for_names(lessons: Any) -> None:
    net, x, _ = lessons
    a = [Value(v.data) for v in x]
    for layer in net.layers:
        a = [
            ops.affine([Value(w.data) for w in n.w], a, Value(n.b.data)).sigmoid()
            for n in layer.neurons
        ]
    named = vectorize(net(x), [x], net.parameters())
    program = vectorize(a)
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
    assert [line.split(" = ")[0] for line in written] == ["dW3[...]", "dW2[...]", "dW1[...]"]
    assert "np.empty(13002" in program.source  # every place of it is written to


def test_outputs_without_a_cost(lessons: Any) -> None:
    net, x, _ = lessons
    program = vectorize(net(x), [x])
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


def test_a_cost_that_depends_on_no_input() -> None:
    net = MLP(3, [4, 1], rng=seeded())
    x = leaves("x", 3)
    program = vectorize(l2(net, 0.1), [x], net.parameters())
    X = np.zeros((5, 3))
    expected = vectorize(l2(net, 0.1), [], net.parameters())
    assert program(X).tolist() == [expected()] * 5
    value, gradient = program.value_and_grad(X)
    assert (value, gradient.tolist()) == (expected(), expected.value_and_grad()[1].tolist())
    np.testing.assert_array_equal(program.per_sample_grad(X), np.tile(gradient, (5, 1)))


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
        h = [a * b + d for a, b, d in zip(w, x, c, strict=True)]
        return dot(h, c) * 3 + ops.sum([2.0, c[0], Value(0.0)]) ** 2 - c[1] / 7

    checked(record, [3], w)


def test_the_cross_entropy_of_a_classifier() -> None:
    net = MLP(4, [5, 3], activation="tanh", rng=seeded())
    checked(lambda x: cross_entropy(net(x), 2), [4], net.parameters())


# Outputs.


def test_an_input_a_parameter_and_a_constant_are_outputs_as_they_are() -> None:
    x, w, c = Value(1.0, "x"), parameter(2.0, "w"), Value(3.0)
    program = vectorize([x, w, c, w * x, x], [x], [w])
    np.testing.assert_array_equal(
        program([5.0, 7.0]), [[5.0, 2.0, 3.0, 10.0, 5.0], [7.0, 2.0, 3.0, 14.0, 7.0]]
    )


@pytest.mark.parametrize(
    ("which", "value", "slope"), [("x", 6.0, 0.0), ("w", 2.0, 1.0), ("c", 3.0, 0.0)]
)
def test_a_leaf_as_the_only_output(which: str, value: float, slope: float) -> None:
    x, w, c = Value(1.0, "x"), parameter(2.0, "w"), Value(3.0)
    program = vectorize({"x": x, "w": w, "c": c}[which], [x], [w])
    X = [5.0, 7.0]
    assert program(X).shape == (2,)
    assert program(X).mean() == value
    assert program.per_sample_grad(X).tolist() == [[slope], [slope]]
    got, gradient = program.value_and_grad(X)
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
    program = vectorize(Value(2.0) * Value(3.0))
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
    link = Value(1.0)
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
            return trace if "vectorize" in frame.f_code.co_filename else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            vectorize(cost, [], weights).source  # noqa: B018
        finally:
            sys.settrace(before)
        return count

    assert work(400) < 2.4 * work(200)


# What is given.


@pytest.mark.parametrize("kind", ["int64", "uint8", "bool", "float32", "float16", "int8"])
def test_arrays_of_any_real_type(kind: str) -> None:
    x, w = leaves("x", 3), parameters("w", 3)
    program = vectorize(dot(w, x), [x], w)
    X = np.array([[0, 1, 1], [1, 1, 0]], dtype=kind)
    out = program(X)
    assert out.dtype == np.float64
    assert out.tolist() == program(X.astype(float)).tolist() == program(X.tolist()).tolist()


def test_arrays_in_any_order_in_memory() -> None:
    net = MLP(6, [5, 2], activation="tanh", rng=seeded())
    x, y = leaves("x", 6), leaves("y", 2)
    program = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4, 6)), rng.normal(size=(4, 2))
    wide = np.repeat(X, 2, axis=1)
    expected = program.per_sample_grad(X, Y)
    for given in np.asfortranarray(X), wide[:, ::2], X[::-1][::-1], np.broadcast_to(X, X.shape):
        given.flags.writeable = False
        close(program.per_sample_grad(given, Y), expected)


def test_nan_in_one_sample_stays_there() -> None:
    net = MLP(4, [5, 3], activation="sigmoid", output="sigmoid", rng=seeded())
    x, y = leaves("x", 4), leaves("y", 3)
    outputs = vectorize(net(x), [x])
    cost = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    X, Y = np.full((3, 4), 0.5), np.zeros((3, 3))
    clean = outputs(X), cost(X, Y), cost.per_sample_grad(X, Y)
    X[1, 2] = nan
    spoilt = outputs(X), cost(X, Y), cost.per_sample_grad(X, Y)
    for got, expected in zip(spoilt, clean, strict=True):
        np.testing.assert_array_equal(got[[0, 2]], expected[[0, 2]])
        assert np.isnan(got[1]).any()
    assert np.isnan(spoilt[0][1]).all()  # every output sees every input
    value, gradient = cost.value_and_grad(X, Y)
    assert math.isnan(value)
    assert np.isnan(gradient).any()


def test_infinity_goes_through_without_a_warning() -> None:
    x, w = leaves("x", 2), parameters("w", 2)
    program = vectorize((dot(w, x)).exp(), [x], w)
    assert program([[1e308, 1e308], [-inf, 0.0], [inf, 0.0]]).tolist()[1:] == [0.0, inf]


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32")])
def test_float32_all_through(dtype: Any) -> None:
    net = MLP(4, [5, 3], activation="sigmoid", output="sigmoid", rng=seeded())
    x, y = leaves("x", 4), leaves("y", 3)
    cost = squared_error(net(x), y) + l2(net, 0.1)
    program = vectorize(cost, [x, y], net.parameters(), dtype=dtype)
    exact = vectorize(cost, [x, y], net.parameters())
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    assert program.dtype == program.parameters.dtype == np.float32
    value, gradient = program.value_and_grad(X, Y)
    assert type(value) is float
    for got, expected in [
        (program(X, Y), exact(X, Y)),
        (gradient, exact.value_and_grad(X, Y)[1]),
        (program.per_sample_grad(X, Y), exact.per_sample_grad(X, Y)),
    ]:
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
        assert not np.array_equal(got, expected)


def test_numbers_beyond_float32_are_infinite_there_without_a_warning() -> None:
    x, w = Value(1.0, "x"), parameter(1e308, "w")
    program = vectorize(w * x, [x], [w], dtype=np.float32)
    assert program.parameters.tolist() == [inf]
    program.parameters = [-1e308]
    assert program.parameters.tolist() == [-inf]
    program.parameters = [1.0]
    assert program([1e308]).tolist() == [inf]
    assert vectorize(x * 1e308, [x], dtype=np.float32)([1.0]).tolist() == [inf]


def test_an_integer_that_was_assigned_to_a_constant() -> None:
    x, c, d = Value(1.0), [Value(2.0), Value(3.0)], [Value(-1.0), Value(-2.0)]
    z = ops.sum([a**b for a, b in zip(c, d, strict=True)]) * x
    for v in c + d:
        v.data = int(v.data)
    assert vectorize(z, [x])([2.0]).tolist() == [2.0 * (1 / 2 + 1 / 9)]


@pytest.mark.parametrize("kind", ["input", "parameter", "constant"])
def test_what_an_input_is_depends_on_no_kind(kind: str) -> None:
    # A number that a network was called with is a constant until it is made an input.
    x, zero = Value(1.0), Value(0.0)
    zero.kind = kind
    assert vectorize(x + zero, [x, zero])([1.0, 2.0], [10.0, 20.0]).tolist() == [11.0, 22.0]
    program = vectorize(ops.sum([x, zero]), [x], [zero])
    assert program.value_and_grad([1.0])[1].tolist() == [1.0]


def test_constants_keep_the_numbers_they_have() -> None:
    x, c = Value(1.0), Value(2.0)
    program = vectorize(x * c, [x])
    c.data = 3.0
    assert program([1.0]).tolist() == [2.0]
    # Those that they have when it is vectorised, not when it was recorded.
    twice = x * (c * c).exp() + c
    c.data = 0.0
    assert vectorize(twice, [x])([5.0]).tolist() == [5.0]


@pytest.mark.parametrize("divisor", [0.0, -0.0])
def test_a_division_of_constants_by_zero(divisor: float) -> None:
    x, w = Value(1.0, "x"), parameter(2.0, "w")
    infinite = Value(1.0) / Value(divisor)
    assert vectorize(x * infinite, [x])([1.0]).tolist() == [infinite.data]
    z = w / divisor
    z.backward()
    value, gradient = vectorize(z, [], [w]).value_and_grad()
    assert (value, gradient.tolist()) == (z.data, [w.grad])


# Errors.


def neuron() -> tuple[list[Value], Value, list[Value], Value]:
    """Inputs, target, parameters and cost of a neuron."""
    x, y, w = leaves("x", 2), Value(1.0, "y"), parameters("w", 2)
    return x, y, w, squared_error(dot(w, x), y)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda x, y, w, c: ([], [x, y], w), ValueError, "at least one Value as output, got none"),
        (lambda x, y, w, c: (3.0, [x, y], w), TypeError, "output.*got 3.0"),
        (lambda x, y, w, c: ([c, 3.0], [x], w), TypeError, r"Value as output\[1\], got 3.0"),
        (lambda x, y, w, c: ("cost", [x], w), TypeError, r"Value as output.*got 'c"),
        (lambda x, y, w, c: (c, [x, [c]], w), ValueError, r"inputs\[1\].*is no leaf but a result"),
        (lambda x, y, w, c: (c, [x, c], w), ValueError, r"inputs\[1\].*is no leaf but a result"),
        (lambda x, y, w, c: (c, [x, x[1]], w), ValueError, r"inputs\[1\].*is inputs\[0\]\[1\]"),
        (lambda x, y, w, c: (c, [x, [y, y]], w), ValueError, r"inputs\[1\]\[1\].*inputs\[1\]\[0\]"),
        (lambda x, y, w, c: (c, [x, []], w), ValueError, r"one Value in inputs\[1\], got none"),
        (lambda x, y, w, c: (c, [x, [1.0]], w), TypeError, r"Value as inputs\[1\]\[0\], got 1.0"),
        (lambda x, y, w, c: (c, [x, 1.0], w), TypeError, r"inputs\[1\].*got 1.0"),
        (lambda x, y, w, c: (c, y, w), TypeError, "inputs.*got Value"),
        (lambda x, y, w, c: (c, 1.0, w), TypeError, "inputs.*got 1.0"),
        (lambda x, y, w, c: (c, [x, y], w[0]), TypeError, "parameters.*got Value"),
        (lambda x, y, w, c: (c, [x, y], [1.0]), TypeError, r"Value as parameters\[0\], got 1.0"),
        (lambda x, y, w, c: (c, [x, y], [c]), ValueError, r"parameters\[0\].*is no leaf"),
        (lambda x, y, w, c: (c, [x, y], w + w), ValueError, r"parameters\[2\].*parameters\[0\]"),
        (lambda x, y, w, c: (c, [x, y], x), ValueError, r"parameters\[0\].*is inputs\[0\]\[0\]"),
        (lambda x, y, w, c: (c, [x, y], w, int), TypeError, "float64 or float32 as dtype.*int"),
        (lambda x, y, w, c: (c, [x, y], w, "float16"), TypeError, "as dtype.*float16"),
        (lambda x, y, w, c: (c, [x, y], w, complex), TypeError, "as dtype.*complex"),
        (lambda x, y, w, c: (c, [x, y], w, "double trouble"), TypeError, "as dtype.*double troub"),
    ],
)
def test_what_cannot_be_vectorised_is_named(arguments: Any, error: Any, message: str) -> None:
    x, y, w, cost = neuron()
    before = [(v.data, v.grad, v.kind, v.label) for v in [*x, y, *w, cost]]
    with pytest.raises(error, match=f"^vectorize: .*{message}"):
        vectorize(*arguments(x, y, w, cost))
    assert [(v.data, v.grad, v.kind, v.label) for v in [*x, y, *w, cost]] == before


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ([np.ones((3, 2))], TypeError, r"expected 2 arrays \(X, Y\), got 1"),
        ([], TypeError, r"expected 2 arrays \(X, Y\), got 0"),
        ([np.ones((3, 2)), np.ones(3), np.ones(3)], TypeError, "expected 2 arrays.*got 3"),
        ([np.ones((3, 3)), np.ones(3)], ValueError, r"shape \(batch, 2\) for X, got \(3, 3\)"),
        ([np.ones((3, 2)), np.ones((3, 1))], ValueError, r"\(batch,\) for Y, got \(3, 1\)"),
        ([np.ones(2), np.ones(1)], ValueError, r"shape \(batch, 2\) for X, got \(2,\)"),
        ([np.ones((1, 2)), 1.0], ValueError, r"shape \(batch,\) for Y, got \(\)"),
        ([1.0, np.ones(3)], ValueError, r"shape \(batch, 2\) for X, got \(\)"),
        ([np.ones((3, 2, 1)), np.ones(3)], ValueError, r"for X, got \(3, 2, 1\)"),
        ([np.ones((2, 3)), np.ones(3)], ValueError, r"for X, got \(2, 3\)"),
        ([np.ones((0, 2)), np.ones(0)], ValueError, "at least one sample, X has none"),
        ([[], []], ValueError, r"for X, got \(0,\)"),
        ([np.ones((3, 2)), np.ones(4)], ValueError, "X has 3 samples, but Y has 4"),
        ([np.ones((3, 2)), np.ones(0)], ValueError, "at least one sample, Y has none"),
        ([np.ones((3, 2)) * 1j, np.ones(3)], TypeError, "real numbers for X, got complex128"),
        ([np.ones((3, 2)), np.array(["1"] * 3)], TypeError, "real numbers for Y, got <U1"),
        ([np.full((3, 2), None), np.ones(3)], TypeError, "real numbers for X, got object"),
        ([np.full((3, 2), Fraction(1, 2)), np.ones(3)], TypeError, "real numbers for X"),
        ([np.zeros((3, 2), "M8[s]"), np.ones(3)], TypeError, "real numbers for X, got datetime"),
        ([None, np.ones(3)], TypeError, "real numbers for X, got object"),
        ([[[1.0, 2.0], [3.0]], np.ones(2)], ValueError, "X"),
        ([[[Value(1.0), 2.0]], np.ones(1)], TypeError, "real numbers for X, got object"),
    ],
)
@pytest.mark.parametrize("function", ["", ".value_and_grad", ".per_sample_grad"])
def test_what_cannot_be_computed_is_named(
    arrays: Any, error: Any, message: str, function: str
) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    before = program.parameters.tolist()
    call = getattr(program, function.removeprefix(".") or "__call__")
    with pytest.raises(error, match=f"^Program{re.escape(function)}: .*{message}"):
        call(*arrays)
    assert program.parameters.tolist() == before
    call([[1.0, 2.0]], [3.0])


@pytest.mark.parametrize("function", ["value_and_grad", "per_sample_grad"])
def test_several_outputs_have_no_one_gradient(function: str) -> None:
    x, y, w, cost = neuron()
    program = vectorize([cost, cost], [x, y], w)
    with pytest.raises(TypeError, match=rf"^Program\.{function}: .*several outputs"):
        getattr(program, function)(np.ones((1, 2)), np.ones(1))
    assert "def forward" in program.source
    assert f"def {function}" not in program.source


def test_errors_come_before_anything_is_computed() -> None:
    # The shape of an input that nothing depends on is checked as well.
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y, [unused := Value(0.0, "u")]], w)
    assert unused.kind == "input"
    with pytest.raises(ValueError, match=r"for U, got \(1, 2\)"):
        program(np.ones((1, 2)), np.ones(1), np.ones((1, 2)))


# Parameters.


def test_a_parameter_that_the_output_does_not_depend_on_has_the_gradient_zero() -> None:
    x, y, w, cost = neuron()
    unused, behind = parameter(5.0, "u"), parameter(6.0, "v")
    assert (behind * cost).data != 0.0  # used elsewhere, but not for the output
    program = vectorize(cost, [x, y], [unused, w[0], behind, w[1]])
    X, Y = np.ones((3, 2)), np.zeros(3)
    _, gradient = program.value_and_grad(X, Y)
    each = program.per_sample_grad(X, Y)
    assert gradient[[0, 2]].tolist() == [0.0, 0.0]
    assert (gradient[[1, 3]] != 0.0).all()
    assert (each[:, [0, 2]] == 0.0).all()
    close(gradient[[1, 3]], vectorize(cost, [x, y], w).value_and_grad(X, Y)[1])


def test_parameters_that_are_not_given_are_constants() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w[:1])
    X, Y = np.ones((3, 2)), np.zeros(3)
    assert program.value_and_grad(X, Y)[1].shape == (1,)
    close(program(X, Y), vectorize(cost, [x, y], w)(X, Y))


def test_the_order_of_parameters_is_the_one_given() -> None:
    x, y, w, cost = neuron()
    X, Y = np.array([[1.0, 2.0]]), np.zeros(1)
    forth, back = (vectorize(cost, [x, y], p) for p in (w, w[::-1]))
    assert back.parameters.tolist() == forth.parameters.tolist()[::-1] == [v.data for v in w[::-1]]
    close(back.value_and_grad(X, Y)[1], forth.value_and_grad(X, Y)[1][::-1])


def test_parameters_are_one_array_that_is_changed_in_place() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    array = program.parameters
    X, Y = np.ones((3, 2)), np.zeros(3)
    first, gradient = program.value_and_grad(X, Y)
    before = array.copy()
    program.parameters -= 0.1 * gradient
    assert program.parameters is array
    close(array, before - 0.1 * gradient)
    assert program.value_and_grad(X, Y)[0] < first
    program.parameters[0] = 7.0
    program.parameters *= 2
    assert array[0] == 14.0
    program.parameters = [1, 2]
    assert program.parameters is array
    assert array.tolist() == [1.0, 2.0]
    program.parameters = array[::-1]
    assert array.tolist() == [2.0, 1.0]
    given = np.array([3.0, 4.0])
    program.parameters = given
    given[0] = 0.0
    assert array.tolist() == [3.0, 4.0]
    assert [v.data for v in w] == before.tolist()  # until to_values


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([1.0], ValueError, r"expected 2 numbers, got .*\(1,\)"),
        ([1.0, 2.0, 3.0], ValueError, r"expected 2 numbers, got .*\(3,\)"),
        (1.0, ValueError, r"expected 2 numbers, got .*\(\)"),
        ([[1.0, 2.0]], ValueError, r"expected 2 numbers, got .*\(1, 2\)"),
        ([1.0, 2j], (TypeError, ValueError), "expected 2 numbers, got .*complex"),
        (["1", "2"], (TypeError, ValueError), "expected 2 numbers, got .*U1"),
        ([1.0, None], (TypeError, ValueError), "expected 2 numbers, got .*object"),
        (None, (TypeError, ValueError), "expected 2 numbers, got .*object"),
        ([[1.0], [2.0, 3.0]], (TypeError, ValueError), "expected 2 numbers"),
    ],
)
def test_what_cannot_be_parameters_is_refused_and_nothing_changes(
    given: Any, error: Any, message: str
) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    array, before = program.parameters, program.parameters.tolist()
    with pytest.raises(error, match=rf"^Program\.parameters: {message}"):
        program.parameters = given
    assert program.parameters is array
    assert array.tolist() == before


def test_a_step_of_the_wrong_length_changes_nothing() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    before = program.parameters.tolist()
    with pytest.raises(ValueError, match="broadcast"):
        program.parameters -= np.ones(3)
    assert program.parameters.tolist() == before


def test_numbers_are_taken_from_the_values_and_written_to_them() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    w[0].data, w[1].data = 3, np.float32(0.5)
    assert program.parameters.tolist() != [3.0, 0.5]
    program.from_values()
    assert program.parameters.tolist() == [3.0, 0.5]
    program.parameters = [0.1, -0.2]
    grads = [v.grad for v in w]
    program.to_values()
    assert [v.data for v in w] == [0.1, -0.2]
    assert {type(v.data) for v in w} == {float}
    assert [v.grad for v in w] == grads
    # And the engine goes on from there.
    close(program([[1.0, 2.0]], [3.0]), squared_error(dot(w, [Value(1.0), Value(2.0)]), 3.0).data)


def test_float32_numbers_become_python_floats() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w, dtype=np.float32)
    program.to_values()
    assert {type(v.data) for v in w} == {float}
    assert [v.data for v in w] == program.parameters.tolist()


@pytest.mark.parametrize("wrong", [None, "one", 2j, [1.0]])
def test_numbers_that_are_none_are_not_half_taken(wrong: Any) -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    before = program.parameters.tolist()
    w[0].data, w[1].data = 5.0, wrong
    with pytest.raises((TypeError, ValueError)):
        program.from_values()
    assert program.parameters.tolist() == before


# A Program as an object.


def test_the_graph_is_not_kept() -> None:
    x, y, w, cost = neuron()
    reference = weakref.ref(cost)
    program = vectorize(cost, [x, y], w)
    del cost
    gc.collect()
    assert reference() is None
    assert program.source


def test_the_graph_is_not_changed() -> None:
    x, y, w, cost = neuron()
    cost.backward()
    before = [(v.data, v.grad, v.label, v.kind) for v in [*x, y, *w, cost]]
    program = vectorize(cost, [x, y], w)
    program.value_and_grad([[5.0, 6.0]], [7.0])
    assert [(v.data, v.grad, v.label, v.kind) for v in [*x, y, *w, cost]] == before
    cost.zero_grad()
    cost.backward()
    assert [v.grad for v in w] == [b[1] for b in before[3:5]]


def test_one_graph_gives_one_program() -> None:
    x, y, w, cost = neuron()
    one, other = (vectorize(cost, [x, y], w) for _ in range(2))
    assert one.source == other.source == one.source
    # Whatever was called first.
    other = vectorize(cost, [x, y], w)
    other.per_sample_grad([[1.0, 2.0]], [3.0])
    other([[1.0, 2.0]], [3.0])
    assert sorted(other.source.splitlines()) == sorted(one.source.splitlines())
    other.parameters[...] = 0.0
    assert one.parameters.tolist() == [v.data for v in w]


def test_recording_modes_are_of_no_concern_to_it() -> None:
    x, y, w, cost = neuron()
    expected = vectorize(cost, [x, y], w).value_and_grad([[1.0, 2.0]], [3.0])
    for mode in no_grad, detect_anomaly:
        with mode():
            value, gradient = vectorize(cost, [x, y], w).value_and_grad([[1.0, 2.0]], [3.0])
        assert (value, gradient.tolist()) == (expected[0], expected[1].tolist())


def test_a_copy_has_parameters_of_its_own() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    for copied in copy.deepcopy(program), pickle.loads(pickle.dumps(program)):
        copied.parameters[...] = 9.0
        copied.to_values()
        assert program.parameters.tolist() == [v.data for v in w]
        copied.parameters -= 1.0
        copied.from_values()
        assert copied.parameters.tolist() == [9.0, 9.0]
        assert repr(copied) == repr(program)
        copied.parameters = program.parameters
        X, Y = np.ones((2, 2)), np.zeros(2)
        assert copied(X, Y).tolist() == program(X, Y).tolist()
        with pytest.raises(ValueError, match="for X"):
            copied(Y, X)


def test_pickled_with_its_values_it_still_writes_to_them() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w)
    copied, values = pickle.loads(pickle.dumps((program, w)))
    copied.parameters = [8.0, 9.0]
    copied.to_values()
    assert [v.data for v in values] == [8.0, 9.0]
    assert [v.data for v in w] != [8.0, 9.0]


def test_a_pickle_is_as_exact_however_arrays_are_printed() -> None:
    x = leaves("x", 3)
    program = vectorize(dot([v.exp() for v in x], [Value(1 / 3), Value(2 / 3), Value(nan)]), [x])
    odd = vectorize(ops.sum([v * c for v, c in zip(x, (1 / 3, -0.0, 1e-300), strict=True)]), [x])
    options = {"precision": 2, "suppress": True, "sign": "+", "threshold": 2, "nanstr": "?"}
    with np.printoptions(**options, formatter={"float_kind": "{:.1f}".format}):
        copies = pickle.loads(pickle.dumps([program, odd]))
    X = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(copies[0](X), program(X))
    np.testing.assert_array_equal(copies[1](X), odd(X))


def test_repr_says_what_it_takes() -> None:
    x, y, w, cost = neuron()
    assert repr(vectorize(cost, [x, y], w)) == "<Program (X, Y), 2 parameters, float64>"


# Names that people give.


@pytest.mark.parametrize(
    "label",
    [
        "len", "np", "n", "I", "K", "V", "X", "dX", "gradient", "parameters", "forward",
        "sigmoid", "squared_error", "micrograd", "sum", "lambda", r"\lambda", "class", "None",
        "", "1", "_", "__", "é", "σ", "{", "{0}", "%s", "'", '"', "\n", "#", "a.b", "a b", "W^T",
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
