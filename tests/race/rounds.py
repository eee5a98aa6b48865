"""What all workloads share: the options, the check, and the turns that contestants take."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tests.race.against import AT, OURS
from tests.race.workers import Workers, ask_all, enter
from tests.race.workloads import Task, fault


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    Arguments:
        folder: where PyPI's micrograd is, or None.
        timeout: how many seconds an answer may take.
        rounds: how many.
        seconds: how long a contestant's round lasts at least.
        samples: how many of the 100 on the two moons.
        lengths: the numbers of nodes in a graph, the smallest first.
        threads: the numbers of threads for programs with arrays.
        against: where another checkout is, or None.
    """

    folder: str | None
    timeout: float
    rounds: int = 15
    seconds: float = 0.2
    samples: int = 100
    lengths: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    threads: tuple[int, ...] = (1, 2)
    against: str | None = None

    @property
    def checkouts(self) -> list[str]:
        """What names end with, for each checkout that takes part; ours is the first."""
        return ["", *([] if self.against is None else [AT + self.against])]


def progress(rounds: int, title: str) -> Iterable[int]:
    """Count the rounds, with a progress bar on stderr where tqdm is there."""
    try:
        from tqdm import tqdm
    except ImportError:
        print(f"{title}: {rounds} rounds ...", file=sys.stderr)
        return range(rounds)
    bar: Iterable[int] = tqdm(range(rounds), desc=title, leave=False)
    return bar


def enter_right(
    names: Iterable[str],
    task: Task,
    right: dict[str, Any],
    options: Options,
    stack: ExitStack,
) -> Workers:
    """Start the contestants, and keep those that compute what is right.

    Arguments:
        names: who is to take part, the other checkout not named.
        task: what they are given.
        right: what their `check` must answer.
        options: for the folders and the timeout.
        stack: ends them.
    """
    names = [name + at for name in names for at in (options.checkouts if name in OURS else [""])]
    workers = enter(names, task, options.folder, options.timeout, stack)
    for name, answer in ask_all(workers, "check", steps=len(right["losses"])).items():
        wrong = fault(answer, right, task.get("dtype", "float64"))
        if wrong:
            print(f"  {name}: WRONG, so its time does not count: {wrong}")
            del workers[name]
    if workers:
        print(f"  loss {right['losses'][0]:.16g} and gradient right: {', '.join(workers)}")
    return workers


def take_turns(
    workers: Workers,
    title: str,
    rounds: int,
    seconds: float,
    warm: float = 0.0,
    what: str = "mean",
) -> dict[str, list[float]]:
    """Each contestant's seconds a step, round by round; who fails in one has no times at all.

    Arguments:
        workers: who takes part.
        title: of the progress bar.
        rounds: how many.
        seconds: how long a contestant's round lasts at least.
        warm: seconds of steps before that, which do not count.
        what: the "mean" or the "median" of a round's steps.
    """
    times: dict[str, list[float]] = {name: [] for name in workers}
    for turn in progress(rounds, title):
        for name, answer in ask_all(workers, "clock", turn, seconds=seconds, warm=warm).items():
            times[name].append(answer[what])
    return {name: times[name] for name in workers}


def scaled(times: dict[str, list[float]], factor: float) -> dict[str, list[float]]:
    """The same times in another unit."""
    return {name: [factor * t for t in series] for name, series in times.items()}
