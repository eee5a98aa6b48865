"""What `vectorize` makes of the engine's graphs: how fast it runs, and how soon it is made."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product
from typing import Any

from tests.race.against import in_turn
from tests.race.programs import RATE
from tests.race.report import table, verdict
from tests.race.rounds import Options, enter_right, progress, scaled, take_turns
from tests.race.transformer import expected_of_transformer, task_of_transformer
from tests.race.workers import Worker, ask_all, enter
from tests.race.workloads import (
    BY_HAND_TARGET,
    LARGE_TARGET,
    MINIBATCH,
    NETWORKS,
    OPERATIONS_TARGET,
    RACES,
    SCALING_TARGET,
    TOLERANCE,
    TRANSFORMER_TARGET,
    expected,
    task_of,
)

STEPS = 10  # after which the cost must still be right
MORE = 4  # times as many rounds of these short steps, and half as long
FEWER = 3  # times fewer rounds of networks that have up to a million nodes


def run_minibatch(options: Options) -> None:
    """Race a step on a minibatch, for each type of numbers and each number of threads."""
    task = task_of(MINIBATCH)
    right = expected(task, RATE, STEPS)
    names = ["ours", "compiled", *MINIBATCH.targets]
    rounds, seconds = MORE * options.rounds, options.seconds / 2
    print(f"  {rounds} rounds, a time is the median of a round's steps; {STEPS} steps checked")
    for dtype in TOLERANCE:
        for threads in options.threads:
            title = f"{dtype}, {threads} thread{'s' * (threads > 1)}"
            numbers: dict[str, Any] = {**task, "dtype": dtype, "threads": threads}
            with ExitStack() as stack:
                workers = enter_right(names, numbers, right, options, stack)
                names = [name for name in names if name in workers]
                times = take_turns(workers, title, rounds, seconds, seconds / 2, "median")
            times = scaled(times, 1e6)
            if "ours" not in times:
                return
            both = product(("numpy", "ours", "compiled"), options.checkouts)
            first = {name + at: times[name + at] for name, at in both if name + at in times}
            head = (title, "us a step", "times numpy")
            table(head, first, "numpy", {"ours": BY_HAND_TARGET}, at_most=True, digits=0)
            base = "compiled" if "compiled" in times else "ours"
            second = {n: times[n] for n in (base, "torch", "jax") if n in times}
            if len(second) > 1:
                head = (title, "us a step", f"times {base}")
                table(head, second, base, MINIBATCH.targets, digits=0)


def run_recording(options: Options) -> None:
    """Print how soon a network is vectorised, beside micrograd's time for two samples.

    Each time is the first of a new process. (micrograd's neurons are relu's: it has no sigmoid.)
    """
    peer, (small, large) = "micrograd, 2 samples", NETWORKS
    both = [name + at for name in NETWORKS for at in options.checkouts]
    times: dict[str, list[float]] = {name: [] for name in (peer, *both)}
    with ExitStack() as stack:
        task = task_of(RACES["digits"])
        others = enter(["micrograd"], task, options.folder, options.timeout, stack)
        for turn in progress(options.rounds, "recording"):
            for answer in ask_all(others, "clock", seconds=options.seconds).values():
                times[peer].append(2e3 * answer["mean"])
            for name, at in product(NETWORKS, in_turn(options.checkouts, turn)):
                answer = _recording(at, options, sizes=NETWORKS[name][0])
                times[name + at].append(1e3 * (answer["record"] + answer["vectorize"]))
    if not others:
        del times[peer]
    targets = {name: target for name, (_, target) in NETWORKS.items()}
    title = "record and vectorize"
    table((title, "ms", "times micrograd"), times, peer, targets, at_most=True)
    ours = {name: times[name] for name in NETWORKS}
    table((title, "ms", f"times {small}"), ours, small, {large: LARGE_TARGET}, at_most=True)


def run_vectorizing(options: Options) -> None:
    """Print what a node takes to be vectorised, in larger and larger networks.

    Each time is the mean over as many networks as make up one of the largest,
    in a new process, with the garbage collector on.
    """
    names = {n: f"{n:,} nodes" for n in options.lengths}
    smallest = names[options.lengths[0]]
    times: dict[str, list[float]] = {
        name + at: [] for name in names.values() for at in options.checkouts
    }
    rounds = -(-options.rounds // FEWER)
    print(f"  {rounds} rounds")
    for turn in progress(rounds, "vectorizing"):
        for n, at in product(names, in_turn(options.checkouts, turn)):
            width = round((n / 6) ** 0.5)  # two square layers; a weight, a product, a sum
            answer = _recording(
                at,
                options,
                sizes=[width, width, width, 1],
                written_out=True,
                repeats=options.lengths[-1] // n,
            )
            times[names[n] + at].append(1e9 * answer["vectorize"] / answer["nodes"])
    targets = dict.fromkeys(names.values(), SCALING_TARGET)
    head = ("vectorize", "ns a node", f"times {smallest}")
    table(head, times, smallest, targets, at_most=True, digits=0)


def run_transformer(options: Options) -> None:
    """Race the transformer's array operations against the engine, and count them."""
    task = task_of_transformer()
    right = expected_of_transformer(task)
    targets = {"eager": TRANSFORMER_TARGET}
    with ExitStack() as stack:
        workers = enter_right(["ours", "compiled", "eager"], task, right, options, stack)
        if not workers:
            return
        times = take_turns(workers, "transformer", options.rounds, options.seconds)
        counted = ask_all({n: w for n, w in workers.items() if n == "ours"}, "operations")
    for count in counted.values():
        remark = verdict(count["operations"], OPERATIONS_TARGET, at_most=True)
        print(f"  forward: {count['lines']} lines, {count['operations']} array operations", end="")
        print(f"; {remark}")
    table(("", "us a step", "times ours"), scaled(times, 1e6), "ours", targets, digits=0)


def _recording(at: str, options: Options, **arguments: Any) -> dict[str, Any]:
    with Worker(f"ours{at}", None, options.timeout) as worker:
        worker.ask({"kind": "recording", "threads": 1})
        return worker.ask({"do": "recording", **arguments})
