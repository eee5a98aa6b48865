"""The page in a real browser: the same numbers as Python, whatever is done to it."""

from __future__ import annotations

import itertools
import math
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demos import chain_rule
from micrograd import Value, maximum, ops, parameter, primitive, squared_error
from micrograd.engine import topological_order
from micrograd.nn import MLP
from micrograd.ops import Primitive
from tests.browser import NEEDED, Window, launched, without
from tests.graphs import ROWS, flat, points, shaped
from tests.test_mathtext import HOSTILE
from tests.test_special_values import points as special_points
from viz import NoRenderingEngineError, Page, TooManyNodesError, explain, page, render
from viz.javascript import javascript_of
from viz.mathtext import number, text_of_label

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def empty(browser: Any) -> Iterator[Window]:
    """A window with nothing in it, to compute in."""
    window = Window(browser, "")
    yield window
    window.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Window]]:
    """Write the page of a value, and open it; closed, it must not have complained."""
    windows: list[Window] = []

    def shown(root: Value, fragment: str = "", **options: Any) -> Window:
        path = page(root, tmp_path / f"page{len(windows)}.html").path
        assert path is not None
        windows.append(Window(browser, path.as_uri() + fragment, **options))
        return windows[-1]

    yield shown
    for window in windows:
        window.close()


def labelled(label: str, v: Value) -> Value:
    v.label = label
    return v


def network(numbers: Sequence[float] = ()) -> Value:
    """The cost of a 2-3-2 network, whose leaves have these numbers."""
    net = MLP(2, [3, 2], activation="sigmoid", output="sigmoid", rng=np.random.default_rng(1))
    leaves = [Value(0.5, "x_0"), Value(-1.0, "x_1"), Value(1.0, "y_0"), Value(0.0, "y_1")]
    free = [*net.parameters(), *leaves]
    for v, x in zip(free, numbers or [v.data for v in free], strict=True):
        v.data = x
    terms = [squared_error(a, y) for a, y in zip(net(leaves[:2]), leaves[2:], strict=True)]
    return labelled("C", ops.sum(terms))


def everything() -> Value:
    """Every row of the table in one graph, at a point of its domain; leaves used several times."""
    leaves: dict[tuple[float, float], Value] = {}
    results = []
    for row in ROWS.values():
        point = points(row, 1)[0]
        arguments = [
            leaves.setdefault((round(x, 1), row.level), Value(x)) for x in flat(row, point)
        ]
        results.append(row(*shaped(row, arguments, point)))
    return labelled("C", ops.sum(results))


def near(x: float, y: float) -> bool:
    """Equal to 1e-12, relative; or both nan."""
    if x == y or (math.isnan(x) and math.isnan(y)):
        return True
    return math.isfinite(x) and math.isfinite(y) and abs(x - y) <= 1e-12 * max(abs(x), abs(y))


def assert_shows(window: Window, root: Value) -> None:
    """The page's numbers are those of root's graph, computed by Python."""
    root.zero_grad()
    root.backward()
    order = topological_order(root)
    for v, (value, gradient) in zip(order, window.boxes(), strict=True):
        assert value is not None
        assert near(float(value), v.data), (v, value)
        if v.kind != "constant":
            assert gradient is not None
            assert near(float(gradient), v.grad), (v, gradient)


# Stepping.


def replay(root: Value) -> Iterator[dict[Value, float]]:
    """The gradients after the seed and after each +=, by Python's local derivatives."""
    order = topological_order(root)
    gradients = dict.fromkeys(order, 0.0)
    gradients[root] = 1.0
    yield dict(gradients)
    for v in reversed(order):
        if v.op is None:
            continue
        slopes = iter(zip(v.parents, v.local_derivatives(), strict=True))
        columns = [
            list(itertools.islice(slopes, len(a))) if isinstance(a, tuple) else [next(slopes)]
            for a in v.arguments
        ]
        starred = [c for c, star in zip(columns, v.op.starred, strict=True) if star]
        single = [c for c, star in zip(columns, v.op.starred, strict=True) if not star]
        turns = [pair for row in zip(*starred, strict=True) for pair in row]
        for p, slope in turns + [c[0] for c in single]:
            if p.kind != "constant":
                gradients[p] += gradients[v] * slope
                yield dict(gradients)


@pytest.mark.parametrize("graph", [lambda: chain_rule.build().cost, network, everything])
def test_stepping_shows_every_addition_and_ends_at_pythons_gradients(
    graph: Callable[[], Value], show: Callable[..., Window]
) -> None:
    root = graph()
    order = topological_order(root)
    operations = [v for v in order if v.op is not None]
    window = show(root)
    window.press("first")
    at_first = window.boxes()
    for done, shown in enumerate([at_first, *window.record("forward", len(operations))]):
        known = {v for v in order if v.op is None} | set(operations[:done])
        assert [value is not None for value, _ in shown] == [v in known for v in order]
        assert all(gradient is None for _, gradient in shown)
    states = list(replay(root))
    recorded = window.record("forward", len(states))
    for i, (gradients, shown) in enumerate(zip(states, recorded, strict=True)):
        for v, (_, gradient) in zip(order, shown, strict=True):
            if v.kind != "constant":
                assert gradient is not None
                assert near(float(gradient), gradients[v]), (i, v)
    window.press("forward")
    assert window.page.is_disabled("#forward")
    assert "Both passes are done" in window.page.inner_text("#step")
    assert_shows(window, root)
    back = window.record("back", len(states))
    assert back == recorded[::-1]


