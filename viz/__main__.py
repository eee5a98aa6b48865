"""From the shell: `python -m viz "(sigmoid(w*a + b) - y)**2" w=1.5 a=0.48 b=-0.06 y=1`.

Writes the page of the formula and opens it, where there is a browser; or with `--out
tree.svg` a picture; or with `--explain w` prints why the derivative by w is what it is.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import webbrowser
from pathlib import Path

from micrograd.engine import topological_order
from viz import NoRenderingEngineError, draw, explain, page
from viz.expression import read_expression
from viz.language import LANGUAGES

_PAGES = (".html", ".htm")


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say.

    Arguments:
        arguments: those of the command line.

    Returns:
        What the process returns: 0, or 2 for what could not be understood.
    """
    options = _parser().parse_intermixed_args(arguments)
    try:
        return _run(options)
    except (ValueError, OSError, NoRenderingEngineError) as error:
        print(f"python -m viz: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m viz",
        description="Draw, explain and play the chain rule of a formula.",
        epilog='example: python -m viz "(sigmoid(w*a + b) - y)**2" w=1.5 a=0.48 b=-0.06 y=1',
    )
    parser.add_argument("formula", help="names, numbers, + - * / **, and operations as sigmoid(x)")
    parser.add_argument("numbers", nargs="*", metavar="name=number", help="of each name")
    parser.add_argument("--out", type=Path, metavar="FILE", help="page.html, or tree.svg, .png ...")
    parser.add_argument(
        "--explain", metavar="NAME", help="print the derivative by it, path by path"
    )
    parser.add_argument("--parameters", default="", metavar="w,b", help="what descent is to change")
    parser.add_argument("--lang", choices=LANGUAGES, help="of page and text")
    return parser


def _run(options: argparse.Namespace) -> int:
    numbers = dict(map(_number, options.numbers))
    if len(numbers) < len(options.numbers):
        raise ValueError("a name has two numbers")
    parameters = [name for name in options.parameters.split(",") if name]
    root = read_expression(options.formula, numbers, parameters)
    if options.explain is not None:
        by = [v for v in topological_order(root) if v.label == options.explain and v.op is None]
        if not by:
            raise ValueError(f"--explain {options.explain}: no such name in the formula")
        print(explain(root, by[0]))
        if options.out is None:
            return 0
    if options.out is not None and options.out.suffix.lower() not in _PAGES:
        root.backward()
        options.out.parent.mkdir(parents=True, exist_ok=True)
        print(draw(root, lang=options.lang or "en").render(options.out))
        return 0
    path = page(root, options.out or Path("out", "page.html"), lang=options.lang).path
    assert path is not None
    print(path)
    if options.out is None and _has_browser():
        webbrowser.open(path.resolve().as_uri())
    return 0


def _number(text: str) -> tuple[str, float]:
    name, equals, number = text.partition("=")
    if not equals or not re.fullmatch(r"[^\W\d]\w*", name):
        raise ValueError(f"expected name=number, got {text!r}")
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(f"expected a number after {name}=, got {number!r}") from None


def _has_browser() -> bool:
    """Whether a window can be opened: not over a line, and not for a browser of text."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
