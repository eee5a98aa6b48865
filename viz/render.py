"""Turn DOT text into SVG, PNG and PDF, with whichever Graphviz there is."""

from __future__ import annotations

import atexit
import html
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import graphviz

from micrograd.files import atomic_write

# What the wheel of pygraphviz can write; the dot program mostly has the same.
FORMATS: Final = frozenset(
    "canon,dot,eps,gif,gv,jpeg,jpg,json,pdf,plain,png,ps,svg,svgz,xdot".split(",")
)
_PIXELS: Final = {"gif", "jpeg", "jpg", "png"}
_PIXELS_PER_INCH = 144
_OPENING: Final = re.compile(r"^\s*(strict\s+)?(di)?graph\b[^{\n]*\{", re.MULTILINE)


class NoRenderingEngineError(RuntimeError):
    """There is no Graphviz on this machine, in neither of its two forms."""


class RenderError(RuntimeError):
    """Graphviz could not draw the graph."""


class Drawing(graphviz.Digraph):
    """A graphviz.Digraph that also renders where no `dot` program is installed.

    It shows itself in a notebook. `.source` is the DOT text, `.save` writes
    it, `.pipe` returns the picture, `.render` writes it.

    Attributes:
        alt: what a screen reader says of it, where it is SVG.
    """

    alt = ""

    def pipe(self, format: str | None = None, *args: Any, **options: Any) -> Any:  # noqa: A002
        """Return the picture.

        Arguments:
            format: "svg", "png", "pdf", "dot", ...; by default `self.format`.
            *args: see graphviz.Digraph.pipe; these need the dot program.
            **options: likewise, except `encoding` and `engine`.

        Returns:
            The file's bytes; or with `encoding` a string.

        Warns:
            UserWarning: if there are no fonts for the letters of a PNG or PDF.

        Raises:
            NoRenderingEngineError: if there is neither `dot` nor pygraphviz.
            RenderError: if Graphviz fails.
            ValueError: if nobody writes that format.
        """
        encoding = options.pop("encoding", None)
        wanted = _known_format(format or self.format)
        if args or options.keys() - {"engine", "quiet"}:
            data = super().pipe(wanted, *args, **options)
        else:
            data = render_dot(str(self.source), wanted, options.get("engine") or self.engine)
        if wanted == "svg":
            data = self._fitted(data)
        return data.decode(encoding) if encoding else data

    def _fitted(self, data: bytes) -> bytes:
        """An SVG that is never wider than there is room, and has a text for who cannot see it."""
        said = f' role="img" aria-label="{html.escape(self.alt)}"' if self.alt else ""
        opened = f'<svg style="max-width: 100%; height: auto"{said} '
        return data.replace(b"<svg ", opened.encode(), 1)

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        *,
        skip_existing: bool | None = False,
    ) -> str:
        """Write the DOT text to a file, whole or not at all.

        Arguments:
            filename: the file; by default `self.filename`.
            directory: the folder; made if missing.
            skip_existing: whether to leave a file that is there.

        Returns:
            The file's path.

        Raises:
            OSError: if it cannot be written; a file that was there is kept.
        """
        if filename is not None:
            self.filename: str = os.fspath(filename)
        if directory is not None:
            self.directory: str = os.fspath(directory)
        path = Path(self.filepath)
        if not (skip_existing and path.exists()):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as file:
                file.write(str(self.source).encode(self.encoding))
        return os.fspath(self.filepath)

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,  # noqa: A002
        *,
        outfile: str | os.PathLike[str] | None = None,
        quiet_view: bool = False,
        **options: Any,
    ) -> str:
        """Write the picture to a file.

        A file name with an ending says the format: `render("tree.png")`
        writes that file alone. Without one, as graphviz has it, the DOT text
        goes to `filename` and the picture to `filename.format`.
        (`view()` is the same with view=True.)

        Arguments:
            filename: the file; by default `self.filename`.
            directory: the folder; made if missing.
            view: whether to open the picture.
            cleanup: whether to remove the DOT text that went to `filename`.
            format: the format; by default the ending, or else `self.format`.
            outfile: the picture's file name, whatever its ending.
            quiet_view: to open it, and show nothing that the viewer prints.
            **options: as for `pipe`.

        Returns:
            The picture's path.

        Raises:
            NoRenderingEngineError: if there is neither `dot` nor pygraphviz.
            RenderError: if Graphviz fails.
            OSError: if the file cannot be written. In each case one that was there is kept.
            ValueError: if nobody writes that format.
        """
        name = Path(outfile if outfile is not None else filename or self.filename)
        folder = Path(directory if directory is not None else self.directory or ".")
        ending = name.suffix.removeprefix(".").lower()
        alone = outfile is not None or (format is None and ending not in ("", "gv"))
        wanted = _known_format(format or (ending if alone and ending else self.format))
        target = folder / (name if alone else f"{name}.{wanted}")
        picture = self.pipe(wanted, **options)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not alone and not cleanup:
            with atomic_write(folder / name) as file:
                file.write(str(self.source).encode())
        with atomic_write(target) as file:
            file.write(picture)
        if view or quiet_view:
            graphviz.view(os.fspath(target), quiet=quiet_view)
        return os.fspath(target)


