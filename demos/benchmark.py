"""The rounds, the ratios and the table: python -m demos.benchmark."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata

from demos.race import __doc__ as about
from demos.race.programs import RATE
from demos.race.report import table
from demos.race.workers import LostError, Worker, ask_all, enter
from demos.race.workloads import (
    MEMORY_TARGET,
    RACES,
    SCALING_TARGET,
    Race,
    expected,
    fault,
    task_of,
)


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Arguments:
        folder: where PyPI's micrograd is, or None.
        timeout: how many seconds an answer may take.
        rounds: how many.
        seconds: how long a contestant's round lasts at least.
        samples: how many of the 100 on the two moons.
        lengths: the numbers of nodes in a chain, the shortest first.
    """

    folder: str | None
    timeout: float
    rounds: int = 15
    seconds: float = 0.2
    samples: int = 100
    lengths: tuple[int, ...] = (10_000, 100_000, 1_000_000)


def progress(rounds: int, title: str) -> Iterable[int]:
    """Count the rounds, with a progress bar on stderr where tqdm is there."""
    try:
        from tqdm import tqdm
    except ImportError:
        print(f"{title}: {rounds} rounds ...", file=sys.stderr)
        return range(rounds)
    bar: Iterable[int] = tqdm(range(rounds), desc=title, leave=False)
    return bar


def run_race(race: Race, options: Options) -> None:
    """Check what all contestants compute, time them in turn, and print the ratios."""
    task = task_of(race, options.samples)
    with ExitStack() as stack:
        workers = enter(["ours", *race.targets], task, options.folder, options.timeout, stack)
        right = expected(task, RATE)
        for name, answer in ask_all(workers, "check").items():
            wrong = fault(answer, right)
            if wrong:
                print(f"  {name}: WRONG, so its time does not count: {wrong}")
                del workers[name]
        if not workers:
            return
        print(f"  loss {right['losses'][0]:.16g} and gradient right: {', '.join(workers)}")
        for on in (True, False):
            ask_all(workers, "collector", on=on)
            times: dict[str, list[float]] = {name: [] for name in workers}
            for _ in progress(options.rounds, _title(on)):
                for name, answer in ask_all(workers, "clock", seconds=options.seconds).items():
                    times[name].append(1e3 * answer["seconds"])
            finished = {name: times[name] for name in workers}
            table((_title(on), "ms a step", "times ours"), finished, "ours", race.targets)


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
            when: {name: [] for name in names.values()} for when in ("first", "again")
        }
        for _ in progress(options.rounds, _title(on)):
            for n, name in names.items():
                request = {"do": "chains", "nodes": n, "repeats": options.lengths[-1] // n}
                with Worker("ours", None, options.timeout) as worker:
                    worker.ask(task)
                    worker.ask({"do": "collector", "on": on})
                    for numbers in times.values():
                        numbers[name].append(1e9 * worker.ask(request)["per node"])
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


def versions(folder: str | None) -> str:
    """What is compared, as far as the installed packages say."""
    found = [f"Python {platform.python_version()}"]
    for name in ("micrograd", "xad", "torch"):
        if name == "micrograd":  # a folder of its own
            packages = list(metadata.distributions(name=name, path=[folder or ""]))
        else:
            packages = list(metadata.distributions(name=name))
        found += [f"{name} {package.version}" for package in packages[:1]]
    return ", ".join([*found, platform.platform()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads that are asked for.

    Arguments:
        arguments: of the command line.
    """
    runs: dict[str, tuple[str, Callable[[Options], None]]] = {
        name: (race.title, partial(run_race, race)) for name, race in RACES.items()
    }
    runs["memory"] = "memory of the two-moons graph, written out", run_memory
    runs["scaling"] = "chains of v * w + b: build, differentiate and free", run_scaling

    parser = argparse.ArgumentParser(
        prog="python -m demos.benchmark",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--micrograd", metavar="DIR", help="folder with PyPI's micrograd in it")
    parser.add_argument("--rounds", type=int, help="how often everybody's turn comes (default 15)")
    parser.add_argument("--quick", action="store_true", help="a rough look, in some 20 seconds")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=runs,
        default=list(runs),
        metavar="WORKLOAD",
        help=", ".join(runs),
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long an answer may take (default 300)",
    )
    asked = parser.parse_args(arguments)
    options = Options(asked.micrograd, asked.timeout)
    if asked.quick:
        options = replace(options, rounds=2, seconds=0.02, samples=25, lengths=(10_000, 100_000))
    if asked.rounds is not None:
        options = replace(options, rounds=asked.rounds)
    if options.rounds < 1:
        parser.error(f"--rounds: expected at least 1, got {options.rounds}")

    print(versions(options.folder))
    print(f"Medians (first to third quartile) of {options.rounds} rounds;")
    print("each ratio is of two numbers from the same round.")
    for name in asked.only:
        title, run = runs[name]
        print(f"\n{name}: {title}", flush=True)
        try:
            run(options)
        except LostError as why:
            print(f"  ours: LOST: {why}")


if __name__ == "__main__":
    main()
