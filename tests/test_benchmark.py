"""The benchmark is right about who computes what, whoever is there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import micrograd
from demos import benchmark
from demos.race.report import table
from demos.race.workers import LostError, Worker
from demos.race.workloads import RACES, fault, loss_and_gradient, task_of

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path):
    """Run the command where neither xad nor torch can be imported."""
    for name in ("xad", "torch"):
        (tmp_path / "hidden" / name).mkdir(parents=True)
        (tmp_path / "hidden" / name / "__init__.py").write_text("raise ImportError('hidden')")

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "demos.benchmark", "--quick", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "hidden")},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def peer(tmp_path):
    """Make a folder with a micrograd of its own: ours, and some lines added to it."""

    def peer(*lines):
        folder = tmp_path / "peer"
        shutil.copytree(Path(micrograd.__file__).parent, folder / "micrograd")
        with open(folder / "micrograd" / "engine.py", "a", encoding="utf-8") as file:
            file.writelines(f"\n{line}" for line in ("import os, time", *lines))
        return folder

    return peer


def test_alone(run):
    out = run()
    for name in ("micrograd", "xad", "torch"):
        assert f"{name}: not there" in out
    assert out.count("gradient right: ours\n") == len(RACES)
    assert out.count("    ours  ") == 2 * len(RACES) + 2  # collector on and off; memory
    assert "100,000 nodes" in out
    assert ">=" not in out  # a target is of a ratio to a peer
    assert out.count("target <= 1.5") == 5


def test_peer_of_the_same_import_name(run, peer):
    folder = peer("Value.from_the_folder = True")
    out = run("--micrograd", folder, "--only", "moons", "memory")
    assert "right: ours, micrograd" in out
    assert out.count("target >= 15: falls short") == 2
    assert out.count("1.00                        target <= 0.5: falls short") == 2


def test_wrong_gradient_is_named(run, peer):
    folder = peer("right = Value.relu", "Value.relu = lambda v: right(v) + 1e-6 * (v - v.data)")
    out = run("--micrograd", folder, "--only", "moons")
    assert "micrograd: WRONG, so its time does not count: gradient: off by " in out
    assert "right: ours\n" in out
    assert "target >=" not in out


@pytest.mark.parametrize(
    ("line", "timeout", "why"),
    [
        ("Value.backward = lambda v: os._exit(3)", 60, "died, exit status 3"),
        ("Value.backward = lambda v: 1 / 0", 60, "ZeroDivisionError: division by zero"),
        ("Value.backward = lambda v: time.sleep(600)", 5, "no answer within 5 s"),
        ("os._exit(4)", 60, "died, exit status 4"),
    ],
)
def test_peer_that_fails_is_named_and_dropped(run, peer, line, timeout, why):
    out = run("--micrograd", peer(line), "--only", "digits", "--timeout", timeout)
    assert f"micrograd: LOST: {why}" in out
    assert out.count("    ours  ") == 2


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


def test_wrong_result_of_ours_is_not_overlooked(monkeypatch, capsys):
    right = benchmark.expected
    monkeypatch.setattr(
        benchmark, "expected", lambda *a: {**right(*a), "losses": [1.0, float("nan")]}
    )
    benchmark.main(["--quick", "--only", "digits"])
    out = capsys.readouterr().out
    assert "ours: WRONG" in out
    assert "ms a step" not in out


@pytest.mark.parametrize("name", RACES)
def test_reference_against_numeric_derivatives(name):
    task = task_of(RACES[name], samples=10)
    p = np.array(task["parameters"])
    loss, gradient = loss_and_gradient(task, p)
    direction = np.random.RandomState(0).normal(size=p.shape) * 1e-7
    ahead, behind = (loss_and_gradient(task, p + s * direction)[0] for s in (1, -1))
    assert ahead > behind or ahead < behind
    assert (ahead - behind) / 2 == pytest.approx(direction @ gradient, rel=1e-5)
    assert behind == pytest.approx(loss, rel=1e-2)


def test_fault():
    right = {"losses": [1.0, 0.5], "gradient": [1.0, -2.0, 0.0]}
    assert fault(right, right) == ""
    assert fault({**right, "gradient": [1.0, -2.0, 1e-10]}, right) == ""
    assert "gradient" in fault({**right, "gradient": [1.0, -2.0, 1e-8]}, right)
    assert "gradient" in fault({**right, "gradient": [1.0, -2.0]}, right)
    assert "losses" in fault({**right, "losses": [1.0, float("nan")]}, right)


def test_ratios_are_of_the_same_round(capsys):
    table(("", "ms", "times ours"), {"ours": [1.0, 9.0], "xad": [2.0, 18.0]}, "ours", {"xad": 2.0})
    assert "2.00 (2.00 to 2.00)         target >= 2: holds" in capsys.readouterr().out


def test_without_tqdm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(benchmark.progress(3, "collector on")) == [0, 1, 2]
    assert "collector on" in capsys.readouterr().err


def test_unknown_request_is_an_answer():
    with Worker("ours", None, 60.0) as worker:
        worker.ask(task_of(RACES["moons"]))
        with pytest.raises(LostError, match="KeyError: 'dance'"):
            worker.ask({"do": "dance"})
        assert worker.ask({"do": "collector", "on": False}) == {}


@pytest.mark.parametrize("rounds", ["0", "-1", "many"])
def test_bad_number_of_rounds(rounds, capsys):
    with pytest.raises(SystemExit) as stopped:
        benchmark.main(["--rounds", rounds])
    assert stopped.value.code == 2
    assert "--rounds" in capsys.readouterr().err
