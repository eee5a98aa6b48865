"""Labels and numbers as other people's programs set them: of any type, and of any characters."""

from __future__ import annotations

import itertools
import math
import unicodedata
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import Value, affine, detect_anomaly, gradcheck, parameter
from micrograd.checking import GradientMismatch
from micrograd.modes import AnomalyError
from viz import draw, error_terms, explain, page
from viz.markup import latex_of_label, mathml_of_label
from viz.mathtext import html_of_label, number, text_of_label


class Cost:
    """The cost of a neuron, and the Values it is made of; recorded and differentiated."""

    def __init__(self) -> None:
        self.w, self.x, self.b = parameter(0.5, "w"), Value(2.0, "x"), parameter(0.25, "b")
        self.z = affine([self.w, parameter(1.0, "u")], [self.x, Value(1.0, "y")], self.b)
        self.z.label = "z"
        self.two = (self.z.tanh() ** 2.0).parents[1]
        self.root = (self.z.tanh() - 1.0) ** 2.0
        self.root.label = "C"
        self.root.backward()


# Every way to show a graph, as text.
WAYS: dict[str, Callable[[Cost], str]] = {
    "draw": lambda cost: draw(cost.root).source,
    "neurons": lambda cost: draw(cost.root, fold="neurons").source,
    "layers": lambda cost: draw(cost.root, fold="layers").source,
    "explain": lambda cost: f"{explain(cost.root, cost.w)}\n{explain(cost.root, cost.w)!r}",
    "latex": lambda cost: explain(cost.root, cost.w).latex(),
    "mathml": lambda cost: explain(cost.root, cost.w).mathml(),
    "error_terms": lambda cost: str(error_terms(cost.root)),
    "page": lambda cost: page(cost.root).html,
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Callable[[Cost], str]:
    return WAYS[request.param]


# Numbers.

NUMBERS = [
    np.float32(0.1),
    np.float16(0.5),
    np.int64(3),
    np.longdouble("0.1"),
    np.array(0.5),
    Fraction(1, 3),
    3,
    True,
    2**80,
]


@pytest.mark.parametrize("data", NUMBERS, ids=lambda x: type(x).__name__)
def test_numbers_of_any_type_are_shown_as_floats(way: Callable[[Cost], str], data: Any) -> None:
    shown = []
    for one in data, float(data):
        cost = Cost()
        cost.w.data = one
        cost.root = (cost.w * cost.x - 1.0) ** 2.0 + affine([cost.w], [cost.x], cost.b)
        if way not in (WAYS["explain"], WAYS["page"]):
            cost.root.backward()
            make = np.array if isinstance(data, np.ndarray) else type(data)
            cost.w.grad = make(cost.w.grad)
        shown.append(way(cost))
    assert shown[0] == shown[1] or isinstance(data, np.floating)  # they compute as they do
    assert number(data) == number(float(data))


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (None, TypeError, "expected a real number, got NoneType None"),
        ("0.5", TypeError, "expected a real number, got str '0.5'"),
        (0.5j, TypeError, "expected a real number, got complex"),
        (np.complex64(1), TypeError, "expected a real number, got complex64"),
        (np.array([0.5]), TypeError, "expected a real number, got ndarray"),
        (Value(1.0), TypeError, "expected a real number, got Value"),
        (Decimal("0.5"), TypeError, "expected a number that computes with floats, got Decimal"),
        (10**400, OverflowError, "the int is too large for a float"),
        (10**5000, OverflowError, "the int is too large for a float"),
        (Fraction(10**400), OverflowError, "the Fraction is too large for a float"),
    ],
    ids=lambda x: str(type(x)),
)
def test_what_is_no_number_is_named(
    way: Callable[[Cost], str], data: Any, error: type[Exception], says: str
) -> None:
    function = {"neurons": "draw", "layers": "draw", "latex": "explain", "mathml": "explain"}
    name = next(name for name, one in WAYS.items() if one is way)
    cost = Cost()
    cost.w.data = data
    with pytest.raises(error, match=rf"^{function.get(name, name)}: the data of 'w': {says}"):
        way(cost)


def test_who_reads_the_gradients_names_one_that_is_no_number() -> None:
    for value in "w", "root":
        cost = Cost()
        getattr(cost, value).grad = None
        for way in draw, page:
            with pytest.raises(TypeError, match=r"the grad of '[wC]': expected a real number"):
                way(cost.root)
        explain(cost.root, cost.w)


def test_numbers_between_are_read_by_those_who_show_them() -> None:
    cost = Cost()
    cost.z.data = None  # type: ignore[assignment]
    for way in WAYS.values():
        with pytest.raises(TypeError, match=r"^[a-z_]+: the data of 'z': expected a real number"):
            way(cost)
    cost.z.label = ""
    with pytest.raises(TypeError, match=r"^draw: the data of a value without a label"):
        draw(cost.root)


def test_a_number_in_a_formula_may_be_of_any_type() -> None:
    cost = Cost()
    two = cost.root.parents[1]
    two.data = Fraction(5, 2)  # type: ignore[assignment]
    with pytest.warns(UserWarning, match="is not what its operands give now"):
        assert "5/2" not in draw(cost.root).source
    assert "2.5" in str(explain(cost.root, cost.w))
    assert "2.5" in page(cost.root).html


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_slope_that_is_not_finite_beside_one_that_is_can_be_drawn(bad: float) -> None:
    # A width that is no number makes Graphviz end the process.
    w, x = Value(3.0, "w"), Value(bad, "x")
    for root in w * 2.0 + x.sqrt(), x.sqrt() + w * 2.0:
        drawing = draw(root)
        assert "penwidth=nan" not in drawing.source
        assert "penwidth=inf" not in drawing.source
        assert drawing.pipe("svg")
        assert page(root).html


