"""Write files so that a reader sees the old one or the new one, never half of one.

The new one is written beside the old one, under a hidden name, and then takes its name. A
process that is killed meanwhile leaves the hidden file behind; the next write of that file
removes it. It knows by a lock, which ends with its process: a process's number would be given
out again, and says nothing in another container.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import platform
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import IO

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: there nothing that was left behind is removed
    fcntl = None


@contextmanager
def atomic_write(path: str | bytes | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a binary file that is written when the block has ended: whole or not at all.

    Until then it is in memory. A link stays one, and what it leads to is replaced; a file that
    is replaced keeps its permissions, and its owner where that is allowed. What is no regular
    file, such as a device, a pipe or /dev/stdout, is written to.

    Arguments:
        path: the final name; what is there is kept if the block raises.

    Raises:
        OSError: if it cannot be written: a folder that is missing or takes no files, a file
            that is read-only, a disk that is full. It names the path as given.
        ValueError: if no file can have that name.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "x.txt"
    >>> with atomic_write(path) as file:
    ...     _ = file.write(b"whole")
    >>> path.read_bytes(), len(list(path.parent.iterdir()))
    (b'whole', 1)
    >>> folder.cleanup()
    """
    name = os.fsdecode(path)
    with _named(name):
        old = _there(name)
        number = _descriptor(name)
        replaced = number is None and (old is None or stat.S_ISREG(old.st_mode))
        target = os.path.realpath(name)
        if replaced and old is None:
            os.stat(os.path.dirname(target))
        elif replaced:
            os.close(os.open(target, os.O_WRONLY))  # as who opens it for writing is refused
    content = io.BytesIO()
    yield content
    with _named(name):
        if replaced:
            _replace(target, old, content.getbuffer())
        else:
            to = os.open(name, os.O_WRONLY) if number is None else os.dup(number)
            with open(to, "wb") as file:
                file.write(content.getbuffer())


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Let errors name this path: the caller knows of no other."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, path) from None


def _there(path: str) -> os.stat_result | None:
    """What is there, which is no folder; None if nothing is."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if not os.path.basename(path):  # "", or "new/"
            raise
        return None
    except ValueError as error:
        raise ValueError(f"expected the name of a file, got {path!r}: {error}") from None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return found


def _descriptor(path: str) -> int | None:
    """The number of the open file that the path stands for, as /dev/stdout and /dev/fd/3 do.

    Opened by that name, a file would be written from its start, and replaced it would be gone
    for whoever has it open.
    """
    for _ in range(40):
        folder, name = os.path.split(path)
        folder = os.path.realpath(folder)
        if folder == os.path.realpath("/dev/fd") and re.fullmatch("[0-9]+", name):
            return int(name)
        path = os.path.join(folder, name)
        if not os.path.islink(path):
            break
        path = os.path.join(folder, os.readlink(path))
    return None


def _replace(target: str, old: os.stat_result | None, content: memoryview) -> None:
    """Write a file beside the target and let it take its place."""
    folder, name = os.path.split(target)
    # Another machine may share the folder and not the locks, so its files have other names.
    whose = hashlib.sha256(os.fsencode(f"{platform.node()}/{name}")).hexdigest()[:16]
    start = f".micrograd-{whose}-"
    _remove_left_behind(folder, start)
    temporary, number = _locked(os.path.join(folder, start), 0o666 if old is None else 0o600)
    try:
        with open(number, "wb") as file:
            if old is not None:  # before there is anything to read in it
                if hasattr(os, "chown"):
                    with contextlib.suppress(OSError):  # only the administrator gives files away
                        os.chown(temporary, old.st_uid, old.st_gid)
                os.chmod(temporary, old.st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(number)
            if fcntl is None:
                file.close()  # Windows renames no open file
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _locked(start: str, permissions: int) -> tuple[str, int]:
    """Make a file whose name starts so; it is locked as long as it is open."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        path = f"{start}{secrets.token_hex(8)}.tmp"
        number = os.open(path, flags, permissions)
        try:
            if fcntl is not None:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody has taken it for one left behind
            pass
        except OSError:
            return path, number  # no locks here
        else:
            if os.path.lexists(path):
                return path, number
        os.close(number)


def _remove_left_behind(folder: str, start: str) -> None:
    """Remove the files that start so and that nobody is writing, as far as that is allowed."""
    if fcntl is None:
        return
    left: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.startswith(start)]
        left = [entry.path for entry in found if entry.is_file(follow_symlinks=False)]
    for path in left:
        # "r+b": across a network, only what is open for writing can be locked.
        with contextlib.suppress(OSError), open(path, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
