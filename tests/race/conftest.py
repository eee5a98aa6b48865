"""What tests of the benchmark share: who takes part, and where."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

import micrograd
from demos import benchmark
from tests.race import arrays, scalars, transformer, worker, workers
from tests.race.against import OURS
from tests.race.workers import Worker

ROOT = Path(__file__).parents[2]


class Here(Worker):
    """A contestant in this process: requests and answers are the same, and Python is not started.

    Arguments:
        name: "ours", "compiled", "eager" or "numpy".
        timeout: is kept.
    """

    def __init__(self, name: str, timeout: float) -> None:
        self.name, self.timeout = name, timeout
        self._functions: dict[str, Any] = {}

    def line(self, request: str) -> str:
        """What the worker's process would print."""
        return json.dumps(worker.answer(self._functions, json.loads(request), self.name, None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def replace_workers(
    monkeypatch: pytest.MonkeyPatch, start: Callable[[str, str | None, float], Worker]
) -> None:
    """Let this start the contestants."""
    for module in (workers, scalars, arrays):
        monkeypatch.setattr(module, "Worker", start)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Worker]]:
    """Let the contestants of this checkout compute in this process, and note who takes part."""
    started: list[Worker] = []

    def start(name: str, folder: str | None, timeout: float) -> Worker:
        own = name in (*OURS, "numpy")
        started.append(Here(name, timeout) if own else Worker(name, folder, timeout))
        return started[-1]

    replace_workers(monkeypatch, start)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(worker, "keep_to", lambda threads: None)
    gc.freeze()  # what was there before need not be looked through in every round
    yield started
    gc.unfreeze()
    gc.enable()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rounds be as short as they can be, and graphs small."""
    short = {"rounds": 2, "seconds": 1e-9, "samples": 10, "lengths": (100, 1_000)}
    monkeypatch.setattr(benchmark, "QUICK", {**benchmark.QUICK, **short})
    monkeypatch.setattr(arrays, "MINIBATCH", replace(arrays.MINIBATCH, sizes=[20, 6, 5, 10]))
    networks = {name: ([5, 3, 2], target) for name, (_, target) in arrays.NETWORKS.items()}
    monkeypatch.setattr(arrays, "NETWORKS", networks)
    fewer = {"VOCABULARY": (27, 5), "CONTEXT": (8, 3), "WIDTH": (16, 8)}
    for name, (_, size) in fewer.items():
        monkeypatch.setattr(transformer, name, size)
    sizes = {**dict(fewer.values()), 4 * 16: 4 * 8}
    shapes = {name: (sizes[m], sizes[n]) for name, (m, n) in transformer.SHAPES.items()}
    monkeypatch.setattr(transformer, "SHAPES", shapes)


@pytest.fixture
def run(
    here: list[Worker],
    small: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    """Run the command where no library but NumPy can be imported, and nothing compiled."""
    for name in ("xad", "torch", "jax"):
        (tmp_path / "hidden" / name).mkdir(parents=True)
        (tmp_path / "hidden" / name / "__init__.py").write_text("raise ImportError('hidden')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))
    monkeypatch.setenv("CC", "hidden")

    def run(*arguments: object) -> str:
        benchmark.main(["--quick", *map(str, arguments)])
        return capsys.readouterr().out

    return run


@pytest.fixture
def peer(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder with a micrograd of its own: ours, and some lines added to it."""

    def peer(*lines: str) -> Path:
        folder = tmp_path / "peer"
        shutil.copytree(Path(micrograd.__file__).parent, folder / "micrograd")
        with open(folder / "micrograd" / "engine.py", "a", encoding="utf-8") as file:
            file.writelines(f"\n{line}" for line in ("import os, time", *lines))
        return folder

    return peer


@pytest.fixture
def other(peer: Callable[..., Path]) -> Callable[..., Path]:
    """Make another checkout: lines are added as to a peer, and workers are where they should be."""

    def other(*lines: str, tools: str = "tests") -> Path:
        folder = peer(*lines)
        race = folder / tools / "race"
        race.mkdir(parents=True)
        (folder / tools / "__init__.py").touch()
        for path in ROOT.glob("tests/race/*.py"):
            text = path.read_text(encoding="utf-8").replace("tests.race", f"{tools}.race")
            (race / path.name).write_text(text, encoding="utf-8")
        return folder

    return other