def test_a_backward_step_says_all_four_numbers(show: Callable[..., Window]) -> None:
    net = chain_rule.build()
    window = show(net.cost)
    window.press("first")
    while True:
        window.press("forward")
        said = window.page.text_content("#spoken")
        if said.startswith("Backward") and " to w⁽ᴸ⁾:" in said:
            break
    assert said == (
        "Backward from z⁽ᴸ⁾ to w⁽ᴸ⁾: the local derivative 0.48 times the gradient −0.1526 is "
        "−0.07324. The gradient of w⁽ᴸ⁾ was 0 and is now −0.07324."
    )
    texts = window.page.locator("#step .part").all_text_contents()
    assert [re.sub(r"\s", "", text) for text in texts] == [
        "localderivative∂z(L)∂w(L)=a(L−1)=0.48",
        "gradientthatarrives∂C0∂z(L)=−0.1526",
        "theirproduct0.48·(−0.1526)=−0.07324",
        "addedtowhatw(L)hasgotsofar∂C0∂w(L)=0+(−0.07324)=−0.07324",
    ]
    assert window.page.locator(".arrow.current").count() == 1
    assert window.page.get_attribute("#spoken", "aria-live") == "polite"


def test_a_forward_step_puts_numbers_for_names(show: Callable[..., Window]) -> None:
    x, y = Value(-2.0, "x"), Value(3.0, "y")
    window = show(labelled("C", x**2 * y - x / y), "#step=1")
    for text in ["=x2=(−2)2=4", "=v1y=4·3=12", "=xy=−23=−0.6667", "=v2−v3=12−(−0.6667)=12.67"]:
        assert re.sub(r"\s", "", window.page.text_content("#step .content")).endswith(text)
        window.press("forward")


def test_play_runs_to_the_end_and_pauses(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost)
    window.page.select_option("#speed", "60")
    window.page.keyboard.press("Escape")
    window.page.evaluate("document.activeElement.blur()")
    window.page.keyboard.press("Space")
    window.until("Number(document.querySelector('#scrubber').value) > 4")
    assert window.page.get_attribute("#play", "aria-label") == "Pause"
    window.page.click("#play")
    at = window.page.input_value("#scrubber")
    window.page.wait_for_timeout(150)
    assert window.page.input_value("#scrubber") == at
    window.page.click("#play")
    window.until(
        "document.querySelector('#scrubber').value === document.querySelector('#scrubber').max"
    )
    assert window.page.get_attribute("#play", "aria-label") == "Play"


def test_the_end_of_playing_is_heard(show: Callable[..., Window]) -> None:
    window = show(Value(1.0, "x").exp(), "#step=2")
    window.page.evaluate(
        """() => {
            window.heard = [];
            new MutationObserver(all => all.forEach(({ type }) => window.heard.push(type)))
                .observe(document.getElementById("spoken"), { attributes: true, childList: true });
        }"""
    )
    window.page.select_option("#speed", "60")
    window.page.click("#play")
    window.until("window.heard.length >= 4")
    # It is silenced, says one step, may be heard again, and says the last.
    assert window.page.evaluate("window.heard") == ["attributes", "childList"] * 2


# Leaves.


def test_sliders_agree_with_python_on_50_random_settings(show: Callable[..., Window]) -> None:
    root = network()
    window = show(root)
    places = {v.label: i for i, v in enumerate(topological_order(root)) if v.op is None}
    net = MLP(2, [3, 2])
    labels = [*(p.label for p in net.parameters()), "x_0", "x_1", "y_0", "y_1"]
    rng = random.Random(3)  # noqa: S311
    for _ in range(50):
        numbers = [rng.uniform(-3.0, 3.0) for _ in labels]
        window.set_leaves({places[n]: x for n, x in zip(labels, numbers, strict=True)})
        assert_shows(window, network(numbers))


def test_a_slider_moves_its_leaf(show: Callable[..., Window]) -> None:
    x, y = parameter(0.5, "x"), Value(2.0, "y")
    window = show(labelled("C", x * y))
    slider = window.page.get_by_role("slider", name="x, parameter, slider")
    slider.focus()
    slider.press("ArrowRight")
    moved = float(window.boxes()[0][0] or "nan")
    assert moved > 0.5
    assert window.boxes()[2] == (str(2.0 * moved).removesuffix(".0"), "1")
    assert float(window.page.get_by_role("spinbutton", name="x, parameter").input_value()) == moved
    field = window.page.get_by_role("spinbutton", name="y, input")
    field.fill("-1e3")
    assert float(window.boxes()[1][0] or "nan") == -1000.0
    field.fill("")  # no number: nothing changes
    assert float(window.boxes()[1][0] or "nan") == -1000.0
    field.blur()
    assert field.input_value() == "-1000"
    window.press("reset")
    assert_shows(window, labelled("C", Value(0.5) * Value(2.0)))


def test_a_field_has_all_digits_while_one_writes_there(show: Callable[..., Window]) -> None:
    x = Value(-1.0 / 3.0, "x")
    window = show(labelled("C", x * 1.0))
    field = window.page.get_by_role("spinbutton", name="x, input")
    assert field.input_value() == "-0.333333"
    assert field.evaluate("field => field.scrollWidth <= field.clientWidth")
    field.focus()
    assert float(field.input_value()) == x.data
    field.blur()
    assert field.input_value() == "-0.333333"
    assert window.boxes()[0][0] == repr(x.data)  # only looked at, not changed
    assert " = " in window.page.inner_text("#descent figcaption")


