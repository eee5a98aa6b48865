"""Another checkout takes part, and who is slower is said."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import count
from math import comb
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd
from demos import benchmark
from tests.race import arrays, rounds, worker, workers
from tests.race.against import CONFIDENCE, OURS, interval, judgement
from tests.race.conftest import ROOT, replace_workers
from tests.race.programs import RATE
from tests.race.report import table
from tests.race.workers import Worker
from tests.race.workloads import MINIBATCH, RACES, TOLERANCE, expected, fault, task_of


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


def test_who_is_slower_is_said(run, other, monkeypatch):
    # Our clock goes on by a second whenever somebody looks, the other checkout's by ten.
    clock = SimpleNamespace(perf_counter=map(float, count()).__next__)
    monkeypatch.setattr(worker, "time", clock)
    slow = other(
        "from itertools import count", "time.perf_counter = map(float, count(0, 10)).__next__"
    )
    out = run("--against", slow, "--only", "digits", "--rounds", 5)
    assert f"right: ours, ours@{slow}\n" in out
    assert out.count(f"    against {slow.name}  ") == 2
    assert compared(out) == [("ours", 0.1, "not slower")] * 2


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
        timeout=300,  # of a program that hangs
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
            time = 2.0 if self.name in OURS else 1.0
            times = dict.fromkeys(("mean", "record", "vectorize", "per node"), time)
            others = {"nodes": 1, "lines": 1, "operations": 1, "losses": [], "gradient": []}
            return {**times, "median": time / 2.0, **others}

        def __exit__(self, *_):
            pass

    replace_workers(monkeypatch, Contestant)
    right = {"losses": [1.0], "gradient": [1.0]}
    monkeypatch.setattr(arrays, "expected_of_transformer", lambda _: right)
    monkeypatch.setattr(rounds, "fault", lambda *_: "")
    return asked


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


@pytest.mark.usefixtures("asked")
def test_times_are_the_means_of_rounds_or_their_medians():
    contestants = {"numpy": workers.Worker("numpy", None, 1.0)}
    assert rounds.take_turns(contestants, "", 2, 0.0) == {"numpy": [1.0, 1.0]}
    assert rounds.take_turns(contestants, "", 2, 0.0, what="median") == {"numpy": [0.5, 0.5]}


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
