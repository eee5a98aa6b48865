"""Which demos there are and what they say of themselves, read without running them.

>>> [demo.name for demo in catalogue() if demo.name.startswith("chain")]
['chain_rule']
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOOLS: Final = (
    "benchmark",
    "film",
    "gallery",
)  # for who works on the project; the others are lessons


@dataclass(frozen=True)
class Demo:
    """What a demo's source says.

    Attributes:
        name: as in `python -m demos.NAME`.
        line: the first of its docstring.
        picture: the file that the gallery shows; "" for none.
        chinese: the line in Chinese; "" for none.
    """

    name: str
    line: str
    picture: str = ""
    chinese: str = ""


def catalogue(folder: Path = Path(__file__).parent) -> list[Demo]:
    """All demos, by name.

    Arguments:
        folder: where the modules are.

    Returns:
        One entry for each module with a function `main`, `__main__` aside.
    """
    found = []
    for path in sorted(folder.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            continue
        line = (ast.get_docstring(tree) or "").split("\n", maxsplit=1)[0]
        texts = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        picture, chinese = texts.get("PICTURE", ""), texts.get("CHINESE", "")
        found.append(Demo(path.stem, line, picture, chinese))
    return found
