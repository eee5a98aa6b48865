"""Run a lesson's demo, and see what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest


def run(demo: object, folder: Path, capsys: pytest.CaptureFixture[str], *pictures: str) -> str:
    """Run a demo; see that it writes these pictures and nothing else; return what it prints."""
    demo.main(["--out", str(folder)])
    printed = capsys.readouterr().out
    assert sorted(p.name for p in folder.iterdir()) == sorted([demo.PICTURE, *pictures])
    for picture in folder.iterdir():
        assert picture.read_bytes().startswith(b"<?xml")
        assert f"picture: {picture}" in printed
    return printed
