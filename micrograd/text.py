"""Labels as text to be shown: of any type, and without what a terminal obeys or nobody sees."""

from __future__ import annotations

import re
from typing import Any, Final

# Control characters, but for the line break; signs that turn the direction of the text around
# them, or break its line; those that nobody sees; what no file can hold. Left are those that
# join letters or keep them apart, which some scripts are not written without.
_HIDDEN: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e00ff]"
)


def visible(text: str) -> str:
    r"""The text with pictures in place of such characters. Line breaks stay.

    >>> visible("a\x1b\n\u202eb")
    'a␛\n�b'
    """
    return _HIDDEN.sub(lambda m: chr(0x2400 + ord(m[0])) if m[0] < " " else "\ufffd", text)


def in_one_line(text: str) -> str:
    """The same, with spaces in place of line breaks."""
    return visible(text).replace("\n", " ")


def label_of(v: Any) -> str:
    """A Value's label as a string, whatever was assigned; "" for none.

    >>> from types import SimpleNamespace
    >>> [label_of(SimpleNamespace(label=label)) for label in ("w", 0, None)]
    ['w', '0', '']
    """
    label = v.label
    if type(label) is str:
        return label
    return "" if label is None else str(label)
