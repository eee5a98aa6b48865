"""The file that a page is: what stands in it, and that it computes as Python does."""

from __future__ import annotations

import math
import os
import random
import re
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demos import chain_rule
from micrograd import Value, ops, parameter, primitive, squared_error
from micrograd.engine import topological_order
from micrograd.nn import MLP
from micrograd.ops import Primitive
from tests.browser import NEEDED, Window, without
from tests.graphs import ROWS, flat, points, shaped
from tests.pages import assert_shows, labelled, near, network
from tests.test_special_values import points as special_points
from viz import Page, TooManyNodesError, page, render
from viz.javascript import javascript_of
from viz.mathtext import number
from viz.page import script_of

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
    web = resources.files("viz").joinpath("web")
    source = script_of(web.joinpath("numbers.mjs").read_text(encoding="utf-8"))
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
    chain = Value(0.5, "x")
    for i in range(49):
        chain = ops.affine([parameter(1.0, f"w^{{({i})}}")], [chain], parameter(0.1)).tanh()
    text = page(chain).html
    assert len(text.encode()) < 400_000


def test_without_scripts_the_picture_is_there(browser: Any, show: Callable[..., Window]) -> None:
    window = show(chain_rule.build().cost, java_script_enabled=False)
    assert window.page.locator(".box").count() == 15
    assert "grad −0.0732" in window.page.text_content("#picture")
    assert "needs JavaScript" in window.page.text_content("#message")


def test_a_page_needs_no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    x = Value(3.0, "x")
    text = page(labelled("C", x / x)).html
    assert text.count('<g id="n') == 2
    assert text.count('<g id="e') == 2


def test_a_page_shows_itself_in_a_notebook(browser: Any) -> None:
    shown = page(chain_rule.build().cost)
    assert shown.path is None
    window = Window(browser, "")
    window.page.set_content(f"<!doctype html><p>a notebook</p>{shown._repr_html_()}")
    frame = window.page.frame_locator("iframe")
    frame.locator("#forward").click()
    assert frame.locator("#count").inner_text() == "1 / 23"
    assert frame.locator("#descend").is_enabled()
    assert not frame.locator("#share").is_visible()
    # It has no address to write to, and says nothing: after 200 ms, if this timer is later.
    (inside,) = window.page.main_frame.child_frames
    inside.evaluate("() => new Promise(done => setTimeout(done, 300))")
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

    def fail(*arguments: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="full"):
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
    window.press("last")
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


@pytest.mark.parametrize(("form", "why"), [("x => x *", "SyntaxError"), ("x => y", "y is not")])
def test_a_form_that_does_not_run_is_said(browser: Any, form: str, why: str) -> None:
    root = square(javascript=form)(Value(3.0, "x"))
    window = Window(browser, "")
    window.page.set_content(page(root).html)
    said = window.page.text_content("#message")
    assert "This page's script has stopped" in said
    assert why in said
    window.context.close()


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
