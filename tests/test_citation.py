"""CITATION.cff says of the project what pyproject.toml says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
CITATION = (TOP / "CITATION.cff").read_text(encoding="utf-8")


def fields(text: str) -> dict[str, Any]:
    """The fields of the file: a text each, or a list of the texts of its items."""
    found: dict[str, Any] = {}
    name = ""
    for line in text.splitlines():
        field = re.fullmatch(r"([a-z-]+):(?: (.+))?", line)
        item = re.fullmatch(r"  - (?:name: )?(.+)", line)
        if field:
            name = field[1]
            assert name not in found, f"{name} twice"
            found[name] = plain(field[2]) if field[2] else []
        else:
            assert item, f"no field and no item: {line!r}"
            assert isinstance(found.get(name), list), f"an item of no list: {line!r}"
            found[name].append(plain(item[1]))
    return found


def plain(text: str) -> str:
    """A text without its quotation marks. Without them it may hold nothing that YAML reads."""
    if quoted := re.fullmatch(r'"([^"\\]*)"', text):
        return quoted[1]
    assert not re.search(r": | #|^[^\w]", text), f"to be put in quotation marks: {text}"
    return text


def compare(text: str) -> None:
    """Fail where the file says something else than pyproject.toml."""
    said, project = fields(text), PYPROJECT["project"]
    assert said["cff-version"] == "1.2.0"
    assert said["type"] == "software"
    assert said["message"]
    assert said["title"] == project["name"]
    assert said["version"] == project["version"]
    assert said["license"] == project["license"]
    assert said["abstract"] == project["description"]
    assert said["keywords"] == project["keywords"]
    assert said["authors"] == [author["name"] for author in project["authors"]]


def test_the_citation_says_what_the_project_says() -> None:
    compare(CITATION)


@pytest.mark.parametrize("name", fields(CITATION))
def test_a_field_that_says_something_else_is_found(name: str) -> None:
    other = re.sub(rf"(?m)^{name}:.*", f"{name}: something else", CITATION)
    if name != "message":
        with pytest.raises(AssertionError):
            compare(other)
    with pytest.raises((AssertionError, KeyError)):
        compare(re.sub(rf"(?m)^{name}:.*\n(  - .*\n)*", "", CITATION))


def test_the_citation_is_part_of_the_source_distribution() -> None:
    sdist = PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]
    assert "/CITATION.cff" in sdist["include"]


def test_every_address_says_what_it_is_of() -> None:
    """Only what is true: the project has no home of its own to name."""
    assert PYPROJECT["project"]["urls"] == {
        "Compatible with micrograd": "https://github.com/karpathy/micrograd"
    }
