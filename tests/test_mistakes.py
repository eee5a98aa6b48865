"""Labels that cannot be read, and labels that went by another name: who warns, when, of what."""

from __future__ import annotations

import re
import tracemalloc
import warnings
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demos import chain_rule
from micrograd import Value, affine, parameter
from micrograd.nn import MLP
from viz import draw, draw_dot, error_terms, explain, page
from viz.formula import KNOWN, Words
from viz.labels import read_label
from viz.mathtext import text_of_label
from viz.mistakes import is_near_miss, mistake

WAYS: dict[str, Callable[[Value], object]] = {
    "draw": draw,
    "draw_dot": draw_dot,
    "folded": lambda root: draw(root, fold="neurons"),
    "explain": lambda root: explain(root, root),
    "error_terms": error_terms,
    "page": page,
}


def warned(way: Callable[[], object]) -> list[str]:
    """What it warns of; each warning points to this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        way()
    assert all(w.category is UserWarning for w in caught)
    assert {w.filename for w in caught} <= {__file__}
    return [str(w.message) for w in caught]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("w^{(L", "the brace at character 3 is never closed"),
        ("w_{jk", "the brace at character 3 is never closed"),
        ("w_{jk^{(l)}", "the brace at character 3 is never closed"),
        ("loss_{train", "the brace at character 6 is never closed"),
        ("w_jk}^{(l)}", "the brace at character 5 closes nothing"),
        ("x}{y", "the brace at character 2 closes nothing"),
        (r"\frac{a}{b", "the brace at character 9 is never closed"),
        (r"\sgima", r"unknown command \sgima at character 1; did you mean \sigma?"),
        (r"w_{\alhpa}", r"unknown command \alhpa at character 4; did you mean \alpha?"),
        (r"x_1 \qqq", r"unknown command \qqq at character 5"),
        (r"learning \etaa", r"unknown command \etaa at character 10; did you mean \eta?"),
        (r"\sgima_{", r"unknown command \sgima at character 1; did you mean \sigma?"),
        (r"50% \sgima", r"unknown command \sgima at character 5; did you mean \sigma?"),
        (r"data\qqq", r"unknown command \qqq at character 5"),
        (
            r"rate \alpha",
            r"the word at character 1 has to be written as \text{...}",
        ),
        (
            r"\alpha 学习率",
            r"the word at character 8 has to be written as \text{...}",
        ),
        (r"\frac{a}", "something is missing after character 8"),
        (r"\frac{a} + %", "it cannot be understood from character 12 on"),
        (r"\text{a", "the brace at character 6 is never closed"),
        (
            r"x \begin{cases} a & % \\ b & c \end{cases}",
            "it cannot be understood from character 16 on",
        ),
        (r"\begin{matrix} \alpha", "it cannot be understood from character 1 on"),
    ],
)
def test_a_mistake_is_named_with_its_place(label: str, expected: str) -> None:
    assert mistake(label) == expected
    assert text_of_label(label) == label  # shown as it stands


@pytest.mark.parametrize(
    "label",
    [
        "",
        "loss",
        "a_prev",
        "class_",
        "x_",
        "learning rate",
        "50% {ok}",
        "50 %",
        "R&D",
        "$w$",
        "set {red, blue",
        ":-{",
        "{}",
        "^",
        "f(x) = (",
        "w_{jk}^{(L-1)}",
        "loss_{train}",
        r"\sigma",
        r"\text{rate } \alpha",
        r"\frac{a}{b}",
        r"C:\data\train.csv",
        r"read from D:\times",
        r"\{a\}",
        r"x^\{",
        "\\",
        "激活值",
        "two\nlines",
    ],
)
def test_what_is_no_mistake(label: str) -> None:
    assert mistake(label) == ""


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_to_show_a_graph_warns_once_of_each_label(way: Callable[..., object]) -> None:
    leaves = [parameter(2.0, "w^{(L"), Value(3.0, "w^{(L"), Value(4.0, r"\sgima"), Value(5.0, "x")]
    root = affine(leaves[:1], leaves[1:2], leaves[2]) * leaves[3]
    name = {"draw_dot": "draw", "folded": "draw"}
    function = next(name.get(n, n) for n, one in WAYS.items() if one is way)
    for _ in range(2):  # in every call
        assert warned(lambda: way(root)) == [
            f"{function}: the label 'w^{{(L' of Value(data=2.0): the brace at character 3 is never "
            "closed",
            f"{function}: the label '\\sgima' of Value(data=4.0): unknown command \\sgima at "
            "character 1; did you mean \\sigma?",
        ]


def test_what_has_been_made_shows_itself_without_a_word() -> None:
    w = parameter(2.0, "w^{(L")
    z = affine([w], [Value(1.0)], 0.0)
    with pytest.warns(UserWarning, match="never closed"):
        made = [draw(z), explain(z, w), error_terms(z), page(z)]
    for _ in range(2):  # warnings are errors here
        for one in made:
            repr(one)
            str(one)
            for form in ("_repr_html_", "_repr_latex_", "_repr_mimebundle_", "latex", "mathml"):
                getattr(one, form, str)()


def test_a_label_beside_the_graph_is_looked_at_too() -> None:
    x = Value(1.0, "x")
    assert len(warned(lambda: explain(x.exp(), Value(2.0, "y^{")))) == 1


def test_a_label_of_many_lines_warns_in_one() -> None:
    (message,) = warned(lambda: draw(Value(1.0, "x^{\n\x00" + "y" * 100)))
    assert "\n" not in message
    assert "'x^{ ␀yyy" in message
    assert len(message) < 200


def test_labels_of_any_type_are_looked_at() -> None:
    x = Value(1.0)
    x.label = 3  # type: ignore[assignment]
    assert warned(lambda: draw(x.exp())) == []


def test_the_lessons_and_networks_warn_of_nothing() -> None:
    net = MLP(2, [3, 1])
    for cost in (chain_rule.build().cost, net([0.5, -1.0])):
        for way in (draw, error_terms, page):
            assert warned(lambda way=way, cost=cost: way(cost)) == []  # type: ignore[misc]


@pytest.mark.parametrize("name", ["lable", "labl", "lbel", "labell", "llabel", "labek", "Label"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_misspelt_label_is_asked_about_once(way: Callable[..., object], name: str) -> None:
    x, y = Value(2.0), Value(3.0)
    setattr(x, name, "x")
    setattr(y, name, "y")
    function = next(n for n, one in WAYS.items() if one is way)
    function = {"draw_dot": "draw", "folded": "draw"}.get(function, function)
    assert warned(lambda: way(x * y)) == [
        f"{function}: Value(data=2.0) has an attribute {name!r}: did you mean label?"
    ]


def test_other_attributes_are_nobodys_business() -> None:
    x = Value(2.0, "x")
    x.lable = "x"  # type: ignore[attr-defined]  # it has a label
    y = Value(3.0)
    others = {"labels": ["a"], "lable": 3, "colour": "red", "table": ["lable"], "able": "y"}
    others |= {"label_of": "y", "name": "y", "momentum": [0.0], "cable": "y", "lab": "y"}
    for name, held in others.items():
        setattr(y, name, held)
    assert warned(lambda: draw(x * y)) == []


@given(st.sampled_from("label"), st.integers(0, 5), st.characters())
def test_near_misses(letter: str, i: int, other: str) -> None:
    inserted = "label"[:i] + other + "label"[i:]
    assert is_near_miss(inserted)
    for changed in ("label"[:i] + other + "label"[i + 1 :], "label"[:i] + "label"[i + 1 :]):
        assert is_near_miss(changed) == (changed != "label")
    swapped = "label"[: i - 1] + "label"[i : i + 1] + "label"[i - 1 : i] + "label"[i + 1 :]
    if 0 < i < 5:
        assert is_near_miss(swapped)
    assert not is_near_miss(other + "label" + letter)
    assert not any(map(is_near_miss, ("leabl", "lebal", "lxyel", "lab", "")))


def test_looking_for_attributes_leaves_nothing_behind() -> None:
    x = z = Value(0.5, "x")
    for _ in range(50_000):
        z = -z
    error_terms(-x)
    tracemalloc.start()
    error_terms(z)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 100_000  # an empty dict for each node would be 3 million


def test_every_command_that_is_known_is_read() -> None:
    arguments = {"frac": "{a}{b}", "sqrt": "{a}", "begin": r"{cases} a & b \end{cases}"}
    arguments |= dict.fromkeys(("text", "mathrm", "operatorname"), "{a}")
    for name in KNOWN - {"end"}:
        if re.fullmatch("[A-Za-z]+", name):
            read = read_label(f"x_1 \\{name}{arguments.get(name, '')}")
            assert not isinstance(read, Words), name


@given(st.text("ab1_^{}\\ sigmafrc%", max_size=12) | st.text(max_size=5))
def test_what_is_read_has_no_mistake_and_every_mistake_has_a_place(label: str) -> None:
    found = mistake(label)
    if not isinstance(read_label(label), Words):
        assert found == ""
    places = [int(place) for place in re.findall(r"character (\d+)", found)]
    assert all(1 <= place <= len(label) for place in places)


def test_a_label_without_a_backslash_whose_braces_match_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("viz.mistakes.looks_like_math", lambda label: pytest.fail(label))
    assert mistake("w_{jk}^{(l)}") == mistake("50% {ok}") == ""


def test_a_label_of_many_braces_is_not_read() -> None:
    assert mistake(r"\alpha" + "{" * 20_000) == "the brace at character 7 is never closed"