def test_a_slider_keeps_the_step(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost, "#step=12")
    window.set_leaves({0: 2.0})
    assert window.page.input_value("#scrubber") == "12"
    assert window.boxes()[0][0] == "2"


def test_descending_takes_pythons_steps_and_reset_returns(show: Callable[..., Window]) -> None:
    net = chain_rule.build()
    window = show(net.cost)
    assert "6 parameters" in window.page.inner_text("#descent-note")
    window.page.fill("#rate", "0.5")
    window.press("descend")
    window.press("descend-more")
    before = net.cost.data
    for _ in range(11):
        net.cost.zero_grad()
        net.cost.backward()
        for p in net.weights + net.biases:
            p.data -= 0.5 * p.grad
        net = chain_rule.forward(net.weights, net.biases, Value(1.0, "y"))
    assert_shows(window, net.cost)
    assert net.cost.data < before
    caption = window.page.inner_text("#descent figcaption")
    assert f"after 11 changes: {number(before)} → {number(net.cost.data)}" in caption
    assert window.page.locator("#history circle").count() == 12
    window.press("reset")
    assert_shows(window, chain_rule.build().cost)
    for rate in ["-1", "0", ""]:
        window.page.fill("#rate", rate)
        window.press("descend")
        assert "has to be a positive number" in window.page.inner_text("#message"), rate
        assert_shows(window, chain_rule.build().cost)
    window.page.fill("#rate", "1")
    window.press("descend")
    assert not window.page.is_visible("#message")
    shown = number(float(window.boxes()[-1][0] or "nan"))
    assert window.page.text_content("#spoken") == f"C₀ is now {shown}."


def test_what_overflows_is_shown_and_reset_returns(show: Callable[..., Window]) -> None:
    window = show(labelled("C", parameter(3.0, "w") ** 3))
    window.page.fill("#rate", "1e300")
    window.press("descend-more")
    assert "−∞" in window.page.text_content("#picture")
    window.press("reset")
    assert_shows(window, labelled("C", parameter(3.0, "w") ** 3))


def test_without_parameters_all_inputs_descend(show: Callable[..., Window]) -> None:
    x, y = Value(3.0, "x"), Value(1.0, "y")
    window = show(labelled("C", (x - 2 * y) ** 2))
    assert "2 inputs (none is declared as a parameter)" in window.page.inner_text("#descent-note")
    window.page.fill("#rate", "0.1")
    window.press("descend")
    assert_shows(window, labelled("C", (Value(3.0 - 0.1 * 2.0) - 2 * Value(1.0 + 0.1 * 4.0)) ** 2))


def test_the_rate_at_first_lowers_the_cost(show: Callable[..., Window]) -> None:
    w = parameter(3.0, "w")
    window = show(labelled("C", (w * 100) ** 2))
    assert float(window.page.input_value("#rate")) == pytest.approx(1e-5)
    window.press("descend")
    assert float(window.boxes()[-1][0] or "nan") < 90000.0


def test_a_formula_by_cases_follows_the_numbers(show: Callable[..., Window]) -> None:
    x, y = Value(1.0, "x"), Value(2.0, "y")
    window = show(labelled("C", maximum(x, y) * x**y))
    for a, b in [(1.0, 2.0), (3.0, 2.0), (2.0, 2.0), (0.0, 2.0), (2.0, 0.0), (0.0, -1.0)]:
        window.set_leaves({0: a, 1: b})
        u, v = Value(a, "x"), Value(b, "y")
        assert_shows(window, labelled("C", maximum(u, v) * u**v))
        shown = window.page.locator("#arrows .arrow:nth-child(1) text:visible").all_text_contents()
        assert shown == (["0.5"] if a == b else [f"[x − y > 0] = {int(a > b)}"])


# The address.


def test_the_address_holds_the_state(browser: Any, show: Callable[..., Window]) -> None:
    root = network()
    window = show(root)
    window.set_leaves({0: 1.25, 1: -0.1, 2: 5e-324, 3: 1e300})
    choose(window, 0, 4)
    window.press("back")
    window.press("back")
    window.until("location.hash.includes('step') && location.hash.includes('selected')")
    again = Window(browser, window.page.url)
    assert again.boxes() == window.boxes()
    assert again.page.text_content("#step") == window.page.text_content("#step")
    assert again.page.text_content("#selection") == window.page.text_content("#selection")
    assert not again.page.is_visible("#message")
    again.page.click("#reset")
    again.page.click("#last")
    assert_shows(again, network())
    again.close()


def test_a_change_of_the_address_is_followed(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost)
    window.page.evaluate("location.hash = '#step=3&n0=2'")
    window.until("document.querySelector('#scrubber').value === '3'")
    assert window.boxes()[0][0] == "2"
    window.page.evaluate("location.hash = '#step=4'")  # what it does not say is as at the start
    window.until("document.querySelector('#scrubber').value === '4'")
    assert window.boxes()[0][0] == "1.1"


