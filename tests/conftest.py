"""Settings for all tests, and what every test must leave as it found it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from micrograd import Value, modes, ops
from tests.browser import Window, launched
from tests.compiling import quickly
from tests.golden import compare
from viz import page, render

# "ci" is the same on every machine and in every run; "search" looks further:
# HYPOTHESIS_PROFILE=search python -m pytest
settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=100, print_blob=False
)
settings.register_profile(
    "search",
    deadline=None,
    max_examples=3000,
    suppress_health_check=[HealthCheck.too_slow],
)
# Run in processes of their own, by test_micrograd_programs: some replace methods of Value.
collect_ignore_glob = ["programs/*"]

settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Take rows that a test has added out of the table; see that recording is on again."""
    rows = dict(ops.table)
    yield
    ops.table.clear()
    ops.table.update(rows)
    assert modes.namespace["watch"] is None, "a test left no_grad or detect_anomaly on"


@pytest.fixture(scope="session", autouse=True)
def _compiled_quickly() -> Iterator[None]:
    with quickly():
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written anew."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a golden file in tests/golden."""
    update = request.config.getoption("--update-golden")
    return lambda name, text: compare(name, text, update)


@pytest.fixture(params=["dot", "pygraphviz"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each engine in turn, the other one hidden; skipped where it is not installed."""
    if request.param == "dot":
        if shutil.which("dot") is None:
            pytest.skip("there is no dot program on this machine")
        monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    else:
        pytest.importorskip("pygraphviz")
        monkeypatch.setattr(render.shutil, "which", lambda name: None)
    return str(request.param)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, for one file of tests."""
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def empty(browser: Any) -> Iterator[Window]:
    """A window with nothing in it, to compute in."""
    window = Window(browser, "")
    yield window
    window.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Window]]:
    """Write the page of a value, and open it; closed, it must not have complained."""
    windows: list[Window] = []

    def shown(root: Value, fragment: str = "", **options: Any) -> Window:
        path = page(root, tmp_path / f"page{len(windows)}.html").path
        assert path is not None
        windows.append(Window(browser, path.as_uri() + fragment, **options))
        return windows[-1]

    yield shown
    for window in windows:
        window.close()
