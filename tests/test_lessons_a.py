"""What the lessons claim: sensitivity, three_ways, nudges, minibatch, more_layers, symmetry."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from demos import minibatch, more_layers, nudges, sensitivity, symmetry, three_ways
from micrograd import gradcheck
from micrograd.data import minibatches, one_hot
from micrograd.engine import topological_order
from micrograd.losses import squared_error
from micrograd.nn import MLP
from tests.lessons import run
from viz import draw
from viz.style import THIN


def test_sensitivity_the_larger_entry_is_worth_32_times_the_smaller() -> None:
    entries = {e.parameter.label: e for e in sensitivity.ranking(sensitivity.build())}
    strong, weak = entries[sensitivity.STRONG], entries[sensitivity.WEAK]
    assert strong.gradient == pytest.approx(3.2, rel=1e-12)
    assert weak.gradient == pytest.approx(0.1, rel=1e-12)
    assert strong.change / weak.change == pytest.approx(32.0, rel=1e-3)


def test_sensitivity_nudging_each_parameter_gives_the_same_ranking() -> None:
    net = sensitivity.build()
    entries = sensitivity.ranking(net)
    assert len(entries) == len(net.parameters()) == 9
    changes = [abs(e.change) for e in entries]
    assert changes == sorted(changes, reverse=True)
    for e in entries:
        assert e.change / sensitivity.NUDGE == pytest.approx(e.gradient, rel=1e-3)
    # The error is the curvature's: with a tenth of the nudge it is a tenth.
    p, gradient = entries[0].parameter, entries[0].gradient
    errors = [sensitivity.change_of_cost(net, p, h) / h - gradient for h in (1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(10.0, rel=1e-3)


def test_sensitivity_edges_are_as_wide_as_the_gradient_is_large() -> None:
    net = sensitivity.build()
    cost = sensitivity.cost_of(net)
    cost.backward()
    boxes = {v: f"n{i}" for i, v in enumerate(topological_order(cost))}
    widths = dict(re.findall(r"(n\d+) -> .*penwidth=([\d.]+)", draw(cost).source))
    thick = [float(widths[boxes[p]]) - THIN for p in net.parameters()]
    gradients = [abs(p.grad) for p in net.parameters()]
    scale = max(thick) / max(gradients)
    assert thick == pytest.approx([scale * g for g in gradients], abs=0.011)


def test_sensitivity_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(sensitivity, tmp_path, capsys, "sensitivity_graph.svg")
    assert "3.2 against 0.1: the cost is 32.0 times as sensitive to w_0(2) as to w_00(1)" in printed
    assert "accumulated" not in (tmp_path / "sensitivity_graph.svg").read_text()


def test_three_ways_weights_go_by_activations_and_activations_by_weights() -> None:
    lesson = three_ways.build(seed=3)
    neuron = lesson.layer.neurons[three_ways.DIGIT]
    by_b, by_w, by_a = three_ways.three_columns(lesson)
    assert by_b == pytest.approx(0.2 * 0.8)  # sigma'(z) where the activation is 0.2
    assert by_w == pytest.approx([by_b * a.data for a in lesson.behind])
    assert by_a == pytest.approx([by_b * w.data for w in neuron.w])
    leaves = [*neuron.parameters(), *lesson.behind]
    gradcheck(lambda: neuron(lesson.behind), leaves)


@pytest.mark.parametrize("seed", range(3))
def test_three_ways_no_direction_raises_more_than_the_one_in_proportion(seed: int) -> None:
    lesson = three_ways.build(seed)
    neuron = lesson.layer.neurons[three_ways.DIGIT]
    rng = np.random.default_rng(seed)
    for values, factors in (neuron.w, lesson.behind), (lesson.behind, neuron.w):
        best = three_ways.rise(lesson, values, [f.data for f in factors])
        for direction in rng.normal(size=(50, len(values))):
            assert three_ways.rise(lesson, values, list(direction)) < best
    # ... and everything is where it was.
    assert lesson.layer(lesson.behind)[2].data == lesson.outputs[2].data == pytest.approx(0.2)


def test_three_ways_the_weights_that_grow_most_join_bright_neurons_to_the_wanted_one() -> None:
    lesson = three_ways.build(seed=3)
    grown = three_ways.growth(lesson)
    assert (grown[three_ways.DIGIT] >= 0.0).all()
    assert (np.delete(grown, three_ways.DIGIT, axis=0) <= 0.0).all()
    behind = np.array(three_ways.BEHIND)
    assert np.unravel_index(grown.argmax(), grown.shape) == (three_ways.DIGIT, behind.argmax())
    ratios = grown[three_ways.DIGIT] / grown[three_ways.DIGIT].max()
    assert ratios == pytest.approx(behind / behind.max())
    # "2" has 0.8 to go and "8" 0.2; both are at 0.2, with the same sigma'.
    assert grown[2, 0] / grown[8, 0] == pytest.approx(-4.0)


def test_three_ways_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 'The cost wants "2" up\n4.0 times' in run(three_ways, tmp_path, capsys)


def test_more_layers_the_gradient_is_a_product_with_one_factor_more_for_each_layer() -> None:
    for activation in ("sigmoid", "relu"):
        for n in more_layers.DEPTHS:
            net = more_layers.chain(n, activation)
            assert len(net.factors) == len(net.z) == n - 1
            assert net.first.grad == pytest.approx(more_layers.product(net), rel=1e-12)
            if n > 2:  # the factors of the shorter network, and one more
                shorter = more_layers.chain(n - 1, activation)
                assert net.factors[:-1] == shorter.factors
                before, now = (c.first.grad / c.ends[1] for c in (shorter, net))
                assert now / before == pytest.approx(net.factors[-1], rel=1e-12)


def test_more_layers_sigmoid_shrinks_it_to_a_quarter_of_w_or_less_and_relu_to_w() -> None:
    sigmoid, relu = (more_layers.chain(10, name) for name in ("sigmoid", "relu"))
    for factor, z in zip(sigmoid.factors, sigmoid.z, strict=True):
        s = 1.0 / (1.0 + math.exp(-z))
        assert factor == pytest.approx(more_layers.WEIGHT * s * (1.0 - s))
        assert factor <= more_layers.WEIGHT / 4.0
    assert relu.factors == [more_layers.WEIGHT] * 9
    assert relu.first.grad > 1e5 * sigmoid.first.grad > 0.0


def test_more_layers_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(more_layers, tmp_path, capsys, "more_layers_path.svg")
    assert "= a⁽⁰⁾ · σ′(z⁽¹⁾) · w⁽²⁾ · σ′(z⁽²⁾) · w⁽³⁾ · σ′(z⁽³⁾) · 2 (a⁽³⁾ − y)" in printed


@pytest.mark.parametrize("start", ["zeros", "all 0.5"])
def test_symmetry_equal_neurons_stay_equal_to_the_last_bit(start: str) -> None:
    result = symmetry.train(symmetry.INITS[start], seed=0)
    assert (result.rows == result.rows[:, :1]).all()
    assert np.abs(result.rows[-1] - result.rows[0]).max() > 0.1  # they did learn
    assert result.accuracy < 0.95
    # A layer of them is worth one neuron with the sum of their outgoing weights.
    hidden, output = result.net.layers
    one = MLP(2, [1, 1], activation="sigmoid", output="sigmoid")
    neurons = hidden.neurons[0], one.layers[0].neurons[0]
    for theirs, ours in zip(*(n.parameters() for n in neurons), strict=True):
        ours.data = theirs.data
    one.layers[1].neurons[0].w[0].data = sum(w.data for w in output.neurons[0].w)
    one.layers[1].neurons[0].b.data = output.neurons[0].b.data
    for x in symmetry.data(0)[0].tolist():
        assert one(x).data == pytest.approx(result.net(x).data, rel=1e-12)


@pytest.mark.parametrize("seed", range(2))
def test_symmetry_small_random_values_break_it(seed: int) -> None:
    start = next(name for name in symmetry.INITS if name.startswith("within"))
    result = symmetry.train(symmetry.INITS[start], seed)
    assert np.abs(result.rows[0]).max() <= symmetry.EPSILON
    assert 0.0 < result.spread(0) < 2 * symmetry.EPSILON < 1.0 < result.spread(symmetry.STEPS)
    assert result.accuracy == 1.0
    assert result.costs[-1] < symmetry.train("zeros", seed).costs[-1] / 10.0


def test_symmetry_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(symmetry, tmp_path, capsys)
    rows = [line.split()[1:5] for line in printed.splitlines() if line[:1] in "0123" and line]
    assert len(rows) == 4
    assert len({tuple(row) for row in rows}) == 1


def test_minibatch_the_average_of_the_minibatches_gradients_is_the_gradient_of_all() -> None:
    X, y = minibatch.data(seed=1)
    program = minibatch.neuron()
    whole = program.value_and_grad(X, y)[1]
    for size in (1, 20, 50):
        batches = minibatches(X, y, size, np.random.default_rng(0))
        parts = np.array([program.value_and_grad(*batch)[1] for batch in batches])
        assert parts.mean(axis=0) == pytest.approx(whole, rel=1e-12)
        assert parts.std(axis=0).min() > 0.05  # one alone is another


@pytest.mark.parametrize("seed", [1, 2])
def test_minibatch_staggers_more_and_is_sooner_downhill(seed: int) -> None:
    X, y = minibatch.data(seed)
    program = minibatch.neuron()
    whole, some, single = (
        minibatch.walk(program, X, y, size, seed) for size in minibatch.SIZES.values()
    )
    for walk in (whole, some, single):
        assert (walk.weights[0] == minibatch.START).all()
        assert walk.costs[0] == whole.costs[0]
        assert walk.seen[-1] == minibatch.EPOCHS * minibatch.SAMPLES
    assert 1.0 <= whole.detour < 1.1 < some.detour < single.detour / 10.0
    assert (np.diff(whole.costs) < 0.0).all()  # every step goes down
    assert (np.diff(single.costs) > 0.0).mean() > 0.3  # many go up
    epoch = minibatch.SAMPLES
    after = [walk.costs[epoch // walk.size] for walk in (whole, some, single)]
    assert after[0] > 2.0 * after[1] > 2.0 * after[2]


def test_minibatch_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(minibatch, tmp_path, capsys).splitlines()
    average, whole = (
        next(line.split()[-2:] for line in printed if line.startswith(name))
        for name in ("their average", "all samples")
    )
    assert average == whole


@pytest.fixture(scope="module")
def digits() -> tuple[nudges.Network, np.ndarray, np.ndarray]:
    X, y = nudges.data(None)
    return nudges.Network(X.shape[1], seed=2), X, y


def test_nudges_of_one_example_are_what_the_scalar_engine_says(digits: tuple) -> None:
    program, X, y = digits
    net = MLP(X.shape[1], [16, 16, 10], activation="sigmoid", output="sigmoid")
    for p, number in zip(net.parameters(), program.cost.parameters, strict=True):
        p.data = float(number)
    for i in (0, 7):
        net.zero_grad()
        squared_error(net(X[i].tolist()), [float(j == y[i]) for j in range(10)]).backward()
        (wanted,) = program.nudges(X[i : i + 1], y[i : i + 1])
        assert wanted == pytest.approx([-p.grad for p in net.parameters()], rel=1e-9, abs=1e-15)


def test_nudges_the_average_is_minus_the_gradient_and_lowers_the_cost(digits: tuple) -> None:
    net, X, y = digits
    Y = one_hot(y, 10)
    average = net.nudges(X, y).mean(axis=0)
    cost, gradient = net.cost.value_and_grad(X, Y)
    assert average == pytest.approx(-gradient, rel=1e-9, abs=1e-15)
    rate, start = 1e-4, net.cost.parameters.copy()
    net.cost.parameters += rate * average
    after = net.cost(X, Y).mean()
    net.cost.parameters[:] = start
    assert (cost - after) / rate == pytest.approx(average @ average, rel=1e-2)


def test_nudges_each_example_wants_its_own_output_up_and_the_others_down(digits: tuple) -> None:
    net, X, y = digits
    Y = one_hot(y, 10)
    biases = [net.labels.index(f"b_{{{j}}}^{{(3)}}") for j in range(10)]
    wanted = net.nudges(X, y)[:, biases]
    assert ((wanted > 0.0) == (Y == 1.0)).all()


def test_nudges_hearing_only_the_2s_makes_everything_a_2(digits: tuple) -> None:
    net, X, y = digits
    start = net.cost.parameters.copy()
    twos, right = nudges.descend(net, X, y, y == 2)
    assert twos[-1] == 1.0
    assert right[-1] == np.mean(y == 2)
    twos, right = nudges.descend(net, X, y, np.ones(len(y), dtype=bool))
    assert right[-1] > 0.85
    assert 0.05 < twos[-1] < 0.15
    assert (net.cost.parameters == start).all()


def test_nudges_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudges, "STEPS", 5)
    printed = run(nudges, tmp_path, capsys)
    assert "500 images of 64 pixels, 1,482 weights and biases." in printed


def test_nudges_reads_mnist_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="found none of them"):
        nudges.main(["--data", str(tmp_path), "--out", str(tmp_path)])
    X, y = nudges.data(None)
    pixels = np.zeros((len(X), 28, 28), np.uint8)
    pixels[:, 2:26, 2:26] = np.kron(255 * X.reshape(-1, 8, 8), np.ones((3, 3))).round()
    for name, array in ("images-idx3", pixels), ("labels-idx1", y.astype(np.uint8)):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (tmp_path / f"train-{name}-ubyte").write_bytes(header + array.tobytes())
    monkeypatch.setattr(nudges, "STEPS", 5)
    nudges.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    # Some of the 500 are held out, as from any folder with one set of images.
    assert "425 images of 784 pixels, 13,002 weights" in capsys.readouterr().out
