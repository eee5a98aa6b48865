"""What a label means: a formula where it is one, and otherwise plain text.

>>> read_label("learning_rate")
Words(text='learning_rate')
"""

from __future__ import annotations

import re
from typing import Final

from micrograd.ops import ATOM, POWER, PRODUCT, SUM
from viz.formula import (
    Cases,
    Fraction,
    Letters,
    NotMathError,
    Number,
    Root,
    Row,
    Scripted,
    Sign,
    Tree,
    Words,
    read,
)

_BETWEEN_TERMS: Final = ("+", "−", "=", "<", ">", ",")


def read_label(label: str) -> Tree:
    """Read a label: a formula where it is one, and otherwise plain text.

    Arguments:
        label: any string.

    Returns:
        The tree.
    """
    if _looks_like_math(label):
        try:
            return read(label)
        except NotMathError:
            pass
    return Words(label)


def holds(label: str) -> tuple[int, bool]:
    """How a label stands in a formula.

    Arguments:
        label: any string.

    Returns:
        How tightly it holds together, SUM to ATOM; and whether it is more than one
        letter, indices and exponents aside.

    >>> holds("w_{jk}") == (ATOM, False), holds("w^{(L)}") == (POWER, False)
    (True, True)
    >>> holds("learning_rate") == (ATOM, True), holds("a b") == (PRODUCT, True)
    (True, True)
    """
    tree = read_label(label)
    return _level(tree), _letters(tree) != 1


def _level(tree: Tree) -> int:
    match tree:
        case Sign(text) if text in _BETWEEN_TERMS:
            return SUM
        case Words(text):  # "pre-activation" is a name, "cost + penalty" is none
            sum_of_words = re.search(r"[+−=<>]| - ", text)
            return SUM if sum_of_words else ATOM if text.isidentifier() else PRODUCT
        case Row((first, *rest)) if all(isinstance(part, Number) for part in rest):
            return _level(first)  # w1
        case Row(parts):
            return min([PRODUCT, *map(_level, parts)])
        case Scripted(base, scripts):
            level = ATOM if base is None else _level(base)
            return min(level, POWER) if "^" in dict(scripts) else level
        case Fraction():
            return POWER
        case Cases():
            return SUM
    return ATOM


def _letters(tree: Tree) -> int:
    match tree:
        case Letters(text) | Words(text):
            return len(text)
        case Sign(text):
            return len(text) if text.isalpha() else 0
        case Row(parts):
            return sum(map(_letters, parts))
        case Scripted(base, _):
            return 0 if base is None else _letters(base)
        case Root():
            return 1  # it has a line around it
    return 0


def _looks_like_math(label: str) -> bool:
    """Single letters, indices in braces: a formula. Words: a name.

    "a_prev" is somebody's variable, and no a with an index p.
    """
    if len(label) > 200 or not re.search(r"[^\W_]", label.replace(r"\text", "")):
        return False  # nothing would be seen of it
    if re.search(r"\d[eE][-+]?\d", label):
        return False  # "1e5": its letters, not its number
    bare = re.sub(r"\\[A-Za-z]+", " ", label)  # without commands
    bare = re.sub(r"\{[^{}]*\}", "{}", bare)  # and what is in braces
    return not re.search(r"[A-Za-z]{2}|[_^]\w{2}|[^\x20-\x7e∂Σσ·−√]", bare)
