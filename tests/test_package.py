"""`import micrograd`: what is there, and what is only imported when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import micrograd

TOP = Path(__file__).parent.parent


def python(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_vectorize_and_gradcheck_are_functions_however_they_are_imported() -> None:
    for program in (
        "from micrograd import vectorize, gradcheck",
        "import micrograd.program, micrograd.checking; from micrograd import vectorize, gradcheck",
        "import micrograd; vectorize, gradcheck = micrograd.vectorize, micrograd.gradcheck",
        "from micrograd import *",
    ):
        assert python(f"{program}; print(vectorize.__module__, gradcheck.__module__)") == [
            "micrograd.program",
            "micrograd.checking",
        ]
    with pytest.raises(ModuleNotFoundError):
        __import__("micrograd.vectorize")


def test_modules_are_there_without_an_import_of_their_own() -> None:
    names = "nn optim data losses program collector checking".split()
    printed = python(
        "import micrograd\n"
        f"for name in {names}: print(getattr(micrograd, name).__name__)\n"
        "print(micrograd.nn.MLP(2, [1])([1.0, 2.0]).op.name)"
    )
    assert printed == [*(f"micrograd.{name}" for name in names), "affine"]
    assert {*names, "vectorize", "Value"} <= set(dir(micrograd))
    with pytest.raises(AttributeError, match="module 'micrograd' has no attribute 'nothing'"):
        micrograd.nothing  # noqa: B018


def test_importing_it_imports_no_more_than_the_engine() -> None:
    loaded = python("import sys, micrograd; print(*sys.modules)")
    lazy = {f"micrograd.{name}" for name in ("nn", "losses", "optim", "data", "program", "native")}
    assert lazy.isdisjoint(loaded)
    assert {"tqdm", "graphviz", "viz"}.isdisjoint(loaded)


def test_what_a_branch_is_replaced_by_is_there() -> None:
    v = micrograd.Value(-2.0)
    assert micrograd.where(micrograd.step(v), v * 2.0, v * 0.5).data == -1.0


def test_every_public_name_is_there() -> None:
    for name in micrograd.__all__:
        assert getattr(micrograd, name) is not None