MALFORMED = [
    *("step=abc", "step=-1", "step=99999", "step=1.5", "step", "n999=1", "n3=1", "n0=", "n0=1e"),
    *("n0=one", "n0=0x10", "n0=1;alert(1)", "selected=a", "selected=1,2,3", "selected=999"),
    *(
        "n0=infinity",
        "toString=1",
        "__proto__=1",
        "=",
        "&&&=&",
        "%",
        "%E0%A4%A",
        "<img src=x onerror=alert(1)>",
    ),
]


def test_a_malformed_address_is_said_and_ignored(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost, f"#{MALFORMED[0]}")
    assert "“step=abc”, which means nothing here" in window.page.inner_text("#message")
    for i, fragment in enumerate(MALFORMED):
        window.page.evaluate("hash => { location.hash = hash }", f"{fragment}&n1=0.5{i}")
        window.until(f"document.querySelector('#n1').dataset.value === String(0.5{i})")
        # The rest of it counts.
        assert "was ignored" in window.page.text_content("#message"), fragment
        assert window.boxes()[0][0] == "1.1", fragment
        assert window.page.input_value("#scrubber") == window.page.get_attribute("#scrubber", "max")
        assert window.page.locator("img, .box.selected").count() == 0
    window.page.evaluate("location.hash = '#n1=0.25'")
    window.until("document.querySelector('#message').hidden")


def test_special_numbers_in_the_address(show: Callable[..., Window]) -> None:
    x = Value(1.0, "x")
    window = show(labelled("C", x.exp()), "#n0=-Infinity")
    assert window.boxes() == [("-Infinity", "0"), ("0", "1")]
    assert not window.page.is_visible("#message")
    window.set_leaves({0: -0.5})  # the slider has no place for infinity, but still one for this
    assert float(window.page.get_by_role("slider", name="x, input").input_value()) == -0.5


# Explanations.


def choose(window: Window, *places: int) -> None:
    window.page.keyboard.press("Escape")
    for place in places:
        window.page.locator(f"#n{place}").dispatch_event("click")


@pytest.mark.parametrize("settings", [{}, {0: 1.5, 2: -2.0}])
def test_a_chosen_box_is_explained_as_python_explains_it(
    settings: dict[int, float], show: Callable[..., Window]
) -> None:
    root = network()
    window = show(root)
    window.set_leaves(settings)
    leaves = [v for v in topological_order(root) if v.op is None]
    order = topological_order(root)
    for place, x in settings.items():
        assert order[place] in leaves
        order[place].data = x
    for v in order:
        v.data = v.recomputed()
    answers = window.page.evaluate(
        """() => [...document.querySelectorAll(".box")].map(box => {
            box.dispatchEvent(new Event("click"));
            const terms = [...document.querySelectorAll("#selection .terms li")];
            const texts = terms.map(one => one.textContent);
            const answer = [texts, document.querySelector("#selection").textContent,
                            document.querySelectorAll(".arrow.lit").length];
            box.dispatchEvent(new Event("click"));
            return answer;
        })"""
    )
    for v, (terms, whole, lit) in zip(order, answers, strict=True):
        reason = explain(root, v)
        assert len(terms) == len(reason.paths) - (v is root)
        for path, text in zip(reason.paths, terms, strict=False):
            assert f"={number(path.product)}" in re.sub(r"\s", "", text)
        assert f"={number(reason.total)}" in re.sub(r"\s", "", whole)
        assert lit == len({(e.tail, e.head, e.place) for path in reason.paths for e in path.edges})


def test_terms_and_trails_have_the_same_colours(show: Callable[..., Window]) -> None:
    window = show(network())
    choose(window, 0)
    colour = "all => all.map(one => getComputedStyle(one).getPropertyValue('--colour'))"
    terms = window.page.eval_on_selector_all("#selection .terms li", colour)
    trails = window.page.eval_on_selector_all("#trails path", colour)
    assert len(terms) == 2
    assert len(set(terms)) == 2
    assert set(trails) == set(terms)
    window.page.hover("#selection .terms li:nth-child(2)")
    assert window.page.locator(".trail:not(.quiet)").count() == 6
    assert window.page.locator(".trail.quiet").count() == 6


def test_two_boxes_show_the_paths_between(show: Callable[..., Window]) -> None:
    root = network()
    order = topological_order(root)
    places = {v.label: i for i, v in enumerate(order)}
    window = show(root)
    z, a = places["z_{0}^{(2)}"], places["a_{0}^{(1)}"]
    w = places["w_{00}^{(1)}"]
    for pair in [(w, z), (z, w)]:  # in either order
        choose(window, *pair)
        reason = explain(order[z], order[w])
        text = re.sub(r"\s", "", window.page.text_content("#selection"))
        assert "How one changes the other" in window.page.inner_text("#selection")
        assert f"={number(reason.total)}" in text
        assert window.page.locator(".terms li").count() == reason.count == 1
    choose(window, places["y_0"], a)
    assert "does not depend on" in window.page.inner_text("#selection")
    choose(window, w, z, a)  # the third begins anew
    assert window.page.locator(".box.selected").count() == 1
    choose(window, w, w)
    assert window.page.locator(".box.selected").count() == 0


def test_many_paths_are_counted_and_not_listed(show: Callable[..., Window]) -> None:
    x = v = Value(1.1, "x")
    for _ in range(60):
        v = (v * v).tanh()
    window = show(labelled("C", v))
    choose(window, 0)
    text = window.page.inner_text("#selection")
    assert "About 1.153·10¹⁸ paths" in text
    reason = explain(v, x)
    terms = window.page.locator("#selection .terms li")
    assert terms.count() == len(reason.steps) == 2
    for step, said in zip(reason.steps, terms.all_text_contents(), strict=True):
        assert number(step.product).split("·")[0] in said


