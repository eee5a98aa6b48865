r"""Mathematics and plain text as Graphviz's HTML-like labels and as text for a terminal.

A label is read as mathematics where it is a formula in a small part of LaTeX,
and is shown as it stands otherwise; so any string is safe in both.

>>> html_of_label("w_{jk}")
'<I>w</I><SUB><FONT POINT-SIZE="10"><I>jk</I>\u200a</FONT></SUB>'
>>> html_of_label("learning_rate <b>")
'learning_rate &lt;b&gt;'
>>> text_of_label("w_{jk}^{(L-1)}")
'wⱼₖ⁽ᴸ⁻¹⁾'
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from typing import Final

from micrograd.text import in_one_line, visible
from viz.formula import (
    Cases,
    Fraction,
    Letters,
    Name,
    Number,
    Root,
    Row,
    Scripted,
    Sign,
    Tree,
    Words,
    read_or_show,
)
from viz.labels import read_label

_SCRIPT_SIZE = 10
_THIN_SPACE = "\u200a"  # what follows an index, so that the two never touch

# What Unicode has of small characters above and below the line, each after its model.
_ABOVE: Final = dict(
    re.findall(
        "(.)(.)",
        "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺−⁻=⁼(⁽)⁾′′aᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰiⁱjʲkᵏlˡmᵐnⁿoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻ"
        "AᴬBᴮDᴰEᴱGᴳHᴴIᴵJᴶKᴷLᴸMᴹNᴺOᴼPᴾRᴿTᵀUᵁVⱽWᵂβᵝγᵞδᵟθᶿφᵠχᵡ",
    )
)
_BELOW: Final = dict(
    re.findall(
        "(.)(.)",
        "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊−₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓβᵦγᵧρᵨφᵩχᵪ,,",
    )
)


def html_of_label(label: str) -> str:
    r"""Any label as an HTML-like label.

    Arguments:
        label: mathematics such as "w_{jk}^{(L)}" or "C_0"; or any other text.

    Returns:
        The label's markup; "" for an empty label.

    >>> html_of_label("C_0"), html_of_label("a"), html_of_label("loss")
    ('<I>C</I><SUB><FONT POINT-SIZE="10">0\u200a</FONT></SUB>', '<I>a</I>', 'loss')
    """
    tree = read_label(label)
    markup = _html(tree, {})
    return markup if isinstance(tree, Words) else markup.strip()


def html_of_text(text: str) -> str:
    r"""Text as it stands, escaped; a line break stays one, control characters become visible.

    >>> html_of_text('</TABLE>"&\n\\')
    '&lt;/TABLE&gt;&quot;&amp;<BR/>\\'
    """
    return escaped(text).replace("\n", "<BR/>")


def html_of_latex(latex: str, names: Mapping[str, str] | None = None) -> str:
    r"""A formula as an HTML-like label.

    Arguments:
        latex: the formula, in the part of LaTeX that the table prints.
        names: single characters of the formula that stand for markup. Values'
            labels are passed so, and can never be mistaken for LaTeX.

    Returns:
        The markup.

    >>> html_of_latex(r"2 \left(1 - y\right)")
    '2 (1 − <I>y</I>)'
    >>> html_of_latex(r"\frac{-1}{x^{2}}")
    '−1 / <I>x</I><SUP><FONT POINT-SIZE="10">2\u200a</FONT></SUP>'
    """
    names = names or {}
    return _html(read_or_show(latex, names), names).strip()


def text_of_label(label: str) -> str:
    """Any label as text for a terminal, in one line.

    >>> text_of_label("C_0"), text_of_label("x_q"), text_of_label("a_prev")
    ('C₀', 'x_(q)', 'a_prev')
    """
    return _text(read_label(label), {})


def text_of_latex(latex: str, names: Mapping[str, str] | None = None) -> str:
    r"""A formula as text for a terminal.

    Arguments:
        latex: the formula, in the part of LaTeX that the table prints.
        names: single characters of the formula that stand for such text.

    Returns:
        The text; indices and exponents as Unicode's where each of their
        characters has one.

    >>> text_of_latex(r"\frac{\partial{C_0}}{\partial{w^{(L)}}} = \sigma^{\prime}(z)")
    '∂C₀/∂w⁽ᴸ⁾ = σ′(z)'
    """
    names = names or {}
    return _text(read_or_show(latex, names), names).strip()


def number(x: float, digits: int = 4) -> str:
    """A number as people write it: four significant digits, no more zeros than needed.

    >>> [number(x) for x in (0.1 + 0.2, -0.0732345, 13002.0, 1e-7, float("inf"), -0.0)]
    ['0.3', '−0.07323', '13002', '1·10⁻⁷', '∞', '0']
    """
    return text_of_latex(latex_of_number(x, digits))


def latex_of_number(x: float, digits: int = 4) -> str:
    r"""The same as LaTeX.

    >>> latex_of_number(-1.5e-9), latex_of_number(float("nan"))
    ('-1.5\\cdot{10}^{-9}', '\\text{nan}')
    """
    x = float(x)  # a Fraction, say, is written otherwise
    if math.isnan(x):
        return r"\text{nan}"
    if math.isinf(x):
        return r"\infty" if x > 0 else r"-\infty"
    if x == 0:
        return "0"
    if 1e-4 <= abs(x) < 1e6:
        text = f"{x:.{digits}g}"
        return f"{x:.0f}" if x == int(x) or "e" in text else text
    mantissa, exponent = f"{x:.{digits - 1}e}".split("e")
    return rf"{mantissa.rstrip('0').rstrip('.')}\cdot{{10}}^{{{int(exponent)}}}"


def escaped(text: str) -> str:
    """Text for HTML and XML, control characters made visible; line breaks stay."""
    return html.escape(visible(text), quote=True).replace("&#x27;", "'")


def figures(text: str) -> str:
    """A number of a formula, as people write it."""
    return number(float(text)) if "e" in text else text


def _html(tree: Tree, names: Mapping[str, str]) -> str:
    match tree:
        case Letters(letters):
            return f"<I>{letters}</I>"
        case Number(digits):
            return figures(digits)
        case Sign(text) | Words(text):
            return html_of_text(text)
        case Name(character):
            return names[character]
        case Row(parts):
            return "".join(_html(part, names) for part in parts)
        case Scripted(base, scripts):
            out = "" if base is None else _html(base, names)
            for kind, script in scripts:
                tag = "SUB" if kind == "_" else "SUP"
                inside = f"{_html(script, names)}{_THIN_SPACE}"
                out += f'<{tag}><FONT POINT-SIZE="{_SCRIPT_SIZE}">{inside}</FONT></{tag}>'
            return out
        case Fraction(above, below):
            sides = _html(above, names), _html(below, names)
            return " / ".join(
                f"({side})" if " " in re.sub(r"<[^>]*>", "", side) else side for side in sides
            )
        case Root(inside):
            return f"√({_html(inside, names)})"
        case Cases(rows):
            return ", ".join(
                _html(value, names).strip()
                + (" otherwise" if condition is None else f" if {_html(condition, names).strip()}")
                for value, condition in rows
            )


def _text(tree: Tree, names: Mapping[str, str]) -> str:
    match tree:
        case Letters(letters):
            return letters
        case Number(digits):
            return figures(digits)
        case Sign(text) | Words(text):
            return in_one_line(text)
        case Name(character):
            return names[character]
        case Row(parts):
            return "".join(_text(part, names) for part in parts)
        case Scripted(base, scripts):
            out = "" if base is None else _text(base, names)
            return out + "".join(_small(kind, _text(script, names)) for kind, script in scripts)
        case Fraction(above, below):
            # What a fraction bar would have held together is put in brackets.
            sides = _text(above, names), _text(below, names)
            return "/".join(f"({side})" if re.search("[ /]", side) else side for side in sides)
        case Root(inside):
            return f"√({_text(inside, names)})"
        case Cases(rows):
            return ", ".join(
                _text(value, names)
                + (" otherwise" if condition is None else f" if {_text(condition, names)}")
                for value, condition in rows
            )


def _small(kind: str, text: str) -> str:
    """An index or an exponent."""
    small = _BELOW if kind == "_" else _ABOVE
    if all(c in small or c == " " for c in text):
        return "".join(small.get(c, "") for c in text)
    bracketed = re.fullmatch(r"\([^()]*\)", text)
    return f"{kind}{text}" if bracketed else f"{kind}({text})"
