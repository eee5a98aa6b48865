"""Compile C, and call it with arrays."""

from __future__ import annotations

import _ctypes
import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_FLAGS: Final = (
    "-std=gnu11 -O3 -fopenmp-simd -ffp-contract=off -fno-math-errno -fno-trapping-math "
    "-shared -fPIC"
)
_Start: Final = ctypes.c_char * 0
_PROCESSOR: Final = ("-march=native", "-mcpu=native", "")  # the first that the compiler takes


def compiler() -> list[str] | None:
    """The command of the C compiler: what CC says, or cc, gcc or clang; None if there is none."""
    own = os.environ.get("CC", "").strip()
    for command in _commands(own) if own else [["cc"], ["gcc"], ["clang"]]:
        path = shutil.which(command[0])
        if path is not None:
            return [path, *command[1:]]
    return None


def _commands(text: str) -> list[list[str]]:
    """A path that may have spaces in it; or a program with options, in quotes perhaps."""
    try:
        return [[text], shlex.split(text)]
    except ValueError:  # a quote is not closed
        return [[text]]


def load(source: str) -> ctypes.CDLL:
    """Compile C to a library and load it.

    It is let go when nothing of it is in use any more.

    Raises:
        RuntimeError: if there is no compiler, or it fails, or what it makes cannot be loaded;
            or there is no room for files.
    """
    command = compiler()
    if command is None:
        own = os.environ.get("CC")
        found = f"CC is {own!r}, which is not there" if own else "there is none"
        raise _error(f"expected a C compiler as CC, cc, gcc or clang; {found}")
    try:
        return _compiled(command, source)
    except OSError as error:
        raise _error(f"the files of the compiler cannot be written: {error}") from error


def _compiled(command: list[str], source: str) -> ctypes.CDLL:
    # Once it is loaded the file can go, but on Windows.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        text, library = Path(folder, "program.c"), Path(folder, "program.so")
        text.write_text(source, encoding="utf-8")
        for processor in _PROCESSOR:
            flags = f"{_FLAGS} {processor}".split()
            try:
                done = subprocess.run(  # noqa: S603 (the user's own compiler)
                    [*command, *flags, str(text), "-o", str(library), "-lm"],
                    capture_output=True,
                    encoding="utf-8",
                    errors="replace",
                    check=False,
                )
            except OSError as error:
                raise _error(f"{command[0]} cannot be run: {error}") from error
            of_processor = "-m" in done.stderr or "CPU" in done.stderr
            if done.returncode == 0 or not of_processor:
                break
        if done.returncode:
            why = done.stderr.strip()[-500:] or f"exit status {done.returncode}"
            raise _error(f"{command[0]} failed: {why}")
        try:
            loaded = ctypes.CDLL(str(library))
        except OSError as error:
            raise _error(f"what {command[0]} has made cannot be loaded: {error}") from error
        weakref.finalize(loaded, _close, loaded._handle).atexit = False
        return loaded


def _close(handle: int) -> None:
    """Let a library go, where Python knows how."""
    if hasattr(_ctypes, "dlclose"):  # not on Windows
        _ctypes.dlclose(handle)


def _error(what: str) -> RuntimeError:
    return RuntimeError(f"Program.compile: {what}. The program still runs with NumPy")


def function(
    library: ctypes.CDLL,
    name: str,
    samples: int | None,
    results: Sequence[tuple[int | str, ...]],
    dtype: Any,
) -> Callable[..., Any]:
    """A function of the library, to be called with arrays of the program's type.

    Arguments:
        library: has it.
        name: of it.
        samples: which argument has a row for each sample; None if none has.
        results: the shapes of what it gives.
        dtype: of all arrays.
    """
    call, kind = library[name], np.dtype(dtype)  # as an attribute it would keep the library
    call.restype = ctypes.c_int

    def run(*arrays: Array) -> Any:
        n = 1 if samples is None else len(arrays[samples])
        given = [a if a.flags.c_contiguous and a.flags.aligned else _plain(a) for a in arrays]
        out = [np.empty([n if isinstance(s, str) else s for s in shape], kind) for shape in results]
        if call(ctypes.c_ssize_t(n), _addresses(given), _addresses(out)):
            raise MemoryError(f"Program.{name}: no memory for {n} samples")
        return out[0] if len(out) == 1 else tuple(out)

    return run


def _plain(array: Array) -> Array:
    return np.require(array, requirements=["C", "A"])


def _addresses(arrays: Sequence[Any]) -> Any:
    """Where arrays are, for a call."""
    return (ctypes.c_void_p * len(arrays))(*map(_address, arrays))


def _address(array: Any) -> int:
    try:
        # In a third of the time that `ctypes.data` takes.
        return ctypes.addressof(_Start.from_buffer(array))
    except (TypeError, ValueError):  # it is read-only
        return int(array.ctypes.data)
