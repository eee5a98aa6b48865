"""Compile C, and call it with arrays."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_FLAGS: Final = "-std=gnu11 -O3 -fopenmp-simd -fno-math-errno -fno-trapping-math -shared -fPIC"
_PROCESSOR: Final = ("-march=native", "-mcpu=native", "")  # the first that the compiler takes


def compiler() -> list[str] | None:
    """The command of the C compiler: what CC says, or cc, gcc or clang; None if there is none."""
    own = shlex.split(os.environ.get("CC", ""))
    for command in [own] if own else [["cc"], ["gcc"], ["clang"]]:
        path = shutil.which(command[0])
        if path is not None:
            return [path, *command[1:]]
    return None


def load(source: str) -> ctypes.CDLL:
    """Compile C to a library and load it.

    Raises:
        RuntimeError: if there is no compiler, or it fails.
    """
    command = compiler()
    if command is None:
        raise RuntimeError("Program.compile: expected a C compiler (CC, cc, gcc or clang)")
    # Once it is loaded the file can go, but on Windows.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        text, library = Path(folder, "program.c"), Path(folder, "program.so")
        text.write_text(source, encoding="utf-8")
        for processor in _PROCESSOR:
            flags = f"{_FLAGS} {processor}".split()
            done = subprocess.run(  # noqa: S603 (the user's own compiler)
                [*command, *flags, str(text), "-o", str(library), "-lm"],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
            if done.returncode == 0:
                return ctypes.CDLL(str(library))
    raise RuntimeError(f"Program.compile: {command[0]} failed: {done.stderr.strip()[-500:]}")


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
    call, kind = getattr(library, name), np.dtype(dtype)
    call.restype = ctypes.c_int
    long, pointer = ctypes.c_ssize_t, ctypes.c_void_p

    def run(*arrays: Array) -> Any:
        n = 1 if samples is None else len(arrays[samples])
        given = [a if a.flags.c_contiguous and a.flags.aligned else _plain(a) for a in arrays]
        out = [np.empty([n if isinstance(s, str) else s for s in shape], kind) for shape in results]
        places = [pointer(a.__array_interface__["data"][0]) for a in [*given, *out]]
        if call(long(n), *places):
            raise MemoryError(f"Program.{name}: no memory for {n} samples")
        return out[0] if len(out) == 1 else tuple(out)

    return run


def _plain(array: Array) -> Array:
    return np.require(array, requirements=["C", "A"])
