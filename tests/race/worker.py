"""One contestant's process: python -m tests.race.worker NAME [FOLDER].

The first line on stdin is the task, each further one a request; the answer to
each is one line on stdout. All are JSON.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.race.programs import Engine, Job, graph_job, load, nodes_of, xad_job

Answer = dict[str, Any]


def check(job: Job, steps: int = 2) -> Answer:
    """The loss and the gradient at the start, and the losses of the steps that follow."""
    job.reset()
    losses, gradient = [float(job.step())], [float(g) for g in job.gradient()]
    return {"losses": losses + [float(job.step()) for _ in range(steps - 1)], "gradient": gradient}


def clock(job: Job, seconds: float, warm: float = 0.0) -> Answer:
    """The time of a step, over as many as it takes to fill the given time.

    Arguments:
        job: the workload.
        seconds: the time.
        warm: seconds of steps before that, which do not count: until caches are
            filled, and the threads of who came before have gone to sleep.

    Returns:
        The mean, which the collector's work is part of; and the median, which
        knows nothing of the few steps that the machine interrupts.
    """
    job.reset()
    if not gc.isenabled():
        gc.collect()  # off the clock, the cycles that the last round has left behind
    start = time.perf_counter()
    while time.perf_counter() - start < warm:
        job.step()
    times = [time.perf_counter()]
    while times[-1] - times[0] < seconds:
        job.step()
        times.append(time.perf_counter())
    steps = [after - before for before, after in pairwise(times)]
    return {"mean": statistics.fmean(steps), "median": statistics.median(steps)}


def chains(engine: Engine, nodes: int, repeats: int = 1) -> Answer:
    """Build, differentiate and free chains of so many nodes; the time per node."""
    w, b = engine.number(0.9999), engine.number(1e-4)
    start = time.perf_counter()
    for _ in range(repeats):
        v = engine.number(0.5)
        for _ in range(nodes // 2):
            v = v * w + b
        v.backward()
        del v
    return {"per node": (time.perf_counter() - start) / (nodes * repeats)}


def traced(function: Callable[[], Any]) -> tuple[Any, int, int]:
    """Run, and give the result, the bytes that are allocated then, and the most that were.

    tracemalloc counts what Python objects ask for: exactly, whatever the
    process did before. It knows nothing of memory that C++ code allocates,
    and adds nothing for what the allocator rounds up.
    """
    gc.collect()
    tracemalloc.start()
    result = function()
    gc.collect()
    after, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return result, after, most


def chain_memory(engine: Engine, nodes: int) -> Answer:
    """The most bytes per node that a chain takes, from recording it to the end of backward."""
    return {"per node": traced(partial(chains, engine, nodes))[2] / nodes}


def graph_memory(job: Job) -> Answer:
    """Bytes per node of the graph of a step, as recorded and after backward."""
    assert job.record is not None
    record = job.record

    def record_and_differentiate() -> Any:
        root = record()
        root.backward()
        return root

    root, recorded, _ = traced(record)
    nodes = nodes_of(root) - len(job.gradient())  # the parameters were there before
    _, differentiated, _ = traced(record_and_differentiate)
    return {"nodes": nodes, "recorded": recorded / nodes, "after backward": differentiated / nodes}


def collector(on: bool) -> Answer:
    """Switch the garbage collector on or off."""
    gc.collect()
    (gc.enable if on else gc.disable)()
    return {}


def keep_to(threads: int) -> None:
    """Compute with so many threads, on so many processors; before libraries are imported."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    if threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    # XLA takes as many threads as there are processors.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def start(name: str, folder: str | None, task: dict[str, Any]) -> dict[str, Callable[..., Answer]]:
    """Prepare the task, and give the functions that answer requests."""
    kind = task["kind"]
    if "threads" in task:
        keep_to(task["threads"])
    functions: dict[str, Callable[..., Answer]] = {}
    if kind == "minibatch":
        job = import_module("tests.race.minibatch").JOBS[name](task)
    elif kind == "transformer":
        transformer = import_module("tests.race.transformer")
        job = transformer.JOBS[name](task)
        functions["operations"] = partial(transformer.operations, task)
    elif kind == "recording":
        return {"recording": import_module("tests.race.recording").recording}
    elif name == "xad":
        job = xad_job(task)
    else:
        engine = load(name, folder)
        job = graph_job(engine, task)
        functions["graph memory"] = partial(graph_memory, job)
        functions["chains"] = partial(chains, engine)
        functions["chain memory"] = partial(chain_memory, engine)
    functions |= {"check": partial(check, job), "clock": partial(clock, job)}
    return functions | {"collector": collector}


def stay_here() -> None:
    """Make sure that this and micrograd, if it was imported, are of the checkout we run in.

    Raises:
        RuntimeError: if they are of another.
    """
    micrograd = sys.modules.get("micrograd")
    for file in [__file__] + ([str(micrograd.__file__)] if micrograd else []):
        if not Path(file).resolve().is_relative_to(Path.cwd()):
            raise RuntimeError(f"expected the modules of {Path.cwd()}, got {file}")


def answer(
    functions: dict[str, Callable[..., Answer]], request: Answer, name: str, folder: str | None
) -> Answer:
    """What a contestant answers to a request; the first is the task, and fills the functions.

    Arguments:
        functions: by the requests that they answer; empty at first.
        request: what is asked.
        name: the contestant's.
        folder: where PyPI's micrograd is.
    """
    try:
        if functions:
            return functions[request.pop("do")](**request)
        started = start(name, folder, request)
        if name != "micrograd":  # which comes from a folder of its own
            stay_here()
        functions |= started
    except ImportError as error:
        return {"absent": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {}


def main(name: str, folder: str | None = None) -> None:
    """Answer every line on stdin."""
    answers, sys.stdout = sys.stdout, sys.stderr  # in case a library prints
    functions: dict[str, Callable[..., Answer]] = {}
    for line in sys.stdin:
        said = answer(functions, json.loads(line), name, folder)
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
