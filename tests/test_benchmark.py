"""The benchmark is right about who computes what, whoever is there."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import micrograd
from demos import benchmark
from demos.race import arrays, minibatch, rounds, scalars, transformer
from demos.race import worker as process
from demos.race.programs import RATE, Job
from demos.race.recording import recording
from demos.race.report import table
from demos.race.workers import AbsentError, LostError, Worker
from demos.race.workloads import (
    MINIBATCH,
    RACES,
    TOLERANCE,
    expected,
    fault,
    loss_and_gradient,
    task_of,
)
from micrograd import Value
from tests.sources import needs_compiler

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path):
    """Run the command where no library but NumPy can be imported, and nothing compiled."""
    for name in ("xad", "torch", "jax"):
        (tmp_path / "hidden" / name).mkdir(parents=True)
        (tmp_path / "hidden" / name / "__init__.py").write_text("raise ImportError('hidden')")

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "demos.benchmark", "--quick", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "hidden"), "CC": "hidden"},
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
    for name in ("micrograd", "xad", "torch", "jax", "compiled"):
        assert f"{name}: not there" in out
    assert out.count("gradient right: ours\n") == len(RACES)
    # Collector on and off; memory; minibatch and transformer.
    assert out.count("    ours  ") == 2 * len(RACES) + 2 + len(TOLERANCE) + 1
    assert "100,000 nodes" in out
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
    right = scalars.expected
    monkeypatch.setattr(
        scalars, "expected", lambda *a: {**right(*a), "losses": [1.0, float("nan")]}
    )
    benchmark.main(["--quick", "--only", "digits"])
    out = capsys.readouterr().out
    assert "ours: WRONG" in out
    assert "ms a step" not in out


@pytest.mark.parametrize("race", [*RACES.values(), MINIBATCH], ids=[*RACES, "minibatch"])
def test_reference_against_numeric_derivatives(race):
    task = task_of(race, samples=10)
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
    assert list(rounds.progress(3, "collector on")) == [0, 1, 2]
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


# Arrays.


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", minibatch.JOBS)
def test_contestants_agree_after_the_same_steps(name, dtype):
    task = task_of(MINIBATCH, samples=20)
    right = expected(task, RATE, steps=5)
    with Worker(name, None, 120.0) as worker:
        try:
            worker.ask({**task, "dtype": dtype, "threads": 1})
        except AbsentError as why:
            pytest.skip(str(why))
        answer = worker.ask({"do": "check", "steps": 5})
    assert len(answer["losses"]) == 5
    assert fault(answer, right, dtype) == ""
    if dtype == "float32":  # it did not secretly compute with more digits
        assert "gradient" in fault(answer, right)


def test_minibatch_that_descends_wrongly_is_caught():
    task = {**task_of(MINIBATCH, samples=20), "dtype": "float64", "threads": 1}
    right = expected(task, RATE, steps=3)
    job = minibatch.numpy_job(task)
    assert fault(process.check(job, steps=3), right) == ""
    twice = Job(job.reset, lambda: [job.step(), job.step()][0], job.gradient)
    assert "gradient" in fault(process.check(twice, steps=3), right)


def test_peer_with_arrays_that_fails_is_named_and_left_out(run, tmp_path):
    (tmp_path / "hidden" / "jax" / "__init__.py").write_text("1 / 0")
    out = run("--only", "minibatch")
    assert out.count("jax: LOST: ZeroDivisionError: division by zero") == 1
    assert out.count("right: ours, numpy\n") == len(TOLERANCE)


@pytest.fixture
def no_peers(monkeypatch):
    """Let NumPy be the only peer that is known of."""
    monkeypatch.setattr(arrays, "MINIBATCH", replace(MINIBATCH, targets={"numpy": None}))


@pytest.mark.usefixtures("no_peers")
def test_wrong_arrays_have_no_times(monkeypatch, capsys):
    right = arrays.expected
    monkeypatch.setattr(arrays, "expected", lambda *a: {**right(*a), "gradient": [0.0]})
    benchmark.main(["--quick", "--only", "minibatch"])
    out = capsys.readouterr().out
    assert "ours: WRONG" in out
    assert "us a step" not in out


@pytest.mark.usefixtures("no_peers")
@needs_compiler
def test_the_compiled_program_takes_part(capsys):
    benchmark.main(["--quick", "--only", "minibatch", "transformer"])
    out = capsys.readouterr().out
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


def test_wrong_transformer_has_no_times(monkeypatch, capsys):
    monkeypatch.setattr(transformer, "EPSILON", 1e-4)  # of this process's matrices alone
    benchmark.main(["--quick", "--only", "transformer"])
    out = capsys.readouterr().out
    assert "ours: WRONG" in out
    assert "eager: WRONG" in out
    assert "us a step" not in out


@pytest.mark.usefixtures("no_peers")
def test_a_missed_target_is_said(monkeypatch, capsys):
    monkeypatch.setattr(arrays, "BY_HAND_TARGET", 0.01)
    monkeypatch.setattr(arrays, "OPERATIONS_TARGET", 1)
    monkeypatch.setattr(arrays, "TRANSFORMER_TARGET", 1e6)
    benchmark.main(["--quick", "--only", "minibatch", "transformer"])
    out = capsys.readouterr().out
    assert out.count("target <= 0.01: falls short") == len(TOLERANCE)
    assert "array operations; target <= 1: falls short" in out
    assert "target >= 1e+06: falls short" in out


def test_transformer_reference_against_numeric_derivatives():
    task = transformer.task_of_transformer()
    p, tokens = np.array(task["parameters"]), task["tokens"]
    right = transformer.expected_of_transformer(task)
    direction = np.random.RandomState(0).normal(size=p.shape) * 1e-6
    ahead, behind = (transformer.cost_with_matrices(p + s * direction, tokens) for s in (1, -1))
    assert (ahead - behind) / 2 == pytest.approx(direction @ right["gradient"], rel=1e-5)
    assert behind < np.log(transformer.VOCABULARY) + 1.0
    for make in transformer.JOBS.values():
        assert fault(process.check(make(task)), right) == ""


def test_softmax_of_large_scores_is_finite():
    weights = transformer.softmax([Value(1000.0), Value(1000.0), Value(0.0)])
    assert [w.data for w in weights] == [0.5, 0.5, 0.0]


def test_operations_that_compute_are_counted_and_views_are_not():
    count = transformer.count_operations(
        "def forward(p):\n"
        "    A = p[:6].reshape(2, 3).T  # only looks\n"
        "    B = np.broadcast_to(A.swapaxes(0, 1), (2, 3))\n"
        "    C = relu(B @ A + -1.0)\n"
        "    return np.add.reduceat(C.take(I_1, axis=-1), I_2)\n"
    )
    assert count == {"lines": 3, "operations": 5}


def test_recording_counts_the_values():
    answer = recording([784, 16, 16, 10])
    values = 13002 + 784 + 10  # parameters, pixels and targets
    values += 2 * 42 + 10 + 1  # z and a of each neuron, the squared errors and their sum
    assert answer["nodes"] == values
    assert answer["record"] > 0.0
    assert answer["vectorize"] > 0.0
    written_out = recording([5, 4, 1], written_out=True, repeats=2)
    assert written_out["nodes"] == 5 + 29 + 2 * 24 + 4  # inputs, parameters, * and +, relu


@pytest.fixture
def job(monkeypatch):
    """Make a job whose steps last as long as is said, the last of them ever after."""

    def job(*seconds):
        now, each = [0.0], chain(seconds, repeat(seconds[-1]))

        def step():
            now[0] += next(each)

        monkeypatch.setattr(process, "time", SimpleNamespace(perf_counter=lambda: now[0]))
        return Job(lambda: None, step, list)

    return job


def test_time_of_a_round_is_its_mean_or_its_median(job):
    answer = process.clock(job(1.0, 1.0, 6.0, 1.0), seconds=9.0)
    assert answer == {"mean": 2.25, "median": 1.0}


def test_warm_steps_do_not_count(job):
    assert process.clock(job(9.0, 9.0, 1.0), seconds=5.0, warm=10.0)["mean"] == 1.0


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_kept_to(threads):
    code = (
        "import json, os; from demos.race.worker import keep_to;"
        f"keep_to({threads});"
        "print(json.dumps([len(getattr(os, 'sched_getaffinity', lambda _: [])(0)),"
        "os.environ['OMP_NUM_THREADS'], 'XLA_FLAGS' in os.environ]))"
    )
    environment = {name: v for name, v in os.environ.items() if name != "XLA_FLAGS"}
    out = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=environment)
    processors, variable, flags = json.loads(out)
    assert processors <= threads
    assert (variable, flags) == (str(threads), threads == 1)
