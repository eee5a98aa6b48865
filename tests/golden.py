"""Golden files: text that is compared letter by letter."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def compare(name: str, text: str, update: bool) -> None:
    """Compare text with a golden file, or write the file anew."""
    path = FOLDER / name
    if update:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")
