"""The lines that are printed: medians, ratios and whether they reach the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.race.against import interval, judgement, parted, ratios


def spread(numbers: Sequence[float], digits: int = 2) -> str:
    """The median and, in parentheses, the quartiles.

    >>> spread([1.0, 2.0, 3.0, 4.0, 5.0])
    '3.00 (2.00 to 4.00)'
    """
    low, median, high = np.quantile(numbers, [0.25, 0.5, 0.75])
    if len(numbers) == 1:
        return f"{median:.{digits}f}"
    return f"{median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def verdict(number: float, target: float | None, at_most: bool = False) -> str:
    """Whether a number reaches its target, for the end of a line.

    >>> verdict(14.2, 15.0), verdict(0.4, 0.5, at_most=True), verdict(1.0, None)
    ('target >= 15: falls short', 'target <= 0.5: holds', '')
    """
    if target is None:
        return ""
    holds = number <= target if at_most else number >= target
    return f"target {'<=' if at_most else '>='} {target:g}: {'holds' if holds else 'falls short'}"


def table(
    head: tuple[str, str, str],
    numbers: Mapping[str, Sequence[float]],
    base: str,
    targets: Mapping[str, float | None],
    at_most: bool = False,
    digits: int = 2,
) -> None:
    """Print a line for each series of numbers, and its ratios to the base, round by round.

    What another checkout has done is in a table of its own, below.

    Arguments:
        head: a title, the unit of the numbers, and what the ratios are.
        numbers: by name, one for each round.
        base: the name of the series that the others are divided by; where it
            is missing there are no ratios.
        targets: what the median ratio should be, by name.
        at_most: whether it should be at most that, or else at least.
        digits: behind the point of the numbers.

    >>> table(("time", "s", "times ours"), {"ours": [1, 2], "xad": [4, 4]}, "ours", {})
        time                 s                             times ours
        ours                 1.50 (1.25 to 1.75)
        xad                  4.00 (4.00 to 4.00)           3.00 (2.50 to 3.50)
    """
    _line(*head, "")
    for name, series in numbers.items():
        if parted(name)[1]:
            continue
        times = []
        if base in numbers and name != base:
            times = [a / b for a, b in zip(series, numbers[base], strict=True)]
        _line(
            name,
            spread(series, digits),
            spread(times) if times else "",
            verdict(float(np.median(times)), targets.get(name), at_most) if times else "",
        )
    against(numbers)


def against(numbers: Mapping[str, Sequence[float]]) -> None:
    """Print what is the other checkout's and ours, too: whether ours is slower, and how much.

    >>> against({"ours": [2.0, 3.2, 4.0, 2.4, 3.0], "ours@/home/me/before": [1.0] * 5})
        against before       times theirs                  interval (confidence)
        ours                 3.000 (2.400 to 3.200)        2.000 to 4.000 (94%)        slower
    >>> against({"ours": [2.0]})
    """
    for i, (name, times) in enumerate(ratios(numbers).items()):
        own, other = parted(name)
        if i == 0:
            _line(f"against {Path(other).name}", "times theirs", "interval (confidence)", "")
        low, high, probability = interval(times)
        within = f"{low:.3f} to {high:.3f} ({probability:.0%})"
        _line(own, spread(times, digits=3), within, judgement(times))


def _line(name: str, number: str, ratio: str, remark: str) -> None:
    print(f"    {name:20} {number:29} {ratio:27} {remark}".rstrip())
