"""What is meant as mathematics and cannot be read; what is meant as a label and is none.

A picture is made all the same, with the text as it stands, or with a name from
elsewhere; a warning says what to look at.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Final

from micrograd.engine import Value
from micrograd.ops import Primitive
from micrograd.symbols import Expression, Symbol
from micrograd.text import in_one_line, label_of
from viz.formula import KNOWN, TOKEN, NotMathError, read
from viz.labels import looks_like_math, word_in
from viz.names import short

_DRIVE: Final = re.compile(r"\b[A-Za-z]:\\")


def mistake(label: str) -> str:
    r"""What keeps a label that is meant as mathematics from being read, and where.

    A command, which is a backslash with letters behind it, is meant as mathematics,
    but for a path on a drive, as in C:\data. So is a brace after "_" or "^", and one
    in what looks like a formula but for it: not one in plain text.

    Arguments:
        label: any string.

    Returns:
        What is wrong, with a character's place, counted from 1; "" if nothing is.

    >>> mistake("w^{(L")
    'the brace at character 3 is never closed'
    >>> print(mistake(r"\sgima"))
    unknown command \sgima at character 1; did you mean \sigma?
    >>> mistake("w^{(L)}"), mistake("50% {ok}"), mistake("notes {1")
    ('', '', '')
    """
    brace = _stray_brace(label)
    if not brace and "\\" not in label:
        return ""
    formula = looks_like_math(label)
    stopped = _stopped(label) if formula else 0
    if formula and not stopped:
        return ""
    commands = [] if _DRIVE.search(label) else _commands(label)
    for place, name in commands:
        if name not in KNOWN:
            near = difflib.get_close_matches(name, sorted(KNOWN), n=1)
            question = "".join(rf"; did you mean \{one}?" for one in near)
            return rf"unknown command \{name} at character {place}{question}"
    if brace and (commands or formula or re.search(r"[_^]\{", label)):
        return brace
    if not commands:
        return ""
    if word_in(label):
        return rf"the word at character {word_in(label)} has to be written as \text{{...}}"
    if stopped > len(label):
        return f"something is missing after character {len(label)}"
    return f"it cannot be understood from character {stopped} on" if stopped else ""


def _stray_brace(label: str) -> str:
    """The first brace that has no other; those after a backslash are none."""
    opened: list[int] = []
    for found in re.finditer(r"\\.|[{}]", label, re.DOTALL):
        place = found.start() + 1
        if found[0] == "{":
            opened.append(place)
        elif found[0] == "}" and not opened:
            return f"the brace at character {place} closes nothing"
        elif found[0] == "}":
            opened.pop()
    return f"the brace at character {opened[0]} is never closed" if opened else ""


def _stopped(label: str) -> int:
    """Where a formula can be read no further, from 1 on; 0 if it is read to its end."""
    try:
        read(label)
    except NotMathError as error:
        return error.place
    return 0


def _commands(label: str) -> list[tuple[int, str]]:
    """The names behind backslashes, each with the backslash's place, from 1 on."""
    return [
        (token.start() + 1, token[1])
        for token in TOKEN.finditer(label)
        if token[1] and re.fullmatch("[A-Za-z]+", token[1])
    ]


def is_near_miss(name: str) -> bool:
    """Whether a name is `label` with a letter left out, added, changed or swapped with the next.

    >>> [is_near_miss(name) for name in ("lable", "labl", "Label", "label", "table")]
    [True, True, True, False, False]
    """
    wanted = "label"
    if len(name) != len(wanted):
        long, less = sorted((name, wanted), key=len, reverse=True)
        return any(long[:i] + long[i + 1 :] == less for i in range(len(long)))
    wrong = [i for i in range(len(wanted)) if name[i] != wanted[i]]
    if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
        i, j = wrong
        return name[i] == wanted[j] and name[j] == wanted[i]
    return len(wrong) == 1


def warn_of_mistakes(function: str, values: Iterable[Value], stacklevel: int = 2) -> None:
    """Warn of labels and formulas that cannot be read, and of attributes that were to be labels.

    Arguments:
        function: the name of the function that shows the values.
        values: all that it shows.
        stacklevel: as for `warnings.warn`: 2 for who called the function that calls this one.

    Warns:
        UserWarning: once for each such label and primitive, and for the name of each attribute.
    """
    for message in _mistakes(values):
        warnings.warn(f"{function}: {message}", stacklevel=stacklevel + 1)


def _mistakes(values: Iterable[Value]) -> Iterator[str]:
    labels: set[str] = set()
    names: set[str] = set()
    rows: set[Primitive] = set()
    for v in values:
        if v.op is not None and v.op not in rows:
            rows.add(v.op)
            yield from _unreadable(v.op)
        label = label_of(v)
        if label and label not in labels:
            labels.add(label)
            found = mistake(label)
            if found:
                yield f"the label '{in_one_line(short(label))}' of Value(data={v.data}): {found}"
        if label:
            continue
        for name, held in _attributes(v).items():
            if isinstance(held, str) and name not in names and is_near_miss(name):
                names.add(name)
                yield f"Value(data={v.data}) has an attribute {name!r}: did you mean label?"


def _unreadable(row: Primitive) -> Iterator[str]:
    """Say that a primitive of somebody's own is printed in more of LaTeX than is read here."""
    argument = Symbol("\ue000")
    latex = Expression(row, [[argument] if star else argument for star in row.starred]).latex()
    try:
        read(latex, (argument.name,))
    except NotMathError as error:
        yield (
            f"the latex of the primitive {row.name} is shown as it stands: "
            f"{latex.replace(argument.name, '…')!r} cannot be read from character {error.place} on"
        )


def _attributes(v: Value) -> dict[str, Any]:
    """What has been hung on v. Its __dict__, asked for, would be made, and stay in every node."""
    state = object.__getstate__(v)
    attributes = state[0] if isinstance(state, tuple) else state
    return attributes if isinstance(attributes, dict) else {}
