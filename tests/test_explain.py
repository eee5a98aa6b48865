"""Explanations: the lessons' formulas, letter by letter; sums over paths that are the gradient."""

from __future__ import annotations

import dataclasses
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given

from demos import chain_rule
from micrograd import Value, affine, nn, ops, primitive, squared_error
from micrograd.engine import grad, topological_order
from tests.graphs import Program, flowing, little_stack, programs
from tests.test_mathtext import HOSTILE
from viz import Explanation, error_terms, explain
from viz.mathtext import text_of_label

Golden = Callable[[str, str], None]


def network() -> tuple[nn.MLP, Value]:
    """A 2-3-2 network, always the same, and its cost."""
    net = nn.MLP(2, [3, 2], activation="sigmoid", output="sigmoid", rng=np.random.default_rng(1))
    wanted = [Value(1.0, "y_0"), Value(0.0, "y_1")]
    outputs = net([0.5, -1.0])
    cost = ops.sum([squared_error(a, y) for a, y in zip(outputs, wanted, strict=True)])
    cost.label = "C_0"
    return net, cost


def labelled(label: str, v: Value) -> Value:
    v.label = label
    return v


def tables(mathml: str) -> list[ElementTree.Element]:
    """The rows of the MathML; fails if it is not well formed."""
    root = ElementTree.fromstring(mathml)
    assert root.tag == "math"
    assert root.get("display") == "block"
    return root.findall(".//mtr")


def check_every_form(explanation: Explanation) -> None:
    assert "\n" not in repr(explanation)
    assert str(explanation)
    assert tables(explanation.mathml())
    latex = explanation.latex()
    assert latex.startswith("\\begin{aligned}\n")
    assert latex.endswith("\n\\end{aligned}")
    escapes = latex.replace("\\{", "").replace("\\}", "")
    assert escapes.count("{") == escapes.count("}")
    assert explanation._repr_html_() == f"<div>{explanation.mathml()}</div>"
    assert explanation._repr_latex_() == f"$$\n{latex}\n$$"


def test_the_lessons_formulas_are_the_golden_ones(golden: Golden) -> None:
    net = chain_rule.build()
    values = [net.weights[-1], net.biases[-1], net.weights[-2], net.activations[-2]]
    explanations = [explain(net.cost, v) for v in values]
    golden("explain_chain_rule.txt", "\n\n".join(map(str, explanations)) + "\n")
    golden("explain_chain_rule.tex", "\n\n".join(e.latex() for e in explanations) + "\n")
    page = "\n".join(e.mathml() for e in explanations)
    golden("explain_chain_rule.html", f'<!DOCTYPE html>\n<meta charset="utf-8">\n{page}\n')


def test_the_last_weight_reads_like_the_lesson() -> None:
    net = chain_rule.build()
    assert str(explain(net.cost, net.weights[-1])).splitlines() == [
        "∂C₀/∂w⁽ᴸ⁾ = ∂z⁽ᴸ⁾/∂w⁽ᴸ⁾ · ∂a⁽ᴸ⁾/∂z⁽ᴸ⁾ · ∂C₀/∂a⁽ᴸ⁾",
        "          = a⁽ᴸ⁻¹⁾ · σ′(z⁽ᴸ⁾) · 2 (a⁽ᴸ⁾ − y)",
        "          = 0.48 · 0.2244 · (−0.68)",
        "          = −0.07324",
    ]


def test_a_2_3_2_network_is_the_golden_one(golden: Golden) -> None:
    net, cost = network()
    w = net.parameters()[0]
    a = cost.parents[0].parents[0].parents[0].arguments[1][0]
    explanations = [explain(cost, w), explain(cost, w, 1), explain(cost, a, 1)]
    shown = [*map(str, explanations), str(error_terms(cost))]
    golden("explain_2_3_2.txt", "\n\n".join(shown) + "\n")
    golden("explain_2_3_2.tex", "\n\n".join(e.latex() for e in explanations) + "\n")


