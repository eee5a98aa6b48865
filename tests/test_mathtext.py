"""Labels and formulas as markup: mathematics where it is, text otherwise, never broken markup."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import Value, ops
from micrograd.symbols import Expression, Symbol
from viz.derivation import LATEX, MATHML, TEXT, Notation
from viz.javascript import javascript
from viz.markup import latex_of_label, mathml_of_label, mathml_of_latex
from viz.mathtext import (
    html_of_label,
    html_of_latex,
    html_of_text,
    number,
    text_of_label,
    text_of_latex,
)
from viz.names import Namer

HOSTILE = [
    '</TABLE>"<script>&\n\\',
    '</TABLE>"<script>&\\n\\\\',
    "<img src=x onerror=alert(1)>",
    "&amp;",
    "a\\N\\G\\E",
    "x}{y",
    "\\frac{a}",
    "^",
    "_{",
    "\x00\x07\x7f\ud800\ufffe",
    "</B> w^{(L)",
    "\\sqrt",
    "\\begin{cases}",
]


def plain(markup: str) -> str:
    """What a reader of the markup sees; fails if it is not well formed."""
    root = ElementTree.fromstring(f"<x>{markup.replace('<BR/>', chr(10))}</x>")
    return "".join(root.itertext()).replace("\u200a", "")  # the hair space after an index


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_label_is_shown_as_that_text(label: str) -> None:
    shown = plain(html_of_label(label))
    visible = re.sub("[\x00-\x09\x0b-\x1f]", lambda m: chr(0x2400 + ord(m.group())), label)
    assert shown == re.sub("[\x7f\ud800\ufffe]", "\ufffd", visible)


@given(st.text(st.characters(codec=None)))
def test_any_label_gives_well_formed_markup(label: str) -> None:
    plain(html_of_label(label))


@given(st.text('ab1_^{}\\ ()-+=fracsqtLCwz,&<"', max_size=12))
def test_near_mathematics_gives_well_formed_markup(label: str) -> None:
    plain(html_of_label(label))


@given(
    st.text(
        st.characters(
            min_codepoint=32,
            max_codepoint=0x2FF,
            exclude_characters="\x7f" + "".join(map(chr, range(0x80, 0xA0))),
        )
    )
)
def test_text_is_shown_letter_by_letter(text: str) -> None:
    assert plain(html_of_text(text)) == text


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("w^{(L)}", "<I>w</I><SUP>(<I>L</I>)</SUP>"),
        ("w_{jk}^{(l)}", "<I>w</I><SUB><I>jk</I></SUB><SUP>(<I>l</I>)</SUP>"),
        ("a_{0}^{(L-1)}", "<I>a</I><SUB>0</SUB><SUP>(<I>L</I>−1)</SUP>"),
        ("C_0", "<I>C</I><SUB>0</SUB>"),
        (r"\sigma", "σ"),
        (r"\alpha_1", "α<SUB>1</SUB>"),
        ("x", "<I>x</I>"),
        ("x y", "<I>x</I> <I>y</I>"),
        ("learning_rate", "learning_rate"),
        ("a_prev", "a_prev"),
        ("loss", "loss"),
        ("w1", "<I>w</I>1"),
        ("1e5", "1e5"),
        ("1e400", "1e400"),
        ("{}", "{}"),
        (r"\,", r"\,"),
        (r"\text{ }", r"\text{ }"),
        ("a < b", "<I>a</I> &lt; <I>b</I>"),
        ("激活值", "激活值"),
        ("", ""),
    ],
)
def test_label(label: str, shown: str) -> None:
    assert re.sub(r"\u200a|</?FONT[^>]*>", "", html_of_label(label)) == shown


@pytest.mark.parametrize("row", ops.table.values(), ids=lambda row: row.name)
def test_every_row_and_every_slope_of_the_table_can_be_shown(row: ops.Primitive) -> None:
    symbols = [
        [Symbol("w_1"), Symbol("w_2")] if star else Symbol(name)
        for name, star in zip(row.arguments, row.starred, strict=True)
    ]
    formulas = [Expression(row, symbols)]
    elements = [s[0] if isinstance(s, list) else s for s in symbols]
    formulas += [partial(Symbol("z"), *elements) for partial in row.partials]
    for formula in formulas:
        if isinstance(formula, Expression):
            shown = plain(html_of_latex(formula.latex()))
            assert shown
            assert not re.search(r"[\\{}]", shown)


def test_a_name_in_a_formula_is_never_read_as_part_of_it() -> None:
    formula = Symbol("\ue000") * 2.0 - Symbol("\ue001")
    markup = {"\ue000": html_of_label("\\frac{"), "\ue001": html_of_label("}^2 <b>")}
    assert plain(html_of_latex(formula.latex(), markup)) == "\\frac{ · 2 − }^2 <b>"


x, y, z = Symbol("x"), Symbol("y"), Symbol("z")


@pytest.mark.parametrize(
    ("formula", "text", "latex"),
    [
        (x * x, "x²", "x^{2}"),
        (ops.tanh.partials[0](z, x), "1 − z²", "1 - z^{2}"),
        (-(x * x), "−x²", "-x^{2}"),
        ((x - y) * (x - y), "(x − y)²", r"\left(x - y\right)^{2}"),
        (3.0 * x * x, "3 x²", "3 x^{2}"),
        (x * (y * x) * x, "x³ y", "x^{3} y"),
        ((x * x) * (x * x), "x⁴", "x^{4}"),
        (ops.exp(x) * ops.exp(x), "(eˣ)²", r"\left(e^{x}\right)^{2}"),
        (ops.sigmoid(x) * ops.sigmoid(x), "σ(x)²", r"\sigma(x)^{2}"),
        (ops.affine([x, y], [x, 2.0], z), "x² + y · 2 + z", r"x^{2} + y \cdot 2 + z"),
        (x * y, "x y", "x y"),
    ],
)
def test_equal_factors_are_printed_as_a_power(formula: Expression, text: str, latex: str) -> None:
    assert formula.latex() == latex
    assert text_of_latex(latex) == text


def test_equal_factors_stay_a_product_in_code() -> None:
    square = x * x
    assert square.python() == "(x * x)"
    assert javascript(square) == "$mul(x, x)"


@pytest.mark.parametrize(
    ("label", "product", "square", "less"),
    [
        ("x", "x y 2", "x²", "y − x"),
        ("w1", "w1 y 2", "w1²", "y − w1"),
        (r"\sigma", "σ y 2", "σ²", "y − σ"),
        ("w_{jk}", "wⱼₖ y 2", "wⱼₖ²", "y − wⱼₖ"),
        ("w^{(L)}", "w⁽ᴸ⁾ y 2", "(w⁽ᴸ⁾)²", "y − w⁽ᴸ⁾"),
        ("learning_rate", "learning_rate · y · 2", "learning_rate²", "y − learning_rate"),
        ("激活值", "激活值 · y · 2", "激活值²", "y − 激活值"),
        ("a b", "a b · y · 2", "(a b)²", "y − a b"),
        ("learning rate", "learning rate · y · 2", "(learning rate)²", "y − learning rate"),
        ("a + b", "(a + b) · y · 2", "(a + b)²", "y − (a + b)"),
        ("-1", "(−1) · y · 2", "(−1)²", "y − (−1)"),
        ("cost + fine", "(cost + fine) · y · 2", "(cost + fine)²", "y − (cost + fine)"),
        ("pre-cost", "pre-cost · y · 2", "(pre-cost)²", "y − pre-cost"),
        ("2", "2 · y · 2", "2²", "y − 2"),
        ("x_1 x_2", "x₁ x₂ · y · 2", "(x₁ x₂)²", "y − x₁ x₂"),
        (r"\sqrt{x}", "√(x) y 2", "√(x)²", "y − √(x)"),
        (r"\frac{a}{b}", "a/b · y · 2", "(a/b)²", "y − a/b"),
    ],
)
def test_names_keep_together_and_apart_in_formulas(
    label: str, product: str, square: str, less: str
) -> None:
    v, w = Value(1.0, label), Value(2.0, "y")
    notation = Notation([v, w], TEXT)
    a, b = notation.symbol(v), notation.symbol(w)
    shown = [notation.write(formula.latex()) for formula in (a * b * 2.0, a * a, b - a)]
    assert shown == [product.replace(" y 2", " y · 2"), square, less]
    affine = ops.affine([b], [a], b)
    assert notation.write(affine.latex()).count("·") == ("·" in product)
    for namer in (Notation([v], MATHML), Notation([v], LATEX), Namer([v])):
        power = (namer.symbol(v) * namer.symbol(v)).latex()
        bracketed = square.startswith("(")
        assert ("left(" in power) is bracketed


@pytest.mark.parametrize(
    ("x", "shown"),
    [
        (0.1 + 0.2, "0.3"),
        (-0.07324416, "−0.07324"),
        (0.2244, "0.2244"),
        (13002.0, "13002"),
        (12345.678, "12346"),
        (1e6, "1·10⁶"),
        (-1.5e-9, "−1.5·10⁻⁹"),
        (1e308, "1·10³⁰⁸"),
        (0.0, "0"),
        (-0.0, "0"),
        (float("nan"), "nan"),
        (float("-inf"), "−∞"),
        (999999.5, "1000000"),
        (9999.96, "10000"),
    ],
)
def test_number(x: float, shown: str) -> None:
    assert number(x) == shown


@given(st.text('ab1_^{}\\ ()-+=fracsqtLCwz,&<"', max_size=12) | st.text(st.characters(codec=None)))
def test_any_label_can_be_written_in_every_markup(label: str) -> None:
    ElementTree.fromstring(f"<x>{mathml_of_label(label)}</x>")
    assert "\n" not in text_of_label(label)
    latex = re.sub(r"\\[{}]", "", latex_of_label(label))
    assert latex.count("{") == latex.count("}")
    if not latex.startswith("\\begin{cases}"):
        assert not re.search(r"(?<!\\)[$%#&~]", latex)


@pytest.mark.parametrize(
    ("label", "text", "latex"),
    [
        ("w_{jk}^{(L-1)}", "wⱼₖ⁽ᴸ⁻¹⁾", "w_{jk}^{(L-1)}"),
        ("C_0", "C₀", "C_{0}"),
        ("b_q^{(l)}", "b_(q)⁽ˡ⁾", "b_{q}^{(l)}"),
        ("a^{(Q)}", "a^(Q)", "a^{(Q)}"),
        (r"\sigma", "σ", r"\sigma "),
        ("x^{_1}", "x^(₁)", "x^{{}_{1}}"),
        ("{x_1}_2", "x₁₂", "{x_{1}}_{2}"),
        ("learning_rate", "learning_rate", r"\text{learning}\_\text{rate}"),
        ("100% & <b>", "100% & <b>", r"\text{100}\%\text{ }\&\text{ }{<}\text{b}{>}"),
        (r"\end{x}$", r"\end{x}$", r"\backslash \text{end}\{\text{x}\}\$"),
        ("two\nlines", "two lines", r"\text{two lines}"),
        ("", "", ""),
    ],
)
def test_label_as_text_and_as_latex(label: str, text: str, latex: str) -> None:
    assert text_of_label(label) == text
    assert latex_of_label(label) == latex


@pytest.mark.parametrize(
    ("latex", "mathml"),
    [
        ("x_1^2", "<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>"),
        ("x^2_1", "<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>"),
        ("_1", "<msub><mrow></mrow><mn>1</mn></msub>"),
        (r"\frac{1}{x}", "<mfrac><mn>1</mn><mi>x</mi></mfrac>"),
        (r"\sqrt{x}", "<msqrt><mi>x</mi></msqrt>"),
        (r"\text{ a b }", "<mtext>\u00a0a b\u00a0</mtext>"),
        (
            "(-1)",
            '<mrow><mo>(</mo><mo form="prefix">−</mo><mn>1</mn><mo>)</mo></mrow>',
        ),
        (r"\exp", "<mi>exp</mi>"),
    ],
)
def test_mathml(latex: str, mathml: str) -> None:
    assert mathml_of_latex(latex) == mathml


def test_the_name_of_a_function_with_an_underscore_is_shown_without_its_backslash() -> None:
    assert text_of_latex(r"\operatorname{soft\_plus}(x)") == "soft_plus(x)"


@pytest.mark.parametrize("row", ops.table.values(), ids=lambda row: row.name)
def test_every_row_of_the_table_is_well_formed_mathml_and_readable_text(row: ops.Primitive) -> None:
    symbols = [
        [Symbol("w_1"), Symbol("w_2")] if star else Symbol(name)
        for name, star in zip(row.arguments, row.starred, strict=True)
    ]
    latex = Expression(row, symbols).latex()
    assert "".join(ElementTree.fromstring(mathml_of_latex(latex)).itertext())
    assert not re.search(r"[\\{}]", text_of_latex(latex))
