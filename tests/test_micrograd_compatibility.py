"""Programs written for micrograd run as they are and give the same numbers.

The code between the imports and the assertions is micrograd's own way of
writing: its README, its tests, its notebooks.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from micrograd.engine import Value
from micrograd.nn import MLP, Layer, Module, Neuron


def test_the_example_of_the_readme() -> None:
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_sanity_check() -> None:
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def more_operations(a: Any, b: Any) -> Any:
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f


def test_more_operations_as_in_torch() -> None:
    torch = pytest.importorskip("torch")
    ours = Value(-4.0), Value(2.0)
    g = more_operations(*ours)
    g.backward()
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (-4.0, 2.0)]
    g_torch = more_operations(*theirs)
    g_torch.backward()
    assert g.data == pytest.approx(g_torch.item(), abs=1e-12)
    for v, t in zip(ours, theirs, strict=True):
        assert v.grad == pytest.approx(t.grad.item(), rel=1e-12)


def test_the_neuron_of_the_lecture() -> None:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1 = x1 * w1
    x1w1.label = "x1*w1"
    x2w2 = x2 * w2
    x2w2.label = "x2*w2"
    n = x1w1 + x2w2 + b
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    o.backward()
    assert round(o.data, 4) == 0.7071
    assert [round(v.grad, 4) for v in (x1, w1, x2, w2, n)] == [-1.5, 1.0, 0.5, 0.0, 0.5]
    # The same again by way of the exponential.
    e = (2 * (x1 * w1 + x2 * w2 + b)).exp()
    assert ((e - 1) / (e + 1)).data == pytest.approx(o.data)


def test_the_chain_rule_by_hand_of_the_lecture() -> None:
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    c.grad = 1.0
    c._backward()
    assert (a.grad, b.grad) == (-3.0, 2.0)


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """The notebook's own: all nodes and all edges."""
    nodes, edges = set(), set()

    def build(v: Value) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR") -> Any:  # noqa: A002
    """The notebook's own."""
    from graphviz import Digraph

    assert rankdir in ["LR", "TB"]
    nodes, edges = trace(root)
    dot = Digraph(format=format, graph_attr={"rankdir": rankdir})
    for n in nodes:
        uid = str(id(n))
        label = "{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad)  # noqa: UP031
        dot.node(name=uid, label=label, shape="record")
        if n._op:
            dot.node(name=uid + n._op, label=n._op)
            dot.edge(uid + n._op, uid)
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


def test_trace_and_draw_dot_of_the_notebook() -> None:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    y = (a * b + a).relu()
    y.backward()
    nodes, edges = trace(y)
    assert sorted(n._op for n in nodes) == ["", "", "*", "+", "ReLU"]
    assert len(edges) == 5
    dot = draw_dot(y)
    assert "{ a | data 2.0000 | grad 0.0000 }" in dot.source
    assert dot.source.count("->") == 5 + 3
    assert f'"{id(y)}ReLU" -> {id(y)}' in dot.source


def test_trace_sees_an_operand_used_twice() -> None:
    x = Value(3.0)
    y = x * x
    assert trace(y) == ({x, y}, {(x, y)})
    assert len(y._prev) == 2


def test_a_network_prints_as_in_micrograd() -> None:
    assert str(MLP(2, [2, 1])) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )
    assert str(Neuron(2, nonlin=False)) == "LinearNeuron(2)"
    assert str(Neuron(2, False)) == "LinearNeuron(2)"
    assert str(Neuron(3)) == str(Neuron(3, nonlin=True)) == "ReLUNeuron(3)"
    assert str(Layer(2, 2, nonlin=False)) == "Layer of [LinearNeuron(2), LinearNeuron(2)]"


def test_a_neuron_has_the_attributes_of_micrograd() -> None:
    n = Neuron(2)
    assert isinstance(n, Module)
    assert (len(n.w), n.b.data) == (2, 0.0)
    assert n.parameters() == [*n.w, n.b]
    x = [Value(1.0), Value(-2.0)]
    act = sum((wi * xi for wi, xi in zip(n.w, x, strict=True)), n.b)
    assert n(x).data == act.relu().data
    assert Module().parameters() == []


def test_weights_are_drawn_in_the_order_of_micrograd() -> None:
    random.seed(1337)
    expected = []
    for nin, nout in (3, 4), (4, 4), (4, 1):
        for _ in range(nout):
            expected += [random.uniform(-1, 1) for _ in range(nin)] + [0]  # noqa: S311
    random.seed(1337)
    assert [p.data for p in MLP(3, [4, 4, 1]).parameters()] == expected


def test_zero_grad_and_a_step_as_in_micrograd() -> None:
    model = MLP(2, [2, 1])
    model([1.0, 2.0]).backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    model.zero_grad()
    assert all(p.grad == 0 for p in model.parameters())


def test_the_two_moons_of_the_demo_notebook() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    np.random.seed(1337)
    random.seed(1337)
    X, y = datasets.make_moons(n_samples=100, noise=0.1)
    y = y * 2 - 1  # make y be -1 or 1
    model = MLP(2, [16, 16, 1])  # 2-layer neural network
    assert len(model.parameters()) == 337

    def loss() -> tuple[Value, float]:
        inputs = [list(map(Value, xrow)) for xrow in X]
        # forward the model to get scores
        scores = list(map(model, inputs))
        # svm "max-margin" loss
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        # L2 regularization
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        # also get accuracy
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return total_loss, sum(accuracy) / len(accuracy)

    printed = []
    for k in range(100):
        # forward
        total_loss, acc = loss()
        # backward
        model.zero_grad()
        total_loss.backward()
        # update (sgd)
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        printed.append(f"step {k} loss {total_loss.data}, accuracy {acc * 100}%")
        if k == 0:
            assert total_loss.data == 0.8958441028683222
    assert printed[0] == "step 0 loss 0.8958441028683222, accuracy 50.0%"
    assert f"{total_loss.data:.10f}" == "0.0109783701"
    assert acc == 1.0


def test_the_written_out_network_and_the_one_of_nn_give_the_same_numbers() -> None:
    random.seed(1337)
    model = MLP(2, [4, 3, 1])
    rows = [[0.5, -1.25], [2.0, 0.125], [-0.75, 1.5]]

    def written_out(x: list[Any]) -> Value:
        for layer in model.layers:
            out = []
            for n in layer.neurons:
                act = sum((wi * xi for wi, xi in zip(n.w, x, strict=True)), n.b)
                out.append(act.relu() if layer is not model.layers[-1] else act)
            x = out
        return x[0]

    for row in rows:
        outputs, gradients = [], []
        for network in model, written_out:
            model.zero_grad()
            output = network(list(map(Value, row)))
            output.backward()
            outputs.append(output.data)
            gradients.append([p.grad for p in model.parameters()])
        assert outputs[0] == outputs[1]
        # A sum of shares may be taken in another order.
        assert gradients[0] == pytest.approx(gradients[1], rel=1e-12)