def test_path_and_its_parts() -> None:
    net = chain_rule.build()
    w, cost, a, y = net.weights[-1], net.cost, net.activations[-1], net.target
    explanation = explain(cost, w)
    assert (explanation.root, explanation.value, explanation.count) == (cost, w, 1)
    (path,) = explanation.paths
    assert path.nodes == (w, a.parents[0], a, cost)
    before = net.activations[-2].data
    assert path.factors == pytest.approx([before, a.data * (1 - a.data), 2 * (a.data - y.data)])
    assert path.product == pytest.approx(math.prod(path.factors))
    assert path.share == 1.0
    assert cost.grad == w.grad == 0.0  # backward has not run, and did not
    with pytest.raises(dataclasses.FrozenInstanceError):
        explanation.total = 0.0  # type: ignore[misc]


def brute_force(root: Value, v: Value) -> list[tuple[Value, ...]]:
    """All paths, found from the other end, by recursion."""
    if root is v:
        return [(v,)]
    return [(*path, root) for k in flowing(root) for path in brute_force(root.parents[k], v)]


@given(programs(max_steps=7))
def test_products_sum_to_the_gradient_and_every_path_is_found(program: Program) -> None:
    inputs = [Value(x) for x in program.inputs]
    root = program(inputs)
    root.backward()
    for v in inputs:
        expected = brute_force(root, v) if root is not v else [(v,)]
        if len(expected) > 3000:
            continue
        explanation = explain(root, v, max_paths=3000)
        assert explanation.count == len(expected)
        key = lambda path: [id(node) for node in path]  # noqa: E731
        assert sorted((p.nodes for p in explanation.paths), key=key) == sorted(expected, key=key)
        size = max(1.0, sum(abs(p.product) for p in explanation.paths))
        assert explanation.total == pytest.approx(v.grad, rel=1e-9, abs=1e-9 * size)
        for terms in (explanation.paths, explanation.steps):
            if terms:
                total = sum(p.product for p in terms)
                assert total == pytest.approx(explanation.total, rel=1e-9, abs=1e-9 * size)
        for node in topological_order(root):
            if node.op is not None and explanation.count <= 16:
                assert node.grad == pytest.approx(
                    explain(root, node).total, rel=1e-9, abs=1e-9 * size
                )
        check_every_form(explain(root, v))


def test_counting_is_linear() -> None:
    x = Value(1.0, "x")
    z = x
    for _ in range(2000):
        z = z * 0.5 + z * 0.5
    explanation = explain(z, x)
    assert explanation.count == 2**2000
    assert explanation.paths == ()
    assert explanation.total == 1.0
    assert [step.product for step in explanation.steps] == [0.5, 0.5]
    assert str(explanation).startswith("about 10⁶⁰² paths lead from x to v₆₀₀₀; ")
    check_every_form(explanation)


def test_a_number_of_paths_too_long_for_python_to_print() -> None:
    x = z = Value(1.0, "x")
    for _ in range(20_000):
        z = z * z
    assert "10⁶⁰²¹ paths" in repr(explain(z, x))


def test_a_long_chain_is_shortened_and_needs_no_stack() -> None:
    x = z = Value(0.3, "x")
    for _ in range(100_000):
        z = -z
    with little_stack():
        explanation = explain(z, x)
    assert explanation.count == 1
    assert len(explanation.paths[0].factors) == 100_000
    assert explanation.total == 1.0
    lines = str(explanation).splitlines()
    assert [line.count("…") for line in lines] == [1, 1, 0]  # formulas and numbers are the same
    assert lines[0].startswith("∂v₁₀₀₀₀₀/∂x = ∂v₁/∂x · ∂v₂/∂v₁ · ")
    assert max(map(len, lines)) < 250


def test_a_value_used_twice_by_one_operation_has_two_paths() -> None:
    x = Value(3.0, "x")
    explanation = explain(labelled("y", x * x), x)
    assert explanation.count == 2
    assert str(explanation) == (
        "∂y/∂x = x\n"
        "      + x\n"
        "      = 3 = 3  50.0 %  █████\n"
        "      + 3 = 3  50.0 %  █████\n"
        "      = 6"
    )


