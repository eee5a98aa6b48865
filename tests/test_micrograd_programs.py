"""Programs that extend micrograd give micrograd's own numbers.

Each in tests/programs runs in a process of its own. What PyPI's micrograd 0.1.0 computes
is recorded; where that package is, in the folder MICROGRAD_PEER names or in peers/ (pip
install --target peers micrograd), it runs too, and records anew with --update-golden.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import compare

TOP = Path(__file__).parent.parent
PROGRAMS = sorted(p for p in (TOP / "tests" / "programs").glob("*.py") if p.stem != "__init__")
RECORDED = "micrograd_programs.json"
PEER = Path(os.environ.get("MICROGRAD_PEER") or TOP / "peers")
CLOSE = 1e-14  # parts of a number, or of the largest in a program

_RUN = """\
import json, runpy, sys
sys.path.insert(0, sys.argv[1])
import micrograd
assert micrograd.__file__.startswith(sys.argv[1]), micrograd.__file__
print(json.dumps([float(x) for x in runpy.run_path(sys.argv[2])["result"]]))
"""


def run(program: Path, folder: Path) -> list[float]:
    """What a program computes with the micrograd in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(folder), str(program)],
        cwd=program.parent,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    numbers: list[float] = json.loads(done.stdout)
    assert all(map(math.isfinite, numbers))
    return numbers


def recorded() -> dict[str, list[float]]:
    text = (TOP / "tests" / "golden" / RECORDED).read_text(encoding="utf-8")
    numbers: dict[str, list[float]] = json.loads(text)
    return numbers


def apart(ours: list[float], theirs: list[float]) -> float:
    """The largest difference, in parts of the largest number."""
    assert len(ours) == len(theirs)
    return max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / max(map(abs, theirs))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.stem)
def test_a_program_gives_the_numbers_that_micrograd_gives(program: Path) -> None:
    theirs = recorded()[program.stem]
    assert len(set(theirs)) > 2
    assert apart(run(program, TOP), theirs) <= CLOSE


def test_the_recorded_numbers_are_micrograds(request: pytest.FixtureRequest) -> None:
    if not (PEER / "micrograd").is_dir():
        pytest.skip("PyPI's micrograd is not there: pip install --target peers micrograd")
    theirs = {p.stem: run(p, PEER) for p in PROGRAMS}
    if request.config.getoption("--update-golden"):
        lines = [f"{json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in theirs.items()]
        compare(RECORDED, "{\n" + ",\n".join(lines) + "\n}\n", update=True)
    assert theirs.keys() == recorded().keys()
    for name, numbers in theirs.items():
        # Its parents are sets: in which order it adds shares up hangs on where objects are.
        assert apart(numbers, recorded()[name]) <= CLOSE, name


def test_another_number_is_seen() -> None:
    theirs = recorded()["training"]
    assert apart([*theirs[:-1], theirs[-1] + 1e-12], theirs) > CLOSE