def render_dot(source: str, format: str, engine: str = "dot") -> bytes:  # noqa: A002
    """Render DOT text with the `dot` program or, without one, with pygraphviz.

    Arguments:
        source: the DOT text.
        format: one of FORMATS.
        engine: the layout, "dot" by default.

    Returns:
        The file's bytes.

    Raises:
        NoRenderingEngineError: if there is neither.
        RenderError: if Graphviz fails.
        ValueError: if nobody writes that format.
    """
    _known_format(format)
    if format == "gv":
        return source.encode()
    if format in _PIXELS:
        source = _OPENING.sub(rf"\g<0>\n\tdpi={_PIXELS_PER_INCH}", source, count=1)
    if shutil.which(engine):
        picture = _with_dot(source, format, engine)
    elif importlib.util.find_spec("pygraphviz") is not None:
        picture = _with_pygraphviz(source, format, engine)
    else:
        raise NoRenderingEngineError(
            "no Graphviz to draw with: either install Graphviz, so that its dot program is on "
            'the PATH, or run: pip install "micrograd-chain-rule[dot]"'
        )
    return re.sub(rb"<text [^>]*>", _portable, picture) if format == "svg" else picture


def _portable(tag: re.Match[bytes]) -> bytes:
    """An SVG text tag as all browsers draw it.

    Firefox ignores baseline-shift, and an index of an index would have the
    attribute twice, which is no XML. Older Graphviz drops the spaces beside an
    index.
    """
    text, raised = re.subn(rb' baseline-shift="super"', b"", tag.group())
    text, lowered = re.subn(rb' baseline-shift="sub"', b"", text)
    if raised or lowered:
        text = text.replace(b"<text ", b'<text dy="%d" ' % (3 * lowered - 5 * raised), 1)
    if b"xml:space" not in text:
        text = text.replace(b"<text ", b'<text xml:space="preserve" ', 1)
    return text


def _with_dot(source: str, format: str, engine: str) -> bytes:  # noqa: A002
    try:
        return bytes(graphviz.pipe(engine, format, source.encode(), quiet=True))
    except graphviz.CalledProcessError as error:
        stderr = error.stderr or b""
        message = stderr.decode(errors="replace") if isinstance(stderr, bytes) else stderr
        raise RenderError(f"dot could not write {format}: {message.strip()}") from error


def _with_pygraphviz(source: str, format: str, engine: str) -> bytes:  # noqa: A002
    if not _provide_fonts() and format in {*_PIXELS, "pdf"}:
        warnings.warn(
            f"this machine has no fonts, and letters in a {format} are empty boxes: install "
            "fonts, or matplotlib, which brings some; SVG needs none",
            stacklevel=4,
        )
    import pygraphviz

    try:
        with _unnamed_file() as file:
            file.write(source.encode())
            file.seek(0)
            graph = pygraphviz.AGraph(filename=file)
        picture = graph.draw(format=format, prog=engine)
    except Exception as error:
        # It reports an unknown format as TypeError, and others as ValueError.
        raise RenderError(f"pygraphviz could not write {format}: {error}") from error
    return picture if isinstance(picture, bytes) else str(picture).encode()


def _unnamed_file() -> IO[bytes]:
    """A file in memory, for there may be no disk to write to; on the disk where that cannot be."""
    try:
        return open(os.memfd_create("dot"), "w+b")
    except (AttributeError, OSError):
        return tempfile.TemporaryFile()


def _known_format(format: str) -> str:  # noqa: A002
    if format not in FORMATS:
        raise ValueError(
            f"cannot write the format {format!r}; expected one of {', '.join(sorted(FORMATS))}"
        )
    return format


_FONT_FOLDERS: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
)


def _provide_fonts() -> bool:
    """On a machine without a single font, lend Graphviz those that come with matplotlib.

    Else every letter of a PNG or PDF would be an empty box. (An SVG holds
    text, and is drawn with the reader's fonts.)

    Returns:
        Whether there are fonts.
    """
    if sys.platform != "linux" or "FONTCONFIG_FILE" in os.environ:
        return True
    folders = (Path(os.path.expanduser(folder)) for folder in _FONT_FOLDERS)
    if any(next(folder.rglob("*.[topTOP][tfTF][tfcbaTFCBA]"), None) for folder in folders):
        return True
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return False
    fonts = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    for folder in _folders_to_keep_files_in():
        configuration = folder / "fonts.conf"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(configuration) as file:
                file.write(
                    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
                    f"<dir>{html.escape(str(fonts))}</dir>"
                    f"<cachedir>{html.escape(str(folder))}</cachedir></fontconfig>".encode()
                )
        except OSError:
            continue
        os.environ["FONTCONFIG_FILE"] = os.fspath(configuration)
        return True
    return False


def _folders_to_keep_files_in() -> Iterator[Path]:
    """The cache; and for where that cannot be written, a folder until the process ends."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.path.isabs(cache):
        yield Path(cache) / "micrograd-chain-rule"
    with suppress(OSError):
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        yield Path(folder)
