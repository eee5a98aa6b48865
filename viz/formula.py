r"""Read a small part of LaTeX into a tree, which mathtext.py writes in several markups.

>>> read("C_0")
Scripted(base=Letters(text='C'), scripts=(('_', Number(text='0')),))
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

_GREEK: Final = (
    "alpha α beta β gamma γ delta δ epsilon ε eta η theta θ lambda λ mu μ pi π rho ρ sigma σ "
    "tau τ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Pi Π Sigma Σ Phi Φ Psi Ψ "
    "Omega Ω"
).split()
COMMANDS: Final = {
    **dict(zip(_GREEK[::2], _GREEK[1::2], strict=True)),
    **{name: name for name in ("exp", "ln", "log", "sin", "cos", "tanh", "max", "min")},
    "partial": "∂",
    "cdot": "·",
    "times": "×",
    "infty": "∞",
    "sum": "Σ",
    "ldots": "…",
    "prime": "′",
    "left": "",
    "right": "",
    ",": " ",
    "_": "_",
    " ": " ",
}
_NAMES: Final = {"operatorname", "mathrm", "text"}  # \text{...}: upright, word by word
KNOWN: Final = {*COMMANDS, *_NAMES, "frac", "sqrt", "begin", "end"}

TOKEN: Final = re.compile(r"\\([A-Za-z]+|.)|(\d+(?:\.\d+)?(?:e[-+]?\d+)?)|(\s+)|(.)", re.DOTALL)


class NotMathError(Exception):
    """The text is no formula of the part of LaTeX that is understood here.

    Attributes:
        place: of the first character that could not be read, counted from 1.
    """

    def __init__(self, place: int) -> None:
        super().__init__(f"no formula from character {place} on")
        self.place = place


@dataclass(frozen=True)
class Letters:
    """Letters in italics: a name, or several names of one letter."""

    text: str


@dataclass(frozen=True)
class Number:
    """A number without its sign, as Python writes it."""

    text: str


@dataclass(frozen=True)
class Sign:
    """An operator, a bracket, a space, a Greek letter, the name of a function."""

    text: str


@dataclass(frozen=True)
class Words:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Name:
    """A character that stands for something written already."""

    character: str


@dataclass(frozen=True)
class Row:
    """One after the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Scripted:
    """A base, or none, with "_" and "^" in the order given; each at most once."""

    base: Tree | None
    scripts: tuple[tuple[str, Tree], ...]


@dataclass(frozen=True)
class Fraction:
    """One above the other."""

    above: Tree
    below: Tree


@dataclass(frozen=True)
class Root:
    """A square root."""

    inside: Tree


@dataclass(frozen=True)
class Cases:
    """Values with their conditions; None for otherwise."""

    rows: tuple[tuple[Tree, Tree | None], ...]


Tree = Letters | Number | Sign | Words | Name | Row | Scripted | Fraction | Root | Cases


def read(latex: str, names: Container[str] = ()) -> Tree:
    """Read a formula.

    Arguments:
        latex: the formula, in the part of LaTeX that the table prints.
        names: the single characters that stand for something else.

    Returns:
        The tree.

    Raises:
        NotMathError: if it is no such formula.
    """
    return _Reader(latex, names).read()


def read_or_show(latex: str, names: Container[str] = ()) -> Tree:
    """The same; a formula that cannot be read is shown as it stands, as a label is.

    It may be one in more of LaTeX, of somebody's own primitive.
    """
    try:
        return read(latex, names)
    except NotMathError:
        tokens = (m.group() for m in TOKEN.finditer(latex))
        return Row(tuple(Name(token) if token in names else Words(token) for token in tokens))


