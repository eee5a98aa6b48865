"""The rooms and the way through them: imports point one way."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent

# Each room may use those before it in this list.
ROOMS = [
    [
        "micrograd.primitive",
        "micrograd.files",
        "micrograd.collector",
        "micrograd.graph",
        "micrograd.text",
    ],
    ["micrograd.declaration"],
    [
        "micrograd.ops",
        "micrograd.modes",
        "micrograd.hooks",
        "micrograd.comparisons",
        "micrograd.trials",
        "micrograd.inits",
    ],
    ["micrograd.symbols", "micrograd.pickling", "micrograd.hooked"],
    ["micrograd.formulas"],
    ["micrograd.generate"],
    ["micrograd.value"],
    ["micrograd.engine", "micrograd.several"],
    ["micrograd.storage"],
    ["micrograd.nn", "micrograd.checking", "micrograd.optim", "micrograd.data"],
    ["micrograd.losses"],
    ["micrograd.program.terms", "micrograd.program.views", "micrograd.program.naming"],
    ["micrograd.program.functions", "micrograd.program.comparing", "micrograd.program.tables"],
    ["micrograd.program.form", "micrograd.program.text"],
    ["micrograd.program.groups", "micrograd.program.passes"],
    ["micrograd.program.transpose", "micrograd.program.as_numpy"],
    ["micrograd.program.as_jax"],
    ["micrograd.program.listing"],
    ["micrograd.native.scalars", "micrograd.native.loops", "micrograd.native.library"],
    ["micrograd.native.as_c"],
    ["micrograd.native"],
    ["micrograd.program.program"],
    ["micrograd.program"],
    ["micrograd"],
    ["viz.origin"],
    ["viz.formula", "viz.numbers", "viz.render", "viz.style", "viz.language"],
    ["viz.labels"],
    ["viz.mathtext"],
    ["viz.markup"],
    ["viz.names", "viz.paths"],
    ["viz.derivation", "viz.mistakes"],
    ["viz.picture"],
    ["viz.layout"],
    ["viz.arrowlabels", "viz.svg"],
    ["viz.dot"],
    ["viz.draw", "viz.explain", "viz.javascript"],
    ["viz.pagedata"],
    ["viz.page"],
    ["viz"],
    ["viz.expression"],
    ["viz.__main__"],
    ["demos"],
]


def room(module: str) -> int:
    """The index of a module's room."""
    for i, modules in enumerate(ROOMS):
        if module in modules:
            return i
    if module.startswith("demos"):
        return len(ROOMS) - 1
    raise AssertionError(f"{module} is in no room; give it one in this test")


def imports(path: Path) -> list[str]:
    """The project's own modules that a file imports, at any place in it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [
                n if (TOP / (n.replace(".", "/") + ".py")).exists() else node.module for n in names
            ]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return [name for name in found if name.split(".")[0] in ("micrograd", "viz", "demos", "tests")]


SOURCES = sorted(
    p for folder in ("micrograd", "viz", "demos") for p in (TOP / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(TOP)))
def test_imports_point_one_way(path: Path) -> None:
    module = str(path.relative_to(TOP).with_suffix("")).replace("/", ".")
    module = module.removesuffix(".__init__")
    for imported in imports(path):
        if module.startswith("demos"):
            # The benchmark is a tool: what it measures with is no lesson.
            allowed = "tests.race" if module == "demos.benchmark" else "demos"
            assert imported.startswith(allowed) or not imported.startswith("tests")
        else:
            assert room(imported) < room(module), f"{module} imports {imported}"


@pytest.mark.parametrize("path", sorted((TOP / "viz").rglob("*.py")), ids=lambda p: p.name)
def test_viz_uses_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr):
            assert isinstance(node.value, ast.Name), ast.unparse(node)
            assert node.value.id == "self", ast.unparse(node)
