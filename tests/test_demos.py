"""The demos: what they claim, not only that they run."""

from __future__ import annotations

from pathlib import Path

import pytest

import demos
from demos import chain_rule, moons
from demos.catalogue import catalogue


def test_chain_rule_agrees_with_the_lessons_closed_form() -> None:
    net = chain_rule.build()
    net.cost.backward()
    lesson = chain_rule.closed_form(net)
    assert len(lesson) == 6
    for p in net.weights + net.biases:
        assert p.grad == pytest.approx(lesson[p.label], rel=1e-12)
    assert [round(a.data, 12) for a in net.activations[-2:]] == [0.48, 0.66]
    # 0.48 * 0.2244 * -0.68, as in the lesson
    assert net.weights[-1].grad == pytest.approx(0.48 * 0.66 * 0.34 * 2 * (0.66 - 1), rel=1e-12)


def test_chain_rule_writes_every_picture_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chain_rule.main(["--out", str(tmp_path)])
    printed = capsys.readouterr().out
    for name in ("svg", "png", "pdf", "dot"):
        assert (tmp_path / f"chain_rule.{name}").stat().st_size > 1000
        assert str(tmp_path / f"chain_rule.{name}") in printed
    assert (tmp_path / "chain_rule_path.svg").exists()
    assert "= 0.48 · 0.2244 · (−0.68)" in printed
    assert "= −0.07324" in printed
    assert "w(L)                  -0.0732441600  -0.0732441600" in printed


def test_moons_reaches_micrograds_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moons.main(["--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "before the first step 0.8958441028683222, before the last 0.0109783701" in printed
    assert "accuracy 100%" in printed
    assert (tmp_path / "moons.png").read_bytes().startswith(b"\x89PNG")


def test_a_lesson_is_short_enough_to_be_read() -> None:
    folder = Path(demos.__file__).parent
    lessons = {demo.name for demo in catalogue()} - {"benchmark", "film", "gallery", "mnist"}
    assert len(lessons) > 12
    long = {n for n in lessons if len((folder / f"{n}.py").read_text("utf-8").splitlines()) >= 150}
    assert not long
