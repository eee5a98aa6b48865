"""How fast the engine and `vectorize` are, beside their peers."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import metadata
from typing import Any

from tests.race import __doc__ as about
from tests.race import arrays, scalars
from tests.race.against import SLOWER, checkout
from tests.race.rounds import Options
from tests.race.workers import AbsentError, LostError
from tests.race.workloads import MINIBATCH, RACES

QUICK: dict[str, Any] = {
    "rounds": 2,
    "seconds": 0.02,
    "samples": 25,
    "lengths": (10_000, 100_000),
    "threads": (1,),
}


def versions(folder: str | None) -> str:
    """What is compared, as far as the installed packages say."""
    found = [f"Python {platform.python_version()}"]
    for name in ("micrograd", "xad", "numpy", "torch", "jax"):
        if name == "micrograd":  # a folder of its own
            packages = list(metadata.distributions(name=name, path=[folder or ""]))
        else:
            packages = list(metadata.distributions(name=name))
        found += [f"{name} {package.version}" for package in packages[:1]]
    return ", ".join([*found, platform.platform()])


def processors() -> str:
    """How many there are, and how many programs that run already want one."""
    text = f"{os.cpu_count()} processors"
    if hasattr(os, "getloadavg"):
        text += f"; load average {os.getloadavg()[0]:.1f}"
    return text


def command_line(names: list[str]) -> argparse.ArgumentParser:
    """What the command understands.

    Arguments:
        names: of the workloads.
    """
    parser = argparse.ArgumentParser(
        prog="python -m demos.benchmark",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--micrograd", metavar="DIR", help="folder with PyPI's micrograd in it")
    parser.add_argument(
        "--against",
        metavar="DIR",
        type=checkout,
        help="another checkout of this project: is this one slower? (memory is not compared)",
    )
    parser.add_argument("--rounds", type=int, help="how often everybody's turn comes (default 15)")
    parser.add_argument("--quick", action="store_true", help="a rough look, in some 20 seconds")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="WORKLOAD",
        help=", ".join(names),
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long an answer may take (default 300)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the workloads that are asked for.

    Arguments:
        arguments: of the command line.
    """
    runs: dict[str, tuple[str, Callable[[Options], None]]] = {
        name: (race.title, partial(scalars.run_race, race)) for name, race in RACES.items()
    }
    runs["memory"] = "memory of the two-moons graph, written out", scalars.run_memory
    runs["scaling"] = "chains of v * w + b: build, differentiate and free", scalars.run_scaling
    runs["minibatch"] = MINIBATCH.title, arrays.run_minibatch
    runs["recording"] = "how long `vectorize` takes, the graph recorded too", arrays.run_recording
    runs["vectorizing"] = "networks of + and * that grow: vectorize", arrays.run_vectorizing
    runs["transformer"] = (
        "one-layer transformer: value and gradient, vectorised and by the engine",
        arrays.run_transformer,
    )

    parser = command_line(list(runs))
    asked = parser.parse_args(arguments)
    options = Options(asked.micrograd, asked.timeout, against=asked.against)
    if asked.quick:
        options = replace(options, **QUICK)
    if asked.rounds is not None:
        options = replace(options, rounds=asked.rounds)
    if options.rounds < 1:
        parser.error(f"--rounds: expected at least 1, got {options.rounds}")

    print(versions(options.folder))
    print(processors())
    print(f"Medians (first to third quartile) of {options.rounds} rounds;")
    print("each ratio is of two numbers from the same round.")
    if options.against is not None:
        print(f"Against {options.against}, in turn: slower is what has all of the interval")
        print(f"for the median of its ratios above {SLOWER:g}.")
    for name in asked.only:
        title, run = runs[name]
        print(f"\n{name}: {title}", flush=True)
        try:
            run(options)
        except (AbsentError, LostError) as why:
            print(f"  {why}")


if __name__ == "__main__":
    main()
