"""One HTML file to step through the chain rule in: no network, nothing to install.

>>> from micrograd import Value, parameter
>>> from viz import page
>>> w, a = parameter(0.5, "w"), Value(3.0, "a")
>>> C = (w * a).tanh(); C.label = "C"
>>> shown = page(C)  # page(C, "chain_rule.html") writes it to a file
>>> shown.html.splitlines()[0]
'<!doctype html>'
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from micrograd.engine import Value, topological_order
from micrograd.files import atomic_write
from micrograd.hooks import refuse
from viz.derivation import TEXT
from viz.draw import MAX_NODES, TooManyNodesError, check_direction
from viz.explain import ENDS, LONG, MAX_PATHS
from viz.javascript import javascript_of
from viz.language import LANGUAGES, catalogue, check_language
from viz.mathtext import escaped
from viz.mistakes import warn_of_mistakes
from viz.numbers import check_numbers
from viz.pagedata import (
    References,
    backward_order,
    choices,
    edges,
    in_one_line,
    nodes,
)
from viz.picture import Picture, network_of, picture_of
from viz.style import SHAPES, THIN, WIDER, css
from viz.svg import across, airy, data_of, down, format_of, place, svg_of

# The modules, each after those it imports: without their imports and exports they are one script.
_SCRIPTS: Final = (
    "graph steps data texts numbers mathematics state picture camera motion step charts value "
    "leaves network save main"
).split()


_FEW: Final = 60  # values, up to which there may be room to spare


@dataclass(frozen=True, repr=False)
class Page:
    """A page. In a notebook it shows itself.

    Attributes:
        html: the whole file.
        path: where it was written; None if it was not.
    """

    html: str
    path: Path | None

    def __repr__(self) -> str:
        where = "in no file" if self.path is None else f"in {self.path}"
        return f"<Page of {len(self.html.encode()):,} bytes, {where}>"

    def _repr_html_(self) -> str:
        # Its scripts run, but as those of a stranger: they cannot reach the notebook.
        return (
            '<iframe sandbox="allow-scripts" title="The chain rule, step by step" width="100%" '
            f'height="760" frameborder="0" srcdoc="{html.escape(self.html)}"></iframe>'
        )


def page(
    root: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    max_nodes: int = MAX_NODES,
    direction: str | None = None,
    lang: str | None = None,
) -> Page:
    """Make a page on which to step through the forward and the backward pass of a graph.

    It opens at the beginning, and plays: the forward pass fills the values in; in
    the backward pass the gradient travels against the arrows, is multiplied by each
    local derivative, and is added where it arrives. Of the value one clicks it shows
    what moves along when it is nudged, the root's slope by it, and the derivative path
    by path; of an arrow, its local derivative. Every leaf has a slider and a field; what
    follows from a change is worked out at once, by the table's own definitions.
    "Descend" takes a step of gradient descent on the parameters, or on all inputs where
    none is a parameter. The page's address keeps the leaves and the step, to be sent
    to somebody.

    All numbers are worked out anew from the leaves as they are now; neither
    `.grad` nor other values' `.data` are read. A slider goes as far as twice
    the leaf's size to either side of it, and at least by 1; a field takes any
    number.

    Arguments:
        root: the value to differentiate, the cost for example.
        path: the file to write, whole or not at all; None for no file.
        max_nodes: more values than that are an error.
        direction: "LR", left to right, or "TB", "RL", "BT"; None for "LR" or
            "TB", as the window of the reader shows more of it.
        lang: "en" or "zh"; None for the language of the reader's browser. The page
            has a switch.

    Returns:
        The page. It shows itself in a notebook.

    Warns:
        UserWarning: as `explain` does.

    Raises:
        TypeError: if root is no Value, a value's `data` or `grad` no number, or a value has
            a `_backward` of its own.
        TooManyNodesError: for more values than max_nodes.
        ValueError: for another direction or language, or if a primitive has no JavaScript
            form.
        OSError: if the file cannot be written; one that was there is kept.
    """
    if not isinstance(root, Value):
        raise TypeError(f"page: expected a Value to show, got {type(root).__name__} {root!r}")
    if direction is not None:
        check_direction("page", direction)
    if lang is not None:
        check_language("page", lang)
    order = topological_order(root)
    refuse("page", order)
    if len(order) > max_nodes:
        raise TooManyNodesError(
            f"page: the graph has {len(order):,} values, more than max_nodes={max_nodes}; "
            "raise max_nodes, or make the page of a smaller part: a single sample, say"
        )
    check_numbers("page", order, "data", "grad")
    warn_of_mistakes("page", order)
    text = _html(root, order, direction, lang)
    return Page(text, None if path is None else _written(text, Path(path)))


def _written(text: str, path: Path) -> Path:
    """Write the text to a file, whose folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(text.encode())
    return path


