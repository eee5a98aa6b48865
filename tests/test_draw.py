"""The picture: what is in it, exactly; what cannot be drawn, and how that is said."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from demos.chain_rule import build
from micrograd import Value, affine, exp, maximum, ops
from micrograd.losses import l2, squared_error
from micrograd.nn import MLP, Layer, Neuron
from viz import TooManyNodesError, draw, draw_dot
from viz.mathtext import html_of_label, number
from viz.style import LIGHT, SHAPES, sign


def network(sizes: list[int], x: list[float]) -> tuple[MLP, Value]:
    """A small sigmoid network with fixed weights, and its cost."""
    net = MLP(sizes[0], sizes[1:], activation="sigmoid", output="sigmoid")
    for i, p in enumerate(net.parameters()):
        p.data = ((7 * i) % 11 - 5) / 4
    out = net(x)
    outputs = out if isinstance(out, list) else [out]
    cost = squared_error(outputs, [1.0] + [0.0] * (len(outputs) - 1))
    cost.label = "C"
    cost.backward()
    return net, cost


def test_the_chain_rule_tree_is_the_golden_one(golden: Callable[[str, str], None]) -> None:
    net = build()
    net.cost.backward()
    golden("chain_rule.dot", draw(net.cost).source)


def test_a_highlighted_path_is_the_golden_one(golden: Callable[[str, str], None]) -> None:
    net = build()
    net.cost.backward()
    golden("chain_rule_path.dot", draw(net.cost, highlight=net.weights[-1], direction="TB").source)


@pytest.mark.parametrize("fold", [None, "neurons", "layers"])
def test_a_2_3_2_network_is_the_golden_one(
    fold: str | None, golden: Callable[[str, str], None]
) -> None:
    _, cost = network([2, 3, 2], [0.5, -1.0])
    golden(f"mlp_{fold}.dot", draw(cost, fold=fold).source)


def test_every_node_shows_value_and_gradient_and_every_edge_its_local_derivative() -> None:
    net = build()
    net.cost.backward()
    text = draw(net.cost).source
    for v in [*net.weights, *net.biases, *net.activations, net.target, net.cost]:
        name = html_of_label(v.label)
        [box] = [line for line in text.splitlines() if f"<B>{name}</B>" in line]
        assert f"<B>{number(v.data)}</B>" in box
        colour = LIGHT[sign(v.grad)]
        written = f'<FONT COLOR="{colour}">{number(v.grad)}</FONT>'
        assert f"∂{html_of_label('C_0')}/∂{name} = {written}" in box
        assert (f'BGCOLOR="{colour}"' in box) == (v.grad != 0.0)  # its bar
    arrows = [line for line in text.splitlines() if re.match(r"\tn\d+ -> n\d+ ", line)]
    assert len(arrows) == 3 * 3 + 3 + 2  # w, a, b into each z; z into each a; a, y into C0
    assert sum(">0.2244</FONT>" in line for line in arrows) == 1
    assert all("label=<" in line for line in arrows)
    [arrow] = [line for line in arrows if ">0.48</FONT>" in line]
    name = f"∂{html_of_label('z^{(L)}')}/∂{html_of_label('w^{(L)}')}"
    # dz/dw = a = 0.48
    assert f"{name} = {html_of_label('a^{(L-1)}')}</TD></TR><TR><TD>= <FONT" in arrow


def test_names_do_not_depend_on_the_process() -> None:
    def once() -> str:
        x = Value(2.0, "x")
        y = x * x + exp(x)
        y.backward()
        return draw(y).source

    assert once() == once()


def test_the_same_parent_twice_is_two_edges() -> None:
    x = Value(3.0, "x")
    y = x * x
    y.backward()
    assert draw(y).source.count("n0 -> n1") == 2


def test_a_square_is_shown_as_one() -> None:
    a, h = Value(3.0, "a"), Value(0.5, "x").tanh()
    h.label = "h"
    small = re.sub(r"\u200a|</?FONT[^>]*>", "", draw(a * a + h).source)
    assert "= <I>a</I><SUP>2</SUP></TD>" in small
    small = re.sub(r"\u200a|</?FONT[^>]*>", "", draw(h * 2.0, direction="TB").source)
    assert "1 − <I>h</I><SUP>2</SUP>" in small


def test_the_case_that_applies_is_shown_alone() -> None:
    x = Value(3.0, "x")
    y = maximum(x**2, 1.0)
    y.backward()
    text = draw(y).source
    assert "otherwise" not in text
    assert "2 <I>x</I></TD>" in text or "2 <I>x</I> = " in text


def test_shapes_tell_the_kinds_apart_and_the_legend_says_so() -> None:
    net = build()
    net.cost.backward()
    text = draw(net.cost * 2.0).source
    for kind, v in [("parameter", net.weights[0]), ("input", net.target), ("operation", net.cost)]:
        [box] = [s for s in text.splitlines() if f"<B>{html_of_label(v.label)}</B>" in s]
        [entry] = [s for s in text.splitlines() if s.startswith(f"\tlegend_{kind} ")]
        for line in (box, entry):
            assert f"shape={SHAPES[kind][1]['shape']} " in line
            assert ("rounded" in line) == (kind == "parameter")
        assert f">{kind}<" in entry
    assert ">constant<" in text
    assert "legend" not in draw(net.cost, legend=False).source


@pytest.mark.parametrize("fold", [None, "neurons", "layers"])
def test_the_legend_names_the_shapes_that_are_seen_and_no_others(fold: str | None) -> None:
    net, cost = network([2, 3, 2], [0.5, -1.0])
    neuron = net.layers[0].neurons[0]
    for highlight in (None, cost, cost.parents[0], *([] if fold else [neuron.w[0], neuron.b])):
        text = draw(cost * 2.0, fold=fold, highlight=highlight).source
        entries = set(re.findall(r"\tlegend_(parameter|input|constant|operation|group) ", text))
        kinds = {"operation", "constant", "parameter" if fold is None else "group"}
        assert entries == kinds
        assert ("off the highlighted paths" in text) is (highlight is not None)


def test_blue_is_positive_and_orange_negative() -> None:
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    text = draw(x * y).source
    colours = dict(re.findall(r'\t(n\d) -> n\d \[.*> color="(#\w+)"', text))
    assert colours == {"n0": LIGHT["negative"], "n1": LIGHT["positive"]}
    assert f'<FONT COLOR="{LIGHT["negative"]}">−3</FONT>' in text
    assert f'<FONT COLOR="{LIGHT["positive"]}">2</FONT>' in text


def test_automatic_names_are_never_names_that_were_given() -> None:
    a, b = Value(1.0, " v_1 "), Value(2.0, "v_{2}")
    text = draw((a * b + 1.0).tanh()).source
    titles = re.findall(r'POINT-SIZE="14"><B>(.*?)</B>', text)
    assert len(titles) == 6
    assert len(set(titles)) == 6


def test_edges_are_the_wider_the_more_they_add() -> None:
    a, b = Value(1.0, "a"), Value(1.0, "b")
    c = 3.2 * a + 0.1 * b
    c.backward()
    text = draw(c).source
    width = {
        tail: float(pen) for tail, pen in re.findall(r"(n\d+) -> n\d+ .*?penwidth=([\d.]+)", text)
    }
    names = {v: re.findall(rf"(n\d+) \[label=<.*?<B><I>{v}</I></B>", text)[0] for v in "ab"}
    assert width[names["a"]] > 2 * width[names["b"]]


def test_highlight_brings_out_all_paths_and_nothing_else() -> None:
    x, y = Value(1.0, "x"), Value(2.0, "y")
    cost = (x * y + x.exp()) * (y + 1)
    cost.backward()
    text = draw(cost, highlight=x).source
    arrows = [line for line in text.splitlines() if re.match(r"\tn\d+ -> n\d+ ", line)]
    bright = [line for line in arrows if f'color="{LIGHT["line"]}"' not in line]
    # x -> x*y, x -> exp x, both into the sum, the sum into the product
    assert len(bright) == 5
    with pytest.raises(ValueError, match="does not depend on"):
        draw(cost, highlight=Value(1.0))


def test_a_folded_neuron_shows_the_derivative_through_it() -> None:
    net, cost = network([2, 3, 2], [0.5, -1.0])
    text = draw(cost, fold="neurons").source
    output = cost.parents[0].parents[0]
    weight = net.layers[1].neurons[0].w[2]
    local = weight.data * output.data * (1 - output.data)
    assert f">{number(local)}</FONT></TD>" in text
    assert text.count("3 weights, 1 bias") == 2


def test_the_lessons_network_folds_into_few_boxes() -> None:
    _, cost = network([784, 16, 16, 10], [0.5] * 784)
    with pytest.raises(TooManyNodesError, match=r"13,\d{3} boxes.*max_nodes=200.*fold='layers'"):
        draw(cost)
    with pytest.raises(TooManyNodesError, match="fold='layers'"):
        draw(cost, fold="neurons")
    text = draw(cost, fold="layers").source
    assert "12,544 weights, 16 biases" in text
    assert "784 inputs" in text


def test_hand_made_neurons_of_inputs_are_not_folded() -> None:
    x = Value(1.0, "x")
    y = (x * 2.0 + 1.0).relu()
    y.backward()
    assert draw(y, fold="neurons").source == draw(y).source


def test_draw_dot_takes_the_notebooks_arguments() -> None:
    x = Value(1.0)
    y = (x * 2 + 1).relu()
    y.backward()
    dot = draw_dot(y, format="png", rankdir="TB")
    assert dot.format == "png"
    heights = re.findall(r'\tn\d+ \[.* pos="[-\d.]+,([-\d.]+)"', dot.source)
    assert float(heights[0]) > float(heights[-1])  # top down: the root is the lowest


def test_a_single_leaf_can_be_drawn() -> None:
    assert "<I>x</I>" in draw(Value(1.0, "x")).source


def test_infinite_gradients_are_drawn() -> None:
    x = Value(0.0, "x")
    y = x.log()
    y.backward()
    assert "∞" in draw(y).source


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"root": 3.0}, TypeError, "expected a Value to draw, got float 3.0"),
        ({"highlight": "w"}, TypeError, "expected a Value as highlight, got 'w'"),
        ({"fold": "rows"}, ValueError, "fold to be None, 'neurons' or 'layers', got 'rows'"),
        ({"direction": "UP"}, ValueError, "LR, TB, RL or BT, got 'UP'"),
        ({"max_nodes": 1}, TooManyNodesError, "2 boxes, more than max_nodes=1"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    arguments: dict[str, object] = {"root": Value(1.0).exp(), **options}
    with pytest.raises(error, match=re.escape(message)):
        draw(arguments.pop("root"), **arguments)  # type: ignore[arg-type]


def test_too_many_boxes_names_the_fold_that_fits() -> None:
    net = MLP(20, [30, 30, 1], activation="tanh")
    cost = squared_error(net([0.1] * 20), 1.0)
    for fold, most, says in (
        (None, 600, "1,734 boxes, more than max_nodes=600; fold='neurons' draws .*, 83 in all, or"),
        (None, 80, "1,734 boxes, .*; fold='layers' draws layers as one box each, 6 in all, or"),
        ("neurons", 80, "83 boxes, .*; fold='layers' draws .*, 6 in all, or"),
        (None, 5, "1,734 boxes, .*; there are 6 even with fold='layers'; "),
        ("layers", 5, "6 boxes, more than max_nodes=5; "),
    ):
        with pytest.raises(TooManyNodesError, match=f"would have {says} ?raise max_nodes$"):
            draw(cost, fold=fold, max_nodes=most)
        fits = re.search(r"fold='(\w+)' draws", says)
        if fits:
            draw(cost, fold=fits[1], max_nodes=most)


def test_the_gradient_shown_is_that_of_this_root_and_what_has_accumulated_is_told_apart() -> None:
    x, y = Value(3.0, "x"), Value(2.0, "y")
    (x * 7.0).backward()
    product = x * y
    product.label = "C"
    product.backward()
    text = draw(product).source
    assert f'∂<I>C</I>/∂<I>x</I> = <FONT COLOR="{LIGHT["positive"]}">2<' in text
    assert "accumulated: 9<" in text
    assert text.count("accumulated") == 1


def test_without_a_backward_pass_the_derivatives_are_right_all_the_same() -> None:
    x = Value(3.0, "x")
    square = x * x
    square.label = "C"
    text = draw(square).source
    assert f'∂<I>C</I>/∂<I>x</I> = <FONT COLOR="{LIGHT["positive"]}">6<' in text
    assert "accumulated" not in text


def test_a_graph_that_is_older_than_its_values_is_told() -> None:
    x = Value(3.0, "x")
    y = affine([x], [x], 1.0)
    x.data = 4.0
    for way in (draw, draw_dot):
        with pytest.warns(UserWarning, match="not what its operands give now") as caught:
            way(y)
        assert [warning.filename for warning in caught] == [__file__]


def test_numbers_in_formulas_have_no_derivative() -> None:
    x = Value(-3.0, "x")
    y = x**2
    y.backward()
    text = draw(y).source
    assert "nan" not in text
    assert len(re.findall(rf"-> n\d+ \[color=\"{LIGHT['border']}\" penwidth=1.00", text)) == 1


def test_a_graph_with_more_nodes_than_there_are_private_characters_is_refused_as_any_other() -> (
    None
):
    v = Value(1.0)
    for _ in range(200_000):
        v = v.tanh()
    with pytest.raises(TooManyNodesError, match="200,001 boxes"):
        draw(v)


@pytest.mark.parametrize("fold", ["neurons", "layers"])
def test_parameters_that_are_used_elsewhere_too_stay_in_the_picture(fold: str) -> None:
    net = MLP(2, [3, 1], activation="sigmoid")
    cost = squared_error(net([1.0, 2.0]), 1.0) + l2(net, 0.1)
    cost.backward()
    text = draw(cost, fold=fold).source
    assert f"<B>{html_of_label('w_{00}^{(1)}')}</B>" in text
    assert f"<B>{html_of_label('b_0^{(1)}')}</B>" not in text


def test_what_follows_a_linear_output_is_no_part_of_its_neuron() -> None:
    neuron = Neuron(1, activation="linear")
    z = neuron([1.0])
    z.label = "yhat"
    cost = -z
    assert "<B>yhat</B>" in draw(cost, fold="neurons").source


def test_layers_that_share_some_inputs_show_every_input() -> None:
    x = [Value(0.1 * i, f"x_{i}") for i in range(4)]
    layers = [Layer(3, 2), Layer(3, 2)]
    outputs = [a for layer, part in zip(layers, (x[:3], x[1:]), strict=True) for a in layer(part)]
    text = draw(ops.sum(outputs), fold="layers").source
    assert all(f"<B>{html_of_label(v.label)}</B>" in text for v in x)


def test_a_long_label_is_shortened_and_drawn() -> None:
    text = draw(Value(1.0, "a" * 20_000)).source
    assert "a" * 79 + "…" in text
    assert len(text) < 3000


def test_in_a_notebook_it_is_no_wider_than_the_cell_and_says_the_chain() -> None:
    net = build()
    svg = draw(net.cost, highlight=net.weights[-1])._repr_mimebundle_()["image/svg+xml"]
    assert '<svg style="max-width: 100%; height: auto" role="img" aria-label="' in svg
    assert "The chain rule of C₀: w⁽ᴸ⁾ → z⁽ᴸ⁾ → a⁽ᴸ⁾ → C₀; ∂C₀/∂w⁽ᴸ⁾ = −0.07324" in svg
    hostile = draw(Value(1.0, '"><script>').exp())
    assert "<script>" not in hostile._repr_mimebundle_()["image/svg+xml"]


def test_too_many_arrows_name_the_fold_that_can_be_read() -> None:
    net = MLP(20, [30, 30, 1], activation="tanh")
    cost = squared_error(net([0.1] * 20), 1.0)
    with pytest.raises(TooManyNodesError, match=r"1,5\d\d arrows, .*; fold='layers' draws"):
        draw(cost, fold="neurons")
    assert draw(cost, fold="layers").source


def test_the_legend_is_in_the_language_asked_for() -> None:
    net = build()
    text = draw(net.cost, highlight=net.weights[0], lang="zh").source
    for words in ("参数", "输入", "运算", "正", "负", "局部导数", "灰色"):
        assert words in text
    assert "parameter<" not in text
    with pytest.raises(ValueError, match="draw: expected lang to be one of en, zh, got 'fr'"):
        draw(net.cost, lang="fr")