# Keyboard, screen readers, phones.


def test_everything_works_with_the_keyboard(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost)
    press, at = window.page.keyboard.press, lambda: window.page.input_value("#scrubber")
    end = window.page.get_attribute("#scrubber", "max")
    press("Home")
    assert at() == "0"
    press("ArrowRight")
    press("ArrowRight")
    press("ArrowLeft")
    assert at() == "1"
    press("End")
    assert at() == end
    window.page.focus("#n0")
    press("Tab")
    assert window.page.evaluate("document.activeElement.id") == "n1"
    press("Enter")
    assert window.page.get_attribute("#n1", "aria-pressed") == "true"
    press("Escape")
    assert window.page.get_attribute("#n1", "aria-pressed") == "false"
    outline = "getComputedStyle(document.querySelector('#n1 rect')).strokeWidth"
    assert window.page.evaluate(outline) == "4px"  # the focus is seen
    press("Space")  # as a button does
    assert window.page.get_attribute("#n1", "aria-pressed") == "true"
    assert window.page.get_attribute("#play", "aria-label") == "Play"
    press("Space")
    before = window.page.get_attribute("#scene", "transform")
    press("+")
    assert window.page.get_attribute("#scene", "transform") != before
    press("0")
    view, first, last = (
        window.page.locator(s).bounding_box() for s in ("#view", "#n0", ".box.root")
    )
    assert view["x"] <= first["x"]
    assert last["x"] + last["width"] <= view["x"] + view["width"]
    window.page.focus("#rate")
    press("ArrowLeft")  # belongs to the field
    assert at() == end


def test_skipping_the_picture_changes_nothing(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost, "#step=5&n0=2&selected=3")
    before = window.boxes()
    window.page.keyboard.press("Tab")
    window.page.keyboard.press("Enter")
    assert window.page.evaluate("document.activeElement.id") == "step"
    window.page.wait_for_timeout(50)
    assert window.boxes() == before
    assert window.page.locator(".box.selected").count() == 1
    assert not window.page.is_visible("#message")


def test_every_control_has_a_name(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost)
    tree = window.page.locator("body").aria_snapshot()
    controls = re.findall(r"- (button|slider|spinbutton|combobox|link|img)(?:$|:| )(.*)", tree)
    assert len(controls) > 40
    assert all('"' in rest for _, rest in controls)
    assert 'button "w⁽ᴸ⁾, parameter, value 1.5, gradient −0.07324"' in tree
    assert 'button "C₀, operation, value 0.1156, gradient 1"' in tree
    assert "- status" not in tree  # numbers that change all at once are not read out
    window.press("first")
    assert 'button "C₀, operation, not computed yet"' in window.page.locator("body").aria_snapshot()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_no_sideways_scrolling_and_large_targets(
    scheme: str, show: Callable[..., Window]
) -> None:
    window = show(network(), color_scheme=scheme, **PHONE)
    for fragment in ["", "#step=30", "#selected=0", "#selected=0,20"]:
        window.page.evaluate("fragment => { location.hash = fragment }", fragment)
        window.page.wait_for_timeout(50)
        assert window.page.evaluate("document.documentElement.scrollWidth") <= 390
    small = window.page.evaluate(
        """() => [...document.querySelectorAll("button, select, input")].filter(one => {
            const { height } = one.getBoundingClientRect();
            return height > 0 && height < 40;
        }).map(one => one.outerHTML)"""
    )
    assert small == []
    view, panel = (window.page.locator(s).bounding_box() for s in ("#view", "#step"))
    assert view["y"] + view["height"] <= panel["y"] + 1
    window.page.locator("#zoom-fit").tap()
    window.page.locator("#n20").tap()
    assert window.page.locator(".box.selected").count() == 1


def test_long_names_do_not_widen_a_phone(show: Callable[..., Window]) -> None:
    w, x = parameter(3.0, "unbreakable" * 9), Value(2.0, "some words " * 9)
    window = show(labelled("W" * 99, w * x), "#selected=0", **PHONE)
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert window.page.evaluate("innerWidth") == 390


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in [("x", "width"), ("y", "height")]
    )


def test_what_a_step_shows_is_not_under_the_map(show: Callable[..., Window]) -> None:
    window = show(network(), "#step=0", **PHONE)
    below = window.page.locator("#map").bounding_box()
    for _ in range(int(window.page.get_attribute("#scrubber", "max"))):
        window.press("forward")
        for box in window.page.locator(".box.current").all():
            assert not overlap(box.bounding_box(), below), box.get_attribute("aria-label")


def test_a_low_window_keeps_its_parts_apart(show: Callable[..., Window]) -> None:
    for size in [(667, 375), (844, 390), (320, 256)]:
        window = show(network(), viewport=dict(zip(("width", "height"), size, strict=True)))
        places = [
            window.page.locator(s).bounding_box()
            for s in ("header", "#zoom", "#legend", "#transport")
        ]
        assert not any(overlap(a, b) for a, b in itertools.combinations(places, 2)), size
        assert not window.page.is_visible("#map")


