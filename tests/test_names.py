"""What Values are called: each by its label, and no two of a graph alike."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import Value, affine, ops, parameter
from micrograd.engine import topological_order
from micrograd.losses import squared_error
from micrograd.nn import MLP
from micrograd.symbols import Symbol, evaluate
from tests.graphs import Program, programs
from tests.test_mathtext import HOSTILE, plain
from viz import draw, error_terms, explain, page
from viz.derivation import LATEX, MATHML, TEXT, Notation
from viz.labels import indexed
from viz.mathtext import html_of_label, text_of_label
from viz.names import Namer, bare, cases
from viz.pagedata import References


def labelled(label: str, v: Value) -> Value:
    v.label = label
    return v


def two_samples() -> Value:
    """The mean cost of two samples through one network."""
    net = MLP(2, [2, 1], activation="sigmoid", output="sigmoid")
    for i, p in enumerate(net.parameters()):
        p.data = ((7 * i) % 11 - 5) / 4
    samples = [([0.0, 1.0], 1.0), ([1.0, 1.0], 0.0)]
    costs = [labelled("C_0", squared_error(net(x), y)) for x, y in samples]
    return labelled("C", ops.sum(costs) / 2.0)


def titles(dot: str) -> list[str]:
    """The titles of a picture's boxes, as a reader sees them."""
    return [plain(title) for title in re.findall(r'POINT-SIZE="14"><B>(.*?)</B>', dot)]


def test_two_weights_with_one_label_are_told_apart() -> None:
    w, w2 = parameter(2.0, "w"), parameter(3.0, "w")
    t = labelled("t", w * w2 + w2)
    assert str(explain(t, w)).splitlines()[:2] == [
        "∂t/∂w₁ = ∂v₁/∂w₁ · ∂t/∂v₁",
        "       = w₂ · 1",
    ]
    assert str(explain(t, w2)).startswith("∂t/∂w₂ = ")
    assert "w_{2}" in explain(t, w).latex()
    assert titles(draw(t).source) == ["w1", "w2", "v1", "t"]
    text = page(t).html
    assert all(f'"text":"w{index}"' in text for index in "₁₂")
    assert '"text":"w"' not in text


@pytest.mark.parametrize(
    ("label", "first", "text"),
    [
        ("w", "w_{1}", "w₁"),
        (" w ", "w_{1}", "w₁"),
        (r"\sigma", r"\sigma_{1}", "σ₁"),
        ("w_{jk}^{(l)}", "w_{jk,1}^{(l)}", "wⱼₖ,₁⁽ˡ⁾"),
        ("z^{(l)}_{j}", "z^{(l)}_{j,1}", "z⁽ˡ⁾ⱼ,₁"),
        ("w^{(L)}", "w_{1}^{(L)}", "w₁⁽ᴸ⁾"),
        ("C_0", "C_{0,1}", "C₀,₁"),
        (r"x_\alpha^2", r"x_{\alpha,1}^2", "x_(α,1)²"),
        ("x_{1}_2", "x_{1}_{2,1}", "x₁₂,₁"),
        ("{x_1}", "{{x_1}}_{1}", "x₁₁"),
        ("x^{_1}", "x_{1}^{_1}", "x₁^(₁)"),
        (r"x_\frac{a}{b}", r"{x_\frac{a}{b}}_{1}", "x_(a/b)₁"),
        ("w1", "{w1}_{1}", "w1₁"),
        ("2", "{2}_{1}", "2₁"),
        ("{w}", "{{w}}_{1}", "w₁"),
        (r"\sqrt{x}", r"{\sqrt{x}}_{1}", "√(x)₁"),
        (r"\frac{a}{b}", r"{(\frac{a}{b})}_{1}", "(a/b)₁"),
        ("x y", "{(x y)}_{1}", "(x y)₁"),
        ("a + b", "{(a + b)}_{1}", "(a + b)₁"),
        ("loss", "loss (1)", "loss (1)"),
        ("a_prev", "a_prev (1)", "a_prev (1)"),
        ("learning rate", "learning rate (1)", "learning rate (1)"),
        ("50% {ok}", "50% {ok} (1)", "50% {ok} (1)"),
        ("激活值", "激活值 (1)", "激活值 (1)"),
        ("w^{(L", "w^{(L (1)", "w^{(L (1)"),
        # With a plain space these would be formulas.
        (r"\frac{a}", "\\frac{a}\u00a0(1)", "\\frac{a}\u00a0(1)"),
        ("{}", "{}\u00a0(1)", "{}\u00a0(1)"),
        ("^", "^\u00a0(1)", "^\u00a0(1)"),
    ],
)
def test_an_index_is_put_where_a_reader_looks_for_it(label: str, first: str, text: str) -> None:
    assert indexed(label, 1) == first
    assert text_of_label(first) == text


@pytest.mark.parametrize("taken", ["w_1", "w_{1}", "w₁", "w1", " w_1 ", r"\mathrm{w}_1"])
def test_an_index_that_somebody_has_is_passed_over(taken: str) -> None:
    leaves = [Value(1.0, "w"), Value(2.0, taken), Value(3.0, "w"), Value(4.0, "w_3")]
    root = labelled("C", ops.sum(leaves))
    names = Notation(topological_order(root), TEXT)
    assert [names.name(v) for v in leaves] == ["w₂", text_of_label(taken), "w₄", "w₃"]


