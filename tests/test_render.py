"""Files: every format, either engine, whole or not at all."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import graphviz
import pytest

from micrograd import Value
from viz import Drawing, NoRenderingEngineError, RenderError, draw, render
from viz.render import FORMATS, render_dot

HOSTILE = '</TABLE>"<script>&\n\\'


@pytest.fixture
def drawing() -> Drawing:
    x = Value(3.0, "x")
    y = x * x
    y.label = HOSTILE
    y.backward()
    return draw(y)


STARTS = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "dot": b"digraph"}


@pytest.mark.parametrize("ending", STARTS)
def test_each_engine_writes_each_format(
    engine: str, ending: str, drawing: Drawing, tmp_path: Path
) -> None:
    path = drawing.render(tmp_path / f"tree.{ending}")
    assert Path(path).read_bytes().startswith(STARTS[ending])
    assert os.listdir(tmp_path) == [f"tree.{ending}"]


def test_a_hostile_label_is_text_in_the_svg(engine: str, drawing: Drawing) -> None:
    root = ElementTree.fromstring(drawing.pipe("svg"))
    texts = ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert '</TABLE>"<script>&' in texts
    assert "\\" in texts
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


@pytest.mark.filterwarnings("ignore:draw. the label")
@pytest.mark.parametrize(
    "label", [r"\N", r"\G loss", r"\E is \T", r'</TABLE>"<script>&\n\\', "\\", "\\\\"]
)
def test_backslashes_are_drawn_as_they_are(engine: str, label: str) -> None:
    x = Value(2.0, label)
    root = ElementTree.fromstring(draw(x * x, legend=False).pipe("svg"))
    texts = ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert label in texts
    assert f"/∂{label} = " in texts or "gradient = " in texts  # for a long one


def test_scripts_are_raised_in_a_way_every_browser_knows(engine: str) -> None:
    svg = draw(Value(1.0, "w_1^{(L)}")).pipe("svg", encoding="utf-8")
    assert "baseline-shift" not in svg
    assert 'dy="-5"' in svg
    assert 'dy="3"' in svg


@pytest.mark.parametrize("label", ["w^{x_1}", "a^{(l_2)}", "x_{n^2}"])
def test_an_index_of_an_index_is_valid_xml(engine: str, label: str) -> None:
    ElementTree.fromstring(draw(Value(1.0, label).exp()).pipe("svg"))


def test_a_name_without_ending_works_as_graphviz_has_it(
    engine: str, drawing: Drawing, tmp_path: Path
) -> None:
    path = drawing.render("gout", directory=tmp_path)
    assert path == str(tmp_path / "gout.svg")
    assert sorted(os.listdir(tmp_path)) == ["gout", "gout.svg"]
    assert (tmp_path / "gout").read_text(encoding="utf-8") == drawing.source
    drawing.render("other.gv", directory=tmp_path, format="png", cleanup=True)
    assert "other.gv.png" in os.listdir(tmp_path)
    assert "other.gv" not in os.listdir(tmp_path)


def test_outfile_and_missing_folders(engine: str, drawing: Drawing, tmp_path: Path) -> None:
    path = drawing.render(outfile=tmp_path / "new" / "tree.pdf")
    assert Path(path).read_bytes().startswith(b"%PDF-")


def test_view_writes_the_picture_and_opens_it(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = []
    monkeypatch.setattr(render.graphviz, "view", lambda path, quiet: opened.append((path, quiet)))
    path = str(tmp_path / "tree.gv.svg")
    assert drawing.view(tmp_path / "tree.gv") == path
    assert drawing.view(tmp_path / "tree.gv", quiet=True, quiet_view=True) == path
    assert opened == [(path, False), (path, True)]
    assert Path(path).read_bytes().startswith(b"<?xml")
    drawing.render(tmp_path / "tree.svg")
    assert len(opened) == 2


def test_a_folder_is_no_file_and_is_named(drawing: Drawing, tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    for name in tmp_path, tmp_path / "folder.svg":
        with pytest.raises(OSError, match=re.escape(str(name))) as caught:
            drawing.render(name)
        assert ".tmp" not in str(caught.value)
    assert os.listdir(tmp_path) == ["folder.svg"]


def test_a_notebook_shows_svg(engine: str, drawing: Drawing) -> None:
    bundle = drawing._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    assert bundle["image/svg+xml"].startswith("<?xml")


def test_dot_text_that_graphviz_cannot_read_is_an_error_with_its_message(engine: str) -> None:
    with pytest.raises(RenderError):
        render_dot("digraph { a -> ", "svg")


@pytest.mark.parametrize("name", ["tree.xyz", "tree.exe"])
def test_a_format_nobody_has(name: str, drawing: Drawing, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"cannot write the format '{name[5:]}'; expected.*svg"):
        drawing.render(tmp_path / name)
    with pytest.raises(ValueError, match="cannot write the format"):
        drawing.pipe(name[5:])
    assert os.listdir(tmp_path) == []


def test_gv_is_the_source_itself(drawing: Drawing) -> None:
    assert drawing.pipe("gv") == drawing.source.encode()
    assert "gv" in FORMATS


def test_no_engine_names_both_ways_out(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        NoRenderingEngineError, match=r"install Graphviz.*micrograd-chain-rule\[dot\]"
    ):
        drawing.render(tmp_path / "tree.svg")
    assert os.listdir(tmp_path) == []


def test_a_failing_render_keeps_the_old_file(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*arguments: object) -> bytes:
        raise RenderError("no")

    target = tmp_path / "tree.svg"
    target.write_bytes(b"old")
    monkeypatch.setattr(render, "render_dot", fail)
    with pytest.raises(RenderError):
        drawing.render(target)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["tree.svg"]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a POSIX script")
def test_the_dot_program_is_used_where_there_is_one(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A stand-in that says what it was asked for, or fails as dot does.
    program = tmp_path / "dot"
    program.write_text(
        '#!/bin/sh\ncat >/dev/null\ncase "$*" in *pdf*) echo "no such thing" >&2; exit 1;; esac\n'
        'echo "dot was asked for $*"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert drawing.pipe("svg").startswith(b"dot was asked for -Kdot -Tsvg")
    with pytest.raises(RenderError, match="dot could not write pdf: no such thing"):
        drawing.pipe("pdf")


def test_where_there_are_no_files_in_memory_there_are_some_on_the_disk(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    before = drawing.pipe("svg")
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert drawing.pipe("svg") == before


def test_dot_text_is_saved_as_graphviz_saves_it(drawing: Drawing, tmp_path: Path) -> None:
    for options in (
        {"filename": "tree.gv", "directory": tmp_path / "new"},
        {"filename": tmp_path / "other"},
        {},
    ):
        path = drawing.save(**options)
        ours = Path(path).read_bytes()
        assert graphviz.Digraph.save(drawing, **options) == path
        assert Path(path).read_bytes() == ours
        Path(path).write_bytes(b"old")
        assert drawing.save(**options, skip_existing=True) == path
        assert Path(path).read_bytes() == b"old"
    assert Path(drawing.filename) == tmp_path / "other"


def test_dot_text_is_saved_whole_or_not_at_all(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tree.gv").write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("the disk is full")))
        with pytest.raises(OSError, match="disk is full"):
            drawing.save(tmp_path / "tree.gv")
    assert (tmp_path / "tree.gv").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["tree.gv"]


# A machine without a single font.

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are always fonts")

NO_FONTS = """
import os, sys, warnings
from viz import render
render._FONT_FOLDERS = ()
render.shutil.which = lambda name: None
warnings.simplefilter("error")
before = sorted(os.listdir())
"""


def without_fonts(program: str, folder: Path, **environment: str | None) -> str:
    """What a program prints, in a process of its own: fontconfig reads its configuration once."""
    pytest.importorskip("pygraphviz")
    changed = {"PYTHONPATH": os.getcwd(), "FONTCONFIG_FILE": None, **environment}
    return subprocess.run(
        [sys.executable, "-c", NO_FONTS + program],
        env={k: v for k, v in {**os.environ, **changed}.items() if v is not None},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


LETTERS = """
for label in "iW":
    picture = render.render_dot(f"digraph {{ a [label={label * 40}] }}", "png")
    print(int.from_bytes(picture[16:20]))
