"""The workers' end in the process that commands them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.race.against import AT, in_turn, parted, worker_module

HINTS = {
    "micrograd": "pip install --target DIR micrograd, then --micrograd DIR",
    "xad": "pip install xad",
    "torch": "pip install torch",
    "jax": "pip install jax",
    "compiled": "install a C compiler",
}
_ROOT = Path(__file__).parents[2]

Answer = dict[str, Any]


class AbsentError(Exception):
    """The contestant's library is not there."""


class LostError(Exception):
    """The contestant failed, died or took too long."""


class Worker:
    """A contestant's process.

    Arguments:
        name: "ours" or a peer's name; or "ours@FOLDER", of the checkout there.
        folder: where PyPI's micrograd is, or None.
        timeout: how many seconds an answer may take.
    """

    def __init__(self, name: str, folder: str | None, timeout: float) -> None:
        self.name = name
        self.timeout = timeout
        own, other = parted(name)
        root = Path(other.removeprefix(AT)) if other else _ROOT
        command = [sys.executable, "-m", str(worker_module(root)), own]
        if name == "micrograd" and folder is not None:
            command.append(str(Path(folder).resolve()))
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def ask(self, request: dict[str, Any]) -> Answer:
        """Send a request and wait for the answer.

        Raises:
            AbsentError: if it says that its library is not there.
            LostError: if it says that it failed, or says nothing.
        """
        answer: Answer = json.loads(self.line(json.dumps(request)))
        if "absent" in answer:
            raise AbsentError(f"{self.name}: not there ({answer['absent']})")
        if "error" in answer:
            raise LostError(f"{self.name}: LOST: {answer['error']}")
        return answer

    def line(self, request: str) -> str:
        """The line that comes back for one that is sent.

        Raises:
            LostError: if none comes.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        start = time.monotonic()
        timer = threading.Timer(self.timeout, process.kill)  # which ends readline
        timer.start()
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            late, status = time.monotonic() - start >= self.timeout, process.wait()
            why = f"no answer within {self.timeout:g} s" if late else f"died, exit status {status}"
            raise LostError(f"{self.name}: LOST: {why}")
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.kill()
        self._process.communicate()


Workers = dict[str, Worker]


def enter(
    names: Iterable[str], task: dict[str, Any], folder: str | None, timeout: float, stack: ExitStack
) -> Workers:
    """Start the contestants that are there, and print who is not and how to have it."""
    workers = {}
    for name in names:
        worker = stack.enter_context(Worker(name, folder, timeout))
        try:
            worker.ask(task)
            workers[name] = worker
        except AbsentError as why:
            print(f"  {why}. To have it: {HINTS.get(parted(name)[0], 'see README.md')}")
        except LostError as why:
            print(f"  {why}")
    return workers


def ask_all(workers: Workers, do: str, turn: int = 0, **arguments: Any) -> dict[str, Answer]:
    """Everybody's answer, one after the other; who gives none is named, and dropped.

    Arguments:
        workers: who is asked.
        do: what.
        turn: how often they were before; in every other one the other checkout is first.
        arguments: of the request.
    """
    answers = {}
    for name in in_turn(workers, turn):
        try:
            answers[name] = workers[name].ask({"do": do, **arguments})
        except LostError as why:
            print(f"  {why}")
            del workers[name]
    return answers
