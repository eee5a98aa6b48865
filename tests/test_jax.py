"""Programs as functions of JAX: against the engine, at kinks, and in JAX's own transformations."""

from __future__ import annotations

import builtins
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from micrograd import Value, logsumexp, ops, parameter, primitive, softmax, vectorize
from micrograd.losses import squared_error
from micrograd.nn import MLP
from micrograd.program import Program
from tests.graphs import ROWS
from tests.recorded import close, leaves, neuron, parameters, seeded
from tests.test_vectorize_properties import Case, agree, cases
from tests.transformer import Transformer, dot

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
jax.config.update("jax_enable_x64", True)


def network() -> tuple[Program, Any, Any]:
    """A small network's cost, and samples."""
    net = MLP(4, [5, 3], activation="relu", output="sigmoid", rng=seeded())
    x, y = leaves("x", 4), leaves("y", 3)
    program = vectorize(squared_error(net(x), y), [x, y], net.parameters())
    rng = np.random.default_rng(0)
    return program, rng.normal(size=(6, 4)), rng.uniform(size=(6, 3))


@settings(max_examples=25)
@given(cases(special=False))
def test_random_graphs_are_what_the_program_says(case: Case) -> None:
    program, arrays = case.program(), case.arrays()
    theta = [program.parameters] * bool(len(program.parameters))
    expected, gradient = program.value_and_grad(*arrays)
    function = program.to_jax()
    value = float(function(*theta, *arrays))
    scale = max(1.0, abs(expected))
    assert agree(value, expected, 1e-12 * scale) or not math.isfinite(scale)
    if theta:
        found = np.asarray(jax.grad(function)(*theta, *arrays))
        largest = np.abs(gradient[np.isfinite(gradient)]).max(initial=1.0)
        for one, other in zip(found.tolist(), gradient.tolist(), strict=True):
            assert agree(one, other, 1e-11 * largest), (one, other)


POINTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("name", list(ROWS))
def test_every_operation_and_its_derivatives_on_special_numbers(name: str) -> None:
    row = ROWS[name]
    count = 3 if any(row.starred) else len(row.arguments)
    w = parameters("w", count)
    arguments = iter(w)
    one = row(*([next(arguments)] if star else next(arguments) for star in row.starred))
    program = vectorize(one * 1.0, [], w)
    function = program.to_jax()
    both = jax.jit(jax.value_and_grad(function))
    for first in POINTS:
        for second in POINTS:
            program.parameters = np.array([first, second, 0.5][:count])
            expected, gradient = program.value_and_grad()
            value, found = both(program.parameters)
            for a, b in zip([value, *found], [expected, *gradient], strict=True):
                assert agree(float(a), float(b), 1e-14 * max(1.0, abs(b))), (first, second, a, b)


@pytest.mark.parametrize(
    ("name", "slope"), [("relu", 0.0), ("abs", 0.0), ("sigmoid", 0.25), ("tanh", 1.0)]
)
def test_derivatives_at_kinks_are_the_tables(name: str, slope: float) -> None:
    w, x = parameter(0.0, "w"), Value(1.0, "x")
    function = vectorize(getattr(w * x, name)(), [x], [w]).to_jax()
    theta, X = jnp.zeros(1), jnp.ones(2)
    assert float(jax.grad(function)(theta, X)[0]) == slope
    assert float(jax.jit(jax.grad(function))(theta, X)[0]) == slope
    assert float(jax.jvp(lambda t: function(t, X), (theta,), (jnp.ones(1),))[1]) == slope
    # By the inputs, too; never 0 in silence: here w is 0, there it is not.
    np.testing.assert_array_equal(
        jax.grad(function, argnums=1)(jnp.ones(1), X * 0.0), [slope / 2] * 2
    )


def test_ties_are_shared_as_in_the_engine() -> None:
    w = parameters("w", 2)
    function = vectorize(ops.maximum(w[0], w[1]), [], w).to_jax()
    np.testing.assert_array_equal(jax.grad(function)(jnp.ones(2)), [0.5, 0.5])


def test_it_can_be_jitted_and_differentiated_by_everything() -> None:
    program, X, Y = network()
    function, theta = program.to_jax(), program.parameters
    value, gradient = program.value_and_grad(X, Y)
    got, found = jax.jit(jax.value_and_grad(function))(theta, X, Y)
    close(got, value)
    close(found, gradient)
    by_inputs = jax.grad(function, argnums=(1, 2))(theta, X, Y)
    for one, other in zip(by_inputs, program.input_grad(X, Y), strict=True):
        close(one * len(X), other)
    # Each sample's gradient, by vmap over samples of one.
    each = jax.vmap(jax.grad(function), in_axes=(None, 0, 0))(theta, X[:, None], Y[:, None])
    close(each, program.per_sample_grad(X, Y))
    several = jnp.stack([theta, 2.0 * theta])
    close(jax.vmap(function, in_axes=(0, None, None))(several, X, Y)[0], value)


