"""atomic_write: the old file or the new one, never half of one."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import platform
import re
import socket
import stat
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from micrograd.files import atomic_write

posix = pytest.mark.skipif(os.name != "posix", reason="so it is on POSIX")


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


# Links: the file behind them is replaced, they themselves stay.


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """A link to a link to elsewhere/x.bin, which is not there yet."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "second").symlink_to("x.bin")
    (tmp_path / "first").symlink_to(Path("elsewhere", "second"))
    return tmp_path / "first"


@posix
@pytest.mark.parametrize("old", [b"old", None])
def test_a_link_stays_a_link(link: Path, old: bytes | None) -> None:
    file_behind = link.parent / "elsewhere" / "x.bin"
    if old is not None:
        file_behind.write_bytes(old)
    with atomic_write(link) as file:
        file.write(b"new")
    assert file_behind.read_bytes() == b"new"
    assert not file_behind.is_symlink()
    assert os.readlink(link) == os.path.join("elsewhere", "second")
    assert names(link.parent) == ["elsewhere", "first"]
    assert names(file_behind.parent) == ["second", "x.bin"]


@posix
def test_links_that_go_in_a_circle_are_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert_refused(tmp_path / "a", errno.ELOOP)
    assert names(tmp_path) == ["a", "b"]


def assert_refused(path: str | bytes | Path, why: int) -> None:
    """Refused before anything is written, with an error that names the path as it was given."""
    with pytest.raises(OSError, match=re.escape(os.strerror(why))) as caught, atomic_write(path):
        pytest.fail("the block was entered")
    assert (caught.value.errno, caught.value.filename) == (why, os.fsdecode(path))


# What is no regular file is written to, and never replaced.


def received(path: Path, write: Callable[[], None]) -> bytes:
    """What arrives at the other end of a named pipe."""
    arrived: list[bytes] = []
    reader = threading.Thread(target=lambda: arrived.append(path.read_bytes()), daemon=True)
    reader.start()
    write()
    if not stat.S_ISFIFO(path.stat().st_mode):
        pytest.fail("the pipe was replaced")  # its reader waits for ever
    reader.join()
    return arrived[0]


@posix
@pytest.mark.parametrize("behind_a_link", [False, True])
def test_a_pipe_stays_a_pipe(tmp_path: Path, behind_a_link: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("pipe")
    content = os.urandom(1 << 20)  # more than a pipe holds

    def write() -> None:
        with atomic_write(tmp_path / "link" if behind_a_link else pipe) as file:
            file.write(content)

    assert received(pipe, write) == content
    assert names(tmp_path) == ["link", "pipe"]


@posix
def test_a_device_stays_a_device() -> None:
    ours, theirs = os.openpty()
    try:
        path = Path(os.ttyname(theirs))
        with atomic_write(path) as file:
            file.write(b"shown")
        assert os.read(ours, 100) == b"shown"
        assert stat.S_ISCHR(path.stat().st_mode)
    finally:
        os.close(ours)
        os.close(theirs)


@posix
def test_a_socket_is_an_os_error_and_stays_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with contextlib.chdir(tmp_path), socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")  # (a long path is too long for it)
        with pytest.raises(OSError, match="socket") as caught, atomic_write(path) as file:
            file.write(b"x")
    assert caught.value.filename == str(path)
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert names(tmp_path) == ["socket"]


@posix
def test_nothing_of_a_failing_block_reaches_a_device() -> None:
    ours, theirs = os.openpty()

    def write() -> None:
        with atomic_write(os.ttyname(theirs)) as file:
            file.write(b"half")
            raise RuntimeError("on the way")

    try:
        with pytest.raises(RuntimeError):
            write()
        os.write(theirs, b"after")
        assert os.read(ours, 100) == b"after"
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A device that is always full; not the machine's own, which would be in danger."""
    path = tmp_path / "full"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        path.open("wb").close()
    except (AttributeError, OSError):
        pytest.skip("only the administrator can make a device, and not everywhere")
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="the device is Linux's")
def test_a_device_that_is_full_is_an_os_error_that_names_it(full: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, atomic_write(full) as file:
        file.write(b"x")
    assert caught.value.filename == str(full)
    assert stat.S_ISCHR(full.stat().st_mode)


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link", "2nd"])
def test_standard_output_that_goes_into_a_file_goes_on(tmp_path: Path, name: str) -> None:
    if not os.path.exists(os.path.dirname(name) or "."):
        pytest.skip("there is no such folder here")
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "2nd").symlink_to("link")
    program = (
        "import os, sys\n"
        "from micrograd.files import atomic_write\n"
        "os.write(1, b'before, ')\n"
        "with atomic_write(sys.argv[1]) as file: file.write(b'written, ')\n"
        "os.write(1, b'after')\n"
    )
    out = tmp_path / "out"
    with out.open("wb") as file:
        run(program, str(tmp_path / name), stdout=file)
    assert out.read_bytes() == b"before, written, after"
    assert names(tmp_path) == ["2nd", "link", "out"]


