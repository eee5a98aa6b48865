"""The engine, scalar by scalar: time, memory, and graphs that grow."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product

from tests.race.against import in_turn
from tests.race.programs import RATE
from tests.race.report import table
from tests.race.rounds import Options, enter_right, progress, scaled, take_turns
from tests.race.workers import Worker, ask_all, enter
from tests.race.workloads import (
    MEMORY_TARGET,
    RACES,
    SCALING_TARGET,
    Race,
    expected,
    task_of,
)


def run_race(race: Race, options: Options) -> None:
    """Check what all contestants compute, time them in turn, and print the ratios."""
    task = task_of(race, options.samples)
    with ExitStack() as stack:
        right = expected(task, RATE)
        workers = enter_right(["ours", *race.targets], task, right, options, stack)
        if not workers:
            return
        for on in (True, False):
            ask_all(workers, "collector", on=on)
            times = take_turns(workers, _title(on), options.rounds, options.seconds)
            head = (_title(on), "ms a step", "times ours")
            table(head, scaled(times, 1e3), "ours", race.targets)


def run_memory(options: Options) -> None:
    """Print how many bytes a node takes, ours and micrograd's."""
    task = task_of(RACES["moons"], options.samples)
    with ExitStack() as stack:
        workers = enter(["micrograd", "ours"], task, options.folder, options.timeout, stack)
        answers = ask_all(workers, "graph memory")
    for name, answer in answers.items():
        print(f"  {name}: a graph of {answer['nodes']:,} nodes")
    for when in ("recorded", "after backward"):
        table(
            (when, "bytes a node", "times micrograd"),
            {name: [answer[when]] for name, answer in answers.items()},
            "micrograd",
            {"ours": MEMORY_TARGET},
            at_most=True,
            digits=0,
        )


def run_scaling(options: Options) -> None:
    """Print what a node takes in longer and longer chains.

    Each time is the mean over as many chains as make up one of the longest,
    in a new process: what they take there at first, and what they take again.
    """
    task = task_of(RACES["moons"], options.samples)
    names = {n: f"{n:,} nodes" for n in options.lengths}
    shortest = names[options.lengths[0]]

    def report(title: str, unit: str, numbers: dict[str, list[float]]) -> None:
        targets = dict.fromkeys(names.values(), SCALING_TARGET)
        head = (title, unit, f"times {shortest}")
        table(head, numbers, shortest, targets, at_most=True, digits=0)

    for on in (True, False):
        times: dict[str, dict[str, list[float]]] = {
            when: {name + at: [] for name in names.values() for at in options.checkouts}
            for when in ("first", "again")
        }
        for turn in progress(options.rounds, _title(on)):
            for n, at in product(names, in_turn(options.checkouts, turn)):
                request = {"do": "chains", "nodes": n, "repeats": options.lengths[-1] // n}
                with Worker(f"ours{at}", None, options.timeout) as worker:
                    worker.ask(task)
                    worker.ask({"do": "collector", "on": on})
                    for numbers in times.values():
                        numbers[names[n] + at].append(1e9 * worker.ask(request)["per node"])
        for when, numbers in times.items():
            report(f"{_title(on)}, {when}", "ns a node", numbers)
    with Worker("ours", None, options.timeout) as worker:
        worker.ask(task)
        most = {
            name: [worker.ask({"do": "chain memory", "nodes": n})["per node"]]
            for n, name in names.items()
        }
    report("most memory", "bytes a node", most)


def _title(on: bool) -> str:
    return f"collector {'on' if on else 'off'}"
