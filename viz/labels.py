"""What a label means: a formula where it is one, and otherwise plain text.

And what it becomes where several values have it.

>>> read_label("learning_rate")
Words(text='learning_rate')
"""

from __future__ import annotations

import re
from typing import Final

from micrograd.ops import ATOM, POWER, PRODUCT, SUM
from viz.formula import (
    COMMANDS,
    TOKEN,
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
_BRACKETS: Final[set[Tree]] = {Sign("("), Sign(")")}


def read_label(label: str) -> Tree:
    """Read a label: a formula where it is one, and otherwise plain text.

    Arguments:
        label: any string.

    Returns:
        The tree.
    """
    if looks_like_math(label):
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


def indexed(label: str, n: int) -> str:
    r"""The label of the n-th of several values that all have this one.

    Arguments:
        label: any string.
        n: from 1 on.

    Returns:
        A formula with an index, or with one more; plain text with a number behind it.

    >>> indexed("w", 1), indexed("w_{jk}^{(l)}", 1), indexed("learning rate", 2)
    ('w_{1}', 'w_{jk,1}^{(l)}', 'learning rate (2)')
    """
    label = label.strip()
    tree = read_label(label)
    if not isinstance(tree, Words):
        formula = _with_index(label, tree, n)
        if not isinstance(read_label(formula), Words):
            return formula
    text = f"{label} ({n})"
    # Some text would be a formula then: "^ (1)". With this space it is none.
    return text if isinstance(read_label(text), Words) else f"{label}\u00a0({n})"


def _with_index(label: str, tree: Tree, n: int) -> str:
    match tree:
        case Scripted(_, scripts) if "_" in dict(scripts):
            start, end = _last_index(label)
            inside = label[start:end].removeprefix("{").removesuffix("}")
            if start < end:
                return f"{label[:start]}{{{inside},{n}}}{label[end:]}"
        case Scripted():
            start = next((t.start() for t in _outside_braces(label) if t.group() == "^"), 0)
            if start:
                return f"{label[:start]}_{{{n}}}{label[start:]}"
        case Letters() | Sign() if "{" not in label:
            return f"{label}_{{{n}}}"
        case _ if _level(tree) != ATOM:
            return f"{{({label})}}_{{{n}}}"
    return f"{{{label}}}_{{{n}}}"


def _last_index(label: str) -> tuple[int, int]:
    """Where the last index outside of braces begins and ends; (0, 0) if that is hard to say."""
    tokens = _outside_braces(label)
    kinds = [token.group() for token in tokens]
    if "_" not in kinds[:-1]:
        return 0, 0
    i = len(kinds) - kinds[::-1].index("_")
    if kinds[i] == "{":
        return tokens[i].start(), tokens[i + 1].end()
    simple = kinds[i].isalnum() or kinds[i][1:] in COMMANDS
    return tokens[i].span() if simple else (0, 0)


def _outside_braces(label: str) -> list[re.Match[str]]:
    """The tokens of a formula that are in no braces; and the outermost braces."""
    depth, found = 0, []
    for token in TOKEN.finditer(label):
        depth -= token.group() == "}"
        if depth == 0:
            found.append(token)
        depth += token.group() == "{"
    return found


def _level(tree: Tree) -> int:
    match tree:
        case Sign(text) if text in _BETWEEN_TERMS:
            return SUM
        case Words(text):  # "pre-activation" is a name, "cost + penalty" is none
            sum_of_words = re.search(r"[+−=<>]| - ", text)
            return SUM if sum_of_words else ATOM if text.isidentifier() else PRODUCT
        case Row((first, *rest)) if all(isinstance(part, Number) for part in rest):
            return _level(first)  # w1
        case Row((Sign("("), *inside, Sign(")"))) if not _BRACKETS & set(inside):
            return ATOM
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


def looks_like_math(label: str) -> bool:
    """Single letters, indices in braces: a formula. Words: a name.

    "a_prev" is somebody's variable, and no a with an index p.
    """
    if len(label) > 200 or not re.search(r"[^\W_]", label.replace(r"\text", "")):
        return False  # nothing would be seen of it
    if re.search(r"\d[eE][-+]?\d", label):
        return False  # "1e5": its letters, not its number
    return not word_in(label)


def word_in(label: str) -> int:
    r"""Where a word begins that is neither a command nor in braces, from 1 on; 0 for none.

    >>> word_in(r"\alpha rate"), word_in(r"w_{jk}")
    (8, 0)
    """
    hidden = re.sub(r"\\[A-Za-z]+|\{[^{}]*\}", lambda m: " " * len(m[0]), label)
    found = re.search(r"[A-Za-z]{2}|[_^]\w{2}|[^\x20-\x7e∂Σσ·−√]", hidden)
    return found.start() + 1 if found else 0