class _Reader:
    """Reads a formula from left to right."""

    def __init__(self, latex: str, names: Container[str]) -> None:
        self.tokens = [m.group() for m in TOKEN.finditer(latex)]
        self.names = names
        self.i = 0

    def read(self) -> Tree:
        out = self.sequence()
        if self.i < len(self.tokens):
            raise self.stopped(self.i)
        return out

    def stopped(self, i: int) -> NotMathError:
        """The error of who cannot read token i."""
        return NotMathError(1 + sum(map(len, self.tokens[:i])))

    def sequence(self) -> Tree:
        """Up to the closing brace or the end."""
        parts: list[Tree] = []
        while self.i < len(self.tokens) and self.tokens[self.i] != "}":
            part = self.atom()
            if parts and isinstance(part, Scripted) and part.base is None:
                part = _attached(parts.pop(), part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def group(self) -> Tree:
        """One argument: {...} or a single token."""
        if self.i >= len(self.tokens):
            raise self.stopped(self.i)
        if self.tokens[self.i] != "{":
            return self.atom()
        self.i += 1
        inside = self.sequence()
        if self.i >= len(self.tokens):
            raise self.stopped(self.i)
        self.i += 1
        return inside

    def raw_group(self) -> str:
        """The text of {...}, unread."""
        if self.i >= len(self.tokens) or self.tokens[self.i] != "{":
            raise self.stopped(self.i)
        end = self.tokens.index("}", self.i) if "}" in self.tokens[self.i :] else -1
        if end < 0:
            raise self.stopped(self.i)
        text = "".join(self.tokens[self.i + 1 : end])
        self.i = end + 1
        return text

    def atom(self) -> Tree:
        token = self.tokens[self.i]
        self.i += 1
        if token in self.names:
            return Name(token)
        if token.startswith("\\"):
            return self.command(token[1:])
        if token in "_^":
            return Scripted(None, ((token, self.group()),))
        if token == "{":
            self.i -= 1
            return self.group()
        if token.isspace():
            return Sign(" ")
        if token == "-":
            return Sign("−")
        if token.isascii() and token.isalpha():
            letters = token
            # jk in an index are two letters; one node serves both
            while self.i < len(self.tokens) and re.fullmatch("[A-Za-z]", self.tokens[self.i]):
                letters += self.tokens[self.i]
                self.i += 1
            return Letters(letters)
        if token in "}\\&#$~%":
            raise self.stopped(self.i - 1)
        return Number(token) if token[0].isdigit() and token.isascii() else Sign(token)

    def command(self, name: str) -> Tree:
        start = self.i - 1
        if name == "frac":
            above, below = self.group(), self.group()
            return Fraction(above, below)
        if name == "sqrt":
            return Root(self.group())
        if name in _NAMES:
            return Words(self.raw_group().replace(r"\_", "_"))
        if name == "begin" and self.raw_group() == "cases":
            return self.cases()
        if name not in COMMANDS:
            raise self.stopped(start)
        return Sign(COMMANDS[name])

    def cases(self) -> Tree:
        """A if condition, b otherwise."""
        tokens = self.tokens
        start, depth = self.i, 1
        while depth:
            if self.i >= len(tokens):
                raise self.stopped(self.i)
            depth += {"\\begin": 1, "\\end": -1}.get(tokens[self.i], 0)
            self.i += 1
        inside = "".join(tokens[start : self.i - 1])
        self.raw_group()
        rows: list[tuple[Tree, Tree | None]] = []
        for row in re.split(r"\\\\", inside):
            value, _, condition = row.partition("&")
            last = "otherwise" in condition
            try:
                rows.append(
                    (
                        read(value.strip(), self.names),
                        None if last else read(condition.strip(), self.names),
                    )
                )
            except NotMathError:
                raise self.stopped(start) from None
        return Cases(tuple(rows))


def _attached(base: Tree, script: Scripted) -> Tree:
    """The script on what stands before it."""
    if base == Sign(" "):
        return Row((base, script))
    if isinstance(base, Scripted) and not {k for k, _ in base.scripts} & {
        k for k, _ in script.scripts
    }:
        return Scripted(base.base, base.scripts + script.scripts)
    return Scripted(base, script.scripts)
