r"""Mathematics and plain text as LaTeX and MathML, for handouts, notebooks and pages.

>>> latex_of_label("w^{(L)}"), mathml_of_label("w^{(L)}").count("<mi>")
('w^{(L)}', 2)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final

from micrograd.text import in_one_line, visible
from viz.formula import (
    COMMANDS,
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
from viz.mathtext import escaped, figures


def mathml_of_label(label: str) -> str:
    """Any label as MathML.

    >>> mathml_of_label("C_0"), mathml_of_label("a_prev <b>")
    ('<msub><mi>C</mi><mn>0</mn></msub>', '<mtext>a_prev &lt;b&gt;</mtext>')
    """
    return _mathml(read_label(label), {})


def mathml_of_latex(latex: str, names: Mapping[str, str] | None = None) -> str:
    """A formula as MathML.

    Arguments:
        latex: the formula, in the part of LaTeX that the table prints.
        names: single characters of the formula that stand for MathML.

    Returns:
        One element, without the `math` around it.

    >>> mathml_of_latex("2 x")
    '<mrow><mn>2</mn><mspace width="0.2em"/><mi>x</mi></mrow>'
    """
    names = names or {}
    return _mathml(read_or_show(latex, names), names)


def latex_of_label(label: str) -> str:
    r"""Any label as LaTeX, written anew, so that it is sound whatever the label was.

    >>> latex_of_label("w^{(L)}"), latex_of_label("a_prev"), latex_of_label("{x_1}_2")
    ('w^{(L)}', '\\text{a}\\_\\text{prev}', '{x_{1}}_{2}')
    """
    return _latex(read_label(label))


def latex_of_latex(latex: str, names: Mapping[str, str] | None = None) -> str:
    r"""A formula as LaTeX: the same, with what its names stand for.

    >>> latex_of_latex("2 X^{2}", {"X": "w^{(L)}"})
    '2 {w^{(L)}}^{2}'
    """
    # In braces: a name with an exponent of its own may get another.
    return latex.translate({ord(c): f"{{{name}}}" for c, name in (names or {}).items()})


def _mathml(tree: Tree, names: Mapping[str, str]) -> str:
    match tree:
        case Letters(letters) if len(letters) == 1:
            return f"<mi>{letters}</mi>"
        case Letters(letters):
            return f"<mrow>{''.join(f'<mi>{letter}</mi>' for letter in letters)}</mrow>"
        case Number(digits):
            return f"<mn>{figures(digits)}</mn>"
        case Sign(text):
            if not text.strip():
                return '<mspace width="0.2em"/>' if text else "<mrow></mrow>"
            tag = "mi" if text.isalpha() or text in "∂∞" else "mo"
            return f"<{tag}>{escaped(text)}</{tag}>"
        case Words(text):
            # MathML drops spaces at either end of an element.
            text = re.sub("^ +| +$", lambda m: "\u00a0" * len(m.group()), text)
            return f"<mtext>{escaped(text)}</mtext>"
        case Name(character):
            return names[character]
        case Row(parts):
            return f"<mrow>{_mathml_row(parts, names)}</mrow>"
        case Scripted(base, (("^", Sign("′")),)) if base is not None:
            # No exponent: fonts have the prime raised already, and small.
            return f'<mrow>{_mathml(base, names)}<mo lspace="0" rspace="0">′</mo></mrow>'
        case Scripted(base, scripts):
            written = ["<mrow></mrow>" if base is None else _mathml(base, names)]
            tag = "m"
            for kind, script in sorted(scripts, key=itemgetter(0), reverse=True):  # "_" before "^"
                tag += "sub" if kind == "_" else "sup"
                written.append(_mathml(script, names))
            return f"<{tag}>{''.join(written)}</{tag}>"
        case Fraction(above, below):
            return f"<mfrac>{_mathml(above, names)}{_mathml(below, names)}</mfrac>"
        case Root(inside):
            return f"<msqrt>{_mathml(inside, names)}</msqrt>"
        case Cases(rows):
            cells = "".join(
                f"<mtr><mtd>{_mathml(value, names)}</mtd><mtd>"
                + (
                    "<mtext>otherwise</mtext>"
                    if condition is None
                    else f"<mtext>if\u00a0</mtext>{_mathml(condition, names)}"
                )
                + "</mtd></mtr>"
                for value, condition in rows
            )
            return f"<mrow><mo>{{</mo><mtable>{cells}</mtable></mrow>"


def _mathml_row(parts: Sequence[Tree], names: Mapping[str, str]) -> str:
    parts = [part for part in parts if part != Sign("")]
    out = ""
    for i, part in enumerate(parts):
        written = _mathml(part, names)
        if written.startswith("<mspace"):
            # Operators have room around them; other things are kept apart by the space.
            near = parts[i - 1 : i] + parts[i + 1 : i + 2]
            if len(near) < 2 or any(_mathml(p, names).startswith("<mo>") for p in near):
                continue
        elif part == Sign("−") and (i == 0 or parts[i - 1] == Sign("(")):
            written = '<mo form="prefix">−</mo>'
        out += written
    return out


_LATEX_OF_SIGN: Final = {sign: f"\\{name} " for name, sign in COMMANDS.items() if sign.strip("_ ")}
# Out of HTML's way, where a notebook keeps LaTeX: "<" before a brace begins no tag.
_LATEX_SPECIAL: Final = {
    **{c: f"\\{c}" for c in "{}$%&#_"},
    "\\": "\\backslash ",
    "^": "\\wedge ",
    "~": "\\sim ",
    "<": "{<}",
    ">": "{>}",
}


def _latex(tree: Tree) -> str:
    """Write a label's tree; so it has no names."""
    match tree:
        case Letters(text) | Number(text):
            return text
        case Sign(text):
            return {"−": "-", "√": "\\surd "}.get(
                text, _LATEX_OF_SIGN.get(text, _LATEX_SPECIAL.get(text, visible(text)))
            )
        case Words(text):
            # Special characters stand outside of \text: in it, not all renderers know them.
            shown = in_one_line(text)
            return "".join(
                _LATEX_SPECIAL.get(run, rf"\text{{{run}}}")
                for run in re.findall(r"[{}$%&#_\\^~<>]|[^{}$%&#_\\^~<>]+", shown)
            )
        case Row(parts):
            return "".join(map(_latex, parts))
        case Scripted(base, scripts):
            out = "{}" if base is None else _latex(base)
            if isinstance(base, Scripted):
                out = f"{{{out}}}"
            return out + "".join(f"{kind}{{{_latex(script)}}}" for kind, script in scripts)
        case Fraction(above, below):
            return rf"\frac{{{_latex(above)}}}{{{_latex(below)}}}"
        case Root(inside):
            return rf"\sqrt{{{_latex(inside)}}}"
        case Cases(rows):
            lines = (
                f"{_latex(value)} & "
                + (r"\text{otherwise}" if condition is None else _latex(condition))
                for value, condition in rows
            )
            return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"
        case Name():
            raise AssertionError("a label has no names")
