"""The command says who computes what how fast, whoever is there."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from demos import benchmark
from tests.race import arrays, rounds, scalars
from tests.race.conftest import ROOT
from tests.race.report import table
from tests.race.workloads import RACES, TOLERANCE
from tests.sources import needs_compiler


def test_the_command_starts_its_contestants():
    command = [sys.executable, "-m", "demos.benchmark", "--quick", "--only", "digits"]
    out = subprocess.check_output(command, cwd=ROOT, encoding="utf-8")
    assert out.count("    ours  ") == 2


def test_alone(run):
    out = run()
    assert "gainst" not in out
    for name in ("micrograd", "xad", "torch", "jax", "compiled"):
        assert f"{name}: not there" in out
    assert out.count("gradient right: ours\n") == len(RACES)
    # Collector on and off; memory; minibatch and transformer.
    assert out.count("    ours  ") == 2 * len(RACES) + 2 + len(TOLERANCE) + 1
    assert "1,000 nodes" in out
    assert out.count(">=") == 1  # a target is of a ratio to a peer, or to the engine
    assert out.count("target <= 1.5") == 6
    assert out.count("gradient right: ours, numpy\n") == len(TOLERANCE)
    assert out.count("target <= 1.15") == len(TOLERANCE)
    assert "target <= 1:" not in out  # times micrograd
    assert out.count("target <= 10:") == 1  # times the small network
    assert "gradient right: ours, eager\n" in out
    assert f"{os.cpu_count()} processors" in out


def test_peer_of_the_same_import_name(run, peer):
    folder = peer("Value.from_the_folder = True")
    out = run("--micrograd", folder, "--only", "moons", "memory")
    assert "right: ours, micrograd" in out
    assert out.count("target >= 15: ") == 2
    assert len(re.findall(r" (1\.0|0\.9)\d +target <= 0.5: falls short", out)) == 2


def test_wrong_gradient_is_named(run, peer):
    folder = peer("right = Value.relu", "Value.relu = lambda v: right(v) + 1e-6 * (v - v.data)")
    out = run("--micrograd", folder, "--only", "moons")
    assert "micrograd: WRONG, so its time does not count: gradient: off by " in out
    assert "right: ours\n" in out
    assert "target >=" not in out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Value.backward = lambda v: os._exit(3)", "died, exit status 3"),
        ("Value.backward = lambda v: 1 / 0", "ZeroDivisionError: division by zero"),
        ("os._exit(4)", "died, exit status 4"),
    ],
)
def test_peer_that_fails_is_named_and_dropped(run, peer, line, why):
    out = run("--micrograd", peer(line), "--only", "digits")
    assert f"micrograd: LOST: {why}" in out
    assert out.count("    ours  ") == 2


def test_everybody_is_given_as_long_as_is_said(run, here):
    run("--timeout", "77", "--only", "digits", "scaling", "memory", "minibatch", "recording")
    assert {one.timeout for one in here} == {77.0}


def test_failure_between_rounds_drops_all_times(run, peer):
    folder = peer(
        "right, calls = Value.backward, []",
        "Value.backward = lambda v: calls.append(v) or (right(v) if len(calls) < 4 else 1 / 0)",
    )
    out = run("--micrograd", folder, "--only", "digits")
    assert "right: ours, micrograd" in out
    assert "micrograd: LOST: ZeroDivisionError" in out
    assert out.count("    ours  ") == 2
    assert "    micrograd  " not in out


def test_folder_without_micrograd(run, tmp_path):
    out = run("--micrograd", tmp_path, "--only", "memory")
    assert "micrograd: not there" in out
    assert "times micrograd" in out
    assert "target <=" not in out


def test_wrong_result_of_ours_is_not_overlooked(run, monkeypatch):
    right = scalars.expected
    monkeypatch.setattr(
        scalars, "expected", lambda *a: {**right(*a), "losses": [1.0, float("nan")]}
    )
    out = run("--only", "digits")
    assert "ours: WRONG" in out
    assert "ms a step" not in out


def test_ratios_are_of_the_same_round(capsys):
    table(("", "ms", "times ours"), {"ours": [1.0, 9.0], "xad": [2.0, 18.0]}, "ours", {"xad": 2.0})
    assert "2.00 (2.00 to 2.00)         target >= 2: holds" in capsys.readouterr().out


def test_without_tqdm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(rounds.progress(3, "collector on")) == [0, 1, 2]
    assert "collector on" in capsys.readouterr().err


@pytest.mark.parametrize("rounds", ["0", "-1", "many"])
def test_bad_number_of_rounds(rounds, capsys):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main(["--rounds", rounds])
    assert stopped.value.code == 2
    assert "--rounds" in capsys.readouterr().err


def test_peer_with_arrays_that_fails_is_named_and_left_out(run, tmp_path):
    (tmp_path / "hidden" / "jax" / "__init__.py").write_text("1 / 0")
    out = run("--only", "minibatch")
    assert out.count("jax: LOST: ZeroDivisionError: division by zero") == 1
    assert out.count("right: ours, numpy\n") == len(TOLERANCE)


@pytest.fixture
def no_peers(small, monkeypatch):
    """Let NumPy be the only peer that is known of."""
    monkeypatch.setattr(arrays, "MINIBATCH", replace(arrays.MINIBATCH, targets={"numpy": None}))


@pytest.mark.usefixtures("no_peers")
def test_wrong_arrays_have_no_times(run, monkeypatch):
    right = arrays.expected
    monkeypatch.setattr(arrays, "expected", lambda *a: {**right(*a), "gradient": [0.0]})
    out = run("--only", "minibatch")
    assert "ours: WRONG" in out
    assert "us a step" not in out


@pytest.mark.usefixtures("no_peers")
@needs_compiler
def test_the_compiled_program_takes_part(run, monkeypatch):
    monkeypatch.delenv("CC")
    out = run("--only", "minibatch", "transformer")
    assert "us a step                     times numpy" in out
    assert out.count("    compiled  ") >= len(TOLERANCE) + 1
    assert "right: ours, compiled, eager\n" in out


@pytest.mark.parametrize(("base", "torch", "jax"), [("compiled", 3.0, 0.4), ("ours", 1.5, 0.2)])
def test_peers_are_compared_with_the_compiled_program(base, torch, jax, monkeypatch, capsys):
    times = {"ours": 2e-4, "compiled": 1e-4, "numpy": 2e-4, "torch": 3e-4, "jax": 4e-5}
    if base == "ours":  # without a compiler
        del times["compiled"]
    monkeypatch.setattr(arrays, "enter_right", lambda *_: times)
    monkeypatch.setattr(arrays, "take_turns", lambda *_: {k: [t] * 3 for k, t in times.items()})
    arrays.run_minibatch(rounds.Options(None, 1.0, rounds=1, threads=(1,)))
    out = capsys.readouterr().out
    assert out.count("times numpy") == out.count(f"times {base}\n") == len(TOLERANCE)
    assert out.count(f"{torch:.2f} ({torch:.2f} to") == len(TOLERANCE)
    assert out.count(f"target >= 2: {'holds' if torch >= 2 else 'falls short'}") == len(TOLERANCE)
    assert out.count(f"{jax:.2f} ({jax:.2f} to") == len(TOLERANCE)


def test_wrong_transformer_has_no_times(run, monkeypatch):
    right = arrays.expected_of_transformer
    monkeypatch.setattr(arrays, "expected_of_transformer", lambda t: {**right(t), "gradient": [0]})
    out = run("--only", "transformer")
    assert "ours: WRONG" in out
    assert "eager: WRONG" in out
    assert "us a step" not in out


@pytest.mark.usefixtures("no_peers")
def test_a_missed_target_is_said(run, monkeypatch):
    monkeypatch.setattr(arrays, "BY_HAND_TARGET", 1e-9)
    monkeypatch.setattr(arrays, "OPERATIONS_TARGET", 1)
    monkeypatch.setattr(arrays, "TRANSFORMER_TARGET", 1e9)
    out = run("--only", "minibatch", "transformer")
    assert out.count("target <= 1e-09: falls short") == len(TOLERANCE)
    assert "array operations; target <= 1: falls short" in out
    assert "target >= 1e+09: falls short" in out