def test_numbers_of_values_without_a_label_make_room_for_indices() -> None:
    a, b = Value(1.0, "v"), Value(2.0, "v")
    assert titles(draw((a * b).tanh()).source) == ["v1", "v2", "v3", "v4"]


def test_labels_that_are_written_differently_and_look_alike_are_one() -> None:
    for one, other in (("w_1", "w_{1}"), ("loss", "loss "), ("a + b", "a+b"), ("σ", r"\sigma")):
        pair = Value(1.0, one), Value(2.0, other)
        names = Namer(pair)
        assert len({names.name(v) for v in pair}) == 2
        assert {names.name(v) for v in pair}.isdisjoint({html_of_label(one), html_of_label(other)})
    pair = Value(1.0, "w1"), Value(2.0, "w_1")  # these can be told apart
    assert [Notation(pair, TEXT).name(v) for v in pair] == ["w1", "w₁"]


def test_long_labels_that_end_differently_are_told_apart() -> None:
    pair = [Value(1.0, "a" * 100 + end) for end in "xy"]
    product = labelled("C", pair[0] * pair[1])
    one, other, _ = titles(draw(product).source)
    assert (one[-5:], other[-5:]) == ("… (1)", "… (2)")
    assert f"∂{one}" in str(explain(product, pair[0]))


@pytest.mark.parametrize("fold", [None, "neurons", "layers"])
def test_two_samples_of_a_network(fold: str | None) -> None:
    cost = two_samples()
    shown = titles(draw(cost, fold=fold).source)
    assert len(set(shown) - {"2", "1", "0"}) == len([t for t in shown if not t.isdigit()])
    boxes = {
        None: ["w00(1)", "z0,1(1)", "a0,2(1)", "a1,2(0)", "a2(2)", "C0,1", "C0,2", "C"],
        "neurons": ["a0,1(1)", "a0,2(1)", "a1(2)", "a2(2)", "C0,1", "C0,2", "C"],
        "layers": ["a0,1(0) … a1,1(0)", "a0,2(1) … a1,2(1)", "a2(2)", "C0,2", "C"],
    }
    assert set(boxes[fold]) <= set(shown)


def test_error_terms_of_two_samples_are_told_apart_and_stay_in_their_layers() -> None:
    lines = str(error_terms(two_samples())).splitlines()
    assert [line.partition(" =")[0].rstrip() for line in lines] == [
        "layer 1",
        "  ∂C/∂z₀,₁⁽¹⁾",
        "  ∂C/∂z₁,₁⁽¹⁾",
        "  ∂C/∂z₀,₂⁽¹⁾",
        "  ∂C/∂z₁,₂⁽¹⁾",
        "layer 2",
        "  ∂C/∂z₁⁽²⁾",
        "  ∂C/∂z₂⁽²⁾",
    ]


def test_a_value_is_called_the_same_in_every_explanation_and_picture() -> None:
    cost = two_samples()
    order = topological_order(cost)
    drawn = Namer(order)
    for v in order:
        if v.kind == "constant" and not v.label:
            continue
        name = unicodedata.normalize("NFKC", str(explain(cost, v)).partition(" = ")[0])
        assert re.sub("[_()]", "", name.replace("−", "-")) == (
            f"∂C/∂{re.sub('[_()]', '', plain(drawn.name(v)))}"
        )


def test_a_value_that_is_not_in_the_graph_leaves_the_names_in_it_as_they_are() -> None:
    x, C = Value(2.0, "x"), labelled("C", Value(1.0, "x").exp())
    assert str(explain(C, x)) == "C does not depend on x₁: no path leads there.\n∂C/∂x₁ = 0"
    assert str(explain(C, Value(2.0, "C"))).startswith("C does not depend on C₁: ")
    assert str(explain(Value(1.0).exp(), Value(2.0, "v_1"))).startswith(
        "v₂ does not depend on v₁,₁: "
    )
    assert str(explain(C, Value(2.0, "y"))).startswith("C does not depend on y: ")


def test_the_names_are_the_same_in_every_run() -> None:
    assert draw(two_samples()).source == draw(two_samples()).source
    many = [Value(1.0, "x") for _ in range(300)]
    assert [Notation(many, LATEX).name(v) for v in many] == [f"x_{{{i}}}" for i in range(1, 301)]


def test_names_with_an_index_keep_together_in_formulas() -> None:
    pair = [Value(1.0, "a + b"), Value(2.0, "a + b")]
    notation = Notation(pair, TEXT)
    one, other = map(notation.symbol, pair)
    assert notation.write((one * other - one).latex()) == "(a + b)₁ · (a + b)₂ − (a + b)₁"
    for label, square in (("(a + b)", "(a + b)²"), ("(a) + (b)", "((a) + (b))²")):
        alone = Value(1.0, label)
        notation = Notation([alone], TEXT)
        symbol = notation.symbol(alone)
        assert notation.write((symbol * symbol).latex()) == square
    pair = [Value(1.0, "w1"), Value(2.0, "w1")]
    notation = Notation(pair, TEXT)
    one, other = map(notation.symbol, pair)
    assert notation.write((one * other).latex()) == "w1₁ w1₂"


