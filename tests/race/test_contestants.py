"""Contestants are told the same, checked and timed alike."""

import gc
import json
import os
import subprocess
import sys
from itertools import chain, count, repeat
from types import SimpleNamespace

import numpy as np
import pytest

from micrograd import Value
from tests.race import minibatch, transformer
from tests.race import worker as process
from tests.race.conftest import ROOT, Here
from tests.race.programs import RATE, Job, load
from tests.race.recording import recording
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


def test_unknown_request_is_an_answer():
    with Worker("ours", None, 60.0) as worker:
        worker.ask(task_of(RACES["moons"]))
        with pytest.raises(LostError, match="KeyError: 'dance'"):
            worker.ask({"do": "dance"})
        assert worker.ask({"do": "collector", "on": False}) == {}


def test_who_says_nothing_is_lost_after_the_time_it_is_given(peer):
    folder = peer("Value.backward = lambda v: time.sleep(600)")
    with Worker("micrograd", str(folder), 60.0) as worker:
        worker.ask(task_of(RACES["digits"]))
        worker.timeout = 0.1
        with pytest.raises(LostError, match=r"^micrograd: LOST: no answer within 0\.1 s$"):
            worker.ask({"do": "check"})


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", minibatch.JOBS)
def test_contestants_agree_after_the_same_steps(name, dtype):
    task = task_of(MINIBATCH, samples=20)
    right = expected(task, RATE, steps=5)
    # Those that we have no say in are processes of their own.
    peer = name in ("torch", "jax")
    with Worker(name, None, 120.0) if peer else Here(name, 120.0) as worker:
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


def test_a_chain_takes_what_each_of_its_nodes_takes(monkeypatch):
    clock = SimpleNamespace(perf_counter=map(float, count()).__next__)
    monkeypatch.setattr(process, "time", clock)
    assert process.chains(load("ours", None), nodes=10, repeats=4) == {"per node": 1.0 / 40}


def test_the_most_memory_of_a_chain_is_what_all_of_it_takes():
    assert process.chain_memory(load("ours", None), nodes=1_000)["per node"] > 50.0


def test_the_collector_is_switched():
    try:
        process.collector(on=False)
        assert not gc.isenabled()
        process.collector(on=True)
        assert gc.isenabled()
    finally:
        gc.enable()


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
