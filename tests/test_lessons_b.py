"""What the lessons claim: more_neurons, error_terms, gradient_checking, two_layers,
hot_and_cold, training_steps.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from demos import (
    error_terms,
    gradient_checking,
    hot_and_cold,
    more_neurons,
    training_steps,
    two_layers,
)
from micrograd import gradcheck, ops
from micrograd.checking import GradientMismatch
from micrograd.losses import logistic_cost
from tests.lessons import run
from viz import error_terms as terms_of
from viz import explain

WIDE = [3, 4, 2, 5]


def wide_network(seed: int) -> more_neurons.Network:
    return more_neurons.build(WIDE, [0.2, -0.4, 0.9], [1.0, 0.0, 0.0, 1.0, 0.5], seed)


@pytest.mark.parametrize("seed", range(3))
def test_more_neurons_by_hand_and_by_the_engine_agree(seed: int) -> None:
    net = wide_network(seed)
    net.cost.backward()
    lesson = more_neurons.by_hand(net)
    activations = [a for layer in net.activations[1:] for a in layer]
    values = {v.label: v.grad for v in [*net.mlp.parameters(), *activations]}
    assert lesson.cost == pytest.approx(net.cost.data, rel=1e-12)
    assert lesson.derivatives.keys() == values.keys()
    assert len(values) == 3 * 4 + 4 + 4 * 2 + 2 + 2 * 5 + 5 + (4 + 2 + 5)
    for label, derivative in lesson.derivatives.items():
        assert derivative == pytest.approx(values[label], rel=1e-12, abs=1e-15), label


def test_more_neurons_an_activation_has_one_term_for_each_j_and_a_weight_one_path() -> None:
    net = wide_network(0)
    net.cost.backward()
    for a, terms in zip(net.activations[-2], more_neurons.by_hand(net).terms, strict=True):
        explained = explain(net.cost, a)
        assert [p.product for p in explained.paths] == pytest.approx(terms, rel=1e-12)
        assert len(terms) == 5
        assert sum(terms) == pytest.approx(a.grad, rel=1e-12)
        for j in range(5):  # none of them may be left out
            assert sum(terms[:j] + terms[j + 1 :]) != pytest.approx(a.grad, rel=1e-3)
    assert all(explain(net.cost, w).count == 1 for w in net.mlp.layers[-1].weights())


def test_more_neurons_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(more_neurons, tmp_path, capsys, "more_neurons_tree.svg")
    assert "a_2(1)  +0.266516  -0.157293  +0.109223  +0.109223" in printed
    assert "= 0.1092" in printed  # explain's total
    assert len(re.findall(r"\de[+-]\d\d$", printed, re.MULTILINE)) == 22  # derivatives compared


def test_error_terms_are_those_of_the_lesson() -> None:
    net, X, Y = error_terms.problem(seed=1)
    for x, y in zip(X, Y, strict=True):
        a, deltas = error_terms.propagate(error_terms.matrices(net), x, y)
        found = terms_of(logistic_cost(net(x.tolist()), y.tolist()))
        assert list(found.values()) == pytest.approx(np.concatenate(deltas), rel=1e-9, abs=1e-15)
        assert [len(d) for d in deltas] == error_terms.SIZES[1:]
        assert deltas[-1] == pytest.approx(a[-1] - y)


@pytest.mark.parametrize("strength", [0.0, error_terms.LAMBDA])
def test_error_terms_lesson_values_and_program_have_one_cost_and_gradient(strength: float) -> None:
    net, X, Y = error_terms.problem(seed=1)
    lesson = error_terms.lesson(error_terms.matrices(net), X, Y, strength)
    by_program = np.hstack(error_terms.vectorised(net, strength).value_and_grad(X, Y))
    assert len(lesson) == 1 + len(net.parameters())
    assert error_terms.engine(net, X, Y, strength) == pytest.approx(lesson, rel=1e-9, abs=1e-14)
    assert by_program == pytest.approx(lesson, rel=1e-9, abs=1e-14)


def test_error_terms_l2_adds_lambda_over_m_times_each_weight_and_nothing_for_biases() -> None:
    net, X, Y = error_terms.problem(seed=1)
    plain, shrunk = (error_terms.engine(net, X, Y, s)[1:] for s in (0.0, error_terms.LAMBDA))
    factor = error_terms.LAMBDA / len(X)
    assert sum(p.label.startswith("b") for p in net.parameters()) == sum(error_terms.SIZES[1:])
    for p, added in zip(net.parameters(), shrunk - plain, strict=True):
        assert abs(p.data) > 1e-3  # so that nothing is nothing by chance
        expected = factor * p.data if p.label.startswith("w") else 0.0
        assert added == pytest.approx(expected, rel=1e-9, abs=1e-14), p.label


def test_error_terms_puts_the_programs_own_lines_beside_the_lessons() -> None:
    net, _, _ = error_terms.problem(seed=0)
    program = error_terms.vectorised(net)
    rows = error_terms.formulas(program)
    assert len(rows) == 9
    for _, line in rows:
        name, code = line.split(" = ")
        assert re.search(rf"^    {name}(\[\.\.\.\])? = {re.escape(code)}", program.source, re.M)
    lines = dict(rows)
    back = "(W(3)' delta(3)) .* a(2) .* (1 - a(2))"
    assert lines[f"delta(2) = {back}"] == "dZ2 = (dZ3 @ W3) * (A2 * (1.0 - A2))"
    assert lines["dC/dW(2) = sum of delta(2) a(1)'"] == "dW2 = dZ2.T @ A1"


def test_error_terms_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(error_terms, tmp_path, capsys)
    assert "dZ1 = (dZ2 @ W2) * (A1 * (1.0 - A1))" in printed
    gaps = [float(gap) for gap in re.findall(r"\de[+-]\d\d", printed)]
    assert len(gaps) == sum(error_terms.SIZES[1:]) + 4
    assert max(gaps) < 1e-13


def test_gradient_checking_errors_fall_with_eps_squared_and_then_rounding_grows() -> None:
    eps, one_sided, two_sided = gradient_checking.errors(gradient_checking.network(0)).T
    assert eps == pytest.approx([10.0**-n for n in range(1, 13)])
    assert two_sided[:2] / two_sided[1:3] == pytest.approx([100.0, 100.0], rel=0.1)
    assert one_sided[:2] / one_sided[1:3] == pytest.approx([10.0, 10.0], rel=0.1)
    at_1e_4 = two_sided[3]
    assert at_1e_4 < 1e-8
    assert one_sided[3] > 1e4 * at_1e_4
    assert two_sided[-1] > 1e4 * at_1e_4  # eps 1e-12: too small
    assert two_sided[0] > 1e4 * at_1e_4  # eps 0.1: too large
    assert one_sided.min() > 10.0 * at_1e_4  # no eps makes one side as good


def test_gradient_checking_catches_the_bug_and_takes_it_out_again() -> None:
    report, complaint = gradient_checking.check(gradient_checking.network(0))
    assert not complaint
    assert report.worst < 1e-5
    before = dict(ops.table)
    with gradient_checking.planted() as bug:
        assert bug in ops.table
        net = gradient_checking.network(0, activation=bug)
        report, complaint = gradient_checking.check(net)
        assert "the chain rule gives" in complaint
    assert ops.table == before
    hidden = len(net.layers[0].parameters())
    errors = [c.relative_error for c in report.checks]
    assert min(errors[:hidden]) > 1e-2  # behind the bug
    assert max(errors[hidden:]) < 1e-5  # before it


def test_gradient_checking_learns_worse_with_the_bug() -> None:
    with gradient_checking.planted() as bug:
        right, wrong = (
            gradient_checking.trained(gradient_checking.network(0, activation=activation))
            for activation in ("sigmoid", bug)
        )
    assert right < 0.05
    assert wrong > 10.0 * right


def test_gradient_checking_costs_more_the_more_parameters_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gradient_checking, "WIDTHS", [2, 64])
    (few, *_, few_ratio), (many, *_, many_ratio) = rows = list(gradient_checking.work(seed=0))
    assert (few, many) == (9, 257)
    assert many_ratio > 4.0 * few_ratio  # it is some 25 times
    for n, visited, visited_to_check, *_ in rows:
        assert visited_to_check / visited == (2 * n + 1) / 2
    calls = []
    cost = gradient_checking.cost
    monkeypatch.setattr(gradient_checking, "cost", lambda net: calls.append(net) or cost(net))
    net = gradient_checking.network(0)
    gradient_checking.back_propagation(net)
    assert len(calls) == 1
    before = [p.data for p in net.parameters()]
    gradient_checking.differences(net, 1e-4)
    assert len(calls) - 1 == 2 * len(net.parameters()) + 1
    assert [p.data for p in net.parameters()] == before


def test_gradient_checking_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradient_checking, "WIDTHS", [2, 4])
    printed = run(gradient_checking, tmp_path / "one", capsys)
    assert "sigmoid: no complaint" in printed
    assert "sloppy_sigmoid: gradcheck: by w_{00}^{(1)} the chain rule gives" in printed
    run(gradient_checking, tmp_path / "two", capsys)  # and no measured time is in the picture
    first, second = (tmp_path / run / gradient_checking.PICTURE for run in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_layers_by_hand_and_from_values_agree_number_by_number(seed: int) -> None:
    start = two_layers.initial(seed)
    hand, values = (list(way(*start)) for way in (two_layers.by_hand, two_layers.by_values))
    assert len(hand) == len(values) == 240
    rows = two_layers.compared(hand, values)
    assert [(name, size) for name, size, _ in rows] == [
        ("layer_2_delta", 240),
        ("layer_1_delta", 240 * 4),
        ("update_1_2", 240 * 4),
        ("update_0_1", 240 * 12),
        ("weight_1_2", 240 * 4),
        ("weight_0_1", 240 * 12),
    ]
    assert max(gap for _, _, gap in rows) <= 1e-12
    assert np.abs(hand[0].layer_1_delta).max() > 0.01  # there was something to compare
    assert values[-1].weight_0_1 == pytest.approx(
        start[0] - sum(step.update_0_1 for step in values), abs=1e-12
    )


def test_two_layers_learns_the_lights_and_a_wrong_delta_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = two_layers.initial(1)
    values = list(two_layers.by_values(*start))
    assert sum(float(step.layer_2_delta.item()) ** 2 for step in values[-4:]) < 1e-4
    monkeypatch.setattr(two_layers, "relu2deriv", np.ones_like)  # relu's derivative forgotten
    gaps = {
        name: gap for name, _, gap in two_layers.compared([*two_layers.by_hand(*start)], values)
    }
    assert gaps["layer_1_delta"] > 0.1


def test_two_layers_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(two_layers, tmp_path, capsys, "two_layers_network.svg")
    for way in ("by hand", "Values "):
        assert f"2  {way}   +0.293272186" in printed


def test_hot_and_cold_takes_three_predictions_a_step_and_the_gradient_one() -> None:
    for step, predictions in ((hot_and_cold.hot_and_cold, 3), (hot_and_cold.gradient_descent, 1)):
        neuron = hot_and_cold.Neuron()
        for n in range(1, 4):
            step(neuron, 0.01)
            assert neuron.predictions == n * predictions


def test_hot_and_cold_a_fixed_step_walks_to_and_fro_or_is_slow() -> None:
    rough, fine, finest = (
        hot_and_cold.learn(hot_and_cold.hot_and_cold, step) for step in (0.03, 0.001, 0.0001)
    )
    assert rough.settled() is None
    assert fine.settled() is None
    weights = [w for _, w, _ in rough.path]
    assert weights[-2:] == pytest.approx(weights[-4:-2])  # two weights, in turn
    assert abs(weights[-1] - weights[-2]) == pytest.approx(0.03)
    assert finest.settled() == pytest.approx(3 * 995, abs=9)
    warm = hot_and_cold.learn(hot_and_cold.gradient_descent, 0.05)
    assert warm.settled() == 11
    # Each step takes the same share of what is left: 1 - 2 rate input^2 stays of the distance.
    distances = [w - 0.4 for _, w, _ in warm.path[:10]]
    assert np.divide(distances[1:], distances[:-1]) == pytest.approx([0.6] * 9, rel=1e-9)


def test_hot_and_cold_scaling_reversal_and_stopping() -> None:
    changes = {
        x: hot_and_cold.first_change(hot_and_cold.gradient_descent, 0.05, x)
        for x in (-2.0, -1.0, 0.0, 1.0, 2.0)
    }
    assert changes[1.0] > 0.0
    assert changes[2.0] == pytest.approx(2.0 * changes[1.0])
    assert changes[-1.0] == pytest.approx(-changes[1.0])
    assert changes[-2.0] == pytest.approx(-changes[2.0])
    assert changes[0.0] == 0.0
    fixed = [hot_and_cold.first_change(hot_and_cold.hot_and_cold, 0.03, x) for x in (1.0, 2.0)]
    assert fixed == pytest.approx([0.03, 0.03])


def test_hot_and_cold_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = run(hot_and_cold, tmp_path, capsys)
    counts = dict(re.findall(r"^(.*?\d)  +(never|\d+) ", printed, re.MULTILINE))
    assert counts["hot and cold, step 0.03"] == "never"
    assert counts["gradient, rate 0.05"] == "11"


def test_training_steps_architecture_follows_the_data() -> None:
    assert training_steps.architecture(features=64, classes=10) == [128, 128, 10]
    assert training_steps.architecture(features=4, classes=3) == [8, 8, 3]


def test_training_steps_check_once_and_train_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, checked = [], []
    train = training_steps.train

    def watched(f: object, inputs: list[object]) -> object:
        checked.extend((p.label, p.data) for p in inputs)
        return gradcheck(f, inputs)

    monkeypatch.setattr(training_steps, "gradcheck", watched)
    monkeypatch.setattr(
        training_steps, "train", lambda *a: trained.append(train(*a)) or trained[-1]
    )
    printed = run(training_steps, tmp_path, capsys)
    (net, history) = trained[0]
    labels = [label for label, _ in checked]
    assert labels == [p.label for p in net.parameters()]  # all of them, and once
    assert len(labels) == 139
    # Before the first step: they are as they were drawn, small, and the biases zero.
    assert all(abs(data) <= training_steps.EPSILON for _, data in checked)
    assert all(data == 0.0 for label, data in checked if label.startswith("b"))
    assert history.relative_error < 1e-6
    assert history.check_seconds > 10.0 * float(np.median(history.step_seconds))
    assert len(history.costs) == training_steps.STEPS
    assert history.costs[-1] < history.costs[0] / 5.0
    assert history.training[-1] > 0.95
    assert history.test[-1] > 0.9
    assert "architecture 4-8-8-3: 139 parameters" in printed


def test_training_steps_does_not_start_with_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    training, test = training_steps.data(seed=0)
    assert (len(training[0]), len(test[0])) == (120, 30)
    with gradient_checking.planted() as bug:
        monkeypatch.setitem(ops.table, "sigmoid", ops.table[bug])
        with pytest.raises(GradientMismatch, match=r"w_\{00\}\^\{\(1\)\}"):
            training_steps.train(training, test, seed=0)
        monkeypatch.undo()