def test_a_message_is_seen_wherever_the_reader_is(show: Callable[..., Window]) -> None:
    window = show(network(), **PHONE)
    window.page.fill("#rate", "0")
    window.page.locator("#descend").tap()
    box = window.page.locator("#message").bounding_box()
    assert window.page.evaluate("scrollY") > 100
    assert 0 <= box["y"] < 844
    window.page.locator("#back").tap()
    assert not window.page.is_visible("#message")


def test_the_step_is_seen_whatever_is_chosen(show: Callable[..., Window]) -> None:
    window = show(network(), "#step=30&selected=0", reduced_motion="reduce")
    opacity = "all => all.map(one => getComputedStyle(one).opacity)"
    assert window.page.locator(".arrow.current.lit").count() == 0
    assert window.page.eval_on_selector_all(".current", opacity) == ["1"] * 2


def test_on_paper_the_picture_is_whole_and_light(show: Callable[..., Window]) -> None:
    window = show(network(), color_scheme="dark")
    window.page.click("#theme")
    window.page.click("#theme")
    window.page.emulate_media(media="print")
    window.page.wait_for_timeout(100)  # the view has its new size
    window.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert window.page.evaluate("getComputedStyle(document.body).color") == "rgb(26, 26, 26)"
    legend, picture = (window.page.locator(s).bounding_box() for s in ("#legend", "#picture"))
    assert not overlap(legend, picture)
    for box in window.page.locator(".box").all():
        place = box.bounding_box()
        assert picture["x"] <= place["x"] <= picture["x"] + picture["width"] - place["width"]
        assert picture["y"] <= place["y"] <= picture["y"] + picture["height"] - place["height"]
    window.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert window.page.get_attribute("#scene", "transform")


def test_the_theme_follows_the_reader(show: Callable[..., Window]) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light, dark = (show(Value(1.0, "x").exp(), color_scheme=s) for s in ("light", "dark"))
    assert light.page.evaluate(colour) == "rgb(255, 255, 255)"
    assert dark.page.evaluate(colour) != light.page.evaluate(colour)
    dark.page.click("#theme")
    assert dark.page.evaluate(colour) == light.page.evaluate(colour)
    assert dark.page.inner_text("#theme") == "Dark"


def test_zooming_keeps_what_is_under_the_pointer(show: Callable[..., Window]) -> None:
    window = show(network())
    before = window.page.locator(".box.root").bounding_box()
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    window.page.mouse.move(x, y)
    window.page.keyboard.down("Control")
    window.page.mouse.wheel(0, -100)
    window.page.keyboard.up("Control")
    width = "document.querySelector('.box.root').getBoundingClientRect().width"
    window.until(f"{width} > {1.3 * before['width']}")
    after = window.page.locator(".box.root").bounding_box()
    assert abs(after["x"] + after["width"] / 2 - x) < 2
    window.page.mouse.down()
    window.page.mouse.move(x + 60, y, steps=4)
    window.page.mouse.up()
    moved = window.page.locator(".box.root").bounding_box()
    assert abs(moved["x"] - after["x"] - 60) < 3
    assert window.page.locator(".box.selected").count() == 0  # a drag is no click


def test_two_fingers_zoom(show: Callable[..., Window]) -> None:
    window = show(network(), **PHONE)
    before = window.page.locator(".box.root").bounding_box()["width"]
    window.page.evaluate(
        """() => {
            const at = (type, id, x) => document.getElementById("picture").dispatchEvent(
                new PointerEvent(type, { pointerId: id, clientX: x, clientY: 200, bubbles: true }));
            at("pointerdown", 1, 150);
            at("pointerdown", 2, 200);
            at("pointermove", 2, 250);
            at("pointerup", 1, 150);
            at("pointerup", 2, 250);
        }"""
    )
    after = window.page.locator(".box.root").bounding_box()["width"]
    assert after == pytest.approx(2.0 * before, rel=0.01)
    assert window.page.locator(".box.selected").count() == 0


# Labels are text.

LABELS = [
    *HOSTILE,
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    "{{script}} {{data}}",
    "\"'`\\ &lt; ${alert(1)}",
    "\u202eevil \u05d0\u05d1\u05d2 = 3",
    "long " * 400,
    "two\nlines",
    "\u2028\u2029\x00\ud800",
]


def test_hostile_labels_are_text(show: Callable[..., Window]) -> None:
    leaves = [parameter(0.1 * i, label) for i, label in enumerate(LABELS)]
    root = labelled("</title><script>alert(1)</script>", ops.sum([v.tanh() for v in leaves]))
    window = show(root)
    assert window.page.locator("img, iframe, object, embed").count() == 0
    assert window.page.locator("script").count() == 2
    labels = window.page.eval_on_selector_all(".box", "all => all.map(b => b.ariaLabel)")
    for label in LABELS[-9:-4]:
        assert any(one.startswith(f"{text_of_label(label)}, parameter") for one in labels), label
    assert window.page.title().startswith("</title><script>alert(1)</script>")
    for place in range(len(LABELS)):
        choose(window, place)
        assert window.page.locator("#selection .terms li").count() == 1
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert_shows(window, root)


