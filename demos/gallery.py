"""Make the README's gallery: a picture and a line for each demo.

`python -m demos.gallery` runs every demo that names a picture, puts the
pictures into `demos/pictures`, and writes the table between the two comments
in README.md and README.zh.md. With `--check` it writes nothing, and fails
where the table or a picture is missing or the table out of date. (It does not
compare pictures: another matplotlib or Graphviz draws others.)
"""

from __future__ import annotations

import argparse
import importlib
import io
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from demos.catalogue import Demo, catalogue
from demos.common import progress
from micrograd.files import atomic_write

TOP = Path(__file__).parent.parent
PICTURES = "demos/pictures"
OPENING, CLOSING = "<!-- gallery -->", "<!-- /gallery -->"
READMES = {"README.md": ("picture", "lesson"), "README.zh.md": ("图", "内容")}


def block(demos: Sequence[Demo], readme: str) -> str:
    """The gallery in Markdown, with the two comments around it.

    Arguments:
        demos: those with a picture.
        readme: the file it is for, one of READMES.

    Returns:
        The text.

    Raises:
        ValueError: if a demo has no line in the README's language.
    """
    lines = [OPENING, "", "| {} | {} |".format(*READMES[readme]), "| --- | --- |"]
    for demo in demos:
        line = demo.chinese if readme == "README.zh.md" else demo.line
        if not line:
            raise ValueError(f"gallery: demos.{demo.name} has a PICTURE, but no line for {readme}")
        picture = f'<img src="{PICTURES}/{demo.picture}" alt="{demo.name}" width="480">'
        command = f"[`python -m demos.{demo.name}`](demos/{demo.name}.py)"
        lines.append(f"| {picture} | {command}<br>{line} |")
    return "\n".join([*lines, "", CLOSING])


def renewed(text: str, new: str, readme: str) -> str:
    """A README's text with another gallery.

    Arguments:
        text: the README as it is.
        new: from `block`.
        readme: the file's name, for errors.

    Returns:
        The README as it is to be.

    Raises:
        ValueError: unless each of the two comments is there once, in order.
    """
    before, opening, rest = text.partition(OPENING)
    _, closing, after = rest.partition(CLOSING)
    if not (opening and closing) or OPENING in rest or CLOSING in before + after:
        raise ValueError(f"{readme}: expected {OPENING} and {CLOSING}, once each and in this order")
    return before + new + after


def take_picture(demo: Demo, folder: Path) -> None:
    """Run a demo, and keep the one picture of it.

    Arguments:
        demo: one with a picture.
        folder: where the picture goes.

    Raises:
        FileNotFoundError: if the demo does not write it.
    """
    with tempfile.TemporaryDirectory() as out:
        with redirect_stdout(io.StringIO()):  # its table, which would break the progress bar
            importlib.import_module(f"demos.{demo.name}").main(["--out", out])
        picture = (Path(out) / demo.picture).read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / demo.picture) as file:
        file.write(picture)


def main(arguments: list[str] | None = None, top: Path = TOP) -> None:
    """Make the gallery, or check it.

    Arguments:
        arguments: of the command line.
        top: the folder with the READMEs.
    """
    parser = argparse.ArgumentParser(
        prog="python -m demos.gallery", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run these demos only")
    options = parser.parse_args(arguments)
    demos = [demo for demo in catalogue() if demo.picture]
    unknown = set(options.only or []) - {demo.name for demo in demos}
    if unknown:
        parser.error(f"no demo with a picture: {', '.join(sorted(unknown))}")

    # First of all: with a README that cannot be written, nothing is run.
    texts = {n: (top / n).read_text(encoding="utf-8") for n in READMES if (top / n).exists()}
    try:
        new = {name: renewed(text, block(demos, name), name) for name, text in texts.items()}
    except ValueError as error:
        raise SystemExit(str(error)) from error
    if options.check:
        wrong = [name for name, text in texts.items() if text != new[name]]
        expected = [f"{PICTURES}/{demo.picture}" for demo in demos]
        wrong += [path for path in expected if not (top / path).exists()]
        if wrong:
            raise SystemExit(f"missing or out of date: {', '.join(wrong)}; python -m demos.gallery")
        return
    bar = progress([d for d in demos if not options.only or d.name in options.only], "demo")
    for demo in bar:
        bar.set_postfix_str(demo.name)
        take_picture(demo, top / PICTURES)
    for name, text in new.items():
        with atomic_write(top / name) as file:
            file.write(text.encode())
        print(f"gallery of {len(demos)} pictures: {name}")


if __name__ == "__main__":
    main()
