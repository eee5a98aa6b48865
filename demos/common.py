"""What the demos share: their options, tables and pictures.

>>> print(table(["weight", "gradient"], [["w_0", 3.2], ["w_1", -0.1]], "", "+.1f"))
weight  gradient
w_0         +3.2
w_1         -0.1
>>> plain("w_{10}^{(1)}")
'w_10(1)'
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from micrograd.files import atomic_write
from viz import Drawing
from viz.style import SERIES

try:
    import matplotlib
    from matplotlib.figure import Figure
    from tqdm import tqdm
except ModuleNotFoundError as error:
    raise SystemExit(
        f'{error}; the demos need: pip install "micrograd-chain-rule[demos]"'
    ) from error

BLUE, ORANGE, GREEN, PURPLE, GREY = SERIES


def parser(about: str | None, seed: int | None = None) -> argparse.ArgumentParser:
    """The options of every demo; one that draws random numbers has `--seed` too.

    Arguments:
        about: the demo's docstring; the first line is shown.
        seed: the default of `--seed`, or None for a demo without one.

    Returns:
        The parser, to which a demo may add.
    """
    # As argparse itself has it from Python 3.14 on.
    spec = sys.modules["__main__"].__spec__
    made = argparse.ArgumentParser(
        prog=f"python -m {spec.name}" if spec else None,
        description=(about or "").split("\n", maxsplit=1)[0],
    )
    made.add_argument(
        "--out", type=Path, default=Path("out"), help="folder for the pictures, default out"
    )
    if seed is not None:
        made.add_argument("--seed", type=int, default=seed, help=f"default {seed}")
    return made


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], *formats: str) -> str:
    """Rows of text and numbers, in aligned columns.

    Arguments:
        head: a word for each column.
        rows: at least one, with as many cells each.
        *formats: how to print the numbers, for each column, or once for all;
            a text is printed as it is, and stands to the left.

    Returns:
        The lines, without a newline at the end.
    """
    if len(formats) < 2:
        formats = (formats or ("",)) * len(head)
    columns = []
    for title, cells, spec in zip(head, zip(*rows, strict=True), formats, strict=True):
        texts = [title, *(c if isinstance(c, str) else format(c, spec) for c in cells)]
        width = max(map(len, texts))
        words = all(isinstance(c, str) for c in cells)
        columns.append([t.ljust(width) if words else t.rjust(width) for t in texts])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def plain(label: str) -> str:
    """A Value's label for a terminal, without the braces of LaTeX."""
    return label.replace("^{", "").replace("{", "").replace("}", "")


def progress(items: Iterable[Any], unit: str) -> Any:
    """Go through the items with a progress bar, where somebody is watching.

    Arguments:
        items: what to go through; with a len() the bar knows how far it is.
        unit: what one of them is: "step", "epoch".

    Returns:
        A tqdm: iterate over it, and tell it news with `.set_postfix_str`.
    """
    return tqdm(items, unit=unit, disable=None)


def axes(columns: int = 1, rows: int = 1, size: tuple[float, float] = (10.0, 4.2)) -> Any:
    """A figure in the demos' style, and its axes.

    Arguments:
        columns: how many beside each other.
        rows: how many above each other.
        size: width and height in inches.

    Returns:
        The figure and its axes, or an array of them as `Figure.subplots` gives it.
    """
    figure = Figure(figsize=size, layout="constrained")
    made = figure.subplots(rows, columns)
    for ax in figure.axes:
        ax.grid(color="#dddddd", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_prop_cycle(color=[BLUE, ORANGE, GREEN, PURPLE, GREY])
    return figure, made


def save(picture: Figure | Drawing, path: Path) -> Path:
    """Write a picture, whole or not at all, and say where.

    Arguments:
        picture: a figure, or what `viz.draw` gives.
        path: the file; its ending says the format. The folder is made if missing.

    Returns:
        The path.
    """
    if isinstance(picture, Drawing):
        picture.render(path)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        ending = path.suffix.removeprefix(".")
        # The same picture gives the same SVG: no date, and no random names.
        metadata = {"Date": None} if ending == "svg" else None
        with matplotlib.rc_context({"svg.hashsalt": path.name}), atomic_write(path) as file:
            picture.savefig(file, format=ending, dpi=120, metadata=metadata)
    print(f"picture: {path}")
    return path