def _html(root: Value, order: Sequence[Value], direction: str | None, lang: str | None) -> str:
    notation = References(order)
    words = catalogue(lang or "en")
    title = words["title"].format(C=notation.written(root, TEXT))
    picture = _picture(root, order)
    formats = [across("LR"), down("TB")] if direction is None else [format_of(direction)]
    if direction is None and len(order) <= _FEW:
        formats.insert(0, airy("LR"))
    placed = [place(picture, one) for one in formats]
    found = list(edges(order, notation))
    layouts = [data_of(picture, one) for one in placed]
    del layouts[0]["arrows"]  # those of the picture
    data = {
        "nodes": list(nodes(order, notation)),
        "edges": found,
        "backward": backward_order(order, found),
        "layouts": layouts,
        "maxPaths": MAX_PATHS,
        "long": LONG,
        "ends": ENDS,
        "thin": THIN,
        "wider": WIDER,
        "network": _network(order, notation),
        "texts": {language: dict(catalogue(language)) for language in LANGUAGES},
        "language": lang or "",
    }
    table = javascript_of(v.op for v in order if v.op is not None)
    modules = [script_of(_file(f"{name}.mjs")) for name in _SCRIPTS]
    script = "\n".join(['"use strict";', "{", table, choices(order, notation), *modules, "}"])
    guard = _file("guard.mjs")
    style = f"{css()}\n{_file('page.css')}"
    parts = {
        "title": escaped(title),
        "policy": (
            f"default-src 'none'; script-src {_hash(guard)} {_hash(script)}; "
            f"style-src {_hash(style)}; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "picture": svg_of(picture, placed[0], title),
        "legend": _legend(picture, words),
        "data": _json(data),
        "guard": guard,
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], _file("page.html"))


def _network(order: Sequence[Value], notation: References) -> dict[str, Any] | None:
    """The numbers of a network's inputs and, by layer and neuron, of what it is made of."""
    layers = network_of(order)
    if not layers:
        return None
    place = notation.place
    neurons = [
        [
            {
                "a": place[a],
                "w": [place[w] for w in z.arguments[0]],
                "x": [place[x] for x in z.arguments[1]],
            }
            for z, a in layer
        ]
        for layer in layers
    ]
    return {"inputs": neurons[0][0]["x"], "layers": neurons}


def script_of(module: str) -> str:
    r"""A module without what makes it one: its imports, and the word `export`.

    >>> script_of('import { a } from "./b.mjs";\nexport const c = a;')
    'const c = a;'
    """
    without = re.sub(r"^import [^;]*;\n", "", module, flags=re.MULTILINE)
    return re.sub(r"^export ", "", without, flags=re.MULTILINE).strip()


def _picture(root: Value, order: Sequence[Value]) -> Picture:
    """The picture that `draw` makes, but for what other graphs accumulated; names in one line."""
    picture = picture_of(root, order)
    for box in picture.boxes:
        box.notes = []
        box.title = in_one_line(box.title)
    return picture


def _json(data: Any) -> str:
    """The data as the content of a script element: no tag begins in it, whatever a label is."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls a script or style of that text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _file(name: str) -> str:
    return resources.files("viz").joinpath("web", name).read_text(encoding="utf-8").strip()


def _legend(picture: Picture, words: Mapping[str, str]) -> str:
    kinds = [kind for kind in SHAPES if any(box.kind == kind for box in picture.boxes)]
    shapes = [f'<li class="{SHAPES[kind][0]}" data-t="{kind}">{words[kind]}</li>' for kind in kinds]
    signs = [
        f'<li class="{one}" data-t="{one}">{words[one]}</li>' for one in ("positive", "negative")
    ]
    arrow = f'<li class="line" data-t="arrow_legend">{words["arrow_legend"]}</li>'
    return "".join([*shapes, *signs, arrow])
