"""Another checkout of the project: its contestants, and whether ours are slower than they.

A name that ends with "@" and a folder is that of the checkout there; the same
name without is ours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from math import comb
from pathlib import Path

AT = "@"
OURS = ("ours", "compiled", "eager")  # whom every checkout has

# Times as long as the other's, at most. Two processes that run the same differ by 1 to 3 % for
# as long as they live (the standard deviation over 20 pairs, three workloads). No interval
# of rounds knows of that, and more rounds only make it narrower: so 1 is not the limit, and a
# line that is slower by little has to be so in a second run, which has other processes.
SLOWER = 1.03
CONFIDENCE = 0.95  # that the median is in its interval, at least
FEWEST = 5  # rounds that tell anything: the widest interval of four has 88 %, of five 94 %


def parted(name: str) -> tuple[str, str]:
    """A name without its checkout; and the checkout with its "@", or "" if it is ours.

    >>> parted("ours"), parted("ours@/home/me/before")
    (('ours', ''), ('ours', '@/home/me/before'))
    """
    own, at, folder = name.partition(AT)
    return own, at + folder


def in_turn(names: Iterable[str], turn: int) -> list[str]:
    """The names; in every other turn, of two that differ in their checkout the second is first.

    >>> in_turn(["ours", "ours@/home/me/before", "xad"], 1)
    ['ours@/home/me/before', 'ours', 'xad']
    """
    pairs = [list(pair) for _, pair in groupby(names, key=lambda name: parted(name)[0])]
    return [name for pair in pairs for name in (pair[::-1] if turn % 2 else pair)]


def ratios(numbers: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Our numbers over those of the other checkout, round by round, by the other's name."""
    return {
        name: [a / b for a, b in zip(numbers[own], theirs, strict=True)]
        for name, theirs in numbers.items()
        for own, other in [parted(name)]
        if other and own in numbers
    }


def interval(numbers: Sequence[float]) -> tuple[float, float, float]:
    """An interval that the median of the numbers' distribution is in, whatever that distribution.

    It goes from the kth smallest of n numbers to the kth largest. It misses the
    median if fewer than k numbers are below that, or fewer than k above; and
    each is below with probability 1/2. So the median is in it with probability
    1 - 2 P(B < k), B binomial with n and 1/2. (W. R. Thompson, Annals of
    Mathematical Statistics 7, 1936, 122-128; H. A. David and H. N. Nagaraja,
    Order Statistics, 2003, section 7.1.) k is the largest for which this is at
    least 0.95; with fewer than six numbers there is none, and it is 1.

    Returns:
        Its ends, and the probability.

    >>> interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    (1.0, 6.0, 0.96875)
    """
    n, ordered = len(numbers), sorted(numbers)
    fewer = accumulate(comb(n, i) for i in range((n + 1) // 2))  # than 1, than 2, ... below
    inside = [1.0 - count / (1 << n - 1) for count in fewer]
    k = max((k for k, p in enumerate(inside, 1) if p >= CONFIDENCE), default=1)
    return ordered[k - 1], ordered[-k], inside[k - 1]


def judgement(times: Sequence[float]) -> str:
    """Whether our numbers over the other's, round by round, show that we are slower.

    >>> judgement([1.02, *[1.05] * 5]), judgement([1.04, *[1.05] * 5]), judgement([2.0])
    ('not slower', 'slower', 'too few rounds')
    """
    if len(times) < FEWEST:
        return "too few rounds"
    return "slower" if interval(times)[0] > SLOWER else "not slower"


def worker_module(root: Path) -> str | None:
    """The module of a checkout's worker, as `python -m` wants it; None if there is none."""
    for module in ("tests.race.worker", "demos.race.worker"):
        if _file(root, module).is_file():
            return module
    return None


def checkout(folder: str) -> str:
    """The absolute path of a checkout of this project; for `argparse`.

    Raises:
        argparse.ArgumentTypeError: if it is none, or what is imported there is another's.
    """
    root = Path(folder).resolve()
    expected = f"expected a checkout of this project, got {folder}"
    module = worker_module(root)
    if module is None:
        raise argparse.ArgumentTypeError(
            f"{expected}, where neither tests/race/worker.py nor demos/race/worker.py is"
        )
    code = f"import micrograd, {module} as w; print(micrograd.__file__, w.__file__, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, encoding="utf-8"
    )
    found = done.stdout.splitlines() or done.stderr.splitlines()[-1:]
    if [Path(f).resolve() for f in found] != [root / "micrograd/__init__.py", _file(root, module)]:
        raise argparse.ArgumentTypeError(f"{expected}, where import gives: {', '.join(found)}")
    return str(root)


def _file(root: Path, module: str) -> Path:
    return root / f"{module.replace('.', '/')}.py"
