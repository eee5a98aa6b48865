"""`python -m viz FORMULA name=number`: parsed, never evaluated, and clear about what it is not."""

from __future__ import annotations

import random
import re
import webbrowser
from pathlib import Path

import pytest

from micrograd import ops
from micrograd.engine import topological_order
from viz.__main__ import main
from viz.expression import ExpressionError, read_expression

FORMULA = "(sigmoid(w*a + b) - y)**2"
NUMBERS = ["w=1.5", "a=0.48", "b=-0.06", "y=1"]


@pytest.fixture(autouse=True)
def _no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail(f"opened {url}"))


def test_it_writes_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.platform", "linux")
    assert main([FORMULA, *NUMBERS]) == 0
    assert Path("out/page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert capsys.readouterr().out == "out/page.html\n".replace("/", Path("/").anchor[-1:] or "/")


def test_the_page_opens_where_there_is_a_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: None)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert main([FORMULA, *NUMBERS]) == 0
    assert [url.startswith("file://") for url in opened] == [True]

    def none() -> None:
        raise webbrowser.Error("none")

    monkeypatch.setattr(webbrowser, "get", none)
    assert main([FORMULA, *NUMBERS]) == 0
    assert main([FORMULA, *NUMBERS, "--out", "other.html"]) == 0
    assert len(opened) == 1


def test_it_draws_and_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "tree.svg"
    assert main([FORMULA, *NUMBERS, "--out", str(out), "--parameters", "w,b"]) == 0
    assert "<svg" in out.read_text(encoding="utf-8")
    assert ">parameter<" in out.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main([FORMULA, "--explain", "w", *NUMBERS]) == 0
    assert capsys.readouterr().out.startswith("∂C/∂w = ")


def test_parameters_and_language_go_to_the_page(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert main(["w*x", "w=1", "x=2", "--parameters=w", "--lang=zh", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert '"language":"zh"' in text
    assert text.count('"kind":"parameter"') == 1


@pytest.mark.parametrize(
    ("formula", "message", "column"),
    [
        ("a % b", "there is no remainder", 2),
        ("a ^ 2", r"a power is written \*\*", 2),
        ("(a + b", "this is no formula", 0),
        ("a + ", "this is no formula", 3),
        ("a + b a", "this is no formula", 6),
        ("é + __import__('os').system('echo')", "expected names, numbers", 4),
        ("a + c", "c has no number: add c=1.0", 4),
        ("a + sinus(b)", "sinus is no operation; there are abs, ", 4),
        ("a + tanh", r"tanh is an operation: expected tanh\(\.\.\.\)", 4),
        ("a + maximum(b)", r"maximum takes \(x, y\), got 1 numbers", 4),
        ("a + sum()", "sum takes one number at least", 4),
        ("a + affine(a, b)", "affine takes lists", 4),
        ("a + exp(x=b)", "expected names, numbers", 4),
        ("a[0]", "expected names, numbers", 0),
        ("a.data", "expected names, numbers", 0),
        ("a if b else a", "expected names, numbers", 0),
        ("lambda: a", "expected names, numbers", 0),
        ("[a for a in b]", "expected names, numbers", 0),
        ("a + 'b'", "expected names, numbers", 4),
        ("a + True", "expected names, numbers", 4),
        ("a + 1j", "expected names, numbers", 4),
        ("a < b", "expected names, numbers", 0),
    ],
)
def test_what_is_no_formula_is_said_with_a_caret(formula: str, message: str, column: int) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        read_expression(formula, {"a": 1.0, "b": 2.0, "é": 3.0})
    _, line, caret = str(caught.value).split("\n")
    assert line == f"  {formula}"
    assert caret.index("^") - 2 == column


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a*b", "a=1", "b"], "expected name=number, got 'b'"),
        (["a*b", "a=1", "b=x"], "expected a number after b=, got 'x'"),
        (["a*b", "a=1", "a=2", "b=1"], "a name has two numbers"),
        (["a*b", "a=1", "b=2", "c=3"], "c: no such name in the formula"),
        (["a*b", "a=1", "b=2", "--parameters=d"], "d: no such name in the formula"),
        (["a*b", "a=1", "b=2", "--explain=z"], "--explain z: no such name in the formula"),
        (["a*b", "a=1", "b=2", "--out=tree.xyz"], "cannot write the format 'xyz'"),
        (["a+" * 9000 + "a", "a=1"], "a formula of 18,001 characters"),
        (["(" * 400 + "a" + ")" * 400, "a=1"], "this is no formula|this cannot be read"),
        (["(" + "-" * 3000 + "a)", "a=1"], "too many brackets|cannot be read|no formula"),
        (["1 + 2"], "a formula without a name has no derivative"),
    ],
)
def test_what_cannot_be_understood_is_an_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert re.search(message, capsys.readouterr().err)


def test_numbers_are_those_of_python_and_the_table() -> None:
    rng = random.Random(4)  # noqa: S311
    formula = "x**2 - 3*x/(y + 2**2) + exp(-y) * maximum(x, 1e-3) + sum(x, y, 2) - relu(-x)"
    for _ in range(20):
        x, y = rng.uniform(-2, 2), rng.uniform(-2, 2)
        expected = x**2 - 3 * x / (y + 4) + ops.exp.ieee(-y) * max(x, 1e-3) + (x + y + 2)
        expected -= max(-x, 0.0)
        root = read_expression(formula, {"x": x, "y": y})
        assert root.data == pytest.approx(expected, rel=1e-12)


def test_a_name_is_one_leaf_and_c_is_called_otherwise_where_there_is_a_c() -> None:
    root = read_expression("C * C + 0 * C", {"C": 3.0})
    assert root.label == "C_0"
    assert sum(v.label == "C" for v in topological_order(root)) == 1
