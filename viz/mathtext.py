r"""Mathematics and plain text as Graphviz's HTML-like labels.

A label is read as mathematics where it is a formula in a small part of LaTeX,
and is shown as it stands otherwise; so any string is safe.

>>> html_of_label("w_{jk}")
'<I>w</I><SUB><FONT POINT-SIZE="10"><I>jk</I>\u200a</FONT></SUB>'
>>> html_of_label("learning_rate <b>")
'learning_rate &lt;b&gt;'
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from typing import Final

_GREEK: Final = (
    "alpha α beta β gamma γ delta δ epsilon ε eta η theta θ lambda λ mu μ pi π rho ρ sigma σ "
    "tau τ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Pi Π Sigma Σ Phi Φ Psi Ψ "
    "Omega Ω"
).split()
_COMMANDS: Final = {
    **dict(zip(_GREEK[::2], _GREEK[1::2], strict=True)),
    **{name: name for name in ("exp", "ln", "log", "sin", "cos", "tanh", "max", "min")},
    "partial": "∂",
    "cdot": "·",
    "times": "×",
    "infty": "∞",
    "sum": "Σ",
    "left": "",
    "right": "",
    ",": " ",
    "_": "_",
    " ": " ",
}
_NAMES: Final = {"operatorname", "mathrm", "text"}  # \text{...}: upright, word by word
_SCRIPT_SIZE = 10
_THIN_SPACE = "\u200a"  # what follows an index, so that the two never touch

_TOKEN = re.compile(r"\\([A-Za-z]+|.)|(\d+(?:\.\d+)?(?:e[-+]?\d+)?)|(\s+)|(.)", re.DOTALL)


class _NotMath(Exception):  # noqa: N818 - it never leaves this file
    """The text is no formula of the part of LaTeX that is understood here."""


def html_of_label(label: str) -> str:
    r"""Any label as an HTML-like label.

    Arguments:
        label: mathematics such as "w_{jk}^{(L)}" or "C_0"; or any other text.

    Returns:
        The label's markup; "" for an empty label.

    >>> html_of_label("C_0"), html_of_label("a"), html_of_label("loss")
    ('<I>C</I><SUB><FONT POINT-SIZE="10">0\u200a</FONT></SUB>', '<I>a</I>', 'loss')
    """
    if _looks_like_math(label):
        try:
            return html_of_latex(label)
        except _NotMath:
            pass
    return html_of_text(label)


def html_of_text(text: str) -> str:
    r"""Text as it stands, escaped; a line break stays one, control characters become visible.

    >>> html_of_text('</TABLE>"&\n\\')
    '&lt;/TABLE&gt;&quot;&amp;<BR/>\\'
    """
    visible = "".join(map(_visible, text))
    return html.escape(visible, quote=True).replace("&#x27;", "'").replace("\n", "<BR/>")


def _visible(character: str) -> str:
    code = ord(character)
    if character == "\n" or (
        code >= 0x20 and not 0x7F <= code < 0xA0 and not 0xD800 <= code < 0xE000
    ):
        return "\ufffd" if code in (0xFFFE, 0xFFFF) else character
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


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
    return _Reader(latex, names or {}).read()


def number(x: float) -> str:
    """A number as people write it: four significant digits, no more zeros than needed.

    >>> [number(x) for x in (0.1 + 0.2, -0.0732345, 13002.0, 1e-7, float("inf"), -0.0)]
    ['0.3', '−0.07323', '13002', '1·10⁻⁷', '∞', '0']
    """
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x == 0:
        return "0"
    if 1e-4 <= abs(x) < 1e6:
        text = f"{x:.4g}"
        if x == int(x) or "e" in text:
            text = f"{x:.0f}"
    else:
        mantissa, exponent = f"{x:.3e}".split("e")
        power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = f"{mantissa.rstrip('0').rstrip('.')}·10{power}"
    return text.replace("-", "−")


def _looks_like_math(label: str) -> bool:
    """Single letters, indices in braces: a formula. Words: a name.

    "a_prev" is somebody's variable, and no a with an index p.
    """
    if not label or len(label) > 200:
        return False
    bare = re.sub(r"\\[A-Za-z]+", " ", label)  # without commands
    bare = re.sub(r"\{[^{}]*\}", "{}", bare)  # and what is in braces
    return not re.search(r"[A-Za-z]{2}|[_^]\w{2}|[^\x20-\x7e∂Σσ·−√]", bare)


class _Reader:
    """Reads a formula from left to right, and writes its markup."""

    def __init__(self, latex: str, names: Mapping[str, str]) -> None:
        self.tokens = [m.group() for m in _TOKEN.finditer(latex)]
        self.names = names
        self.i = 0

    def read(self) -> str:
        out = self.sequence()
        if self.i < len(self.tokens):
            raise _NotMath
        return out.strip()

    def sequence(self) -> str:
        """Up to the closing brace or the end."""
        out: list[str] = []
        while self.i < len(self.tokens) and self.tokens[self.i] != "}":
            out.append(self.atom())
        return "".join(out)

    def group(self) -> str:
        """One argument: {...} or a single token."""
        if self.i >= len(self.tokens):
            raise _NotMath
        if self.tokens[self.i] != "{":
            return self.atom()
        self.i += 1
        inside = self.sequence()
        if self.i >= len(self.tokens):
            raise _NotMath
        self.i += 1
        return inside

    def raw_group(self) -> str:
        """The text of {...}, unread."""
        if self.i >= len(self.tokens) or self.tokens[self.i] != "{":
            raise _NotMath
        end = self.tokens.index("}", self.i) if "}" in self.tokens[self.i :] else -1
        if end < 0:
            raise _NotMath
        text = "".join(self.tokens[self.i + 1 : end])
        self.i = end + 1
        return text

    def atom(self) -> str:
        token = self.tokens[self.i]
        self.i += 1
        if token in self.names:
            return self.names[token]
        if token.startswith("\\"):
            return self.command(token[1:])
        if token in "_^":
            tag = "SUB" if token == "_" else "SUP"
            script = f'<FONT POINT-SIZE="{_SCRIPT_SIZE}">{self.group()}{_THIN_SPACE}</FONT>'
            return f"<{tag}>{script}</{tag}>"
        if token == "{":
            self.i -= 1
            return self.group()
        if token.isspace():
            return " "
        if token == "-":
            return "−"
        if token.isascii() and token.isalpha():
            letters = token
            # jk in an index are two letters; one pair of tags serves both
            while self.i < len(self.tokens) and re.fullmatch("[A-Za-z]", self.tokens[self.i]):
                letters += self.tokens[self.i]
                self.i += 1
            return f"<I>{letters}</I>"
        if token in "}\\&#$~%":
            raise _NotMath
        return number(float(token)) if "e" in token else html_of_text(token)

    def command(self, name: str) -> str:
        if name == "frac":
            above, below = self.group(), self.group()
            return f"{_bracketed(above)} / {_bracketed(below)}"
        if name == "sqrt":
            return f"√({self.group()})"
        if name in _NAMES:
            return html_of_text(self.raw_group())
        if name == "begin" and self.raw_group() == "cases":
            return self.cases()
        if name not in _COMMANDS:
            raise _NotMath
        return _COMMANDS[name]

    def cases(self) -> str:
        """A if condition, b otherwise."""
        tokens = self.tokens
        start, depth = self.i, 1
        while depth:
            if self.i >= len(tokens):
                raise _NotMath
            depth += {"\\begin": 1, "\\end": -1}.get(tokens[self.i], 0)
            self.i += 1
        inside = "".join(tokens[start : self.i - 1])
        self.raw_group()
        rows = re.split(r"\\\\", inside)
        parts = []
        for row in rows:
            value, _, condition = row.partition("&")
            shown = _Reader(value.strip(), self.names).read()
            if "otherwise" in condition:
                parts.append(f"{shown} otherwise")
            else:
                parts.append(f"{shown} if {_Reader(condition.strip(), self.names).read()}")
        return ", ".join(parts)


def _bracketed(markup: str) -> str:
    """In brackets, if it is a sum or product that a fraction bar would have held together."""
    return f"({markup})" if re.search(r" [+−·] | ", re.sub(r"<[^>]*>", "", markup)) else markup
