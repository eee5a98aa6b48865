"""The page in a real browser: the same numbers as Python, whatever is done to it."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demos import chain_rule
from micrograd import Value, maximum, parameter
from micrograd.engine import topological_order
from micrograd.nn import MLP
from tests.browser import Window
from tests.graphs import flowing
from tests.pages import assert_shows, choose, everything, labelled, near, network
from viz import explain
from viz.mathtext import number

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
        flows = [k in flowing(v) for k in range(len(v.parents))]
        slopes = iter(zip(v.parents, v.local_derivatives(), flows, strict=True))
        columns = [
            list(itertools.islice(slopes, len(a))) if isinstance(a, tuple) else [next(slopes)]
            for a in v.arguments
        ]
        starred = [c for c, star in zip(columns, v.op.starred, strict=True) if star]
        single = [c for c, star in zip(columns, v.op.starred, strict=True) if not star]
        turns = [pair for row in zip(*starred, strict=True) for pair in row]
        for p, slope, flows_there in turns + [c[0] for c in single]:
            if p.kind != "constant" and flows_there:
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
        "addedupatw(L)∂C0∂w(L)=0+(−0.07324)=−0.07324",
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
    window.page.clock.install(time=0)
    window.page.clock.pause_at(60_000)  # time goes on as it is told to
    window.page.select_option("#speed", "60")
    window.page.keyboard.press("Escape")
    window.page.evaluate("document.activeElement.blur()")
    window.page.keyboard.press("Space")
    window.page.clock.run_for(300)
    assert window.page.input_value("#scrubber") == "8"  # one at once, another each 36 or 60 ms
    assert window.page.get_attribute("#play", "aria-label") == "Pause"
    window.page.click("#play")
    window.page.clock.run_for(300)
    assert window.page.input_value("#scrubber") == "8"
    window.page.click("#play")
    window.page.clock.run_for(60_000)
    assert window.page.input_value("#scrubber") == window.page.get_attribute("#scrubber", "max")
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


def seen(window: Window, selector: str) -> list[str]:
    """What a reader sees of these elements, without spaces and in plain letters."""
    texts = window.page.eval_on_selector_all(selector, "all => all.map(one => one.innerText)")
    return [re.sub(r"\s", "", unicodedata.normalize("NFKC", text)) for text in texts]


def test_no_number_is_told_before_it_is_known(show: Callable[..., Window]) -> None:
    root = network()
    order = topological_order(root)
    leaves = [i for i, v in enumerate(order) if v.op is None]
    z = next(i for i, v in enumerate(order) if v.label == "z_{0}^{(2)}")
    window = show(root)
    choose(window, 0, z)
    end = seen(window, ".leaf .gradient, #selection, figcaption")
    assert all(re.search(r"=−?\d", text) for text in end)
    window.press("first")
    complete = "b => b.dataset.gradient !== undefined && !b.matches('.pending, .partial')"
    for step in range(int(window.page.get_attribute("#scrubber", "max")) + 1):
        known = window.page.eval_on_selector_all(".box", f"all => all.map({complete})")
        values = [value is not None for value, _ in window.boxes()]
        leaf = [known[i] for i in leaves]
        selection = "".join(seen(window, "#selection"))
        assert [not text.endswith("=") for text in seen(window, ".leaf .gradient")] == leaf, step
        assert [text == "C=" for text in seen(window, "figcaption")] == [not values[-1]]
        assert (f"={number(order[z].data)}" in selection) == values[z]
        assert selection.count(f"={number(explain(order[z], order[0]).total)}") == 2 * known[0]
        assert window.page.locator(".unknown").count() == 0 or step < len(order) * 3
        window.press("forward")
    assert seen(window, ".leaf .gradient, #selection, figcaption") == end


def test_a_change_tells_nothing_before_it_is_known(show: Callable[..., Window]) -> None:
    window = show(labelled("C", parameter(2.0, "x") ** 2 * 3.0), "#step=1")
    window.press("descend")
    assert window.page.text_content("#spoken") == ""
    assert seen(window, "figcaption") == ["Cafter1change:"]
    window.press("last")
    window.press("descend")
    assert window.page.text_content("#spoken").startswith("C is now ")


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
    window.press("last")
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
    window.press("last")
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
    window = show(labelled("C", (w * 100) ** 2), "#step=6")
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
        window.go(f"#n0={a}&n1={b}&arrow=0")
        shown = window.page.locator("#l0 text").all_text_contents()
        formula = "0.5" if a == b else f"[x − y > 0] = {int(a > b)}"
        assert [re.sub("[\u200a\u200b]", "", text) for text in shown] == [f"∂v1/∂x = {formula}"]


# The address.


def test_the_address_holds_the_state(browser: Any, show: Callable[..., Window]) -> None:
    root = network()
    window = show(root)
    window.set_leaves({0: 1.25, 1: -0.1, 2: 5e-324, 3: 1e300})
    choose(window, 0, 4)
    window.press("back")
    window.press("back")
    window.until("location.hash.includes('step=53') && location.hash.includes('selected')")
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
    window.go("#step=3&n0=2")
    assert window.page.input_value("#scrubber") == "3"
    assert window.boxes()[0][0] == "2"
    window.go("#step=4")  # what it does not say is as at the start
    assert window.page.input_value("#scrubber") == "4"
    assert window.boxes()[0][0] == "1.1"


def test_what_is_typed_is_not_written_over(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost)
    # The page's own address is due when another was typed of which it has not heard yet.
    window.page.evaluate(
        """() => {
            const timers = [];
            window.setTimeout = timer => timers.push(timer);
            document.getElementById("back").click();
            location.hash = "#step=3";
            timers.forEach(timer => timer());
        }"""
    )
    window.until("document.querySelector('#scrubber').value === '3'")
    window.page.evaluate(
        """() => {
            const timers = [];
            window.setTimeout = timer => timers.push(timer);
            for (let i = 0; i < 2; i += 1) {
                document.getElementById("back").click();
                timers.forEach(timer => timer());
            }
        }"""
    )
    assert window.page.url.endswith("#step=1")  # and its own it does write


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
        window.go(f"{fragment}&n1=0.5{i}")
        assert float(window.page.get_attribute("#n1", "data-value")) == float(f"0.5{i}")
        # The rest of it counts.
        assert "was ignored" in window.page.text_content("#message"), fragment
        assert window.boxes()[0][0] == "1.1", fragment
        assert window.page.input_value("#scrubber") == "0"
        assert window.page.locator("img, .box.selected").count() == 0
    window.go("#n1=0.25")
    assert not window.page.is_visible("#message")


def test_special_numbers_in_the_address(show: Callable[..., Window]) -> None:
    x = Value(1.0, "x")
    window = show(labelled("C", x.exp()), "#n0=-Infinity")
    window.press("last")
    assert window.boxes() == [("-Infinity", "0"), ("0", "1")]
    assert not window.page.is_visible("#message")
    window.set_leaves({0: -0.5})  # the slider has no place for infinity, but still one for this
    assert float(window.page.get_by_role("slider", name="x, input").input_value()) == -0.5


# Explanations.


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
        assert window.page.text_content("#selection h2").startswith("How ")
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