# Labels.


class Own:
    """Something that prints itself."""

    def __str__(self) -> str:
        return "mine"


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        (3, "3"),
        (0, "0"),
        (2.5, "2.5"),
        (b"w", "b'w'"),
        (["p"], "['p']"),
        (("p", 1), "('p', 1)"),
        (np.array([1, 2]), "[1 2]"),
        (np.str_("name"), "name"),
        pytest.param(Own(), "mine", id="own"),
        (False, "False"),
        (Fraction(1, 3), "1/3"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("of", ["w", "z"])
def test_labels_of_any_type_are_shown_as_text(of: str, label: Any, shown: str) -> None:
    for name, way in WAYS.items():
        texts = []
        for one in label, shown:
            cost = Cost()
            getattr(cost, of).label = one
            texts.append(way(cost))
        assert texts[0] == texts[1], name


def test_none_is_no_label() -> None:
    for name, way in WAYS.items():
        texts = []
        for one in None, "":
            cost = Cost()
            cost.z.label = cost.w.label = one
            texts.append(way(cost))
        assert texts[0] == texts[1], name


def test_who_checks_gradients_takes_labels_of_any_type() -> None:
    x, y = Value(1.0), Value(2.0)
    x.label, y.label = 3, np.array([1, 2])  # type: ignore[assignment]
    report = gradcheck(lambda x, y: x * y, [x, y])
    assert [check.name for check in report.checks] == ["3", "[1 2]"]
    assert "[1 2]" in str(report)
    x.data = y.data = 1e200
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"3 = 1e\+200, \[1 2\] = 1e\+200"):
        x * y


# Characters that a terminal obeys, or nobody sees.

OBEYED = (
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # directions
    "\u2028\u2029\x85\x0b\x0c\r"  # lines
    "\x00\x07\x08\x1b\x7f\x9b"  # bells and escapes
    "\u200b\u2060\u2061\u2064\u206a\u206f\ufeff\ufff9\ufffb\U000e0001\U000e0041"  # not seen
    "\ud800\udfff\ufffe\uffff"
)


def obeyed(text: str) -> set[str]:
    """Which of these are in a text, but for those that end its lines."""
    unseen = {"Cc", "Cs", "Zl", "Zp"}
    found = {c for c in text if unicodedata.category(c) in unseen or c in OBEYED}
    return found - {"\n", "\t"}


FORMS = ("a{}b", "{}", "w_{{{}}}", r"\text{{x{}}} y", r"\mathrm{{{}}}", "w^{}", r"\sgima{}")


@pytest.mark.parametrize("form", FORMS)
def test_no_character_that_is_obeyed_is_left_in_what_is_shown(
    form: str, way: Callable[[Cost], str]
) -> None:
    cost = Cost()
    cost.w.label = cost.z.label = cost.root.label = form.format(OBEYED)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shown = way(cost)
    assert obeyed(shown) <= obeyed(way(Cost()))  # the page has some of its own
    assert all(obeyed(str(one.message)) == set() for one in caught)


@pytest.mark.parametrize("form", FORMS)
def test_each_of_them_is_seen(form: str) -> None:
    for character in OBEYED:
        label = form.format(character)
        for write in html_of_label, text_of_label, latex_of_label, mathml_of_label:
            written = write(label)
            assert obeyed(written) == set()
            picture = "\ufffd", chr(0x2400 + ord(character) % 32)
            assert character.isspace() or not set(picture).isdisjoint(written), (write, character)


@pytest.mark.parametrize("character", OBEYED, ids=ascii)
def test_nor_in_what_is_printed_without_a_picture(character: str) -> None:
    label = f"a{character}b\nc"
    x, y = Value(1.0, label), Value(2.0, label)
    texts = [repr(x), str(gradcheck(lambda x: x * x, [x]))]
    with detect_anomaly(), pytest.raises(AnomalyError) as anomaly:
        x * y * math.inf
    with pytest.raises(GradientMismatch) as mismatch:
        gradcheck(lambda x: x.detach() * x, [x])
    z = x * y
    z.label = label
    with pytest.raises(ValueError, match="is no leaf") as no_leaf:
        gradcheck(lambda z: z, [z])
    texts += [str(error.value) for error in (anomaly, mismatch, no_leaf)]
    assert [obeyed(text) for text in texts] == [set()] * len(texts)
    assert [text.count("\n") for text in texts] == [0, 1, 0, 0, 0]


@given(st.text(st.characters(codec=None)))
def test_no_label_at_all_has_one_left(label: str) -> None:
    for write in html_of_label, text_of_label, latex_of_label, mathml_of_label:
        assert obeyed(write(label)) == set()


@pytest.mark.parametrize(
    "label", ["שלום", "مرحبا", "激活值", "नमस्ते", "می‌خواهم", "👩‍🔬", "❤️", "é", "e\u0301", "a\u00adb"]
)
def test_words_of_any_script_are_shown_as_they_are(label: str) -> None:
    # Some are joined, or kept apart, by characters that nobody sees.
    assert html_of_label(label) == text_of_label(label) == label


def test_labels_that_differ_in_what_is_not_seen_can_be_told_apart() -> None:
    values = [Value(1.0, f"w{c}") for c in ("", "\u200b", "\u202e", "\ufeff")]
    root = values[0]
    for v in values[1:]:
        root = root * v
    names = [str(explain(root, v)).partition(" =")[0] for v in values]
    assert all(one != other for one, other in itertools.combinations(names, 2))