def run(program: str, *arguments: str, **options: Any) -> None:
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, **options)


# What cannot be written is an error that names the path as it was given.


def test_a_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    assert_refused(tmp_path, errno.EISDIR)
    assert names(tmp_path) == []


def test_a_file_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(OSError, match="x") as caught, atomic_write(tmp_path / "x" / "y"):
        pytest.fail("the block was entered")
    assert caught.value.filename == str(tmp_path / "x" / "y")


@posix
@pytest.mark.parametrize("name", ["", "new/", "missing/new/"])
def test_a_name_of_no_file_is_an_os_error(tmp_path: Path, name: str) -> None:
    with contextlib.chdir(tmp_path):
        assert_refused(name, errno.ENOENT)
    assert names(tmp_path) == []


@posix
def test_a_name_that_is_too_long_is_an_os_error_and_a_long_one_is_none(tmp_path: Path) -> None:
    assert_refused(tmp_path / ("x" * 300), errno.ENAMETOOLONG)
    with atomic_write(tmp_path / ("x" * 255)) as file:
        file.write(b"x")
    assert names(tmp_path) == ["x" * 255]


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_a_value_error_that_shows_it(
    tmp_path: Path, name: str
) -> None:
    shown = re.escape(repr(name)[1:-1])
    with (
        pytest.raises(ValueError, match=f"the name of a file, got .*{shown}"),
        atomic_write(tmp_path / name),
    ):
        pytest.fail("the block was entered")
    assert names(tmp_path) == []


def test_a_path_may_be_bytes_and_nothing_that_is_no_path(tmp_path: Path) -> None:
    with atomic_write(os.fsencode(tmp_path / "x")) as file:
        file.write(b"x")
    assert names(tmp_path) == ["x"]
    for wrong in None, 3, io.BytesIO():
        with pytest.raises(TypeError, match=type(wrong).__name__), atomic_write(wrong):  # type: ignore[arg-type]
            pytest.fail("the block was entered")


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is Linux's")
@pytest.mark.parametrize("folder", ["/proc/self", "/sys", "/dev/fd"])
def test_a_folder_that_takes_no_files_is_named_and_no_hidden_file_is(folder: str) -> None:
    # Not even the administrator can write there.
    with (
        pytest.raises(OSError, match=f"'{folder}/x.bin'$") as caught,
        atomic_write(f"{folder}/x.bin") as file,
    ):
        file.write(b"x")
    assert caught.value.filename == f"{folder}/x.bin"
    shown = "".join(traceback.format_exception(caught.value))
    assert ".tmp" not in shown


@posix
def test_the_first_error_is_the_one_that_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when the folder becomes read-only half-way: then nothing can be removed either.
    def fail(path: Any, *_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "unlink", fail)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught, atomic_write(path) as file:
        file.write(b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="of no administrator")
def test_a_folder_and_a_file_that_are_read_only_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    path.chmod(0o444)
    assert_refused(path, errno.EACCES)
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    try:
        for one in path, tmp_path / "new.bin":
            with pytest.raises(PermissionError) as caught, atomic_write(one) as file:
                file.write(b"new")
            assert caught.value.filename == str(one)
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x.bin"]