@pytest.mark.parametrize("name", ["constructor", "delete", "__proto__", "größe"])
def test_names_of_primitives_are_only_names(name: str, show: Callable[..., Window]) -> None:
    row = primitive(
        name,
        arguments=["new", "g"],
        floats=lambda x, y: x * y,
        arrays=lambda x, y: x * y,
        javascript="(x, y) => x * y",
        partials=[lambda z, x, y: y, lambda z, x, y: x],
    )
    root = row(Value(2.0, "x"), Value(3.0, "y"))
    assert_shows(show(root), root)


# The arithmetic.


def everywhere(row: Primitive, name: str) -> list[tuple[Any, ...]]:
    return special_points(name) + points(row, 40)


def disagreements(empty: Window, row: Primitive, at: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Where the browser's result or gradients are not Python's, to 1e-12."""
    script = """([source, name, points]) => {
        const row = new Function(`${source}; return primitives`)()[name];
        const exact = x => Object.is(x, -0) ? "-0" : String(x);
        return points.map(([point, starred]) => {
            const read = point.map(a => Array.isArray(a) ? a.map(Number) : Number(a));
            const z = row.forward(...read);
            const slopes = row.shares.flatMap((share, i) => starred[i]
                ? read[i].map((_, j) => share(1, z, ...read.map((a, k) => starred[k] ? a[j] : a)))
                : [share(1, z, ...read)]);
            return [exact(z), slopes.map(exact)];
        });
    }"""

    def said(x: Any) -> Any:
        return [said(e) for e in x] if isinstance(x, list) else repr(x).replace("inf", "Infinity")

    asked = [[[said(a) for a in point], list(row.starred)] for point in at]
    answers = empty.page.evaluate(script, [javascript_of([row]), row.code_name, asked])
    wrong = []
    for point, (z, slopes) in zip(at, answers, strict=True):
        leaves = [Value(x) for x in flat(row, point)]
        root = row(*shaped(row, leaves, point))
        root.backward()
        expected = [row.ieee(*point), *(v.grad for v in leaves)]
        found = [float(z), *map(float, slopes)]
        if not all(map(near, found, expected)):
            wrong.append((point, found, expected))
    return wrong


@pytest.mark.parametrize("name", list(ROWS))
def test_every_primitive_in_the_browser_is_pythons(name: str, empty: Window) -> None:
    row = ROWS[name]
    assert disagreements(empty, row, everywhere(row, name)) == []


@pytest.mark.parametrize(
    ("wrong", "point"),
    [
        ("x => x * x * (1 + 1e-11)", (3.0,)),
        ("x => x < 0 ? -x * x : x * x", (-1.0,)),
        ("x => x * x || 1", (0.0,)),
        ("x => Math.min(x * x, 1e300)", (math.inf,)),
    ],
)
def test_the_check_finds_a_wrong_form(wrong: str, point: tuple[float], empty: Window) -> None:
    def square(javascript: str) -> Primitive:
        ops.table.pop("square_test", None)
        return primitive(
            "square_test",
            floats=lambda x: x * x,
            arrays=lambda x: x * x,
            javascript=javascript,
            partials=[lambda z, x: 2.0 * x],
        )

    at = [(1.0,), (2.0,), point]
    assert disagreements(empty, square("x => x * x"), at) == []
    assert [p for p, _, _ in disagreements(empty, square(wrong), at)] == [
        p for p in at if p == point or "1e-11" in wrong
    ]


def test_a_wrong_form_is_told_when_the_page_opens(show: Callable[..., Window]) -> None:
    row = primitive(
        "wrong_test",
        floats=math.exp,
        arrays=np.exp,
        javascript="x => 2",
        partials=[lambda z, x: z],
    )
    window = show(row(Value(0.0, "x")))
    assert "This browser computes v₁ = 2; Python computed 1." in window.page.inner_text("#message")


def test_numbers_are_written_as_python_writes_them(empty: Window) -> None:
    rng = random.Random(5)  # noqa: S311
    numbers = [s * rng.uniform(1, 10) * 10.0 ** rng.randint(-12, 12) for s in (1, -1) * 1500]
    numbers += [rng.randint(-(10**5), 10**5) / 2.0 ** rng.randint(0, 12) for _ in range(3000)]
    numbers += [0.0, -0.0, math.inf, -math.inf, 9999.5, 99995.0, 999999.5, 1e6, 1e-4, 9.9999e-5]
    numbers += [5e-324, 1.7e308, 12.125, 12.375, 0.5, 2.5e-7, 123456.5, 123457.5]
    source = resources.files("viz").joinpath("web", "mathematics.js").read_text(encoding="utf-8")
    script = """([source, all]) => {
        const number = new Function(`${source}; return number`)();
        return all.map(x => number(Number(x)));
    }"""
    written = empty.page.evaluate(
        script, [source, [repr(x).replace("inf", "Infinity") for x in numbers]]
    )
    wrong = [(x, w, number(x)) for x, w in zip(numbers, written, strict=True) if w != number(x)]
    assert wrong == []


# The file.


def test_the_page_asks_for_nothing_and_allows_nothing(tmp_path: Path) -> None:
    text = page(network()).html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", text)
    assert "://" not in re.sub(r"http://www\.w3\.org/(1998/Math/MathML|2000/svg)", "", text)


def test_the_same_graph_gives_the_same_file() -> None:
    assert page(network()).html == page(network()).html


def test_a_page_of_200_values_is_a_few_hundred_kilobytes() -> None:
    net = MLP(4, [8, 8, 3], activation="tanh", rng=np.random.default_rng(1))
    root = ops.sum([squared_error(a, 1.0) for a in net([0.5, -1.0, 2.0, 0.1])])
    assert 170 < len(topological_order(root)) <= 200
    assert len(page(root).html.encode()) < 400_000


def test_without_scripts_the_picture_is_there(browser: Any, show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost, java_script_enabled=False)
    assert window.page.locator(".box").count() == 15
    assert "= −0.07324" in window.page.text_content("#picture")
    assert "needs JavaScript" in window.page.text_content("#message")


@pytest.mark.usefixtures("engine")
def test_either_engine_lays_the_page_out() -> None:
    x = Value(3.0, "x")
    text = page(labelled("C", x / x)).html
    assert text.count('<g id="n') == 2
    labels = re.findall(r'<g id="e\d".*?</g>', text)
    assert ["−" in label for label in labels] == [False, True]


def test_a_page_shows_itself_in_a_notebook(browser: Any) -> None:
    shown = page(chain_rule.build().cost)
    assert shown.path is None
    window = Window(browser, "")
    window.page.set_content(f"<!doctype html><p>a notebook</p>{shown._repr_html_()}")
    frame = window.page.frame_locator("iframe")
    frame.locator("#first").click()
    frame.locator("#forward").click()
    assert frame.locator("#count").inner_text() == "1 / 23"
    frame.locator("#descend").click()
    assert not frame.locator("#share").is_visible()
    window.page.wait_for_timeout(400)  # it has no address to write to, and says nothing
    window.close()


def test_a_page_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "page.html"
    written = page(Value(1.0, "x").exp(), os.fspath(path))
    assert isinstance(written, Page)
    assert written.path == path
    assert path.read_text(encoding="utf-8") == written.html
    assert os.listdir(path.parent) == ["page.html"]
    assert repr(written) == f"<Page of {path.stat().st_size:,} bytes, in {path}>"
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoRenderingEngineError):
        page(Value(2.0, "x").exp(), path)
    assert path.read_text(encoding="utf-8") == written.html


def test_what_other_graphs_and_old_numbers_left_behind_is_not_shown(
    show: Callable[..., Window],
) -> None:
    x = Value(3.0, "x")
    (x * 7.0).backward()
    square = labelled("C", x * x)
    square.backward()
    assert "accumulated" not in page(square).html
    x.data = 4.0  # the page works everything out anew
    window = show(square)
    assert window.boxes() == [("4", "8"), ("16", "1")]


def test_a_single_leaf_has_a_page(show: Callable[..., Window]) -> None:
    window = show(Value(2.0, "x"))
    window.press("first")
    window.press("forward")
    assert window.boxes() == [("2", "1")]


def test_infinite_numbers_are_shown(show: Callable[..., Window]) -> None:
    x = Value(0.0, "x")
    root = labelled("C", x.log() + math.inf * x)
    window = show(root)
    assert_shows(window, root)
    assert "∞" in window.page.text_content("#picture")


def test_what_no_page_can_be_made_of_is_said() -> None:
    with pytest.raises(TypeError, match=r"page: expected a Value to show, got float 3\.0"):
        page(3.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"page: expected direction to be LR, .*got 'UP'"):
        page(Value(1.0), direction="UP")
    with pytest.raises(TooManyNodesError, match=r"page: the graph has 2 values, .*max_nodes=1"):
        page(Value(1.0).exp(), max_nodes=1)
    x = Value(1.0)
    for _ in range(200_000):
        x = x.tanh()
    with pytest.raises(TooManyNodesError, match="200,001 values"):
        page(x)


def square(**options: Any) -> Primitive:
    return primitive(
        "square_page_test",
        floats=lambda x: x * x,
        arrays=lambda x: x * x,
        partials=[lambda z, x: 2.0 * x],
        **options,
    )


def test_a_primitive_without_a_javascript_form_is_named() -> None:
    with pytest.raises(ValueError, match=r"square_page_test has no JavaScript form.*x => x \* x"):
        page(square()(Value(3.0)))


@pytest.mark.parametrize("form", ["x => '</ScRipt>'", "x => x // <!--", "x => '<script'"])
def test_a_javascript_form_cannot_end_the_script(form: str) -> None:
    with pytest.raises(ValueError, match="square_page_test would end the page's script"):
        page(square(javascript=form)(Value(3.0)))


def test_a_form_with_windows_line_ends_runs(show: Callable[..., Window]) -> None:
    root = square(javascript="x => {\r\n  return x * x;\r\n}")(Value(3.0, "x"))
    assert_shows(show(root), root)


@pytest.mark.parametrize("form", [math.exp, 3, b"x"])
def test_a_javascript_form_is_a_string(form: Any) -> None:
    with pytest.raises(TypeError, match="square_page_test: expected a string of JavaScript"):
        square(javascript=form)


def test_a_fold_needs_no_javascript_form() -> None:
    with pytest.raises(TypeError, match="no javascript beside fold"):
        primitive(
            "fold_page_test",
            arguments="x*",
            fold=(lambda: 0.0, lambda total, x: total + x),
            partials=[lambda z, x: 1.0],
            javascript="x => 0",
        )


def test_a_missing_browser_is_said_and_fails_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(NEEDED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="not tested in a browser: none there"):
        without("none there")
    monkeypatch.setenv(NEEDED, "1")
    with pytest.raises(pytest.fail.Exception, match="none there"):
        without("none there")
