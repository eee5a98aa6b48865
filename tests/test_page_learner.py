"""The page for a learner: it fits, it opens at the beginning, and what it shows is true."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from demos import chain_rule, tiny_mlp
from micrograd import Value
from micrograd.engine import topological_order
from tests.browser import Window
from tests.pages import choose, labelled, near, network
from tests.test_layout import GRAPHS
from tests.test_page_reader import PHONE, in_the_window
from viz import page
from viz.language import LANGUAGES, catalogue
from viz.style import DARK, LIGHT

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
LARGE = {"viewport": {"width": 1920, "height": 1080}}


def chain() -> Value:
    return chain_rule.build().cost


def small_texts(window: Window) -> list[tuple[str, float]]:
    """The texts that are seen, but smaller than 11 pixels; indices aside."""
    return window.page.evaluate(
        """() => [...document.querySelectorAll("text, li, h2, h3, p, button")].filter(one =>
                 one.textContent.trim() && one.getClientRects().length)
            .map(one => {
                const scale = one.ownerSVGElement ? one.getScreenCTM().a : 1;
                return [one.textContent, scale * parseFloat(getComputedStyle(one).fontSize)];
            }).filter(([, size]) => size < 11)"""
    )


@pytest.mark.parametrize("size", [DESKTOP, LARGE])
@pytest.mark.parametrize("graph", [chain, lambda: tiny_mlp.build().cost])
def test_the_lessons_graphs_are_whole_and_legible_on_a_desktop(
    graph: Callable[[], Value], size: dict[str, Any], show: Callable[..., Window]
) -> None:
    window = show(graph(), **size)
    for fragment in ("", "#step=12", "#selected=0", "#arrow=0"):
        if fragment:
            window.go(fragment)
        window.settle()
        assert all(in_the_window(window)), fragment
        assert small_texts(window) == [], fragment


def test_the_chain_is_whole_and_legible_on_a_phone(show: Callable[..., Window]) -> None:
    window = show(chain(), **PHONE)
    for fragment in ("", "#step=12", "#selected=0"):
        if fragment:
            window.go(fragment)
        window.settle()
        assert all(in_the_window(window)), fragment
        assert small_texts(window) == [], fragment


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_no_two_texts_meet_and_none_leaves_its_box(
    size: dict[str, Any], browser: Any, tmp_path: Any
) -> None:
    window = Window(browser, "", **size)
    for n, root in enumerate(GRAPHS):
        path = page(root, tmp_path / f"{n}.html").path
        window.page.goto(f"{path.as_uri()}#step={len(topological_order(root))}")
        bad = window.page.evaluate(
            """() => [...document.querySelectorAll(".box")].flatMap(box => {
                const shape = box.querySelector(".shape");
                const texts = [...box.querySelectorAll("text")].map(one => [one, one.getBBox()]);
                const wrong = [];
                texts.forEach(([one, a], i) => {
                    // Lines may come near: letters, not their line heights, must not meet.
                    texts.slice(i + 1).forEach(([other, b]) => {
                        const apart = Math.abs(a.y + a.height / 2 - b.y - b.height / 2);
                        const beside = a.x + a.width <= b.x + 1 || b.x + b.width <= a.x + 1;
                        if (!beside && apart < 10)
                            wrong.push(`${one.textContent} on ${other.textContent}`);
                    });
                    if (!shape) return;
                    const { x, width } = shape.getBBox();
                    if (a.x < x || a.x + a.width > x + width)
                        wrong.push(`${one.textContent} leaves its box`);
                });
                return wrong;
            })"""
        )
        assert bad == [], n
    window.close()


def test_it_opens_at_the_beginning_with_a_question(show: Callable[..., Window]) -> None:
    window = show(chain())
    assert window.page.input_value("#scrubber") == "0"
    question = re.sub(r"\s", "", window.page.text_content("#question"))
    assert question == "HowdoeseachvaluechangeC0?"
    assert window.page.locator("#play").bounding_box()["width"] > 110
    assert "Play" in window.page.inner_text("#play")


def test_space_always_plays(show: Callable[..., Window]) -> None:
    window = show(chain())
    for where in ("#n0", "#theme", "#predict", "#scrubber", "#speed", "#forward", "#language"):
        window.page.focus(where)
        before = window.page.get_attribute("#predict", "aria-pressed")
        for label in ("Pause", "Play"):
            window.page.keyboard.press("Space")
            assert window.page.get_attribute("#play", "aria-label") == label, where
        assert window.page.get_attribute("#predict", "aria-pressed") == before
    window.page.click("#n3")
    window.page.keyboard.press("Space")
    assert window.page.get_attribute("#play", "aria-label") == "Pause"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_card_of_the_step_is_always_in_view(
    size: dict[str, Any], show: Callable[..., Window]
) -> None:
    window = show(chain(), "#selected=9", reduced_motion="reduce", **size)
    window.press("first")
    window.page.evaluate("document.getElementById('panels').scrollTop = 1e4")
    height = size["viewport"]["height"]
    for step in range(24):
        card = window.page.locator("#step").bounding_box()
        assert card["y"] >= 0, step
        assert card["y"] + card["height"] <= height, step
        inside = "(c => c.scrollHeight - c.clientHeight)(document.querySelector('#step .content'))"
        assert window.page.evaluate(inside) <= 2, step
        window.press("forward")


def test_nothing_moves_for_who_wants_nothing_to_move(show: Callable[..., Window]) -> None:
    window = show(chain(), "#step=9", reduced_motion="reduce")
    window.press("forward")
    assert window.page.locator("#tokens *").count() == 0
    moving = show(chain(), "#step=9")
    moving.press("forward")
    assert moving.page.locator(".token").count() == 1
    moving.until("document.querySelector('#tokens *') === null")


def test_the_gradient_travels_against_the_arrow_and_becomes_the_product(
    show: Callable[..., Window],
) -> None:
    window = show(chain(), "#step=11")
    window.page.evaluate(
        """() => {
            window.seen = [];
            new MutationObserver(() => {
                const token = document.querySelector(".token");
                if (!token) return;
                window.seen.push(token.textContent);
            }).observe(document.getElementById("tokens"), { childList: true, subtree: true });
        }"""
    )
    window.press("forward")  # from z(L) to w(L)
    window.until("document.querySelector('#tokens *') === null")
    seen = window.page.evaluate("window.seen")
    texts = list(dict.fromkeys(text for text in seen if text))
    assert texts == ["−0.153", "−0.153 · 0.48", "−0.0732", "+ (−0.0732)"]
    assert window.page.text_content("#n9 .gradient") == "−0.0732"


def test_a_nudge_moves_what_python_moves(show: Callable[..., Window]) -> None:
    root = network()
    window = show(root)
    order = topological_order(root)
    rng = random.Random(2)  # noqa: S311
    for i in rng.sample([i for i, v in enumerate(order) if v.kind != "constant"], 9):
        if order[i] is root:
            continue
        choose(window, i)
        delta = float(
            window.page.eval_on_selector(".moves", "one => one.dataset.after - one.dataset.before")
        )
        lines = window.page.eval_on_selector_all(".moves", "all => all.map(one => one.dataset)")
        numbers: dict[Value, float] = {}
        for j, v in enumerate(order):
            numbers[v] = v.data + delta * (j == i)
            if j != i and v.op is not None:
                numbers[v] = v.op.ieee(*v.op.mapped(numbers.__getitem__, v.arguments))
        assert len(lines) > 1
        for line in lines:
            v = order[int(line["node"])]
            assert near(float(line["before"]), v.data)
            assert abs(float(line["after"]) - numbers[v]) <= 1e-12 * max(1.0, abs(numbers[v]))
        root.zero_grad()
        root.backward()
        last = lines[-1]
        assert float(last["foretold"]) == pytest.approx(order[i].grad * delta, rel=1e-9, abs=1e-12)


def test_the_tangent_has_the_gradient_as_its_slope(show: Callable[..., Window]) -> None:
    root = network()
    window = show(root)
    root.backward()
    for i, v in enumerate(topological_order(root)[:-1]):
        choose(window, i)
        chart = window.page.locator("#selection .chart").first
        assert near(float(chart.get_attribute("data-slope")), v.grad), v
        d = chart.locator(".tangent").get_attribute("d")
        (x0, y0), (x1, y1) = ([float(n) for n in p.split(",")] for p in re.split("[ML]", d)[1:])
        curve = chart.locator(".curve").get_attribute("points").split()
        points = [[float(n) for n in p.split(",")] for p in curve]
        middle = (x0 + x1) / 2
        a, b = next((a, b) for a, b in pairwise(points) if b[0] >= middle)
        seen = (b[1] - a[1]) / (b[0] - a[0])
        assert (y1 - y0) / (x1 - x0) == pytest.approx(seen, abs=0.12), v


def test_an_activation_shows_its_curve_and_its_tangent(show: Callable[..., Window]) -> None:
    root = chain()
    order = topological_order(root)
    window = show(root)
    a = next(i for i, v in enumerate(order) if v.label == "a^{(L)}")
    choose(window, a)
    chart = window.page.locator("#selection .chart").nth(1)
    assert near(float(chart.get_attribute("data-slope")), 0.66 * 0.34)


def test_an_arrow_can_be_chosen(show: Callable[..., Window]) -> None:
    window = show(chain())
    edge = window.page.evaluate(
        "JSON.parse(document.getElementById('data').textContent).edges.findIndex(e => e.tail === 9)"
    )
    window.page.locator(f"#e{edge} .reach").dispatch_event("click")
    said = re.sub(r"\s", "", window.page.text_content("#selection"))
    assert "∂z(L)∂w(L)=a(L−1)=0.48" in said
    assert "0.48·(−0.1526)=−0.07324" in said
    assert "0.48timesasfar" in said
    assert window.page.text_content(f"#l{edge} text").endswith(" = 0.48")
    window.until("location.hash.includes('arrow=')")
    window.page.keyboard.press("Escape")
    assert window.page.locator(".arrow.selected").count() == 0


def test_predict_hides_the_product_until_it_is_said(show: Callable[..., Window]) -> None:
    window = show(chain(), "#step=11", reduced_motion="reduce")
    window.press("predict")
    window.press("forward")
    assert window.page.text_content("#n9 .gradient") == "0"
    assert "−0.07324" not in window.page.text_content("#step")
    assert window.page.text_content("#spoken") == ""
    window.page.click("[data-guess=positive]")
    assert "Not quite" in window.page.text_content("#step .verdict")
    window.page.click("[data-guess=negative]")
    assert "Right." in window.page.text_content("#step .verdict")
    guesses = window.page.eval_on_selector_all(".guess", "all => all.map(b => b.dataset.guess)")
    assert len(guesses) == 4
    [right] = [g for g in guesses if near(float(g), 0.48 * 0.66 * 0.34 * 2 * (0.66 - 1))]
    window.page.click(f"[data-guess='{right}']")
    assert window.page.text_content("#n9 .gradient") == "−0.0732"
    assert "−0.07324" in window.page.text_content("#step")


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize(("scheme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_colours_follow_signs(
    scheme: str, colours: dict[str, str], show: Callable[..., Window]
) -> None:
    root = network()
    window = show(root, "#step=55", color_scheme=scheme)
    window.press("last")
    root.backward()
    for i, v in enumerate(topological_order(root)):
        if v.kind == "constant":
            continue
        expected = rgb(colours["positive" if v.grad > 0 else "negative"])
        fill = "one => getComputedStyle(one).fill"
        assert window.page.eval_on_selector(f"#n{i} .gradient", fill) == expected
        x = float(window.page.get_attribute(f"#n{i} .bar", "x"))
        assert (x < 0) == (v.grad < 0)  # to the left where it is negative


def contrast(a: str, b: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_every_text_can_be_told_from_what_is_behind_it(colours: dict[str, str]) -> None:
    for text in ("ink", "quiet", "positive", "negative", "zero"):
        for behind in ("paper", "canvas", "panel", "positive-tint", "negative-tint"):
            assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    for sign in ("positive", "negative"):
        assert contrast(colours["on-accent"], colours[sign]) >= 4.5


# Languages.


def test_no_sentence_lacks_its_translation() -> None:
    english = catalogue("en")
    for language in LANGUAGES:
        texts = catalogue(language)
        assert texts.keys() == english.keys()
        for key, text in texts.items():
            assert text.strip() or key == "comma", (language, key)
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key]))
        if language != "en":
            same = {k for k in texts if texts[k] == english[k]}
            assert not {k for k in same if re.search("[a-z]{2}", texts[k])}, language


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_chinese_by_the_browser_by_lang_and_by_the_switch(
    size: dict[str, Any], browser: Any, show: Callable[..., Window]
) -> None:
    by_browser = show(chain(), "#selected=9", locale="zh-CN", **size)
    assert by_browser.page.inner_text("#play") == "播放"
    assert by_browser.page.get_attribute("html", "lang") == "zh-Hans"
    by_switch = show(chain(), "#selected=9", **size)
    assert by_switch.page.inner_text("#play") == "Play"
    by_switch.page.select_option("#language", "zh")
    assert by_switch.page.inner_text("#play") == "播放"
    by_lang = Window(browser, "", **size)
    by_lang.page.set_content(page(chain(), lang="zh").html)
    assert by_lang.page.inner_text("#play") == "播放"
    by_lang.close()
    for window in (by_browser, by_switch):
        said = window.page.evaluate("document.body.innerText")
        english = {text for text in catalogue("en").values() if re.fullmatch("[A-Za-z ]{4,}", text)}
        assert not {t for t in english - {"English"} if re.search(rf"\b{t}\b", said)}
        wide = window.page.evaluate(
            """() => [...document.querySelectorAll("button, h2, li, .word")].filter(one =>
                one.getClientRects().length && one.scrollWidth > one.clientWidth + 1
                && one.clientWidth > 0).map(one => one.textContent)"""
        )
        assert wide == []


def test_another_language_is_an_error() -> None:
    with pytest.raises(ValueError, match="page: expected lang to be one of en, zh, got 'fr'"):
        page(labelled("C", Value(1.0).exp()), lang="fr")


def test_what_is_shown_can_be_saved(show: Callable[..., Window]) -> None:
    window = show(chain(), "#step=12")
    for ending, start in (("png", b"\x89PNG"), ("svg", b"<svg")):
        with window.page.expect_download() as found:
            window.page.evaluate(f"document.getElementById('save-{ending}').click()")
        data = found.value.path().read_bytes()
        assert data.startswith(start)
        assert found.value.suggested_filename.endswith(f".{ending}")
    assert "−0.0732".encode() in data
    assert b"var(" not in data  # it needs no style sheet