def test_second_derivatives() -> None:
    x, y, w, cost = neuron()
    program = vectorize((cost + w[0].sigmoid()) * w[1].exp(), [x, y], w)
    function, theta = program.to_jax(), program.parameters
    X, Y, step = [[0.5, -1.0]], [0.25], 1e-6
    found = jax.hessian(function)(theta, X, Y)
    for k in range(2):
        ahead, back = (theta + s * np.eye(2)[k] for s in (step, -step))
        up, down = (program.value_and_grad(X, Y, parameters=p)[1] for p in (ahead, back))
        np.testing.assert_allclose(found[k], (up - down) / (2.0 * step), rtol=1e-6)


def test_it_can_be_sharded() -> None:
    program, X, Y = network()
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("samples",))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("samples"))
    placed = [jax.device_put(a, rows) for a in (X, Y)]
    found = jax.jit(jax.grad(program.to_jax()))(program.parameters, *placed)
    close(found, program.value_and_grad(X, Y)[1])


def test_a_transformer() -> None:
    model = Transformer(vocabulary=7, context=5, embedding=8, heads=2)
    program = vectorize(model([3, 1, 4, 1, 5], [1, 4, 1, 5, 2]), parameters=model.parameters())
    value, gradient = program.value_and_grad()
    got, found = jax.jit(jax.value_and_grad(program.to_jax()))(program.parameters)
    close(got, value)
    close(found, gradient)


def test_several_outputs_and_a_copy() -> None:
    x, w = Value(2.0, "x"), parameter(3.0, "w")
    program = vectorize([w * x, x, w, x.exp()], [x], [w])
    for each in (program, pickle.loads(pickle.dumps(program))):
        found = each.to_jax()(each.parameters, [0.0, 1.0])
        np.testing.assert_allclose(found, [[0, 0, 3, 1], [3, 1, 3, math.e]], rtol=1e-15)
        assert each.jax_source == program.jax_source


def test_what_is_taken_off_before_exponentials_is_a_constant_there_too() -> None:
    for count in (1, 3):
        w = parameters("w", count)
        for cost in (logsumexp(w), softmax(w)[0] * 1.0):
            program = vectorize(cost, [], w)
            close(jax.grad(program.to_jax())(program.parameters), program.value_and_grad()[1])


def test_float32() -> None:
    x, y, w, cost = neuron()
    program = vectorize(cost, [x, y], w, dtype="float32")
    found = jax.grad(program.to_jax())(program.parameters, [[1.0, 2.0]], [0.5])
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, program.value_and_grad([[1.0, 2.0]], [0.5])[1], rtol=1e-5)


def _leaky(x: Any) -> Any:
    return np.where(x > 0.0, x, 0.25 * x)


def test_an_operation_of_ones_own() -> None:
    own = primitive(
        "own_jax",
        floats=lambda x: x if x > 0.0 else 0.25 * x,
        arrays=_leaky,
        partials=[lambda z, x: ops.where(ops.step(x), 1.0, 0.25)],
    )
    total = primitive(
        "total_jax",
        arguments="x* b",
        fold=(lambda b: b, lambda total, x, b: total + x * x * b),
        partials=[lambda z, x, b: 2.0 * x * b, lambda z, x, b: 1.0],
    )
    w = parameters("w", 3)
    program = vectorize(dot([own(v - 0.25) for v in w], w) + total(w[:2], 2.0), [], w)
    value, gradient = program.value_and_grad()
    got, found = jax.value_and_grad(program.to_jax())(program.parameters)
    close(got, value)
    close(found, gradient)


def test_an_operation_without_a_source_is_refused() -> None:
    rate = 0.25
    own = primitive(
        "closed_jax",
        floats=lambda x: rate * x,
        arrays=lambda x: rate * x,
        partials=[lambda z, x: rate],
    )
    x = Value(1.0)
    program = vectorize(own(x), [x])
    for each in (program, pickle.loads(pickle.dumps(program))):
        with pytest.raises(NotImplementedError, match=r"^Program.to_jax: closed_jax\w*: its array"):
            each.to_jax()


def test_without_jax_or_without_float64_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    program = network()[0]
    with jax.enable_x64(False), pytest.raises(RuntimeError, match="jax_enable_x64"):
        program.to_jax()
    right = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name == "jax":
            raise ImportError(name)
        return right(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'^Program.to_jax: .*"micrograd-chain-rule\[jax\]"'):
        program.to_jax()


def test_it_can_be_exported() -> None:
    pytest.importorskip("flatbuffers")
    from jax import export

    program, X, Y = network()
    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (program.parameters, X, Y)]
    bytes_ = export.export(jax.jit(program.to_jax()))(*shapes).serialize()
    found = export.deserialize(bytes_).call(program.parameters, X, Y)
    close(found, program.value_and_grad(X, Y)[0])
