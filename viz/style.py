"""How everything looks, said once: colours, sizes, what a sign and a kind look like.

The pictures, the page and the demos' plots read it. Blue is positive and orange
negative, everywhere; the kind of a box is told by its shape.

>>> sign(-0.7), sign(0.0), LIGHT[sign(2.0)]
('negative', 'zero', '#1f5fae')
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Text on `paper`, `canvas` and `panel` has a contrast of 4.5 at least; so have the
# two signs, in either theme.
LIGHT: Final = {
    "paper": "#ffffff",
    "canvas": "#f7f8fa",
    "panel": "#ffffff",
    "ink": "#16191f",
    "quiet": "#565c67",
    "line": "#d4d8df",
    "border": "#808794",
    "positive": "#1f5fae",
    "negative": "#b34700",
    "zero": "#565c67",
    "positive-tint": "#e3eefc",
    "negative-tint": "#fdeadb",
    "focus": "#0b57d0",
    "on-accent": "#ffffff",
}
DARK: Final = {
    "paper": "#20252d",
    "canvas": "#14171c",
    "panel": "#1a1e25",
    "ink": "#eef0f3",
    "quiet": "#a9b1bd",
    "line": "#3a414c",
    "border": "#717a88",
    "positive": "#7db4ff",
    "negative": "#ff9d52",
    "zero": "#a9b1bd",
    "positive-tint": "#1d3352",
    "negative-tint": "#4a2c14",
    "focus": "#8ab4f8",
    "on-accent": "#14171c",
}
# Of paths that run side by side; none is the colour of a sign.
PATHS: Final = (
    ("#8a2a8f", "#e58fe9"),
    ("#0a7268", "#4fd6c8"),
    ("#6d5a00", "#e0c648"),
    ("#4f46b5", "#b3acff"),
    ("#a3244b", "#ff8fab"),
    ("#3c6e1f", "#93d46c"),
)
# Of the demos' plots: the two signs first, then others that differ in lightness, too.
SERIES: Final = (LIGHT["positive"], LIGHT["negative"], "#0a7268", "#8a2a8f", LIGHT["quiet"])

FONT: Final = "Helvetica,Arial,sans-serif"
TITLE, TEXT, SMALL = 14, 12, 11  # sizes of letters, in pixels
SCRIPT: Final = 10  # an index's, in a static picture
THIN, WIDER = 1.0, 3.5  # how wide an arrow is that adds nothing, and how much wider at most
BAR: Final = 4  # how high the bar of a gradient is

# The shape of each kind: of a page's boxes, and as Graphviz has it.
SHAPES: Final = {
    "parameter": ("pill", {"shape": "box", "style": "rounded,filled"}),
    "input": ("slanted", {"shape": "polygon", "sides": "4", "skew": "0.16", "style": "filled"}),
    "constant": ("bare", {"shape": "plaintext", "style": ""}),
    "operation": ("card", {"shape": "box", "style": "filled"}),
    "group": ("stack", {"shape": "box", "style": "filled", "peripheries": "2"}),
}


def sign(x: float) -> str:
    """The name of a number's colour: "positive", "negative" or "zero", which nan is, too."""
    return "positive" if x > 0.0 else "negative" if x < 0.0 else "zero"


def width_of(text: str, size: float) -> float:
    """About how wide a text is, in pixels, and rather too wide.

    Arguments:
        text: markup or plain text, in one line.
        size: of its letters; an index is smaller.

    >>> 25 < width_of("−0.07", 12) < 35
    True
    >>> width_of("<I>w</I><SUP>(L)</SUP>", 12) < width_of("w(L)", 12)
    True
    """
    total, scale = 0.0, 1.0
    for tag, letters in re.findall(r"(<[^>]*>)|(&\w+;|&#\d+;|.)", text, re.DOTALL):
        if tag:
            scale = {"<SUB>": 0.8, "<SUP>": 0.8, "</SUB>": 1.0, "</SUP>": 1.0}.get(tag, scale)
        else:
            total += scale * _width(letters[:1] if letters[0] != "&" else "<")
    return size * total


def _width(letter: str) -> float:
    if letter in "ijltfr.,:;'|!()[] ·⁻¹⁰²³⁴⁵⁶⁷⁸⁹⁽⁾":
        return 0.33
    if letter in "mwMW%@∂σΣ+−=<>→":
        return 0.78 if letter in "mMW%@" else 0.68
    if letter == "\u200a":
        return 0.1
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.02
    return 0.68 if letter.isupper() else 0.555


def css() -> str:
    """The colours as a style sheet's variables, for both themes."""
    pairs = [(name, LIGHT[name], DARK[name]) for name in LIGHT]
    pairs += [(f"path{i}", light, dark) for i, (light, dark) in enumerate(PATHS)]
    lines = "".join(f" --{name}: light-dark({light}, {dark});" for name, light, dark in pairs)
    return f":root {{{lines} --thin: {THIN}; --wider: {WIDER}; }}"