LABELS = (
    st.sampled_from("w w_1 w_{1} w₁ w1 v v_1 v_{2} v₃ v1 w_{jk}^{(l)} loss x_q x_(q) σ".split())
    | st.sampled_from([" w", "loss (1)", r"\sigma", "a + b", "a+b", "a b", "w_{1,1}", *HOSTILE])
    | st.text("w1_^{}\\ ()+,", max_size=8)
    | st.text(max_size=3)
)


def names_of(order: list[Value]) -> list[list[str]]:
    """What the values are called, in each of the ways to write it."""
    called = [v for v in order if v.label or v.kind != "constant"]
    drawn, listed = Namer(order), References(order)
    return [
        [drawn.name(v) for v in called],
        *([Notation(order, f).name(v) for v in called] for f in (TEXT, LATEX, MATHML)),
        *([listed.written(v, f) for v in called] for f in (TEXT, MATHML)),
    ]


@given(programs(max_steps=8), st.lists(LABELS, min_size=1, max_size=4), st.data())
def test_no_two_values_of_a_graph_have_one_name(
    program: Program, labels: list[str], data: st.DataObject
) -> None:
    root = program([Value(x) for x in program.inputs])
    order = topological_order(root)
    for v in order:  # few labels for many values
        v.label = data.draw(st.sampled_from([*labels, ""]))
    for names in names_of(order):
        assert len(set(names)) == len(names), names
        assert all(names)


@given(st.text('w1_^{}\\ ()-+=<,.*/"', max_size=10) | st.text(max_size=4))
def test_what_looks_alike_is_alike_without_its_brackets(label: str) -> None:
    assert bare(label) == bare(text_of_label(label))


@given(LABELS, st.integers(1, 10**6))
def test_an_index_shows(label: str, n: int) -> None:
    names = [text_of_label(indexed(label, i)) for i in (n, n + 1)]
    assert names[0] != names[1]
    assert str(n) in unicodedata.normalize("NFKC", names[0])


def test_an_affine_node_of_one_label_writes_both_names() -> None:
    w = [parameter(1.0, "w"), parameter(2.0, "w")]
    x = [Value(3.0, "x"), Value(4.0, "x")]
    z = affine(w, x, parameter(0.5, "b"))
    assert "w1 x1 + w2 x2 + b" in plain(Namer(topological_order(z)).operation(z))


def by_hand(formula: Any, numbers: Mapping[str, float]) -> float:
    """A formula's number, its cases decided one by one."""
    for conditions, one in cases(formula):
        if all((evaluate(condition, numbers) != 0.0) is truth for condition, truth in conditions):
            return evaluate(one, numbers)
    raise AssertionError("no case applies")


X, Y, Z = map(Symbol, "xyz")
BY_CASES = {
    "independent": ops.where(X, 2.0, 3.0) * ops.where(Y, 5.0, 7.0),
    "three": ops.where(X, 2.0, 3.0) * ops.where(Y, 5.0, 7.0) + ops.where(Z, 11.0, 13.0),
    "inside the first": ops.where(X, ops.where(Y, 2.0, 3.0), 5.0) * ops.where(Z, 7.0, 11.0),
    "inside the second": ops.where(X, 2.0, ops.where(Y, 3.0, 5.0)) * ops.where(Z, 7.0, 11.0),
    "in the condition": ops.where(ops.where(X, Y, Z), 2.0, 3.0) * ops.where(X, 5.0, 7.0),
    "a number in the condition": ops.where(ops.where(X, 0.0, 1.0), 2.0, 3.0) + ops.where(Y, X, Z),
    "the same twice": ops.where(X, 2.0, 3.0) + ops.where(X, 5.0, 7.0),
}


@pytest.mark.parametrize("formula", BY_CASES.values(), ids=BY_CASES)
def test_every_case_of_a_formula_is_there_once_and_is_right(formula: Any) -> None:
    for point in itertools.product([0.0, 1.0], repeat=3):
        numbers = dict(zip("xyz", point, strict=True))
        assert by_hand(formula, numbers) == evaluate(formula, numbers)
    asked = [condition for conditions, _ in cases(formula) for condition, _ in conditions]
    assert all(isinstance(condition, Symbol) for condition in asked)
    found = [tuple(truth for _, truth in conditions) for conditions, _ in cases(formula)]
    assert len(set(found)) == len(found)
    assert sum(0.5 ** len(answers) for answers in found) == 1.0  # none is missing


def test_two_independent_conditions_are_four_cases() -> None:
    shown = [
        (one, [truth for _, truth in conditions])
        for conditions, one in cases(BY_CASES["independent"])
    ]
    assert sorted(shown) == [
        (10.0, [True, True]),
        (14.0, [True, False]),
        (15.0, [False, True]),
        (21.0, [False, False]),
    ]
