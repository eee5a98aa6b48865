"""Neurons, layers and networks; their parameters in files."""

from __future__ import annotations

import gc
import json
import math
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd import Value, grad, no_grad, ops, parameter, primitive
from micrograd import nn as nn_module
from micrograd.engine import topological_order
from micrograd.nn import MLP, Layer, Module, Neuron
from micrograd.storage import ParameterFileError


def numbers(module: Module) -> list[float]:
    return [p.data for p in module.parameters()]


def labels(module: Module) -> list[str]:
    return [p.label for p in module.parameters()]


# Sizes, labels, kinds.


def test_the_network_of_the_lessons_has_13002_parameters() -> None:
    net = MLP(784, [16, 16, 10], activation="sigmoid", output="sigmoid")
    assert len(net.parameters()) == 13_002
    assert len(net.weights()) == 784 * 16 + 16 * 16 + 16 * 10
    assert [len(layer.neurons) for layer in net.layers] == [16, 16, 10]
    assert [len(layer.neurons[0].w) for layer in net.layers] == [784, 16, 16]
    assert len(set(labels(net))) == 13_002


def test_parameters_come_layer_by_layer_neuron_by_neuron_weights_before_the_bias() -> None:
    net = MLP(2, [2, 1])
    assert labels(net) == [
        "w_{00}^{(1)}",
        "w_{01}^{(1)}",
        "b_{0}^{(1)}",
        "w_{10}^{(1)}",
        "w_{11}^{(1)}",
        "b_{1}^{(1)}",
        "w_{0}^{(2)}",
        "w_{1}^{(2)}",
        "b^{(2)}",
    ]
    assert [w.label[0] for w in net.weights()] == ["w"] * 6
    neuron = net.layers[0].neurons[1]
    assert neuron.parameters() == [*neuron.w, neuron.b]
    assert {p.kind for p in net.parameters()} == {"parameter"}


def test_a_network_of_one_neuron_a_layer_needs_no_indices() -> None:
    net = MLP(1, [1, 1], activation="sigmoid", output="sigmoid")
    assert labels(net) == ["w^{(1)}", "b^{(1)}", "w^{(2)}", "b^{(2)}"]
    order = topological_order(net([0.5]))
    assert [v.label for v in order if v.kind != "parameter"] == [
        "a^{(0)}",
        "z^{(1)}",
        "a^{(1)}",
        "z^{(2)}",
        "a^{(2)}",
    ]


def test_indices_of_two_digits_are_set_apart() -> None:
    net = MLP(11, [11, 2])
    assert net.layers[0].neurons[1].w[2].label == "w_{12}^{(1)}"
    assert net.layers[0].neurons[10].w[2].label == "w_{10,2}^{(1)}"
    assert net.layers[0].neurons[1].w[10].label == "w_{1,10}^{(1)}"
    assert net.layers[1].neurons[1].w[10].label == "w_{1,10}^{(2)}"


def test_results_are_labelled_as_in_the_lessons() -> None:
    net = MLP(2, [3, 2], activation="tanh")
    out = net([0.5, -0.5])
    assert [v.label for v in out] == ["a_{0}^{(2)}", "a_{1}^{(2)}"]
    inner = [v for v in topological_order(out[0]) if v.kind == "operation"]
    assert sorted(v.label for v in inner) == sorted(
        ["a_{0}^{(2)}"] + [f"{s}_{{{j}}}^{{(1)}}" for s in "za" for j in range(3)]
    )
    constants = [v for v in topological_order(out[0]) if v.kind == "constant"]
    assert {v.label: v.data for v in constants} == {"a_{0}^{(0)}": 0.5, "a_{1}^{(0)}": -0.5}


def test_inputs_that_are_values_keep_their_labels() -> None:
    x = [Value(0.5, "height"), Value(-0.5, "weight")]
    MLP(2, [1])(x)
    assert [v.label for v in x] == ["height", "weight"]


def test_neurons_and_layers_of_their_own() -> None:
    assert labels(Neuron(2)) == ["w_{0}", "w_{1}", "b"]
    assert labels(Layer(1, 2)) == ["w_{0}", "b_{0}", "w_{1}", "b_{1}"]
    assert labels(Layer(2, 1, 3)) == ["w_{0}^{(3)}", "w_{1}^{(3)}", "b^{(3)}"]
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert len(Layer(2, 2)([1.0, 2.0])) == 2


