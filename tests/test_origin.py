"""Another package called micrograd: `import viz` names it, and says what to do."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from micrograd import engine, nn
from viz import origin

TOP = Path(__file__).parent.parent
# As small as what many wrote after the same lesson: an empty __init__.py, and two modules.
FOREIGN = {
    "__init__.py": "",
    "engine.py": "class Value:\n    pass\n",
    "nn.py": "from micrograd.engine import Value\n\n\nclass MLP:\n    pass\n",
}
SOME = [names for n in (1, 2, 3) for names in itertools.combinations(FOREIGN, n)]


def write_foreign(folder: Path, names: Iterable[str] = tuple(FOREIGN)) -> None:
    """Write files of another micrograd into folder, over those that are there."""
    (folder / "micrograd").mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / "micrograd" / name).write_text(FOREIGN[name])


def write_record(folder: Path, name: str, version: str, files: Iterable[str]) -> None:
    """Write what pip keeps of a distribution that it has installed."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which this project is installed."""
    for package in ("micrograd", "viz"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(TOP / package, tmp_path / "site" / package, ignore=ignored)
    files = [f"micrograd/{name}" for name in FOREIGN]
    write_record(tmp_path / "site", "micrograd-chain-rule", "0.1.0", files)
    return tmp_path / "site"


# The places where a micrograd is installed for the tests are out of sight; what else is
# needed from there is imported before.
PRELUDE = """
import sys, numpy, graphviz
from pathlib import Path
elsewhere = [place for place in sys.path if not (Path(place) / "micrograd").exists()]
sys.path[:] = sys.argv[1:] + elsewhere
"""


def imported(*folders: Path, code: str = "import viz") -> str:
    """What importing from these folders says, in a process of its own; "" for nothing."""
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", PRELUDE + code, *map(str, folders)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folders[0],
    )
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


def message_of(said: str) -> str:
    """The one error's message."""
    lines = said.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert said.count("Traceback") == 1
    assert sum("Error" in line for line in lines if not line.startswith(" ")) == 1
    assert lines[-1].startswith("ImportError: ")
    return lines[-1].removeprefix("ImportError: ")


CODES = ["import viz", "import viz.draw", "from viz import explain", "from viz.names import Namer"]


@pytest.mark.parametrize("code", CODES)
def test_another_micrograd_first_on_the_path_is_named(site: Path, code: str) -> None:
    other = site.parent / "other"
    write_foreign(other)
    message = message_of(imported(other, site, code=code))
    assert f"{other / 'micrograd' / '__init__.py'} has no" in message
    assert "installed by" not in message
    assert "micrograd-chain-rule" in message
    assert "environment" in message
    write_record(other, "micrograd", "0.1.0", [f"micrograd/{name}" for name in FOREIGN])
    message = message_of(imported(other, site, code=code))
    assert "installed by micrograd 0.1.0: " in message
    assert "(pip uninstall micrograd)" in message


def test_a_file_called_micrograd_is_named(site: Path) -> None:
    other = site.parent / "other"
    other.mkdir()
    (other / "micrograd.py").write_text("class Value:\n    pass\n")
    assert f"{other / 'micrograd.py'} has no" in message_of(imported(other, site))


@pytest.mark.parametrize("names", SOME, ids="+".join)
def test_files_of_another_micrograd_over_ours_are_named(site: Path, names: list[str]) -> None:
    write_foreign(site, names)
    write_record(site, "micrograd", "0.1.0", [f"micrograd/{name}" for name in FOREIGN])
    # A distribution that has nothing to do with it, but a file in the same folder.
    write_record(site, "micrograd-extras", "2.0", ["micrograd/extras.py"])
    for code in ("import viz", "import viz.draw"):
        message = message_of(imported(site, code=code))
        assert any(f"{site / 'micrograd' / name} has no" in message for name in names)
        assert "installed by micrograd 0.1.0: " in message
        assert "extras" not in message


@pytest.mark.parametrize("names", SOME, ids="+".join)
def test_what_uninstalling_another_micrograd_leaves_of_ours_is_said(
    site: Path, names: list[str]
) -> None:
    for name in names:
        (site / "micrograd" / name).unlink()
    message = message_of(imported(site))
    assert any(f"{site / 'micrograd'} has no {name}" in message for name in names)
    assert "Uninstall it" not in message
    assert "micrograd-chain-rule" in message


def test_ours_says_nothing_whoever_else_claims_its_files(site: Path) -> None:
    write_record(site, "micrograd", "0.1.0", [f"micrograd/{name}" for name in FOREIGN])
    for code in [*CODES, "import micrograd, viz"]:
        assert imported(site, code=code) == ""


def test_errors_of_another_kind_stay_what_they_are(site: Path) -> None:
    def said() -> str:
        return imported(site).splitlines()[-1]

    folder = site / "micrograd"
    (folder / "graph.py").write_text("import a_package_that_is_missing\n")
    assert said() == "ModuleNotFoundError: No module named 'a_package_that_is_missing'"
    (folder / "graph.py").write_text("from micrograd.files import no_such_name\n")
    assert said().startswith(
        "ImportError: cannot import name 'no_such_name' from 'micrograd.files'"
    )
    shutil.copy(TOP / "micrograd" / "graph.py", folder / "graph.py")
    (folder / "checking.py").write_text("from micrograd.engine import no_such_name\n")
    assert said().startswith("ImportError: cannot import name 'no_such_name' from 'micrograd.eng")
    shutil.rmtree(folder)
    assert said() == "ModuleNotFoundError: No module named 'micrograd'"


def test_what_ours_is_known_by_is_public() -> None:
    assert origin.KNOWN_BY["micrograd.engine"] in engine.__all__
    assert not any(name.startswith("_") for name in origin.KNOWN_BY.values())
    assert callable(getattr(nn, origin.KNOWN_BY["micrograd.nn"]))