def test_a_value_used_twice_on_a_longer_way_has_one_chain_of_derivatives() -> None:
    w, x = Value(3.0, "w"), Value(0.5, "x")
    z = labelled("z", w * w)
    u = labelled("u", w * x)
    explanation = explain(labelled("C", z.tanh() * u), w)
    assert explanation.count == 3
    assert str(explanation).splitlines()[:5] == [
        "∂C/∂w = ∂z/∂w · ∂v₁/∂z · ∂C/∂v₁",
        "      + ∂u/∂w · ∂C/∂u",
        "      = w · tanh′(z) · u",
        "      + w · tanh′(z) · u",
        "      + x · v₁",
    ]
    step = explain(labelled("C", z.tanh() * z), w, max_paths=1)
    assert str(step).splitlines()[1:4] == [
        "∂C/∂w = ∂z/∂w · ∂C/∂z",
        "      = w · ∂C/∂z",
        "      + w · ∂C/∂z",
    ]
    check_every_form(explanation)
    check_every_form(step)


def test_two_long_ways_that_differ_in_the_middle_only_stay_two() -> None:
    x = z = Value(1.0, "x")
    for i in range(16):
        z = z.sin() + z.cos() if i == 8 else z.tanh()
    explanation = explain(z, x)
    assert explanation.count == 2
    assert [str(explanation).splitlines()[i][7:].split()[0] for i in range(3)] == ["=", "+", "="]


def test_shares_of_opposite_sign() -> None:
    x = Value(2.0, "x")
    explanation = explain(x * 3.0 - x, x)
    assert [path.share for path in explanation.paths] == [1.5, -0.5]
    assert "150.0 %" in str(explanation)
    assert "−50.0 %" in str(explanation)
    nothing = explain(x - x, x)
    assert all(math.isnan(path.share) for path in nothing.paths)
    assert "%" not in str(nothing)
    check_every_form(nothing)


@pytest.mark.parametrize(
    "taken", ["v_1", "v_{1}", "v_{ 1 }", "v₁", r"\mathrm{v}_1", r"v_\text{1}", "v1"]
)
def test_automatic_names_are_never_names_that_were_given(taken: str) -> None:
    a, b = Value(1.0, taken), Value(2.0, "v_3")
    explanation = explain(labelled("C", (a * b + 1.0).tanh() * b), a)
    assert str(explanation).splitlines()[0].partition(" = ")[2] == (
        f"∂v₂/∂{text_of_label(taken)} · ∂v₄/∂v₂ · ∂v₅/∂v₄ · ∂C/∂v₅"
    )
    assert "v_{5}" in explanation.latex()
    v = Value(1.0, "v")
    assert str(explain((v * Value(2.0, "v_x")).tanh(), v)).startswith("∂v₂/∂v = ∂v₁/∂v · ")


def test_the_root_itself_and_what_it_does_not_depend_on() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    one, none = explain(x, x), explain(x, y)
    assert (one.count, one.total, one.steps) == (1, 1.0, ())
    assert one.paths[0].nodes == (x,)
    assert str(one) == "∂x/∂x = 1"
    assert (none.count, none.total, none.paths, none.steps) == (0, 0.0, (), ())
    assert str(none) == "x does not depend on y: no path leads there.\n∂x/∂y = 0"
    unlabelled = explain(x, Value(1.0))
    assert "v₁" in str(unlabelled)
    for explanation in (one, none, unlabelled):
        check_every_form(explanation)


def test_many_uses_of_one_value_are_shortened() -> None:
    x = Value(0.5, "x")
    explanation = explain(ops.sum([x] * 40), x)
    assert (explanation.count, len(explanation.steps), explanation.total) == (40, 40, 40.0)
    assert str(explanation).count("… 24 more") == 2  # of the derivatives there is but one
    check_every_form(explanation)
    used = [labelled(f"u_{i}", x * float(i)) for i in range(2, 42)]
    assert str(explain(ops.sum(used), x)).count("… 24 more") == 3


