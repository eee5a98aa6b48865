"""See that the micrograd that is imported is this project's; imported before the rest of viz.

Others have written packages called micrograd, after the same lesson; the one on
the package index has three files that are called as three of ours. Installed
beside ours it hides ours, or replaces those three, and takes them along when it
goes. Then an import fails somewhere, with a name that tells nobody why.
"""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

OURS: Final = "micrograd-chain-rule"

# Of each module that another micrograd may have, too, a name that only ours has.
KNOWN_BY: Final = {
    "micrograd": "Primitive",
    "micrograd.engine": "topological_order",
    "micrograd.nn": "xavier",
}


def check() -> None:
    """See that it is.

    Raises:
        ImportError: if it is another one, or in part, or lacks a part; it says which, who
            installed it, and what to do.
    """
    for module in KNOWN_BY:
        stranger = _stranger(module)
        if stranger:
            raise ImportError(_message(stranger), name="micrograd")


def _stranger(module: str) -> str:
    """That module, or one it imports, if it is not ours; "" if all is well."""
    try:
        import_module(module)
    except ImportError as error:
        name = error.name or ""
        if name not in KNOWN_BY or _is_ours(name) or find_spec("micrograd") is None:
            raise
        return name
    return "" if _is_ours(module) else module


def _is_ours(module: str) -> bool:
    return hasattr(sys.modules.get(module), KNOWN_BY[module])


def _message(stranger: str) -> str:
    """What is in the way, and what to do about it."""
    path = getattr(sys.modules.get(stranger), "__file__", None)
    again = f"install this project's distribution, {OURS}, again (pip install --force-reinstall)"
    if path is None:
        spec = find_spec("micrograd")
        folder = next(iter(spec.submodule_search_locations or ()), "") if spec else ""
        file = "__init__.py" if stranger == "micrograd" else f"{stranger.rpartition('.')[2]}.py"
        return (
            f"viz needs all of this project's micrograd, and {folder} has no {file}. So it is "
            "when another package called micrograd, with files of the same names, has been "
            f"uninstalled: {again}"
        )
    found = _installers(path)
    by = "".join(f", installed by {name} {version}" for name, version in found)
    names = " ".join(name for name, _ in found)
    how = f"Uninstall it (pip uninstall {names})" if found else "Remove or rename it"
    return (
        f"viz needs this project's micrograd, and another package of that name is in the way{by}: "
        f"{path} has no {KNOWN_BY[stranger]}. {how} and {again}; or keep the two apart, each in an "
        "environment or a folder of its own"
    )


def _installers(path: str) -> list[tuple[str, str]]:
    """The distributions, with their versions, that have installed that file; ours aside."""
    out = []
    for name in sorted({*metadata.packages_distributions().get("micrograd", ())} - {OURS}):
        distribution = metadata.distribution(name)
        files = (Path(str(file.locate())).resolve() for file in distribution.files or ())
        if Path(path).resolve() in files:
            out.append((name, distribution.version))
    return out


check()
