"""The 2-3-2 demo: its sum over paths is the gradient, and so the page and the text say."""

from __future__ import annotations

from pathlib import Path

import pytest

from demos import tiny_mlp
from viz import explain
from viz.mathtext import number


def test_the_lessons_sum_is_the_gradient_of_every_first_weight() -> None:
    net = tiny_mlp.build()
    net.cost.backward()
    for k, neuron in enumerate(net.mlp.layers[0].neurons):
        for i, w in enumerate(neuron.w):
            terms = tiny_mlp.terms(k, i)
            assert w.grad == pytest.approx(sum(terms), rel=1e-12)
            paths = explain(net.cost, w).paths
            assert [path.product for path in paths] == pytest.approx(terms, rel=1e-12)


def test_a_wrong_term_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_mlp, "INPUTS", (0.5, 1.0))
    net = tiny_mlp.build()
    monkeypatch.setattr(tiny_mlp, "INPUTS", (0.5, -1.0))
    net.cost.backward()
    assert net.mlp.layers[0].neurons[0].w[1].grad != pytest.approx(sum(tiny_mlp.terms(0, 1)))


def test_it_prints_the_paths_and_writes_the_picture_and_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_mlp.main(["--out", str(tmp_path)])
    printed = capsys.readouterr().out
    for term in tiny_mlp.terms(0, 0):
        assert f"= {number(term)} " in printed
    assert f"{sum(tiny_mlp.terms(2, 1)):+.10f}" in printed
    assert "layer 2" in printed
    assert (tmp_path / "tiny_mlp.svg").stat().st_size > 10_000
    text = (tmp_path / "tiny_mlp.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert str(tmp_path / "tiny_mlp.html") in printed
