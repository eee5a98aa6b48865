"""The page for all its readers: by keyboard, by ear, on a phone, on paper, with any label."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from demos import chain_rule
from micrograd import Value, ops, parameter, primitive, squared_error
from micrograd.engine import topological_order
from micrograd.nn import MLP
from tests.browser import Window
from tests.pages import assert_shows, choose, labelled, network
from tests.test_mathtext import HOSTILE
from viz import page
from viz.mathtext import text_of_label

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


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
    outline = "getComputedStyle(document.querySelector('#n1 .shape')).strokeWidth"
    assert window.page.evaluate(outline) == "4px"  # the focus is seen
    press("Space")  # plays, wherever the reader is
    assert window.page.get_attribute("#n1", "aria-pressed") == "false"
    assert window.page.get_attribute("#play", "aria-label") == "Pause"
    press("Space")
    assert window.page.get_attribute("#play", "aria-label") == "Play"
    press("End")
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
    window.settle()
    assert window.boxes() == before
    assert window.page.locator(".box.selected").count() == 1
    assert not window.page.is_visible("#message")


def test_every_control_has_a_name(show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost, "#step=23")
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
        if fragment:
            window.go(fragment)
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


def test_what_a_step_shows_is_in_the_window(show: Callable[..., Window]) -> None:
    window = show(network(), "#step=0", **PHONE)
    pane = window.page.locator("#pane").bounding_box()
    for _ in range(int(window.page.get_attribute("#scrubber", "max"))):
        window.press("forward")
        for box in window.page.locator(".box.current").all():
            place = box.bounding_box()
            assert overlap(place, pane), box.get_attribute("aria-label")
            assert place["y"] >= pane["y"]
            assert place["y"] + place["height"] <= pane["y"] + pane["height"]


SIZES = {"desktop": {"viewport": {"width": 1280, "height": 800}}, "phone": PHONE}


def large() -> Value:
    """The cost of a network of more than 150 values."""
    net = MLP(4, [7, 7, 3], activation="tanh", rng=np.random.default_rng(1))
    inputs = [Value(float(i), f"x_{i}") for i in range(4)]
    return labelled("C", ops.sum([squared_error(a, 1.0) for a in net(inputs)]))


GRAPHS = {
    "neuron": lambda: labelled("C", (parameter(0.5, "w") * Value(3.0, "x")).tanh()),
    "chain": lambda: chain_rule.build().cost,
    "network": network,
    "large network": large,
}


def text_size(window: Window) -> float:
    """How many pixels high the text of a box is."""
    return float(window.page.evaluate("13 * document.querySelector('.box').getScreenCTM().a"))


def in_the_window(window: Window) -> list[bool]:
    """Of each box, whether all of it is seen."""
    inside = window.page.evaluate(
        """() => {
            const pane = document.getElementById("pane").getBoundingClientRect();
            return [...document.querySelectorAll(".box")].map(box => {
                const { left, right, top, bottom } = box.getBoundingClientRect();
                return pane.left <= left && right <= pane.right
                    && pane.top <= top && bottom <= pane.bottom;
            });
        }"""
    )
    return list(inside)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("graph", GRAPHS)
def test_a_page_opens_where_it_can_be_read_and_nothing_is_covered(
    graph: str, size: str, show: Callable[..., Window]
) -> None:
    root = GRAPHS[graph]()
    first = next(i for i, v in enumerate(topological_order(root)) if v.op is not None)
    window = show(root, **SIZES[size])
    parts = ("header", "#question", "#pane", "#legend", "#transport", "#step", "#tabs", "#panels")
    assert text_size(window) >= 11.0
    assert in_the_window(window)[first]
    for _ in range(2):  # as it opens, and all of it
        places = [window.page.locator(s).bounding_box() for s in parts if window.page.is_visible(s)]
        assert not any(overlap(a, b) for a, b in itertools.combinations(places, 2))
        assert window.page.is_visible("#map") is not all(in_the_window(window))
        assert "local derivative" in window.page.text_content("#legend")
        window.press("zoom-fit")
        window.settle()
    assert all(in_the_window(window))


def test_what_can_be_read_is_shown_whole(show: Callable[..., Window]) -> None:
    window = show(GRAPHS["neuron"]())
    assert all(in_the_window(window))
    window.page.set_viewport_size({"width": 1280, "height": 400})
    window.settle()
    assert all(in_the_window(window))  # and so it stays


def test_a_link_to_a_choice_shows_its_paths(show: Callable[..., Window]) -> None:
    window = show(network(), "#selected=0", viewport={"width": 1600, "height": 900})
    lit = window.page.eval_on_selector_all(".box", "all => all.map(b => b.matches('.lit'))")
    assert lit.count(True) > 7
    assert all(seen for seen, on in zip(in_the_window(window), lit, strict=True) if on)


def runs_down(window: Window) -> bool:
    """Whether the root is the lowest box; it is the one on the right otherwise."""
    lowest, last = window.page.evaluate(
        """() => ["bottom", "right"].map(side => {
            const at = box => box.getBoundingClientRect()[side];
            const root = document.querySelector(".root");
            const others = [...document.querySelectorAll(".box:not(.root)")];
            return others.every(box => at(box) < at(root) - 5);
        })"""
    )
    assert lowest or last
    return bool(lowest)


def test_the_window_chooses_the_layout(browser: Any, show: Callable[..., Window]) -> None:
    assert runs_down(show(GRAPHS["neuron"](), **PHONE))
    assert not runs_down(show(GRAPHS["neuron"]()))  # all of it can be read so
    fixed = Window(browser, "", **PHONE)
    fixed.page.set_content(page(GRAPHS["neuron"](), direction="LR").html)
    assert not runs_down(fixed)
    fixed.close()


def test_turned_the_picture_is_the_same(show: Callable[..., Window]) -> None:
    root = GRAPHS["neuron"]()
    window = show(root, "#selected=0")
    assert not runs_down(window)
    for width in (390, 1280):
        window.page.set_viewport_size({"width": width, "height": 800})
        window.settle()
        assert runs_down(window) == (width == 390)
        window.press("zoom-fit")
        assert_shows(window, root)
        apart = window.page.evaluate(
            """() => {
                const { edges } = JSON.parse(document.getElementById("data").textContent);
                const far = (i, line, length) => { // from a box to a point of a line
                    const point = line.getPointAtLength(length);
                    const { x, y } = point.matrixTransform(line.getScreenCTM());
                    const { left, right, top, bottom } =
                        document.querySelector(`#n${i} .shape`).getBoundingClientRect();
                    return Math.max(left - x, x - right, top - y, y - bottom);
                };
                return edges.map(({ tail, head }, k) => {
                    const line = document.querySelector(`#e${k} .line`);
                    return [far(tail, line, 0), far(head, line, 1e9)];
                });
            }"""
        )
        assert all(abs(tail) < 5 and 0 < head < 25 for tail, head in apart), apart
        lines = "all => all.map(one => one.getAttribute('d'))"
        little = window.page.eval_on_selector_all("#map path", lines)
        assert little == window.page.eval_on_selector_all(".arrow .line", lines)


def test_a_low_window_keeps_its_parts_apart(show: Callable[..., Window]) -> None:
    for size in [(667, 375), (844, 390), (320, 256)]:
        window = show(network(), viewport=dict(zip(("width", "height"), size, strict=True)))
        places = [
            window.page.locator(s).bounding_box()
            for s in ("header", "#pane", "#step", "#transport")
        ]
        assert not any(overlap(a, b) for a, b in itertools.combinations(places, 2)), size
        assert not window.page.is_visible("#map")


def test_a_message_is_seen_wherever_the_reader_is(show: Callable[..., Window]) -> None:
    window = show(network(), **PHONE)
    window.page.locator("#tabs [data-tab=descend]").tap()
    window.page.fill("#rate", "0")
    window.page.locator("#descend").tap()
    box = window.page.locator("#message").bounding_box()
    assert 0 <= box["y"] < 844
    window.page.locator("#forward").tap()
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
    window.settle()  # the view has its new size
    window.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert window.page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 25, 31)"
    legend, picture, pane = (
        window.page.locator(s).bounding_box() for s in ("#legend", "#picture", "#pane")
    )
    assert not overlap(legend, picture)
    assert picture["height"] <= pane["height"]  # which would cut it off
    for box in window.page.locator(".box").all():
        place = box.bounding_box()
        assert picture["x"] <= place["x"] <= picture["x"] + picture["width"] - place["width"]
        assert picture["y"] <= place["y"] <= picture["y"] + picture["height"] - place["height"]
    window.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert window.page.get_attribute("#scene", "transform")


def test_the_theme_follows_the_reader(show: Callable[..., Window]) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light, dark = (show(Value(1.0, "x").exp(), color_scheme=s) for s in ("light", "dark"))
    assert light.page.evaluate(colour) == "rgb(247, 248, 250)"
    assert dark.page.evaluate(colour) != light.page.evaluate(colour)
    dark.page.click("#theme")
    assert dark.page.evaluate(colour) == light.page.evaluate(colour)
    assert dark.page.get_attribute("#theme", "aria-label") == "Dark"


def test_zooming_keeps_what_is_under_the_pointer(show: Callable[..., Window]) -> None:
    root = network()
    first = next(i for i, v in enumerate(topological_order(root)) if v.op is not None)
    window = show(root)
    before = window.page.locator(f"#n{first}").bounding_box()
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    window.page.mouse.move(x, y)
    window.page.keyboard.down("Control")
    window.page.mouse.wheel(0, -100)
    window.page.keyboard.up("Control")
    width = f"document.querySelector('#n{first}').getBoundingClientRect().width"
    window.until(f"{width} > {1.3 * before['width']}")
    after = window.page.locator(f"#n{first}").bounding_box()
    assert abs(after["x"] + after["width"] / 2 - x) < 2
    window.page.mouse.down()
    window.page.mouse.move(x + 60, y, steps=4)
    window.page.mouse.up()
    moved = window.page.locator(f"#n{first}").bounding_box()
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


@pytest.mark.filterwarnings("ignore:page. the label")
def test_hostile_labels_are_text(show: Callable[..., Window]) -> None:
    leaves = [parameter(0.1 * i, label) for i, label in enumerate(LABELS)]
    root = labelled("</title><script>alert(1)</script>", ops.sum([v.tanh() for v in leaves]))
    window = show(root)
    assert window.page.locator("img, iframe, object, embed").count() == 0
    assert window.page.locator("script").count() == 3
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