@posix
def test_a_disk_that_is_full_keeps_what_was_there(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # a limit is a small disk
    try:
        with pytest.raises(OSError, match="too large") as caught, atomic_write(path) as file:
            file.write(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x.bin"]


# Permissions while it is written, and the owner.


@posix
@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o777])
def test_nobody_reads_a_new_file_who_could_not_read_the_old_one(
    tmp_path: Path, permissions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(permissions)
    chmod = os.chmod
    found: list[int] = []

    def watched(temporary: str, permissions: int) -> None:
        found.append(mode(Path(temporary)))  # who opens it now can read it later
        chmod(temporary, permissions)

    monkeypatch.setattr(os, "chmod", watched)
    monkeypatch.setattr(os, "fsync", lambda number: found.append(os.fstat(number).st_mode & 0o777))
    with atomic_write(path) as file:
        file.write(b"new")
    assert found == [0o600, permissions]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="of the administrator")
def test_a_file_of_somebody_else_stays_theirs(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    path.chmod(0o640)
    with atomic_write(path) as file:
        file.write(b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o640)


# What a killed process has left behind.

WRITING = """
import os, sys
from micrograd.files import atomic_write

def waiting(_):
    print("written", flush=True)
    input()

os.fsync = waiting
with atomic_write(sys.argv[1]) as file:
    file.write(b"of the other process")
"""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has written its file and has not yet given it its name."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITING, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        try:
            yield process
        finally:
            process.kill()


def write(path: Path, content: bytes) -> None:
    with atomic_write(path) as file:
        file.write(content)


@posix
def test_what_a_killed_process_left_is_removed_by_the_next_write_of_that_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    for _ in range(3):  # nothing piles up
        with writing(path):
            assert len(names(tmp_path)) == 2
        assert path.read_bytes() == b"old"
    left = names(tmp_path)[0]
    assert left.startswith(".micrograd-")
    assert left.endswith(".tmp")
    write(tmp_path / "y.bin", b"another file")
    assert names(tmp_path) == [left, "x.bin", "y.bin"]
    (tmp_path / f"{left}.tmp").symlink_to("y.bin")  # no file that anybody was writing
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == [f"{left}.tmp", "x.bin", "y.bin"]


@posix
def test_a_process_that_is_still_writing_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    with writing(path) as process:
        write(path, b"ours")
        assert len(names(tmp_path)) == 2
        process.communicate("go on")
        assert process.returncode == 0
    assert path.read_bytes() == b"of the other process"
    assert names(tmp_path) == ["x.bin"]


def test_a_thread_that_is_still_writing_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.bin"

    def meanwhile(_: int) -> None:
        monkeypatch.setattr(os, "fsync", lambda _: None)
        write(path, b"second")

    monkeypatch.setattr(os, "fsync", meanwhile)
    write(path, b"first")
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["x.bin"]


@posix
def test_a_file_that_is_taken_for_one_left_behind_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is there before it is locked: in between somebody may lock and remove it.
    import fcntl

    path, lock, calls = tmp_path / "x.bin", fcntl.flock, []

    def too_late(file: Any, flags: int) -> None:
        calls.append(file)
        if len(calls) <= 2:
            (tmp_path / names(tmp_path)[0]).unlink()
        if len(calls) == 2:
            raise BlockingIOError(errno.EWOULDBLOCK, "locked")
        lock(file, flags)

    monkeypatch.setattr(fcntl, "flock", too_late)
    write(path, b"new")
    assert len(calls) == 3
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["x.bin"]


@posix
def test_where_files_cannot_be_locked_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def cannot(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    path = tmp_path / "x.bin"
    with writing(path):
        pass
    before = names(tmp_path)
    monkeypatch.setattr(fcntl, "flock", cannot)
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == [*before, "x.bin"]


def test_a_folder_that_cannot_be_listed_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(path: str) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", cannot)
        write(tmp_path / "x.bin", b"new")
    assert names(tmp_path) == ["x.bin"]


@posix
def test_what_another_machine_writes_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It may share the folder and not the locks.
    path = tmp_path / "x.bin"
    with writing(path):
        pass
    before = names(tmp_path)
    monkeypatch.setattr(platform, "node", lambda: "another")
    write(path, b"new")
    assert names(tmp_path) == [*before, "x.bin"]
