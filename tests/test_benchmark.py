"""The benchmark is right about who computes what, whoever is there."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import chain, repeat
from math import comb
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd
from demos import benchmark
from micrograd import Value
from tests.race import arrays, minibatch, rounds, scalars, transformer, workers
from tests.race import worker as process
from tests.race.against import CONFIDENCE, interval, judgement
from tests.race.programs import RATE, Job
from tests.race.recording import recording
from tests.race.report import table
from tests.race.workers import AbsentError, LostError, Worker
from tests.race.workloads import (
    MINIBATCH,
    RACES,
    TOLERANCE,
    expected,
    fault,
    loss_and_gradient,
    task_of,
)
from tests.sources import needs_compiler

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path):
    """Run the command where no library but NumPy can be imported, and nothing compiled."""
    for name in ("xad", "torch", "jax"):
        (tmp_path / "hidden" / name).mkdir(parents=True)
        (tmp_path / "hidden" / name / "__init__.py").write_text("raise ImportError('hidden')")

    def run(*arguments, root=ROOT):
        done = subprocess.run(
            [sys.executable, "-m", "demos.benchmark", "--quick", *map(str, arguments)],
            cwd=root,
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


@pytest.fixture
def other(peer):
    """Make another checkout: with lines added as to a peer, and the benchmark where it is to be."""

    def other(*lines, tools="tests"):
        folder = peer(*lines)
        race = folder / tools / "race"
        race.mkdir(parents=True)
        (folder / "demos").mkdir(exist_ok=True)
        for path, to in [
            (ROOT / "demos" / "__init__.py", folder / "demos"),
            (ROOT / "demos" / "benchmark.py", folder / "demos"),
            (ROOT / "tests" / "__init__.py", folder / tools),
            *((path, race) for path in ROOT.glob("tests/race/*.py")),
        ]:
            text = path.read_text(encoding="utf-8").replace("tests.race", f"{tools}.race")
            (to / path.name).write_text(text, encoding="utf-8")
        return folder

    return other


def test_alone(run):
    out = run()
    assert "gainst" not in out
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
        "import json, os; from tests.race.worker import keep_to;"
        f"keep_to({threads});"
        "print(json.dumps([len(getattr(os, 'sched_getaffinity', lambda _: [])(0)),"
        "os.environ['OMP_NUM_THREADS'], 'XLA_FLAGS' in os.environ]))"
    )
    environment = {name: v for name, v in os.environ.items() if name != "XLA_FLAGS"}
    out = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env=environment)
    processors, variable, flags = json.loads(out)
    assert processors <= threads
    assert (variable, flags) == (str(threads), threads == 1)


# Against another checkout.


def compared(out):
    """The lines of the tables `against ...`: whose, the median ratio, and what is said of it."""
    found = []
    for part in out.split("    against ")[1:]:
        for line in part.splitlines()[1:]:
            cells = re.split("  +", line.strip())
            if len(cells) < 4:  # the next table
                break
            found.append((cells[0], float(cells[1].split()[0]), cells[3]))
    return found


def test_who_is_slower_is_said(run, other):
    slow = other("right = Value.backward", "Value.backward = lambda v: time.sleep(0.1) or right(v)")
    for root, against, judged in [(ROOT, slow, "not slower"), (slow, ROOT, "slower")]:
        out = run("--against", against, "--only", "digits", "--rounds", 5, root=root)
        assert f"right: ours, ours@{against}\n" in out
        assert out.count(f"    against {against.name}  ") == 2
        assert [(who, said) for who, _, said in compared(out)] == [("ours", judged)] * 2
        # A step takes some milliseconds, and the pause 100.
        assert all(ratio < 0.5 if against == slow else ratio > 2.0 for _, ratio, _ in compared(out))


@pytest.mark.parametrize("tools", ["tests", "demos"])  # where it is, and where it was
def test_wrong_gradient_of_the_other_checkout_is_named(tools, run, other):
    wrong = "right = Value.relu", "Value.relu = lambda v: right(v) + 1e-6 * (v - v.data)"
    folder = other(*wrong, tools=tools)
    out = run("--against", folder, "--only", "moons")
    assert f"ours@{folder}: WRONG, so its time does not count: gradient: off by " in out
    assert "right: ours\n" in out
    assert out.count("    ours  ") == 2
    assert compared(out) == []


def test_contestants_with_arrays_run_in_the_other_checkout(other):
    task = task_of(MINIBATCH, samples=20)
    with Worker(f"ours@{other()}", None, 60.0) as worker:
        worker.ask({**task, "dtype": "float64", "threads": 1})
        answer = worker.ask({"do": "check", "steps": 2})
    assert fault(answer, expected(task, RATE)) == ""


def test_other_checkout_without_a_workload_is_named(run, other):
    folder = other()
    (folder / "tests" / "race" / "recording.py").unlink()
    out = run("--against", folder, "--only", "recording", "vectorizing")
    missing = f"  ours@{folder}: not there (No module named 'tests.race.recording')\n"
    assert out.count(missing) == 2


def test_other_checkout_that_fails_is_named(run, other):
    folder = other("Value.backward = lambda v: 1 / 0")
    out = run("--against", folder, "--only", "digits", "scaling")
    assert out.count(f"  ours@{folder}: LOST: ZeroDivisionError: division by zero\n") == 2
    assert out.count("    ours  ") == 2
    assert compared(out) == []


def test_folder_that_is_no_checkout(other, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # whose modules are found where there are none
    (tmp_path / "file").touch()
    broken = other("1 / 0")
    without, unnamed = tmp_path / "without", tmp_path / "unnamed"
    shutil.copytree(broken / "tests", without / "tests")
    shutil.copytree(broken / "tests", unnamed / "tests")
    shutil.copytree(Path(micrograd.__file__).parent, unnamed / "micrograd")
    (unnamed / "tests" / "__init__.py").unlink()
    for folder, why in [
        (tmp_path / "nowhere", "neither tests/race/worker.py nor demos/race/worker.py is"),
        (tmp_path / "file", "neither tests/race/worker.py nor demos/race/worker.py is"),
        (tmp_path, "neither tests/race/worker.py nor demos/race/worker.py is"),
        (without, f"import gives: {ROOT / 'micrograd'}"),
        (unnamed, f", {ROOT / 'tests'}"),
        (broken, "import gives: ZeroDivisionError: division by zero"),
    ]:
        with pytest.raises(SystemExit) as stopped:
            benchmark.main(["--quick", "--against", str(folder)])
        said = capsys.readouterr()
        assert (stopped.value.code, said.out) == (2, "")
        assert "argument --against: expected a checkout of this project" in said.err
        assert f"got {folder}, where " in said.err
        assert why in said.err


@pytest.mark.parametrize("kind", ["sample", "recording"])
@pytest.mark.parametrize("strange", ["tests", "micrograd"])
def test_worker_refuses_the_modules_of_another_checkout(kind, strange, other):
    folder = other()
    shutil.rmtree(folder / strange)
    done = subprocess.run(
        [sys.executable, "-m", "tests.race.worker", "ours"],
        input=json.dumps({**task_of(RACES["digits"]), "kind": kind}) + "\n",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    expected = f"RuntimeError: expected the modules of {folder.resolve()}, got {ROOT / strange}"
    assert json.loads(done.stdout)["error"].startswith(expected)


@pytest.fixture
def asked(monkeypatch):
    """Let nobody compute: ours take 2 s for anything, others 1; note who is asked for a time."""
    asked = []

    class Contestant(Worker):
        def __init__(self, name, folder, timeout):
            self.name = name

        def ask(self, request):
            if request.get("do") in ("clock", "chains", "recording"):
                asked.append((self.name, json.dumps(request)))
            times = ("mean", "median", "record", "vectorize", "per node")
            others = {"nodes": 1, "lines": 1, "operations": 1, "losses": [], "gradient": []}
            return {**dict.fromkeys(times, 2.0 if self.name in OURS else 1.0), **others}

        def __exit__(self, *_):
            pass

    for module in (workers, scalars, arrays):
        monkeypatch.setattr(module, "Worker", Contestant)
    right = {"losses": [1.0], "gradient": [1.0]}
    monkeypatch.setattr(arrays, "expected_of_transformer", lambda _: right)
    monkeypatch.setattr(rounds, "fault", lambda *_: "")
    return asked


OURS = ("ours", "compiled", "eager")
COMPARED = {
    **dict.fromkeys(RACES, ["ours"] * 2),  # collector on and off
    "scaling": ["10,000 nodes", "100,000 nodes"] * 4,
    "minibatch": ["ours", "compiled"] * len(TOLERANCE),
    "recording": ["784-16-16-10", "784-128-64-10"],
    "vectorizing": ["10,000 nodes", "100,000 nodes"],
    "transformer": ["ours", "compiled", "eager"],
}


@pytest.mark.parametrize("workload", COMPARED)
def test_every_workload_compares_the_checkouts_in_turn(workload, asked, capsys):
    benchmark.main(["--quick", "--rounds", "14", "--against", str(ROOT), "--only", workload])
    out = capsys.readouterr().out
    assert f"Against {ROOT}, in turn: " in out
    assert compared(out) == [(name, 2.0, "slower") for name in COMPARED[workload]]
    orders = {}
    for name, request in asked:
        own, at, folder = name.partition("@")
        assert folder in ("", str(ROOT))
        if own in OURS:
            orders.setdefault((own, request), []).append(at)
    assert orders
    for order in orders.values():
        if workload == "scaling":  # each is asked twice: at first, and again
            assert order[::2] == order[1::2]
            order = order[::2]
        assert len(order) >= 10
        assert order == (["", "@", "@", ""] * len(order))[: len(order)]


@pytest.mark.usefixtures("asked")
def test_two_rounds_say_nothing(capsys):
    benchmark.main(["--quick", "--against", str(ROOT), "--only", "moons"])
    assert compared(capsys.readouterr().out) == [("ours", 2.0, "too few rounds")] * 2


def test_the_two_of_a_pair_change_places_and_stay_neighbours(asked):
    names = ["micrograd", "ours", "ours@x", "compiled@x", "numpy"]
    contestants = {name: workers.Worker(name, None, 1.0) for name in names}
    times = rounds.take_turns(contestants, "", 3, 0.0)
    assert {name: len(series) for name, series in times.items()} == dict.fromkeys(names, 3)
    swapped = ["micrograd", "ours@x", "ours", "compiled@x", "numpy"]
    assert [name for name, _ in asked] == [*names, *swapped, *names]


def test_ratios_to_the_other_checkout_are_of_the_same_round(capsys):
    times = {"ours": [1.0, 8.0, 3.0], "ours@/a/before": [2.0, 4.0, 2.0], "eager@/a/before": [1.0]}
    table(("", "ms", "times ours"), times, "ours", {})
    _, ours, *against = capsys.readouterr().out.splitlines()
    assert ours.split() == ["ours", "3.00", "(2.00", "to", "5.50)"]
    assert against == [
        "    against before       times theirs                  interval (confidence)",
        "    ours                 1.500 (1.000 to 1.750)        0.500 to 2.000 (75%)        "
        "too few rounds",
    ]


def covered(n, low, high):
    """How probable it is that the median is between these two ranks of n numbers."""
    return sum(comb(n, below) for below in range(low, high)) / 2**n


@pytest.mark.parametrize("n", [*range(1, 40), 60, 100, 201])
def test_interval_covers_as_it_says_and_is_the_narrowest(n):
    low, high, probability = interval(range(n, 0, -1))
    assert low + high == n + 1
    assert probability == pytest.approx(covered(n, low, high), abs=1e-12)
    assert probability >= CONFIDENCE or (low, high) == (1, n)
    assert covered(n, low + 1, high - 1) < CONFIDENCE


def test_interval_is_that_of_published_tables():
    ranks = {6: (1, 6), 9: (2, 8), 15: (4, 12), 20: (6, 15), 25: (8, 18), 50: (18, 33)}
    assert {n: interval(range(1, n + 1))[:2] for n in ranks} == ranks


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=80), st.randoms())
def test_interval_is_around_the_median_in_any_order_and_unit(numbers, random):
    low, high, probability = interval(numbers)
    assert low <= np.median(numbers) <= high
    others = [2.0 * number for number in numbers]
    random.shuffle(others)
    assert interval(others) == (2.0 * low, 2.0 * high, probability)


@pytest.mark.parametrize(
    ("times", "judged"),
    [
        ([1.031] * 6, "slower"),
        ([1.03] * 6, "not slower"),
        ([1.0, *[1.1] * 5], "not slower"),
        ([*[1.0] * 3, *[1.1] * 12], "slower"),  # the fourth of 15 is the least in the interval
        ([*[1.0] * 4, *[1.1] * 11], "not slower"),
        ([0.1] * 15, "not slower"),
        ([9.0] * 5, "slower"),
        ([9.0] * 4, "too few rounds"),
    ],
)
def test_judgement(times, judged):
    assert judgement(times) == judgement(times[::-1]) == judged