def test_formulas_by_cases_show_the_case_that_applies() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    assert str(explain(labelled("m", ops.maximum(x, y)), y)) == "∂m/∂y = [y − x > 0]\n      = 1"
    assert str(explain(labelled("m", ops.maximum(x, x * 1.0)), x)).count("0.5") == 6
    power = str(explain(labelled("p", x**y), x))
    assert power == "∂p/∂x = y xʸ⁻¹\n      = 12"


def test_custom_primitive() -> None:
    softer = primitive(
        "soft_er",
        floats=math.tanh,
        arrays=np.tanh,
        partials=[lambda z, x: 1.0 - z * z],
    )
    plain = primitive(
        "plain",
        floats=lambda x: x * x,
        arrays=lambda x: x * x,
        partials=[lambda z, x: 2.0 * x],
        latex="{x:4}^2",
    )
    x = Value(0.5, "x")
    explanation = explain(labelled("C", softer(labelled("u", plain(x)))), x)
    assert str(explanation).splitlines()[1] == "      = 2 x · soft_er′(u)"
    assert "\\operatorname{soft\\_er}^{\\prime}" in explanation.latex()
    check_every_form(explanation)


@pytest.mark.filterwarnings("ignore:explain. the label")
@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels(label: str) -> None:
    x = Value(0.5, label)
    explanation = explain(labelled(label[::-1], (x * x).sigmoid()), x)
    check_every_form(explanation)
    for text in (str(explanation), explanation.mathml(), explanation.latex()):
        assert not any(ord(c) < 32 and c != "\n" for c in text)
    for text in (explanation.mathml(), explanation.latex()):
        assert "<script" not in text
        assert "<img" not in text
    assert len(str(explanation).splitlines()) == 6


def test_what_is_not_chosen_gets_nothing_of_an_infinite_gradient() -> None:
    x = Value(-1.0, "x")
    y = x.relu().sqrt()
    y.backward()
    explanation = explain(y, x)
    assert explanation.total == x.grad == grad(y, x).data == 0.0
    assert explanation.paths[0].product == 0.0


def test_error_terms_are_the_biases_gradients() -> None:
    net, cost = network()
    terms = error_terms(cost)
    cost.backward()
    biases = [neuron.b for layer in net.layers for neuron in layer.neurons]
    assert [z.label for z in terms] == [b.label.replace("b", "z") for b in biases]
    assert list(terms.values()) == pytest.approx([b.grad for b in biases])
    assert [line for line in str(terms).splitlines() if "layer" in line] == ["layer 1", "layer 2"]


def test_error_terms_without_labels_are_grouped_by_what_the_neurons_read() -> None:
    x = [Value(1.0), Value(2.0)]
    hidden = [affine([Value(0.1), Value(0.2)], x, Value(0.0)) for _ in range(2)]
    cost = affine([Value(1.0), Value(-1.0)], hidden, Value(0.0))
    lines = str(error_terms(cost)).splitlines()
    assert [line for line in lines if "layer" in line] == ["layer 1 of 2", "layer 2 of 2"]
    assert [line.rpartition(" = ")[2] for line in lines if " = " in line] == ["1", "−1", "1"]
    assert str(error_terms(Value(1.0))) == "no z = w a + b"


def test_errors_say_what_was_expected() -> None:
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"explain: expected a Value as root, got float 1\.0"):
        explain(1.0, x)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="explain: expected a Value as w, got str 'x'"):
        explain(x, "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_paths to be at least 1, got 0"):
        explain(x, x, max_paths=0)
    with pytest.raises(TypeError, match=r"an integer as max_paths, got 2\.5"):
        explain(x, x, max_paths=2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="error_terms: expected a Value as cost"):
        error_terms([x])  # type: ignore[arg-type]