assert sorted(os.listdir()) == before
print(os.path.dirname(os.environ["FONTCONFIG_FILE"]))
"""
UNKNOWN = "os.path.expanduser = lambda path: path\n"  # a user whose home nobody knows


@linux
@pytest.mark.parametrize(
    ("program", "environment", "kept"),
    [
        ("", {"XDG_CACHE_HOME": "CACHE"}, True),
        ("", {"XDG_CACHE_HOME": None, "HOME": "CACHE"}, True),
        ("", {"XDG_CACHE_HOME": "/dev/null/cache"}, False),
        ("", {"XDG_CACHE_HOME": "cache"}, False),
        (UNKNOWN, {"XDG_CACHE_HOME": None, "HOME": None}, False),
    ],
    ids=["cache", "home", "no cache", "no absolute path", "no home"],
)
def test_on_a_machine_without_fonts_letters_are_letters(
    tmp_path: Path, program: str, environment: dict[str, str | None], kept: bool
) -> None:
    pytest.importorskip("matplotlib")
    cache, folder = tmp_path / "cache", tmp_path / "folder"
    folder.mkdir()
    changed = {k: str(cache) if v == "CACHE" else v for k, v in environment.items()}
    narrow, wide, where = without_fonts(program + LETTERS, folder, **changed).splitlines()
    # Empty boxes would all be of one width.
    assert int(wide) > 2 * int(narrow)
    assert Path(where).exists() is kept  # else it is gone with the process
    assert where.startswith(str(cache)) is kept


NOWHERE = """
def cannot(*_, **__):
    raise OSError(30, "Read-only file system")

render.tempfile.mkdtemp = render.tempfile.TemporaryFile = cannot
"""
NO_MATPLOTLIB = """
find = render.importlib.util.find_spec
render.importlib.util.find_spec = lambda name: None if name == "matplotlib" else find(name)
"""


@linux
@pytest.mark.parametrize("cannot", [NOWHERE, NO_MATPLOTLIB], ids=["no cache", "no matplotlib"])
def test_without_fonts_svg_is_drawn_and_of_pixels_it_is_said_what_is_missing(
    tmp_path: Path, cannot: str
) -> None:
    program = (
        cannot
        + """
from micrograd import Value
from viz import draw, page
drawing = draw(Value(2.0, "w") * 3.0)
print(len(drawing.pipe("svg", encoding="utf-8").split("<text")) > 5)
print(len(page(Value(2.0, "w") * 3.0, "page.html").html) > 1000)
drawing.render("tree.dot")
for format in "png", "pdf":
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture = drawing.pipe(format)
    print(len(picture) > 1000, *(one.message for one in caught))
print("FONTCONFIG_FILE" in os.environ)
"""
    )
    shown = without_fonts(program, tmp_path, XDG_CACHE_HOME="/dev/null/cache").splitlines()
    said = (
        "this machine has no fonts, and letters in a {} are empty boxes: install fonts, or "
        "matplotlib, which brings some; SVG needs none"
    )
    assert shown == [
        "True",
        "True",
        f"True {said.format('png')}",
        f"True {said.format('pdf')}",
        "False",
    ]