def test_an_output_of_one_is_unwrapped_and_of_several_a_list() -> None:
    assert isinstance(MLP(2, [3, 1])([1.0, 2.0]), Value)
    out = MLP(2, [3, 2])([1.0, 2.0])
    assert isinstance(out, list)
    assert len(out) == 2


def test_a_network_prints_its_activations() -> None:
    net = MLP(2, [1, 1], activation="tanh", output="sigmoid")
    assert str(net) == "MLP of [Layer of [TanhNeuron(2)], Layer of [SigmoidNeuron(1)]]"


# How weights start.


class Recording:
    """A source of numbers that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float) -> float:
        """Note the range, and give its upper end."""
        self.asked.append((low, high))
        return high


@pytest.mark.parametrize(
    ("init", "bounds"),
    [
        ("uniform", [1.0, 1.0]),
        (nn_module.uniform(0.1), [0.1, 0.1]),
        ("xavier", [math.sqrt(6 / 7), math.sqrt(6 / 5)]),
        ("he", [math.sqrt(6 / 3), math.sqrt(6 / 4)]),
    ],
)
def test_weights_are_drawn_from_the_range_of_the_init(init: Any, bounds: list[float]) -> None:
    rng = Recording()
    net = MLP(3, [4, 1], init=init, rng=rng)
    ranges = [bounds[0]] * 12 + [bounds[1]] * 4
    assert rng.asked == [(-b, b) for b in ranges]
    assert [w.data for w in net.weights()] == ranges
    assert all(p.data == 0.0 for p in net.parameters() if p.label.startswith("b"))


def test_zeros_keep_the_neurons_of_a_layer_alike() -> None:
    net = MLP(2, [3, 1], activation="sigmoid", init="zeros")
    assert set(numbers(net)) == {0.0}
    for _ in range(3):
        net.zero_grad()
        net([1.0, 2.0]).backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
    first, *others = net.layers[0].neurons
    assert first.w[0].data != 0.0
    for other in others:
        assert numbers(other) == numbers(first)


def test_an_init_may_be_a_function() -> None:
    net = MLP(2, [3, 1], init=lambda nin, nout, rng: 10.0 * nin + nout)
    assert [w.data for w in net.weights()] == [23.0] * 6 + [31.0] * 3


@pytest.mark.parametrize("make", [random.Random, np.random.default_rng], ids=["random", "NumPy"])
def test_a_source_of_numbers_with_a_seed_gives_the_same_network_again(
    make: Callable[[int], Any],
) -> None:
    state = random.getstate()
    one, other = MLP(2, [3, 1], rng=make(7)), MLP(2, [3, 1], rng=make(7))
    assert random.getstate() == state
    assert numbers(one) == numbers(other)
    assert {type(x) for x in numbers(one)} == {float}
    assert len(set(numbers(one))) > 9


# What is computed.


@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "sigmoid", "linear", "sin", "exp", "abs", "neg"]
)
def test_a_neuron_written_out_is_the_same_to_the_last_bit(activation: str) -> None:
    random.seed(3)
    neuron = Neuron(5, activation=activation)
    neuron.b.data = 0.3
    x = [Value(v) for v in (0.1, -0.7, 1.3, 0.0, 2.9)]
    a = neuron(x)
    a.backward()
    through_affine = [a.data] + [v.grad for v in (*neuron.w, *x, neuron.b)]
    for v in (*neuron.w, *x, neuron.b):
        v.grad = 0.0
    z = neuron.b
    for w, v in zip(neuron.w, x, strict=True):
        z = z + w * v
    out = z if activation == "linear" else ops.table[activation](z)
    out.backward()
    assert through_affine == [out.data] + [v.grad for v in (*neuron.w, *x, neuron.b)]


def test_a_neuron_is_two_nodes_and_a_linear_one_is_one() -> None:
    a = Neuron(3, activation="sigmoid")([1.0, 2.0, 3.0])
    assert a.op is ops.sigmoid
    (z,) = a.parents
    assert z.op is ops.affine
    assert Neuron(3, nonlin=False)([1.0, 2.0, 3.0]).op is ops.affine


def test_hidden_layers_and_the_output_layer_have_activations_of_their_own() -> None:
    net = MLP(2, [2, 2, 1], activation="tanh", output="sigmoid")
    used = [layer.neurons[0].activation for layer in net.layers]
    assert used == [ops.tanh, ops.tanh, ops.sigmoid]
    assert [layer.neurons[0].activation for layer in MLP(2, [2, 1]).layers] == [ops.relu, None]


def test_an_activation_from_outside_works_by_its_name() -> None:
    primitive(
        "leaky",
        floats=lambda x: x if x > 0.0 else 0.1 * x,
        arrays=lambda x: np.where(x > 0.0, x, 0.1 * x),
        partials=[lambda z, x: ops.where(ops.step(x), 1.0, 0.1)],
    )
    neuron = Neuron(1, activation="leaky", init=lambda *_: 1.0)
    out = neuron([-2.0])
    out.backward()
    assert (out.data, neuron.w[0].grad, neuron.b.grad) == (-0.2, -0.2, 0.1)
    assert repr(neuron) == "LeakyNeuron(1)"


@pytest.mark.parametrize(
    "x",
    [
        [0.5, -1.0],
        (0.5, -1.0),
        np.array([0.5, -1.0]),
        np.array([0.5, -1.0], dtype=np.float32),
        [Value(0.5), -1.0],
        [Value(0.5), Value(-1.0)],
        (Value(0.5), Value(-1.0)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_inputs_may_be_any_sequence_of_numbers_and_values(x: Any) -> None:
    random.seed(5)
    net = MLP(2, [3, 1], activation="tanh")
    out = net(x)
    out.backward()
    gradients = [p.grad for p in net.parameters()]
    net.zero_grad()
    net([Value(0.5), Value(-1.0)]).backward()
    assert [p.grad for p in net.parameters()] == gradients
    assert 0.0 not in gradients[:3]


@pytest.mark.parametrize("given", [[0, 1], [0.0, 1.0], [0, 1.0], np.array([0, 1])])
def test_numbers_given_as_inputs_are_labelled_whatever_their_type(given: Any) -> None:
    out = MLP(2, [3, 1])(given)
    constants = [v for v in topological_order(out) if v.kind == "constant"]
    assert [v.label for v in constants] == ["a_{0}^{(0)}", "a_{1}^{(0)}"]


def test_values_given_as_inputs_get_gradients() -> None:
    random.seed(5)
    net = MLP(2, [3, 1], activation="tanh")
    x = [Value(0.5), Value(-1.0)]
    out = net(x)
    out.backward()
    assert [v.grad for v in x] == pytest.approx([v.data for v in grad(out, x)])
    assert 0.0 not in [v.grad for v in x]


def test_no_grad_makes_a_network_forget() -> None:
    net = MLP(2, [3, 2])
    with no_grad():
        out = net([1.0, 2.0])
    assert [v.parents for v in out] == [(), ()]
    assert [v.data for v in out] == [v.data for v in net([1.0, 2.0])]


# Weights that are shared, replaced, or results themselves.


def test_a_weight_replaced_by_another_leaf_is_the_one_that_counts() -> None:
    neuron = Neuron(2, nonlin=False)
    neuron([1.0, 2.0])
    old, new = neuron.w[0], Value(5.0)
    neuron.w[0] = new
    neuron.b = Value(1.0)
    out = neuron([3.0, 0.0])
    out.backward()
    assert (out.data, new.grad, old.grad, neuron.b.grad) == (16.0, 3.0, 0.0, 1.0)
    assert neuron.parameters()[0] is new


def test_a_weight_that_is_a_result_passes_its_gradient_on() -> None:
    u = Value(1.5)
    neuron = Neuron(2, nonlin=False)
    neuron([1.0, 2.0])
    neuron.w[0] = u * u
    for _ in range(2):
        u.grad = 0.0
        neuron([3.0, 0.0]).backward()
        assert u.grad == 2 * 1.5 * 3.0


def test_tied_weights_add_up_their_gradients() -> None:
    one, other = Neuron(2, nonlin=False), Neuron(2, nonlin=False)
    other.w = one.w
    (one([1.0, 2.0]) + other([10.0, 20.0])).backward()
    assert [w.grad for w in one.w] == [11.0, 22.0]
    layer = Layer(1, 2, nonlin=False)
    layer.neurons[1].w[0] = layer.neurons[0].w[0]
    sum(layer([3.0])).backward()
    assert layer.neurons[0].w[0].grad == 6.0


def test_a_neuron_fed_its_own_output_with_weights_that_are_results() -> None:
    # Backward through time; the weight on the state is u squared.
    def run(u: Any) -> Any:
        state: Any = 0.3
        for x in (1.0, -0.5, 0.25):
            state = u * u * state + 0.7 * x + 0.1
        return state

    u = Value(1.5)
    neuron = Neuron(2, nonlin=False)
    neuron.w = [u * u, Value(0.7)]
    neuron.b.data = 0.1
    state: Any = 0.3
    for x in (1.0, -0.5, 0.25):
        state = neuron([state, x])
    state.backward()
    expected = (run(1.5 + 1e-6) - run(1.5 - 1e-6)) / 2e-6
    assert state.data == pytest.approx(run(1.5))
    assert u.grad == pytest.approx(expected, rel=1e-8)
    assert grad(state, u).data == pytest.approx(expected, rel=1e-8)


def test_layers_given_the_same_tuple_one_inside_the_other() -> None:
    random.seed(2)
    u = Value(0.5)
    x = (u * u, u.sin())
    inner, outer = Neuron(2, activation="tanh"), Neuron(2, activation="tanh")
    outer.w[0] = inner(x)
    out = outer(x)
    out.backward()
    (by_grad,) = grad(out, [u])

    def at(t: float) -> float:
        point = (t * t, math.sin(t))
        i = math.tanh(inner.w[0].data * point[0] + inner.w[1].data * point[1])
        return math.tanh(i * point[0] + outer.w[1].data * point[1])

    numeric = (at(0.5 + 1e-6) - at(0.5 - 1e-6)) / 2e-6
    assert out.data == pytest.approx(at(0.5))
    assert u.grad == pytest.approx(numeric, rel=1e-7)
    assert by_grad.data == pytest.approx(numeric, rel=1e-7)


def test_zero_grad_of_a_network() -> None:
    net = MLP(2, [2, 1])
    net([1.0, 2.0]).backward()
    assert net.layers[1].neurons[0].b.grad == 1.0
    net.zero_grad()
    assert {p.grad for p in net.parameters()} == {0.0}


# What is refused.


@pytest.mark.parametrize("what", [Neuron(3), Layer(3, 2), MLP(3, [2, 1])], ids=repr)
@pytest.mark.parametrize("x", [[], [1.0], [1.0, 2.0], [1.0] * 4, np.ones(2), np.ones((2, 3))])
def test_a_wrong_number_of_inputs_is_named(what: Any, x: Any) -> None:
    with pytest.raises(ValueError, match=f"{type(what).__name__}: expected 3 inputs, got {len(x)}"):
        what(x)


@pytest.mark.parametrize("what", [Neuron(1), Layer(1, 2), MLP(1, [2, 1])], ids=repr)
@pytest.mark.parametrize("x", [1.0, Value(1.0), None], ids=repr)
def test_inputs_that_are_no_sequence_are_refused(what: Any, x: Any) -> None:
    with pytest.raises(TypeError, match=f"{type(what).__name__}: expected a sequence of inputs"):
        what(x)


@pytest.mark.parametrize("what", [Neuron(2), Layer(2, 2), MLP(2, [2, 1])], ids=repr)
@pytest.mark.parametrize("wrong", ["x", None, 1j, [1.0]], ids=repr)
def test_an_input_that_is_no_number_is_named(what: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"x\[1\], got {type(wrong).__name__}"):
        what([1.0, wrong])


@pytest.mark.parametrize("n", [0, -1])
def test_sizes_are_at_least_one(n: int) -> None:
    with pytest.raises(ValueError, match="expected at least 1 as the number of inputs"):
        Neuron(n)
    with pytest.raises(ValueError, match="expected at least 1 as the number of neurons"):
        Layer(2, n)
    with pytest.raises(ValueError, match="expected at least 1"):
        MLP(n, [2])
    with pytest.raises(ValueError, match="expected at least 1"):
        MLP(2, [2, n])


@pytest.mark.parametrize("n", [1.5, 2.0, "2", None])
def test_sizes_are_whole_numbers(n: Any) -> None:
    got = f"got {type(n).__name__} {n!r}"
    with pytest.raises(TypeError, match=f"Neuron: expected a whole number of inputs, {got}"):
        Neuron(n)
    with pytest.raises(TypeError, match=f"Layer: expected a whole number of neurons, {got}"):
        Layer(2, n)
    with pytest.raises(TypeError, match=f"expected a whole number of inputs, {got}"):
        MLP(n, [3, 1])
    with pytest.raises(TypeError, match=f"expected a whole number of neurons, {got}"):
        MLP(2, [2, n])


@pytest.mark.parametrize("nouts", [3, None, Value(3.0), np.array([3, 1])], ids=repr)
def test_layer_sizes_are_a_list(nouts: Any) -> None:
    says = f"MLP: expected a list of layer sizes as nouts, got {type(nouts).__name__} "
    with pytest.raises(TypeError, match=says):
        MLP(2, nouts)


def test_a_network_without_layers_is_refused() -> None:
    for nouts in [], ():
        with pytest.raises(ValueError, match="MLP: expected at least one layer"):
            MLP(2, nouts)


def test_sizes_may_be_numpy_integers() -> None:
    assert len(MLP(np.int64(2), list(np.array([3, 1]))).parameters()) == 13


@pytest.mark.parametrize("name", ["softmax", "mul", "sum", "where", "", "Relu"])
def test_an_activation_that_does_not_exist_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"linear or one of .*tanh, sigmoid, softplus, relu.*; got '{name}'"
    ):
        Neuron(2, activation=name)
    with pytest.raises(ValueError, match="activation"):
        MLP(2, [2, 1], output=name)


def test_a_list_of_activations_or_inits_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=r"linear or one of .*tanh.*; got \['tanh', 'relu'\]"):
        MLP(2, [3, 2, 1], activation=["tanh", "relu"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"uniform, xavier, he, zeros; got \['he'\]"):
        MLP(2, [1], init=["he"])  # type: ignore[arg-type]


def test_an_init_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="uniform, xavier, he, zeros; got 'ones'"):
        MLP(2, [1], init="ones")


# Files.


@pytest.fixture
def net() -> MLP:
    random.seed(11)
    return MLP(2, [3, 1])


@pytest.fixture
def saved(net: MLP, tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    net.save(path)
    return path


def test_load_gives_back_what_save_wrote_to_the_last_bit(net: MLP, saved: Path) -> None:
    net.layers[0].neurons[0].w[0].data = 0.1 + 0.2
    net.layers[0].neurons[0].w[1].data = -5e-324
    net.save(str(saved))
    other = MLP(2, [3, 1])
    kept = other.parameters()
    assert numbers(other) != numbers(net)
    other.load(str(saved))
    assert numbers(other) == numbers(net)
    assert other.parameters() == kept
    assert {type(x) for x in numbers(other)} == {float}
    assert other([1.0, 2.0]).data == net([1.0, 2.0]).data


@pytest.mark.parametrize("name", ["net.npz", "net", "net.weights", "w_{0}^{(1)} ü.npz"])
def test_a_file_has_the_very_name_that_was_given(net: MLP, tmp_path: Path, name: str) -> None:
    net.save(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    MLP(2, [3, 1]).load(tmp_path / name)


def test_a_file_can_be_read_with_numpy_alone_and_holds_no_pickle(net: MLP, saved: Path) -> None:
    with np.load(saved, allow_pickle=False) as arrays:
        assert arrays["values"].tolist() == numbers(net)
        assert json.loads(arrays["labels"].item()) == labels(net)
        assert arrays["values"].dtype == np.float64
        assert str(arrays["format"]) == "micrograd-chain-rule parameters 2"


def test_a_neuron_and_a_layer_save_and_load_as_well(tmp_path: Path) -> None:
    for make in (lambda: Neuron(3)), (lambda: Layer(2, 3)):
        one, other = make(), make()
        one.save(tmp_path / "part")
        other.load(tmp_path / "part")
        assert numbers(one) == numbers(other)


def refused(net: MLP, path: Path, says: str) -> None:
    before = numbers(net)
    with pytest.raises(ParameterFileError, match=says) as caught:
        net.load(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert numbers(net) == before


@pytest.mark.parametrize("damaged", [b"", b"garbage", b"PK\x03\x04garbage", bytes(1000)])
def test_garbage_is_refused(net: MLP, tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "damaged.npz"
    path.write_bytes(damaged)
    refused(net, path, "load: ")


def test_a_truncated_file_is_refused_wherever_it_ends(net: MLP, saved: Path) -> None:
    whole = saved.read_bytes()
    for length in {*range(0, len(whole), 37), len(whole) - 1}:
        saved.write_bytes(whole[:length])
        refused(net, saved, "load: ")


def test_a_changed_byte_is_noticed_or_changes_nothing(net: MLP, saved: Path) -> None:
    whole, right = saved.read_bytes(), numbers(net)
    noticed = 0
    for i in range(len(whole)):
        saved.write_bytes(whole[:i] + bytes([whole[i] ^ 0x55]) + whole[i + 1 :])
        for p in net.parameters():
            p.data = 123.0
        try:
            net.load(saved)
        except ParameterFileError:
            noticed += 1
            assert set(numbers(net)) == {123.0}, i
        else:
            # Zip files say many things that nobody reads: dates, and names twice.
            assert numbers(net) == right, i
    assert noticed > len(whole) / 2


def test_a_pickle_is_refused_and_not_run(net: MLP, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return pytest.fail, ("the pickle was run",)

    path = tmp_path / "pickle.npz"
    path.write_bytes(pickle.dumps(Trap()))
    refused(net, path, "load: ")
    trapped = np.array([Trap()] * 13, dtype=object)
    for name in "format", "labels", "values":
        arrays = good_arrays(net) | {name: trapped}
        np.savez(path, **arrays)
        refused(net, path, "load: ")


def good_arrays(net: MLP) -> dict[str, Any]:
    return {  # of the first format, whose labels were an array of strings
        "format": np.array("micrograd-chain-rule parameters 1"),
        "labels": np.array(labels(net)),
        "values": np.array(numbers(net)),
    }


def test_the_arrays_of_the_next_test_are_good_before_they_are_changed(
    net: MLP, tmp_path: Path
) -> None:
    np.savez(tmp_path / "good.npz", **good_arrays(net))
    net.load(tmp_path / "good.npz")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"format": np.array("something else")},
            "format 'something else', expected 'micrograd-chain-rule",
        ),
        ({"format": np.array("micrograd-chain-rule parameters 3")}, "format"),
        ({"format": np.array(["micrograd-chain-rule parameters 1"])}, "format"),
        ({"format": np.array(1.0)}, "format"),
        ({"values": np.ones(13, dtype=np.float32)}, "type or shape"),
        ({"values": np.ones(13, dtype=np.int64)}, "type or shape"),
        ({"values": np.ones(13, dtype=np.complex128)}, "type or shape"),
        ({"values": np.ones((13, 1))}, "type or shape"),
        ({"values": np.array(1.0), "labels": np.array("w")}, "type or shape"),
        ({"values": np.ones(12)}, "type or shape"),
        ({"labels": np.array(["w"] * 13)}, r"another network: it has 'w' where this .* 'w_\{00\}"),
        ({"labels": np.arange(13)}, "another network"),
        (
            {"values": np.ones(9), "labels": np.array(["w"] * 9)},
            "9 parameters, this network has 13",
        ),
    ],
    ids=str,
)
def test_arrays_of_another_kind_are_refused(
    net: MLP, tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    np.savez(tmp_path / "foreign.npz", **(good_arrays(net) | changed))
    refused(net, tmp_path / "foreign.npz", says)


def test_files_of_other_programs_are_refused(net: MLP, tmp_path: Path) -> None:
    np.savez(tmp_path / "foreign.npz", x=np.ones(13))
    refused(net, tmp_path / "foreign.npz", "lacks format, labels, values")
    np.save(tmp_path / "single.npy", np.ones(13))
    refused(net, tmp_path / "single.npy", "single array")
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("values.npy", "no array")
        archive.writestr("labels.npy", "no array")
        archive.writestr("format.npy", "no array")
    refused(net, tmp_path / "some.zip", "load: ")


@pytest.mark.parametrize("other", [MLP(2, [3, 2]), MLP(3, [2, 1, 1]), MLP(2, [1, 3]), Neuron(12)])
def test_a_file_of_another_network_is_refused(net: MLP, tmp_path: Path, other: Module) -> None:
    other.save(tmp_path / "other.npz")
    refused(net, tmp_path / "other.npz", "parameters, this network has 13|another network")


def test_a_file_that_is_not_there_is_an_os_error(net: MLP, tmp_path: Path) -> None:
    before = numbers(net)
    with pytest.raises(FileNotFoundError):
        net.load(tmp_path / "missing.npz")
    with pytest.raises(OSError, match="directory"):
        net.load(tmp_path)
    assert numbers(net) == before


def test_a_failing_save_keeps_the_file_that_was_there(
    net: MLP, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def half(file: Any, **arrays: Any) -> None:
        file.write(b"PK half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", half)
    net.layers[0].neurons[0].b.data = 99.0
    with pytest.raises(OSError, match="no space left"):
        net.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_save_into_a_folder_that_is_not_there_is_an_os_error(net: MLP, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        net.save(tmp_path / "missing" / "net.npz")
    assert list(tmp_path.iterdir()) == []


def test_tied_weights_are_saved_and_loaded(tmp_path: Path) -> None:
    def tied() -> Layer:
        layer = Layer(1, 2)
        layer.neurons[1].w = layer.neurons[0].w
        return layer

    one, other = tied(), tied()
    one.save(tmp_path / "tied")
    other.load(tmp_path / "tied")
    assert numbers(one) == numbers(other)
    assert other.neurons[1].w[0] is other.neurons[0].w[0]


# Neurons and layers of one's own: see also tests/programs.


def test_nonlin_may_be_set() -> None:
    tanh, linear = Neuron(1, activation="tanh"), Neuron(1, nonlin=False)
    for n, row in (tanh, ops.tanh), (linear, ops.relu):
        n.nonlin = False
        assert (n.nonlin, n.activation, str(n)) == (False, None, "LinearNeuron(1)")
        n.nonlin = True
        n.nonlin = True
        assert (n.nonlin, n.activation) == (True, row)
    tanh.nonlin = False
    tanh.nonlin = False
    tanh.nonlin = True
    assert tanh.activation is ops.tanh


def test_the_activation_may_be_set_by_its_name() -> None:
    n = Neuron(1)
    for given, row in (
        ("tanh", ops.tanh),
        (ops.sigmoid, ops.sigmoid),
        (None, None),
        ("linear", None),
    ):
        n.activation = given
        assert n.activation is row
        assert n([1.0]).op is (row or ops.affine)
    with pytest.raises(ValueError, match="expected as activation linear or one of"):
        n.activation = "nothing"
    with pytest.raises(ValueError, match="expected as activation linear or one of"):
        n.activation = ops.add


def test_plain_neurons_are_one_node_and_others_are_added_up() -> None:
    class Number(Value):
        pass

    n = Neuron(2, nonlin=False)
    x = [Value(1.0), Value(2.0)]
    assert n(x).op is n([1.0, 2.0]).op is n(iter(x)).op is ops.affine
    assert n([Number(1.0), Value(2.0)]).op is ops.add
    expected = n(x).data
    for other in (
        {"w": [Number(w.data) for w in n.w]},
        {"b": Number(n.b.data)},
        {"w": [w.data for w in n.w]},
        {"b": n.b.data},
        {"w": np.array(n.w)},
        {"w": tuple(n.w)},
    ):
        changed = Neuron(2, nonlin=False)
        changed.w, changed.b = n.w, n.b
        vars(changed).update(other)
        assert changed(x).data == expected
        assert changed(x).op is (
            ops.affine if isinstance(other.get("w"), np.ndarray | tuple) else ops.add
        )


def test_weights_that_were_replaced_one_by_one() -> None:
    n = Neuron(2, nonlin=False)
    n.w[0].data, n.w[1].data = 0.5, 0.25
    assert n([2.0, 4.0]).data == 2.0
    n.w[1] = Value(10.0)
    out = n([2.0, 4.0])
    out.backward()
    assert (out.data, n.w[1].grad) == (41.0, 4.0)
    n.w[0] = n.w[1] * 2.0  # no leaf any more
    n([1.0, 1.0]).backward()
    assert n.w[1].grad == 4.0 + 3.0


def test_weights_that_are_but_equal_to_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class Equal(Value):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Value) and self.data == other.data

        __hash__ = Value.__hash__

    neuron = Neuron(1, nonlin=False)
    for by_number in (False, True):
        if by_number:
            monkeypatch.setattr(Value, "__eq__", Equal.__eq__)
            monkeypatch.setattr(Value, "__hash__", lambda v: id(v))
        for kind in (Value, Value, Equal):
            neuron.w = [kind(0.5)]
            neuron([3.0]).backward()
            assert neuron.w[0].grad == 3.0


def test_a_bias_that_comes_through_keeps_its_label() -> None:
    n = Neuron(1, nonlin=False)
    n.w = []
    assert n([]) is n.b
    assert n.b.label == "b"


def test_an_activation_that_somebody_replaced_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Value, "relu", lambda v: v * 0.125)
    n = Neuron(1)
    z = Neuron(1, nonlin=False)
    z.w = n.w
    assert n([4.0]).data == z([4.0]).data * 0.125
    row = primitive(
        "item", floats=lambda x: 3.0 * x, arrays=lambda x: 3.0 * x, partials=[lambda z, x: 3.0]
    )  # a row that has the name of a method which is no operation
    n.activation = "item"
    assert n([4.0]).op is row


def test_times_or_plus_that_somebody_replaced_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    n = Neuron(2, nonlin=False)
    for name in ("__mul__", "__add__", "__rmul__"):
        with monkeypatch.context() as patched:
            right = getattr(Value, name)
            patched.setattr(Value, name, lambda a, b, right=right: right(a, b))
            assert n([Value(1.0), Value(2.0)]).op is ops.add
    assert n([Value(1.0), Value(2.0)]).op is ops.affine


def test_layers_of_functions_have_the_parameters_of_those_that_have_any() -> None:
    net = MLP(2, [3, 1])
    net.layers.insert(1, lambda xs: [x.tanh() for x in xs])
    assert len(net.parameters()) == 2 * 3 + 3 + 3 + 1
    assert len(net.weights()) == 2 * 3 + 3
    layer = Layer(2, 2)
    layer.neurons.append(lambda x: x[0] * 2.0)
    outs = layer([3.0, 4.0])
    assert (len(outs), outs[2], len(layer.parameters())) == (3, 6.0, 6)


def test_what_is_not_plain_is_given_the_inputs_as_they_came() -> None:
    seen: list[Any] = []

    class Watching(Neuron):
        def __call__(self, x: Any) -> Any:
            seen.append(x)
            return super().__call__(x)

    net = MLP(2, [2, 1])
    net.layers[0].neurons[1] = Watching(2)
    given = [1.0, 2.0]
    net(given)
    assert seen.pop() is given
    net(iter(given))
    assert seen.pop() == given
    with pytest.raises(ValueError, match="expected 2 inputs, got 3"):
        net([1.0, 2.0, 3.0])


def test_a_layer_with_a_way_of_its_own_is_given_the_inputs_as_they_came() -> None:
    seen: list[Any] = []

    class Watching(Layer):
        def __call__(self, x: Any) -> Any:
            seen.append(x)
            return super().__call__(x)

    net = MLP(2, [2, 1])
    net.layers[0] = Watching(2, 2)
    given = [1.0, 2.0]
    net(given)
    assert seen == [given]


def test_a_layer_of_one_neuron_between_others() -> None:
    net = MLP(2, [1, 2, 1])
    assert isinstance(net([1.0, 2.0]), Value)
    net.layers.append(lambda out: [out[0], 3.0])
    assert net([1.0, 2.0])[1] == 3.0


def without_subclasses() -> None:
    """See that nothing keeps neurons from the fast way: no `==` of an earlier test is left."""
    gc.collect()
    assert nn_module._Inputs("", []).plain


def test_numbers_as_weights_and_as_a_bias_are_not_for_the_fast_way() -> None:
    without_subclasses()
    n = Neuron(2, nonlin=False)
    n.w, n.b = [0.5, 0.25], parameter(1.0)
    x = [Value(2.0), Value(4.0)]
    assert n(x).data == 3.0
    n.b = 0.5
    assert n(x).data == 2.5
    n.w = [parameter(0.5), parameter(0.25)]
    out = n(x)
    out.backward()
    assert (out.data, n.w[1].grad) == (2.5, 4.0)
    with pytest.raises(ValueError, match="expected 2 inputs, got 1"):
        n(x[:1])


def test_neurons_of_one_layer_may_have_different_activations() -> None:
    without_subclasses()
    layer = Layer(1, 3)
    for n, name in zip(layer.neurons, ("tanh", "sigmoid", "linear"), strict=True):
        n.activation = name
        n.w[0].data = 0.5
    layer.neurons.append(layer.neurons[0])
    outs = layer([2.0])
    assert [v.op for v in outs] == [ops.tanh, ops.sigmoid, ops.affine, ops.tanh]
    assert [v.data for v in outs[:3]] == [np.tanh(1.0), 1.0 / (1.0 + math.exp(-1.0)), 1.0]


def test_neurons_of_a_subclass_without_a_way_of_its_own_share_the_inputs() -> None:
    class OwnStart(Neuron):
        def __init__(self, nin: int) -> None:
            self.w = [parameter(0.5) for _ in range(nin)]
            self.b = parameter(-4.0)

    net = MLP(2, [2, 1])
    net.layers[0].neurons = [OwnStart(2), OwnStart(2), Neuron(2)]
    net.layers[1] = Layer(3, 1, nonlin=False)
    hidden = net([3.0, 1.0]).parents[3:6]
    assert [v.op for v in hidden] == [ops.relu] * 3
    inputs = [v.parents[0].arguments[1] for v in hidden]
    assert inputs[0] is inputs[1] is inputs[2]
    assert [v.label for v in inputs[0]] == ["a_{0}^{(0)}", "a_{1}^{(0)}"]
    assert hidden[0].data == 0.0  # relu, as in micrograd


def test_a_weight_that_is_replaced_in_place_by_an_equal_number() -> None:
    class Number(Value):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Value) and self.data == other.data

        __hash__ = object.__hash__

    n = Neuron(1, nonlin=False)
    before = n.w[0]
    n([2.0])
    n.w[0] = Number(before.data)
    n([2.0]).backward()
    assert (n.w[0].grad, before.grad) == (2.0, 0.0)
