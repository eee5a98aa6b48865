"""atomic_write: the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

import pytest

from micrograd.files import atomic_write


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("as_string", [True, False])
def test_a_new_file_is_there_when_the_block_ends(tmp_path: Path, as_string: bool) -> None:
    path = tmp_path / "x.bin"
    with atomic_write(str(path) if as_string else path) as file:
        file.write(b"whole")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert names(tmp_path) == ["x.bin"]


def test_a_file_that_was_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"a much longer old one")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"a much longer old one"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["x.bin"]


def test_a_reader_of_the_old_file_keeps_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        with atomic_write(path) as file:
            file.write(b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_failure_in_the_block_keeps_what_was_there(
    tmp_path: Path, error: type[BaseException], old: bytes | None
) -> None:
    path = tmp_path / "x.bin"
    if old is not None:
        path.write_bytes(old)
    before = names(tmp_path)

    def write() -> None:
        with atomic_write(path) as file:
            file.write(b"half")
            raise error("on the way")

    with pytest.raises(error):
        write()
    assert names(tmp_path) == before
    if old is not None:
        assert path.read_bytes() == old


@pytest.mark.parametrize("function", ["fsync", "replace", "chmod"])
def test_a_failure_of_the_system_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="disk is full"), atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x.bin"]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "x.bin"
    with pytest.raises(FileNotFoundError) as caught, atomic_write(path):
        pytest.fail("the block was entered")
    assert caught.value.filename == str(path)
    assert names(tmp_path) == []


def test_a_folder_cannot_be_written_over(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(OSError, match="folder") as caught,
        atomic_write(tmp_path / "folder") as file,
    ):
        file.write(b"x")
    assert ".tmp" not in str(caught.value)
    assert names(tmp_path) == ["folder"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


posix = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_that_open_would_give_it(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with atomic_write(tmp_path / "x") as file:
            file.write(b"x")
        (tmp_path / "plain").write_bytes(b"x")
        assert mode(tmp_path / "x") == mode(tmp_path / "plain") == 0o666 & ~mask
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


@posix
@pytest.mark.parametrize("permissions", [0o600, 0o644, 0o664, 0o755])
def test_a_file_that_was_there_keeps_its_permissions(tmp_path: Path, permissions: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(permissions)
    with atomic_write(path) as file:
        file.write(b"new")
    assert mode(path) == permissions


def test_a_bare_name_is_written_to_the_current_folder(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path), atomic_write("x.bin") as file:
        file.write(b"here")
    assert (tmp_path / "x.bin").read_bytes() == b"here"
    assert names(tmp_path) == ["x.bin"]


def test_two_writers_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write(b"first" * 1000)
        second.write(b"second" * 1000)
    assert path.read_bytes() == b"first" * 1000  # the one that was closed last
    assert names(tmp_path) == ["x.bin"]
