"""The list of the demos, the README's gallery, and what the demos share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demos import common, gallery
from demos.catalogue import TOOLS, Demo, catalogue
from viz import draw

DEMOS = Path(gallery.__file__).parent


def test_the_list_names_every_demo_without_importing_anything_heavy() -> None:
    code = (
        "import runpy, sys; runpy.run_module('demos', run_name='__main__'); "
        "heavy = {'numpy', 'matplotlib', 'sklearn', 'micrograd'} & set(sys.modules); "
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=DEMOS.parent, check=False
    )
    assert done.returncode == 0, done.stderr
    indented = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    lines = dict(line.split(maxsplit=1) for line in indented)
    assert lines == {demo.name: demo.line for demo in catalogue()}
    lessons, tools = done.stdout.split("tool for work on the project")
    assert set(TOOLS) == {"benchmark", "film", "gallery"}
    for name in lines:
        assert (f"\n  {name} " in tools) == (name in TOOLS) != (f"\n  {name} " in lessons)
    runnable = {
        p.stem for p in DEMOS.glob("*.py") if '__name__ == "__main__"' in p.read_text("utf-8")
    }
    assert set(lines) == runnable - {"__main__"}
    assert lines["chain_rule"] == "One neuron a layer: the chain rule as a tree."


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        cwd=DEMOS.parent,
        check=False,
    )


def test_a_demo_can_be_run_by_its_name_alone(tmp_path: Path) -> None:
    done = run("demos", "sensitivity", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == run("demos.sensitivity", "--out", str(tmp_path)).stdout
    assert (tmp_path / "sensitivity.svg").exists()
    for arguments in (["demos", "sensitivity"], ["demos.sensitivity"]):
        done = run(*arguments, "--epochs", "1")
        assert done.returncode == 2
        assert done.stderr.startswith("usage: python -m demos.sensitivity [-h]")
        assert "unrecognized arguments: --epochs 1" in done.stderr


def test_a_demo_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    done = run("demos", "mnsit", "--epochs", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'mnsit' (choose from " in done.stderr
    assert "mnist" in done.stderr
    assert run("demos", "--epochs").returncode == 2
    assert "\n  sensitivity " in run("demos", "--help").stdout


@pytest.mark.parametrize("demo", catalogue(), ids=lambda demo: demo.name)
def test_every_demo_says_what_it_is_in_one_line(demo: Demo) -> None:
    assert demo.line.endswith(".")
    assert bool(demo.picture) == bool(demo.chinese)
    assert not demo.chinese or demo.chinese.endswith("。")


def test_the_catalogue_reads_a_source_and_does_not_run_it(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        '"""One.\n\nMore."""\nPICTURE = "one.svg"\nCHINESE = ("一" "。")\n1 / 0\ndef main(): ...\n'
    )
    (tmp_path / "shared.py").write_text('"""No demo."""\n')
    (tmp_path / "two.py").write_text("def main(): ...\n")
    assert catalogue(tmp_path) == [Demo("one", "One.", "one.svg", "一。"), Demo("two", "")]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A folder with two READMEs whose galleries are empty."""
    for name in gallery.READMES:
        text = f"before\n\n{gallery.OPENING}\n{gallery.CLOSING}\n\nafter\n"
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_gallery_writes_pictures_and_both_readmes_and_then_the_check_is_content(
    top: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = Demo("sensitivity", "A line.", "sensitivity.svg", "一行。")
    monkeypatch.setattr(gallery, "catalogue", lambda: [one, Demo("common", "No picture.")])
    with pytest.raises(
        SystemExit, match=r"README.md, README.zh.md, demos/pictures/sensitivity.svg"
    ):
        gallery.main(["--check"], top)
    assert not (top / "demos").exists()
    gallery.main([], top)
    assert "picture:" not in capsys.readouterr().out
    picture = (top / "demos/pictures/sensitivity.svg").read_bytes()
    assert picture.startswith(b"<?xml")
    for name, line in ("README.md", "A line."), ("README.zh.md", "一行。"):
        text = (top / name).read_text(encoding="utf-8")
        assert text.startswith("before\n\n<!-- gallery -->")
        assert text.endswith("<!-- /gallery -->\n\nafter\n")
        assert '<img src="demos/pictures/sensitivity.svg"' in text
        assert f"[`python -m demos.sensitivity`](demos/sensitivity.py)<br>{line} |" in text
        assert "No picture" not in text
    gallery.main(["--check"], top)
    gallery.main([], top)  # and the same once more, to the last byte
    assert (top / "demos/pictures/sensitivity.svg").read_bytes() == picture
    gallery.main(["--check"], top)
    (top / "README.md").write_text(text.replace("一行", "旧"), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"out of date: README.md;"):
        gallery.main(["--check"], top)


def test_gallery_runs_nothing_where_a_readme_has_no_place_for_it(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "take_picture", lambda *_: pytest.fail("a demo has run"))
    opening, closing = gallery.OPENING, gallery.CLOSING
    for text in ("", opening, closing + opening, opening + closing + opening + closing):
        (top / "README.md").write_text(text, encoding="utf-8")
        with pytest.raises(SystemExit, match=r"README.md: expected <!-- gallery --> and"):
            gallery.main([], top)
        assert (top / "README.md").read_text(encoding="utf-8") == text


def test_gallery_names_what_is_missing(
    top: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        gallery.main(["--only", "nobody"], top)
    assert "no demo with a picture: nobody" in capsys.readouterr().err
    monkeypatch.setattr(gallery, "catalogue", lambda: [Demo("one", "One.", "one.svg")])
    with pytest.raises(SystemExit, match=r"demos.one has a PICTURE, but no line for README.zh.md"):
        gallery.main([], top)


def test_a_table_aligns_words_to_the_left_and_numbers_to_the_right() -> None:
    assert common.table(["name", "n"], [["a", 1.25], ["bcdefg", 100]], "", ".1f").splitlines() == [
        "name        n",
        "a         1.2",
        "bcdefg  100.0",
    ]
    assert common.table(["a", "b"], [[1, 2], [3, 4]], "02d") == " a   b\n01  02\n03  04"
    with pytest.raises(ValueError, match="zip"):
        common.table(["a", "b"], [[1, 2], [3]])


def test_saving_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    for ending, opening in ("svg", b"<?xml"), ("png", b"\x89PNG"):
        bytes_of = []
        for folder in "ab":
            figure, ax = common.axes()
            ax.plot([1, 2], [3, 4], label="$w_0$")
            ax.legend()
            path = common.save(figure, tmp_path / folder / f"x.{ending}")
            bytes_of.append(path.read_bytes())
        assert bytes_of[0] == bytes_of[1]
        assert bytes_of[0].startswith(opening)


def test_saving_a_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from micrograd import Value

    path = common.save(draw(Value(1.0, "x") * 2), tmp_path / "new" / "x.svg")
    assert b"<svg" in path.read_bytes()
    assert capsys.readouterr().out == f"picture: {path}\n"


def test_only_demos_with_random_numbers_have_a_seed() -> None:
    assert not hasattr(common.parser("About.").parse_args([]), "seed")
    options = common.parser("About.", seed=3).parse_args(["--out", "there"])
    assert (options.seed, options.out) == (3, Path("there"))
